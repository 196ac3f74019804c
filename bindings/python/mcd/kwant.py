"""Kwant's solver interface on mcd's engine, for Kwant 1.5.

>>> import mcd.kwant
>>> solver = mcd.kwant.Solver()
>>> solver.smatrix(fsyst, energy=1.2, params=dict(phi=0.01)).transmission(1, 0)

Systems, leads and their modes are Kwant's, and so are the classes of the results: bases, phases and errors agree with those of
Kwant's own solvers.
"""

import numpy as np

try:
    import kwant as _kwant
    import kwant.solvers.default as _default
    from kwant import system as _system
    from kwant._common import deprecate_args, ensure_isinstance
    from kwant.solvers.common import GreensFunction, SMatrix
    from scipy import sparse
except ImportError as error:
    raise ImportError(f"mcd.kwant needs Kwant 1.5 ({error}): https://kwant-project.org/install") from error

from .device import Device, _Waves

__all__ = ["Solver", "install"]


class Solver:
    """Stands in for ``kwant.solvers.default``: the same functions with the same arguments and results."""

    @deprecate_args
    def smatrix(self, sys, energy=0, args=(), out_leads=None, in_leads=None, check_hermiticity=True, *, params=None):
        """Scattering matrix; see ``kwant.smatrix``."""
        out_leads, in_leads = _chosen(sys, out_leads, in_leads)
        for direction, leads in ("in", in_leads), ("out", out_leads):
            for lead in leads:
                if _system.is_selfenergy_lead(sys.leads[lead]):
                    raise ValueError(f"lead {lead} is only defined by a self-energy, so we cannot calculate scattering matrix "
                                     f"elements for it. Specify '{direction}_leads' without '{lead}'.")
        hamiltonian, interfaces = _equations(sys, energy, args, check_hermiticity, params)
        info, waves = _scattering(sys, interfaces, energy, args, params)
        data = _amplitudes(hamiltonian, waves, out_leads, in_leads)
        return SMatrix(data, info, out_leads, in_leads, check_hermiticity)

    @deprecate_args
    def greens_function(self, sys, energy=0, args=(), out_leads=None, in_leads=None, check_hermiticity=True, *, params=None):
        """Retarded Green's function between the interfaces of leads; see ``kwant.greens_function``."""
        out_leads, in_leads = _chosen(sys, out_leads, in_leads)
        hamiltonian, interfaces = _equations(sys, energy, args, check_hermiticity, params)
        sigmas = [_self_energy(lead, i, interfaces[i], energy, args, params) for i, lead in enumerate(sys.leads)]
        # G is the matrix of amplitudes between unit sources and unit probes on the orbitals of the interfaces.
        waves = [_Waves(sigma, interface, *(np.eye(len(interface)),) * 2, np.zeros(sigma.shape))
                 for sigma, interface in zip(sigmas, interfaces)]
        data = _amplitudes(hamiltonian, waves, out_leads, in_leads)
        return GreensFunction(data, sigmas, out_leads, in_leads, check_hermiticity)

    @deprecate_args
    def ldos(self, sys, energy=0, args=(), check_hermiticity=True, *, params=None):
        """Local density of states of every orbital; see ``kwant.ldos``."""
        ensure_isinstance(sys, _system.System)
        if not check_hermiticity:
            raise NotImplementedError("ldos for non-Hermitian Hamiltonians is not implemented yet.")
        if any(map(_system.is_selfenergy_lead, sys.leads)):
            raise NotImplementedError("ldos for leads with only self-energy is not implemented yet.")
        hamiltonian, interfaces = _equations(sys, energy, args, check_hermiticity, params)
        waves = _scattering(sys, interfaces, energy, args, params)[1]
        if not any(w.injection.shape[1] for w in waves):
            return np.zeros(hamiltonian.shape[0])
        return _device(hamiltonian, waves).ldos(0)

    @deprecate_args
    def wave_function(self, sys, energy=0, args=(), check_hermiticity=True, *, params=None):
        """Scattering states by lead; see ``kwant.wave_function``."""
        ensure_isinstance(sys, _system.System)
        hamiltonian, interfaces = _equations(sys, energy, args, check_hermiticity, params)
        waves = _scattering(sys, interfaces, energy, args, params)[1]
        return _WaveFunction(_device(hamiltonian, waves), list(map(_system.is_selfenergy_lead, sys.leads)))


class _WaveFunction:
    """The states of unit flux that a lead sends in, (modes, orbitals), by its number."""

    def __init__(self, device, only_self_energy):
        self._device, self._only_self_energy = device, only_self_energy
        self.num_orb = device.orbitals

    def __call__(self, lead):
        if self._only_self_energy[lead]:
            raise ValueError("Scattering wave functions for leads with only self-energy are undefined.")
        return self._device.wave_function(lead)


def install(solver=None):
    """Makes a `Solver` the default of Kwant: ``kwant.smatrix`` and its sisters are then mcd's."""
    solver = Solver() if solver is None else solver
    for name in ("smatrix", "greens_function", "ldos", "wave_function"):
        for module in (_kwant, _default):
            setattr(module, name, getattr(solver, name))


