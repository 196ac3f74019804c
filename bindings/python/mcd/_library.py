"""Loads libmcd.so and calls it: prototypes, handles, statuses turned into exceptions, arrays and texts."""

import ctypes
import os
import threading
from pathlib import Path

import numpy as np

from . import _prototypes as c
from .errors import BY_STATUS, ArgumentError, Error

POLL = 0.05  # seconds between two looks at pending signals while the library works


def _load() -> ctypes.CDLL:
    """The library named by MCD_LIBRARY, else the one inside this package, else a checkout's build, else the system's."""
    here = Path(__file__).resolve().parent
    named = os.environ.get("MCD_LIBRARY")
    nearby = [here / "libmcd.so.1", *(p / "build" / "libmcd.so.1" for p in here.parents[2:3])]
    path = named or next((str(p) for p in nearby if p.exists()), "libmcd.so.1")
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        if "static TLS" in str(error):
            raise ImportError(
                f"{error}. Other libraries of this process have used up the space for thread-local data that was set aside "
                "when it started. Import mcd before them, or start Python with the environment variable "
                "GLIBC_TUNABLES=glibc.rtld.optional_static_tls=4096.") from error
        raise ImportError(f"{error}. mcd needs its library libmcd.so.1 (Linux with glibc): install the wheel of libmcd, or "
                          "set MCD_LIBRARY to the library's path.") from error
    for name, (result, arguments) in c.PROTOTYPES.items():
        function = getattr(library, name, None)
        if function is None:
            raise ImportError(f"{path} has no function {name}: it is older than this binding; install both from one release")
        function.restype, function.argtypes = result, arguments
    return library


library = _load()
version = library.mcd_version().decode()


def check(status: int) -> int:
    """Raises the exception of a negative status, with the library's message; returns the others."""
    if status < 0:
        message = library.mcd_last_error().decode()
        raise BY_STATUS.get(status, Error)(message, status)
    return status


def call(name: str, *arguments) -> int:
    """Calls a function of the library. Other Python threads run meanwhile."""
    return check(getattr(library, name)(*arguments))


class Handle:
    """Owns one handle of the library and frees it."""

    __slots__ = ("value", "_free", "__weakref__")

    def __init__(self, value: int):
        self.value = value
        self._free = library.mcd_free

    def __del__(self):
        self._free(self.value)


def create(name: str, *arguments) -> Handle:
    """Calls a function whose last argument receives a new handle."""
    value = ctypes.c_uint64()
    call(name, *arguments, ctypes.byref(value))
    return Handle(value.value)


def get(kind, name: str, *arguments):
    """Calls a function whose last argument receives one scalar of the given ctypes type."""
    value = kind()
    call(name, *arguments, ctypes.byref(value))
    return value.value


def text(name: str, *arguments, after=()) -> str:
    """Calls a getter that ends in (char *out, size_t count, size_t *needed), followed by the arguments after."""
    needed = ctypes.c_size_t()
    call(name, *arguments, None, 0, ctypes.byref(needed), *after)
    out = ctypes.create_string_buffer(needed.value)
    call(name, *arguments, out, needed.value, ctypes.byref(needed), *after)
    return out.value.decode()


def growing(dtype, name: str, *arguments) -> np.ndarray:
    """Calls a getter that ends in (out, count, needed) until out is large enough; a history may grow between the calls."""
    needed = ctypes.c_size_t()
    call(name, *arguments, None, 0, ctypes.byref(needed))
    while True:
        out = np.empty(needed.value, dtype)
        status = getattr(library, name)(*arguments, out.ctypes.data, out.size, ctypes.byref(needed))
        if status != c.MCD_ERR_SIZE:
            check(status)
            return out[:needed.value]


def interruptible(cancel, work):
    """work() in a thread of its own, so that Ctrl-C is noticed: it calls cancel(), and is raised once work has ended.

    Until then the library writes to the caller's arrays: nothing may leave earlier. Hence the events. An interrupted
    Thread.join takes the thread for ended in Python 3.10 to 3.12, and start() can be interrupted when it has begun.
    """
    begin, ended, interrupts, outcome = threading.Event(), threading.Event(), [], []

    def run():
        begin.wait()
        try:
            outcome.append((None if interrupts else work(), None))
        except BaseException as error:  # handed to the caller's thread
            outcome.append((None, error))
        ended.set()

    try:
        threading.Thread(target=run, daemon=True).start()
    except BaseException as error:
        interrupts.append(error)
        begin.set()
        raise
    while not ended.is_set():
        try:
            begin.set()
            while not ended.wait(POLL):
                pass
        except BaseException as error:  # a second one too
            interrupts.append(error)
            cancel()
    if interrupts:
        raise interrupts[0]
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


class Computing:
    """What computes, itself or for its problems: long calls in a thread, so that Ctrl-C cancels them."""

    _handle: Handle
    _cancel: str  # the function that cancels

    def _quick(self) -> bool:
        """Whether a call is over before anyone presses Ctrl-C."""
        raise NotImplementedError

    def _compute(self, name: str, *arguments) -> None:
        self._call(name, self._handle.value, *arguments)

    def _call(self, name: str, *arguments) -> None:
        function, cancel = getattr(library, name), getattr(library, self._cancel)
        if self._quick():
            check(function(*arguments))
        else:
            interruptible(lambda: cancel(self._handle.value), lambda: check(function(*arguments)))


def array(value, shape: tuple, name: str, dtype=np.float64) -> np.ndarray:
    """value as a C-contiguous array of the given shape (None: any extent): itself if it is one already, else a copy."""
    try:
        given = np.asarray(value)
    except ValueError as error:
        raise ArgumentError(f"{name}: not an array ({error}); give numbers of shape {_shape(shape)}") from error
    if given.dtype.kind not in ("biu" if np.dtype(dtype).kind in "biu" else "iuf"):
        wanted = "integers" if np.dtype(dtype).kind in "iu" else "real numbers"
        raise ArgumentError(f"{name}: values of type {given.dtype}; give {wanted}")
    if given.ndim != len(shape) or any(want not in (None, have) for want, have in zip(shape, given.shape)):
        raise ArgumentError(f"{name}: shape {given.shape}; give shape {_shape(shape)}")
    return np.ascontiguousarray(given, dtype)


def full(value, shape: tuple, name: str, dtype=np.float64) -> np.ndarray:
    """array(), but a scalar stands for an array filled with it."""
    if np.ndim(value) == 0:
        value = np.full(shape, value)
    return array(value, shape, name, dtype)


def _shape(shape: tuple) -> str:
    inner = ", ".join("n" if extent is None else str(extent) for extent in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def pair(values: np.ndarray) -> tuple:
    """The pointer and the count by which the library takes an array."""
    return values.ctypes.data, values.size


def integer(value, name: str) -> int:
    """value as an int that fits into 64 bits, if it is a whole number."""
    try:
        whole = value.__index__()
    except AttributeError:
        raise ArgumentError(f"{name}: {value!r}; give a whole number") from None
    if not -(1 << 63) <= whole < 1 << 63:
        raise ArgumentError(f"{name}: {whole} is too large; give a number below 2^63")
    return whole


def real(value, name: str) -> float:
    """value as a float, if it is a real number."""
    if isinstance(value, (str, bytes)):
        raise ArgumentError(f"{name}: {value!r}; give a number")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name}: {value!r}; give a number") from None
