// The operations for AVX-512: 8 lanes, 32 registers, tiles of 4 × 3 elements.
#include <immintrin.h>
#include "native.h"

#pragma GCC target("avx512f,avx512dq,fma")

#define V 8
#define TILE_ROWS 4
#define TILE_COLS 3
#define FRESH_LEVELS 5
#define TABLE mcd_kernel_avx512
#define PIN_CONSTRAINT "+v"

typedef __m512d vec;
#define FMA(a, b, c) _mm512_fmadd_pd(a, b, c)
#define FNMA(a, b, c) _mm512_fnmadd_pd(a, b, c)
#define MAX(a, b) _mm512_max_pd(a, b)
#define LOAD(p) _mm512_loadu_pd(p)
#define STORE(p, v) _mm512_storeu_pd(p, v)
#define SPLAT(x) _mm512_set1_pd(x)
#define ALL_AT_MOST(a, b) (_mm512_cmp_pd_mask(a, b, _CMP_LE_OQ) == 255)

#include "native_template.h"
