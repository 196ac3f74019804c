"""mcd.from_kwant: live devices beside the reference data, functions that take no arrays, errors."""

import pytest
from test_kwant import PYTHON
from test_kwant_solver import python

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="Kwant is not installed (scripts/install-kwant.sh .peers/kwant)")

REFERENCES = """
import pathlib, devices, mcd, numpy as np
for build in devices.DEVICES:
    device = build()
    swept = {name: [p[name] for p in device.params] for name in device.params[0]}
    ours = mcd.from_kwant(device.system, device.energies, sweep=swept)
    with np.load(pathlib.Path(devices.__file__).with_name(f"device_{build.__name__}.npz")) as z:
        np.testing.assert_array_equal(ours.open_modes, z["open_modes"], err_msg=build.__name__)
        np.testing.assert_allclose(ours.transmission_matrix(), z["transmission_best"], atol=1e-12, err_msg=build.__name__)
        np.testing.assert_allclose(ours.ldos(), z["ldos"], rtol=1e-12, atol=1e-12, err_msg=build.__name__)
        (to, from_), grad = z["pairs"][0], z["grad"][:, 0]
        np.testing.assert_allclose(ours.jacobian(to, from_)[1], grad, rtol=1e-11, atol=1e-11, err_msg=build.__name__)
"""

