//go:build cgo && amd64

package kernel

/*
#cgo CFLAGS: -O3
#include <stdint.h>

#define OPERATIONS(NAME) \
	long NAME(eliminate)(long m, long b, double *u, double *l, double *c, int32_t *pivots, const double *tiny, const int32_t *stop); \
	void NAME(extend)(long n, const int32_t *index, const double *update, long m, long b, double *u, double *l, double *c); \
	void NAME(collect)(long n, const int32_t *target, const double *in, double *out); \
	void NAME(forward)(long m, long b, long n, const double *u, const double *l, const int32_t *pivots, double *x, double *border); \
	void NAME(backward)(long m, long b, long n, const double *u, double *x, const double *border); \
	void NAME(forwardT)(long m, long b, long n, const double *u, double *x, double *border); \
	void NAME(backwardT)(long m, long b, long n, const double *u, const double *l, const int32_t *pivots, double *x, const double *border); \
	void NAME(scatter)(long r, const int32_t *rows, long n, const double *in, double *out); \
	void NAME(residual)(long k, const int32_t *rows, const int32_t *cols, const double *a, long n, const double *x, double *r); \
	void NAME(dot)(long k, const int32_t *rows, const int32_t *cols, long n, const double *chi, const double *psi, double *out); \
	void NAME(dotC)(long k, const int32_t *rows, const int32_t *cols, long n, const double *chi, const double *psi, double *out); \
	void NAME(largest)(long r, long n, const double *x, double *out); \
	void NAME(combine)(long r, long n, const double *x, const double *w, double *out); \
	void NAME(product)(long ni, long nj, long nk, const double *a, const double *b, double *c);

#define AVX2(f) mcd_front_avx2_##f
#define AVX512(f) mcd_front_avx512_##f
OPERATIONS(AVX2)
OPERATIONS(AVX512)
#define SINGLE2(f) mcd_front_single_avx2_##f
#define SINGLE512(f) mcd_front_single_avx512_##f
OPERATIONS(SINGLE2)
OPERATIONS(SINGLE512)

static int frontHasAVX2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static int frontHasAVX512(void) { return __builtin_cpu_supports("avx512f"); }
*/
import "C"

import "unsafe"

func acceleratedFronts() []Front {
	var fronts []Front
	if C.frontHasAVX2() != 0 {
		fronts = append(fronts, avx2Single{}, avx2Front{})
	}
	if C.frontHasAVX512() != 0 {
		fronts = append(fronts, avx512Single{}, avx512Front{})
	}
	return fronts
}

type (
	avx2Front    struct{}
	avx512Front  struct{}
	avx2Single   struct{}
	avx512Single struct{}
)

var (
	_ Front = avx2Front{}
	_ Front = avx512Front{}
	_ Front = avx2Single{}
	_ Front = avx512Single{}
)

func (avx2Front) Name() string   { return "avx2" }
func (avx2Front) Lanes() int     { return 4 }
func (avx512Front) Name() string { return "avx512" }
func (avx512Front) Lanes() int   { return 8 }

func (avx2Single) Name() string   { return "avx2-single" }
func (avx2Single) Lanes() int     { return 1 }
func (avx512Single) Name() string { return "avx512-single" }
func (avx512Single) Lanes() int   { return 1 }

func frontValues(x []float64) *C.double { return (*C.double)(unsafe.Pointer(unsafe.SliceData(x))) }
func frontIndices(x []int32) *C.int32_t { return (*C.int32_t)(unsafe.Pointer(unsafe.SliceData(x))) }

func (avx2Front) Eliminate(m, b int, u, l, c []float64, pivots []int32, tiny []float64, stop *int32) int {
	return int(C.mcd_front_avx2_eliminate(C.long(m), C.long(b), frontValues(u), frontValues(l), frontValues(c), frontIndices(pivots), frontValues(tiny), (*C.int32_t)(stop)))
}

func (avx2Front) Extend(n int, index []int32, update []float64, m, b int, u, l, c []float64) {
	C.mcd_front_avx2_extend(C.long(n), frontIndices(index), frontValues(update), C.long(m), C.long(b), frontValues(u), frontValues(l), frontValues(c))
}

