"""Sweeps of Kwant systems: one mcd call beside Kwant's calls point by point, interleaved in one run. Needs Kwant (make peers).

    PYTHONPATH=bindings/python:tests/reference .peers/kwant/bin/python tests/bench/kwant_sweep.py [device …] [--points 101]

Kwant computes one block of S by MUMPS (ordering='qamd', nrhs=32) or SciPy's SuperLU, whichever is faster on the device; it is
timed at a few points of the sweep and the time is scaled to all of them. Value functions take arrays, or, where the name of the
device ends with "scalars", only numbers.

Columns: ms of Kwant's sweep with everything and with leads precalculated; ms of mcd from the Kwant system to the transmissions
(import, plan and leads included), and of its parts; a value, a gradient and a Jacobian with everything known; ratios.
"""

import argparse
import os
import statistics
import sys
import time
import warnings
from cmath import exp
from copy import copy

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
warnings.simplefilter("ignore")
import devices
import kwant
import mcd
import numpy as np
from kwant.solvers import sparse

try:
    from kwant.solvers import mumps
    mumps.options(ordering="qamd", nrhs=32)
except ImportError:
    mumps = None

ENERGY = 1.2


def strip(length, width, array=True):
    lattice = kwant.lattice.square(norbs=1)
    def along(a, b, phi):
        if isinstance(phi, np.ndarray) and not array:
            raise TypeError("an array; give a number")
        return -np.exp(2j * phi * a.tag[1]) if array else -exp(2j * phi * a.tag[1])
    rough = np.random.default_rng(3).normal(4, 0.3, (length, width))
    parts = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    parts[0][(lattice(x, y) for x in range(length) for y in range(width))] = lambda site: rough[tuple(site.tag)]
    parts[1][(lattice(0, y) for y in range(width))] = 4
    for part in parts:
        part[kwant.builder.HoppingKind((-1, 0), lattice)] = along
        part[kwant.builder.HoppingKind((0, 1), lattice)] = -1
    system, lead = parts
    system.attach_lead(lead)
    system.attach_lead(lead.reversed())
    return system.finalized()


ARMS = ((20, 39, 1), (80, 99, 1), (20, 39, -1), (80, 99, -1))
DEVICES = {  # name: system, parameters besides phi, largest phi
    "strip 30 x 30": lambda: (strip(30, 30), {}, 0.12),
    "strip 30 x 30 scalars": lambda: (strip(30, 30, False), {}, 0.12),
    "strip 100 x 100": lambda: (strip(100, 100), {}, 0.02),
    "Hall bar 120 x 40": lambda: (devices.hall_bar(120, 40, ARMS, stub=4, energy=ENERGY).system, {}, 0.05),
    "disc 30": lambda: (devices.quantum_dot(30, 10, 7, energy=ENERGY, phi=0).system, {}, 0.05),
    "graphene 40 x 200": lambda: (devices.graphene_zigzag(200, 40 * 3**0.5 / 2, energy=ENERGY, phi=0).system, {}, 0.01),
    "Rashba 60 x 30": lambda: (devices.rashba(60, 30, energy=ENERGY, alpha=0.2, zeeman=0.1, phi=0).system,
                               dict(alpha=0.2, zeeman=0.1), 0.05),
}


def timed(function):
    begin = time.perf_counter()
    result = function()
    return time.perf_counter() - begin, result


