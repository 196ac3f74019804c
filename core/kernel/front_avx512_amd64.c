// The device engine's operations for 8 lanes.

#if defined(__x86_64__)
#pragma GCC target("avx512f")
#define V 8
#define TI 3
#define TJ 4
#define LEAF 8
#define NAME(f) mcd_front_avx512_##f
#include "front_lanes.h"
#endif
