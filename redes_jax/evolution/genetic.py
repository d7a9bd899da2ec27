"""Genetic algorithms: the one of the textbook, the one that trained deep networks, and islands of either.

:func:`genetic` is put together from a selection, a crossover and a mutation on rows of genes; :func:`ga` needs no genome,
it mutates the parameters of anything; :func:`islands` keeps several populations apart and lets a few members travel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jax.tree_util import Partial
from jaxtyping import Array, Float, Int, PyTree, Shaped

from redes_jax.evolution import selection
from redes_jax.evolution.asktell import Members, Strategy, as_pytree, gaussian, ravel, unravel


class GeneticState(NamedTuple):
    """The population to be judged next, and the fittest of those judged last."""

    population: Shaped[Array, "members genes"]
    best: Shaped[Array, " genes"]


def genetic(
    select: Callable = selection.tournament,
    cross: Callable | None = None,
    mutate: Callable | None = None,
    *,
    elites: int = 1,
    crossover_rate=1.0,
) -> Strategy:
    """The genetic algorithm of Holland (1975) and Goldberg (1989): select, cross, mutate, keep the elite.

        strategy = genetic(partial(tournament, size=2), one_point, Partial(bit_flip, rate=1 / 64))
        learner = evolve(strategy, fitness)
        state = learner.init(key, population)

    ``init`` takes the whole first population, (members, genes) of any dtype, since only its maker knows the genome. The
    fitness is judged of one row; children fill the next population, the elite in front.

    Args:
      select: ``select(key, fitness, count) -> indices``, see :mod:`redes_jax.evolution.selection`.
      cross: ``cross(key, mothers, fathers) -> (children, siblings)``, see :mod:`redes_jax.evolution.variation`; None
        copies the parents.
      mutate: ``mutate(key, genomes) -> genomes``; None leaves the children as they are.
      elites: the fittest that live on unchanged, and are judged again with the others.
      crossover_rate: probability for a pair to be crossed; the others are copied.
    """
    if elites < 0:
        raise ValueError(f"elites is {elites}: it counts members that live on, so it must be at least 0")
    rules = (select, cross or _copy, mutate or _same)
    breed = Partial(_breed, _Elites(elites), *(as_pytree(rule) for rule in rules), crossover_rate)
    return Strategy(Partial(_genetic_init, _Elites(elites)), Partial(_genetic_ask), breed)


@jax.tree_util.register_static
@dataclass(frozen=True)
class _Elites:
    count: int


def _genetic_init(elites, key, population):
    del key
    if population.ndim != 2 or not elites.count < population.shape[0]:
        raise ValueError(
            f"the first population has shape {population.shape} with {elites.count} elites: it must be (members, genes), "
            "with more members than elites"
        )
    return GeneticState(population, population[0])


def _genetic_ask(key, state):
    del key
    return state.population


def _breed(elites, select, cross, mutate, crossover_rate, key, state, population, fitness):
    del state
    select_key, cross_key, rate_key, mutate_key = jax.random.split(key, 4)
    pairs = -(-(population.shape[0] - elites.count) // 2)
    chosen = population[select(select_key, fitness, 2 * pairs)]
    mothers, fathers = chosen[:pairs], chosen[pairs:]
    crossed = jax.random.uniform(rate_key, (pairs, 1)) < crossover_rate
    families = zip(cross(cross_key, mothers, fathers), (mothers, fathers), strict=True)
    children = mutate(mutate_key, jnp.concatenate([jnp.where(crossed, child, parent) for child, parent in families]))
    fittest = population[jax.lax.top_k(fitness, max(elites.count, 1))[1]]
    offspring = jnp.concatenate([fittest[: elites.count], children])[: population.shape[0]]
    return GeneticState(offspring, fittest[0])


def _copy(key, mothers, fathers):
    del key
    return mothers, fathers


def _same(key, genomes):
    del key
    return genomes


@jax.tree_util.register_static
@dataclass(frozen=True)
class _GA:
    population: int
    parents: int
    elites: int


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
    sizes = _GA(population, parents, elites)
    return Strategy(Partial(_ga_init, sizes, sigma, spread), Partial(_ga_ask, sizes), Partial(_ga_tell, sizes, decay))


def _ga_init(sizes, sigma, spread, key, params):
    flat, _ = ravel_pytree(params)
    noise = gaussian(key, (sizes.parents, flat.size), flat.dtype).at[0].set(0)
    return GAState(unravel(params, flat + spread * noise), jnp.asarray(sigma, flat.dtype))


def _ga_ask(sizes, key, state):
    parents = ravel(state.parents)
    choice_key, noise_key = jax.random.split(key)
    choice = jax.random.randint(choice_key, (sizes.population - sizes.elites,), 0, sizes.parents)
    noise = gaussian(noise_key, (choice.size, parents.shape[1]), parents.dtype)
    return unravel(state.best, jnp.concatenate([parents[: sizes.elites], parents[choice] + state.sigma * noise]))


def _ga_tell(sizes, decay, key, state, population, fitness):
    del key
    fittest = jnp.argsort(-fitness, stable=True)[: sizes.parents]
    return GAState(jax.tree.map(lambda leaf: leaf[fittest], population), state.sigma * decay)


class IslandsState(NamedTuple):
    """The states of the islands (leaves with a leading axis), the number of the island that held the fittest, and the
    generation."""

    islands: PyTree
    leader: Int[Array, ""]
    generation: Int[Array, ""]

    @property
    def best(self):
        """The best of the island that held the fittest of the last generation."""
        return jax.tree.map(lambda leaf: leaf[self.leader], jax.vmap(lambda state: state.best)(self.islands))


def islands(strategy: Strategy, count: int, *, every=10, migrants: int = 1) -> Strategy:
    """Populations apart, on a ring: now and then each sends copies of its fittest to the next, in place of the worst there.

    What travels is what an island is told: in a generation of migration it hears of its neighbour's ``migrants`` fittest
    instead of its own worst. So islands can be made of any strategy that learns from the members it is told of. The
    members of all islands are one population to :func:`~redes_jax.evolution.asktell.evolve`, whose ``over`` deals them to
    devices. Tanese, "Distributed genetic algorithms" (1989).

    Args:
      strategy: of each island. What its ``init`` starts from gains a leading axis here, one entry an island.
      count: islands.
      every: generations from one migration to the next.
      migrants: members that travel.
    """
    if count < 1 or migrants < 0:
        raise ValueError(f"count is {count} and migrants {migrants}: at least 1 island and 0 migrants are needed")
    ring = _Ring(count, migrants)
    return Strategy(
        Partial(_islands_init, ring, strategy),
        Partial(_islands_ask, ring, strategy),
        Partial(_islands_tell, ring, every, strategy),
    )


@jax.tree_util.register_static
@dataclass(frozen=True)
class _Ring:
    count: int
    migrants: int


def _islands_init(ring, strategy, key, params):
    states = jax.vmap(strategy.init)(jax.random.split(key, ring.count), params)
    return IslandsState(states, jnp.int32(0), jnp.int32(0))


def _islands_ask(ring, strategy, key, state):
    members = jax.vmap(strategy.ask)(jax.random.split(key, ring.count), state.islands)
    if isinstance(members, Members):
        raise ValueError("islands exchange members that are written out: give them a strategy without a rank")
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), members)


def _islands_tell(ring, every, strategy, key, state, population, fitness):
    members, scores = _apart(ring.count, (population, fitness))
    size = scores.shape[1]
    if ring.migrants > size:
        raise ValueError(f"migrants is {ring.migrants}: an island has only {size} members")
    ranked = jnp.argsort(-scores, axis=1, stable=True)
    leaving, dying = ranked[:, : ring.migrants], ranked[:, size - ring.migrants :]
    due = (state.generation + 1) % every == 0

    def migrate(leaf):
        arriving = jnp.roll(jax.vmap(lambda island, who: island[who])(leaf, leaving), 1, axis=0)
        return jnp.where(due, jax.vmap(lambda island, who, new: island.at[who].set(new))(leaf, dying, arriving), leaf)

    told = jax.tree.map(migrate, (members, scores))
    states = jax.vmap(strategy.tell)(jax.random.split(key, ring.count), state.islands, *told)
    return IslandsState(states, jnp.argmax(scores.max(1)).astype(jnp.int32), state.generation + 1)


def _apart(count, population):
    def part(leaf):
        if leaf.shape[0] % count:
            raise ValueError(f"{leaf.shape[0]} members cannot be shared out evenly to {count} islands")
        return leaf.reshape(count, -1, *leaf.shape[1:])

    return jax.tree.map(part, population)
