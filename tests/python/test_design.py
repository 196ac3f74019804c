"""From a curve to a potential: searches as a user runs them."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import warnings

import mcd
import numpy as np
import pytest
from conftest import TARGETS, gaussian, load, read_csv


@pytest.fixture
def problem(small, rng):
    """A curve that some potential shows, and a start away from it."""
    target = small.conductance(4 + 0.3 * rng.standard_normal(small.shape))
    return mcd.Problem(small, target, mcd.Sites(4 + 0.3 * rng.standard_normal(small.shape)))


def bits(result):
    return [result.onsite, result.conductance, result.vector, result.history["objective"]]


def assert_same(a, b):
    for left, right in zip(bits(a), bits(b)):
        np.testing.assert_array_equal(left, right)


def test_hidden_defect_is_found(paper):
    target = paper.conductance(gaussian(paper, 15, 10, 10, 2))
    result = mcd.find_defect(paper, target)
    found = {name: values[0] for name, values in result.parameters.items()}
    assert found["amplitude"] == pytest.approx(10, abs=1e-3)
    assert found["radius"] == pytest.approx(2, abs=1e-3)
    assert min(abs(found["y"] - 10), abs(found["y"] - 19)) < 1e-3  # the mirror image has the same curve
    assert result.objective < -8
    assert np.abs(result.conductance - target).max() < 1e-3
    assert set(result.parameter_errors) == {"x", "y", "amplitude", "radius"}
    assert result.parameter_errors["x"][0] == 0  # not varied: x does not change the curve
    assert result.parameter_errors["radius"][0] >= 0


def test_noise_gives_error_bars(paper, rng):
    sigma = 1e-3
    target = paper.conductance(gaussian(paper, 15, 7, 3, 2)) + sigma * rng.standard_normal(101)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mcd.InfeasibleWarning)
        result = mcd.find_defect(paper, target, sigma=sigma)
    for name, true in (("amplitude", 3), ("radius", 2)):
        error = result.parameter_errors[name][0]
        assert 0 < error < 0.2
        assert abs(result.parameters[name][0] - true) < 5 * error


def test_skyline(paper, rng):
    """The paper's kind of target: the silhouette of a building, followed by a wire of 900 free sites."""
    target = mcd.trace(TARGETS / "colosseum.png", paper.fields)
    start = mcd.Sites(4 + 0.3 * rng.standard_normal(paper.shape))
    result = mcd.design(mcd.Problem(paper, target, start), stop_objective=-3, max_evaluations=200)
    assert result.status == "objective" and result.objective < -3
    assert np.linalg.norm(paper.conductance(result.onsite) - target) < np.exp(-3)


def test_levenberg_marquardt_reaches_the_last_digits(problem, small):
    result = mcd.design(problem, stop_objective=-20, max_evaluations=300)
    assert result.objective < -20
    np.testing.assert_allclose(result.conductance, problem.target, atol=1e-8)
    np.testing.assert_array_equal(result.conductance, small.conductance(result.onsite))
    assert result.evaluations <= 300
    np.testing.assert_array_equal(result.parameters["onsite"], result.onsite)
    history = result.history
    assert history["objective"][0] == pytest.approx(problem.objective()[0], rel=1e-12) and np.all(np.diff(history["evaluations"]) >= 0)
    assert history["objective"].min() == result.objective


@pytest.mark.parametrize("method", ["lm", "lbfgs", "rmsprop", "adabelief", "adam"])
def test_every_method_descends_and_repeats_itself(problem, method):
    first, again = (mcd.design(problem, method=method, max_evaluations=40) for _ in range(2))
    start = problem.objective()[0]
    assert first.objective < start - 0.1
    assert first.evaluations <= 40
    assert_same(first, again)


def test_first_order_methods_follow_their_schedule(problem):
    halted = mcd.design(problem, method="adam", max_evaluations=30, learning_rate=0.02, schedule=[(5, 1e-12)])
    objective = halted.history["objective"]
    assert np.ptp(objective[8:]) < 1e-9 and np.all(np.abs(np.diff(objective[:5])) > 1e-6)
    named = mcd.design(problem, method="rmsprop", max_evaluations=10, schedule="paper-sites")
    assert named.objective < problem.objective()[0]


def test_multi_start_ranks_distinct_outcomes(problem):
    result = mcd.design(problem, starts=4, spread=0.2, max_evaluations=400, stop_objective=-30, seed=3)
    objectives = [outcome.objective for outcome in result.outcomes]
    assert objectives == sorted(objectives) and objectives[0] == result.objective
    assert_same(result, mcd.design(problem, starts=4, spread=0.2, max_evaluations=400, stop_objective=-30, seed=3))


