// The operations, written once and compiled for each instruction set by a file that defines
//
//	V                    lanes
//	vec                  a vector of V doubles, with FMA, FNMA, MAX, LOAD, STORE, SPLAT, ALL_AT_MOST
//	TILE_ROWS, TILE_COLS the largest tile whose complex elements fit the registers
//	FRESH_LEVELS         slices of a hop that fit them, three elements of each but the last
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
#define UNROLL _Pragma("GCC unroll 8")

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

INLINE vec magnitude(vec x) { return MAX(x, -x); }

// inverse sets the element at p to its inverse, zero to 1/Tiny.
static __attribute__((cold, noinline)) void scaled_inverse(double *p)
{
	for (int l = 0; l < V; l++) {
		double re = p[l], im = p[V + l];
		if (re == 0 && im == 0)
			re = 1e-150;
		const double x = __builtin_fabs(re), y = __builtin_fabs(im), s = 1 / (x > y ? x : y);
		re *= s;
		im *= s;
		const double q = s / (re * re + im * im);
		p[l] = re * q;
		p[V + l] = -im * q;
	}
}

INLINE void inverse(double *p)
{
	const vec re = LOAD(p), im = LOAD(p + V), square = re * re + im * im, least = SPLAT(1e-280), most = SPLAT(1e280);
	if (__builtin_expect(ALL_AT_MOST(least, square) && ALL_AT_MOST(square, most), 1)) {
		const vec q = SPLAT(1) / square;
		STORE(p, re * q);
		STORE(p + V, -im * q);
	} else { // squares overflow, underflow or vanish
		scaled_inverse(p);
	}
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
	conj_set,    // as gemm_set, with the first factor conjugated
};

// All strides count doubles. a is R × depth with strides ars, aks; b is depth × C with strides bks, E; x is R × C with row
// stride xrs; t has strides trs, E. The task is run on count tiles (one if that is 0) that lie the steps apart.
typedef struct {
	int64_t depth;
	const double *a;
	int64_t ars, aks;
	const double *b;
	int64_t bks;
	double *x;
	int64_t xrs;
	const double *t;
	int64_t trs;
	int64_t count, a_step, b_step, x_step;
} product;

INLINE void one_tile(const int R, const int C, const enum task task, const product *p, const double *a, const double *b, double *x)
{
	const int conj = task == conj_set, set = task == gemm_set || conj, add = task == gemm_add;
	vec re[TILE_ROWS][TILE_COLS], im[TILE_ROWS][TILE_COLS];
	const int64_t xrs = p->xrs;
	UNROLL for (int i = 0; i < R; i++)
		UNROLL for (int j = 0; j < C; j++) {
			if (set || add) {
				re[i][j] = im[i][j] = SPLAT(0);
			} else {
				re[i][j] = LOAD(x + i * xrs + j * E);
				im[i][j] = LOAD(x + i * xrs + j * E + V);
			}
		}

	const int64_t ars = p->ars, aks = p->aks, bks = p->bks;
	for (int64_t k = p->depth; k > 0; k--, a += aks, b += bks) {
#ifdef FULL_STEP
		if (R == TILE_ROWS && C == TILE_COLS && !conj) {
			FULL_STEP(re, im, a, ars, b);
			continue;
		}
#endif
		vec br[TILE_COLS], bi[TILE_COLS];
		UNROLL for (int j = 0; j < C; j++) {
			br[j] = LOAD(b + j * E);
			bi[j] = LOAD(b + j * E + V);
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
				re[i][j] = conj ? FNMA(ai, bi[j], re[i][j]) : FMA(ai, bi[j], re[i][j]);
				im[i][j] = conj ? FMA(ai, br[j], im[i][j]) : FNMA(ai, br[j], im[i][j]);
			}
		}
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
	}
#undef T

	UNROLL for (int i = 0; i < R; i++)
		UNROLL for (int j = 0; j < C; j++) {
			double *at = x + i * xrs + j * E;
			if (add) {
				STORE(at, LOAD(at) - re[i][j]);
				STORE(at + V, LOAD(at + V) - im[i][j]);
			} else {
				STORE(at, set ? -re[i][j] : re[i][j]);
				STORE(at + V, set ? -im[i][j] : im[i][j]);
			}
		}
}

