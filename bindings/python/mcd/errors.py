"""Exceptions: every one carries the library's status and message, and is also the built-in exception closest in meaning."""

from . import _prototypes as c

__all__ = ["Error", "ArgumentError", "HandleError", "MemoryLimitError", "CancelledError", "FileError", "NumericalError",
           "UnsupportedError", "StateError", "ForkedError", "InternalError", "InfeasibleWarning"]


class Error(Exception):
    """Something that mcd could not do.

    Attributes
    ----------
    status : int
        The ``mcd_status`` of the C library, negative.
    message : str
        What is wrong, with the argument's name and value, and what to do about it.
    """

    status = c.MCD_ERR_INTERNAL

    def __init__(self, message: str, status: "int | None" = None):
        super().__init__(message)
        self.message = message
        if status is not None:
            self.status = status

    def __str__(self) -> str:
        return self.message

    def __reduce__(self):
        return type(self), (self.message, self.status)


class ArgumentError(Error, ValueError):
    """A wrong argument."""

    status = c.MCD_ERR_ARGUMENT


class HandleError(Error, ValueError):
    """An object that has been freed."""

    status = c.MCD_ERR_HANDLE


class MemoryLimitError(Error, MemoryError):
    """The memory needed, stated in the message, is over the limit or was refused; nothing was changed."""

    status = c.MCD_ERR_NOMEM


class CancelledError(Error):
    """The work was stopped by its caller."""

    status = c.MCD_ERR_CANCELLED


class FileError(Error, OSError):
    """A file or buffer that cannot be read or written, or is damaged."""

    status = c.MCD_ERR_FILE


class NumericalError(Error, ArithmeticError):
    """The arithmetic could not reach the promised accuracy."""

    status = c.MCD_ERR_NUMERICAL


class UnsupportedError(Error, NotImplementedError):
    """Something that this build or machine does not have."""

    status = c.MCD_ERR_UNSUPPORTED


class StateError(Error, RuntimeError):
    """A call that comes too early or too late."""

    status = c.MCD_ERR_STATE


class ForkedError(Error, RuntimeError):
    """A call in a child made by fork; start children by ``multiprocessing.set_start_method("spawn")``."""

    status = c.MCD_ERR_FORKED


class InternalError(Error, RuntimeError):
    """A defect of mcd: please report the message."""


class InfeasibleWarning(UserWarning):
    """No potential can show the target curve: it is above the number of open modes somewhere."""


BY_STATUS = {kind.status: kind for kind in (ArgumentError, HandleError, MemoryLimitError, CancelledError, FileError,
                                            NumericalError, UnsupportedError, StateError, ForkedError, InternalError)}
