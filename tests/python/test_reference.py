"""Every reference strip: long-double values, and the error that Kwant makes on the same input as the yardstick."""

import numpy as np
import pytest
from conftest import REFERENCE, STRIPS, load, wire_of

SMOOTH = {"flat", "gaussian", "ten_gaussians", "weak", "units", "one_mode", "long", "wide", "odd", "negative"}


@pytest.mark.parametrize("case", STRIPS)
def test_open_modes(case):
    z = load(case)
    np.testing.assert_array_equal(wire_of(z).open_modes, z["open_modes"])


@pytest.mark.parametrize("case", STRIPS)
def test_conductance(case):
    z = load(case)
    best, kwant = z["conductance_best"], z["kwant_error"]
    error = np.abs(wire_of(z).conductance(z["onsite"]) - best)
    assert np.all(error <= 1e-11 * best + 3 * kwant), f"{(error - 1e-11 * best - 3 * kwant).max():.2e} above the bound"


@pytest.mark.parametrize("case", sorted(SMOOTH.intersection(STRIPS)))
def test_conductance_of_smooth_potentials(case):
    z = load(case)
    error = np.abs(wire_of(z).conductance(z["onsite"]) - z["conductance_best"])
    assert error.max() <= 1e-12


def tolerance(z):
    """1e-10 of the largest derivative. In a clean wire every derivative vanishes by symmetry: there 1e-12."""
    return 1e-12 if np.all(z["onsite"] == z["lead_onsite"]) else 1e-10 * np.abs(z["grad"]).max()


@pytest.mark.parametrize("case", STRIPS)
def test_jacobian(case):
    z = load(case)
    if not z["fields_grad"].size:
        pytest.skip(f"strip_{case} has no open mode, hence no gradient")
    J = wire_of(z, z["fields_grad"]).jacobian(z["onsite"])[1]
    assert np.abs(J - z["grad"]).max() <= tolerance(z)


@pytest.mark.parametrize("case", STRIPS)
def test_jacobian_against_differences_of_kwant(case):
    z = load(case)
    if not z["grad_sites"].size:
        pytest.skip(f"strip_{case} has no differences")
    J = wire_of(z, z["grad_sites_field"]).jacobian(z["onsite"])[1]
    ours = J[np.arange(len(J)), z["grad_sites"][:, 0], z["grad_sites"][:, 1]]
    # The differences carry the noise of Kwant's G over their step: their distance from the long-double gradient.
    noise = np.abs(z["grad_difference"] - z["grad_at_sites"])
    assert noise.max() < 1e-9
    assert np.all(np.abs(ours - z["grad_difference"]) <= noise + tolerance(z))


@pytest.mark.parametrize("case", STRIPS)
def test_transmission_eigenvalues(case):
    z = load(case)
    wire = wire_of(z)
    for k in range(0, len(wire.fields), max(1, len(wire.fields) // 6)):
        ours = wire.transmission_eigenvalues(z["onsite"], wire.fields[k])
        best = z["transmission_eigenvalues"][k]
        assert ours.shape == (z["open_modes"][k],)
        assert np.all(np.abs(ours - best[:ours.size]) <= 1e-11 + 3 * z["kwant_error"][k])
        assert not best[ours.size:].any()


@pytest.mark.parametrize("case", STRIPS)
def test_local_density_of_states(case):
    z = load(case)
    wire = wire_of(z)
    for field, best, kwant in zip(z["fields_ldos"], z["ldos"], z["ldos_kwant_error"]):
        error = np.abs(wire.ldos(z["onsite"], field) - best).max()
        assert error <= 1e-11 * max(1, best.max()) + 3 * kwant, f"field {field}"


def test_all_cases_are_there():
    assert len(STRIPS) == 21, f"{REFERENCE} holds {len(STRIPS)} strips"
