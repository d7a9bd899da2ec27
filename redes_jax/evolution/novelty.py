"""Search without an aim, and search for all good things at once.

Both want of an evaluation what was done beside how well: ``evaluate(key, params, input) -> (fitness, behaviour)``, with the
behaviour a short vector, say where a robot ended. :func:`novelty_search` rewards behaviours far from those seen before and
so walks out of the traps that fitness lays. :func:`map_elites` keeps, for every kind of behaviour, the fittest that shows it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array, Float, Int, PyTree

from redes_jax.evolution.asktell import Strategy, as_pytree, gaussian, judge, ravel, unravel
from redes_jax.process import Process


class Explored(NamedTuple):
    """The members of a generation: fitness, behaviour, and novelty."""

    fitness: Float[Array, " members"]
    behaviour: Float[Array, "members features"]
    novelty: Float[Array, " members"]


class NoveltyState(NamedTuple):
    """The strategy's state, the behaviours remembered (the oldest are overwritten), and how many were ever added."""

    strategy: PyTree
    archive: Float[Array, "places features"]
    added: Int[Array, ""]

    @property
    def best(self):
        """The strategy's answer: with novelty alone the newest, not the fittest."""
        return self.strategy.best


def novelty(
    behaviour: Float[Array, "members features"], archive: Float[Array, "places features"], added, nearest: int
) -> Float[Array, " members"]:
    """The mean distance of each member to its ``nearest`` neighbours among the other members and what is remembered.

    Args:
      behaviour: of the members.
      archive: of which the first ``added`` places are filled.
      added: how many were ever added.
      nearest: k, fewer than the members.
    """
    members, places = behaviour.shape[0], archive.shape[0]
    everyone = jnp.concatenate([behaviour, archive])
    squared = jnp.sum((behaviour[:, None] - everyone) ** 2, axis=-1)
    itself = jnp.eye(members, members + places, dtype=bool)
    empty = jnp.concatenate([jnp.zeros(members, bool), jnp.arange(places) >= added])
    squared = jnp.where(itself | empty, jnp.inf, squared)
    return jnp.mean(jnp.sqrt(-jax.lax.top_k(-squared, nearest)[0]), axis=1)


def novelty_search(
    strategy: Strategy,
    evaluate: Callable,
    *,
    features: int,
    places: int = 512,
    nearest: int = 15,
    insertions: int = 4,
    weight=1.0,
    over: Callable = jax.vmap,
) -> Process:
    """A strategy that is told how new its members are.

    Lehman & Stanley, "Abandoning objectives: evolution through the search for novelty alone" (2011). Their archive takes
    who passes a threshold that adapts and grows without end; here it takes the ``insertions`` most novel of each
    generation and forgets the oldest, so that memory is bounded.

    Args:
      strategy: who asks and is told.
      evaluate: see the module.
      features: length of a behaviour.
      places: behaviours remembered.
      nearest: neighbours whose mean distance is the novelty.
      insertions: members remembered of each generation.
      weight: of novelty against fitness, each scaled to [0, 1] over the population (Cuccu & Gomez 2011); at 0 it is the
        plain search for fitness, whose behaviour is recorded all the same.
      over: how the evaluation is mapped over the members, as in ``evolve``.

    Returns:
      ``init(key, params) -> state`` and ``step(key, state, input) -> (state, Explored)``.
    """
    if min(features, places, nearest) < 1 or not 0 <= insertions <= places:
        raise ValueError(
            f"features {features}, places {places}, nearest {nearest}, insertions {insertions}: the first three must be "
            "at least 1, and no more can be inserted than there are places"
        )
    sizes = _Archive(features, places, nearest, insertions)
    return Process(
        Partial(_novelty_init, sizes, strategy),
        Partial(_novelty_step, sizes, strategy, as_pytree(evaluate), as_pytree(over), weight),
    )


@jax.tree_util.register_static
@dataclass(frozen=True)
class _Archive:
    features: int
    places: int
    nearest: int
    insertions: int


def _novelty_init(sizes, strategy, key, params):
    archive = jnp.zeros((sizes.places, sizes.features), jax.tree.leaves(params)[0].dtype)
    return NoveltyState(strategy.init(key, params), archive, jnp.int32(0))


def _novelty_step(sizes, strategy, evaluate, over, weight, key, state, input):
    ask_key, evaluate_key, tell_key = (jax.random.fold_in(key, number) for number in range(3))
    population = strategy.ask(ask_key, state.strategy)
    fitness, behaviour = _evaluated(evaluate, over, evaluate_key, population, input)
    new = novelty(behaviour, state.archive, state.added, sizes.nearest)
    told = weight * _scaled(new) + (1 - weight) * _scaled(fitness)
    newest = jax.lax.top_k(new, sizes.insertions)[1]
    places = (state.added + jnp.arange(sizes.insertions)) % sizes.places
    state = NoveltyState(
        strategy.tell(tell_key, state.strategy, population, told),
        state.archive.at[places].set(behaviour[newest].astype(state.archive.dtype)),
        state.added + sizes.insertions,
    )
    return state, Explored(fitness, behaviour, new)


def _evaluated(evaluate, over, key, population, input):
    population = jax.lax.optimization_barrier(population)
    shown = judge(over, lambda key, params: evaluate(key, params, input), key, population)
    fitness, behaviour = jax.lax.optimization_barrier(shown)
    return jnp.where(jnp.isnan(fitness), -jnp.inf, fitness), behaviour


def _scaled(values):
    finite = jnp.isfinite(values)
    low = jnp.min(values, where=finite, initial=jnp.inf)
    high = jnp.max(values, where=finite, initial=-jnp.inf)
    return jnp.where(finite, (values - low) / jnp.where(high > low, high - low, 1), 0)


