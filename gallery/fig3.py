"""Fig. 3: the hidden defect. Ten Gaussians follow the gradient for thousands of steps; mcd finds the defect itself."""

import mcd
import numpy as np

from .common import (OBJECTIVE, OURS, TARGET, THEIRS, Stopwatch, canvas, ceiling, defect, drawing, heat, panel,
                     paper_wire, power, recipe)


def theirs(wire: mcd.Wire, curve: np.ndarray, marks, name: str) -> list:
    """Stages of the paper's recipe (Sec. III A) after each number of steps: ten Gaussians, RMSProp."""
    gaussians = mcd.Gaussians(x=15.0, y=np.linspace(0, 15, 10), amplitude=1.0, radius=2.0)
    problem = mcd.Problem(wire, curve, gaussians)
    return recipe(name, problem, marks, method="rmsprop", schedule="paper-defect")


@drawing
def draw(steps: int, quick: bool):
    wire = paper_wire()
    hidden = defect(wire)
    curve = wire.conductance(hidden)
    marks = [*range(2000, steps + 1, 2000)] if steps >= 6000 else [max(1, steps * (i + 1) // 3) for i in range(3)]
    run = theirs(wire, curve, marks, "fig3-quick" if quick else "fig3")
    with Stopwatch() as watch:
        ours = mcd.find_defect(wire, curve, progress=False)
    snapshots = [stage.result for stage in run]
    last = snapshots[-1]

    figure = canvas(7.2, 6.4)
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.9, 1))
    axes = np.vstack((upper.subplots(2, 4), lower.subplots(1, 4)))
    start = snapshots[0].problem.onsite()
    stages = [(0, start), *((mark, result.onsite) for mark, result in list(zip(marks, snapshots))[:3])]
    densities = [wire.ldos(onsite) for _, onsite in stages]
    true = wire.ldos(hidden)
    top = max(density.max() for density in densities)
    for column, ((mark, onsite), density) in enumerate(zip(stages, densities)):
        image = heat(axes[0, column], density, cmap="magma", vmin=0, vmax=top)
        panel(axes[0, column], column, f"{mark:,} steps")
        ax, conductance = axes[1, column], wire.conductance(onsite)
        ceiling(ax, wire)
        ax.plot(wire.fields, curve, color=TARGET, linewidth=0.9, label="hidden defect")
        ax.plot(wire.fields, conductance, color=THEIRS, linestyle="--", label="ten Gaussians")
        ax.text(0.95, 0.93, f"$L = {np.log(np.linalg.norm(conductance - curve)):.2f}$", transform=ax.transAxes, ha="right", va="top")
        panel(ax, 4 + column, "")
        if column:
            axes[0, column].set_ylabel("")
            ax.set_ylabel("")
    axes[1, 0].legend(loc="lower left", borderaxespad=0.1)
    upper.colorbar(image, ax=axes[0], label="LDOS, $\\varphi = 0$  ($1/t$)", shrink=0.75, fraction=0.02, pad=0.01)

    reach = np.abs(wire.ldos(last.onsite) - true).max()
    image = heat(axes[2, 0], wire.ldos(last.onsite) - true, cmap="RdBu_r", vmin=-reach, vmax=reach)
    panel(axes[2, 0], 8, "LDOS error, theirs")
    lower.colorbar(image, ax=axes[2, 0], location="bottom", label="($1/t$)", fraction=0.06, pad=0.02)
    error = np.abs(mirrored(ours, wire) - hidden).max()
    exact = wire.ldos(mirrored(ours, wire)) - true
    reach = np.abs(exact).max()
    image = heat(axes[2, 1], exact, cmap="RdBu_r", vmin=-reach, vmax=reach)
    panel(axes[2, 1], 9, "LDOS error, ours")
    lower.colorbar(image, ax=axes[2, 1], location="bottom", label="($1/t$)", fraction=0.06, pad=0.02)

    ax = axes[2, 2]
    ax.plot(hidden[15], color=TARGET, linewidth=2.2, label="true")
    ax.plot(last.onsite[15], color=THEIRS, linestyle="--", label="theirs")
    ax.plot(mirrored(ours, wire)[15], color=OURS, linestyle=":", label="ours")
    ax.set(xlabel="$y$  ($a$)", ylabel="$h$  ($t$)", xlim=(0, 29))
    ax.legend(loc="upper right")
    panel(ax, 10, "cut at $x = 15$")

    ax = axes[2, 3]
    ax.plot(last.history["evaluations"], last.history["objective"], color=THEIRS, linewidth=0.7, label="theirs")
    ax.plot(ours.history["evaluations"], ours.history["objective"], color=OURS, marker="o", markersize=2.5, label="ours")
    ax.set(xscale="log", xlabel="evaluations", ylabel=OBJECTIVE)
    ax.legend(loc="lower right")
    panel(ax, 11, "search")
    figure.suptitle(
        f"Hidden defect. Theirs (ten Gaussians, RMSProp): {run[-1]},\n"
        f"$L = {last.objective:.2f}$, potential off by {np.abs(last.onsite - hidden).max():.1f} $t$.\n"
        f"Ours (find_defect): {ours.evaluations} evaluations after a table of curves, {watch}, potential off by {power(error)} $t$.",
        fontsize=8)
    return figure


def mirrored(result: mcd.Result, wire: mcd.Wire) -> np.ndarray:
    """The potential found, or its mirror image in y, which has the same curve: whichever lies in the lower half."""
    found = {name: values[0] for name, values in result.parameters.items()}
    found["y"] = min(found["y"], wire.width - 1 - found["y"])
    return defect(wire, **found)
