"""The wire as arrays, in NumPy and SciPy: what the peers compute from.

Hopping 1, lattice constant 1, leads with on-site energy 4. In the gauge used here the hopping between slices is -1 and slice x
has the bonds -exp(-2i phi x) between (x, y) and (x, y + 1). A lead enters as its self-energy S and as V, W x N, with
V V^+ = i(S - S^+): the N columns are the open modes. Then, with G the Green function of wire and leads,
T = |V_R^+ G_{L-1,0} V_L|^2 = N - |1 - i V_L^+ G_00 V_L|^2.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack, schur


class Strip(NamedTuple):
    """A wire at K fields; the arrays of one group of fields, padded with zero columns to the most open modes among them."""

    energy: float
    bonds: np.ndarray        # (K, L, W - 1), Hamiltonian between (x, y) and (x, y + 1)
    sigma_left: np.ndarray   # (K, W, W), self-energy in slice 0
    sigma_right: np.ndarray  # (K, W, W), self-energy in slice L - 1
    left: np.ndarray         # (K, W, N), V of the left lead
    right: np.ndarray        # (K, W, N)


def decaying(width, field, energy):
    """F with psi_{x+1} = F psi_x for all that decays or moves to the right in a lead, W x W, and the number of open modes."""
    tau = -np.exp(2j * field * np.arange(width))
    cell = 4 * np.eye(width) - np.eye(width, k=1) - np.eye(width, k=-1)
    transfer = np.zeros((2 * width, 2 * width), complex)  # (psi_{x+1}, psi_x) from (psi_x, psi_{x-1})
    transfer[:width, :width] = (energy * np.eye(width) - cell) / tau[:, None]
    transfer[:width, width:] = -np.diag(tau.conj() / tau)
    transfer[width:, :width] = np.eye(width)
    triangle, vectors = schur(transfer, output="complex")
    values = np.abs(np.diag(triangle))
    ordered = lapack.ztrsen(values < 1 - 1e-7, triangle, vectors, job="N")  # decaying ones first: no ill-conditioned vectors
    basis, eigenvalues = ordered[1], np.diag(ordered[0])
    evanescent = int(np.sum(values < 1 - 1e-7))
    columns = [basis[:, :evanescent]]
    for i in np.flatnonzero(np.abs(np.abs(eigenvalues) - 1) < 1e-7):
        upper = ordered[0][:i, :i] - eigenvalues[i] * np.eye(i)
        vector = basis[:, :i + 1] @ np.append(np.linalg.solve(upper, -ordered[0][:i, i]), 1)
        u = vector[width:]
        if -2 * np.imag(eigenvalues[i] * np.vdot(u, tau * u)) > 0:  # velocity
            columns.append(vector[:, None] / np.linalg.norm(vector))
    basis = np.hstack(columns)
    return np.linalg.solve(basis[width:].T, basis[:width].T).T, width - evanescent


def lead(width, field, energy):
    """Self-energy of the lead on the right, in the gauge of the leads; of the one on the left for the field reversed."""
    f, modes = decaying(width, field, energy)
    return -np.exp(2j * field * np.arange(width))[:, None] * f, modes


def coupling(sigma, modes):
    """V with V V^+ = i(S - S^+), W x N."""
    values, vectors = np.linalg.eigh(1j * (sigma - sigma.conj().T))
    return (vectors * np.sqrt(np.maximum(values, 0)))[:, len(values) - modes:]


def strips(length, width, fields, energy, groups=8):
    """Strips of neighbouring fields, at most so many."""
    x, y = np.arange(length), np.arange(width)
    sigma_left, sigma_right, modes = [], [], []
    for field in fields:
        left, n = lead(width, -field, energy)
        right, _ = lead(width, field, energy)
        gauge = np.exp(2j * field * y * (length - 1))
        sigma_left.append(left)
        sigma_right.append(gauge[:, None] * right * gauge.conj())
        modes.append(n)
    result = []
    for group in np.array_split(np.arange(len(fields)), min(groups, len(fields))):
        most = max(modes[k] for k in group)
        left, right = np.zeros((2, len(group), width, most), complex)
        for i, k in enumerate(group):
            left[i, :, :modes[k]] = coupling(sigma_left[k], modes[k])
            right[i, :, :modes[k]] = coupling(sigma_right[k], modes[k])
        bonds = np.repeat(-np.exp(-2j * np.outer(fields[group], x))[:, :, None], width - 1, axis=2)
        result.append(Strip(energy, bonds, np.array([sigma_left[k] for k in group]),
                            np.array([sigma_right[k] for k in group]), left, right))
    return result
