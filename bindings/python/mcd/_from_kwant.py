"""From a finalized Kwant system to a device: the Hamiltonians of a whole sweep at once."""

from typing import Optional

import numpy as np
from kwant import system as _system
from kwant.builder import Other
from numpy.typing import ArrayLike

from ._library import array
from .device import Device, Lead, SelfEnergy
from .errors import ArgumentError

__all__ = ["from_kwant"]


def from_kwant(fsyst, energy: ArrayLike = 0, params: Optional[dict] = None, sweep=None, **options) -> Device:
    """The device that a finalized Kwant system describes, over a sweep.

    Parameters
    ----------
    fsyst : kwant.system.FiniteSystem
    energy : float or array_like, (points,)
    params : dict, optional
        Parameters of the value functions, as ``kwant.smatrix`` takes them.
    sweep : (name, values) or dict of them, optional
        Parameters that change from point to point; several run together.
    **options
        What `Device` takes: hermitian, threads, memory_limit.

    Value functions are called with the array of a swept parameter once for every site and bond, and the outcome is compared
    with Kwant's own matrices in the middle and at the end of the sweep; functions that cannot take arrays are called point by
    point. Leads are Kwant's cells and hoppings, solved by mcd: modes differ from Kwant's by phases and by their order. Errors
    of value functions and of missing parameters are Kwant's.
    """
    if not isinstance(fsyst, _system.FiniteSystem):
        raise TypeError(f"fsyst: {type(fsyst).__name__}; give a finalized kwant system")
    if not fsyst.lead_interfaces:
        raise ValueError("System contains no leads.")
    energies = array(np.atleast_1d(energy), (None,), "energy")
    source = _Sweep({**(params or {})}, sweep, len(energies))
    energies = np.broadcast_to(energies, source.points) if len(energies) == 1 else energies
    norbs = fsyst.hamiltonian_submatrix(params=source.each[0], sparse=True, return_norb=True)[1]
    first = np.append(0, np.cumsum(norbs))
    interfaces = [np.concatenate([np.arange(first[s], first[s + 1]) for s in sites]) for sites in fsyst.lead_interfaces]
    leads = [source.lead(lead, interface, energies) for lead, interface in zip(fsyst.leads, interfaces)]
    try:
        positions = np.repeat([fsyst.pos(s) for s in range(len(norbs))], norbs, axis=0).astype(float)
    except (AttributeError, NotImplementedError):  # a system without geometry
        positions = None
    return Device(source.region(fsyst, norbs), leads, energies, orbitals=int(first[-1]), positions=positions, **options)


