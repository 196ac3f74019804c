"""Before and after a search: what can be reached, what the curve determines, the smoothest potential that keeps it."""

import pickle

import mcd
import numpy as np
import pytest
from conftest import TARGETS, gaussian, read_csv


@pytest.fixture
def designed(small, rng):
    target = small.conductance(4 + 0.3 * rng.standard_normal(small.shape))
    problem = mcd.Problem(small, target, mcd.Sites(4 + 0.3 * rng.standard_normal(small.shape)))
    return mcd.design(problem, stop_objective=-4, progress=False)


def test_smoothing_keeps_the_curve_and_evens_the_potential(designed, tmp_path):
    seen = []
    result = mcd.smooth(designed, level=-3, max_evaluations=80, checkpoint=tmp_path / "smooth.mcd", callback=seen.append)
    misfit = np.log(np.linalg.norm(result.problem.wire.conductance(result.onsite) - designed.problem.target))
    assert result.objective == pytest.approx(misfit, abs=1e-6) and misfit <= -3
    assert result.roughness < 0.7 * designed.roughness
    history = result.history
    assert history["roughness"][0] == pytest.approx(designed.roughness)
    kept = history["roughness"][history["objective"] <= -3]
    assert kept.min() == pytest.approx(result.roughness)
    assert seen and not np.isnan(seen[-1].roughness)
    for copy in (mcd.load(tmp_path / "smooth.mcd"), pickle.loads(pickle.dumps(result))):
        np.testing.assert_array_equal(copy.onsite, result.onsite)
        np.testing.assert_array_equal(copy.history["roughness"], history["roughness"])


def test_smoothing_starts_from_a_problem_too(designed):
    problem = mcd.Problem(designed.problem.wire, designed.problem.target, mcd.Sites(designed.onsite))
    np.testing.assert_array_equal(mcd.smooth(problem, max_evaluations=30, progress=False).onsite,
                                  mcd.smooth(designed, max_evaluations=30, progress=False).onsite)


def test_smoothing_refuses_what_it_would_break(designed):
    wire, target = designed.problem.wire, designed.problem.target
    for parametrization in (mcd.Sites(designed.onsite, lower=3), mcd.Sites(mirror="y"), mcd.Sites(filter=2.0),
                            mcd.Gaussians(3, 3, 1, 1)):
        with pytest.raises(mcd.ArgumentError, match="without bounds"):
            mcd.smooth(mcd.Problem(wire, target, parametrization))
    with pytest.raises(mcd.ArgumentError, match="level: NaN"):
        mcd.smooth(designed, level=float("nan"))
    with pytest.raises(mcd.ArgumentError, match="give an mcd.Problem or an mcd.Result"):
        mcd.smooth(designed.onsite)


def test_roughness_is_the_sum_of_squared_steps():
    assert mcd.roughness(np.add.outer(2.0 * np.arange(10), np.zeros(8))) == pytest.approx(4 * 9 * 8)


def test_identify_is_the_singular_value_decomposition(small, designed):
    found = designed.identify(sigma=0.1)
    jacobian = small.jacobian(designed.onsite)[1].reshape(len(small.fields), -1)
    values = np.linalg.svd(jacobian, compute_uv=False)
    np.testing.assert_allclose(found.singular_values, values, atol=1e-10 * values[0])
    np.testing.assert_allclose(found.combinations @ found.combinations.T, np.eye(len(values)), atol=1e-10)
    np.testing.assert_allclose(np.linalg.norm(jacobian @ found.combinations.T, axis=0), values, atol=1e-9 * values[0])
    np.testing.assert_allclose(found.sensitivity, np.linalg.norm(jacobian, axis=0).reshape(small.shape))
    assert found.rank == len(small.fields) and np.all(np.isinf(found.errors))
    assert found.determined(values[3] * 0.999) == 4


def test_identify_gives_the_error_bars_of_least_squares(small):
    curve = small.conductance(gaussian(small, 4, 3, 2, 1.5))
    problem = mcd.Problem(small, curve, mcd.Gaussians(4, 3, 2, 1.5), weights=2.0)
    found = problem.identify(sigma=0.1)
    step, columns = 1e-5, []
    for i in range(3):
        up, down = problem.start, problem.start
        up[i], down[i] = up[i] + step, down[i] - step
        columns.append(2 * (small.conductance(problem.onsite(up)) - small.conductance(problem.onsite(down))) / (2 * step))
    jacobian = np.stack(columns, axis=1)
    np.testing.assert_allclose(found.errors, 0.1 * np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian))), rtol=1e-5)
    with pytest.raises(mcd.ArgumentError, match="sigma: -1"):
        problem.identify(sigma=-1)


