// The functions of native.h for vectors of V numbers. LOADs need no alignment: vec has that of a number.
#include <string.h>

typedef double vec __attribute__((vector_size(8 * V), aligned(8), may_alias));
typedef int64_t mask __attribute__((vector_size(8 * V)));
typedef double quad __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t quadmask __attribute__((vector_size(32)));

#define AT(p) (*(vec *)(p))
#define SEE(p) (*(const vec *)(p))
#define INLINE static inline __attribute__((always_inline))

#if V == 4
#define SPLAT(x) ((vec){x, x, x, x})
#define PAIRS(x, y) ((vec){x, y, x, y})
#define CROSS(v) __builtin_shuffle(v, (mask){1, 0, 3, 2})
#else
#define SPLAT(x) ((vec){x, x, x, x, x, x, x, x})
#define PAIRS(x, y) ((vec){x, y, x, y, x, y, x, y})
#define CROSS(v) __builtin_shuffle(v, (mask){1, 0, 3, 2, 5, 4, 7, 6})
#endif

// The few functions of the mathematical library that are needed, without it.
INLINE double magnitude(double x) { return __builtin_fabs(x); }
INLINE double larger(double x, double y) { return x > y ? x : y; }

INLINE double root(double x)
{
	__asm__("vsqrtsd %0, %0, %0" : "+x"(x)); // the old instruction would wait for the upper halves of all registers
	return x;
}

INLINE int stopped(const int32_t *stop) { return __atomic_load_n(stop, __ATOMIC_RELAXED) != 0; }

// modulus is |re + i·im| without overflow.
INLINE double modulus(double re, double im)
{
	double scale = larger(magnitude(re), magnitude(im));
	if (scale == 0 || scale > 1e-100 && scale < 1e100)
		return root(re * re + im * im);
	re /= scale, im /= scale;
	return scale * root(re * re + im * im);
}

INLINE double sum(vec v)
{
	double s = 0;
	for (int i = 0; i < V; i++)
		s += v[i];
	return s;
}

// axpy adds f·x to y, n complex numbers.
INLINE void axpy(int64_t n, double fr, double fi, const double *x, double *y)
{
	const vec a = SPLAT(fr), b = PAIRS(-fi, fi);
	int64_t i = 0;
	for (; i + V <= 2 * n; i += V) {
		vec v = SEE(x + i);
		AT(y + i) += a * v + b * CROSS(v);
	}
	for (; i < 2 * n; i += 2) {
		y[i] += fr * x[i] - fi * x[i + 1];
		y[i + 1] += fr * x[i + 1] + fi * x[i];
	}
}

static void multiply(const int32_t *stop, int64_t n, int64_t l, int64_t m, const double *a, const double *b, double *c)
{
	memset(c, 0, 16 * n * m);
	for (int64_t from = 0; from < l; from += 64) { // rows of b that stay in the cache
		int64_t to = from + 64 < l ? from + 64 : l;
		for (int64_t i = 0; i < n && !stopped(stop); i++)
			for (int64_t k = from; k < to; k++) {
				double fr = a[2 * (i * l + k)], fi = a[2 * (i * l + k) + 1];
				if (fr != 0 || fi != 0)
					axpy(m, fr, fi, b + 2 * k * m, c + 2 * i * m);
			}
	}
}

INLINE double size1(const double *z) { return magnitude(z[0]) + magnitude(z[1]); }

INLINE void swap_rows(int64_t n, double *x, double *y)
{
	for (int64_t i = 0; i < 2 * n; i++) {
		double s = x[i];
		x[i] = y[i], y[i] = s;
	}
}

// quotient is x/y by Smith's method.
INLINE void quotient(const double *x, const double *y, double *q)
{
	int wide = magnitude(y[0]) >= magnitude(y[1]);
	double big = wide ? y[0] : y[1], ratio = (wide ? y[1] : y[0]) / big, length = big + ratio * (wide ? y[1] : y[0]);
	double re = wide ? x[0] + x[1] * ratio : x[0] * ratio + x[1], im = wide ? x[1] - x[0] * ratio : x[1] * ratio - x[0];
	q[0] = re / length, q[1] = im / length;
}

