// The operations, written once and compiled for each instruction set by a file that defines
//
//	V                    lanes
//	vec                  a vector of V doubles, with FMA, FNMA, MAX, LOAD, STORE, SPLAT, ALL_AT_MOST
//	TILE_ROWS, TILE_COLS the largest tile whose complex elements fit the registers
//	TABLE                the name of the table of functions
//
// An element is 2·V doubles: V real parts, V imaginary parts. Everything that costs O(w³) goes through one micro-kernel, which
// holds a tile in registers while it subtracts a product of any depth from it: factorizations and solves look left, so that an
// element is loaded and stored once. What is then left to do with a tile (a triangular solve with the tile on the diagonal) is
// done before it leaves the registers.

#define E (2 * V)
#define INLINE static inline __attribute__((always_inline))

// PIN makes x a register of its own: left alone, gcc loads a value again for each of the multiply-adds that use it.
#define PIN(x) __asm__("" : PIN_CONSTRAINT(x))
#define UNROLL _Pragma("GCC unroll 4")

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

INLINE vec magnitude(vec x) { return MAX(x, -x); }

// inverse sets (*re, *im) to its inverse. Squares that could overflow or underflow are avoided by scaling.
INLINE void inverse(vec *re, vec *im)
{
	vec square = *re * *re + *im * *im;
	if (__builtin_expect(ALL_AT_MOST(SPLAT(1e-280), square) && ALL_AT_MOST(square, SPLAT(1e280)), 1)) {
		vec q = SPLAT(1) / square;
		*re = *re * q;
		*im = -*im * q;
		return;
	}
	vec s = SPLAT(1) / MAX(magnitude(*re), magnitude(*im)), x = *re * s, y = *im * s;
	vec q = s / (x * x + y * y);
	*re = x * q;
	*im = -y * q;
}

// times sets x to x·y, less subtracts x·y from z.
INLINE void times(vec *xr, vec *xi, vec yr, vec yi)
{
	vec r = *xr * yr, i = *xr * yi;
	r = FNMA(*xi, yi, r);
	i = FMA(*xi, yr, i);
	*xr = r;
	*xi = i;
}

INLINE void less(vec *zr, vec *zi, vec xr, vec xi, vec yr, vec yi)
{
	*zr = FMA(xi, yi, FNMA(xr, yr, *zr));
	*zi = FNMA(xi, yr, FNMA(xr, yi, *zi));
}

INLINE void swap(double *a, double *b)
{
	vec ar = LOAD(a), ai = LOAD(a + V), br = LOAD(b), bi = LOAD(b + V);
	STORE(a, br);
	STORE(a + V, bi);
	STORE(b, ar);
	STORE(b + V, ai);
}

// ---- The micro-kernel ----

// What becomes of a tile X after the product has been subtracted; T is the tile on the diagonal of the triangular matrix, with
// the inverses of U's diagonal in the place of that diagonal.
enum task {
	gemm_sub,    // X
	gemm_set,    // −X, X being zero at the start
	gemm_add,    // what was there −X, X being zero at the start
	right_upper, // X·U⁻¹
	right_unit,  // X·L⁻¹, L unit lower
	left_unit,   // L⁻¹·X
	left_upper,  // U⁻¹·X
	left_lower_t, // U⁻ᵀ·X
	left_unit_t, // L⁻ᵀ·X
	dot_real,    // only Re Σ_j T[i][j]·(−X)[i][j] is kept, added to V real values a row
};

// All strides count doubles. a is R × depth with strides ars, aks; b is depth × C with strides bks, bcs; x is R × C with row
// stride xrs; t has strides trs, E.
typedef struct {
	int64_t depth;
	const double *a;
	int64_t ars, aks;
	const double *b;
	int64_t bks, bcs;
	double *x;
	int64_t xrs;
	const double *t;
	int64_t trs;
} product;

