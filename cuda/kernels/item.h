/* One item of a batch, a potential at a field, as every block sees it, and the operations that all sweeps share. */
#ifndef MCD_GPU_ITEM_H
#define MCD_GPU_ITEM_H

#include "device.h"

namespace mcd {

using Wire = mcd_gpu_wire;
using Sweep = mcd_gpu_sweep_args;

/*
 * Everything about an item that does not change while it is solved. It stands in shared memory, to save registers, behind what
 * reductions use: the first scratch_bytes are theirs and its own, the rest belongs to eliminations and waves.
 */
constexpr int scratch_bytes = 16 * threads, item_offset = scratch_bytes - 256;

struct Item {
    int width, length, columns, modes;
    int design, point;
    double energy, hopping;
    const double *potential;                        // [s][y]
    const Complex *phases;                          // [s]
    const Complex *right, *left;                    // width × width
    const Complex *from_left, *from_right;          // width × columns
    Complex *maps;                                  // of the nodes, width × width each; maps[0] is not used: F_0 is right
    Complex *front, *cofront, *source;              // ψ and η at the left lead and the source of η, width × modes
    Complex *amplitudes;                            // modes × modes
    Complex *rest;                                  // of the workspace
};

static_assert(sizeof(Item) <= scratch_bytes - item_offset);

/* The map F of node i; that after the last node is the inverse at the left lead. */
MCD_DEVICE const Complex *map(const Item &p, int i) {
    return global(i == 0 ? p.right : p.maps + static_cast<int64_t>(i) * p.width * p.width);
}
MCD_DEVICE Complex *map_to_write(const Item &p, int i) { return global(p.maps) + static_cast<int64_t>(i) * p.width * p.width; }

MCD_DEVICE Item item(const Sweep &a, const Wire &w, int design, int point) {
    int64_t n = w.width, square = n * n, columns = n * w.columns;
    Item p;
    p.width = w.width, p.length = w.length, p.columns = w.columns;
    p.modes = at<const int32_t>(w.modes)[point];
    p.design = design, p.point = point;
    p.energy = at<const double>(w.energy)[point], p.hopping = w.hopping;
    p.potential = at<const double>(a.potential) + static_cast<int64_t>(design) * w.length * w.width;
    p.phases = at<const Complex>(w.phases) + static_cast<int64_t>(point) * w.length;
    p.right = at<const Complex>(w.right) + point * square;
    p.left = at<const Complex>(w.left) + point * square;
    p.from_left = at<const Complex>(w.from_left) + point * columns;
    p.from_right = at<const Complex>(w.from_right) + point * columns;
    p.maps = at<Complex>(a.workspace + static_cast<uint64_t>(block_index()) * a.workspace_stride);
    p.front = p.maps + (w.length + 1 + (w.width > 64 ? 2 : 0)) * square;
    p.cofront = p.front + columns;
    p.source = p.cofront + columns;
    p.amplitudes = p.source + columns;
    p.rest = p.amplitudes + static_cast<int64_t>(w.columns) * w.columns;
    return p;
}

/* −(D_s b + before) at row y for a column of b with rows stride apart; transposed takes the transpose of D. */
template <bool transposed> MCD_DEVICE Complex recur(const Item &p, int s, int y, const Complex *b, int stride, Complex before) {
    Complex up = global(p.phases)[s], down = conj(up);
    if (transposed) down = up, up = conj(up);
    Complex sum = before + (p.energy - global(p.potential)[static_cast<int64_t>(s) * p.width + y]) * b[0];
    if (y + 1 < p.width) add_product(sum, up, b[stride]);
    if (y > 0) add_product(sum, down, b[-stride]);
    return -sum;
}

/* Calls out(i, j, Σ_k a(i, k)·b(k, j)) for i < rows, j < columns; two columns at a time share what is read of a. */
template <class A, class B, class Out> MCD_DEVICE void product(int rows, int inner, int columns, A a, B b, Out out) {
    int pairs = (columns + 1) / 2;
    for (int t = thread_index(); t < rows * pairs; t += threads) {
        int i = t / pairs, j = t % pairs * 2, next = j + 1 < columns ? j + 1 : j;
        Complex first = {0, 0}, second = {0, 0};
        MCD_UNROLL_BY(4) for (int k = 0; k < inner; k++) {
            Complex f = a(i, k);
            add_product(first, f, b(k, j));
            add_product(second, f, b(k, next));
        }
        out(i, j, first);
        if (next > j) out(i, next, second);
    }
}

} // namespace mcd

#endif
