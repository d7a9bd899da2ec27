"""Genomes of networks that grow, written densely: the place of a gene is its historical marking.

Stanley & Miikkulainen ("Evolving neural networks through augmenting topologies", 2002) number every new connection, so
that two genomes can be laid side by side gene by gene however differently they have grown. Here the nodes are numbered
alike in all genomes of a population, and the gene of the connection from node ``i`` to node ``j`` stands in row ``i`` and
column ``j`` of every one of them. So crossover and distance are elementwise, and a population is three arrays.

The rows are the senders: inputs, bias, outputs, hidden nodes; the columns the receivers: outputs, hidden nodes. A hidden
node belongs to a genome that has a connection into it.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from redes_jax.process import Process


class Genome(NamedTuple):
    """The genes of one network, or of many with axes in front.

    Args:
      weights: of the connections, senders by receivers.
      present: which connections the genome has.
      enabled: which of those are expressed in the network; the others are kept, and may come back.
    """

    weights: Float[Array, "*members senders receivers"]
    present: Bool[Array, "*members senders receivers"]
    enabled: Bool[Array, "*members senders receivers"]


def minimal(inputs: int, outputs: int, hidden: int) -> Genome:
    """The genome to start from: every input and the bias to every output, weights zero.

    Args:
      inputs, outputs: nodes that the task gives.
      hidden: places for hidden nodes, all still free. They are shared by the population: it can hold this many
        innovations at a time.
    """
    if min(inputs, outputs, hidden) < 1:
        raise ValueError(f"inputs {inputs}, outputs {outputs}, hidden {hidden}: each must be at least 1")
    shape = (inputs + 1 + outputs + hidden, outputs + hidden)
    present = jnp.zeros(shape, bool).at[: inputs + 1, :outputs].set(True)
    return Genome(jnp.zeros(shape), present, present)


def hidden_nodes(genome: Genome, outputs: int) -> Bool[Array, "*members hidden"]:
    """Which hidden nodes a genome has."""
    return genome.present[..., outputs:].any(-2)


def size(genome: Genome, outputs: int) -> tuple[Int[Array, "*members"], Int[Array, "*members"]]:
    """Hidden nodes and enabled connections of the network."""
    return hidden_nodes(genome, outputs).sum(-1), genome.enabled.sum((-2, -1))


def distance(one: Genome, other: Genome, disjoint=1.0, difference=0.4, small=20) -> Float[Array, "*members"]:
    """How incompatible two genomes are: ``c1 D / N + c3 W``.

    ``D`` counts the genes that only one of them has, ``W`` is the mean difference of weight over those that both have,
    and ``N`` the number of genes of the larger, or 1 when both have fewer than ``small``. The paper tells disjoint genes
    from excess ones by the age of the gene; as it weights both by 1, they are one kind here.

    Args:
      one, other: genomes of one population, whose axes in front broadcast.
      disjoint: c1 = c2.
      difference: c3.
      small: genes from which on ``N`` counts.
    """
    both, either = one.present & other.present, one.present | other.present
    shared = both.sum((-2, -1))
    apart = either.sum((-2, -1)) - shared
    gap = jnp.where(both, jnp.abs(one.weights - other.weights), 0).sum((-2, -1)) / jnp.maximum(shared, 1)
    genes = jnp.maximum(one.present.sum((-2, -1)), other.present.sum((-2, -1)))
    return disjoint * apart / jnp.where(genes < small, 1, genes) + difference * gap


def reachable(genome: Genome, outputs: int) -> Bool[Array, "hidden hidden"]:
    """Whether a path of connections, enabled or not, leads from one hidden node to another (Warshall 1962)."""
    hidden = genome.present.shape[-1] - outputs

    def through(node, paths):
        return paths | (paths[:, node, None] & paths[node])

    return lax.fori_loop(0, hidden, through, genome.present[-hidden:, outputs:])


def steep_sigmoid(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """``1 / (1 + exp(-4.9 x))``, the paper's: nearly linear between -0.5 and 0.5."""
    return jax.nn.sigmoid(4.9 * x)


def feed_forward(
    genome: Genome, outputs: int, activation: Callable = steep_sigmoid
) -> Callable[[Float[Array, " inputs"]], Float[Array, " outputs"]]:
    """A genome without cycles as a function: every node after those that feed it, in one pass.

    A node has more ancestors than any of its ancestors, so their number gives the order. What does not change from one
    observation to the next is done here, once.

    Args:
      genome: one genome; on one with cycles the result has no meaning.
      outputs: how many outputs it has.
      activation: of hidden nodes and outputs.
    """
    hidden = genome.weights.shape[1] - outputs
    order = jnp.argsort(reachable(genome, outputs).sum(0), stable=True)
    weights = _expressed(genome)
    weights = jnp.concatenate([weights[:, outputs:][:, order], weights[:, :outputs]], axis=1)
    sensors, inner = weights[: -(hidden + outputs)], weights[-hidden:][order]

    def act(observation):
        def unit(node, totals):
            return totals + activation(totals[node]) * inner[node]

        return activation(lax.fori_loop(0, hidden, unit, _driven(observation, sensors))[hidden:])

    return act


def recurrent(genome: Genome, outputs: int, activation: Callable = steep_sigmoid) -> Process:
    """A genome as a process from observations to outputs that remembers what its nodes did the step before.

    All nodes change at once, so a signal takes a step to pass a connection. ``init(key)`` is silence.

    Args:
      genome, outputs, activation: as in :func:`feed_forward`; cycles are welcome.
    """
    weights = _expressed(genome)
    nodes = weights.shape[1]
    sensors, inner = weights[:-nodes], weights[-nodes:]

    def init(key):
        del key
        return jnp.zeros(nodes, weights.dtype)

    def step(key, units, observation):
        del key
        totals = _driven(observation, sensors) + sum(units[node] * inner[node] for node in range(nodes))
        units = activation(totals)
        return units, units[:outputs]

    return Process(init, step)


def _expressed(genome):
    return jnp.where(genome.enabled, genome.weights, 0)


def _driven(observation, sensors):
    """What the inputs and the bias send to every node, as sums of rows: under ``vmap`` they are joined into one pass."""
    *rows, bias = sensors
    return sum((observation[i] * row for i, row in enumerate(rows)), start=bias)
