"""Bad input: an error that names the argument, the value and the remedy; the process lives, nothing is changed."""

import mcd
import numpy as np
import pytest

GOOD = dict(length=5, width=4, fields=[0.0, 0.1], energy=1.2)


@pytest.mark.parametrize("change, match", [
    (dict(length=0), "length: 0"),
    (dict(width=-3), "width: -3"),
    (dict(length=2.5), "length: 2.5"),
    (dict(length="5"), "length: '5'"),
    (dict(length=2**62), "length"),
    (dict(length=2**70), "length"),
    (dict(fields=[]), "fields: empty"),
    (dict(fields=[0.0, np.nan]), "fields: .*1.*NaN"),
    (dict(fields=["a"]), "fields"),
    (dict(fields=[[0.0, 0.1]]), r"fields: shape \(1, 2\)"),
    (dict(fields=[1j]), "fields: .*complex"),
    (dict(energy=np.inf), "energy: .*Inf"),
    (dict(energy=[1.0, 1.1, 1.2]), "energ"),
    (dict(energy=[]), "energ"),
    (dict(hopping=0.0), "hopping: 0"),
    (dict(hopping=-1.0), "hopping: -1"),
    (dict(hopping="t"), "hopping: 't'"),
    (dict(lead_onsite=np.nan), "lead_onsite: NaN"),
    (dict(threads=-1), "threads: -1"),
    (dict(backend="abacus"), "backend: .*abacus.*cpu"),
    (dict(memory_limit=-1), "memory_limit: -1"),
])
def test_wire(change, match):
    with pytest.raises(ValueError, match=match) as caught:
        wire = mcd.Wire(**{**GOOD, **change})
        wire.conductance(wire.clean())
    assert isinstance(caught.value, mcd.ArgumentError) and caught.value.status == -1
    assert caught.value.message == str(caught.value)


@pytest.mark.parametrize("onsite, match", [
    (np.full((4, 5), 4.0), r"onsite: shape \(4, 5\); give shape \(5, 4\)"),
    (np.full(20, 4.0), r"onsite: shape \(20,\)"),
    (4.0, r"onsite: shape \(\)"),
    (np.full((5, 4), np.nan), r"onsite: site \(0, 0\) is NaN"),
    (np.full((5, 4), -np.inf), "onsite: .*Inf"),
    (np.full((5, 4), 4 + 0j), "onsite: values of type complex128"),
    (np.full((5, 4), "h"), "onsite: values of type"),
    ([[1, 2], [3]], "onsite: not an array"),
    (None, "onsite: values of type object"),
])
def test_onsite(onsite, match):
    wire = mcd.Wire(**GOOD)
    before = wire.conductance(wire.clean())
    for compute in (wire.conductance, wire.jacobian, wire.vjp, wire.smatrix, wire.ldos, wire.transmission_eigenvalues,
                    wire.states, wire.field_derivative, wire.energy_derivative):
        with pytest.raises(mcd.ArgumentError, match=match):
            compute(onsite)
    np.testing.assert_array_equal(wire.conductance(wire.clean()), before)


def test_any_layout_of_real_numbers_is_understood(rng):
    """Transposed, strided, single-precision and integer arrays mean what they say."""
    wire = mcd.Wire(**GOOD)
    onsite = np.round(4 + rng.standard_normal((5, 4)))
    expected = wire.conductance(onsite)
    wide = np.zeros((10, 12))
    wide[::2, ::3] = onsite
    for same in (np.asfortranarray(onsite), wide[::2, ::3], onsite.astype(np.float32), onsite.astype(int), onsite.tolist()):
        np.testing.assert_array_equal(wire.conductance(same), expected)


def test_arrays_to_fill():
    wire = mcd.Wire(**GOOD)
    out = np.empty((2, 5, 4))
    assert wire.jacobian(wire.clean(), out=out)[1] is out
    for wrong in (np.empty((2, 4, 5)), np.empty((2, 5, 4), np.float32), np.empty((4, 5, 4))[::2], [0.0]):
        with pytest.raises(mcd.ArgumentError, match="out: .*give such an array"):
            wire.jacobian(wire.clean(), out=wrong)


