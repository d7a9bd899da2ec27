"""Fast bits are JAX's bits: every draw equal to the last place."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax import bits

SHAPES = [(), (7,), (3, 5), (1000, 33)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "ours, theirs",
    [
        (bits.bits, jax.random.bits),
        (bits.uniform, jax.random.uniform),
        (bits.normal, jax.random.normal),
        (
            lambda key, shape: bits.uniform(key, shape, -2.0, 3.0),
            lambda key, shape: jax.random.uniform(key, shape, minval=-2.0, maxval=3.0),
        ),
        (lambda key, shape: bits.bernoulli(key, 0.3, shape), lambda key, shape: jax.random.bernoulli(key, 0.3, shape)),
    ],
    ids=["bits", "uniform", "normal", "range", "bernoulli"],
)
def test_equal_to_jax_random(key, shape, ours, theirs):
    np.testing.assert_array_equal(jax.jit(lambda k: ours(k, shape))(key), jax.jit(lambda k: theirs(k, shape))(key))


def test_equal_under_vmap_and_with_raw_keys(key):
    keys = jax.random.split(key, 3)
    draw = jax.vmap(lambda k: bits.bits(k, (4,)))(keys)
    np.testing.assert_array_equal(draw, jax.vmap(lambda k: jax.random.bits(k, (4,)))(keys))
    np.testing.assert_array_equal(bits.bits(jax.random.key_data(key), (4,)), bits.bits(key, (4,)))


def test_other_generators_are_left_to_jax():
    key = jax.random.key(0, impl="rbg")
    np.testing.assert_array_equal(bits.bits(key, (4,)), jax.random.bits(key, (4,)))


def test_p_gives_the_shape(key):
    assert bits.bernoulli(key, jnp.full((2, 3), 0.5)).shape == (2, 3)
