"""Yardsticks: OpenBLAS inverting as many matrices as there are slices and fields, in C, and the multiply-add peak.

argv: problem, folder for the compiled loops.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # threads outside serve small matrices better
import numpy as np
import scipy_openblas32

from serve import serve, threads

ROUNDS = 500_000  # a millisecond: short enough to find the machine undisturbed, long beside the start of a thread


def main():
    problem = np.load(sys.argv[1])
    width, count = int(problem["width"]), len(problem["fields"]) * int(problem["length"])
    loops = Path(sys.argv[2]) / "unit.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", loops, Path(__file__).with_name("unit.c"), "-lpthread"], check=True)
    unit = ctypes.CDLL(str(loops))
    unit.unit_spin.restype = ctypes.c_double
    unit.unit_spin.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long]
    blas = ctypes.CDLL(str(Path(scipy_openblas32.get_lib_dir()) / f"lib{scipy_openblas32.get_library()}.so"))

    generator = np.random.default_rng(1)
    parts = generator.normal(size=(2, count, width, width))
    source = parts[0] + 1j * parts[1]
    target = np.empty_like(source)

    def inverses(n):
        def case(_):
            info = unit.unit_inverses(blas.scipy_zgetrf_, blas.scipy_zgetri_, width, count, n,
                                      ctypes.c_void_p(source.ctypes.data), ctypes.c_void_p(target.ctypes.data))
            assert info == 0
            return {}
        return case

    cases, operations = {}, {}
    for n, label in threads().items():
        name = f"OpenBLAS inverses, {label}"
        cases[name] = inverses(n)
        cases[name](None)
        assert np.abs(source @ target - np.eye(width)).max() < 1e-9
        for bits in 256, 512:
            if unit.unit_spin(bits, n, 1):
                name = f"peak, {bits} bits, {label}"
                operations[name] = unit.unit_spin(bits, n, ROUNDS)
                cases[name] = lambda _, bits=bits, n=n: dict(operations=unit.unit_spin(bits, n, ROUNDS))
    serve({"OpenBLAS": scipy_openblas32.get_openblas_config()}, cases, operations)


main()
