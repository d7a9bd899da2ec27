"""Descent beside its closed form, with buffers, in populations, and with a rate that is an argument."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.tree_util import Partial

from redes_jax.learning.gradient import Descent, descend
from redes_jax.learning.splits import epochs
from redes_jax.networks.mlp import MLP
from redes_jax.process import iterate, population

CURVATURE = jnp.array([1.0, 3.0])


def bowl(params, buffers, key, batch):
    """A quadratic whose descent is known: w_t = (1 - rate * curvature)^t w_0."""
    del key, batch
    return 0.5 * (CURVATURE * params**2).sum(), (buffers + 1, {"size": jnp.abs(params).max()})


def start(key):
    return 1.0 + jax.random.uniform(key, (2,)), jnp.zeros(())


def test_plain_descent_equals_its_closed_form():
    process = descend(bowl, optax.sgd(0.1))
    first = process.init(jax.random.key(0), start)
    last, seen = iterate(process.step, jax.random.key(1), first, length=20)
    np.testing.assert_allclose(last.params, (1 - 0.1 * CURVATURE) ** 20 * first.params, rtol=1e-5)
    assert last.buffers == 20
    np.testing.assert_allclose(seen["loss"][0], 0.5 * (CURVATURE * first.params**2).sum(), rtol=1e-6)
    np.testing.assert_allclose(seen["gradient_norm"][0], jnp.linalg.norm(CURVATURE * first.params), rtol=1e-6)
    assert seen["finite"].all() and set(seen) == {"loss", "gradient_norm", "finite", "size"}


def test_every_seed_and_every_rate_at_once():
    rates = jnp.array([0.05, 0.1, 0.7])

    def run(rate):
        members = population(descend(bowl, optax.sgd(rate)), 4)
        return iterate(members.step, jax.random.key(1), members.init(jax.random.key(0), start), length=30)

    last, seen = jax.vmap(run)(rates)
    first = population(descend(bowl, optax.sgd(0.1)), 4).init(jax.random.key(0), start).params
    expected = (1 - rates[:, None, None] * CURVATURE) ** 30 * first
    np.testing.assert_allclose(last.params, expected, rtol=1e-4)
    assert seen["loss"].shape == (3, 30, 4)


def test_another_rate_compiles_nothing_again():
    traced = []

    def step(rate, key, state, batch):
        traced.append(rate)
        return descend(bowl, optax.adam(rate)).step(key, state, batch)

    run = jax.jit(lambda step, state: iterate(step, jax.random.key(0), state, length=3)[0])
    state = descend(bowl, optax.adam(0.1)).init(jax.random.key(0), start)
    one, two = run(Partial(step, 0.1), state), run(Partial(step, 0.2), state)
    assert len(traced) == 1
    assert not jnp.array_equal(one.params, two.params)


def test_divergence_is_reported_in_the_output():
    process = descend(bowl, optax.sgd(1e3))
    _, seen = iterate(process.step, jax.random.key(0), process.init(jax.random.key(0), start), length=30)
    finite = np.asarray(seen["finite"])
    assert finite[0] and not finite[-1] and (np.diff(finite.astype(int)) <= 0).all()


def test_a_metric_may_not_take_the_name_of_the_learners_own():
    process = descend(lambda p, b, k, x: (p.sum(), (b, {"loss": p.sum()})), optax.sgd(0.1))
    with pytest.raises(ValueError, match=r"metrics named \['loss'\].*rename"):
        process.step(jax.random.key(0), process.init(jax.random.key(0), start), None)


def test_batch_norm_travels_in_the_buffers():
    net = MLP((8, 1), batch_norm=True)
    x = 4 + 2 * jax.random.normal(jax.random.key(0), (256, 3))
    y = jnp.sin(x.sum(1, keepdims=True))

    def loss(params, buffers, key, batch):
        variables = {"params": params, "batch_stats": buffers}
        out, moved = net.apply(variables, x[batch], train=True, mutable=["batch_stats"])
        return ((out - y[batch]) ** 2).mean(), (moved["batch_stats"], {})

    def initialise(key):
        variables = net.init(key, x)
        return variables["params"], variables["batch_stats"]

    process = descend(loss, optax.adam(0.01))
    state = process.init(jax.random.key(1), initialise)
    state, seen = iterate(process.step, jax.random.key(2), state, epochs(jax.random.key(3), 256, 32, 40))
    assert isinstance(state, Descent)
    assert seen["loss"][-8:].mean() < 0.5 * seen["loss"][:8].mean()
    sums = x @ state.params["Dense_0"]["kernel"] + state.params["Dense_0"]["bias"]
    np.testing.assert_allclose(state.buffers["BatchNorm_0"]["mean"], sums.mean(0), atol=0.3)


def test_each_epoch_sees_every_example_once():
    order = np.asarray(epochs(jax.random.key(0), 12, 4, 3)).reshape(3, 12)
    np.testing.assert_array_equal(np.sort(order), np.tile(np.arange(12), (3, 1)))
    assert len(np.unique(order, axis=0)) == 3
    ragged = np.asarray(epochs(jax.random.key(0), 11, 4, 2)).reshape(2, 8)
    assert all(len(np.unique(row)) == 8 for row in ragged)


def test_a_batch_fits_the_data():
    with pytest.raises(ValueError, match="size is 13.*12 examples.*between 1 and 12"):
        epochs(jax.random.key(0), 12, 13, 1)
