"""Peer: Kwant's S-matrix, leads precalculated, number on-site energies, its best settings of MUMPS (else SciPy's solver).

Building and finalizing the system for a new potential is not counted.
"""

import os
import sys
import time
import warnings
from cmath import exp
from copy import copy
from multiprocessing import get_context

os.environ["OPENBLAS_NUM_THREADS"] = "1"
warnings.simplefilter("ignore")
import kwant
import numpy as np
import scipy

from serve import serve, threads

try:
    from kwant.solvers import mumps as solver
    solver.options(ordering="qamd", nrhs=32)
except ImportError:
    from kwant.solvers import sparse as solver


def along(a, b, phi):
    return -exp(2j * phi * a.tag[1])


def finalized(onsite):
    lattice = kwant.lattice.square(norbs=1)
    length, width = onsite.shape

    def bonds(system):
        system[kwant.builder.HoppingKind((-1, 0), lattice)] = along
        system[kwant.builder.HoppingKind((0, 1), lattice)] = -1
    system = kwant.Builder()
    for x in range(length):
        for y in range(width):
            system[lattice(x, y)] = float(onsite[x, y])
    bonds(system)
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    for y in range(width):
        lead[lattice(0, y)] = 4
    bonds(lead)
    system.attach_lead(lead)
    system.attach_lead(lead.reversed())
    return system.finalized()


def main():
    problem = np.load(sys.argv[1])
    shape, fields = (int(problem["length"]), int(problem["width"])), problem["fields"]
    energy = float(problem["energy"])
    clean = finalized(np.full(shape, 4.0))
    leads = [clean.precalculate(energy, params=dict(phi=phi), what="modes").leads for phi in fields]
    systems, seen, pool, most = [], None, None, max(threads())

    def prepare(onsite):
        nonlocal seen, pool
        if onsite.tobytes() != seen:
            seen, system = onsite.tobytes(), finalized(onsite)
            systems[:] = [copy(system) for _ in fields]
            for s, l in zip(systems, leads):
                s.leads = l
            if pool:
                pool.terminate()
            pool = get_context("fork").Pool(most, initializer=share, initargs=(systems, fields, energy))

    def one(onsite):
        prepare(onsite)
        share(systems, fields, energy)
        return dict(G=np.array([value(k) for k in range(len(fields))]))

    def processes(onsite):
        prepare(onsite)
        parts = pool.map(values, np.array_split(np.arange(len(fields)), 2 * most), chunksize=1)
        return dict(G=np.concatenate([p[0] for p in parts]), cpu=sum(p[1] for p in parts))

    serve({"Kwant": kwant.__version__, "its solver": solver.__name__, "SciPy": scipy.__version__, "NumPy": np.__version__},
          {"Kwant smatrix, 1 process": one, f"Kwant smatrix, {most} processes": processes})


def share(*arguments):
    """What a process computes on: finalized systems with their leads, fields, energy."""
    global shared
    shared = arguments


def value(k):
    systems, fields, energy = shared
    return solver.smatrix(systems[k], energy, out_leads=[1], in_leads=[0], params=dict(phi=fields[k])).transmission(1, 0)


def values(ks):
    used = time.process_time()
    return [value(k) for k in ks], time.process_time() - used


main()
