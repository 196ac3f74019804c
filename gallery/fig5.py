"""Fig. 5: smooth potentials. The paper adds 10⁻² L_pot to the objective; mcd minimises L_pot at the agreement asked."""

import mcd
import numpy as np

from .common import (OURS, TARGET, THEIRS, canvas, ceiling, drawing, flat_start, panel, paper_wire, potential, recipe,
                     target)

LEVEL = -3.0


def theirs(wire: mcd.Wire, curve: np.ndarray, onsite: np.ndarray, marks, name: str) -> list:
    """Results of the paper's recipe (Sec. III C): L_cond + 10⁻² L_pot from a potential that already shows the curve."""
    problem = mcd.Problem(wire, curve, mcd.Sites(onsite), regularizers=[mcd.Smoothness(1e-2)])
    return recipe(name, problem, marks, method="adabelief", schedule="paper-sites")


@drawing
def draw(steps: int, quick: bool):
    wire, curve = paper_wire(), target("colosseum")
    rough = mcd.Problem(wire, curve, mcd.Sites(flat_start(wire, seed=0)))
    first = mcd.design(rough, stop_objective=LEVEL, progress=False)
    start = first.onsite
    marks = [*range(10000, steps + 1, 10000)] or [max(1, steps * part // 5) for part in range(1, 6)]
    paper = theirs(wire, curve, start, marks, "fig5-quick" if quick else "fig5")
    ours = mcd.smooth(first, LEVEL, 30 if quick else 150, progress=False)

    figure = canvas(7.2, 4.7)
    axes = figure.subplots(2, 3)
    reach = np.abs(start - 4).max()
    potential(axes[0, 0], start, reach)
    panel(axes[0, 0], 0, f"start: $L_{{pot}}$ = {first.roughness:.0f}")
    last = paper[-1].result
    potential(axes[0, 1], last.onsite, reach)
    panel(axes[0, 1], 1, f"theirs, {last.evaluations:,} steps: {last.roughness:.0f}")
    potential(axes[0, 2], ours.onsite, reach)
    panel(axes[0, 2], 2, f"ours: $L_{{pot}}$ = {ours.roughness:.1f}")

    ax = axes[1, 0]
    ceiling(ax, wire)
    ax.plot(wire.fields, curve, color=TARGET, linewidth=2.2, label="target")
    ax.plot(wire.fields, last.conductance, color=THEIRS, linestyle="--", label="theirs")
    ax.plot(wire.fields, ours.conductance, color=OURS, linestyle=":", label="ours")
    ax.legend(loc="lower left")
    panel(ax, 3, "conductance")

    ax = axes[1, 1]
    ax.plot([1, *marks], [first.roughness, *(stage.result.roughness for stage in paper)], color=THEIRS, marker="s", markersize=3, label="theirs")
    ax.plot(ours.history["evaluations"], ours.history["roughness"], color=OURS, label="ours")
    ax.set(xscale="log", ylim=(0, None), xlabel="evaluations", ylabel="$L_{pot}$  ($t^2$)")
    ax.legend(loc="lower left")
    panel(ax, 4, "roughness on the way")

    ax = axes[1, 2]
    for onsite, colour, style, label in ((start, TARGET, "-", "start"), (last.onsite, THEIRS, "--", "theirs"), (ours.onsite, OURS, "-", "ours")):
        ax.plot(onsite[15], color=colour, linestyle=style, linewidth=0.9, label=label)
    ax.set(xlabel="$y$  ($a$)", ylabel="$h(15, y)$  ($t$)", xlim=(0, 29))
    ax.legend(loc="lower center", ncols=3, columnspacing=1, handlelength=1.2)
    panel(ax, 5, "cut across the wire")
    figure.suptitle(
        f"Smoothing. Theirs ($L_{{cond}} + 10^{{-2}} L_{{pot}}$, AdaBelief): {last.evaluations:,} evaluations, {last.seconds:.0f} s, "
        f"$L_{{cond}} = {np.log(np.linalg.norm(last.conductance - curve)):.1f}$.\n"
        f"Ours (least $L_{{pot}}$ at $L_{{cond}} \\leq {LEVEL:g}$): {ours.evaluations} evaluations, {ours.seconds:.1f} s, "
        f"$L_{{cond}} = {ours.objective:.1f}$, $L_{{pot}}$ {first.roughness / ours.roughness:.1f} times below its start.", fontsize=8)
    return figure
