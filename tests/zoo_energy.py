"""Nets with an energy, and two adversaries, for the battery of laws."""

import jax
import jax.numpy as jnp
import optax

from redes_jax.adversarial import Player, adversaries
from redes_jax.energy import hopfield, partition, rbm
from redes_jax.process import Process
from tests.case import Case

PATTERNS = [[1, 1, -1, 1, -1, -1, 1, 1, -1], [1, -1, 1, 1, 1, -1, -1, 1, 1]]


def _memory(rule, low_rank=True):
    """A net that recalls ``PATTERNS``, three states at a time, in whatever precision it is asked for."""

    def weights(dtype):
        stored = hopfield.hebb(jnp.asarray(PATTERNS, dtype))
        return stored if low_rank else hopfield.dense(stored)

    def init(key):
        return jnp.where(jax.random.bernoulli(key, 0.5, (3, 9)), 1.0, -1.0)

    return Process(init, lambda key, spins, order: rule(weights(spins.dtype)).step(key, spins, order))


def _machine(key):
    return rbm.initialise(key, 5, 4, scale=0.5, dtype=jnp.zeros(()).dtype)


def _carrying(rule, *args):
    """A process over a machine, with the machine drawn at the start and carried along."""

    def init(key):
        params = _machine(key)
        return params, rule(params).init(key, *args)

    def step(key, state, input):
        params, state = state
        state, output = rule(params).step(key, state, input)
        return (params, state), output

    return Process(init, step)


def _learner(rule):
    return Process(lambda key: rule.init(key, _machine(key)), rule.step)


def _images(key, length):
    return jax.random.bernoulli(key, 0.4, (length, 6, 5)).astype(jnp.zeros(()).dtype)


def _temperatures(key, length):
    del key
    betas = jnp.linspace(0, 1, length + 1)
    return betas[:-1], betas[1:]


def _duel():
    line = lambda params, x: params[0] + params[1] * x  # noqa: E731
    generator = Player(lambda key: jax.random.normal(key, (2,)), line, optax.adam(0.01))
    discriminator = Player(lambda key: jax.random.normal(key, (2,)), line, optax.sgd(0.1))
    return adversaries(generator, discriminator, lambda key, n: jax.random.normal(key, (n,)))


CASES = [
    Case("Hopfield, asynchronous", _memory(hopfield.asynchronous)),
    Case("Hopfield, asynchronous, dense, hot", _memory(lambda w: hopfield.asynchronous(w, 0.1, 0.5), low_rank=False)),
    Case("Hopfield, synchronous", _memory(hopfield.synchronous)),
    Case("RBM, Gibbs", _carrying(rbm.gibbs, 3)),
    Case("RBM, CD-2", _learner(rbm.contrastive_divergence(optax.sgd(0.1, momentum=0.5), 2)), _images),
    Case("RBM, PCD", _learner(rbm.persistent_contrastive_divergence(optax.sgd(0.1), 3)), _images),
    Case(
        "RBM, annealing", _carrying(lambda p: partition.annealing(p, jnp.zeros_like(p.visible_bias)), 3), _temperatures
    ),
    Case("adversaries", _duel(), lambda key, length: jax.random.normal(key, (length, 8))),
]
