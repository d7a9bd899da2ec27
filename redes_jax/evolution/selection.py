"""Who has children: a selection takes the fitness of a population and gives the numbers of the parents.

Every rule is ``select(key, fitness, count) -> indices`` with its own settings after these, bound by
``functools.partial`` where they shape the computation (a tournament's size) and by ``jax.tree_util.Partial`` where they
are numbers to sweep (a pressure). Fitness is to be raised; a member whose fitness is ``-inf`` has failed.

How strongly a rule prefers the better ones is its intensity ``I``: by how many standard deviations the mean fitness of
the parents lies above that of the population, for a normally distributed fitness (Muhlenbein & Schlierkamp-Voosen,
"Predictive models for the breeder genetic algorithm", 1993). A tournament of two has 0.564, truncation to the better
half 0.798.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from redes_jax import bits


def roulette(key: Array, fitness: Float[Array, " members"], count: int) -> Int[Array, " count"]:
    """Each parent drawn independently with probability ``p_i = f_i / sum_j f_j`` (Holland 1975).

    Args:
      key: consumed.
      fitness: a negative one counts as zero; when none is positive all are equally likely.
      count: parents to draw.
    """
    return _wheel(_shares(fitness), bits.uniform(key, (count,)))


def universal(key: Array, fitness: Float[Array, " members"], count: int) -> Int[Array, " count"]:
    """The roulette turned once with ``count`` equally spaced pointers: member ``i`` is drawn ``count p_i`` times, rounded
    up or down. Baker, "Reducing bias and inefficiency in the selection algorithm" (1987).

    Args:
      key, fitness, count: as :func:`roulette`. The parents come in random order, so that neighbours may mate.
    """
    turn, order = jax.random.split(key)
    chosen = _wheel(_shares(fitness), (jnp.arange(count) + bits.uniform(turn)) / count)
    return jax.random.permutation(order, chosen)


def linear_rank(key: Array, fitness: Float[Array, " members"], count: int, pressure=1.5) -> Int[Array, " count"]:
    """Probability linear in the rank: ``p_i = (2 - s + 2 (s - 1) r_i / (n - 1)) / n`` with ``r_i = 0`` for the worst and
    ``n - 1`` for the best, whatever the scale of fitness (Baker 1985).

    Args:
      key, fitness, count: as :func:`roulette`.
      pressure: ``s`` in [1, 2], the expected number of children of the best in a population that keeps its size.
    """
    members = fitness.size
    by_rank = 2 - pressure + 2 * (pressure - 1) * jnp.arange(members) / max(members - 1, 1)
    return jnp.argsort(fitness, stable=True)[_wheel(by_rank / members, bits.uniform(key, (count,)))]


def tournament(key: Array, fitness: Float[Array, " members"], count: int, size: int = 2) -> Int[Array, " count"]:
    """The fittest of ``size`` members drawn with replacement, for each parent anew (Brindle 1981).

    The best has taken over a population of ``n`` after about ``(ln n + ln ln n) / ln size`` generations of selection
    alone (Goldberg & Deb, "A comparative analysis of selection schemes used in genetic algorithms", 1991).
    """
    if size < 1:
        raise ValueError(f"size is {size}: a tournament has at least 1 entrant")
    entrants = jax.random.randint(key, (count, size), 0, fitness.size)
    return jnp.take_along_axis(entrants, jnp.argmax(fitness[entrants], axis=1)[:, None], axis=1)[:, 0]


def truncation(key: Array, fitness: Float[Array, " members"], count: int, best: int = 1) -> Int[Array, " count"]:
    """Any of the ``best`` fittest, all equally likely (Muhlenbein & Schlierkamp-Voosen 1993)."""
    if not 1 <= best <= fitness.size:
        raise ValueError(f"best is {best}: between 1 and all {fitness.size} members can be kept")
    return jnp.argsort(-fitness, stable=True)[jax.random.randint(key, (count,), 0, best)]


def sigma_scaled(fitness: Float[Array, " members"], cut=1.5) -> Float[Array, " members"]:
    """Expected children ``1 + (f - mean) / (2 deviation)`` between 0 and ``cut``: what to hand to :func:`roulette` when
    a few good ones must not take over at once (Forrest & Mitchell 1993)."""
    deviation = jnp.std(fitness)
    scaled = 1 + (fitness - jnp.mean(fitness)) / jnp.where(deviation > 0, 2 * deviation, 1)
    return jnp.clip(scaled, 0, cut)


def _shares(fitness):
    weights = jnp.where(jnp.isfinite(fitness), jnp.maximum(fitness, 0), 0)
    total = weights.sum()
    return jnp.where(total > 0, weights / jnp.where(total > 0, total, 1), 1 / fitness.size)


def _wheel(shares, pointers):
    edges = jnp.cumsum(shares)
    found = jnp.searchsorted(edges, pointers.astype(edges.dtype) * edges[-1], side="right")
    return jnp.minimum(found, shares.size - 1)
