"""Attention equals JAX's and Flax's; causal means an exactly zero gradient from the future."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.networks.attention import Encoder, SelfAttention, attend, positions

BATCH, LENGTH, HEADS, DEPTH = 2, 5, 2, 4


@pytest.mark.parametrize("causal", [False, True])
def test_attend_equals_jax(causal):
    q, k, v = jax.random.normal(jax.random.key(0), (3, BATCH, LENGTH, HEADS, DEPTH))
    expected = jax.nn.dot_product_attention(q, k, v, is_causal=causal)
    np.testing.assert_allclose(attend(q, k, v, causal), expected, atol=1e-6)


def test_attend_finds_the_key_it_is_asked_for():
    keys = jnp.eye(4)[None, :, None, :]
    values = jnp.arange(4.0)[None, :, None, None] * jnp.ones(4)
    answer = attend(1e3 * keys[:, ::-1], keys, values)
    np.testing.assert_allclose(answer[0, :, 0, 0], [3, 2, 1, 0], atol=1e-6)


def test_layer_equals_flax_with_copied_weights():
    x = jax.random.normal(jax.random.key(1), (BATCH, LENGTH, HEADS * DEPTH))
    layer = nn.MultiHeadDotProductAttention(HEADS, use_bias=False)
    theirs = layer.init(jax.random.key(2), x)["params"]
    joint = jnp.concatenate([theirs[n]["kernel"].reshape(HEADS * DEPTH, -1) for n in ("query", "key", "value")], axis=1)
    out = theirs["out"]["kernel"].reshape(HEADS * DEPTH, -1)
    ours = {"query_key_value": {"kernel": joint}, "out": {"kernel": out}}
    found = SelfAttention(HEADS).apply({"params": ours}, x)
    np.testing.assert_allclose(found, layer.apply({"params": theirs}, x), atol=1e-6)


@pytest.mark.parametrize("causal", [False, True])
def test_the_future_has_no_say_exactly_when_causal(causal):
    net = Encoder(features=8, blocks=2, heads=2, hidden=8, causal=causal)
    x = jax.random.normal(jax.random.key(3), (1, LENGTH, 3))
    params = net.init(jax.random.key(4), x)
    seen = np.abs(jax.jacobian(lambda x: net.apply(params, x)[0])(x)[:, :, 0]).sum(
        (1, 3)
    )  # answer at row, input at column
    future = np.triu(np.ones((LENGTH, LENGTH), bool), 1)
    assert (seen[~future] > 0).all()
    assert (seen[future] == 0).all() if causal else (seen[future] > 0).all()


def test_without_positions_a_permutation_of_the_input_permutes_the_answer():
    x = jax.random.normal(jax.random.key(5), (1, LENGTH, 8))
    layer, order = SelfAttention(2), jnp.array([3, 0, 4, 1, 2])
    params = layer.init(jax.random.key(6), x)
    np.testing.assert_allclose(layer.apply(params, x[:, order]), layer.apply(params, x)[:, order], atol=1e-6)


def test_a_shift_in_time_turns_every_pair_of_position_codes_by_the_same_angle():
    code = np.asarray(positions(50, 6)).reshape(50, 3, 2)
    plane = code[..., 1] + 1j * code[..., 0]
    turn = plane[1:] / plane[:-1]
    np.testing.assert_allclose(turn, np.broadcast_to(np.exp(1j * 10_000.0 ** (-np.arange(3) / 3)), (49, 3)), atol=1e-4)


def test_refusals_name_value_and_remedy():
    with pytest.raises(ValueError, match="features is 7.*even"):
        positions(3, 7)
    with pytest.raises(ValueError, match="8 features.*3 heads.*divisor"):
        SelfAttention(3).init(jax.random.key(0), jnp.zeros((1, 2, 8)))
