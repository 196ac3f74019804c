"""Interleaved samples from many programs, each a child process that serves its cases by peers/serve.py."""

import json
import os
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np

PEERS = Path(__file__).parent / "peers"
BUSY = 0.1  # the share of the machine that others may use during a quiet sample


class Worker:
    """One program with its cases."""

    def __init__(self, script, *command):
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        self.process = subprocess.Popen(list(map(str, command)), env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.script = script
        hello = self._answer()
        self.versions, self.cases, self.operations = hello["versions"], hello["cases"], hello["operations"]

    def ask(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.script} ended with status {self.process.wait()}: see its message above")
        return json.loads(line)


def used():
    """CPU seconds spent by the whole machine since it started, and those that its host took away."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, soft, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


class Case:
    """The samples of one case."""

    def __init__(self, worker, name):
        self.worker, self.name, self.samples = worker, name, []

    def check(self, onsite, result):
        self.worker.ask(do="check", case=self.name, onsite=str(onsite), result=str(result))
        with np.load(result) as arrays:
            return dict(arrays)

    def sample(self, onsite, seconds):
        begin, before = time.monotonic(), used()
        sample = self.worker.ask(do="sample", case=self.name, onsite=str(onsite), seconds=seconds)
        elapsed = time.monotonic() - begin
        others = used() - before - sample.pop("used") - 0.03  # the clock of /proc/stat is coarse
        sample["others"] = max(0, others) / (elapsed * os.cpu_count())
        self.samples.append(sample)

    @property
    def quiet(self):
        """Samples while others used little of the machine, or all if there are too few of those."""
        quiet = [s for s in self.samples if s["others"] <= BUSY]
        return quiet if 3 * len(quiet) >= len(self.samples) else self.samples

    def summary(self):
        walls = [s["wall"] for s in self.quiet]
        quarters = np.percentile(walls, [25, 75])
        return dict(wall=statistics.median(walls), low=quarters[0], high=quarters[1], best=min(s["best"] for s in self.samples),
                    cpu=statistics.median(s["cpu"] for s in self.quiet), samples=len(self.samples),
                    quiet=sum(s["others"] <= BUSY for s in self.samples))


def interleave(cases, onsite, rounds, seconds, slow=1.0, progress=print):
    """Samples every case in turn, rounds times; a case slower than so many seconds a call in the first and last rounds only.

    While others use the machine, up to as many rounds again.
    """
    for n in range(2 * rounds):
        if n >= rounds and all(sum(s["others"] <= BUSY for s in c.samples) >= min(rounds, len(c.samples)) for c in cases):
            break
        for case in cases:
            if n in (0, 1, rounds - 1) or case.samples[0]["wall"] < slow:
                case.sample(onsite, seconds)
        progress(f"round {n + 1}")