class Kwant:
    """Kwant's sweep: seconds a point, with leads and without."""

    def __init__(self, system, params, fields, sample):
        self.system, self.params = system, params
        self.fields = fields[np.linspace(0, len(fields) - 1, sample).round().astype(int)]
        self.leads = [system.precalculate(ENERGY, params=dict(params, phi=f), what="modes").leads for f in self.fields]
        solvers = [s for s in (mumps, sparse) if s]
        self.solver = min(solvers, key=lambda s: timed(lambda: self.point(s, self.known(0), self.fields[0]))[0])

    def known(self, k):
        system = copy(self.system)
        system.leads = self.leads[k]
        return system

    def point(self, solver, system, field):
        return solver.smatrix(system, ENERGY, out_leads=[1], in_leads=[0], params=dict(self.params, phi=field)).transmission(1, 0)

    def whole(self):
        seconds, values = timed(lambda: [self.point(self.solver, self.system, f) for f in self.fields])
        return seconds / len(self.fields), values

    def solve(self):
        known = [self.known(k) for k in range(len(self.fields))]
        seconds, values = timed(lambda: [self.point(self.solver, s, f) for s, f in zip(known, self.fields)])
        return seconds / len(self.fields), values

    def jacobian(self):
        """The best that public functions allow: dT/dh_i = 2 Re Σ t* χ_m(i) ψ_n(i), χ the states at the opposite field."""
        begin = time.perf_counter()
        for k in range(len(self.fields)):
            psi = self.solver.wave_function(self.known(k), ENERGY, params=dict(self.params, phi=self.fields[k]))(0)
            back = self.solver.wave_function(self.known(k), ENERGY, params=dict(self.params, phi=-self.fields[k]))(1)
            2 * np.real(np.einsum("mi,ni,mn->i", back, psi, np.ones((len(back), len(psi)))))
        return (time.perf_counter() - begin) / len(self.fields), None


def measure(name, rounds, points, sample):
    system, params, most = DEVICES[name]()
    fields = np.linspace(0, most, points)
    peer = Kwant(system, params, fields, sample)
    make = lambda: mcd.from_kwant(system, ENERGY, params, sweep=("phi", fields))
    device, samples = make(), {}
    reference, _ = device.transmission(1, 0), device.vjp(1, 0)
    index = np.linspace(0, points - 1, sample).round().astype(int)

    def note(what, seconds):
        samples.setdefault(what, []).append(1e3 * seconds)
    for _ in range(rounds):
        for what, call in ("whole", peer.whole), ("solve", peer.solve), ("jacobian", peer.jacobian):
            seconds, values = call()
            note(f"Kwant {what}", seconds * points)
            if values:
                np.testing.assert_allclose(reference[index], values, atol=1e-8)
        seconds, fresh = timed(make)
        note("import", seconds)
        rest, _ = timed(lambda: fresh.open_modes)
        note("plan, leads", rest)
        value, _ = timed(lambda: fresh.transmission(1, 0))
        note("mcd whole", seconds + rest + value)
        note("value", timed(lambda: device.transmission(1, 0))[0])
        note("gradient", timed(lambda: device.vjp(1, 0))[0])
        note("Jacobian", timed(lambda: device.jacobian(1, 0))[0])
    found = {what: statistics.median(values) for what, values in samples.items()}
    ratio = lambda a, b: statistics.median(x / y for x, y in zip(samples[a], samples[b]))
    print(f"{name}: {device.orbitals} orbitals, {peer.solver.__name__.split('.')[-1]}; {device.backend}")
    print("   " + ", ".join(f"{what} {ms:.4g}" for what, ms in found.items()))
    print(f"   whole sweep {ratio('Kwant whole', 'mcd whole'):.1f} times, leads cached {ratio('Kwant solve', 'value'):.1f}, "
          f"Jacobian {ratio('Kwant jacobian', 'Jacobian'):.1f}; gradient / value {ratio('gradient', 'value'):.2f}, "
          f"Jacobian / value {ratio('Jacobian', 'value'):.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("devices", nargs="*", metavar="device", help=", ".join(DEVICES))
    parser.add_argument("--points", type=int, default=101)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample", type=int, default=3, help="points at which Kwant is timed")
    options = parser.parse_args()
    unknown = [name for name in options.devices if name not in DEVICES]
    if unknown:
        sys.exit(f"unknown device {unknown[0]!r}; give some of {list(DEVICES)}")
    for name in options.devices or DEVICES:
        measure(name, options.rounds, options.points, options.sample)


main()
