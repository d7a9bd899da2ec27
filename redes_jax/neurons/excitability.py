"""What a membrane takes to fire: least stimuli, the stability of its steady state, the plane in which a spike is an
orbit.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from redes_jax.neurons.membrane import Membrane, Params


def least(happens, low: float, high: float, points: int = 64, rounds: int = 4):
    """The least number in ``[low, high]`` at which ``happens`` is true, when it is true from there on.

    Args:
      happens: ``happens(x) -> bool`` of a scalar; it is mapped over ``points`` of them at once.
      low, high: where to look; false at ``low``, true at ``high``.
      points, rounds: each round narrows the interval ``points - 1`` times.

    Returns:
      The upper end of the last interval: the least of all numbers tried at which it happened.
    """

    @jax.jit
    def narrow(low, high):
        tried = jnp.linspace(low, high, points)
        first = jnp.argmax(jax.vmap(happens)(tried))
        return tried[jnp.maximum(first - 1, 0)], tried[first]

    bounds = jnp.asarray(low, float), jnp.asarray(high, float)
    for _ in range(rounds):
        bounds = narrow(*bounds)
    return bounds[1]


def growth(membrane: Membrane, params: Params, current):
    """How fast a small deviation from the steady state under ``current`` grows, 1/ms; below zero it dies away.

    It is the largest real part among the eigenvalues of the Jacobian of the vector field there. Runs on CPU, where JAX
    has the eigenvalues of unsymmetric matrices.
    """
    flat, unflatten = ravel_pytree(membrane.rest(params, current))

    def slope(y):
        return ravel_pytree(membrane.vector_field(params, unflatten(y), current))[0]

    return jnp.linalg.eigvals(jax.jacfwd(slope)(flat)).real.max()


def voltage_nullcline(params: Params, voltage: np.ndarray, m: np.ndarray, total: float = 0.91) -> np.ndarray:
    """Where the squid's potential stands still, as n against V, once its four variables are reduced to two.

    m is taken at its steady state, for it is fast, and h as ``total - n``, for the two nearly mirror each other
    (FitzHugh 1961).

    Args:
      params: of the squid membrane.
      voltage: (points,) mV.
      m: (points,) the steady state of m there.
      total: the sum of h and n, about 0.91 at rest.

    Returns:
      (points,) the least n in ``[0, total]`` that balances the currents, NaN where there is none.
    """
    n = np.linspace(0.0, total, 2001)[:, None]
    g, e = params.conductance, params.reversal
    outward = (
        g["sodium"] * m**3 * (total - n) * (voltage - e["sodium"])
        + g["potassium"] * n**4 * (voltage - e["potassium"])
        + g["leak"] * (voltage - e["leak"])
    )
    crossing = (outward[:-1] < 0) & (outward[1:] >= 0)
    return np.where(crossing.any(0), n[crossing.argmax(0), 0], np.nan)