INLINE void reciprocal(const double *z, double *r)
{
	const double one[2] = {1, 0};
	quotient(one, z, r);
}

// Products are subtracted in tiles of ROWS × V complex numbers, from panels of at most DEEP rows of the second factor.
enum { ROWS = 4, DEEP = 32 };

// tile subtracts a·b, the rows of a and of the result apart: b as pack leaves it.
INLINE void tile(int64_t depth, const double *const *a, const double *b, double *const *c)
{
	vec s[ROWS][2];
	for (int r = 0; r < ROWS; r++)
		s[r][0] = SEE(c[r]), s[r][1] = SEE(c[r] + V);
	for (int64_t k = 0; k < depth; k++, b += 4 * V)
		for (int r = 0; r < ROWS; r++) {
			const vec re = SPLAT(a[r][2 * k]), im = SPLAT(a[r][2 * k + 1]);
			s[r][0] -= re * SEE(b), s[r][1] -= re * SEE(b + V);
			s[r][0] -= im * SEE(b + 2 * V), s[r][1] -= im * SEE(b + 3 * V);
		}
	for (int r = 0; r < ROWS; r++)
		AT(c[r]) = s[r][0], AT(c[r] + V) = s[r][1];
}

// pack writes V columns of b and i times them, zero beyond the last.
INLINE void pack(int64_t depth, int64_t columns, const double *b, int64_t stride, double *packed)
{
	for (int64_t k = 0; k < depth; k++, b += stride, packed += 4 * V)
		for (int64_t j = 0; j < V; j++) {
			const double re = j < columns ? b[2 * j] : 0, im = j < columns ? b[2 * j + 1] : 0;
			packed[2 * j] = re, packed[2 * j + 1] = im;
			packed[2 * V + 2 * j] = -im, packed[2 * V + 2 * j + 1] = re;
		}
}

// subtract subtracts a·b (rows × depth, depth × columns, depth ≤ DEEP) from c. Strides count numbers.
static void subtract(int64_t rows, int64_t columns, int64_t depth, const double *a, int64_t as, const double *b, int64_t bs,
                     double *c, int64_t cs)
{
	double packed[DEEP * 4 * V], spare[ROWS][2 * V];
	for (int64_t j = 0; j < columns; j += V) {
		const int64_t wide = columns - j < V ? columns - j : V;
		pack(depth, wide, b + 2 * j, bs, packed);
		for (int64_t i = 0; i < rows; i += ROWS) {
			const double *from[ROWS];
			double *to[ROWS], *result[ROWS];
			for (int64_t r = 0; r < ROWS; r++) {
				const int inside = i + r < rows;
				from[r] = a + (inside ? i + r : i) * as;
				to[r] = result[r] = inside ? c + (i + r) * cs + 2 * j : spare[r];
				if (wide < V || !inside) {
					to[r] = spare[r];
					if (inside)
						memcpy(to[r], result[r], 16 * wide);
				}
			}
			tile(depth, from, packed, to);
			for (int64_t r = 0; r < ROWS && i + r < rows; r++)
				if (to[r] != result[r])
					memcpy(result[r], to[r], 16 * wide);
		}
	}
}

// factor eliminates the columns k0 to k1 of a (n × n) from row k0 down, and exchanges whole rows of a and of b (n × m).
static int factor(int64_t n, int64_t m, int64_t k0, int64_t k1, double *a, double *b, double least)
{
	for (int64_t k = k0; k < k1; k++) {
		int64_t pivot = k;
		double largest = 0, r[2];
		for (int64_t i = k; i < n; i++) {
			double s = size1(a + 2 * (i * n + k));
			if (s > largest)
				pivot = i, largest = s;
		}
		if (largest <= least) {
			if (least == 0)
				return 0;
			a[2 * (pivot * n + k)] = least, a[2 * (pivot * n + k) + 1] = 0;
		}
		if (pivot != k) {
			swap_rows(n, a + 2 * k * n, a + 2 * pivot * n);
			swap_rows(m, b + 2 * k * m, b + 2 * pivot * m);
		}
		reciprocal(a + 2 * (k * n + k), r);
		for (int64_t i = k + 1; i < n; i++) {
			double *z = a + 2 * (i * n + k);
			double fr = z[0] * r[0] - z[1] * r[1], fi = z[0] * r[1] + z[1] * r[0];
			z[0] = fr, z[1] = fi;
			axpy(k1 - k - 1, -fr, -fi, a + 2 * (k * n + k + 1), z + 2);
		}
	}
	return 1;
}