func (avx2Front) Collect(target []int32, in, out []float64) {
	C.mcd_front_avx2_collect(C.long(len(target)), frontIndices(target), frontValues(in), frontValues(out))
}

func (avx2Front) Forward(m, b, n int, u, l []float64, pivots []int32, x, border []float64) {
	C.mcd_front_avx2_forward(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(l), frontIndices(pivots), frontValues(x), frontValues(border))
}

func (avx2Front) Backward(m, b, n int, u, x, border []float64) {
	C.mcd_front_avx2_backward(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(x), frontValues(border))
}

func (avx2Front) ForwardT(m, b, n int, u, x, border []float64) {
	C.mcd_front_avx2_forwardT(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(x), frontValues(border))
}

func (avx2Front) BackwardT(m, b, n int, u, l []float64, pivots []int32, x, border []float64) {
	C.mcd_front_avx2_backwardT(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(l), frontIndices(pivots), frontValues(x), frontValues(border))
}

func (avx2Front) Scatter(rows []int32, n int, in, out []float64) {
	C.mcd_front_avx2_scatter(C.long(len(rows)), frontIndices(rows), C.long(n), frontValues(in), frontValues(out))
}

func (avx2Front) Residual(rows, cols []int32, a []float64, n int, x, r []float64) {
	C.mcd_front_avx2_residual(C.long(len(rows)), frontIndices(rows), frontIndices(cols), frontValues(a), C.long(n), frontValues(x), frontValues(r))
}

func (avx2Front) Dot(rows, cols []int32, n int, chi, psi, out []float64) {
	C.mcd_front_avx2_dot(C.long(len(rows)), frontIndices(rows), frontIndices(cols), C.long(n), frontValues(chi), frontValues(psi), frontValues(out))
}

func (avx2Front) DotC(rows, cols []int32, n int, chi, psi, out []float64) {
	C.mcd_front_avx2_dotC(C.long(len(rows)), frontIndices(rows), frontIndices(cols), C.long(n), frontValues(chi), frontValues(psi), frontValues(out))
}

func (avx2Front) Largest(r, n int, x, out []float64) {
	C.mcd_front_avx2_largest(C.long(r), C.long(n), frontValues(x), frontValues(out))
}

func (avx2Front) Combine(r, n int, x, w, out []float64) {
	C.mcd_front_avx2_combine(C.long(r), C.long(n), frontValues(x), frontValues(w), frontValues(out))
}

func (avx2Front) Product(ni, nj, nk int, a, b, c []float64) {
	C.mcd_front_avx2_product(C.long(ni), C.long(nj), C.long(nk), frontValues(a), frontValues(b), frontValues(c))
}

func (avx512Front) Eliminate(m, b int, u, l, c []float64, pivots []int32, tiny []float64, stop *int32) int {
	return int(C.mcd_front_avx512_eliminate(C.long(m), C.long(b), frontValues(u), frontValues(l), frontValues(c), frontIndices(pivots), frontValues(tiny), (*C.int32_t)(stop)))
}

func (avx512Front) Extend(n int, index []int32, update []float64, m, b int, u, l, c []float64) {
	C.mcd_front_avx512_extend(C.long(n), frontIndices(index), frontValues(update), C.long(m), C.long(b), frontValues(u), frontValues(l), frontValues(c))
}

func (avx512Front) Collect(target []int32, in, out []float64) {
	C.mcd_front_avx512_collect(C.long(len(target)), frontIndices(target), frontValues(in), frontValues(out))
}

func (avx512Front) Forward(m, b, n int, u, l []float64, pivots []int32, x, border []float64) {
	C.mcd_front_avx512_forward(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(l), frontIndices(pivots), frontValues(x), frontValues(border))
}

func (avx512Front) Backward(m, b, n int, u, x, border []float64) {
	C.mcd_front_avx512_backward(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(x), frontValues(border))
}

func (avx512Front) ForwardT(m, b, n int, u, x, border []float64) {
	C.mcd_front_avx512_forwardT(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(x), frontValues(border))
}

func (avx512Front) BackwardT(m, b, n int, u, l []float64, pivots []int32, x, border []float64) {
	C.mcd_front_avx512_backwardT(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(l), frontIndices(pivots), frontValues(x), frontValues(border))
}

