"""What holds for every wire, whatever computes it."""

import mcd
import numpy as np
import pytest
from conftest import gaussian


@pytest.fixture(params=["smooth", "random", "rough", "isolated"])
def potential(request, rng):
    """A wire of odd shape, and potentials from harmless to nasty."""
    wire = mcd.Wire(length=13, width=11, fields=np.linspace(-0.1, 0.23, 9), energy=1.3)
    onsite = wire.clean()
    if request.param == "smooth":
        onsite = gaussian(wire, 6, 4, 3, 2.5)
    elif request.param == "random":
        onsite += 0.5 * rng.standard_normal(onsite.shape)
    elif request.param == "rough":
        onsite[rng.random(onsite.shape) < 0.05] += 1e3
    else:
        onsite[4, 5] = 1e6
    return wire, onsite


def test_scattering_matrix_is_unitary(potential):
    wire, onsite = potential
    for field in (0.0, 0.05, -0.11):
        s = wire.smatrix(onsite, field)
        np.testing.assert_allclose(s.conj().T @ s, np.eye(len(s)), atol=1e-11)


def test_scattering_matrix_agrees_with_conductance_and_eigenvalues(potential):
    wire, onsite = potential
    G = wire.conductance(onsite)
    for k in (0, 4, 8):
        s = wire.smatrix(onsite, wire.fields[k])
        n = wire.open_modes[k]
        assert s.shape == (2 * n, 2 * n)
        assert np.sum(np.abs(s[n:, :n]) ** 2) == pytest.approx(G[k], abs=1e-11)
        eigenvalues = wire.transmission_eigenvalues(onsite, wire.fields[k])
        assert np.sum(eigenvalues) == pytest.approx(G[k], abs=1e-11)
        assert np.all(eigenvalues <= 1 + 1e-12) and np.all(np.diff(eigenvalues) <= 0)


