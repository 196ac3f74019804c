"""JAX on the GPU, on the workload of the GPU engine's benchmarks: 30 x 30 sites, 101 fields. Prints a Markdown table.

Needs NumPy and a JAX that finds the GPU; says what is missing otherwise.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from measure import Case, Worker  # noqa: E402


def main():
    with tempfile.TemporaryDirectory() as folder:
        problem, onsite = Path(folder) / "problem.npz", Path(folder) / "onsite.npy"
        fields = np.linspace(0, 0.12, 101)
        random = np.random.default_rng(7)
        np.savez(problem, length=30, width=30, fields=fields, energy=1.2, weights=random.normal(size=101))
        np.save(onsite, 4 + 0.3 * random.normal(size=(30, 30)))
        try:
            worker = Worker(sys.executable, "jax_green.py", problem, "gpu")
        except RuntimeError as error:
            raise SystemExit(f"JAX on the GPU was not measured: {error}")
        print(f"JAX {worker.versions['JAX']}, jaxlib {worker.versions['jaxlib']}\n")
        print("| case | ms a call, median of 5 | fastest |\n|---|---|---|")
        for name in worker.cases:
            case = Case(worker, name)
            for _ in range(5):
                case.sample(onsite, 1.0)
            s = case.summary()
            print(f"| {name} | {1e3 * s['wall']:.3f} | {1e3 * s['best']:.3f} |", flush=True)
        worker.close()


main()
