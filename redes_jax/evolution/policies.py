"""Small networks that play: a policy is bound to its weights once, then acts at every frame.

``policy(params) -> act`` and ``act(observation) -> action``: what does not change during an episode is done when the
weights are bound, outside the loop over time. Two bindings of the same multilayer perceptron (tanh, Gaussian weights
over the square root of the inputs) give the same actions:

- :func:`elementwise` writes the products out: each hidden layer is a sum of rows of weights, one row a unit that feeds
  it, and each output a sum of numbers. Under ``vmap`` all of it is elementwise arithmetic over the population that the
  compiler joins into one pass, with no tiny batched matrix product in it. The best for a hundred weights.
- :func:`dense` is the textbook's matrix product, for nets whose written-out form would be too long to compile.
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
