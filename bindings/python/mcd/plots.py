"""The figures of results and of feasibility reports."""

from string import ascii_lowercase

import numpy as np

STYLE = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7, "xtick.labelsize": 7,
    "ytick.labelsize": 7, "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "xtick.direction": "in", "ytick.direction": "in", "lines.linewidth": 1.1, "legend.frameon": False,
    "mathtext.fontset": "dejavusans", "figure.dpi": 120, "savefig.dpi": 200,
}
BLUE, RED, GREY, YELLOW = "#1f5fa8", "#c8402f", "#d9d9d9", "#e8c547"


def written(drawn, path):
    """A figure, after it has been written to path unless that is None."""
    if path is not None:
        drawn.savefig(path, dpi=200)
    return drawn


def _matplotlib():
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots are drawn with Matplotlib: pip install 'libmcd[plot]'") from error
    return rc_context(STYLE), Figure


def feasibility_figure(report, nearest=None):
    """The target with what stands against it, and perhaps a curve near it."""
    style, kind = _matplotlib()
    with style:
        drawn = _figure(kind, 3.6, 2.8)
        ax = drawn.subplots()
        order = np.argsort(report.fields, kind="stable")
        fields, target = report.fields[order], report.target[order]
        top = 1.08 * max(report.ceiling.max(), target.max(), 1)
        _limits(ax, fields, report.ceiling[order], report.excess[order], report.narrow[order], target, top)
        ax.plot(fields, target, "o", color=RED, markersize=3, markerfacecolor="none", markeredgewidth=0.7, label="target")
        if nearest is not None:
            ax.plot(fields, np.asarray(nearest)[order], color=BLUE, label="nearest feasible")
        _curve_axes(ax, fields, min(0, target.min()), top)
        ax.legend(loc="best")
        return drawn


def figure(result, true_onsite=None):
    """Curve with target and ceiling, potential, local density of states, objective over evaluations."""
    style, kind = _matplotlib()
    with style:
        drawn = _figure(kind, 7.2, 5.8)
        axes = drawn.subplots(2, 2)
        _curve(axes[0, 0], result)
        _potential(drawn, axes[0, 1], result, true_onsite)
        _density(drawn, axes[1, 0], result)
        _history(axes[1, 1], result)
        for letter, ax in zip(ascii_lowercase, axes.flat):
            title = ax.get_title()
            ax.set_title("")
            ax.set_title(f"({letter})  {title}", loc="left")
        return drawn


def _figure(kind, width, height):
    """A figure that notebooks and plt.show() know, where pyplot is in use; else one without any window."""
    import sys
    size = dict(figsize=(width, height), layout="constrained")
    pyplot = sys.modules.get("matplotlib.pyplot")
    return pyplot.figure(**size) if pyplot else kind(**size)


def _curve(ax, result):
    problem, wire = result.problem, result.problem.wire
    order = np.argsort(wire.fields, kind="stable")
    report = wire.feasibility(problem.target)
    fields, ceiling = wire.fields[order], report.ceiling[order]
    target, conductance = problem.target[order], result.conductance[order]
    top = 1.08 * max(ceiling.max(), target.max(), 1)
    _limits(ax, fields, ceiling, report.excess[order], report.narrow[order], target, top)
    ax.plot(fields, target, "o", color=RED, markersize=3, markerfacecolor="none", markeredgewidth=0.7, label="target")
    ax.plot(fields, conductance, color=BLUE, label="found")
    _curve_axes(ax, fields, 0, top)
    ax.set_title("conductance")
    ax.legend(loc="best")


def _curve_axes(ax, fields, bottom, top):
    ax.set(xlabel=r"field  $\varphi = \pi B a^2 / \varphi_0$", ylabel=r"conductance  $G$  ($e^2/h$)", ylim=(bottom, top))
    if fields[0] < fields[-1]:
        ax.set_xlim(fields[0], fields[-1])


def _limits(ax, fields, ceiling, excess, narrow, target, top):
    """Shades what no potential reaches: all above N grey, the target's share of it red, what is too sharp yellow."""
    ax.fill_between(fields, ceiling, top, step="mid", color=GREY, linewidth=0)
    ax.step(fields, ceiling, where="mid", color="0.55", linewidth=0.7, label="open modes $N$")
    if excess.any():
        ax.fill_between(fields, target - excess, target, where=excess != 0, step="mid", color=RED, alpha=0.35, linewidth=0,
                        label="out of reach")
    edges = np.flatnonzero(np.diff(np.concatenate(([0], narrow, [0]))))
    for number, (first, last) in enumerate(edges.reshape(-1, 2)):
        ax.axvspan(fields[first], fields[last - 1], color=YELLOW, alpha=0.35, linewidth=0,
                   label="" if number else "too sharp")


def _potential(drawn, ax, result, true_onsite):
    wire = result.problem.wire
    onsite, lead = result.onsite / wire.hopping, wire.lead_onsite / wire.hopping
    above, below = max(onsite.max() - lead, 0), max(lead - onsite.min(), 0)
    reach = max(above, below, 1e-12)
    _map(drawn, ax, onsite, "on-site energy  $h$  ($t$)", **(
        dict(cmap="Reds", vmin=lead, vmax=lead + reach) if below < 0.05 * reach else
        dict(cmap="Blues_r", vmin=lead - reach, vmax=lead) if above < 0.05 * reach else
        dict(cmap="RdBu_r", vmin=lead - reach, vmax=lead + reach)))
    if true_onsite is not None:
        hidden = np.asarray(true_onsite) / wire.hopping
        height = hidden.flat[np.abs(hidden - lead).argmax()] - lead
        levels = sorted(lead + height * np.array([0.1, 0.5, 0.9]))
        ax.contour(hidden.T, levels=levels, colors="black", linewidths=0.6)
    ax.set_title("potential" if true_onsite is None else "potential (lines: the true one)")


def _density(drawn, ax, result):
    wire = result.problem.wire
    field, energy = wire.fields[np.abs(wire.fields).argmin()], wire.energies[np.abs(wire.fields).argmin()]
    ldos = wire.ldos(result.onsite, field, energy) * wire.hopping
    _map(drawn, ax, ldos, "LDOS  ($1/t$ per site)", cmap="magma", vmin=0)
    ax.set_title(rf"local density of states, $\varphi = {field:.3g}$")


def _map(drawn, ax, values, label, **options):
    """values[x, y] with x to the right and y upwards."""
    shown = ax.imshow(values.T, origin="lower", interpolation="nearest", **options)
    length, width = values.shape
    slender = max(length, width) > 3 * min(length, width)
    if slender:
        ax.set_aspect("auto")
    drawn.colorbar(shown, ax=ax, label=label, fraction=0.046, pad=0.03)
    ax.set(xlabel="$x$  ($a$)", ylabel="$y$  ($a$)")


def _history(ax, result):
    evaluations, objective = result.history["evaluations"], result.history["objective"]
    ax.step(evaluations, objective, where="post", color=BLUE, marker="o" if len(objective) < 80 else None, markersize=2.5)
    ax.set(xlabel="evaluations", ylabel=r"objective  $L = \log\,|G - G_{\mathrm{target}}|$",
           title=f"search: {result.evaluations} evaluations, {result.seconds:.2g} s")
