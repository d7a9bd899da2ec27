"""Cells equal Flax's own with copied weights, unrolled as one scan; gates behave as their equations say."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.networks.recurrent import GRU, LSTM, Unrolled, Vanilla

BATCH, TIME, INPUTS, FEATURES = 3, 6, 2, 5


@pytest.fixture(scope="module")
def xs():
    return jax.random.normal(jax.random.key(0), (BATCH, TIME, INPUTS))


def _flax(cell, xs):
    """Flax's cell with random biases too, so that a bias in the wrong place shows; its parameters and its outputs."""
    layer = nn.RNN(cell)
    params = layer.init(jax.random.key(1), xs)["params"]
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(2), len(leaves))
    params = tree.unflatten([x + 0.3 * jax.random.normal(k, x.shape) for k, x in zip(keys, leaves, strict=True)])
    return params["cell"], layer.apply({"params": params}, xs)


def _kernels(params, names):
    return jnp.concatenate([params[name]["kernel"] for name in names], axis=1)


def _biases(params, names):
    return jnp.concatenate([params[name]["bias"] for name in names])


def test_lstm_equals_flax(xs):
    theirs, expected = _flax(nn.LSTMCell(FEATURES), xs)
    of_x, of_h = _kernels(theirs, ("ii", "if", "ig", "io")), _kernels(theirs, ("hi", "hf", "hg", "ho"))
    ours = {"weights": jnp.concatenate([of_x, of_h]), "bias": _biases(theirs, ("hi", "hf", "hg", "ho"))}
    (_, h), found = Unrolled(LSTM(FEATURES)).apply({"params": {"cell": ours}}, xs)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(h, found[:, -1])


def test_gru_equals_flax(xs):
    theirs, expected = _flax(nn.GRUCell(FEATURES), xs)
    ours = {
        "inward": _kernels(theirs, ("ir", "iz", "in")),
        "recurrent": _kernels(theirs, ("hr", "hz", "hn")),
        "bias": _biases(theirs, ("ir", "iz", "in")),
        "candidate_bias": theirs["hn"]["bias"],
    }
    _, found = Unrolled(GRU(FEATURES)).apply({"params": {"cell": ours}}, xs)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_vanilla_equals_flax(xs):
    theirs, expected = _flax(nn.SimpleCell(FEATURES), xs)
    ours = {"weights": jnp.concatenate([theirs["i"]["kernel"], theirs["h"]["kernel"]]), "bias": theirs["i"]["bias"]}
    _, found = Unrolled(Vanilla(FEATURES)).apply({"params": {"cell": ours}}, xs)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("cell", [Vanilla(FEATURES), LSTM(FEATURES), GRU(FEATURES)], ids=lambda c: type(c).__name__)
def test_a_sequence_in_two_parts_is_the_whole(cell, xs):
    net = Unrolled(cell)
    params = net.init(jax.random.key(3), xs)
    _, whole = net.apply(params, xs)
    carry, first = net.apply(params, xs[:, :2])
    _, second = net.apply(params, xs[:, 2:], carry)
    np.testing.assert_allclose(jnp.concatenate([first, second], axis=1), whole, atol=1e-6)


def test_recurrent_weights_of_every_gate_start_orthogonal():
    weights = LSTM(FEATURES).init(jax.random.key(0), LSTM(FEATURES).rest((1,), jnp.float32), jnp.zeros((1, INPUTS)))
    for gate in jnp.split(weights["params"]["weights"][INPUTS:], 4, axis=1):
        np.testing.assert_allclose(gate @ gate.T, np.eye(FEATURES), atol=1e-5)


def test_chrono_bias_remembers_for_up_to_longest_steps():
    cell = LSTM(2_000, longest=1_000)
    bias = cell._bias(jax.random.key(0), (8_000,), jnp.float32)
    i, f, g, o = np.split(np.asarray(bias), 4)
    np.testing.assert_array_equal(i, -f)
    assert not g.any() and not o.any()
    time_scale = 1 / (1 - 1 / (1 + np.exp(-f.astype(np.float64))))
    assert 2 <= time_scale.min() and time_scale.max() <= 1_000
    assert abs(time_scale.mean() - 501) < 25  # uniform over 2 to 1 000; the mean's standard error is 6.4


def test_the_longest_dependency_must_exceed_two_steps():
    with pytest.raises(ValueError, match="longest is 2.*give 3 or more"):
        GRU(4, longest=2)._bias(jax.random.key(0), (12,), jnp.float32)
