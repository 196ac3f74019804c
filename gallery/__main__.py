"""Draws the figures of the gallery, each from a run of its own."""

import argparse
import importlib
import time
from pathlib import Path

from .common import ROOT, WORK

FIGURES = ("fig3", "fig4", "fig5", "defects", "feasibility", "constraints", "distinct", "identifiability", "sideleads")
STEPS = {"fig3": 8000, "fig4": 12000, "fig5": 30000}  # of the paper's recipes


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gallery", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"which: {', '.join(FIGURES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes: 30 steps of the paper's recipes")
    parser.add_argument("--steps", type=int,
                        help="steps of the paper's recipes (default: 8000 for fig3, 12000 for fig4, 30000 for fig5); a run that is "
                             "interrupted goes on where it was, and a longer one begins where a shorter one ended")
    parser.add_argument("--out", type=Path, help="folder for the PNG files (default: docs/figures, with --quick build/gallery)")
    chosen = parser.parse_args()
    chosen.out = chosen.out or (WORK if chosen.quick else ROOT / "docs" / "figures")
    for name in chosen.figures or FIGURES:
        if name not in FIGURES:
            parser.error(f"{name} is no figure; give some of {', '.join(FIGURES)}")
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name in chosen.figures or FIGURES:
        begin = time.perf_counter()
        print(f"{name} …", flush=True)
        figure = importlib.import_module(f".{name}", __package__).draw(30 if chosen.quick else chosen.steps or STEPS.get(name, 0), chosen.quick)
        path = chosen.out / f"{name}.png"
        figure.savefig(path, dpi=200)
        print(f"{name}: {path}, {time.perf_counter() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt as interrupt:
        raise SystemExit(f"\n{interrupt or 'interrupted'}") from None
