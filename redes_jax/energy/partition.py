"""The partition function of a restricted Boltzmann machine: exactly, by enumeration, or annealed.

``log p(v) = -F(v) - log Z`` needs ``Z = sum_v exp(-F(v))``. One layer can always be summed out in closed form, so exact
enumeration costs ``2^min(visible, hidden)``. Annealed importance sampling (Neal 2001; Salakhutdinov & Murray 2008) reaches
larger machines: particles walk from a machine whose ``Z`` is known to the one in question, and gather a weight on the way.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial
from jaxtyping import Float

from redes_jax import bits
from redes_jax.energy.rbm import RBM, free_energy
from redes_jax.process import Process

_LARGEST = 26


class Annealed(NamedTuple):
    """Particles ``(m, visible)`` on their way, and the logarithm of the weight each has gathered, ``(m,)``."""

    visible: Float[Array, "m v"]
    log_weight: Float[Array, " m"]


def log_partition(params: RBM, block: int = 1024) -> Float[Array, ""]:
    """``log Z`` by enumeration of the smaller layer, ``block`` states at a time; differentiable.

    Args:
      params: at most 26 units in its smaller layer.
      block: states in memory at once, rounded to a power of two.

    Raises:
      ValueError: when the enumeration would not end.
    """
    if params.weights.shape[0] < params.weights.shape[1]:
        params = RBM(params.weights.T, params.hidden_bias, params.visible_bias)
    units = params.weights.shape[1]
    if units > _LARGEST:
        raise ValueError(
            f"the smaller layer has {units} units, 2^{units} states: enumerate at most {_LARGEST}, or use `annealing`"
        )
    low = min(units, max(block, 1).bit_length() - 1)
    few = _states(jnp.arange(2**low), low, params.weights.dtype)
    inputs = few @ params.weights[:, :low].T + params.visible_bias
    energies = few @ params.hidden_bias[:low]

    def one(number):
        rest = _states(number, units - low, params.weights.dtype)
        field = inputs + params.weights[:, low:] @ rest
        return jax.nn.logsumexp(energies + params.hidden_bias[low:] @ rest + jnp.sum(jax.nn.softplus(field), axis=-1))

    return jax.nn.logsumexp(jax.lax.map(jax.checkpoint(one), jnp.arange(2 ** (units - low))))


def log_likelihood(params: RBM, visible: Float[Array, "*batch v"], log_z: Float[Array, ""]) -> Float[Array, "*batch"]:
    """``log p(v) = -F(v) - log Z`` in nats, of binary ``v``."""
    return -free_energy(params, visible) - log_z


def annealing(params: RBM, base_bias: Float[Array, " v"]) -> Process:
    """Annealed importance sampling from independent units to the machine ``params``.

    At inverse temperature ``beta`` the machine on the way has weights ``beta W``, hidden biases ``beta b`` and visible biases
    ``(1 - beta) base_bias + beta a``. ``init(key, particles=1)`` draws particles at ``beta = 0``. The input of a step is a pair
    ``(beta, next_beta)``: the weight of each particle grows by the ratio of the two machines at it, and a Gibbs sweep at
    ``next_beta`` moves it. The output is the mean log weight. See :func:`annealed_log_partition`.

    Args:
      params: the machine in question.
      base_bias: (visible,) biases of the base; those of the data's mean serve well.
    """
    return Process(Partial(_draw_base, base_bias), Partial(_anneal, params, base_bias))


def annealed_log_partition(
    base_bias: Float[Array, " v"], hidden: int, log_weight: Float[Array, " m"]
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """``log Z`` from the weights that :func:`annealing` gathered on the whole way from 0 to 1.

    Args:
      base_bias: as in :func:`annealing`.
      hidden: number of hidden units.
      log_weight: of each particle.

    Returns:
      ``(log_z, low, high)``: the estimate, and the logarithms of the mean weight three standard errors lower and higher.
      ``low`` is minus infinity where the weights spread too widely to bound it.
    """
    base = hidden * jnp.log(2.0) + jnp.sum(jax.nn.softplus(base_bias))
    largest = jnp.max(log_weight)
    weight = jnp.exp(log_weight - largest)
    mean, error = jnp.mean(weight), jnp.std(weight, ddof=1) / jnp.sqrt(len(weight))
    at = base + largest
    return at + jnp.log(mean), at + jnp.log(jnp.maximum(mean - 3 * error, 0)), at + jnp.log(mean + 3 * error)


def _draw_base(base_bias, key, particles=1):
    p = jnp.broadcast_to(jax.nn.sigmoid(base_bias), (particles, len(base_bias)))
    visible = bits.bernoulli(key, p).astype(base_bias.dtype)
    return Annealed(visible, jnp.zeros(particles, base_bias.dtype))


def _anneal(params, base_bias, key, state, betas):
    beta, following = betas
    field = state.visible @ params.weights + params.hidden_bias
    lean = state.visible @ (params.visible_bias - base_bias)
    gain = (following - beta) * lean + jnp.sum(
        jax.nn.softplus(following * field) - jax.nn.softplus(beta * field), axis=-1
    )
    hidden_key, visible_key = jax.random.split(key)
    hidden = bits.bernoulli(hidden_key, jax.nn.sigmoid(following * field)).astype(field.dtype)
    bias = (1 - following) * base_bias + following * params.visible_bias
    p = jax.nn.sigmoid(following * (hidden @ params.weights.T) + bias)
    visible = bits.bernoulli(visible_key, p).astype(field.dtype)
    log_weight = state.log_weight + gain
    return Annealed(visible, log_weight), jnp.mean(log_weight)


def _states(number, units, dtype):
    return ((number[..., None] >> jnp.arange(units)) & 1).astype(dtype)
