"""Measures what the gallery shows, over many defects and seeds: ``python -m gallery.measure``.

Writes build/gallery/measure.json and prints it. Seconds are those of this machine as busy as it is.
"""

import argparse
import json

import mcd
import numpy as np

from .common import WORK, Stopwatch, defect, flat_start, paper_wire, reached, target
from .defects import error, random_defect
from .fig4 import SKYLINES


def defects(wire: mcd.Wire, count: int, attractive: bool, seed: int = 0) -> dict:
    """How many random defects are found with all parameters to 1e-6, and in what time."""
    rng, exact, seconds, evaluations, missed = np.random.default_rng(seed), 0, [], [], []
    for _ in range(count):
        true = random_defect(rng, attractive)
        curve = wire.conductance(defect(wire, **true))
        with Stopwatch() as watch:
            found = mcd.find_defect(wire, curve, progress=False)
        if max(abs(v) for v in error(found, true).values()) < 1e-6:
            exact += 1
        else:
            missed.append({**true, "L": found.objective})
        seconds.append(watch.seconds)
        evaluations.append(found.evaluations)
    return {"found": exact, "of": count, "median seconds": median(seconds), "median evaluations": median(evaluations),
            "missed": missed}


def pairs(wire: mcd.Wire, count: int, seed: int = 0) -> dict:
    """How many random pairs of repulsive defects are found with all parameters and their distance along x to 1e-6."""
    rng, exact, seconds, missed = np.random.default_rng(seed), 0, [], []
    for _ in range(count):
        true = [{"x": rng.uniform(6, 23), **random_defect(rng, attractive=False)} for _ in range(2)]
        onsite = sum(defect(wire, **one) - wire.clean() for one in true) + wire.clean()
        with Stopwatch() as watch:
            found = mcd.find_defect(wire, wire.conductance(onsite), count=2, progress=False)
        if same_pair({name: np.array([one[name] for one in true]) for name in true[0]}, found.parameters, wire):
            exact += 1
        else:
            missed.append({"true": true, "L": found.objective})
        seconds.append(watch.seconds)
    return {"found": exact, "of": count, "median seconds": median(seconds), "most seconds": max(seconds, default=0.0), "missed": missed}


def same_pair(true: dict, found: dict, wire: mcd.Wire) -> bool:
    """Whether two pairs are one but for what leaves the curve as it is: a shift or a mirror along x, and a mirror in y."""
    def shape(pair, mirror):
        order = np.argsort(pair["amplitude"])
        y = wire.width - 1 - pair["y"] if mirror else pair["y"]
        return np.concatenate([[abs(np.diff(pair["x"])[0])], y[order], pair["amplitude"][order], pair["radius"][order]])
    return any(np.abs(shape(found, mirror) - shape(true, False)).max() < 1e-6 for mirror in (False, True))


def skylines(wire: mcd.Wire, seeds: int) -> dict:
    """Evaluations until L < −3 and L < −20 of every target and seed (None where missed), and the seconds of whole searches."""
    out = {}
    for name in SKYLINES:
        runs, seconds = [], []
        for seed in range(seeds):
            with Stopwatch() as watch:
                runs.append(mcd.design(mcd.Problem(wire, target(name), mcd.Sites(flat_start(wire, seed))), progress=False))
            seconds.append(watch.seconds)
        out[name] = {f"evaluations to {level}": [reached(run, level) for run in runs] for level in (-3, -20)}
        out[name]["median seconds"] = median(seconds)
    return out


def smoothing(wire: mcd.Wire, seeds: int) -> dict:
    """By what factor L_pot falls at L ≤ −3, from potentials that show a curve."""
    out = {}
    for name in SKYLINES:
        runs = []
        for seed in range(seeds):
            start = mcd.design(mcd.Problem(wire, target(name), mcd.Sites(flat_start(wire, seed))), stop_objective=-3.0, progress=False)
            with Stopwatch() as watch:
                found = mcd.smooth(start, level=-3.0, progress=False)
            runs.append((start.roughness / found.roughness, found.roughness, found.objective, found.evaluations, watch.seconds, watch.cpu))
        columns = dict(zip(("factors", "L_pot", "L", "evaluations", "seconds", "seconds of CPU"), zip(*runs)))
        out[name] = {"median factor": median(columns["factors"]), **columns}
    return out


def median(values: list):
    """The median, None of nothing."""
    return float(np.median(values)) if values else None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gallery.measure", description=__doc__.splitlines()[0])
    parser.add_argument("--repulsive", type=int, default=200, help="random repulsive defects (default: %(default)s)")
    parser.add_argument("--attractive", type=int, default=60, help="random attractive defects (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=50, help="random pairs of repulsive defects (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=8, help="starts of every skyline (default: %(default)s)")
    chosen = parser.parse_args()
    wire, report = paper_wire(), {"mcd": mcd.__version__}
    report["backend"] = wire.backend
    WORK.mkdir(parents=True, exist_ok=True)
    for name, measure in (("repulsive", lambda: defects(wire, chosen.repulsive, False)),
                          ("attractive", lambda: defects(wire, chosen.attractive, True)),
                          ("pairs", lambda: pairs(wire, chosen.pairs)),
                          ("skylines", lambda: skylines(wire, chosen.seeds)), ("smoothing", lambda: smoothing(wire))):
        report[name] = measure()
        print(name, json.dumps(report[name], indent=1), flush=True)
        (WORK / "measure.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
