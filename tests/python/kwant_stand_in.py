"""A plugin for pytest: Kwant's own tests of its solvers meet mcd's."""

import kwant.solvers.sparse
import kwant.solvers.tests.test_solvers as tests
import mcd.kwant

kwant.solvers.sparse.Solver = mcd.kwant.Solver
tests.no_mumps = True
