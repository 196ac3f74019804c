"""Inverse problems: a wire, a target curve, and what may be varied to reach it."""

import os
import warnings
from ctypes import byref, c_double, c_int64, c_size_t
from typing import Iterable, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike

from . import _prototypes as c
from ._library import Handle, array, call, create, full, get, growing, pair, real, text
from .device import Device
from .errors import ArgumentError, InfeasibleWarning
from .wire import FloatArray, Wire

__all__ = ["Sites", "Gaussians", "Gates", "Directions", "Hoppings", "Parameters", "Smoothness", "Problem", "Identifiability", "roughness",
           "neighbour_step"]

ByName = Mapping[str, ArrayLike]


class Sites:
    """Every on-site energy is a parameter. Of a device they are added to its Hamiltonian, one for every orbital: read
    (orbitals,) for (length, width), and 0 for the clean wire.

    Parameters
    ----------
    start : array_like, (length, width), or float, optional
        Where the search begins; default: the clean wire. There the gradient by symmetry vanishes or nearly so: better
        begin with some disorder, such as ``4 + 0.3 * rng.standard_normal((length, width))``.
    lower, upper : array_like, (length, width), or float
        Bounds.
    frozen : array_like of bool, (length, width), optional
        Sites that keep their start.
    ties : array_like of int, (length, width), optional
        Sites with the same number ≥ 0 share one value; −1 stands alone. The orbitals of one site are tied by
        ``ties=device.sites``.
    mirror : {"none", "x", "y", "both", "point"}
        Symmetry that the potential keeps: "x" means h(x, y) = h(length−1−x, y), "point" a rotation by half a turn.
    filter : float
        Smallest feature of the potential in lattice constants; at most 1: no filter.
    """

    def __init__(self, start: Optional[ArrayLike] = None, lower: ArrayLike = -np.inf, upper: ArrayLike = np.inf,
                 frozen: Optional[ArrayLike] = None, ties: Optional[ArrayLike] = None, mirror: str = "none",
                 filter: float = 0.0):
        self.start, self.lower, self.upper, self.frozen, self.ties = start, lower, upper, frozen, ties
        self.mirror, self.filter = mirror, filter

    def _apply(self, problem: int, place: "_Place") -> None:
        start = full(place.clean if self.start is None else self.start, place.shape, "start")
        call("mcd_problem_set_sites", problem, *pair(start))
        _constrain(problem, place.shape, self)
        call("mcd_problem_set_mirror", problem, str(self.mirror).encode())
        call("mcd_problem_set_filter", problem, real(self.filter, "filter"))


class Gates:
    """The voltages of gates are the parameters: h = background + Σ_i volts[i] · basis[i]. Of a device, basis functions of any
    kind: read (orbitals,) for (length, width).

    Parameters
    ----------
    basis : array_like, (gates, length, width)
        What one unit of each gate's voltage adds to the potential.
    volts : array_like, (gates,), or float
        Where the search begins.
    lower, upper : array_like, (gates,), or float
        Bounds.
    frozen, ties : array_like, (gates,), optional
        As in `Sites`.
    background : array_like, (length, width), or float, optional
        Default: the clean wire.
    """

    def __init__(self, basis: ArrayLike, volts: ArrayLike = 0.0, lower: ArrayLike = -np.inf, upper: ArrayLike = np.inf,
                 frozen: Optional[ArrayLike] = None, ties: Optional[ArrayLike] = None,
                 background: Optional[ArrayLike] = None):
        self.basis, self.volts, self.lower, self.upper = basis, volts, lower, upper
        self.frozen, self.ties, self.background = frozen, ties, background

    def _apply(self, problem: int, place: "_Place") -> None:
        basis = array(self.basis, (None, *place.shape), "basis")
        volts = full(self.volts, basis.shape[:1], "volts")
        call("mcd_problem_set_gates", problem, *pair(basis), *pair(volts))
        _set_background(problem, place, self.background)
        _constrain(problem, volts.shape, self)


