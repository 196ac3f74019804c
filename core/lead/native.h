// Dense complex algebra on row-major matrices of (re, im) pairs, for AVX2 and AVX-512; dense.go and schur.go say what each does.
// What may take long looks at *stop, which another thread may set, and leaves off where that is not 0.
#pragma once
#include <stdint.h>

typedef struct {
	void (*multiply)(const int32_t *stop, int64_t n, int64_t l, int64_t m, const double *a, const double *b, double *c);
	int (*eliminate)(const int32_t *stop, int64_t n, int64_t m, double *a, double *b, double least);
	void (*products)(int64_t rows, int64_t columns, int64_t n, const double *a, const double *b, double *c);
	int (*schur)(const int32_t *stop, int64_t n, double *t, double *zt);
	void (*move)(const int32_t *stop, int64_t n, double *t, double *zt, const uint8_t *wanted);
} mcd_lead_table;

extern const mcd_lead_table mcd_lead_avx2, mcd_lead_avx512;

// mcd_lead_best returns the table for this processor, NULL if there is none.
const mcd_lead_table *mcd_lead_best(void);
