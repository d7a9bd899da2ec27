"""The same random bits as ``jax.random``, faster on CPU.

JAX's Threefry-2x32 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) is a chain of twenty
add-rotate-xor rounds. On CPU, XLA compiles JAX's own as a rolled loop; written out in plain ``jnp`` the rounds fuse with
whatever uses the bits. Same key, same shape: the same bits to the last, so either may replace the other.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float32, UInt32

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def bits(key: Array, shape: tuple[int, ...]) -> UInt32[Array, "..."]:
    """Uniform 32-bit integers, equal to ``jax.random.bits(key, shape)``.

    Args:
      key: a scalar Threefry key, typed or raw. Keys of another generator are handed to ``jax.random.bits``.
      shape: the shape wanted.
    """
    if not _is_threefry(key):
        return jax.random.bits(key, shape)
    data = jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key
    size = 1
    for n in shape:
        size *= n
    if size >= 2**32:
        raise ValueError(f"bits of shape {shape}: {size} numbers, the bound is 2**32 - 1; draw them in parts")
    low = lax.iota(jnp.uint32, size).reshape(shape)
    first, second = _threefry(data[0], data[1], jnp.zeros_like(low), low)
    return first ^ second


def uniform(key: Array, shape: tuple[int, ...] = (), minval: Any = 0.0, maxval: Any = 1.0) -> Float32[Array, "..."]:
    """Uniform float32 in ``[minval, maxval)``, equal under ``jit`` to ``jax.random.uniform(key, shape, float32, minval, maxval)``."""
    minval, maxval = jnp.float32(minval), jnp.float32(maxval)
    mantissa = (bits(key, shape) >> 9) | jnp.uint32(0x3F800000)
    unit = lax.bitcast_convert_type(mantissa, jnp.float32) - 1.0
    return jnp.maximum(minval, unit * (maxval - minval) + minval)


def bernoulli(key: Array, p, shape: tuple[int, ...] | None = None):
    """Booleans that are True with probability ``p``, equal to ``jax.random.bernoulli(key, p, shape)`` for float32 ``p``."""
    p = jnp.asarray(p, jnp.float32)
    return uniform(key, p.shape if shape is None else shape) < p


def normal(key: Array, shape: tuple[int, ...] = ()) -> Float32[Array, "..."]:
    """Standard Gaussian float32, equal to ``jax.random.normal(key, shape, float32)``."""
    low = jnp.nextafter(jnp.float32(-1), jnp.float32(0))
    return jnp.float32(2**0.5) * lax.erf_inv(uniform(key, shape, low, 1.0))


def _threefry(key0, key1, x0, x1):
    schedule = (key0, key1, key0 ^ key1 ^ jnp.uint32(_PARITY))
    x0, x1 = x0 + schedule[0], x1 + schedule[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = ((x1 << rotation) | (x1 >> (32 - rotation))) ^ x0
        x0 = x0 + schedule[(group + 1) % 3]
        x1 = x1 + schedule[(group + 2) % 3] + jnp.uint32(group + 1)
    return x0, x1


def _is_threefry(key):
    if not jax.config.jax_threefry_partitionable:  # pyright: ignore[reportAttributeAccessIssue]
        return False
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return str(jax.random.key_impl(key)) == "threefry2x32"
    return key.shape == (2,)
