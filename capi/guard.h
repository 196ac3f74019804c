/* What every entry point does before it enters Go: see runtime.c. */
#ifndef MCD_GUARD_H
#define MCD_GUARD_H

#include "../include/mcd.h"

/* A byte that the kernel wipes in a forked child. */
extern volatile const unsigned char *mcd_parent;

/* Go cannot run in a forked child: its other threads are gone, so a call would hang. */
static inline int mcd_alive(void) { return *mcd_parent; }

/* Keeps the message and returns MCD_ERR_FORKED. */
mcd_status mcd_forked(void);

/* Keeps size bytes of text as the last error of this thread. */
void mcd_set_error(const char *text, size_t size);

/* Calls a callback; Go cannot call a C function pointer itself. */
int mcd_call(mcd_callback callback, const mcd_progress *progress, void *user);

#endif