@pytest.mark.parametrize("options, match", [
    (dict(field=np.nan), "field: NaN"),
    (dict(field="strong"), "field: 'strong'"),
    (dict(energy=np.inf), "energy: .*Inf"),
])
def test_point(options, match):
    wire = mcd.Wire(**GOOD)
    for compute in (wire.smatrix, wire.ldos, wire.states, wire.transmission_eigenvalues):
        with pytest.raises(mcd.ArgumentError, match=match):
            compute(wire.clean(), **options)


def test_energy_must_be_chosen_where_there_are_several():
    wire = mcd.Wire(5, 4, fields=[0.0, 0.0], energy=[1.0, 1.2])
    with pytest.raises(mcd.ArgumentError, match="energy: the wire has several"):
        wire.smatrix(wire.clean())
    assert wire.smatrix(wire.clean(), energy=1.0).size


def test_lead():
    wire = mcd.Wire(**GOOD)
    with pytest.raises(mcd.ArgumentError, match="lead: 'top'.*left.*right"):
        wire.states(wire.clean(), lead="top")


def test_sizes_beyond_memory_are_stated_before_anything_is_allocated():
    wire = mcd.Wire(20, 18, fields=np.linspace(0, 0.1, 32), energy=1.2, memory_limit=2000)
    with pytest.raises(MemoryError, match="bytes") as caught:
        wire.jacobian(wire.clean())
    assert isinstance(caught.value, mcd.MemoryLimitError)
    wire.memory_limit = 0
    assert wire.jacobian(wire.clean())[0].shape == (32,)


def test_more_than_any_machine_holds():
    wire = mcd.Wire(16000, 16000, fields=np.linspace(0, 0.1, 10**5), energy=1.2)
    with pytest.raises(MemoryError, match="bytes"):
        wire.conductance(_lazy(wire))


def _lazy(wire):
    """2 GB of virtual zeros: enough for the shape check, and never written."""
    return np.zeros(wire.shape)


@pytest.mark.parametrize("change, match", [
    (dict(target=[1.0]), r"target: shape \(1,\); give shape \(2,\)"),
    (dict(target=[1.0, np.nan]), "target: .*NaN"),
    (dict(weights=[1.0, -1.0]), "weights: .*-1"),
    (dict(weights=[1.0, np.inf]), "weights: .*Inf"),
    (dict(weights=[1.0]), r"weights: shape \(1,\)"),
    (dict(parametrization="sites"), "parametrization: 'sites'"),
    (dict(parametrization=mcd.Sites(np.zeros((4, 5)))), "start: shape"),
    (dict(parametrization=mcd.Sites(np.nan)), "(start|onsite): .*NaN"),
    (dict(parametrization=mcd.Sites(4.0, lower=5.0, upper=3.0)), "(lower|bounds)"),
    (dict(parametrization=mcd.Sites(4.0, lower=np.nan)), "lower"),
    (dict(parametrization=mcd.Sites(4.0, lower=np.zeros(3))), "lower: shape"),
    (dict(parametrization=mcd.Gaussians(1, 1, 1, 0)), "radius: .*0"),
    (dict(parametrization=mcd.Gaussians(1, 1, np.nan, 1)), "amplitude: .*NaN"),
    (dict(parametrization=mcd.Gaussians([1, 2], [1, 2, 3], 1, 1)), "x: shape"),
    (dict(parametrization=mcd.Gates(np.zeros((2, 4, 5)))), "basis: shape"),
    (dict(parametrization=mcd.Gates(np.ones((2, 5, 4)), volts=[1.0])), "volts: shape"),
    (dict(loss="absolute"), "loss: .*absolute.*squares.*log.*huber"),
    (dict(loss="log", loss_scale=0.0), "loss: scale 0"),
    (dict(parametrization=mcd.Sites(4.0, mirror="z")), "mirror: .*z.*both"),
    (dict(parametrization=mcd.Sites(4.0, filter=-1.0)), "filter_radius: -1"),
    (dict(parametrization=mcd.Sites(4.0, frozen=True)), "frozen"),
    (dict(regularizers=[mcd.Smoothness(-1.0)]), "-1"),
    (dict(wire=3), "wire: 3"),
])
def test_problem(change, match):
    with pytest.raises(mcd.ArgumentError, match=match):
        mcd.Problem(**{**dict(wire=mcd.Wire(**GOOD), target=[0.1, 0.2]), **change})


def test_names_of_gaussians():
    with pytest.raises(mcd.ArgumentError, match="free: 'height'.*amplitude"):
        mcd.Gaussians(1, 1, 1, 1, free=["height"])
    with pytest.raises(mcd.ArgumentError, match="bounds: 'x'.*y"):
        mcd.Gaussians(1, 1, 1, 1, free=["y"], bounds={"x": (0, 1)})