FUNCTIONS = """
import cmath, kwant, mcd, numpy as np
calls = []
def arrays(a, b, phi): return -np.exp(-1j * phi * (a.pos[0] - b.pos[0]) * (a.pos[1] + b.pos[1]))
def scalars(a, b, phi): return -cmath.exp(-1j * phi * (a.pos[0] - b.pos[0]) * (a.pos[1] + b.pos[1]))
def branches(a, b, phi): return scalars(a, b, phi) if phi > 0 else arrays(a, b, phi)
def wrong(a, b, phi): return arrays(a, b, phi) * (1 if np.ndim(phi) == 0 else 1.01)
def onsite(site, well):
    calls.append(site)
    return 4 + well * site.pos[1]
lattice = kwant.lattice.square(norbs=1)
def ribbon(hopping, onsite=onsite, lattice=lattice, far=4):
    wire, lead = kwant.Builder(), kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    wire[(lattice(x, y) for x in range(5) for y in range(4))] = onsite
    lead[(lattice(0, y) for y in range(4))] = far
    wire[lattice.neighbors()] = lead[lattice.neighbors()] = hopping
    wire.attach_lead(lead)
    wire.attach_lead(lead.reversed())
    return wire.finalized()
fields = np.linspace(-0.1, 0.1, 7)
for hopping in arrays, scalars, branches, wrong:
    system = ribbon(hopping)
    device = mcd.from_kwant(system, 1.2, dict(well=0.03), sweep=("phi", fields))
    expected = [kwant.smatrix(system, 1.2, params=dict(well=0.03, phi=f)).transmission(1, 0) for f in fields]
    np.testing.assert_allclose(device.transmission(1, 0), expected, atol=1e-11, err_msg=hopping.__name__)
energies = np.linspace(0.5, 1.5, 5)
device = mcd.from_kwant(system, energies, dict(well=0.03, phi=0.02))
expected = [kwant.smatrix(system, e, params=dict(well=0.03, phi=0.02)).transmission(1, 0) for e in energies]
np.testing.assert_allclose(device.transmission(1, 0), expected, atol=1e-11)
assert device.positions.shape == (20, 2)

calls.clear()
mcd.from_kwant(ribbon(arrays), 1.2, dict(well=0.03), sweep=("phi", np.linspace(0, 0.1, 1000)))
assert len(calls) <= 3 * 20  # for all sites at once, and for Kwant's own values

# What many sites at once would mislead, or arrays in general.
where = {(x, y): 0.01 * x * y for x in range(5) for y in range(4)}
def pole(site, phi):
    try:
        return 1 / (site.tag[0] - 2) * phi
    except ZeroDivisionError:
        return 0.3
misleading = [
    pole,
    lambda site, phi: phi * kwant.digest.uniform(repr(site)),
    lambda site, phi: phi * np.linalg.norm(site.pos),
    lambda site, phi: phi * where[site.tag],
    lambda site, phi: phi if site.tag[0] == 2 else 0,
    lambda site, phi: 0.1 * max(site.pos),
    lambda site, phi: float(phi) * (site.pos[0] - site.tag[1]),
    lambda site, phi: np.where(site.tag[0] > 2, phi, site.pos[1]),
    lambda site, phi: phi * site.family.norbs * (site.family == lattice),
]
def turns(a, b, phi): return np.exp(1j * phi * (a.pos[0] - b.pos[0]) * b.pos[1]) * np.array([[-1, 0.2], [-0.2, -1]])
matrices = [
    lambda site, phi: np.eye(2) * (4 + phi * site.pos[0]) + phi * np.array([[0, 1j], [-1j, 0]]),
    lambda site, phi: np.array([[4 + phi, 0.1], [0.1, 4 - phi * site.tag[0]]]),
    lambda site, phi: 4 * np.eye(2) if phi > 0 else 3 * np.eye(2),
]
systems = [ribbon(arrays, value, far=0) for value in misleading]
systems += [ribbon(turns, value, kwant.lattice.square(norbs=2), 4 * np.eye(2)) for value in matrices]
for k, system in enumerate(systems):
    device = mcd.from_kwant(system, 1.2, sweep=("phi", fields))
    expected = [kwant.smatrix(system, 1.2, params=dict(phi=f)).transmission(1, 0) for f in fields]
    np.testing.assert_allclose(device.transmission(1, 0), expected, atol=1e-11, err_msg=str(k))

class Only:
    def __init__(self, lead): self.lead, self.parameters = lead, lead.parameters
    def selfenergy(self, energy, args=(), *, params=None): return self.lead.selfenergy(energy, args, params=params)
mixed = ribbon(arrays)
mixed.leads[0] = Only(mixed.leads[0])
device = mcd.from_kwant(mixed, 1.2, dict(well=0.03), sweep=("phi", fields))
system = ribbon(arrays)
expected = [kwant.smatrix(system, 1.2, params=dict(well=0.03, phi=f)).transmission(1, 0) for f in fields]
np.testing.assert_allclose(device.transmission(1, 0), expected, atol=1e-11)

# Conditions and functions of numbers still are computed for many sites at a time.
import math
from cmath import exp
count = 0
def arm(site): return site.tag[1] < 1 or site.tag[1] >= 3
def peierls(a, b, phi):
    global count
    count += 1
    turn = -phi * (a.pos[0] - b.pos[0]) * (a.pos[1] + b.pos[1])
    return exp(1j * turn) if arm(a) and not arm(b) else complex(math.cos(turn), math.sin(turn))
def local(turn):
    def hopping(a, b, phi): return -turn(a, b, phi) if phi != 0 or a.tag[0] > 2 else -1
    return hopping
some = {lattice(1, 1), lattice(2, 3)}
several = [
    lambda site, phi: 4 + (phi if site in some else 0),
    lambda site, phi: 4 + {lattice(1, 1): phi}.get(site, 0),
    lambda site, phi: 4 + (phi if site.tag in [(1, 1), (2, 3)] else 0),
    lambda site, phi: 4 + (phi if site == lattice(1, 1) else 0),
    lambda site, phi: 4 + (phi if site.tag == (1, 1) else 0),
    lambda site, phi: 4 + phi * math.sqrt(site.pos[0]) * int(site.pos[1]),
    lambda site, phi: 4 + (phi if site.pos[0] > 30 * phi + 1 else 0),
    lambda site, phi: 4 + phi * [site.tag[0] + 7 * site.tag[1] == k for k in range(100)].index(True),
]
for k, onsite_ in enumerate(several):
    other = ribbon(local(peierls), onsite_)
    device = mcd.from_kwant(other, 1.2, sweep=("phi", fields))
    for at, field in enumerate(fields):
        theirs = other.hamiltonian_submatrix(params=dict(phi=field), sparse=True).tocsr()
        ours = type(theirs)((device._values()[at], device.pattern), shape=theirs.shape)
        assert abs(ours - theirs).max() <= 4e-15, (k, at)
count = 0
mcd.from_kwant(ribbon(local(peierls), 4), 1.2, sweep=("phi", np.linspace(0, 0.1, 1000)))
assert count < 500, count  # twice Kwant's own values, and some

def refused(kind, text, call):
    try:
        call()
    except kind as error:
        assert text in str(error), error
    else:
        raise AssertionError(f"no {kind.__name__}: {text}")
refused(TypeError, "well", lambda: mcd.from_kwant(system, 1.2, sweep=("phi", fields)))
refused(TypeError, "Builder", lambda: mcd.from_kwant(kwant.Builder()))
refused(mcd.ArgumentError, "energy: 2 values for 7 points", lambda: mcd.from_kwant(system, [1, 2], dict(well=0), sweep=("phi", fields)))
refused(mcd.ArgumentError, "at point 0", lambda: mcd.from_kwant(system, 1, dict(well=np.nan, phi=0)))
refused(mcd.ArgumentError, "'ph' is none of the system's parameters; they are: phi, well",
        lambda: mcd.from_kwant(system, 1, dict(well=0, phi=0), sweep=("ph", fields)))
hole = ribbon(arrays, lambda site, phi: np.sqrt(0.05 - phi) if site.tag == (2, 1) else 4)
refused(mcd.ArgumentError, "the value of site (2, 1) at point 5 (phi=0.0666667) is",
        lambda: mcd.from_kwant(hole, 1, sweep=("phi", fields)))
hole.leads[1].onsites[0] = (lambda site, phi: np.nan), ("phi",)
refused(mcd.ArgumentError, "lead 1: the value of site (0, 0) at point 0", lambda: mcd.from_kwant(hole, 1, sweep=("phi", fields / 3)))
for value in np.eye(2), lambda site: np.eye(2), lambda site, phi: phi * np.eye(2), lambda site, phi: [phi, 1]:
    refused(mcd.ArgumentError, "but 1 and 1 orbitals stand there; give values of shape (1, 1), or the lattice another norbs",
            lambda: mcd.from_kwant(ribbon(arrays, value), 1, sweep=("phi", fields)))
refused(mcd.ArgumentError, "Hermitian", lambda: mcd.from_kwant(system, 1, dict(well=1j), sweep=("phi", fields)))
"""

