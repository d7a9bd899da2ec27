"""Strategies that climb an estimated gradient of the smoothed fitness: OpenES, and PGPE that also learns how widely to look.

Both draw mirrored pairs about a mean and hand the estimate to an optimiser of optax. The pairs make the estimate exact in
the odd part of the fitness and halve the work: only the difference of a pair says where to go, only its sum says how far.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.flatten_util import ravel_pytree
from jax.tree_util import Partial
from jaxtyping import Array, Float, PyTree

from redes_jax import bits
from redes_jax.evolution import lowrank
from redes_jax.evolution.asktell import COUNTED, Members, Strategy, gaussian, ravel, unravel


@jax.tree_util.register_static
@dataclass(frozen=True)
class _Sizes:
    population: int
    rank: int | None = None


class OpenESState(NamedTuple):
    """The mean of the search distribution, the optimiser's state, and the distribution's standard deviation."""

    mean: PyTree
    optimiser: Any
    sigma: Float[Array, ""]

    @property
    def best(self):
        """The mean: what the search has arrived at."""
        return self.mean


def centred_ranks(fitness: Float[Array, " members"]) -> Float[Array, " members"]:
    """Ranks scaled to [-0.5, 0.5], the fittest 0.5: only the order counts, so outliers and scale do not.

    Equals share the mean of their ranks, so a population that is all as good as can be pulls nowhere.
    """
    if fitness.size <= COUNTED:
        mine = fitness[:, None]
        lead = jnp.sum((fitness < mine).astype(jnp.int32) - (fitness > mine), axis=1)
    else:
        order = jnp.sort(fitness)
        below, upto = (jnp.searchsorted(order, fitness, side=side) for side in ("left", "right"))
        lead = below + upto - fitness.size
    return (lead / (2 * max(fitness.size - 1, 1))).astype(fitness.dtype)


def smoothed_gradient(
    noise: Float[Array, "members parameters"], utility: Float[Array, " members"], sigma
) -> Float[Array, " parameters"]:
    """Gradient of the Gaussian-smoothed fitness, ``E[f(mean + sigma e)]``, from samples of it:

        g = 1 / (n sigma) sum_i f_i e_i

    Args:
      noise: standard Gaussian ``e``.
      utility: ``f`` at ``mean + sigma e``, or a shaped version of it.
      sigma: the standard deviation of the smoothing.
    """
    return utility @ noise / (utility.size * sigma)


def noise_table(key: Array, numbers: int) -> Float[Array, " numbers"]:
    """Standard Gaussian numbers drawn once, of which a strategy cuts its noise: far cheaper than new ones for every
    member of a large network (Salimans et al. 2017, there 2**28 numbers).

    Two cuts may overlap; with a table a hundred times longer than a population's noise for one generation this is rare
    and harmless, for their places are drawn anew every generation.
    """
    return bits.normal(key, (numbers,))


def openes(
    population: int,
    *,
    sigma=0.1,
    learning_rate=0.05,
    decay=1.0,
    optimiser: optax.GradientTransformation | None = None,
    shape: Callable = centred_ranks,
    table: Float[Array, " numbers"] | None = None,
    rank: int | None = None,
) -> Strategy:
    """OpenAI's evolution strategy: climb the smoothed fitness by its estimated gradient.

    Members come in mirrored pairs ``mean +- sigma noise``; their fitness is shaped, :func:`smoothed_gradient` is
    estimated from it, and the mean moves by ``learning_rate`` times what the optimiser makes of the gradient. Salimans
    et al., "Evolution strategies as a scalable alternative to reinforcement learning" (2017).

    Args:
      population: members, an even number.
      sigma: standard deviation of the search distribution.
      learning_rate: of the mean.
      decay: factor on sigma after each generation.
      optimiser: an optax transformation without a rate of its own, ``optax.scale_by_adam()`` when None.
      shape: fitness (members,) to utility (members,).
      table: see :func:`noise_table`; None draws new noise for every member.
      rank: of the noise of large matrices, which are then :class:`redes_jax.evolution.lowrank.LowRank` in what a member's
        fitness gets: for networks that write ``x @ kernel``, many times faster. None is full noise.
    """
    _check_pairs(population)
    if rank is not None and (rank < 1 or table is not None):
        raise ValueError(
            f"rank is {rank}, with {'a' if table is not None else 'no'} noise table: at least 1, and only one remedy"
        )
    optimiser = _ADAM if optimiser is None else optimiser
    return Strategy(
        Partial(_es_init, Partial(optimiser.init), sigma),
        Partial(_es_ask, _Sizes(population, rank), table),
        Partial(_es_tell, Partial(optimiser.update), Partial(shape), learning_rate, decay),
    )


_ADAM = optax.scale_by_adam()


def _es_init(optimiser_init, sigma, key, params):
    del key
    return OpenESState(params, optimiser_init(params), jnp.asarray(sigma, ravel_pytree(params)[0].dtype))


def _es_ask(sizes, table, key, state):
    if sizes.rank is not None:
        return lowrank.ask(sizes.population // 2, sizes.rank, key, state.mean, state.sigma)
    mean, _ = ravel_pytree(state.mean)
    noise = state.sigma * _perturbations(key, sizes.population // 2, mean, table)
    return unravel(state.mean, jnp.concatenate([mean + noise, mean - noise]))


def _perturbations(key, pairs, mean, table):
    if table is None:
        return gaussian(key, (pairs, mean.size), mean.dtype)
    if table.size < mean.size:
        raise ValueError(f"the noise table holds {table.size} numbers: a member alone needs {mean.size}")
    starts = jax.random.randint(key, (pairs,), 0, table.size - mean.size + 1)
    # One after another each cut is a plain copy; under vmap it would be a gather number by number, 25 times slower.
    return lax.map(lambda start: lax.dynamic_slice_in_dim(table, start, mean.size), starts).astype(mean.dtype)


def _es_tell(optimiser_update, shape, learning_rate, decay, key, state, population, fitness):
    del key
    utility = shape(fitness)
    if isinstance(population, Members):
        ascent = lowrank.smoothed_gradient(population, utility, state.sigma)
    else:
        mean, unravel_one = ravel_pytree(state.mean)
        moves, up, down = _pairs(mean, population, utility.astype(mean.dtype))
        # The moves are sigma times the noise.
        ascent = unravel_one(smoothed_gradient(moves, (up - down) / 2, state.sigma**2))
    downhill = jax.tree.map(jnp.negative, ascent)
    updates, optimiser = optimiser_update(downhill, state.optimiser, state.mean)
    moved = jax.tree.map(lambda leaf, update: leaf - learning_rate * update, state.mean, updates)
    return OpenESState(moved, optimiser, state.sigma * decay)


class PGPEState(NamedTuple):
    """The mean of the search distribution, its standard deviation for each parameter, and the optimiser's state."""

    mean: PyTree
    deviation: PyTree
    optimiser: Any

    @property
    def best(self):
        """The mean: what the search has arrived at."""
        return self.mean