class _Sweep:
    """Evaluates systems at all points of a sweep."""

    def __init__(self, params: dict, sweep, points: int):
        if sweep is None:
            sweep = {}
        elif not isinstance(sweep, dict):
            name, values = sweep
            sweep = {name: values}
        self.varied = {name: array(np.atleast_1d(values), (None,), f"sweep {name}") for name, values in sweep.items()}
        self.points = max([points, *map(len, self.varied.values())])
        for name, count in [("energy", points), *((f"sweep {name}", len(v)) for name, v in self.varied.items())]:
            if count not in (1, self.points) or (count == 0):
                raise ArgumentError(f"{name}: {count} values for {self.points} points; give one for each")
        self.varied = {name: np.broadcast_to(v, self.points) for name, v in self.varied.items()}
        self.each = [{**params, **{name: v[k].item() for name, v in self.varied.items()}} for k in range(self.points)]
        self.bulk = {**params, **self.varied}
        self.by_points = set()  # functions that do not take arrays

    def samples(self):
        """The points at which Kwant's own matrices are compared."""
        return sorted({self.points // 2, self.points - 1})

    def region(self, fsyst, norbs):
        """Rows, columns and values of the scattering region."""
        if self.varied and hasattr(fsyst, "onsites"):
            rows, cols, values = self._assemble(fsyst, norbs)
            if all(self._equal(rows, cols, values[k], fsyst, k) for k in self.samples()):
                return rows, cols, values
        return [fsyst.hamiltonian_submatrix(params=p, sparse=True) for p in (self.each if self.varied else self.each[:1])]

    def _equal(self, rows, cols, values, fsyst, k) -> bool:
        """Whether entries are Kwant's at point k, up to rounding."""
        theirs = fsyst.hamiltonian_submatrix(params=self.each[k], sparse=True).tocsr()
        ours = type(theirs)((values, (rows, cols)), shape=theirs.shape)
        return abs(ours - theirs).max() <= 1e-15 * abs(theirs).max()

    def lead(self, lead, interface, energies):
        """One lead at all points."""
        if not isinstance(lead, _system.InfiniteSystem):
            return SelfEnergy(np.array([lead.selfenergy(e, params=p) for e, p in zip(energies, self.each)]), interface)
        if self.varied and hasattr(lead, "onsites"):
            cell, hopping = self._assemble_lead(lead)
            if all(np.allclose(ours[min(k, len(ours) - 1)], theirs, rtol=0, atol=1e-15 * abs(theirs).max(initial=0))
                   for k in self.samples()
                   for ours, theirs in ((cell, lead.cell_hamiltonian(params=self.each[k])),
                                        (hopping, lead.inter_cell_hopping(params=self.each[k])))):
                return Lead(cell, hopping, interface)
        points = self.each if self.varied else self.each[:1]
        return Lead(np.array([lead.cell_hamiltonian(params=p) for p in points]),
                    np.array([lead.inter_cell_hopping(params=p) for p in points]), interface)

    def _value(self, system, i, j, function, names, shape):
        """⟨i|H|j⟩, (points, *shape), or (1, *shape) where it does not change."""
        if names is None or (not isinstance(names, Exception) and self.varied.keys().isdisjoint(names)):
            return np.asarray(system.hamiltonian(i, j, params=self.each[0]), complex).reshape(1, *shape)
        if shape == (1, 1) and id(function) not in self.by_points:
            try:
                value = np.asarray(system.hamiltonian(i, j, params=self.bulk), complex)
                if value.shape == (self.points,):
                    return value.reshape(-1, 1, 1)
            except Exception:  # whatever a function does with an array that it did not expect; scalars follow
                pass
            self.by_points.add(id(function))
        return np.array([np.asarray(system.hamiltonian(i, j, params=p), complex).reshape(shape) for p in self.each])

    def _terms(self, system, sites, norbs):
        """(i, j, value) of every site and every bond, the bonds in one direction."""
        for i in range(sites):
            yield i, i, self._value(system, i, i, *system.onsites[i], (norbs[i], norbs[i]))
        for (i, j), (function, names) in zip(system.graph, system.hoppings):
            if function is not Other:
                yield i, j, self._value(system, i, j, function, names, (norbs[i], norbs[j]))

    def _assemble(self, fsyst, norbs):
        first = np.append(0, np.cumsum(norbs))
        rows, cols, values = [], [], []
        for i, j, value in self._terms(fsyst, len(norbs), norbs):
            r = np.repeat(np.arange(first[i], first[i + 1]), norbs[j])
            c = np.tile(np.arange(first[j], first[j + 1]), norbs[i])
            value = np.broadcast_to(value.reshape(len(value), -1), (self.points, r.size))
            for row, col, entry in ((r, c, value), (c, r, value.conj()))[:1 + (i != j)]:
                rows.append(row)
                cols.append(col)
                values.append(entry)
        return np.concatenate(rows), np.concatenate(cols), np.concatenate(values, axis=1)

    def _assemble_lead(self, lead):
        """Cells (points, c, c) and hoppings (points, c, m), or one of each where they do not change."""
        cells = lead.cell_size
        norbs = lead.hamiltonian_submatrix(params=self.each[0], sparse=True, return_norb=True)[1]
        first = np.append(0, np.cumsum(norbs))
        c, m = first[cells], first[-1] - first[cells]
        terms = list(self._terms(lead, cells, norbs))
        points = max(len(value) for _, _, value in terms)
        full = np.zeros((points, c, c + m), complex)  # of a cell with itself and with the interface of the one before
        for i, j, value in terms:
            for a, b, block in ((i, j, value), (j, i, value.conj().swapaxes(1, 2))):
                if a < cells:
                    full[:, first[a]:first[a + 1], first[b]:first[b + 1]] = block
        return full[:, :, :c].copy(), full[:, :, c:].copy()
