"""Searches: from a curve to a potential. They run on the library's threads; Python only looks on."""

import ctypes
import warnings
from typing import Callable, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike

from . import _prototypes as c
from ._library import POLL, Handle, array, call, check, create, get, integer, library, pair, real, text
from .device import Device
from .errors import ArgumentError, InfeasibleWarning
from .problem import Curves, Problem, Sites, _path, _targets
from .result import Result
from .wire import Wire

__all__ = ["Progress", "design", "find_defect", "quantize", "resume", "smooth"]

Schedule = Union[str, Sequence[Tuple[int, float]]]


class Progress(NamedTuple):
    """How far a search is; what a ``callback`` receives after every iteration."""

    start: int             #: running number of the start being worked on
    starts: int            #: how many there are
    iteration: int         #: of this start
    evaluations: int       #: of the engine, all starts together
    objective: float       #: L of the current point
    best_objective: float  #: the best L so far
    step: float            #: norm of the last step tried in the parameters
    gradient: float        #: largest entry of the gradient of L, projected on the bounds
    damping: float         #: μ of "lm", the learning rate of first-order methods, the step length of "lbfgs"
    seconds: float
    roughness: float       #: L_pot of the current point in `smooth`, else NaN


class _Snapshot(ctypes.Structure):
    """mcd_progress."""

    _fields_ = [("struct_size", ctypes.c_size_t), ("state", ctypes.c_int32), ("start", ctypes.c_int32),
                ("starts", ctypes.c_int32), ("reserved", ctypes.c_int32), ("iteration", ctypes.c_int64),
                ("evaluations", ctypes.c_int64), ("objective", ctypes.c_double), ("best_objective", ctypes.c_double),
                ("step", ctypes.c_double), ("gradient", ctypes.c_double), ("damping", ctypes.c_double),
                ("seconds", ctypes.c_double),
                ("roughness", ctypes.c_double)]

    def read(self) -> Progress:
        return Progress(*(getattr(self, name) for name in Progress._fields))


def design(problem: Problem, method: str = "lm", max_evaluations: int = 1000, tolerance: Optional[float] = None,
           seed: int = 0, checkpoint=None, progress: Optional[bool] = None, *, stop_objective: Optional[float] = None,
           gradient_tolerance: Optional[float] = None, stall: Optional[Tuple[int, float]] = None,
           max_iterations: int = 0, time_limit: float = 0.0, starts: int = 1, spread: float = 0.3,
           distinct: float = 1e-3, learning_rate: Optional[float] = None, schedule: Optional[Schedule] = None,
           checkpoint_interval: float = 10.0, callback: Optional[Callable[[Progress], None]] = None) -> Result:
    """Finds the parameters whose conductance comes closest to the target.

    Parameters
    ----------
    problem : Problem
    method : {"lm", "lbfgs", "rmsprop", "adabelief", "adam"}
        Levenberg–Marquardt needs by far the fewest evaluations. The first-order methods take one a step.
    max_evaluations : int
        Evaluations after which to stop, all starts together; 0 for no limit.
    tolerance : float, optional
        Stop once a step is shorter than tolerance · (norm of the parameters + tolerance); default: 1e-15 for "lm", else 0.
    seed : int
        Of everything random: the same seed gives the same bits.
    checkpoint : path, optional
        A .mcd file that `resume` continues bit for bit.
    progress : bool, optional
        A progress bar in the terminal or notebook; default: in an interactive terminal.
    stop_objective : float, optional
        Stop once L falls to this; default: −20 for "lm", else never.
    gradient_tolerance : float, optional
        Stop once no entry of the gradient of L exceeds this; default: never.
    stall : (iterations, fall), optional
        Stop once L fell by less than this over so many iterations; default: (100, 0.01) for "lm", (100, 1e-6) for "lbfgs".
    max_iterations : int
        Iterations of each start after which to stop; 0 for no limit.
    time_limit : float
        Seconds after which to stop, 0 for no limit.
    starts : int
        The first start is the problem's own, the others are random around it with the standard deviation ``spread``.
        The outcomes are ranked in ``result.outcomes``; those whose potentials differ by a root mean square of at least
        ``distinct`` count apart. On a GPU they are searched side by side, and evaluations are dealt to them evenly.
    learning_rate : float, optional
        Of the first-order methods; default: 0.01.
    schedule : str or [(step, factor), ...], optional
        From each step on the learning rate is multiplied by its factor; or "constant", "paper-defect", "paper-sites".
    checkpoint_interval : float
        Seconds between two checkpoints; 0: after every iteration.
    callback : function of a Progress, optional
        Called after iterations; an exception in it stops the search and is raised.

    Returns
    -------
    Result
        Ctrl-C ends the search early: then too the best point so far is returned, with the status "cancelled". If nothing has
        been evaluated yet, KeyboardInterrupt is raised.
    """
    if not isinstance(problem, Problem):
        raise ArgumentError(f"problem: {problem!r}; give an mcd.Problem")
    job = create("mcd_job_create_design", problem._handle.value)
    call("mcd_job_set_method", job.value, str(method).encode())
    if learning_rate is not None:
        call("mcd_job_set_learning_rate", job.value, real(learning_rate, "learning_rate"))
    if schedule is not None:
        _set_schedule(job, schedule)
    if stall is not None:
        iterations, fall = stall
        call("mcd_job_set_stall", job.value, integer(iterations, "stall"), real(fall, "stall"))
    call("mcd_job_set_max_iterations", job.value, integer(max_iterations, "max_iterations"))
    call("mcd_job_set_starts", job.value, integer(starts, "starts"), real(spread, "spread"))
    call("mcd_job_set_distinct", job.value, real(distinct, "distinct"))
    _set_common(job, max_evaluations, tolerance, gradient_tolerance, stop_objective, time_limit, seed, checkpoint,
                checkpoint_interval)
    return _run(job, progress, callback)


