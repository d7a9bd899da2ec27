"""Strategies against closed forms, SciPy, and themselves on other numbers of devices."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.stats

from redes_jax import devices
from redes_jax.evolution.asktell import ranks
from redes_jax.evolution.strategies import centred_ranks, evolve, ga, openes, smoothed_gradient
from redes_jax.process import iterate, population

STRATEGIES = {
    "ga": ga(64, parents=16, elites=1, sigma=0.1, decay=0.97),
    "openes": openes(64, sigma=0.1, learning_rate=0.05),
}


def sphere(key, params, input):
    del key, input
    return -sum(jnp.sum((leaf - 1) ** 2) for leaf in jax.tree.leaves(params))


def rosenbrock(key, params, input):
    del key, input
    return -(100 * (params["y"] - params["x"] ** 2) ** 2 + (1 - params["x"]) ** 2)


def test_centred_ranks_are_scipy_ranks():
    values = np.array([3.0, -1.0, 3.0, np.inf, -np.inf, 0.5, 3.0, -1.0], np.float32)
    expected = (scipy.stats.rankdata(values) - 1) / (len(values) - 1) - 0.5
    np.testing.assert_allclose(centred_ranks(jnp.asarray(values)), expected, atol=1e-7)
    np.testing.assert_array_equal(centred_ranks(jnp.full(10, 500.0)), 0)


@pytest.mark.parametrize("members", [40, 600])  # counted, and sorted
def test_ranks_are_scipy_ranks_with_ties(members):
    values = np.random.default_rng(0).integers(0, members // 3, members).astype(np.float32)
    values[3] = -np.inf
    np.testing.assert_array_equal(ranks(jnp.asarray(values)), scipy.stats.rankdata(-values, "ordinal") - 1)
    expected = (scipy.stats.rankdata(values) - 1) / (members - 1) - 0.5
    np.testing.assert_allclose(centred_ranks(jnp.asarray(values)), expected, atol=1e-6)


def test_centred_ranks_see_only_the_order():
    values = jax.random.normal(jax.random.key(0), (101,))
    np.testing.assert_array_equal(centred_ranks(values), centred_ranks(jnp.exp(3 * values)))


def test_smoothed_gradient_of_linear_and_quadratic():
    """E[f(mean + sigma e)] of f = a x + x' Q x / 2 has the gradient a + Q mean: the estimate is without bias."""
    size, pairs, sigma = 5, 200_000, 0.3
    keys = jax.random.split(jax.random.key(1), 4)
    a, mean = jax.random.normal(keys[0], (size,)), jax.random.normal(keys[1], (size,))
    root = jax.random.normal(keys[2], (size, size))
    Q = root @ root.T
    noise = jax.random.normal(keys[3], (pairs, size))
    noise = jnp.concatenate([noise, -noise])
    points = mean + sigma * noise
    values = points @ a + 0.5 * jnp.einsum("ni,ij,nj->n", points, Q, points)
    samples = np.asarray(values[:, None] * noise / sigma).reshape(2, pairs, size).mean(0)
    error = samples.std(0) / np.sqrt(pairs)
    estimate = smoothed_gradient(noise, values, sigma)
    np.testing.assert_allclose(estimate, samples.mean(0), rtol=1e-3, atol=1e-3)
    np.testing.assert_array_less(np.abs(estimate - (a + Q @ mean)), 4.5 * error)
    assert np.all(error < 0.02 * np.linalg.norm(a + Q @ mean))


def test_openes_without_shaping_is_stochastic_gradient_ascent():
    """With raw fitness f = a x and the plain rate, a step is rate / n sum (a e) e for the noise that was asked."""
    a = jnp.array([1.0, -2.0, 0.5])
    rate, sigma = 0.1, 0.2
    strategy = openes(40, sigma=sigma, learning_rate=rate, optimiser=optax.identity(), shape=lambda fitness: fitness)
    key, mean = jax.random.key(0), jnp.array([0.3, 0.1, -0.2])
    state = strategy.init(key, mean)
    members = strategy.ask(key, state)
    np.testing.assert_allclose(members[:20] + members[20:], jnp.broadcast_to(2 * mean, (20, 3)), atol=1e-6)
    noise = (members - mean) / sigma
    moved = strategy.tell(key, state, members, members @ a).mean
    np.testing.assert_allclose(moved - mean, rate * (noise * (noise @ a)[:, None]).mean(0), rtol=1e-4)


@pytest.mark.parametrize("name", STRATEGIES)
def test_sphere(name):
    process = evolve(STRATEGIES[name], sphere)
    params = {"kernel": jnp.zeros((3, 2)), "bias": jnp.zeros(4)}
    state, shown = iterate(process.step, jax.random.key(0), process.init(jax.random.key(1), params), length=200)
    assert jax.tree.map(jnp.shape, state.best) == jax.tree.map(jnp.shape, params)
    assert sphere(None, state.best, None) > -1e-2
    assert shown.best[0] < -5 and np.all(shown.finite == 1) and np.all(shown.best >= shown.mean)


@pytest.mark.parametrize("name", STRATEGIES)
def test_rosenbrock(name):
    strategy = (
        ga(256, parents=32, sigma=0.2, decay=0.98) if name == "ga" else openes(256, sigma=0.02, learning_rate=0.02)
    )
    process = evolve(strategy, rosenbrock)
    start = {"x": jnp.array(-1.2), "y": jnp.array(1.0)}
    state, _ = iterate(process.step, jax.random.key(0), process.init(jax.random.key(1), start), length=600)
    np.testing.assert_allclose([state.best["x"], state.best["y"]], 1, atol=0.15)


