"""Jobs: waiting, callbacks, cancelling, files, and runs that go on bit for bit."""
import ctypes as C
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from boundary import MCD_OK, MCD_TIMEOUT, Callback, Error, Library, Progress, doubles, rough


@pytest.fixture(scope="module")
def lib():
    return Library()


@pytest.fixture(scope="module")
def problem(lib):
    wire = lib.wire()
    return lib.problem(wire, lib.conductance(wire, rough(48, 2)), rough(48))


def run(lib, job, callback=Callback()):
    lib.job_start(job)
    assert lib.job_wait(job, 60, callback, None) == MCD_OK
    return lib.result(job)


def best(lib, result):
    out = (C.c_double * 48)()
    lib.result_onsite(result, out, 48)
    return list(out)


def test_design(lib, problem):
    job = lib.job(problem)
    result = run(lib, job)
    assert lib.get("result_objective", result, kind=C.c_double) < -15
    assert lib.text("result_status", result) == "objective"
    history = lib.values("result_history", result, b"objective")
    assert history[-1] == lib.get("result_objective", result, kind=C.c_double)
    assert len(lib.values("job_history", job, b"damping")) == len(history) - 1


def test_callbacks_run_on_the_waiting_thread(lib, problem):
    threads, iterations, sizes = set(), [], set()

    @Callback
    def seen(progress, user):
        threads.add(threading.get_native_id())
        iterations.append(progress[0].iteration)
        sizes.add(progress[0].struct_size)
        return 0
    run(lib, lib.job(problem), seen)
    assert sizes == {C.sizeof(Progress)}
    assert threads == {threading.get_native_id()}
    assert iterations == sorted(set(iterations)) and iterations


def test_callback_may_stop(lib, problem):
    calls = []

    @Callback
    def stop(progress, user):
        calls.append(progress[0].iteration)
        return 1
    job = lib.job(problem)
    lib.job_set_method(job, b"adam")
    lib.job_set_max_evaluations(job, 10**6)
    result = run(lib, job, stop)
    assert len(calls) == 1
    assert lib.text("result_status", result) == "cancelled"


def test_waiting_ends_in_time(lib, problem):
    job = lib.job(problem)
    lib.job_set_method(job, b"adam")
    lib.job_set_max_evaluations(job, 10**6)
    lib.job_start(job)
    assert lib.job_wait(job, 0, Callback(), None) == MCD_TIMEOUT
    begin = time.monotonic()
    assert lib.job_wait(job, 0.3, Callback(), None) == MCD_TIMEOUT
    assert 0.29 < time.monotonic() - begin < 1
    out = (C.c_double * 48)()
    lib.job_best(job, out, 48)
    lib.free(job)  # cancels


def test_same_seed_same_bits(lib, problem):
    def outcome(threads):
        lib.set_threads(threads)
        job = lib.job(problem)
        lib.job_set_starts(job, 3, 0.3)
        lib.job_set_seed(job, 5)
        lib.job_set_max_evaluations(job, 40)
        return best(lib, run(lib, job))
    assert outcome(1) == outcome(2) == outcome(3)
    lib.set_threads(0)


@pytest.mark.parametrize("method", ["lm", "lbfgs", "rmsprop", "adabelief", "adam"])
def test_resumed_run_is_the_uninterrupted_one(lib, problem, tmp_path, method):
    def job(evaluations):
        job = lib.job(problem)
        lib.job_set_method(job, method.encode())
        lib.job_set_stop_objective(job, -1e9)
        lib.job_set_starts(job, 2, 0.2)
        lib.job_set_max_evaluations(job, evaluations)
        return job
    whole = run(lib, job(24))
    path = str(tmp_path / "run.mcd").encode()
    first = job(9)
    lib.job_set_checkpoint(first, path, 0)
    run(lib, first)
    second = C.c_uint64()
    lib.job_create_resume(path, C.byref(second))
    assert lib.text("job_get_method", second) == method
    lib.job_set_max_evaluations(second, 24)
    resumed = run(lib, second)
    assert best(lib, resumed) == best(lib, whole)
    assert lib.values("result_history", resumed, b"objective") == lib.values("result_history", whole, b"objective")


