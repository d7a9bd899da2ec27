"""CMA-ES: a Gaussian that learns the shape of the landscape, whole or along the axes only.

Notation and default parameters are those of Hansen, "The CMA evolution strategy: a tutorial" (2016, arXiv:1604.00772,
equations and table 1 of its revision of 2023, with active updates: the worst are told apart by negative weights).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.flatten_util import ravel_pytree
from jax.tree_util import Partial
from jaxtyping import Array, Float, Int, PyTree

from redes_jax.evolution.asktell import Strategy, gaussian, ranks, ravel, unravel


class Defaults(NamedTuple):
    """The tutorial's table 1 for ``n`` parameters and ``lambda`` members.

    Args:
      weights: (lambda,) of the members from the best to the worst; the positive ones sum to 1.
      mu: how many are positive.
      mu_eff: the variance effective selection mass.
      c_sigma, d_sigma: rate and damping of the step size.
      c_c, c_1, c_mu: rates of the evolution path, the rank-one and the rank-mu update.
      chi: the expected length of a standard Gaussian vector.
      lazy: generations from one eigendecomposition to the next that cost no accuracy.
    """

    weights: np.ndarray
    mu: int
    mu_eff: float
    c_sigma: float
    d_sigma: float
    c_c: float
    c_1: float
    c_mu: float
    chi: float
    lazy: int


def defaults(parameters: int, population: int, *, separable: bool = False) -> Defaults:
    """Weights and rates; ``separable`` raises the rates of the covariance by (n + 2) / 3 (Ros & Hansen 2008)."""
    n, raw = parameters, math.log((population + 1) / 2) - np.log(np.arange(1, population + 1))
    mu = population // 2
    mu_eff = raw[:mu].sum() ** 2 / (raw[:mu] ** 2).sum()
    mu_eff_minus = raw[mu:].sum() ** 2 / (raw[mu:] ** 2).sum()
    faster = (n + 2) / 3 if separable else 1
    c_1 = min(1, faster * 2 / ((n + 1.3) ** 2 + mu_eff))
    c_mu = min(1 - c_1, faster * 2 * (0.25 + mu_eff + 1 / mu_eff - 2) / ((n + 2) ** 2 + mu_eff))
    negative = min(1 + c_1 / c_mu, 1 + 2 * mu_eff_minus / (mu_eff + 2), (1 - c_1 - c_mu) / (n * c_mu))
    weights = np.where(raw >= 0, raw / raw[raw >= 0].sum(), raw * negative / max(-raw[raw < 0].sum(), 1e-300))
    c_sigma = (mu_eff + 2) / (n + mu_eff + 5)
    return Defaults(
        weights=weights,
        mu=mu,
        mu_eff=mu_eff,
        c_sigma=c_sigma,
        d_sigma=1 + 2 * max(0, math.sqrt((mu_eff - 1) / (n + 1)) - 1) + c_sigma,
        c_c=(4 + mu_eff / n) / (n + 4 + 2 * mu_eff / n),
        c_1=c_1,
        c_mu=c_mu,
        chi=math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2)),
        lazy=max(1, int(1 / (10 * n * (c_1 + c_mu)))),
    )


@jax.tree_util.register_static
@dataclass(frozen=True)
class _Sizes:
    population: int


class CMAState(NamedTuple):
    """The search distribution ``mean + sigma N(0, C)``, and what it remembers.

    Args:
      mean: params.
      sigma: the step size.
      covariance: ``C``, (n, n); the diagonal alone, (n,), when separable.
      basis: eigenvectors of ``C`` as columns, possibly of a few generations ago; None when separable.
      scales: square roots of its eigenvalues, (n,).
      sigma_path, path: the evolution paths of step size and covariance, (n,).
      generation: generations told.
    """

    mean: PyTree
    sigma: Float[Array, ""]
    covariance: Float[Array, "..."]
    basis: Float[Array, "n n"] | None
    scales: Float[Array, " n"]
    sigma_path: Float[Array, " n"]
    path: Float[Array, " n"]
    generation: Int[Array, ""]

    @property
    def best(self):
        """The mean: what the search has arrived at."""
        return self.mean


def cma_es(population: int, *, sigma=0.3) -> Strategy:
    """Covariance matrix adaptation with the whole matrix.

    The eigendecomposition is done again only after ``Defaults.lazy`` generations. Under ``vmap`` a branch not taken costs
    as much as one that is: many seeds side by side decompose in every generation; ``jax.lax.map`` over them does not.

    Args:
      population: members; ``4 + 3 ln n`` by default in the tutorial.
      sigma: the first step size; the optimum should lie within about three of it.
    """
    return _strategy(population, sigma, False)


def sep_cma_es(population: int, *, sigma=0.3) -> Strategy:
    """CMA-ES with a diagonal covariance that adapts (n + 2) / 3 times faster: linear in time and memory, the better choice
    where parameters are many or not correlated. Ros & Hansen, "A simple modification in CMA-ES achieving linear time and
    space complexity" (2008). Arguments as :func:`cma_es`."""
    return _strategy(population, sigma, True)


