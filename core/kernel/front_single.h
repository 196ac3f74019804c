// What the device engine's operations (front_common.h) are built from, for one lane: an element is a complex number, vectors
// run along the rows. The including file sets W (values in a vector), TI and TV (rows and vectors of a tile) and NAME(f).

#define V 1
#define LEAF 8
#include "front_base.h"

typedef double vec;

INLINE vec get(const double *p) { return *p; }
INLINE void put(double *p, vec v) { *p = v; }
INLINE vec larger(vec a, vec b) { return a >= b ? a : b; } // b where either is NaN

#define LANE(x, v) (x)
#include "front_pivot.h"

typedef double wide __attribute__((vector_size(8 * W)));
typedef double uwide __attribute__((vector_size(8 * W), aligned(8)));
typedef int64_t order __attribute__((vector_size(8 * W)));

enum { DEPTH = 64, COMPLEX = W / 2 }; // products a pass sums; complex numbers in a vector

INLINE wide row(const double *p) { return *(const uwide *)p; }

// i·x for interleaved complex numbers.
INLINE wide turned(wide x) {
#if W == 8
	const order swap = {1, 0, 3, 2, 5, 4, 7, 6};
	const wide sign = {-1, 1, -1, 1, -1, 1, -1, 1};
#else
	const order swap = {1, 0, 3, 2};
	const wide sign = {-1, 1, -1, 1};
#endif
	return __builtin_shuffle(x, swap) * sign;
}

// c −= a·b for ni rows of nv vectors: Σ Re(a)·b and Σ Im(a)·b are summed apart.
INLINE void tile(const long ni, const long nv, long nk, const double *a, long ai, long ak, const double *b, long bk, double *c, long ci) {
	wide re[TI][TV], im[TI][TV];
#pragma GCC unroll 8
	for (long i = 0; i < ni; i++)
#pragma GCC unroll 8
		for (long j = 0; j < nv; j++)
			re[i][j] = im[i][j] = (wide){0};
	for (long k = 0; k < nk; k++, b += bk, a += ak) {
		wide x[TV];
#pragma GCC unroll 8
		for (long j = 0; j < nv; j++) {
			x[j] = row(b + j * W);
			__asm__("" : "+v"(x[j]));
		}
#pragma GCC unroll 8
		for (long i = 0; i < ni; i++) {
			wide r = a[i * ai] - (wide){0}, m = a[i * ai + 1] - (wide){0};
#pragma GCC unroll 8
			for (long j = 0; j < nv; j++) {
				re[i][j] += r * x[j];
				im[i][j] += m * x[j];
			}
		}
	}
#pragma GCC unroll 8
	for (long i = 0; i < ni; i++)
#pragma GCC unroll 8
		for (long j = 0; j < nv; j++)
			*(uwide *)(c + i * ci + j * W) = row(c + i * ci + j * W) - re[i][j] - turned(im[i][j]);
}

INLINE void strip(const long nv, long ni, long nk, const double *a, long ai, long ak, const double *b, long bk, double *c, long ci) {
	long i = 0;
	for (; i + TI <= ni; i += TI)
		tile(TI, nv, nk, a + i * ai, ai, ak, b, bk, c + i * ci, ci);
	for (; i < ni; i++)
		tile(1, nv, nk, a + i * ai, ai, ak, b, bk, c + i * ci, ci);
}

// The last columns, fewer than a vector holds, filled up with zeros.
static void lastColumns(long w, long ni, long nk, const double *a, long ai, long ak, const double *b, long bk, double *c, long ci) {
	double left[DEPTH * W] __attribute__((aligned(64))), out[TI * W] __attribute__((aligned(64)));
	memset(left, 0, nk * W * sizeof(double));
	memset(out, 0, sizeof out);
	for (long k = 0; k < nk; k++)
		for (long j = 0; j < 2 * w; j++)
			left[k * W + j] = b[k * bk + j];
	for (long i = 0; i < ni; i += TI) {
		long rows = ni - i < TI ? ni - i : TI;
		for (long r = 0; r < rows; r++)
			for (long j = 0; j < 2 * w; j++)
				out[r * W + j] = c[(i + r) * ci + j];
		strip(1, rows, nk, a + i * ai, ai, ak, left, W, out, W);
		for (long r = 0; r < rows; r++)
			for (long j = 0; j < 2 * w; j++)
				c[(i + r) * ci + j] = out[r * W + j];
	}
}