def test_result_survives_bytes_and_files(lib, problem, tmp_path):
    job = lib.job(problem)
    lib.job_set_max_evaluations(job, 20)
    lib.job_set_starts(job, 2, 0.3)
    result = run(lib, job)
    path = str(tmp_path / "result.mcd").encode()
    lib.result_save(result, path)
    loaded = C.c_uint64()
    lib.result_load(path, C.byref(loaded))
    needed = C.c_size_t()
    lib.result_encode(result, None, 0, C.byref(needed))
    data = (C.c_uint8 * needed.value)()
    lib.result_encode(result, data, needed.value, C.byref(needed))
    decoded = C.c_uint64()
    lib.result_decode(data, needed.value, C.byref(decoded))
    for other in (loaded, decoded):
        assert best(lib, other) == best(lib, result)
        assert lib.text("result_message", other) == lib.text("result_message", result)
        assert lib.get("result_outcomes", other, kind=C.c_size_t) == lib.get("result_outcomes", result, kind=C.c_size_t)
    again = C.c_uint64()
    lib.problem_load(path, C.byref(again))
    target = (C.c_double * 4)()
    lib.problem_get_target(again, target, 4)
    expected = (C.c_double * 4)()
    lib.problem_get_target(problem, expected, 4)
    assert list(target) == list(expected)


def test_unwritable_checkpoint_is_told_at_once(lib, problem):
    job = lib.job(problem)
    lib.job_set_checkpoint(job, b"/no/such/folder/run.mcd", 0)
    lib.job_start(job)
    with pytest.raises(Error) as e:
        lib.job_wait(job, 30, Callback(), None)
    assert "/no/such/folder/run.mcd" in e.value.text


def test_kill_leaves_a_readable_checkpoint(lib, tmp_path):
    """kill -9 at any moment: the file is there, whole, and the run goes on from it."""
    path = tmp_path / "run.mcd"
    code = f'''
from boundary import *
lib = Library()
wire = lib.wire()
job = lib.job(lib.problem(wire, lib.conductance(wire, rough(48, 2)), rough(48)))
lib.job_set_method(job, b"adam"); lib.job_set_max_evaluations(job, 10**6)
lib.job_set_checkpoint(job, {str(path).encode()!r}, 0)
lib.job_start(job)
lib.job_wait(job, 60, Callback(), None)
'''
    for i in range(5):
        child = subprocess.Popen([sys.executable, "-c", code], cwd=pathlib.Path(__file__).parent)
        deadline = time.monotonic() + 20
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.03 + 0.017 * i)
        child.send_signal(signal.SIGKILL)
        assert child.wait(10) == -signal.SIGKILL
        job = C.c_uint64()
        lib.job_create_resume(str(path).encode(), C.byref(job))
        lib.free(job.value)
        os.unlink(path)


def test_find_defect(lib):
    wire = lib.wire(12, 10, [0.002 * i for i in range(40)])
    problem = lib.problem(wire, [1] * 40)
    four = [doubles([v]) for v in (6, 3, 10, 2)]
    lib.problem_set_gaussians(problem, *four, 1, 14)
    onsite, theta = (C.c_double * 120)(), doubles([3, 10, 2])
    lib.problem_onsite(problem, theta, 3, onsite, 120)
    target = lib.conductance(wire, onsite, 40)
    job = C.c_uint64()
    lib.job_create_defect(wire, doubles(target), 40, 1, 0, C.byref(job))
    result = run(lib, job)
    found = {name: lib.values("result_quantity", result, name.encode())[0] for name in ("y", "amplitude", "radius")}
    assert found["amplitude"] == pytest.approx(10, abs=1e-6) and found["radius"] == pytest.approx(2, abs=1e-6)
    assert min(found["y"], 9 - found["y"]) == pytest.approx(3, abs=1e-6)  # the curve does not tell y from its mirror
    assert lib.values("result_quantity_error", result, b"y")[0] < 1e-3


