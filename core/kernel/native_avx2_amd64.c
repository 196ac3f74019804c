// The operations for AVX2 and FMA: 4 lanes, 16 registers, tiles of 3 × 2 elements.
#include <immintrin.h>
#include "native.h"

#pragma GCC target("avx2,fma")

#define V 4
#define TILE_ROWS 3
#define TILE_COLS 2
#define FRESH_LEVELS 3
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

// FULL_STEP subtracts one outer product from a tile of 3 × 2. Twelve registers hold the tile, so four are left: the real parts of
// a's column, then the imaginary parts, and one number of b's row at a time. gcc would spill.
#define THRICE(fma, sum) \
	fma " %%ymm15, %%ymm12, %[" sum "0]\n\t" fma " %%ymm15, %%ymm13, %[" sum "1]\n\t" fma " %%ymm15, %%ymm14, %[" sum "2]\n\t"
#define COLUMN(offset) \
	"vmovupd " offset "(%[a]), %%ymm12\n\tvmovupd " offset "(%[a], %[ars]), %%ymm13\n\t" \
	"vmovupd " offset "(%[a], %[ars], 2), %%ymm14\n\t"
#define FULL_STEP(re, im, a_, ars_, b_) \
	__asm__ volatile(COLUMN("") \
	                 "vmovupd (%[b]), %%ymm15\n\t" THRICE("vfnmadd231pd", "p") \
	                 "vmovupd 32(%[b]), %%ymm15\n\t" THRICE("vfnmadd231pd", "q") \
	                 "vmovupd 64(%[b]), %%ymm15\n\t" THRICE("vfnmadd231pd", "r") \
	                 "vmovupd 96(%[b]), %%ymm15\n\t" THRICE("vfnmadd231pd", "s") \
	                 COLUMN("32") \
	                 "vmovupd (%[b]), %%ymm15\n\t" THRICE("vfnmadd231pd", "q") \
	                 "vmovupd 32(%[b]), %%ymm15\n\t" THRICE("vfmadd231pd", "p") \
	                 "vmovupd 64(%[b]), %%ymm15\n\t" THRICE("vfnmadd231pd", "s") \
	                 "vmovupd 96(%[b]), %%ymm15\n\t" THRICE("vfmadd231pd", "r") \
	                 : [p0] "+x"(re[0][0]), [p1] "+x"(re[1][0]), [p2] "+x"(re[2][0]), [q0] "+x"(im[0][0]), \
	                   [q1] "+x"(im[1][0]), [q2] "+x"(im[2][0]), [r0] "+x"(re[0][1]), [r1] "+x"(re[1][1]), \
	                   [r2] "+x"(re[2][1]), [s0] "+x"(im[0][1]), [s1] "+x"(im[1][1]), [s2] "+x"(im[2][1]) \
	                 : [a] "r"(a_), [ars] "r"((ars_) * 8), [b] "r"(b_) \
	                 : "xmm12", "xmm13", "xmm14", "xmm15", "memory")

#include "native_template.h"

int mcd_kernel_level(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
		return 0;
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") ? 2 : 1;
}
