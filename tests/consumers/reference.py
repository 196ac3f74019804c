"""Writes reference strips as text for consumers in languages that do not read .npz: tests/consumers/reference/*.txt.

Every line is a name, the number of values, and the values, with all their digits. Arrays over sites are [x][y].

usage: reference.py [--check]     with --check nothing is written: fails if a file is not what would be written
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
CASES = ("odd", "units")  # neither is square; one has another hopping and lead
NAMES = ("length", "width", "energy", "hopping", "lead_onsite", "fields", "onsite", "open_modes", "conductance_best",
         "fields_grad", "grad")


def text(case: str) -> str:
    with np.load(HERE.parent / "reference" / f"strip_{case}.npz") as z:
        lines = [(name, np.atleast_1d(z[name]).ravel()) for name in NAMES]
    return "".join(f"{name} {values.size} {' '.join(repr(v) for v in values.tolist())}\n" for name, values in lines)


for case in CASES:
    path = HERE / "reference" / f"{case}.txt"
    if "--check" in sys.argv:
        assert path.read_text() == text(case), f"{path} is not what {Path(__file__).name} writes"
    else:
        path.write_text(text(case))
