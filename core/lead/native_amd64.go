//go:build cgo && amd64

package lead

/*
#cgo CFLAGS: -O3
#cgo noescape lead_multiply
#cgo nocallback lead_multiply
#cgo noescape lead_eliminate
#cgo nocallback lead_eliminate
#cgo noescape lead_products
#cgo nocallback lead_products
#cgo noescape lead_schur
#cgo nocallback lead_schur
#cgo noescape lead_move
#cgo nocallback lead_move
#include "native.h"

// Go cannot call through a C function pointer.

static void lead_multiply(const mcd_lead_table *t, int32_t *stop, int64_t n, int64_t l, int64_t m, double *a, double *b, double *c)
{
	t->multiply(stop, n, l, m, a, b, c);
}
static int lead_eliminate(const mcd_lead_table *t, int32_t *stop, int64_t n, int64_t m, double *a, double *b, double least)
{
	return t->eliminate(stop, n, m, a, b, least);
}
static void lead_products(const mcd_lead_table *t, int64_t rows, int64_t columns, int64_t n, double *a, double *b, double *c)
{
	t->products(rows, columns, n, a, b, c);
}
static int lead_schur(const mcd_lead_table *t, int32_t *stop, int64_t n, double *a, double *zt) { return t->schur(stop, n, a, zt); }
static void lead_move(const mcd_lead_table *t, int32_t *stop, int64_t n, double *a, double *zt, uint8_t *wanted) { t->move(stop, n, a, zt, wanted); }
*/
import "C"

import "unsafe"

// tables are the compiled twins that run here, the fastest first; the first is used, the plain one if there is none.
var tables = nativeTables()

type nativeTable = *C.mcd_lead_table

func nativeTables() []nativeTable {
	best := C.mcd_lead_best()
	switch best {
	case nil:
		return nil
	case &C.mcd_lead_avx512:
		return []nativeTable{best, &C.mcd_lead_avx2}
	}
	return []nativeTable{best}
}

func doubles(z []complex128) *C.double { return (*C.double)(unsafe.Pointer(unsafe.SliceData(z))) }

func reals(x []float64) *C.double { return (*C.double)(unsafe.SliceData(x)) }

// never is the flag of no stop.
var never stop

func (s *stop) flag() *C.int32_t {
	if s == nil {
		s = &never
	}
	return (*C.int32_t)(unsafe.Pointer(&s.set))
}

func native() bool { return len(tables) > 0 }

func nativeMultiply(s *stop, a, b, c []complex128, n, l, m int) {
	C.lead_multiply(tables[0], s.flag(), C.int64_t(n), C.int64_t(l), C.int64_t(m), doubles(a), doubles(b), doubles(c))
}

func nativeEliminate(s *stop, a, b []complex128, n, m int, least float64) bool {
	return C.lead_eliminate(tables[0], s.flag(), C.int64_t(n), C.int64_t(m), doubles(a), doubles(b), C.double(least)) != 0
}

func nativeProducts(a, b, c []float64, rows, columns, n int) {
	C.lead_products(tables[0], C.int64_t(rows), C.int64_t(columns), C.int64_t(n), reals(a), reals(b), reals(c))
}

func nativeSchur(s *stop, t, zt []complex128, n int) bool {
	return C.lead_schur(tables[0], s.flag(), C.int64_t(n), doubles(t), doubles(zt)) != 0
}

func nativeMove(s *stop, t, zt []complex128, n int, wanted []bool) {
	C.lead_move(tables[0], s.flag(), C.int64_t(n), doubles(t), doubles(zt), (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(wanted))))
}