def test_bounds_frozen_and_tied_sites(small, rng):
    target = small.conductance(4 + 0.3 * rng.standard_normal(small.shape))
    start = 4 + 0.1 * rng.uniform(-1, 1, small.shape)
    frozen = rng.random(small.shape) < 0.3
    ties = np.full(small.shape, -1)
    ties[0, :] = 0
    ties[frozen] = -1
    sites = mcd.Sites(start, lower=3.8, upper=4.2, frozen=frozen, ties=ties)
    onsite = mcd.design(mcd.Problem(small, target, sites), max_evaluations=30).onsite
    np.testing.assert_array_equal(onsite[frozen], start[frozen])
    assert onsite.min() >= 3.8 and onsite.max() <= 4.2
    assert len(set(onsite[ties == 0])) == 1
    assert np.abs(onsite - start).max() > 1e-3


def test_gaussians_with_bounds(small):
    target = small.conductance(gaussian(small, 4, 2, 2, 1.5))
    guess = mcd.Gaussians(x=4, y=2.3, amplitude=1.8, radius=1.4, bounds={"y": (0, 7)})
    result = mcd.design(mcd.Problem(small, target, guess), stop_objective=-20, max_evaluations=200)
    assert result.problem.labels == ("y[0]", "amplitude[0]", "radius[0]")
    assert result.parameters["x"] == [4]
    assert result.parameters["amplitude"][0] == pytest.approx(2, abs=1e-6)
    assert result.parameters["y"][0] == pytest.approx(2, abs=1e-6)


def test_mirrored_and_filtered_sites(small, rng):
    target = 0.6 * small.open_modes
    start = 4 + 0.3 * rng.standard_normal(small.shape)
    mirrored = mcd.design(mcd.Problem(small, target, mcd.Sites(start, mirror="y")), max_evaluations=10).onsite
    np.testing.assert_array_equal(mirrored, mirrored[:, ::-1])
    filtered = mcd.design(mcd.Problem(small, target, mcd.Sites(start, filter=2.5)), max_evaluations=10)
    assert np.abs(np.diff(filtered.onsite, axis=0)).max() < np.abs(np.diff(filtered.parameters["onsite"], axis=0)).max()


def test_gates(small, rng):
    basis = rng.random((6, *small.shape))
    volts = 0.2 * rng.standard_normal(6)
    target = small.conductance(small.clean() + np.tensordot(volts, basis, axes=1))
    gates = mcd.Gates(basis, volts=0.9 * volts + 0.01, lower=-1, upper=1)
    result = mcd.design(mcd.Problem(small, target, gates), max_evaluations=200, stop_objective=-20)
    assert result.objective < -10
    np.testing.assert_allclose(result.onsite, small.clean() + np.tensordot(result.parameters["volts"], basis, axes=1))


def test_smoothness_makes_smoother_potentials(problem, small):
    def roughness(onsite):
        return np.sum(np.diff(onsite, axis=0) ** 2) + np.sum(np.diff(onsite, axis=1) ** 2)

    plain = mcd.design(problem, method="adam", max_evaluations=60)
    smooth = mcd.design(mcd.Problem(small, problem.target, mcd.Sites(problem.start.reshape(small.shape)),
                                    regularizers=[mcd.Smoothness(1.0)]), method="adam", max_evaluations=60)
    assert roughness(smooth.onsite) < 0.9 * roughness(plain.onsite)


def test_objective_is_the_papers_and_its_gradient_exact(problem, small, rng):
    weights = rng.random(small.fields.size)
    weighted = mcd.Problem(small, problem.target, mcd.Sites(problem.start.reshape(small.shape)), weights=weights)
    value, gradient = weighted.objective()
    residual = weights * (small.conductance(weighted.onsite()) - problem.target)
    assert value == pytest.approx(np.log(np.linalg.norm(residual)))
    direction = rng.standard_normal(gradient.shape)
    step = 1e-5
    slope = (weighted.objective(weighted.start + step * direction)[0]
             - weighted.objective(weighted.start - step * direction)[0]) / (2 * step)
    assert gradient @ direction == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("target", ["infeasible_modes", "infeasible_touch"])
def test_infeasible_targets_are_named(paper, target):
    curve = read_csv(TARGETS / f"{target}.csv")[1]
    feasibility = paper.feasibility(curve)
    excess = np.maximum(curve - paper.open_modes, 0)
    np.testing.assert_allclose(feasibility.excess, excess, atol=1e-12)
    assert feasibility.bound == pytest.approx(np.linalg.norm(excess))
    assert feasibility.report == str(feasibility) != ""
    with pytest.warns(mcd.InfeasibleWarning, match="0.0"):
        problem = mcd.Problem(paper, curve, mcd.Sites(4.3))
    result = mcd.design(problem, max_evaluations=3)
    assert "infeasible by at least" in result.message