func (avx512Front) Scatter(rows []int32, n int, in, out []float64) {
	C.mcd_front_avx512_scatter(C.long(len(rows)), frontIndices(rows), C.long(n), frontValues(in), frontValues(out))
}

func (avx512Front) Residual(rows, cols []int32, a []float64, n int, x, r []float64) {
	C.mcd_front_avx512_residual(C.long(len(rows)), frontIndices(rows), frontIndices(cols), frontValues(a), C.long(n), frontValues(x), frontValues(r))
}

func (avx512Front) Dot(rows, cols []int32, n int, chi, psi, out []float64) {
	C.mcd_front_avx512_dot(C.long(len(rows)), frontIndices(rows), frontIndices(cols), C.long(n), frontValues(chi), frontValues(psi), frontValues(out))
}

func (avx512Front) DotC(rows, cols []int32, n int, chi, psi, out []float64) {
	C.mcd_front_avx512_dotC(C.long(len(rows)), frontIndices(rows), frontIndices(cols), C.long(n), frontValues(chi), frontValues(psi), frontValues(out))
}

func (avx512Front) Largest(r, n int, x, out []float64) {
	C.mcd_front_avx512_largest(C.long(r), C.long(n), frontValues(x), frontValues(out))
}

func (avx512Front) Combine(r, n int, x, w, out []float64) {
	C.mcd_front_avx512_combine(C.long(r), C.long(n), frontValues(x), frontValues(w), frontValues(out))
}

func (avx512Front) Product(ni, nj, nk int, a, b, c []float64) {
	C.mcd_front_avx512_product(C.long(ni), C.long(nj), C.long(nk), frontValues(a), frontValues(b), frontValues(c))
}

func (avx2Single) Eliminate(m, b int, u, l, c []float64, pivots []int32, tiny []float64, stop *int32) int {
	return int(C.mcd_front_single_avx2_eliminate(C.long(m), C.long(b), frontValues(u), frontValues(l), frontValues(c), frontIndices(pivots), frontValues(tiny), (*C.int32_t)(stop)))
}

func (avx2Single) Extend(n int, index []int32, update []float64, m, b int, u, l, c []float64) {
	C.mcd_front_single_avx2_extend(C.long(n), frontIndices(index), frontValues(update), C.long(m), C.long(b), frontValues(u), frontValues(l), frontValues(c))
}

func (avx2Single) Collect(target []int32, in, out []float64) {
	C.mcd_front_single_avx2_collect(C.long(len(target)), frontIndices(target), frontValues(in), frontValues(out))
}

func (avx2Single) Forward(m, b, n int, u, l []float64, pivots []int32, x, border []float64) {
	C.mcd_front_single_avx2_forward(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(l), frontIndices(pivots), frontValues(x), frontValues(border))
}

func (avx2Single) Backward(m, b, n int, u, x, border []float64) {
	C.mcd_front_single_avx2_backward(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(x), frontValues(border))
}

func (avx2Single) ForwardT(m, b, n int, u, x, border []float64) {
	C.mcd_front_single_avx2_forwardT(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(x), frontValues(border))
}

func (avx2Single) BackwardT(m, b, n int, u, l []float64, pivots []int32, x, border []float64) {
	C.mcd_front_single_avx2_backwardT(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(l), frontIndices(pivots), frontValues(x), frontValues(border))
}

func (avx2Single) Scatter(rows []int32, n int, in, out []float64) {
	C.mcd_front_single_avx2_scatter(C.long(len(rows)), frontIndices(rows), C.long(n), frontValues(in), frontValues(out))
}

func (avx2Single) Residual(rows, cols []int32, a []float64, n int, x, r []float64) {
	C.mcd_front_single_avx2_residual(C.long(len(rows)), frontIndices(rows), frontIndices(cols), frontValues(a), C.long(n), frontValues(x), frontValues(r))
}

func (avx2Single) Dot(rows, cols []int32, n int, chi, psi, out []float64) {
	C.mcd_front_single_avx2_dot(C.long(len(rows)), frontIndices(rows), frontIndices(cols), C.long(n), frontValues(chi), frontValues(psi), frontValues(out))
}

