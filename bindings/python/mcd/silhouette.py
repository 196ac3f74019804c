"""Target curves from pictures: the skyline of a silhouette as G(φ)."""

from typing import Tuple

import numpy as np
from numpy.typing import ArrayLike

from ._library import array, real
from .errors import ArgumentError, FileError
from .wire import FloatArray

__all__ = ["trace"]

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
