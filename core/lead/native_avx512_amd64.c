#include "native.h"

#pragma GCC target("avx2,fma,avx512f,avx512dq,prefer-vector-width=512")

#define V 8
#define TABLE mcd_lead_avx512

#include "native_template.h"
