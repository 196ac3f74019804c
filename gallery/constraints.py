"""Constraints of real devices: the same curve within bounds, with symmetries, masks, filters, gates and quantized sites."""

import mcd
import numpy as np

from .common import Stopwatch, canvas, drawing, flat_start, panel, paper_wire, potential, target

STEP = 0.2    # t, what a fabrication step can set
VOLTS = 1.5   # limits of the gates


def gate_basis(wire: mcd.Wire, count: int = 15) -> np.ndarray:
    """count × count small round gates, (count², length, width): each a Gaussian of the potential per volt."""
    x, y = np.indices(wire.shape)
    centres = (np.arange(count) + 0.5) * wire.length / count - 0.5
    return np.array([np.exp(-((x - a) ** 2 + (y - b) ** 2) / 2) for a in centres for b in centres])


@drawing
def draw(steps: int, quick: bool):
    wire, curve, start = paper_wire(), target("colosseum"), flat_start(paper_wire(), seed=0)
    outside = np.ones(wire.shape, bool)
    outside[5:25, 3:27] = False
    limits = dict(max_evaluations=20 if quick else 300, progress=False)
    cases = {
        "free": mcd.Sites(start),
        r"$3.5 \leq h \leq 4.5$": mcd.Sites(start, lower=3.5, upper=4.5),
        "mirror in $y$": mcd.Sites(start, mirror="y"),
        "central sites only": mcd.Sites(np.where(outside, 4.0, start), frozen=outside),
        r"features $\geq 3a$": mcd.Sites(wire.clean() + 3 * (start - 4), filter=3.0),
        f"225 gates, ±{VOLTS:g} V": mcd.Gates(gate_basis(wire), start[:15, :15].ravel() - 4, lower=-VOLTS, upper=VOLTS),
    }
    figure = canvas(7.2, 4.6)
    axes = figure.subplots(2, 4).ravel()
    results, potentials, titles = [], [], []
    with Stopwatch() as watch:
        for name, parametrization in cases.items():
            result = mcd.design(mcd.Problem(wire, curve, parametrization), **limits)
            results.append(result)
            potentials.append(result.onsite)
            titles.append((name, result.objective, result.evaluations))
        discrete = mcd.quantize(results[0], STEP, max_evaluations=40 if quick else 300, progress=False)
    for name, onsite, count in ((f"rounded to {STEP:g} $t$", STEP * np.round(potentials[0] / STEP), 1),
                                (f"quantized to {STEP:g} $t$", discrete.onsite, discrete.evaluations)):
        potentials.append(onsite)
        titles.append((name, np.log(np.linalg.norm(wire.conductance(onsite) - curve)), count))
    for number, (ax, onsite, (name, objective, count)) in enumerate(zip(axes, potentials, titles)):
        image = potential(ax, onsite, 1.5, label="")
        panel(ax, number, name)
        ax.set_xlabel(f"$L = {objective:.1f}$, {count} evaluation{'s' * (count > 1)}")
        ax.set_ylabel("")
    figure.colorbar(image, ax=axes.tolist(), label="$h$  ($t$)", fraction=0.02, pad=0.01, extend="both")
    figure.suptitle(f"One curve (colosseum) in eight ways, {watch} in all.", fontsize=8)
    return figure
