"""Benchmarks of mcd beside other software, interleaved in one run. Writes bench.txt, bench.json, sizes.png and devices.png.

The peers live in environments of their own, .peers/jax and .peers/kwant (make peers). A peer that is not there is left out,
and the report says so. Every peer must give the reference numbers within 1e-9 before it is timed.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import mcd
import numpy as np

import figures
import report
from measure import PEERS, Case, Worker, interleave

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-9
STAGES = ("paper", "sizes", "shapes", "devices", "allocations")
THREADS = len(os.sched_getaffinity(0))
GO = dict(os.environ, PATH=f"{ROOT / 'build/toolchain/bin'}:{os.environ['PATH']}")


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def machine():
    """What the numbers depend on."""
    info = Path("/proc/cpuinfo").read_text()
    field = lambda name: (re.search(rf"^{name}\s*: (.*)", info, re.M) or [None, "unknown"])[1]
    flags = field("flags").split()
    gcc = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    return dict(processor=f'{field("model name")} (family {field("cpu family")}, model {field("model")})', cores=THREADS,
                flags=[f for f in ("avx2", "fma", "avx512f", "avx512dq", "avx512vl") if f in flags],
                system=f"{platform.system()} {platform.release()}", python=platform.python_version(), gcc=gcc)


class Bench:
    """One run: its options, its folder, and what it has found."""

    def __init__(self, options):
        self.options, self.out = options, Path(options.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.found = dict(machine=machine(), versions={}, missing={}, accuracy={}, cases={}, sizes=[])

    def problem(self, length, width, fields):
        """The files that workers read: the problem, and on-site energies like those a design starts from."""
        name = self.out / f"problem-{length}x{width}.npz"
        generator = np.random.default_rng(7)
        np.savez(name, length=length, width=width, fields=fields, energy=1.2, weights=generator.normal(size=len(fields)))
        onsite = name.with_suffix(".npy")
        np.save(onsite, 4 + 0.3 * generator.normal(size=(length, width)))
        return name, onsite

    def engine(self):
        """The program engine, or None where there is no Go to build it."""
        program = self.out.resolve() / "engine"
        try:
            subprocess.run(["go", "build", "-o", program, "./tests/bench/engine"], cwd=ROOT, env=GO, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            self.found["missing"]["engine"] = f"go build failed: {error}"
            return None
        return program

    def workers(self, problem, scripts):
        """Workers for (script, arguments...), those that can be had; a path stands for the program engine."""
        started = []
        for script, *arguments in scripts:
            home = "kwant" if str(script).startswith("kwant") else "jax"
            python = sys.executable if script == "ours.py" else ROOT / ".peers" / home / "bin" / "python"
            if isinstance(script, Path):
                started.append(Worker(script.name, script, "serve", problem))
                self.found["versions"][script.name] = started[-1].versions
            elif home in self.options.without and script != "ours.py":
                self.found["missing"][script] = f"left out by --without {home}"
            elif not Path(python).exists():
                self.found["missing"][script] = f".peers/{home} is not there: make peers"
            else:
                say(f"starting {script} {' '.join(map(str, arguments))}")
                try:
                    started.append(Worker(script, python, PEERS / script, problem, *arguments))
                except RuntimeError as error:
                    if script == "ours.py":
                        raise
                    self.found["missing"][script] = str(error)
                else:
                    self.found["versions"][script] = started[-1].versions
        return started

    def check(self, cases, onsite, known, label):
        """Every case against what is known: dict of G (K,), jacobian (K, L, W), gradient (L, W), with fields to select."""
        for case in cases:
            result = case.check(onsite, self.out / "result.npz")
            for key in result.keys() & known.keys():
                select, expected = known[key]
                error = float(np.abs(result[key][select] - expected).max() / max(1, np.abs(expected).max()))
                self.found["accuracy"].setdefault(case.name, {})[f"{key}, {label}"] = error
                if not error <= TOLERANCE:
                    raise SystemExit(f"bench: {case.name}: {key} is off by {error:.1e} on the {label}; nothing is timed")

    def paper(self):
        """The paper's wire: 30 x 30 sites, 101 fields."""
        reference = np.load(ROOT / "tests/reference/strip_gaussian.npz")
        fields = reference["fields"]
        problem, onsite = self.problem(30, 30, fields)
        weights = np.load(problem)["weights"]
        engine = self.engine()
        scripts = [("ours.py", engine), (engine,)] if engine else [("ours.py",)]
        scripts += [("unit.py", self.out), ("numpy_adjoint.py",)]
        if not self.options.quick:
            scripts += [("jax_green.py", 1), ("jax_green.py", 2), ("kwant_smatrix.py",)]
        workers = self.workers(problem, scripts)
        cases = [Case(w, name) for w in workers for name in w.cases]

        defect = self.out / "defect.npy"
        np.save(defect, reference["onsite"])
        nearest = [int(np.abs(fields - f).argmin()) for f in reference["fields_grad"]]
        wire = mcd.Wire(30, 30, fields)
        everything = slice(None)
        _, j = wire.jacobian(reference["onsite"])
        self.check(cases, defect, dict(G=(everything, reference["conductance_best"]), jacobian=(nearest, reference["grad"]),
                                       gradient=(everything, np.tensordot(weights, j, 1))), "paper's defect")
        g, j = wire.jacobian(np.load(onsite))
        self.check(cases, onsite, dict(G=(everything, g), jacobian=(everything, j),
                                       gradient=(everything, np.tensordot(weights, j, 1))), "rough potential")
        say(f"{len(cases)} cases agree with the reference")

        interleave(cases, onsite, self.options.rounds, self.options.seconds, progress=say)
        self.found["cases"] = {c.name: c.summary() for c in cases}
        self.found["operations"] = {c.name: c.worker.operations[c.name] for c in cases if c.name in c.worker.operations}
        self.found["counts"] = figures.counts(30, 30, wire.open_modes)
        for worker in workers:
            worker.close()

    def sizes(self):
        """The Jacobian of 101 fields for W = L, with the fields scaled to keep the flux through a slice."""
        for n in self.options.sizes:
            problem, onsite = self.problem(n, n, np.linspace(0, 0.12 * 30 / n, 101))
            scripts = [("ours.py",)]
            if n <= self.options.peers_to:
                scripts += [("numpy_adjoint.py",)]
                scripts += [] if self.options.quick else [("jax_green.py", 2)]
            workers = self.workers(problem, scripts)
            wanted = f"mcd Jacobian, {THREADS} thread", f"numpy adjoint, {THREADS} thread", "JAX adjoint by hand, Jacobian"
            cases = [Case(w, name) for w in workers for name in w.cases if name.startswith(wanted)]
            known = cases[0].check(onsite, self.out / "result.npz")
            self.check(cases[1:], onsite, {k: (slice(None), known[k]) for k in ("G", "jacobian")}, f"wire {n} x {n}")
            interleave(cases, onsite, max(2, self.options.rounds // 2), self.options.seconds, progress=lambda _: None)
            self.found["sizes"].append(dict(length=n, width=n, cases={c.name.split(",")[0]: c.summary() for c in cases}))
            for worker in workers:
                worker.close()
            say(f"size {n}: " + ", ".join(f"{c.name} {1e3 * c.summary()['wall']:.1f} ms" for c in cases))

    def shapes(self):
        """Long and wide wires, mcd alone."""
        self.found["shapes"] = []
        for length, width, points in self.options.shapes:
            problem, onsite = self.problem(length, width, np.linspace(0, 0.12 * 30 / width, points))
            worker, = self.workers(problem, [("ours.py",)])
            case = next(Case(worker, name) for name in worker.cases if name.startswith(f"mcd Jacobian, {THREADS} thread"))
            interleave([case], onsite, 2, 0.1, progress=lambda _: None)
            self.found["shapes"].append(dict(length=length, width=width, points=points, plain=8 * length * width**3 * points, **case.summary()))
            worker.close()
            say(f"{length} x {width}, {points} fields: {1e3 * case.summary()['wall']:.1f} ms")

    def devices(self):
        """The device engine beside Kwant with MUMPS."""
        self.found["devices"] = {}
        problem, onsite = self.out / "devices.npz", self.out / "devices.npy"
        np.savez(problem, points=16, whole=24 if self.options.quick else 101)
        np.save(onsite, np.zeros(1))  # a device has its own
        for name in figures.DEVICES[2:3] if self.options.quick else figures.DEVICES:
            for worker in self.workers(problem, [("kwant_devices.py", name)]):
                cases = [Case(worker, case) for case in worker.cases]
                interleave(cases, onsite, 2, self.options.seconds, slow=1.5, progress=lambda _: None)
                self.found["devices"][name] = dict(
                    orbitals=worker.versions["orbitals"], modes=worker.versions["open modes"],
                    cases={c.name: {k: v / worker.operations[c.name] if k in ("wall", "low", "high", "best", "cpu") else v
                                    for k, v in c.summary().items()} for c in cases})
                worker.close()
                say(f"{name}: " + ", ".join(f"{k} {1e3 * c['wall']:.1f} ms" for k, c in self.found["devices"][name]["cases"].items()))

    def allocations(self):
        """Allocations of one evaluation inside the engine, by Go's own benchmark."""
        command = ["go", "test", "-run", "^$", "-bench", "^BenchmarkWire$/./avx", "-benchmem", "-benchtime", "100x", "./adjoint"]
        try:
            text = subprocess.run(command, cwd=ROOT, env=GO, capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            self.found["missing"]["allocations"] = f"go test failed: {error}"
            return
        self.found["allocations"] = {name: int(n) for name, n in re.findall(r"^BenchmarkWire/(\S+).*?(\d+) allocs/op", text, re.M)}

    def write(self):
        """What has been found so far."""
        (self.out / "bench.json").write_text(json.dumps(self.found, indent=1) + "\n")
        (self.out / "bench.txt").write_text(report.text(self.found))
        if self.found["sizes"]:
            report.plot(self.found, self.out / "sizes.png")
        if self.found.get("devices"):
            report.plot_devices(self.found, self.out / "devices.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small: a few seconds, the fast cases, sizes 16 and 24")
    parser.add_argument("--only", nargs="*", default=STAGES, choices=STAGES, help="parts to measure (default: all)")
    parser.add_argument("--rounds", type=int, help="samples of every case (default 7, quick 2)")
    parser.add_argument("--out", default=ROOT / "build/bench", help="folder of the results (default build/bench)")
    parser.add_argument("--publish", help="folder that gets a copy of the results once all is measured")
    parser.add_argument("--without", nargs="*", default=[], choices=("kwant", "jax"), help="peers to leave out")
    parser.add_argument("--sizes", nargs="*", type=int, help="W = L to compare (default 16 24 30 48 64 100 150, quick 16 24)")
    parser.add_argument("--peers-to", type=int, default=64, help="largest W = L of the peers (default 64)")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 7)
    options.seconds = 0.03 if options.quick else 0.15
    if options.sizes is None:
        options.sizes = (16, 24) if options.quick else (16, 24, 30, 48, 64, 100, 150)
    options.shapes = () if options.quick else ((1000, 30, 101), (30, 400, 8), (30, 1000, 8))

    bench = Bench(options)
    for stage in STAGES:
        if stage in options.only:
            getattr(bench, stage)()
            bench.write()
    if options.publish:
        for name in "bench.txt", "bench.json", "sizes.png", "devices.png":
            if (bench.out / name).exists():
                shutil.copy(bench.out / name, Path(options.publish) / name)
    print((bench.out / "bench.txt").read_text())


if __name__ == "__main__":
    main()