class Gaussians:
    """Gaussian bumps: h(x, y) = background + Σ_i amplitude[i] · exp(−((x − x[i])² + (y − y[i])²)/radius[i]²). In a device x and
    y are its orbitals' positions.

    Parameters
    ----------
    x, y, amplitude, radius : array_like, (gaussians,), or float
        Where the search begins: centres and radii in sites, amplitudes in the unit of the hopping.
    free : sequence of str
        Which of "x", "y", "amplitude", "radius" vary. (Shifting a single defect along x leaves the conductance as it is.)
    bounds : mapping of name to (lower, upper)
        For example ``{"y": (0, 29)}``; each side a number or (gaussians,) numbers. A free radius stays above 0.1 unless
        bounded otherwise.
    frozen : mapping of name to array_like of bool, (gaussians,)
        Parameters of single Gaussians that keep their start.
    ties : mapping of name to array_like of int, (gaussians,)
        Parameters with the same number ≥ 0 share one value; −1 stands alone.
    background : array_like, (length, width), or float, optional
        Default: the clean wire.
    """

    _FLAGS = {"x": c.MCD_FREE_X, "y": c.MCD_FREE_Y, "amplitude": c.MCD_FREE_AMPLITUDE, "radius": c.MCD_FREE_RADIUS}

    def __init__(self, x: ArrayLike, y: ArrayLike, amplitude: ArrayLike, radius: ArrayLike,
                 free: Iterable[str] = ("y", "amplitude", "radius"),
                 bounds: Optional[Mapping[str, Tuple[ArrayLike, ArrayLike]]] = None, frozen: Optional[ByName] = None,
                 ties: Optional[ByName] = None, background: Optional[ArrayLike] = None):
        self.x, self.y, self.amplitude, self.radius = x, y, amplitude, radius
        chosen = {free} if isinstance(free, str) else set(free)
        self._known("free", chosen, self._FLAGS)
        self.free = tuple(name for name in self._FLAGS if name in chosen)
        self.bounds, self.frozen, self.ties, self.background = bounds or {}, frozen or {}, ties or {}, background
        for name, given in (("bounds", self.bounds), ("frozen", self.frozen), ("ties", self.ties)):
            self._known(name, given, self.free)

    @staticmethod
    def _known(argument: str, names: Iterable[str], valid: Iterable[str]) -> None:
        for name in names:
            if name not in valid:
                raise ArgumentError(f"{argument}: {name!r} is not a free parameter; valid names are {', '.join(valid)}")

    def _apply(self, problem: int, place: "_Place") -> None:
        given = {name: np.atleast_1d(getattr(self, name)) for name in self._FLAGS}
        count = max(len(v) for v in given.values())
        values = [full(v[0] if v.shape == (1,) else v, (count,), name) for name, v in given.items()]
        call("mcd_problem_set_gaussians", problem, *(v.ctypes.data for v in values), count,
             sum(self._FLAGS[name] for name in self.free))
        _set_background(problem, place, self.background)
        _constrain(problem, (count, len(self.free)), _Rows(
            self._rows("lower bounds", {"radius": 0.1, **{n: b[0] for n, b in self.bounds.items()}}, count, -np.inf),
            self._rows("upper bounds", {n: b[1] for n, b in self.bounds.items()}, count, np.inf),
            self._rows("frozen", self.frozen, count, False) if self.frozen else None,
            self._rows("ties", self.ties, count, -1) if self.ties else None))

    def _rows(self, argument: str, given: ByName, count: int, default) -> np.ndarray:
        """One row per Gaussian, one column per free quantity: the order of the library."""
        return np.stack([full(given.get(name, default), (count,), f"{argument} of {name}", type(default))
                         for name in self.free], axis=1)


class _Rows(NamedTuple):
    lower: np.ndarray
    upper: np.ndarray
    frozen: Optional[np.ndarray]
    ties: Optional[np.ndarray]


def _constrain(problem: int, shape: tuple, given) -> None:
    lower, upper = full(given.lower, shape, "lower"), full(given.upper, shape, "upper")
    if np.any(lower != -np.inf) or np.any(upper != np.inf):
        call("mcd_problem_set_bounds", problem, *pair(lower), *pair(upper))
    if given.frozen is not None:
        frozen = full(given.frozen, shape, "frozen", np.uint8)
        call("mcd_problem_set_frozen", problem, *pair(frozen))
    if given.ties is not None:
        ties = full(given.ties, shape, "ties", np.int64)
        call("mcd_problem_set_ties", problem, *pair(ties))


