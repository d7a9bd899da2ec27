"""Scalar loops, matrices and Flax give one forward pass."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.networks import mlp
from redes_jax.networks.normalisation import BatchNorm


def test_scalar_matrix_and_flax_agree():
    widths = (3, 5, 4, 2)
    x = jax.random.normal(jax.random.key(0), (6, 3))
    params = mlp.init(jax.random.key(1), widths)
    params = [mlp.Layer(w, b + 0.1 * i) for i, (w, b) in enumerate(params)]

    def by_hand(example):
        values = [float(v) for v in example]
        for depth, (w, b) in enumerate(params):
            sums = [sum(v * float(w[i, j]) for i, v in enumerate(values)) + float(b[j]) for j in range(w.shape[1])]
            values = [np.tanh(s) for s in sums] if depth < len(params) - 1 else sums
        return values

    matrix = mlp.apply(params, x)
    flax = mlp.MLP(widths[1:]).apply(
        {"params": {f"Dense_{i}": {"kernel": w, "bias": b} for i, (w, b) in enumerate(params)}}, x
    )
    np.testing.assert_allclose(matrix, [by_hand(example) for example in x], atol=1e-6)
    np.testing.assert_allclose(matrix, flax, atol=1e-6)


def test_initial_weights_keep_the_variance_of_their_input():
    (layer, _) = mlp.init(jax.random.key(0), (400, 300, 1))
    assert abs(layer.weights.var() * 400 - 1) < 0.03
    assert not layer.bias.any()


def test_batch_norm_hands_on_standardised_sums():
    x = 5 + 3 * jax.random.normal(jax.random.key(0), (64, 4))
    net = mlp.MLP((3, 3), activation=lambda x: x, batch_norm=True)
    variables = net.init(jax.random.key(1), x)
    params = {**variables["params"], "Dense_1": {"kernel": jnp.eye(3), "bias": jnp.zeros(3)}}
    out, _ = net.apply({**variables, "params": params}, x, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(0), 1, atol=1e-3)


def test_batch_norm_equals_flax():
    x = 5 + 3 * jax.random.normal(jax.random.key(0), (16, 2, 4))
    theirs = nn.BatchNorm(momentum=0.9)
    variables = theirs.init(jax.random.key(1), x, use_running_average=True)
    variables = jax.tree.map(lambda leaf: leaf + jnp.linspace(0.1, 0.9, 4), variables)
    expected, their_stats = theirs.apply(variables, x, use_running_average=False, mutable=["batch_stats"])
    found, our_stats = BatchNorm().apply(variables, x, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    chex.assert_trees_all_close(our_stats, their_stats, rtol=1e-5)
    found = BatchNorm().apply(variables, x, train=False)
    np.testing.assert_allclose(found, theirs.apply(variables, x, use_running_average=True), atol=1e-5)


def test_a_network_has_two_ends():
    with pytest.raises(ValueError, match=r"widths is \(3,\).*inputs and of outputs"):
        mlp.init(jax.random.key(0), (3,))
