/* Yardsticks without Python: OpenBLAS inverting many small matrices, and the multiply-add peak. Built by unit.py. */
#include <immintrin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef void getrf_t(const int *, const int *, double *, const int *, int *, int *);
typedef void getri_t(const int *, double *, const int *, const int *, double *, const int *, int *);

struct share {
    getrf_t *getrf;
    getri_t *getri;
    const double *source;
    double *target;
    int n, count, info;
};

static void *invert(void *argument) {
    struct share *s = argument;
    int n = s->n, lwork = 64 * n, info = 0, *pivots = malloc(n * sizeof *pivots);
    size_t size = 2 * (size_t)n * n;
    double *work = malloc(2 * lwork * sizeof *work);
    for (int i = 0; i < s->count && !info; i++) {
        double *a = s->target + i * size;
        memcpy(a, s->source + i * size, size * sizeof *a);
        s->getrf(&n, &n, a, &n, pivots, &info);
        if (!info) s->getri(&n, a, &n, pivots, work, &lwork, &info);
    }
    s->info = info;
    free(work);
    free(pivots);
    return NULL;
}

/* target[i] = source[i]^-1 for count complex n x n matrices, by so many threads; 0 if all went well. */
int unit_inverses(getrf_t *getrf, getri_t *getri, int n, int count, int threads, const double *source, double *target) {
    pthread_t ids[threads];
    struct share shares[threads];
    int info = 0;
    for (int t = 0; t < threads; t++) {
        size_t first = (size_t)count * t / threads, end = (size_t)count * (t + 1) / threads, size = 2 * (size_t)n * n;
        shares[t] = (struct share){getrf, getri, source + first * size, target + first * size, n, end - first, 0};
        if (t && pthread_create(&ids[t], NULL, invert, &shares[t])) return -1;
    }
    invert(&shares[0]);
    info = shares[0].info;
    for (int t = 1; t < threads; t++) {
        pthread_join(ids[t], NULL);
        info |= shares[t].info;
    }
    return info;
}

/* Twelve independent chains of multiply-adds on registers; twice the doubles of a register are the operations of each. */
#define SPIN(name, isa, type, set, fma, store)                                 \
    __attribute__((target(isa))) static void *name(void *argument) {           \
        type x[12], a = set(0.999999), b = set(1e-6);                          \
        double sink[8];                                                        \
        _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) x[i] = set(i);   \
        for (long n = *(long *)argument; n; n--) {                             \
            _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) {            \
                x[i] = fma(x[i], a, b);                                        \
                __asm__ volatile("" : "+v"(x[i]));                             \
            }                                                                  \
        }                                                                      \
        _Pragma("GCC unroll 12") for (int i = 1; i < 12; i++)                  \
            x[0] = fma(x[i], a, x[0]);                                         \
        store(sink, x[0]);                                                     \
        __asm__ volatile("" : : "r"(sink) : "memory");                         \
        return NULL;                                                           \
    }
SPIN(spin256, "avx2,fma", __m256d, _mm256_set1_pd, _mm256_fmadd_pd, _mm256_storeu_pd)
SPIN(spin512, "avx512f", __m512d, _mm512_set1_pd, _mm512_fmadd_pd, _mm512_storeu_pd)

/* Does rounds of multiply-adds on so many threads in registers of so many bits; the operations done, 0 if they lack. */
double unit_spin(int bits, int threads, long rounds) {
    void *(*spin)(void *) = bits == 512 ? spin512 : spin256;
    if (bits == 512 ? !__builtin_cpu_supports("avx512f") : !__builtin_cpu_supports("fma")) return 0;
    pthread_t ids[threads];
    for (int t = 1; t < threads; t++)
        if (pthread_create(&ids[t], NULL, spin, &rounds)) return 0;
    spin(&rounds);
    for (int t = 1; t < threads; t++) pthread_join(ids[t], NULL);
    return 2.0 * 12 * (bits / 64) * rounds * threads;
}
