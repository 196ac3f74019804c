"""What the tests share: the reference strips, and the wire of the paper."""

from pathlib import Path

import mcd
import numpy as np
import pytest

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
TARGETS = REFERENCE / "targets"
STRIPS = sorted(path.stem[len("strip_"):] for path in REFERENCE.glob("strip_*.npz"))


def load(case: str) -> dict:
    with np.load(REFERENCE / f"strip_{case}.npz") as archive:
        return dict(archive)


def read_csv(path):
    """Fields and curve of a target."""
    with open(path) as file:
        return np.genfromtxt((line for line in file if line[0] not in "#p"), delimiter=",", unpack=True)


def wire_of(z: dict, fields=None, **options) -> mcd.Wire:
    return mcd.Wire(int(z["length"]), int(z["width"]), z["fields"] if fields is None else fields, float(z["energy"]),
                    hopping=float(z["hopping"]), lead_onsite=float(z["lead_onsite"]), **options)


def gaussian(wire, x, y, amplitude, radius):
    """A Gaussian defect in an otherwise clean wire."""
    i, j = np.indices(wire.shape)
    return wire.lead_onsite + amplitude * np.exp(-((i - x) ** 2 + (j - y) ** 2) / radius**2)


@pytest.fixture(scope="session")
def paper() -> mcd.Wire:
    """The wire of the paper: 30 × 30 sites, 101 fields, E = 1.2."""
    return mcd.Wire(length=30, width=30, fields=np.linspace(0, 0.12, 101), energy=1.2)


@pytest.fixture
def small() -> mcd.Wire:
    """A wire on which a search takes milliseconds."""
    return mcd.Wire(length=9, width=8, fields=np.linspace(0, 0.2, 16), energy=1.2)


@pytest.fixture
def rng():
    return np.random.default_rng(1)
