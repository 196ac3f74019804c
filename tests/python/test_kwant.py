"""A live Kwant beside mcd on potentials that no file holds. make test installs Kwant into .peers/kwant."""

import subprocess
from pathlib import Path

import mcd
import numpy as np
import pytest

PYTHON = Path(__file__).resolve().parents[2] / ".peers" / "kwant" / "bin" / "python"

KWANT = """
import sys, cmath, kwant, numpy as np
z = np.load(sys.argv[1])
onsite, (length, width) = z["onsite"], z["onsite"].shape
lattice = kwant.lattice.square(norbs=1)
def hopping(a, b, phi):
    return -cmath.exp(-1j * phi * (a.tag[0] - b.tag[0]) * (a.tag[1] + b.tag[1]))
wire = kwant.Builder()
for (x, y), h in np.ndenumerate(onsite):
    wire[lattice(x, y)] = h
wire[lattice.neighbors()] = hopping
lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
lead[(lattice(0, y) for y in range(width))] = 4.0
lead[lattice.neighbors()] = hopping
wire.attach_lead(lead)
wire.attach_lead(lead.reversed())
wire = wire.finalized()
G, ldos = [], []
for phi in z["fields"]:
    G.append(kwant.smatrix(wire, 1.2, params=dict(phi=phi)).transmission(1, 0))
    ldos.append(kwant.ldos(wire, 1.2, params=dict(phi=phi)))
order = np.array([[wire.id_by_site[lattice(x, y)] for y in range(width)] for x in range(length)])
np.savez(sys.argv[2], G=G, ldos=np.array(ldos)[:, order])
"""


@pytest.mark.skipif(not PYTHON.exists(), reason="Kwant is not installed (scripts/install-kwant.sh .peers/kwant)")
@pytest.mark.parametrize("shape", [(7, 12), (20, 5)])
def test_conductance_and_density(shape, rng, tmp_path):
    onsite = 4 + 0.6 * rng.standard_normal(shape)
    fields = np.array([-0.04, 0.0, 0.013, 0.09])
    np.savez(tmp_path / "in.npz", onsite=onsite, fields=fields)
    subprocess.run([PYTHON, "-W", "ignore", "-c", KWANT, tmp_path / "in.npz", tmp_path / "out.npz"], check=True, timeout=120)
    kwant = np.load(tmp_path / "out.npz")
    wire = mcd.Wire(*shape, fields=fields, energy=1.2)
    np.testing.assert_allclose(wire.conductance(onsite), kwant["G"], atol=1e-10)
    for phi, ldos in zip(fields, kwant["ldos"]):
        np.testing.assert_allclose(wire.ldos(onsite, phi), ldos, atol=1e-9)
