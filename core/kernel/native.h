// The operations of the Go interface Kernel in C. kernel.go says what they do, native_template.h how.
#ifndef MCD_KERNEL_NATIVE_H
#define MCD_KERNEL_NATIVE_H

#include <stdint.h>

// Modes are those of Mode: 0 sets, 1 adds, 2 subtracts.
typedef struct {
	void (*hop)(int64_t w, int64_t ld, int64_t k, const double *h, const double *e, const double *cs, const double *f, double *m,
	            double *n);
	void (*factor)(int64_t w, int64_t ld, double *m, int32_t *piv);
	void (*divide)(int64_t w, int64_t ld, double *m, int32_t *piv, double *n);
	void (*invert)(int64_t w, int64_t ld, double *m, int32_t *piv, double *n);
	void (*solve_left)(int64_t w, int64_t ld, const double *m, const int32_t *piv, int64_t c, int64_t ldb, double *b);
	void (*solve_left_t)(int64_t w, int64_t ld, const double *m, const int32_t *piv, int64_t c, int64_t ldb, double *b);
	void (*mul)(int64_t mode, int64_t trans, int64_t w, int64_t ld, const double *a, int64_t c, int64_t ldb, const double *b,
	            double *out);
	void (*recur)(int64_t conj, int64_t w, const double *h, const double *e, const double *cs, int64_t c, int64_t ldb,
	              const double *b, const double *prev, double *out);
	void (*check)(int64_t conj, int64_t w, const double *h, const double *e, const double *cs, int64_t c, int64_t ldb,
	              const double *b, const double *before, const double *after, double *out, double *residual, double *largest);
	void (*mix)(int64_t w, int64_t c, int64_t ldb, const double *a, const double *coef, double *out);
	void (*gram)(int64_t w, int64_t c, int64_t ldb, const double *a, const double *b, double *out);
	void (*density)(int64_t w, int64_t c, int64_t ldb, const double *chi, const double *psi, double *out);
	void (*add)(int64_t n, double factor, const double *a, const double *b, double *out);
	double (*spin)(int64_t n);
} mcd_kernel;

extern const mcd_kernel mcd_kernel_avx2, mcd_kernel_avx512;

// mcd_kernel_level returns 2 if the processor and the system have AVX-512 (F and DQ), 1 if they have AVX2 and FMA, else 0.
int mcd_kernel_level(void);

#endif