static int eliminate(const int32_t *stop, int64_t n, int64_t m, double *a, double *b, double least)
{
	for (int64_t k0 = 0, k1; k0 < n; k0 = k1) {
		k1 = k0 + DEEP < n ? k0 + DEEP : n;
		if (stopped(stop) || !factor(n, m, k0, k1, a, b, least))
			return 0;
		for (int64_t i = k0 + 1; i < k1; i++)
			for (int64_t k = k0; k < i; k++) {
				const double *f = a + 2 * (i * n + k);
				axpy(n - k1, -f[0], -f[1], a + 2 * (k * n + k1), a + 2 * (i * n + k1));
				axpy(m, -f[0], -f[1], b + 2 * k * m, b + 2 * i * m);
			}
		const double *left = a + 2 * (k1 * n + k0);
		subtract(n - k1, n - k1, k1 - k0, left, 2 * n, a + 2 * (k0 * n + k1), 2 * n, a + 2 * (k1 * n + k1), 2 * n);
		subtract(n - k1, m, k1 - k0, left, 2 * n, b + 2 * k0 * m, 2 * m, b + 2 * k1 * m, 2 * m);
	}
	for (int64_t k1 = n, k0; k1 > 0 && !stopped(stop); k1 = k0) {
		k0 = k1 > DEEP ? k1 - DEEP : 0;
		for (int64_t k = k1 - 1; k >= k0; k--) {
			double *row = b + 2 * k * m, r[2];
			for (int64_t j = k + 1; j < k1; j++) {
				const double *f = a + 2 * (k * n + j);
				axpy(m, -f[0], -f[1], b + 2 * j * m, row);
			}
			reciprocal(a + 2 * (k * n + k), r);
			for (int64_t j = 0; j < m; j++) {
				double re = row[2 * j], im = row[2 * j + 1];
				row[2 * j] = re * r[0] - im * r[1], row[2 * j + 1] = re * r[1] + im * r[0];
			}
		}
		subtract(k0, m, k1 - k0, a + 2 * k0, 2 * n, b + 2 * k0 * m, 2 * m, b, 2 * m);
	}
	return 1;
}

// block adds the products of R real rows of a with C rows of b.
#define BLOCK(R, C) \
	{ \
		vec s[R][C]; \
		double tail[R][C]; \
		for (int p = 0; p < R; p++) \
			for (int q = 0; q < C; q++) \
				s[p][q] = SPLAT(0.0), tail[p][q] = 0; \
		int64_t k = 0; \
		for (; k + V <= n; k += V) \
			for (int q = 0; q < C; q++) { \
				vec y = SEE(b + (j + q) * n + k); \
				for (int p = 0; p < R; p++) \
					s[p][q] += SEE(a + (i + p) * n + k) * y; \
			} \
		for (; k < n; k++) \
			for (int p = 0; p < R; p++) \
				for (int q = 0; q < C; q++) \
					tail[p][q] += a[(i + p) * n + k] * b[(j + q) * n + k]; \
		for (int p = 0; p < R; p++) \
			for (int q = 0; q < C; q++) \
				c[(i + p) * columns + j + q] = sum(s[p][q]) + tail[p][q]; \
	}

