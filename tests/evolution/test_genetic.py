"""The genetic algorithm and its islands: what must be kept, what must travel, and optima that are known."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from redes_jax.evolution.selection import tournament
from redes_jax.evolution.strategies import evolve, ga, genetic, islands
from redes_jax.evolution.variation import bit_flip, two_point
from redes_jax.process import iterate

BITS = 24


def _ones(key, genome, input):
    del key, input
    return jnp.sum(genome, dtype=jnp.float32)


def _first(key, *shape):
    return jax.random.bernoulli(key, 0.5, (*shape, BITS))


def _onemax(elites=2):
    return genetic(partial(tournament, size=3), two_point, Partial(bit_flip, rate=1 / BITS), elites=elites)


def test_onemax_is_solved(key):
    learner = evolve(_onemax(), _ones)
    state, shown = iterate(learner.step, key, learner.init(key, _first(key, 40)), length=60)
    assert shown.best[0] < BITS and shown.best[-1] == BITS and state.best.all()


def test_the_elite_lives_on(key):
    strategy = _onemax(elites=3)
    state = strategy.init(key, _first(key, 20))
    members = jax.jit(strategy.ask)(key, state)
    fitness = jax.random.normal(key, (20,))
    state = jax.jit(strategy.tell)(key, state, members, fitness)
    fittest = members[np.argsort(-fitness)[:3]]
    np.testing.assert_array_equal(state.population[:3], fittest)
    np.testing.assert_array_equal(state.best, fittest[0])
    assert state.population.shape == members.shape


def test_without_variation_children_are_members(key):
    strategy = genetic(elites=0)
    members = jax.random.normal(key, (15, 4))
    state = jax.jit(strategy.tell)(key, strategy.init(key, members), members, members[:, 0])
    assert {tuple(row) for row in np.asarray(state.population)} <= {tuple(row) for row in np.asarray(members)}


def test_no_crossover_at_rate_zero(key):
    """With the rate at zero every child is one parent whole."""
    members = jnp.broadcast_to(jnp.arange(8.0)[:, None], (8, 5))
    strategy = genetic(cross=two_point, crossover_rate=0.0)
    children = jax.jit(strategy.tell)(key, strategy.init(key, members), members, jnp.arange(8.0)).population
    assert np.all(children == children[:, :1])
    crossed = jax.jit(genetic(cross=two_point).tell)(
        key, strategy.init(key, members), members, jnp.arange(8.0)
    ).population
    assert np.any(crossed != crossed[:, :1])


def test_migrants_travel_round_the_ring(key):
    """Islands that differ, selection without variation: only a migration brings genes of one island to the next."""
    count, size = 4, 6
    strategy = islands(genetic(elites=1), count, every=3, migrants=2)
    start = jnp.broadcast_to(jnp.arange(count, dtype=jnp.float32)[:, None, None], (count, size, 2))
    state = strategy.init(key, start)
    for generation in range(1, 4):
        members = jax.jit(strategy.ask)(key, state)
        state = jax.jit(strategy.tell)(jax.random.fold_in(key, generation), state, members, -members[:, 0])
        homes = [set(np.asarray(island).ravel()) for island in state.islands.population]
        if generation < 3:
            assert homes == [{0.0}, {1.0}, {2.0}, {3.0}]
    assert 0.0 in homes[1] and homes[1] <= {0.0, 1.0}  # the better neighbour's genes have come
    assert homes[0] <= {0.0, 3.0}
    assert state.leader == 0 and np.all(state.best == 0) and state.generation == 3


def test_one_island_is_the_strategy_itself(key):
    strategy = islands(ga(16, parents=4, sigma=0.2), 1, every=1, migrants=0)
    state = strategy.init(key, jnp.zeros((1, 3)))
    members = jax.jit(strategy.ask)(key, state)
    told = jax.jit(strategy.tell)(key, state, members, -jnp.sum(members**2, 1)).islands.parents[0]
    np.testing.assert_array_equal(told, members[np.argsort(np.sum(np.square(members), 1), kind="stable")[:4]])


def test_a_sweep_over_rates_is_a_vmap(key):
    def best(rate):
        learner = evolve(genetic(cross=two_point, mutate=Partial(bit_flip, rate=rate)), _ones)
        return iterate(learner.step, key, learner.init(key, _first(key, 20)), length=30)[1].mean[-1]

    means = jax.jit(jax.vmap(best))(jnp.array([0.01, 0.5]))
    assert means[0] > 20 and 10 < means[1] < 14  # a coin for each bit leaves nothing of the parents but the elite


def test_impossible_sizes_are_refused(key):
    with pytest.raises(ValueError, match="elites is -1"):
        genetic(elites=-1)
    with pytest.raises(ValueError, match="more members than elites"):
        genetic(elites=4).init(key, jnp.zeros((4, 2)))
    with pytest.raises(ValueError, match="shared out evenly"):
        islands(genetic(), 3).tell(
            key, islands(genetic(), 3).init(key, jnp.zeros((3, 4, 2))), jnp.zeros((10, 2)), jnp.zeros(10)
        )
