"""Side leads: where a defect stands along the wire, for one and for two; and a splitter made by hoppings alone."""

import mcd
import numpy as np
from matplotlib.collections import LineCollection

from .common import BLUE, CONDUCTANCE, FIELD, GREEN, ORANGE, RED, Stopwatch, canvas, drawing, panel, potential, power

CURVES = ((1, 0), (2, 0), (3, 0))
QUANTITIES = ("x", "y", "amplitude", "radius")
RANDOM = 20


def tapped_wire(length=20, width=10, taps=((3, 4), (13, 4)), fields=np.linspace(0, 0.12, 21)) -> mcd.Device:
    """A wire with leads of the given (first site, width) at its upper side; leads 0 and 1 are its ends."""
    x, y = (a.ravel() for a in np.indices((length, width)))
    site = np.arange(length * width)
    along, across = site[x < length - 1], site[y < width - 1]
    forth, back = np.concatenate([along, across]), np.concatenate([along + width, across + 1])
    hops = np.concatenate([-np.exp(2j * np.outer(fields, y[along])), -np.ones((len(fields), len(across)))], axis=1)
    values = np.concatenate([np.full((len(fields), len(site)), 4), hops, hops.conj()], axis=1)
    cell = lambda n: 4 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    through = np.array([np.diag(row) for row in -np.exp(2j * np.outer(fields, np.arange(width)))])
    leads = [mcd.Lead(cell(width), through, np.arange(width)), mcd.Lead(cell(width), through.conj(), site[-width:])]
    leads += [mcd.Lead(cell(n), -np.eye(n), first * width + width - 1 + width * np.arange(n)) for first, n in taps]
    return mcd.Device((np.concatenate([site, forth, back]), np.concatenate([site, back, forth]), values), leads, 1.2,
                      positions=np.stack([x, y], axis=1))


def defects(device: mcd.Device, x, y, amplitude, radius) -> np.ndarray:
    """Energies of Gaussian defects on the orbitals, (orbitals,)."""
    at, onsite = device.positions, np.zeros(device.orbitals)
    for x, y, a, r in np.broadcast(x, y, amplitude, radius):
        onsite += a * np.exp(-((at[:, 0] - x) ** 2 + (at[:, 1] - y) ** 2) / r**2)
    return onsite


def shown(device: mcd.Device, onsite) -> np.ndarray:
    """Curves from lead 0, (curves, points)."""
    matrix = device.transmission_matrix(onsite)
    return np.stack([matrix[:, to, from_] for to, from_ in CURVES])


def random_defect(rng) -> dict:
    """One defect, attractive in a third of the draws."""
    return dict(x=rng.uniform(1, 18), y=rng.uniform(1, 8), amplitude=rng.uniform(0.5, 8) * rng.choice([1, 1, -0.4]),
                radius=rng.uniform(0.8, 3))


def located(device: mcd.Device, hidden: dict) -> tuple:
    """What is found from the curves of a defect, and the largest error of each of its quantities, (4,)."""
    result = mcd.find_defect(device, shown(device, defects(device, **hidden)), curves=CURVES, progress=False)
    return result, np.array([abs(result.parameters[name][0] - hidden[name]) for name in QUANTITIES])


def splitter(device: mcd.Device, max_evaluations: int) -> tuple:
    """Relative changes of the hoppings within ±60 % at which half an electron leaves by lead 2 and a quarter by lead 3, at
    every field; and the bonds."""
    rows, cols = device.pattern
    bonds = np.stack([rows, cols], axis=1)[rows < cols]
    start = 0.05 * np.random.default_rng(0).standard_normal(len(bonds))
    wanted = {(2, 0): np.full(device.points, 0.5), (3, 0): np.full(device.points, 0.25)}
    problem = mcd.Problem(device, wanted, mcd.Hoppings(bonds, start=start, lower=-0.6, upper=0.6))
    return mcd.design(problem, max_evaluations=max_evaluations, progress=False), bonds


def outline(ax, device: mcd.Device) -> None:
    """Side leads as bars above the wire."""
    for number, interface in enumerate(device.interfaces[2:], 2):
        x = device.positions[interface, 0]
        ax.plot([x.min() - 0.5, x.max() + 0.5], [9.75, 9.75], color="0.3", linewidth=3, solid_capstyle="butt", clip_on=False)
        ax.text(x.mean(), 10.2, f"lead {number}", ha="center", va="bottom", fontsize=6, color="0.3")
    ax.set_ylim(-0.5, 11.8)