def test_features_below_one_flux_quantum_are_reported(paper):
    curve = 2 + 0.5 * np.cos(2 * np.pi * paper.fields / 0.0024)
    assert paper.feasibility(curve).narrow.any()
    assert not paper.feasibility(2 + paper.fields).narrow.any()


def test_callback_sees_every_iteration_and_can_stop(problem):
    seen = []
    result = mcd.design(problem, max_evaluations=20, callback=seen.append)
    assert seen and all(isinstance(p, mcd.Progress) for p in seen)
    assert seen[-1].evaluations <= result.evaluations

    def stop(progress):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        mcd.design(problem, max_evaluations=20, callback=stop)


def test_time_limit(paper, rng):
    problem = mcd.Problem(paper, paper.open_modes * 0.5, mcd.Sites(4 + 0.3 * rng.standard_normal(paper.shape)))
    result = mcd.design(problem, method="adam", max_evaluations=10**6, time_limit=0.3)
    assert result.status == "time" and result.seconds < 3


PRESS = """
    import mcd, numpy as np, os, signal, sys, threading, time
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background leaves it ignored
    pressed = []
    def press():
        pressed.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)
"""

INTERRUPTED = PRESS + """
    wire = mcd.Wire(30, 30, np.linspace(0, 0.12, 101), 1.2)
    start = 4 + 0.3 * np.random.default_rng(0).standard_normal((30, 30))
    problem = mcd.Problem(wire, 0.5 * wire.open_modes, mcd.Sites(start))
    def press_once_it_runs():
        while not os.path.exists(sys.argv[1]):
            time.sleep(0.01)
        press()
    threading.Thread(target=press_once_it_runs).start()
    result = mcd.design(problem, method="adam", max_evaluations=0, checkpoint=sys.argv[1], checkpoint_interval=0.2)
    print(time.perf_counter() - pressed[0], result.status, result.objective < problem.objective()[0])
"""

INTERRUPTED_CALL = PRESS + """
    wire = mcd.Wire(1500, 50, np.linspace(0, 0.02, 64), 1.2)
    wire.open_modes
    threading.Timer(float(sys.argv[1]), press).start()
    try:
        while True:
            wire.conductance(wire.clean())
    except KeyboardInterrupt:
        print(time.perf_counter() - pressed[0])
"""


def run_script(script, *arguments, timeout=60):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)], capture_output=True,
                          text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_interrupted_search_keeps_the_best_point(tmp_path):
    seconds, status, better = run_script(INTERRUPTED, tmp_path / "run.mcd")
    assert float(seconds) < 0.5 and status == "cancelled" and better == "True"
    assert mcd.load(tmp_path / "run.mcd").problem.wire.shape == (30, 30)


@pytest.mark.parametrize("after", [0.05, 0.1, 0.5])  # seconds: gigabytes are taken, a first sweep, later ones
def test_interrupted_call_raises(after):
    (seconds,) = run_script(INTERRUPTED_CALL, after)
    assert float(seconds) < 0.5


INTERRUPTED_OBJECTIVE = PRESS + """
    wire = mcd.Wire(100, 100, np.linspace(0, 0.02, 101), 1.2)
    call = sys.argv[1]
    if call == "feasibility":  # its first use computes the leads
        problem, work = wire, lambda problem: problem.feasibility(np.ones(101))
    else:
        start = 4 + 0.3 * np.random.default_rng(0).standard_normal(wire.shape)
        problem = mcd.Problem(wire, np.ones(101), mcd.Sites(start))
        work = dict(objective=mcd.Problem.objective, identify=mcd.Problem.identify, design=mcd.design)[call]
    threading.Timer(0.1, press).start()
    try:
        work(problem)
    except KeyboardInterrupt:
        print(time.perf_counter() - pressed[0])
"""


@pytest.mark.parametrize("call", ["feasibility", "objective", "identify", "design"])
def test_interrupted_problem_raises(call):
    """A design too, that has evaluated nothing yet."""
    (seconds,) = run_script(INTERRUPTED_OBJECTIVE, call)
    assert float(seconds) < 0.5


INTERRUPTED_LEAD = PRESS + """
    if sys.argv[1] == "wire":
        at = mcd.Wire(3, 1000, [0.0724945], 1.2)  # next to a Landau level, where a lead takes minutes
    else:
        rng, c = np.random.default_rng(0), 400
        h, v = (rng.standard_normal((c, c)) + 1j * rng.standard_normal((c, c)) for _ in range(2))
        h += h.conj().T
        at = mcd.Device((*np.indices((c, c)).reshape(2, -1), h.reshape(1, -1)), [mcd.Lead(h, v, np.arange(c))], 0.3)
    threading.Timer(0.3, press).start()
    try:
        at.open_modes
    except KeyboardInterrupt:
        print(time.perf_counter() - pressed[0])
"""


