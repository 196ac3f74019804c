"""Problems and results from hand to hand: exchange.py write FILE | exchange.py read FILE..."""

import sys

import mcd
import numpy as np

FIELDS, TARGET = [0, 0.02, 0.05, 0.07], [1, 1.5, 2, 2.5]

if sys.argv[1] == "write":
    wire = mcd.Wire(6, 4, FIELDS)
    start = wire.clean()
    start[4, 2] = 4.75
    problem = mcd.Problem(wire, TARGET, mcd.Sites(start), regularizers=[mcd.Smoothness(0.01)])
    mcd.design(problem, max_evaluations=3, progress=False).save(sys.argv[2])
else:
    for path in sys.argv[2:]:
        result = mcd.load(path)
        problem = result.problem
        np.testing.assert_array_equal(problem.wire.fields, FIELDS)
        np.testing.assert_array_equal(problem.target, TARGET)
        assert problem.onsite()[4, 2] == 4.75 and np.count_nonzero(problem.onsite() != 4) == 1
        np.testing.assert_array_equal(problem.wire.conductance(result.onsite), result.conductance)
    print(f"exchange with Python: {len(sys.argv) - 2} passed, 0 failed")
