"""Strategies whose step sizes adapt themselves, one for each parameter: SNES by the natural gradient, and the (mu, lambda)
evolution strategy of Rechenberg and Schwefel, where step sizes are inherited, mutated, and selected with what they bred."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.tree_util import Partial
from jaxtyping import Array, Float, PyTree

from redes_jax import bits
from redes_jax.evolution.asktell import Strategy, gaussian, ranks, ravel, unravel


@jax.tree_util.register_static
@dataclass(frozen=True)
class _Sizes:
    population: int
    parents: int = 0


class SNESState(NamedTuple):
    """The mean of the search distribution and its standard deviation for each parameter."""

    mean: PyTree
    deviation: PyTree

    @property
    def best(self):
        """The mean: what the search has arrived at."""
        return self.mean


def snes_utilities(fitness: Float[Array, " members"]) -> Float[Array, " members"]:
    """Utilities by rank, ``max(0, ln(n/2 + 1) - ln rank)``, scaled to sum 1, less ``1 / n``; the best has rank 1."""
    members = fitness.size
    by_rank = np.maximum(0, math.log(members / 2 + 1) - np.log(np.arange(1, members + 1)))
    return jnp.asarray(by_rank / by_rank.sum() - 1 / members, fitness.dtype)[ranks(fitness)]


def snes(population: int, *, sigma=1.0, mean_rate=1.0, sigma_rate=None) -> Strategy:
    """Separable natural evolution strategy: natural gradient ascent on a Gaussian with a diagonal covariance.

    With standard Gaussian ``s_i``, members ``z_i = mean + sigma s_i`` and utilities ``u_i`` by rank,

        mean <- mean + mean_rate sigma sum_i u_i s_i,    sigma <- sigma exp(sigma_rate / 2 sum_i u_i (s_i^2 - 1)).

    Wierstra et al., "Natural evolution strategies" (2014), with the default rates of its table 1.

    Args:
      population: members; ``4 + 3 ln d`` in the paper.
      sigma: standard deviation of every parameter at first.
      mean_rate: eta_mu.
      sigma_rate: eta_sigma; ``(3 + ln d) / (5 sqrt d)`` when None.
    """
    if population < 2:
        raise ValueError(f"population is {population}: ranks need at least 2 members")
    return Strategy(
        Partial(_snes_init, sigma),
        Partial(_snes_ask, _Sizes(population)),
        Partial(_snes_tell, mean_rate, sigma_rate),
    )


def _snes_init(sigma, key, params):
    del key
    return SNESState(params, jax.tree.map(lambda leaf: jnp.full(jnp.shape(leaf), sigma, jnp.result_type(leaf)), params))


def _snes_ask(sizes, key, state):
    mean, deviation = ravel_pytree(state.mean)[0], ravel_pytree(state.deviation)[0]
    noise = gaussian(key, (sizes.population, mean.size), mean.dtype)
    return unravel(state.mean, mean + deviation * noise)


def _snes_tell(mean_rate, sigma_rate, key, state, population, fitness):
    del key
    mean, unravel_one = ravel_pytree(state.mean)
    deviation = ravel_pytree(state.deviation)[0]
    rate = (3 + math.log(mean.size)) / (5 * math.sqrt(mean.size)) if sigma_rate is None else sigma_rate
    utility = snes_utilities(fitness).astype(mean.dtype)
    noise = (ravel(population) - mean) / deviation
    mean = mean + mean_rate * deviation * (utility @ noise)
    deviation = deviation * jnp.exp(rate / 2 * (utility @ noise**2 - utility.sum()))
    return SNESState(unravel_one(mean), unravel_one(_bounded(deviation)))


class SelfAdaptiveState(NamedTuple):
    """What each member of the next generation is drawn about (leaves with a leading axis), with which standard deviations
    (members, parameters), and the fittest of the last generation."""

    centres: PyTree
    deviations: Float[Array, "members parameters"]
    best: PyTree


def mu_lambda(population: int, *, parents: int, sigma=0.3, rate=1.0) -> Strategy:
    """The (mu, lambda) evolution strategy with a self-adapted step size for each parameter.

    A child has two of the ``mu`` fittest as parents: each of its parameters comes from one of the two at random, each
    standard deviation is their mean. It mutates its deviations, then itself by means of them:

        sigma_j <- sigma_j exp(tau' N + tau N_j),    x_j <- x_j + sigma_j N_j'

    with ``tau' = 1 / sqrt(2 d)`` and ``tau = 1 / sqrt(2 sqrt d)``. Parents die. Schwefel, "Numerical optimization of
    computer models" (1981); Back & Schwefel (1993), who advise ``lambda / mu`` of about 7.

    Args:
      population: lambda, the children of a generation.
      parents: mu.
      sigma: standard deviation of every parameter at first.
      rate: factor on both tau.
    """
    if not 1 <= parents < population:
        raise ValueError(f"population {population}, parents {parents}: at least 1 parent, and fewer than children")
    sizes = _Sizes(population, parents)
    return Strategy(
        Partial(_mu_lambda_init, sizes, sigma, rate), Partial(_mu_lambda_ask), Partial(_mu_lambda_tell, sizes, rate)
    )


def _mu_lambda_init(sizes, sigma, rate, key, params):
    flat = ravel_pytree(params)[0]
    centres = jnp.broadcast_to(flat, (sizes.population, flat.size))
    deviations = _mutated(key, jnp.full_like(centres, sigma), rate)
    return SelfAdaptiveState(unravel(params, centres), deviations, params)


def _mu_lambda_ask(key, state):
    centres = ravel(state.centres)
    return unravel(state.best, centres + state.deviations * gaussian(key, centres.shape, centres.dtype))


def _mu_lambda_tell(sizes, rate, key, state, population, fitness):
    couple_key, gene_key, mutate_key = jax.random.split(key, 3)
    fittest = jnp.argsort(-fitness, stable=True)[: sizes.parents]
    members, deviations = ravel(population)[fittest], state.deviations[fittest]
    one, other = jax.random.randint(couple_key, (2, sizes.population), 0, sizes.parents)
    centres = jnp.where(
        bits.bernoulli(gene_key, 0.5, (sizes.population, members.shape[1])), members[one], members[other]
    )
    deviations = _mutated(mutate_key, (deviations[one] + deviations[other]) / 2, rate)
    best = jax.tree.map(lambda leaf: leaf[fittest[0]], population)
    return SelfAdaptiveState(unravel(state.best, centres), deviations, best)


def _mutated(key, deviations, rate):
    members, parameters = deviations.shape
    shared, own = jax.random.split(key)
    common = gaussian(shared, (members, 1), deviations.dtype) / math.sqrt(2 * parameters)
    each = gaussian(own, deviations.shape, deviations.dtype) / math.sqrt(2 * math.sqrt(parameters))
    return _bounded(deviations * jnp.exp(rate * (common + each)))


def _bounded(deviations):
    """Kept where their squares are numbers: under a fitness that is flat or has no summit they would leave the range."""
    limits = jnp.finfo(deviations.dtype)
    return jnp.clip(deviations, math.sqrt(limits.tiny), math.sqrt(limits.max))
