/*
 * The contract between the GPU kernels and whoever launches them: argument structs, entry names, launch shapes, workspaces.
 * Plain C of fixed-width fields; included by the kernels, by their emulation on the CPU and, through cgo, by Go.
 *
 * Every kernel takes one parameter, the device address of its argument struct. Structs and buffers live in device memory and
 * must be aligned to 16 bytes. An address is 64 bits wide, 0 where nothing is given. Complex numbers are pairs of doubles
 * (re, im). Arrays are written [slowest]…[fastest], without gaps.
 *
 * Conventions are those of mcd/core/scatter: energies in units of the hopping t unless stated, slices counted from the right
 * lead, s = length − 1 − x, hoppings along the wire −1 by choice of gauge,
 *
 *     D_s = (E − H_s)/t:  D[y][y] = e − h[s][y],  D[y][y+1] = c_s = exp(2iφs),  D[y+1][y] = conj c_s,
 *     D_s ψ_s + ψ_{s−1} + ψ_{s+1} = b_s,   ψ_{s−1} = F_s ψ_s,   F_{s+1} = −(D_s + F_s)⁻¹.
 *
 * Items. A batch is designs × points: every design is a potential, every point a field (or energy). An item is one of these
 * pairs. Sweeps run a fixed number of blocks (slots), block b takes items b, b + slots, b + 2·slots, …; results do not depend
 * on the number of slots, nor on which items share a batch.
 *
 * Uninitialised memory is allowed wherever a buffer is said to be written by a kernel.
 */
#ifndef MCD_GPU_ABI_H
#define MCD_GPU_ABI_H

#if defined(__CUDA__)
typedef __INT32_TYPE__ int32_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT64_TYPE__ uint64_t;
#define MCD_GPU_INLINE static inline __attribute__((host, device))
#else
#include <stdint.h>
#define MCD_GPU_INLINE static inline
#endif

/* Raised whenever a struct, an entry or a meaning changes. */
#define MCD_GPU_ABI_VERSION 2

/* Threads of every block. */
#define MCD_GPU_THREADS 256
/* The widest strip (sites across). */
#define MCD_GPU_MAX_WIDTH 150
/* The longest hop of a sweep, as plan.MaxHop. */
#define MCD_GPU_MAX_HOP 8
/* Bounds on errors estimated from residuals as in mcd/core/scatter: refine beyond REFINED; use the conductance of a single sweep up
   to REFLECTED, its derivatives up to DERIVABLE. */
#define MCD_GPU_REFINED 2e-13
#define MCD_GPU_REFLECTED 5e-11
#define MCD_GPU_DERIVABLE 1e-11
/* The first columns of from_left, which stand for all where only conductances are wanted. */
#define MCD_GPU_PROBES 2
/* The conductance below which N − R has lost too many digits. */
#define MCD_GPU_TINY 1e-3
/* A sweep without pivoting is redone where a pivot falls below this (all quantities in units of the hopping). */
#define MCD_GPU_PIVOT_LIMIT 1e-4

typedef uint64_t mcd_gpu_address;

/*
 * Entries. ENTRY(name, args): args is the argument struct. Grids are given as x, y; blocks have MCD_GPU_THREADS threads;
 * shared memory is dynamic, in bytes; above 48 KiB it needs the opt-in attribute.
 *
 *   mcd_plan         designs, 1     shared mcd_gpu_plan_shared(width)
 *   mcd_sweep_W      slots, 1       shared mcd_gpu_sweep_shared(width); W the smallest of 16, 32, 48, 64, 150 not below width
 *   mcd_redo_W       slots, 1       shared mcd_gpu_sweep_shared(width); after mcd_sweep_W with the same arguments
 *   mcd_combine      blocks, designs  shared 0; blocks = ceil(sites / MCD_GPU_THREADS)
 *   mcd_objective    blocks, designs  shared mcd_gpu_objective_shared(points); blocks = mcd_gpu_objective_blocks(sites)
 *   mcd_update       designs, 1     shared mcd_gpu_update_shared(width)
 */
