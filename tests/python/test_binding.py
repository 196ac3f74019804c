"""The binding itself: nothing copied, nothing leaked, no Python thread held up, types and prototypes up to date."""

import ctypes
import gc
import inspect
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import mcd
import numpy as np
import pytest
from mcd import _library

ROOT = Path(__file__).resolve().parents[2]


def live_handles():
    gc.collect()
    return _library.get(ctypes.c_int64, "mcd_live_handles")


def test_prototypes_are_those_of_the_header():
    generated = subprocess.run([sys.executable, ROOT / "scripts/generate-prototypes.py", ROOT / "include/mcd.h"],
                               capture_output=True, text=True, check=True).stdout
    assert generated == (ROOT / "bindings/python/mcd/_prototypes.py").read_text(), "run scripts/generate-prototypes.py"


def test_version_and_devices():
    assert mcd.__version__.count(".") == 2
    names = [device.name for device in mcd.devices()]
    assert "cpu" in names
    assert all(device.description for device in mcd.devices())
    wire = mcd.Wire(3, 3, fields=[0.0], backend="cpu")
    assert "cpu" in wire.backend.lower() and "3 × 3" in repr(wire)


def test_arrays_are_used_in_place():
    onsite = np.full((5, 4), 4.0)
    assert _library.array(onsite, (5, 4), "onsite") is onsite


def test_nothing_leaks(small):
    before = live_handles()
    for _ in range(20):
        wire = mcd.Wire(4, 3, fields=[0.0, 0.1])
        wire.conductance(wire.clean())
        problem = mcd.Problem(wire, 0.3 * wire.open_modes, mcd.Sites(4.2))
        result = mcd.design(problem, max_evaluations=4, starts=2)
        assert result.outcomes and result.problem.wire.fields.size == 2
        with pytest.raises(ValueError):
            wire.conductance([4.0])
    del wire, problem, result
    assert live_handles() == before


def test_other_python_threads_run_meanwhile():
    wire = mcd.Wire(60, 60, fields=np.linspace(0, 0.1, 33), energy=1.2, threads=1)
    wire.conductance(wire.clean())
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.wait(0.001):
            ticks.append(time.perf_counter())

    thread = threading.Thread(target=tick)
    thread.start()
    begin = time.perf_counter()
    wire.jacobian(wire.clean())
    end = time.perf_counter()
    stop.set()
    thread.join()
    assert sum(begin < t < end for t in ticks) > 0.1 * (end - begin) / 0.001


def test_threads_share_a_wire(small):
    """Calls on one wire take turns; each gets the answer to its own question, and its own error."""
    questions = [np.full(small.shape, 4 + 0.01 * i) for i in range(8)]
    expected = [small.conductance(onsite) for onsite in questions]
    wrong = []

    def ask(i):
        for _ in range(20):
            if not np.array_equal(small.conductance(questions[i]), expected[i]):
                wrong.append(i)
            try:
                small.ldos(questions[i], field=float("nan"))
                wrong.append(i)
            except mcd.ArgumentError as error:
                if "field" not in str(error):
                    wrong.append(i)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_gets_an_error_and_the_parent_goes_on():
    script = """
import mcd, numpy as np, os, warnings
warnings.simplefilter("ignore")
wire = mcd.Wire(5, 4, [0.0, 0.1])
G = wire.conductance(wire.clean())
child = os.fork()
if child == 0:
    try:
        wire.conductance(wire.clean())
    except mcd.ForkedError as error:
        os._exit(7 if "spawn" in str(error) else 8)
    os._exit(9)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert np.array_equal(G, wire.conductance(wire.clean()))
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_missing_library_is_explained():
    done = subprocess.run([sys.executable, "-c", "import mcd"], capture_output=True, text=True,
                          env={**os.environ, "MCD_LIBRARY": "/nowhere/libmcd.so.1"}, timeout=60)
    assert done.returncode == 1 and "set MCD_LIBRARY" in done.stderr


def test_everything_is_documented_and_typed():
    assert (Path(mcd.__file__).parent / "py.typed").exists()
    for name in mcd.__all__:
        thing = getattr(mcd, name)
        if name.startswith("__"):
            continue
        assert inspect.getdoc(thing), name
        members = vars(thing).items() if inspect.isclass(thing) else ()
        for member, value in members:
            if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                assert inspect.getdoc(value), f"{name}.{member}"
        if inspect.isfunction(thing):
            missing = [p for p, v in inspect.signature(thing).parameters.items()
                       if v.annotation is inspect.Parameter.empty and p not in ("path", "checkpoint")]
            assert not missing, f"{name}: {missing}"


def test_errors_are_also_the_built_in_ones():
    for kind, builtin in ((mcd.ArgumentError, ValueError), (mcd.MemoryLimitError, MemoryError), (mcd.FileError, OSError)):
        error = kind("what, value, remedy")
        assert isinstance(error, mcd.Error) and isinstance(error, builtin)
        assert error.message == str(error) == "what, value, remedy" and error.status == kind.status < 0


def test_demo_writes_its_figure(tmp_path):
    picture = tmp_path / "defect.png"
    done = subprocess.run([sys.executable, ROOT / "bindings/python/examples/defect.py", picture], capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "found" in done.stdout and "Kwant" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


