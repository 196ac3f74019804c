/*
 * The kernels on the CPU, compiled from the same source: every thread of a block is a fiber, switched at barriers. Shared memory
 * starts as NaN; threads that do not all reach the same barriers are an error. What it cannot show: races within a
 * warp, effects of the memory model, timing.
 */
#ifndef MCD_GPU_EMULATE_H
#define MCD_GPU_EMULATE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Order in which the threads of a block run between barriers. */
#define MCD_EMULATE_ASCENDING 0
#define MCD_EMULATE_DESCENDING 1
#define MCD_EMULATE_RANDOM 2

/* Sets the order of later launches of all host threads; seed is for MCD_EMULATE_RANDOM. */
void mcd_emulate_order(int order, uint64_t seed);

/* Runs all blocks of a kernel and returns 0, or 1 for an error described by mcd_emulate_error. args is the address of the
   argument struct. Several host threads may launch at the same time. */
int mcd_emulate_launch(const char *entry, unsigned grid_x, unsigned grid_y, unsigned threads, unsigned shared_bytes, uint64_t args);

/* The last error of the calling host thread. */
const char *mcd_emulate_error(void);

/* The name of the i-th entry, 0 after the last. */
const char *mcd_emulate_entry(unsigned i);

#ifdef __cplusplus
}
#endif

#endif
