"""Identifiability: how many combinations of sites a curve determines, which sites matter, and how far apart they can be told."""

import mcd
import numpy as np

from .common import (BLUE, GREEN, RED, Stopwatch, canvas, defect, drawing, flat_start, heat, panel, paper_wire, target)

NOISE = 0.02  # e²/h


@drawing
def draw(steps: int, quick: bool):
    wire, curve = paper_wire(), target("colosseum")
    with Stopwatch() as watch:
        result = mcd.design(mcd.Problem(wire, curve, mcd.Sites(flat_start(wire, seed=0))), progress=False)
        potentials = {"designed": (result.onsite, BLUE), "one defect": (defect(wire), RED),
                      "nearly flat": (flat_start(wire, seed=0, spread=0.1), GREEN)}
        known = {name: mcd.Problem(wire, curve, mcd.Sites(onsite)).identify(sigma=NOISE) for name, (onsite, _) in potentials.items()}
    gaussian = mcd.Problem(wire, wire.conductance(defect(wire)), mcd.Gaussians(15, 10, 10, 2)).identify(sigma=NOISE)

    figure = canvas(7.2, 4.4)
    axes = figure.subplots(2, 3)
    ax = axes[0, 0]
    for name, (_, colour) in potentials.items():
        values = known[name].singular_values
        ax.semilogy(np.arange(1, len(values) + 1), np.maximum(values, 1e-16), color=colour, label=name)
    ax.axhline(NOISE, color="0.7", linewidth=0.6, linestyle=":")
    ax.set(xlabel="number", ylabel="singular value of $J$  ($e^2/h\\,t$)", ylim=(1e-7, None))
    ax.legend(loc="lower left")
    panel(ax, 0, "what a curve determines")
    for ax, number, name in ((axes[0, 1], 1, "designed"), (axes[0, 2], 2, "one defect")):
        heat(ax, known[name].sensitivity, r"$\|\partial G/\partial h\|$  ($e^2/h\,t$)", cmap="cividis", vmin=0)
        panel(ax, number, f"sites that matter: {name}")
    for ax, number, which in zip(axes[1], (3, 4, 5), (0, 9, 49)):
        pattern = known["one defect"].combinations[which].reshape(wire.shape)
        reach = np.abs(pattern).max()
        heat(ax, pattern, "weight", cmap="RdBu_r", vmin=-reach, vmax=reach)
        panel(ax, number, f"combination {which + 1}: one defect")
    determined = ", ".join(f"{name} {found.determined(NOISE)}" for name, found in known.items())
    errors = ", ".join(f"{symbol} ± {error:.3f}" for symbol, error in zip(("y", "A", "r"), gaussian.errors))
    figure.suptitle(f"Of 900 combinations of sites, those that a curve with noise {NOISE} $e^2/h$ determines to 1 $t$:\n{determined}; {watch}.\n"
                    f"Of a single Gaussian ($y$ = 10, $A$ = 10, $r$ = 2) it determines everything: {errors}.", fontsize=8)
    return figure
