/*
 * The matrix of a slice in memory, for widths above 64: the elimination of tiles.h by panels of rows, with the largest entry of
 * a row as pivot.
 *
 * A panel is the next B rows of M, brought up to date. Its pivots make multipliers f⁽ᵏ⁾ = row k/pivot, zero in the pivot's own
 * column j_k. All other rows x of [M; N] follow by x −= Σ_k c_k f⁽ᵏ⁾, where c_k = x_{j_k} − Σ_{k'<k} c_k' f⁽ᵏ'⁾_{j_k}. With
 * U_k'k = f⁽ᵏ'⁾_{j_k} for k' < k this is x −= x_J·G, (1 + U)G = f: one product of rank B.
 */
#ifndef MCD_GPU_WIDE_H
#define MCD_GPU_WIDE_H

#include "item.h"

namespace mcd {

struct Wide {
    static constexpr int panel_rows = 16, chunk = 64, side = 16, tile = chunk / side;

    /* Shared memory: arrays of panel_rows × width, width, width; then fixed ones. */
    Complex *panel, *inverses;
    int *target, *columns; // column j of N belongs to column target[j] of F, −1 while free; the pivots' columns in a panel
    Complex *multipliers;  // U
    Complex *rows;         // chunk × panel_rows: x_J
    double *value;         // of a reduction, with the column it stands for
    int *which;

    Complex *m, *n; // width × width, in memory
    Largest largest_inverse; // of a pivot

    MCD_METHOD Wide(const Item &p, unsigned char *shared) {
        double *reduction = reinterpret_cast<double *>(shared);
        value = reduction, which = reinterpret_cast<int *>(reduction + threads);
        columns = which + threads;
        panel = reinterpret_cast<Complex *>(shared + scratch_bytes);
        inverses = panel + panel_rows * p.width;
        multipliers = inverses + p.width;
        rows = multipliers + panel_rows * panel_rows;
        target = reinterpret_cast<int *>(rows + chunk * panel_rows);
        m = global(p.maps) + static_cast<int64_t>(p.length + 1) * p.width * p.width;
        n = m + p.width * p.width;
    }

    /* m = sign·(D_s + F) + extra (0: none), n = 1. */
    MCD_METHOD void begin(const Item &p, int s, double sign, const Complex *f, const Complex *extra) {
        Complex c = global(p.phases)[s];
        barrier();
        for (int e = thread_index(); e < p.width * p.width; e += threads) {
            int i = e / p.width, j = e % p.width;
            Complex d = f[e];
            if (i == j) d.re += p.energy - global(p.potential)[static_cast<int64_t>(s) * p.width + i];
            if (j == i + 1) d = d + c;
            if (j + 1 == i) d = d + conj(c);
            m[e] = sign * d;
            if (extra) m[e] = m[e] + extra[e];
            n[e] = {i == j ? 1.0 : 0.0, 0};
        }
        barrier();
    }

    /* One slice further: (m, n) = (−(D_s m + n), m). */
    MCD_METHOD void advance(const Item &p, int s) {
        for (int e = thread_index(); e < p.width * p.width; e += threads) n[e] = recur<false>(p, s, e / p.width, m + e, p.width, n[e]);
        barrier();
        Complex *t = m;
        m = n, n = t;
    }

    /* out = n·m⁻¹. */
    MCD_METHOD void divide(int width, Complex *out) {
        int t = thread_index();
        for (int j = t; j < width; j += threads) target[j] = -1;
        for (int first = 0; first < width; first += panel_rows) {
            int count = smaller(panel_rows, width - first);
            barrier();
            for (int e = t; e < count * width; e += threads) panel[e] = m[first * width + e];
            factor(first, count, width);
            solve(count, width);
            update(first + count, count, width);
        }
        barrier();
        for (int e = t; e < width * width; e += threads) {
            int k = target[e % width];
            out[e / width * width + k] = n[e] * inverses[k];
        }
        barrier();
    }

