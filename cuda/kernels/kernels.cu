/* The kernels: one entry each, every entry with the address of its arguments (abi.h). */
#include "optimize.h"
#include "redo.h"

namespace mcd {

/* Calls solve(item, its status) for the block's share of a batch. */
template <class Solve> MCD_DEVICE void each_item(const Sweep &a, Solve solve) {
    const Wire &w = *at<const Wire>(a.wire);
    const int32_t *order = at<const int32_t>(a.order), *active = at<const int32_t>(a.active);
    for (int i = block_index(); i < a.designs * a.count; i += block_count()) {
        int design = i % a.designs, point = order[i / a.designs];
        if (active && active[design] <= 0) continue;
        Item &p = *reinterpret_cast<Item *>(shared_memory() + item_offset);
        barrier();
        if (thread_index() == 0) p = item(a, w, design, point);
        barrier();
        solve(w, p);
    }
}

template <int R> MCD_DEVICE void sweep_items(const Sweep &a) {
    each_item(a, [&](const Wire &w, const Item &p) MCD_INLINE {
        if (p.modes > 0) {
            sweep<R>(a, w, p);
        } else {
            write_closed(a, w, p);
        }
    });
}

template <int R> MCD_DEVICE void redo_items(const Sweep &a) {
    each_item(a, [&](const Wire &w, const Item &p) MCD_INLINE {
        uint32_t status = at<const uint32_t>(a.status)[static_cast<int64_t>(p.design) * w.points + p.point];
        barrier(); // all have read what thread 0 will change
        if ((status & MCD_GPU_REDO) && !(status & MCD_GPU_REDONE)) redo<R>(a, w, p, status);
    });
}

} // namespace mcd

/* The second number is how many blocks a multiprocessor has registers for. */
MCD_KERNEL(2, mcd_sweep_16)(const mcd_gpu_sweep_args *a) { mcd::sweep_items<1>(*a); }
MCD_KERNEL(2, mcd_sweep_32)(const mcd_gpu_sweep_args *a) { mcd::sweep_items<2>(*a); }
MCD_KERNEL(1, mcd_sweep_48)(const mcd_gpu_sweep_args *a) { mcd::sweep_items<3>(*a); }
MCD_KERNEL(1, mcd_sweep_64)(const mcd_gpu_sweep_args *a) { mcd::sweep_items<4>(*a); }
MCD_KERNEL(2, mcd_sweep_150)(const mcd_gpu_sweep_args *a) { mcd::sweep_items<0>(*a); }
MCD_KERNEL(1, mcd_redo_16)(const mcd_gpu_sweep_args *a) { mcd::redo_items<1>(*a); }
MCD_KERNEL(1, mcd_redo_32)(const mcd_gpu_sweep_args *a) { mcd::redo_items<2>(*a); }
MCD_KERNEL(1, mcd_redo_48)(const mcd_gpu_sweep_args *a) { mcd::redo_items<3>(*a); }
MCD_KERNEL(1, mcd_redo_64)(const mcd_gpu_sweep_args *a) { mcd::redo_items<4>(*a); }
MCD_KERNEL(2, mcd_redo_150)(const mcd_gpu_sweep_args *a) { mcd::redo_items<0>(*a); }

MCD_KERNEL(1, mcd_plan)(const mcd_gpu_plan_args *a) { mcd::plan(*a); }
MCD_KERNEL(1, mcd_combine)(const mcd_gpu_combine_args *a) { mcd::combine(*a); }
MCD_KERNEL(1, mcd_objective)(const mcd_gpu_objective_args *a) { mcd::objective(*a); }
MCD_KERNEL(1, mcd_update)(const mcd_gpu_update_args *a) { mcd::update(*a); }
