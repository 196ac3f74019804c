"""What the figures share: the wire and its targets, recipes that resume, stopwatches, and the look of a paper."""

import json
import time
from pathlib import Path
from string import ascii_lowercase
from typing import NamedTuple

import mcd
import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ROOT / "tests" / "reference" / "targets"
WORK = ROOT / "build" / "gallery"

# Okabe and Ito's colours, which people of any colour vision tell apart.
BLACK, ORANGE, SKY, GREEN, BLUE, RED, PURPLE = "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"
TARGET, OURS, THEIRS, SHADE = BLACK, BLUE, RED, "#dddddd"

STYLE = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7, "xtick.labelsize": 7,
    "ytick.labelsize": 7, "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "xtick.direction": "in", "ytick.direction": "in", "lines.linewidth": 1.1, "legend.frameon": False,
    "mathtext.fontset": "dejavusans", "axes.prop_cycle": f"cycler('color', {[BLUE, RED, GREEN, ORANGE, PURPLE, SKY, BLACK]})",
}
FIELD = r"field  $\varphi = \pi B a^2 / \varphi_0$"
CONDUCTANCE = r"$G$  ($e^2/h$)"
OBJECTIVE = r"$L = \log\,|G - G_{\mathrm{target}}|$"


def paper_wire() -> mcd.Wire:
    """The wire of the paper: 30 × 30 sites at energy 1.2 and 101 fields."""
    return mcd.Wire(length=30, width=30, fields=np.linspace(0, 0.12, 101), energy=1.2)


def defect(wire: mcd.Wire, y=10.0, amplitude=10.0, radius=2.0, x=15.0) -> np.ndarray:
    """The potential, (length, width), of a clean wire with one Gaussian; the paper's hidden defect by default."""
    column, row = np.indices(wire.shape)
    return wire.clean() + amplitude * np.exp(-((column - x) ** 2 + (row - y) ** 2) / radius**2)


def target(name: str) -> np.ndarray:
    """One of the target curves in tests/reference/targets, (101,)."""
    lines = (TARGETS / f"{name}.csv").read_text().splitlines()
    return np.loadtxt([line for line in lines if line[0].isdigit()], delimiter=",")[:, 1]


def flat_start(wire: mcd.Wire, seed: int, spread: float = 0.3) -> np.ndarray:
    """A random, nearly flat potential, (length, width)."""
    return wire.clean() + spread * np.random.default_rng(seed).standard_normal(wire.shape)


class Stage(NamedTuple):
    """Where a long search stood after a number of evaluations."""

    steps: int
    result: mcd.Result
    cpu: float  #: seconds of processor time from the very beginning

    def __str__(self) -> str:
        return f"{self.steps:,} evaluations, {self.cpu:.0f} s of CPU ({1000 * self.cpu / self.steps:.0f} s per 1,000)"


def recipe(name: str, problem: mcd.Problem, marks, **options) -> list:
    """A long search, seen at every number of evaluations in marks: a list of Stage.

    The stages are kept as files in build/gallery: a second call reads them, and a call after an interruption goes on from
    the last checkpoint.
    """
    WORK.mkdir(parents=True, exist_ok=True)
    checkpoint, clock, previous, stages = WORK / f"{name}.mcd", WORK / f"{name}.json", None, []
    spent = json.loads(clock.read_text()) if clock.exists() else {}
    for mark in marks:
        path = WORK / f"{name}-{mark}.mcd"
        if not path.exists():
            source = checkpoint if checkpoint.exists() else previous
            with Stopwatch() as watch:
                result = (mcd.resume(source, max_evaluations=mark, checkpoint=checkpoint) if source else
                          mcd.design(problem, max_evaluations=mark, checkpoint=checkpoint, **options))
            spent["all"] = spent.get("all", 0.0) + watch.cpu
            ended = result.status != "cancelled"
            if ended:
                spent[str(mark)] = spent["all"]
                result.save(path)
            clock.write_text(json.dumps(spent))
            if not ended:
                raise KeyboardInterrupt(f"{name} stopped after {result.evaluations} evaluations; run it again to go on")
            checkpoint.unlink(missing_ok=True)
        previous = path
        stages.append(Stage(mark, mcd.load(path), spent[str(mark)]))
    return stages


def reached(result: mcd.Result, level: float):
    """Evaluations until L fell below level, or None."""
    below = np.flatnonzero(result.history["objective"] < level)
    return int(result.history["evaluations"][below[0]]) if below.size else None


class Stopwatch:
    """``with Stopwatch() as watch: …``; then ``str(watch)`` tells seconds passed and seconds of processor time used."""

    def __enter__(self) -> "Stopwatch":
        self._begin, self._work = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_) -> None:
        self.seconds, self.cpu = time.perf_counter() - self._begin, time.process_time() - self._work

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s ({self.cpu:.2f} s of CPU)"


def power(value: float) -> str:
    """A small number as 2 × 10⁻¹³, for Matplotlib."""
    digits, exponent = f"{value:.0e}".split("e")
    return rf"${digits} \times 10^{{{int(exponent)}}}$"


def canvas(width: float, height: float) -> Figure:
    """An empty figure, in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def panel(ax, number: int, title: str) -> None:
    """Letters a panel and titles it, both at the left."""
    ax.set_title(f"({ascii_lowercase[number]})  {title}", loc="left")


def ceiling(ax, wire: mcd.Wire, top: float = 12.5) -> None:
    """Axes for curves, with everything above the number of open modes shaded: no potential conducts better."""
    ax.fill_between(wire.fields, wire.open_modes, top, step="mid", color=SHADE, linewidth=0)
    ax.set(xlim=(wire.fields[0], wire.fields[-1]), ylim=(0, top), xlabel=FIELD, ylabel=CONDUCTANCE)


def heat(ax, values: np.ndarray, label: str = "", **options):
    """values[x, y] as a map with x to the right and y upwards; with a label also a bar of colours."""
    image = ax.imshow(values.T, origin="lower", interpolation="nearest", **options)
    ax.set(xlabel="$x$  ($a$)", ylabel="$y$  ($a$)")
    if label:
        ax.figure.colorbar(image, ax=ax, label=label, fraction=0.046, pad=0.03)
    return image


def potential(ax, onsite: np.ndarray, reach: float = 0.0, label: str = "$h$  ($t$)"):
    """A potential as a map, white at the clean wire's 4t."""
    reach = reach or np.abs(onsite - 4).max()
    return heat(ax, onsite, label, cmap="RdBu_r", vmin=4 - reach, vmax=4 + reach)


def drawing(draw):
    """Decorator of functions that draw a figure and return it: gives them the style."""
    def styled(*arguments, **options):
        with rc_context(STYLE):
            return draw(*arguments, **options)
    styled.__doc__, styled.__name__ = draw.__doc__, draw.__name__
    return styled
