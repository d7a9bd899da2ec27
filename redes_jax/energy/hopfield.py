"""Hopfield's associative memory (1982): a net that falls.

Spins ``s_i = +-1`` joined by symmetric weights ``W`` without self-connections have the energy

    E(s) = -1/2 s^T W s - b^T s,

and a spin that aligns with its field ``h_i = sum_j W_ij s_j + b_i`` can only lower it. So every sequence of single-spin
updates ends in a minimum; storing patterns is digging minima where they are.

Weights come either as a matrix ``(n, n)`` or as :class:`LowRank`, the few patterns they were built from. Both give the same
dynamics; with ``p < n / 2`` patterns the second is cheaper.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import erf
from jax.tree_util import Partial
from jaxtyping import Float, Int

from redes_jax import bits
from redes_jax.process import Process

_BLOCK, _INNER = 64, 8  # sites whose fields are one product, and among them sites written out one by one


class LowRank(NamedTuple):
    """Weights ``W = left^T right`` with the diagonal taken away; ``left, right: (p, n)``."""

    left: Float[Array, "*many p n"]
    right: Float[Array, "*many p n"]


Weights = Float[Array, "n n"] | LowRank


class Fall(NamedTuple):
    """What an asynchronous sweep reports, for each state: the energy it gave up (never negative at zero temperature)
    and the number of spins that turned."""

    energy_drop: Float[Array, "*batch"]
    flips: Int[Array, "*batch"]


def hebb(patterns: Float[Array, "p n"]) -> LowRank:
    """Hebb's rule, ``W_ij = 1/n sum_mu x_i^mu x_j^mu``: what fires together is wired together.

    Args:
      patterns: the memories, entries +-1. A row of zeros stores nothing.
    """
    return LowRank(patterns / patterns.shape[-1], patterns)


def pseudo_inverse(patterns: Float[Array, "p n"]) -> LowRank:
    """The projection rule, ``W = X^+ X``: every linearly independent set of patterns is stored, however correlated.

    ``W x = x`` on the span of the patterns (Personnaz, Guyon & Dreyfus 1985). Taking the diagonal away leaves each pattern
    stable with the margin ``1 - W_ii > 0`` as long as no unit vector lies in the span, which generic ``p <= n - 1``
    patterns obey.

    Args:
      patterns: the memories, entries +-1, linearly independent.

    Raises:
      ValueError: when there are more patterns than units.
    """
    count, size = patterns.shape
    if count > size:
        raise ValueError(f"{count} patterns in {size} units cannot be independent: store at most {size}")
    return LowRank(jnp.linalg.pinv(patterns).T, patterns)


def dense(weights: Weights) -> Float[Array, "n n"]:
    """The weights as a matrix with a zero diagonal."""
    matrix = weights.left.T @ weights.right if isinstance(weights, LowRank) else weights
    return matrix - jnp.diag(jnp.diagonal(matrix))


def fields(weights: Weights, spins: Float[Array, "*batch n"], bias=0.0) -> Float[Array, "*batch n"]:
    """``h = W s + b`` without self-connections."""
    if isinstance(weights, LowRank):
        return (spins @ weights.right.T) @ weights.left - _diagonal(weights) * spins + bias
    return spins @ weights.T - _diagonal(weights) * spins + bias


def energy(weights: Weights, spins: Float[Array, "*batch n"], bias=0.0) -> Float[Array, "*batch"]:
    """``E = -1/2 s^T W s - b^T s`` of each state."""
    return -jnp.sum(spins * (fields(weights, spins) / 2 + bias), axis=-1)


def overlap(patterns: Float[Array, "*#batch n"], spins: Float[Array, "*#batch n"]) -> Float[Array, "*batch"]:
    """``m = 1/n sum_i x_i s_i``, 1 at the pattern, -1 at its negative; leading axes broadcast."""
    return jnp.mean(patterns * spins, axis=-1)


def asynchronous(weights: Weights, bias=0.0, temperature=None) -> Process:
    """One spin at a time, each seeing all that turned before it; a step is a sweep.

    ``s_i <- sign(h_i)``, and ``s_i`` stays where ``h_i = 0``. At a temperature ``T`` (Glauber dynamics) ``s_i <- +1`` with
    probability ``1 / (1 + exp(-2 h_i / T))``. The state is ``spins (*batch, n)``, or ``(n,)``; its dtype is kept.

    The input is the order, ``(k,)`` numbers of the sites to visit, each at most once; None visits all sites in an order drawn from the key,
    the same for all states of the batch. The output is a :class:`Fall`.

    Sites are taken in blocks: the fields of a block are one matrix product over the batch, and within it a spin that turns
    corrects the fields of those after it. The result is that of the naive loop up to the rounding of sums.

    Args:
      weights: (n, n) or :class:`LowRank`; a diagonal is ignored.
      bias: (n,) or a scalar.
      temperature: None for zero.

    Returns:
      A process; ``init(key, spins=None)`` starts at ``spins``, or at a random state of shape (n,).
    """
    return Process(Partial(_begin, weights), Partial(_sweep, weights, bias, temperature))


def synchronous(weights: Weights, bias=0.0) -> Process:
    """All spins at once, ``s <- sign(W s + b)``: parallel, but the energy may rise and a cycle of two states may remain.

    State as in :func:`asynchronous`; no input; the output counts the spins that turned, for each state.
    """
    return Process(Partial(_begin, weights), Partial(_turn_all, weights, bias))


def retrieval_overlap(load: Float[Array, "*loads"]) -> Float[Array, "*loads"]:
    """The overlap after recall at load ``alpha = p / n`` in a large net with Hebb's rule, at zero temperature.

    Amit, Gutfreund & Sompolinsky (1985): ``m = erf(y)`` at the largest root of

        sqrt(2 alpha) = erf(y) / y - 2 / sqrt(pi) exp(-y^2),

    and 0 above the capacity ``alpha_c``, where that root is gone.

    Args:
      load: patterns per unit, positive.
    """
    load = jnp.asarray(load)
    critical = _critical_root(load.dtype)
    target = jnp.sqrt(2 * load)

    def halve(_, ends):
        low, high = ends
        middle = (low + high) / 2
        above = _root_of_twice_load(middle) > target
        return jnp.where(above, middle, low), jnp.where(above, high, middle)

    # At y = 12 the left-hand side is 1/12, a load of 0.0035; below it the overlap is 1 to the last digit.
    low, high = jax.lax.fori_loop(0, 60, halve, (jnp.full_like(target, critical), jnp.full_like(target, 12.0)))
    return jnp.where(target <= _root_of_twice_load(critical), erf((low + high) / 2), 0)


def capacity(dtype=jnp.float32) -> tuple[Array, Array]:
    """The largest load of :func:`retrieval_overlap` and the overlap there: ``alpha_c = 0.1379``, ``m_c = 0.967``."""
    y = _critical_root(dtype)
    return _root_of_twice_load(y) ** 2 / 2, erf(y)


def _root_of_twice_load(y):
    return erf(y) / y - 2 / jnp.sqrt(jnp.pi) * jnp.exp(-(y**2))


def _critical_root(dtype):
    """Where the right-hand side is largest: ``erf(y) = 2 / sqrt(pi) y (1 + 2 y^2) exp(-y^2)``, between 1 and 2."""

    def halve(_, ends):
        low, high = ends
        y = (low + high) / 2
        rising = 2 / jnp.sqrt(jnp.pi) * y * (1 + 2 * y**2) * jnp.exp(-(y**2)) > erf(y)
        return jnp.where(rising, y, low), jnp.where(rising, high, y)

    low, high = jax.lax.fori_loop(0, 60, halve, (jnp.ones((), dtype), jnp.full((), 2, dtype)))
    return (low + high) / 2


def _begin(weights, key, spins=None):
    leaf = jax.tree.leaves(weights)[0]
    if spins is None:
        return jnp.where(bits.bernoulli(key, 0.5, leaf.shape[-1:]), 1, -1).astype(leaf.dtype)
    if spins.shape[-1] != leaf.shape[-1]:
        raise ValueError(f"a state of {spins.shape[-1]} spins in a net of {leaf.shape[-1]}: the last axes must agree")
    return spins


def _diagonal(weights):
    if isinstance(weights, LowRank):
        return jnp.sum(weights.left * weights.right, axis=-2)
    return jnp.diagonal(weights)


def _turn_all(weights, bias, key, spins, input):
    del key, input
    field = fields(weights, spins, bias)
    turned = jnp.where(field == 0, spins, jnp.sign(field)).astype(spins.dtype)
    return turned, jnp.sum(turned != spins, axis=-1)


def _sweep(weights, bias, temperature, key, spins, order):
    order_key, noise_key = jax.random.split(key)
    size = spins.shape[-1]
    order = jax.random.permutation(order_key, size) if order is None else order
    states = spins.reshape(-1, size)
    limits = None
    if temperature is not None:
        u = bits.uniform(noise_key, (order.shape[0], states.shape[0]), jnp.finfo(jnp.float32).tiny)
        limits = (temperature / 2 * (jnp.log(u) - jnp.log1p(-u))).astype(spins.dtype)
    states, fall = _visit(weights, jnp.broadcast_to(bias, (size,)).astype(spins.dtype), states, order, limits)
    return states.reshape(spins.shape), jax.tree.map(lambda leaf: leaf.reshape(spins.shape[:-1]), fall)


def _visit(weights, bias, states, order, limits):
    """Update ``states (batch, n)`` at the sites of ``order``, in that order. Inside, the batch is the last axis.

    ``source`` is what the fields are read from: the overlaps ``right s`` of low-rank weights, the spins of dense ones.
    """
    batch, size = states.shape
    count = order.shape[0]
    width = min(_BLOCK, -(-count // _INNER) * _INNER)
    padding = -count % width

    def cut(rows):
        rows = jnp.pad(rows, [(0, padding)] + [(0, 0)] * (rows.ndim - 1))
        return rows.reshape(-1, width, *rows.shape[1:])

    # Sites that fill up the last block lie outside the net: nothing couples to them, so they feel no field and stay.
    sites = jnp.pad(order, (0, padding), constant_values=size).reshape(-1, width)
    low_rank = isinstance(weights, LowRank)
    left, right = (weights.left.T, cut(weights.right.T[order])) if low_rank else (weights, None)
    source = weights.right @ states.T if low_rank else states.T
    spins = cut(states.T[order])

    def block(source, content):
        sites, left, right, bias, spins, limits = content
        couplings = left @ right.T if low_rank else left.at[:, sites].get(mode="fill", fill_value=0)
        diagonal = jnp.diagonal(couplings)
        field = left @ source + bias[:, None] - diagonal[:, None] * spins
        change, fall = _visit_block(couplings - jnp.diag(diagonal), field, spins, limits)
        if low_rank:
            source = source + right.T @ change
        else:
            source = source.at[sites].set(spins + change, mode="drop", unique_indices=True)
        return source, (spins + change, fall)

    limits = None if limits is None else cut(limits)
    _, (spins, fall) = jax.lax.scan(block, source, (sites, cut(left[order]), right, cut(bias[order]), spins, limits))
    spins = spins.reshape(-1, batch)[:count].T
    return states.at[:, order].set(spins, unique_indices=True), jax.tree.map(lambda leaf: jnp.sum(leaf, axis=0), fall)


def _visit_block(couplings, field, spins, limits):
    """The changes ``(width, batch)`` of a block of sites, given the field each would feel had none of them turned yet."""

    def part(carry, begin):
        change, drop = carry
        rows = jax.lax.dynamic_slice_in_dim(couplings, begin, _INNER)
        near = jax.lax.dynamic_slice_in_dim(rows, begin, _INNER, axis=1)
        here, held = (jax.lax.dynamic_slice_in_dim(x, begin, _INNER) for x in (field, spins))
        limit = [0] * _INNER if limits is None else jax.lax.dynamic_slice_in_dim(limits, begin, _INNER)
        here = here + rows @ change
        news, given_up = [], 0
        for i in range(_INNER):
            h = here[i]
            for j in range(i):
                h = h + near[i, j] * news[j]
            turned = jnp.where(h > limit[i], 1, jnp.where(h < limit[i], -1, held[i])).astype(h.dtype)
            news.append(turned - held[i])
            given_up = given_up + news[i] * h
        change = jax.lax.dynamic_update_slice_in_dim(change, jnp.stack(news), begin, axis=0)
        return (change, drop + given_up), None

    nothing = jnp.zeros_like(spins), jnp.zeros_like(spins[0])
    (change, drop), _ = jax.lax.scan(part, nothing, jnp.arange(spins.shape[0] // _INNER) * _INNER)
    return change, Fall(drop, jnp.sum(change != 0, axis=0, dtype=jnp.int32))