def find_defect(wire: Union[Wire, Device], target: Union[ArrayLike, Mapping], count: int = 1,
                sigma: Optional[float] = None, seed: int = 0, max_evaluations: Optional[int] = None, checkpoint=None, progress: Optional[bool] = None, *,
                stop_objective: Optional[float] = None, time_limit: float = 0.0, checkpoint_interval: float = 10.0,
                callback: Optional[Callable[[Progress], None]] = None, curves: Optional[Curves] = None) -> Result:
    """Finds the Gaussian defects in an otherwise clean wire or device that explain a curve, from many starts.

    Parameters
    ----------
    wire : Wire or Device
        A device needs positions in one or two dimensions. Its first search for the same curves makes a table of some 2,400
        curves, later ones begin at once.
    target : array_like, (points,), in e²/h
        Of a device one curve or several, as in `Problem`.
    count : int
        How many defects: 1 or 2 in a wire, up to 8 in a device.
    sigma : float, optional
        Standard deviation of the target's noise in e²/h, for the error bars; default: estimated from the misfit.
    seed, max_evaluations, checkpoint, progress, stop_objective, time_limit, checkpoint_interval, callback
        As in `design`.
    curves : sequence of (to, from)
        Of a device, as in `Problem`.

    Returns
    -------
    Result
        ``result.parameters`` and ``result.parameter_errors`` have arrays "x", "y", "amplitude", "radius". The curve of a
        single defect in a wire does not depend on its x, and is the same for the mirror image in y; side leads tell all of it.
    """
    count, noise = integer(count, "count"), 0.0 if sigma is None else real(sigma, "sigma")
    if isinstance(wire, Device):
        job = create("mcd_job_create_locate", _device_search(wire, target, curves).value, count, noise)
    elif isinstance(wire, Wire):
        target = array(target, (len(wire.fields),), "target")
        job = create("mcd_job_create_defect", wire._handle.value, *pair(target), count, noise)
    else:
        raise ArgumentError(f"wire: {wire!r}; give an mcd.Wire or mcd.Device")
    _set_common(job, max_evaluations, None, None, stop_objective, time_limit, seed, checkpoint, checkpoint_interval)
    return _run(job, progress, callback)


