"""The calls of engine/main.go from Python, and the table: overhead.py INCLUDE LIBRARY_FOLDER JULIA"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def least(calls, call):
    best = float("inf")
    for _ in range(20):
        begin = time.perf_counter_ns()
        for _ in range(calls):
            call()
        best = min(best, (time.perf_counter_ns() - begin) / calls)
    return best


def measure(size, points, calls):
    import mcd
    wire = mcd.Wire(size, size, 0.12 * np.arange(points) / 100, energy=2.5, threads=1)
    onsite = (4 + 0.1 * (np.arange(size * size) % 7)).reshape(size, size)
    getter = [least(calls, lambda: wire.hopping)] if size == 1 else []
    return [*getter, least(calls, lambda: wire.conductance(onsite)), least(calls, lambda: wire.jacobian(onsite))]


def table(include, library, julia):
    """Every program three times in turn, the least of each figure."""
    with tempfile.TemporaryDirectory() as folder:
        link = [f"-I{include}", f"-L{library}", "-lmcd", f"-Wl,-rpath,{library}"]
        subprocess.run(["gcc", "-O2", HERE / "overhead.c", *link, "-o", f"{folder}/c"], check=True)
        subprocess.run(["g++", "-O2", "-std=c++17", HERE / "overhead.cpp", *link, "-o", f"{folder}/cpp"], check=True)
        subprocess.run(["go", "build", "-o", f"{folder}/go", "."], check=True, cwd=HERE / "engine")
        commands = {"Go": [f"{folder}/go"], "C": [f"{folder}/c"], "C++": [f"{folder}/cpp"],
                    "Python": [sys.executable, __file__, "self"]}
        if Path(julia).exists():
            commands["Julia"] = [julia, "--startup-file=no", f"--project={ROOT / 'bindings/julia'}", HERE / "overhead.jl"]
        times = {name: [] for name in commands}
        for _ in range(3):
            for name, command in commands.items():
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                times[name].append([float(word) for word in done.stdout.split()])
    least_of = {name: np.min(rows, axis=0) for name, rows in times.items()}
    engine = least_of["Go"]
    print("one thread; what a call costs beside the engine, from wires of one site; share of the engine's own 30 x 30 x 101")
    print("          getter    value             Jacobian          30 x 30 x 101: value, Jacobian")
    for name, t in least_of.items():
        extra = t[1:3] - engine[1:3]
        share = extra / engine[3:]
        print(f"{name:8}{t[0]:6.0f} ns {extra[0]:6.0f} ns {share[0]:7.4%} {extra[1]:6.0f} ns {share[1]:7.4%} "
              f"    {t[3] / 1e6:6.2f} ms {t[4] / 1e6:6.2f} ms")
    for file in (Path(library) / "libmcd.so.1", *(ROOT / "build/wheel").glob("*.whl")):
        print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB")


if sys.argv[1] == "self":
    print(*measure(1, 1, 2000), *measure(30, 101, 1))
else:
    table(*sys.argv[1:])
