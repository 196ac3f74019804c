// The device engine's operations for one point at a time.

#if defined(__x86_64__)
#pragma GCC target("avx2,fma")
#define W 4
#define TI 2
#define TV 3
#define NAME(f) mcd_front_single_avx2_##f
#include "front_single.h"
#endif