def _device_search(device: Device, target, curves: Optional[Curves]) -> Handle:
    """A problem with this target; problems of the same curves share their table."""
    curves, target = _targets(device, target, curves)
    if curves not in device._searches:
        pairs = np.array(curves, np.int64)
        device._searches[curves] = create("mcd_problem_create_device", device._handle.value, *pair(pairs), *pair(target))
    problem = device._searches[curves]
    call("mcd_problem_set_target", problem.value, *pair(target))
    return problem


def smooth(problem: Union[Problem, Result], level: float = -3.0, max_evaluations: int = 300, checkpoint=None,
           progress: Optional[bool] = None, *, time_limit: float = 0.0,
           callback: Optional[Callable[[Progress], None]] = None) -> Result:
    """Finds the smoothest potential that keeps the curve: the least L_pot (`roughness`) with L ≤ level.

    It may be far from the start: where more than about 200 evaluations allow it, long waves on a raised floor are compared with
    it first, on a third of the wire's points.

    Parameters
    ----------
    problem : Problem or Result
        A problem by sites without bounds, frozen sites, ties, mirror or filter, whose start is smoothed; or a result, whose
        potential is smoothed, all sites free. The start need not keep the level. Loss and regularizers play no part.
    level : float
        The largest L = log |w·(G − target)| allowed.
    max_evaluations : int
        Evaluations after which to stop, one on a part of the points counting as that part; the search plans with them, so that
        more give a smoother potential.
    checkpoint : path, optional
        A .mcd file that receives the result at the end.
    progress, time_limit, callback
        As in `design`.

    Returns
    -------
    Result
        ``result.roughness`` is L_pot, ``result.history["roughness"]`` its way.
    """
    started = _started(problem)
    job = create("mcd_job_create_smooth", started._handle.value, real(level, "level"))
    _set_common(job, max_evaluations, None, None, None, time_limit, None, checkpoint, 10.0)
    return _run(job, progress, callback)


def quantize(problem: Union[Problem, Result], step: float, origin: float = 0.0, max_evaluations: int = 300, checkpoint=None,
             progress: Optional[bool] = None, *, time_limit: float = 0.0,
             callback: Optional[Callable[[Progress], None]] = None) -> Result:
    """Moves sites or gates to values that a fabrication can set, such that the curve suffers least.

    Parameters
    ----------
    problem : Problem or Result
        A problem by sites without filter, or by gates, whose start shows the target; or a result, whose potential is quantized,
        all sites free. Bounds, frozen entries, ties and mirror of a problem hold. Loss and regularizers play no part.
    step, origin : float
        Allowed values are origin + multiples of step.
    max_evaluations : int
        Evaluations after which to stop.
    checkpoint : path, optional
        A .mcd file that receives the result at the end.
    progress, time_limit, callback
        As in `design`.

    Returns
    -------
    Result
    """
    started = _started(problem)
    job = create("mcd_job_create_quantize", started._handle.value, real(step, "step"), real(origin, "origin"))
    _set_common(job, max_evaluations, None, None, None, time_limit, None, checkpoint, 10.0)
    return _run(job, progress, callback)


def _started(problem: Union[Problem, Result]) -> Problem:
    """The problem; of a result that of its wire, whose free sites start from its potential."""
    if isinstance(problem, Result):
        given = problem.problem
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfeasibleWarning)  # told when the problem was made
            problem = Problem(given.wire, given.target, Sites(problem.onsite), weights=given.weights)
    if not isinstance(problem, Problem):
        raise ArgumentError(f"problem: {problem!r}; give an mcd.Problem or an mcd.Result")
    return problem


def resume(path, max_evaluations: Optional[int] = None, progress: Optional[bool] = None, *, checkpoint=None,
           stop_objective: Optional[float] = None, time_limit: Optional[float] = None,
           callback: Optional[Callable[[Progress], None]] = None) -> Result:
    """Continues the search saved in a .mcd file (a checkpoint or a result) bit for bit, with its settings.

    Parameters
    ----------
    path : path
    max_evaluations, stop_objective, time_limit, checkpoint
        New limits; default: those of the file. Evaluations count from the very beginning.
    progress, callback
        As in `design`.
    """
    job = create("mcd_job_create_resume", _path(path))
    if max_evaluations is not None:
        call("mcd_job_set_max_evaluations", job.value, integer(max_evaluations, "max_evaluations"))
    if stop_objective is not None:
        call("mcd_job_set_stop_objective", job.value, real(stop_objective, "stop_objective"))
    if time_limit is not None:
        call("mcd_job_set_time_limit", job.value, real(time_limit, "time_limit"))
    if checkpoint is not None:
        call("mcd_job_set_checkpoint", job.value, _path(checkpoint), 10.0)
    return _run(job, progress, callback)