def pgpe(
    population: int,
    *,
    sigma=0.1,
    learning_rate=0.15,
    sigma_rate=0.1,
    sigma_change=0.2,
    optimiser: optax.GradientTransformation | None = None,
    shape: Callable = centred_ranks,
) -> Strategy:
    """Policy gradients with parameter-based exploration: the gradient by the mean and by each standard deviation.

    With pairs ``mean +- e``, their shaped fitness ``f+`` and ``f-``, and the mean ``b`` of all of it,

        g_mean = mean of (f+ - f-) / 2 e,     g_sigma = mean of ((f+ + f-) / 2 - b) (e^2 - sigma^2) / sigma.

    Sehnke et al., "Parameter-exploring policy gradients" (2010); the default optimiser and the bound on the change of a
    deviation are those of Toklu et al., "ClipUp" (2020).

    Args:
      population: members, an even number.
      sigma: standard deviation of every parameter at first.
      learning_rate: of the mean; with ClipUp the length of a step that follows one gradient alone.
      sigma_rate: of the standard deviations.
      sigma_change: the largest relative change of a standard deviation in one generation.
      optimiser: an optax transformation without a rate of its own, :func:`clip_up` when None.
      shape: fitness (members,) to utility (members,).
    """
    _check_pairs(population)
    optimiser = _CLIP_UP if optimiser is None else optimiser
    return Strategy(
        Partial(_pgpe_init, Partial(optimiser.init), sigma),
        Partial(_pgpe_ask, _Sizes(population)),
        Partial(_pgpe_tell, Partial(optimiser.update), Partial(shape), learning_rate, sigma_rate, sigma_change),
    )


