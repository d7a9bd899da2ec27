"""Evaluations to a target beside evosax and pycma, live, over many seeds: neither side may be told from the other.

Both sides get the same start, population, step size and rates. Where defaults differ by design, one side is set as the
other: evosax's genetic algorithm keeps no elites, so ours keeps none; its OpenES and PGPE are given Adam, as ours. The
verdict is that of Mann and Whitney on the evaluations of all seeds, those that never arrive counted last.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.stats

from redes_jax.evolution import strategies
from redes_jax.evolution.asktell import evolve
from redes_jax.process import iterate

pytestmark = pytest.mark.slow
SEEDS, MEMBERS, ADAM = 31, 64, 0.05


def sphere(x):
    return jnp.sum(x**2)


def rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rastrigin(x):
    return 10 * x.size + jnp.sum(x**2 - 10 * jnp.cos(2 * jnp.pi * x))


def ellipsoid(x):
    return jnp.sum(10.0 ** (6 * jnp.arange(x.size) / (x.size - 1)) * x**2)


# The function, its start, the step size, the value to reach and the generations in which half of the seeds or more do.
LANDSCAPES = {
    "sphere": (sphere, np.ones(10), 0.1, 0.05, 400),
    "rosenbrock": (rosenbrock, np.array([-1.2, 1.0]), 0.05, 0.02, 1000),
    "rastrigin": (rastrigin, np.full(3, 1.7), 0.7, 2.0, 400),
}


def alike(ours, theirs):
    """The probability that two samples of one law lie as far apart as these, by Mann and Whitney."""
    print(
        "quartiles, ours and theirs:", *(np.sort(found)[len(found) * np.arange(1, 4) // 4] for found in (ours, theirs))
    )
    assert np.isfinite(theirs).mean() > 0.5, "the peer must arrive for the comparison to mean anything"
    return scipy.stats.mannwhitneyu(ours, theirs).pvalue


def arrival(values, target, members):
    """Evaluations until a generation's best is at the target, a row a seed; infinite where none is."""
    reached = np.asarray(values) <= target
    return np.where(reached.any(1), members * (1.0 + reached.argmax(1)), np.inf)


def ours(strategy, fitness, start, target, generations, members, over=jax.vmap, seeds=SEEDS):
    learner = evolve(strategy, lambda key, x, input: -fitness(x))

    def run(key):
        state = learner.init(key, jnp.asarray(start))
        return -iterate(learner.step, key, state, length=generations)[1].best

    return arrival(jax.jit(over(run))(jax.random.split(jax.random.key(0), seeds)), target, members)


def evosax(name, fitness, start, sigma, target, generations):
    pytest.importorskip("evosax", reason="evosax is not installed")
    from evosax import algorithms

    make = {
        "ga": partial(algorithms.SimpleGA, std_schedule=optax.constant_schedule(sigma)),
        "openes": partial(algorithms.Open_ES, optimizer=optax.adam(ADAM), std_schedule=optax.constant_schedule(sigma)),
        "pgpe": partial(algorithms.PGPE, optimizer=optax.adam(ADAM)),
        "snes": algorithms.SNES,
    }[name]
    peer = make(MEMBERS, jnp.zeros(start.size))
    params = peer.default_params.replace(std_init=sigma) if name in ("pgpe", "snes") else peer.default_params

    def run(key):
        first = jnp.asarray(start, jnp.float32)
        if name == "ga":
            state = peer.init(key, jnp.tile(first, (MEMBERS, 1)), jnp.full(MEMBERS, jnp.inf), params)
        else:
            state = peer.init(key, first, params)

        def generation(state, key):
            ask, tell = jax.random.split(key)
            population, state = peer.ask(ask, state, params)
            values = jax.vmap(fitness)(population)
            return peer.tell(tell, population, values, state, params)[0], values.min()

        return jax.lax.scan(generation, state, jax.random.split(key, generations))[1]

    return arrival(jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(1), SEEDS)), target, MEMBERS)


def made(name, sigma):
    return {
        "ga": strategies.ga(MEMBERS, parents=MEMBERS // 2, elites=0, sigma=sigma),
        "openes": strategies.openes(MEMBERS, sigma=sigma, learning_rate=ADAM),
        "pgpe": strategies.pgpe(MEMBERS, sigma=sigma, learning_rate=ADAM, optimiser=optax.scale_by_adam()),
        "snes": strategies.snes(MEMBERS, sigma=sigma),
    }[name]


@pytest.mark.parametrize("landscape", LANDSCAPES)
@pytest.mark.parametrize("name", ["ga", "openes", "pgpe", "snes"])
def test_evaluations_beside_evosax(name, landscape):
    fitness, start, sigma, target, generations = LANDSCAPES[landscape]
    theirs = evosax(name, fitness, start, sigma, target, generations)
    start = start.astype(np.float32)
    assert alike(ours(made(name, sigma), fitness, start, target, generations, MEMBERS), theirs) > 1e-3


def test_another_rate_is_told_from_evosax():
    """The verdict can be negative: with four fifths of the rate OpenES is found out."""
    fitness, start, sigma, target, generations = LANDSCAPES["sphere"]
    theirs = evosax("openes", fitness, start, sigma, target, generations)
    slower = strategies.openes(MEMBERS, sigma=sigma, learning_rate=0.8 * ADAM)
    found = ours(slower, fitness, start.astype(np.float32), target, generations, MEMBERS)
    assert alike(found, theirs) < 1e-3


def pycma(fitness, start, sigma, target, members, generations, separable):
    cma = pytest.importorskip("cma", reason="pycma is not installed")
    values = jax.jit(jax.vmap(fitness))
    found = []
    for seed in range(1, 16):
        options = {"popsize": members, "seed": seed, "verbose": -9, "CMA_diagonal": separable}
        search, best = cma.CMAEvolutionStrategy(start, sigma, options), []
        for _ in range(generations):
            asked = search.ask()
            told = np.asarray(values(np.stack(asked)), float)
            search.tell(asked, list(told))
            best.append(told.min())
            if best[-1] <= target:
                break
        found.append(arrival(np.array([best]), target, members)[0])
    return np.array(found)


# Seeds are 15 on either side; generations are about twice what pycma needs.
@pytest.mark.parametrize(
    ("name", "n", "members", "fitness", "start", "sigma", "generations"),
    [
        ("cma_es", 10, 10, sphere, 1.0, 0.5, 300),
        ("cma_es", 10, 10, rosenbrock, 0.0, 0.5, 1000),
        ("cma_es", 10, 10, ellipsoid, 1.0, 0.5, 800),
        ("cma_es", 5, 150, rastrigin, 3.0, 2.0, 200),
        ("sep_cma_es", 20, 12, sphere, 1.0, 0.5, 360),
        ("sep_cma_es", 20, 12, ellipsoid, 1.0, 0.5, 750),
        ("sep_cma_es", 5, 150, rastrigin, 3.0, 2.0, 200),
    ],
)
def test_evaluations_beside_pycma(name, n, members, fitness, start, sigma, generations):
    with jax.enable_x64(True):
        at = np.full(n, start)
        theirs = pycma(fitness, at, sigma, 1e-8, members, generations, name == "sep_cma_es")
        strategy = getattr(strategies, name)(members, sigma=sigma)
        # One seed after another: side by side each would decompose its covariance in every generation.
        over = partial(partial, jax.lax.map)
        found = ours(strategy, fitness, at, 1e-8, generations, members, over, seeds=15)
    assert alike(found, theirs) > 1e-3
