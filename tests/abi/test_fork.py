"""After fork every call returns MCD_ERR_FORKED within a second; the parent goes on."""
import pytest

IN_CHILD = r'''
import os, time
def child():
    worst = 0
    for name in PROTOTYPES:
        if name in PLAIN:
            continue
        begin = time.monotonic()
        status = getattr(lib.raw, name)(*zeros(name))
        worst = max(worst, time.monotonic() - begin)
        assert status == MCD_ERR_FORKED, (name, status)
        assert "spawn" in lib.error()
    assert lib.raw.mcd_free(wire) == MCD_ERR_FORKED
    assert lib.raw.mcd_version() and lib.raw.mcd_status_name(MCD_ERR_FORKED) == b"MCD_ERR_FORKED"
    assert worst < 1, worst
def fork(body):
    pid = os.fork()
    if pid == 0:
        try:
            body()
        except BaseException as e:
            print(repr(e), flush=True)
            os._exit(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
'''


@pytest.mark.parametrize("state", ["cold", "warm"])
def test_every_symbol(program, state):
    warm = "wire = lib.wire(); g = lib.conductance(wire, rough(48))" if state == "warm" else "wire = 0"
    program(f"lib = Library()\n{warm}\n{IN_CHILD}\nfork(child)\n"
            "wire = wire or lib.wire(); assert len(lib.conductance(wire, rough(48))) == 4")


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_pool(program, method):
    """A pool of forked workers gets errors, not hangs; with a forkserver that has loaded the library too."""
    program(f'''
import multiprocessing as m, pool_worker
if __name__ == "__main__":
    assert pool_worker.work(0) == 0
    context = m.get_context("{method}")
    if "{method}" == "forkserver":
        context.set_forkserver_preload(["pool_worker"])
    with context.Pool(2) as pool:
        assert pool.map(pool_worker.work, range(8)) == [MCD_ERR_FORKED] * 8
    assert pool_worker.work(0) == 0
''')


def test_spawn_works(program):
    program('''
import multiprocessing as m, pool_worker
with m.get_context("spawn").Pool(1) as pool:
    assert pool.map(pool_worker.work, range(2)) == [0, 0]
''', setup="")


def test_200_forks_during_a_job(program):
    program('''
lib = Library()
wire = lib.wire()
target = lib.conductance(wire, rough(48, seed=2))
job = lib.job(lib.problem(wire, target, rough(48)))
lib.job_set_method(job, b"adam"); lib.job_set_max_evaluations(job, 10**6)
lib.job_start(job)
''' + IN_CHILD + '''
for _ in range(200):
    fork(lambda: None)
fork(child)
before = lib.values("job_history", job, b"iteration")
assert lib.job_wait(job, 0.2, Callback(), None) == MCD_TIMEOUT
assert len(lib.values("job_history", job, b"iteration")) > len(before)
lib.job_cancel(job)
assert lib.job_wait(job, 5, Callback(), None) == MCD_OK
''', timeout=60)
