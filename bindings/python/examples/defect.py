"""Finds a hidden defect from its magneto-conductance.

A wire of 30 × 30 sites holds one Gaussian defect. Its curve G(φ) at 101 fields is all that the search is given.

usage: defect.py FIGURE.png
"""

import sys
import time
from pathlib import Path

import mcd
import numpy as np

TRUE = {"x": 15.0, "y": 10.0, "amplitude": 10.0, "radius": 2.0}
KWANT = Path(__file__).resolve().parents[3] / "tests" / "reference" / "strip_gaussian.npz"


def main(figure: Path) -> None:
    wire = mcd.Wire(length=30, width=30, fields=np.linspace(0, 0.12, 101), energy=1.2)
    x, y = np.indices(wire.shape)
    hidden = 4 + TRUE["amplitude"] * np.exp(-((x - TRUE["x"]) ** 2 + (y - TRUE["y"]) ** 2) / TRUE["radius"] ** 2)
    curve = wire.conductance(hidden)

    begin = time.perf_counter()
    result = mcd.find_defect(wire, curve)
    seconds = time.perf_counter() - begin

    print(f"mcd {mcd.__version__}, {wire.backend}\n")
    print("              true      found")
    for name, true in TRUE.items():
        print(f"{name:>10} {true:8.4f} {result.parameters[name][0]:10.6f}{remark(name)}")
    print(f"\nfound in {seconds:.2f} s with {result.evaluations} evaluations of 101 fields: {result.message}")
    print(f"largest |G found − G true|: {np.abs(result.conductance - curve).max():.1e} e²/h")
    if KWANT.exists():
        with np.load(KWANT) as reference:
            difference = np.abs(wire.conductance(reference["onsite"]) - reference["conductance"]).max()
        print(f"largest |G mcd − G Kwant| of the hidden defect: {difference:.1e} e²/h")

    figure.parent.mkdir(parents=True, exist_ok=True)
    result.plot(figure, true_onsite=hidden)
    print(f"\nfigure: {figure}")


def remark(name: str) -> str:
    return {"x": "   (the curve does not depend on it)",
            "y": "   (its mirror image 29 − y has the same curve)"}.get(name, "")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "defect.png"))