// products sets c (rows × columns) to a·bᵀ for real a (rows × n, rows a multiple of 4) and b (columns × n).
static void products(int64_t rows, int64_t columns, int64_t n, const double *a, const double *b, double *c)
{
	for (int64_t i = 0; i < rows; i += 4) {
		int64_t j = 0;
		for (; j + 2 <= columns; j += 2)
			BLOCK(4, 2)
		for (; j < columns; j++)
			BLOCK(4, 1)
	}
}

// rotate replaces the rows (x, y) by (cx + fy, cy − f̄x).
INLINE void rotate(int64_t n, double *x, double *y, double c, double fr, double fi)
{
	const vec cc = SPLAT(c), a = SPLAT(fr), b = PAIRS(-fi, fi);
	int64_t i = 0;
	for (; i + V <= 2 * n; i += V) {
		vec u = SEE(x + i), v = SEE(y + i);
		AT(x + i) = cc * u + a * v + b * CROSS(v);
		AT(y + i) = cc * v - a * u + b * CROSS(u);
	}
	for (; i < 2 * n; i += 2) {
		double ar = x[i], ai = x[i + 1], br = y[i], bi = y[i + 1];
		x[i] = c * ar + fr * br - fi * bi, x[i + 1] = c * ai + fr * bi + fi * br;
		y[i] = c * br - fr * ar - fi * ai, y[i + 1] = c * bi - fr * ai + fi * ar;
	}
}

// rotate_columns applies the inverse rotation to the columns at t and beside it, of rows n numbers apart.
INLINE void rotate_columns(int64_t rows, int64_t n, double *t, double c, double fr, double fi)
{
	const quad cc = {c, c, c, c}, a = {fr, fr, -fr, -fr}, b = {fi, -fi, fi, -fi};
	for (int64_t r = 0; r < rows; r++, t += 2 * n) {
		quad v = *(quad *)t;
		quad w = __builtin_shuffle(v, (quadmask){2, 3, 0, 1});
		*(quad *)t = cc * v + a * w + b * __builtin_shuffle(v, (quadmask){3, 2, 1, 0});
	}
}

// rotation finds c, f with [[c, f], [−f̄, c]](x, y) = (r, 0).
INLINE void rotation(const double *x, const double *y, double *c, double *f, double *r)
{
	double xx = x[0] * x[0] + x[1] * x[1], yy = y[0] * y[0] + y[1] * y[1];
	double ax, ay, norm;
	if (y[0] == 0 && y[1] == 0) {
		*c = 1, f[0] = f[1] = 0, r[0] = x[0], r[1] = x[1];
		return;
	}
	if (xx > 1e-200 && yy > 1e-200 && xx < 1e200 && yy < 1e200)
		ax = root(xx), ay = 0, norm = root(xx + yy);
	else
		ax = modulus(x[0], x[1]), ay = modulus(y[0], y[1]), norm = modulus(ax, ay);
	if (ax == 0) {
		*c = 0, f[0] = y[0] / ay, f[1] = -y[1] / ay, r[0] = ay, r[1] = 0;
		return;
	}
	double pr = x[0] / ax, pi = x[1] / ax;
	*c = ax / norm;
	f[0] = (pr * y[0] + pi * y[1]) / norm, f[1] = (pi * y[0] - pr * y[1]) / norm;
	r[0] = pr * norm, r[1] = pi * norm;
}

// combine adds Σ f_i·row_i over the rows from … n−1 to w, f conjugated if conj.
INLINE void combine(int64_t from, int64_t n, int64_t skip, const double *f, int conj, const double *t, double *w)
{
	for (int64_t i = from; i < n; i++)
		axpy(n - skip, f[2 * i], conj ? -f[2 * i + 1] : f[2 * i + 1], t + 2 * (i * n + skip), w + 2 * skip);
}

