"""What a network is asked to make small, one number an example; average them as the problem asks.

Each is minus the logarithm of a likelihood: of a class among many (softmax), of a yes or no (Bernoulli), of a
Gaussian around the prediction. With the softmax or the sigmoid inside the loss, its derivative by the logit is
prediction minus target, and no logit, however large, overflows.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Num


def cross_entropy(logits: Float[Array, "*n classes"], labels: Int[Array, "*n"]) -> Float[Array, "*n"]:
    r"""Categorical cross-entropy :math:`-\log \mathrm{softmax}(z)_y = \log \sum_j e^{z_j} - z_y`.

    Args:
      logits: z, one for each class.
      labels: y, the number of the right class.
    """
    right = jnp.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    return jax.nn.logsumexp(logits, axis=-1) - right


def binary_cross_entropy(logits: Float[Array, "*n"], targets: Num[Array, "*n"]) -> Float[Array, "*n"]:
    r"""Binary cross-entropy :math:`-y \log \sigma(z) - (1-y) \log(1 - \sigma(z)) = \mathrm{softplus}(z) - y z`.

    Args:
      logits: z, the log odds of a yes.
      targets: y, 1 for yes and 0 for no, or a probability in between.
    """
    return jax.nn.softplus(logits) - targets * logits


def squared_error(predictions: Float[Array, "*n"], targets: Num[Array, "*n"]) -> Float[Array, "*n"]:
    """Squared difference, entry by entry, without a half in front."""
    return (predictions - targets) ** 2
