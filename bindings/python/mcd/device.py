"""Any device: sparse Hamiltonians over a sweep, leads anywhere; transmissions, densities, and exact derivatives."""

from ctypes import byref, c_int64, c_size_t, c_void_p
from functools import cached_property
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._library import Computing, Handle, array, call, create, growing, integer, text
from .errors import ArgumentError

__all__ = ["Device", "Lead", "SelfEnergy"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


class Lead(NamedTuple):
    """A periodic lead: cells 0, 1, … lead away from the device.

    One with a conservation law may be given as several, one for the orbitals of each block: transmissions between blocks, such
    as Andreev reflection from electrons to holes, and their derivatives are then like all others.
    """

    cell: ArrayLike       #: Hamiltonian of one cell, (orbitals, orbitals), or with the points of the sweep in front
    hopping: ArrayLike    #: ⟨cell n+1|H|cell n⟩, (orbitals, interface), or with the points in front
    interface: ArrayLike  #: orbitals of the device that take the place of the first orbitals of "cell −1", (interface,)


class SelfEnergy(NamedTuple):
    """A lead of which only the self-energy is known."""

    sigma: ArrayLike      #: Σ, (interface, interface), or with the points of the sweep in front
    interface: ArrayLike  #: orbitals of the device on which it acts, (interface,)


class _Waves(NamedTuple):
    """A lead by what its waves do at one point, as Kwant gives it: see `mcd_system_add_self_energy`."""

    sigma: ArrayLike       # Σ, (interface, interface)
    interface: ArrayLike
    injection: ArrayLike   # Q, (interface, modes)
    extraction: ArrayLike  # (modes, interface)
    direct: ArrayLike      # (modes, modes)


class Device(Computing):
    """A batch of scattering problems that share a sparsity pattern, with leads attached anywhere.

    Parameters
    ----------
    hamiltonian : sequence of scipy.sparse matrices, one matrix, or (rows, cols, values)
        One Hamiltonian for every point of the sweep, or one for all. As arrays: both triangles by index, and values
        (points, entries) or (entries,).
    leads : sequence of Lead or SelfEnergy
        Their numbers are their positions.
    energy : float or array_like, (points,)
    orbitals : int, optional
        Size of the Hamiltonian; needed only where arrays are given and the last orbitals have no entry.
    positions : array_like, (orbitals, dimensions), optional
        Used by `plot`, and to find a good order of elimination.
    hermitian : bool
        Whether the Hamiltonians have to be Hermitian.
    threads : int, optional
        Threads to use; default: all processors this process may use. Results do not depend on it.
    memory_limit : int
        Bytes that the device may take, 0 for no limit.

    ``onsite``, where a method takes it, holds energies (orbitals,) that are added to the diagonal.
    """

    _changed = None  # of from_kwant: the region and the leads with other values of its parameters, which are
    _params: dict = {}

    def __init__(self, hamiltonian, leads: Sequence[Union[Lead, SelfEnergy]], energy: ArrayLike, *,
                 orbitals: Optional[int] = None, positions: Optional[ArrayLike] = None, hermitian: bool = True,
                 threads: Optional[int] = None, memory_limit: int = 0):
        rows, cols, values, size = _entries(hamiltonian)
        energies = array(np.atleast_1d(energy), (None,), "energy")
        leads = [_checked(lead, f"leads[{i}]") for i, lead in enumerate(leads)]
        points = max([len(energies), len(values), *(len(m) for lead in leads for m in _matrices(lead))])
        energies = _spread(energies, points, "energy")
        size = integer(orbitals, "orbitals") if orbitals is not None else size
        handle = create("mcd_system_create", size, *_reals(rows), *_reals(cols), *_reals(energies))
        if not hermitian:
            call("mcd_system_set_hermitian", handle.value, 0)
        call("mcd_system_set_values", handle.value, *_doubles(_spread(values, points, "hamiltonian")))
        if positions is not None:
            positions = array(positions, (size, None), "positions")
            call("mcd_system_set_positions", handle.value, *_reals(positions), positions.shape[1])
        if threads is not None:
            call("mcd_system_set_threads", handle.value, integer(threads, "threads"))
        if memory_limit:
            call("mcd_system_set_memory_limit", handle.value, integer(memory_limit, "memory_limit"))
        self._handle, self._rows, self._cols, self._energies = handle, rows, cols, energies
        self._orbitals, self._positions, self._interfaces, self._cells = size, positions, [], []
        for lead in leads:
            self._attach(lead, points)

    def _attach(self, lead, points):
        self._interfaces.append(lead.interface)
        if isinstance(lead, Lead):
            self._cells.append((lead.cell.shape[-1], len(lead.interface)))
            call("mcd_system_add_lead", self._handle.value, *_reals(lead.interface), lead.cell.shape[-1],
                 *_doubles(lead.cell), *_doubles(lead.hopping))
            return
        self._cells.append(None)
        if isinstance(lead, _Waves):
            modes = np.array([lead.injection.shape[1]], np.int64)
            call("mcd_system_add_self_energy", self._handle.value, *_reals(lead.interface), *_doubles(lead.sigma),
                 *_reals(modes), *_doubles(lead.injection), *_doubles(lead.extraction), *_doubles(lead.direct))
            return
        waves = [_injection(sigma, len(self._interfaces) - 1) for sigma in _spread(lead.sigma, points, "sigma")]
        modes = np.array([q.shape[1] for q in waves], np.int64)
        call("mcd_system_add_self_energy", self._handle.value, *_reals(lead.interface), *_doubles(lead.sigma), *_reals(modes),
             *_doubles(np.concatenate([q.ravel() for q in waves])), None, 0, None, 0)

    @classmethod
    def _of(cls, handle: Handle) -> "Device":
        """The device that a handle names."""
        device, value = cls.__new__(cls), handle.value
        orbitals, entries, points, leads = (c_int64() for _ in range(4))
        call("mcd_system_shape", value, *map(byref, (orbitals, entries, points, leads)))
        device._handle, device._orbitals = handle, orbitals.value
        device._rows, device._cols = np.empty(entries.value, np.int64), np.empty(entries.value, np.int64)
        call("mcd_system_pattern", value, *_reals(device._rows), *_reals(device._cols))
        device._energies = np.empty(points.value)
        call("mcd_system_energies", value, *_reals(device._energies))
        needed, dimensions = c_size_t(), c_int64()
        call("mcd_system_positions", value, None, 0, byref(needed), byref(dimensions))
        device._positions = None
        if needed.value:
            device._positions = np.empty((orbitals.value, dimensions.value))
            call("mcd_system_positions", value, *_reals(device._positions), byref(needed), byref(dimensions))
        device._interfaces, device._cells = [], []
        for lead in range(leads.value):
            cell = c_int64()
            interface = growing(np.int64, "mcd_system_lead", value, lead, byref(cell))
            device._interfaces.append(interface)
            device._cells.append((cell.value, len(interface)) if cell.value else None)
        return device

    def __repr__(self) -> str:
        return f"<mcd.Device {self.orbitals} orbitals, {len(self._interfaces)} leads, {self.points} points>"

    @property
    def orbitals(self) -> int:
        """Orbitals of the scattering region."""
        return self._orbitals

    @property
    def points(self) -> int:
        """Points of the sweep."""
        return len(self._energies)

    @property
    def energies(self) -> FloatArray:
        """Energy of every point, (points,)."""
        return self._energies.copy()

    @property
    def leads(self) -> int:
        """Number of leads."""
        return len(self._interfaces)

    @property
    def positions(self) -> Optional[FloatArray]:
        """Position of every orbital, (orbitals, dimensions), if they were given."""
        return None if self._positions is None else self._positions.copy()

    @property
    def pattern(self) -> Tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of the entries of the Hamiltonians, (entries,) each."""
        return self._rows.copy(), self._cols.copy()

    @property
    def sites(self) -> NDArray[np.int64]:
        """The site of every orbital, (orbitals,): orbitals at one position belong to one site."""
        if self._positions is None:
            raise ArgumentError("positions: not known; give them to Device")
        return np.unique(self._positions, axis=0, return_inverse=True)[1].reshape(-1)

    @property
    def interfaces(self) -> List[NDArray[np.int64]]:
        """Orbitals that each lead touches."""
        return [interface.copy() for interface in self._interfaces]

    @property
    def backend(self) -> str:
        """What computes: the engine, its order of elimination, its kernels."""
        return text("mcd_system_backend", self._handle.value)

    @property
    def open_modes(self) -> NDArray[np.int64]:
        """Open modes of every lead, (points, leads)."""
        return self._modes.copy()

    @cached_property
    def _modes(self):
        modes = np.empty((self.points, self.leads), np.int64)
        self._compute("mcd_system_open_modes", *_reals(modes))
        return modes

    def transmission(self, to: int, from_: int, onsite: Optional[ArrayLike] = None) -> FloatArray:
        """Transmission from lead `from_` to lead `to`, (points,); the reflection where they are equal."""
        g = np.empty(self.points)
        self._compute("mcd_system_transmission", *_reals(_pairs(to, from_)), *self._onsite(onsite), *_reals(g))
        return g

    def transmission_matrix(self, onsite: Optional[ArrayLike] = None) -> FloatArray:
        """Transmissions between all leads, (points, to, from), reflections on the diagonal."""
        matrix = np.empty((self.points, self.leads, self.leads))
        self._compute("mcd_system_transmission_matrix", *self._onsite(onsite), *_reals(matrix))
        return matrix

    def conductance_matrix(self, onsite: Optional[ArrayLike] = None) -> FloatArray:
        """C with I = C V for the currents into the device and the voltages of all leads, (points, leads, leads), e²/h."""
        diagonal = self.open_modes[:, :, None] * np.eye(self.leads)
        return diagonal - self.transmission_matrix(onsite)

    def circuit(self, voltages: Dict[int, float], currents: Optional[Dict[int, float]] = None,
                onsite: Optional[ArrayLike] = None) -> Tuple[FloatArray, FloatArray]:
        """Voltages and currents of all leads (Büttiker).

        Parameters
        ----------
        voltages : dict of lead -> voltage
            At least one; only differences matter.
        currents : dict of lead -> current into the device, optional
            Leads in neither are probes: no net current flows through them.

        Returns
        -------
        voltages, currents : (points, leads), in units with I = (e²/h) C V; NaN at points where a voltage is not defined, as that
            of a probe without open modes.
        """
        return self._circuit(self.conductance_matrix(onsite), voltages, currents)

    def _circuit(self, conductance, voltages, currents=None):
        known, driven = ({self._lead(lead, name): float(value) for lead, value in (given or {}).items()}
                         for given, name in ((voltages, "voltages"), (currents, "currents")))
        if not known:
            raise ArgumentError("voltages: empty; give the voltage of one lead at least")
        if known.keys() & driven.keys():
            raise ArgumentError(f"currents: lead {min(known.keys() & driven.keys())} has a voltage already; give one of both")
        free = [lead for lead in range(self.leads) if lead not in known]
        volts = np.full((self.points, self.leads), np.nan)
        volts[:, list(known)] = list(known.values())
        if free:
            inflow = np.array([driven.get(lead, 0.0) for lead in free]) - (
                conductance[:, free][:, :, list(known)] @ np.array(list(known.values())))
            reduced = conductance[np.ix_(range(self.points), free, free)]
            fine = np.linalg.cond(reduced) < 1 / np.finfo(float).eps
            rows = np.flatnonzero(fine)[:, None]
            volts[rows, free] = np.linalg.solve(reduced[fine], inflow[fine][:, :, None])[:, :, 0]
        return volts, np.einsum("pij,pj->pi", conductance, volts)

    def resistance(self, source: int, drain: int, plus: int, minus: int, onsite: Optional[ArrayLike] = None) -> FloatArray:
        """Four-terminal resistance (V_plus − V_minus)/I for a current from lead `source` to lead `drain`, (points,), h/e².

        All other leads are voltage probes: no net current flows through them (Büttiker). NaN where a probe or the current's
        path is closed, so that voltages are not defined.
        """
        return self._resistance(self.conductance_matrix(onsite), source, drain, plus, minus)[0]

    def resistance_jacobian(self, source: int, drain: int, plus: int, minus: int, onsite: Optional[ArrayLike] = None):
        """The four-terminal resistance (points,) and its derivatives by the on-site energies, (points, orbitals).

        With voltages V of the unit current and w those that the transposed conductance matrix has for a current from `plus` to
        `minus`, dR = Σ_ij w_i dT_ij V_j.
        """
        conductance = self.conductance_matrix(onsite)
        resistance, volts = self._resistance(conductance, source, drain, plus, minus)
        back = np.zeros_like(volts)
        if plus != minus:
            unit = np.zeros(self.leads)
            unit[[plus, minus]] = 1, -1
            others = np.delete(np.arange(self.leads), drain)
            fine = ~np.isnan(resistance)
            reduced = conductance[np.ix_(fine, others, others)].swapaxes(1, 2)
            back[np.flatnonzero(fine)[:, None], others] = np.linalg.solve(reduced, np.broadcast_to(
                unit[others, None], (fine.sum(), len(others), 1)))[:, :, 0]
        jacobian = self.combined_jacobian(np.nan_to_num(back[:, :, None] * volts[:, None, :]), onsite)
        jacobian[np.isnan(resistance)] = np.nan
        return resistance, jacobian

    def _resistance(self, conductance, source, drain, plus, minus):
        """The resistance and the voltages of all leads for a unit current."""
        source, drain, plus, minus = (self._lead(lead, name) for lead, name in (
            (source, "source"), (drain, "drain"), (plus, "plus"), (minus, "minus")))
        if source == drain:
            raise ArgumentError(f"drain: {drain} is the source; give another lead")
        volts, _ = self._circuit(conductance, {drain: 0.0}, {source: 1.0})
        return volts[:, plus] - volts[:, minus], volts

    def noise(self, to: int, from_: int, onsite: Optional[ArrayLike] = None) -> Tuple[FloatArray, FloatArray]:
        """Transmission T and shot noise Σ_n T_n(1 − T_n) over the eigenvalues of t†t, (points,) each; the noise is in units of
        2e|V|·e²/h."""
        g, noise = np.empty(self.points), np.empty(self.points)
        self._compute("mcd_system_noise", *_reals(_pairs(to, from_)), *self._onsite(onsite), *_reals(g), *_reals(noise))
        return g, noise

    def fano(self, to: int, from_: int, onsite: Optional[ArrayLike] = None) -> FloatArray:
        """Fano factor of shot noise, Σ T_n(1 − T_n)/Σ T_n, (points,); NaN where nothing is transmitted."""
        g, noise = self.noise(to, from_, onsite)
        return np.divide(noise, g, out=np.full(self.points, np.nan), where=g > 0)

    def transmission_eigenvalues(self, to: int, from_: int, point: int = 0, onsite: Optional[ArrayLike] = None) -> FloatArray:
        """Eigenvalues of t†t from lead `from_` to lead `to` at one point, descending."""
        to, from_, point = self._lead(to, "to"), self._lead(from_, "from_"), self._point(point)
        edge = np.append(0, np.cumsum(self._modes[point]))
        block = self.smatrix(point, onsite)[edge[to]:edge[to + 1], edge[from_]:edge[from_ + 1]]
        return np.linalg.svd(block, compute_uv=False) ** 2

    def jacobian(self, to: int, from_: int, onsite: Optional[ArrayLike] = None, *, by: Optional[ArrayLike] = None):
        """Transmission and its derivatives.

        Parameters
        ----------
        by : array_like of int, (hoppings, 2), optional
            Hoppings (i, j) by which to differentiate, H_ji tied to the conjugate of H_ij; default: the on-site energies.

        Returns
        -------
        T : (points,)
        J : (points, orbitals), or with `by` complex, (points, hoppings): its real part is ∂T/∂Re H_ij, its imaginary part
            ∂T/∂Im H_ij
        """
        g, pairs = np.empty(self.points), _pairs(to, from_)
        if by is None:
            jac = np.empty((self.points, self.orbitals))
            self._compute("mcd_system_jacobian", *_reals(pairs), *self._onsite(onsite), *_reals(g), *_reals(jac))
            return g, jac
        hoppings = array(by, (None, 2), "by", np.int64)
        jac = np.empty((self.points, len(hoppings)), np.complex128)
        self._compute("mcd_system_hopping_jacobian", *_reals(pairs), *_reals(hoppings), *self._onsite(onsite), *_reals(g),
                      *_doubles(jac))
        return g, jac

    def vjp(self, to: int, from_: int, weights: Optional[ArrayLike] = None, onsite: Optional[ArrayLike] = None):
        """Transmission T (points,) and Σ_k weights[k]·∂T[k]/∂onsite (orbitals,); default weights are ones."""
        g, gradient = np.empty(self.points), np.empty(self.orbitals)
        self._compute("mcd_system_vjp", *_reals(_pairs(to, from_)), *self._onsite(onsite), *self._weights(weights), *_reals(g),
                      *_reals(gradient))
        return g, gradient

    def jvp(self, to: int, from_: int, direction: ArrayLike, onsite: Optional[ArrayLike] = None):
        """Transmission and its derivative along a direction of on-site energies (orbitals,): T and ΣJ·direction, (points,) each.
        `derivative` does this for any other parameter."""
        g, jac = self.jacobian(to, from_, onsite)
        return g, jac @ array(direction, (self.orbitals,), "direction")

    def combined_jacobian(self, weights: ArrayLike, onsite: Optional[ArrayLike] = None) -> FloatArray:
        """Σ_ij weights[:, i, j]·∂T_ij/∂onsite, (points, orbitals), for weights (points, to, from).

        The derivatives of any function f of the transmissions, with ∂f/∂T_ij as weights, at the price of one gradient for every
        lead that waves come from.
        """
        weights = array(weights, (self.points, self.leads, self.leads), "weights")
        to, from_ = np.nonzero(weights.any(axis=0))
        jac = np.zeros((self.points, self.orbitals))
        if len(to):
            pairs = np.ascontiguousarray(np.stack([to, from_], axis=1), np.int64)
            chosen, g = np.ascontiguousarray(weights[:, to, from_].T), np.empty((len(to), self.points))
            self._compute("mcd_system_combined_jacobian", *_reals(pairs), *self._onsite(onsite), *_reals(chosen), *_reals(g),
                          *_reals(jac))
        return jac

    def hamiltonian_vjp(self, to: int, from_: int, weights: Optional[ArrayLike] = None, onsite: Optional[ArrayLike] = None):
        """Transmission T (points,) and D (points, entries), complex, over the entries of `pattern`: a change dH changes
        Σ weights·T by Re Σ D·dH."""
        g, gradient = np.empty(self.points), np.empty((self.points, len(self._rows)), np.complex128)
        self._compute("mcd_system_hamiltonian_vjp", *_reals(_pairs(to, from_)), *self._onsite(onsite), *self._weights(weights),
                      *_reals(g), *_doubles(gradient))
        return g, gradient

    def derivative(self, to: int, from_: int, onsite: Optional[ArrayLike] = None, *, hamiltonian: Optional[ArrayLike] = None,
                   energy: Optional[ArrayLike] = None, leads: Optional[Sequence] = None):
        """Transmission and its derivative dT/dp by one parameter, through the leads too.

        Parameters
        ----------
        hamiltonian : array_like, (entries,) or (points, entries), optional
            dH/dp on the entries of `pattern`.
        energy : float or array_like, (points,), optional
            dE/dp: 1 for the derivative by the energy.
        leads : sequence of (dcell, dhopping), optional
            One for every `Lead`, shaped like them; None for one that does not change.

        Returns
        -------
        T, dT/dp : (points,) each
        """
        g, dg, none = np.empty(self.points), np.empty(self.points), (None, 0)
        values = none if hamiltonian is None else _doubles(
            _spread(_complex(np.atleast_2d(hamiltonian), (None, len(self._rows)), "hamiltonian"), self.points, "hamiltonian"))
        energies = none if energy is None else _reals(
            _spread(array(np.atleast_1d(energy), (None,), "energy"), self.points, "energy"))
        changes = none if leads is None else _doubles(self._changes(leads))
        self._compute("mcd_system_derivative", *_reals(_pairs(to, from_)), *self._onsite(onsite), *values, *energies, *changes,
                      *_reals(g), *_reals(dg))
        return g, dg

    def smatrix(self, point: int = 0, onsite: Optional[ArrayLike] = None) -> ComplexArray:
        """Scattering matrix of one point, [outgoing, incoming], the modes of lead 0 first. Unitary."""
        size = int(self._modes[self._point(point)].sum())
        return self._matrix((size, size), "mcd_system_smatrix", *self._onsite(onsite), point)

    def greens_function(self, to: int, from_: int, point: int = 0, onsite: Optional[ArrayLike] = None) -> ComplexArray:
        """Retarded Green's function of one point between the interfaces of two leads."""
        to, from_ = self._lead(to, "to"), self._lead(from_, "from_")
        shape = len(self._interfaces[to]), len(self._interfaces[from_])
        return self._matrix(shape, "mcd_system_green", *self._onsite(onsite), self._point(point), to, from_)

    def wave_function(self, from_: int, point: int = 0, onsite: Optional[ArrayLike] = None) -> ComplexArray:
        """States that the modes of a lead send into the device, of unit flux, (modes, orbitals)."""
        from_, point = self._lead(from_, "from_"), self._point(point)
        shape = int(self._modes[point, from_]), self.orbitals
        return self._matrix(shape, "mcd_system_wave_function", *self._onsite(onsite), point, from_)

    def ldos(self, point: Optional[int] = None, onsite: Optional[ArrayLike] = None) -> FloatArray:
        """Local density of states of every orbital: (orbitals,) of one point, or (points, orbitals) of all."""
        if point is None:
            ldos, points = np.empty((self.points, self.orbitals)), (None, 0)
        else:
            ldos, points = np.empty(self.orbitals), _reals(np.array([integer(point, "point")], np.int64))
        self._compute("mcd_system_ldos", *self._onsite(onsite), *points, *_reals(ldos))
        return ldos

    def currents(self, from_: int, point: int = 0, onsite: Optional[ArrayLike] = None) -> FloatArray:
        """Currents from orbital cols[k] to rows[k] of `pattern` in the states that a lead sends in, (entries,); summed over a
        cut they are the transmission."""
        currents = np.empty(len(self._rows))
        self._compute("mcd_system_currents", *self._onsite(onsite), integer(point, "point"), integer(from_, "from_"),
                      *_reals(currents))
        return currents

    def plot(self, values: Optional[ArrayLike] = None, path=None, **options):
        """Draws the orbitals' sites with their bonds and leads, coloured by `values` (orbitals,) and `bonds`.

        Parameters
        ----------
        values : array_like, (orbitals,), optional
            For example ``device.ldos(0)`` or a row of a Jacobian.
        path : path, optional
            File to write the figure to.
        bonds : array_like, (entries,), or (pairs, values), optional
            A quantity of the entries of `pattern`, such as ``device.currents(0)``, or of the bonds pairs, (n, 2), such as a
            derivative by hoppings. Currents, which change sign with the direction, get arrows. In a device of more than
            20,000 bonds it is shown on the sites.
        label, cmap, bond_label, bond_cmap : str, optional
            Texts of the colour bars; Matplotlib's colour maps.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from .device_plots import figure
        from .plots import written
        return written(figure(self, None if values is None else array(values, (self.orbitals,), "values"), **options), path)

    @cached_property
    def _searches(self) -> dict:
        """Problems that keep tables for `find_defect`, by their curves."""
        return {}

    def _values(self) -> ComplexArray:
        """The Hamiltonians on the entries of the pattern, (points, entries)."""
        values = np.empty((self.points, len(self._rows)), np.complex128)
        call("mcd_system_values", self._handle.value, *_doubles(values))
        return values

    def _with(self, values: ComplexArray) -> "Device":
        """The device with other Hamiltonians on its pattern."""
        handle = create("mcd_system_copy", self._handle.value)
        call("mcd_system_set_values", handle.value, *_doubles(values))
        return Device._of(handle)

    @cached_property
    def _index(self):
        """Numbers of the entries in the order of row · orbitals + column, and these."""
        keys = self._rows * self._orbitals + self._cols
        order = np.argsort(keys, kind="stable")
        return order, keys[order]

    def _places(self, pairs, name: str) -> NDArray[np.int64]:
        """Numbers of the entries (i, j), (n, 2), of the pattern."""
        order, keys = self._index
        wanted = pairs[:, 0] * self._orbitals + pairs[:, 1]
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        outside = np.flatnonzero((keys[at] != wanted) | (pairs < 0).any(axis=1) | (pairs >= self._orbitals).any(axis=1))
        if outside.size:
            i, j = pairs[outside[0]]
            raise ArgumentError(f"{name}: ({i}, {j}) is no entry of the Hamiltonian; give entries of device.pattern, and list "
                                "zeros there that shall change")
        return order[at]

    def _on_pattern(self, hamiltonian, name: str) -> ComplexArray:
        """Hamiltonians of any form on the entries of the pattern, (points, entries)."""
        rows, cols, values, _ = _entries(hamiltonian)
        out = np.zeros((len(values), len(self._rows)), np.complex128)
        out[:, self._places(np.stack([rows, cols], axis=1), name)] = values
        return _spread(out, self.points, name)

    def _change(self, change, name: str):
        """A change of the Hamiltonians as numbers of entries and values (rows, entries); zeros are left out."""
        if hasattr(change, "tocoo"):
            matrix = change.tocoo()
            if matrix.shape != (self._orbitals, self._orbitals):
                raise ArgumentError(f"{name}: shape {matrix.shape}; give shape {(self._orbitals, self._orbitals)}")
            matrix.sum_duplicates()
            kept = matrix.data != 0
            pairs = np.stack([matrix.row[kept], matrix.col[kept]], axis=1).astype(np.int64)
            return self._places(pairs, name), _complex(matrix.data[kept][None], (1, None), name)
        values = _complex(np.atleast_2d(change), (None, len(self._rows)), name)
        if len(values) not in (1, self.points):
            raise ArgumentError(f"{name}: {len(values)} rows for {self.points} points; give one for all or one for each")
        entries = np.flatnonzero((values != 0).any(axis=0))
        return entries, values[:1 if (values == values[0]).all() else None, entries]

    def _onsite(self, onsite):
        return (None, 0) if onsite is None else _reals(array(onsite, (self.orbitals,), "onsite"))

    def _weights(self, weights):
        return (None, 0) if weights is None else _reals(array(weights, (self.points,), "weights"))

    def _point(self, point) -> int:
        return _number(point, self.points, "point")

    def _lead(self, lead, name) -> int:
        return _number(lead, self.leads, name)

    def _changes(self, leads) -> ComplexArray:
        """The derivatives of all leads' cells and hoppings as the library takes them."""
        if len(leads) != self.leads:
            raise ArgumentError(f"leads: {len(leads)} entries for {self.leads} leads; give one for each, None for no change")
        parts = []
        for i, (change, sizes) in enumerate(zip(leads, self._cells)):
            if sizes is None:
                continue
            (c, m), name = sizes, f"leads[{i}]"
            dcell, dhopping = (np.zeros((c, c)), np.zeros((c, m))) if change is None else change
            for part, shape in ((dcell, (None, c, c)), (dhopping, (None, c, m))):
                part = _complex(part if np.ndim(part) == 3 else np.asarray(part)[None], shape, name)
                parts.append(_spread(part, self.points, name).reshape(self.points, -1))
            parts[-2:] = [np.concatenate(parts[-2:], axis=1).ravel()]
        return np.concatenate(parts) if parts else np.empty(0, np.complex128)

    _cancel = "mcd_system_cancel"

    def _quick(self) -> bool:
        return self.points * (self.orbitals + sum(len(interface)**2 for interface in self._interfaces)) < 2000

    def _matrix(self, shape, name: str, *arguments) -> ComplexArray:
        """Calls a getter of a complex matrix whose shape is known."""
        out, needed = np.empty(shape, np.complex128), c_size_t()
        self._compute(name, *arguments, *_doubles(out), byref(needed))
        return out


def _number(value, count: int, name: str) -> int:
    index = integer(value, name)
    if not 0 <= index < count:
        raise ArgumentError(f"{name}: {index}; give 0 to {count - 1}")
    return index


def _complex(value, shape: tuple, name: str) -> ComplexArray:
    """value as a contiguous complex array of the given shape (None: any extent)."""
    try:
        given = np.asarray(value)
    except ValueError as error:
        raise ArgumentError(f"{name}: not an array ({error}); give as many numbers at every point") from error
    if given.dtype.kind not in "iufc":
        raise ArgumentError(f"{name}: values of type {given.dtype}; give numbers")
    if given.ndim != len(shape) or any(want not in (None, have) for want, have in zip(shape, given.shape)):
        wanted = tuple("n" if extent is None else extent for extent in shape)
        raise ArgumentError(f"{name}: shape {given.shape}; give shape {wanted}")
    return np.ascontiguousarray(given, np.complex128)


def _reals(values: np.ndarray) -> tuple:
    """The pointer and the count by which the library takes an array; the pointer keeps the array alive."""
    return values.ctypes.data_as(c_void_p), values.size


def _doubles(values: ComplexArray) -> tuple:
    """The pointer and the count of doubles by which the library takes complex numbers."""
    return values.ctypes.data_as(c_void_p), 2 * values.size


def _spread(values: np.ndarray, points: int, name: str) -> np.ndarray:
    """One entry for every point, from one for all or one for each."""
    if len(values) not in (1, points):
        raise ArgumentError(f"{name}: {len(values)} entries for {points} points; give one for all or one for each")
    return np.ascontiguousarray(np.broadcast_to(values, (points, *values.shape[1:])))


def _pairs(to, from_) -> NDArray[np.int64]:
    return np.array([integer(to, "to"), integer(from_, "from_")], np.int64)


def _matrices(lead) -> tuple:
    """The matrices of a lead that have points in front."""
    return (lead.cell, lead.hopping) if isinstance(lead, Lead) else (lead.sigma,)


def _checked(lead, name: str):
    """The lead with its arrays in the library's form, the points in front."""
    if isinstance(lead, _Waves):
        sigma, interface, *rest = lead
        return _Waves(_complex(sigma[None], (1, None, None), name), array(interface, (None,), name, np.int64),
                      *(_complex(a, (None, None), name) for a in rest))
    if not isinstance(lead, (Lead, SelfEnergy)):
        raise ArgumentError(f"{name}: {type(lead).__name__}; give a Lead or a SelfEnergy")
    interface = lead.interface if np.size(lead.interface) else np.empty(0, np.int64)  # an empty list has numbers of no type
    interface = array(interface, (None,), f"{name}.interface", np.int64)
    m = len(interface)

    def matrices(value, shape, part):
        value = np.asarray(value)
        if value.ndim not in (2, 3) or any(want not in (None, have) for want, have in zip(shape, value.shape[-2:])):
            wanted = tuple("n" if extent is None else extent for extent in shape)
            raise ArgumentError(f"{name}.{part}: shape {value.shape} for {m} interface orbitals; give shape {wanted}, or that "
                                "with the points in front")
        return _complex(value if value.ndim == 3 else value[None], (None, *shape), f"{name}.{part}")

    if isinstance(lead, SelfEnergy):
        return SelfEnergy(matrices(lead.sigma, (m, m), "sigma"), interface)
    cell = matrices(lead.cell, (None, None), "cell")
    c = cell.shape[-1]
    cell = matrices(cell, (c, c), "cell")
    return Lead(cell, matrices(lead.hopping, (c, m), "hopping"), interface)


def _injection(sigma: ComplexArray, lead: int) -> ComplexArray:
    """Q with QQ† = Γ = i(Σ − Σ†), one column for every open channel."""
    gamma = 1j * (sigma - sigma.conj().T)
    widths, channels = np.linalg.eigh(gamma)
    tolerance = 1000 * np.finfo(float).eps * max(abs(sigma).max(initial=0), abs(gamma).sum(axis=0).max(initial=0))
    if widths.size and widths[0] < -tolerance:
        raise ArgumentError(f"leads[{lead}].sigma: i(Σ − Σ†) has the negative eigenvalue {widths[0]:.3g}; give a retarded "
                            "self-energy, whose lead takes away and does not feed")
    open_ = widths > tolerance
    return channels[:, open_] * np.sqrt(widths[open_])


def _entries(hamiltonian):
    """Rows, columns and values (points, entries) of a common pattern, and the number of orbitals."""
    if hasattr(hamiltonian, "tocoo"):
        hamiltonian = [hamiltonian]
    if len(hamiltonian) > 0 and all(hasattr(h, "tocoo") for h in hamiltonian):
        return _union([h.tocoo() for h in hamiltonian])
    if len(hamiltonian) != 3:
        raise ArgumentError("hamiltonian: give sparse matrices, one for every point, or (rows, cols, values)")
    rows = array(hamiltonian[0], (None,), "rows", np.int64)
    cols = array(hamiltonian[1], rows.shape, "cols", np.int64)
    values = hamiltonian[2]
    try:
        values = np.atleast_2d(values)
    except ValueError:  # _complex says which
        pass
    values = _complex(values, (None, len(rows)), "values")
    return rows, cols, values, int(max(rows.max(initial=-1), cols.max(initial=-1))) + 1


def _union(matrices):
    """The common pattern of sparse matrices, with both triangles."""
    n = matrices[0].shape[0]
    for k, h in enumerate(matrices):
        if h.shape != (n, n):
            raise ArgumentError(f"hamiltonian: the matrix of point {k} has shape {h.shape}; give {(n, n)} at every point")
    keys = [h.row.astype(np.int64) * n + h.col for h in matrices]
    pattern = np.unique(np.concatenate(keys))
    pattern = np.union1d(pattern, pattern % n * n + pattern // n)
    values = np.zeros((len(matrices), len(pattern)), np.complex128)
    for h, key, row in zip(matrices, keys, values):
        np.add.at(row, np.searchsorted(pattern, key), h.data)
    return pattern // n, pattern % n, values, n
