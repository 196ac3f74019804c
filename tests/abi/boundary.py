"""The C library by ctypes alone, with the prototypes read from mcd.h: what the tests of the boundary call it by."""
import ctypes as C
import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = os.environ.get("MCD_ABI_LIBRARY", str(ROOT / "build" / "libmcd.so.1"))
HEADER = ROOT / "include" / "mcd.h"

TYPES = {"char": C.c_char, "double": C.c_double, "int32_t": C.c_int32, "uint32_t": C.c_uint32, "int64_t": C.c_int64,
         "uint64_t": C.c_uint64, "uint8_t": C.c_uint8, "size_t": C.c_size_t, "mcd_status": C.c_int, "void": None,
         "mcd_handle": C.c_uint64}
KINDS = re.findall(r"typedef mcd_handle mcd_(\w+);", HEADER.read_text())
TYPES.update({"mcd_" + kind: C.c_uint64 for kind in KINDS})


class Progress(C.Structure):
    _fields_ = [("struct_size", C.c_size_t), ("state", C.c_int32), ("start", C.c_int32), ("starts", C.c_int32),
                ("reserved", C.c_int32), ("iteration", C.c_int64), ("evaluations", C.c_int64), ("objective", C.c_double),
                ("best_objective", C.c_double), ("step", C.c_double), ("gradient", C.c_double), ("damping", C.c_double),
                ("seconds", C.c_double), ("roughness", C.c_double)]


Callback = C.CFUNCTYPE(C.c_int, C.POINTER(Progress), C.c_void_p)


def ctype(declaration):
    """The ctypes type of one parameter, `const double *onsite`."""
    words = re.sub(r"\bconst\b|\*", " ", declaration).split()
    if words[0] == "mcd_callback":
        return Callback
    kind = Progress if words[0] == "mcd_progress" else TYPES[words[0]]
    if "*" not in declaration:
        return kind
    if words[0] in ("char", "void"):
        return C.c_char_p if "const char" in declaration else C.c_void_p
    return C.POINTER(kind)


def prototypes():
    """{name: (result, [(parameter, type)])} of every function of the header, in its order."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    found = {}
    for result, name, parameters in re.findall(r"MCD_API (const char \*|mcd_status )(mcd_\w+)\(([^)]*)\);", text):
        parameters = [p.strip() for p in parameters.split(",") if p.strip() != "void"]
        found[name] = (C.c_char_p if "char" in result else C.c_int, [(re.findall(r"\w+", p)[-1], ctype(p)) for p in parameters])
    return found


STATUS = {name: int(value) for name, value in re.findall(r"(MCD_\w+) = (-?\d+)", HEADER.read_text())}
globals().update(STATUS)
PROTOTYPES = prototypes()


def load():
    lib = C.CDLL(LIBRARY)
    for name, (result, parameters) in PROTOTYPES.items():
        f = getattr(lib, name)
        f.restype, f.argtypes = result, [kind for _, kind in parameters]
    lib.mcd_private_fault.argtypes = [C.c_int32, C.c_int64]
    return lib


PANIC_IN_CALL, PANIC_IN_WORKER, PANIC_IN_JOB, FAIL_ONCE, FAIL_ALWAYS = range(5)

# Functions that need no Go and work in a forked child.
PLAIN = ("mcd_version", "mcd_last_error", "mcd_status_name")


def zeros(name):
    """Arguments of a function: all 0 and NULL."""
    return [None if issubclass(kind, (C._Pointer, C.c_char_p, C.c_void_p)) else kind() if kind is Callback else 0
            for _, kind in PROTOTYPES[name][1]]


def doubles(values):
    values = [float(v) for v in values]
    return (C.c_double * len(values))(*values)


class Error(Exception):
    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status, self.text = status, text


class Library:
    """Calls that raise Error: lib.wire_create(…) for mcd_wire_create(…)."""

    def __init__(self):
        self.raw = load()

    def __getattr__(self, name):
        f = getattr(self.raw, "mcd_" + name)

        def call(*arguments):
            status = f(*arguments)
            if status < 0:
                raise Error(status, self.raw.mcd_last_error().decode())
            return status
        return call

    def error(self):
        return self.raw.mcd_last_error().decode()

    def get(self, name, handle, *before, kind=C.c_int64):
        """One output value."""
        out = kind()
        getattr(self, name)(handle, *before, C.byref(out)) if handle is not None else getattr(self, name)(*before, C.byref(out))
        return out.value

    def live(self):
        return self.get("live_handles", None)

    def make(self, name, *arguments):
        """The handle that a function gives as its last argument."""
        out = C.c_uint64()
        getattr(self, name)(*arguments, C.byref(out))
        return out.value

    def wire(self, length=8, width=6, fields=(0, 0.01, 0.02, 0.03), energy=1.2):
        out = C.c_uint64()
        f = doubles(fields)
        self.wire_create(length, width, f, len(f), doubles([energy]), 1, C.byref(out))
        return out.value

    def conductance(self, wire, onsite, points=4):
        g = (C.c_double * points)()
        self.wire_conductance(wire, onsite, len(onsite), g, points)
        return list(g)

    def problem(self, wire, target, start=None):
        out = C.c_uint64()
        self.problem_create(wire, doubles(target), len(target), C.byref(out))
        if start is not None:
            self.problem_set_sites(out, doubles(start), len(start))
        return out.value

    def job(self, problem):
        out = C.c_uint64()
        self.job_create_design(problem, C.byref(out))
        return out.value

    def result(self, job):
        out = C.c_uint64()
        self.job_result(job, C.byref(out))
        return out.value

    def text(self, name, *before):
        needed = C.c_size_t()
        getattr(self, name)(*before, None, 0, C.byref(needed))
        buffer = C.create_string_buffer(needed.value)
        getattr(self, name)(*before, buffer, needed.value, C.byref(needed))
        return buffer.value.decode()

    def values(self, name, *before):
        needed = C.c_size_t()
        getattr(self, name)(*before, None, 0, C.byref(needed))
        out = (C.c_double * needed.value)()
        getattr(self, name)(*before, out, needed.value, C.byref(needed))
        return list(out)


def refused(call, *words, status=None):
    """The error of a call that has to fail with a status, MCD_ERR_ARGUMENT if none is given, in these words."""
    try:
        call()
    except Error as e:
        assert e.status == (MCD_ERR_ARGUMENT if status is None else status) and all(word in e.text for word in words), e
        return e
    raise AssertionError(f"not refused: {words}")


def rough(sites, seed=1):
    """A fixed uneven potential around the clean wire's."""
    import random
    r = random.Random(seed)
    return doubles(4 + 0.3 * r.gauss(0, 1) for _ in range(sites))
