"""What mcd aims at, as ratios within one run, and the operations of the plain algorithm."""

# peer, case of mcd, ratio aimed at, ratio that a C study of the same algorithms had reached; mcd and {all} on all threads, on
# two AVX2 cores in the study
RATIOS = [
    ("OpenBLAS inverses, {all}", "Jacobian", 4.3, 3.5),
    ("numpy inverse, 1 thread", "Jacobian", 14, 11.5),
    ("Kwant smatrix, 1 process", "value", 300, None),
    ("JAX reverse mode, gradient", "gradient", 55, 40),
    ("JAX own inverse rule, gradient", "gradient", 26, 19),
    ("JAX vmap of gradients, Jacobian", "Jacobian", 52, 37),
    ("JAX adjoint by hand, gradient", "gradient", 16, 11),
    ("JAX hop-4, gradient", "gradient", 10, 7),
    ("numpy adjoint, {all}", "gradient", 14, 9.5),
]
PEAK = 0.6  # fraction of the multiply-add peak, counted on the plain algorithm of counts()
LEADS = 0.150  # s for 101 fields
OVERHEAD = 0.15  # of an LM run, outside the engine
LARGE = 0.700  # s, Jacobian at 100 x 100
GROWTH = 3.8  # exponent of the cost of a Jacobian with W = L, to 150

# Any device in the device engine beside Kwant; ratios of times per point, or per lead and point: peer, case of mcd, aim
MANY_ORBITALS = "disc of radius 98"  # 30,000 orbitals: the linear systems alone, by every sparse solver of Kwant
DEVICES = ["strip 100 x 100", "Hall bar 120 x 40", "disc of radius 30", "graphene 40 x 200", "Rashba 60 x 30", MANY_ORBITALS]
DEVICE_RATIOS = [
    ("MUMPS factorize and solve", "mcd factorize and solve", 5),  # one thread
    ("MUMPS by its own ordering", "mcd factorize and solve", 1),
    ("SuperLU factorize and solve", "mcd factorize and solve", 1),
    ("Kwant smatrix, leads at hand", "mcd value", 30),
    ("Kwant smatrix", "mcd sweep with import and leads", 20),
    ("Kwant smatrix, functions of numbers", "mcd sweep, functions of numbers", 5),
    ("Kwant leads", "mcd leads", 3),
]
GRADIENT = 1.5  # values, on a device


def counts(length, width, modes):
    """Floating-point operations of one Jacobian for the open modes N of every field, 8 to a complex multiply-add, by what is counted.

    The plain algorithm at k = 1 inverts a matrix in every slice, W^3 complex multiply-adds each, and takes psi and chi through it,
    W^2 N each. Hops of four divide two matrices (4/3 W^3) every four slices and invert in those that are left; the recursion
    takes 20 operations an element of F in a slice, and of psi and chi, which also need a product at every node, two solves and
    two products at the left end, and the sums over modes.
    """
    fields, columns, squares = len(modes), int(sum(modes)), int(sum(int(n)**2 for n in modes))
    inversions = 8 * length * width**3 * fields
    hops, single = divmod(length - 1, 4)
    factors = fields * (hops * 32 / 3 * width**3 + single * 8 * width**3 + 8 / 3 * width**3 + 20 * length * width**2)
    waves = columns * ((hops + single + 1) * 16 * width**2 + 32 * width**2 + 44 * length * width) + 16 * width * squares
    return {"plain algorithm, k = 1": inversions + 16 * length * width**2 * columns, "its inversions alone": inversions,
            "hops of four, what is executed": factors + waves}
