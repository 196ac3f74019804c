"""Finds a hidden defect with its place along the wire, which the curve between the ends alone does not tell.

A wire of 20 × 10 sites has two side leads. All that the search is given are the curves from lead 0 to leads 1, 2 and 3.

usage: side_leads.py FIGURE.png
"""

import sys

import mcd
import numpy as np

LENGTH, WIDTH, FIELDS = 20, 10, np.linspace(0, 0.12, 21)
TRUE = {"x": 6.4, "y": 3.8, "amplitude": 2.5, "radius": 1.7}


def device() -> mcd.Device:
    """The wire: rows, columns and values of its Hamiltonians, its ends as leads 0 and 1, side leads 2 and 3."""
    x, y = (a.ravel() for a in np.indices((LENGTH, WIDTH)))
    site = np.arange(LENGTH * WIDTH)
    along, across = site[x < LENGTH - 1], site[y < WIDTH - 1]
    forth, back = np.concatenate([along, across]), np.concatenate([along + WIDTH, across + 1])
    hops = np.concatenate([-np.exp(2j * np.outer(FIELDS, y[along])), -np.ones((len(FIELDS), len(across)))], axis=1)
    values = np.concatenate([np.full((len(FIELDS), len(site)), 4), hops, hops.conj()], axis=1)
    entries = np.concatenate([site, forth, back]), np.concatenate([site, back, forth]), values
    cell = lambda n: 4 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    through = np.array([np.diag(row) for row in -np.exp(2j * np.outer(FIELDS, np.arange(WIDTH)))])
    ends = [mcd.Lead(cell(WIDTH), through, np.arange(WIDTH)), mcd.Lead(cell(WIDTH), through.conj(), site[-WIDTH:])]
    sides = [mcd.Lead(cell(4), -np.eye(4), WIDTH * np.arange(first, first + 4) + WIDTH - 1) for first in (3, 13)]
    return mcd.Device(entries, ends + sides, 1.2, positions=np.stack([x, y], axis=1))


def main(figure: str) -> None:
    wire = device()
    distance = ((wire.positions - (TRUE["x"], TRUE["y"])) ** 2).sum(axis=1)
    hidden = TRUE["amplitude"] * np.exp(-distance / TRUE["radius"] ** 2)
    curves = {(to, 0): wire.transmission(to, 0, hidden) for to in (1, 2, 3)}

    result = mcd.find_defect(wire, curves)
    print("              true      found")
    for name, true in TRUE.items():
        print(f"{name:>10} {true:8.4f} {result.parameters[name][0]:10.6f}")
    print(f"\n{result.evaluations} evaluations after the table, {result.seconds:.2f} s in all: {result.message}")
    wire.plot(result.onsite, figure, label="potential  ($t$)", bonds=wire.currents(0, 4, result.onsite), bond_label="current")
    print(f"figure: {figure}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "side_leads.png")
