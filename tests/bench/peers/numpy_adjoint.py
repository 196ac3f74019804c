"""Peer: the analytic adjoint in NumPy over batched inverses, and the batched inverse alone."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the best at these sizes
import numpy as np
import scipy

from serve import serve, threads
from strip import strips


def jacobian(strip, onsite):
    """G and its derivatives by every on-site energy, for a group of fields: (K,), (K, L, W).

    F_x = (E - H_x - F_{x+1})^-1 from the right; psi_{x+1} = -F_{x+1} psi_x and chi_{x+1} = -F_{x+1}^T chi_x from slice 0.
    With r = 1 - i V^+ G_00 V, T = N - |r|^2 and dT/dh_i = -2 Im sum_mn r*_mn chi_m(i) psi_n(i).
    """
    fields, (length, width) = len(strip.bonds), onsite.shape
    f, behind = [None] * length, strip.sigma_right
    for x in reversed(range(length)):
        a = -behind if x else -behind - strip.sigma_left
        flat = a.reshape(fields, width * width)
        flat[:, ::width + 1] += strip.energy - onsite[x]
        flat[:, 1::width + 1] -= strip.bonds[:, x]
        flat[:, width::width + 1] -= strip.bonds[:, x].conj()
        f[x] = behind = np.linalg.inv(a)
    v = strip.left
    psi, chi = f[0] @ v, f[0].swapaxes(1, 2) @ v.conj()
    r = np.eye(v.shape[2]) - 1j * v.conj().swapaxes(1, 2) @ psi
    g = v.shape[2] - np.sum(np.abs(r)**2, axis=(1, 2))
    chi = chi @ r.conj()
    j = np.empty((fields, length, width))
    for x in range(length):
        if x:
            psi, chi = -(f[x] @ psi), -(f[x].swapaxes(1, 2) @ chi)
        j[:, x] = -2 * np.sum(chi * psi, axis=2).imag
    return g, j


def main():
    problem = np.load(sys.argv[1])
    length, width, fields, weights = (problem[k] for k in ("length", "width", "fields", "weights"))
    groups = strips(int(length), int(width), fields, float(problem["energy"]))

    def adjoint(n):
        pool = ThreadPoolExecutor(n)

        def case(onsite):
            parts = list(pool.map(lambda s: jacobian(s, onsite), groups))
            g, j = (np.concatenate(a) for a in zip(*parts))
            return dict(G=g, jacobian=j, gradient=np.tensordot(weights, j, 1))
        return case

    @cache
    def matrices():
        generator = np.random.default_rng(1)
        parts = generator.normal(size=(2, len(fields) * int(length), int(width), int(width)))
        result = parts[0] + 1j * parts[1]
        assert np.abs(np.linalg.inv(result) @ result - np.eye(int(width))).max() < 1e-9
        return result

    def inverse(n):
        pool = ThreadPoolExecutor(n)

        def case(_):
            list(pool.map(np.linalg.inv, np.array_split(matrices(), n)))
            return {}
        return case

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    serve({"NumPy": np.__version__, "its BLAS": f'{blas["name"]} {blas["version"]}', "SciPy": scipy.__version__},
          {f"numpy {name}, {label}": function(n) for name, function in (("adjoint", adjoint), ("inverse", inverse))
           for n, label in threads().items()})


main()
