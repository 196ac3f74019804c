"""Handles: freed, foreign and invented ones are errors; nothing leaks."""
import random

import pytest

from boundary import KINDS, MCD_ERR_HANDLE, MCD_OK, PROTOTYPES, C, Error, Library, rough, zeros


@pytest.fixture(scope="module")
def lib():
    return Library()


def test_double_free(lib):
    wire = lib.wire()
    lib.free(wire)
    for call in (lambda: lib.free(wire), lambda: lib.conductance(wire, rough(48))):
        with pytest.raises(Error) as e:
            call()
        assert e.value.status == MCD_ERR_HANDLE and f"{wire:016x}" in e.value.text
    assert lib.raw.mcd_free(0) == MCD_OK


def test_stale_handle_is_not_its_successor(lib):
    old = lib.wire()
    lib.free(old)
    new = lib.wire()
    assert new != old
    with pytest.raises(Error):
        lib.free(old)
    lib.free(new)


def test_random_handles(lib):
    wire = lib.wire()
    r = random.Random(3)
    for h in [r.getrandbits(64) for _ in range(20_000)] + [wire ^ 1 << bit for bit in range(64)] + [1, 2**64 - 1]:
        if h != wire:
            assert lib.raw.mcd_free(h) == MCD_ERR_HANDLE
    lib.free(wire)


def test_wrong_kind(lib):
    wire = lib.wire()
    with pytest.raises(Error) as e:
        lib.job(wire)
    assert e.value.status == MCD_ERR_HANDLE and "names a wire; give one of a problem" in e.value.text
    lib.free(wire)


@pytest.mark.parametrize("name", [n for n, (_, p) in PROTOTYPES.items() if p and p[0][0] in KINDS
                                  and p[0][1] is C.c_uint64])
def test_every_function_checks_its_handle(lib, name):
    assert getattr(lib.raw, name)(*zeros(name)) == MCD_ERR_HANDLE


def test_order_of_freeing_is_free(lib):
    before = lib.live()
    wire = lib.wire()
    problem = lib.problem(wire, [1, 1, 1, 1], rough(48))
    lib.free(wire)
    job = lib.job(problem)
    lib.free(problem)
    lib.job_set_max_evaluations(job, 3)
    lib.job_start(job)
    lib.job_wait(job, 30, C.cast(None, type(zeros("mcd_job_wait")[2])), None)
    result = lib.result(job)
    lib.free(job)
    out = (C.c_double * 48)()
    lib.result_onsite(result, out, 48)
    problem = C.c_uint64()
    lib.result_problem(result, C.byref(problem))
    lib.free(result)
    parameters = (C.c_double * 48)()
    lib.problem_start(problem, parameters, 48)
    lib.free(problem.value)
    assert lib.live() == before


def test_cycles_leave_nothing(program):
    """100,000 wires created and freed, 1,000 of them used, and 300 jobs freed while they run."""
    program('''
import os
lib = Library()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE")
def threads():
    return len(os.listdir("/proc/self/task"))
onsite = rough(48)
def cycle(i):
    wire = lib.wire()
    if i % 100 == 0:
        lib.conductance(wire, onsite)
    lib.free(wire)
def job():
    wire = lib.wire()
    job = lib.job(lib.problem(wire, [1, 1, 1, 1], onsite))
    lib.job_start(job)
    lib.free(job)
    lib.free(wire)
for i in range(10_000):
    cycle(i)
before = resident(), threads()
for i in range(100_000):
    cycle(i)
after = resident(), threads()
assert after[0] - before[0] < 5e6, (before, after)
assert after[1] <= before[1] + 20, (before, after) # Go parks some threads; 1,000 sweeps that left theirs would be far above
assert lib.live() == 0 and lib.get("memory_used", None) == 0
problem = lib.problem(lib.wire(), [1, 1, 1, 1], onsite)
for i in range(300):
    job = lib.job(problem)
    lib.job_start(job)
    lib.free(job)
assert lib.live() == 2
''', timeout=120)
