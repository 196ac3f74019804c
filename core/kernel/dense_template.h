// The operations of Dense, written once and compiled for each instruction set by a file that defines
//
//	V                           values of a vector
//	vec                         a vector of V doubles, with FMA, LOAD, STORE, HEAD (its first n values, zeros behind), STORE_HEAD,
//	                            SUM (of all), ALL (one value everywhere)
//	TILE_ROWS ≤ TILE_COLS ≤ 4   the largest tile whose sums, one vector each, fit the registers with an element of every column and a row
//	PIN_CONSTRAINT              of a register for a vector
//	NAME(operation)             the name of a function

#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

// OUTER adds the products of one vector of each of R rows and C columns.
#define OUTER(LOADED) \
	do { \
		vec y[TILE_COLS]; \
		UNROLL for (int c = 0; c < C; c++) \
		{ \
			y[c] = LOADED(b + c * n + l); \
			__asm__("" : PIN_CONSTRAINT(y[c])); \
		} \
		UNROLL for (int r = 0; r < R; r++) \
		{ \
			vec x = LOADED(a + r * n + l); \
			__asm__("" : PIN_CONSTRAINT(x)); \
			UNROLL for (int c = 0; c < C; c++) sum[r][c] = FMA(x, y[c], sum[r][c]); \
		} \
	} while (0)
#define REST(p) HEAD(p, n - l)

// tile computes out[r·m + c] = Σ_l a[r·n + l]·b[c·n + l] for R rows and C columns; with diagonal, those with r ≤ c.
INLINE void tile(const int R, const int C, int diagonal, int64_t m, int64_t n, const double *a, const double *b, double *out)
{
	vec sum[TILE_ROWS][TILE_COLS];
	UNROLL for (int r = 0; r < R; r++)
		UNROLL for (int c = 0; c < C; c++) sum[r][c] = (vec){0};
	int64_t l = 0;
	for (; l + V <= n; l += V)
		OUTER(LOAD);
	if (l < n)
		OUTER(REST);
	UNROLL for (int r = 0; r < R; r++)
		UNROLL for (int c = 0; c < C; c++)
			if (!diagonal || r <= c)
				out[r * m + c] = SUM(sum[r][c]);
}

#define COLUMNS(R) \
	static void tile_##R(int64_t c, int diagonal, int64_t m, int64_t n, const double *a, const double *b, double *out) \
	{ \
		switch (c) { \
		case 1: tile(R, 1, diagonal, m, n, a, b, out); break; \
		case 2: tile(R, 2, diagonal, m, n, a, b, out); break; \
		case 3: tile(R, 3, diagonal, m, n, a, b, out); break; \
		default: tile(R, TILE_COLS, diagonal, m, n, a, b, out); \
		} \
	}
COLUMNS(1)
COLUMNS(2)
COLUMNS(3)
#if TILE_ROWS > 3
COLUMNS(4)
#endif

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

void NAME(gram)(int64_t first, int64_t last, int64_t m, int64_t n, const double *a, double *k)
{
	for (int64_t i = first, rows; i < last; i += rows) {
		rows = least(TILE_ROWS, last - i); // only the first tile of them crosses the diagonal
		for (int64_t j = i, columns; j < m; j += columns) {
			columns = least(TILE_COLS, m - j);
			const double *x = a + i * n, *y = a + j * n;
			double *out = k + i * m + j;
			switch (rows) {
			case 1: tile_1(columns, 0, m, n, x, y, out); break;
			case 2: tile_2(columns, j == i, m, n, x, y, out); break;
			case 3: tile_3(columns, j == i, m, n, x, y, out); break;
#if TILE_ROWS > 3
			default: tile_4(columns, j == i, m, n, x, y, out);
#endif
			}
		}
	}
}

void NAME(gemv)(int64_t first, int64_t last, int64_t n, double alpha, const double *a, const double *x, double *y)
{
	for (int64_t i = first, rows; i < last; i += rows) {
		double sum[TILE_ROWS];
		rows = least(TILE_ROWS, last - i);
		switch (rows) {
		case 1: tile_1(1, 0, 1, n, a + i * n, x, sum); break;
		case 2: tile_2(1, 0, 1, n, a + i * n, x, sum); break;
		case 3: tile_3(1, 0, 1, n, a + i * n, x, sum); break;
#if TILE_ROWS > 3
		default: tile_4(1, 0, 1, n, a + i * n, x, sum);
#endif
		}
		for (int64_t r = 0; r < rows; r++) y[i + r] += alpha * sum[r];
	}
}

// add_rows adds the sum of R rows of a, each times its x, to y.
INLINE void add_rows(const int R, int64_t count, int64_t n, double alpha, const double *a, const double *x, double *y)
{
	vec factor[8];
	UNROLL for (int r = 0; r < R; r++) factor[r] = ALL(alpha * x[r]);
	int64_t l = 0;
	for (; l + V <= count; l += V) {
		vec sum = LOAD(y + l);
		UNROLL for (int r = 0; r < R; r++) sum = FMA(factor[r], LOAD(a + r * n + l), sum);
		STORE(y + l, sum);
	}
	if (l < count) {
		vec sum = HEAD(y + l, count - l);
		UNROLL for (int r = 0; r < R; r++) sum = FMA(factor[r], HEAD(a + r * n + l, count - l), sum);
		STORE_HEAD(y + l, count - l, sum);
	}
}

void NAME(gemv_t)(int64_t first, int64_t last, int64_t m, int64_t n, double alpha, const double *a, const double *x, double *y)
{
	int64_t i = 0;
	for (; i + 8 <= m; i += 8) add_rows(8, last - first, n, alpha, a + i * n + first, x + i, y + first);
	for (; i < m; i++) add_rows(1, last - first, n, alpha, a + i * n + first, x + i, y + first);
}

// remainder_of subtracts what the rows above contribute to R rows from the diagonal on, u(i + r, j) −= Σ_{k<i} u(k, i + r)·u(k, j).
INLINE void remainder_of(const int R, int64_t i, int64_t m, double *u)
{
	for (int64_t j = i; j < m; j += V) {
		const int64_t left = least(V, m - j);
		vec sum[TILE_ROWS];
		UNROLL for (int r = 0; r < R; r++) sum[r] = HEAD(u + (i + r) * m + j, left);
		for (int64_t k = 0; k < i; k++) {
			const vec x = HEAD(u + k * m + j, left);
			UNROLL for (int r = 0; r < R; r++) sum[r] = FMA(ALL(-u[k * m + i + r]), x, sum[r]);
		}
		UNROLL for (int r = 0; r < R; r++) STORE_HEAD(u + (i + r) * m + j, left, sum[r]);
	}
}

int64_t NAME(cholesky)(int64_t m, double *u)
{
	for (int64_t i = 0, rows; i < m; i += rows) {
		rows = m - i < TILE_ROWS ? 1 : TILE_ROWS;
		if (rows == 1)
			remainder_of(1, i, m, u);
		else
			remainder_of(TILE_ROWS, i, m, u);
		for (int64_t r = i; r < i + rows; r++) {
			double *row = u + r * m;
			for (int64_t k = i; k < r; k++)
				add_rows(1, m - r, m, -1, u + k * m + r, u + k * m + r, row + r);
			if (!(row[r] > 0))
				return 0;
			double root = row[r];
			__asm__("vsqrtsd %0, %0, %0" : "+x"(root));
			row[r] = root;
			for (int64_t j = r + 1; j < m; j++) row[j] /= root;
		}
	}
	return 1;
}
