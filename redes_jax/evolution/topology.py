"""Networks that grow: NEAT, which begins with no hidden node and adds what proves itself.

Stanley & Miikkulainen, "Evolving neural networks through augmenting topologies", Evolutionary Computation 10 (2002). A
mutation may change weights, add a connection, or split one by a new node, which at first changes nearly nothing: the way
in gets the weight 1, the way out the old one. Historical markings say which genes of two parents correspond, and species
protect a new structure until its weights are found.

Here the marking of a gene is its place (:mod:`redes_jax.evolution.genomes`). The population shares a register of hidden
nodes that remembers which connection each was born in. Who splits the same connection gets the same node, in this
generation or a later one; a node that nobody has any more is free again; when none is free, the mutation is left out.

    strategy = neat(inputs=2, outputs=1, population=150)
    learner = evolve(strategy, lambda key, genome, input: fitness(feed_forward(genome, outputs=1)))
    state, generations = iterate(learner.step, key, learner.init(key, minimal(2, 1, hidden=40)), length=100)
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array, Bool, Float, Int

from redes_jax import bits
from redes_jax.evolution.asktell import Strategy
from redes_jax.evolution.genomes import Genome, hidden_nodes
from redes_jax.evolution.growth import PAPER, Numbers, crossover, mutate
from redes_jax.evolution.speciation import Brood, Species, reproduce, speciate, succeed


class NeatState(NamedTuple):
    """The population to be judged next and what is known of its past.

    Args:
      population: genomes.
      species: of the generation judged last, those that had children.
      members: how many each species of that generation had, before any died out; the oldest first.
      origins: sender and receiver of the connection that each hidden node was born in.
      record: the highest fitness so far.
      stale: generations since then, or since only two species went on.
      best: the fittest of the generation judged last.
    """

    population: Genome
    species: Species
    members: Int[Array, " species"]
    origins: Int[Array, "hidden 2"]
    record: Float[Array, ""]
    stale: Int[Array, ""]
    best: Genome


def neat(
    inputs: int, outputs: int, population: int = 150, *, species: int = 40, cyclic: bool = False, numbers=PAPER
) -> Strategy:
    """Neuroevolution of augmenting topologies.

    ``init(key, genome)`` starts from copies of one genome, see :func:`redes_jax.evolution.genomes.minimal`, with weights of
    their own; its shape says how many hidden nodes there may be.

    Args:
      inputs, outputs: nodes that the task gives.
      population: members.
      species: the most there can be at a time; the paper sets no bound, and one that is felt costs solutions. 1 is
        evolution without speciation.
      cyclic: whether a connection may close a cycle: for :func:`redes_jax.evolution.genomes.recurrent`. Without,
        genomes are for :func:`redes_jax.evolution.genomes.feed_forward`.
      numbers: see :class:`redes_jax.evolution.growth.Numbers`.
    """
    if min(inputs, outputs, species) < 1 or population < 2:
        raise ValueError(
            f"inputs {inputs}, outputs {outputs}, species {species}, population {population}: the first three must be at "
            "least 1, the population at least 2"
        )
    sizes = _Sizes(inputs, outputs, population, species, cyclic)
    return Strategy(Partial(_init, sizes, numbers), Partial(_ask), Partial(_tell, sizes, numbers))


@jax.tree_util.register_static
@dataclass(frozen=True)
class _Sizes:
    inputs: int
    outputs: int
    population: int
    species: int
    cyclic: bool


def _init(sizes, numbers, key, genome):
    hidden = genome.weights.shape[-1] - sizes.outputs
    if genome.weights.shape[0] != sizes.inputs + 1 + sizes.outputs + hidden or hidden < 1:
        raise ValueError(
            f"the genome has shape {genome.weights.shape}: {sizes.inputs} inputs and {sizes.outputs} outputs want "
            f"minimal({sizes.inputs}, {sizes.outputs}, hidden)"
        )
    dtype = genome.weights.dtype
    population = _copies(genome, sizes.population)
    fresh = bits.uniform(key, population.weights.shape, -1, 1).astype(dtype) * numbers.spread
    population = population._replace(weights=jnp.where(population.present, fresh, 0).astype(dtype))
    worst = jnp.full(sizes.species, jnp.finfo(dtype).min)
    nothing = jnp.zeros(sizes.species, int)
    kinds = Species(_copies(genome, sizes.species), nothing > 0, worst, nothing)
    best = jax.tree.map(lambda leaf: leaf[0], population)
    return NeatState(population, kinds, nothing, jnp.full((hidden, 2), -1), worst[0], nothing[0], best)


def _copies(genome, count):
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape)), genome)


def _ask(key, state):
    del key
    return state.population


def _tell(sizes, numbers, key, state, population, fitness):
    parents_key, cross_key, mutate_key, next_key = jax.random.split(key, 4)
    measure = numbers.disjoint, numbers.difference, numbers.small
    home, kinds = speciate(population, state.species, numbers.threshold, *measure)
    fittest = jnp.argmax(fitness)
    record = jnp.maximum(state.record, fitness[fittest]).astype(state.record.dtype)
    stale = jnp.where(fitness[fittest] > state.record, 0, state.stale + 1)
    drifting = stale > numbers.drift
    stale = jnp.where(drifting, 0, stale)
    brood, kinds = reproduce(fitness, home, kinds, drifting, numbers.patience)
    kinds = kinds._replace(record=kinds.record.astype(state.record.dtype))

    mother, father, champion = choose_parents(parents_key, brood, home, numbers)
    genes = population.present.sum((-2, -1))
    better = (fitness[mother] > fitness[father]) | (
        (fitness[mother] == fitness[father]) & (genes[mother] <= genes[father])
    )
    fitter, other = jnp.where(better, mother, father), jnp.where(better, father, mother)
    mothers, fathers = (jax.tree.map(lambda leaf: leaf[each], population) for each in (fitter, other))  # noqa: B023
    disable = jnp.where(mother == father, 1.0, numbers.disable)[:, None, None]  # a child of one parent is its copy
    children = crossover(cross_key, mothers, fathers, disable)

    next_of_kind = brood.order[brood.first + _one_of(brood.members, bits.uniform(next_key, brood.members.shape))]
    representatives = jax.tree.map(lambda leaf: leaf[next_of_kind], population)
    living = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), children, representatives)
    taken = hidden_nodes(living, sizes.outputs).any(0)
    children, origins = mutate(
        mutate_key, children, state.origins, taken, champion, sizes.outputs, sizes.cyclic, numbers
    )
    best = jax.tree.map(lambda leaf: leaf[fittest], population)
    return NeatState(children, succeed(kinds, representatives), brood.members, origins, record, stale, best)


def choose_parents(
    key: Array, brood: Brood, home: Int[Array, " members"], numbers: Numbers = PAPER
) -> tuple[Int[Array, " members"], Int[Array, " members"], Bool[Array, " members"]]:
    """Mother and father of every child, the same member twice for a child of one, and which children are champions that
    live on."""
    count = brood.order.size
    child = jnp.arange(count)
    ends = jnp.cumsum(brood.children)
    kind = (child[:, None] >= ends).sum(1)
    draw = bits.uniform(key, (5, count))
    parents = jnp.minimum((numbers.survival * brood.members).astype(int) + 1, brood.members)[kind]
    mother, father = (brood.order[brood.first[kind] + _one_of(parents, each)] for each in draw[:2])
    abroad = home[_one_of(jnp.full(count, count), draw[2])]
    father = jnp.where(draw[3] < numbers.interspecies, brood.order[brood.first[abroad]], father)
    father = jnp.where(draw[4] < numbers.alone, mother, father)
    eldest = child == ends[kind] - brood.children[kind]
    champion = eldest & (brood.members[kind] > numbers.champions)
    first = brood.order[brood.first[kind]]
    return jnp.where(champion, first, mother), jnp.where(champion, first, father), champion


def _one_of(counts, draw):
    """A number from 0 to count - 1 for each count, 0 where there is nothing to choose."""
    place = (draw * counts).astype(counts.dtype)
    return jnp.clip(place, 0, jnp.maximum(counts - 1, 0))
