//go:build cgo && amd64

package kernel

/*
#cgo CFLAGS: -O3
#cgo noescape kernel_hop
#cgo nocallback kernel_hop
#cgo noescape kernel_factor
#cgo nocallback kernel_factor
#cgo noescape kernel_divide
#cgo nocallback kernel_divide
#cgo noescape kernel_invert
#cgo nocallback kernel_invert
#cgo noescape kernel_solve_left
#cgo nocallback kernel_solve_left
#cgo noescape kernel_solve_left_t
#cgo nocallback kernel_solve_left_t
#cgo noescape kernel_mul
#cgo nocallback kernel_mul
#cgo noescape kernel_recur
#cgo nocallback kernel_recur
#cgo noescape kernel_check
#cgo nocallback kernel_check
#cgo noescape kernel_mix
#cgo nocallback kernel_mix
#cgo noescape kernel_gram
#cgo nocallback kernel_gram
#cgo noescape kernel_density
#cgo nocallback kernel_density
#cgo noescape kernel_add
#cgo nocallback kernel_add
#cgo nocallback kernel_spin
#include "native.h"

// Go cannot call through a C function pointer.

static void kernel_hop(const mcd_kernel *t, int64_t w, int64_t ld, int64_t k, double *h, double *e, double *cs, double *f,
                       double *m, double *n)
{
	t->hop(w, ld, k, h, e, cs, f, m, n);
}
static void kernel_factor(const mcd_kernel *t, int64_t w, int64_t ld, double *m, int32_t *piv) { t->factor(w, ld, m, piv); }
static void kernel_divide(const mcd_kernel *t, int64_t w, int64_t ld, double *m, int32_t *piv, double *n)
{
	t->divide(w, ld, m, piv, n);
}
static void kernel_invert(const mcd_kernel *t, int64_t w, int64_t ld, double *m, int32_t *piv, double *n)
{
	t->invert(w, ld, m, piv, n);
}
static void kernel_solve_left(const mcd_kernel *t, int64_t w, int64_t ld, double *m, int32_t *piv, int64_t c, int64_t ldb,
                              double *b)
{
	t->solve_left(w, ld, m, piv, c, ldb, b);
}
static void kernel_solve_left_t(const mcd_kernel *t, int64_t w, int64_t ld, double *m, int32_t *piv, int64_t c, int64_t ldb,
                                double *b)
{
	t->solve_left_t(w, ld, m, piv, c, ldb, b);
}
static void kernel_mul(const mcd_kernel *t, int64_t mode, int64_t trans, int64_t w, int64_t ld, double *a, int64_t c, int64_t ldb,
                       double *b, double *out)
{
	t->mul(mode, trans, w, ld, a, c, ldb, b, out);
}
static void kernel_recur(const mcd_kernel *t, int64_t conj, int64_t w, double *h, double *e, double *cs, int64_t c, int64_t ldb,
                         double *b, double *prev, double *out)
{
	t->recur(conj, w, h, e, cs, c, ldb, b, prev, out);
}
static void kernel_check(const mcd_kernel *t, int64_t conj, int64_t w, double *h, double *e, double *cs, int64_t c, int64_t ldb,
                         double *b, double *before, double *after, double *out, double *residual, double *largest)
{
	t->check(conj, w, h, e, cs, c, ldb, b, before, after, out, residual, largest);
}
static void kernel_mix(const mcd_kernel *t, int64_t w, int64_t c, int64_t ldb, double *a, double *coef, double *out)
{
	t->mix(w, c, ldb, a, coef, out);
}
static void kernel_gram(const mcd_kernel *t, int64_t w, int64_t c, int64_t ldb, double *a, double *b, double *out)
{
	t->gram(w, c, ldb, a, b, out);
}
static void kernel_density(const mcd_kernel *t, int64_t w, int64_t c, int64_t ldb, double *chi, double *psi, double *out)
{
	t->density(w, c, ldb, chi, psi, out);
}
static void kernel_add(const mcd_kernel *t, int64_t n, double factor, double *a, double *b, double *out)
{
	t->add(n, factor, a, b, out);
}
static double kernel_spin(const mcd_kernel *t, int64_t n) { return t->spin(n); }
*/
import "C"

import "unsafe"

// native is an implementation in C; one for each instruction set, chosen at run time.
type native struct {
	name  string
	lanes int
	table *C.mcd_kernel
}

var _ Kernel = native{}