def _chosen(sys, out_leads, in_leads):
    """The lists of leads, checked as Kwant does."""
    ensure_isinstance(sys, _system.System)
    everything = range(len(sys.lead_interfaces))
    out_leads, in_leads = (list(everything if leads is None else leads) for leads in (out_leads, in_leads))
    if np.any(np.diff(in_leads) <= 0) or np.any(np.diff(out_leads) <= 0):
        raise ValueError("Lead lists must be sorted and with unique entries.")
    if (not in_leads or not out_leads) and sys.lead_interfaces:
        raise ValueError("No output is requested.")
    return out_leads, in_leads


def _equations(sys, energy, args, check_hermiticity, params):
    """H − E of the scattering region, and the orbitals of every lead's interface."""
    if not sys.lead_interfaces:
        raise ValueError("System contains no leads.")
    hamiltonian, norbs = sys.hamiltonian_submatrix(args, sparse=True, return_norb=True, params=params)[:2]
    hamiltonian = (hamiltonian - energy * sparse.identity(hamiltonian.shape[0])).tocsr()
    if check_hermiticity and hamiltonian.nnz:
        defect = abs(hamiltonian - hamiltonian.T.conj()).max()
        if defect > 1e-13 * abs(hamiltonian).max():
            raise ValueError("System Hamiltonian is not Hermitian. Use option `check_hermiticity=False` if this is intentional.")
    first = np.append(0, np.cumsum(norbs))
    interfaces = [np.concatenate([np.arange(first[i], first[i + 1]) for i in sites]) for sites in sys.lead_interfaces]
    return hamiltonian, interfaces


def _self_energy(lead, number, interface, energy, args, params):
    sigma = np.asarray(lead.selfenergy(energy, args, params=params))
    if sigma.shape != 2 * interface.shape:
        raise ValueError(f"Self-energy dimension for lead {number} does not match the total number of orbitals of the sites for "
                         "which it is defined.")
    return sigma


def _scattering(sys, interfaces, energy, args, params):
    """What Kwant tells of every lead, and its waves.

    Kwant's stabilised modes of a lead, incoming, outgoing and then decaying ones, couple to ψ on its interface as

        (H − E)ψ + V u_out a = −V u_in α,   V†ψ − w_out a = w_in α,

    so that a = w_out⁻¹(V†ψ − w_in α) and (E − H − Σ)ψ = Qα with Σ = V u_out w_out⁻¹ V†, Q = V(u_in − u_out w_out⁻¹ w_in).
    """
    info, waves = [], []
    for number, (lead, interface) in enumerate(zip(sys.leads, interfaces)):
        m = len(interface)
        if _system.is_selfenergy_lead(lead):
            info.append(_self_energy(lead, number, interface, energy, args, params))
            waves.append(_Waves(info[-1], interface, *(np.zeros(shape) for shape in ((m, 0), (0, m), (0, 0)))))
            continue
        modes, stabilised = lead.modes(energy, args, params=params)
        info.append(modes)
        n, v = stabilised.nmodes, stabilised.sqrt_hop
        u_in, u_out = np.split(stabilised.vecs, [n], axis=1)
        w_in, w_out = np.split(stabilised.vecslmbdainv, [n], axis=1)
        if len(u_in) == 0:  # nothing couples to this lead
            v = np.zeros((m, 0))
        if len(v) != m:
            raise ValueError(f"Lead {number} has hopping with dimensions incompatible with its interface dimension.")
        from_psi, from_in = np.split(np.linalg.solve(w_out, np.hstack([v.conj().T, w_in])), [m], axis=1)
        waves.append(_Waves(v @ u_out @ from_psi, interface, v @ (u_in - u_out @ from_in), from_psi[:n], -from_in[:n]))
    return info, waves


def _device(hamiltonian, waves):
    """The device of one point; energies are in the Hamiltonian already."""
    return Device(hamiltonian, waves, 0.0, hermitian=False)


def _amplitudes(hamiltonian, waves, out_leads, in_leads):
    """Amplitudes from the modes of in_leads to those of out_leads."""
    sizes = np.array([w.injection.shape[1] for w in waves])
    shape = sizes[out_leads].sum(), sizes[in_leads].sum()
    if 0 in shape:
        return np.zeros(shape)
    device = _device(hamiltonian, waves)
    if len(in_leads) > 1:
        first = np.append(0, np.cumsum(sizes))
        rows, cols = (np.concatenate([np.arange(first[i], first[i + 1]) for i in leads]) for leads in (out_leads, in_leads))
        return device.smatrix(0)[np.ix_(rows, cols)]
    from_, = in_leads
    psi = device.wave_function(from_).T
    blocks = [waves[to].extraction @ psi[waves[to].interface] for to in out_leads]
    if from_ in out_leads:
        blocks[out_leads.index(from_)] += waves[from_].direct
    return np.concatenate(blocks)
