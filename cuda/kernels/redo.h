/*
 * The careful path of an item: every slice a node, pivots, ψ and η kept on every slice and refined, and derivatives of the
 * transmission T = Σ|t|², t = q_R†ψ at the right lead, so that small conductances keep their relative accuracy:
 *
 *     ∂T/∂h(s, y) = (2/t) Re Σ_n η_n(s, y) ψ_n(s, y),   η_n = Σ_m t*_mn χ_m with the sources Σ_m t*_mn q_R,m* at the right lead.
 */
#ifndef MCD_GPU_REDO_H
#define MCD_GPU_REDO_H

#include "sweep.h"

namespace mcd {

/* A solution of the problem (or of the transposed one) with its workspace: arrays [slice][y][column]. */
struct Solution {
    Complex *wave, *rest, *particular, *next; // the last of two slices
    const Complex *source; // [y][column], rows stride apart, on one slice
    int stride, slice;

    MCD_METHOD Complex source_at(int s, int y, int j) const { return s == slice ? source[y * stride + j] : Complex{0, 0}; }
};

/* out = ±F·b + extra on one slice. */
template <bool transposed, class B, class Out> MCD_DEVICE void apply(const Item &p, const Complex *f, B b, Out out) {
    product(p.width, p.width, p.modes, [&](int y, int k) { return transposed ? f[k * p.width + y] : f[y * p.width + k]; }, b, out);
    barrier();
}

/*
 * Adds the solution for the sources in rest (rest[s]) to wave:
 * particular solutions p_{s+1} = F_{s+1}(p_s − b_s) to the left, then ψ_{s−1} = F_s ψ_s + p_s back.
 */
template <bool transposed> MCD_DEVICE void sweep_sources(const Item &p, Solution &v) {
    int n = p.modes, slice = p.width * n;
    for (int e = thread_index(); e < slice; e += threads) v.particular[e] = {0, 0};
    barrier();
    for (int s = 0; s < p.length; s++) {
        const Complex *before = v.particular + static_cast<int64_t>(s) * slice, *b = v.rest + static_cast<int64_t>(s) * slice;
        bool end = s + 1 == p.length; // there the inverse solves: ψ = A⁻¹(b − p)
        double sign = end ? -1 : 1;
        Complex *out = end ? v.next : v.particular + static_cast<int64_t>(s + 1) * slice;
        apply<transposed>(p, map(p, s + 1), [&](int k, int j) { return sign * (before[k * n + j] - b[k * n + j]); },
            [&](int y, int j, Complex x) { out[y * n + j] = x; });
    }
    for (int s = p.length - 1; s >= 0; s--) {
        Complex *now = v.next + (p.length - 1 - s) % 2 * slice, *after = v.next + (p.length - s) % 2 * slice;
        Complex *wave = v.wave + static_cast<int64_t>(s) * slice;
        const Complex *extra = v.particular + static_cast<int64_t>(s) * slice;
        for (int e = thread_index(); e < slice; e += threads) wave[e] = wave[e] + now[e];
        if (s > 0) {
            apply<transposed>(p, map(p, s), [&](int k, int j) { return now[k * n + j]; },
                [&](int y, int j, Complex x) { after[y * n + j] = x + extra[y * n + j]; });
        }
    }
    barrier();
}

/* rest = b − Aψ; returns the largest of it and the largest of ψ. */
struct Sizes {
    double residual, wave;
};
template <bool transposed> MCD_DEVICE Sizes residuals(const Item &p, Solution &v, double *buffer) {
    int n = p.modes, slice = p.width * n;
    int64_t all = static_cast<int64_t>(p.length) * slice;
    for (int64_t e = thread_index(); e < all; e += threads) {
        int s = static_cast<int>(e / slice), i = static_cast<int>(e % slice);
        const Complex *wave = v.wave + s * static_cast<int64_t>(slice);
        Complex before = s + 1 < p.length ? wave[slice + i] : Complex{0, 0}, after = s > 0 ? wave[i - slice] : Complex{0, 0};
        v.rest[e] = v.source_at(s, i / n, i % n) + recur<transposed>(p, s, i / n, wave + i, n, before) - after;
    }
    barrier();
    for (int end = 0; end < 2; end++) {
        int64_t at = end == 0 ? 0 : all - slice;
        const Complex *wave = v.wave + at;
        Complex *rest = v.rest + at;
        apply<transposed>(p, end == 0 ? p.right : p.left, [&](int k, int j) { return wave[k * n + j]; },
            [&](int y, int j, Complex x) { rest[y * n + j] = rest[y * n + j] - x; });
    }
    Note note;
    for (int64_t e = thread_index(); e < all; e += threads) note.residual.see(v.rest[e]), note.wave.see(v.wave[e]);
    return {reduce_largest(buffer, note.residual.bound()), reduce_largest(buffer, note.wave.bound())};
}

/* Solves and refines until |wave|·|residual| is small, with at least `other` for |wave|. With strict, refines once in any case. */
template <bool transposed> MCD_DEVICE Sizes refine(const Item &p, Solution &v, bool strict, double other, double *buffer) {
    int n = p.modes, slice = p.width * n;
    int64_t all = static_cast<int64_t>(p.length) * slice;
    barrier();
    for (int64_t e = thread_index(); e < all; e += threads) {
        int s = static_cast<int>(e / slice), i = static_cast<int>(e % slice);
        v.rest[e] = v.source_at(s, i / n, i % n);
        v.wave[e] = {0, 0};
    }
    double before = infinity;
    for (int round = 0;; round++) {
        sweep_sources<transposed>(p, v);
        Sizes sizes = residuals<transposed>(p, v, buffer);
        double now = sizes.residual * larger(sizes.wave, other);
        bool enough = now <= MCD_GPU_REFINED || !(now <= before / 2);
        if (round == 3 || (enough && !(strict && round == 0))) return sizes;
        before = now;
    }
}

template <int R> MCD_DEVICE void redo(const Sweep &a, const Wire &wire, const Item &p, uint32_t status) {
    unsigned char *shared = shared_memory();
    double *buffer = reinterpret_cast<double *>(shared);
    // Every slice a node: the list stands at the end of the workspace's waves.
    int n = p.modes, slice = p.width * n;
    int64_t all = static_cast<int64_t>(p.length) * slice;
    int32_t *nodes = reinterpret_cast<int32_t *>(p.rest);
    for (int s = thread_index(); s < p.length; s += threads) nodes[s] = s;
    barrier();
    Elimination<R>::run(p, nodes, p.length - 1, true, shared);

    Solution psi, eta;
    psi.wave = p.rest + (p.length + 3) / 4;
    psi.rest = eta.rest = psi.wave + all;
    psi.particular = eta.particular = psi.rest + all;
    psi.next = eta.next = psi.particular + all;
    eta.wave = psi.next + 2 * slice;
    psi.source = p.from_left, psi.stride = p.columns, psi.slice = p.length - 1;
    bool strict = status & MCD_GPU_SMALL;
    Sizes sizes = refine<false>(p, psi, strict, 0, buffer);
    double doubt = sizes.residual * sizes.wave;

    double transmitted = 0;
    product(n, p.width, n, [&](int i, int k) { return conj(p.from_right[k * p.columns + i]); },
        [&](int k, int j) { return psi.wave[k * n + j]; }, [&](int i, int j, Complex t) {
            p.amplitudes[i * n + j] = t;
            transmitted += t.re * t.re + t.im * t.im;
        });
    double g = reduce_sum(buffer, transmitted);
    if (a.derive) {
        product(p.width, n, n, [&](int y, int m) { return conj(p.from_right[y * p.columns + m]); },
            [&](int m, int j) { return conj(p.amplitudes[m * n + j]); }, [&](int y, int j, Complex v) { p.source[y * n + j] = v; });
        eta.source = p.source, eta.stride = n, eta.slice = 0;
        Sizes cosizes = refine<true>(p, eta, strict, sizes.wave, buffer);
        doubt = larger(doubt, cosizes.residual * larger(cosizes.wave, sizes.wave));
    }
    bool failed = !(doubt < infinity && g < infinity);
    int64_t k = static_cast<int64_t>(p.design) * wire.points + p.point;
    if (thread_index() == 0) {
        // G found on the way there stays where only the derivatives were in doubt: the same bits with and without them.
        if (status & ~MCD_GPU_UNDERIVABLE & MCD_GPU_REDO) at<double>(a.conductance)[k] = g;
        if (failed) at<double>(a.conductance)[k] = from_bits(0x7ff8000000000000ll);
        at<double>(a.residual)[k] = doubt;
        at<uint32_t>(a.status)[k] = status | MCD_GPU_REDONE | (failed ? MCD_GPU_FAILED : 0);
    }
    if (!a.derive) return;
    double factor = failed ? from_bits(0x7ff8000000000000ll) : 2 / p.hopping;
    double *rows = jacobian_rows(a, p);
    for (int t = thread_index(); t < p.length * p.width; t += threads) {
        int x = t / p.width, y = t % p.width;
        int64_t at = static_cast<int64_t>(p.length - 1 - x) * slice + y * n;
        double sum = 0;
        for (int j = 0; j < n; j++) sum += psi.wave[at + j].re * eta.wave[at + j].re - psi.wave[at + j].im * eta.wave[at + j].im;
        rows[t] = factor * sum;
    }
}

} // namespace mcd

#endif
