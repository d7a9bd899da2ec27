"""How children differ from their parents: crossover and mutation of binary, real and permutation genomes.

A crossover is ``cross(key, mothers, fathers) -> (children, siblings)``, a mutation ``mutate(key, genomes) -> genomes``,
each on rows of genes and with settings of its own after these. What one row gets, no other row changes. Numbers bound by
``jax.tree_util.Partial`` are leaves: a sweep over rates compiles once.

| genome | crossover | mutation |
| --- | --- | --- |
| binary | one_point, two_point, uniform | bit_flip |
| real | arithmetic, simulated_binary, and the above | gaussian, polynomial |
| permutation | order | swap, invert |
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Shaped

from redes_jax import bits

Genomes = Shaped[Array, "rows genes"]


def one_point(key: Array, mothers: Genomes, fathers: Genomes) -> tuple[Genomes, Genomes]:
    """Genes left of a random cut from one parent, the others from the other (Holland 1975).

    The cut lies between two genes, each of the ``genes - 1`` places equally likely.
    """
    rows, genes = mothers.shape
    cut = jax.random.randint(key, (rows, 1), 1, max(genes, 2))
    return _exchange(jnp.arange(genes) >= cut, mothers, fathers)


def two_point(key: Array, mothers: Genomes, fathers: Genomes) -> tuple[Genomes, Genomes]:
    """Genes between two different random cuts change places; both ends of the genome are places to cut."""
    first, last = _segment(key, *mothers.shape)
    place = jnp.arange(mothers.shape[1])
    return _exchange((place >= first) & (place < last), mothers, fathers)


def uniform(key: Array, mothers: Genomes, fathers: Genomes, rate=0.5) -> tuple[Genomes, Genomes]:
    """Each gene changes places with probability ``rate``, on its own (Syswerda 1989)."""
    return _exchange(bits.bernoulli(key, rate, mothers.shape), mothers, fathers)


def arithmetic(
    key: Array, mothers: Float[Array, "rows genes"], fathers: Float[Array, "rows genes"]
) -> tuple[Float[Array, "rows genes"], Float[Array, "rows genes"]]:
    """``w mother + (1 - w) father`` and its mirror image, with ``w`` uniform in [0, 1], one a pair (Michalewicz 1992)."""
    weight = bits.uniform(key, (mothers.shape[0], 1)).astype(mothers.dtype)
    return fathers + weight * (mothers - fathers), mothers + weight * (fathers - mothers)


def simulated_binary(
    key: Array,
    mothers: Float[Array, "rows genes"],
    fathers: Float[Array, "rows genes"],
    low=-jnp.inf,
    high=jnp.inf,
    eta=15.0,
    rate=0.5,
) -> tuple[Float[Array, "rows genes"], Float[Array, "rows genes"]]:
    """SBX: real genes that spread about their parents as one-point crossover spreads numbers written in binary.

        children = mean -+ beta (distance / 2),   p(beta) ~ (eta + 1) / 2 beta^eta              for beta <= 1
                                                           (eta + 1) / 2 beta^-(eta + 2)         for beta > 1

    The mean of two children is that of their parents; which sibling gets which value is drawn for each gene. Where a bound is near, the density is cut at the largest ``beta``
    that keeps both children inside and scaled to one. Deb & Agrawal, "Simulated binary crossover for continuous search
    space" (1995); bounds as Deb & Agrawal (1999).

    Args:
      key: consumed.
      mothers, fathers: genes between ``low`` and ``high``.
      low, high: bounds, numbers or (genes,).
      eta: the larger, the closer children stay to their parents.
      rate: probability for a gene to be crossed at all.
    """
    draw, choose, side = jax.random.split(key, 3)
    near, far = jnp.minimum(mothers, fathers), jnp.maximum(mothers, fathers)
    distance = far - near
    apart = distance > 0
    room = jnp.minimum(near - low, high - far) / jnp.where(apart, distance, 1)
    share = 2 - (1 + 2 * room) ** -(eta + 1)  # twice the weight that lies within the bounds
    u = bits.uniform(draw, mothers.shape).astype(mothers.dtype) * share
    beta = jnp.where(u <= 1, u, 1 / jnp.maximum(2 - u, jnp.finfo(u.dtype).eps)) ** (1 / (eta + 1))
    crossed = apart & bits.bernoulli(choose, rate, mothers.shape)
    share_of_other = jnp.where(bits.bernoulli(side, 0.5, mothers.shape), 1 - beta, 1 + beta) / 2
    shift = jnp.where(crossed, share_of_other, 0).astype(mothers.dtype) * (fathers - mothers)
    return jnp.clip(mothers + shift, low, high), jnp.clip(fathers - shift, low, high)


def order(
    key: Array, mothers: Int[Array, "rows genes"], fathers: Int[Array, "rows genes"]
) -> tuple[Int[Array, "rows genes"], Int[Array, "rows genes"]]:
    """Order crossover OX1 of permutations of 0 to ``genes - 1``.

    A child keeps one parent's segment between two cuts; the rest is filled, from the second cut on and round the end,
    with what is missing in the order in which the other parent has it from there. Davis, "Applying adaptive algorithms
    to epistatic domains" (1985).
    """
    first, last = _segment(key, *mothers.shape)
    return _order(mothers, fathers, first, last), _order(fathers, mothers, first, last)


def _order(keeper, giver, first, last):
    genes = keeper.shape[1]
    place = jnp.arange(genes)
    turned = (last + place) % genes  # places as met from the second cut on
    offered = jnp.take_along_axis(giver, turned, axis=1)
    where = jnp.take_along_axis(_scattered(keeper, jnp.broadcast_to(place, keeper.shape)), offered, axis=1)
    taken = (where >= first) & (where < last)
    missing_first = _scattered(jnp.where(taken, genes, jnp.cumsum(~taken, axis=1) - 1), offered)
    filled = jnp.take_along_axis(missing_first, (place - last) % genes, axis=1)
    return jnp.where((place >= first) & (place < last), keeper, filled)


def _scattered(places, values):
    """Each row's values at its places; what is placed past the end is left out."""
    return jax.vmap(lambda place, value: jnp.zeros_like(value).at[place].set(value, mode="drop"))(places, values)


