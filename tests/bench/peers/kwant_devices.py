"""A device in mcd's device engine and in Kwant with MUMPS, from one Kwant system. argv: problem (points, whole), name of the device.

Kwant at its best settings: one block of S, ordering "qamd", 32 right-hand sides at a time. "Factorize and solve" leaves out
everything else on both sides: leads are there, and Kwant's linear system is built. "Functions of numbers" are the same value
functions made to refuse arrays, so that they have to be called for every bond and point. A case says by "operations" how many
points it computes.
"""

import os
import sys
import warnings
from copy import copy
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
warnings.simplefilter("ignore")
TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "reference"), str(TESTS / "bench"), str(TESTS.parent / "bindings/python")]
import devices
import kwant
import mcd
import numpy as np
import scipy.sparse
from kwant.solvers import mumps, sparse

import figures
from serve import serve

TOLERANCE = 1e-9


def build(name, points):
    """The devices of the project's figures at so many points of a sweep."""
    fields = np.linspace(0.001, 0.05, points)
    arms = tuple((first, first + 19, side) for side in (1, -1) for first in (20, 80))
    return {
        "strip 100 x 100": lambda: devices.bar(100, 100, (), 0, 0.2, 1, 1.2, fields),
        "Hall bar 120 x 40": lambda: devices.hall_bar(120, 40, arms, phi=fields),
        "disc of radius 30": lambda: devices.quantum_dot(30, 10, 8, energy=1.1, phi=fields),
        "graphene 40 x 200": lambda: devices.graphene("zigzag", 200, 20 * 3**0.5 / 2, 0.3, 14, 0.5, fields),
        "Rashba 60 x 30": lambda: devices.rashba(60, 30, energy=1.0, alpha=0.2, zeeman=0.1, phi=fields),
        figures.MANY_ORBITALS: lambda: devices.quantum_dot(98, 10, 8, energy=1.1, phi=fields),
    }[name]()


def of_numbers(device):
    """The device with value functions that refuse arrays."""
    known = {}

    def refusing(function):
        def value(*args):
            if isinstance(args[-1], np.ndarray):
                raise TypeError("an array; give a number")
            return function(*args)
        return known.setdefault(function, value)

    for system in (device.system, *device.system.leads):
        for values in (system.onsites, system.hoppings):
            values[:] = [(refusing(value) if names else value, names) for value, names in values]
    return device


def discarding(function):
    def case(_):
        function()
        return {}
    return case


def main():
    problem, name = np.load(sys.argv[1]), sys.argv[2]
    points, whole = int(problem["points"]), int(problem["whole"])
    solver = mumps.Solver()
    solver.options(ordering="qamd", nrhs=32)

    def imported(device, **options):
        return mcd.from_kwant(device.system, device.energies, {k: v for k, v in device.params[0].items() if k != "phi"},
                              sweep=("phi", [p["phi"] for p in device.params]), **options)

    device, complete, numbers = build(name, points), build(name, whole), of_numbers(build(name, whole))
    system, energies, params = device.system, device.energies, device.params
    one, many = imported(device, threads=1), imported(device)
    weights = np.ones(points)
    at = points // 2
    ready = copy(system)
    ready.leads = system.precalculate(energies[at], params=params[at], what="modes").leads

    def smatrix(which):
        return solver.smatrix(which, energies[at], out_leads=[1], in_leads=[0], params=params[at]).transmission(1, 0)

    def solve(by, ordering=None):
        if ordering:
            by.options(ordering=ordering, nrhs=32)
        linear, _ = by._make_linear_sys(ready, [0], energies[at], params=params[at])
        kept, sources = linear.indices[1], scipy.sparse.bmat([linear.rhs], format=by.rhsformat)
        return 1, lambda: by._solve_linear_sys(by._factorized(linear.lhs), sources, kept)

    shifts = iter(range(1, 1 << 40))
    cells = [mcd.Lead(*(np.array([of(params=p) for p in params]) for of in (lead.cell_hamiltonian, lead.inter_cell_hopping)), None)
             for lead in system.leads]

    widths = [lead.hopping.shape[2] for lead in cells]
    first = np.append(0, np.cumsum(widths))
    alone = np.arange(first[-1]), np.arange(first[-1]), np.zeros((points, first[-1]), complex)
    attached = [lead._replace(interface=np.arange(a, b)) for lead, a, b in zip(cells, first, first[1:])]

    def leads():  # at energies never seen, so that nothing is cached
        mcd.Device(alone, attached, energies + 1e-11 * next(shifts)).open_modes

    cases = {
        "mcd factorize and solve": (points, lambda: one.transmission(1, 0)),
        "MUMPS factorize and solve": solve(solver),
    }
    if name == figures.MANY_ORBITALS:
        cases |= {"MUMPS by its own ordering": solve(mumps.Solver(), "auto"), "SuperLU factorize and solve": solve(sparse.Solver())}
    cases |= {
        "mcd value": (points, lambda: many.transmission(1, 0)),
        "mcd gradient": (points, lambda: many.vjp(1, 0, weights)),
    }
    if name != figures.MANY_ORBITALS:
        cases |= {
            "Kwant smatrix, leads at hand": (1, lambda: smatrix(ready)),
            "mcd sweep with import and leads": (whole, lambda: imported(complete).transmission(1, 0)),
            "Kwant smatrix": (1, lambda: smatrix(system)),
            "mcd sweep, functions of numbers": (whole, lambda: imported(numbers).transmission(1, 0)),
            "Kwant smatrix, functions of numbers": (1, lambda: smatrix(numbers.system)),
            "mcd leads": (points * len(system.leads), leads),
            "Kwant leads": (len(system.leads), lambda: [lead.modes(energies[at], params=params[at]) for lead in system.leads]),
        }
    expected, found = smatrix(ready), one.transmission(1, 0)[at]
    if not abs(expected - found) <= TOLERANCE * max(1, expected):
        raise SystemExit(f"{name}: mcd {found!r}, Kwant {expected!r}")
    serve({"Kwant": kwant.__version__, "mcd": mcd.__version__, "its engine": one.backend, "orbitals": one.orbitals,
           "open modes": int(one.open_modes.max()), "SciPy": scipy.__version__, "NumPy": np.__version__},
          {k: discarding(f) for k, (_, f) in cases.items()}, {k: n for k, (n, _) in cases.items()})


main()
