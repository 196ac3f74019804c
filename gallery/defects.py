"""Defects of any kind: repulsive and attractive ones found exactly, and error bars that hold for noisy curves."""

import mcd
import numpy as np

from .common import (BLUE, GREEN, ORANGE, RED, Stopwatch, canvas, ceiling, defect, drawing, panel, paper_wire)

NOISE = (0.02, 0.1)  # e²/h
TRUE = {"y": 10.0, "amplitude": 10.0, "radius": 2.0}
LIMIT = 6  # deviations beyond are drawn at the edge
SYMBOLS = {"y": "$y$", "amplitude": "$A$", "radius": "$r$"}


def random_defect(rng: np.random.Generator, attractive: bool) -> dict:
    """y, amplitude and radius of a defect anywhere in the wire."""
    amplitude = -rng.uniform(1, 5) if attractive else rng.uniform(2, 20)
    return {"y": rng.uniform(0, 29), "amplitude": amplitude, "radius": rng.uniform(1.3, 3.3)}


def error(result: mcd.Result, true: dict) -> dict:
    """Found minus true, with the mirror image in y taken for the defect where that is nearer."""
    found = {name: result.parameters[name][0] for name in true}
    found["y"] = min(found["y"], 29 - found["y"], key=lambda y: abs(y - true["y"]))
    return {name: found[name] - true[name] for name in true}


@drawing
def draw(steps: int, quick: bool):
    wire = paper_wire()
    rng = np.random.default_rng(1)
    count = 2 if quick else 20
    figure = canvas(7.2, 5.2)
    axes = figure.subplots(2, 2)

    clean = wire.conductance(defect(wire))
    for column, sigma in enumerate(NOISE):
        deviations = {name: [] for name in TRUE}
        for _ in range(count):
            noisy = clean + sigma * rng.standard_normal(clean.size)
            found = mcd.find_defect(wire, noisy, sigma=sigma, progress=False)
            for name, deviation in error(found, TRUE).items():
                deviations[name].append(deviation / found.parameter_errors[name][0])
        ax = axes[0, column]
        ceiling(ax, wire)
        ax.plot(wire.fields, noisy, ".", color=ORANGE, markersize=3, label=rf"noisy, $\sigma = {sigma}$")
        ax.plot(wire.fields, found.conductance, color=BLUE, label="found")
        off = error(found, TRUE)
        ax.text(0.97, 0.95, "\n".join(f"{SYMBOLS[name]} = {TRUE[name] + off[name]:.3f} ± {found.parameter_errors[name][0]:.3f}"
                                      for name in TRUE), transform=ax.transAxes, ha="right", va="top")
        ax.legend(loc="lower left")
        panel(ax, column, f"one noisy curve (true {TRUE['y']:g}, {TRUE['amplitude']:g}, {TRUE['radius']:g})")
        ax = axes[1, 0]
        for row, (name, colour) in enumerate(zip(TRUE, (BLUE, RED, GREEN))):
            position = row + 0.36 * column - 0.18
            ax.plot(position + np.linspace(-0.1, 0.1, count), np.clip(deviations[name], -LIMIT, LIMIT), ".", color=colour,
                    markersize=4, alpha=0.8)
            ax.text(position, LIMIT + 0.5, f"{sigma}", ha="center", fontsize=7)
    ax = axes[1, 0]
    ax.axhspan(-3, 3, color="0.93", linewidth=0)
    ax.set(ylim=(-LIMIT - 0.5, LIMIT + 1.2), xlim=(-0.6, 2.5), ylabel="(found − true) / stated error", xlabel="parameter")
    ax.set_xticks(range(3), list(SYMBOLS.values()))
    ax.text(-0.45, LIMIT + 0.5, r"$\sigma$ =", ha="center", fontsize=7)
    panel(ax, 2, f"{count} curves at each noise")

    ax, exact, seconds = axes[1, 1], {False: 0, True: 0}, []
    for attractive, colour, marker in ((False, BLUE, "o"), (True, RED, "v")):
        for _ in range(count):
            true = random_defect(rng, attractive)
            with Stopwatch() as watch:
                found = mcd.find_defect(wire, wire.conductance(defect(wire, **true)), progress=False)
            worst = max(abs(v) for v in error(found, true).values())
            exact[attractive] += worst < 1e-6
            seconds.append(watch.seconds)
            ax.plot(true["amplitude"], max(worst, 1e-16), marker, color=colour, markersize=3.5,
                    markerfacecolor=colour if worst < 1e-6 else "none")
    ax.axhline(1e-6, color="0.7", linewidth=0.6, linestyle=":")
    ax.set(yscale="log", xlabel="true amplitude $A$  ($t$)", ylabel="largest parameter error")
    panel(ax, 3, "random defects, curves without noise")
    figure.suptitle(f"Random defects found to $10^{{-6}}$: {exact[False]} of {count} repulsive (dots), {exact[True]} of {count} "
                    f"attractive (triangles); median {np.median(seconds):.2f} s each.", fontsize=8)
    return figure
