"""Any device: the reference devices, derivatives against differences, what bad input gets."""

import mcd
import numpy as np
import pytest
from conftest import REFERENCE

DEVICES = sorted(path.stem[len("device_"):] for path in REFERENCE.glob("device_*.npz"))


def load(name: str) -> dict:
    with np.load(REFERENCE / f"device_{name}.npz") as archive:
        return dict(archive)


def parts(z: dict):
    """What `mcd.Device` takes, of a reference device."""
    first = np.append(0, np.cumsum(z["norbs"]))
    orbitals = lambda sites: np.concatenate([np.arange(first[s], first[s + 1]) for s in sites])
    leads = [mcd.Lead(z[f"lead{i}_h"], z[f"lead{i}_v"], orbitals(z[f"lead{i}_interface"])) for i in range(z["leads"])]
    return (z["rows"], z["cols"], z["values"]), leads, z["energies"]


@pytest.fixture
def chain():
    """Three sites of an infinite chain, E = 0.4: perfect transmission by one mode."""
    return dict(hamiltonian=([0, 1, 1, 2], [1, 0, 2, 1], [-1, -1, -1, -1]), energy=0.4,
                leads=[mcd.Lead([[0]], [[-1]], [0]), mcd.Lead([[0]], [[-1]], [2])])


@pytest.mark.parametrize("name", DEVICES)
def test_reference(name):
    z = load(name)
    device = mcd.Device(*parts(z))
    np.testing.assert_array_equal(device.open_modes, z["open_modes"])
    best = z["transmission_best"]
    np.testing.assert_allclose(device.transmission_matrix(), best, atol=1e-12)
    np.testing.assert_allclose(device.ldos(), z["ldos"], rtol=1e-12, atol=1e-12)
    for k, (to, from_) in enumerate(z["pairs"]):
        g, jacobian = device.jacobian(to, from_)
        np.testing.assert_allclose(g, best[:, to, from_], atol=1e-12)
        np.testing.assert_allclose(jacobian, z["grad"][:, k], rtol=1e-11, atol=1e-11)
        weights = np.linspace(1, 2, device.points)
        np.testing.assert_allclose(device.vjp(to, from_, weights)[1], weights @ jacobian, atol=1e-11)


@pytest.mark.parametrize("name", ["hall_bar", "graphene_zigzag", "rashba"])
def test_blocks_of_the_scattering_matrix(name):
    device = mcd.Device(*parts(load(name)))
    rows, cols = device.pattern
    for point in range(device.points):
        s, modes = device.smatrix(point), device.open_modes[point]
        np.testing.assert_allclose(s.conj().T @ s, np.eye(len(s)), atol=1e-12)
        edges = np.append(0, np.cumsum(modes))
        block = s[edges[1]:edges[2], :edges[1]]
        assert np.sum(abs(block) ** 2) == pytest.approx(device.transmission(1, 0)[point], abs=1e-12)
        psi = np.concatenate([device.wave_function(i, point) for i in range(device.leads)])
        np.testing.assert_allclose((abs(psi) ** 2).sum(axis=0) / (2 * np.pi), device.ldos(point), rtol=1e-11, atol=1e-12)
        currents = device.currents(0, point)
        out = np.bincount(cols, currents, device.orbitals)  # what leaves an orbital towards others
        touched = np.zeros(device.orbitals, bool)
        for interface in device.interfaces:
            touched[interface] = True
        np.testing.assert_allclose(out[~touched], 0, atol=1e-11)


def test_reversed_field():
    """T_ij(B) = T_ji(−B), and so for resistances with current and voltage leads exchanged."""
    z = load("hall_bar")
    there, back = (int(np.flatnonzero(z["param_phi"] == phi)[0]) for phi in (0.06, -0.06))
    device = mcd.Device(*parts(z))
    matrix = device.transmission_matrix()
    np.testing.assert_allclose(matrix[there], matrix[back].T, atol=1e-12)
    hall, exchanged = device.resistance(0, 1, 2, 4), device.resistance(2, 4, 0, 1)
    assert hall[there] == pytest.approx(exchanged[back], rel=1e-11)
    assert abs(hall[0]) < abs(hall[there])