def _set_background(problem: int, place: "_Place", background: Optional[ArrayLike]) -> None:
    if background is not None:
        onsite = full(background, place.shape, "background")
        call("mcd_problem_set_background", problem, *pair(onsite))


class Smoothness(NamedTuple):
    """weight × Σ (difference of neighbouring sites)², added to the objective."""

    weight: float

    @classmethod
    def of_step(cls, wire: Wire, step: float) -> "Smoothness":
        """The weight by which neighbouring sites that differ by a root mean square of step, in the unit of the hopping, cost 1 of
        the objective: as much as a curve e times farther from the target."""
        step = real(step, "step")
        if not 0 < step < np.inf:
            raise ArgumentError(f"step: {step}; give a finite difference of neighbouring sites above 0")
        return cls(1 / (_bonds(wire.shape) * step**2))

    def _apply(self, problem: int) -> None:
        call("mcd_problem_set_regularizer", problem, b"smoothness", real(self.weight, "weight of Smoothness"))


def roughness(onsite: ArrayLike) -> float:
    """L_pot of a potential, (length, width): the sum of the squared differences of neighbouring sites."""
    onsite = array(onsite, (None, None), "onsite")
    return sum(float((np.diff(onsite, axis=axis) ** 2).sum()) for axis in (0, 1))


def neighbour_step(onsite: ArrayLike) -> float:
    """The root mean square difference of neighbouring sites of a potential, (length, width): its smoothness in the unit of the
    hopping."""
    onsite = array(onsite, (None, None), "onsite")
    return float(np.sqrt(roughness(onsite) / max(1, _bonds(onsite.shape))))


def _bonds(shape: tuple) -> int:
    """Pairs of neighbouring sites."""
    return 2 * shape[0] * shape[1] - shape[0] - shape[1]


class Identifiability(NamedTuple):
    """What a curve determines at one point, to first order."""

    singular_values: FloatArray  #: of ∂(w·G)/∂parameters, descending, (n,), n the smaller of points and parameters
    rank: int                    #: those above 1e-10 of the largest: combinations of parameters that the curve determines
    combinations: FloatArray     #: these, orthonormal, (n, parameters)
    errors: FloatArray           #: standard errors of the parameters, inf where the curve leaves a part undetermined
    sensitivity: FloatArray      #: √Σ_k (∂(w·G)[k]/∂onsite)² of every site, (length, width): which sites matter

    def determined(self, sigma: float, scale: float = 1.0) -> int:
        """How many combinations a curve with noise sigma, in e²/h, determines to scale, in the unit of the parameters."""
        return int(np.count_nonzero(self.singular_values * real(scale, "scale") > real(sigma, "sigma")))


class Directions:
    """The coefficients c of changes D of a device's Hamiltonians are the parameters: H = H₀ + Σ_k c[k]·D[k]. Leads stay as
    they are.

    Parameters
    ----------
    changes : sequence
        Every D as a scipy.sparse matrix, or as values on the entries of ``device.pattern``, (entries,) or (points, entries).
    start : array_like, (directions,), or float
        Where the search begins.
    names : sequence of str, optional
        By which results call the coefficients.
    lower, upper : array_like, (directions,), or float
        Bounds.
    frozen, ties : array_like, (directions,), optional
        As in `Sites`.
    """

    def __init__(self, changes: Sequence, start: ArrayLike = 0.0, names: Optional[Sequence[str]] = None,
                 lower: ArrayLike = -np.inf, upper: ArrayLike = np.inf, frozen: Optional[ArrayLike] = None,
                 ties: Optional[ArrayLike] = None):
        self.changes, self.start, self.names, self.lower, self.upper = changes, start, names, lower, upper
        self.frozen, self.ties = frozen, ties

    def _apply(self, problem: int, place: "_Place") -> None:
        parts = [place.device._change(change, f"changes[{k}]") for k, change in enumerate(self.changes)]
        self._set(problem, place, parts, (len(parts),), self.names)

    def _set(self, problem: int, place: "_Place", parts, shape: tuple, names: Optional[Sequence[str]]) -> None:
        """Sets directions of parts (entries, values (rows, entries)); parameters have the given shape."""
        first = np.append(0, np.cumsum([len(entries) for entries, _ in parts])).astype(np.int64)
        entries = np.concatenate([entries for entries, _ in parts]) if parts else np.empty(0, np.int64)
        rows = max((len(values) for _, values in parts), default=1)
        values = np.concatenate([np.broadcast_to(values, (rows, values.shape[1])) for _, values in parts], axis=1) \
            if parts else np.empty((1, 0), np.complex128)
        values, start = np.ascontiguousarray(values), full(self.start, shape, "start")
        call("mcd_problem_set_directions", problem, *pair(first), *pair(entries), values.ctypes.data, 2 * values.size,
             *pair(start), None if names is None else "\n".join(names).encode())
        _constrain(problem, shape, self)


