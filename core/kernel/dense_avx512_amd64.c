// The operations on dense real matrices for AVX-512: tiles of 4 × 4.

#if defined(__x86_64__)
#include <immintrin.h>

#pragma GCC target("avx512f,avx512dq,fma")

#define V 8
#define TILE_ROWS 4
#define TILE_COLS 4
#define PIN_CONSTRAINT "+v"
#define NAME(operation) mcd_##operation##_avx512

typedef __m512d vec;
#define FMA(a, b, c) _mm512_fmadd_pd(a, b, c)
#define LOAD(p) _mm512_loadu_pd(p)
#define STORE(p, x) _mm512_storeu_pd(p, x)
#define FIRST(n) ((__mmask8)((1u << (n)) - 1))
#define HEAD(p, n) _mm512_maskz_loadu_pd(FIRST(n), p)
#define STORE_HEAD(p, n, x) _mm512_mask_storeu_pd(p, FIRST(n), x)
#define ALL(a) _mm512_set1_pd(a)
#define SUM(x) _mm512_reduce_add_pd(x)

#include "dense_template.h"
#endif
