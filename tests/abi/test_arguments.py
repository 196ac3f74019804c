"""Wrong arguments: an error that names the argument, its value and the remedy, and nothing changes."""
import ctypes as C
import math

import pytest

from boundary import MCD_ERR_FILE, MCD_ERR_SIZE, MCD_ERR_STATE, Callback, Library, Progress, doubles, refused, rough


@pytest.fixture(scope="module")
def lib():
    return Library()


@pytest.fixture(scope="module")
def wire(lib):
    return lib.wire()


@pytest.fixture
def problem(lib, wire):
    return lib.problem(wire, [1, 1, 1, 1], rough(48))


@pytest.fixture
def job(lib, problem):
    return lib.job(problem)


nan, inf = math.nan, math.inf


@pytest.mark.parametrize("length, width, fields, energy, words", [
    (0, 6, [0], 1.2, ["length", "0", "at least 1"]),
    (8, -1, [0], 1.2, ["width", "-1", "at least 1"]),
    (1 << 40, 1 << 40, [0], 1.2, ["length", "limit"]),
    (8, 6, [], 1.2, ["fields", "empty"]),
    (8, 6, [0, nan], 1.2, ["fields", "entry 1", "NaN", "finite"]),
    (8, 6, [0], inf, ["energy", "entry 0", "Inf"]),
])
def test_wire(lib, length, width, fields, energy, words):
    live = lib.live()
    refused(lambda: lib.wire(length, width, fields, energy), *words)
    assert lib.live() == live


def test_wire_arrays(lib, wire):
    g = (C.c_double * 4)()
    refused(lambda: lib.wire_conductance(wire, rough(47), 47, g, 4), "onsite", "47", "48")
    refused(lambda: lib.wire_conductance(wire, None, 48, g, 4), "onsite", "NULL")
    refused(lambda: lib.wire_conductance(wire, rough(48), 48, g, 3), "g:", "3", "4")
    refused(lambda: lib.wire_conductance(wire, rough(48), 1 << 63, g, 4), "onsite")
    bad = rough(48)
    bad[13] = nan
    refused(lambda: lib.wire_conductance(wire, bad, 48, g, 4), "onsite", "(2, 1)", "NaN", "finite")
    refused(lambda: lib.wire_vjp(wire, rough(48), 48, doubles([1, 1, inf, 1]), 4, g, 4, rough(48), 48), "weights", "entry 2")
    refused(lambda: lib.wire_set_hopping(wire, 0), "hopping", "0", "above 0")
    refused(lambda: lib.wire_set_backend(wire, b"tpu"), "backend", "tpu", "cpu")
    refused(lambda: lib.wire_set_backend(wire, None), "backend", "NULL")
    refused(lambda: lib.wire_set_backend(wire, b"\xff"), "UTF-8")
    refused(lambda: lib.wire_set_threads(wire, -1), "threads", "-1")
    refused(lambda: lib.wire_shape(wire, None, None, None), "length", "NULL")
    assert lib.get("wire_get_hopping", wire, kind=C.c_double) == 1
    assert len(lib.conductance(wire, rough(48))) == 4


def test_variable_arrays(lib, wire):
    modes, needed = C.c_int64(), C.c_size_t()
    onsite = rough(48)
    lib.wire_smatrix(wire, onsite, 48, 0.01, 1.2, C.byref(modes), None, 0, C.byref(needed))
    assert needed.value == 8 * modes.value**2
    s = (C.c_double * needed.value)()
    refused(lambda: lib.wire_smatrix(wire, onsite, 48, 0.01, 1.2, C.byref(modes), s, needed.value - 1, C.byref(needed)), "count", status=MCD_ERR_SIZE)
    assert not any(s)
    lib.wire_smatrix(wire, onsite, 48, 0.01, 1.2, C.byref(modes), s, needed.value, C.byref(needed))
    n = 2 * modes.value
    for i in range(n):  # unitary: rows have norm 1
        assert sum(v * v for v in s[2 * n * i:2 * n * (i + 1)]) == pytest.approx(1, abs=1e-12)
    refused(lambda: lib.wire_smatrix(wire, onsite, 48, nan, 1.2, C.byref(modes), None, 0, C.byref(needed)), "field")