def _strategy(population, sigma, separable):
    if population < 4:
        raise ValueError(f"population is {population}: recombination and negative weights need at least 4 members")
    sizes = _Sizes(population)
    return Strategy(
        Partial(_init_diagonal if separable else _init, sigma),
        Partial(_ask, sizes),
        Partial(_tell_diagonal if separable else _tell, sizes),
    )


def _init(sigma, key, params):
    state = _init_diagonal(sigma, key, params)
    whole = jnp.diag(state.covariance)
    return state._replace(covariance=whole, basis=whole)


def _init_diagonal(sigma, key, params):
    del key
    flat = ravel_pytree(params)[0]
    ones, zeros = jnp.ones_like(flat), jnp.zeros_like(flat)
    return CMAState(params, jnp.asarray(sigma, flat.dtype), ones, None, ones, zeros, zeros, jnp.int32(0))


def _ask(sizes, key, state):
    mean = ravel_pytree(state.mean)[0]
    steps = state.scales * gaussian(key, (sizes.population, mean.size), mean.dtype)
    if state.basis is not None:
        steps = steps @ state.basis.T
    return unravel(state.mean, mean + state.sigma * steps)


def _tell(sizes, key, before, population, fitness):
    del key
    own = defaults(before.scales.size, sizes.population)
    steps, weights = _steps(own, before, population, fitness)
    shrink, basis = 1 / before.scales, before.basis
    state, decay, path = _move(own, before, steps, weights, lambda step: basis @ (shrink * (step @ basis)))
    signed = _signed(weights, jnp.square((steps @ basis) * shrink).sum(1), path.size)
    covariance = decay * state.covariance + own.c_1 * jnp.outer(path, path) + own.c_mu * (signed * steps.T) @ steps
    covariance = (covariance + covariance.T) / 2

    def decompose():
        values, vectors = jnp.linalg.eigh(covariance, symmetrize_input=False)
        least = jnp.finfo(values.dtype).eps * values[-1]  # below it an eigenvalue is rounding, of either sign
        return vectors, jnp.sqrt(jnp.maximum(values, least))

    due = state.generation % own.lazy == 0
    basis, scales = lax.cond(due, decompose, lambda: (state.basis, state.scales))
    return _kept(before, state._replace(covariance=covariance, basis=basis, scales=scales))


def _tell_diagonal(sizes, key, before, population, fitness):
    del key
    own = defaults(before.scales.size, sizes.population, separable=True)
    steps, weights = _steps(own, before, population, fitness)
    shrink = 1 / before.scales
    state, decay, path = _move(own, before, steps, weights, lambda step: shrink * step)
    squared = jnp.square(steps)
    signed = _signed(weights, squared @ jnp.square(shrink), path.size)
    covariance = decay * state.covariance + own.c_1 * path**2 + own.c_mu * signed @ squared
    covariance = jnp.maximum(covariance, jnp.finfo(covariance.dtype).tiny)
    return _kept(before, state._replace(covariance=covariance, scales=jnp.sqrt(covariance)))


def _steps(own, state, population, fitness):
    """The steps ``(x_i - mean) / sigma`` and the weight of each by its rank: cheaper than to sort the members."""
    mean = ravel_pytree(state.mean)[0]
    weights = jnp.asarray(own.weights, mean.dtype)[ranks(fitness)]
    # A product with the reciprocal, for XLA makes one of a division on some numbers of devices and not on others.
    return (ravel(population) - mean) * (1 / state.sigma), weights


def _move(own, state, steps, weights, whiten):
    """Mean, paths and step size; also the factor on the old covariance and the new path."""
    mean, unravel_one = ravel_pytree(state.mean)
    step = jnp.maximum(weights, 0) @ steps
    generation = state.generation + 1
    gain = math.sqrt(own.c_sigma * (2 - own.c_sigma) * own.mu_eff)
    sigma_path = (1 - own.c_sigma) * state.sigma_path + gain * whiten(step)
    length = jnp.linalg.norm(sigma_path)
    settled = jnp.sqrt(1 - (1 - own.c_sigma) ** (2 * generation).astype(length.dtype))
    calm = (length < settled * (1.4 + 2 / (mean.size + 1)) * own.chi).astype(mean.dtype)
    path = (1 - own.c_c) * state.path + calm * math.sqrt(own.c_c * (2 - own.c_c) * own.mu_eff) * step
    decay = 1 + own.c_1 * (1 - calm) * own.c_c * (2 - own.c_c) - own.c_1 - own.c_mu * own.weights.sum()
    moved = state._replace(
        mean=unravel_one(mean + state.sigma * step),
        sigma=state.sigma * jnp.exp(own.c_sigma / own.d_sigma * (length / own.chi - 1)),
        sigma_path=sigma_path,
        path=path,
        generation=generation,
    )
    return moved, decay, path


def _signed(weights, squared, parameters):
    """The weights of the covariance: a negative one counts as if its whitened step, of this squared length, had the typical
    one."""
    return jnp.where(weights >= 0, weights, weights * parameters / jnp.maximum(squared, 1e-30))


def _kept(before, after):
    """What was told; or what was known before, once a search that has converged or run away leaves the range of its
    numbers: so its answer is never lost."""
    sound = jnp.all(jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(after)]))
    return jax.tree.map(lambda old, new: jnp.where(sound, new, old), before, after)
