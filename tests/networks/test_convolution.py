"""Both routes of the convolution equal SciPy; pooling equals Flax; LeNet-5 has the weights of 1998."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate2d

from redes_jax.networks.convolution import Conv, LeNet5, convolve, pool


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("size", [2, 5])
@pytest.mark.parametrize("method", ["matmul", "conv"])
def test_convolution_equals_scipy(padding, size, method):
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(2, 9, 7, 3)).astype("f"), rng.normal(size=(size, size, 3, 4)).astype("f")
    expected = np.zeros((2, 9, 7, 4) if padding == "SAME" else (2, 10 - size, 8 - size, 4))
    pad = ((size - 1) // 2, size // 2)
    for n, k, c in np.ndindex(2, 4, 3):
        image = np.pad(x[n, ..., c], pad) if padding == "SAME" else x[n, ..., c]
        expected[n, ..., k] += correlate2d(image, kernel[..., c, k], "valid")
    np.testing.assert_allclose(convolve(jnp.asarray(x), jnp.asarray(kernel), padding, method), expected, atol=1e-4)


def test_both_routes_have_the_same_gradient():
    x = jax.random.normal(jax.random.key(0), (2, 6, 6, 3))
    kernel = jax.random.normal(jax.random.key(1), (3, 3, 3, 2))

    def energy(x, kernel, method):
        return (convolve(x, kernel, "SAME", method) ** 2).sum()

    one, two = (jax.grad(energy, (0, 1))(x, kernel, method) for method in ("matmul", "conv"))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3), one, two)


def test_layer_shares_its_parameters_with_flax():
    x = jax.random.normal(jax.random.key(0), (2, 8, 8, 3))
    theirs = nn.Conv(4, (5, 5), padding="SAME")
    params = theirs.init(jax.random.key(1), x)
    np.testing.assert_allclose(Conv(4, 5, "SAME").apply(params, x), theirs.apply(params, x), atol=1e-5)


@pytest.mark.parametrize(("reduce", "flax"), [(jnp.max, nn.max_pool), (jnp.mean, nn.avg_pool)])
def test_pool_equals_flax(reduce, flax):
    x = jax.random.normal(jax.random.key(0), (2, 7, 6, 3))
    np.testing.assert_allclose(pool(x, reduce), flax(x, (2, 2), (2, 2)), atol=1e-6)


def _weights(net, size):
    variables = jax.eval_shape(lambda: net.init(jax.random.key(0), jnp.zeros((1, size, size))))
    return {name: sum(leaf.size for leaf in jax.tree.leaves(layer)) for name, layer in variables["params"].items()}


def test_lenet_counts_its_weights_as_lecun_did():
    """LeCun 1998, section II.B: C1 156, S2 12, S4 32, C5 48 120, F6 10 164. C3 sees all maps here: 2 416, not 1 516."""
    assert _weights(LeNet5(classic=True), 28) == {
        "Conv_0": 156, "Subsample_0": 12, "Conv_1": 2_416, "Subsample_1": 32,
        "Dense_0": 48_120, "Dense_1": 10_164, "Dense_2": 850,
    }  # fmt: skip
    assert sum(_weights(LeNet5(), 28).values()) == 61_706


@pytest.mark.slow
def test_lenet_sees_no_order_in_the_batch_until_batch_norm_trains():
    images = jax.random.uniform(jax.random.key(0), (4, 8, 8))
    net = LeNet5(size=3, padding=("SAME", "SAME"), batch_norm=True)
    variables = net.init(jax.random.key(1), images)
    alone = jnp.concatenate([net.apply(variables, image[None]) for image in images])
    np.testing.assert_allclose(net.apply(variables, images), alone, atol=1e-5)
    _, moved = net.apply(variables, images, train=True, mutable=["batch_stats"])
    before, after = variables["batch_stats"]["BatchNorm_0"]["mean"], moved["batch_stats"]["BatchNorm_0"]["mean"]
    maps = convolve(images[..., None], variables["params"]["Conv_0"]["kernel"], "SAME")
    np.testing.assert_allclose(after, 0.9 * before + 0.1 * maps.mean((0, 1, 2)), atol=1e-6)