BLOCKS = """
import devices, kwant, mcd, numpy as np
normal = devices.superconductor()
system, fields = normal.system, [p["phi"] for p in normal.params]
whole = mcd.from_kwant(system, normal.energies, dict(mu=1.7), sweep=("phi", fields))
cells = [[np.array([of(params=p) for p in normal.params]) for of in (lead.cell_hamiltonian, lead.inter_cell_hopping)]
         for lead in system.leads]
touched = whole.interfaces[0]
blocks = [mcd.Lead(*(m[:, k::2, k::2] for m in cells[0]), touched[k::2]) for k in range(2)]  # electrons, holes
device = mcd.Device((*whole.pattern, whole._values()), [*blocks, mcd.Lead(*cells[1], whole.interfaces[1])], normal.energies)
np.testing.assert_array_equal(device.open_modes[:, :2].sum(axis=1), whole.open_modes[:, 0])
andreev, normal_, away = device.transmission(1, 0), device.transmission(0, 0), device.transmission(2, 0)
for k, (energy, params) in enumerate(zip(normal.energies, normal.params)):
    s = kwant.smatrix(system, energy, params=params)
    np.testing.assert_allclose([andreev[k], normal_[k], away[k]],
                               [s.transmission((0, 1), (0, 0)), s.transmission((0, 0), (0, 0)), s.transmission(1, (0, 0))], atol=1e-10)
g, J = device.jacobian(1, 0)
step = np.zeros(device.orbitals)
step[7] = 1e-5
slope = (device.transmission(1, 0, step) - device.transmission(1, 0, -step)) / 2e-5
np.testing.assert_allclose(J[:, 7], slope, atol=1e-7)
"""

HALL = """
import devices, mcd, numpy as np
arms = (6, 13, 1), (26, 33, 1), (6, 13, -1), (26, 33, -1)
bar = devices.hall_bar(40, 20, arms, stub=2, disorder=0.1, energy=0.8, phi=0)
hall = mcd.from_kwant(bar.system, 0.8, sweep=("phi", np.array([0.07, 0.1, 0.12, 0.16, 0.2, 0.3])))
modes = hall.open_modes[:, 0]
np.testing.assert_array_equal(modes, [3, 2, 2, 1, 1, 1])
np.testing.assert_allclose(hall.resistance(0, 1, 2, 4), -1 / modes, rtol=1e-3)  # R_xy
np.testing.assert_allclose(hall.resistance(0, 1, 2, 3), 0, atol=1e-3)           # R_xx
R, J = hall.resistance_jacobian(0, 1, 2, 4)
assert abs(J[-2:]).max() < 1e-9  # no impurity matters on the plateau
"""


def test_reference_devices():
    python("-c", REFERENCES)


def test_value_functions():
    python("-c", FUNCTIONS)


def test_blocks_of_a_conservation_law():
    python("-c", BLOCKS)


def test_quantum_hall_effect():
    python("-c", HALL)