#define MCD_GPU_ENTRIES(ENTRY) \
    ENTRY(mcd_plan, mcd_gpu_plan_args) \
    ENTRY(mcd_sweep_16, mcd_gpu_sweep_args) \
    ENTRY(mcd_sweep_32, mcd_gpu_sweep_args) \
    ENTRY(mcd_sweep_48, mcd_gpu_sweep_args) \
    ENTRY(mcd_sweep_64, mcd_gpu_sweep_args) \
    ENTRY(mcd_sweep_150, mcd_gpu_sweep_args) \
    ENTRY(mcd_redo_16, mcd_gpu_sweep_args) \
    ENTRY(mcd_redo_32, mcd_gpu_sweep_args) \
    ENTRY(mcd_redo_48, mcd_gpu_sweep_args) \
    ENTRY(mcd_redo_64, mcd_gpu_sweep_args) \
    ENTRY(mcd_redo_150, mcd_gpu_sweep_args) \
    ENTRY(mcd_combine, mcd_gpu_combine_args) \
    ENTRY(mcd_objective, mcd_gpu_objective_args) \
    ENTRY(mcd_update, mcd_gpu_update_args)

/* A wire: what does not depend on the potential; filled by the host once, as scatter.Group holds it for its lanes. */
typedef struct {
    int32_t width, length; /* sites across, slices */
    int32_t points;        /* of the sweep in field or energy */
    int32_t columns;       /* largest number of open modes of any point, at least 1 */
    double hopping;        /* t > 0 in the caller's unit */
    double energy_low, energy_high; /* smallest and largest energy, in units of t */
    mcd_gpu_address energy;     /* double [points]: e = E/t */
    mcd_gpu_address phases;     /* complex [points][length]: exp(2iφs) */
    mcd_gpu_address right;      /* complex [points][width][width]: F_0 of the right lead */
    mcd_gpu_address left;       /* complex [points][width][width]: −Σ_L/t */
    mcd_gpu_address from_left;  /* complex [points][width][columns]: injection columns q = Q/√t that mix the modes as those of
                                   scatter.Group do, zero beyond modes */
    mcd_gpu_address from_right; /* complex [points][width][columns] */
    mcd_gpu_address modes;      /* int32 [points]: open modes of every point, 0 … columns */
} mcd_gpu_wire;

/* mcd_plan: brings potentials into the order and unit of the sweeps and chooses the nodes of every design, as plan.Strip does. */
typedef struct {
    mcd_gpu_address wire;      /* mcd_gpu_wire */
    mcd_gpu_address onsite;    /* double [designs][length][width]: on-site energies, [x][y], in the caller's unit; read */
    mcd_gpu_address potential; /* double [designs][length][width]: h/t, [s][y]; written */
    mcd_gpu_address nodes;     /* int32 [designs][length + 1]: the number of nodes, then the nodes, ascending; written */
    double budget;             /* growth allowed between nodes, plan.Budget(length); 0 makes every slice a node */
    int32_t designs;
    int32_t reserved;          /* 0 */
} mcd_gpu_plan_args;

/* Bits of an item's status. */
#define MCD_GPU_SMALL_PIVOT 1u  /* an elimination without pivoting met a pivot that is too small */
#define MCD_GPU_INACCURATE 2u   /* the residual of ψ is too large for G */
#define MCD_GPU_UNDERIVABLE 4u  /* the residual of the co-states is too large for derivatives */
#define MCD_GPU_SMALL 8u        /* the conductance lies below MCD_GPU_TINY: N − R has lost too many digits */
#define MCD_GPU_REDONE 16u      /* mcd_redo solved the item again, slice by slice, with pivoting and refinement */
#define MCD_GPU_FAILED 32u      /* mcd_redo got no finite answer: a level lies exactly at the energy; G and J are NaN */
/* Any of these asks for mcd_redo, which leaves all other items alone. */
#define MCD_GPU_REDO (MCD_GPU_SMALL_PIVOT | MCD_GPU_INACCURATE | MCD_GPU_UNDERIVABLE | MCD_GPU_SMALL)

/*
 * mcd_sweep_W: conductances and, with derive, their derivatives for designs × count items by one sweep without pivoting;
 * mcd_redo_W: the same for the items whose status asks for it, with pivoting and refinement. Both take the same arguments, and
 * may share the workspace.
 *
 * To split a batch that does not fit, give contiguous ranges of points: order then lists the points of one range and jacobian
 * holds the rows of that range.
 */