def test_problem(lib, wire, problem):
    refused(lambda: lib.problem(wire, [1, 1, 1]), "target", "3", "4")
    refused(lambda: lib.problem(wire, [1, 1, nan, 1]), "target", "entry 2")
    refused(lambda: lib.problem_set_weights(problem, doubles([1, -1, 1, 1]), 4), "weights", "entry 1", "-1")
    refused(lambda: lib.problem_set_loss(problem, b"cubes", 1), "loss", "cubes", "squares")
    refused(lambda: lib.problem_set_loss(problem, b"log", 0), "loss", "scale")
    refused(lambda: lib.problem_set_bounds(problem, doubles([5] * 48), 48, doubles([3] * 48), 48), "lower", "upper", "5", "3")
    refused(lambda: lib.problem_set_frozen(problem, (C.c_uint8 * 48)(*[1] * 48), 48), "at least one")
    refused(lambda: lib.problem_set_mirror(problem, b"z"), "mirror", "z", "point")
    refused(lambda: lib.problem_set_regularizer(problem, b"roundness", 1), "roundness", "smoothness")
    one = doubles([1])
    refused(lambda: lib.problem_set_gaussians(problem, one, one, one, doubles([0]), 1, 2), "radius", "0")
    refused(lambda: lib.problem_set_gaussians(problem, one, one, one, one, 1, 0), "free")
    refused(lambda: lib.problem_set_gaussians(problem, one, one, one, one, 1, 32), "free", "MCD_FREE")
    refused(lambda: lib.problem_set_gates(problem, rough(48), 48, doubles([1, 2]), 2), "basis", "48", "2")
    assert lib.text("problem_get_parametrization", problem) == "sites", "a refused change has changed the problem"


def longs(values):
    return (C.c_int64 * len(values))(*values)


@pytest.fixture
def chain(lib):
    """Three orbitals between two leads, one point."""
    system = lib.make("system_create", 3, longs([0, 1, 1, 2]), 4, longs([1, 0, 2, 1]), 4, doubles([0.4]), 1)
    lib.system_set_values(system, doubles([-1, 0] * 4), 8)
    for end in (0, 2):
        lib.system_add_lead(system, longs([end]), 1, 1, doubles([0, 0]), 2, doubles([-1, 0]), 2)
    return system


def test_device_problem(lib, wire, problem, chain):
    pair, one = longs([1, 0]), doubles([1])
    create = lambda system, curves, target: lib.make("problem_create_device", system, curves, len(curves), target, len(target))
    refused(lambda: create(chain, longs([1]), one), "curves", "1")
    refused(lambda: create(chain, longs([2, 0]), one), "curves", "0 to 1")
    refused(lambda: create(chain, pair, doubles([1, 1])), "target", "2", "1")
    bare = lib.make("system_create", 1, longs([0]), 1, longs([0]), 1, doubles([0.4]), 1)
    refused(lambda: create(bare, pair, one), "mcd_system_set_values", status=MCD_ERR_STATE)
    device = create(chain, pair, doubles([0.5]))
    refused(lambda: lib.make("problem_wire", device), "mcd_problem_system")
    refused(lambda: lib.make("problem_system", problem), "mcd_problem_wire")
    refused(lambda: lib.problem_set_mirror(device, b"x"), "mirror", "wires")
    refused(lambda: lib.problem_set_regularizer(device, b"smoothness", 1), "smoothness", "wires")
    refused(lambda: lib.problem_set_gaussians(device, one, one, one, one, 1, 1), "positions")
    bond, values = longs([0, 1]), doubles([1, 0, 1, 0])
    directions = lambda first, entries, values, start, of=device: lib.problem_set_directions(
        of, first, len(first), entries, len(entries), values, len(values), start, len(start), None)
    refused(lambda: directions(longs([0, 2]), bond, values, one, of=problem), "wire")
    refused(lambda: directions(longs([0, 3]), bond, values, one), "first")
    refused(lambda: directions(longs([0, 2]), longs([0, 9]), values, one), "entry 9")
    refused(lambda: directions(longs([0, 2]), bond, doubles([1, 0, 0, 1]), one), "conjugate")
    refused(lambda: directions(longs([0, 2]), bond, doubles([1, 0, 1]), one), "values", "3")
    refused(lambda: lib.problem_hamiltonian(device, doubles([0] * 3), 3, None, 0), "directions")
    refused(lambda: lib.make("job_create_smooth", device, -3), "wire")
    refused(lambda: lib.make("job_create_locate", device, 0, 0), "count", "0")
    refused(lambda: lib.make("job_create_locate", problem, 1, 0), "mcd_job_create_defect")
    assert lib.text("problem_get_parametrization", device) == "sites", "a refused change has changed the problem"
    directions(longs([0, 2]), bond, values, doubles([0.25]))
    out = (C.c_double * 8)()
    lib.problem_hamiltonian(device, doubles([0.25]), 1, out, 8)
    assert list(out) == [-0.75, 0, -0.75, 0, -1, 0, -1, 0]
    for dimensions in (0, -1, 2, 1 << 62):
        refused(lambda: lib.system_set_positions(chain, doubles([0, 1, 2]), 3, dimensions), "positions", "3 orbitals")
    refused(lambda: lib.system_set_positions(lib.make("system_create", 4, longs([0]), 1, longs([0]), 1, one, 1), doubles([0] * 4), 4,
                                             (1 << 62) + 1), "positions", "dimensions")
    refused(lambda: lib.system_lead(chain, 2, C.byref(C.c_int64()), None, 0, C.byref(C.c_size_t())), "lead", "2")


