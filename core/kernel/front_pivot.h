// The search for pivots, for any number of lanes.

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
		fine &= LANE(most, v) <= 16 * LANE(keep, v);
	if (fine)
		return j;
	long best = j;
	double value = -1;
	for (long i = j; i < m; i++) {
		vec s = square(u + (i * ld + j) * E);
		double worst = 2;
		for (int v = 0; v < V; v++) {
			double ratio = LANE(most, v) > 0 ? LANE(s, v) / LANE(most, v) : 1;
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
