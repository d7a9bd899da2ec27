"""Losses equal Optax's, stay finite at any logit, and their derivative is prediction minus target."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from redes_jax.learning.losses import binary_cross_entropy, cross_entropy, squared_error

LOGITS = jax.random.normal(jax.random.key(0), (7, 4)) * 5
LABELS = jnp.array([0, 1, 2, 3, 0, 1, 2], jnp.int32)


def test_equal_to_optax():
    np.testing.assert_allclose(
        cross_entropy(LOGITS, LABELS), optax.softmax_cross_entropy_with_integer_labels(LOGITS, LABELS), rtol=1e-5
    )
    z, y = LOGITS[:, 0], jnp.linspace(0, 1, 7)
    np.testing.assert_allclose(binary_cross_entropy(z, y), optax.sigmoid_binary_cross_entropy(z, y), rtol=1e-5)
    np.testing.assert_allclose(squared_error(z, y), optax.squared_error(z, y), rtol=1e-6)


def test_derivative_is_prediction_minus_target():
    found = jax.grad(lambda z: cross_entropy(z, LABELS).sum())(LOGITS)
    np.testing.assert_allclose(found, jax.nn.softmax(LOGITS) - jax.nn.one_hot(LABELS, 4), atol=1e-6)
    z, y = LOGITS[:, 0], jnp.linspace(0, 1, 7)
    found = jax.grad(lambda z: binary_cross_entropy(z, y).sum())(z)
    np.testing.assert_allclose(found, jax.nn.sigmoid(z) - y, atol=1e-6)


@pytest.mark.parametrize("size", [1e4, 1e30])
def test_finite_and_right_at_huge_logits(size):
    logits = jnp.array([[size, -size], [size, -size]])
    value, slope = jax.value_and_grad(lambda z: cross_entropy(z, jnp.array([0, 1])).sum())(logits)
    np.testing.assert_allclose(value, 2 * size, rtol=1e-6)
    np.testing.assert_array_equal(slope, [[0, 0], [1, -1]])
    value, slope = jax.value_and_grad(lambda z: binary_cross_entropy(z, jnp.array([1.0, 0.0])).sum())(logits[0])
    np.testing.assert_allclose(value, 0, atol=1e-6)
    np.testing.assert_array_equal(slope, [0, 0])
