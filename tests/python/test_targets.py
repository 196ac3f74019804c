"""Targets from what a user holds: files, arrays, any fields, teslas, pictures."""

import mcd
import numpy as np
import pytest
from conftest import TARGETS, read_csv


@pytest.mark.parametrize("name", ["colosseum", "nirvana"])
def test_a_file_is_its_points(name, paper):
    curve = mcd.read_curve(TARGETS / f"{name}.csv")
    fields, target = read_csv(TARGETS / f"{name}.csv")
    np.testing.assert_array_equal(curve.fields, fields)
    np.testing.assert_array_equal(curve.target, target)
    np.testing.assert_allclose(mcd.trace(TARGETS / f"{name}.png", paper.fields), curve.target, atol=1e-9)


def test_other_fields_are_interpolated_and_mirrored():
    curve = mcd.read_curve(([0, 0.1, 0.2], [4, 3, 1]), fields=[-0.15, 0, 0.05, 0.2])
    np.testing.assert_allclose(curve.target, [2, 4, 3.5, 1])
    both = mcd.read_curve(([0.1, -0.1, 0], [3, 5, 4]), fields=[-0.05, 0.05])
    np.testing.assert_allclose(both.target, [4.5, 3.5])
    negative = mcd.read_curve(([-0.2, 0], [1, 4]), fields=[0.1])
    np.testing.assert_allclose(negative.target, [2.5])


def test_teslas_with_a_lattice_constant(tmp_path):
    a, fields = 2e-9, np.linspace(0, 0.1, 11)
    path = tmp_path / "measured.csv"
    path.write_text("# run 7\nB (T); G\n" + "".join(f"{b!r}; {1 - k / 20!r}\n" for k, b in enumerate(mcd.tesla(fields, a).tolist())))
    curve = mcd.read_curve(path, lattice_constant=a)
    np.testing.assert_allclose(curve.fields, fields, atol=1e-15)
    assert mcd.read_curve(path, fields=[0.05], lattice_constant=a).target[0] == pytest.approx(0.75)
    wire = mcd.Wire(6, 5, curve.fields)
    assert mcd.design(mcd.Problem(wire, curve.target, mcd.Sites(4.1)), max_evaluations=3, progress=False).evaluations <= 3


@pytest.mark.parametrize("source, options, words", [
    (([0, 1], [1, 2]), dict(fields=[2.0]), "known from 0 to 1"),
    (([0, 0], [1, 2]), {}, "twice"),
    (([0, 1], [1, 2, 3]), {}, "shape"),
])
def test_what_is_no_curve_is_refused(source, options, words):
    with pytest.raises(mcd.ArgumentError, match=words):
        mcd.read_curve(source, **options)


def test_files_that_hold_no_curve_are_refused(tmp_path):
    path = tmp_path / "bad.csv"
    for content, words in (("phi,G\n", "no line"), ("0.1\n", "line 1 has no second"), ("0.1, x\n", "line 1")):
        path.write_text(content)
        with pytest.raises(mcd.FileError, match=words):
            mcd.read_curve(path)
    with pytest.raises(mcd.FileError, match="cannot be read"):
        mcd.read_curve(tmp_path / "missing.csv")
