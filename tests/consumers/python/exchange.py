"""Problems and results from hand to hand: exchange.py write PROBLEM RESULT | exchange.py read FILE..."""

import gc
import sys
from pathlib import Path

import mcd
import numpy as np

FIELDS, TARGET = [0, 0.02, 0.05, 0.07], [1, 1.5, 2, 2.5]


def write(problem_path, result_path):
    wire = mcd.Wire(6, 4, FIELDS)
    basis = np.zeros((2, 6, 4))
    basis[0, 1, :] = 1  # the first gate crosses the wire at x = 1
    basis[1, 4, 2] = 1  # the second is over site (4, 2)
    gates = mcd.Gates(basis, [0.25, -0.5], lower=[-1, -1], upper=[1, 2])
    mcd.Problem(wire, TARGET, gates, weights=[1, 2, 0.5, 1], loss="huber", loss_scale=0.5).save(problem_path)
    start = wire.clean()
    start[4, 2] = 4.75
    problem = mcd.Problem(wire, TARGET, mcd.Sites(start), regularizers=[mcd.Smoothness(0.01)])
    mcd.design(problem, max_evaluations=3, progress=False).save(result_path)


def read(path):
    """What every language says of a file: the objective at the start, the potential of two sites, and L of a result."""
    found = mcd.load(path)
    problem = found.problem if isinstance(found, mcd.Result) else found
    onsite = problem.onsite()
    line = [Path(path).name, problem.objective(problem.start)[0], onsite[1, 3], onsite[4, 2]]
    if isinstance(found, mcd.Result):
        line.append(found.objective)
    print(line[0], *(f"{value:.15g}" for value in line[1:]))


if sys.argv[1] == "write":
    write(*sys.argv[2:])
else:
    for path in sys.argv[2:]:
        read(path)
gc.collect()
sys.exit(mcd.live_handles() != 0)
