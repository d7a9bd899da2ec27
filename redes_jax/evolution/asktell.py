"""Ask for a population, tell how it fared: strategies that need no gradient, on the parameters of anything.

A :class:`Strategy` is three pure functions, as an optimiser is two in optax. The parameters may be any pytree of
arrays: the weights of a network, or the conductances of a membrane. :func:`evolve` closes the loop with a fitness and
gives a :class:`~redes_jax.process.Process`, one generation a step:

    learner = evolve(openes(population=256), fitness)
    state, generations = iterate(learner.step, key, learner.init(key, params), length=100)

Fitness is to be raised. The state of a strategy holds no key, and ``state.best`` is its answer. The strategies themselves
are listed in :mod:`redes_jax.evolution.strategies`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.flatten_util import ravel_pytree
from jax.tree_util import Partial
from jaxtyping import Array, Float, Int, PyTree

from redes_jax import bits
from redes_jax.process import Process

COUNTED = 256
"""Members up to which ranks are counted by comparing all with all: one pass without a sort, the faster for so few."""


class Strategy(NamedTuple):
    """Three pure functions, themselves pytrees: their numbers are leaves, so a change of rate compiles nothing.

    Args:
      init: ``init(key, params) -> state``, starting from ``params``.
      ask: ``ask(key, state) -> population``: params whose leaves gain a leading axis, one entry a member; or
        :class:`Members`.
      tell: ``tell(key, state, population, fitness) -> state``, with ``fitness`` of shape (members,).
    """

    init: Callable[[Any, Any], Any]
    ask: Callable[[Any, Any], Any]
    tell: Callable[[Any, Any, Any, Any], Any]


class Members(NamedTuple):
    """A population whose members have more in common than not, so that it is not written out.

    Args:
      own: what each has of its own: leaves with a leading axis.
      made: ``made(own) -> params`` of one member; what it holds is shared by all.
    """

    own: PyTree
    made: Callable[[Any], Any]


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
    return Process(strategy.init, Partial(_generation, strategy, as_pytree(fitness), as_pytree(over)))


def _generation(strategy, fitness, over, key, state, input):
    ask_key, fitness_key, tell_key = (jax.random.fold_in(key, number) for number in range(3))
    population = strategy.ask(ask_key, state)
    # The barriers keep the compiler from joining asking and telling with the evaluation, which differs between meshes.
    population = lax.optimization_barrier(population)
    scores = judge(over, lambda key, params: fitness(key, params, input), fitness_key, population)
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


def apart(population: PyTree | Members) -> Members:
    """A population as what each member has of its own, which is all of it where it is written out, and how one is made."""
    return population if isinstance(population, Members) else Members(population, lambda own: own)


def judge(over: Callable, fitness: Callable, key: Array, population: PyTree | Members) -> Any:
    """``fitness(key, params)`` of every member, each with a key of its own.

    Args:
      over: as in :func:`evolve`.
      fitness: of one member.
      key: member ``i`` gets ``fold_in(key, i)``.
      population: what a strategy asks for.
    """
    own, made = apart(population)
    size = jax.tree.leaves(own)[0].shape[0]
    keys = lax.optimization_barrier(jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(size)))
    return over(lambda key, own: fitness(key, made(own)))(keys, own)


def as_pytree(function: Callable) -> Partial:
    """A function as a pytree, so that it can travel in a strategy: the numbers bound by ``jax.tree_util.Partial`` are
    leaves, those bound by ``functools.partial`` are part of the structure."""
    return function if isinstance(function, Partial) else Partial(function)


def gaussian(key: Array, shape: tuple[int, ...], dtype) -> Float[Array, "..."]:
    """Standard Gaussian noise of a dtype, see :func:`redes_jax.bits.gaussian`, drawn once however often it is used."""

    def draw():
        return bits.gaussian(key, shape).astype(dtype)

    # XLA joins noise with each of its uses and draws it again there; a branch, be it always taken, it does not join. That the
    # condition is constant the barrier hides.
    return lax.cond(lax.optimization_barrier(jnp.bool_(True)), draw, lambda: jnp.zeros(shape, dtype))


def ranks(fitness: Float[Array, " members"]) -> Int[Array, " members"]:
    """How many members come before each: 0 for the fittest; of equals the earlier comes first."""
    number = jnp.arange(fitness.size, dtype=jnp.int32)
    if fitness.size > COUNTED:
        order = jnp.argsort(-fitness, stable=True)
        return jnp.zeros_like(number).at[order].set(number, unique_indices=True)
    mine, other = fitness[:, None], fitness[None, :]
    before = (other > mine) | ((other == mine) & (number[None, :] < number[:, None]))
    return jnp.sum(before, axis=1, dtype=jnp.int32)


def ravel(population: PyTree) -> Float[Array, "members parameters"]:
    """The members as rows."""
    return jax.vmap(lambda params: ravel_pytree(params)[0])(population)


def unravel(params: PyTree, rows: Float[Array, "members parameters"]) -> PyTree:
    """Rows as members shaped like ``params``."""
    return jax.vmap(ravel_pytree(params)[1])(rows)
