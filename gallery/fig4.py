"""Fig. 4: any curve. A skyline is traced from a picture; 900 sites, from nearly flat, are made to conduct like it."""

import mcd
from matplotlib.image import imread

from .common import (FIELD, OBJECTIVE, OURS, SKY, TARGET, TARGETS, THEIRS, Stage, Stopwatch, canvas, ceiling, drawing, flat_start, panel,
                     paper_wire, potential, recipe, reached)

SKYLINES = ("colosseum", "nirvana")
RANGE = (0.0, 9.5)  # e²/h at the bottom and the top edge of the pictures


def theirs(problem: mcd.Problem, marks, name: str) -> Stage:
    """The paper's recipe (Sec. III B) after the last number of steps: every site, AdaBelief."""
    return recipe(name, problem, marks, method="adabelief", schedule="paper-sites")[-1]


@drawing
def draw(steps: int, quick: bool):
    wire = paper_wire()
    figure = canvas(7.2, 4.3)
    axes = figure.subplots(2, 4, width_ratios=(1.1, 1.1, 1, 1.1))
    notes = []
    for row, name in enumerate(SKYLINES):
        curve = mcd.trace(TARGETS / f"{name}.png", fields=wire.fields, g_range=RANGE)
        problem = mcd.Problem(wire, curve, mcd.Sites(flat_start(wire, seed=0)))
        with Stopwatch() as watch:
            ours = mcd.design(problem, progress=False)
        marks = range(1000, steps + 1, 1000) if steps >= 1000 else [steps]
        stage = theirs(problem, marks, f"fig4-{name}" + "-quick" * quick)
        first = stage.result

        ax = axes[row, 0]
        ax.imshow(imread(TARGETS / f"{name}.png"), cmap="gray", alpha=0.35, extent=(0, wire.fields[-1], *RANGE), aspect="auto")
        ax.plot(wire.fields, curve, color=TARGET)
        ax.set(xlabel=FIELD, ylabel="$G$  ($e^2/h$)", ylim=RANGE)
        panel(ax, 4 * row, f"{name}, traced")

        ax = axes[row, 1]
        ceiling(ax, wire)
        ax.plot(wire.fields, curve, color=TARGET, linewidth=2.4, label="target")
        ax.plot(wire.fields, first.conductance, color=THEIRS, linestyle="--", label="theirs")
        ax.plot(wire.fields, ours.conductance, color=SKY, linewidth=0.9, label="ours")
        ax.text(0.97, 0.95, "above $N$", transform=ax.transAxes, ha="right", va="top", color="0.4")
        if not row:
            ax.legend(loc="upper right", bbox_to_anchor=(1, 0.88), handlelength=1.2)
        panel(ax, 4 * row + 1, "conductance")

        potential(axes[row, 2], ours.onsite)
        panel(axes[row, 2], 4 * row + 2, "potential (ours)")

        ax = axes[row, 3]
        for level in (-3, -20):
            ax.axhline(level, color="0.7", linewidth=0.6, linestyle=":")
        ax.plot(first.history["evaluations"], first.history["objective"], color=THEIRS, label="theirs")
        ax.plot(ours.history["evaluations"], ours.history["objective"], color=OURS, label="ours")
        ax.set(xscale="log", xlabel="evaluations", ylabel=OBJECTIVE)
        ax.legend(loc="center right", bbox_to_anchor=(1, 0.4))
        panel(ax, 4 * row + 3, "search")
        notes.append(f"{name}: ours $L < -3$ in {reached(ours, -3)} and $L < -20$ in {reached(ours, -20)} evaluations, {watch};\n"
                     f"theirs $L = {first.objective:.2f}$: {stage}.")
    figure.suptitle("\n".join(notes), fontsize=8)
    return figure

