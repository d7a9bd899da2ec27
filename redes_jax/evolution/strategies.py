"""Ask for a population, tell how it fared: strategies that need no gradient, on the parameters of anything.

A :class:`Strategy` is three pure functions, as an optimiser is two in optax. The parameters may be any pytree of
arrays: the weights of a network, or the conductances of a membrane. :func:`evolve` closes the loop with a fitness and
gives a :class:`~redes_jax.process.Process`, one generation a step:

    learner = evolve(openes(population=256), fitness)
    state, generations = iterate(learner.step, key, learner.init(key, params), length=100)

Fitness is to be raised. The state of a strategy holds no key, and ``state.best`` is its answer.
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
from redes_jax.process import Process


class Strategy(NamedTuple):
    """Three pure functions, themselves pytrees: their numbers are leaves, so a change of rate compiles nothing.

    Args:
      init: ``init(key, params) -> state``, starting from ``params``.
      ask: ``ask(key, state) -> population``: params whose leaves gain a leading axis, one entry a member.
      tell: ``tell(key, state, population, fitness) -> state``, with ``fitness`` of shape (members,).
    """

    init: Callable[[Any, Any], Any]
    ask: Callable[[Any, Any], Any]
    tell: Callable[[Any, Any, Any, Any], Any]


class Generation(NamedTuple):
    """What a generation shows: the best, mean and standard deviation of fitness, and the share of members whose fitness
    is finite.

    A member whose fitness is not a number counts as the worst; mean and deviation are over the finite ones.
    """

    best: Float[Array, ""]
    mean: Float[Array, ""]
    spread: Float[Array, ""]
    finite: Float[Array, ""]


def evolve(strategy: Strategy, fitness: Callable[..., Float[Array, ""]], over: Callable = jax.vmap) -> Process:
    """A strategy and a fitness as a process.

    Args:
      strategy: who asks and is told.
      fitness: ``fitness(key, params, input) -> scalar`` of one member, higher is better. ``input`` is the step's input,
        shared by all members (a batch of data, or None). Member ``i`` gets a key of its own, ``fold_in(key, i)``.
      over: how the fitness is mapped over the members: ``jax.vmap``; ``partial(devices.blocks, width=128)`` for bounded
        memory; ``partial(devices.replicas, width=128, gather=True)`` for all devices, with the same bits on any number
        of them.

    Returns:
      ``init(key, params) -> state`` and ``step(key, state, input) -> (state, Generation)``.
    """
    return Process(strategy.init, Partial(_generation, strategy, _as_pytree(fitness), _as_pytree(over)))


def _generation(strategy, fitness, over, key, state, input):
    ask_key, fitness_key, tell_key = (jax.random.fold_in(key, number) for number in range(3))
    population = strategy.ask(ask_key, state)
    size = jax.tree.leaves(population)[0].shape[0]
    keys = jax.vmap(jax.random.fold_in, (None, 0))(fitness_key, jnp.arange(size))
    keys, population = lax.optimization_barrier((keys, population))
    scores = over(lambda key, params: fitness(key, params, input))(keys, population)
    # The barriers keep the compiler from joining asking and telling with the evaluation, which differs between meshes.
    population, scores = lax.optimization_barrier((population, scores))
    scores = jnp.where(jnp.isnan(scores), -jnp.inf, scores)
    finite = jnp.isfinite(scores)
    output = Generation(
        jnp.max(scores),
        jnp.mean(scores, where=finite),
        jnp.std(scores, where=finite),
        jnp.mean(finite, dtype=scores.dtype),
    )
    return strategy.tell(tell_key, state, population, scores), output


@jax.tree_util.register_static
@dataclass(frozen=True)
class _Sizes:
    population: int
    parents: int = 0
    elites: int = 0


class GAState(NamedTuple):
    """The parents, best first (leaves with a leading axis), and the size of a mutation."""

    parents: PyTree
    sigma: Float[Array, ""]

    @property
    def best(self):
        """The fittest of the last generation."""
        return jax.tree.map(lambda leaf: leaf[0], self.parents)


def ga(population: int, *, parents: int, elites: int = 1, sigma=0.1, decay=1.0, spread=0.0) -> Strategy:
    """The genetic algorithm that trained deep networks: truncation, mutation, elites, no crossover.

    A child is ``parent + sigma * noise`` with a parent drawn at random from the ``parents`` fittest; the ``elites``
    fittest live on unchanged, so on a fitness without chance the best never falls. Such et al., "Deep neuroevolution"
    (2017); there the elite is chosen by more episodes than the others get, here it is judged again with everyone in
    each generation.

    Args:
      population: members, elites among them.
      parents: the truncation size T, ``elites <= parents <= population``.
      elites: members that live on.
      sigma: standard deviation of a mutation.
      decay: factor on sigma after each generation.
      spread: standard deviation of the first parents about the params given; the first of them is exactly those.
    """
    if not 0 <= elites <= parents <= population or parents < 1:
        raise ValueError(
            f"population {population}, parents {parents}, elites {elites}: "
            "elites <= parents <= population must hold, with at least 1 parent"
        )
    sizes = _Sizes(population, parents, elites)
    return Strategy(Partial(_ga_init, sizes, sigma, spread), Partial(_ga_ask, sizes), Partial(_ga_tell, sizes, decay))


def _ga_init(sizes, sigma, spread, key, params):
    flat, _ = ravel_pytree(params)
    noise = _normal(key, (sizes.parents, flat.size), flat.dtype).at[0].set(0)
    return GAState(_unravel(params, flat + spread * noise), jnp.asarray(sigma, flat.dtype))


def _ga_ask(sizes, key, state):
    parents = _ravel(state.parents)
    choice_key, noise_key = jax.random.split(key)
    choice = jax.random.randint(choice_key, (sizes.population - sizes.elites,), 0, sizes.parents)
    noise = _normal(noise_key, (choice.size, parents.shape[1]), parents.dtype)
    return _unravel(state.best, jnp.concatenate([parents[: sizes.elites], parents[choice] + state.sigma * noise]))


def _ga_tell(sizes, decay, key, state, population, fitness):
    del key
    fittest = jnp.argsort(-fitness, stable=True)[: sizes.parents]
    return GAState(jax.tree.map(lambda leaf: leaf[fittest], population), state.sigma * decay)


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
    order = jnp.sort(fitness)
    below, upto = jnp.searchsorted(order, fitness, side="left"), jnp.searchsorted(order, fitness, side="right")
    return ((below + upto - 1) / (2 * max(fitness.size - 1, 1)) - 0.5).astype(fitness.dtype)


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


def openes(
    population: int,
    *,
    sigma=0.1,
    learning_rate=0.05,
    decay=1.0,
    optimiser: optax.GradientTransformation | None = None,
    shape: Callable = centred_ranks,
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
    """
    if population < 2 or population % 2:
        raise ValueError(f"population is {population}: mirrored pairs need an even number, at least 2")
    optimiser = _ADAM if optimiser is None else optimiser
    init, update = Partial(optimiser.init), Partial(optimiser.update)
    return Strategy(
        Partial(_es_init, init, sigma),
        Partial(_es_ask, _Sizes(population)),
        Partial(_es_tell, update, Partial(shape), learning_rate, decay),
    )


