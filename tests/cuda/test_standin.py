"""The whole way from Python to the kernels' own source, run by the stand-in for the driver."""
from programs import python

BEGIN = """
import ctypes, gc, os
import numpy as np, mcd
driver = ctypes.CDLL("libcuda.so.1")
driver.standin_complaint.restype = ctypes.c_char_p
driver.standin_live.restype = driver.standin_calls.restype = ctypes.c_long
driver.standin_fail.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_int, ctypes.c_int]
driver.standin_memory.argtypes = [ctypes.c_size_t]
onsite = 4 + 0.4 * np.random.default_rng(0).standard_normal((4, 5))

def wire(backend="cuda", points=3, **more):
    return mcd.Wire(4, 5, fields=np.linspace(0, 0.1, points), backend=backend, **more)

def clean():
    gc.collect()
    assert driver.standin_complaint() == b"", driver.standin_complaint()
    assert driver.standin_live() == 0, driver.standin_live()
"""


def test_numbers_and_leaks(standin):
    assert python(BEGIN + """
w, c = wire(), wire("cpu")
assert w.backend == "cuda strip, Stand-in", w.backend
G, J = w.jacobian(onsite)
g, j = c.jacobian(onsite)
assert abs(G - g).max() < 1e-10 and abs(J - j).max() < 1e-10 * abs(j).max()
weights = np.array([0.5, -1.0, 2.0])
assert np.allclose(w.vjp(onsite, weights)[1], np.tensordot(weights, J, 1), rtol=0, atol=1e-12)
assert (w.conductance(onsite) == G).all() and (w.jacobian(onsite)[1] == J).all()
assert abs(w.smatrix(onsite, 0.0) - c.smatrix(onsite, 0.0)).max() < 1e-12  # by the CPU
assert driver.standin_live() > 0
del w
clean()
print("done")
""", standin) == "done\n"


def test_design(standin):
    assert python(BEGIN + """
target = wire("cpu").conductance(onsite + 0.1)
result = mcd.design(mcd.Problem(wire(), target, mcd.Sites(onsite)), stop_objective=-20.0)
assert result.objective < -20 and result.backend == "cuda strip, Stand-in", result
del result
clean()
print("done")
""", standin) == "done\n"


def test_steps_on_the_device(standin, tmp_path):
    """First-order runs stay on the GPU; they are the CPU's, and go on from a file to the bit."""
    assert python(BEGIN + """
target = wire("cpu").conductance(onsite + 0.1)
def steps(backend, n, **more):
    problem = mcd.Problem(wire(backend), target, mcd.Sites(onsite))
    return mcd.design(problem, method="adabelief", max_evaluations=n, **more)
whole, cpu = steps("cuda", 9), steps("cpu", 9)
assert whole.backend == "cuda strip, Stand-in" and abs(whole.onsite - cpu.onsite).max() < 1e-9
assert len(whole.history) == len(cpu.history) and whole.evaluations == 9
file = os.environ["RUN"]
steps("cuda", 4, checkpoint=file)
again = mcd.resume(file, max_evaluations=9)
assert (again.onsite == whole.onsite).all() and again.objective == whole.objective
del whole, again
clean()
print("done")
""", standin, RUN=str(tmp_path / "run.mcd")) == "done\n"


def test_starts_side_by_side(standin, tmp_path):
    """Several starts share the GPU's launches; they find what they find alone, and go on from a file to the bit."""
    assert python(BEGIN + """
target = wire("cpu").conductance(onsite + 0.1)
def search(backend, method, n, **more):
    problem = mcd.Problem(wire(backend), target, mcd.Sites(onsite))
    return mcd.design(problem, method=method, max_iterations=n, starts=3, **more)
for method in "lm", "adam":
    seen = []
    whole, cpu = search("cuda", method, 5, callback=lambda p: seen.append(p.start)), search("cpu", method, 5)
    assert len(whole.outcomes) == 3 and whole.evaluations == cpu.evaluations
    for a, b in zip(whole.outcomes, cpu.outcomes):
        assert abs(a.onsite - b.onsite).max() < 1e-8, (method, abs(a.onsite - b.onsite).max())
    assert {0, 1, 2} >= set(seen)
    file = os.environ["RUN"] + method
    part = mcd.design(mcd.Problem(wire(), target, mcd.Sites(onsite)), method=method, max_iterations=5, max_evaluations=9, starts=3,
                      checkpoint=file)
    assert part.evaluations == 9 and part.status == "evaluations"
    again = mcd.resume(file, max_evaluations=1000)
    assert all((a.onsite == b.onsite).all() for a, b in zip(again.outcomes, whole.outcomes))
    del whole, part, again, a, b
clean()
print("done")
""", standin, RUN=str(tmp_path / "run.mcd")) == "done\n"


