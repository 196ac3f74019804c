"""What mcd aims at, as ratios within one run, and the operations of the plain algorithm."""

# peer, case of mcd (on all threads), ratio aimed at, ratio that a C study of the same algorithms had reached on two AVX2 cores
RATIOS = [
    ("OpenBLAS inverses, 2 threads", "Jacobian", 4.3, 3.5),
    ("numpy inverse, 1 thread", "Jacobian", 14, 11.5),
    ("Kwant smatrix, 1 process", "value", 300, None),
    ("JAX reverse mode, gradient", "gradient", 55, 40),
    ("JAX own inverse rule, gradient", "gradient", 26, 19),
    ("JAX vmap of gradients, Jacobian", "Jacobian", 52, 37),
    ("JAX adjoint by hand, gradient", "gradient", 16, 11),
    ("JAX hop-4, gradient", "gradient", 10, 7),
    ("numpy adjoint, 2 threads", "gradient", 14, 9.5),
]
PEAK = 0.6  # fraction of the multiply-add peak, counted on plain()
LEADS = 0.150  # s for 101 fields
LARGE = 0.700  # s, Jacobian at 100 x 100
GROWTH = 3.8  # exponent of the cost of a Jacobian with W = L, to 150


def plain(length, width, modes):
    """Floating-point operations of one Jacobian by a sweep with one inversion a slice: for the open modes of every field.

    A complex inversion takes W^3 complex multiply-adds of 8 operations, psi and chi take W^2 N each in every slice.
    """
    return sum(8 * length * (width**3 + 2 * width**2 * int(n)) for n in modes)