def test_wire_cancel_ends_a_running_call(program):
    program('''
import threading, time
lib = Library()
wire = lib.wire(40, 40, [0.001 * i for i in range(100)])
onsite = rough(1600)
g, jac = (C.c_double * 100)(), (C.c_double * (100 * 1600))()
lib.conductance(wire, onsite, 100)  # leads
sent, over = [], threading.Event()
def later():
    while not over.wait(0.1):  # again, for one may come between two calls
        sent.append(time.monotonic())
        lib.wire_cancel(wire)
canceller = threading.Thread(target=later)
canceller.start()
try:
    while True:
        lib.wire_jacobian(wire, onsite, 1600, g, 100, jac, len(jac))
except Error as e:
    late = time.monotonic() - sent[-1]
    over.set()
    canceller.join()
    assert e.status == MCD_ERR_CANCELLED and late < 0.5, (e, late)
assert len(lib.conductance(wire, onsite, 100)) == 100
''', timeout=120)


def test_cancel_before_the_first_evaluation_has_ended(program):
    """There is no result then, and nothing more is computed for one."""
    program('''
import time
lib = Library()
lib.set_threads(1)
wire = lib.wire(100, 100, [0.001 * i for i in range(48)])
lib.wire_open_modes(wire, (C.c_int64 * 48)(), 48)  # leads
job = lib.job(lib.problem(wire, [1] * 48, rough(10_000)))
lib.job_start(job)
assert lib.job_wait(job, 0.1, Callback(), None) == MCD_TIMEOUT
begin = time.monotonic()
lib.job_cancel(job)
try:
    lib.job_wait(job, 30, Callback(), None)
    assert False
except Error as e:
    assert e.status == MCD_ERR_CANCELLED and time.monotonic() - begin < 0.5, (e, time.monotonic() - begin)
''', timeout=120)


def test_order_of_entries(lib):
    """Bounds, labels, parameters and named quantities of two Gaussians agree on the order that the header states."""
    wire = lib.wire(12, 10)
    problem = lib.problem(wire, [1] * 4)
    x, y, amplitude, radius = (doubles(v) for v in ([2, 8], [3, 6], [5, -5], [1, 2]))
    lib.problem_set_gaussians(problem, x, y, amplitude, radius, 2, 1 | 2 | 4)
    assert [lib.text("problem_label", problem, i) for i in range(6)] == ["x[0]", "y[0]", "amplitude[0]", "x[1]", "y[1]", "amplitude[1]"]
    start = (C.c_double * 6)()
    lib.problem_start(problem, start, 6)
    assert list(start) == [2, 3, 5, 8, 6, -5]
    lower, upper = [0, 0, 1, 7, 5, -9], [11, 9, 9, 11, 7, -1]
    lib.problem_set_bounds(problem, doubles(lower), 6, doubles(upper), 6)
    lib.problem_set_frozen(problem, (C.c_uint8 * 6)(0, 0, 0, 1, 0, 0), 6)
    job = lib.job(problem)
    lib.job_set_max_evaluations(job, 5)
    result = run(lib, job)
    entries, parameters = (C.c_double * 6)(), (C.c_double * 5)()
    lib.result_entries(result, entries, 6)
    lib.result_parameters(result, parameters, 5)
    assert all(a <= v <= b for a, v, b in zip(lower, entries, upper)) and entries[3] == 8
    assert list(parameters) == [entries[i] for i in (0, 1, 2, 4, 5)]
    for i, name in enumerate(("x", "y", "amplitude")):
        assert lib.values("result_quantity", result, name.encode()) == [entries[i], entries[3 + i]]
    assert lib.values("result_quantity", result, b"radius") == [1, 2]