INLINE void tile(const int R, const int C, const enum task task, const product *p)
{
	const double *a = p->a, *b = p->b;
	double *x = p->x;
	int64_t rest = p->count;
	do {
		one_tile(R, C, task, p, a, b, x);
		a += p->a_step;
		b += p->b_step;
		x += p->x_step;
	} while (--rest > 0);
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
#elif TILE_ROWS == 3 && TILE_COLS == 2
#define SIZES(task) \
	SIZE(task, 1, 1) SIZE(task, 1, 2) SIZE(task, 2, 1) SIZE(task, 2, 2) SIZE(task, 3, 1) SIZE(task, 3, 2) \
	static const tile_table tiles_##task = {{task##_1_1, task##_1_2}, {task##_2_1, task##_2_2}, {task##_3_1, task##_3_2}};
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
SIZES(conj_set)

// next returns the size of the next tile if n rows or columns are left: `most`, but no small rest at the end; repeats returns
// how many of that size follow each other.
INLINE int64_t next(int64_t n, int64_t most) { return n >= 2 * most ? most : n > most ? (n + 1) / 2 : n; }
INLINE int64_t repeats(int64_t n, int64_t most) { return n >= 2 * most ? n / most - (n % most != 0) : 1; }

// across runs a task on c columns of p, beside each other from those that p names; down on r rows of C columns.
INLINE void across(const tile_function *table, int64_t c, product p)
{
	for (int64_t C; c > 0; c -= p.count * C) {
		C = next(c, TILE_COLS);
		p.count = repeats(c, TILE_COLS);
		p.b_step = p.x_step = C * E;
		table[C - 1](&p);
		p.b += p.count * p.b_step;
		p.x += p.count * p.x_step;
	}
}

INLINE void down(const tile_table *table, int64_t r, int64_t C, product p)
{
	for (int64_t R; r > 0; r -= p.count * R) {
		R = next(r, TILE_ROWS);
		p.count = repeats(r, TILE_ROWS);
		p.a_step = R * p.ars;
		p.x_step = R * p.xrs;
		(*table)[R - 1][C - 1](&p);
		p.a += p.count * p.a_step;
		p.x += p.count * p.x_step;
	}
}

// part returns where part number i begins if n is cut into the fewest parts of at most `most`, sizes as equal as possible.
INLINE int64_t parts(int64_t n, int64_t most) { return (n + most - 1) / most; }
INLINE int64_t part(int64_t i, int64_t n, int64_t count) { return i * (n / count) + least(i, n % count); }

// ---- LU factors ----

INLINE vec square(const double *p)
{
	const vec re = LOAD(p), im = LOAD(p + V);
	return FMA(re, re, im * im);
}

// other_pivot returns the pivot row of column j where row j is not good enough, and swaps the two.
static __attribute__((cold, noinline)) int64_t other_pivot(int64_t w, int64_t ld, int64_t j, double *m, vec largest)
{
	double best = -1, scale[V], own[V];
	int64_t at = j;
	STORE(scale, largest);
	for (int64_t i = j; i < w; i++) {
		double worst = 1;
		STORE(own, square(m + (i * ld + j) * E));
		for (int l = 0; l < V; l++)
			if (own[l] / scale[l] < worst)
				worst = own[l] / scale[l];
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

// eliminate factors the panel of C columns from (j0, j0) down, unblocked. The search for the largest entry of a column goes
// along with the elimination of the one before.
INLINE void eliminate(const int C, int64_t w, int64_t ld, int64_t j0, double *m, int32_t *piv)
{
	vec largest = SPLAT(0);
	for (int64_t i = j0; i < w; i++)
		largest = MAX(square(m + (i * ld + j0) * E), largest);
	UNROLL for (int s = 0; s < C; s++) {
		const int64_t j = j0 + s;
		double *d = m + (j * ld + j) * E;
		piv[j] = (int32_t)j;
		if (__builtin_expect(!ALL_AT_MOST(largest, SPLAT(16) * square(d)), 0))
			piv[j] = (int32_t)other_pivot(w, ld, j, m, largest);
		inverse(d);
		const vec dr = LOAD(d), di = LOAD(d + V);
		vec ur[TILE_COLS], ui[TILE_COLS];
		UNROLL for (int c = s + 1; c < C; c++) {
			ur[c] = LOAD(d + (c - s) * E);
			ui[c] = LOAD(d + (c - s) * E + V);
		}
		largest = SPLAT(0);
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
				if (c == s + 1)
					largest = MAX(FMA(re, re, im * im), largest);
			}
		}
	}
}

// All matrices from here to the left solves are w × w with row stride s = ld·E. They are cut into the fewest panels of at most
// PANEL columns, so that panels stay in the second-level cache whatever w; the micro-kernel's columns cut panels.
enum { PANEL = 48, DEPTH = 64 };

// block runs a task for the columns j0 to j1 of the rows i0 to i1 of x: subtracts a(i, k)·b(k, j) with k0 ≤ k < k1, and then
// takes the tile at (j, j) of b for the task's triangle (a task with a triangle needs j1 − j0 ≤ TILE_COLS).
INLINE void block(const tile_table *table, int64_t i0, int64_t i1, int64_t k0, int64_t k1, int64_t j0, int64_t j1, int64_t s,
                  const double *a, const double *b, double *x)
{
	const product p = {k1 - k0, a + i0 * s + k0 * E, s, E, b + k0 * s + j0 * E, s, x + i0 * s + j0 * E, s, b + j0 * (s + E), s,
	                   0, 0, 0, 0};
	if (j1 - j0 <= TILE_COLS) {
		down(table, i1 - i0, j1 - j0, p);
		return;
	}
	for (int64_t i = i0, R; i < i1; i += R) {
		product q = p;
		q.a += (i - i0) * s;
		q.x += (i - i0) * s;
		R = next(i1 - i, TILE_ROWS);
		across((*table)[R - 1], j1 - j0, q);
	}
}

// subtract is block for the task gemm_sub at any depth: rows of a of DEPTH stay in the first-level cache.
static void subtract(int64_t i0, int64_t i1, int64_t k0, int64_t k1, int64_t j0, int64_t j1, int64_t s, const double *a,
                     const double *b, double *x)
{
	const int64_t depth = k1 - k0, count = parts(depth, DEPTH);
	for (int64_t kp = 0; kp < count; kp++)
		block(&tiles_gemm_sub, i0, i1, k0 + part(kp, depth, count), k0 + part(kp + 1, depth, count), j0, j1, s, a, b, x);
}

// left solves with a triangle of m for all columns of b, from the top or from the bottom; strides rs, ks as of the triangle's
// rows and columns, which are m's or, transposed, m's columns and rows.
INLINE void left(const tile_table *table, int upward, int64_t w, const double *m, int64_t rs, int64_t ks, int64_t ld, int64_t c,
                 int64_t ldb, double *b)
{
	for (int64_t done = 0, R; done < w; done += R) {
		R = next(w - done, TILE_ROWS);
		const int64_t i = upward ? w - done - R : done, first = upward ? i + R : 0;
		const product p = {done, m + i * rs + first * ks, rs, ks, b + first * ldb * E, ldb * E, b + i * ldb * E, ldb * E,
		                   m + i * (ld + 1) * E, ld * E, 0, 0, 0, 0};
		across((*table)[R - 1], c, p);
	}
}

// factor_panel factors the columns p0 to p1 from row p0 down, given that all before p0 has been eliminated from them.
INLINE void factor_panel(int64_t w, int64_t ld, int64_t p0, int64_t p1, double *m, int32_t *piv)
{
	const int64_t s = ld * E;
	for (int64_t j0 = p0, j1; j0 < p1; j0 = j1) {
		j1 = j0 + next(p1 - j0, TILE_COLS);
		left(&tiles_left_unit, 0, j0 - p0, m + p0 * (s + E), s, E, ld, j1 - j0, ld, m + p0 * s + j0 * E);
		block(&tiles_gemm_sub, j0, w, p0, j0, j0, j1, s, m, m, m);
		switch (j1 - j0) {
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

static void factor(int64_t w, int64_t ld, double *m, int32_t *piv)
{
	const int64_t s = ld * E, panels = parts(w, PANEL);
	for (int64_t p = 0; p < panels; p++) {
		const int64_t p0 = part(p, w, panels), p1 = part(p + 1, w, panels);
		for (int64_t q = 0; q < p; q++) { // the rows of U above the panel
			const int64_t q0 = part(q, w, panels), q1 = part(q + 1, w, panels);
			subtract(q0, q1, 0, q0, p0, p1, s, m, m, m);
			left(&tiles_left_unit, 0, q1 - q0, m + q0 * (s + E), s, E, ld, p1 - p0, ld, m + q0 * s + p0 * E);
		}
		subtract(p0, w, 0, p0, p0, p1, s, m, m, m);
		factor_panel(w, ld, p0, p1, m, piv);
	}
}

// right_upper_solve overwrites n with n·U⁻¹. If triangular, n is upper triangular, and so is the result: row i is zero left of
// column i, and nothing needs to be done below the diagonal.
INLINE void right_upper_solve(int triangular, int64_t w, int64_t ld, const double *m, double *n)
{
	const int64_t s = ld * E, panels = parts(w, PANEL);
	for (int64_t p = 0; p < panels; p++) {
		const int64_t p0 = part(p, w, panels), p1 = part(p + 1, w, panels);
		if (triangular)
			for (int64_t q = 0; q < p; q++)
				subtract(part(q, w, panels), part(q + 1, w, panels), part(q, w, panels), p0, p0, p1, s, n, m, n);
		else
			subtract(0, w, 0, p0, p0, p1, s, n, m, n);
		for (int64_t j0 = p0, j1; j0 < p1; j0 = j1) {
			j1 = j0 + next(p1 - j0, TILE_COLS);
			if (!triangular) {
				block(&tiles_right_upper, 0, w, p0, j0, j0, j1, s, n, m, n);
				continue;
			}
			block(&tiles_right_upper, 0, p0, p0, j0, j0, j1, s, n, m, n);
			for (int64_t i = p0; i < j1; i += TILE_ROWS)
				block(&tiles_right_upper, i, least(i + TILE_ROWS, j1), least(i, j0), j0, j0, j1, s, n, m, n);
		}
	}
}

// right_unit_solve overwrites n with n·L⁻¹·P, where P stands for the row exchanges of m, undone on columns.
static void right_unit_solve(int64_t w, int64_t ld, const double *m, const int32_t *piv, double *n)
{
	const int64_t s = ld * E, panels = parts(w, PANEL);
	for (int64_t p = panels - 1; p >= 0; p--) {
		const int64_t p0 = part(p, w, panels), p1 = part(p + 1, w, panels);
		subtract(0, w, p1, w, p0, p1, s, n, m, n);
		for (int64_t j1 = p1, j0; j1 > p0; j1 = j0) {
			j0 = j1 - next(j1 - p0, TILE_COLS);
			block(&tiles_right_unit, 0, w, j1, p1, j0, j1, s, n, m, n);
		}
	}
	for (int64_t j = w - 1; j >= 0; j--)
		if (piv[j] != j)
			for (int64_t i = 0; i < w; i++)
				swap(n + (i * ld + j) * E, n + (i * ld + piv[j]) * E);
}

static void divide(int64_t w, int64_t ld, double *m, int32_t *piv, double *n)
{
	factor(w, ld, m, piv);
	right_upper_solve(0, w, ld, m, n);
	right_unit_solve(w, ld, m, piv, n);
}

static void identity(int64_t w, int64_t ld, double *n)
{
	for (int64_t i = 0; i < w; i++)
		for (int64_t j = 0; j < w; j++) {
			STORE(n + (i * ld + j) * E, SPLAT(i == j));
			STORE(n + (i * ld + j) * E + V, SPLAT(0));
		}
}

static void invert(int64_t w, int64_t ld, double *m, int32_t *piv, double *n)
{
	factor(w, ld, m, piv);
	identity(w, ld, n);
	right_upper_solve(1, w, ld, m, n);
	right_unit_solve(w, ld, m, piv, n);
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

static void solve_left(int64_t w, int64_t ld, const double *m, const int32_t *piv, int64_t c, int64_t ldb, double *b)
{
	exchange(w, piv, 0, c, ldb, b);
	left(&tiles_left_unit, 0, w, m, ld * E, E, ld, c, ldb, b);
	left(&tiles_left_upper, 1, w, m, ld * E, E, ld, c, ldb, b);
}

static void solve_left_t(int64_t w, int64_t ld, const double *m, const int32_t *piv, int64_t c, int64_t ldb, double *b)
{
	left(&tiles_left_lower_t, 0, w, m, E, ld * E, ld, c, ldb, b);
	left(&tiles_left_unit_t, 1, w, m, E, ld * E, ld, c, ldb, b);
	exchange(w, piv, 1, c, ldb, b);
}

// ---- Products ----

static void mul(int64_t mode, int64_t trans, int64_t w, int64_t ld, const double *a, int64_t c, int64_t ldb, const double *b, double *out)
{
	static const tile_table *const tables[3] = {&tiles_gemm_set, &tiles_gemm_add, &tiles_gemm_sub};
	const tile_table *table = tables[mode];
	const int64_t rs = (trans ? 1 : ld) * E, ks = (trans ? ld : 1) * E;
	for (int64_t i = 0, R; i < w; i += R) {
		R = next(w - i, TILE_ROWS);
		const product p = {w, a + i * rs, rs, ks, b, ldb * E, out + i * ldb * E, ldb * E, a, 0, 0, 0, 0, 0};
		across((*table)[R - 1], c, p);
	}
}

static void mix(int64_t w, int64_t c, int64_t ldb, const double *a, const double *coef, double *out)
{
	const int64_t s = ldb * E;
	for (int64_t i = 0, R; i < w; i += R) {
		R = next(w - i, TILE_ROWS);
		const product p = {c, a + i * s, s, E, coef, c * E, out + i * s, s, a, 0, 0, 0, 0, 0};
		across(tiles_gemm_set[R - 1], c, p);
	}
}

static void gram(int64_t w, int64_t c, int64_t ldb, const double *a, const double *b, double *out)
{
	const int64_t s = ldb * E;
	for (int64_t i = 0, R; i < c; i += R) {
		R = next(c - i, TILE_ROWS);
		const product p = {w, a + i * E, E, s, b, s, out + i * c * E, c * E, a, 0, 0, 0, 0, 0};
		across(tiles_conj_set[R - 1], c, p);
	}
}

static void density(int64_t w, int64_t c, int64_t ldb, const double *chi, const double *psi, double *out)
{
	for (int64_t y = 0; y < w; y++, chi += ldb * E, psi += ldb * E) {
		vec re = SPLAT(0), im = SPLAT(0);
		for (int64_t j = 0; j < c * E; j += E) {
			re = FMA(LOAD(chi + j), LOAD(psi + j), re);
			im = FMA(LOAD(chi + j + V), LOAD(psi + j + V), im);
		}
		STORE(out + y * V, re - im);
	}
}

static void add(int64_t n, double factor, const double *a, const double *b, double *out)
{
	const vec f = SPLAT(factor);
	for (int64_t i = 0; i < 2 * n; i++)
		STORE(out + i * V, FMA(f, LOAD(b + i * V), LOAD(a + i * V)));
}

// ---- The three-term recursion ----

// Columns are done in blocks, rows in pairs: what a pair needs of its neighbours is loaded once for both.
enum { column_block = 8 };

static const double zeros[column_block * E];

// slice is D of one slice.
typedef struct {
	const double *h;
	vec e, cosine, sine;
} slice;

INLINE slice slice_of(const double *h, const double *e, const double *cs, int64_t conj)
{
	return (slice){h, LOAD(e), LOAD(cs), conj ? -LOAD(cs + V) : LOAD(cs + V)};
}

// element is one complex element of a batch.
typedef struct {
	vec re, im;
} element;

INLINE element load(const double *p)
{
	element x = {LOAD(p), LOAD(p + V)};
	PIN(x.re);
	PIN(x.im);
	return x;
}

INLINE void store(double *p, element x)
{
	STORE(p, x.re);
	STORE(p + V, x.im);
}

// entry returns −(D·b + prev) of one row, d being h − e.
INLINE element entry(const slice *x, vec d, element above, element here, element below, element prev)
{
	vec re = d * here.re - prev.re, im = d * here.im - prev.im;
	re = FNMA(x->sine, above.im, FNMA(x->cosine, above.re, re));
	im = FMA(x->sine, above.re, FNMA(x->cosine, above.im, im));
	re = FMA(x->sine, below.im, FNMA(x->cosine, below.re, re));
	im = FNMA(x->sine, below.re, FNMA(x->cosine, below.im, im));
	return (element){re, im};
}

// pair computes rows y and y + 1 (if there is one) of out = −(D·b + prev) for some columns, at most a block. Row strides are s;
// that of prev, which may be out, is ps.
INLINE void pair(const slice *x, int64_t w, int64_t y, int64_t columns, int64_t s, const double *b, int64_t ps,
                 const double *prev, double *out)
{
	const double *above = y > 0 ? b + (y - 1) * s : zeros, *here = b + y * s;
	const vec d = SPLAT(x->h[y]) - x->e;
	prev += y * ps;
	out += y * s;
	if (y + 1 == w) {
		for (int64_t j = 0; j < columns * E; j += E)
			store(out + j, entry(x, d, load(above + j), load(here + j), load(zeros), load(prev + j)));
		return;
	}
	const double *next = here + s, *below = y + 2 < w ? next + s : zeros;
	const vec dn = SPLAT(x->h[y + 1]) - x->e;
	for (int64_t j = 0; j < columns * E; j += E) {
		const element p = load(here + j), q = load(next + j);
		const element first = entry(x, d, load(above + j), p, q, load(prev + j));
		const element second = entry(x, dn, p, q, load(below + j), load(prev + ps + j));
		store(out + j, first);
		store(out + s + j, second);
	}
}

static void recur(int64_t conj, int64_t w, const double *h, const double *e, const double *cs, int64_t c, int64_t ldb,
                  const double *b, const double *prev, double *out)
{
	const slice x = slice_of(h, e, cs, conj);
	const int64_t s = ldb * E;
	for (int64_t j = 0; j < c; j += column_block)
		for (int64_t y = 0; y < w; y += 2)
			pair(&x, w, y, least(column_block, c - j), s, b + j * E, s, prev + j * E, out + j * E);
}

// widest is the largest magnitude seen in every lane, parts apart.
typedef struct {
	vec re, im;
} widest;

INLINE void see(widest *most, element x)
{
	most->re = MAX(magnitude(x.re), most->re);
	most->im = MAX(magnitude(x.im), most->im);
}

// raise raises each of V values to what has been seen, and to infinity where the trap is not zero.
INLINE void raise(double *out, widest most, vec trap)
{
	double sprung[V];
	STORE(out, MAX(MAX(most.re, most.im), LOAD(out)));
	STORE(sprung, trap);
	for (int l = 0; l < V; l++)
		if (sprung[l] != 0)
			out[l] = __builtin_inf();
}

static void check(int64_t conj, int64_t w, const double *h, const double *e, const double *cs, int64_t c, int64_t ldb,
                  const double *b, const double *before, const double *after, double *out, double *residual, double *largest)
{
	const slice x = slice_of(h, e, cs, conj);
	const int64_t s = ldb * E;
	widest rest = {SPLAT(0), SPLAT(0)}, size = rest;
	vec trap_re = SPLAT(0), trap_im = SPLAT(0); // become NaN with the first residual that is NaN or infinite
	for (int64_t y = 0; y < w; y++) {
		const vec d = SPLAT(h[y]) - x.e;
		for (int64_t j = y * s; j < y * s + c * E; j += E) {
			const element here = load(b + j), above = y > 0 ? load(b + j - s) : load(zeros);
			const element below = y + 1 < w ? load(b + j + s) : load(zeros), behind = load(after + j);
			element r = entry(&x, d, above, here, below, load(before + j));
			r = (element){r.re - behind.re, r.im - behind.im};
			if (out)
				store(out + j, r);
			see(&rest, r);
			see(&size, here);
			trap_re = FMA(r.re, SPLAT(0), trap_re);
			trap_im = FMA(r.im, SPLAT(0), trap_im);
		}
	}
	raise(residual, rest, trap_re + trap_im);
	raise(largest, size, trap_re + trap_im);
}

// step computes row t − r + fresh of every level r of a column, see levels.
INLINE void step(const int N, const int fresh, const int ends, const int place, int64_t t, int64_t j, int64_t w, int64_t s,
                 const slice *x, const double *f, double *m, double *n, element row[][3])
{
	if (!fresh)
		row[0][place] = !ends || t < w ? load(m + t * s) : load(zeros);
	UNROLL for (int r = 1; r <= N; r++) {
		const int64_t y = t - r + fresh;
		const int at = (place - r + fresh + 3 * FRESH_LEVELS) % 3;
		element v = load(zeros);
		if (!ends || (0 <= y && y < w)) {
			const vec d = SPLAT(x[r - 1].h[y]) - x[r - 1].e;
			if (r == 1 && fresh) {
				v = load(f + y * s);
				v = (element){-v.re, -v.im};
				if (y == j)
					v.re += d;
				else if (y == j - 1 || y == j + 1)
					v = (element){v.re - x[0].cosine, v.im + SPLAT(y - j) * x[0].sine};
			} else {
				const element prev = r == 1 ? load(n + y * s) : r == 2 && fresh ? load(zeros) : row[r - 2][at];
				v = entry(&x[r - 1], d, row[r - 1][(at + 2) % 3], row[r - 1][at], row[r - 1][(at + 1) % 3], prev);
				if (r == 2 && fresh && y == j)
					v.re -= SPLAT(1);
			}
			if (r == N)
				store(m + y * s, v);
			else if (r == N - 1)
				store(n + y * s, v);
			if (N == 1 && !fresh)
				store(n + y * s, row[0][at]);
		}
		if (r < N)
			row[r][at] = v;
	}
}

// levels continues every column of φ_R, φ_{R+1} over N slices: level r is φ_{R−r}, m gets level N and n level N − 1. If fresh,
// φ_R = 1 and φ_{R+1} = f, else they are m and n. All levels advance together, row by row, in registers: three rows of
// each, of which level r stands one row behind level r − 1 (row y is kept in place y mod 3).
INLINE void levels(const int N, const int fresh, int64_t w, int64_t ld, const double *h, const double *e, const double *cs,
                   const double *f, double *m, double *n)
{
	const int64_t s = ld * E;
	slice x[FRESH_LEVELS];
	UNROLL for (int r = 0; r < N; r++)
		x[r] = slice_of(h + r * w, e, cs + r * E, 0);
	for (int64_t j = 0; j < w; j++, f += E, m += E, n += E) {
		element row[FRESH_LEVELS][3];
		UNROLL for (int r = 0; r < N; r++)
			UNROLL for (int i = 0; i < 3; i++)
				row[r][i] = load(zeros);
		// Row t of the newest level comes with t; two steps of three are at the ends of the column, where rows are missing.
		for (int64_t t0 = 0; t0 < w + N - fresh; t0 += 3) {
#define STEPS(ends) \
	UNROLL for (int i = 0; i < 3; i++) \
		step(N, fresh, ends, i, t0 + i, j, w, s, x, f, m, n, row)
			if (t0 >= N - fresh && t0 + 3 <= w) {
				STEPS(0);
			} else {
				STEPS(1);
			}
#undef STEPS
		}
	}
}
static void hop(int64_t w, int64_t ld, int64_t k, const double *h, const double *e, const double *cs, const double *f, double *m,
                double *n)
{
	int64_t done = least(k, FRESH_LEVELS);
	switch (done) {
	case 1:
		levels(1, 1, w, ld, h, e, cs, f, m, NULL);
		if (n)
			identity(w, ld, n);
		break;
	case 2:
		levels(2, 1, w, ld, h, e, cs, f, m, n);
		break;
#if FRESH_LEVELS > 3
	case 3:
		levels(3, 1, w, ld, h, e, cs, f, m, n);
		break;
#endif
#if FRESH_LEVELS > 4
	case 4:
		levels(4, 1, w, ld, h, e, cs, f, m, n);
		break;
#endif
	default:
		levels(FRESH_LEVELS, 1, w, ld, h, e, cs, f, m, n);
	}
	for (int64_t more; done < k; done += more) {
		more = least(k - done, 2);
		if (more == 1)
			levels(1, 0, w, ld, h + done * w, e, cs + done * E, f, m, n);
		else
			levels(2, 0, w, ld, h + done * w, e, cs + done * E, f, m, n);
	}
}

// ---- The machine ----

// spin does n rounds of 12 independent multiply-adds of V lanes: the most the machine can do.
static double spin(int64_t n)
{
	vec x[12], a = SPLAT(0.999), b = SPLAT(0.001);
	PIN(a);
	PIN(b);
	_Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) x[i] = SPLAT(i);
	for (int64_t k = 0; k < n; k++) {
		_Pragma("GCC unroll 12") for (int i = 0; i < 12; i++)
		{
			x[i] = FMA(x[i], a, b);
			PIN(x[i]);
		}
	}
	vec sum = SPLAT(0);
	_Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) sum += x[i];
	return sum[0];
}

const mcd_kernel TABLE = {hop, factor, divide, invert, solve_left, solve_left_t, mul, recur, check, mix, gram, density, add, spin};