_ADAM = optax.scale_by_adam()


def _es_init(optimiser_init, sigma, key, params):
    del key
    return OpenESState(params, optimiser_init(params), jnp.asarray(sigma, ravel_pytree(params)[0].dtype))


def _es_ask(sizes, key, state):
    mean, _ = ravel_pytree(state.mean)
    noise = state.sigma * _normal(key, (sizes.population // 2, mean.size), mean.dtype)
    return _unravel(state.mean, jnp.concatenate([mean + noise, mean - noise]))


def _es_tell(optimiser_update, shape, learning_rate, decay, key, state, population, fitness):
    del key
    mean, unravel = ravel_pytree(state.mean)
    noise = (_ravel(population) - mean) / state.sigma
    gradient = smoothed_gradient(noise, shape(fitness).astype(mean.dtype), state.sigma)
    updates, optimiser = optimiser_update(unravel(-gradient), state.optimiser, state.mean)
    moved = jax.tree.map(lambda leaf, update: leaf - learning_rate * update, state.mean, updates)
    return OpenESState(moved, optimiser, state.sigma * decay)


def _normal(key, shape, dtype):
    return bits.normal(key, shape).astype(dtype)


def _ravel(population):
    return jax.vmap(lambda params: ravel_pytree(params)[0])(population)


def _unravel(params, flat):
    return jax.vmap(ravel_pytree(params)[1])(flat)


def _as_pytree(function):
    return function if isinstance(function, Partial) else Partial(function)