class Hoppings(Directions):
    """Hoppings of a device are the parameters; each is tied to the conjugate of its reverse.

    Parameters
    ----------
    bonds : array_like of int, (bonds, 2)
        Hoppings (i, j), each in one direction, all of them in ``device.pattern``.
    kind : {"relative", "real", "complex"}
        What a parameter c is: H_ij becomes (1 + c)·H_ij, which keeps the phases of a field; or H_ij + c with c real; or with
        c complex, (real part, imaginary part).
    start : array_like or float
        Where the search begins, (bonds,), or (bonds, 2) for complex ones.
    lower, upper, frozen, ties
        Of the same shape, as in `Sites`.
    """

    def __init__(self, bonds: ArrayLike, kind: str = "relative", start: ArrayLike = 0.0, lower: ArrayLike = -np.inf,
                 upper: ArrayLike = np.inf, frozen: Optional[ArrayLike] = None, ties: Optional[ArrayLike] = None):
        super().__init__((), start, None, lower, upper, frozen, ties)
        if kind not in ("relative", "real", "complex"):
            raise ArgumentError(f'kind: {kind!r}; give "relative", "real" or "complex"')
        self.bonds, self.kind = bonds, kind

    def _apply(self, problem: int, place: "_Place") -> None:
        bonds = array(self.bonds, (None, 2), "bonds", np.int64)
        both = np.stack([place.device._places(bonds, "bonds"), place.device._places(bonds[:, ::-1], "bonds")], axis=1)
        if self.kind == "relative":
            values = place.device._values()
            parts = [(entries, values[:, entries]) for entries in both]
        else:
            units = np.array([[1, 1], [1j, -1j]])[:1 + (self.kind == "complex")]
            parts = [(entries, unit[None]) for entries in both for unit in units]
        shape = (len(bonds), 2) if self.kind == "complex" else (len(bonds),)
        tails = (".real", ".imag") if self.kind == "complex" else ("",)
        self._set(problem, place, parts, shape, [f"hopping[{i},{j}]{tail}" for i, j in bonds for tail in tails])