static void hessenberg(const int32_t *stop, int64_t n, double *t, double *zt, double *v, double *w)
{
	for (int64_t k = 0; k + 2 < n && !stopped(stop); k++) {
		double largest = 0, square = 0;
		for (int64_t i = k + 2; i < n; i++)
			largest = larger(largest, size1(t + 2 * (i * n + k)));
		if (largest == 0)
			continue;
		double *head = t + 2 * ((k + 1) * n + k);
		largest = larger(largest, size1(head));
		for (int64_t i = k + 1; i < n; i++) {
			double re = t[2 * (i * n + k)] / largest, im = t[2 * (i * n + k) + 1] / largest;
			square += re * re + im * im;
		}
		double norm = largest * root(square), alpha = modulus(head[0], head[1]);
		double pr = alpha == 0 ? 1 : head[0] / alpha, pi = alpha == 0 ? 0 : head[1] / alpha;
		double beta[2] = {-pr * norm, -pi * norm};
		square = 0;
		for (int64_t i = k + 1; i < n; i++) {
			v[2 * i] = t[2 * (i * n + k)], v[2 * i + 1] = t[2 * (i * n + k) + 1];
			if (i == k + 1)
				v[2 * i] -= beta[0], v[2 * i + 1] -= beta[1];
			v[2 * i] /= norm, v[2 * i + 1] /= norm;
			square += v[2 * i] * v[2 * i] + v[2 * i + 1] * v[2 * i + 1];
		}
		double gamma = 2 / square;
		memset(w, 0, 16 * n);
		combine(k + 1, n, k, v, 1, t, w);
		for (int64_t i = k + 1; i < n; i++)
			axpy(n - k, -gamma * v[2 * i], -gamma * v[2 * i + 1], w + 2 * k, t + 2 * (i * n + k));
		for (int64_t r = 0; r < n; r++) { // the row times 1 − γvv†
			double *x = t + 2 * (r * n + k + 1), *u = v + 2 * (k + 1);
			int64_t i = 0, length = 2 * (n - k - 1);
			vec same = SPLAT(0.0), across = SPLAT(0.0);
			for (; i + V <= length; i += V) {
				vec p = SEE(x + i), q = SEE(u + i);
				same += p * q, across += p * CROSS(q);
			}
			double re = sum(same * PAIRS(1.0, -1.0)), im = sum(across);
			for (; i < length; i += 2) {
				re += x[i] * u[i] - x[i + 1] * u[i + 1];
				im += x[i] * u[i + 1] + x[i + 1] * u[i];
			}
			re *= -gamma, im *= -gamma;
			const vec a = PAIRS(re, -re), b = SPLAT(im); // adds (re + i·im)·ū
			for (i = 0; i + V <= length; i += V) {
				vec q = SEE(u + i);
				AT(x + i) += a * q + b * CROSS(q);
			}
			for (; i < length; i += 2) {
				x[i] += re * u[i] + im * u[i + 1];
				x[i + 1] += im * u[i] - re * u[i + 1];
			}
		}
		memset(w, 0, 16 * n);
		combine(k + 1, n, 0, v, 0, zt, w);
		for (int64_t i = k + 1; i < n; i++)
			axpy(n, -gamma * v[2 * i], gamma * v[2 * i + 1], w, zt + 2 * i * n);
		head[0] = beta[0], head[1] = beta[1];
		for (int64_t i = k + 2; i < n; i++)
			t[2 * (i * n + k)] = t[2 * (i * n + k) + 1] = 0;
	}
}

// next_shift sets shift to the eigenvalue of the last 2 × 2 block next to its last entry, now and then to something else.
static void next_shift(int64_t n, const double *t, int64_t high, int step, double *shift)
{
	const double *a = t + 2 * ((high - 1) * n + high - 1), *b = a + 2, *c = a + 2 * n, *d = c + 2;
	shift[0] = d[0], shift[1] = d[1];
	if (step % 10 == 9) {
		shift[0] += size1(c);
		return;
	}
	double half[2] = {(a[0] - d[0]) / 2, (a[1] - d[1]) / 2};
	double bc[2] = {b[0] * c[0] - b[1] * c[1], b[0] * c[1] + b[1] * c[0]};
	double re = half[0] * half[0] - half[1] * half[1] + bc[0], im = 2 * half[0] * half[1] + bc[1];
	double size = modulus(re, im);
	if (size > 0) { // half becomes half + √(half² + bc), the larger of the two
		double p = root((size + magnitude(re)) / 2), q = im / (2 * p);
		double rr = re >= 0 ? p : magnitude(q), ri = re >= 0 ? q : im >= 0 ? p : -p;
		double sign = half[0] * rr + half[1] * ri < 0 ? -1 : 1;
		half[0] += sign * rr, half[1] += sign * ri;
	}
	if (half[0] == 0 && half[1] == 0)
		return;
	quotient(bc, half, bc);
	shift[0] -= bc[0], shift[1] -= bc[1];
}

