"""Serves the cases of one peer to the driver, run.py, one sample at a time, so that samples of many programs interleave.

A case is a function of the on-site energies (length, width) that returns a dict of arrays: G, gradient, jacobian, whichever it
computes. Commands and answers are lines of JSON on standard input and output.
"""

import json
import os
import sys
import time

import numpy as np


def repeat(function, seconds):
    """Wall and CPU seconds of one call, the mean over as many as fill the given time, after one to warm up, and the fastest.

    A case whose work is done in other processes returns their CPU seconds as "cpu".
    """
    def timed():
        begin, used = time.perf_counter(), time.process_time()
        elsewhere = function().get("cpu", 0)
        return time.perf_counter() - begin, time.process_time() - used + elsewhere
    once, warming = timed()
    calls = [timed() for _ in range(max(1, round(seconds / once)))]
    walls, cpus = zip(*calls)
    return dict(wall=sum(walls) / len(calls), cpu=sum(cpus) / len(calls), best=min(walls), calls=len(calls),
                used=warming + sum(cpus))


def serve(versions, cases, operations=None):
    """Answers commands until standard input ends.

    versions : dict of name -> version, what the report prints
    cases : dict of name -> function(onsite)
    operations : dict of name -> floating-point operations of a call, for yardsticks
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print is no answer

    def answer(**fields):
        answers.write(json.dumps(fields) + "\n")
        answers.flush()

    answer(versions=versions, cases=list(cases), operations=operations or {})
    for line in sys.stdin:
        command = json.loads(line)
        onsite, function = np.load(command["onsite"]), cases[command["case"]]
        if command["do"] == "check":
            np.savez(command["result"], **function(onsite))
            answer(done=True)
        else:
            answer(**repeat(lambda: function(onsite), command["seconds"]))


def threads():
    """The numbers of threads to measure with, and their names: one, and as many as there are processors to use."""
    counts = sorted({1, len(os.sched_getaffinity(0))})
    return {n: f"{n} thread{'s' * (n > 1)}" for n in counts}
