"""Target curves from what a user holds: measured points, files, pictures."""

import os
from typing import NamedTuple, Optional, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike

from ._library import array, real
from .errors import ArgumentError, FileError
from .wire import FloatArray, dimensionless_field

__all__ = ["Curve", "read_curve", "trace"]


class Curve(NamedTuple):
    """A curve G(φ)."""

    fields: FloatArray  #: φ = πBa²/φ₀
    target: FloatArray  #: G in e²/h


def read_curve(source: Union[str, os.PathLike, Tuple[ArrayLike, ArrayLike]], fields: Optional[ArrayLike] = None,
               lattice_constant: Optional[float] = None) -> Curve:
    """A target curve from a file or from arrays, as it is or at other fields.

    Parameters
    ----------
    source : path, or (fields, G)
        A text file with a field and a G in e²/h in every line, separated by commas, semicolons or blanks (lines that do not
        begin with a number are left out), or two arrays.
    fields : array_like, (points,), optional
        Fields φ at which the curve is wanted: interpolated linearly between the nearest points. A curve given at fields of one
        sign only is continued by G(−φ) = G(φ). Default: the curve at its own fields, in increasing order.
    lattice_constant : float, optional
        a in metres: then the fields of the source are in tesla.

    Returns
    -------
    Curve
        For ``Wire(..., fields=curve.fields)`` and ``Problem(wire, curve.target)``.
    """
    given, target = _columns(source)
    order = np.argsort(given, kind="stable")
    given, target = given[order], target[order]
    if np.any(np.diff(given) == 0):
        raise ArgumentError(f"source: field {given[:-1][np.diff(given) == 0][0]} twice; give every field once")
    if lattice_constant is not None:
        given = dimensionless_field(given, real(lattice_constant, "lattice_constant"))
    if fields is None:
        return Curve(given, target)
    wanted = array(fields, (None,), "fields")
    if given[0] >= 0 or given[-1] <= 0:  # one sign only
        order = np.argsort(np.abs(given))
        at, given, target = np.abs(wanted), np.abs(given)[order], target[order]
    else:
        at = wanted
    slack = 1e-9 * np.abs(given).max()
    if at.min() < given[0] - slack or at.max() > given[-1] + slack:
        raise ArgumentError(f"fields: {wanted.min():.6g} to {wanted.max():.6g}, but the curve is known from {given[0]:.6g} to "
                            f"{given[-1]:.6g} only; give fields inside")
    return Curve(wanted, np.interp(at, given, target))


def _columns(source) -> Tuple[FloatArray, FloatArray]:
    """Fields and G of a file or of two arrays."""
    if isinstance(source, (str, bytes, os.PathLike)):
        try:
            with open(source, encoding="utf-8-sig") as file:
                rows = [line.replace(",", " ").replace(";", " ").split() for line in file]
        except (OSError, UnicodeDecodeError) as error:
            raise FileError(f"source: {source} cannot be read as text ({error}); give a CSV file") from error
        source = _numbers(rows)
        if not source:
            raise FileError("source: no line with two numbers; give a field and a G in every line")
        source = np.array(source).T
    fields, target = source
    fields = array(fields, (None,), "source")
    return fields, array(target, fields.shape, "source")


def _numbers(rows) -> list:
    """The first two numbers of every row that begins with a number."""
    out = []
    for number, row in enumerate(rows, 1):
        try:
            first = float(row[0])
        except (IndexError, ValueError):
            continue
        try:
            out.append((first, float(row[1])))
        except (IndexError, ValueError):
            raise FileError(f"source: line {number} has no second number; give a field and a G in every line") from None
    return out


DARK = 128  # a pixel below this belongs to the silhouette


def trace(path, fields: ArrayLike, g_range: Tuple[float, float] = (0.0, 9.5), smoothing: float = 6.0) -> FloatArray:
    """The upper edge of a dark silhouette on a bright ground as a target curve.

    Parameters
    ----------
    path : path
        A picture (PNG, or what else Pillow reads). Its columns from left to right are the fields from first to last.
    fields : array_like, (points,)
        Increasing; where they begin at 0 the curve is continued evenly to negative fields, as G(−φ) = G(φ) demands.
    g_range : (float, float)
        G in e²/h at the bottom and the top edge.
    smoothing : float
        Standard deviation in columns of the Gaussian that smooths the edge, 0 for none. Steps narrower than one flux
        quantum through the wire cannot be followed.

    Returns
    -------
    ndarray, (points,), in e²/h
    """
    fields = array(fields, (None,), "fields")
    if fields.size < 2 or np.any(np.diff(fields) <= 0):
        raise ArgumentError("fields: not increasing; give at least two increasing fields")
    low, high = (real(g, "g_range") for g in g_range)
    pixels = _grey(path)
    rows, columns = pixels.shape
    dark = pixels < DARK
    height = np.where(dark.any(axis=0), rows - dark.argmax(axis=0), 0).astype(float)
    height = _smooth(height, real(smoothing, "smoothing"), even=fields[0] == 0)
    column = (fields - fields[0]) / (fields[-1] - fields[0]) * (columns - 1)
    return low + (high - low) * np.interp(column, np.arange(columns), height) / rows


def _grey(path) -> np.ndarray:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("mcd.trace reads pictures with Pillow: pip install 'libmcd[plot]'") from error
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("L"))
    except OSError as error:
        raise FileError(f"path: {path} cannot be read as a picture ({error}); give a PNG file") from error


def _smooth(height: np.ndarray, sigma: float, even: bool) -> np.ndarray:
    """Convolves with a normalised Gaussian cut at 4σ; on the right the last value continues, on the left the mirror image
    (without repeating column 0) if even, else the first value."""
    if not 0 <= sigma < np.inf:
        raise ArgumentError(f"smoothing: {sigma}; give a finite number from 0 up")
    reach = int(4 * sigma)
    if reach == 0:
        return height
    offset = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offset / sigma) ** 2)
    left = np.pad(height, (reach, 0), mode="reflect" if even and reach < height.size else "edge")
    return np.convolve(np.pad(left, (0, reach), mode="edge"), kernel / kernel.sum(), mode="valid")