def _pgpe_init(optimiser_init, sigma, key, params):
    del key
    deviation = jax.tree.map(lambda leaf: jnp.full(jnp.shape(leaf), sigma, jnp.result_type(leaf)), params)
    return PGPEState(params, deviation, optimiser_init(params))


def _pgpe_ask(sizes, key, state):
    mean, deviation = ravel_pytree(state.mean)[0], ravel_pytree(state.deviation)[0]
    noise = deviation * gaussian(key, (sizes.population // 2, mean.size), mean.dtype)
    return unravel(state.mean, jnp.concatenate([mean + noise, mean - noise]))


def _pgpe_tell(optimiser_update, shape, learning_rate, sigma_rate, sigma_change, key, state, population, fitness):
    del key
    mean, unravel_one = ravel_pytree(state.mean)
    deviation = ravel_pytree(state.deviation)[0]
    utility = shape(fitness).astype(mean.dtype)
    noise, up, down = _pairs(mean, population, utility)
    gradient = (up - down) / 2 @ noise / up.size
    surplus = (up + down) / 2 - utility.mean()
    stretch = (surplus @ noise**2 - surplus.sum() * deviation**2) / deviation / up.size
    updates, optimiser = optimiser_update(unravel_one(-gradient), state.optimiser, state.mean)
    moved = jax.tree.map(lambda leaf, update: leaf - learning_rate * update, state.mean, updates)
    change = jnp.clip(sigma_rate * stretch, -sigma_change * deviation, sigma_change * deviation)
    return PGPEState(moved, unravel_one(deviation + change), optimiser)


class ClipUpState(NamedTuple):
    """The velocity."""

    velocity: PyTree


def clip_up(momentum=0.9, max_speed=2.0) -> optax.GradientTransformation:
    """ClipUp without its rate: momentum over gradients of length one, and a limit on the speed.

        v <- momentum v + g / |g|,   v <- v max_speed / |v| where |v| > max_speed

    Toklu, Liskowski & Srivastava, "ClipUp: a simple and powerful optimizer for distribution-based policy evolution"
    (2020). ``max_speed`` is in units of the learning rate, twice of which they recommend.
    """

    def init(params):
        return ClipUpState(jax.tree.map(jnp.zeros_like, params))

    def update(updates, state, params=None):
        del params
        length = _length(updates)
        unit = jax.tree.map(lambda leaf: leaf / jnp.where(length > 0, length, 1), updates)
        velocity = jax.tree.map(lambda v, g: momentum * v + g, state.velocity, unit)
        speed = _length(velocity)
        velocity = jax.tree.map(lambda v: v * jnp.minimum(1, max_speed / jnp.maximum(speed, max_speed)), velocity)
        return velocity, ClipUpState(velocity)

    return optax.GradientTransformation(init, update)


_CLIP_UP = clip_up()


def _length(tree):
    return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree)))


def _pairs(mean, population, utility):
    """The noise of the first of each pair (pairs, parameters), and the utilities of the first and of the second."""
    pairs = utility.size // 2
    first = ravel(jax.tree.map(lambda leaf: leaf[:pairs], population))
    return first - mean, utility[:pairs], utility[pairs:]


def _check_pairs(population):
    if population < 2 or population % 2:
        raise ValueError(f"population is {population}: mirrored pairs need an even number, at least 2")
