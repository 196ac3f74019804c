"""What is drawn, and curves traced from pictures."""

import mcd
import numpy as np
import pytest
from conftest import TARGETS, gaussian, read_csv

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def result():
    wire = mcd.Wire(length=12, width=9, fields=np.linspace(0, 0.2, 21), energy=1.2)
    target = wire.conductance(gaussian(wire, 6, 3, 2, 1.5))
    start = mcd.Sites(4 + 0.2 * np.random.default_rng(0).standard_normal(wire.shape))
    return mcd.design(mcd.Problem(wire, target, start), max_evaluations=20)


def test_figure_shows_the_result(result, tmp_path):
    figure = result.plot(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    curve, potential, ldos, history = figure.axes[:4]
    lines = {line.get_label(): line.get_xydata() for line in curve.lines}
    fields = result.problem.wire.fields
    np.testing.assert_array_equal(lines["found"], np.stack([fields, result.conductance], axis=1))
    np.testing.assert_array_equal(lines["target"], np.stack([fields, result.problem.target], axis=1))
    np.testing.assert_array_equal(lines["open modes $N$"][:, 1], result.problem.wire.open_modes)
    np.testing.assert_array_equal(potential.images[0].get_array(), result.onsite.T)
    np.testing.assert_array_equal(ldos.images[0].get_array(), result.problem.wire.ldos(result.onsite, 0.0).T)
    assert potential.images[0].colorbar.ax.get_ylabel() == "on-site energy  $h$  ($t$)"
    assert [ax.get_title(loc="left")[:3] for ax in figure.axes[:4]] == ["(a)", "(b)", "(c)", "(d)"]
    np.testing.assert_array_equal(history.lines[0].get_ydata(), result.history["objective"])


def test_figure_compares_with_the_truth(result):
    figure = result.plot(true_onsite=gaussian(result.problem.wire, 6, 3, 2, 1.5))
    assert "true" in figure.axes[1].get_title(loc="left")


@pytest.mark.parametrize("name", ["colosseum", "nirvana"])
def test_traced_silhouettes(name):
    fields, curve = read_csv(TARGETS / f"{name}.csv")
    np.testing.assert_allclose(mcd.trace(TARGETS / f"{name}.png", fields), curve, atol=1e-9)


def test_traced_picture_by_hand(tmp_path):
    from PIL import Image
    pixels = np.full((8, 5), 255, np.uint8)
    pixels[6:, 0] = 0
    pixels[3:, 1:] = 0
    pixels[5, 2] = 255  # a hole in the silhouette does not count
    Image.fromarray(pixels).save(tmp_path / "steps.png")
    curve = mcd.trace(tmp_path / "steps.png", np.linspace(0, 1, 5), g_range=(1, 9), smoothing=0)
    np.testing.assert_allclose(curve, [3, 6, 6, 6, 6])
