// The operations of the device engine for one lane count: V, the tile (TI × TJ), LEAF and NAME(f) are set by the including file.
// What each one computes is said at the interface (front.go); the layout at the package (kernel.go).

#include <stdint.h>
#include <string.h>

typedef double vec __attribute__((vector_size(8 * V)));
typedef int64_t mask __attribute__((vector_size(8 * V)));
typedef double uvec __attribute__((vector_size(8 * V), aligned(8)));

#define E (2 * V)
#define DEPTH 48 // products that one pass of tiles sums

#define INLINE static inline __attribute__((always_inline))

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

INLINE long half(long n) { return (n / 2 + LEAF - 1) / LEAF * LEAF; }

// b ← L⁻¹b, b n × c. L is lower (n × n), element (i, k) at l + i·li + k·lk, its diagonal one if unit, else inverted.
static void solveLower(int unit, long n, const double *l, long li, long lk, long c, double *b, long bi) {
	if (n <= LEAF) {
		anyLeaf(unit, n, l, li, lk, c, E, b, bi);
		return;
	}
	long h = half(n);
	solveLower(unit, h, l, li, lk, c, b, bi);
	multiply(n - h, c, h, l + h * li, li, lk, b, bi, b + h * bi, bi);
	solveLower(unit, n - h, l + h * (li + lk), li, lk, c, b + h * bi, bi);
}

// b ← U⁻¹b for an upper U: a lower matrix when rows and columns are counted from the end.
static void solveUpper(int unit, long n, const double *u, long ui, long uk, long c, double *b, long bi) {
	solveLower(unit, n, u + (n - 1) * (ui + uk), -ui, -uk, c, b + (n - 1) * bi, -bi);
}

// b ← bU⁻¹, b r × n, the diagonal of U inverted.
static void solveRight(long n, const double *u, long ui, long r, double *b, long bi) {
	if (n <= LEAF) {
		anyLeaf(0, n, u, E, ui, r, bi, b, E);
		return;
	}
	long h = half(n);
	solveRight(h, u, ui, r, b, bi);
	multiply(r, n - h, h, b, bi, E, u + h * E, ui, b + h * E, bi);
	solveRight(n - h, u + h * (ui + E), ui, r, b + h * E, bi);
}

// The larger of a and b in every lane; b where either is NaN.
INLINE vec larger(vec a, vec b) {
	mask m = a >= b;
	return (vec)((m & (mask)a) | (~m & (mask)b));
}

INLINE vec square(const double *p) {
	vec r = get(p), i = get(p + V);
	return r * r + i * i;
}

// The row of column j (rows j … m−1) to take as pivot.
static long choose(long m, long j, const double *u, long ld) {
	vec keep = square(u + (j * ld + j) * E), most = keep;
	for (long i = j + 1; i < m; i++)
		most = larger(most, square(u + (i * ld + j) * E));
	int fine = 1;
	for (int v = 0; v < V; v++)
		fine &= most[v] <= 16 * keep[v];
	if (fine)
		return j;
	long best = j;
	double value = -1;
	for (long i = j; i < m; i++) {
		vec s = square(u + (i * ld + j) * E);
		double worst = 2;
		for (int v = 0; v < V; v++) {
			double ratio = most[v] > 0 ? s[v] / most[v] : 1;
			worst = ratio < worst ? ratio : worst;
		}
		if (worst > value) {
			value = worst;
			best = i;
		}
	}
	return best;
}

INLINE void exchange(long n, double *a, double *b) {
	for (long k = 0; k < n * E; k += V) {
		vec x = get(a + k), y = get(b + k);
		put(a + k, y);
		put(b + k, x);
	}
}

// Replaces d by its inverse; where |d| ≤ tiny, by that of i·tiny. Returns the number of lanes replaced.
static long invert(double *d, const double *tiny) {
	long replaced = 0;
	for (int v = 0; v < V; v++) {
		double r = d[v], i = d[V + v];
		double size = r * r + i * i;
		if (!(size > tiny[v] * tiny[v])) {
			r = 0;
			i = tiny[v];
			size = i * i;
			replaced++;
		}
		d[v] = r / size;
		d[V + v] = -i / size;
	}
	return replaced;
}

