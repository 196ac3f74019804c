"""The inverse problem by a Kwant system's own parameters: found again, checked, refused."""

import pytest
from test_kwant import PYTHON
from test_kwant_solver import python

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="Kwant is not installed (scripts/install-kwant.sh .peers/kwant)")

SYSTEM = """
import cmath, kwant, mcd, numpy as np, pickle
lattice = kwant.lattice.square(norbs=1)
def onsite(site, V1, V2, x0, square):
    x, y = site.pos
    return 4 + V1 * np.exp(-(x - 3) ** 2 / 4) + V2 * np.exp(-(x - 8) ** 2 / 4) * y + np.exp(-(x - x0) ** 2) + square * V2
def hopping(a, b, phi, t): return -t * np.exp(-1j * phi * (a.pos[0] - b.pos[0]) * (a.pos[1] + b.pos[1]))
def along(a, b, phi): return hopping(a, b, phi, 1)
wire, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
wire[(lattice(x, y) for x in range(12) for y in range(6))] = onsite
wire[lattice.neighbors()] = hopping
lead[(lattice(0, y) for y in range(6))] = 4
lead[lattice.neighbors()] = along
wire.attach_lead(lead)
wire.attach_lead(lead.reversed())
system = wire.finalized()
fields = np.linspace(0, 0.15, 12)
params = dict(V1=0.1, V2=0.0, x0=50, square=0, t=1)
def device(**changes): return mcd.from_kwant(system, 1.2, {**params, **changes}, sweep=("phi", fields))
def refused(words, *arguments, **options):
    try:
        mcd.Problem(device(), np.ones(12), *arguments, **options)
    except mcd.ArgumentError as error:
        assert words in str(error), error
    else:
        raise AssertionError(words)
"""

FOUND = SYSTEM + """
target = device(V1=0.43, V2=-0.07, t=1.02).transmission(1, 0)
problem = mcd.Problem(device(), target, parameters=("V1", "V2", "t"), start=(0.3, -0.02, 1))
assert problem.labels == ("V1", "V2", "t"), problem.labels
value, gradient = problem.objective()
for j in range(3):
    step = 1e-6 * np.eye(3)[j]
    slope = (problem.objective(problem.start + step)[0] - problem.objective(problem.start - step)[0]) / 2e-6
    assert abs(gradient[j] - slope) < 1e-5 * (1 + abs(slope)), (gradient, slope)
result = mcd.design(problem)
found = result.parameters
assert abs(found["V1"] - 0.43) < 1e-6 and abs(found["V2"] + 0.07) < 1e-6 and abs(found["t"] - 1.02) < 1e-6, found
np.testing.assert_allclose(device(**found).transmission(1, 0), result.conductance[0], atol=1e-10)
again = pickle.loads(pickle.dumps(result))
assert again.parameters == found

bounded = mcd.design(mcd.Problem(device(), target, mcd.Parameters(("V1", "V2"), upper=0.2, frozen=(False, True))))
assert bounded.parameters["V1"] <= 0.2 and bounded.parameters["V2"] == 0.0

slope = device(V1=1.1)
x = slope.positions[:, 0]
given = np.where(slope.pattern[0] == slope.pattern[1], np.exp(-(x[slope.pattern[0]] - 3) ** 2 / 4), 0)
by_hand = mcd.Problem(device(), target, mcd.Parameters("V1", derivatives=dict(V1=given)))
np.testing.assert_allclose(by_hand.objective()[1], mcd.Problem(device(), target, parameters=("V1",)).objective()[1], rtol=1e-9)
refused("the derivative given for 'V1' is wrong", mcd.Parameters("V1", derivatives=dict(V1=1.01 * given)))
"""

REFUSED = SYSTEM + """
refused("'x0' does not enter linearly", mcd.Parameters("x0", start=5))
refused("V2, square enter as products", mcd.Parameters(("V2", "square"), start=(1, 1)))
refused("'phi' is swept", parameters=("phi",))
refused("'V9' is none of the system's; they are V1, V2", mcd.Parameters("V9", start=1))
refused("'square' changes no entry", mcd.Parameters("square", start=0))
refused("start: no value for 'V1'", mcd.Parameters("V1", start=dict(V2=1)))
refused("parametrization is given already", mcd.Sites(), parameters=("V1",))
whole = kwant.Builder()
whole[(lattice(x, y) for x in range(4) for y in range(3))] = lambda site, V1: V1
whole[lattice.neighbors()] = -1
shifted = kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
shifted[(lattice(0, y) for y in range(3))] = lambda site, V1: V1
shifted[lattice.neighbors()] = -1
whole.attach_lead(shifted)
whole.attach_lead(shifted.reversed())
both = mcd.from_kwant(whole.finalized(), 1.2, dict(V1=0.5))
try:
    mcd.Problem(both, [1.0], parameters=("V1",))
except mcd.ArgumentError as error:
    assert "changes lead 0" in str(error), error
else:
    raise AssertionError("a parameter of the leads was taken")
"""


def test_parameters_are_found_again():
    python("-c", FOUND)


def test_what_cannot_be_is_refused():
    python("-c", REFUSED)