def _set_common(job: Handle, max_evaluations, tolerance, gradient_tolerance, stop_objective, time_limit, seed, checkpoint,
                interval) -> None:
    for setter, value, convert in (("max_evaluations", max_evaluations, integer), ("step_tolerance", tolerance, real),
                                   ("gradient_tolerance", gradient_tolerance, real),
                                   ("stop_objective", stop_objective, real), ("time_limit", time_limit, real)):
        if value is not None:
            call(f"mcd_job_set_{setter}", job.value, convert(value, setter))
    if seed is not None:
        seed = integer(seed, "seed")
        if seed < 0:
            raise ArgumentError(f"seed: {seed}; give a whole number from 0 up")
        call("mcd_job_set_seed", job.value, seed)
    if checkpoint is not None:
        call("mcd_job_set_checkpoint", job.value, _path(checkpoint), real(interval, "checkpoint_interval"))


def _set_schedule(job: Handle, schedule: Schedule) -> None:
    if isinstance(schedule, str):
        call("mcd_job_set_named_schedule", job.value, schedule.encode())
        return
    try:
        steps = np.array([step for step, _ in schedule], np.int64)
        factors = np.array([factor for _, factor in schedule], np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(f"schedule: {schedule!r}; give a name or [(step, factor), ...]") from None
    call("mcd_job_set_schedule", job.value, *pair(steps), *pair(factors))


def _run(job: Handle, progress: Optional[bool], callback) -> Result:
    """Starts a job and looks on until it ends; an exception meanwhile ends it."""
    with _Bar(job, progress) as bar:
        call("mcd_job_start", job.value)
        try:
            _watch(job, bar, callback)
        except KeyboardInterrupt:
            if _stop(job) == c.MCD_ERR_CANCELLED:  # before there was anything to keep
                raise
        except BaseException:
            _stop(job)
            raise
        bar.show()
    check(library.mcd_job_wait(job.value, 0.0, c.CALLBACK(), None))
    return Result._of(create("mcd_job_result", job.value))


def _watch(job: Handle, bar: "_Bar", callback) -> None:
    raised = []

    def forward(snapshot, _):
        try:
            callback(_Snapshot.from_address(snapshot).read())
        except BaseException as error:  # must not cross the library; raised below
            raised.append(error)
        return len(raised)

    trampoline = c.CALLBACK() if callback is None else c.CALLBACK(forward)
    while library.mcd_job_wait(job.value, POLL, trampoline, None) == c.MCD_TIMEOUT and not raised:
        bar.show()
    if raised:
        raise raised[0]


def _stop(job: Handle) -> int:
    library.mcd_job_cancel(job.value)
    return library.mcd_job_wait(job.value, -1.0, c.CALLBACK(), None)


class _Bar:
    """A tqdm bar over the evaluations of a job."""

    def __init__(self, job: Handle, wanted: Optional[bool]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it calls itself experimental; tqdm.auto would import asyncio first
            from tqdm.autonotebook import tqdm
        total = get(ctypes.c_int64, "mcd_job_get_max_evaluations", job.value)
        self._job = job
        self._bar = tqdm(total=total or None, unit="eval", disable=None if wanted is None else not wanted)

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()

    def show(self) -> None:
        if self._bar.disable:
            return
        snapshot = _Snapshot(struct_size=ctypes.sizeof(_Snapshot))
        call("mcd_job_progress", self._job.value, ctypes.byref(snapshot))
        now = snapshot.read()
        start = f"start {now.start + 1}/{now.starts}, " if now.starts > 1 else ""
        rough = "" if np.isnan(now.roughness) else f", L_pot = {now.roughness:.4g}"
        self._bar.set_postfix_str(f"{start}L = {now.best_objective:.3f}{rough}", refresh=False)
        self._bar.update(now.evaluations - self._bar.n)
