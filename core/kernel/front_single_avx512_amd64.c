// The device engine's operations for one point at a time.

#if defined(__x86_64__)
#pragma GCC target("avx512f")
#define W 8
#define TI 4
#define TV 3
#define NAME(f) mcd_front_single_avx512_##f
#include "front_single.h"
#endif
