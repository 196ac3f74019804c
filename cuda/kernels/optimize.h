/* What surrounds the sweeps in an inverse problem: parametrizations, the objective, first-order rules. */
#ifndef MCD_GPU_OPTIMIZE_H
#define MCD_GPU_OPTIMIZE_H

#include "item.h"

namespace mcd {

using Parametrization = mcd_gpu_parametrization;
using Objective = mcd_gpu_objective_args;
using Update = mcd_gpu_update_args;

MCD_DEVICE bool frozen(mcd_gpu_address active, int design) { return active && at<const int32_t>(active)[design] <= 0; }

/* Brings on-site energies into the order and unit of the sweeps. */
MCD_DEVICE void transfer(const Wire &w, const double *onsite, double *potential) {
    for (int i = thread_index(); i < w.length * w.width; i += threads) {
        int s = i / w.width, y = i % w.width;
        potential[i] = onsite[(w.length - 1 - s) * w.width + y] / w.hopping;
    }
    barrier();
}

/*
 * Chooses the nodes as plan.Strip.Nodes does: the entries of φ_{x−1} = −(D_x φ_x + φ_{x+1}) are bounded by
 * v_{x−1}(y) = |e − h(x, y)| v_x(y) + v_x(y−1) + v_x(y+1) + v_{x+1}(y), and a hop ends before the bound passes the budget.
 */
MCD_DEVICE void choose_nodes(const Wire &w, const double *potential, double budget, int32_t *nodes, double *shared) {
    int y = thread_index(), count = 1;
    double *v = shared, *next = shared + w.width;
    if (y == 0) nodes[1] = 0;
    for (int at = 0; at < w.length - 1;) {
        int most = smaller(w.length - 1 - at, MCD_GPU_MAX_HOP), hop = most;
        barrier();
        if (y < w.width) v[y] = next[y] = 1;
        barrier();
        for (int k = 0; k < most; k++) {
            double grown = 0;
            if (y < w.width) {
                double e = potential[static_cast<int64_t>(at + k) * w.width + y];
                grown = larger(absolute(w.energy_low - e), absolute(w.energy_high - e)) * v[y] + (y > 0 ? v[y - 1] : 0) + next[y];
                if (y + 1 < w.width) grown += v[y + 1];
                next[y] = grown;
            }
            double *t = v;
            v = next, next = t;
            if (barrier_any(grown > budget) && k > 0) {
                hop = k;
                break;
            }
        }
        at += hop;
        if (y == 0) nodes[1 + count] = at;
        count++;
    }
    if (y == 0) nodes[0] = count;
}

/* (Mv)_i of a matrix in compressed rows, or v_i where there is none. */
MCD_DEVICE double sparse_row(mcd_gpu_address start, mcd_gpu_address index, mcd_gpu_address value, int i, const double *v) {
    if (!start) return v[i];
    const int32_t *s = at<const int32_t>(start), *j = at<const int32_t>(index);
    const double *m = at<const double>(value);
    double sum = 0;
    for (int e = s[i]; e < s[i + 1]; e++) sum += m[e] * v[j[e]];
    return sum;
}

/* On-site energies of parameters theta; quantities is scratch. */
MCD_DEVICE void onsite_of(const Parametrization &p, const double *theta, double *quantities, double *onsite) {
    const double *base = at<const double>(p.base), *background = at<const double>(p.background);
    for (int i = thread_index(); i < p.quantities; i += threads) {
        double q = sparse_row(p.start, p.index, p.value, i, theta) + (base ? base[i] : 0);
        (p.kind == MCD_GPU_SITES ? onsite : quantities)[i] = q;
    }
    barrier();
    if (p.kind == MCD_GPU_SITES) return;
    for (int i = thread_index(); i < p.length * p.width; i += threads) {
        double x = i / p.width, y = i % p.width, h = background[i];
        for (const double *q = quantities; q < quantities + p.quantities; q += 4) {
            double dx = x - q[0], dy = y - q[1];
            h += q[2] * exponential(-(dx * dx + dy * dy) / (q[3] * q[3]));
        }
        onsite[i] = h;
    }
    barrier();
}

/* Derivatives by parameters of what has the derivatives row by on-site energies; buffer holds four doubles for every thread. */
MCD_DEVICE void pull_row(const Parametrization &p, const double *theta, const double *row, double *quantities, double *out, double *buffer) {
    const double *by_quantity = row;
    if (p.kind == MCD_GPU_GAUSSIANS) {
        const double *base = at<const double>(p.base);
        int t = thread_index();
        for (int d = 0; d < p.quantities; d += 4) {
            double q[4], by[4] = {0, 0, 0, 0};
            for (int i = 0; i < 4; i++) q[i] = sparse_row(p.start, p.index, p.value, d + i, theta) + (base ? base[d + i] : 0);
            double square = q[3] * q[3];
            for (int i = t; i < p.length * p.width; i += threads) {
                double dx = i / p.width - q[0], dy = i % p.width - q[1], s = (dx * dx + dy * dy) / square;
                double e = row[i] * exponential(-s), slope = 2 * q[2] * e;
                by[0] += slope * dx / square;
                by[1] += slope * dy / square;
                by[2] += e;
                by[3] += slope * s / q[3];
            }
            barrier();
            for (int i = 0; i < 4; i++) buffer[i * threads + t] = by[i];
            for (int half = threads / 2; half > 0; half /= 2) {
                barrier();
                for (int i = 0; t < half && i < 4; i++) buffer[i * threads + t] += buffer[i * threads + t + half];
            }
            if (t == 0) {
                for (int i = 0; i < 4; i++) quantities[d + i] = buffer[i * threads];
            }
        }
        barrier();
        by_quantity = quantities;
    }
    for (int j = thread_index(); j < p.parameters; j += threads) out[j] = sparse_row(p.start_t, p.index_t, p.value_t, j, by_quantity);
    barrier();
}

/* u = sign(r)·√ρ(r) and du/dr, as inverse.Loss. */
MCD_DEVICE double loss_root(int loss, double c, double r, double &slope) {
    double a = absolute(r), u = a;
    slope = 1;
    if (loss == MCD_GPU_LOG && a / c > 1e-100) {
        double q = a / c, s = root(logarithm_1p(q * q));
        u = c * s;
        slope = q / (1 + q * q) / s;
    } else if (loss == MCD_GPU_HUBER && a > c) {
        u = root(2 * c * a - c * c);
        slope = c / u;
    }
    return r < 0 ? -u : r == 0 ? r : u;
}

/* u of point k and du/dG. */
MCD_DEVICE double misfit(const Objective &a, int design, int k, double &slope) {
    const double *weights = at<const double>(a.weights);
    double w = weights ? weights[k] : 1;
    double g = at<const double>(a.conductance)[static_cast<int64_t>(design) * a.points + k];
    double u = loss_root(a.loss, a.loss_scale, w * (g - at<const double>(a.target)[design * a.target_stride + k]), slope);
    slope *= w;
    return u;
}

/* ∂/∂h_i of Σ (h_i − h_j)² over neighbours, and the share of the sum that belongs to the pairs (i, i + 1), (i, i + width). */
MCD_DEVICE double roughness(const Objective &a, const double *h, int i, double &share) {
    int x = i / a.width, y = i % a.width;
    double sum = 0;
    share = 0;
    if (x > 0) sum += h[i] - h[i - a.width];
    if (y > 0) sum += h[i] - h[i - 1];
    if (x + 1 < a.length) {
        double d = h[i] - h[i + a.width];
        sum += d, share += d * d;
    }
    if (y + 1 < a.width) {
        double d = h[i] - h[i + 1];
        sum += d, share += d * d;
    }
    return 2 * sum;
}

/* What all blocks of a design need: Σu² and L_pot; terms receives u·du/dG of every point. */
struct Sums {
    double square, penalty;
};
MCD_DEVICE Sums sums(const Objective &a, int design, const double *h, double *terms, double *buffer) {
    double square = 0, penalty = 0;
    for (int k = thread_index(); k < a.points; k += threads) {
        double slope, u = misfit(a, design, k, slope);
        square += u * u;
        terms[k] = u * slope;
    }
    for (int i = thread_index(); h && i < a.length * a.width; i += threads) {
        double share;
        roughness(a, h, i, share);
        penalty += share;
    }
    return {reduce_sum(buffer, square), h ? a.smoothness * reduce_sum(buffer, penalty) : 0};
}

MCD_DEVICE void write_objective(const Objective &a, int design, Sums s) {
    double *out = at<double>(a.objective) + 3 * design, misfit = 0.5 * logarithm(s.square);
    if (thread_index() == 0) out[0] = misfit + s.penalty, out[1] = misfit, out[2] = s.penalty;
}

MCD_DEVICE const double *potential_of(const Objective &a, int design) {
    return a.smoothness == 0 ? nullptr : at<const double>(a.onsite) + static_cast<int64_t>(design) * a.length * a.width;
}

/* L, and its gradient for the block's sites: eight threads share the points of a site. */
MCD_DEVICE void objective(const Objective &a) {
    int design = block_index_y(), t = thread_index(), sites = a.length * a.width;
    if (frozen(a.active, design)) return;
    double *buffer = reinterpret_cast<double *>(shared_memory()), *terms = buffer + threads;
    const double *h = potential_of(a, design);
    Sums s = sums(a, design, h, terms, buffer);
    if (block_index() == 0) write_objective(a, design, s);
    double scale = s.square == 0 ? 0 : 1 / s.square, sum = 0;
    constexpr int groups = threads / MCD_GPU_OBJECTIVE_SITES;
    int i = block_index() * MCD_GPU_OBJECTIVE_SITES + t % MCD_GPU_OBJECTIVE_SITES, group = t / MCD_GPU_OBJECTIVE_SITES;
    const double *jac = at<const double>(a.jacobian) + static_cast<int64_t>(design) * a.points * sites + i;
    if (i < sites) {
        MCD_UNROLL_BY(4) for (int k = group; k < a.points; k += groups) sum += terms[k] * jac[static_cast<int64_t>(k) * sites];
    }
    barrier();
    buffer[t] = sum;
    barrier();
    if (group > 0 || i >= sites) return;
    for (int g = 1; g < groups; g++) sum += buffer[t + g * MCD_GPU_OBJECTIVE_SITES];
    double share, slope = h ? a.smoothness * roughness(a, h, i, share) : 0;
    at<double>(a.gradient)[static_cast<int64_t>(design) * sites + i] = scale * sum + slope;
}

/* xᵗ. */
MCD_DEVICE double power(double x, int64_t t) {
    double p = 1;
    for (; t > 0; t >>= 1, x *= x) {
        if (t & 1) p *= x;
    }
    return p;
}

/* The rules of mcd/core/optimize; t counts from 1; m and v are the moments of the parameter. */
struct Rule {
    int kind;
    double rate, first, second; // bias corrections 1 − βᵗ