// Factors columns j … j+w−1 of the pivot rows j … m−1; rows are exchanged over all ld elements.
static long panel(long m, long ld, long j, long w, double *u, int32_t *pivots, const double *tiny) {
	long row = ld * E, replaced = 0;
	if (w > LEAF) {
		long h = half(w);
		replaced += panel(m, ld, j, h, u, pivots, tiny);
		double *corner = u + j * (row + E);
		solveLower(1, h, corner, row, E, w - h, corner + h * E, row);
		multiply(m - j - h, w - h, h, corner + h * row, row, E, corner + h * E, row, corner + h * (row + E), row);
		return replaced + panel(m, ld, j + h, w - h, u, pivots, tiny);
	}
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

long NAME(eliminate)(long m, long b, double *u, double *l, double *c, int32_t *pivots, const double *tiny) {
	long row = (m + b) * E;
	long replaced = panel(m, m + b, 0, m, u, pivots, tiny);
	if (b > 0) {
		solveLower(1, m, u, row, E, b, u + m * E, row);
		solveRight(m, u, row, b, l, m * E);
		multiply(b, b, m, l, m * E, E, u + m * E, row, c, b * E);
	}
	return replaced;
}

INLINE void add(double *out, const double *in) {
	put(out, get(out) + get(in));
	put(out + V, get(out + V) + get(in + V));
}

void NAME(extend)(long n, const int32_t *index, const double *update, long m, long b, double *u, double *l, double *c) {
	for (long i = 0; i < n; i++, update += n * E) {
		long r = index[i];
		double *left = r < m ? u + r * (m + b) * E : l + (r - m) * m * E;
		double *right = r < m ? left : c + (r - m) * b * E - m * E;
		for (long j = 0; j < n; j++)
			add((index[j] < m ? left : right) + index[j] * E, update + j * E);
	}
}

void NAME(collect)(long n, const int32_t *target, const double *in, double *out) {
	for (long k = 0; k < n; k++)
		add(out + target[k] * (long)E, in + k * E);
}

static void permute(long m, long n, const int32_t *pivots, double *x) {
	for (long i = 0; i < m; i++)
		if (pivots[i] != i)
			exchange(n, x + i * n * E, x + pivots[i] * n * E);
}

void NAME(forward)(long m, long b, long n, const double *u, const double *l, const int32_t *pivots, double *x, double *border) {
	permute(m, n, pivots, x);
	solveLower(1, m, u, (m + b) * E, E, n, x, n * E);
	multiply(b, n, m, l, m * E, E, x, n * E, border, n * E);
}

void NAME(backward)(long m, long b, long n, const double *u, double *x, const double *border) {
	long row = (m + b) * E;
	multiply(m, n, b, u + m * E, row, E, border, n * E, x, n * E);
	solveUpper(0, m, u, row, E, n, x, n * E);
}

void NAME(forwardT)(long m, long b, long n, const double *u, double *x, double *border) {
	long row = (m + b) * E;
	solveLower(0, m, u, E, row, n, x, n * E);
	multiply(b, n, m, u + m * E, E, row, x, n * E, border, n * E);
}

void NAME(backwardT)(long m, long b, long n, const double *u, const double *l, const int32_t *pivots, double *x, const double *border) {
	multiply(m, n, b, l, E, m * E, border, n * E, x, n * E);
	solveUpper(1, m, u, E, (m + b) * E, n, x, n * E);
	for (long i = m - 1; i >= 0; i--)
		if (pivots[i] != i)
			exchange(n, x + i * n * E, x + pivots[i] * n * E);
}

void NAME(scatter)(long r, const int32_t *rows, long n, const double *in, double *out) {
	for (long i = 0; i < r; i++)
		for (long j = 0; j < n; j++)
			add(out + (rows[i] * n + j) * E, in + (i * n + j) * E);
}

void NAME(residual)(long k, const int32_t *rows, const int32_t *cols, const double *a, long n, const double *x, double *r) {
	for (long e = 0; e < k; e++, a += E) {
		vec ar = get(a), ai = get(a + V);
		const double *in = x + cols[e] * n * E;
		double *out = r + rows[e] * n * E;
		for (long j = 0; j < n; j++, in += E, out += E) {
			vec xr = get(in), xi = get(in + V);
			put(out, get(out) - ar * xr + ai * xi);
			put(out + V, get(out + V) - ar * xi - ai * xr);
		}
	}
}

void NAME(dot)(long k, const int32_t *rows, const int32_t *cols, long n, const double *chi, const double *psi, double *out) {
	for (long e = 0; e < k; e++, out += E) {
		vec re = get(out), im = get(out + V);
		const double *a = chi + rows[e] * n * E, *b = psi + cols[e] * n * E;
		for (long j = 0; j < n; j++, a += E, b += E) {
			vec ar = get(a), ai = get(a + V), br = get(b), bi = get(b + V);
			re += ar * br;
			im += ar * bi;
			re -= ai * bi;
			im += ai * br;
		}
		put(out, re);
		put(out + V, im);
	}
}

void NAME(largest)(long r, long n, const double *x, double *out) {
	vec poison = {0}; // 0·v is NaN where v is no finite number
	memset(out, 0, n * V * sizeof(double));
	for (long i = 0; i < r; i++)
		for (long j = 0; j < n; j++, x += E) {
			vec re = get(x), im = get(x + V);
			poison += 0 * re + 0 * im;
			put(out + j * V, larger(get(out + j * V), larger(larger(-re, re), larger(-im, im))));
		}
	for (long j = 0; j < n; j++)
		put(out + j * V, get(out + j * V) + poison);
}

void NAME(combine)(long r, long n, const double *x, const double *w, double *out) {
	for (long i = 0; i < r; i++, out += E) {
		vec re = {0}, im = {0};
		for (long j = 0; j < n; j++, x += E) {
			re += get(x) * get(w + j * V);
			im += get(x + V) * get(w + j * V);
		}
		put(out, re);
		put(out + V, im);
	}
}

void NAME(product)(long ni, long nj, long nk, const double *a, const double *b, double *c) {
	multiply(ni, nj, nk, a, nk * E, E, b, nj * E, c, nj * E);
}