def test_job(lib, job):
    refused(lambda: lib.job_set_method(job, b"magic"), "method", "magic", "lm", "adabelief")
    refused(lambda: lib.job_set_named_schedule(job, b"mine"), "schedule", "paper-sites")
    refused(lambda: lib.job_set_learning_rate(job, 0), "learning_rate")
    refused(lambda: lib.job_set_starts(job, 0, 0.3), "starts", "0")
    refused(lambda: lib.job_set_max_evaluations(job, -1), "max_evaluations", "-1")
    refused(lambda: lib.job_set_time_limit(job, nan), "time_limit", "NaN")
    refused(lambda: lib.job_wait(job, 1, Callback(), None), "mcd_job_start", status=MCD_ERR_STATE)
    refused(lambda: lib.result(job), "mcd_job_wait", status=MCD_ERR_STATE)
    assert lib.text("job_get_method", job) == "lm"


def test_settings_outlast_the_method(lib, job):
    lib.job_set_max_evaluations(job, 17)
    lib.job_set_method(job, b"adam")
    assert lib.get("job_get_max_evaluations", job) == 17
    assert lib.get("job_get_stop_objective", job, kind=C.c_double) == -inf
    lib.job_set_method(job, b"lm")
    assert lib.get("job_get_stop_objective", job, kind=C.c_double) == -20


def test_started_job_keeps_its_settings(lib, job):
    lib.job_set_max_evaluations(job, 2)
    lib.job_start(job)
    refused(lambda: lib.job_set_seed(job, 1), "job", "started", status=MCD_ERR_STATE)
    refused(lambda: lib.job_start(job), "started", status=MCD_ERR_STATE)
    lib.job_wait(job, 30, Callback(), None)


def test_files(lib, tmp_path):
    out = C.c_uint64()
    refused(lambda: lib.result_load(str(tmp_path / "none.mcd").encode(), C.byref(out)), "none.mcd", "cannot be read", status=MCD_ERR_FILE)
    (tmp_path / "bad.mcd").write_bytes(b"something else" * 10)
    refused(lambda: lib.problem_load(str(tmp_path / "bad.mcd").encode(), C.byref(out)), "bad.mcd", "not a .mcd file", status=MCD_ERR_FILE)
    refused(lambda: lib.problem_decode((C.c_uint8 * 5)(), 5, C.byref(out)), "damaged", status=MCD_ERR_FILE)


@pytest.mark.parametrize("extra, value, fine", [(-16, 0, True), (0, 0, True), (32, 0, True), (32, 1, False), (-100, 0, False)])
def test_struct_size(lib, job, extra, value, fine):
    """Shorter structs get what they hold, longer ones are fine while their unknown tail is 0."""
    size = C.sizeof(Progress)
    buffer = (C.c_uint8 * (size + 64))(*[7] * (size + 64))
    C.memmove(C.addressof(buffer) + size, bytes([value] * 64), 64)
    C.c_size_t.from_buffer(buffer).value = size + extra
    p = C.cast(buffer, C.POINTER(Progress))
    if not fine:
        refused(lambda: lib.job_progress(job, p), "struct_size")
        return
    lib.job_progress(job, p)
    assert C.c_size_t.from_buffer(buffer).value == size + extra
    assert p[0].state == 0
    if extra < 0:
        assert bytes(buffer[size + extra:size]) == bytes([7] * -extra), "written behind the end"
