"""Peer: the recursive Green's function in JAX on the CPU or a GPU, float64, with scan over slices, vmap over fields and jit.

From what a user writes to what an expert does: reverse mode; an own derivative rule for the inverse; the adjoint by hand; hops
of four slices between inversions. argv: problem, host devices (1 or 2), or gpu.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

gpu = sys.argv[2] == "gpu"
devices = 1 if gpu else int(sys.argv[2])
os.environ.update(OPENBLAS_NUM_THREADS="1", JAX_PLATFORMS="cuda" if gpu else "cpu")
if devices > 1:
    # With LAPACK calls inside scans on both devices JAX waits forever unless it believes in more processors.
    os.environ.update(XLA_FLAGS=f"--xla_force_host_platform_device_count={devices}", NPROC="4", PJRT_NPROC="4")
import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
from jax import lax

from serve import serve
from strip import Strip, strips

jax.config.update("jax_enable_x64", True)


@jax.custom_vjp
def inverse(a):
    return jnp.linalg.inv(a)


def _forward(a):
    f = jnp.linalg.inv(a)
    return f, f


inverse.defvjp(_forward, lambda f, cotangent: (-f.T @ cotangent @ f.T,))


def slices(strip, onsite):
    """E - H_x of every slice, (L, W, W)."""
    def one(h, bonds):
        return jnp.diag(strip.energy - h) - jnp.diag(bonds, 1) - jnp.diag(bonds.conj(), -1)
    return jax.vmap(one)(onsite, strip.bonds)


def conductance(inv):
    """T of one field by the recursive Green's function from the left, with the given inverse."""
    def value(onsite, strip):
        a = slices(strip, onsite)

        def step(carry, a_x):
            sigma, t = carry
            g = inv(a_x - sigma)
            return (g, -(g @ t)), None
        # t = (-1)^x G_x0 V_L; the sign of the hopping does not show in T.
        (sigma, t), _ = lax.scan(step, (strip.sigma_left, strip.left), a[:-1])
        t = strip.right.conj().T @ inv(a[-1] - sigma - strip.sigma_right) @ t
        return jnp.sum(jnp.abs(t)**2)
    return value


def start(strip, g):
    """psi, chi in slice 0, and T = N - |r|^2: see numpy_adjoint.py."""
    v = strip.left
    psi = g @ v
    r = jnp.eye(v.shape[1]) - 1j * v.conj().T @ psi
    return psi, g.T @ v.conj() @ r.conj(), v.shape[1] - jnp.sum(jnp.abs(r)**2)


def adjoint(onsite, strip):
    """T and dT/dh of one field, (), (L, W)."""
    a = slices(strip, onsite)

    def back(f, a_x):
        f = jnp.linalg.inv(a_x - f)
        return f, f
    behind, f = lax.scan(back, strip.sigma_right, a[1:], reverse=True)
    psi, chi, value = start(strip, jnp.linalg.inv(a[0] - strip.sigma_left - behind))

    def ahead(carry, f_x):
        psi, chi = carry
        psi, chi = -(f_x @ psi), -(f_x.T @ chi)
        return (psi, chi), jnp.sum(chi * psi, axis=1)
    _, products = lax.scan(ahead, (psi, chi), f)
    return value, -2 * jnp.vstack([jnp.sum(chi * psi, axis=1), products]).imag


def hop(onsite, strip, k=4):
    """The same with one inversion every k slices: psi_{x-1} = -(E - H_x) psi_x - psi_{x+1} in between."""
    length = onsite.shape[0]
    diagonal = (strip.energy - onsite)[:, :, None]
    above = strip.bonds[:, :, None]

    def times(d, b, psi):
        """(E - H_x) psi for a tridiagonal H_x."""
        psi = jnp.pad(psi, ((1, 1), (0, 0)))
        up, down = jnp.pad(b, ((0, 1), (0, 0))), jnp.pad(b, ((1, 0), (0, 0)))
        return d * psi[1:-1] - up * psi[2:] - down.conj() * psi[:-2]

    def descend(ratio, rows):
        """From psi_{x+1} = ratio psi_x to the same k slices on; rows from the slice farthest to the left."""
        near, far = jnp.eye(ratio.shape[0], dtype=complex), ratio
        for d, b in zip(*(r[::-1] for r in rows)):
            near, far = -times(d, b, near) - far, near
        return far @ jnp.linalg.inv(near)

    def ascend(carry, rows):
        """psi and chi in the slices of one hop, from its left node to the right one."""
        psi, chi, ratio, d, b = (*carry, *rows)
        psis, chis = [psi, ratio @ psi], [chi, ratio.T @ chi]
        for i in range(1, d.shape[0]):
            psis.append(-times(d[i - 1], b[i - 1], psis[-1]) - psis[-2])
            chis.append(-times(d[i - 1], b[i - 1].conj(), chis[-1]) - chis[-2])
        return (psis[-1], chis[-1]), jnp.array([jnp.sum(p * c, axis=1) for p, c in zip(psis[1:], chis[1:])])

    # Slices 1 ... L-1 in hops of k, the remainder first.
    rest = (length - 1) % k
    d = diagonal[1 + rest:].reshape(-1, k, *diagonal.shape[1:])
    b = above[1 + rest:].reshape(-1, k, *above.shape[1:])
    ratio, ratios = lax.scan(lambda ratio, rows: (descend(ratio, rows),) * 2, -strip.sigma_right, (d, b), reverse=True)
    if rest:
        first = (diagonal[1:1 + rest], above[1:1 + rest])
        ratio = descend(ratio, first)
    g = jnp.linalg.inv(jnp.diag(diagonal[0, :, 0]) - jnp.diag(strip.bonds[0], 1) - jnp.diag(strip.bonds[0].conj(), -1)
                       - strip.sigma_left + ratio)
    psi, chi, value = start(strip, g)
    products = [jnp.sum(psi * chi, axis=1)[None]]
    carry = psi, chi
    if rest:
        carry, product = ascend(carry, (ratio, *first))
        products.append(product)
    _, product = lax.scan(ascend, carry, (ratios, d, b))
    products.append(product.reshape(-1, onsite.shape[1]))
    return value, -2 * jnp.concatenate(products).imag


