r"""Batch normalisation, with its running statistics as explicit state."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class BatchNorm(nn.Module):
    r"""Every feature standardised over the batch and all axes but the last, then scaled and shifted by what is learned.

    .. math:: y = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    While training, :math:`\mu` and :math:`\sigma^2` are those of the batch, and the running ones move towards them;
    otherwise the running ones are used. Variables are named as those of ``flax.linen.BatchNorm`` (``scale`` and
    ``bias``; ``mean`` and ``var`` in the collection ``batch_stats``), but keep the dtype of the input, where Flax's
    statistics are always float32.

    Attributes:
      momentum: share of the running statistics that a batch leaves in place.
      epsilon: keeps a feature that never varies finite.

    Reference: Ioffe & Szegedy, "Batch normalization", ICML (2015).
    """

    momentum: float = 0.9
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: Float[Array, "*batch features"], train: bool) -> Float[Array, "*batch features"]:
        shape, others = x.shape[-1:], tuple(range(x.ndim - 1))
        mean = self.variable("batch_stats", "mean", jnp.zeros, shape, x.dtype)
        var = self.variable("batch_stats", "var", jnp.ones, shape, x.dtype)
        scale = self.param("scale", jax.nn.initializers.ones, shape, x.dtype)
        bias = self.param("bias", jax.nn.initializers.zeros, shape, x.dtype)
        centre, spread = (x.mean(others), x.var(others)) if train else (mean.value, var.value)
        if train and not self.is_initializing():
            mean.value = self.momentum * mean.value + (1 - self.momentum) * centre
            var.value = self.momentum * var.value + (1 - self.momentum) * spread
        return scale * (x - centre) * jax.lax.rsqrt(spread + self.epsilon) + bias
