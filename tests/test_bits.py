"""Fast bits are JAX's bits: every draw equal to the last place."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

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
    np.testing.assert_array_equal(bits.gaussian(key, (4,)), jax.random.normal(key, (4,)))


def test_gaussian_noise_has_the_law(key):
    """By Kolmogorov and Smirnov, by the moments to the eighth, and in the tails; keys that follow one another are no kin."""
    many = 2_000_000
    one, other = (
        np.asarray(jax.jit(bits.gaussian, static_argnums=1)(jax.random.fold_in(key, i), (many,))) for i in (0, 1)
    )
    assert scipy.stats.kstest(one, "norm").pvalue > 1e-3
    x = one.astype(np.float64)
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3), (6, 15), (8, 105)):
        error = np.sqrt((scipy.stats.norm.moment(2 * power) - moment**2) / many)
        assert abs(np.mean(x**power) - moment) < 4 * error, power
    for bound in (3.0, 4.0, 4.5):
        low, high = scipy.stats.binom(many, 2 * scipy.stats.norm.sf(bound)).interval(1 - 1e-4)
        assert low <= np.sum(np.abs(x) > bound) <= high, bound
    for partner in (np.roll(one, 1), np.roll(one, 1000), other):
        for power in (1, 2):
            assert abs(np.corrcoef(one**power, partner**power)[0, 1]) < 4.5 / np.sqrt(many)


def test_every_bit_of_a_counter_and_a_key_turns_half_of_the_bits():
    """Thirteen rounds mix as well as twenty: one bit of the input turns each bit of the output in half of all cases."""
    draws = 1 << 14
    words = jax.random.bits(jax.random.key(1), (4, draws))
    mixed = jnp.stack(bits._threefry(*words, rounds=13))
    place = jnp.arange(32, dtype=jnp.uint32)

    def turned(which, bit):
        changed = jnp.stack(bits._threefry(*words.at[which].set(words[which] ^ (jnp.uint32(1) << bit)), rounds=13))
        return jnp.mean((((changed ^ mixed)[..., None] >> place) & 1).astype(jnp.float32), axis=1)

    share = jax.jit(jax.vmap(jax.vmap(turned, (None, 0)), (0, None)))(jnp.arange(4), place)
    assert np.abs(np.asarray(share) - 0.5).max() < 5.5 * 0.5 / np.sqrt(
        draws
    )  # 8 192 shares, each within 5.5 deviations


def test_p_gives_the_shape(key):
    assert bits.bernoulli(key, jnp.full((2, 3), 0.5)).shape == (2, 3)