@pytest.mark.parametrize("name", ["infeasible_modes", "infeasible_touch", "infeasible_fast", "cusp"])
def test_the_nearest_feasible_curve_is_feasible(paper, name, tmp_path):
    target = read_csv(TARGETS / f"{name}.csv")[1]
    report = paper.feasibility(target)
    nearest = paper.nearest_feasible(target)
    again = paper.feasibility(nearest)
    assert again.bound == 0 and not again.narrow.any()
    np.testing.assert_array_equal(nearest <= paper.open_modes, True)
    if not report.narrow.any():  # then only what is infeasible changes
        np.testing.assert_array_equal((nearest != target), report.excess != 0)
    report.plot(tmp_path / "f.png", nearest)
    assert (tmp_path / "f.png").stat().st_size > 10_000


def test_quantized_sites_keep_values_bounds_and_most_of_the_curve(rng):
    small = mcd.Wire(length=14, width=10, fields=np.linspace(0, 0.2, 16))
    target = small.conductance(4 + 0.3 * rng.standard_normal(small.shape))
    start = mcd.Sites(4 + 0.3 * rng.standard_normal(small.shape), lower=3.05, upper=4.97)
    designed = mcd.design(mcd.Problem(small, target, start), progress=False)
    misfit = lambda onsite: np.log(np.linalg.norm(small.conductance(onsite) - target))
    for given in (designed, mcd.Problem(small, target, mcd.Sites(designed.onsite, lower=3.05, upper=4.97))):
        result = mcd.quantize(given, 0.1, origin=0.02, progress=False)
        levels = (result.onsite - 0.02) / 0.1
        assert np.abs(levels - np.round(levels)).max() < 1e-9
        assert result.objective == pytest.approx(misfit(result.onsite), abs=1e-6)
        assert result.objective < misfit(0.1 * np.round(designed.onsite / 0.1)) - 2
    assert 3.05 <= result.onsite.min() and result.onsite.max() <= 4.97


def test_quantized_gates(small):
    basis = np.zeros((2, *small.shape))
    basis[0, 2], basis[1, 6, :4] = 1, 1
    target = small.conductance(small.clean() + 0.52 * basis[0] - 0.31 * basis[1])
    result = mcd.quantize(mcd.Problem(small, target, mcd.Gates(basis, [0.52, -0.31])), 0.1, progress=False)
    np.testing.assert_allclose(result.parameters["volts"], [0.5, -0.3])


def test_quantization_refuses_what_makes_no_sense(small, designed):
    with pytest.raises(mcd.ArgumentError, match="step: 0"):
        mcd.quantize(designed, 0)
    with pytest.raises(mcd.ArgumentError, match="by sites without filter, or by gates"):
        mcd.quantize(mcd.Problem(small, designed.problem.target, mcd.Sites(filter=2.0)), 0.1)
    with pytest.raises(mcd.ArgumentError, match="no allowed value of onsite\\[0,0\\]"):
        mcd.quantize(mcd.Problem(small, designed.problem.target, mcd.Sites(lower=4.05, upper=4.06)), 0.5)


def test_distinct_outcomes_are_ranked_with_their_differences(small, rng):
    target = small.conductance(4 + 0.3 * rng.standard_normal(small.shape))
    problem = mcd.Problem(small, target, mcd.Sites(4 + 0.3 * rng.standard_normal(small.shape)))
    found = mcd.design(problem, starts=5, distinct=0.05, stop_objective=-6, progress=False)
    for by, measure in (("smoothness", mcd.roughness), ("range", np.ptp),
                        ("sensitivity", lambda onsite: np.linalg.norm(small.jacobian(onsite)[1]))):
        ranking = found.ranked(by, count=3, level=-6)
        assert 2 <= len(ranking.results) <= 3 and np.all(np.diff(ranking.measures) >= 0)
        np.testing.assert_allclose(ranking.measures, [measure(r.onsite) for r in ranking.results])
        off = ranking.differences[~np.eye(len(ranking.results), dtype=bool)]
        assert np.all(off >= 0.05) and np.all(np.diag(ranking.differences) == 0)
    assert not found.ranked(level=-1e9).results
    with pytest.raises(mcd.ArgumentError, match="by: 'beauty'"):
        found.ranked("beauty")


def test_smoothness_in_units_of_the_hopping(small, rng):
    onsite = 4 + 0.2 * rng.standard_normal(small.shape)
    step = mcd.neighbour_step(onsite)
    differences = np.concatenate([np.diff(onsite, axis=axis).ravel() for axis in (0, 1)])
    assert step == pytest.approx(np.sqrt(np.mean(differences**2)))
    target = np.full(16, 1.0)
    plain = mcd.Problem(small, target, mcd.Sites(onsite)).objective()[0]
    priced = mcd.Problem(small, target, mcd.Sites(onsite), regularizers=[mcd.Smoothness.of_step(small, step)]).objective()[0]
    assert priced - plain == pytest.approx(1)
    with pytest.raises(mcd.ArgumentError, match="step: 0"):
        mcd.Smoothness.of_step(small, 0)