@pytest.mark.parametrize("of", ["wire", "device"])
def test_interrupted_within_one_lead(of):
    (seconds,) = run_script(INTERRUPTED_LEAD, of)
    assert float(seconds) < 0.5


INTERRUPTED_WORK = PRESS + """
    from mcd._library import interruptible
    ended, cancelled = [], []
    def work():
        time.sleep(0.6)
        ended.append(time.perf_counter())
    for after in 0.1, 0.3:
        threading.Timer(after, press).start()
    try:
        interruptible(lambda: cancelled.append(True), work)
    except KeyboardInterrupt:
        print(len(ended), len(cancelled))
"""


def test_no_interrupt_leaves_work_behind():
    """While the library works it writes to arrays: however often Ctrl-C is pressed, nobody may free them."""
    assert run_script(INTERRUPTED_WORK) == ["1", "2"]


@pytest.mark.parametrize("method", ["lm", "lbfgs", "rmsprop", "adabelief", "adam"])
def test_resumed_search_is_bit_identical(problem, method, tmp_path):
    options = dict(method=method, seed=5)
    whole = mcd.design(problem, max_evaluations=60, **options)
    mcd.design(problem, max_evaluations=23, checkpoint=tmp_path / "run.mcd", checkpoint_interval=0, **options)
    assert_same(mcd.resume(tmp_path / "run.mcd", max_evaluations=60), whole)


def test_resume_over_several_starts(problem, tmp_path):
    options = dict(starts=3, spread=0.2, seed=1)
    whole = mcd.design(problem, max_evaluations=90, **options)
    mcd.design(problem, max_evaluations=40, checkpoint=tmp_path / "run.mcd", **options)
    assert_same(mcd.resume(tmp_path / "run.mcd", max_evaluations=90), whole)


KILLED = """
    import mcd, sys
    mcd.design(mcd.load(sys.argv[1]), method="adam", max_evaluations=0, checkpoint=sys.argv[2], checkpoint_interval=0)
"""


def test_killed_search_is_resumed(problem, tmp_path):
    """The file of a search that was killed at any moment continues it bit for bit."""
    path = tmp_path / "run.mcd"
    problem.save(tmp_path / "problem.mcd")
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(KILLED), tmp_path / "problem.mcd", path])
    while not path.exists():
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert isinstance(mcd.load(path), mcd.Problem)  # the checkpoint holds a search under way, not yet a result
    whole = mcd.design(problem, method="adam", max_evaluations=400)
    assert_same(mcd.resume(path, max_evaluations=400), whole)


def test_threads_do_not_change_a_bit(rng):
    def search(threads):
        wire = mcd.Wire(12, 11, np.linspace(0, 0.12, 33), 1.2, threads=threads)
        start = 4 + 0.3 * np.random.default_rng(2).standard_normal(wire.shape)
        return mcd.design(mcd.Problem(wire, 0.6 * wire.open_modes, mcd.Sites(start)), max_evaluations=25)

    one, two, three = map(search, (1, 2, 3))
    assert_same(one, two)
    assert_same(one, three)


def test_results_and_problems_pickle(problem):
    copy = pickle.loads(pickle.dumps(problem))
    np.testing.assert_array_equal(copy.target, problem.target)
    np.testing.assert_array_equal(copy.start, problem.start)
    assert copy.encode() == problem.encode()
    result = mcd.design(problem, max_evaluations=15)
    same = pickle.loads(pickle.dumps(result))
    assert_same(result, same)
    assert (same.status, same.message, same.evaluations) == (result.status, result.message, result.evaluations)
    wire = pickle.loads(pickle.dumps(problem.wire))
    np.testing.assert_array_equal(wire.fields, problem.wire.fields)


def test_files(problem, tmp_path):
    result = mcd.design(problem, max_evaluations=15)
    result.save(tmp_path / "result.mcd")
    problem.save(tmp_path / "problem.mcd")
    assert_same(mcd.load(tmp_path / "result.mcd"), result)
    loaded = mcd.load(tmp_path / "problem.mcd")
    assert isinstance(loaded, mcd.Problem) and loaded.encode() == problem.encode()
    assert_same(mcd.design(loaded, max_evaluations=15), result)
    assert sorted(os.listdir(tmp_path)) == ["problem.mcd", "result.mcd"]


def test_kwants_curve_leads_to_the_defect(paper):
    """The target may come from anywhere: here Kwant computed it."""
    z = load("gaussian")
    assert np.allclose(z["fields"], paper.fields)
    result = mcd.find_defect(paper, z["conductance"])
    assert result.parameters["amplitude"][0] == pytest.approx(10, abs=1e-3)
    np.testing.assert_allclose(result.conductance, z["conductance"], atol=1e-4)