static void sweep(const int32_t *stop, int64_t n, double *t, double *zt, int64_t low, int64_t high, const double *shift)
{
	double c, f[2], r[2];
	double x[2] = {t[2 * (low * n + low)] - shift[0], t[2 * (low * n + low) + 1] - shift[1]};
	double y[2] = {t[2 * ((low + 1) * n + low)], t[2 * ((low + 1) * n + low) + 1]};
	for (int64_t k = low; k < high && !stopped(stop); k++) {
		if (k > low) {
			double *p = t + 2 * (k * n + k - 1), *q = p + 2 * n;
			x[0] = p[0], x[1] = p[1], y[0] = q[0], y[1] = q[1];
			rotation(x, y, &c, f, r);
			p[0] = r[0], p[1] = r[1], q[0] = q[1] = 0;
		} else
			rotation(x, y, &c, f, r);
		rotate(n - k, t + 2 * (k * n + k), t + 2 * ((k + 1) * n + k), c, f[0], f[1]);
		rotate_columns((k + 2 < high ? k + 2 : high) + 1, n, t + 2 * k, c, f[0], f[1]);
		rotate(n, zt + 2 * k * n, zt + 2 * (k + 1) * n, c, f[0], -f[1]);
	}
}

static int schur(const int32_t *stop, int64_t n, double *t, double *zt)
{
	const double epsilon = 0x1p-52;
	double work[4 * n];
	hessenberg(stop, n, t, zt, work, work + 2 * n);
	double scale = 0;
	for (int64_t i = 0; i < n * n; i++)
		scale = larger(scale, size1(t + 2 * i));
	for (int64_t high = n - 1; high > 0; high--) {
		int step = 0;
		for (;; step++) {
			int64_t low = high;
			for (; low > 0; low--) {
				double *p = t + 2 * (low * n + low - 1);
				double beside = size1(p + 2) + size1(t + 2 * ((low - 1) * n + low - 1));
				if (size1(p) <= epsilon * larger(beside, epsilon * scale)) {
					p[0] = p[1] = 0;
					break;
				}
			}
			if (low == high)
				break;
			if (step == 60)
				return 0;
			double shift[2];
			next_shift(n, t, high, step, shift);
			sweep(stop, n, t, zt, low, high, shift);
			if (stopped(stop))
				return 0;
		}
	}
	return 1;
}

static void move(const int32_t *stop, int64_t n, double *t, double *zt, const uint8_t *wanted)
{
	int64_t front = 0;
	for (int64_t i = 0; i < n; i++) {
		if (!wanted[i])
			continue;
		for (int64_t k = i - 1; k >= front && !stopped(stop); k--) {
			double *p = t + 2 * (k * n + k), *q = p + 2 * n + 2; // the two on the diagonal
			double a[2] = {p[0], p[1]}, b[2] = {q[0], q[1]}, d[2] = {b[0] - a[0], b[1] - a[1]};
			double c, f[2], r[2];
			rotation(p + 2, d, &c, f, r);
			rotate(n - k - 2, p + 4, p + 2 * n + 4, c, f[0], f[1]);
			rotate_columns(k, n, t + 2 * k, c, f[0], f[1]);
			rotate(n, zt + 2 * k * n, zt + 2 * (k + 1) * n, c, f[0], -f[1]);
			p[0] = b[0], p[1] = b[1], q[0] = a[0], q[1] = a[1];
		}
		front++;
	}
}

const mcd_lead_table TABLE = {multiply, eliminate, products, schur, move};
