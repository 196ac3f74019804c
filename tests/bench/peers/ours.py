"""mcd through its Python binding."""

import sys

import mcd
import numpy as np

from serve import serve, threads

EVALUATIONS = 20


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

    def design(onsite):
        """Levenberg-Marquardt on the curve of another potential, so many evaluations."""
        other = 4 + 0.3 * np.random.default_rng(3).normal(size=sizes)
        problem = mcd.Problem(wire, wire.conductance(other), mcd.Sites(onsite))
        result = mcd.design(problem, max_evaluations=EVALUATIONS, stop_objective=-1e3, progress=False)
        assert result.evaluations == EVALUATIONS, result.message
        return {}

    cases[f"mcd LM, {EVALUATIONS} evaluations"] = design
    serve({"mcd": mcd.__version__, "its engine": wire.backend, "NumPy": np.__version__}, cases)


main()