typedef struct {
    mcd_gpu_address wire;        /* mcd_gpu_wire */
    mcd_gpu_address potential;   /* from mcd_plan or mcd_update */
    mcd_gpu_address nodes;       /* likewise */
    mcd_gpu_address order;       /* int32 [count]: a permutation of first … first + count − 1; points with most modes first is fastest */
    mcd_gpu_address active;      /* int32 [designs]: 0 leaves the design's results as they are; address 0: all are active */
    mcd_gpu_address conductance; /* double [designs][points], G in e²/h; entries of the range are written */
    mcd_gpu_address jacobian;    /* double [designs][count][length][width]: ∂G/∂onsite, [x][y], in the caller's unit; written if derive */
    mcd_gpu_address status;      /* uint32 [designs][points]; entries of the range are written by the sweep, changed by the redo */
    mcd_gpu_address residual;    /* double [designs][points]: the larger of the estimated errors of G and its derivatives; written */
    mcd_gpu_address workspace;   /* slots × workspace_stride bytes of scratch */
    uint64_t workspace_stride;   /* at least mcd_gpu_sweep_workspace or mcd_gpu_redo_workspace, a multiple of 256 */
    int32_t designs;
    int32_t first, count;        /* the range of points; 0, points for all */
    int32_t derive;              /* 1: J as well; 0: G alone, the same bits */
    double pivot_limit;          /* MCD_GPU_PIVOT_LIMIT; larger asks for more redos */
} mcd_gpu_sweep_args;

/* mcd_combine: gradient = Σ_k weights[k]·J[k] over the range of points, added up in the order of the points. */
typedef struct {
    mcd_gpu_address jacobian; /* double [designs][count][sites] */
    mcd_gpu_address weights;  /* double [points] of the first design, the next weights_stride later; 0: ones */
    mcd_gpu_address gradient; /* double [designs][sites]; written, or added to if add */
    int64_t weights_stride;   /* doubles from design to design, 0 if all share them */
    int32_t designs, sites;
    int32_t first, count;     /* the range of points in jacobian */
    int32_t add;              /* 0: write, 1: add (for the second range and later ones) */
    int32_t reserved;         /* 0 */
} mcd_gpu_combine_args;

/* Losses ρ(r) as in inverse.Loss. */
#define MCD_GPU_SQUARES 0
#define MCD_GPU_LOG 1
#define MCD_GPU_HUBER 2

/*
 * mcd_objective: per design L = L_cond + L_pot, L_cond = log √Σ_k ρ(w_k(G_k − target_k)), L_pot = smoothness·Σ (h_i − h_j)² over
 * pairs of neighbours, and ∂L/∂onsite. Where Σρ = 0, L = −Inf and the gradient is that of L_pot.
 * It needs the whole J (count = points). An item that FAILED makes L NaN.
 */
typedef struct {
    mcd_gpu_address conductance; /* double [designs][points] */
    mcd_gpu_address jacobian;    /* double [designs][points][sites] */
    mcd_gpu_address onsite;      /* double [designs][length][width], for L_pot; may be 0 if smoothness is 0 */
    mcd_gpu_address target;      /* double [points] of the first design, the next target_stride later */
    mcd_gpu_address weights;     /* double [points], shared; 0: ones */
    mcd_gpu_address active;      /* int32 [designs], 0: leave the design alone; address 0: all */
    mcd_gpu_address objective;   /* double [designs][3]: L, L_cond, L_pot; written */
    mcd_gpu_address gradient;    /* double [designs][sites]: ∂L/∂onsite; written */
    int64_t target_stride;       /* doubles from design to design, 0 if all share one target */
    int32_t designs, points, length, width;
    int32_t loss;                /* MCD_GPU_SQUARES, … */
    int32_t reserved;            /* 0 */
    double loss_scale;           /* c of the robust losses */
    double smoothness;           /* weight of L_pot, 0 for none */
} mcd_gpu_objective_args;

/* Kinds of parametrization. */
#define MCD_GPU_SITES 0     /* onsite = q */
#define MCD_GPU_GAUSSIANS 1 /* onsite(x, y) = background + Σ_d A·exp(−((x − x_d)² + (y − y_d)²)/r²), q = [d][x_d, y_d, A, r] */

