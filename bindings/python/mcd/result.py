"""What a search found."""

from ctypes import c_double, c_int64, c_size_t
from functools import cached_property
from typing import Dict, List, NamedTuple, Optional, Union

import numpy as np

from ._library import Handle, call, create, get, growing, pair, text
from .errors import ArgumentError, FileError
from .problem import Identifiability, Problem, _path, roughness
from .wire import FloatArray

__all__ = ["Result", "Ranking", "load"]

_QUANTITIES = {"gaussians": ("x", "y", "amplitude", "radius"), "gates": ("volts",)}


class Ranking(NamedTuple):
    """Different potentials for one curve."""

    results: "List[Result]"   #: the least measure first
    measures: FloatArray      #: (n,)
    differences: FloatArray   #: root mean square difference of every two potentials, (n, n)


_MEASURES = {"smoothness": lambda result: result.roughness, "range": lambda result: float(np.ptp(result.onsite)),
             "sensitivity": lambda result: float(np.linalg.norm(result.problem.wire.jacobian(result.onsite)[1])),
             "objective": lambda result: result.objective}


class Result:
    """The best point of a search, with its problem and its history. Results pickle."""

    def __init__(self) -> None:
        raise TypeError("results come from mcd.design, mcd.find_defect, mcd.resume and mcd.load")

    @classmethod
    def _of(cls, handle: Handle) -> "Result":
        result = cls.__new__(cls)
        result._handle = handle
        return result

    @classmethod
    def _decode(cls, data: bytes) -> "Result":
        return cls._of(create("mcd_result_decode", data, len(data)))

    def __reduce__(self):
        return type(self)._decode, (self.encode(),)

    def __repr__(self) -> str:
        return (f"<mcd.Result: L = {self.objective:.4g} after {self.evaluations} evaluations "
                f"({self.status}), {self.problem!r}>")

    @cached_property
    def problem(self) -> Problem:
        """The problem that was solved; after `find_defect` its parametrization is Gaussians."""
        return Problem._of(create("mcd_result_problem", self._handle.value))

    @cached_property
    def onsite(self) -> FloatArray:
        """The best potential, (length, width); of a device the energies added to its orbitals, (orbitals,)."""
        if self.problem.parametrization == "directions":
            raise ArgumentError("result: its parameters are coefficients of directions, not on-site energies; see "
                                "result.parameters and result.hamiltonian")
        return self._get("mcd_result_onsite", self.problem._place.shape)

    @cached_property
    def hamiltonian(self) -> np.ndarray:
        """The best Hamiltonians of a problem by directions, on the entries of ``device.pattern``, (points, entries)."""
        return self.problem.hamiltonian(self.vector)

    @cached_property
    def conductance(self) -> FloatArray:
        """Its conductance, (points,), in e²/h; of a device (curves, points)."""
        return self._get("mcd_result_conductance", self.problem._place.outputs)

    @cached_property
    def vector(self) -> FloatArray:
        """Its parameters in the order of ``problem.labels``, (parameters,): without frozen ones, with tied ones joined."""
        return self._get("mcd_result_parameters", self.problem.start.shape)

    @cached_property
    def parameters(self) -> Dict[str, FloatArray]:
        """Its parameters by name: "onsite" (length, width) of sites; "x", "y", "amplitude", "radius" (gaussians,) of
        Gaussians, the fixed ones too, best determined first after `find_defect`; "volts" (gates,) of gates; one number by the name of every direction, or "coefficients" (directions,) if
        they have none."""
        return self._named("mcd_result_quantity", "mcd_result_entries")

    @cached_property
    def parameter_errors(self) -> Dict[str, FloatArray]:
        """Standard errors of `parameters` from the curve's misfit: 0 for what was fixed, NaN where they are not known (only
        `find_defect` computes them)."""
        return self._named("mcd_result_quantity_error", "mcd_result_errors")

    @property
    def objective(self) -> float:
        """L = log |w·(G − target)| plus the regularizers."""
        return get(c_double, "mcd_result_objective", self._handle.value)

    @property
    def evaluations(self) -> int:
        """Evaluations of the engine, all starts together."""
        return get(c_int64, "mcd_result_evaluations", self._handle.value)

    @property
    def seconds(self) -> float:
        """Time the search took."""
        return get(c_double, "mcd_result_seconds", self._handle.value)

    @property
    def status(self) -> str:
        """Why the search ended: "objective", "step", "gradient", "stalled", "evaluations", "iterations", "time", "cancelled"
        or "failed"."""
        return text("mcd_result_status", self._handle.value)

    @property
    def message(self) -> str:
        """The same as a sentence; says also by how much an infeasible target is out of reach."""
        return text("mcd_result_message", self._handle.value)

    @property
    def backend(self) -> str:
        """What computed it."""
        return text("mcd_result_backend", self._handle.value)

    @cached_property
    def history(self) -> Dict[str, np.ndarray]:
        """History of the best start: "objective", L before the first and after every iteration, "evaluations" done by
        then, and after `smooth` "roughness", L_pot of the same points."""
        columns = {column: growing(np.float64, "mcd_result_history", self._handle.value, column.encode())
                   for column in ("evaluations", "objective", "roughness")}
        return {name: values for name, values in columns.items() if values.size}

    @cached_property
    def outcomes(self) -> "List[Result]":
        """The distinct outcomes of the starts, best first."""
        count = get(c_size_t, "mcd_result_outcomes", self._handle.value)
        return [Result._of(create("mcd_result_outcome", self._handle.value, i)) for i in range(count)]

    @property
    def roughness(self) -> float:
        """L_pot of its potential, see `mcd.roughness`."""
        return roughness(self.onsite)

    def identify(self, sigma: Optional[float] = None) -> Identifiability:
        """What the curve determines about its parameters: see `Problem.identify`."""
        return self.problem.identify(self.vector, sigma)

    def ranked(self, by: str = "smoothness", count: Optional[int] = None, level: float = np.inf) -> "Ranking":
        """Distinct outcomes of the starts, ranked: "give me five different potentials that show this curve".

        Parameters
        ----------
        by : {"smoothness", "range", "sensitivity", "objective"}
            Measure, the least first: `roughness`; highest minus lowest site; norm of ∂G/∂onsite; L.
        count : int, optional
            How many at most.
        level : float
            Only outcomes with L ≤ level.
        """
        if by not in _MEASURES:
            raise ArgumentError(f"by: {by!r}; give one of {', '.join(_MEASURES)}")
        chosen = [(_MEASURES[by](outcome), outcome) for outcome in self.outcomes if outcome.objective <= level]
        chosen = sorted(chosen, key=lambda pair: pair[0])[:count]
        results = [outcome for _, outcome in chosen]
        apart = [[np.sqrt(np.mean((a.onsite - b.onsite) ** 2)) for b in results] for a in results]
        return Ranking(results, np.array([measure for measure, _ in chosen]), np.array(apart).reshape(len(results), len(results)))

    def encode(self) -> bytes:
        """The result as bytes for other programs and languages (a FlatBuffer, schema mcd.fbs)."""
        return growing(np.uint8, "mcd_result_encode", self._handle.value).tobytes()

    def save(self, path) -> None:
        """Writes the result to a .mcd file, as a whole or not at all; `resume` can continue it."""
        call("mcd_result_save", self._handle.value, _path(path))

    def plot(self, path=None, true_onsite=None):
        """Draws curve, potential, local density of states and history.

        Parameters
        ----------
        path : path, optional
            File to write the figure to.
        true_onsite : array_like, (length, width), optional
            A potential to compare with: drawn as contour lines.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from .plots import figure, written
        return written(figure(self, true_onsite), path)

    def _get(self, name: str, shape: tuple) -> FloatArray:
        out = np.empty(shape)
        call(name, self._handle.value, *pair(out))
        return out

    def _named(self, quantity: str, entries: str) -> Dict[str, FloatArray]:
        problem = self.problem
        if problem.parametrization == "sites":
            return {"onsite": self._get(entries, problem._place.shape)}
        if problem.parametrization == "directions":
            values, names = self._get(entries, problem._shape), text("mcd_problem_get_names", problem._handle.value)
            return dict(zip(names.split("\n"), values)) if names else {"coefficients": values}
        return {name: growing(np.float64, quantity, self._handle.value, name.encode())
                for name in _QUANTITIES[problem.parametrization]}


def load(path) -> Union[Result, Problem]:
    """Reads a .mcd file: the `Result` in it, or the `Problem` if there is no result yet."""
    name = _path(path)
    try:
        return Result._of(create("mcd_result_load", name))
    except FileError:
        return Problem._of(create("mcd_problem_load", name))
