"""From a finalized Kwant system to a device: the Hamiltonians of a whole sweep at once."""

from typing import Optional

import numpy as np
from kwant import system as _system
from numpy.typing import ArrayLike

from ._kwant_values import PRECISION, Sweep
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

    Value functions are called for many sites or bonds and all points at once: the numbers in ``tag`` and ``pos`` of a site and
    swept parameters are arrays then, the functions of math and cmath are NumPy's, and where a condition holds for some of them
    only, the function is called for these and for the others. Functions that cannot take that are called with the array of the
    swept parameter for every site and bond, or else point by point. The outcome is compared with Kwant's own matrix at one point of the sweep and
    with some of its values at the end. Leads are Kwant's cells and hoppings, solved by mcd: modes differ from Kwant's by phases
    and by their order. Errors of value functions and of missing parameters are Kwant's.
    """
    if not isinstance(fsyst, _system.FiniteSystem):
        raise TypeError(f"fsyst: {type(fsyst).__name__}; give a finalized kwant system")
    if not fsyst.lead_interfaces:
        raise ValueError("System contains no leads.")
    energies = array(np.atleast_1d(energy), (None,), "energy")
    source = _source(params, sweep, len(energies))
    known = [system.parameters for system in (fsyst, *fsyst.leads)]
    for name in source.varied:
        if None not in known and name not in set().union(*known):
            names = ", ".join(sorted(set().union(*known))) or "none"
            raise ArgumentError(f"sweep: {name!r} is none of the system's parameters; they are: {names}")
    energies = np.broadcast_to(energies, source.points) if len(energies) == 1 else energies
    norbs = source.orbitals(fsyst)
    first = np.append(0, np.cumsum(norbs))
    interfaces = [np.concatenate([np.arange(first[s], first[s + 1]) for s in sites]) for sites in fsyst.lead_interfaces]
    leads = [source.lead(lead, interface, energies, k) for k, (lead, interface) in enumerate(zip(fsyst.leads, interfaces))]
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
        other = _source({**(params or {}), **values}, sweep, len(np.atleast_1d(energy)))
        return other.region(fsyst, norbs), [other.lead(lead, interface, energies, k)
                                            for k, (lead, interface) in enumerate(zip(fsyst.leads, interfaces))]

    device._changed, device._params = changed, dict(params or {})
    return device


def _source(params, sweep, points: int) -> "_Systems":
    """What evaluates systems at all points of a sweep; points is the number of energies."""
    if sweep is None:
        sweep = {}
    elif not isinstance(sweep, dict):
        name, values = sweep
        sweep = {name: values}
    varied = {name: array(np.atleast_1d(values), (None,), f"sweep {name}") for name, values in sweep.items()}
    total = max([points, *map(len, varied.values())])
    for name, count in [("energy", points), *((f"sweep {name}", len(v)) for name, v in varied.items())]:
        if count not in (1, total) or (count == 0):
            raise ArgumentError(f"{name}: {count} values for {total} points; give one for each")
    return _Systems(dict(params or {}), {name: np.broadcast_to(v, total) for name, v in varied.items()}, total)


class _Systems(Sweep):
    """Evaluates systems at all points of a sweep."""

    def orbitals(self, system):
        """Number of orbitals of every site."""
        if system.site_ranges is None:
            return np.asarray(system.hamiltonian_submatrix(params=self.each[0], sparse=True, return_norb=True)[1])
        starts, norbs, _ = np.array(system.site_ranges).T
        return np.repeat(norbs[:-1], np.diff(starts))

    def region(self, fsyst, norbs):
        """Rows, columns and values of the scattering region."""
        if self.varied and hasattr(fsyst, "onsites"):
            rows, cols, values = self.assemble(fsyst, norbs, len(norbs))
            self.finite(fsyst, norbs, rows, cols, values, "")
            if values is not None:
                theirs = fsyst.hamiltonian_submatrix(params=self.each[self.check], sparse=True).tocsr()
                ours = type(theirs)((values[min(self.check, len(values) - 1)], (rows, cols)), shape=theirs.shape)
                if abs(ours - theirs).max() <= PRECISION * abs(theirs).max():
                    return rows, cols, values
        return [fsyst.hamiltonian_submatrix(params=p, sparse=True) for p in (self.each if self.varied else self.each[:1])]

    def lead(self, lead, interface, energies, number):
        """One lead at all points."""
        if not isinstance(lead, _system.InfiniteSystem):
            return SelfEnergy(np.array([lead.selfenergy(e, params=p) for e, p in zip(energies, self.each)]), interface)
        if self.varied and hasattr(lead, "onsites"):
            cell, hopping = self._assemble_lead(lead, number)
            params = self.each[self.check]
            if cell is not None and all(
                    np.allclose(ours[min(self.check, len(ours) - 1)], theirs, rtol=0, atol=PRECISION * abs(theirs).max(initial=0))
                    for ours, theirs in ((cell, lead.cell_hamiltonian(params=params)),
                                         (hopping, lead.inter_cell_hopping(params=params)))):
                return Lead(cell, hopping, interface)
        points = self.each if self.varied else self.each[:1]
        return Lead(np.array([lead.cell_hamiltonian(params=p) for p in points]),
                    np.array([lead.inter_cell_hopping(params=p) for p in points]), interface)

    def _assemble_lead(self, lead, number):
        """Cells (points, c, c) and hoppings (points, c, m), or one of each where they do not change."""
        norbs = self.orbitals(lead)
        c, orbitals = norbs[:lead.cell_size].sum(), norbs.sum()  # of a cell; with the interface of the one before
        rows, cols, values = self.assemble(lead, norbs, lead.cell_size)
        self.finite(lead, norbs, rows, cols, values, f"lead {number}: ")
        if values is None:
            return None, None
        cell = np.zeros((len(values), c, c), complex)
        hopping = np.zeros((len(values), c, orbitals - c), complex)
        inside, between = (rows < c) & (cols < c), (rows < c) & (cols >= c)
        cell[:, rows[inside], cols[inside]] = values[:, inside]
        hopping[:, rows[between], cols[between] - c] = values[:, between]
        return cell, hopping
