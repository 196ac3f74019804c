// The operations for AVX2 and FMA: 4 lanes, 16 registers, tiles of 2 × 2 elements.
#include <immintrin.h>
#include "native.h"

#pragma GCC target("avx2,fma")

#define V 4
#define TILE_ROWS 2
#define TILE_COLS 2
#define TABLE mcd_kernel_avx2
#define PIN_CONSTRAINT "+x"

typedef __m256d vec;
#define FMA(a, b, c) _mm256_fmadd_pd(a, b, c)
#define FNMA(a, b, c) _mm256_fnmadd_pd(a, b, c)
#define MAX(a, b) _mm256_max_pd(a, b)
#define LOAD(p) _mm256_loadu_pd(p)
#define STORE(p, v) _mm256_storeu_pd(p, v)
#define SPLAT(x) _mm256_set1_pd(x)
#define ALL_AT_MOST(a, b) (_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_LE_OQ)) == 15)

#include "native_template.h"

int mcd_kernel_level(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
		return 0;
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") ? 2 : 1;
}