def test_eigenvalues_and_two_terminals():
    z = load("quantum_dot")
    device = mcd.Device(*parts(z))
    for point, expected in enumerate(z["transmission_eigenvalues"][:, 0]):
        found = device.transmission_eigenvalues(1, 0, point)
        np.testing.assert_allclose(found, expected[:len(found)], atol=1e-12)
    np.testing.assert_allclose(device.resistance(0, 1, 0, 1) * device.transmission(1, 0), 1, rtol=1e-11)


def test_circuit():
    """Kirchhoff's laws, and the resistance as a special case."""
    device = mcd.Device(*parts(load("hall_bar")))
    volts, currents = device.circuit({1: 0.5}, {0: 2.0, 4: -1.0})
    np.testing.assert_allclose(currents.sum(axis=1), 0, atol=1e-10)
    np.testing.assert_allclose(currents[:, [0, 2, 3, 4, 5]], [[2, 0, 0, -1, 0]] * device.points, atol=1e-10)
    np.testing.assert_array_equal(volts[:, 1], 0.5)
    shifted, same = device.circuit({1: 1.5}, {0: 2.0, 4: -1.0})
    np.testing.assert_allclose(shifted - volts, 1, atol=1e-9)
    np.testing.assert_allclose(same, currents, atol=1e-9)
    volts, currents = device.circuit({0: 1.0, 1: 0.0})
    np.testing.assert_allclose((volts[:, 2] - volts[:, 4]) / currents[:, 0], device.resistance(0, 1, 2, 4), rtol=1e-9)
    everything = device.circuit(dict(enumerate(volts[3])))[1]
    np.testing.assert_allclose(everything[3], currents[3], atol=1e-9)


def test_noise():
    device = mcd.Device(*parts(load("hall_bar")))
    g, noise = device.noise(1, 0)
    np.testing.assert_array_equal(g, device.transmission(1, 0))
    for point in range(device.points):
        channels = device.transmission_eigenvalues(1, 0, point)
        assert noise[point] == pytest.approx((channels * (1 - channels)).sum(), abs=1e-12)
    np.testing.assert_allclose(device.fano(1, 0), noise / g, rtol=1e-14)


def test_functions_of_transmissions(rng):
    """Their Jacobians: against differences, as a sum of single ones, and of a resistance."""
    z = load("hall_bar")
    device = mcd.Device(*parts(z))
    weights = rng.standard_normal((device.points, device.leads, device.leads))
    combined = sum(weights[:, to, from_, None] * device.jacobian(to, from_)[1]
                   for to in range(device.leads) for from_ in range(device.leads))
    np.testing.assert_allclose(device.combined_jacobian(weights), combined, atol=1e-9)
    np.testing.assert_array_equal(device.combined_jacobian(0 * weights), 0)
    direction = rng.standard_normal(device.orbitals)
    for leads in (0, 1, 2, 4), (0, 3, 2, 0), (1, 4, 5, 5):
        resistance, jac = device.resistance_jacobian(*leads)
        np.testing.assert_allclose(resistance, device.resistance(*leads), rtol=1e-12)
        slope = difference(lambda h: device.resistance(*leads, h * direction))
        np.testing.assert_allclose(jac @ direction, slope, rtol=1e-6, atol=1e-6 * abs(slope).max())
    t, slope = device.jvp(1, 0, direction)
    np.testing.assert_array_equal(t, device.transmission(1, 0))
    np.testing.assert_allclose(slope, difference(lambda h: device.transmission(1, 0, h * direction)), rtol=1e-6, atol=1e-6)


def difference(value, step=2e-5):
    """Central difference, extrapolated once."""
    slope = lambda h: (value(h) - value(-h)) / (2 * h)
    return slope(step) + (slope(step) - slope(2 * step)) / 3


