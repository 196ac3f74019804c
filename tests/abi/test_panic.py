"""A panic inside becomes MCD_ERR_INTERNAL with a message; the process and the library go on."""


def test_in_every_call(program):
    program('''
lib = Library()
for name in PROTOTYPES:
    if name in PLAIN:
        continue
    assert lib.raw.mcd_private_fault(PANIC_IN_CALL, 1) == MCD_OK
    assert getattr(lib.raw, name)(*zeros(name)) == MCD_ERR_INTERNAL, name
    assert "planted by a test" in lib.error(), name
assert len(lib.conductance(lib.wire(), rough(48))) == 4
''')


def test_in_a_worker(program):
    program('''
lib = Library()
wire = lib.wire()
for nth in (1, 2):
    lib.private_fault(PANIC_IN_WORKER, nth)
    try:
        lib.conductance(wire, rough(48))
        assert False
    except Error as e:
        assert e.status == MCD_ERR_INTERNAL and "planted by a test" in e.text
assert len(lib.conductance(wire, rough(48))) == 4
''')


def test_in_a_job(program):
    program('''
lib = Library()
wire = lib.wire()
problem = lib.problem(wire, [1, 1, 1, 1], rough(48))
job = lib.job(problem)
lib.private_fault(PANIC_IN_JOB, 1)
lib.job_start(job)
for call in (lambda: lib.job_wait(job, 10, Callback(), None), lambda: lib.result(job)):
    try:
        call()
        assert False
    except Error as e:
        assert e.status == MCD_ERR_INTERNAL and "planted by a test" in e.text
p = Progress(struct_size=C.sizeof(Progress))
lib.job_progress(job, C.byref(p))
assert p.state == MCD_JOB_FAILED
for h in (job, problem, wire):
    lib.free(h)
assert lib.live() == 0
''')