def bit_flip(key: Array, genomes: Bool[Array, "rows genes"], rate) -> Bool[Array, "rows genes"]:
    """Each bit is turned over with probability ``rate``; 1 / genes is the classical choice."""
    return genomes ^ bits.bernoulli(key, rate, genomes.shape)


def gaussian(key: Array, genomes: Float[Array, "rows genes"], sigma, rate=1.0) -> Float[Array, "rows genes"]:
    """Each gene moves with probability ``rate`` by Gaussian noise of standard deviation ``sigma``."""
    noise, choose = jax.random.split(key)
    moves = sigma * bits.normal(noise, genomes.shape).astype(genomes.dtype)
    return jnp.where(bits.bernoulli(choose, rate, genomes.shape), genomes + moves, genomes)


def polynomial(
    key: Array, genomes: Float[Array, "rows genes"], low, high, eta=20.0, rate=1.0
) -> Float[Array, "rows genes"]:
    """Each gene moves with probability ``rate`` by ``delta (high - low)``, never past a bound:

        p(delta) ~ (1 - |delta|)^eta,   cut on either side at the bound and scaled to one half.

    Deb & Goyal, "A combined genetic adaptive search (GeneAS) for engineering design" (1996), with the bounds of Deb &
    Agrawal (1999).

    Args:
      key: consumed.
      genomes: genes between ``low`` and ``high``, numbers or (genes,).
      eta: the larger, the smaller the moves; a typical one is ``(high - low) / eta``.
      rate: probability of a move.
    """
    draw, choose = jax.random.split(key)
    u = bits.uniform(draw, genomes.shape).astype(genomes.dtype)
    down = jnp.clip((genomes - low) / (high - low), 0, 1)
    up = 1 - down
    power = 1 / (eta + 1)
    left = (2 * u + (1 - 2 * u) * up ** (eta + 1)) ** power - 1
    right = 1 - (2 * (1 - u) + (2 * u - 1) * down ** (eta + 1)) ** power
    moved = jnp.clip(genomes + jnp.where(u < 0.5, left, right) * (high - low), low, high)
    return jnp.where(bits.bernoulli(choose, rate, genomes.shape), moved, genomes)


def swap(key: Array, genomes: Genomes, rate=1.0) -> Genomes:
    """With probability ``rate`` two different genes of a row, drawn at random, change places."""
    draw, choose = jax.random.split(key)
    rows, genes = genomes.shape
    first, last = _segment(draw, rows, genes - 1)  # two different numbers of 0 to genes - 1
    place = jnp.arange(genes)
    source = jnp.where(place == first, last, jnp.where(place == last, first, place))
    return _reorder(choose, rate, genomes, source)


def invert(key: Array, genomes: Genomes, rate=1.0) -> Genomes:
    """With probability ``rate`` a random stretch of a row is turned round: on a tour, two edges are replaced."""
    draw, choose = jax.random.split(key)
    first, last = _segment(draw, *genomes.shape)
    place = jnp.arange(genomes.shape[1])
    inside = (place >= first) & (place < last)
    return _reorder(choose, rate, genomes, jnp.where(inside, first + last - 1 - place, place))


def _reorder(key, rate, genomes, source):
    moved = jnp.take_along_axis(genomes, source, axis=1)
    return jnp.where(bits.bernoulli(key, rate, (genomes.shape[0], 1)), moved, genomes)


def _segment(key, rows, genes):
    """Two cuts ``0 <= first < last <= genes`` a row, every pair equally likely, each (rows, 1)."""
    one, other = jax.random.split(key)
    a = jax.random.randint(one, (rows, 1), 0, genes + 1)
    b = jax.random.randint(other, (rows, 1), 0, genes)
    b = b + (b >= a)
    return jnp.minimum(a, b), jnp.maximum(a, b)


def _exchange(mask, mothers, fathers):
    return jnp.where(mask, fathers, mothers), jnp.where(mask, mothers, fathers)