@pytest.mark.parametrize("options, match", [
    (dict(method="newton"), "method: .*newton.*lm.*lbfgs.*rmsprop.*adabelief.*adam"),
    (dict(max_evaluations=-1), "max_evaluations: -1"),
    (dict(max_evaluations=1.5), "max_evaluations: 1.5"),
    (dict(tolerance=-1.0), "tolerance: .*-1"),
    (dict(stop_objective=np.nan), "stop_objective: NaN"),
    (dict(time_limit=-1.0), "time_limit: -1"),
    (dict(seed=-1), "seed: -1"),
    (dict(starts=0), "starts: 0"),
    (dict(starts=2, spread=np.nan), "spread: NaN"),
    (dict(method="adam", schedule="steep"), "schedule: .*steep.*paper-sites"),
    (dict(method="adam", schedule=(0.1, 3)), "schedule: "),
    (dict(method="adam", schedule=[(5, -0.1)]), "factor|schedule"),
    (dict(method="adam", learning_rate=0.0), "learning_rate: 0"),
])
def test_design(options, match):
    problem = mcd.Problem(mcd.Wire(**GOOD), [0.1, 0.2])
    with pytest.raises(mcd.ArgumentError, match=match):
        mcd.design(problem, **options)


def test_checkpoint_that_cannot_be_written(tmp_path):
    problem = mcd.Problem(mcd.Wire(**GOOD), [0.1, 0.2], mcd.Sites(4.2))
    with pytest.raises(OSError, match="nowhere") as caught:
        mcd.design(problem, max_evaluations=5, checkpoint=tmp_path / "nowhere" / "run.mcd")
    assert isinstance(caught.value, mcd.FileError)


def test_find_defect():
    wire = mcd.Wire(**GOOD)
    with pytest.raises(mcd.ArgumentError, match="count|defects"):
        mcd.find_defect(wire, [0.1, 0.2], count=0)
    with pytest.raises(mcd.ArgumentError, match="sigma: .*-1"):
        mcd.find_defect(wire, [0.1, 0.2], sigma=-1.0)
    with pytest.raises(mcd.ArgumentError, match="target: shape"):
        mcd.find_defect(wire, [0.1])


def test_damaged_files(tmp_path):
    path = tmp_path / "problem.mcd"
    mcd.Problem(mcd.Wire(**GOOD), [0.1, 0.2]).save(path)
    good = path.read_bytes()
    damaged = [b"", b"mcd", good[:-1], good[: len(good) // 2], good + b"\0", b"\x89PNG" + good[4:]]
    damaged += [good[:i] + bytes([good[i] ^ 1]) + good[i + 1:] for i in range(0, len(good), max(1, len(good) // 40))]
    for bad in damaged:
        path.write_bytes(bad)
        with pytest.raises(mcd.FileError, match="problem.mcd"):
            mcd.load(path)
    path.write_bytes(good)
    assert isinstance(mcd.load(path), mcd.Problem)
    with pytest.raises(OSError, match="missing.mcd"):
        mcd.load(tmp_path / "missing.mcd")
    with pytest.raises(mcd.ArgumentError, match="path: "):
        mcd.resume(path)  # a problem has nothing to resume


def test_damaged_pickles():
    with pytest.raises(mcd.FileError):
        mcd.Problem._decode(b"\0" * 100)


@pytest.mark.parametrize("options, match", [
    (dict(fields=[0.1, 0.0]), "fields: not increasing"),
    (dict(smoothing=-1.0), "smoothing: -1"),
    (dict(g_range=(0, "top")), "g_range: 'top'"),
])
def test_trace(tmp_path, options, match):
    from PIL import Image
    Image.new("L", (20, 10), 255).save(tmp_path / "white.png")
    with pytest.raises(mcd.ArgumentError, match=match):
        mcd.trace(tmp_path / "white.png", **{**dict(fields=[0.0, 0.1]), **options})
    with pytest.raises(mcd.FileError, match="missing.png"):
        mcd.trace(tmp_path / "missing.png", fields=[0.0, 0.1])
    np.testing.assert_array_equal(mcd.trace(tmp_path / "white.png", [0.0, 0.1], g_range=(3, 11)), [3, 3])
