"""The inverse problem on any device: on-site energies, basis functions, Gaussians, hoppings, several curves."""

import pickle

import mcd
import numpy as np
import pytest


def wire_as_device(length, width, fields, taps=()):
    """A strip as a device, with leads of the given (start, width) at its upper side."""
    x, y = (a.ravel() for a in np.indices((length, width)))
    site = np.arange(length * width)
    along, across = site[x < length - 1], site[y < width - 1]
    forth = np.concatenate([along, across])
    back = np.concatenate([along + width, across + 1])
    hops = np.concatenate([-np.exp(2j * np.outer(fields, y[along])), -np.ones((len(fields), len(across)))], axis=1)
    values = np.concatenate([np.full((len(fields), len(site)), 4), hops, hops.conj()], axis=1)
    cell = lambda n: 4 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    through = [np.diag(row) for row in -np.exp(2j * np.outer(fields, np.arange(width)))]
    leads = [mcd.Lead(cell(width), through, np.arange(width)),
             mcd.Lead(cell(width), np.conj(through), site[-width:])]
    leads += [mcd.Lead(cell(n), -np.eye(n), start * width + width - 1 + width * np.arange(n)) for start, n in taps]
    rows, cols = np.concatenate([site, forth, back]), np.concatenate([site, back, forth])
    return mcd.Device((rows, cols, values), leads, 1.2, positions=np.stack([x, y], axis=1))


@pytest.fixture(scope="module")
def device():
    return wire_as_device(9, 8, np.linspace(0, 0.2, 16), taps=[(3, 3)])


def bump(device, x, y, amplitude, radius):
    return amplitude * np.exp(-((device.positions - (x, y)) ** 2).sum(axis=1) / radius**2)


def test_as_the_wire(small, rng):
    """Without taps a device is the wire: the same objective, gradient and search."""
    device = wire_as_device(*small.shape, small.fields)
    start, target = 0.3 * rng.standard_normal(small.shape), small.conductance(4 + 0.3 * rng.standard_normal(small.shape))
    ours = mcd.Problem(device, target, mcd.Sites(start.ravel()))
    theirs = mcd.Problem(small, target, mcd.Sites(4 + start))
    for mine, other in zip(ours.objective(), theirs.objective()):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-9)
    result = mcd.design(ours, stop_objective=-15)
    assert result.objective < -15 and result.conductance.shape == (1, 16) and result.onsite.shape == (72,)
    np.testing.assert_allclose(device.transmission(1, 0, result.onsite), target, atol=1e-6)


def test_several_curves(device, rng):
    """A defect beside a tap is found with its place along the wire, from two curves at once."""
    hidden = bump(device, 4.2, 3.1, 1.5, 1.4)
    target = {(1, 0): device.transmission(1, 0, hidden), (2, 0): device.transmission(2, 0, hidden)}
    problem = mcd.Problem(device, target, mcd.Gaussians(4, 3.3, 1.4, 1.3, free=("x", "y", "amplitude", "radius")))
    assert problem.curves == ((1, 0), (2, 0)) and problem.target.shape == (2, 16) and problem.device is device
    found = mcd.design(problem).parameters
    for name, value in dict(x=4.2, y=3.1, amplitude=1.5, radius=1.4).items():
        assert found[name][0] == pytest.approx(value, abs=1e-6)
    weighted = mcd.Problem(device, target, weights={(2, 0): 0})
    np.testing.assert_array_equal(weighted.weights, [[1] * 16, [0] * 16])


def test_basis_functions_with_bounds(device):
    basis = np.stack([bump(device, 2, 4, 1, 1.5), bump(device, 6, 4, 1, 1.5), bump(device, 4, 2, 1, 2)])
    target = device.transmission(1, 0, np.array([0.5, -0.3, 0.2]) @ basis)
    problem = mcd.Problem(device, target, mcd.Gates(basis, volts=[0.3, -0.1, 0.2], lower=-1, upper=1, frozen=[0, 0, 1]))
    result = mcd.design(problem)
    np.testing.assert_allclose(result.parameters["volts"], [0.5, -0.3, 0.2], atol=1e-6)
    assert mcd.design(mcd.Problem(device, target, mcd.Gates(basis, 0.1, upper=0.25))).parameters["volts"].max() <= 0.25


