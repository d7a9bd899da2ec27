"""Small networks that play: a policy is bound to its weights once, then acts at every frame.

``policy(params) -> act`` and ``act(observation) -> action``: what does not change during an episode is done when the
weights are bound, outside the loop over time. Two bindings of the same multilayer perceptron (tanh, Gaussian weights
over the square root of the inputs) give the same actions:

- :func:`elementwise` writes the products out: each hidden layer is a sum of rows of weights, one row a unit that feeds
  it, and each output a sum of numbers. Under ``vmap`` all of it is elementwise arithmetic over the population that the
  compiler joins into one pass, with no tiny batched matrix product in it. The best for a hundred weights.
- :func:`dense` is the textbook's matrix product, for nets whose written-out form would be too long to compile.

For a game seen as pixels, :func:`pixels` puts one layer of convolution before the same perceptron. In a population the
policy is the cost, not the game, so the windows stand two cells apart and are laid out by slices for one matrix product.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

_WRITTEN_OUT = 512


class Layer(NamedTuple):
    """One layer of weights; a network is a tuple of them."""

    kernel: Float[Array, "inputs outputs"]
    bias: Float[Array, " outputs"]


def init(key: Array, sizes: tuple[int, ...]) -> tuple[Layer, ...]:
    """Weights of a multilayer perceptron: Gaussian of variance 1 / inputs, biases zero (LeCun et al., "Efficient
    backprop", 1998).

    Args:
      key: consumed.
      sizes: units of each layer, from the observation to the outputs: ``(4, 16, 2)``.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes is {sizes}: give at least inputs and outputs, every layer with at least 1 unit")
    layers = []
    for number, (inputs, outputs) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        kernel = jax.random.normal(jax.random.fold_in(key, number), (inputs, outputs)) / math.sqrt(inputs)
        layers.append(Layer(kernel, jnp.zeros(outputs, kernel.dtype)))
    return tuple(layers)


def greedy(outputs: list[Float[Array, ""]]) -> Int[Array, ""]:
    """The number of the largest output, the first of equals: the action of a net that scores actions."""
    best, action = outputs[0], jnp.zeros(jnp.shape(outputs[0]), jnp.int32)
    for number, output in enumerate(outputs[1:], 1):
        action = jnp.where(output > best, number, action)
        best = jnp.maximum(output, best)
    return action


def elementwise(params: tuple[Layer, ...], head: Callable = greedy) -> Callable[[Float[Array, " features"]], Array]:
    """The network as sums of products.

    Args:
      params: the layers.
      head: takes the list of outputs and gives the action.
    """
    *hidden, (last, shift) = params
    layers = [(list(kernel), bias) for kernel, bias in hidden]
    columns = [(list(column), start) for column, start in zip(last.T, shift, strict=True)]

    def act(observation):
        units = observation
        for rows, bias in layers:
            units = jnp.tanh(sum((units[i] * row for i, row in enumerate(rows)), start=bias))
        return head(
            [sum((units[i] * weight for i, weight in enumerate(column)), start=start) for column, start in columns]
        )

    return act


def dense(params: tuple[Layer, ...], head: Callable = greedy) -> Callable[[Float[Array, " features"]], Array]:
    """The network as matrix products; arguments as :func:`elementwise`."""

    def act(observation):
        units = observation
        for number, (kernel, bias) in enumerate(params):
            units = units @ kernel + bias
            if number < len(params) - 1:
                units = jnp.tanh(units)
        return head([units[i] for i in range(units.shape[0])])

    return act


def mlp(params: tuple[Layer, ...], head: Callable = greedy) -> Callable[[Float[Array, " features"]], Array]:
    """The faster of :func:`elementwise` and :func:`dense` for a network of this size."""
    count = sum(layer.kernel.size for layer in params)
    return elementwise(params, head) if count <= _WRITTEN_OUT else dense(params, head)


class Pixels(NamedTuple):
    """A network for pixels: a convolution, and the layers that read its features."""

    kernel: Float[Array, "window window channels features"]
    bias: Float[Array, " features"]
    layers: tuple[Layer, ...]


def init_pixels(
    key: Array,
    shape: tuple[int, int, int],
    outputs: int,
    *,
    features: int = 16,
    window: int = 4,
    stride: int = 2,
    hidden: tuple[int, ...] = (32,),
) -> Pixels:
    """Weights of a network for :func:`pixels`: Gaussian of variance 2 / inputs before a rectifier (He et al., "Delving
    deep into rectifiers", 2015) and 1 / inputs before the outputs, biases zero.

    Args:
      key: consumed.
      shape: of an observation: rows, columns, channels.
      outputs: one an action.
      features: of the convolution.
      window: cells a side that a feature sees.
      stride: cells from one window to the next.
      hidden: units of the layers between features and outputs.
    """
    rows, columns, channels = shape
    if min(rows, columns) < window:
        raise ValueError(f"window is {window}: an observation of {rows} x {columns} cells is smaller, take less")
    if stride < 1 or features < 1:
        raise ValueError(f"stride is {stride} and features {features}: both must be at least 1")
    filters, rest = jax.random.split(key)
    kernel = jax.random.normal(filters, (window, window, channels, features))
    windows = ((rows - window) // stride + 1) * ((columns - window) // stride + 1)
    *inner, last = init(rest, (windows * features, *hidden, outputs))
    inner = [Layer(math.sqrt(2) * kernel, bias) for kernel, bias in inner]
    kernel = kernel * math.sqrt(2 / (window * window * channels))
    return Pixels(kernel, jnp.zeros(features, kernel.dtype), (*inner, last))


def pixels(
    params: Pixels, head: Callable = greedy, *, stride: int = 2
) -> Callable[[Float[Array, "rows columns channels"]], Array]:
    """A convolution and a perceptron, both rectified.

    Args:
      params: see :func:`init_pixels`.
      head: takes the list of outputs and gives the action; ``jnp.stack`` gives the outputs themselves.
      stride: as the weights were made for.
    """
    window, _, channels, features = params.kernel.shape
    filters = params.kernel.reshape(-1, features)
    *inner, last = params.layers

    def act(observation):
        rows, columns = ((side - window) // stride + 1 for side in observation.shape[:2])
        shifts = [
            observation[i : i + stride * rows : stride, j : j + stride * columns : stride][:rows, :columns]
            for i in range(window)
            for j in range(window)
        ]
        patches = jnp.concatenate(shifts, axis=-1).reshape(rows * columns, window * window * channels)
        units = jax.nn.relu(patches @ filters + params.bias).reshape(-1)
        for kernel, bias in inner:
            units = jax.nn.relu(units @ kernel + bias)
        outputs = units @ last.kernel + last.bias
        return head([outputs[i] for i in range(outputs.shape[0])])

    return act
