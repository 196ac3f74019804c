// The operations of the device engine (what each computes is said at the interface, front.go), built from multiply, leaf
// solves (anyLeaf) and columns of the including file.

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

// Whether another thread has asked to end.
INLINE int stopped(const int32_t *stop) { return __atomic_load_n(stop, __ATOMIC_RELAXED) != 0; }

// Factors columns j … j+w−1 of the pivot rows j … m−1; rows are exchanged over all ld elements.
static long panel(long m, long ld, long j, long w, double *u, int32_t *pivots, const double *tiny, const int32_t *stop) {
	if (stopped(stop))
		return 0;
	if (w <= LEAF)
		return columns(m, ld, j, w, u, pivots, tiny);
	long row = ld * E, h = half(w);
	long replaced = panel(m, ld, j, h, u, pivots, tiny, stop);
	double *corner = u + j * (row + E);
	solveLower(1, h, corner, row, E, w - h, corner + h * E, row);
	multiply(m - j - h, w - h, h, corner + h * row, row, E, corner + h * E, row, corner + h * (row + E), row);
	return replaced + panel(m, ld, j + h, w - h, u, pivots, tiny, stop);
}

// Rows and columns that are worked on between two looks at stop: some 10 ms.
INLINE long between(long m, long b) {
	long n = 20000000 / (V * m * (m + b)) / LEAF * LEAF;
	return n > 4 * LEAF ? n : 4 * LEAF;
}

long NAME(eliminate)(long m, long b, double *u, double *l, double *c, int32_t *pivots, const double *tiny, const int32_t *stop) {
	long row = (m + b) * E, step = between(m, b);
	long replaced = panel(m, m + b, 0, m, u, pivots, tiny, stop);
	for (long j = 0; j < b && !stopped(stop); j += step)
		solveLower(1, m, u, row, E, j + step < b ? step : b - j, u + (m + j) * E, row);
	for (long i = 0; i < b && !stopped(stop); i += step) {
		long rows = i + step < b ? step : b - i;
		solveRight(m, u, row, rows, l + i * m * E, m * E);
		multiply(rows, b, m, l + i * m * E, m * E, E, u + m * E, row, c + i * b * E, b * E);
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

INLINE void sumProducts(const double sign, long k, const int32_t *rows, const int32_t *cols, long n, const double *chi, const double *psi, double *out) {
	for (long e = 0; e < k; e++, out += E) {
		vec rr = {0}, ii = {0}, ri = {0}, ir = {0}; // four sums hide the latency of the products
		const double *a = chi + rows[e] * n * E, *b = psi + cols[e] * n * E;
		for (long j = 0; j < n; j++, a += E, b += E) {
			vec ar = get(a), ai = get(a + V), br = get(b), bi = get(b + V);
			rr += ar * br;
			ii += ai * bi;
			ri += ar * bi;
			ir += ai * br;
		}
		put(out, get(out) + rr - sign * ii);
		put(out + V, get(out + V) + ri + sign * ir);
	}
}

void NAME(dot)(long k, const int32_t *rows, const int32_t *cols, long n, const double *chi, const double *psi, double *out) {
	sumProducts(1, k, rows, cols, n, chi, psi, out);
}

void NAME(dotC)(long k, const int32_t *rows, const int32_t *cols, long n, const double *chi, const double *psi, double *out) {
	sumProducts(-1, k, rows, cols, n, chi, psi, out);
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
