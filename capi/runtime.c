/* The parts of the boundary that must work without Go: before its runtime starts, and in a forked child. */
#define _GNU_SOURCE
#include "guard.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* ---- fork ---- */

static unsigned char without_page = 1;
volatile const unsigned char *mcd_parent = &without_page;

/* For kernels without MADV_WIPEONFORK (before 4.14). */
static void in_child(void) {
    without_page = 0;
    mcd_parent = &without_page;
}

static void watch_fork(void) {
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED && madvise(page, size, MADV_WIPEONFORK) == 0) {
        *page = 1;
        mcd_parent = page;
    }
    pthread_atfork(NULL, NULL, in_child);
}

mcd_status mcd_forked(void) {
    static const char text[] = "mcd cannot work in a forked child: start child processes by spawning "
                               "(Python: multiprocessing.set_start_method(\"spawn\")), or use mcd in the parent only";
    mcd_set_error(text, sizeof text - 1);
    return MCD_ERR_FORKED;
}

/* ---- signals ----
 * Go's threads are born with the mask of the thread that loads the library. While it starts they must not get the signals
 * that belong to the host's threads: a Ctrl-C delivered to a Go thread would not interrupt the host's main thread. The
 * first constructor blocks them; the second, of default priority, runs after that of Go (which the linker places first) and restores the mask. */

static sigset_t host_mask;

__attribute__((constructor(101))) static void before_go(void) {
    sigset_t hosts;
    watch_fork();
    sigemptyset(&hosts);
    sigaddset(&hosts, SIGINT);
    sigaddset(&hosts, SIGTERM);
    sigaddset(&hosts, SIGHUP);
    sigaddset(&hosts, SIGQUIT);
    sigaddset(&hosts, SIGALRM);
    sigaddset(&hosts, SIGVTALRM);
    sigaddset(&hosts, SIGXFSZ);
    sigaddset(&hosts, SIGXCPU);
    sigaddset(&hosts, SIGCHLD);
    sigaddset(&hosts, SIGUSR1);
    sigaddset(&hosts, SIGUSR2);
    sigaddset(&hosts, SIGWINCH);
    sigaddset(&hosts, SIGCONT);
    sigaddset(&hosts, SIGTSTP);
    pthread_sigmask(SIG_BLOCK, &hosts, &host_mask);
}

__attribute__((constructor)) static void after_go(void) { pthread_sigmask(SIG_SETMASK, &host_mask, NULL); }

/* ---- errors: a buffer per thread, by a key, because Go makes thread-local variables a scarce static resource ---- */

enum { ERROR_SIZE = 4096 };

static pthread_key_t error_key;
static pthread_once_t error_once = PTHREAD_ONCE_INIT;

static void make_key(void) { pthread_key_create(&error_key, free); }

void mcd_set_error(const char *text, size_t size) {
    char *buffer;
    pthread_once(&error_once, make_key);
    buffer = pthread_getspecific(error_key);
    if (buffer == NULL) {
        buffer = malloc(ERROR_SIZE);
        if (buffer == NULL || pthread_setspecific(error_key, buffer) != 0) {
            free(buffer);
            return;
        }
    }
    if (size >= ERROR_SIZE) {
        size = ERROR_SIZE - 1;
        while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80) size--; /* no half characters */
    }
    memcpy(buffer, text, size);
    buffer[size] = '\0';
}

const char *mcd_last_error(void) {
    const char *text;
    pthread_once(&error_once, make_key);
    text = pthread_getspecific(error_key);
    return text == NULL ? "" : text;
}

/* ---- constants ---- */

const char *mcd_version(void) { return MCD_VERSION; }

const char *mcd_status_name(mcd_status status) {
    switch (status) {
    case MCD_OK: return "MCD_OK";
    case MCD_TIMEOUT: return "MCD_TIMEOUT";
    case MCD_ERR_ARGUMENT: return "MCD_ERR_ARGUMENT";
    case MCD_ERR_HANDLE: return "MCD_ERR_HANDLE";
    case MCD_ERR_SIZE: return "MCD_ERR_SIZE";
    case MCD_ERR_NOMEM: return "MCD_ERR_NOMEM";
    case MCD_ERR_CANCELLED: return "MCD_ERR_CANCELLED";
    case MCD_ERR_FILE: return "MCD_ERR_FILE";
    case MCD_ERR_NUMERICAL: return "MCD_ERR_NUMERICAL";
    case MCD_ERR_UNSUPPORTED: return "MCD_ERR_UNSUPPORTED";
    case MCD_ERR_STATE: return "MCD_ERR_STATE";
    case MCD_ERR_FORKED: return "MCD_ERR_FORKED";
    case MCD_ERR_INTERNAL: return "MCD_ERR_INTERNAL";
    }
    return "unknown status";
}

int mcd_call(mcd_callback callback, const mcd_progress *progress, void *user) { return callback(progress, user); }
