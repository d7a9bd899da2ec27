"""Evolved tours against the shortest, found by dynamic programming over all sets of cities (Held & Karp 1962)."""

from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np

from experiments.genetic_algorithm import ISLANDS, salesman, tour_fitness
from redes_jax.evolution.strategies import evolve, islands
from redes_jax.process import iterate

CITIES, MAPS = 9, 4


def shortest(distance) -> float:
    """The length of the shortest closed tour: ``best[S, j]`` is the shortest way from city 0 through all of S to j."""
    others = range(1, len(distance))
    best = {(frozenset([j]), j): distance[0, j] for j in others}
    for size in range(2, len(distance)):
        for subset in map(frozenset, combinations(others, size)):
            for j in subset:
                rest = subset - {j}
                best[subset, j] = min(best[rest, i] + distance[i, j] for i in rest)
    return min(best[frozenset(others), j] + distance[j, 0] for j in others)


def test_tours_are_the_shortest_there_are():
    places = np.random.default_rng(0).random((MAPS, CITIES, 2))
    distances = np.linalg.norm(places[:, :, None] - places[:, None], axis=-1)

    def best(key, places):
        learner = evolve(islands(salesman(), ISLANDS, every=10, migrants=2), partial(tour_fitness, places))
        first = jax.random.permutation(key, jnp.tile(jnp.arange(CITIES), (ISLANDS * 32, 1)), axis=1, independent=True)
        state = learner.init(key, first.reshape(ISLANDS, 32, CITIES))
        return iterate(learner.step, key, state, length=100)[1].best.max()

    found = -jax.jit(jax.vmap(best))(jax.random.split(jax.random.key(0), MAPS), jnp.asarray(places, jnp.float32))
    exact = np.array([shortest(each) for each in distances])
    assert np.all(found > exact * (1 - 1e-6))
    np.testing.assert_allclose(found, exact, rtol=1e-5)
