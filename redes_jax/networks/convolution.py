r"""Convolutional networks: shared weights, local fields, and LeNet-5.

.. math:: z_{ijk} = b_k + \sum_{u,v,c} x_{i+u,\, j+v,\, c}\, w_{uvck}

Images are (batch, height, width, channels) and kernels (height, width, channels in, channels out).

Reference: LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86
(1998).
"""

from collections.abc import Callable
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from redes_jax.networks.normalisation import BatchNorm

Padding = Literal["SAME", "VALID"]
Method = Literal["auto", "matmul", "conv"]

# Beyond this many weights in a receptive field the matrix of patches costs more memory traffic than it saves.
_LONGEST_PATCH = 512


def convolve(
    x: Float[Array, "batch height width channels"],
    kernel: Float[Array, "rows columns channels features"],
    padding: Padding = "VALID",
    method: Method = "auto",
) -> Float[Array, "batch out_height out_width features"]:
    """Two-dimensional convolution with stride 1 (a correlation: the kernel is not flipped).

    Args:
      x: images.
      kernel: the weights.
      padding: ``SAME`` surrounds the image with zeros so that its size is kept, ``VALID`` keeps inside it.
      method: ``conv`` is XLA's own; ``matmul`` lays the patches out by shifting the image and does one matrix
        product, which XLA on CPU runs several times faster inside a loop as long as the patches are short. ``auto``
        chooses by backend and by size. All give the same numbers up to rounding.
    """
    rows, columns, channels, features = kernel.shape
    if method == "auto":
        short = rows * columns * channels <= _LONGEST_PATCH
        method = "matmul" if short and jax.default_backend() == "cpu" else "conv"
    if method == "conv":
        return jax.lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
    if padding == "SAME":
        before = ((rows - 1) // 2, (columns - 1) // 2)
        after = (rows - 1 - before[0], columns - 1 - before[1])
        x = jnp.pad(x, ((0, 0), (before[0], after[0]), (before[1], after[1]), (0, 0)))
    height, width = x.shape[1] - rows + 1, x.shape[2] - columns + 1
    shifts = [x[:, i : i + height, j : j + width] for i in range(rows) for j in range(columns)]
    return jnp.concatenate(shifts, axis=-1) @ kernel.reshape(-1, features)


def pool(
    x: Float[Array, "batch height width channels"], reduce: Callable = jnp.max, size: int = 2
) -> Float[Array, "batch out_height out_width channels"]:
    """Each ``size x size`` tile reduced to one number; a border that fills no tile is dropped.

    Tiles do not overlap, so this is a reshape: its gradient costs far less than that of a sliding window.
    """
    batch, height, width, channels = x.shape
    rows, columns = height // size, width // size
    tiles = x[:, : rows * size, : columns * size].reshape(batch, rows, size, columns, size, channels)
    return reduce(tiles, axis=(2, 4))


class Conv(nn.Module):
    """:func:`convolve` with a bias; parameters are named and shaped as those of ``flax.linen.Conv``."""

    features: int
    size: int
    padding: Padding = "VALID"
    method: Method = "auto"

    @nn.compact
    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch rows columns features"]:
        shape = (self.size, self.size, x.shape[-1], self.features)
        kernel = self.param("kernel", jax.nn.initializers.lecun_normal(), shape, x.dtype)
        bias = self.param("bias", jax.nn.initializers.zeros, (self.features,), x.dtype)
        return convolve(x, kernel, self.padding, self.method) + bias


class LeNet5(nn.Module):
    """LeNet-5: maps of 6 and 16 features, then layers of 120, 84 and ``classes``, with 5 x 5 kernels.

    By default in today's dress: ReLU and the maximum over 2 x 2. With ``classic`` the activation is LeCun's 1.7159
    tanh(2x/3) and the pooling a mean with a gain and a bias for each map, as in 1998. Two details of 1998 are left
    out in both: each feature of the second layer sees all six maps instead of a chosen few, and the output is a
      softmax, not radial basis functions.

    Attributes:
      classes: number of logits.
      size: of the kernels; 3 suits images of 8 x 8.
      padding: of the two convolutions. The first is padded as in 1998, where 28 x 28 digits sat in 32 x 32 images.
      classic: 1998's activation and pooling.
      batch_norm: normalise after each convolution (Ioffe & Szegedy 2015).
      method: how the convolutions are computed, see :func:`convolve`.
    """

    classes: int = 10
    size: int = 5
    padding: tuple[Padding, Padding] = ("SAME", "VALID")
    classic: bool = False
    batch_norm: bool = False
    method: Method = "auto"

    @nn.compact
    def __call__(self, x: Float[Array, "batch height width"], train: bool = False) -> Float[Array, "batch classes"]:
        activation = scaled_tanh if self.classic else nn.relu
        x = x[..., None]
        for layer, (features, padding) in enumerate(zip((6, 16), self.padding, strict=True)):
            x = Conv(features, self.size, padding, self.method)(x)
            if self.batch_norm:
                x = BatchNorm()(x, train)
            self.sow("intermediates", f"maps_{layer}", x)
            x = activation(Subsample()(x)) if self.classic else pool(activation(x))
        x = x.reshape(len(x), -1)
        for width in (120, 84):
            x = activation(nn.Dense(width, param_dtype=x.dtype)(x))
        return nn.Dense(self.classes, param_dtype=x.dtype)(x)


class Subsample(nn.Module):
    """LeNet's pooling of 1998: the mean over 2 x 2, times a gain, plus a bias, one of each for every map."""

    @nn.compact
    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch rows columns channels"]:
        gain = self.param("gain", jax.nn.initializers.ones, x.shape[-1:], x.dtype)
        bias = self.param("bias", jax.nn.initializers.zeros, x.shape[-1:], x.dtype)
        return gain * pool(x, jnp.mean) + bias


def scaled_tanh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """LeCun's squashing function ``1.7159 tanh(2x/3)``, which keeps +-1 at +-1."""
    return 1.7159 * jnp.tanh(x * (2 / 3))
