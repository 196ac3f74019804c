#include "native.h"

#pragma GCC target("avx2,fma")

#define V 4
#define TABLE mcd_lead_avx2

#include "native_template.h"

const mcd_lead_table *mcd_lead_best(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
		return 0;
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") ? &mcd_lead_avx512 : &mcd_lead_avx2;
}