@pytest.mark.parametrize("name", ["cross", "graphene_zigzag", "superconductor"])
def test_derivatives_against_differences(name, rng):
    z = load(name)
    (rows, cols, values), leads, energies = parts(z)
    to, from_ = z["pairs"][0]
    moved = lambda energy, v: mcd.Device((rows, cols, v), leads, energy).transmission(to, from_)
    device = mcd.Device((rows, cols, values), leads, energies)
    _, by_energy = device.derivative(to, from_, energy=1)
    expected = difference(lambda h: moved(energies + h, values))
    np.testing.assert_allclose(by_energy, expected, atol=1e-6 * max(1, abs(expected).max()))

    direction = np.zeros((device.orbitals,) * 2, complex)
    direction[rows, cols] = rng.standard_normal(len(rows)) + 1j * rng.standard_normal(len(rows))
    change = (direction + direction.conj().T)[rows, cols]
    _, along = device.derivative(to, from_, hamiltonian=change)
    expected = difference(lambda h: moved(energies, values + h * change))
    np.testing.assert_allclose(along, expected, atol=1e-6 * max(1, abs(expected).max()))
    _, d = device.hamiltonian_vjp(to, from_)
    np.testing.assert_allclose((d * change).real.sum(axis=1), along, rtol=1e-9, atol=1e-9)

    upper = rows < cols
    hoppings = np.stack([rows, cols], axis=1)[upper]
    _, by = device.jacobian(to, from_, by=hoppings)
    _, onsite = device.jacobian(to, from_)
    total = (by.conj() * change[upper]).real.sum(axis=1) + onsite[:, rows[rows == cols]] @ change[rows == cols].real
    np.testing.assert_allclose(total, along, rtol=1e-9, atol=1e-9)


def test_derivative_through_a_lead(chain):
    """Shifting every energy, the leads' too, is moving the energy the other way."""
    device = mcd.Device(**{**chain, "hamiltonian": ([0, 1, 1, 2, 1], [1, 0, 2, 1, 1], [-1, -1, -1, -1, 0.7])})
    shift = [(np.eye(1), np.zeros((1, 1)))] * 2
    g, by_energy = device.derivative(1, 0, energy=1)
    bare = mcd.Device(([0, 1, 1, 2, 0, 1, 2], [1, 0, 2, 1, 0, 1, 2], [-1, -1, -1, -1, 0, 0.7, 0]), chain["leads"], 0.4)
    h, by_shift = bare.derivative(1, 0, hamiltonian=[0, 0, 0, 0, 1, 1, 1], leads=shift)
    assert g == pytest.approx(h, abs=1e-14) and 0 < g < 1
    assert by_energy == pytest.approx(-by_shift, abs=1e-13)


def test_chain_and_its_self_energies(chain):
    device = mcd.Device(**chain)
    assert device.transmission(1, 0) == pytest.approx(1, abs=1e-14)
    momentum = np.arccos(-0.2)
    sigma = [[-np.exp(1j * momentum)]]
    other = mcd.Device(chain["hamiltonian"], [mcd.SelfEnergy(sigma, [0]), mcd.SelfEnergy(sigma, [2])], 0.4)
    np.testing.assert_array_equal(other.open_modes, [[1, 1]])
    np.testing.assert_allclose(other.transmission_matrix(), device.transmission_matrix(), atol=1e-13)
    np.testing.assert_allclose(other.greens_function(1, 0), device.greens_function(1, 0), atol=1e-13)
    voltages = np.array([1.0, 0.0])
    np.testing.assert_allclose(device.conductance_matrix()[0] @ voltages, [1, -1], atol=1e-13)


def test_onsite_is_added(chain):
    rows, cols, values = chain["hamiltonian"]
    barrier = mcd.Device((rows + [1], cols + [1], values + [0.9]), chain["leads"], chain["energy"])
    assert mcd.Device(**chain).transmission(1, 0, onsite=[0, 0.9, 0]) == pytest.approx(barrier.transmission(1, 0), abs=1e-14)