/*
 * A parametrization: parameters θ make quantities q = base + Tθ, quantities make on-site energies. With T sparse this holds free,
 * tied, masked, mirrored and filtered sites, gates and Gaussians with some quantities free. T and its transpose are given in
 * compressed rows; T = 1 (quantities = parameters) if start is 0.
 */
typedef struct {
    int32_t kind; /* MCD_GPU_SITES, … */
    int32_t parameters, quantities;
    int32_t length, width;
    int32_t reserved;           /* 0 */
    mcd_gpu_address base;       /* double [quantities]; 0 for zeros */
    mcd_gpu_address background; /* double [length][width], Gaussians only */
    mcd_gpu_address start;      /* int32 [quantities + 1]: rows of T */
    mcd_gpu_address index;      /* int32 [entries]: parameter */
    mcd_gpu_address value;      /* double [entries] */
    mcd_gpu_address start_t;    /* int32 [parameters + 1]: rows of Tᵀ */
    mcd_gpu_address index_t;    /* int32 [entries]: quantity */
    mcd_gpu_address value_t;    /* double [entries] */
} mcd_gpu_parametrization;

/* Rules of first-order methods as in mcd/core/optimize, with the number of moments they keep. */
#define MCD_GPU_RMSPROP 0   /* 1 moment */
#define MCD_GPU_ADABELIEF 1 /* 2 */
#define MCD_GPU_ADAM 2      /* 2 */

/* What mcd_update does, in this order. A whole step of a run is mcd_update (all three), mcd_sweep, mcd_redo, mcd_objective; a run
 * begins with mcd_update (ONSITE) and the three others and ends with mcd_update (RECORD). */
#define MCD_GPU_RECORD 1 /* notes L of the current point: history, best; ends designs that reached stop_objective or have no L */
#define MCD_GPU_STEP 2   /* pulls the gradient back to θ and moves θ by the rule, within the bounds; counts the iteration */
#define MCD_GPU_ONSITE 4 /* computes onsite, potential and nodes of θ */

/* States of a design in a run. */
#define MCD_GPU_RUNNING 1
#define MCD_GPU_REACHED 0  /* L ≤ stop_objective */
#define MCD_GPU_STALLED (-1) /* L is not finite or not a number: there is no gradient to follow */

/* mcd_update: parametrization, first-order rule and records of a batch of designs, all state on the device. */
typedef struct {
    mcd_gpu_address wire;            /* mcd_gpu_wire */
    mcd_gpu_address parametrization; /* mcd_gpu_parametrization */
    mcd_gpu_address theta;           /* double [designs][parameters]; changed by STEP */
    mcd_gpu_address moments;         /* double [designs][moments of the rule][parameters]: zeros to begin with */
    mcd_gpu_address lower, upper;    /* double [parameters], shared; 0: no bounds */
    mcd_gpu_address objective;       /* double [designs][3], from mcd_objective */
    mcd_gpu_address gradient;        /* double [designs][sites], from mcd_objective */
    mcd_gpu_address conductance;     /* double [designs][points], for best_conductance */
    mcd_gpu_address onsite;          /* double [designs][sites]; written by ONSITE */
    mcd_gpu_address potential;       /* double [designs][sites], see mcd_gpu_plan_args; written by ONSITE */
    mcd_gpu_address nodes;           /* int32 [designs][length + 1]; written by ONSITE */
    mcd_gpu_address iteration;       /* int64 [designs]: steps done; 0 to begin with */
    mcd_gpu_address active;          /* int32 [designs]: MCD_GPU_RUNNING to begin with; other states freeze the design: mcd_update leaves it alone */
    mcd_gpu_address best_objective;  /* double [designs]: +Inf to begin with */
    mcd_gpu_address best_theta;      /* double [designs][parameters] */
    mcd_gpu_address best_conductance; /* double [designs][points]; 0: not kept */
    mcd_gpu_address history;         /* double [designs][history_capacity]: L before iteration i at i modulo the capacity; 0: not kept */
    mcd_gpu_address norms;           /* double [designs][2], written by STEP: its length; the largest entry of the projected gradient of L by θ where it began */
    mcd_gpu_address schedule_steps;  /* int64 [schedule_entries] */
    mcd_gpu_address schedule_factors; /* double [schedule_entries]: η is multiplied by every factor whose step ≤ iteration */
    mcd_gpu_address scratch;         /* double [designs][quantities + parameters] */
    int64_t history_capacity;
    double rate;                     /* η */
    double stop_objective;           /* −Inf: never */
    double budget;                   /* as in mcd_gpu_plan_args */
    int32_t designs;
    int32_t rule;                    /* MCD_GPU_RMSPROP, … */
    int32_t actions;                 /* MCD_GPU_RECORD | … */
    int32_t schedule_entries;
} mcd_gpu_update_args;

