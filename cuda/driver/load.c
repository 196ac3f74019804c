// The driver's library, loaded at the first call that needs it and never before: a program without a GPU, or one that never
// asks for it, does not notice.
//go:build cuda

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#include <cuda.h>

#include "load.h"

static const char *const names[] = {
#define ENTRY(name) #name,
#include "symbols.h"
#undef ENTRY
};

// Addresses of the entries, zero until first used; threads that race store the same value.
__attribute__((visibility("hidden"))) void *mcd_cuda_table[sizeof names / sizeof *names];

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void *library;
static CUresult start;
static char message[512];

// cuInit always succeeds here and touches nothing: gorgonia.org/cu calls it while the program loads and would end the process.
__attribute__((visibility("hidden"))) CUresult cuInit(unsigned int flags) {
    (void)flags;
    return CUDA_SUCCESS;
}

static CUresult failed(void) { return start; }

static CUresult missing(void) { return CUDA_ERROR_NOT_FOUND; }

static void load(void) {
    library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    CUresult (*init)(unsigned int) = NULL;
    if (library != NULL) *(void **)&init = dlsym(library, "cuInit");
    if (init == NULL) {
        const char *why = dlerror();
        snprintf(message, sizeof message, "%s", why == NULL ? "no reason given" : why);
        start = CUDA_ERROR_SHARED_OBJECT_INIT_FAILED;
        return;
    }
    start = init(0);
}

int mcd_cuda_load(const char **detail) {
    pthread_once(&once, load);
    *detail = message;
    return start;
}

// mcd_cuda_resolve returns where an entry leads; called by entry.S.
__attribute__((visibility("hidden"))) void *mcd_cuda_resolve(int index) {
    pthread_once(&once, load);
    if (start != CUDA_SUCCESS) return (void *)failed;
    void *entry = dlsym(library, names[index]);
    if (entry == NULL) entry = (void *)missing;
    __atomic_store_n(&mcd_cuda_table[index], entry, __ATOMIC_RELEASE);
    return entry;
}
