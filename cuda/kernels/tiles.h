/*
 * The matrix of a slice in registers, for widths up to 64. Thread (i, j) of a grid of 16 × 16 holds R × R entries of every
 * matrix: rows R·i, R·i + 1, … (neighbours, which the recursion along the strip couples) and columns j, j + 16, … (so that
 * neighbouring threads read neighbouring addresses). Rows and columns from width on hold zeros.
 *
 * A hop carries two matrices, M = φ_{x−1} and N = φ_x of solutions that leave to the right; the map back to the left is
 * F = N·M⁻¹. It takes Gauss–Jordan elimination by columns of the stacked matrix [M; N]: with pivot p = M_kj,
 *
 *     column c −= column j · (M_kc/p)   for all c ≠ j,
 *
 * after which row k of M is zero but for p. In the end M has one entry in every row, and column k of F is column j(k) of N
 * divided by pivot k. Only a row and a column pass through shared memory, in two buffers, so that one barrier a pivot is enough.
 */
#ifndef MCD_GPU_TILES_H
#define MCD_GPU_TILES_H

#include "item.h"

namespace mcd {

template <int R> struct Tiles {
    static constexpr int side = 16, padded = R * side;

    Complex m[R][R], n[R][R];

    /* Shared memory. */
    struct Buffers {
        Complex row[2][padded];    // pivot row of M
        Complex upper[2][padded];  // pivot column of M
        Complex lower[2][padded];  // pivot column of N
        Complex inverses[padded];  // of the pivots
        int target[padded];        // column j of N belongs to column target[j] of F

    };
    /* What neighbours exchange: the first and the last row of every row of threads. */
    using Edge = Complex[side][2][padded];

    MCD_METHOD static int first_row() { return thread_index() / side * R; }
    MCD_METHOD static int column(int b) { return thread_index() % side + b * side; }

    /* Calls f(row, column, a, b) for the thread's entries inside the matrix. */
    template <class F> MCD_METHOD static void each(int width, F f) {
        MCD_UNROLL for (int a = 0; a < R; a++) {
            MCD_UNROLL for (int b = 0; b < R; b++) {
                if (first_row() + a < width && column(b) < width) f(first_row() + a, column(b), a, b);
            }
        }
    }

    MCD_METHOD void clear() {
        MCD_UNROLL for (int a = 0; a < R; a++) {
            MCD_UNROLL for (int b = 0; b < R; b++) m[a][b] = n[a][b] = {0, 0};
        }
    }

    /* n = a matrix in memory. */
    MCD_METHOD void load(const Complex *from, int width) {
        each(width, [&](int i, int j, int a, int b) { n[a][b] = from[i * width + j]; });
    }

    /* m = sign·(D_s + n), n = 1. */
    MCD_METHOD void begin(const Item &p, int s, double sign) {
        Complex c = global(p.phases)[s];
        each(p.width, [&](int i, int j, int a, int b) {
            Complex d = n[a][b];
            if (i == j) d.re += p.energy - global(p.potential)[static_cast<int64_t>(s) * p.width + i];
            if (j == i + 1) d = d + c;
            if (j + 1 == i) d = d + conj(c);
            m[a][b] = sign * d;
            n[a][b] = {i == j ? 1.0 : 0.0, 0};
        });
    }

    /* One slice further: (m, n) = (−(D_s m + n), m). */
    MCD_METHOD void advance(const Item &p, int s, Edge &edge) {
        int i = thread_index() / side;
        barrier();
        MCD_UNROLL for (int b = 0; b < R; b++) {
            edge[i][0][column(b)] = m[0][b];
            edge[i][1][column(b)] = m[R - 1][b];
        }
        barrier();
        Complex up = global(p.phases)[s], down = conj(up);
        MCD_UNROLL for (int b = 0; b < R; b++) {
            Complex above = i > 0 ? edge[i - 1][1][column(b)] : Complex{0, 0};
            MCD_UNROLL for (int a = 0; a < R; a++) {
                Complex below = a + 1 < R ? m[a + 1 < R ? a + 1 : a][b] : i + 1 < side ? edge[i + 1][0][column(b)] : Complex{0, 0};
                int y = first_row() + a;
                Complex here = m[a][b], sum = n[a][b];
                if (y < p.width) {
                    sum = sum + (p.energy - global(p.potential)[static_cast<int64_t>(s) * p.width + y]) * here;
                    add_product(sum, up, below);
                    add_product(sum, down, above);
                }
                n[a][b] = here;
                m[a][b] = -sum;
                above = here;
            }
        }
    }

    /* The thread's entry of m in row k and column k, if it has one. */
    MCD_METHOD Complex diagonal(int k) const {
        Complex d = {1, 0};
        MCD_UNROLL for (int a = 0; a < R; a++) {
            MCD_UNROLL for (int b = 0; b < R; b++) {
                if (first_row() + a == k && column(b) == k) d = m[a][b];
            }
        }
        return d;
    }

    /* Row k, with zero in the place of entry j. */
    MCD_METHOD void publish_row(Complex *row, int k, int j) const {
        MCD_UNROLL for (int a = 0; a < R; a++) {
            if (first_row() + a == k) {
                MCD_UNROLL for (int b = 0; b < R; b++) row[column(b)] = column(b) == j ? Complex{0, 0} : m[a][b];
            }
        }
    }
    MCD_METHOD void publish_column(Complex *upper, Complex *lower, int k) const {
        MCD_UNROLL for (int b = 0; b < R; b++) {
            if (column(b) == k) {
                MCD_UNROLL for (int a = 0; a < R; a++) upper[first_row() + a] = m[a][b], lower[first_row() + a] = n[a][b];
            }
        }
    }

    /* Subtracts the pivot's column times row/pivot from the others (the row published has zero in the pivot's place); rows of m
       up to k are finished. */
    MCD_METHOD void update(const Buffers &s, int buffer, int k, Complex inv) {
        int i = first_row();
        Complex f[R];
        MCD_UNROLL for (int b = 0; b < R; b++) f[b] = s.row[buffer][column(b)] * inv;
        if (i + R - 1 > k) {
            MCD_UNROLL for (int a = 0; a < R; a++) {
                Complex c = s.upper[buffer][i + a];
                MCD_UNROLL for (int b = 0; b < R; b++) subtract_product(m[a][b], c, f[b]);
            }
        }
        MCD_UNROLL for (int a = 0; a < R; a++) {
            Complex c = s.lower[buffer][i + a];
            MCD_UNROLL for (int b = 0; b < R; b++) subtract_product(n[a][b], c, f[b]);
        }
    }

    /*
     * n = n·m⁻¹ without exchanges, also to memory. Returns the largest |1/pivot|, in the threads that saw it.
     *
     * The owner of the next pivot computes its inverse ahead of the rest of the update, to hide the latency of a division.
     */
    MCD_METHOD double divide(Buffers &s, int width, Complex *out) {
        Largest largest;
        barrier();
        publish_row(s.row[0], 0, 0);
        publish_column(s.upper[0], s.lower[0], 0);
        if (thread_index() == 0) {
            s.inverses[0] = inverse(m[0][0]);
            largest.see(s.inverses[0]);
        }
        constexpr int rows_of_warp = 32 / side * R;
        for (int k = 0; k < width; k++) {
            int buffer = k % 2, next = k + 1;
            barrier();
            Complex inv = s.inverses[k];
            if (next < width && next / rows_of_warp == thread_index() / 32) {
                Complex f = s.row[buffer][next] * inv, pivot = diagonal(next);
                subtract_product(pivot, s.upper[buffer][next], f);
                if (first_row() == next / R * R && thread_index() % side == next % side) {
                    Complex v = inverse(pivot);
                    s.inverses[next] = v;
                    largest.see(v);
                }
            }
            update(s, buffer, k, inv);
            if (next < width) {
                publish_row(s.row[1 - buffer], next, next);
                publish_column(s.upper[1 - buffer], s.lower[1 - buffer], next);
            }
        }
        MCD_UNROLL for (int b = 0; b < R; b++) {
            Complex inv = column(b) < width ? s.inverses[column(b)] : Complex{0, 0};
            MCD_UNROLL for (int a = 0; a < R; a++) n[a][b] = n[a][b] * inv;
        }
        each(width, [&](int i, int j, int a, int b) { out[i * width + j] = n[a][b]; });
        return largest.bound();
    }

    /* The same with the largest entry of row k among the columns left as pivot. n is not kept, only memory. */
    MCD_METHOD void divide_pivoting(Buffers &s, int width, Complex *out) {
        uint64_t used = 0;
        for (int k = 0; k < width; k++) {
            barrier();
            publish_row(s.row[0], k, -1);
            barrier();
            int j = -1;
            double most = -1;
            for (int c = 0; c < width; c++) {
                Complex v = s.row[0][c];
                double square = v.re * v.re + v.im * v.im;
                if (!(used >> c & 1) && (j < 0 || square > most)) j = c, most = square;
            }
            used |= 1ull << j;
            Complex pivot = s.row[0][j];
            if (pivot.re == 0 && pivot.im == 0) pivot.re = 1e-150;
            Complex inv = inverse_scaled(pivot);
            publish_column(s.upper[0], s.lower[0], j);
            barrier(); // all have seen the row
            if (thread_index() == 0) s.inverses[k] = inv, s.target[j] = k, s.row[0][j] = {0, 0};
            barrier();
            update(s, 0, k, inv);
        }
        barrier();
        each(width, [&](int i, int j, int a, int b) {
            int k = s.target[j];
            out[i * width + k] = n[a][b] * s.inverses[k];
        });
        barrier();
    }
};

} // namespace mcd

#endif
