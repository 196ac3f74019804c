/*
 * The fast path of an item: eliminate from the right lead to the left, node by node; then carry ψ and η back to the right, from
 * G = N − R, R = Σ|r|², r = ia − 1, a = q†A⁻¹q at the left lead. With dG = −2 Re Σ_mn i r*_mn da_mn and da_mn = χ_mᵀ dH ψ_n/t,
 *
 *     ∂G/∂h(s, y) = −(2/t) Re Σ_n η_n(s, y) ψ_n(s, y),   η_n = Σ_m i r*_mn χ_m,   i r* = a* − i,
 *
 * where the η_n solve the transposed problem with the sources Σ_m i r*_mn q*_m: combined once at the lead, columns stay
 * independent of each other all along the wire.
 */
#ifndef MCD_GPU_SWEEP_H
#define MCD_GPU_SWEEP_H

#include "tiles.h"
#include "wide.h"

namespace mcd {

/* Eliminates an item: the maps of all nodes, and the inverse at the left lead after them. Returns the largest |1/pivot|. */
template <int R> struct Elimination {
    MCD_METHOD static double run(const Item &p, const int32_t *nodes, int last, bool pivoting, unsigned char *shared) {
        using T = Tiles<R>;
        auto &buffers = *reinterpret_cast<typename T::Buffers *>(shared + scratch_bytes);
        auto &edge = *reinterpret_cast<typename T::Edge *>(shared + scratch_bytes + sizeof(typename T::Buffers));
        T t;
        double largest = 0;
        t.clear();
        t.load(p.right, p.width);
        for (int i = 1; i <= last + 1; i++) {
            int s = nodes[i - 1];
            t.begin(p, s, i > last ? 1 : -1);
            if (i > last) T::each(p.width, [&](int y, int j, int a, int b) { t.m[a][b] = t.m[a][b] + p.left[y * p.width + j]; });
            for (int next = s + 1; i <= last && next < nodes[i]; next++) t.advance(p, next, edge);
            if (pivoting) {
                t.divide_pivoting(buffers, p.width, map_to_write(p, i));
                t.load(map(p, i), p.width);
            } else {
                largest = larger(largest, t.divide(buffers, p.width, map_to_write(p, i)));
            }
        }
        return largest;
    }
};

/* Widths above 64; always with pivots. */
template <> struct Elimination<0> {
    MCD_METHOD static double run(const Item &p, const int32_t *nodes, int last, bool, unsigned char *shared) {
        Wide w(p, shared);
        for (int i = 1; i <= last + 1; i++) {
            int s = nodes[i - 1];
            w.begin(p, s, i > last ? 1 : -1, map(p, i - 1), i > last ? p.left : nullptr);
            for (int next = s + 1; i <= last && next < nodes[i]; next++) w.advance(p, next);
            w.divide(p.width, map_to_write(p, i));
        }
        return w.largest_inverse.bound();
    }
};

/* What a wave leaves behind: the largest residual and the largest value at the nodes. */
struct Note {
    Largest residual, wave;

