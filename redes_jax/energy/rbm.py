"""The restricted Boltzmann machine (Smolensky 1986): a net that wanders.

Binary visible units ``v`` and hidden units ``h`` without links inside a layer have the energy and the probability

    E(v, h) = -v^T W h - a^T v - b^T h,    p(v, h) = exp(-E(v, h)) / Z,

with ``W = weights``, ``a = visible_bias``, ``b = hidden_bias``. Given one layer the units of the other are independent, so a
Gibbs sweep is two matrix products. The hidden units are summed out in closed form, which leaves the free energy

    F(v) = -a^T v - sum_j log(1 + exp(b_j + (v^T W)_j)),    p(v) = exp(-F(v)) / Z.

Learning descends ``<F>`` of the data less ``<F>`` of the model's own fantasies: the first mean is over clamped particles, the
second over free ones, and contrastive divergence (Hinton 2002) and its persistent form (Tieleman 2008) differ only in where
the free ones come from.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial
from jaxtyping import Float

from redes_jax import bits
from redes_jax.process import Process


class RBM(NamedTuple):
    """Parameters: ``weights (visible, hidden)``, ``visible_bias (visible,)``, ``hidden_bias (hidden,)``."""

    weights: Float[Array, "v h"]
    visible_bias: Float[Array, " v"]
    hidden_bias: Float[Array, " h"]


class Learner(NamedTuple):
    """The state of learning: parameters, the optimiser's state, and the hidden states of the fantasy particles
    ``(particles, hidden)``, None for contrastive divergence, whose fantasies start from the data each time."""

    params: RBM
    optimiser: object
    particles: Float[Array, "m h"] | None


class Report(NamedTuple):
    """What a learning step reports: the mean free energy of the batch and of the fantasies before the update. The step
    descends the first less the second."""

    data: Float[Array, ""]
    fantasies: Float[Array, ""]


def initialise(key: Array, visible: int, hidden: int, mean=None, scale: float = 0.01, dtype=jnp.float32) -> RBM:
    """Small Gaussian weights; visible biases that alone would give the data's mean (Hinton 2012).

    Args:
      key: of the weights.
      visible, hidden: number of units.
      mean: (visible,) mean of the data, in [0, 1]; biases of zero when None.
      scale: standard deviation of the weights.
      dtype: of the parameters.
    """
    if mean is None:
        bias = jnp.zeros(visible, dtype)
    else:
        mean = jnp.clip(jnp.asarray(mean, dtype), 0.01, 0.99)
        bias = jnp.log(mean) - jnp.log1p(-mean)
    return RBM(scale * jax.random.normal(key, (visible, hidden), dtype), bias, jnp.zeros(hidden, dtype))


def energy(params: RBM, visible: Float[Array, "*batch v"], hidden: Float[Array, "*batch h"]) -> Float[Array, "*batch"]:
    """``E(v, h) = -v^T W h - a^T v - b^T h``."""
    return -jnp.sum((visible @ params.weights + params.hidden_bias) * hidden, axis=-1) - visible @ params.visible_bias


def free_energy(params: RBM, visible: Float[Array, "*batch v"]) -> Float[Array, "*batch"]:
    """``F(v) = -log sum_h exp(-E(v, h))``."""
    return _free_energy(params, visible, visible @ params.weights + params.hidden_bias)


def hidden_mean(params: RBM, visible: Float[Array, "*batch v"]) -> Float[Array, "*batch h"]:
    """``p(h_j = 1 | v) = sigmoid(b_j + (v^T W)_j)``."""
    return jax.nn.sigmoid(visible @ params.weights + params.hidden_bias)


def visible_mean(params: RBM, hidden: Float[Array, "*batch h"]) -> Float[Array, "*batch v"]:
    """``p(v_i = 1 | h) = sigmoid(a_i + (W h)_i)``."""
    return jax.nn.sigmoid(hidden @ params.weights.T + params.visible_bias)


def gibbs(params: RBM) -> Process:
    """Block Gibbs sampling: a step draws all visible units given the hidden ones, then all hidden given the visible.

    The state is ``hidden (particles, h)`` of zeros and ones; the output is the visible states drawn, ``(particles, v)``; no
    input. ``init(key, particles=1)`` starts from fair coins.
    """
    return Process(Partial(_coins, params), Partial(_sweep, params))


def contrastive_divergence(optimiser, steps: int = 1) -> Process:
    """CD-k: fantasies are ``steps`` Gibbs sweeps away from the data.

    ``init(key, params)``; the input is a batch ``(n, visible)`` with entries in [0, 1]; the output is a :class:`Report`.

    Args:
      optimiser: an ``optax.GradientTransformation``; it descends the negative log-likelihood.
      steps: Gibbs sweeps, ``k``.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}: contrastive divergence needs at least 1 Gibbs sweep")

    def init(key, params):
        del key
        return Learner(params, optimiser.init(params), None)

    return Process(init, lambda key, state, batch: _learn(optimiser, steps, key, state, batch))


