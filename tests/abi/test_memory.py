"""Memory that cannot be had is an error before anything is taken."""


def test_over_limit(program):
    program('''
lib = Library()
wire = lib.wire(300, 300)
lib.set_memory_limit(1_000_000)
refused(lambda: lib.conductance(wire, rough(90_000)), "bytes are needed", "limit", status=MCD_ERR_NOMEM)
lib.set_memory_limit(0)
assert len(lib.conductance(lib.wire(), rough(48))) == 4
huge = lib.wire(1 << 14, (1 << 14) - 1)
out = C.c_uint64()
target = doubles([1, 1, 1, 1])
refused(lambda: lib.problem_create(huge, target, 4, C.byref(out)), "bytes are needed", status=MCD_ERR_NOMEM)
wire = lib.wire()
lib.wire_set_memory_limit(wire, 1000)
refused(lambda: lib.conductance(wire, rough(48)), "bytes are needed", "limit", status=MCD_ERR_NOMEM)
lib.wire_set_memory_limit(wire, 0)
assert len(lib.conductance(wire, rough(48))) == 4
''')


def test_nth_allocation_fails(program):
    """Every allocation of a wire's life fails once, alone and with all later ones: an error each time, nothing lost."""
    program('''
lib = Library()
onsite = rough(48)
expected = lib.conductance(lib.wire(), onsite)
def jacobian(wire):
    g, jac = (C.c_double * 4)(), (C.c_double * (4 * 48))()
    lib.wire_jacobian(wire, onsite, 48, g, 4, jac, 4 * 48)
    grad = (C.c_double * 48)()
    lib.wire_vjp(wire, onsite, 48, None, 0, g, 4, grad, 48)
    return list(g)
used = lib.get("memory_used", None)
for what in (FAIL_ONCE, FAIL_ALWAYS):
    failures = 0
    for nth in range(1, 1000):
        wire = lib.wire()
        lib.private_fault(what, nth)
        try:
            jacobian(wire)
            failed = False
        except Error as e:
            assert e.status == MCD_ERR_NOMEM and "bytes could not be allocated" in e.text, e
            failed = True
        lib.private_fault(what, 0)
        assert lib.conductance(wire, onsite) == expected, nth
        lib.free(wire)
        assert lib.get("memory_used", None) == used, nth
        if not failed:
            break
        failures += 1
    assert failures >= 3, failures
''', timeout=60)


SYSTEM = '''
def device(lib, n=60):
    """A chain of n orbitals between two leads, two points."""
    longs = lambda v: (C.c_int64 * len(v))(*v)
    bonds = [(i, i + 1) for i in range(n - 1)] + [(i + 1, i) for i in range(n - 1)] + [(i, i) for i in range(n)]
    system = lib.make("system_create", n, longs([i for i, _ in bonds]), len(bonds), longs([j for _, j in bonds]), len(bonds), doubles([0.4, 0.9]), 2)
    values = doubles([v for i, j in bonds for v in (-1 if i != j else 0.1 * (i % 7), 0)] * 2)
    lib.system_set_values(system, values, len(values))
    for end in (0, n - 1):
        lib.system_add_lead(system, longs([end]), 1, 1, doubles([0, 0]), 2, doubles([-1, 0]), 2)
    return system
def everything(lib, system, n=60):
    pair, g, jac = (C.c_int64 * 2)(1, 0), (C.c_double * 2)(), (C.c_double * (2 * n))()
    lib.system_jacobian(system, pair, 2, None, 0, g, 2, jac, 2 * n)
    lib.system_ldos(system, None, 0, None, 0, jac, 2 * n)
    lib.system_vjp(system, pair, 2, None, 0, None, 0, g, 2, jac, n)
    return list(g)
'''


def test_nth_allocation_of_a_device_fails(program):
    program(SYSTEM + '''
lib = Library()
expected = everything(lib, device(lib))
used, live = lib.get("memory_used", None), lib.live()
for what in (FAIL_ONCE, FAIL_ALWAYS):
    failures = 0
    for nth in range(1, 1000):
        system = device(lib)
        lib.private_fault(what, nth)
        try:
            everything(lib, system)
            failed = False
        except Error as e:
            assert e.status == MCD_ERR_NOMEM and "bytes could not be allocated" in e.text, e
            failed = True
        lib.private_fault(what, 0)
        assert everything(lib, system) == expected, nth
        lib.free(system)
        assert lib.get("memory_used", None) == used and lib.live() == live, nth
        if not failed:
            break
        failures += 1
    assert failures >= 2, failures
''', timeout=60)


def test_over_limit_of_a_device(program):
    program(SYSTEM + '''
lib = Library()
system = device(lib, 2000)
lib.system_set_memory_limit(system, 1000)
refused(lambda: everything(lib, system, 2000), "bytes are needed", "limit", status=MCD_ERR_NOMEM)
lib.system_set_memory_limit(system, 0)
lib.set_memory_limit(1000)
refused(lambda: everything(lib, device(lib, 2000), 2000), "bytes are needed", "limit", status=MCD_ERR_NOMEM)
lib.set_memory_limit(0)
assert everything(lib, system, 2000)
''')