def test_elites_live_on():
    """On a fitness without chance the best never falls while an elite lives on; without elites it does."""

    def best(elites):
        process = evolve(ga(32, parents=8, elites=elites, sigma=0.5), sphere)
        return iterate(process.step, jax.random.key(0), process.init(jax.random.key(1), jnp.zeros(6)), length=100)[
            1
        ].best

    assert np.all(np.diff(best(1)) >= 0)
    assert np.any(np.diff(best(0)) < 0)


def test_parents_are_the_fittest_in_order():
    strategy = ga(50, parents=7, elites=2, sigma=1.0)
    state = strategy.init(jax.random.key(0), jnp.zeros(3))
    members = strategy.ask(jax.random.key(1), state)
    fitness = jax.random.normal(jax.random.key(2), (50,))
    state = strategy.tell(jax.random.key(3), state, members, fitness)
    np.testing.assert_array_equal(state.parents, members[np.argsort(-fitness)[:7]])
    np.testing.assert_array_equal(strategy.ask(jax.random.key(4), state)[:2], state.parents[:2])


def test_a_member_that_is_not_a_number_is_the_worst():
    def broken(key, params, input):
        return jnp.where(params[0] > 0, jnp.nan, -((params[0] + 1) ** 2))

    for strategy in (ga(32, parents=8, sigma=0.3), openes(32, sigma=0.3)):
        process = evolve(strategy, broken)
        state, shown = iterate(
            process.step, jax.random.key(0), process.init(jax.random.key(1), jnp.zeros(1)), length=60
        )
        assert 0 < shown.finite[0] < 1 and np.all(np.isfinite(shown.mean))
        assert abs(state.best[0] + 1) < 0.3


def test_the_input_reaches_the_fitness():
    process = evolve(openes(64, learning_rate=0.1), lambda key, params, target: -jnp.sum((params - target) ** 2))
    targets = jnp.broadcast_to(jnp.array([0.7, -0.4]), (100, 2))
    state, _ = iterate(process.step, jax.random.key(0), process.init(jax.random.key(1), jnp.zeros(2)), targets)
    np.testing.assert_allclose(state.best, targets[0], atol=0.05)


@pytest.mark.parametrize("name", STRATEGIES)
def test_seeds_side_by_side_equal_seeds_one_by_one(name):
    process = evolve(STRATEGIES[name], sphere)
    params, keys = jnp.zeros(4), jax.random.split(jax.random.key(0), 3)

    def run(key):
        return iterate(process.step, key, process.init(key, params), length=10)

    together = jax.jit(jax.vmap(run))(keys)
    alone = [jax.jit(run)(key) for key in keys]
    alone = jax.tree.map(lambda *leaves: jnp.stack(leaves), *alone)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), together, alone)


@pytest.mark.slow
@pytest.mark.parametrize("name", STRATEGIES)
def test_the_same_bits_on_any_number_of_devices(name):
    """A population dealt to 1, 2 and 4 devices; the fitness multiplies matrices and draws numbers of its own."""
    if jax.device_count() < 4:
        pytest.skip("needs 4 devices")

    def fitness(key, params, input):
        probe = jax.random.normal(key, (5, 7))
        return -jnp.sum(jnp.tanh(probe @ params["kernel"] + params["bias"]) ** 2)

    params = {"kernel": jnp.ones((7, 6)), "bias": jnp.zeros(6)}
    results = []
    for count in (1, 2, 4):
        layout = devices.mesh(jax.devices()[:count])
        process = evolve(STRATEGIES[name], fitness, over=partial(devices.replicas, width=8, on=layout, gather=True))
        state = process.init(jax.random.key(1), params)
        results.append(jax.jit(partial(iterate, process.step, length=3))(jax.random.key(0), state))
    for other in results[1:]:
        jax.tree.map(np.testing.assert_array_equal, results[0], other)


@pytest.mark.slow
def test_the_same_bits_for_seeds_dealt_to_devices():
    if jax.device_count() < 4:
        pytest.skip("needs 4 devices")
    process = evolve(STRATEGIES["openes"], sphere, over=partial(devices.blocks, width=16))
    results = []
    for count in (1, 4):
        layout = devices.mesh(jax.devices()[:count])
        seeds = population(process, 4, over=partial(devices.replicas, width=1, on=layout))
        state = seeds.init(jax.random.key(1), jnp.zeros(5))
        results.append(jax.jit(partial(iterate, seeds.step, length=5))(jax.random.key(0), state))
    jax.tree.map(np.testing.assert_array_equal, *results)


def test_a_change_of_rate_compiles_nothing():
    @jax.jit
    def run(step, key, state):
        traces.append(None)
        return iterate(step, key, state, length=3)[1].best

    traces = []
    for sigma, rate in ((0.1, 0.01), (0.2, 0.02)):
        process = evolve(openes(16, sigma=sigma, learning_rate=rate), sphere)
        run(process.step, jax.random.key(0), process.init(jax.random.key(1), jnp.zeros(3)))
    assert len(traces) == 1


def test_impossible_sizes_are_refused():
    with pytest.raises(ValueError, match="even"):
        openes(7)
    with pytest.raises(ValueError, match="elites 3"):
        ga(8, parents=2, elites=3)
