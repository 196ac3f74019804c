"""mcd.kwant.Solver: Kwant's own suite, and Kwant's results on live devices."""

import os
import re
import subprocess
from pathlib import Path

import mcd
import pytest
from test_kwant import PYTHON

HERE = Path(__file__).resolve().parent
PATH = os.pathsep.join(map(str, (Path(mcd.__file__).parents[1], HERE, HERE.parent / "reference")))

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="Kwant is not installed (scripts/install-kwant.sh .peers/kwant)")


def python(*arguments):
    done = subprocess.run([PYTHON, "-W", "ignore", *arguments], env={**os.environ, "PYTHONPATH": PATH}, timeout=300,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout


def test_kwants_own_suite():
    out = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "kwant_stand_in", "--pyargs",
                 "kwant.solvers.tests.test_solvers")
    assert int(re.search(r"(\d+) passed", out)[1]) >= 16
    assert "failed" not in out


LIVE = """
import sys, kwant, mcd.kwant, numpy as np
import devices
solver = mcd.kwant.Solver()
device = devices.build(sys.argv[1])
for energy, params in list(zip(device.energies, device.params))[1:4]:
    ours = solver.smatrix(device.system, energy, params=params)
    theirs = kwant.smatrix(device.system, energy, params=params)
    np.testing.assert_allclose(ours.data, theirs.data, atol=1e-10)
    np.testing.assert_allclose(ours.data.conj().T @ ours.data, np.eye(len(ours.data)), atol=1e-10)
    one = solver.smatrix(device.system, energy, out_leads=[1], in_leads=[0], params=params)
    np.testing.assert_allclose(one.data, ours.submatrix(1, 0), atol=1e-12)
    green = [s.greens_function(device.system, energy, params=params).data for s in (solver, kwant.solvers.default)]
    np.testing.assert_allclose(*green, rtol=1e-9, atol=1e-10)
    ldos = [s.ldos(device.system, energy, params=params) for s in (solver, kwant.solvers.default)]
    np.testing.assert_allclose(*ldos, rtol=1e-9, atol=1e-10)
    for lead in range(len(device.system.leads)):
        psi = [s.wave_function(device.system, energy, params=params)(lead) for s in (solver, kwant.solvers.default)]
        np.testing.assert_allclose(*psi, atol=1e-10)
mcd.kwant.install()
assert kwant.smatrix.__self__.__class__ is kwant.solvers.default.ldos.__self__.__class__ is mcd.kwant.Solver
"""


@pytest.mark.parametrize("name", ["hall_bar", "graphene_zigzag", "rashba", "superconductor"])
def test_live_devices(name):
    python("-c", LIVE, name)