func (avx2Single) DotC(rows, cols []int32, n int, chi, psi, out []float64) {
	C.mcd_front_single_avx2_dotC(C.long(len(rows)), frontIndices(rows), frontIndices(cols), C.long(n), frontValues(chi), frontValues(psi), frontValues(out))
}

func (avx2Single) Largest(r, n int, x, out []float64) {
	C.mcd_front_single_avx2_largest(C.long(r), C.long(n), frontValues(x), frontValues(out))
}

func (avx2Single) Combine(r, n int, x, w, out []float64) {
	C.mcd_front_single_avx2_combine(C.long(r), C.long(n), frontValues(x), frontValues(w), frontValues(out))
}

func (avx2Single) Product(ni, nj, nk int, a, b, c []float64) {
	C.mcd_front_single_avx2_product(C.long(ni), C.long(nj), C.long(nk), frontValues(a), frontValues(b), frontValues(c))
}

func (avx512Single) Eliminate(m, b int, u, l, c []float64, pivots []int32, tiny []float64, stop *int32) int {
	return int(C.mcd_front_single_avx512_eliminate(C.long(m), C.long(b), frontValues(u), frontValues(l), frontValues(c), frontIndices(pivots), frontValues(tiny), (*C.int32_t)(stop)))
}

func (avx512Single) Extend(n int, index []int32, update []float64, m, b int, u, l, c []float64) {
	C.mcd_front_single_avx512_extend(C.long(n), frontIndices(index), frontValues(update), C.long(m), C.long(b), frontValues(u), frontValues(l), frontValues(c))
}

func (avx512Single) Collect(target []int32, in, out []float64) {
	C.mcd_front_single_avx512_collect(C.long(len(target)), frontIndices(target), frontValues(in), frontValues(out))
}

func (avx512Single) Forward(m, b, n int, u, l []float64, pivots []int32, x, border []float64) {
	C.mcd_front_single_avx512_forward(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(l), frontIndices(pivots), frontValues(x), frontValues(border))
}

func (avx512Single) Backward(m, b, n int, u, x, border []float64) {
	C.mcd_front_single_avx512_backward(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(x), frontValues(border))
}

func (avx512Single) ForwardT(m, b, n int, u, x, border []float64) {
	C.mcd_front_single_avx512_forwardT(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(x), frontValues(border))
}

func (avx512Single) BackwardT(m, b, n int, u, l []float64, pivots []int32, x, border []float64) {
	C.mcd_front_single_avx512_backwardT(C.long(m), C.long(b), C.long(n), frontValues(u), frontValues(l), frontIndices(pivots), frontValues(x), frontValues(border))
}

func (avx512Single) Scatter(rows []int32, n int, in, out []float64) {
	C.mcd_front_single_avx512_scatter(C.long(len(rows)), frontIndices(rows), C.long(n), frontValues(in), frontValues(out))
}

func (avx512Single) Residual(rows, cols []int32, a []float64, n int, x, r []float64) {
	C.mcd_front_single_avx512_residual(C.long(len(rows)), frontIndices(rows), frontIndices(cols), frontValues(a), C.long(n), frontValues(x), frontValues(r))
}

func (avx512Single) Dot(rows, cols []int32, n int, chi, psi, out []float64) {
	C.mcd_front_single_avx512_dot(C.long(len(rows)), frontIndices(rows), frontIndices(cols), C.long(n), frontValues(chi), frontValues(psi), frontValues(out))
}

func (avx512Single) DotC(rows, cols []int32, n int, chi, psi, out []float64) {
	C.mcd_front_single_avx512_dotC(C.long(len(rows)), frontIndices(rows), frontIndices(cols), C.long(n), frontValues(chi), frontValues(psi), frontValues(out))
}

func (avx512Single) Largest(r, n int, x, out []float64) {
	C.mcd_front_single_avx512_largest(C.long(r), C.long(n), frontValues(x), frontValues(out))
}

func (avx512Single) Combine(r, n int, x, w, out []float64) {
	C.mcd_front_single_avx512_combine(C.long(r), C.long(n), frontValues(x), frontValues(w), frontValues(out))
}

func (avx512Single) Product(ni, nj, nk int, a, b, c []float64) {
	C.mcd_front_single_avx512_product(C.long(ni), C.long(nj), C.long(nk), frontValues(a), frontValues(b), frontValues(c))
}
