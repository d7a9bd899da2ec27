"""How genomes that grow vary: crossover by marking, new weights, new connections, new nodes (the variation of NEAT).

Stanley & Miikkulainen (2002), sections 3.1 and 3.2. Each works on all members at once; a draw of 32 bits for each gene
serves whichever mutation a member gets, since it gets one.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, UInt32

from redes_jax import bits
from redes_jax.evolution.genomes import Genome, hidden_nodes, reachable


class Numbers(NamedTuple):
    """The numbers of NEAT, by default those of the paper for populations of 150. Where it is silent, they and the order
    of things are those of the authors' program: a child gets one of a new node, a new connection or new weights, and
    connections from the bias are not split.

    Args:
      add_node, add_link: probabilities that a child is given a node or a connection.
      mutate: probability that its weights are changed otherwise.
      perturb: share of those weights that move, by up to ``power`` either way; the others are drawn anew.
      power, spread: half widths of the uniform law of moves, and of weights that are new.
      disable: probability for a gene to be disabled that is disabled in either parent.
      alone: share of children that have one parent.
      interspecies: probability that the other parent is the champion of another species.
      disjoint, difference, small: of the distance, see :func:`redes_jax.evolution.genomes.distance`.
      threshold: the distance from which on two genomes belong to different species.
      survival: share of a species that may have children; one more than that does.
      patience, drift: generations without improvement after which a species has no children, and after which only the two
        best species of the population have.
      champions: members that a species must have more of for its best to live on unchanged.
    """

    add_node: float | Array = 0.03
    add_link: float | Array = 0.05
    mutate: float | Array = 0.8
    perturb: float | Array = 0.9
    power: float | Array = 2.5
    spread: float | Array = 2.5
    disable: float | Array = 0.75
    alone: float | Array = 0.25
    interspecies: float | Array = 0.001
    disjoint: float | Array = 1.0
    difference: float | Array = 0.4
    small: int | Array = 20
    threshold: float | Array = 3.0
    survival: float | Array = 0.2
    patience: int | Array = 15
    drift: int | Array = 20
    champions: int | Array = 5


PAPER = Numbers()


def crossover(key: Array, fitter: Genome, other: Genome, disable: float | Array = 0.75) -> Genome:
    """Genes that both parents have from either, all others from the fitter: so the child is built like the fitter.

    Args:
      key: consumed.
      fitter, other: (members, ...). A child of one parent has it twice.
      disable: see :class:`Numbers`; a gene that is disabled in neither parent is enabled.
    """
    coin, chance = _halves(lax.optimization_barrier(bits.bits(key, fitter.weights.shape)))
    both = fitter.present & other.present
    weights = jnp.where(both & (coin < 0.5), other.weights, fitter.weights)
    disabled = fitter.present & (~fitter.enabled | (both & ~other.enabled))
    return Genome(weights, fitter.present, fitter.present & ~(disabled & (chance < disable)))


def mutate(
    key: Array,
    genomes: Genome,
    origins: Int[Array, "hidden 2"],
    taken: Bool[Array, " hidden"],
    spared: Bool[Array, " members"],
    outputs: int,
    cyclic: bool,
    numbers: Numbers = PAPER,
) -> tuple[Genome, Int[Array, "hidden 2"]]:
    """Each genome is given a node, a connection or other weights, or is left as it is.

    Args:
      key: consumed.
      genomes: (members, ...).
      origins: the register of hidden nodes.
      taken: which of them are in use.
      spared: genomes to leave alone.
      outputs, cyclic, numbers: see :func:`neat`.

    Returns:
      ``(genomes, origins)``.
    """
    draw_key, kind_key = jax.random.split(key)
    # Without the barriers the compiler draws again in every loop that uses the draws.
    draw = lax.optimization_barrier(bits.bits(draw_key, genomes.weights.shape))
    kind, change, weight = bits.uniform(kind_key, (3, *spared.shape))
    node = ~spared & (kind < numbers.add_node)
    link = ~spared & ~node & (kind < numbers.add_node + numbers.add_link)
    other = ~spared & ~node & ~link & (change < numbers.mutate)
    weights = jnp.where(other[:, None, None], changed_weights(draw, genomes, numbers), genomes.weights)
    mutated = genomes._replace(weights=weights)
    fresh = (numbers.spread * (2 * weight - 1)).astype(weights.dtype)
    mutated = add_links(draw, mutated, link, fresh, outputs, cyclic)
    return split(draw, mutated, node, origins, taken, outputs)


def changed_weights(draw: UInt32[Array, "members senders receivers"], genomes: Genome, numbers: Numbers = PAPER):
    """All weights moved or drawn anew."""
    chance, value = _halves(draw)
    value = (2 * value - 1).astype(genomes.weights.dtype)
    moved = genomes.weights + numbers.power * value
    return jnp.where(genomes.present, jnp.where(chance < numbers.perturb, moved, numbers.spread * value), 0).astype(
        genomes.weights.dtype
    )


def add_links(
    draw: UInt32[Array, "members senders receivers"],
    genomes: Genome,
    wanting: Bool[Array, " members"],
    weights: Float[Array, " members"],
    outputs: int,
    cyclic: bool,
) -> Genome:
    """A connection between two nodes that have none, any such pair with equal chance; none where there is no such pair."""
    possible = jax.vmap(partial(_open_pairs, outputs=outputs, cyclic=cyclic))(genomes)
    new = _chosen(draw, possible & wanting[:, None, None])
    return Genome(jnp.where(new, weights[:, None, None], genomes.weights), genomes.present | new, genomes.enabled | new)


def _open_pairs(genome, outputs, cyclic):
    has = hidden_nodes(genome, outputs)
    hidden = has.size
    sensors = genome.present.shape[0] - hidden - outputs
    sends = jnp.concatenate([jnp.ones(sensors, bool), jnp.full(outputs, cyclic), has])
    receives = jnp.concatenate([jnp.ones(outputs, bool), has])
    possible = sends[:, None] & receives & ~genome.present
    if cyclic:
        return possible
    back = reachable(genome, outputs).T | jnp.eye(hidden, dtype=bool)
    return possible.at[-hidden:, outputs:].min(~back)


def split(
    draw: UInt32[Array, "members senders receivers"],
    genomes: Genome,
    wanting: Bool[Array, " members"],
    origins: Int[Array, "hidden 2"],
    taken: Bool[Array, " hidden"],
    outputs: int,
) -> tuple[Genome, Int[Array, "hidden 2"]]:
    """A new node in a connection, any enabled one not from the bias with equal chance.

    The old connection is disabled; the way in gets the weight 1, the way out that of the old one.
    """
    senders, receivers = genomes.present.shape[1:]
    hidden = receivers - outputs
    bias = senders - receivers - 1
    breakable = genomes.enabled & (jnp.arange(senders) != bias)[:, None] & wanting[:, None, None]
    old = _chosen(draw, breakable)
    sender, receiver = old.any(2).argmax(1), old.any(1).argmax(1)
    has = hidden_nodes(genomes, outputs)
    origins, node = allocate(origins, taken, old.any((1, 2)), jnp.stack([sender, receiver], 1), has)
    fits = (node >= 0)[:, None, None]
    row = (jnp.arange(senders) == senders - hidden + node[:, None])[:, :, None]
    column = (jnp.arange(receivers) == outputs + node[:, None])[:, None, :]
    way_in = fits & column & old.any(2)[:, :, None]
    way_out = fits & row & old.any(1)[:, None, :]
    weight = jnp.where(old, genomes.weights, 0).sum((1, 2))[:, None, None]
    weights = jnp.where(way_in, 1, jnp.where(way_out, weight, genomes.weights))
    new = way_in | way_out
    return Genome(weights, genomes.present | new, (genomes.enabled & ~(fits & old)) | new), origins


def allocate(
    origins: Int[Array, "hidden 2"],
    taken: Bool[Array, " hidden"],
    wanting: Bool[Array, " members"],
    wanted: Int[Array, "members 2"],
    has: Bool[Array, "members hidden"],
) -> tuple[Int[Array, "hidden 2"], Int[Array, " members"]]:
    """A hidden node for each member that splits a connection, one member after another.

    It is the node born in that connection, if one is in use that the member lacks (it may have split the same connection
    before, when that was enabled again); else a free one, which then is born there; else none.

    Args:
      origins: where each node was born.
      taken: which are in use.
      wanting: who splits.
      wanted: sender and receiver of the connection split.
      has: the nodes each has.

    Returns:
      ``(origins, node)``: -1 for nobody's node.
    """

    def serve(register, member):
        origins, taken = register
        wants, origin, has = member
        same = taken & ~has & (origins == origin).all(1)
        candidates = jnp.where(same.any(), same, ~taken)
        served = wants & candidates.any()
        node = jnp.argmax(candidates)
        given = served & (jnp.arange(taken.size) == node)
        return (jnp.where(given[:, None], origin, origins), taken | given), jnp.where(served, node, -1)

    (origins, _), nodes = lax.scan(serve, (origins, taken), (wanting, wanted.astype(origins.dtype), has))
    return origins, nodes


def _halves(draw):
    """Two independent uniform numbers in [0, 1) of 16 bits each."""
    return (draw >> 16).astype(jnp.float32) / 65536, (draw & 0xFFFF).astype(jnp.float32) / 65536


def _chosen(draw, candidates):
    """One of the candidates of each member, by the highest draw; none where there are none."""
    scores = jnp.where(candidates, (draw >> 1).astype(jnp.int32), -1).reshape(len(draw), -1)
    best = jnp.argmax(scores, axis=1)
    return (jnp.arange(scores.shape[1]) == best[:, None]).reshape(candidates.shape) & candidates
