"""The gallery in seconds: every figure can be drawn, and what the figures claim of mcd holds in small."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import mcd
from gallery import common, fig3, measure, sideleads
from gallery.__main__ import FIGURES, main


@pytest.fixture(scope="module")
def wire():
    return mcd.Wire(length=10, width=8, fields=np.linspace(0, 0.1, 21))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "WORK", tmp_path)


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_is_drawn(figure, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["gallery", figure, "--quick", "--out", str(tmp_path)])
    main()
    assert (tmp_path / f"{figure}.png").read_bytes().startswith(b"\x89PNG")


def test_a_recipe_in_stages_is_the_recipe_in_one_run(wire):
    curve = wire.conductance(common.defect(wire, x=5, y=3, amplitude=3, radius=1.5))
    problem = mcd.Problem(wire, curve, mcd.Gaussians(x=5.0, y=[2.0, 5.0], amplitude=1.0, radius=2.0))
    options = dict(method="rmsprop", schedule="paper-defect")
    staged = common.recipe("staged", problem, (20, 50), **options)
    assert [stage.result.evaluations for stage in staged] == [20, 50]
    whole = mcd.design(problem, max_evaluations=50, progress=False, **options)
    assert np.array_equal(staged[-1].result.onsite, whole.onsite)


def test_the_hidden_defect_is_found():
    wire = common.paper_wire()
    hidden = common.defect(wire)
    result = mcd.find_defect(wire, wire.conductance(hidden), progress=False)
    assert np.abs(fig3.mirrored(result, wire) - hidden).max() < 1e-6


def test_side_leads_tell_where_a_defect_stands_and_hoppings_split():
    device = sideleads.tapped_wire()
    hidden = sideleads.random_defect(np.random.default_rng(5))
    result, errors = sideleads.located(device, hidden)
    assert errors.max() < 1e-6 and result.status == "objective"
    design, bonds = sideleads.splitter(device, 60)
    assert np.abs(design.conductance - [[0.5], [0.25]]).max() < 1e-6
    assert np.abs(list(design.parameters.values())).max() <= 0.6


def test_a_pair_is_told_from_another_but_not_from_its_images(wire):
    pair = {"x": np.array([2.0, 5.0]), "y": np.array([1.0, 4.0]), "amplitude": np.array([3.0, 7.0]), "radius": np.array([1.0, 2.0])}
    image = {name: values[::-1].copy() for name, values in pair.items()}
    image["x"], image["y"] = image["x"] + 3, wire.width - 1 - image["y"]
    assert measure.same_pair(pair, image, wire)
    image["x"][0] += 1e-3
    assert not measure.same_pair(pair, image, wire)