def test_a_file_from_a_gpu_is_read_without_one(standin, tmp_path):
    run = dict(RUN=str(tmp_path / "run.mcd"))
    python(BEGIN + """
problem = mcd.Problem(wire(), np.ones(3), mcd.Sites(onsite))
mcd.design(problem, max_evaluations=3, checkpoint=os.environ["RUN"])
""", standin, **run)
    assert python("""
import mcd, os
result = mcd.load(os.environ["RUN"])
assert result.backend == "cuda strip, Stand-in" and result.problem.wire.backend.startswith("cpu")
print(mcd.resume(os.environ["RUN"], max_evaluations=6).evaluations)
""", tmp_path, **run) == "6\n"


def test_the_current_context_is_put_back(standin):
    assert python(BEGIN + """
driver.standin_push_foreign()
mcd.devices()
assert driver.standin_foreign_is_current()
w = wire()
w.jacobian(onsite)
assert driver.standin_foreign_is_current()
driver.standin_fail(driver.standin_calls() + 5, 999, 0, 0)
try:
    w.jacobian(onsite)
except mcd.Error:
    pass
assert driver.standin_foreign_is_current()
del w
clean()
print("done")
""", standin) == "done\n"


def test_every_call_failing_in_turn(standin):
    """One call fails, for good or once: an error or the right numbers, never a leak; the process goes on."""
    assert python(BEGIN + """
def use():
    w = wire()
    G, J = w.jacobian(onsite)
    return G, J, w.vjp(onsite)[1]

want = use()
clean()
failed = 0
for code, sticks in ((2, 0), (999, 0), (719, 1), (209, 0)):
    n = 0
    while True:
        n += 1
        driver.standin_fail(n, code, 0, sticks)
        try:
            got = use()
        except (mcd.Error, MemoryError) as error:
            assert "cuda" in str(error), error
            failed += 1
        else:
            assert all((a == b).all() for a, b in zip(got, want))
        reached = driver.standin_calls() >= n
        driver.standin_fail(0, 0, 0, 0)
        clean()
        if not reached:
            break
assert failed > 100, failed
assert all((a == b).all() for a, b in zip(use(), want))
for n in range(2, 20):
    driver.standin_fail(n, 999, 1, 0)
    try:
        use()
    except (mcd.Error, MemoryError):
        pass
    driver.standin_fail(0, 0, 0, 0)
    clean()
print("done")
""", standin) == "done\n"


def test_every_call_of_a_run_of_steps_failing_in_turn(standin):
    """The same for steps that stay on the GPU, with their recorded graph, and for starts side by side."""
    assert python(BEGIN + """
small = onsite[:2, :3]
target = mcd.Wire(2, 3, fields=[0.0, 0.05]).conductance(small + 0.1)

def use(backend="cuda"):
    found = []
    for method in "adam", "lm":
        problem = mcd.Problem(mcd.Wire(2, 3, fields=[0.0, 0.05], backend=backend), target, mcd.Sites(small))
        found.append(mcd.design(problem, method=method, max_iterations=1, starts=2, spread=0.1))
    return [outcome.onsite for result in found for outcome in result.outcomes]

want = use("cpu")
failed = n = 0
while True:
    n += 1
    driver.standin_fail(n, *((2, 0, 0) if n % 2 else (719, 0, 1)))
    try:
        got = use()
    except (mcd.Error, MemoryError) as error:
        assert "cuda" in str(error), error
        failed += 1
    else:
        assert all(abs(a - b).max() < 1e-8 for a, b in zip(got, want))
    reached = driver.standin_calls() >= n
    driver.standin_fail(0, 0, 0, 0)
    clean()
    if not reached:
        break
assert failed > 50, failed
assert all(abs(a - b).max() < 1e-8 for a, b in zip(use(), want))
clean()
print(n > 100)
""", standin) == "True\n"