    MCD_METHOD void see(Complex difference, Complex value) { residual.see(difference), wave.see(value); }
    MCD_METHOD void see(const Note &n) { residual.see(n.residual), wave.see(n.wave); }
};

/* Both waves on two slices, a chunk of columns; and Re ψη, to be added up, in two buffers. */
struct Waves {
    Complex *psi, *psi_before, *eta, *eta_before;
    double *terms; // twice width × (stride + 1)
    int stride, first, columns; // of the chunk
    Note probes, others, eta_note;
    Largest steepest; // derivative
};

/* Equation of slice s solved for the slice after it; overwrites the slice before with what map f says instead, notes the
   difference, and leaves the terms of the derivative. */
template <bool derive> MCD_DEVICE void finish(const Item &p, int s, Waves &w, double *terms, int y, int j, Complex psi, Complex eta, Note &note) {
    int e = y * w.stride + j;
    Complex expected = recur<false>(p, s, y, w.psi + e, w.stride, w.psi_before[e]);
    note.see(psi - expected, w.psi[e]);
    w.psi_before[e] = psi;
    if (derive) {
        expected = recur<true>(p, s, y, w.eta + e, w.stride, w.eta_before[e]);
        w.eta_note.see(eta - expected, w.eta[e]);
        w.eta_before[e] = eta;
        terms[y * (w.stride + 1) + j] = w.psi[e].re * w.eta[e].re - w.psi[e].im * w.eta[e].im;
    }
}

/* From slice s to s − 1 by the map f. */
template <bool derive> MCD_DEVICE void step(const Item &p, int s, const Complex *f, Waves &w, double *terms) {
    static_assert(MCD_GPU_PROBES == 2, "the probes are a pair of columns");
    int pairs = (w.columns + 1) / 2;
    for (int t = thread_index(); t < p.width * pairs; t += threads) {
        int y = t / pairs, j = t % pairs * 2, next = j + 1 < w.columns ? j + 1 : j;
        Complex psi[2] = {{0, 0}, {0, 0}}, eta[2] = {{0, 0}, {0, 0}};
        MCD_UNROLL_BY(2) for (int k = 0; k < p.width; k++) {
            Complex g = f[y * p.width + k];
            add_product(psi[0], g, w.psi[k * w.stride + j]);
            add_product(psi[1], g, w.psi[k * w.stride + next]);
            if (derive) {
                g = f[k * p.width + y];
                add_product(eta[0], g, w.eta[k * w.stride + j]);
                add_product(eta[1], g, w.eta[k * w.stride + next]);
            }
        }
        Note note;
        finish<derive>(p, s, w, terms, y, j, psi[0], eta[0], note);
        if (next > j) finish<derive>(p, s, w, terms, y, next, psi[1], eta[1], note);
        (w.first + j == 0 ? w.probes : w.others).see(note);
    }
}

/* From slice s to s − 1 by the equation of the wire. */
template <bool derive> MCD_DEVICE void follow(const Item &p, int s, Waves &w, double *terms) {
    for (int t = thread_index(); t < p.width * w.columns; t += threads) {
        int y = t / w.columns, j = t % w.columns, e = y * w.stride + j;
        w.psi_before[e] = recur<false>(p, s, y, w.psi + e, w.stride, w.psi_before[e]);
        if (derive) {
            w.eta_before[e] = recur<true>(p, s, y, w.eta + e, w.stride, w.eta_before[e]);
            terms[y * (w.stride + 1) + j] = w.psi[e].re * w.eta[e].re - w.psi[e].im * w.eta[e].im;
        }
    }
}

MCD_DEVICE void swap(Complex *&a, Complex *&b) {
    Complex *t = a;
    a = b, b = t;
}

/* Ends a slice: all threads have written; adds up the derivative's terms into row. */
template <bool derive> MCD_DEVICE void emit(const Item &p, Waves &w, const double *terms, double *row, double factor) {
    barrier();
    swap(w.psi, w.psi_before);
    swap(w.eta, w.eta_before);
    int y = thread_index();
    if (!derive || y >= p.width) return;
    double sum = 0;
    MCD_UNROLL_BY(4) for (int j = 0; j < w.columns; j++) sum += terms[y * (w.stride + 1) + j];
    sum = factor * sum + (w.first > 0 ? row[y] : 0);
    w.steepest.see(sum);
    row[y] = sum;
}

/* Carries the chunk's columns from the left lead to the right. */
template <bool derive> MCD_DEVICE void carry(const Item &p, const int32_t *nodes, int last, Waves &w, double *rows) {
    double factor = -2 / p.hopping;
    int n = p.modes, first = w.first;
    const Complex *front = global(p.front), *cofront = global(p.cofront), *left = global(p.left), *from_left = global(p.from_left);
    const Complex *source = global(p.source);
    barrier();
    for (int t = thread_index(); t < p.width * w.columns; t += threads) {
        int y = t / w.columns, j = t % w.columns;
        w.psi[y * w.stride + j] = front[y * n + first + j];
        if (derive) w.eta[y * w.stride + j] = cofront[y * n + first + j];
    }
    barrier();
    // Before the first slice stands B_L ψ − q: so its equation has the form of all others.
    product(p.width, p.width, w.columns, [&](int y, int k) { return left[y * p.width + k]; },
        [&](int k, int j) { return w.psi[k * w.stride + j]; },
        [&](int y, int j, Complex v) { w.psi_before[y * w.stride + j] = v - from_left[y * p.columns + first + j]; });
    if (derive) {
        product(p.width, p.width, w.columns, [&](int y, int k) { return left[k * p.width + y]; },
            [&](int k, int j) { return w.eta[k * w.stride + j]; },
            [&](int y, int j, Complex v) { w.eta_before[y * w.stride + j] = v - source[y * n + first + j]; });
    }
    barrier();
    for (int i = last, s = p.length - 1; s >= 0; s--) {
        double *terms = w.terms + s % 2 * p.width * (w.stride + 1);
        if (s == nodes[i]) {
            step<derive>(p, s, map(p, i), w, terms);
            i--;
        } else {
            follow<derive>(p, s, w, terms);
        }
        emit<derive>(p, w, terms, rows + static_cast<int64_t>(p.length - 1 - s) * p.width, factor);
    }
}

/* Writes ψ at the left lead and the amplitudes a, and returns N − R. */
MCD_DEVICE double reflect(const Item &p, const Complex *inverse, double *buffer) {
    int n = p.modes;
    const Complex *q = global(p.from_left);
    Complex *front = global(p.front), *amplitudes = global(p.amplitudes);
    barrier();
    product(p.width, p.width, n, [&](int y, int k) { return inverse[y * p.width + k]; },
        [&](int k, int j) { return q[k * p.columns + j]; }, [&](int y, int j, Complex v) { front[y * n + j] = v; });
    barrier();
    double reflected = 0;
    product(n, p.width, n, [&](int i, int k) { return conj(q[k * p.columns + i]); },
        [&](int k, int j) { return front[k * n + j]; }, [&](int i, int j, Complex a) {
            amplitudes[i * n + j] = a;
            double im = a.re, re = i == j ? a.im + 1 : a.im; // −r = 1 − ia up to conjugation: |r| is all that counts
            reflected += re * re + im * im;
        });
    return n - reduce_sum(buffer, reflected);
}

/* Writes the source of η and η itself at the left lead. */
MCD_DEVICE void coreflect(const Item &p, const Complex *inverse) {
    int n = p.modes;
    const Complex *q = global(p.from_left), *amplitudes = global(p.amplitudes);
    Complex *source = global(p.source), *cofront = global(p.cofront);
    product(p.width, n, n, [&](int y, int m) { return conj(q[y * p.columns + m]); },
        [&](int m, int j) {
            Complex c = conj(amplitudes[m * n + j]);
            if (m == j) c.im -= 1;
            return c;
        },
        [&](int y, int j, Complex v) { source[y * n + j] = v; });
    barrier();
    product(p.width, p.width, n, [&](int y, int k) { return inverse[k * p.width + y]; },
        [&](int k, int j) { return source[k * n + j]; }, [&](int y, int j, Complex v) { cofront[y * n + j] = v; });
}

/* The rows ∂G/∂onsite of an item in the caller's order. */
MCD_DEVICE double *jacobian_rows(const Sweep &a, const Item &p) {
    return at<double>(a.jacobian) + (static_cast<int64_t>(p.design) * a.count + (p.point - a.first)) * p.length * p.width;
}

/* An item without open modes. */
MCD_DEVICE void write_closed(const Sweep &a, const Wire &w, const Item &p) {
    int64_t k = static_cast<int64_t>(p.design) * w.points + p.point;
    if (thread_index() == 0) at<double>(a.conductance)[k] = 0, at<double>(a.residual)[k] = 0, at<uint32_t>(a.status)[k] = 0;
    if (a.derive) {
        for (int i = thread_index(); i < p.length * p.width; i += threads) jacobian_rows(a, p)[i] = 0;
    }
}

template <int R> MCD_DEVICE void sweep(const Sweep &a, const Wire &wire, const Item &p) {
    unsigned char *shared = shared_memory();
    double *buffer = reinterpret_cast<double *>(shared);
    const int32_t *nodes = at<const int32_t>(a.nodes) + static_cast<int64_t>(p.design) * (p.length + 1);
    int last = *nodes++ - 1;
    double pivots = Elimination<R>::run(p, nodes, last, false, shared);
    pivots = reduce_largest(buffer, pivots);
    double g = reflect(p, map(p, last + 1), buffer);

    Waves w;
    int chunk = mcd_gpu_chunk(p.width);
    w.stride = chunk;
    w.psi = reinterpret_cast<Complex *>(shared + scratch_bytes);
    w.psi_before = w.psi + p.width * chunk;
    w.eta = w.psi_before + p.width * chunk;
    w.eta_before = w.eta + p.width * chunk;
    w.terms = reinterpret_cast<double *>(w.eta_before + p.width * chunk);
    if (a.derive) coreflect(p, map(p, last + 1));
    int columns = a.derive ? p.modes : smaller(MCD_GPU_PROBES, p.modes);
    for (w.first = 0; w.first < columns; w.first += chunk) {
        w.columns = smaller(chunk, columns - w.first);
        if (a.derive) {
            carry<true>(p, nodes, last, w, jacobian_rows(a, p));
        } else {
            carry<false>(p, nodes, last, w, nullptr);
        }
    }
    // A probe has the mean square of the modes' residuals. An error δψ = A⁻¹·residual is spread by states of the size of ψ,
    // |δψ| ≈ |ψ|²·|residual|, and likewise for η up to its scale.
    double residual = reduce_largest(buffer, w.probes.residual.bound()), size = reduce_largest(buffer, w.probes.wave.bound());
    double doubt = root(p.modes) * residual * size, codoubt = 0;
    if (a.derive) {
        residual = larger(residual, reduce_largest(buffer, w.others.residual.bound()));
        size = larger(size, reduce_largest(buffer, w.others.wave.bound()));
        double other = reduce_largest(buffer, w.eta_note.residual.bound()), its = reduce_largest(buffer, w.eta_note.wave.bound());
        double steepest = reduce_largest(buffer, w.steepest.bound());
        codoubt = steepest * size * larger(residual, size * (other / its));
    }
    if (thread_index() == 0) {
        uint32_t status = 0;
        if (!(pivots * a.pivot_limit <= 1)) status |= MCD_GPU_SMALL_PIVOT;
        if (!(doubt <= MCD_GPU_REFLECTED)) status |= MCD_GPU_INACCURATE;
        if (!(codoubt <= MCD_GPU_DERIVABLE)) status |= MCD_GPU_UNDERIVABLE;
        if (!(g >= MCD_GPU_TINY)) status |= MCD_GPU_SMALL;
        int64_t k = static_cast<int64_t>(p.design) * wire.points + p.point;
        at<double>(a.conductance)[k] = g;
        at<double>(a.residual)[k] = doubt < codoubt ? codoubt : doubt;
        at<uint32_t>(a.status)[k] = status;
    }
}

} // namespace mcd

#endif
