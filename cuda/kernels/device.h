/*
 * What kernels need of the machine: where a thread stands, barriers, shared memory, elementary functions. On a GPU these are
 * the compiler's builtins, no toolkit is involved; the emulation gives its own by defining MCD_EMULATED.
 *
 * Every kernel is correct for any order in which the threads of a block run between barriers, and uses nothing below a block:
 * no warps, no atomics.
 */
#ifndef MCD_GPU_DEVICE_H
#define MCD_GPU_DEVICE_H

#include "abi.h"

namespace mcd {

constexpr int threads = MCD_GPU_THREADS;
constexpr double infinity = __builtin_inf();

#ifdef MCD_EMULATED

#define MCD_DEVICE static inline
#define MCD_METHOD
#define MCD_INLINE
#define MCD_KERNEL(blocks, name) static void name
#define MCD_UNROLL
#define MCD_UNROLL_BY(n)

/* Of the emulation: the fiber that runs. */
int thread_index();
int block_index();
int block_index_y();
int block_count();
void barrier(int line = __builtin_LINE()); // the line tells whether all threads wait at the same one
bool barrier_any(bool vote, int line = __builtin_LINE()); // a barrier that tells whether any thread voted yes
unsigned char *shared_memory();
void not_shared(const void *p); // ends the launch if p points to shared memory

static inline double reciprocal(double x) { return 1 / x; }
static inline double root(double x) { return __builtin_sqrt(x); }

#else

#define MCD_DEVICE static inline __attribute__((device, always_inline))
#define MCD_METHOD __attribute__((device, always_inline))
#define MCD_INLINE __attribute__((always_inline))
#define MCD_KERNEL(blocks, name) extern "C" __attribute__((global, launch_bounds(MCD_GPU_THREADS, blocks))) void name
#define MCD_UNROLL _Pragma("unroll")
#define MCD_PRAGMA(text) _Pragma(#text)
#define MCD_UNROLL_BY(n) MCD_PRAGMA(unroll n)

extern __attribute__((device, shared, aligned(16))) unsigned char shared_bytes[];

MCD_DEVICE int thread_index() { return __nvvm_read_ptx_sreg_tid_x(); }
MCD_DEVICE int block_index() { return __nvvm_read_ptx_sreg_ctaid_x(); }
MCD_DEVICE int block_index_y() { return __nvvm_read_ptx_sreg_ctaid_y(); }
MCD_DEVICE int block_count() { return __nvvm_read_ptx_sreg_nctaid_x(); }
MCD_DEVICE void barrier() { __syncthreads(); }
MCD_DEVICE bool barrier_any(bool vote) { return __nvvm_bar0_or(vote); }
MCD_DEVICE unsigned char *shared_memory() { return shared_bytes; }

/* 1/x: the hardware's 20 digits of the significand doubled twice by Newton's iteration; right to an ulp or two where neither x
   nor 1/x is subnormal, not finite elsewhere. */
MCD_DEVICE double reciprocal(double x) {
    double r = __nvvm_rcp_approx_ftz_d(x);
    r = __builtin_fma(r, __builtin_fma(-x, r, 1.0), r);
    return __builtin_fma(r, __builtin_fma(-x, r, 1.0), r);
}
MCD_DEVICE double root(double x) { return __nvvm_sqrt_rn_d(x); }

#endif

/* Says that a pointer is to device memory, not to shared memory: that makes for faster instructions. */
template <class T> MCD_DEVICE T *global(T *p) {
#ifdef MCD_EMULATED
    not_shared(p);
    return p;
#else
    return (T *)reinterpret_cast<__attribute__((address_space(1))) T *>(reinterpret_cast<uint64_t>(p));
#endif
}

/* What lies at an address of device memory. */
template <class T> MCD_DEVICE T *at(mcd_gpu_address a) { return global(reinterpret_cast<T *>(a)); }

/* Alignment lets a number be read and written as one. */
struct alignas(16) Complex {
    double re, im;
};

MCD_DEVICE Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
MCD_DEVICE Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
MCD_DEVICE Complex operator-(Complex a) { return {-a.re, -a.im}; }
MCD_DEVICE Complex operator*(Complex a, Complex b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
MCD_DEVICE Complex operator*(double a, Complex b) { return {a * b.re, a * b.im}; }
MCD_DEVICE Complex conj(Complex a) { return {a.re, -a.im}; }
MCD_DEVICE void add_product(Complex &sum, Complex a, Complex b) {
    sum.re += a.re * b.re;
    sum.im += a.re * b.im;
    sum.re -= a.im * b.im;
    sum.im += a.im * b.re;
}
MCD_DEVICE void subtract_product(Complex &sum, Complex a, Complex b) {
    sum.re -= a.re * b.re;
    sum.im -= a.re * b.im;
    sum.re += a.im * b.im;
    sum.im -= a.im * b.re;
}
MCD_DEVICE Complex inverse(Complex a) {
    double r = reciprocal(a.re * a.re + a.im * a.im);
    return {a.re * r, -a.im * r};
}

/* The same without overflow or underflow on the way (Smith). */
MCD_DEVICE Complex inverse_scaled(Complex a) {
    if (__builtin_fabs(a.re) >= __builtin_fabs(a.im)) {
        double r = a.im / a.re, d = 1 / (a.re + a.im * r);
        return {d, -r * d};
    }
    double r = a.re / a.im, d = 1 / (a.re * r + a.im);
    return {r * d, -d};
}

MCD_DEVICE int smaller(int a, int b) { return a < b ? a : b; }
MCD_DEVICE double larger(double a, double b) { return a < b ? b : a; }
MCD_DEVICE double absolute(double a) { return __builtin_fabs(a); }
MCD_DEVICE bool finite(double a) { return absolute(a) < infinity; }

MCD_DEVICE int64_t bits_of(double a) {
    int64_t b;
    __builtin_memcpy(&b, &a, 8);
    return b;
}
MCD_DEVICE double from_bits(int64_t b) {
    double a;
    __builtin_memcpy(&a, &b, 8);
    return a;
}

/*
 * The largest size of numbers seen, as the upper half of a double: it orders magnitudes up to a part in a million, takes two
 * integer instructions a number, and puts what is not a number on top.
 */
struct Largest {
    uint32_t seen = 0;

    MCD_METHOD void see(double a) {
        uint32_t upper = static_cast<uint32_t>(bits_of(a) >> 32) & 0x7fffffff;
        seen = seen < upper ? upper : seen;
    }
    MCD_METHOD void see(Complex a) { see(a.re), see(a.im); }
    MCD_METHOD void see(Largest a) { seen = seen < a.seen ? a.seen : seen; }
    /* An upper bound, +Inf if something was not finite. */
    MCD_METHOD double bound() const { return seen < 0x7ff00000 ? from_bits(static_cast<int64_t>(seen + 1) << 32) : infinity; }
};

/* eˣ, right to about 2 ulp: x = k·log 2 + r, |r| ≤ ½ log 2, Taylor's series for r; 0 below −700, infinite above 709. */
MCD_DEVICE double exponential(double x) {
    if (x < -700) return 0;
    if (x > 709) return infinity;
    double k = __builtin_floor(x * 1.4426950408889634 + 0.5);
    double r = __builtin_fma(k, -6.93147180369123816490e-01, x); // log 2 in two parts, the first with trailing zeros
    r = __builtin_fma(k, -1.90821492927058770002e-10, r);
    constexpr double factors[] = {1 / 6227020800.0, 1 / 479001600.0, 1 / 39916800.0, 1 / 3628800.0, 1 / 362880.0,
        1 / 40320.0, 1 / 5040.0, 1 / 720.0, 1 / 120.0,
        1 / 24.0, 1 / 6.0, 1 / 2.0, 1 / 1.0, 1};
    double sum = 1 / 87178291200.0;
    MCD_UNROLL for (double f : factors) sum = __builtin_fma(sum, r, f);
    return sum * from_bits((static_cast<int64_t>(k) + 1023) << 52);
}

/* log x for positive normal x, right to about 2 ulp; −Inf at 0: x = 2ᵏm, √½ ≤ m < √2, log m = 2 artanh((m − 1)/(m + 1)). */
MCD_DEVICE double logarithm(double x) {
    if (x == 0) return -infinity;
    if (!finite(x)) return x;
    int64_t b = bits_of(x);
    int64_t k = (b >> 52) - 1023;
    double m = from_bits((b & 0xfffffffffffffll) | 0x3ff0000000000000ll);
    if (m > 1.4142135623730951) m *= 0.5, k++;
    double s = (m - 1) / (m + 1), q = s * s, sum = 0;
    constexpr double odd[] = {1 / 23., 1 / 21., 1 / 19., 1 / 17., 1 / 15., 1 / 13., 1 / 11., 1 / 9., 1 / 7., 1 / 5., 1 / 3.};
    MCD_UNROLL for (double o : odd) sum = __builtin_fma(sum, q, o);
    sum *= q;
    double high = static_cast<double>(k) * 6.93147180369123816490e-01, low = static_cast<double>(k) * 1.90821492927058770002e-10;
    return high + (2 * s + (2 * s * sum + low));
}

/* log(1 + x) for x ≥ 0: the logarithm of the rounded sum, corrected for the rounding. */
MCD_DEVICE double logarithm_1p(double x) {
    double u = 1 + x;
    return u == 1 ? x : !finite(u) ? u : logarithm(u) * (x / (u - 1));
}

/* Combines the values of all threads, in a fixed order; buffer holds a double for every thread. All threads get the result. */
template <class Combine> MCD_DEVICE double reduce(double *buffer, double value, Combine combine) {
    int t = thread_index();
    barrier();
    buffer[t] = value;
    for (int half = threads / 2; half > 0; half /= 2) {
        barrier();
        if (t < half) buffer[t] = combine(buffer[t], buffer[t + half]);
    }
    barrier();
    return buffer[0];
}
MCD_DEVICE double reduce_sum(double *buffer, double value) {
    return reduce(buffer, value, [](double a, double b) { return a + b; });
}
MCD_DEVICE double reduce_largest(double *buffer, double value) {
    return reduce(buffer, value, [](double a, double b) { return larger(a, b); });
}

} // namespace mcd

#endif