class Parameters(Directions):
    """Parameters of a Kwant system are the parameters, for a device of `from_kwant`. They have to enter the scattering region
    linearly, each and together, and not the leads: then dH/dp from differences is exact. Both are checked, and entries that
    are not so are named.

    Parameters
    ----------
    names : sequence of str
        Parameters of the system's value functions, none of them swept.
    start : array_like, (names,), or mapping, optional
        Where the search begins; default: the values that the device was made with.
    lower, upper : array_like, (names,), or float
        Bounds.
    frozen, ties : array_like, (names,), optional
        As in `Sites`.
    derivatives : mapping of names, optional
        dH/dp of your own as a scipy.sparse matrix or as values on ``device.pattern``; compared with differences.
    """

    def __init__(self, names: Sequence[str], start=None, lower: ArrayLike = -np.inf, upper: ArrayLike = np.inf,
                 frozen: Optional[ArrayLike] = None, ties: Optional[ArrayLike] = None, derivatives: Optional[Mapping] = None):
        names = (names,) if isinstance(names, str) else tuple(names)
        super().__init__((), start, names, lower, upper, frozen, ties)
        self.derivatives = derivatives or {}
        for name in self.derivatives:
            if name not in names:
                raise ArgumentError(f"derivatives: {name!r} is not among the parameters {', '.join(names)}")

    def _on(self, device: Device):
        """The device with all of these parameters zero, and directions that lead from there."""
        if not isinstance(device, Device) or device._changed is None:
            raise ArgumentError("parameters: they need a device made by mcd.from_kwant; give mcd.Directions to others")
        start = self._start(device)
        region, leads = device._changed(dict(zip(self.names, start)))
        base = device._on_pattern(region, "parameters")
        slopes, steps = [], np.maximum(1.0, np.abs(start))
        for j, name in enumerate(self.names):
            def moved(factor):
                values = {**dict(zip(self.names, start)), name: start[j] + factor * steps[j]}
                region, there = device._changed(values)
                self._same_leads(name, leads, there)
                return device._on_pattern(region, "parameters")
            slope = (moved(1) - base) / steps[j]
            if name in self.derivatives:
                entries, values = device._change(self.derivatives[name], f"derivatives of {name}")
                given = np.zeros_like(base)
                given[:, entries] = values
                self._agree(device, f"the derivative given for {name!r} is wrong", given, slope, base)
                slope = given
            self._agree(device, f"{name!r} does not enter linearly", base - 2 * steps[j] * slope, moved(-2), base)
            slopes.append(slope)
        together, _ = device._changed(dict(zip(self.names, start + steps)))
        self._agree(device, f"{', '.join(self.names)} enter as products of each other",
                    base + sum(s * d for s, d in zip(steps, slopes)), device._on_pattern(together, "parameters"), base)
        zero = base - sum(x * d for x, d in zip(start, slopes))
        kept = [np.where(abs(d) > 1e-14 * abs(d).max(initial=0), d, 0) for d in slopes]
        for name, d in zip(self.names, kept):
            if not d.any():
                raise ArgumentError(f"parameters: {name!r} changes no entry of the scattering region; leave it out")
        return device._with(zero), Directions(kept, start, self.names, self.lower, self.upper, self.frozen, self.ties)

    def _start(self, device: Device) -> np.ndarray:
        known = self.start
        if known is None:
            known = {name: device._params.get(name, 0.0) for name in self.names}
        if isinstance(known, Mapping):
            missing = [name for name in self.names if name not in known]
            if missing:
                raise ArgumentError(f"start: no value for {missing[0]!r}; give one for each of {', '.join(self.names)}")
            known = [known[name] for name in self.names]
        return full(known, (len(self.names),), "start")

    @staticmethod
    def _same_leads(name: str, leads, there) -> None:
        for i, (here, moved) in enumerate(zip(leads, there)):
            for a, b in zip(here[:-1], moved[:-1]):
                if not np.array_equal(a, b):
                    raise ArgumentError(f"parameters: {name!r} changes lead {i}; give parameters of the scattering region alone")

    @staticmethod
    def _agree(device: Device, what: str, ours: np.ndarray, theirs: np.ndarray, base: np.ndarray) -> None:
        defect = abs(ours - theirs)
        point, entry = np.unravel_index(defect.argmax(), defect.shape)
        if defect[point, entry] > 1e-10 * max(abs(base).max(), abs(theirs).max()):
            raise ArgumentError(f"parameters: {what}: H[{device._rows[entry]}][{device._cols[entry]}] at point {point} is "
                                f"{theirs[point, entry]:.6g} by the system's functions, {ours[point, entry]:.6g} by the "
                                "derivative; give parameters that enter linearly, or the right derivative")


class _Place(NamedTuple):
    """What parametrizations need to know of a wire or device."""

    shape: tuple             # of on-site energies
    clean: float             # the on-site energy where nothing is said
    outputs: tuple           # shape of the target
    device: Optional[Device]


def _place(at, curves=()) -> _Place:
    if isinstance(at, Wire):
        return _Place(at.shape, at.lead_onsite, at.fields.shape, None)
    return _Place((at.orbitals,), 0.0, (len(curves), at.points), at)