def test_a_device_lost_midway(standin):
    assert python(BEGIN + """
w, c = wire(), wire("cpu")
w.jacobian(onsite)
driver.standin_fail(10, 719, 0, 1)
try:
    w.jacobian(onsite)
except mcd.UnsupportedError as error:
    assert "the GPU was lost" in str(error) and "719" in str(error), error
else:
    raise SystemExit("no error")
assert c.jacobian(onsite)[1].shape == (3, 4, 5)
del w
gc.collect()
driver.standin_fail(0, 0, 0, 0)
clean()
print("done")
""", standin) == "done\n"


def test_little_memory(standin):
    """Fields are split, with the same bits; where one field does not fit, the error says how many bytes it needs."""
    assert python(BEGIN + """
w = wire(points=40)
G, J = w.jacobian(onsite)
del w
clean()
driver.standin_memory(600_000)
w = wire(points=40)
g, j = w.jacobian(onsite)
assert (G == g).all() and (J == j).all()
del w
clean()
driver.standin_memory(60_000)
w = wire(points=40)
try:
    w.jacobian(onsite)
except mcd.MemoryLimitError as error:
    print(error)
    del error
del w
clean()
""", standin).startswith("cuda: ")


def test_a_device_with_little_shared_memory(standin):
    """Turing's 64 KiB a block do for widths to 47 or so."""
    assert python(BEGIN + """
driver.standin_shared(64 << 10)
narrow = mcd.Wire(1, 40, fields=[0.0], backend="cuda")
assert abs(narrow.conductance(narrow.clean()) - narrow.open_modes).max() < 1e-9
wide = mcd.Wire(1, 64, fields=[0.0], backend="cuda")
try:
    wide.conductance(wide.clean())
except mcd.UnsupportedError as error:
    print(error)
    del error
del narrow, wide
clean()
""", standin).startswith("cuda: kernel mcd_sweep_64 needs ")


def test_auto(standin):
    """A small wire stays on the CPU, and so does one that the (emulated) GPU is slower for; it is looked for when it is worth that."""
    assert python(BEGIN + """
small, larger = wire("auto"), mcd.Wire(16, 16, fields=np.linspace(0, 0.1, 100))
start = 4 + 0.4 * np.random.default_rng(0).standard_normal((16, 16))
small.jacobian(onsite), larger.jacobian(start)
mcd.design(mcd.Problem(small, np.ones(3), mcd.Sites(onsite)), starts=2, max_iterations=1)
assert driver.standin_calls() == 0
result = mcd.design(mcd.Problem(larger, np.ones(100), mcd.Sites(start)), starts=2, max_iterations=1)
assert driver.standin_calls() > 0 and result.backend.startswith("cpu") and larger.backend.startswith("cpu")
clean()
print("done")
""", standin) == "done\n"


def test_cancel(standin):
    """The rest of a long call is not waited for."""
    assert python(BEGIN + """
import threading, time
from mcd._library import library
w = mcd.Wire(12, 12, fields=np.linspace(0, 0.1, 150), backend="cuda")
h = 4 + 0.4 * np.random.default_rng(0).standard_normal((12, 12))
begin = time.perf_counter()
w.jacobian(h)
whole = time.perf_counter() - begin  # on an emulated GPU, on a machine that may be busy
def stop():
    global asked
    time.sleep(whole / 5)
    asked = time.perf_counter()
    library.mcd_wire_cancel(w._handle.value)
thread = threading.Thread(target=stop)
thread.start()
took = 99
try:
    w.jacobian(h)
except mcd.CancelledError:
    took = time.perf_counter() - asked
thread.join()
assert took < whole / 4, (took, whole)
del w
clean()
print("done")
""", standin) == "done\n"
