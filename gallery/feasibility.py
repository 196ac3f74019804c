"""Feasibility, told before the first step: which targets no potential can show, where and why, and the nearest that one may."""

import numpy as np

from .common import BLUE, RED, SKY, TARGET, canvas, ceiling, drawing, panel, paper_wire, target

CURVES = {"infeasible_modes": "above $N$", "infeasible_touch": "narrowly above $N$", "infeasible_fast": "too fast for the wire",
          "cusp": "cusp at 0: reachable at the samples"}


@drawing
def draw(steps: int, quick: bool):
    wire = paper_wire()
    figure = canvas(7.2, 5.0)
    for number, (ax, (name, title)) in enumerate(zip(figure.subplots(2, 2).flat, CURVES.items())):
        curve = target(name)
        report = wire.feasibility(curve)
        nearest = wire.nearest_feasible(curve)
        ceiling(ax, wire)
        edge = np.flatnonzero(np.diff(np.concatenate(([0], report.narrow, [0]))))
        step = wire.fields[1] / 2
        for first, last in edge.reshape(-1, 2):
            ax.axvspan(wire.fields[first] - step, wire.fields[last - 1] + step, color=SKY, alpha=0.3, linewidth=0)
        ax.fill_between(wire.fields, report.ceiling, curve, where=report.excess > 0, step="mid", color=RED, alpha=0.5, linewidth=0)
        ax.plot(wire.fields, nearest, color=BLUE, linewidth=1.8, label="nearest feasible")
        ax.plot(wire.fields, curve, color=TARGET, linewidth=0.9, label="target")
        bound = rf"$L \geq {np.log(report.bound):.2f}$" if report.bound > 0 else "no bound on $L$"
        if report.narrow.any():
            bound += f"; {report.narrow.sum()} fields too fast"
        ax.text(0.97, 0.95, bound, transform=ax.transAxes, ha="right", va="top")
        ax.legend(loc="lower left")
        panel(ax, number, title)
    figure.suptitle("Grey: above the number of open modes $N$. Vermilion: target above $N$. Light blue: target changes within one flux quantum.",
                    fontsize=8)
    return figure