def mapped(function):
    """A function of one field, over a group of them."""
    return jax.vmap(function, in_axes=(None, Strip(None, 0, 0, 0, 0, 0)))


def main():
    problem = np.load(sys.argv[1])
    length, width, fields, energy = (problem[k].item() if k != "fields" else problem[k]
                                     for k in ("length", "width", "fields", "energy"))
    groups = strips(length, width, fields, energy, 1 if devices == 1 else 8)
    weights = np.split(problem["weights"], np.cumsum([len(g.bonds) for g in groups])[:-1])
    place = [jax.devices()[i % devices] for i in range(len(groups))]
    groups = [jax.device_put(jax.tree.map(jnp.asarray, g), p) for g, p in zip(groups, place)]
    weights = [jax.device_put(w, p) for w, p in zip(weights, place)]

    pool = ThreadPoolExecutor(devices)

    def everywhere(function, onsite):
        """function of all groups, by one thread for every device: JAX alone runs them one after the other."""
        local = [jax.device_put(onsite, p) for p in jax.devices()]

        def one(i):
            return [jax.block_until_ready(function(local[i], g, w))
                    for g, w in zip(groups[i::devices], weights[i::devices])]
        parts = [None] * len(groups)
        for i, results in enumerate(pool.map(one, range(devices))):
            parts[i::devices] = results
        return parts

    def gradient(function):
        """The gradient of sum_k weights_k T_k by reverse mode, and T."""
        def total(onsite, group, w):
            g = mapped(function)(onsite, group)
            return w @ g, g
        compiled = jax.jit(jax.value_and_grad(total, has_aux=True))

        def case(onsite):
            parts = everywhere(compiled, onsite)
            return dict(G=np.concatenate([p[0][1] for p in parts]), gradient=sum(np.asarray(p[1]) for p in parts))
        return case

    def by_hand(function):
        """The same by a function that returns T and dT/dh of one field."""
        def total(onsite, group, w):
            g, j = mapped(function)(onsite, group)
            return g, jnp.tensordot(w, j, 1)
        compiled = jax.jit(total)

        def case(onsite):
            parts = everywhere(compiled, onsite)
            return dict(G=np.concatenate([p[0] for p in parts]), gradient=sum(np.asarray(p[1]) for p in parts))
        return case

    def jacobian(function):
        compiled = jax.jit(lambda onsite, group, _: mapped(function)(onsite, group))

        def case(onsite):
            parts = everywhere(compiled, onsite)
            return dict(G=np.concatenate([p[0] for p in parts]), jacobian=np.concatenate([p[1] for p in parts]))
        return case

    cases = {}
    if devices == 1:
        cases |= {"JAX reverse mode, gradient": gradient(conductance(jnp.linalg.inv)),
                  "JAX vmap of gradients, Jacobian": jacobian(jax.value_and_grad(conductance(jnp.linalg.inv)))}
    if devices > 1 or gpu:
        cases |= {"JAX own inverse rule, gradient": gradient(conductance(inverse)),
                  "JAX adjoint by hand, gradient": by_hand(adjoint),
                  "JAX adjoint by hand, Jacobian": jacobian(adjoint),
                  "JAX hop-4, gradient": by_hand(hop),
                  "JAX hop-4, Jacobian": jacobian(hop)}
    serve({"JAX": jax.__version__, "jaxlib": jaxlib.__version__}, cases)


main()
