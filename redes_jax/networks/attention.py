r"""Self-attention: every position asks every other one, and the answer is a weighted mean.

.. math:: \mathrm{attend}(Q, K, V) = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}}\right) V

Letters in array names: B batch, L positions, H heads, D features of a head.

Reference: Vaswani et al., "Attention is all you need", NeurIPS (2017).
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def attend(
    query_BxLxHxD: Float[Array, "B L H D"],
    key_BxLxHxD: Float[Array, "B M H D"],
    value_BxLxHxD: Float[Array, "B M H D"],
    causal: bool = False,
) -> Float[Array, "B L H D"]:
    """Scaled dot-product attention of each head.

    Args:
      query_BxLxHxD, key_BxLxHxD, value_BxLxHxD: Q, K and V; keys and values may have another length than queries.
      causal: a position sees itself and those before it alone.
    """
    depth = query_BxLxHxD.shape[-1]
    score_BxHxLxL = jnp.einsum("blhd,bmhd->bhlm", query_BxLxHxD, key_BxLxHxD) / depth**0.5
    if causal:
        seen_LxL = jnp.tri(*score_BxHxLxL.shape[-2:], dtype=bool)
        score_BxHxLxL = jnp.where(seen_LxL, score_BxHxLxL, jnp.finfo(score_BxHxLxL.dtype).min)
    return jnp.einsum("bhlm,bmhd->blhd", jax.nn.softmax(score_BxHxLxL, axis=-1), value_BxLxHxD)


def positions(length: int, features: int, dtype: Any = float) -> Float[Array, "length features"]:
    r"""Sinusoidal position codes: :math:`\sin` and :math:`\cos` of :math:`t / 10000^{2i/\text{features}}`, side by
    side.

    Raises:
      ValueError: when ``features`` is odd: sines and cosines come in pairs.
    """
    if features % 2:
        raise ValueError(
            f"features is {features}: position codes come in pairs of a sine and a cosine, give an even number"
        )
    rate = 10_000.0 ** (-jnp.arange(0, features, 2, dtype) / features)
    angle = jnp.arange(length, dtype=dtype)[:, None] * rate
    return jnp.stack([jnp.sin(angle), jnp.cos(angle)], axis=-1).reshape(length, features)


class SelfAttention(nn.Module):
    """Multi-head self-attention; queries, keys and values come from one product.

    Attributes:
      heads: number of heads; the features are dealt evenly among them.
      causal: see :func:`attend`.
    """

    heads: int = 2
    causal: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "batch length features"]) -> Float[Array, "batch length features"]:
        batch, length, features = x.shape
        if features % self.heads:
            raise ValueError(f"{features} features do not divide among {self.heads} heads: choose a divisor")
        joint = nn.Dense(3 * features, use_bias=False, param_dtype=x.dtype, name="query_key_value")(x)
        query, key, value = jnp.moveaxis(joint.reshape(batch, length, 3, self.heads, -1), 2, 0)
        answer = attend(query, key, value, self.causal)
        return nn.Dense(features, use_bias=False, param_dtype=x.dtype, name="out")(answer.reshape(x.shape))


class EncoderBlock(nn.Module):
    """``x + attention(norm(x))``, then ``x + feed_forward(norm(x))``.

    The norm comes before each branch (Xiong et al. 2020), not after the sum as in 2017: training then needs no warm-up.

    Attributes:
      heads: of the attention.
      hidden: units of the feed-forward layer.
      causal: see :func:`attend`.
    """

    heads: int = 2
    hidden: int = 128
    causal: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "batch length features"]) -> Float[Array, "batch length features"]:
        x = x + SelfAttention(self.heads, self.causal)(nn.LayerNorm(param_dtype=x.dtype)(x))
        wide = nn.gelu(nn.Dense(self.hidden, param_dtype=x.dtype)(nn.LayerNorm(param_dtype=x.dtype)(x)))
        return x + nn.Dense(x.shape[-1], param_dtype=x.dtype)(wide)


class Encoder(nn.Module):
    """Symbols embedded by a matrix, their positions added, then a stack of :class:`EncoderBlock` and a last norm.

    Attributes:
      features: of the embedding, an even number.
      blocks: number of blocks.
      heads, hidden, causal: of each block.
    """

    features: int = 32
    blocks: int = 1
    heads: int = 2
    hidden: int = 128
    causal: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "batch length inputs"]) -> Float[Array, "batch length features"]:
        x = nn.Dense(self.features, param_dtype=x.dtype)(x)
        x = x + positions(x.shape[1], self.features, x.dtype)
        for _ in range(self.blocks):
            x = EncoderBlock(self.heads, self.hidden, self.causal)(x)
        return nn.LayerNorm(param_dtype=x.dtype)(x)
