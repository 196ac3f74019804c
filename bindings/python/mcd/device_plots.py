"""The picture of a device: sites, bonds and leads, any quantity of its orbitals, and any quantity of its bonds."""

import numpy as np

from .errors import ArgumentError
from .plots import BLUE, GREY, STYLE, _figure

MANY = 20_000  # bonds beyond which lines would be a grey area: their quantities are shown on the sites
ARROWS = 24    # arrows along the longer side where bonds are too many for one each


def figure(device, values=None, label="", cmap=None, bonds=None, bond_label="", bond_cmap=None):
    """Sites at their positions, coloured by values (orbitals,), which add up over the orbitals of a site; bonds coloured by
    theirs, with arrows if they are currents; leads outlined."""
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
    joined, shares, flow = _bonds(device, site, bonds)
    with rc_context(STYLE):
        drawn = _figure(Figure, *_extent(sites, bars=(values is not None) + (shares is not None)))
        ax = drawn.subplots()
        size, dense = _size(drawn, sites), len(joined) > MANY
        look = dict(s=1.6 * size, marker="s", rasterized=True) if len(sites) > MANY else dict(s=size)  # no gaps between many
        if values is not None:
            total = np.bincount(site, values, len(sites))
            points = ax.scatter(*sites.T, c=total, linewidths=0, zorder=2, **look, **_scale(total, cmap))
            drawn.colorbar(points, ax=ax, label=label, shrink=0.8, pad=0.02)
        elif shares is not None and dense:
            at_sites = 0.5 * sum(np.bincount(end, abs(shares), len(sites)) for end in joined.T)
            points = ax.scatter(*sites.T, c=at_sites, linewidths=0, zorder=2, **look,
                                **_scale(at_sites, bond_cmap or "Reds"))
            drawn.colorbar(points, ax=ax, label=bond_label, shrink=0.8, pad=0.02)
        else:
            ax.scatter(*sites.T, s=size if shares is None else 0.25 * size, color=BLUE if shares is None else GREY,
                       linewidths=0, zorder=2, rasterized=len(sites) > MANY)
        if shares is not None and not dense:
            shown = _scale(shares, bond_cmap or ("RdBu_r" if shares.min(initial=0) < 0 else "Reds"))
            width = 0.3 * np.sqrt(size) * (0.15 + 0.85 * abs(shares) / (abs(shares).max(initial=0) or 1))
            order = np.argsort(abs(shares), kind="stable")  # the strongest on top
            lines = LineCollection(sites[joined[order]], array=shares[order], cmap=shown["cmap"], linewidths=width[order],
                                   zorder=3 if values is None else 4, capstyle="round")
            lines.set_clim(shown["vmin"], shown["vmax"])
            ax.add_collection(lines)
            drawn.colorbar(lines, ax=ax, label=bond_label, shrink=0.8, pad=0.02)
        elif 0 < len(joined) <= MANY:
            ax.add_collection(LineCollection(sites[joined], colors=GREY, linewidths=0.5, zorder=1))
        if flow is not None:
            _arrows(ax, sites, flow)
        for number, interface in enumerate(device.interfaces):
            _lead(ax, number, sites[np.unique(site[interface])], sites.mean(axis=0), size)
        ax.set(xlabel="$x$  ($a$)", ylabel="$y$  ($a$)", aspect="equal")
        ax.margins(x=0.17, y=0.12)  # room for the names of leads
        return drawn


