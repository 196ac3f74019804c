"""Measures what the gallery shows, over many defects and seeds: ``python -m gallery.measure``, or parts of it by name.

Prints what it measures and keeps it in build/gallery/measure.json. Seconds are those of this machine as busy as it is.
"""

import argparse
import json

import mcd
import numpy as np

from .common import WORK, Stopwatch, defect, flat_start, paper_wire, reached, target
from .defects import NOISE, TRUE, error, random_defect
from .fig4 import SKYLINES


def defects(wire: mcd.Wire, count: int, attractive: bool, seed: int = 0) -> dict:
    """How many random defects are found with all parameters to 1e-6, and in what time on a wire just made, its tables included."""
    rng, exact, seconds, evaluations, missed = np.random.default_rng(seed), 0, [], [], []
    for _ in range(count):
        true = random_defect(rng, attractive)
        curve = wire.conductance(defect(wire, **true))
        with Stopwatch() as watch:
            found = mcd.find_defect(paper_wire(), curve, progress=False)
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


def noise(wire: mcd.Wire, count: int, seed: int = 0) -> dict:
    """In how many of count noisy curves the parameters of the paper's defect lie within three stated standard errors."""
    rng, out = np.random.default_rng(seed), {}
    clean = wire.conductance(defect(wire))
    for sigma in NOISE:
        within = dict.fromkeys(TRUE, 0)
        for _ in range(count):
            found = mcd.find_defect(wire, clean + sigma * rng.standard_normal(clean.size), sigma=sigma, progress=False)
            for name, deviation in error(found, TRUE).items():
                within[name] += abs(deviation) <= 3 * found.parameter_errors[name][0]
        out[f"sigma {sigma}"] = {**{name: int(value) for name, value in within.items()}, "of": count}
    return out


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


def smoothing(wire: mcd.Wire, curves: dict, seeds: int) -> dict:
    """By what factor L_pot falls at L ≤ −3, from potentials that show a curve."""
    out = {}
    for name, curve in curves.items():
        runs = []
        for seed in range(seeds):
            start = mcd.design(mcd.Problem(wire, curve, mcd.Sites(flat_start(wire, seed))), stop_objective=-3.0, progress=False)
            with Stopwatch() as watch:
                found = mcd.smooth(start, level=-3.0, progress=False)
            runs.append((start.roughness / found.roughness, found.roughness, found.objective, found.evaluations, watch.seconds, watch.cpu))
        columns = dict(zip(("factors", "L_pot", "L", "evaluations", "seconds", "seconds of CPU"), zip(*runs)))
        out[name] = {"median factor": median(columns["factors"]), **columns}
    return out


def other_curves(wire: mcd.Wire, seed: int = 5) -> dict:
    """Eight curves unlike the skylines, or like both: of random sites, of long waves, a straight line, and mixtures."""
    rng, curves = np.random.default_rng(seed), {}
    for strength in (0.3, 0.6, 1.0):
        curves[f"random sites, {strength} t"] = wire.conductance(wire.clean() + strength * rng.standard_normal(wire.shape))
    waves = [np.cos(np.pi * np.outer(range(4), np.arange(n) + 0.5) / n) for n in wire.shape]
    for strength in (0.5, 1.0):
        h = np.einsum("ab,ax,by", rng.standard_normal((4, 4)), *waves)
        curves[f"long waves, {strength} t"] = wire.conductance(wire.clean() + strength * h / h.std())
    skylines = [target(name) for name in SKYLINES]
    return {**curves, "mean of skylines": np.mean(skylines, axis=0), "straight line": np.linspace(6, 2, wire.fields.size),
            "0.7 colosseum": 0.7 * target("colosseum")}


def quantization(wire: mcd.Wire, steps=(0.5, 0.2, 0.1, 0.05)) -> dict:
    """L of sites that are multiples of a step, rounded as they are and by mcd.quantize."""
    out = {}
    for name in SKYLINES:
        curve = target(name)
        free = mcd.design(mcd.Problem(wire, curve, mcd.Sites(flat_start(wire, 0))), progress=False)
        for step in steps:
            with Stopwatch() as watch:
                found = mcd.quantize(free, step, progress=False)
            rounded = wire.conductance(step * np.round(free.onsite / step))
            out[f"{name}, {step}"] = {"rounded": float(np.log(np.linalg.norm(rounded - curve))), "quantized": found.objective,
                                      "evaluations": found.evaluations, "seconds": watch.seconds, "seconds of CPU": watch.cpu}
    return out


def median(values: list):
    """The median, None of nothing."""
    return float(np.median(values)) if values else None


PARTS = {
    "repulsive": lambda wire, chosen: defects(wire, chosen.repulsive, attractive=False),
    "attractive": lambda wire, chosen: defects(wire, chosen.attractive, attractive=True),
    "pairs": lambda wire, chosen: pairs(wire, chosen.pairs),
    "noise": lambda wire, chosen: noise(wire, chosen.curves),
    "skylines": lambda wire, chosen: skylines(wire, chosen.seeds),
    "smoothing": lambda wire, chosen: smoothing(wire, {name: target(name) for name in SKYLINES}, chosen.seeds),
    "other curves": lambda wire, chosen: smoothing(wire, other_curves(wire), 2),
    "quantization": lambda wire, chosen: quantization(wire),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gallery.measure", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"which: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--repulsive", type=int, default=200, help="random repulsive defects (default: %(default)s)")
    parser.add_argument("--attractive", type=int, default=60, help="random attractive defects (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=50, help="random pairs of repulsive defects (default: %(default)s)")
    parser.add_argument("--curves", type=int, default=100, help="noisy curves of each noise (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=8, help="starts of every skyline (default: %(default)s)")
    chosen = parser.parse_args()
    for name in chosen.parts:
        if name not in PARTS:
            parser.error(f"{name} cannot be measured; give some of {', '.join(PARTS)}")
    wire, path = paper_wire(), WORK / "measure.json"
    WORK.mkdir(parents=True, exist_ok=True)
    report = json.loads(path.read_text()) if path.exists() else {}
    report.update({"mcd": mcd.__version__, "backend": wire.backend})
    for name in chosen.parts or PARTS:
        report[name] = PARTS[name](wire, chosen)
        print(name, json.dumps(report[name], indent=1), flush=True)
        path.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