INLINE void tile(const int R, const int C, const enum task task, const product *p)
{
	vec re[TILE_ROWS][TILE_COLS], im[TILE_ROWS][TILE_COLS];
	double *const x = p->x;
	const int64_t xrs = p->xrs;
	UNROLL for (int i = 0; i < R; i++)
		UNROLL for (int j = 0; j < C; j++) {
			if (task == gemm_set || task == gemm_add || task == dot_real) {
				re[i][j] = im[i][j] = SPLAT(0);
			} else {
				re[i][j] = LOAD(x + i * xrs + j * E);
				im[i][j] = LOAD(x + i * xrs + j * E + V);
			}
		}

	const double *a = p->a, *b = p->b;
	const int64_t ars = p->ars, aks = p->aks, bks = p->bks, bcs = task == dot_real ? p->bcs : E;
	for (int64_t k = p->depth; k > 0; k--) {
		vec br[TILE_COLS], bi[TILE_COLS];
		UNROLL for (int j = 0; j < C; j++) {
			br[j] = LOAD(b + j * bcs);
			bi[j] = LOAD(b + j * bcs + V);
			PIN(br[j]);
			PIN(bi[j]);
		}
		UNROLL for (int i = 0; i < R; i++) {
			vec ar = LOAD(a + i * ars), ai = LOAD(a + i * ars + V);
			PIN(ar);
			PIN(ai);
			UNROLL for (int j = 0; j < C; j++) {
				re[i][j] = FNMA(ar, br[j], re[i][j]);
				im[i][j] = FNMA(ar, bi[j], im[i][j]);
			}
			UNROLL for (int j = 0; j < C; j++) {
				re[i][j] = FMA(ai, bi[j], re[i][j]);
				im[i][j] = FNMA(ai, br[j], im[i][j]);
			}
		}
		a += aks;
		b += bks;
	}

	const double *t = p->t;
	const int64_t trs = p->trs;
#define T(i, j) LOAD(t + (i) * trs + (j) * E), LOAD(t + (i) * trs + (j) * E + V)
	if (task == right_upper) {
		UNROLL for (int j = 0; j < C; j++)
			UNROLL for (int i = 0; i < R; i++) {
				UNROLL for (int k = 0; k < j; k++)
					less(&re[i][j], &im[i][j], re[i][k], im[i][k], T(k, j));
				times(&re[i][j], &im[i][j], T(j, j));
			}
	} else if (task == right_unit) {
		UNROLL for (int j = C - 1; j >= 0; j--)
			UNROLL for (int i = 0; i < R; i++)
				UNROLL for (int k = j + 1; k < C; k++)
					less(&re[i][j], &im[i][j], re[i][k], im[i][k], T(k, j));
	} else if (task == left_unit) {
		UNROLL for (int i = 0; i < R; i++)
			UNROLL for (int k = 0; k < i; k++)
				UNROLL for (int j = 0; j < C; j++)
					less(&re[i][j], &im[i][j], re[k][j], im[k][j], T(i, k));
	} else if (task == left_upper) {
		UNROLL for (int i = R - 1; i >= 0; i--)
			UNROLL for (int j = 0; j < C; j++) {
				UNROLL for (int k = i + 1; k < R; k++)
					less(&re[i][j], &im[i][j], re[k][j], im[k][j], T(i, k));
				times(&re[i][j], &im[i][j], T(i, i));
			}
	} else if (task == left_lower_t) {
		UNROLL for (int i = 0; i < R; i++)
			UNROLL for (int j = 0; j < C; j++) {
				UNROLL for (int k = 0; k < i; k++)
					less(&re[i][j], &im[i][j], re[k][j], im[k][j], T(k, i));
				times(&re[i][j], &im[i][j], T(i, i));
			}
	} else if (task == left_unit_t) {
		UNROLL for (int i = R - 1; i >= 0; i--)
			UNROLL for (int j = 0; j < C; j++)
				UNROLL for (int k = i + 1; k < R; k++)
					less(&re[i][j], &im[i][j], re[k][j], im[k][j], T(k, i));
	} else if (task == dot_real) {
		UNROLL for (int i = 0; i < R; i++) {
			vec sum = LOAD(x + i * xrs);
			UNROLL for (int j = 0; j < C; j++) {
				sum = FNMA(LOAD(t + i * trs + j * E), re[i][j], sum);
				sum = FMA(LOAD(t + i * trs + j * E + V), im[i][j], sum);
			}
			STORE(x + i * xrs, sum);
		}
		return;
	}
#undef T

	UNROLL for (int i = 0; i < R; i++)
		UNROLL for (int j = 0; j < C; j++) {
			double *at = x + i * xrs + j * E;
			if (task == gemm_add) {
				STORE(at, LOAD(at) - re[i][j]);
				STORE(at + V, LOAD(at + V) - im[i][j]);
			} else {
				STORE(at, task == gemm_set ? -re[i][j] : re[i][j]);
				STORE(at + V, task == gemm_set ? -im[i][j] : im[i][j]);
			}
		}
}

