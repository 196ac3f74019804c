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

PRECISION = 1e-15  # to which values by arrays and by numbers have to agree: numpy's vector loops round differently
SAMPLES = 200      # values that are compared at the end of a sweep


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
    with Kwant's own matrix in the middle of the sweep and with some of its values at the end; functions that cannot take arrays
    are called point by point. Leads are Kwant's cells and hoppings, solved by mcd: modes differ from Kwant's by phases and by their order. Errors
    of value functions and of missing parameters are Kwant's.
    """
    if not isinstance(fsyst, _system.FiniteSystem):
        raise TypeError(f"fsyst: {type(fsyst).__name__}; give a finalized kwant system")
    if not fsyst.lead_interfaces:
        raise ValueError("System contains no leads.")
    energies = array(np.atleast_1d(energy), (None,), "energy")
    source = _Sweep({**(params or {})}, sweep, len(energies))
    energies = np.broadcast_to(energies, source.points) if len(energies) == 1 else energies
    norbs = source.orbitals(fsyst)
    first = np.append(0, np.cumsum(norbs))
    interfaces = [np.concatenate([np.arange(first[s], first[s + 1]) for s in sites]) for sites in fsyst.lead_interfaces]
    leads = [source.lead(lead, interface, energies) for lead, interface in zip(fsyst.leads, interfaces)]
    try:
        positions = np.repeat([fsyst.pos(s) for s in range(len(norbs))], norbs, axis=0).astype(float)
    except (AttributeError, NotImplementedError):  # a system without geometry
        positions = None
    device = Device(source.region(fsyst, norbs), leads, energies, orbitals=int(first[-1]), positions=positions, **options)

    def changed(values: dict):
        """The scattering region and the leads with other values of parameters."""
        known = {name for p in (fsyst, *fsyst.leads) for name in p.parameters}
        for name in values:
            if name in source.varied:
                raise ArgumentError(f"parameters: {name!r} is swept; give parameters that are the same at every point")
            if name not in known:
                raise ArgumentError(f"parameters: {name!r} is none of the system's; they are {', '.join(sorted(known))}")
        other = _Sweep({**(params or {}), **values}, sweep, len(np.atleast_1d(energy)))
        return other.region(fsyst, norbs), [other.lead(lead, interface, energies)
                                            for lead, interface in zip(fsyst.leads, interfaces)]

    device._changed, device._params = changed, dict(params or {})
    return device


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

    def orbitals(self, system):
        """Number of orbitals of every site."""
        if system.site_ranges is None:
            return np.asarray(system.hamiltonian_submatrix(params=self.each[0], sparse=True, return_norb=True)[1])
        starts, norbs, _ = np.array(system.site_ranges).T
        return np.repeat(norbs[:-1], np.diff(starts))

    def region(self, fsyst, norbs):
        """Rows, columns and values of the scattering region."""
        if self.varied and hasattr(fsyst, "onsites"):
            rows, cols, values, bonds = self._assemble(fsyst, norbs, len(norbs))
            if values is not None:
                k = self.points // 2
                rows, cols = np.append(rows, cols[bonds]), np.append(cols, rows[bonds])
                values = np.ascontiguousarray(np.concatenate((values, values[bonds].conj())).T)
                theirs = fsyst.hamiltonian_submatrix(params=self.each[k], sparse=True).tocsr()
                ours = type(theirs)((values[k], (rows, cols)), shape=theirs.shape)
                if abs(ours - theirs).max() <= PRECISION * abs(theirs).max():
                    return rows, cols, values
        return [fsyst.hamiltonian_submatrix(params=p, sparse=True) for p in (self.each if self.varied else self.each[:1])]

    def lead(self, lead, interface, energies):
        """One lead at all points."""
        if not isinstance(lead, _system.InfiniteSystem):
            return SelfEnergy(np.array([lead.selfenergy(e, params=p) for e, p in zip(energies, self.each)]), interface)
        if self.varied and hasattr(lead, "onsites"):
            cell, hopping = self._assemble_lead(lead)
            k = self.points // 2
            if cell is not None and all(
                    np.allclose(ours[min(k, len(ours) - 1)], theirs, rtol=0, atol=PRECISION * abs(theirs).max(initial=0))
                    for ours, theirs in ((cell, lead.cell_hamiltonian(params=self.each[k])),
                                         (hopping, lead.inter_cell_hopping(params=self.each[k])))):
                return Lead(cell, hopping, interface)
        points = self.each if self.varied else self.each[:1]
        return Lead(np.array([lead.cell_hamiltonian(params=p) for p in points]),
                    np.array([lead.inter_cell_hopping(params=p) for p in points]), interface)

    def _varies(self, names) -> bool:
        """Whether a function of parameters with these names (None: a constant) changes over the sweep."""
        return names is not None and (isinstance(names, Exception) or not self.varied.keys().isdisjoint(names))

    def _value(self, system, i, j, function, names, size):
        """The elements of ⟨i|H|j⟩, row by row, (size, points), or (size, 1) where they do not change."""
        if names is None:
            return np.reshape(np.asarray(function, complex), (size, 1))
        if not self._varies(names):
            return np.reshape(np.asarray(system.hamiltonian(i, j, params=self.each[0]), complex), (size, 1))
        if size == 1 and id(function) not in self.by_points:
            try:
                value = np.asarray(system.hamiltonian(i, j, params=self.bulk), complex)
                if value.shape == (self.points,):
                    return value
            except Exception:  # whatever a function does with an array that it did not expect; scalars follow
                pass
            self.by_points.add(id(function))
        return np.array([np.ravel(system.hamiltonian(i, j, params=p)) for p in self.each], complex).T

    def _assemble(self, system, norbs, sites):
        """Rows, columns and values (entries, points), or (entries, 1) if nothing changes, of the sites and of the bonds in one
        direction, and which entries belong to bonds. Values are None where functions of arrays do not agree with functions of
        numbers."""
        terms = [(i, i, *system.onsites[i]) for i in range(sites)]
        terms += [(i, j, *value) for (i, j), value in zip(system.graph, system.hoppings) if value[0] is not Other]
        i, j = np.array([term[:2] for term in terms]).T
        sizes, first = norbs[i] * norbs[j], np.append(0, np.cumsum(norbs))
        start = np.append(0, np.cumsum(sizes))
        of = np.repeat(np.arange(len(terms)), sizes)  # term of every entry
        row, col = np.divmod(np.arange(start[-1]) - start[of], norbs[j[of]])
        changing = any(self._varies(names) for *_, names in terms)
        values = np.empty((start[-1], self.points if changing else 1), complex)
        for (a, b, function, names), low, size in zip(terms, start.tolist(), sizes.tolist()):
            values[low:low + size] = self._value(system, a, b, function, names, size)
        rows, cols, bonds, last = first[i[of]] + row, first[j[of]] + col, (i != j)[of], values[:, -1]
        sample = range(0, len(terms), 1 + len(terms) // SAMPLES)
        expected = np.concatenate([np.ravel(system.hamiltonian(*terms[k][:2], params=self.each[-1])) for k in sample])
        found = np.concatenate([last[start[k]:start[k + 1]] for k in sample])
        if not np.allclose(found, expected, rtol=0, atol=PRECISION * abs(last).max(), equal_nan=True):
            values = None
        return rows, cols, values, bonds

    def _assemble_lead(self, lead):
        """Cells (points, c, c) and hoppings (points, c, m), or one of each where they do not change."""
        norbs = self.orbitals(lead)
        c, orbitals = norbs[:lead.cell_size].sum(), norbs.sum()
        rows, cols, values, _ = self._assemble(lead, norbs, lead.cell_size)
        if values is None:
            return None, None
        full = np.zeros((values.shape[1], orbitals, orbitals), complex)  # a cell, then the interface of the one before
        full[:, cols, rows] = values.T.conj()
        full[:, rows, cols] = values.T
        return full[:, :c, :c].copy(), full[:, :c, c:].copy()
