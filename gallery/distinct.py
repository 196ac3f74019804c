"""Distinct solutions: five different potentials that show one curve, ranked by smoothness."""

import mcd
import numpy as np

from .common import (BLUE, FIELD, GREEN, ORANGE, PURPLE, RED, Stopwatch, canvas, drawing, flat_start, heat, panel, paper_wire, potential,
                     target)

COLOURS = [BLUE, RED, GREEN, ORANGE, PURPLE]


@drawing
def draw(steps: int, quick: bool):
    wire, curve = paper_wire(), target("colosseum")
    problem = mcd.Problem(wire, curve, mcd.Sites(flat_start(wire, seed=0)))
    with Stopwatch() as watch:
        result = mcd.design(problem, starts=2 if quick else 8, distinct=0.1, stop_objective=-20.0, max_evaluations=0, progress=False)
    ranking = result.ranked("smoothness", count=5, level=-20)
    found = ranking.results

    figure = canvas(7.2, 3.5)
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, 1.25))
    maps = upper.subplots(1, 5)
    for number, outcome in enumerate(found):
        ax = maps[number]
        image = potential(ax, outcome.onsite, 1.5, label="")
        panel(ax, number, f"$L_{{pot}}$ = {outcome.roughness:.0f} $t^2$")
        ax.set_ylabel("$y$  ($a$)" if not number else "")
    for ax in maps[len(found):]:
        ax.set_axis_off()
    upper.colorbar(image, ax=maps, label="$h$  ($t$)", fraction=0.02, pad=0.01, shrink=0.7, extend="both")

    ax, middle, right = lower.subplots(1, 3, width_ratios=(1.6, 1, 1.2))
    for outcome, colour in zip(found, COLOURS):
        ax.semilogy(wire.fields, np.maximum(np.abs(outcome.conductance - curve), 1e-17), color=colour, linewidth=0.8)
    ax.set(xlabel=FIELD, ylabel=r"$|G - G_{\mathrm{target}}|$  ($e^2/h$)", xlim=(0, 0.12))
    panel(ax, 5, "agreement (colours: see h)")

    ax = middle
    heat(ax, ranking.differences, "rms ($t$)", cmap="cividis", vmin=0)
    ax.set(xlabel="", ylabel="", xticks=range(len(found)), yticks=range(len(found)))
    ax.set_xticklabels("abcde"[:len(found)])
    ax.set_yticklabels("abcde"[:len(found)])
    panel(ax, 6, "difference")

    ax = right
    sensitivity = [np.linalg.norm(wire.jacobian(outcome.onsite)[1]) for outcome in found]
    ax.bar(range(len(found)), sensitivity, color=COLOURS[:len(found)], width=0.6)
    ax.set(ylabel=r"$\|J\|$  ($e^2/h\,t$)", xticks=range(len(found)))
    ax.set_xticklabels("abcde"[:len(found)])
    panel(ax, 7, "sensitivity")
    figure.suptitle(f"{len(found)} of {len(result.outcomes)} distinct potentials with the curve of colosseum: "
                    f"{result.evaluations} evaluations, {watch}.", fontsize=8)
    return figure
