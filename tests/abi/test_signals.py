"""The host's signals stay the host's."""
import shutil
import subprocess

import pytest

from boundary import LIBRARY


@pytest.fixture
def compiled(tmp_path):
    """compiled(source) builds a C program that is given the library's path and returns its path."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")

    def build(source):
        (tmp_path / "program.c").write_text(source)
        subprocess.run([compiler, "-O1", "-o", tmp_path / "program", tmp_path / "program.c", "-ldl", "-pthread"], check=True)
        return str(tmp_path / "program")
    return build


def run(path, timeout=20):
    done = subprocess.run([path, LIBRARY], timeout=timeout, capture_output=True, text=True)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"


# Go takes over the handlers of signals that nobody handles, and passes them on; those of the host stay.
HANDLERS = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
static void mine(int s) { (void)s; }
int main(int argc, char **argv) {
    (void)argc;
    struct sigaction before[65], after;
    sigset_t mask, then;
    int s, wrong = 0;
    for (s = 1; s <= 64; s++) {
        struct sigaction a;
        memset(&a, 0, sizeof a);
        a.sa_handler = mine;
        if (s != SIGKILL && s != SIGSTOP && s != 32 && s != 33) sigaction(s, &a, NULL);
        sigaction(s, NULL, &before[s]);
    }
    sigemptyset(&mask); sigaddset(&mask, SIGUSR1); sigprocmask(SIG_SETMASK, &mask, NULL);
    void *lib = dlopen(argv[1], RTLD_NOW);
    if (!lib) { puts(dlerror()); return 2; }
    int (*devices)(size_t *) = (int (*)(size_t *))dlsym(lib, "mcd_devices");
    size_t n;
    if (devices(&n) != 0) return 3;
    sigprocmask(SIG_SETMASK, NULL, &then);
    for (s = 1; s <= 64; s++) {
        if (sigismember(&mask, s) != sigismember(&then, s)) { printf("mask of %d\n", s); wrong = 4; }
        if (s == 32 || s == 33 || sigaction(s, NULL, &after)) continue;
        int synchronous = s == SIGSEGV || s == SIGBUS || s == SIGFPE || s == SIGPIPE || s == SIGURG;
        if (!synchronous && after.sa_handler != before[s].sa_handler) { printf("handler of %d\n", s); wrong = 5; }
    }
    return wrong;
}
'''

# A host that handles its own faults keeps doing so.
FAULTS = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <stdio.h>
static sigjmp_buf back;
static volatile int count;
static void mine(int s) { (void)s; count++; siglongjmp(back, 1); }
int main(int argc, char **argv) {
    (void)argc;
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = mine;
    sigaction(SIGSEGV, &a, NULL);
    void *lib = dlopen(argv[1], RTLD_NOW);
    if (!lib) return 2;
    int (*devices)(size_t *) = (int (*)(size_t *))dlsym(lib, "mcd_devices");
    size_t n;
    devices(&n);
    for (int i = 0; i < 3; i++)
        if (sigsetjmp(back, 1) == 0) *(volatile int *)0 = 1;
    return count == 3 && devices(&n) == 0 ? 0 : 3;
}
'''


def test_handlers_and_mask_survive_loading(compiled):
    run(compiled(HANDLERS))


def test_a_prior_handler_gets_its_faults(compiled):
    run(compiled(FAULTS))


def test_threads_of_the_library_block_the_hosts_signals(program):
    program('''
import os, signal, threading
lib = Library()
lib.conductance(lib.wire(), rough(48))
blocked = [signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGXFSZ]
main = threading.get_native_id()
seen = 0
for task in os.listdir("/proc/self/task"):
    status = dict(line.split(":", 1) for line in open(f"/proc/self/task/{task}/status") if ":" in line)
    mask = int(status["SigBlk"], 16)
    if int(task) == main:
        assert mask == 0, hex(mask)
    else:
        seen += 1
        assert all(mask >> (s - 1) & 1 for s in blocked), (task, hex(mask))
assert seen >= 2
''')


def test_ctrl_c_interrupts_polling(program):
    """What a binding does: wait in slices of 50 ms, and cancel on KeyboardInterrupt."""
    program('''
import os, signal, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background leaves it ignored
lib = Library()
wire = lib.wire(30, 30, [0.001 * i for i in range(60)])
start = rough(900)
job = lib.job(lib.problem(wire, lib.conductance(wire, rough(900, 2), 60), start))
lib.job_set_method(job, b"adam"); lib.job_set_max_evaluations(job, 10**6)
lib.job_start(job)
lib.job_wait(job, 0.5, Callback(), None)
sent = []
threading.Timer(0.3, lambda: (sent.append(time.monotonic()), os.kill(os.getpid(), signal.SIGINT))).start()
try:
    while lib.job_wait(job, 0.05, Callback(), None) == MCD_TIMEOUT:
        pass
    assert False
except KeyboardInterrupt:
    assert time.monotonic() - sent[0] < 0.2, time.monotonic() - sent[0]
begin = time.monotonic()
lib.job_cancel(job)
assert lib.job_wait(job, 5, Callback(), None) == MCD_OK
assert time.monotonic() - begin < 0.1, time.monotonic() - begin
assert lib.text("result_status", lib.result(job)) == "cancelled"
''')