@pytest.mark.parametrize("kind", ["relative", "real", "complex"])
def test_hoppings(device, rng, kind):
    """Bonds that were changed are found again, and the derivatives are those of differences."""
    rows, cols = device.pattern
    bonds = np.stack([rows, cols], axis=1)[rows < cols][3::29]
    shape = (len(bonds), 2) if kind == "complex" else (len(bonds),)
    hidden = 0.2 * rng.standard_normal(shape)
    curves = [(1, 0), (2, 0)]
    probe = mcd.Problem(device, np.ones((2, 16)), mcd.Hoppings(bonds, kind), curves=curves)
    changed = mcd.Device((rows, cols, probe.hamiltonian(hidden.ravel())), device_leads(device), 1.2)
    target = [changed.transmission(*curve) for curve in curves]
    problem = mcd.Problem(device, target, mcd.Hoppings(bonds, kind, start=hidden + 0.03 * rng.standard_normal(shape)), curves=curves)
    value, gradient = problem.objective()
    for j in range(0, len(problem.start), 3):
        step = 1e-6 * np.eye(len(problem.start))[j]
        slope = (problem.objective(problem.start + step)[0] - problem.objective(problem.start - step)[0]) / 2e-6
        assert gradient[j] == pytest.approx(slope, rel=1e-4, abs=1e-5)
    result = mcd.design(problem)
    assert result.objective < -15
    assert list(result.parameters) == list(problem.labels)
    np.testing.assert_allclose(result.hamiltonian, problem.hamiltonian(result.vector))
    h = np.zeros((device.orbitals, device.orbitals), complex)
    h[rows, cols] = result.hamiltonian[3]
    np.testing.assert_array_equal(h, h.conj().T)


def device_leads(device):
    """The leads of the fixture, made again."""
    fields = np.linspace(0, 0.2, 16)
    cell = lambda n: 4 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    through = [np.diag(row) for row in -np.exp(2j * np.outer(fields, np.arange(8)))]
    return [mcd.Lead(cell(8), through, device.interfaces[0]), mcd.Lead(cell(8), np.conj(through), device.interfaces[1]),
            mcd.Lead(cell(3), -np.eye(3), device.interfaces[2])]


