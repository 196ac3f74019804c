//go:build cgo && amd64

package kernel

/*
#cgo CFLAGS: -O3
#cgo noescape mcd_gram_avx2
#cgo nocallback mcd_gram_avx2
#cgo noescape mcd_gram_avx512
#cgo nocallback mcd_gram_avx512
#cgo noescape mcd_gemv_avx2
#cgo nocallback mcd_gemv_avx2
#cgo noescape mcd_gemv_avx512
#cgo nocallback mcd_gemv_avx512
#cgo noescape mcd_gemv_t_avx2
#cgo nocallback mcd_gemv_t_avx2
#cgo noescape mcd_gemv_t_avx512
#cgo nocallback mcd_gemv_t_avx512
#cgo noescape mcd_cholesky_avx2
#cgo nocallback mcd_cholesky_avx2
#cgo noescape mcd_cholesky_avx512
#cgo nocallback mcd_cholesky_avx512
#include "native.h"
void mcd_gram_avx2(int64_t first, int64_t last, int64_t m, int64_t n, const double *a, double *k);
void mcd_gemv_avx2(int64_t first, int64_t last, int64_t n, double alpha, const double *a, const double *x, double *y);
void mcd_gemv_t_avx2(int64_t first, int64_t last, int64_t m, int64_t n, double alpha, const double *a, const double *x, double *y);
int64_t mcd_cholesky_avx2(int64_t m, double *u);
void mcd_gram_avx512(int64_t first, int64_t last, int64_t m, int64_t n, const double *a, double *k);
void mcd_gemv_avx512(int64_t first, int64_t last, int64_t n, double alpha, const double *a, const double *x, double *y);
void mcd_gemv_t_avx512(int64_t first, int64_t last, int64_t m, int64_t n, double alpha, const double *a, const double *x, double *y);
int64_t mcd_cholesky_avx512(int64_t m, double *u);
*/
import "C"

type (
	avx2Dense   struct{}
	avx512Dense struct{}
)

var (
	_ Dense = avx2Dense{}
	_ Dense = avx512Dense{}
)

func acceleratedDenses() (all []Dense) {
	level := C.mcd_kernel_level()
	if level >= 1 {
		all = append(all, avx2Dense{})
	}
	if level >= 2 {
		all = append(all, avx512Dense{})
	}
	return all
}

func (avx2Dense) Name() string   { return "avx2" }
func (avx512Dense) Name() string { return "avx512" }

func (avx2Dense) Gram(first, last, m, n int, a, k []float64) {
	C.mcd_gram_avx2(C.int64_t(first), C.int64_t(last), C.int64_t(m), C.int64_t(n), reals(a), reals(k))
}

func (avx2Dense) Gemv(first, last, n int, alpha float64, a, x, y []float64) {
	C.mcd_gemv_avx2(C.int64_t(first), C.int64_t(last), C.int64_t(n), C.double(alpha), reals(a), reals(x), reals(y))
}

func (avx2Dense) GemvT(first, last, m, n int, alpha float64, a, x, y []float64) {
	C.mcd_gemv_t_avx2(C.int64_t(first), C.int64_t(last), C.int64_t(m), C.int64_t(n), C.double(alpha), reals(a), reals(x), reals(y))
}

func (avx2Dense) Cholesky(m int, a []float64) bool {
	return C.mcd_cholesky_avx2(C.int64_t(m), reals(a)) != 0
}

func (avx512Dense) Gram(first, last, m, n int, a, k []float64) {
	C.mcd_gram_avx512(C.int64_t(first), C.int64_t(last), C.int64_t(m), C.int64_t(n), reals(a), reals(k))
}

func (avx512Dense) Gemv(first, last, n int, alpha float64, a, x, y []float64) {
	C.mcd_gemv_avx512(C.int64_t(first), C.int64_t(last), C.int64_t(n), C.double(alpha), reals(a), reals(x), reals(y))
}

func (avx512Dense) GemvT(first, last, m, n int, alpha float64, a, x, y []float64) {
	C.mcd_gemv_t_avx512(C.int64_t(first), C.int64_t(last), C.int64_t(m), C.int64_t(n), C.double(alpha), reals(a), reals(x), reals(y))
}

func (avx512Dense) Cholesky(m int, a []float64) bool {
	return C.mcd_cholesky_avx512(C.int64_t(m), reals(a)) != 0
}
