"""Fig. 5: smooth potentials. The paper adds 10⁻² L_pot to the objective; mcd minimises L_pot at the agreement asked."""

import mcd
import numpy as np

from .common import (OURS, SKY, TARGET, THEIRS, Stopwatch, canvas, ceiling, drawing, flat_start, panel, paper_wire, potential, recipe,
                     target)

LEVEL = -3.0


def theirs(wire: mcd.Wire, curve: np.ndarray, onsite: np.ndarray, marks, name: str) -> list:
    """Stages of the paper's recipe (Sec. III C): L_cond + 10⁻² L_pot from a potential that already shows the curve."""
    problem = mcd.Problem(wire, curve, mcd.Sites(onsite), regularizers=[mcd.Smoothness(1e-2)])
    return recipe(name, problem, marks, method="adabelief", schedule="paper-sites")


@drawing
def draw(steps: int, quick: bool):
    wire, curve = paper_wire(), target("colosseum")
    rough = mcd.Problem(wire, curve, mcd.Sites(flat_start(wire, seed=0)))
    start = mcd.design(rough, stop_objective=LEVEL, progress=False).onsite
    every = max(1, steps // 30)
    stages = theirs(wire, curve, start, range(every, steps + 1, every), "fig5-quick" if quick else "fig5")
    first = mcd.Problem(wire, curve, mcd.Sites(stages[0].result.problem.onsite()))  # of the recipe, should it be an older one
    start, last = first.onsite(), stages[-1]
    with Stopwatch() as watch:
        ours = mcd.smooth(first, LEVEL, 60 if quick else 300, progress=False)

    figure = canvas(7.2, 4.3)
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, 1.35))
    maps = upper.subplots(1, 5)
    shown = [stages[len(stages) * part // 3 - 1] for part in (1, 2, 3)]
    potentials = [("start", start), *((f"{stage.steps:,} steps", stage.result.onsite) for stage in shown), ("ours", ours.onsite)]
    for number, (ax, (name, onsite)) in enumerate(zip(maps, potentials)):
        image = potential(ax, onsite, np.abs(start - 4).max(), label="")
        panel(ax, number, f"{name}: {mcd.roughness(onsite):.0f}")
        ax.set_ylabel("$y$  ($a$)" if not number else "")
    upper.colorbar(image, ax=maps, label="$h$  ($t$)", fraction=0.02, pad=0.01, shrink=0.75)

    left, middle, right = lower.subplots(1, 3)
    ceiling(left, wire)
    left.plot(wire.fields, curve, color=TARGET, linewidth=2.2, label="target")
    left.plot(wire.fields, last.result.conductance, color=THEIRS, linestyle="--", label="theirs")
    left.plot(wire.fields, ours.conductance, color=SKY, linewidth=0.9, label="ours")
    left.legend(loc="lower left")
    panel(left, 5, "conductance")

    middle.plot([1, *(stage.steps for stage in stages)], [mcd.roughness(start), *(stage.result.roughness for stage in stages)],
                color=THEIRS, marker="s", markersize=2, label="theirs")
    history = ours.history
    middle.plot(history["evaluations"], history["roughness"], color=SKY, linewidth=0.7, label="ours, on the way")
    kept = history["objective"] <= LEVEL
    middle.plot(history["evaluations"][kept], history["roughness"][kept], "o", color=OURS, markersize=3,
                label=f"ours, $L_{{cond}} \\leq {LEVEL:g}$")
    middle.set(xscale="log", yscale="log", xlabel="evaluations", ylabel="$L_{pot}$  ($t^2$)", ylim=(5, 3000))
    middle.set_yticks([5, 10, 20, 50, 100, 200, 500, 1000], ["5", "10", "20", "50", "100", "200", "500", "1,000"])
    middle.minorticks_off()
    middle.legend(loc="upper right")
    panel(middle, 6, "roughness on the way")

    for onsite, colour, style, label in ((start, "0.6", "-", "start"), (last.result.onsite, THEIRS, "--", "theirs"), (ours.onsite, OURS, "-", "ours")):
        right.plot(onsite[15], color=colour, linestyle=style, linewidth=1.0, label=label)
    right.set(xlabel="$y$  ($a$)", ylabel="$h(15, y)$  ($t$)", xlim=(0, 29))
    right.margins(y=0.2)
    right.legend(loc="lower center", ncols=3, columnspacing=1, handlelength=1.2)
    panel(right, 7, "cut across the wire")
    agreement = np.log(np.linalg.norm(last.result.conductance - curve))
    figure.suptitle(
        f"Smoothing; $L_{{pot}}$ in $t^2$. Theirs ($L_{{cond}} + 10^{{-2}} L_{{pot}}$, AdaBelief): {last}, $L_{{cond}} = {agreement:.1f}$.\n"
        f"Ours (least $L_{{pot}}$ at $L_{{cond}} \\leq {LEVEL:g}$): {ours.evaluations} evaluations, {watch}, "
        f"$L_{{cond}} = {ours.objective:.1f}$;\n$L_{{pot}}$ {mcd.roughness(start) / ours.roughness:.1f} times below its start, "
        f"{last.result.roughness / ours.roughness:.1f} times below theirs.", fontsize=8)
    return figure
