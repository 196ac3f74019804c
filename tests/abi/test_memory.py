"""Memory that cannot be had is an error before anything is taken."""


def test_over_limit(program):
    program('''
lib = Library()
def refused(body, words):
    try:
        body()
        assert False, words
    except Error as e:
        assert e.status == MCD_ERR_NOMEM and all(w in e.text for w in words), e
wire = lib.wire(300, 300)
lib.set_memory_limit(1_000_000)
refused(lambda: lib.conductance(wire, rough(90_000)), ["bytes are needed", "limit"])
lib.set_memory_limit(0)
assert len(lib.conductance(lib.wire(), rough(48))) == 4
huge = lib.wire(1 << 14, (1 << 14) - 1)
out = C.c_uint64()
target = doubles([1, 1, 1, 1])
refused(lambda: lib.problem_create(huge, target, 4, C.byref(out)), ["bytes are needed"])
wire = lib.wire()
lib.wire_set_memory_limit(wire, 1000)
refused(lambda: lib.conductance(wire, rough(48)), ["bytes are needed", "limit"])
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
