r"""The multilayer perceptron, twice: as plain functions of a pytree of arrays, and in Flax.

.. math:: a_0 = x, \qquad a_k = \phi(a_{k-1} W_k + b_k), \qquad \text{output} = a_{K-1} W_K + b_K

Reference: Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", Nature 323 (1986).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from redes_jax.networks.normalisation import BatchNorm

_lecun = jax.nn.initializers.lecun_normal()


class Layer(NamedTuple):
    """One affine map ``x W + b``."""

    weights: Float[Array, "inputs outputs"]
    bias: Float[Array, " outputs"]


def init(key: Array, widths: Sequence[int], dtype=float) -> list[Layer]:
    """Layers with LeCun's initial weights (variance 1 / inputs) and zero bias.

    Args:
      key: of the weights.
      widths: units in each layer from input to output, at least two numbers.
      dtype: of the parameters.
    """
    if len(widths) < 2:
        raise ValueError(f"widths is {tuple(widths)}: give at least the number of inputs and of outputs")
    keys = jax.random.split(key, len(widths) - 1)
    shapes = zip(widths[:-1], widths[1:], strict=True)
    return [Layer(_lecun(k, shape, dtype), jnp.zeros(shape[1], dtype)) for k, shape in zip(keys, shapes, strict=True)]


def apply(
    params: Sequence[Layer], x: Float[Array, "*batch inputs"], activation: Callable = jnp.tanh
) -> Float[Array, "*batch outputs"]:
    """The forward pass; ``activation`` follows every layer but the last."""
    for layer in params[:-1]:
        x = activation(x @ layer.weights + layer.bias)
    return x @ params[-1].weights + params[-1].bias


class MLP(nn.Module):
    """The same in Flax: layers ``Dense_0``, ``Dense_1``, ... with ``kernel`` and ``bias``; all axes but the first are
    flattened.

    Attributes:
      widths: units of the hidden layers and of the output.
      activation: follows every layer but the last.
      batch_norm: normalise each hidden layer before its activation (Ioffe & Szegedy 2015); the running mean and
        variance live in the collection ``batch_stats`` and move when ``train`` is True.
    """

    widths: Sequence[int]
    activation: Callable = jnp.tanh
    batch_norm: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "batch ..."], train: bool = False) -> Float[Array, "batch outputs"]:
        x = x.reshape(len(x), -1)
        for width in self.widths[:-1]:
            x = nn.Dense(width, param_dtype=x.dtype)(x)
            if self.batch_norm:
                x = BatchNorm()(x, train)
            x = self.activation(x)
        return nn.Dense(self.widths[-1], param_dtype=x.dtype)(x)