// A table of the tile sizes for each task, tiles_TASK[R − 1][C − 1].
typedef void (*tile_function)(const product *);
typedef tile_function tile_table[TILE_ROWS][TILE_COLS];

#define SIZE(task, R, C) \
	static void task##_##R##_##C(const product *p) { tile(R, C, task, p); }
#if TILE_ROWS == 4 && TILE_COLS == 3
#define SIZES(task) \
	SIZE(task, 1, 1) SIZE(task, 1, 2) SIZE(task, 1, 3) SIZE(task, 2, 1) SIZE(task, 2, 2) SIZE(task, 2, 3) \
	SIZE(task, 3, 1) SIZE(task, 3, 2) SIZE(task, 3, 3) SIZE(task, 4, 1) SIZE(task, 4, 2) SIZE(task, 4, 3) \
	static const tile_table tiles_##task = { \
		{task##_1_1, task##_1_2, task##_1_3}, {task##_2_1, task##_2_2, task##_2_3}, \
		{task##_3_1, task##_3_2, task##_3_3}, {task##_4_1, task##_4_2, task##_4_3}};
#elif TILE_ROWS == 2 && TILE_COLS == 2
#define SIZES(task) \
	SIZE(task, 1, 1) SIZE(task, 1, 2) SIZE(task, 2, 1) SIZE(task, 2, 2) \
	static const tile_table tiles_##task = {{task##_1_1, task##_1_2}, {task##_2_1, task##_2_2}};
#endif

SIZES(gemm_sub)
SIZES(gemm_set)
SIZES(gemm_add)
SIZES(right_upper)
SIZES(right_unit)
SIZES(left_unit)
SIZES(left_upper)
SIZES(left_lower_t)
SIZES(left_unit_t)
SIZES(dot_real)

// part returns where part number i begins if n is cut into the fewest parts of at most `most`, sizes as equal as possible.
INLINE int64_t parts(int64_t n, int64_t most) { return (n + most - 1) / most; }
INLINE int64_t part(int64_t i, int64_t n, int64_t count) { return i * (n / count) + least(i, n % count); }

// ---- LU factors ----

// pivot returns the pivot row of column j, and swaps rows if that is another one.
static int64_t pivot(int64_t w, int64_t ld, int64_t j, double *m)
{
	vec largest = SPLAT(0), own = SPLAT(0);
	for (int64_t i = w - 1; i >= j; i--) {
		vec re = LOAD(m + (i * ld + j) * E), im = LOAD(m + (i * ld + j) * E + V);
		own = FMA(re, re, im * im);
		largest = MAX(own, largest);
	}
	if (__builtin_expect(ALL_AT_MOST(largest, SPLAT(16) * own), 1))
		return j;

	double best = -1, scale[V];
	int64_t at = j;
	STORE(scale, largest);
	for (int64_t i = j; i < w; i++) {
		const double *x = m + (i * ld + j) * E;
		double worst = 1;
		for (int l = 0; l < V; l++) {
			double ratio = (x[l] * x[l] + x[V + l] * x[V + l]) / scale[l];
			if (ratio < worst)
				worst = ratio;
		}
		if (worst > best) {
			best = worst;
			at = i;
		}
	}
	if (at != j)
		for (int64_t c = 0; c < w; c++)
			swap(m + (j * ld + c) * E, m + (at * ld + c) * E);
	return at;
}

// eliminate factors the panel of C columns from (j0, j0) down, unblocked.
INLINE void eliminate(const int C, int64_t w, int64_t ld, int64_t j0, double *m, int32_t *piv)
{
	UNROLL for (int s = 0; s < C; s++) {
		const int64_t j = j0 + s;
		piv[j] = (int32_t)pivot(w, ld, j, m);
		double *d = m + (j * ld + j) * E;
		for (int l = 0; l < V; l++)
			if (d[l] == 0 && d[V + l] == 0)
				d[l] = 1e-150;
		vec dr = LOAD(d), di = LOAD(d + V), ur[TILE_COLS], ui[TILE_COLS];
		inverse(&dr, &di);
		STORE(d, dr);
		STORE(d + V, di);
		UNROLL for (int c = s + 1; c < C; c++) {
			ur[c] = LOAD(d + (c - s) * E);
			ui[c] = LOAD(d + (c - s) * E + V);
		}
		for (int64_t i = j + 1; i < w; i++) {
			double *x = m + (i * ld + j) * E;
			vec fr = LOAD(x), fi = LOAD(x + V);
			times(&fr, &fi, dr, di);
			STORE(x, fr);
			STORE(x + V, fi);
			UNROLL for (int c = s + 1; c < C; c++) {
				vec re = LOAD(x + (c - s) * E), im = LOAD(x + (c - s) * E + V);
				less(&re, &im, fr, fi, ur[c], ui[c]);
				STORE(x + (c - s) * E, re);
				STORE(x + (c - s) * E + V, im);
			}
		}
	}
}

// rows runs a task on the tiles of rows from `from` to `to` of p, whose x, a and t point to row 0; with diagonal, t follows
// the rows along the diagonal and the depth is what stands left of it.
INLINE void rows(const tile_table table, int64_t from, int64_t to, int C, const product *p)
{
	const int64_t count = parts(to - from, TILE_ROWS);
	for (int64_t i = 0; i < count; i++) {
		const int64_t begin = from + part(i, to - from, count), end = from + part(i + 1, to - from, count);
		product q = *p;
		q.a += begin * q.ars;
		q.x += begin * q.xrs;
		table[end - begin - 1][C - 1](&q);
	}
}

static void factor(int64_t w, int64_t ld, double *m, int32_t *piv)
{
	const int64_t count = parts(w, TILE_COLS), s = ld * E;
	for (int64_t jp = 0; jp < count; jp++) {
		const int64_t j0 = part(jp, w, count), C = part(jp + 1, w, count) - j0;
		const int64_t above = parts(j0, TILE_ROWS);
		for (int64_t i = 0; i < above; i++) {
			const int64_t begin = part(i, j0, above), end = part(i + 1, j0, above);
			const product p = {begin, m + begin * s, s, E, m + j0 * E, s, E, m + begin * s + j0 * E, s, m + begin * (s + E), s};
			tiles_left_unit[end - begin - 1][C - 1](&p);
		}
		const product p = {j0, m, s, E, m + j0 * E, s, E, m + j0 * E, s, m, s};
		rows(tiles_gemm_sub, j0, w, C, &p);
		switch (C) {
		case 1:
			eliminate(1, w, ld, j0, m, piv);
			break;
		case 2:
			eliminate(2, w, ld, j0, m, piv);
			break;
#if TILE_COLS > 2
		case 3:
			eliminate(3, w, ld, j0, m, piv);
			break;
#endif
		}
	}
}

// right_solves computes n·U⁻¹·L⁻¹ for the rows of n, those of row tile i beginning at column first(i); then the exchanges.
static void solve_right(int64_t w, int64_t ld, const double *m, const int32_t *piv, double *n)
{
	const int64_t count = parts(w, TILE_COLS), s = ld * E;
	for (int64_t jp = 0; jp < count; jp++) {
		const int64_t j0 = part(jp, w, count), C = part(jp + 1, w, count) - j0;
		const product p = {j0, n, s, E, m + j0 * E, s, E, n + j0 * E, s, m + j0 * (s + E), s};
		rows(tiles_right_upper, 0, w, C, &p);
	}
	for (int64_t jp = count - 1; jp >= 0; jp--) {
		const int64_t j0 = part(jp, w, count), j1 = part(jp + 1, w, count);
		const product p = {w - j1, n + j1 * E, s, E, m + j1 * s + j0 * E, s, E, n + j0 * E, s, m + j0 * (s + E), s};
		rows(tiles_right_unit, 0, w, j1 - j0, &p);
	}
	for (int64_t j = w - 1; j >= 0; j--)
		if (piv[j] != j)
			for (int64_t i = 0; i < w; i++)
				swap(n + (i * ld + j) * E, n + (i * ld + piv[j]) * E);
}

static void divide(int64_t w, int64_t ld, double *m, int32_t *piv, double *n)
{
	factor(w, ld, m, piv);
	solve_right(w, ld, m, piv, n);
}

static void invert(int64_t w, int64_t ld, double *m, int32_t *piv, double *n)
{
	for (int64_t i = 0; i < w; i++)
		for (int64_t j = 0; j < w; j++) {
			STORE(n + (i * ld + j) * E, SPLAT(i == j));
			STORE(n + (i * ld + j) * E + V, SPLAT(0));
		}
	divide(w, ld, m, piv, n);
}

static void exchange(int64_t w, const int32_t *piv, int backward, int64_t c, int64_t ldb, double *b)
{
	for (int64_t k = 0; k < w; k++) {
		const int64_t i = backward ? w - 1 - k : k;
		if (piv[i] != i)
			for (int64_t j = 0; j < c; j++)
				swap(b + (i * ldb + j) * E, b + (piv[i] * ldb + j) * E);
	}
}

// left solves with a triangle of m for all columns of b, from the top or from the bottom; strides rs, ks as of the triangle's
// rows and columns, which are m's or, transposed, m's columns and rows.
INLINE void left(const tile_table table, int upward, int64_t w, const double *m, int64_t rs, int64_t ks, int64_t ld, int64_t c,
                 int64_t ldb, double *b)
{
	const int64_t count = parts(w, TILE_ROWS), columns = parts(c, TILE_COLS);
	for (int64_t k = 0; k < count; k++) {
		const int64_t i = upward ? count - 1 - k : k, begin = part(i, w, count), end = part(i + 1, w, count);
		const int64_t first = upward ? end : 0, depth = upward ? w - end : begin;
		for (int64_t j = 0; j < columns; j++) {
			const int64_t j0 = part(j, c, columns), C = part(j + 1, c, columns) - j0;
			const product p = {depth, m + begin * rs + first * ks, rs, ks, b + (first * ldb + j0) * E, ldb * E, E,
			                   b + (begin * ldb + j0) * E, ldb * E, m + begin * (ld + 1) * E, ld * E};
			table[end - begin - 1][C - 1](&p);
		}
	}
}

static void solve_left(int64_t w, int64_t ld, const double *m, const int32_t *piv, int64_t c, int64_t ldb, double *b)
{
	exchange(w, piv, 0, c, ldb, b);
	left(tiles_left_unit, 0, w, m, ld * E, E, ld, c, ldb, b);
	left(tiles_left_upper, 1, w, m, ld * E, E, ld, c, ldb, b);
}

static void solve_left_t(int64_t w, int64_t ld, const double *m, const int32_t *piv, int64_t c, int64_t ldb, double *b)
{
	left(tiles_left_lower_t, 0, w, m, E, ld * E, ld, c, ldb, b);
	left(tiles_left_unit_t, 1, w, m, E, ld * E, ld, c, ldb, b);
	exchange(w, piv, 1, c, ldb, b);
}

// ---- Products ----

static void mul(int64_t mode, int64_t trans, int64_t w, int64_t ld, const double *a, int64_t c, int64_t ldb, const double *b, double *out)
{
	const tile_function(*table)[TILE_COLS] = mode == mcd_set ? tiles_gemm_set : mode == mcd_add ? tiles_gemm_add : tiles_gemm_sub;
	const int64_t rs = (trans ? 1 : ld) * E, ks = (trans ? ld : 1) * E;
	const int64_t count = parts(w, TILE_ROWS), columns = parts(c, TILE_COLS);
	for (int64_t i = 0; i < count; i++) {
		const int64_t begin = part(i, w, count), end = part(i + 1, w, count);
		for (int64_t j = 0; j < columns; j++) {
			const int64_t j0 = part(j, c, columns), C = part(j + 1, c, columns) - j0;
			const product p = {w, a + begin * rs, rs, ks, b + j0 * E, ldb * E, E, out + (begin * ldb + j0) * E, ldb * E, a, 0};
			table[end - begin - 1][C - 1](&p);
		}
	}
}

static void reduce(int64_t w, int64_t c, int64_t ldb, const double *coef, const double *chi, const double *psi, double *out)
{
	const int64_t count = parts(w, TILE_ROWS), columns = parts(c, TILE_COLS);
	for (int64_t i = 0; i < count; i++) {
		const int64_t begin = part(i, w, count), end = part(i + 1, w, count);
		for (int64_t y = begin; y < end; y++)
			STORE(out + y * V, SPLAT(0));
		for (int64_t j = 0; j < columns; j++) {
			const int64_t j0 = part(j, c, columns), C = part(j + 1, c, columns) - j0;
			const product p = {c, psi + begin * ldb * E, ldb * E, E, coef + j0 * c * E, E, c * E, out + begin * V, V,
			                   chi + (begin * ldb + j0) * E, ldb * E};
			tiles_dot_real[end - begin - 1][C - 1](&p);
		}
	}
}

static void max_diff(int64_t n, const double *a, const double *b, double *out)
{
	vec largest = LOAD(out), nan = SPLAT(0); // nan becomes NaN with the first difference that is NaN or infinite
	for (int64_t i = 0; i < 2 * n; i++) {
		vec x = LOAD(a + i * V) - LOAD(b + i * V);
		largest = MAX(magnitude(x), largest);
		nan = FMA(x, SPLAT(0), nan);
	}
	STORE(out, largest);
	double flag[V];
	STORE(flag, nan);
	for (int l = 0; l < V; l++)
		if (flag[l] != 0)
			out[l] = __builtin_inf();
}

// ---- The three-term recursion ----

// step computes out = −(D·b + prev) for C columns, all with row stride s (in doubles). Without prev, prev is the identity's
// columns from j0; without b, b is. down is the coefficient of the row above, up of the row below.
enum { column_block = 4 };

INLINE void step(const int C, int64_t w, const double *h, vec e, vec cosine, vec sine, int64_t s, const double *b,
                 const double *prev, int64_t unit, double *out)
{
	vec above_r[column_block], above_i[column_block], here_r[column_block], here_i[column_block];
	UNROLL for (int j = 0; j < C; j++) {
		above_r[j] = above_i[j] = SPLAT(0);
		here_r[j] = LOAD(b + j * E);
		here_i[j] = LOAD(b + j * E + V);
	}
	for (int64_t y = 0; y < w; y++) {
		const vec d = SPLAT(h[y]) - e;
		UNROLL for (int j = 0; j < C; j++) {
			vec re, im, below_r = SPLAT(0), below_i = SPLAT(0);
			if (prev) {
				re = d * here_r[j] - LOAD(prev + y * s + j * E);
				im = d * here_i[j] - LOAD(prev + y * s + j * E + V);
			} else {
				re = d * here_r[j] - SPLAT(y == unit + j);
				im = d * here_i[j];
			}
			// conj(c)·above
			re = FNMA(sine, above_i[j], FNMA(cosine, above_r[j], re));
			im = FMA(sine, above_r[j], FNMA(cosine, above_i[j], im));
			if (y + 1 < w) {
				below_r = LOAD(b + (y + 1) * s + j * E);
				below_i = LOAD(b + (y + 1) * s + j * E + V);
			}
			re = FMA(sine, below_i, FNMA(cosine, below_r, re));
			im = FNMA(sine, below_r, FNMA(cosine, below_i, im));
			STORE(out + y * s + j * E, re);
			STORE(out + y * s + j * E + V, im);
			above_r[j] = here_r[j];
			above_i[j] = here_i[j];
			here_r[j] = below_r;
			here_i[j] = below_i;
		}
	}
}

#define STEP(C) \
	static void step_##C(int64_t w, const double *h, const double *e, const double *cs, int64_t conj, int64_t s, const double *b, \
	                     const double *prev, int64_t unit, double *out) \
	{ \
		step(C, w, h, LOAD(e), LOAD(cs), conj ? -LOAD(cs + V) : LOAD(cs + V), s, b, prev, unit, out); \
	}
STEP(1)
STEP(2)
STEP(3)
STEP(4)
static void (*const steps[])(int64_t, const double *, const double *, const double *, int64_t, int64_t, const double *, const double *,
                             int64_t, double *) = {step_1, step_2, step_3, step_4};

static void recur(int64_t conj, int64_t w, const double *h, const double *e, const double *cs, int64_t c, int64_t ldb, const double *b,
                  const double *prev, double *out)
{
	const int64_t count = parts(c, column_block);
	for (int64_t i = 0; i < count; i++) {
		const int64_t j0 = part(i, c, count), C = part(i + 1, c, count) - j0;
		steps[C - 1](w, h, e, cs, conj, ldb * E, b + j0 * E, prev + j0 * E, 0, out + j0 * E);
	}
}

// first writes φ_{R−1} = −(D + f) for columns j0 to j1.
INLINE void first(int64_t w, const double *h, vec e, vec cosine, vec sine, int64_t s, int64_t j0, int64_t j1, const double *f,
                  double *out)
{
	for (int64_t y = 0; y < w; y++)
		for (int64_t j = j0; j < j1; j++) {
			vec re = -LOAD(f + y * s + j * E), im = -LOAD(f + y * s + j * E + V);
			if (j == y) {
				re -= e - SPLAT(h[y]);
			} else if (j == y + 1) {
				re -= cosine;
				im -= sine;
			} else if (j == y - 1) {
				re -= cosine;
				im += sine;
			}
			STORE(out + y * s + j * E, re);
			STORE(out + y * s + j * E + V, im);
		}
}

static void hop(int64_t w, int64_t ld, int64_t k, const double *h, const double *e, const double *cs, const double *f, double *m,
                double *n)
{
	const int64_t count = parts(w, column_block), s = ld * E;
	for (int64_t i = 0; i < count; i++) {
		const int64_t j0 = part(i, w, count), j1 = part(i + 1, w, count);
		// a holds φ_{R−r}, b is where φ_{R−r−1} goes: m in the end.
		double *a = k % 2 ? m : n, *b = k % 2 ? n : m;
		first(w, h, LOAD(e), LOAD(cs), LOAD(cs + V), s, j0, j1, f, a);
		if (k == 1)
			for (int64_t y = 0; y < w; y++)
				for (int64_t j = j0; j < j1; j++) {
					STORE(b + y * s + j * E, SPLAT(y == j));
					STORE(b + y * s + j * E + V, SPLAT(0));
				}
		for (int64_t r = 1; r < k; r++) {
			steps[j1 - j0 - 1](w, h + r * w, e, cs + r * E, 0, s, a + j0 * E, r == 1 ? 0 : b + j0 * E, j0, b + j0 * E);
			double *swapped = a;
			a = b;
			b = swapped;
		}
	}
}

// ---- The machine ----

// spin does n rounds of 16 independent multiply-adds of V lanes: the most the machine can do.
static double spin(int64_t n)
{
	vec x[16], a = SPLAT(0.999), b = SPLAT(0.001);
	PIN(a);
	PIN(b);
	_Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) x[i] = SPLAT(i);
	for (int64_t k = 0; k < n; k++) {
		_Pragma("GCC unroll 16") for (int i = 0; i < 16; i++)
		{
			x[i] = FMA(x[i], a, b);
			PIN(x[i]);
		}
	}
	vec sum = SPLAT(0);
	_Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) sum += x[i];
	return sum[0];
}

const mcd_kernel TABLE = {hop, factor, divide, invert, solve_right, solve_left, solve_left_t, mul, recur, reduce, max_diff, spin};