def _bonds(device, site, given):
    """Pairs of sites (bonds, 2), their values, and for currents (antisymmetric) the flow through every site, (sites, 2)."""
    rows, cols = device.pattern
    if given is None:
        pairs = np.stack([site[rows], site[cols]], axis=1)
        return np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0), None, None
    if isinstance(given, tuple):
        pairs, values = np.asarray(given[0]), np.asarray(given[1], float)
        rows, cols = pairs.T
    else:
        values = np.asarray(given, float)
    if values.shape != rows.shape:
        raise ArgumentError(f"bonds: shape {values.shape}; give a value for each of the {len(rows)} entries of pattern, or "
                            "(pairs, values)")
    if not np.isfinite(values).all():
        raise ArgumentError("bonds: not finite; give finite values")
    off = site[rows] != site[cols]
    to, from_, values = site[rows][off], site[cols][off], values[off]
    count, forth = int(site.max()) + 1, to < from_
    keys, place = np.unique(np.minimum(to, from_) * count + np.maximum(to, from_), return_inverse=True)
    ahead, back = (np.bincount(place.reshape(-1)[part], values[part], len(keys)) for part in (forth, ~forth))
    joined = np.stack([keys // count, keys % count], axis=1)
    if forth.all() or not forth.any():
        return joined, ahead + back, None
    scale = abs(values).max(initial=0)
    if scale == 0 or not np.allclose(ahead, -back, rtol=0, atol=1e-9 * scale):
        return joined, (ahead + back) / 2, None
    positions = np.zeros((count, 2))
    np.add.at(positions, site, device.positions[:, :2] if device.positions.shape[1] > 1 else
              np.pad(device.positions, ((0, 0), (0, 1))))
    positions /= np.bincount(site, minlength=count)[:, None]
    step = (positions[joined[:, 0]] - positions[joined[:, 1]]) * ahead[:, None]  # from the second to the first
    flow = np.stack([0.5 * sum(np.bincount(end, step[:, k], count) for end in joined.T) for k in range(2)], axis=1)
    return joined, abs(ahead), flow


def _arrows(ax, sites, flow):
    """The mean flow on a grid of squares."""
    low, extent = sites.min(axis=0), np.ptp(sites, axis=0).max() or 1.0
    pitch = max(extent / ARROWS, 1.0)
    cell = np.floor((sites - low) / pitch + 1e-9).astype(int)
    _, place, members = np.unique(cell[:, 0] * (10 * ARROWS + 10) + cell[:, 1], return_inverse=True, return_counts=True)
    place = place.reshape(-1)
    mean = lambda a: np.stack([np.bincount(place, a[:, k]) for k in range(2)], axis=1) / members[:, None]
    centre, arrow = mean(sites), mean(flow)
    length = np.hypot(*arrow.T)
    shown = length > 0.08 * length.max(initial=0)
    reach = 0.9 * pitch / (length.max(initial=0) or 1.0)
    ax.quiver(*centre[shown].T, *(reach * arrow[shown]).T, angles="xy", scale_units="xy", scale=1, pivot="mid", color="0.15",
              width=0.0035, headwidth=4, headlength=4, headaxislength=3.6, zorder=5)


def _lead(ax, number, touched, centre, size):
    ax.scatter(*touched.T, s=1.6 * size, facecolors="none", edgecolors="0.25", linewidths=0.6, zorder=3)
    middle = touched.mean(axis=0)
    outward = middle - centre
    outward /= np.linalg.norm(outward) or 1.0
    ax.annotate(f"lead {number}", middle, (26, 16) * outward, textcoords="offset points", ha="center", va="center", color="0.25")


def _scale(values, cmap) -> dict:
    """Colours from 0 up, or about 0 where there are values of both signs."""
    reach = abs(values).max(initial=0) or 1.0
    if values.min(initial=0) < 0:
        return dict(cmap=cmap or "RdBu_r", vmin=-reach, vmax=reach)
    return dict(cmap=cmap or "Blues", vmin=0, vmax=reach)


def _extent(sites, bars: int) -> tuple:
    """Width and height of the figure in inches, after the shape of the device."""
    x, y = np.ptp(sites, axis=0) + 4
    width = 4.6 if y > 1.4 * x else 6.0
    return width + 0.9 * bars, float(np.clip(width * y / x, 2.0, 6.5)) + 0.6


def _size(drawn, sites) -> float:
    """Area in points² at which neighbouring sites nearly touch."""
    extent = np.ptp(sites, axis=0) + 1
    pitch = 72 * 0.7 * min(drawn.get_size_inches() / extent)
    return float(np.clip((0.85 * pitch) ** 2, 0.3, 120))