def persistent_contrastive_divergence(optimiser, particles: int, steps: int = 1) -> Process:
    """PCD-k: fantasies wander on from step to step, ``particles`` of them, while the model changes slowly under them.

    ``init(key, params)``; input and output as in :func:`contrastive_divergence`.

    Args:
      optimiser: an ``optax.GradientTransformation``; its rate must be small against the mixing of the chains.
      particles: number of fantasy particles.
      steps: Gibbs sweeps between two updates, ``k``.
    """
    if steps < 1 or particles < 1:
        raise ValueError(f"steps is {steps} and particles is {particles}: both must be at least 1")

    def init(key, params):
        return Learner(params, optimiser.init(params), _coins(params, key, particles))

    return Process(init, lambda key, state, batch: _learn(optimiser, steps, key, state, batch))


def _learn(optimiser, steps, key, state, batch):
    params, dtype = state.params, state.params.weights.dtype
    batch = batch.astype(dtype)
    field = batch @ params.weights + params.hidden_bias
    clamped = jax.nn.sigmoid(field)
    if state.particles is None:
        hidden = bits.bernoulli(jax.random.fold_in(key, steps), clamped).astype(dtype)
    else:
        hidden = state.particles
    for k in range(steps):
        visible_key, hidden_key = jax.random.split(jax.random.fold_in(key, k))
        reconstructed = visible_mean(params, hidden)
        visible = bits.bernoulli(visible_key, reconstructed).astype(dtype)
        free_field = visible @ params.weights + params.hidden_bias
        free = jax.nn.sigmoid(free_field)
        if state.particles is not None or k < steps - 1:
            hidden = bits.bernoulli(hidden_key, free).astype(dtype)
    # The gradient of F is minus the expected products, so both phases are one product of stacked particles.
    weight = jnp.concatenate(
        [jnp.full(len(batch), -1 / len(batch), dtype), jnp.full(len(visible), 1 / len(visible), dtype)]
    )
    both = jnp.concatenate([batch, visible]) * weight[:, None]
    gradient = RBM(
        both.T @ jnp.concatenate([clamped, free]),
        jnp.sum(both, axis=0),
        jnp.mean(free, axis=0) - jnp.mean(clamped, axis=0),
    )
    updates, memory = optimiser.update(gradient, state.optimiser, params)
    report = Report(
        _mean_free_energy(params, batch, field, clamped), _mean_free_energy(params, visible, free_field, free)
    )
    particles = None if state.particles is None else hidden
    return Learner(jax.tree.map(jnp.add, params, updates), memory, particles), report


def _sweep(params, key, hidden, input):
    del input
    visible_key, hidden_key = jax.random.split(key)
    visible = bits.bernoulli(visible_key, visible_mean(params, hidden)).astype(hidden.dtype)
    return bits.bernoulli(hidden_key, hidden_mean(params, visible)).astype(hidden.dtype), visible


def _coins(params, key, particles=1):
    shape = particles, params.hidden_bias.shape[-1]
    return bits.bernoulli(key, 0.5, shape).astype(params.weights.dtype)


def _mean_free_energy(params, visible, field, mean):
    # softplus(x) = x - log(sigmoid(x)), and the sigmoid is known: half the cost of another exponential and logarithm.
    logarithm = jnp.log(jnp.maximum(mean, jnp.finfo(mean.dtype).tiny))
    return -jnp.mean(visible, axis=0) @ params.visible_bias - jnp.mean(jnp.sum(field - logarithm, axis=-1))


def _free_energy(params, visible, field):
    return -visible @ params.visible_bias - jnp.sum(jax.nn.softplus(field), axis=-1)
