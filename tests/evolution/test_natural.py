"""PGPE, SNES and the (mu, lambda) strategy: their equations by hand, and their way to known optima."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from redes_jax.evolution.natural import snes_utilities
from redes_jax.evolution.strategies import clip_up, evolve, mu_lambda, noise_table, openes, pgpe, sep_cma_es, snes
from redes_jax.process import iterate

PARAMS = {"kernel": jnp.zeros((3, 2)), "bias": jnp.zeros(4)}
STRATEGIES = {
    "pgpe": pgpe(64, sigma=0.3, learning_rate=0.05),  # steps of ClipUp keep their length: at 0.1 half of the seeds miss
    "snes": snes(64, sigma=0.5),
    "mu_lambda": mu_lambda(70, parents=10),
    "sep_cma_es": sep_cma_es(32, sigma=0.5),
    "noise table": openes(64, learning_rate=0.05, table=noise_table(jax.random.key(7), 10_000)),
}


def sphere(key, params, input):
    del key, input
    return -sum(jnp.sum((leaf - 1) ** 2) for leaf in jax.tree.leaves(params))


def _run(strategy, fitness, params, length):
    learner = evolve(strategy, fitness)
    run = jax.jit(partial(iterate, length=length))
    return run(learner.step, jax.random.key(0), learner.init(jax.random.key(1), params))


@pytest.mark.parametrize("name", STRATEGIES)
def test_sphere(name):
    state, shown = _run(STRATEGIES[name], sphere, PARAMS, 200)
    assert jax.tree.map(jnp.shape, state.best) == jax.tree.map(jnp.shape, PARAMS)
    assert sphere(None, state.best, None) > -2e-2
    assert shown.best[0] < -1 and np.all(
        shown.finite == 1
    )  # the start is 10 away, one of 64 within 1 is a case in a million


def test_snes_utilities_by_hand():
    """Four members: ln 3 - ln rank is 1.0986, 0.4055, 0, 0; over 1.5041, less a quarter."""
    np.testing.assert_allclose(
        snes_utilities(jnp.array([2.0, -1.0, 9.0, 5.0])), [-0.25, -0.25, 0.4804, 0.0196], atol=1e-4
    )


def test_snes_step_by_hand():
    strategy = snes(6, sigma=2.0, mean_rate=0.5, sigma_rate=0.3)
    state = strategy.init(jax.random.key(0), jnp.array([1.0, -1.0]))
    members = np.asarray(strategy.ask(jax.random.key(1), state), float)
    fitness = members[:, 0] - members[:, 1] ** 2
    utility = np.asarray(snes_utilities(jnp.asarray(fitness, jnp.float32)), float)
    noise = (members - [1, -1]) / 2
    told = strategy.tell(None, state, jnp.asarray(members, jnp.float32), jnp.asarray(fitness, jnp.float32))
    np.testing.assert_allclose(told.mean, [1, -1] + 0.5 * 2 * utility @ noise, rtol=1e-4)
    np.testing.assert_allclose(told.deviation, 2 * np.exp(0.15 * utility @ (noise**2 - 1)), rtol=1e-4)


def test_pgpe_step_by_hand():
    """Raw fitness, plain ascent: a step is rate times the gradient in the docstring, by mean and by deviation."""
    plain = dict(optimiser=optax.identity(), shape=lambda fitness: fitness)
    strategy = pgpe(8, sigma=0.5, learning_rate=0.2, sigma_rate=0.1, sigma_change=10.0, **plain)
    state = strategy.init(jax.random.key(0), jnp.array([1.0, -1.0, 0.5]))
    members = strategy.ask(jax.random.key(1), state)
    np.testing.assert_allclose(members[:4] + members[4:], jnp.broadcast_to(2 * state.mean, (4, 3)), atol=1e-6)
    fitness = jnp.sum(jnp.sin(3 * members), 1)
    told = strategy.tell(None, state, members, fitness)
    noise, values = np.asarray(members - state.mean, float)[:4], np.asarray(fitness, float)
    up, down = values[:4, None], values[4:, None]
    g_mean = np.mean((up - down) / 2 * noise, 0)
    g_sigma = np.mean(((up + down) / 2 - values.mean()) * (noise**2 - 0.25) / 0.5, 0)
    np.testing.assert_allclose(told.mean - state.mean, 0.2 * g_mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(told.deviation - 0.5, 0.1 * g_sigma, rtol=1e-4, atol=1e-6)
    bounded = pgpe(8, sigma=0.5, sigma_rate=100.0, sigma_change=0.2, **plain).tell(None, state, members, fitness)
    np.testing.assert_allclose(np.abs(bounded.deviation - 0.5), 0.1, rtol=1e-5)


def test_clip_up_by_hand():
    """Gradients of any length push alike; the speed ends at its limit."""
    optimiser = clip_up(momentum=0.9, max_speed=2.0)
    state = optimiser.init(jnp.zeros(2))
    for expected in (1.0, 1.9, 2.0, 2.0):
        update, state = optimiser.update(jnp.array([0.0, 300.0 * expected]), state)
        np.testing.assert_allclose(update, [0, expected], rtol=1e-6)
    assert np.all(optimiser.update(jnp.zeros(2), optimiser.init(jnp.zeros(2)))[0] == 0)


def test_step_sizes_adapt_to_the_scale_of_each_parameter():
    """On x^2 + (100 y)^2 the selected step of y ends far below that of x, whatever both began with."""
    strategy = mu_lambda(100, parents=15, sigma=1.0)
    state, shown = _run(strategy, lambda key, p, input: -(p[0] ** 2) - (100 * p[1]) ** 2, jnp.array([5.0, 5.0]), 40)
    one, other = np.median(state.deviations, axis=0)
    assert other < 0.2 * one and one < 0.1
    assert shown.best[-1] > -1e-4


def test_noise_of_a_table_is_cut_from_it():
    table = noise_table(jax.random.key(3), 50)
    strategy = openes(6, sigma=0.5, table=table)
    state = strategy.init(jax.random.key(0), jnp.zeros(10))
    noise = np.asarray(strategy.ask(jax.random.key(1), state)[:3]) / 0.5
    cuts = np.lib.stride_tricks.sliding_window_view(np.asarray(table), 10)
    for row in noise:
        assert np.abs(cuts - row).max(1).min() < 1e-6
    with pytest.raises(ValueError, match="noise table holds 50"):
        openes(6, table=table).ask(jax.random.key(1), openes(6).init(jax.random.key(0), jnp.zeros(51)))


def test_impossible_sizes_are_refused():
    for make in (partial(pgpe, 7), partial(snes, 1), partial(mu_lambda, 4, parents=4), partial(sep_cma_es, 3)):
        with pytest.raises(ValueError, match="population"):
            make()
