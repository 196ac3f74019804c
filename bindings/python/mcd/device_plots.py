"""The picture of a device: sites, bonds and leads, and any quantity of its orbitals."""

import numpy as np

from .errors import ArgumentError
from .plots import BLUE, GREY, STYLE, _figure

MANY = 20_000  # entries beyond which bonds are not drawn: they would be a grey area


def figure(device, values=None, label="", cmap=None):
    """Sites at their positions, coloured by values (orbitals,), which add up over the orbitals of a site; leads outlined."""
    try:
        from matplotlib import rc_context
        from matplotlib.collections import LineCollection
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots are drawn with Matplotlib: pip install 'libmcd[plot]'") from error
    if device.positions is None:
        raise ArgumentError("positions: not known; give them to Device to draw it")
    flat = device.positions[:, :2] if device.positions.shape[1] > 1 else np.pad(device.positions, ((0, 0), (0, 1)))
    sites, site = np.unique(flat, axis=0, return_inverse=True)
    site = site.reshape(-1)
    with rc_context(STYLE):
        drawn = _figure(Figure, 7.2, 5.8)
        ax = drawn.subplots()
        rows, cols = (site[index] for index in device.pattern)
        bonds = np.unique(np.stack([rows, cols])[:, rows < cols], axis=1).T
        if 0 < len(bonds) <= MANY:
            ax.add_collection(LineCollection(sites[bonds], colors=GREY, linewidths=0.5, zorder=1))
        size = _size(drawn, sites)
        if values is None:
            ax.scatter(*sites.T, s=size, color=BLUE, linewidths=0, zorder=2)
        else:
            total = np.bincount(site, values, len(sites))
            reach = abs(total).max(initial=0) or 1.0
            scale = dict(cmap=cmap or "RdBu_r", vmin=-reach, vmax=reach) if total.min(initial=0) < 0 else dict(
                cmap=cmap or "Blues", vmin=0, vmax=reach)
            points = ax.scatter(*sites.T, s=size, c=total, linewidths=0, zorder=2, **scale)
            drawn.colorbar(points, ax=ax, label=label, shrink=0.8)
        for number, interface in enumerate(device.interfaces):
            touched = sites[np.unique(site[interface])]
            ax.scatter(*touched.T, s=1.6 * size, facecolors="none", edgecolors="0.25", linewidths=0.6, zorder=3)
            middle = touched.mean(axis=0)
            outward = middle - sites.mean(axis=0)
            outward /= np.linalg.norm(outward) or 1.0
            ax.annotate(f"lead {number}", middle, (26, 16) * outward, textcoords="offset points", ha="center", va="center",
                        color="0.25")
        ax.set(xlabel="$x$  ($a$)", ylabel="$y$  ($a$)", aspect="equal")
        ax.margins(0.12)
        return drawn


def _size(drawn, sites) -> float:
    """Area in points² at which neighbouring sites nearly touch."""
    extent = np.ptp(sites, axis=0) + 1
    pitch = 72 * 0.7 * min(drawn.get_size_inches() / extent)
    return float(np.clip((0.85 * pitch) ** 2, 0.3, 120))
