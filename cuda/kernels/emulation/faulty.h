/* Kernels with the faults that the emulation is there to catch: its own tests run them. They write 256 doubles to args. */
#ifndef MCD_GPU_FAULTY_H
#define MCD_GPU_FAULTY_H

/* Some threads leave before a barrier that the others wait at. */
static void faulty_divergence(double *) {
    if (mcd::thread_index() < 10) return;
    mcd::barrier();
}

/* Threads of a warp wait at different barriers. */
static void faulty_branches(double *) {
    if (mcd::thread_index() % 2 == 0) {
        mcd::barrier();
    } else {
        mcd::barrier();
    }
}

/* Shared memory is taken for device memory. */
static void faulty_place(double *) {
    *mcd::global(reinterpret_cast<double *>(mcd::shared_memory())) = 0;
}

/* A barrier is missing between writing and reading what a neighbour wrote. */
static void faulty_race(double *out) {
    auto shared = reinterpret_cast<double *>(mcd::shared_memory());
    int t = mcd::thread_index();
    shared[t] = 0;
    mcd::barrier();
    shared[t] = t;
    out[t] = shared[(t + 1) % mcd::threads];
}

/* Shared memory is read that nobody wrote. */
static void faulty_uninitialised(double *out) { out[mcd::thread_index()] = reinterpret_cast<double *>(mcd::shared_memory())[mcd::thread_index()]; }

#endif
