"""Identifiability: how many combinations of sites a curve determines, which sites matter, and how far apart they can be told."""

import mcd
import numpy as np

from .common import (BLUE, GREEN, RED, Stopwatch, canvas, defect, drawing, flat_start, heat, panel, paper_wire, target)


def combinations(jacobian: np.ndarray):
    """Singular values (points,), descending, and the combinations of sites (points, length, width) that belong to them."""
    _, values, rows = np.linalg.svd(jacobian.reshape(len(jacobian), -1), full_matrices=False)
    return values, rows.reshape(-1, *jacobian.shape[1:])


@drawing
def draw(steps: int, quick: bool):
    wire = paper_wire()
    with Stopwatch() as watch:
        problem = mcd.Problem(wire, target("colosseum"), mcd.Sites(flat_start(wire, seed=0)))
        designed = mcd.design(problem, progress=False).onsite
        cases = {"designed": (designed, BLUE), "one defect": (defect(wire), RED),
                 "nearly flat": (flat_start(wire, seed=0, spread=0.1), GREEN)}
        analysed = {name: (wire.jacobian(onsite)[1], colour) for name, (onsite, colour) in cases.items()}
        spectra = {name: (*combinations(jacobian), colour) for name, (jacobian, colour) in analysed.items()}

    figure = canvas(7.2, 4.4)
    axes = figure.subplots(2, 3)
    ax = axes[0, 0]
    for name, (values, _, colour) in spectra.items():
        ax.semilogy(np.arange(1, len(values) + 1), np.maximum(values, 1e-16), color=colour, label=name)
    ax.axhline(0.02, color="0.7", linewidth=0.6, linestyle=":")
    ax.set(xlabel="number", ylabel="singular value of $J$  ($e^2/h\\,t$)", ylim=(1e-7, None))
    ax.legend(loc="lower left")
    panel(ax, 0, "what a curve determines")
    for ax, number, name in ((axes[0, 1], 1, "designed"), (axes[0, 2], 2, "one defect")):
        heat(ax, np.linalg.norm(analysed[name][0], axis=0), r"$\|\partial G/\partial h\|$  ($e^2/h\,t$)", cmap="cividis", vmin=0)
        panel(ax, number, f"sites that matter: {name}")
    for ax, number, which in zip(axes[1], (3, 4, 5), (0, 9, 49)):
        pattern = spectra["one defect"][1][which]
        reach = np.abs(pattern).max()
        heat(ax, pattern, "weight", cmap="RdBu_r", vmin=-reach, vmax=reach)
        panel(ax, number, f"combination {which + 1}: one defect")
    determined = ", ".join(f"{name} {np.count_nonzero(values > 0.02)}" for name, (values, *_) in spectra.items())
    figure.suptitle(f"Of 900 combinations of sites, those that a curve with noise 0.02 $e^2/h$ determines to 1 $t$:\n{determined}; computed in "
                    f"{watch}.", fontsize=8)
    return figure