    /* Eliminates within the panel: multipliers take the place of its rows. */
    MCD_METHOD void factor(int first, int count, int width) {
        int t = thread_index();
        for (int k = 0; k < count; k++) {
            barrier();
            Complex *row = panel + k * width;
            Complex mine = t < width ? row[t] : Complex{0, 0};
            int j = largest(t < width && target[t] < 0 ? mine.re * mine.re + mine.im * mine.im : -1.0);
            Complex pivot = row[j];
            if (pivot.re == 0 && pivot.im == 0) pivot.re = 1e-150;
            Complex inv = inverse_scaled(pivot);
            largest_inverse.see(inv);
            barrier();
            if (t < width) row[t] = t == j ? Complex{0, 0} : mine * inv;
            if (t == 0) target[j] = first + k, inverses[first + k] = inv, columns[k] = j;
            barrier();
            for (int e = t; e < (count - k - 1) * width; e += threads) {
                int c = e % width, at = (k + 1) * width + e;
                if (c != j) subtract_product(panel[at], panel[at - c + j], row[c]);
            }
        }
        barrier();
    }

    /* The thread with the largest value, the first of equals; NaN counts as smallest. */
    MCD_METHOD int largest(double mine) {
        int t = thread_index();
        value[t] = mine >= 0 ? mine : mine == -1 ? -1.0 : -0.5, which[t] = t;
        for (int half = threads / 2; half > 0; half /= 2) {
            barrier();
            if (t < half && value[t + half] > value[t]) value[t] = value[t + half], which[t] = which[t + half];
        }
        barrier();
        return which[0];
    }

    /* panel = G of its multipliers. */
    MCD_METHOD void solve(int count, int width) {
        int t = thread_index();
        for (int e = t; e < count * count; e += threads) multipliers[e] = panel[e / count * width + columns[e % count]];
        barrier();
        if (t < width) {
            for (int k = count - 2; k >= 0; k--) {
                Complex g = panel[k * width + t];
                for (int l = k + 1; l < count; l++) subtract_product(g, multipliers[k * count + l], panel[l * width + t]);
                panel[k * width + t] = g;
            }
        }
        barrier();
    }

    /* x −= x_J·G for the rows of m from done on and all rows of n. */
    MCD_METHOD void update(int done, int count, int width) {
        int t = thread_index(), left = width - done, total = left + width;
        for (int first = 0; first < total; first += chunk) {
            for (int e = t; e < chunk * count; e += threads) {
                int r = first + e / count;
                if (r < total) rows[e] = stacked(done, left, width, r)[columns[e % count]];
            }
            barrier();
            for (int column = 0; column < width; column += chunk) update_tile(done, left, total, first, column, count, width);
            barrier();
        }
    }

    /* Row r of the rows of m from done on and, after them, the rows of n. */
    MCD_METHOD Complex *stacked(int done, int left, int width, int r) { return r < left ? m + (done + r) * width : n + (r - left) * width; }

    MCD_METHOD void update_tile(int done, int left, int total, int first, int column, int count, int width) {
        int i = thread_index() / side * tile, j = column + thread_index() % side;
        Complex sum[tile][tile];
        MCD_UNROLL for (int a = 0; a < tile; a++) {
            MCD_UNROLL for (int b = 0; b < tile; b++) sum[a][b] = {0, 0};
        }
        for (int k = 0; k < count; k++) {
            Complex g[tile];
            MCD_UNROLL for (int b = 0; b < tile; b++) g[b] = panel[k * width + smaller(j + side * b, width - 1)];
            MCD_UNROLL for (int a = 0; a < tile; a++) {
                Complex x = rows[smaller(i + a, total - first - 1) * count + k];
                MCD_UNROLL for (int b = 0; b < tile; b++) add_product(sum[a][b], x, g[b]);
            }
        }
        MCD_UNROLL for (int a = 0; a < tile; a++) {
            if (first + i + a < total) {
                Complex *row = stacked(done, left, width, first + i + a);
                MCD_UNROLL for (int b = 0; b < tile; b++) {
                    if (j + side * b < width) row[j + side * b] = row[j + side * b] - sum[a][b];
                }
            }
        }
    }
};

} // namespace mcd

#endif
