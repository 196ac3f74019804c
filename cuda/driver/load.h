/* What load.c tells about the driver's library. */
#ifndef MCD_CUDA_LOAD_H
#define MCD_CUDA_LOAD_H

/* Loads the driver at the first call. Returns its start code (CUDA_SUCCESS, or what every entry returns from now on) and sets
 * *detail to what the dynamic linker said, "" if nothing; the text stays. */
int mcd_cuda_load(const char **detail);

#endif
