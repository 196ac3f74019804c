// The device engine's operations for 4 lanes.

#if defined(__x86_64__)
#pragma GCC target("avx2,fma")
#define V 4
#define TI 2
#define TJ 3
#define LEAF 4
#define NAME(f) mcd_front_avx2_##f
#include "front_lanes.h"
#endif