Parametrization = Union[Sites, Gaussians, Gates, Directions]
Curves = Sequence[Tuple[int, int]]


class Problem:
    """The problem of finding what makes a conductance follow a given curve.

    Parameters
    ----------
    wire : Wire or Device
    target : array_like, (points,)
        The curve G(φ) wanted, in e²/h, at the fields of the wire. Where it is above the number of open modes an
        `InfeasibleWarning` says where and by how much. Of a device one curve or several, (curves, points), or as a mapping
        ``{(to, from): curve}``.
    parametrization : Sites, Gaussians, Gates, Directions, Hoppings or Parameters, optional
        What may be varied; default: every site, from the clean wire.
    weights : array_like, (points,), optional
        Weights w ≥ 0 of the residuals w·(G − target); default: ones. Of a device like the target, or one for each curve,
        (curves, 1), or a mapping.
    regularizers : sequence of Smoothness
    loss : {"squares", "log", "huber"}
        What is summed over the residuals r = w·(G − target): r², or against outliers c² log(1 + r²/c²), or r² up to
        |r| = c and 2c|r| − c² beyond.
    loss_scale : float
        c > 0 in e²/h.
    curves : sequence of (to, from)
        Leads of the curves of a device, where target is no mapping; default: from lead 0 to lead 1.
    parameters, start
        Short for ``parametrization=mcd.Parameters(parameters, start)``.

    The objective is L = log √(Σ loss) plus the regularizers. Problems pickle.
    """

    def __init__(self, wire: Wire, target: ArrayLike, parametrization: Optional[Parametrization] = None,
                 weights: Optional[ArrayLike] = None, regularizers: Sequence[Smoothness] = (), loss: str = "squares",
                 loss_scale: float = 1.0, *, curves: Optional[Curves] = None, parameters: Optional[Sequence[str]] = None,
                 start=None):
        if parameters is not None:
            if parametrization is not None:
                raise ArgumentError("parameters: a parametrization is given already; leave one of them out")
            parametrization = Parameters(parameters, start)
        elif start is not None:
            raise ArgumentError("start: give it to the parametrization, or with parameters")
        if isinstance(parametrization, Parameters):
            wire, parametrization = parametrization._on(wire)
        if isinstance(wire, Wire):
            if curves is not None:
                raise ArgumentError(f"curves: {curves!r}; a wire has one curve, leave them out")
            target = array(target, (len(wire.fields),), "target")
            self._handle = create("mcd_problem_create", wire._handle.value, *pair(target))
            self._at, self._curves = wire, ()
        elif isinstance(wire, Device):
            self._curves, target = _targets(wire, target, curves)
            pairs = np.array(self._curves, np.int64)
            self._handle = create("mcd_problem_create_device", wire._handle.value, *pair(pairs), *pair(target))
            self._at = wire
            if isinstance(weights, Mapping):
                weights = [np.broadcast_to(weights.get(curve, 1.0), target.shape[1]) for curve in self._curves]
            weights = None if weights is None else _like(weights, target.shape, "weights")
        else:
            raise ArgumentError(f"wire: {wire!r}; give an mcd.Wire or mcd.Device")
        problem, place = self._handle.value, _place(self._at, self._curves)
        if parametrization is not None:
            if not hasattr(parametrization, "_apply"):
                raise ArgumentError(f"parametrization: {parametrization!r}; give mcd.Sites, mcd.Gaussians, mcd.Gates, "
                                    "mcd.Directions or mcd.Hoppings")
            if isinstance(parametrization, Directions) and place.device is None:
                raise ArgumentError("parametrization: directions are for devices; give mcd.Sites, mcd.Gaussians or mcd.Gates")
            parametrization._apply(problem, place)
        if weights is not None:
            weights = full(weights, target.shape, "weights")
            call("mcd_problem_set_weights", problem, *pair(weights))
        for regularizer in [regularizers] if isinstance(regularizers, Smoothness) else regularizers:
            regularizer._apply(problem)
        if loss != "squares":
            call("mcd_problem_set_loss", problem, str(loss).encode(), real(loss_scale, "loss_scale"))
        report = _infeasible(self._at, self._curves, target)
        if report:
            warnings.warn(report, InfeasibleWarning, stacklevel=2)

    @classmethod
    def _of(cls, handle: Handle) -> "Problem":
        problem = cls.__new__(cls)
        problem._handle = handle
        curves = growing(np.int64, "mcd_problem_get_curves", handle.value).reshape(-1, 2)
        problem._curves = tuple((int(to), int(from_)) for to, from_ in curves)
        problem._at = Device._of(create("mcd_problem_system", handle.value)) if problem._curves else Wire._of(
            create("mcd_problem_wire", handle.value))
        return problem

    @classmethod
    def _decode(cls, data: bytes) -> "Problem":
        return cls._of(create("mcd_problem_decode", data, len(data)))

    def __reduce__(self):
        return type(self)._decode, (self.encode(),)

    def __repr__(self) -> str:
        return f"<mcd.Problem: {self._count} parameters of {self.parametrization} for {self._at!r}>"

    @property
    def wire(self) -> Wire:
        """The wire."""
        if self._curves:
            raise AttributeError("the problem is of a device: see problem.device")
        return self._at

    @property
    def device(self) -> Device:
        """The device."""
        if not self._curves:
            raise AttributeError("the problem is of a wire: see problem.wire")
        return self._at

    @property
    def curves(self) -> Tuple[Tuple[int, int], ...]:
        """Leads (to, from) of every curve of a device."""
        return self._curves

    @property
    def _shape(self) -> tuple:
        """Of what the engine takes: on-site energies or coefficients."""
        return (self._counts()[0],) if self.parametrization == "directions" else self._place.shape

    @property
    def _place(self) -> _Place:
        return _place(self._at, self._curves)

    @property
    def target(self) -> FloatArray:
        """The curve wanted, (points,), in e²/h; of a device (curves, points)."""
        return self._get("mcd_problem_get_target", self._place.outputs)

    @property
    def weights(self) -> FloatArray:
        """Weights of the residuals, (points,); of a device (curves, points)."""
        return self._get("mcd_problem_get_weights", self._place.outputs)

    @property
    def background(self) -> FloatArray:
        """Fixed potential under Gaussians and gates, (length, width); of a device (orbitals,)."""
        return self._get("mcd_problem_get_background", self._place.shape)

    @property
    def parametrization(self) -> str:
        """"sites", "gaussians", "gates" or "directions"."""
        return text("mcd_problem_get_parametrization", self._handle.value)

    @property
    def labels(self) -> Tuple[str, ...]:
        """Names of the parameters in their order, such as "amplitude[0]"."""
        return tuple(text("mcd_problem_label", self._handle.value, i) for i in range(self._count))

    @property
    def start(self) -> FloatArray:
        """Where the search begins, (parameters,)."""
        return self._get("mcd_problem_start", (self._count,))

    @property
    def _count(self) -> int:
        return self._counts()[1]

    def _counts(self) -> Tuple[int, int]:
        """Entries (all quantities that may vary) and parameters (without the frozen ones, with tied ones joined)."""
        entries, parameters = c_size_t(), c_size_t()
        call("mcd_problem_counts", self._handle.value, byref(entries), byref(parameters))
        return entries.value, parameters.value

    def onsite(self, parameters: Optional[ArrayLike] = None) -> FloatArray:
        """The potential, (length, width), of parameters, (parameters,); default: of the start. Of a device (orbitals,)."""
        if self.parametrization == "directions":
            raise ArgumentError("parameters: they are coefficients of directions, not on-site energies; see problem.hamiltonian")
        parameters = self._parameters(parameters)
        onsite = np.empty(self._place.shape)
        call("mcd_problem_onsite", self._handle.value, *pair(parameters), *pair(onsite))
        return onsite

    def hamiltonian(self, parameters: Optional[ArrayLike] = None) -> np.ndarray:
        """Hamiltonians of parameters by directions on the entries of ``device.pattern``, (points, entries), complex; default:
        of the start."""
        parameters = self._parameters(parameters)
        values = np.empty((self.device.points, len(self.device.pattern[0])), np.complex128)
        call("mcd_problem_hamiltonian", self._handle.value, *pair(parameters), values.ctypes.data, 2 * values.size)
        return values

    def objective(self, parameters: Optional[ArrayLike] = None) -> Tuple[float, FloatArray]:
        """L of parameters, (parameters,), and its gradient, (parameters,): for optimizers of your own."""
        parameters = self._parameters(parameters)
        value, gradient = c_double(), np.empty_like(parameters)
        self._at._call("mcd_problem_objective", self._handle.value, *pair(parameters), byref(value), *pair(gradient))
        return value.value, gradient

    def identify(self, parameters: Optional[ArrayLike] = None, sigma: Optional[float] = None) -> Identifiability:
        """What the curve determines at parameters, (parameters,), to first order; default: at the start.

        Parameters
        ----------
        parameters : array_like, (parameters,), optional
        sigma : float, optional
            Standard deviation of the curve's noise for the error bars; default: estimated from the misfit.

        Returns
        -------
        Identifiability
            Of the squared residuals alone: loss and regularizers play no part.
        """
        parameters = self._parameters(parameters)
        rank, n = c_int64(), min(parameters.size, self.target.size)
        found = np.empty(n), np.empty((n, parameters.size)), np.empty(parameters.size), np.empty(self._shape)
        self._at._call("mcd_problem_identify", self._handle.value, *pair(parameters),
                       0.0 if sigma is None else real(sigma, "sigma"), byref(rank),
                       *(part for values in found for part in pair(values)))
        return Identifiability(found[0], rank.value, *found[1:])

    def encode(self) -> bytes:
        """The problem as bytes for other programs and languages (a FlatBuffer, schema mcd.fbs)."""
        return growing(np.uint8, "mcd_problem_encode", self._handle.value).tobytes()

    def save(self, path) -> None:
        """Writes the problem to a .mcd file, as a whole or not at all."""
        call("mcd_problem_save", self._handle.value, _path(path))

    def _parameters(self, parameters: Optional[ArrayLike]) -> FloatArray:
        start = self.start
        return start if parameters is None else array(parameters, start.shape, "parameters")

    def _get(self, name: str, shape: tuple) -> FloatArray:
        out = np.empty(shape)
        call(name, self._handle.value, *pair(out))
        return out


