// The operations on dense real matrices for AVX2 and FMA: tiles of 3 × 3.

#if defined(__x86_64__)
#include <immintrin.h>

#pragma GCC target("avx2,fma")

#define V 4
#define TILE_ROWS 3
#define TILE_COLS 3
#define PIN_CONSTRAINT "+x"
#define NAME(operation) mcd_##operation##_avx2

typedef __m256d vec;
#define FMA(a, b, c) _mm256_fmadd_pd(a, b, c)
#define LOAD(p) _mm256_loadu_pd(p)
#define STORE(p, x) _mm256_storeu_pd(p, x)
#define FIRST(n) _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_set_epi64x(3, 2, 1, 0))
#define HEAD(p, n) _mm256_maskload_pd(p, FIRST(n))
#define STORE_HEAD(p, n, x) _mm256_maskstore_pd(p, FIRST(n), x)
#define ALL(a) _mm256_set1_pd(a)

static inline __attribute__((always_inline)) double sum_of(vec x)
{
	const __m128d half = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
	return _mm_cvtsd_f64(_mm_add_sd(half, _mm_unpackhi_pd(half, half)));
}
#define SUM(x) sum_of(x)

#include "dense_template.h"
#endif
