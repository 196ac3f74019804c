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
PEAK = 0.6  # fraction of the multiply-add peak, counted on plain()
LEADS = 0.150  # s for 101 fields
OVERHEAD = 0.15  # of an LM run, outside the engine
LARGE = 0.700  # s, Jacobian at 100 x 100
GROWTH = 3.8  # exponent of the cost of a Jacobian with W = L, to 150

# Any device in the device engine beside Kwant; ratios of times per point, or per lead and point: peer, case of mcd, aim
DEVICES = ["strip 100 x 100", "Hall bar 120 x 40", "disc of radius 30", "graphene 40 x 200", "Rashba 60 x 30"]
DEVICE_RATIOS = [
    ("MUMPS factorize and solve", "mcd factorize and solve", 5),  # one thread
    ("Kwant smatrix, leads at hand", "mcd value", 30),
    ("Kwant smatrix", "mcd sweep with import and leads", 20),
    ("Kwant leads", "mcd leads", 3),
]
GRADIENT = 1.5  # values, on a device


def plain(length, width, modes):
    """Floating-point operations of one Jacobian by a sweep with an inversion in every slice, for the open modes of every field.

    A complex inversion takes W^3 complex multiply-adds, 8 operations each; psi and chi take W^2 N each in every slice.
    """
    inversions = 8 * length * width**3 * len(modes)
    return {"inversions alone": inversions, "inversions, states and co-states": inversions + 16 * length * width**2 * int(sum(modes))}
