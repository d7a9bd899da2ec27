"""Species: who competes with whom, so that a new structure has time to become good.

A genome joins the first species whose representative it is compatible with, and founds one when there is none. Members
share the fitness of their species, which so cannot take over, and a species has children in proportion to its mean
fitness. Stanley & Miikkulainen (2002), sections 3.3 and 4.1, after Goldberg & Richardson (1987).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from redes_jax.evolution.genomes import Genome, distance


class Species(NamedTuple):
    """The species there are, the oldest first.

    Args:
      representatives: a member of each, of the generation before.
      alive: which places are taken.
      record: the highest fitness each has seen.
      stale: generations since then.
    """

    representatives: Genome
    alive: Bool[Array, " species"]
    record: Float[Array, " species"]
    stale: Int[Array, " species"]


class Brood(NamedTuple):
    """Who may have children: the members sorted by species and, within it, from the fittest down.

    Args:
      order: members, sorted.
      first: of each species, where in ``order`` it begins.
      members: of each species.
      children: of each species, of the next generation.
    """

    order: Int[Array, " members"]
    first: Int[Array, " species"]
    members: Int[Array, " species"]
    children: Int[Array, " species"]


def speciate(
    population: Genome, species: Species, threshold, disjoint=1.0, difference=0.4, small=20
) -> tuple[Int[Array, " members"], Species]:
    """The species of every member, in the order in which the paper asks: members one by one, the oldest species first.

    Args:
      population: (members, ...).
      species: those of the generation before; free places are for new ones.
      threshold: the distance from which on a genome does not belong. When no place is free it joins the nearest.
      disjoint, difference, small: as in :func:`redes_jax.evolution.genomes.distance`.

    Returns:
      ``(home, species)``: the place of each member's species, and the species with those just founded.
    """

    def admit(carry, place):
        home, nearest, least = carry
        representative, alive, number = place
        homeless = home < 0
        founder = jnp.argmax(homeless)
        representative = jax.tree.map(lambda old, new: jnp.where(alive, old, new[founder]), representative, population)
        alive = alive | homeless.any()
        far = distance(population, representative, disjoint, difference, small)
        far = jnp.where(alive, far, jnp.inf).astype(least.dtype)
        nearest, least = jnp.where(far < least, number, nearest), jnp.minimum(far, least)
        return (jnp.where(homeless & (far < threshold), number, home), nearest, least), (representative, alive)

    members = population.weights.shape[0]
    nobody = jnp.full(members, -1), jnp.zeros(members, int), jnp.full(members, jnp.inf, population.weights.dtype)
    places = species.representatives, species.alive, jnp.arange(species.alive.size)
    (home, nearest, _), (representatives, alive) = lax.scan(admit, nobody, places)
    return jnp.where(home < 0, nearest, home), species._replace(representatives=representatives, alive=alive)


def reproduce(
    fitness: Float[Array, " members"], home: Int[Array, " members"], species: Species, drifting, patience=15
) -> tuple[Brood, Species]:
    """How many children each species has, as many in all as there are members.

    A species has none when its best has not improved for ``patience`` generations, unless that is so of all species. So
    even the best of all may die out, with the local optimum that it sits on.

    Args:
      fitness: raised by the search; where some of it is negative, it is counted from the lowest.
      home: from :func:`speciate`.
      species: likewise.
      drifting: whether the whole population has stood still for so long that only its two best species go on, with new
        patience.
      patience: generations.
    """
    places = species.alive.size
    belongs = home[:, None] == jnp.arange(places)
    members = belongs.sum(0)
    top = jnp.where(belongs, fitness[:, None], -jnp.inf).max(0)
    stale = jnp.where(top > species.record, 0, species.stale + 1)
    fresh = (members > 0) & (stale < patience)
    allowed = jnp.where(fresh.any(), fresh, members > 0)
    second = jnp.where(jnp.arange(places) == jnp.argmax(top), -jnp.inf, top).max()
    allowed = jnp.where(drifting, (members > 0) & (top >= second), allowed)
    stale = jnp.where(drifting, 0, stale)

    finite = jnp.isfinite(fitness)
    lowest = jnp.where(finite, fitness, jnp.inf).min(initial=0.0)
    shared = jnp.where(belongs & finite[:, None], fitness[:, None] - lowest, 0).sum(0) / jnp.maximum(members, 1)
    shared = jnp.where(allowed, shared, 0)
    shared = jnp.where(shared.sum() > 0, shared, allowed)
    ends = jnp.cumsum(shared)
    ends = jnp.round(ends * (home.size / ends[-1])).astype(int)
    children = jnp.diff(ends, prepend=0)
    order = jnp.lexsort((-fitness, home))
    after = species._replace(alive=children > 0, record=jnp.maximum(top, species.record), stale=stale)
    return Brood(order, jnp.cumsum(members) - members, members, children), after


def succeed(species: Species, representatives: Genome) -> Species:
    """The species that have children, moved up in their old order, each with its new representative."""
    order = jnp.argsort(~species.alive, stable=True)
    alive, record, stale = species.alive, species.record, species.stale
    after = Species(
        representatives, alive, jnp.where(alive, record, jnp.finfo(record.dtype).min), jnp.where(alive, stale, 0)
    )
    return jax.tree.map(lambda leaf: leaf[order], after)
