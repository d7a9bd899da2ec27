r"""Low-rank noise: members that differ from what they share by thin matrices, and are never written out.

A member's weight matrix is :math:`W + s A B^\top / \sqrt r` with Gaussian ``A`` of (m, r) and ``B`` of (n, r). So ``r (m + n)``
numbers are drawn for it instead of ``m n``, and a layer costs

.. math:: x (W + s A B^\top / \sqrt r) = x W + (x\, s A / \sqrt r) B^\top,

one product of all members with the same ``W``, as in a single network with a large batch, and two thin ones. The entries of
:math:`A B^\top / \sqrt r` have mean 0 and variance 1 and no correlation, so the smoothed gradient is estimated as with full
noise, and a sum over members has full rank again. Sarkar et al., "Evolution strategies at the hyperscale" (2025).
"""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from jaxtyping import Array, Float, PyTree

from redes_jax.evolution.asktell import Members, gaussian

SMALLEST = 512
"""Leaves of fewer numbers, and vectors, get noise of their own: they cost nothing, and small networks are written out."""


@jax.tree_util.register_dataclass
@dataclass
class LowRank:
    """The matrix ``base + left right'``, which can be multiplied from the left by rows: ``x @ matrix``.

    Args:
      base: (..., n), shared by all members; leading axes count as one.
      left: (m, rank), with m the product of the leading axes.
      right: (n, rank).
    """

    base: Float[Array, "*rows n"]
    left: Float[Array, "m rank"]
    right: Float[Array, "n rank"]

    def __rmatmul__(self, x: Float[Array, "*batch m"]) -> Float[Array, "*batch n"]:
        return x @ self.base + (x @ self.left) @ self.right.T

    @property
    def shape(self) -> tuple[int, ...]:
        return self.base.shape

    @property
    def size(self) -> int:
        return self.base.size

    def reshape(self, *shape: int) -> "LowRank":
        """The same with other leading axes; the last one stays."""
        return LowRank(self.base.reshape(*shape[:-1], self.base.shape[-1]), self.left, self.right)

    def whole(self) -> Float[Array, "*rows n"]:
        """The matrix written out."""
        return self.base + (self.left @ self.right.T).reshape(self.base.shape)


def whole(params: PyTree) -> PyTree:
    """Params with every matrix written out, for a model that does more with its weights than ``x @ kernel``."""
    return jax.tree.map(
        lambda leaf: leaf.whole() if isinstance(leaf, LowRank) else leaf,
        params,
        is_leaf=lambda leaf: isinstance(leaf, LowRank),
    )


def ask(pairs: int, rank: int, key: Array, mean: PyTree, sigma) -> Members:
    """Mirrored pairs ``mean +- sigma noise``, the first of all pairs before the second of all.

    Args:
      pairs: how many.
      rank: r.
      key: consumed.
      mean: params; leaves of two axes or more and of :data:`SMALLEST` numbers or more get noise of low rank.
      sigma: s.
    """
    leaves = jax.tree.leaves(mean)
    shapes = [_thin(leaf, rank) or (jnp.shape(leaf),) for leaf in leaves]
    sizes = [math.prod(shape) for each in shapes for shape in each]
    noise = gaussian(key, (pairs, sum(sizes)), jnp.result_type(*leaves))
    columns = iter(jnp.split(noise, np.cumsum(sizes)[:-1], axis=1))
    own = []
    for each in shapes:
        first, *other = (next(columns).reshape(pairs, *shape) for shape in each)
        first = first * (sigma / math.sqrt(rank) if other else sigma)
        own.append((jnp.concatenate([first, -first]), *(jnp.concatenate([part, part]) for part in other)))
    return Members(tuple(own), Partial(_made, mean))


def _thin(leaf, rank):
    """The shapes of the two factors, None for a leaf whose noise is full."""
    if jnp.ndim(leaf) < 2 or jnp.size(leaf) < SMALLEST:
        return None
    columns = jnp.shape(leaf)[-1]
    return (jnp.size(leaf) // columns, rank), (columns, rank)


def _made(mean, own):
    leaves, tree = jax.tree.flatten(mean)
    parts = zip(leaves, own, strict=True)
    return tree.unflatten([LowRank(leaf, *part) if len(part) == 2 else leaf + part[0] for leaf, part in parts])


def smoothed_gradient(members: Members, utility: Float[Array, " members"], sigma) -> PyTree:
    """The gradient of the smoothed fitness, shaped like the params; see
    :func:`redes_jax.evolution.gradients.smoothed_gradient`.

    Args:
      members: from :func:`ask`.
      utility: of each.
      sigma: as it was asked for.
    """
    [mean] = members.made.args
    leaves, tree = jax.tree.flatten(mean)
    weight = utility / (utility.size * sigma**2)

    def ascent(leaf, first, right=None):
        pull = weight.astype(first.dtype).reshape(-1, *[1] * (first.ndim - 1)) * first
        flat = pull.sum(0) if right is None else jnp.tensordot(pull, right, ((0, 2), (0, 2)))
        return flat.reshape(jnp.shape(leaf))

    return tree.unflatten([ascent(leaf, *part) for leaf, part in zip(leaves, members.own, strict=True)])