    MCD_METHOD Rule(int kind, double rate, int64_t t) : kind(kind), rate(rate), first(1 - power(0.9, t)), second(1 - power(0.999, t)) {}

    MCD_METHOD double step(double g, double &m, double *v) const {
        if (kind == MCD_GPU_RMSPROP) {
            m = 0.9 * m + 0.1 * g * g;
            return -rate * g / root(m + 1e-8);
        }
        double d = kind == MCD_GPU_ADABELIEF ? g - m : g;
        *v = 0.999 * *v + 0.001 * d * d;
        m = 0.9 * m + 0.1 * g;
        double down = kind == MCD_GPU_ADABELIEF ? root(*v / second + 1e-16) + 1e-16 : root(*v / second) + 1e-8;
        return -rate * (m / first) / down;
    }
};

/* Notes the current point; returns whether the run of the design goes on. */
MCD_DEVICE bool record(const Update &a, const Wire &w, int design, int parameters) {
    int t = thread_index();
    int64_t step = at<const int64_t>(a.iteration)[design];
    double l = at<const double>(a.objective)[3 * design], *best = at<double>(a.best_objective) + design;
    bool better = l < *best, ends = l <= a.stop_objective, stalls = !finite(l);
    barrier();
    if (t == 0) {
        if (a.history) at<double>(a.history)[design * a.history_capacity + step % a.history_capacity] = l;
        if (better) *best = l;
        if (ends) {
            at<int32_t>(a.active)[design] = MCD_GPU_REACHED;
        } else if (stalls) {
            at<int32_t>(a.active)[design] = MCD_GPU_STALLED;
        }
    }
    if (better) {
        const double *theta = at<const double>(a.theta) + static_cast<int64_t>(design) * parameters;
        for (int i = t; i < parameters; i += threads) at<double>(a.best_theta)[static_cast<int64_t>(design) * parameters + i] = theta[i];
        const double *g = at<const double>(a.conductance) + static_cast<int64_t>(design) * w.points;
        for (int k = t; a.best_conductance && k < w.points; k += threads) {
            at<double>(a.best_conductance)[static_cast<int64_t>(design) * w.points + k] = g[k];
        }
    }
    return !ends && !stalls;
}

/* Moves θ. */
MCD_DEVICE void move(const Update &a, const Parametrization &p, int design, double *quantities, double *gradient, double *buffer) {
    double *theta = at<double>(a.theta) + static_cast<int64_t>(design) * p.parameters;
    const double *lower = at<const double>(a.lower), *upper = at<const double>(a.upper);
    pull_row(p, theta, at<const double>(a.gradient) + static_cast<int64_t>(design) * p.length * p.width, quantities, gradient, buffer);
    int64_t *counter = at<int64_t>(a.iteration) + design, step = *counter;
    double rate = a.rate;
    for (int i = 0; i < a.schedule_entries; i++) {
        if (step >= at<const int64_t>(a.schedule_steps)[i]) rate *= at<const double>(a.schedule_factors)[i];
    }
    Rule rule(a.rule, rate, step + 1);
    int kept = a.rule == MCD_GPU_RMSPROP ? 1 : 2;
    double *moments = at<double>(a.moments) + static_cast<int64_t>(design) * kept * p.parameters;
    double square = 0, slope = 0;
    for (int i = thread_index(); i < p.parameters; i += threads) {
        double old = theta[i], g = gradient[i], next = old + rule.step(g, moments[i], moments + p.parameters + i);
        bool held = (lower && g > 0 && old <= lower[i]) || (upper && g < 0 && old >= upper[i]);
        if (!held) slope = larger(slope, absolute(g));
        if (lower && next < lower[i]) next = lower[i];
        if (upper && next > upper[i]) next = upper[i];
        theta[i] = next;
        square += (next - old) * (next - old);
    }
    square = reduce_sum(buffer, square);
    slope = reduce_largest(buffer, slope);
    if (thread_index() == 0) {
        double *norms = at<double>(a.norms) + 2 * design;
        norms[0] = root(square), norms[1] = slope;
        *counter = step + 1;
    }
}

MCD_DEVICE void update(const Update &a) {
    int design = block_index();
    if (frozen(a.active, design)) return;
    const Wire &w = *at<const Wire>(a.wire);
    const Parametrization &p = *at<const Parametrization>(a.parametrization);
    double *buffer = reinterpret_cast<double *>(shared_memory());
    double *quantities = at<double>(a.scratch) + static_cast<int64_t>(design) * (p.quantities + p.parameters);
    int64_t sites = static_cast<int64_t>(w.length) * w.width;
    barrier(); // all have seen that the design is active
    if ((a.actions & MCD_GPU_RECORD) && !record(a, w, design, p.parameters)) return;
    if (a.actions & MCD_GPU_STEP) move(a, p, design, quantities, quantities + p.quantities, buffer);
    barrier();
    if (!(a.actions & MCD_GPU_ONSITE)) return;
    double *onsite = at<double>(a.onsite) + design * sites, *potential = at<double>(a.potential) + design * sites;
    onsite_of(p, at<const double>(a.theta) + static_cast<int64_t>(design) * p.parameters, quantities, onsite);
    transfer(w, onsite, potential);
    choose_nodes(w, potential, a.budget, at<int32_t>(a.nodes) + static_cast<int64_t>(design) * (w.length + 1), buffer);
}

MCD_DEVICE void plan(const mcd_gpu_plan_args &a) {
    int design = block_index();
    const Wire &w = *at<const Wire>(a.wire);
    int64_t sites = static_cast<int64_t>(w.length) * w.width;
    double *potential = at<double>(a.potential) + design * sites;
    transfer(w, at<const double>(a.onsite) + design * sites, potential);
    choose_nodes(w, potential, a.budget, at<int32_t>(a.nodes) + static_cast<int64_t>(design) * (w.length + 1),
        reinterpret_cast<double *>(shared_memory()));
}

MCD_DEVICE void combine(const mcd_gpu_combine_args &a) {
    int design = block_index_y(), i = block_index() * threads + thread_index();
    if (i >= a.sites) return;
    const double *jac = at<const double>(a.jacobian) + static_cast<int64_t>(design) * a.count * a.sites + i;
    const double *weights = a.weights ? at<const double>(a.weights) + design * a.weights_stride + a.first : nullptr;
    double *out = at<double>(a.gradient) + static_cast<int64_t>(design) * a.sites + i;
    double sum = a.add ? *out : 0;
    MCD_UNROLL_BY(8) for (int k = 0; k < a.count; k++) sum += (weights ? weights[k] : 1) * jac[static_cast<int64_t>(k) * a.sites];
    *out = sum;
}

} // namespace mcd

#endif