@drawing
def draw(steps: int, quick: bool):
    device = tapped_wire()
    shape, fields = (20, 10), np.linspace(0, 0.12, 21)
    pair = dict(x=[5.8, 17.0], y=[2.6, 7.3], amplitude=[5.3, 0.8], radius=[2.0, 1.0])
    onsite = defects(device, **pair)
    curves = shown(device, onsite)
    with Stopwatch() as watch:
        both = mcd.find_defect(device, curves, count=2, curves=CURVES, progress=False)
    rng, errors = np.random.default_rng(5), []
    for _ in range(3 if quick else RANDOM):
        errors.append(located(device, random_defect(rng))[1])
    errors = np.maximum(errors, 1e-16)
    design, bonds = splitter(device, 30 if quick else 300)

    figure = canvas(7.2, 4.4)
    axes = figure.subplots(2, 3, width_ratios=(1.25, 1.1, 1.1))
    ax = axes[0, 0]
    image = potential(ax, both.onsite.reshape(shape) + 4, 3.0)
    ax.plot(pair["x"], pair["y"], "k+", markersize=7)
    outline(ax, device)
    panel(ax, 0, "two defects, found (+: true)")
    ax = axes[0, 1]
    for curve, found, colour, name in zip(curves, both.conductance, (BLUE, RED, GREEN), ("$T_{10}$", "$T_{20}$", "$T_{30}$")):
        ax.plot(fields, curve, "o", color=colour, markersize=2.5, markerfacecolor="none", markeredgewidth=0.6)
        ax.plot(fields, found, color=colour, label=name, linewidth=0.8)
    ax.set(xlabel=FIELD, ylabel=CONDUCTANCE, xlim=(0, 0.12), ylim=(0, 1.25 * curves.max()))
    ax.legend(ncols=3, loc="upper right", handlelength=1)
    panel(ax, 1, "their curves")
    ax = axes[0, 2]
    for k, (name, colour) in enumerate(zip(QUANTITIES, (BLUE, RED, GREEN, ORANGE))):
        ax.semilogy(k + np.linspace(-0.3, 0.3, len(errors)), errors[:, k], "o", color=colour, markersize=2.5)
    ax.axhline(1e-6, color="0.6", linewidth=0.6)
    ax.set(xticks=range(4), ylabel="error of what is found", ylim=(1e-16, 1e1))
    ax.set_xticklabels(["$x$", "$y$", "$A$", "$r$"])
    panel(ax, 2, f"{np.count_nonzero((errors < 1e-6).all(axis=1))} of {len(errors)} random defects")

    ax = axes[1, 0]
    change = np.array(list(design.parameters.values()))
    lines = LineCollection(device.positions[bonds], array=change, cmap="RdBu_r", linewidths=1.8)
    lines.set_clim(-0.6, 0.6)
    ax.add_collection(lines)
    figure.colorbar(lines, ax=ax, label=r"$\delta t / t$", fraction=0.046, pad=0.03)
    ax.set(xlim=(-0.5, 19.5), ylim=(-0.5, 9.5), aspect="equal", xlabel="$x$  ($a$)", ylabel="$y$  ($a$)")
    outline(ax, device)
    panel(ax, 3, "a splitter by hoppings")
    before, ax = shown(device, None), axes[1, 1]
    for row, (colour, name) in enumerate(((RED, "$T_{20}$"), (GREEN, "$T_{30}$"))):
        ax.plot(fields, before[row + 1], color=colour, linewidth=0.6, linestyle=":")
        ax.plot(fields, design.conductance[row], color=colour, label=name)
        ax.plot(fields, design.problem.target[row], "o", color=colour, markersize=2.5, markerfacecolor="none", markeredgewidth=0.6)
    ax.set(xlabel=FIELD, ylabel=CONDUCTANCE, xlim=(0, 0.12), ylim=(0, 1))
    ax.legend(ncols=2, loc="upper right", handlelength=1)
    panel(ax, 4, "dotted: all hoppings equal")
    ax = axes[1, 2]
    ax.plot(design.history["evaluations"], design.history["objective"], color=BLUE)
    ax.set(xlabel="evaluations", ylabel="$L$")
    panel(ax, 5, f"{len(bonds)} hoppings")
    figure.suptitle(f"Curves to side leads tell where defects stand: two of them to {power(np.abs(both.onsite - onsite).max())} $t$ "
                    f"after {both.evaluations} evaluations, {watch}.", fontsize=8)
    return figure