/* Width that names the sweep's entry: mcd_sweep_<this>; 0 if there is none. */
MCD_GPU_INLINE int32_t mcd_gpu_entry_width(int32_t width) {
    return width > MCD_GPU_MAX_WIDTH || width < 1 ? 0 : width > 64 ? 150 : (width + 15) / 16 * 16;
}

/* Columns of waves that a sweep carries at a time: as many as keep to 96 KiB of shared memory, which every GPU served has but
   those of capability 7.5: with 64 KiB they refuse widths from 48 to 64, 94 to 128 and from 143 on. */
MCD_GPU_INLINE int32_t mcd_gpu_chunk(int32_t width) { return width > 128 ? 4 : width > 64 ? 8 : 16; }

MCD_GPU_INLINE uint64_t mcd_gpu_round(uint64_t bytes) { return (bytes + 255) / 256 * 256; }

/* Bytes of workspace of one slot: the maps F of every node with the inverse at the left lead, and the waves there. */
MCD_GPU_INLINE uint64_t mcd_gpu_sweep_workspace(int32_t width, int32_t length, int32_t columns) {
    uint64_t w = (uint64_t)width, c = (uint64_t)columns;
    uint64_t matrices = (uint64_t)length + 1 + (width > 64 ? 2 : 0);
    return mcd_gpu_round(16 * (matrices * w * w + 3 * w * c + c * c));
}

/* … of the redo, which keeps ψ, η, sources and particular solutions on every slice as well. */
MCD_GPU_INLINE uint64_t mcd_gpu_redo_workspace(int32_t width, int32_t length, int32_t columns) {
    uint64_t w = (uint64_t)width, c = (uint64_t)columns, n = (uint64_t)length + 1;
    return mcd_gpu_sweep_workspace(width, length, columns) + mcd_gpu_round(16 * 6 * n * w * c);
}

/* Bytes of shared memory. */
#define MCD_GPU_REDUCE_SHARED (8 * MCD_GPU_THREADS)
MCD_GPU_INLINE uint32_t mcd_gpu_plan_shared(int32_t width) { return (uint32_t)(16 * width); }
MCD_GPU_INLINE uint32_t mcd_gpu_update_shared(int32_t width) { return mcd_gpu_plan_shared(width) + 4 * MCD_GPU_REDUCE_SHARED; }
MCD_GPU_INLINE uint32_t mcd_gpu_objective_shared(int32_t points) { return (uint32_t)(8 * points + MCD_GPU_REDUCE_SHARED); }
/* Sites that a block of mcd_objective takes. */
#define MCD_GPU_OBJECTIVE_SITES 32
MCD_GPU_INLINE int32_t mcd_gpu_objective_blocks(int32_t sites) { return (sites + MCD_GPU_OBJECTIVE_SITES - 1) / MCD_GPU_OBJECTIVE_SITES; }
MCD_GPU_INLINE uint32_t mcd_gpu_sweep_shared(int32_t width) {
    /* Waves ψ and η on two slices and their products. The elimination takes the same space: up to width 64 for pivot rows and
       columns and for the rows that neighbours exchange, beyond for a panel of rows and its multipliers. */
    uint32_t w = (uint32_t)width, c = (uint32_t)mcd_gpu_chunk(width);
    uint32_t waves = w * (4 * 16 * c + 2 * 8 * (c + 1));
    uint32_t padded = (w + 15) / 16 * 16;
    uint32_t elimination = width > 64 ? 16 * (18 * w + 64 * 16 + 16 * 16) : 16 * (7 * padded + 32 * padded) + 4 * padded;
    return (waves > elimination ? waves : elimination) + 2 * MCD_GPU_REDUCE_SHARED;
}

#endif
