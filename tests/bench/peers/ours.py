"""mcd through its Python binding.

argv: problem, the program engine (without it, no runs of Levenberg-Marquardt).
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import mcd
import numpy as np

from serve import serve, threads

EVALUATIONS = 20
TARGETS = "colosseum", "nirvana"
CURVES = Path(__file__).resolve().parents[3] / "tests/reference/targets"


def path(target, onsite, engine):
    """The potentials at which a run asks for Jacobians, (evaluations, length, width): runs repeat bit for bit."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("onsite.npy", "target.npy", "path")]
        np.save(files[0], onsite)
        np.save(files[1], target)
        subprocess.run([engine, "path", sys.argv[1], *files[:2], str(EVALUATIONS), files[2]], check=True)
        return np.fromfile(files[2]).reshape(EVALUATIONS, *onsite.shape)


def run(name, wire, engine):
    """A run of Levenberg-Marquardt towards a curve of the paper, so many evaluations, and the Jacobians of that run alone."""
    target = np.loadtxt(CURVES / f"{name}.csv", delimiter=",", skiprows=3)[:, 1]
    paths = {}

    def search(onsite):
        problem = mcd.Problem(wire, target, mcd.Sites(onsite))
        result = mcd.design(problem, max_evaluations=EVALUATIONS, stop_objective=-1e3, progress=False)
        assert result.evaluations == EVALUATIONS, result.message
        return dict(best=result.onsite)

    out = np.empty((len(target), *wire.shape))

    def jacobians(onsite):
        key = onsite.tobytes()
        if key not in paths:
            paths[key] = path(target, onsite, engine)
            assert (paths[key] == search(onsite)["best"]).all((1, 2)).any(), "the run of the binding took another path"
        for point in paths[key]:
            wire.jacobian(point, out=out)
        return {}

    label = f"mcd LM, {name}, {EVALUATIONS} evaluations"
    return {label: search, f"{label}, its Jacobians": jacobians}


def main():
    problem = np.load(sys.argv[1])
    length, width, fields, weights = (problem[k] for k in ("length", "width", "fields", "weights"))
    sizes, energy = (int(length), int(width)), float(problem["energy"])
    cases = {}

    def add(n, label):
        wire = mcd.Wire(*sizes, fields, energy=energy, threads=n)
        out = np.empty((len(fields), *sizes))
        cases[f"mcd value, {label}"] = lambda onsite: dict(G=wire.conductance(onsite))
        cases[f"mcd gradient, {label}"] = lambda onsite: dict(zip(("G", "gradient"), wire.vjp(onsite, weights)))
        cases[f"mcd Jacobian, {label}"] = lambda onsite: dict(zip(("G", "jacobian"), wire.jacobian(onsite, out=out)))
        return wire

    for n, label in threads().items():
        wire = add(n, label)
    shifts = iter(range(1, 1 << 40))

    def fresh(onsite):
        """A wire at fields never seen, so that nothing is cached: its leads, and one value."""
        new = fields + 1e-12 * next(shifts)
        mcd.Wire(*sizes, new, energy=energy).conductance(onsite)
        return {}

    cases["mcd leads and value"] = fresh

    if len(sys.argv) > 2:
        for name in TARGETS:
            cases.update(run(name, wire, sys.argv[2]))
    serve({"mcd": mcd.__version__, "its engine": wire.backend, "NumPy": np.__version__}, cases)


main()
