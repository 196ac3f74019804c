// What the device engine's operations (front_common.h) are built from, for several lanes: products in tiles of TI × TJ and
// small triangles in registers. The including file sets V, TI, TJ, LEAF and NAME(f).

#include "front_base.h"

typedef double vec __attribute__((vector_size(8 * V)));
typedef int64_t mask __attribute__((vector_size(8 * V)));
typedef double uvec __attribute__((vector_size(8 * V), aligned(8)));

#define DEPTH 48 // products that one pass of tiles sums

INLINE vec get(const double *p) { return *(const uvec *)p; }
INLINE void put(double *p, vec v) { *(uvec *)p = v; }

// c −= a·b on ni × nj elements; ni and nj are constants where it is called, so that c stays in registers. Element (i, k) of
// a is at a + i·ai + k·ak, (k, j) of b at b + k·bk + j·E, all strides in values.
INLINE void tile(const long ni, const long nj, long nk, const double *a, long ai, long ak, const double *b, long bk, double *c, long ci) {
	vec re[TI][TJ], im[TI][TJ];
#pragma GCC unroll 8
	for (long i = 0; i < ni; i++)
#pragma GCC unroll 8
		for (long j = 0; j < nj; j++) {
			re[i][j] = get(c + i * ci + j * E);
			im[i][j] = get(c + i * ci + j * E + V);
		}
	for (long k = 0; k < nk; k++) {
		vec ar[TI], ai_[TI];
#pragma GCC unroll 8
		for (long i = 0; i < ni; i++) {
			ar[i] = get(a + i * ai + k * ak);
			ai_[i] = get(a + i * ai + k * ak + V);
			__asm__("" : "+v"(ar[i]), "+v"(ai_[i])); // keep it in a register instead of loading it again in every product
		}
#pragma GCC unroll 8
		for (long j = 0; j < nj; j++) {
			vec br = get(b + k * bk + j * E), bi = get(b + k * bk + j * E + V);
			__asm__("" : "+v"(br), "+v"(bi));
#pragma GCC unroll 8
			for (long i = 0; i < ni; i++) {
				re[i][j] -= ar[i] * br;
				im[i][j] -= ar[i] * bi;
				re[i][j] += ai_[i] * bi;
				im[i][j] -= ai_[i] * br;
			}
		}
	}
#pragma GCC unroll 8
	for (long i = 0; i < ni; i++)
#pragma GCC unroll 8
		for (long j = 0; j < nj; j++) {
			put(c + i * ci + j * E, re[i][j]);
			put(c + i * ci + j * E + V, im[i][j]);
		}
}

// All rows of one column of tiles.
INLINE void column(const long nj, long ni, long nk, const double *a, long ai, long ak, const double *b, long bk, double *c, long ci) {
	long i = 0;
	for (; i + TI <= ni; i += TI)
		tile(TI, nj, nk, a + i * ai, ai, ak, b, bk, c + i * ci, ci);
#if TI > 2
	if (ni - i == 2) {
		tile(2, nj, nk, a + i * ai, ai, ak, b, bk, c + i * ci, ci);
		return;
	}
#endif
	if (ni - i == 1)
		tile(1, nj, nk, a + i * ai, ai, ak, b, bk, c + i * ci, ci);
}

// c −= a·b, ni × nj, nk products. The columns of b are packed where many rows use them: rows whose distance is a multiple
// of 4 KiB would push each other out of the first cache.
static void multiply(long ni, long nj, long nk, const double *a, long ai, long ak, const double *b, long bk, double *c, long ci) {
	double packed[DEPTH * TJ * E] __attribute__((aligned(64)));
	for (long k = 0; k < nk; k += DEPTH) {
		long depth = nk - k < DEPTH ? nk - k : DEPTH;
		for (long j = 0; j < nj; j += TJ) {
			long w = nj - j < TJ ? nj - j : TJ;
			const double *at = b + k * bk + j * E;
			long stride = bk;
			if (ni >= 4 * TI && depth > LEAF) {
				for (long p = 0; p < depth; p++)
					memcpy(packed + p * TJ * E, at + p * bk, w * E * sizeof(double));
				at = packed;
				stride = TJ * E;
			}
			const double *left = a + k * ak;
			double *out = c + j * E;
			switch (w) {
#if TJ > 3
			case 4: column(4, ni, depth, left, ai, ak, at, stride, out, ci); break;
#endif
			case 3: column(3, ni, depth, left, ai, ak, at, stride, out, ci); break;
			case 2: column(2, ni, depth, left, ai, ak, at, stride, out, ci); break;
			default: column(1, ni, depth, left, ai, ak, at, stride, out, ci);
			}
		}
	}
}