// c −= a·b, ni × nj, nk products; strides as in front_lanes.h.
static void multiply(long ni, long nj, long nk, const double *a, long ai, long ak, const double *b, long bk, double *c, long ci) {
	double packed[DEPTH * TV * W] __attribute__((aligned(64)));
	for (long k = 0; k < nk; k += DEPTH, a += DEPTH * ak, b += DEPTH * bk) {
		long depth = nk - k < DEPTH ? nk - k : DEPTH, j = 0;
		for (; j + TV * COMPLEX <= nj; j += TV * COMPLEX) {
			const double *at = b + j * E;
			long stride = bk;
			if (ni >= 8 * TI && depth > LEAF) {
				for (long p = 0; p < depth; p++)
					memcpy(packed + p * TV * W, at + p * bk, TV * W * sizeof(double));
				at = packed;
				stride = TV * W;
			}
			strip(TV, ni, depth, a, ai, ak, at, stride, c + j * E, ci);
		}
		for (; j + COMPLEX <= nj; j += COMPLEX)
			strip(1, ni, depth, a, ai, ak, b + j * E, bk, c + j * E, ci);
		if (j < nj)
			lastColumns(nj - j, ni, depth, a, ai, ak, b + j * E, bk, c + j * E, ci);
	}
}

INLINE void scale(long n, const double *d, double *x) {
	double dr = d[0], di = d[1];
	for (long j = 0; j < n; j++) {
		double r = x[2 * j], i = x[2 * j + 1];
		x[2 * j] = r * dr - i * di;
		x[2 * j + 1] = r * di + i * dr;
	}
}

// Solves n ≤ LEAF equations for c right-hand sides at distance cs, MANY at a time with real and imaginary parts apart.
enum { MANY = 32 };

static void anyLeaf(int unit, long n, const double *l, long li, long lk, long c, long cs, double *b, long bi) {
	double re[LEAF][MANY] __attribute__((aligned(64))), im[LEAF][MANY] __attribute__((aligned(64)));
	for (long first = 0; first < c; first += MANY, b += MANY * cs) {
		long count = c - first < MANY ? c - first : MANY;
		long w = (count + W - 1) / W * W;
		for (long i = 0; i < n; i++) {
			for (long j = 0; j < count; j++) {
				re[i][j] = b[i * bi + j * cs];
				im[i][j] = b[i * bi + j * cs + 1];
			}
			for (long j = count; j < w; j++)
				re[i][j] = im[i][j] = 0;
		}
		for (long k = 0; k < n; k++) {
			if (!unit) {
				double dr = l[k * (li + lk)], di = l[k * (li + lk) + 1];
				for (long j = 0; j < w; j++) {
					double r = re[k][j];
					re[k][j] = r * dr - im[k][j] * di;
					im[k][j] = r * di + im[k][j] * dr;
				}
			}
			for (long i = k + 1; i < n; i++) {
				double lr = l[i * li + k * lk], lm = l[i * li + k * lk + 1];
				for (long j = 0; j < w; j++) {
					re[i][j] -= lr * re[k][j] - lm * im[k][j];
					im[i][j] -= lr * im[k][j] + lm * re[k][j];
				}
			}
		}
		for (long i = 0; i < n; i++)
			for (long j = 0; j < count; j++) {
				b[i * bi + j * cs] = re[i][j];
				b[i * bi + j * cs + 1] = im[i][j];
			}
	}
}

// Factors columns j … j+w−1 ≤ LEAF of the pivot rows j … m−1, subtracting every pivot row at once.
static long columns(long m, long ld, long j, long w, double *u, int32_t *pivots, const double *tiny) {
	long next = ld * E, replaced = 0;
	for (long c = j; c < j + w; c++) {
		long p = choose(m, c, u, ld);
		pivots[c] = (int32_t)p;
		if (p != c)
			exchange(ld, u + c * next, u + p * next);
		double *d = u + c * (next + E);
		replaced += invert(d, tiny);
		for (long i = c + 1; i < m; i++) {
			double *f = u + i * next + c * E;
			scale(1, d, f);
			for (long k = 1; k < j + w - c; k++) {
				f[k * E] -= f[0] * d[k * E] - f[1] * d[k * E + 1];
				f[k * E + 1] -= f[0] * d[k * E + 1] + f[1] * d[k * E];
			}
		}
	}
	return replaced;
}

#include "front_common.h"
