// The operations of Dense, written once and compiled for each instruction set by a file that defines
//
//	V                           values of a vector
//	vec                         a vector of V doubles, with FMA, LOAD, HEAD (its first n values, zeros behind), SUM (of all)
//	TILE_ROWS ≤ TILE_COLS ≤ 4   the largest tile whose sums, one vector each, fit the registers with an element of every column and a row
//	PIN_CONSTRAINT              of a register for a vector
//	GRAM                        the name of the function

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

void GRAM(int64_t first, int64_t last, int64_t m, int64_t n, const double *a, double *k)
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
