"""Which examples are seen when, as arrays of indices."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int32


def epochs(key: Array, count: int, size: int, times: int) -> Int32[Array, "steps size"]:
    """Mini-batches for ``times`` passes over ``count`` examples, each pass in a new random order.

    With ``size = 1`` this is online learning, with ``size = count`` batch learning. A remainder smaller than a batch
    sits out its epoch; another order is drawn for the next, so that no example sits out for long.

    Args:
      key: of the shuffling.
      count: number of examples.
      size: examples in a batch.
      times: number of epochs.

    Returns:
      Indices below ``count``, a row for each step: ``times * (count // size)`` rows.

    Raises:
      ValueError: when a batch is empty or larger than the data.
    """
    if not 1 <= size <= count:
        raise ValueError(f"size is {size}: a batch of {count} examples holds between 1 and {count}")
    steps = count // size

    def epoch(key):
        return jax.random.permutation(key, count)[: steps * size].reshape(steps, size)

    orders = jax.lax.map(epoch, jax.random.split(key, times))
    return orders.reshape(times * steps, size).astype(jnp.int32)