func accelerated() (all []Kernel) {
	level := C.mcd_kernel_level()
	if level >= 1 {
		all = append(all, native{"avx2", 4, &C.mcd_kernel_avx2})
	}
	if level >= 2 {
		all = append(all, native{"avx512", 8, &C.mcd_kernel_avx512})
	}
	return all
}

// reals passes a slice, which may be empty.
func reals(a []float64) *C.double { return (*C.double)(unsafe.SliceData(a)) }

func pivots(piv []int32) *C.int32_t { return (*C.int32_t)(unsafe.SliceData(piv)) }

func flag(b bool) C.int64_t {
	if b {
		return 1
	}
	return 0
}

func (k native) Name() string { return k.name }
func (k native) Lanes() int   { return k.lanes }

func (k native) Hop(w, ld, slices int, h, e, cs, f, m, n []float64) {
	C.kernel_hop(k.table, C.int64_t(w), C.int64_t(ld), C.int64_t(slices), reals(h), reals(e), reals(cs), reals(f), reals(m), reals(n))
}

func (k native) Factor(w, ld int, m []float64, piv []int32) {
	C.kernel_factor(k.table, C.int64_t(w), C.int64_t(ld), reals(m), pivots(piv))
}

func (k native) Divide(w, ld int, m []float64, piv []int32, n []float64) {
	C.kernel_divide(k.table, C.int64_t(w), C.int64_t(ld), reals(m), pivots(piv), reals(n))
}

func (k native) Invert(w, ld int, m []float64, piv []int32, n []float64) {
	C.kernel_invert(k.table, C.int64_t(w), C.int64_t(ld), reals(m), pivots(piv), reals(n))
}

func (k native) SolveLeft(w, ld int, m []float64, piv []int32, c, ldb int, b []float64) {
	C.kernel_solve_left(k.table, C.int64_t(w), C.int64_t(ld), reals(m), pivots(piv), C.int64_t(c), C.int64_t(ldb), reals(b))
}

func (k native) SolveLeftT(w, ld int, m []float64, piv []int32, c, ldb int, b []float64) {
	C.kernel_solve_left_t(k.table, C.int64_t(w), C.int64_t(ld), reals(m), pivots(piv), C.int64_t(c), C.int64_t(ldb), reals(b))
}

func (k native) Mul(mode Mode, trans bool, w, ld int, a []float64, c, ldb int, b, out []float64) {
	C.kernel_mul(k.table, C.int64_t(mode), flag(trans), C.int64_t(w), C.int64_t(ld), reals(a), C.int64_t(c), C.int64_t(ldb), reals(b), reals(out))
}

func (k native) Recur(conj bool, w int, h, e, cs []float64, c, ldb int, b, prev, out []float64) {
	C.kernel_recur(k.table, flag(conj), C.int64_t(w), reals(h), reals(e), reals(cs), C.int64_t(c), C.int64_t(ldb), reals(b), reals(prev), reals(out))
}

func (k native) Check(conj bool, w int, h, e, cs []float64, c, ldb int, b, before, after, out, residual, largest []float64) {
	C.kernel_check(k.table, flag(conj), C.int64_t(w), reals(h), reals(e), reals(cs), C.int64_t(c), C.int64_t(ldb), reals(b), reals(before), reals(after), reals(out), reals(residual), reals(largest))
}

func (k native) Mix(w, c, ldb int, a, coef, out []float64) {
	C.kernel_mix(k.table, C.int64_t(w), C.int64_t(c), C.int64_t(ldb), reals(a), reals(coef), reals(out))
}

func (k native) Gram(w, c, ldb int, a, b, out []float64) {
	C.kernel_gram(k.table, C.int64_t(w), C.int64_t(c), C.int64_t(ldb), reals(a), reals(b), reals(out))
}

func (k native) Density(w, c, ldb int, chi, psi, out []float64) {
	C.kernel_density(k.table, C.int64_t(w), C.int64_t(c), C.int64_t(ldb), reals(chi), reals(psi), reals(out))
}

func (k native) Add(n int, factor float64, a, b, out []float64) {
	C.kernel_add(k.table, C.int64_t(n), C.double(factor), reals(a), reals(b), reals(out))
}

func (k native) spin(n int) float64 {
	C.kernel_spin(k.table, C.int64_t(n))
	return float64(n * 12 * k.lanes * 2) // 12 vectors a round
}
