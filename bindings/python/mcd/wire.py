"""Quantum wires: conductance, S-matrix and densities over a sweep of fields, with exact derivatives."""

from ctypes import byref, c_double, c_int32, c_int64, c_size_t
from typing import NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._library import Computing, Handle, array, call, create, get, integer, pair, real, text
from .errors import ArgumentError, MemoryLimitError

__all__ = ["Wire", "Feasibility", "Backend", "devices", "live_handles", "tesla", "dimensionless_field"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

FLUX_QUANTUM = 4.135667696923859e-15  # h/e in Wb
QUICK = 3e8  # multiply-adds of a call that is over before anyone presses Ctrl-C


class Feasibility(NamedTuple):
    """Whether a curve can be reached at all; ``str()`` of it is the report."""

    ceiling: NDArray[np.int64]  #: open modes N of every point: G cannot exceed it
    excess: FloatArray          #: max(0, target - N) of every point, e²/h
    narrow: NDArray[np.bool_]   #: where the target changes faster than one flux quantum through the wire allows
    bound: float                #: the smallest possible |G - target|
    report: str                 #: one line per finding, "" if there is none
    fields: FloatArray          #: of the wire
    target: FloatArray          #: the curve in question

    def __str__(self) -> str:
        return self.report or "nothing stands against this curve"

    def plot(self, path=None, nearest: Optional[ArrayLike] = None):
        """Draws the target, the region above the ceiling, and what of the target is out of reach.

        Parameters
        ----------
        path : path, optional
            File to write the figure to.
        nearest : array_like, (points,), optional
            A curve to compare with, such as `Wire.nearest_feasible` of the target.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from .plots import feasibility_figure, written
        return written(feasibility_figure(self, nearest), path)


class Wire(Computing):
    """A strip of length × width sites between two leads, and a sweep over magnetic fields.

    Parameters
    ----------
    length, width : int
        Sites along transport (x) and across (y), each at least 1.
    fields : array_like, (points,)
        φ = πBa²/φ₀ with φ₀ = h/e, of either sign; see `tesla`.
    energy : float or array_like, (points,)
        Energy of the electrons, one for all points or one for each.
    hopping : float
        t > 0, in the unit of every other energy.
    lead_onsite : float
        On-site energy of the leads, and of a clean wire: 4t puts the band edge of a wide wire at 0.
    backend : str
        "cpu", "cuda" (an NVIDIA GPU, see `devices`) or "auto": the GPU where a measurement finds it faster. That is made
        once a second of computing is spent, or as a long search begins, so that small tasks stay on the CPU. `Wire.backend` and `Result.backend` say what computed. Last digits differ between the two.
    threads : int, optional
        Threads to use; default: all processors this process may use. Results do not depend on it.
    memory_limit : int
        Bytes that this wire may take, 0 for no limit.

    On-site energies are arrays ``onsite[x, y]``, the whole diagonal of the Hamiltonian; conductances are in e²/h.
    """

    def __init__(self, length: int, width: int, fields: ArrayLike, energy: Union[float, ArrayLike] = 1.2,
                 hopping: float = 1.0, lead_onsite: float = 4.0, backend: str = "auto", threads: Optional[int] = None,
                 memory_limit: int = 0):
        fields = array(np.atleast_1d(fields), (None,), "fields")
        energies = array(np.atleast_1d(energy), (None,), "energy")
        handle = create("mcd_wire_create", integer(length, "length"), integer(width, "width"), *pair(fields), *pair(energies))
        call("mcd_wire_set_hopping", handle.value, real(hopping, "hopping"))
        call("mcd_wire_set_lead_onsite", handle.value, real(lead_onsite, "lead_onsite"))
        if backend != "auto":
            call("mcd_wire_set_backend", handle.value, str(backend).encode())
        if threads is not None:
            call("mcd_wire_set_threads", handle.value, integer(threads, "threads"))
        if memory_limit:
            call("mcd_wire_set_memory_limit", handle.value, integer(memory_limit, "memory_limit"))
        self._adopt(handle)

    @classmethod
    def _of(cls, handle: Handle) -> "Wire":
        wire = cls.__new__(cls)
        wire._adopt(handle)
        return wire

    def _adopt(self, handle: Handle) -> None:
        sizes = [c_int64() for _ in range(3)]
        call("mcd_wire_shape", handle.value, *map(byref, sizes))
        length, width, points = (s.value for s in sizes)
        self._handle = handle
        self._shape, self._points = (length, width), points
        self._fields, self._energies = np.empty(points), np.empty(points)
        call("mcd_wire_fields", handle.value, *pair(self._fields))
        call("mcd_wire_energies", handle.value, *pair(self._energies))
        self._fields.flags.writeable = self._energies.flags.writeable = False

    def __reduce__(self):
        return type(self), (*self.shape, self.fields, self.energies, self.hopping, self.lead_onsite)

    def __repr__(self) -> str:
        return f"<mcd.Wire {self.length} × {self.width} sites, {self._points} points, {self.backend}>"

    @property
    def length(self) -> int:
        """Sites along transport."""
        return self._shape[0]

    @property
    def width(self) -> int:
        """Sites across."""
        return self._shape[1]

    @property
    def shape(self) -> Tuple[int, int]:
        """(length, width), the shape of every on-site array."""
        return self._shape

    @property
    def fields(self) -> FloatArray:
        """φ of every point, (points,); read-only."""
        return self._fields

    @property
    def energies(self) -> FloatArray:
        """Energy of every point, (points,); read-only."""
        return self._energies

    @property
    def hopping(self) -> float:
        """t, in the unit of every other energy."""
        return get(c_double, "mcd_wire_get_hopping", self._handle.value)

    @property
    def lead_onsite(self) -> float:
        """On-site energy of the leads and of a clean wire."""
        return get(c_double, "mcd_wire_get_lead_onsite", self._handle.value)

    @property
    def backend(self) -> str:
        """What computes: engine, kernels and device."""
        return text("mcd_wire_get_backend", self._handle.value)

    @property
    def threads(self) -> int:
        """Threads used; may be set at any time, 0 for all processors this process may use."""
        return get(c_int64, "mcd_wire_get_threads", self._handle.value)

    @threads.setter
    def threads(self, threads: int) -> None:
        call("mcd_wire_set_threads", self._handle.value, integer(threads, "threads"))

    @property
    def memory_limit(self) -> int:
        """Bytes that this wire may take, 0 for no limit; may be set at any time."""
        return get(c_int64, "mcd_wire_get_memory_limit", self._handle.value)

    @memory_limit.setter
    def memory_limit(self, limit: int) -> None:
        call("mcd_wire_set_memory_limit", self._handle.value, integer(limit, "memory_limit"))

    def clean(self) -> FloatArray:
        """The on-site energies of a wire without any potential, (length, width): `lead_onsite` everywhere."""
        return np.full(self._shape, self.lead_onsite)

    @property
    def open_modes(self) -> NDArray[np.int64]:
        """Open modes N of either lead at every point, (points,) int: the ceiling of G."""
        modes = np.empty(self._points, np.int64)
        self._compute("mcd_wire_open_modes", *pair(modes))
        return modes

    def conductance(self, onsite: ArrayLike) -> FloatArray:
        """Conductance G of every point.

        Parameters
        ----------
        onsite : array_like, (length, width)

        Returns
        -------
        ndarray, (points,), in e²/h
        """
        onsite, g = self._onsite(onsite), np.empty(self._points)
        self._compute("mcd_wire_conductance", *pair(onsite), *pair(g))
        return g

    def jacobian(self, onsite: ArrayLike, out: Optional[FloatArray] = None) -> Tuple[FloatArray, FloatArray]:
        """Conductance and its exact derivative by every on-site energy.

        Parameters
        ----------
        onsite : array_like, (length, width)
        out : ndarray, (points, length, width), C-contiguous float64, optional
            Receives J and is returned as J.

        Returns
        -------
        G : ndarray, (points,), in e²/h
        J : ndarray, (points, length, width)
            ``J[k, x, y]`` = ∂G[k]/∂onsite[x, y].
        """
        onsite, g, shape = self._onsite(onsite), np.empty(self._points), (self._points, *self._shape)
        if out is None:
            out = self._empty(shape)
        elif not (isinstance(out, np.ndarray) and out.dtype == np.float64 and out.shape == shape
                  and out.flags.c_contiguous and out.flags.writeable):
            raise ArgumentError(f"out: not a writeable C-contiguous float64 array of shape {shape}; give such an array")
        self._compute("mcd_wire_jacobian", *pair(onsite), *pair(g), *pair(out))
        return g, out

    def vjp(self, onsite: ArrayLike, weights: Optional[ArrayLike] = None) -> Tuple[FloatArray, FloatArray]:
        """Conductance and the weighted sum of its gradients, at the price of one gradient.

        Parameters
        ----------
        onsite : array_like, (length, width)
        weights : array_like, (points,), optional
            Default: all ones.

        Returns
        -------
        G : ndarray, (points,), in e²/h
        gradient : ndarray, (length, width)
            Σ_k weights[k] · ∂G[k]/∂onsite[x, y].
        """
        onsite, g, gradient = self._onsite(onsite), np.empty(self._points), np.empty(self._shape)
        weights = None if weights is None else array(weights, (self._points,), "weights")
        self._compute("mcd_wire_vjp", *pair(onsite), *((None, 0) if weights is None else pair(weights)), *pair(g),
                      *pair(gradient))
        return g, gradient

    def field_derivative(self, onsite: ArrayLike) -> Tuple[FloatArray, FloatArray]:
        """G and dG/dφ of every point, (points,) each; onsite has shape (length, width)."""
        return self._derivative("mcd_wire_field_derivative", onsite)

    def energy_derivative(self, onsite: ArrayLike) -> Tuple[FloatArray, FloatArray]:
        """G and dG/dE of every point, (points,) each; onsite has shape (length, width)."""
        return self._derivative("mcd_wire_energy_derivative", onsite)

    def smatrix(self, onsite: ArrayLike, field: float = 0.0, energy: Optional[float] = None) -> ComplexArray:
        """S-matrix at any field and energy (default: the wire's).

        Returns
        -------
        ndarray, (2N, 2N), complex
            ``S[m, n]`` is the amplitude into mode m from mode n, the N modes of the left lead first, so that the blocks
            are [[r, t'], [t, r']]. Unitary. Modes are ordered by their wave number in (−π, π]; their phases are a
            convention.
        """
        onsite, modes = self._onsite(onsite), c_int64()
        s = self._growing(np.complex128, "mcd_wire_smatrix", *pair(onsite), *self._point(field, energy), byref(modes))
        return s.reshape(2 * modes.value, 2 * modes.value)

    def transmission_eigenvalues(self, onsite: ArrayLike, field: float = 0.0, energy: Optional[float] = None) -> FloatArray:
        """Eigenvalues of t†t at any field and energy (default: the wire's), (N,), descending; their sum is G."""
        onsite = self._onsite(onsite)
        return self._growing(np.float64, "mcd_wire_transmission_eigenvalues", *pair(onsite), *self._point(field, energy))

    def ldos(self, onsite: ArrayLike, field: float = 0.0, energy: Optional[float] = None) -> FloatArray:
        """Local density of states at any field and energy (default: the wire's).

        Returns
        -------
        ndarray, (length, width)
            −Im G_ii/π, states per energy and site: the sum over the incoming modes of both leads of |ψ|²/2π.
        """
        onsite, ldos = self._onsite(onsite), np.empty(self._shape)
        self._compute("mcd_wire_ldos", *pair(onsite), *self._point(field, energy), *pair(ldos))
        return ldos

    def states(self, onsite: ArrayLike, field: float = 0.0, energy: Optional[float] = None, lead: str = "left") -> ComplexArray:
        """Scattering states for unit incoming flux in every mode of one lead.

        Parameters
        ----------
        lead : {"left", "right"}
            Where the electrons come from.

        Returns
        -------
        ndarray, (N, length, width), complex
            ψ of every incoming mode, in the gauge where the hopping from column x+1 to x is −t·exp(2iφy).
        """
        if lead not in ("left", "right"):
            raise ArgumentError(f'lead: {lead!r}; give "left" or "right"')
        onsite, modes = self._onsite(onsite), c_int64()
        psi = self._growing(np.complex128, "mcd_wire_states", *pair(onsite), *self._point(field, energy),
                            int(lead == "right"), byref(modes))
        return psi.reshape(modes.value, *self._shape)

    def feasibility(self, target: ArrayLike) -> Feasibility:
        """Whether the curve target, (points,) in e²/h, can be reached at all, in numbers and as a text."""
        target = array(target, (self._points,), "target")
        excess, narrow = np.empty(self._points), np.empty(self._points, np.bool_)
        bound, needed = c_double(), c_size_t()
        arguments = (*pair(target), *pair(excess), *pair(narrow), byref(bound))
        self._compute("mcd_wire_feasibility", *arguments, None, 0, byref(needed))
        report = text("mcd_wire_feasibility", self._handle.value, *arguments)
        return Feasibility(self.open_modes, excess, narrow, bound.value, report, self._fields, target)

    def nearest_feasible(self, target: ArrayLike) -> FloatArray:
        """The curve nearest to target, (points,), against which nothing is known, (points,): cut to 0 ≤ G ≤ N, even in the
        field, and smoothed over half a flux quantum where the target has features sharper than that."""
        target, nearest = array(target, (self._points,), "target"), np.empty(self._points)
        self._compute("mcd_wire_nearest_feasible", *pair(target), *pair(nearest))
        return nearest

    def _onsite(self, onsite: ArrayLike) -> FloatArray:
        return array(onsite, self._shape, "onsite")

    def _point(self, field: float, energy: Optional[float]) -> Tuple[float, float]:
        if energy is None:
            if np.any(self._energies != self._energies[0]):
                raise ArgumentError("energy: the wire has several; say at which one to compute")
            energy = self._energies[0]
        return real(field, "field"), real(energy, "energy")

    def _derivative(self, name: str, onsite: ArrayLike) -> Tuple[FloatArray, FloatArray]:
        onsite, g, derivative = self._onsite(onsite), np.empty(self._points), np.empty(self._points)
        self._compute(name, *pair(onsite), *pair(g), *pair(derivative))
        return g, derivative

    def _growing(self, dtype, name: str, *arguments) -> np.ndarray:
        """A result whose size is known only after a call: the counts of the library are counts of doubles."""
        needed, doubles = c_size_t(), np.dtype(dtype).itemsize // 8
        self._compute(name, *arguments, None, 0, byref(needed))
        out = self._empty((needed.value // doubles,), dtype)
        self._compute(name, *arguments, out.ctypes.data, out.size * doubles, byref(needed))
        return out

    def _empty(self, shape: Sequence[int], dtype=np.float64) -> np.ndarray:
        try:
            return np.empty(shape, dtype)
        except (MemoryError, ValueError) as error:
            size = np.dtype(dtype).itemsize
            for extent in shape:
                size *= int(extent)
            raise MemoryLimitError(f"{size} bytes are needed for an array of shape {tuple(shape)}: "
                                   "reduce the size or the number of points") from error

    _cancel = "mcd_wire_cancel"

    def _quick(self) -> bool:
        return self._points * (self.length + 50) * self.width**3 < QUICK


class Backend(NamedTuple):
    """Something that wires can be computed on."""

    name: str         #: what ``Wire(backend=...)`` takes
    description: str  #: kernels and processors, or why it cannot be used
    available: bool


def devices() -> Tuple[Backend, ...]:
    """The devices that wires can be computed on."""
    return tuple(Backend(text("mcd_device_name", i), text("mcd_device_description", i),
                         bool(get(c_int32, "mcd_device_available", i)))
                 for i in range(get(c_size_t, "mcd_devices")))


def live_handles() -> int:
    """How many of the library's objects are alive, for leak tests."""
    return get(c_int64, "mcd_live_handles")


def tesla(field: ArrayLike, lattice_constant: float) -> FloatArray:
    """B in tesla of fields φ = πBa²/φ₀, for a lattice constant a in metres."""
    return np.asarray(field) * FLUX_QUANTUM / (np.pi * lattice_constant**2)


def dimensionless_field(tesla: ArrayLike, lattice_constant: float) -> FloatArray:
    """φ = πBa²/φ₀ of fields B in tesla, for a lattice constant a in metres."""
    return np.asarray(tesla) * (np.pi * lattice_constant**2) / FLUX_QUANTUM