def test_files_and_pickles(device, rng, tmp_path):
    """A search is interrupted, and goes on bit for bit from its file, which holds the device."""
    target = device.transmission(1, 0, bump(device, 4, 3, 1, 1.5))
    problem = mcd.Problem(device, target, mcd.Sites(0.3 * rng.standard_normal(72), ties=np.arange(72) // 2))
    whole = mcd.design(problem, max_evaluations=12)
    half = mcd.design(problem, max_evaluations=5, checkpoint=tmp_path / "run.mcd")
    resumed = mcd.resume(tmp_path / "run.mcd", max_evaluations=12)
    np.testing.assert_array_equal(resumed.onsite, whole.onsite)
    assert half.evaluations < resumed.evaluations
    again = pickle.loads(pickle.dumps(resumed))
    np.testing.assert_array_equal(again.onsite, whole.onsite)
    copy = again.problem.device
    np.testing.assert_array_equal(copy.positions, device.positions)
    np.testing.assert_array_equal(copy.transmission(2, 0), device.transmission(2, 0))
    np.testing.assert_array_equal(copy.open_modes, device.open_modes)


def test_defects_are_located(device):
    """Curves to a side lead tell where along the wire a defect stands: x, y, amplitude and radius to 1e-6, from no start."""
    rng, curves = np.random.default_rng(3), [(1, 0), (2, 0)]
    for _ in range(3):
        hidden = dict(x=rng.uniform(1, 7), y=rng.uniform(1, 6), amplitude=rng.uniform(0.5, 6), radius=rng.uniform(1, 2.5))
        onsite = bump(device, **hidden)
        target = [device.transmission(*curve, onsite) for curve in curves]
        found = mcd.find_defect(device, target, curves=curves)
        assert found.status == "objective" and found.problem.curves == ((1, 0), (2, 0))
        for name, value in hidden.items():
            assert found.parameters[name][0] == pytest.approx(value, abs=1e-6)
            assert found.parameter_errors[name][0] < 1e-6


def test_two_defects_are_located(device):
    hidden = bump(device, 2.1, 2.3, 3, 1.2) + bump(device, 6.4, 4.8, 1.5, 1.6)
    curves = [(1, 0), (2, 0), (2, 1)]
    found = mcd.find_defect(device, [device.transmission(*curve, hidden) for curve in curves], count=2, curves=curves)
    np.testing.assert_allclose(found.onsite, hidden, atol=1e-6)
    assert found.parameters["x"].shape == (2,)


def test_a_search_for_defects_is_refused(device):
    with pytest.raises(mcd.ArgumentError, match="count: 9 defects; give 1 to 8"):
        mcd.find_defect(device, np.ones(16), count=9)
    rows, cols = device.pattern
    nowhere = mcd.Device((rows, cols, np.zeros(len(rows))), device_leads(device), 1.2)
    with pytest.raises(mcd.ArgumentError, match="positions"):
        mcd.find_defect(nowhere, np.ones(16))


def test_plots_of_bonds(device, tmp_path):
    """Currents get arrows, other quantities of bonds colours; a device of many sites is drawn within seconds."""
    pytest.importorskip("matplotlib")
    rows, cols = device.pattern
    pairs = np.stack([rows, cols], axis=1)[rows < cols]
    onsite = bump(device, 4, 4, 2, 1.5)
    slopes = abs(device.jacobian(1, 0, onsite, by=pairs)[1][3])
    currents = device.plot(onsite, bonds=device.currents(0, 3, onsite), label="potential", bond_label="current")
    derivatives = device.plot(path=tmp_path / "bonds.png", bonds=(pairs, slopes), bond_label="|dT/dt|")
    kinds = lambda figure: [type(c).__name__ for c in figure.axes[0].collections]
    assert "Quiver" in kinds(currents) and "Quiver" not in kinds(derivatives)
    assert [ax.get_ylabel() for ax in currents.axes[1:]] == ["potential", "current"]
    assert (tmp_path / "bonds.png").stat().st_size > 10_000
    with pytest.raises(mcd.ArgumentError, match="bonds: shape"):
        device.plot(bonds=np.ones(3))
    large = wire_as_device(200, 60, np.zeros(1))
    drawn = large.plot(bonds=np.sign(np.subtract(*large.pattern)) * 1.0)
    assert sum(len(c.get_offsets()) for c in drawn.axes[0].collections) < 20_000


def test_an_unreachable_target_is_told(device):
    with pytest.warns(mcd.InfeasibleWarning, match="lead 0 to lead 2 .* 16 points"):
        mcd.Problem(device, {(2, 0): np.full(16, 9.0)})


@pytest.mark.parametrize("options, words", [
    (dict(target=np.ones(15)), "target: shape"),
    (dict(curves=[(1, 3)]), "curves: 3; give 0 to 2"),
    (dict(curves=[1]), "pairs"),
    (dict(parametrization=mcd.Sites(mirror="x")), "mirror"),
    (dict(parametrization=mcd.Hoppings([(0, 50)])), r"bonds: \(0, 50\) is no entry"),
    (dict(parametrization=mcd.Directions([np.ones(3)])), "changes"),
    (dict(parametrization=mcd.Directions([])), "at least one"),
    (dict(regularizers=mcd.Smoothness(1)), "smoothness is for wires"),
    (dict(weights=np.ones(7)), "weights"),
])
def test_refused(device, options, words):
    with pytest.raises(mcd.ArgumentError, match=words):
        mcd.Problem(device, **{"target": np.ones(16), **options})


def test_directions_have_to_be_hermitian(device):
    with pytest.raises(mcd.ArgumentError, match="kind"):
        mcd.Hoppings([(0, 1)], kind="full")
    change = np.zeros(len(device.pattern[0]), complex)
    change[100] = 1j
    with pytest.raises(mcd.ArgumentError, match="conjugate"):
        mcd.Problem(device, np.ones(16), mcd.Directions([change]))
    with pytest.raises(mcd.ArgumentError, match="devices"):
        wire = mcd.Wire(length=4, width=3, fields=[0.0], energy=1.2)
        mcd.Problem(wire, [1.0], mcd.Directions([change]))