def _targets(device: Device, target, curves: Optional[Curves]):
    """Leads and values (curves, points) of a device's curves."""
    if isinstance(target, Mapping):
        if curves is not None:
            raise ArgumentError("curves: the target names its leads already; leave them out")
        curves, target = tuple(target), list(target.values())
    elif curves is None:
        curves = ((1, 0),)
    try:
        curves = tuple((device._lead(to, "curves"), device._lead(from_, "curves")) for to, from_ in curves)
    except (TypeError, ValueError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise ArgumentError(f"curves: {curves!r}; give pairs (to, from) of leads") from None
    return curves, _like(target, (len(curves), device.points), "target")


def _like(values, shape: tuple, name: str) -> np.ndarray:
    """values broadcast to the target's shape."""
    values = np.asarray(values)
    try:
        values = np.broadcast_to(values, shape)
    except ValueError:
        raise ArgumentError(f"{name}: shape {values.shape}; give shape {shape}, a row for each curve") from None
    return array(values, shape, name)


def _infeasible(at, curves: Curves, target: np.ndarray) -> str:
    """What excludes the target, "" if nothing does."""
    if not curves:
        feasibility = at.feasibility(target)
        return feasibility.report if feasibility.bound > 1e-9 else ""
    modes, reports = at.open_modes, []
    for (to, from_), curve in zip(curves, target):
        excess = np.maximum(curve - np.minimum(modes[:, to], modes[:, from_]), -curve)
        worst = int(excess.argmax())
        if excess[worst] > 1e-9:
            reports.append(f"The curve from lead {from_} to lead {to} leaves the range from 0 to the number of open modes at "
                           f"{np.count_nonzero(excess > 1e-9)} points, most at point {worst}, by {excess[worst]:.3g}.")
    return "\n".join(reports)


def _path(path) -> bytes:
    """A path as the library takes it."""
    return os.fsencode(path)