// x ← x·d for n elements.
INLINE void scale(long n, const double *d, double *x) {
	vec dr = get(d), di = get(d + V);
	for (long j = 0; j < n; j++, x += E) {
		vec r = get(x), i = get(x + V);
		put(x, r * dr - i * di);
		put(x + V, r * di + i * dr);
	}
}

// Solves n ≤ LEAF equations with the unknowns in registers, for c right-hand sides at distance cs.
INLINE void leaf(const int unit, const long n, const double *l, long li, long lk, long c, long cs, double *b, long bi) {
	for (long j = 0; j < c; j++, b += cs) {
		vec re[LEAF], im[LEAF];
#pragma GCC unroll 8
		for (long i = 0; i < n; i++) {
			re[i] = get(b + i * bi);
			im[i] = get(b + i * bi + V);
		}
#pragma GCC unroll 8
		for (long k = 0; k < n; k++) {
			if (!unit) {
				const double *d = l + k * (li + lk);
				vec dr = get(d), di = get(d + V), r = re[k];
				re[k] = r * dr - im[k] * di;
				im[k] = r * di + im[k] * dr;
			}
#pragma GCC unroll 8
			for (long i = k + 1; i < n; i++) {
				vec lr = get(l + i * li + k * lk), lm = get(l + i * li + k * lk + V);
				re[i] -= lr * re[k];
				im[i] -= lr * im[k];
				re[i] += lm * im[k];
				im[i] -= lm * re[k];
			}
		}
#pragma GCC unroll 8
		for (long i = 0; i < n; i++) {
			put(b + i * bi, re[i]);
			put(b + i * bi + V, im[i]);
		}
	}
}

INLINE void leaves(const int unit, long n, const double *l, long li, long lk, long c, long cs, double *b, long bi) {
	switch (n) {
	case 1: leaf(unit, 1, l, li, lk, c, cs, b, bi); break;
	case 2: leaf(unit, 2, l, li, lk, c, cs, b, bi); break;
	case 3: leaf(unit, 3, l, li, lk, c, cs, b, bi); break;
	case 4: leaf(unit, 4, l, li, lk, c, cs, b, bi); break;
#if LEAF > 4
	case 5: leaf(unit, 5, l, li, lk, c, cs, b, bi); break;
	case 6: leaf(unit, 6, l, li, lk, c, cs, b, bi); break;
	case 7: leaf(unit, 7, l, li, lk, c, cs, b, bi); break;
	case 8: leaf(unit, 8, l, li, lk, c, cs, b, bi); break;
#endif
	}
}

static void anyLeaf(int unit, long n, const double *l, long li, long lk, long c, long cs, double *b, long bi) {
	if (unit)
		leaves(1, n, l, li, lk, c, cs, b, bi);
	else
		leaves(0, n, l, li, lk, c, cs, b, bi);
}

// The larger of a and b in every lane; b where either is NaN.
INLINE vec larger(vec a, vec b) {
	mask m = a >= b;
	return (vec)((m & (mask)a) | (~m & (mask)b));
}

#define LANE(x, v) (x)[v]

#include "front_pivot.h"

// Factors columns j … j+w−1 ≤ LEAF of the pivot rows j … m−1, each column brought up to date when its turn comes.
static long columns(long m, long ld, long j, long w, double *u, int32_t *pivots, const double *tiny) {
	long row = ld * E, replaced = 0;
	for (long c = j; c < j + w; c++) {
		double *top = u + j * row + c * E;
		anyLeaf(1, c - j, u + j * (row + E), row, E, 1, E, top, row);
		multiply(m - c, 1, c - j, u + c * row + j * E, row, E, top, row, u + c * row + c * E, row);
		long p = choose(m, c, u, ld);
		pivots[c] = (int32_t)p;
		if (p != c)
			exchange(ld, u + c * row, u + p * row);
		double *d = u + c * (row + E);
		replaced += invert(d, tiny);
		for (long i = c + 1; i < m; i++)
			scale(1, d, u + i * row + c * E);
	}
	return replaced;
}

#include "front_common.h"