def test_reversed_field_transposes_the_scattering_matrix(potential):
    wire, onsite = potential
    s, reverse = wire.smatrix(onsite, 0.07), wire.smatrix(onsite, -0.07)
    np.testing.assert_allclose(np.linalg.svd(s[: len(s) // 2], compute_uv=False), 1, atol=1e-11)
    n = len(s) // 2
    assert np.sum(np.abs(s[n:, :n]) ** 2) == pytest.approx(np.sum(np.abs(reverse[:n, n:]) ** 2), abs=1e-11)


def test_conductance_is_even_in_the_field(potential):
    wire, onsite = potential
    mirrored = mcd.Wire(*wire.shape, fields=-wire.fields, energy=1.3)
    np.testing.assert_allclose(mirrored.conductance(onsite), wire.conductance(onsite), atol=1e-11)


def test_current_is_conserved(potential):
    """The current of every scattering state is the same through every slice."""
    wire, onsite = potential
    field = 0.08
    psi = wire.states(onsite, field)
    phase = np.exp(2j * field * np.arange(wire.width))  # the hopping from x+1 to x is −t exp(2iφy)
    current = 2 * np.imag(np.sum(psi[:, :-1].conj() * phase * psi[:, 1:], axis=2))
    through = np.sum(np.abs(wire.smatrix(onsite, field)[len(psi):, : len(psi)]) ** 2, axis=0)
    np.testing.assert_allclose(np.abs(current), np.repeat(through[:, None], wire.length - 1, axis=1), atol=1e-10)


def test_states_add_up_to_the_local_density_of_states(potential):
    wire, onsite = potential
    psi = np.concatenate([wire.states(onsite, 0.08, lead=lead) for lead in ("left", "right")])
    np.testing.assert_allclose(np.sum(np.abs(psi) ** 2, axis=0) / (2 * np.pi), wire.ldos(onsite, 0.08), atol=1e-11)


def test_states_solve_the_schroedinger_equation(rng):
    wire = mcd.Wire(length=6, width=5, fields=[0.0], energy=1.3)
    onsite = wire.clean() + 0.3 * rng.standard_normal(wire.shape)
    field = 0.09
    psi = wire.states(onsite, field)
    phase = np.exp(2j * field * np.arange(wire.width))
    inner = psi[:, 1:-1]
    residual = (onsite[1:-1] - 1.3) * inner - phase * psi[:, 2:] - phase.conj() * psi[:, :-2]
    residual[:, :, 1:] -= inner[:, :, :-1]
    residual[:, :, :-1] -= inner[:, :, 1:]
    assert np.abs(residual).max() < 1e-12


def test_shifted_and_mirrored_defects_conduct_alike(paper):
    G = paper.conductance(gaussian(paper, 14.5, 10, 3, 1.5))
    np.testing.assert_allclose(paper.conductance(gaussian(paper, 15.5, 10, 3, 1.5)), G, atol=1e-10)
    np.testing.assert_allclose(paper.conductance(gaussian(paper, 14.5, 19, 3, 1.5)), G, atol=1e-10)


def test_jacobian_against_central_differences(potential, rng):
    wire, onsite = potential
    G, J = wire.jacobian(onsite)
    np.testing.assert_array_equal(G, wire.conductance(onsite))
    direction = rng.standard_normal(onsite.shape)
    step = 1e-4
    plus, minus, plus2, minus2 = (wire.conductance(onsite + s * step * direction) for s in (1, -1, 2, -2))
    difference = (8 * (plus - minus) - (plus2 - minus2)) / (12 * step)
    slope = np.tensordot(J, direction)
    np.testing.assert_allclose(slope, difference, atol=2e-8 * np.abs(J).max() * np.abs(direction).sum() + 1e-9)


def test_vjp_is_the_weighted_jacobian(potential, rng):
    wire, onsite = potential
    weights = rng.standard_normal(len(wire.fields))
    G, J = wire.jacobian(onsite)
    value, gradient = wire.vjp(onsite, weights)
    scale = np.abs(J).max()
    np.testing.assert_allclose(value, G, atol=1e-12)
    np.testing.assert_allclose(gradient, np.tensordot(weights, J, axes=1), atol=1e-11 * scale)
    np.testing.assert_allclose(wire.vjp(onsite)[1], J.sum(axis=0), atol=1e-11 * scale)


@pytest.mark.parametrize("kind", ["field", "energy"])
def test_derivative_by_field_and_energy(kind, rng):
    def wire(shift=0.0):
        by_field = shift if kind == "field" else 0.0
        return mcd.Wire(length=10, width=9, fields=np.linspace(0.01, 0.1, 7) + by_field, energy=1.3 + shift - by_field)

    onsite = 4 + 0.4 * rng.standard_normal((10, 9))
    G, slope = getattr(wire(), f"{kind}_derivative")(onsite)
    np.testing.assert_allclose(G, wire().conductance(onsite), atol=1e-12)
    step = 1e-5
    difference = (8 * (wire(step).conductance(onsite) - wire(-step).conductance(onsite))
                  - (wire(2 * step).conductance(onsite) - wire(-2 * step).conductance(onsite))) / (12 * step)
    np.testing.assert_allclose(slope, difference, rtol=1e-7, atol=1e-7)


def test_impurity_in_a_chain():
    """One site in a chain: T = 4 sin²k / (4 sin²k + U²), with E = 4 − 2 cos k for the chain's leads."""
    k = np.linspace(0.2, 2.9, 30)
    wire = mcd.Wire(length=3, width=1, fields=np.zeros(k.size), energy=4 - 2 * np.cos(k))
    for U in (0.7, -3.0, 1e6):
        onsite = wire.clean()
        onsite[1, 0] += U
        exact = 4 * np.sin(k) ** 2 / (4 * np.sin(k) ** 2 + U**2)
        np.testing.assert_allclose(wire.conductance(onsite), exact, rtol=1e-11)


def test_breit_wigner():
    """Between two high barriers: 1/T − 1 grows with the square of the distance from the resonance."""
    onsite = np.array([4.0, 24.0, 4.0, 24.0, 4.0])[:, None]

    def transmission(energies):
        return mcd.Wire(length=5, width=1, fields=np.zeros(len(energies)), energy=energies).conductance(onsite)

    centre, half = 4.0, 2.0
    for _ in range(40):  # narrows down the resonance on ever finer grids
        grid = np.linspace(centre - half, centre + half, 41)
        centre, half = grid[np.argmax(transmission(grid))], half / 2
    width = 1e-3
    detuning = width * np.array([-2, -1, 0, 1, 2])
    lorentzian = 1 / transmission(centre + detuning) - 1
    assert lorentzian[2] == pytest.approx(0, abs=1e-10)  # symmetric barriers: full transmission
    np.testing.assert_allclose(lorentzian[[0, 4]] / lorentzian[[1, 3]], 4, rtol=0.03)


def test_outside_the_band_nothing_flows():
    wire = mcd.Wire(length=4, width=3, fields=[0.0, 0.1], energy=-5.0)
    assert not wire.open_modes.any()
    assert not wire.conductance(wire.clean()).any()
    G, J = wire.jacobian(wire.clean())
    assert not G.any() and not J.any()
    assert wire.smatrix(wire.clean()).shape == (0, 0)
    assert wire.states(wire.clean()).shape == (0, 4, 3)
    assert not wire.ldos(wire.clean()).any()


def test_a_clean_wire_transmits_every_mode(paper):
    np.testing.assert_allclose(paper.conductance(paper.clean()), paper.open_modes, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 5), (40, 3), (3, 40)])
def test_every_shape(shape, rng):
    wire = mcd.Wire(*shape, fields=[0.0, 0.03, -0.2], energy=1.9)
    onsite = wire.clean() + 0.3 * rng.standard_normal(shape)
    G, J = wire.jacobian(onsite)
    assert np.all(G >= 0) and np.all(G <= wire.open_modes + 1e-12)
    assert J.shape == (3, *shape)
    s = wire.smatrix(onsite, 0.03)
    np.testing.assert_allclose(s.conj().T @ s, np.eye(len(s)), atol=1e-11)


def test_units(rng):
    """Energies scale with the hopping."""
    onsite = 4 + 0.3 * rng.standard_normal((8, 7))
    plain = mcd.Wire(8, 7, fields=[0.0, 0.06], energy=1.2)
    scaled = mcd.Wire(8, 7, fields=[0.0, 0.06], energy=1.2 * 2.5, hopping=2.5, lead_onsite=10.0)
    (G, J), (g, j) = plain.jacobian(onsite), scaled.jacobian(2.5 * onsite)
    np.testing.assert_allclose(g, G, atol=1e-12)
    np.testing.assert_allclose(2.5 * j, J, atol=1e-11)


def test_threads_do_not_change_a_bit(rng):
    onsite = 4 + 0.4 * rng.standard_normal((20, 17))
    results = []
    for threads in (1, 2, 3, 2):
        wire = mcd.Wire(20, 17, fields=np.linspace(0, 0.12, 37), energy=1.2, threads=threads)
        assert wire.threads == threads
        G, J = wire.jacobian(onsite)
        results.append((wire.conductance(onsite), G, J, wire.vjp(onsite)[1], wire.ldos(onsite, 0.05)))
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)


def test_fields_in_tesla():
    """a = 1 nm: one flux quantum through a square of a² takes 4.1 kT."""
    assert mcd.tesla(np.pi, 1e-9) == pytest.approx(4135.667696923859)
    assert mcd.dimensionless_field(mcd.tesla(0.03, 2e-9), 2e-9) == pytest.approx(0.03)