class Repertoire(NamedTuple):
    """The fittest of each cell of the space of behaviours: params (leaves with a leading axis of cells), fitness, ``-inf``
    where a cell is empty, and behaviour."""

    params: PyTree
    fitness: Float[Array, " cells"]
    behaviour: Float[Array, "cells features"]

    @property
    def best(self):
        """The fittest of all."""
        return jax.tree.map(lambda leaf: leaf[jnp.argmax(self.fitness)], self.params)


def cells_of(behaviour: Float[Array, "members features"], grid: tuple[int, ...], low, high) -> Int[Array, " members"]:
    """The number of the cell of each behaviour; what lies outside counts to the nearest cell.

    Args:
      behaviour: of the members.
      grid: cells along each feature.
      low, high: bounds, numbers or (features,).
    """
    sizes = jnp.asarray(grid)
    place = jnp.floor((behaviour - low) / (high - low) * sizes)
    place = jnp.clip(place, 0, sizes - 1).astype(jnp.int32)
    strides = [1]
    for size in grid[:0:-1]:
        strides.insert(0, strides[0] * size)
    return place @ jnp.asarray(strides, jnp.int32)


def line_mutation(
    key: Array, ones: Float[Array, "rows genes"], others: Float[Array, "rows genes"], sigma=0.01, line=0.2
) -> Float[Array, "rows genes"]:
    """``x + sigma N + line n (y - x)``: noise, and a step along the line to another elite. Vassiliades & Mouret,
    "Discovering the elite hypervolume by leveraging interspecies correlation" (2018).

    Args:
      key: consumed.
      ones, others: parents ``x`` and ``y``.
      sigma, line: standard deviations, across and along; ``line = 0`` is the plain Gaussian mutation.
    """
    across, along = jax.random.split(key)
    step = line * gaussian(along, (ones.shape[0], 1), ones.dtype)
    return ones + sigma * gaussian(across, ones.shape, ones.dtype) + step * (others - ones)


def map_elites(
    evaluate: Callable,
    grid: tuple[int, ...],
    low,
    high,
    *,
    batch: int,
    vary: Callable = line_mutation,
    over: Callable = jax.vmap,
) -> Process:
    """Multi-dimensional archive of phenotypic elites: a child takes its cell when it is fitter than who holds it.

    Parents are drawn from the filled cells alike; ``batch`` children are judged in a step. Of several children in one
    cell the fittest counts, the first of equals. Mouret & Clune, "Illuminating search spaces by mapping elites" (2015).

    Args:
      evaluate: see the module.
      grid: cells along each feature of the behaviour.
      low, high: bounds of the features, numbers or (features,).
      batch: children of a step.
      vary: ``vary(key, ones, others) -> children`` on rows of parameters.
      over: how the evaluation is mapped over the children, as in ``evolve``.

    Returns:
      ``init(key, params) -> Repertoire`` with empty cells, whose first children descend from ``params``; and
      ``step(key, repertoire, input) -> (repertoire, Explored)``, novelty being 1 for who opened a cell.
    """
    if batch < 1 or not grid or min(grid) < 1:
        raise ValueError(f"batch is {batch} and grid {grid}: at least 1 child and 1 cell along each feature are needed")
    shape = _Grid(tuple(grid), batch)
    return Process(
        Partial(_map_init, shape),
        Partial(_map_step, shape, as_pytree(evaluate), as_pytree(vary), as_pytree(over), low, high),
    )


@jax.tree_util.register_static
@dataclass(frozen=True)
class _Grid:
    grid: tuple[int, ...]
    batch: int

    @property
    def cells(self):
        count = 1
        for size in self.grid:
            count *= size
        return count


def _map_init(shape, key, params):
    del key
    dtype = jax.tree.leaves(params)[0].dtype
    everywhere = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (shape.cells, *leaf.shape)), params)
    empty = jnp.full(shape.cells, -jnp.inf, dtype)
    return Repertoire(everywhere, empty, jnp.zeros((shape.cells, len(shape.grid)), dtype))


def _map_step(shape, evaluate, vary, over, low, high, key, state, input):
    parent_key, vary_key, evaluate_key = (jax.random.fold_in(key, number) for number in range(3))
    elites = ravel(state.params)
    filled = jnp.isfinite(state.fitness)
    weights = jnp.where(filled.any(), filled, True)
    edges = jnp.cumsum(weights)
    drawn = jax.random.randint(parent_key, (2, shape.batch), 0, edges[-1])
    ones, others = elites[jnp.searchsorted(edges, drawn, side="right")]
    one = jax.tree.map(lambda leaf: leaf[0], state.params)
    children = unravel(one, vary(vary_key, ones, others))
    fitness, behaviour = _evaluated(evaluate, over, evaluate_key, children, input)

    cell = cells_of(behaviour, shape.grid, low, high)
    best = jax.ops.segment_max(fitness, cell, shape.cells)
    number = jnp.arange(shape.batch)
    winner = jax.ops.segment_min(jnp.where(fitness == best[cell], number, shape.batch), cell, shape.cells)
    better = (best > state.fitness) & (winner < shape.batch)
    winner = jnp.minimum(winner, shape.batch - 1)

    def settle(held, offered):
        offered = offered[winner].astype(held.dtype)
        return jnp.where(better.reshape(-1, *[1] * (held.ndim - 1)), offered, held)

    opened = ~filled[cell] & better[cell] & (winner[cell] == number)
    settled = jax.tree.map(settle, state, Repertoire(children, fitness, behaviour))
    return settled, Explored(fitness, behaviour, opened.astype(fitness.dtype))
