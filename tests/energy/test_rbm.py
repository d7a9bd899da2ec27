import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from redes_jax.energy import partition, rbm
from redes_jax.process import iterate


@pytest.fixture(scope="module", autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def params():
    """A small machine with weights strong enough that its units depend on each other."""
    keys = jax.random.split(jax.random.key(7), 3)
    return rbm.RBM(*(jax.random.normal(k, s, jnp.float64) for k, s in zip(keys, ((4, 3), (4,), (3,)), strict=True)))


@pytest.fixture(scope="module")
def batch():
    return jax.random.bernoulli(jax.random.key(8), 0.4, (10, 4)).astype(jnp.float64)


def every_state(units):
    return jnp.array(list(itertools.product((0.0, 1.0), repeat=units)))


def joint(params):
    """``p(v, h)`` of every pair by brute force, (2^v, 2^h)."""
    v, h = every_state(params.weights.shape[0]), every_state(params.weights.shape[1])
    p = np.exp([[x @ params.weights @ y + params.visible_bias @ x + params.hidden_bias @ y for y in h] for x in v])
    return v, h, p / p.sum(), np.log(p.sum())


def loss(params, batch):
    """The negative log-likelihood, exactly."""
    return -partition.log_likelihood(params, batch, partition.log_partition(params)).mean()


def one_step(process, params, keys, batch):
    """The gradient that each key's learning step followed, under plain descent at rate 1."""

    def gradient(key):
        state = process.init(jax.random.fold_in(key, 1), params)
        after, report = process.step(key, state, batch)
        return jax.tree.map(jnp.subtract, params, after.params), report

    return jax.jit(jax.vmap(gradient))(keys)


def test_free_energy_sums_the_hidden_states_out(params):
    v, h, _, _ = joint(params)
    summed = -np.log(sum(np.exp(-np.asarray(rbm.energy(params, v, jnp.broadcast_to(y, (len(v), 3))))) for y in h))
    np.testing.assert_allclose(rbm.free_energy(params, v), summed, rtol=1e-12)


def test_means_are_the_conditionals_of_the_joint(params):
    v, h, p, _ = joint(params)
    np.testing.assert_allclose(rbm.hidden_mean(params, v), (p @ h) / p.sum(1, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(rbm.visible_mean(params, h), (p.T @ v) / p.sum(0)[:, None], rtol=1e-12)


def test_gibbs_sampling_is_stationary_at_the_joint(params):
    v, h, p, _ = joint(params)
    chain = rbm.gibbs(params)
    hidden = chain.init(jax.random.key(0), 40_000)
    hidden, visible = jax.jit(
        lambda s: iterate(chain.step, jax.random.key(1), s, length=40, observe=lambda s, v: None)
    )(hidden)
    _, visible = chain.step(jax.random.key(2), hidden, None)
    for sample, expected in ((visible, p.sum(1)), (hidden, p.sum(0))):
        numbers = np.asarray(sample @ 2 ** jnp.arange(sample.shape[1])[::-1]).astype(int)
        seen = np.bincount(numbers, minlength=len(expected)) / len(numbers)
        assert np.abs(seen - expected).max() < 4.5 * np.sqrt(expected.max() / len(numbers))


def test_positive_phase_is_the_derivative_of_the_free_energy(params, batch):
    """The step's gradient less that of the fantasies, which a machine without weights draws as fair coins."""
    process = rbm.persistent_contrastive_divergence(optax.sgd(1.0), particles=50)
    state = process.init(jax.random.key(1), params)
    key = jax.random.key(2)
    after, report = process.step(key, state, batch)
    chain_key = jax.random.fold_in(key, 0)
    _, fantasies = rbm.gibbs(params).step(chain_key, state.particles, None)
    gap = lambda p: rbm.free_energy(p, batch).mean() - rbm.free_energy(p, fantasies).mean()  # noqa: E731
    for ours, theirs in zip(jax.tree.map(jnp.subtract, params, after.params), jax.grad(gap)(params), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    np.testing.assert_allclose(report.data - report.fantasies, gap(params), rtol=1e-6)


@pytest.mark.slow
def test_persistent_gradient_is_unbiased_when_the_fantasies_are_at_equilibrium(params, batch):
    process = rbm.persistent_contrastive_divergence(optax.sgd(1.0), particles=20, steps=25)
    ours, _ = one_step(process, params, jax.random.split(jax.random.key(3), 1_000), batch)
    for mean, spread, exact in zip(
        jax.tree.map(lambda g: g.mean(0), ours),
        jax.tree.map(lambda g: g.std(0), ours),
        jax.grad(loss)(params, batch),
        strict=True,
    ):
        assert (np.abs(mean - exact) < 4.5 * spread / np.sqrt(1_000)).all()


@pytest.mark.parametrize("steps", [1, 2])
def test_contrastive_divergence_in_expectation_is_that_of_enumerated_chains(params, batch, steps):
    v, h, p, _ = joint(params)
    to_hidden, to_visible = p / p.sum(1, keepdims=True), (p / p.sum(0)).T
    start = np.array([[(x == y).all() for y in v] for x in np.asarray(batch)], float)
    fantasies = start @ np.linalg.matrix_power(to_hidden @ to_visible, steps)
    expected = jax.grad(lambda q: rbm.free_energy(q, batch).mean() - (fantasies @ rbm.free_energy(q, v)).mean())(params)
    process = rbm.contrastive_divergence(optax.sgd(1.0), steps)
    ours, _ = one_step(process, params, jax.random.split(jax.random.key(4), 4_000), batch)
    for mean, spread, exact in zip(
        jax.tree.map(lambda g: g.mean(0), ours), jax.tree.map(lambda g: g.std(0), ours), expected, strict=True
    ):
        assert (np.abs(mean - exact) < 4.5 * spread / np.sqrt(4_000) + 1e-12).all()


def test_learning_reaches_the_entropy_of_two_copied_bits():
    """Units that copy each other in pairs: the best possible is the entropy of two fair coins."""
    batch = jnp.array([[x, x, y, 1 - y] for x in (0.0, 1.0) for y in (0.0, 1.0)])
    process = rbm.persistent_contrastive_divergence(optax.sgd(0.1), particles=100)
    params = rbm.initialise(jax.random.key(0), 4, 8, batch.mean(0), dtype=jnp.float64)
    np.testing.assert_allclose(loss(params, batch), 4 * np.log(2), atol=1e-2)
    state = process.init(jax.random.key(0), params)
    state, _ = iterate(process.step, jax.random.key(1), state, jnp.broadcast_to(batch, (2000, *batch.shape)))
    assert 2 * np.log(2) < loss(state.params, batch) < 2 * np.log(2) + 0.2


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="steps is 0"):
        rbm.contrastive_divergence(optax.sgd(1.0), 0)
    with pytest.raises(ValueError, match="particles is 0"):
        rbm.persistent_contrastive_divergence(optax.sgd(1.0), 0)