@pytest.mark.parametrize("change, words", [
    (dict(hamiltonian=([0, 1], [1, 0], [-1, -2])), ["H[0][1]", "conjugate", "Hermitian"]),
    (dict(hamiltonian=([0], [1], [-1])), ["(0, 1)", "no partner"]),
    (dict(hamiltonian=([0, 1, 0], [1, 0, 1], [1, 1, 1])), ["both (0, 1)"]),
    (dict(hamiltonian=([0, -1], [-1, 0], [1, 1])), ["entry 0", "orbitals 0 to"]),
    (dict(hamiltonian=([0, 1], [1, 0], [np.nan, 1])), ["H[0][1] at point 0", "finite"]),
    (dict(hamiltonian=([0, 1], [1, 0], [[1, 1], [1, 1, 1]])), ["values", "as many numbers at every point"]),
    (dict(leads=[]), ["no leads"]),
    (dict(leads=[mcd.Lead([[0]], np.empty((1, 0)), [])]), ["lead 0", "no interface orbitals"]),
    (dict(leads=["left"]), ["leads[0]", "str", "Lead"]),
    (dict(leads=[mcd.Lead([[0]], [[-1]], [7])]), ["lead 0", "orbital 7"]),
    (dict(leads=[mcd.Lead([[0]], [[-1, 0]], [0])]), ["leads[0].hopping", "1, 2)", "1, 1)"]),
    (dict(leads=[mcd.Lead([[0, 1], [0, 0]], [[-1], [0]], [0])]), ["lead: number 0", "point: 0", "Hermitian"]),
    (dict(leads=[mcd.SelfEnergy([[1j]], [0])]), ["leads[0].sigma", "retarded"]),
    (dict(leads=[mcd.Lead([[[0]]] * 3, [[-1]], [0])], energy=[0, 1]), ["energy", "2 entries for 3 points"]),
    (dict(energy=np.inf), ["energy", "finite"]),
    (dict(orbitals=0), ["orbitals", "0"]),
])
def test_bad_input(chain, change, words):
    with pytest.raises(mcd.ArgumentError) as error:
        mcd.Device(**{**chain, **change}).open_modes
    for word in words:
        assert word in str(error.value), error.value


def test_level_at_the_energy_is_named():
    """A level that only a lead without modes touches has no Green's function: the error says where and what to do."""
    closed = mcd.SelfEnergy([[0.0]], [1])
    device = mcd.Device(([0, 1], [0, 1], [0.3, 0.5]), [mcd.SelfEnergy([[-1j]], [0]), closed], [0.5], positions=[[0], [7]])
    np.testing.assert_array_equal(device.transmission(1, 0), 0)
    with pytest.raises(mcd.NumericalError, match=r"point 0.*orbital 1 at \[7\].*bound state.*change the energy"):
        device.greens_function(1, 1)


def test_lead_without_self_energy_is_named(chain):
    """A lead whose end has a state of its own at the energy: Σ has a pole there."""
    trivial = mcd.Lead([[0, 0.5], [0.5, 0]], [[0], [1]], [1])
    device = mcd.Device(**{**chain, "leads": [*chain["leads"], trivial], "energy": [0.3, 0.0]})
    with pytest.raises(mcd.NumericalError, match="lead 2 at point 1: .* pole at the energy 0: change"):
        device.open_modes


def test_bad_calls(chain):
    device = mcd.Device(**chain)
    for call, words in [(lambda: device.transmission(2, 0), ["lead 2", "0 to 1"]), (lambda: device.ldos(1), ["point"]),
                        (lambda: device.jacobian(1, 0, onsite=[1, 2]), ["onsite", "(3,)"]),
                        (lambda: device.jacobian(1, 0, by=[[0, 0]]), ["hopping 0", "different"]),
                        (lambda: device.transmission(1, 0, onsite=[0, np.nan, 0]), ["orbital 1"])]:
        with pytest.raises(mcd.ArgumentError) as error:
            call()
        for word in words:
            assert word in str(error.value), error.value


@pytest.mark.parametrize("name", ["hall_bar", "rashba", "double_barrier", "wire3d"])
def test_plot(name, tmp_path):
    pytest.importorskip("matplotlib")
    z = load(name)
    device = mcd.Device(*parts(z), positions=np.repeat(z["positions"], z["norbs"], axis=0))
    device.plot(path=tmp_path / "sites.png")
    drawn = device.plot(device.ldos(0), path=tmp_path / "ldos.png", label="LDOS")
    assert {a.get_ylabel() for a in drawn.axes} == {"$y$  ($a$)", "LDOS"}
    labels = {t.get_text() for t in drawn.axes[0].texts}
    assert labels == {f"lead {i}" for i in range(device.leads)}


def test_plot_needs_positions(chain):
    with pytest.raises(mcd.ArgumentError, match="positions"):
        mcd.Device(**chain).plot()
