"""Novelty and repertoires against plain Python, and a trap that only novelty leaves."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.evolution.novelty import cells_of, line_mutation, map_elites, novelty, novelty_search
from redes_jax.evolution.strategies import ga
from redes_jax.process import iterate


def test_novelty_equals_a_plain_loop(key):
    behaviour = jax.random.normal(key, (12, 2))
    archive = jax.random.normal(jax.random.fold_in(key, 1), (8, 2))
    found = jax.jit(novelty, static_argnames="nearest")(behaviour, archive, 5, nearest=3)
    for i, point in enumerate(np.asarray(behaviour)):
        others = np.concatenate([np.delete(behaviour, i, 0), archive[:5]])
        expected = np.sort(np.linalg.norm(others - point, axis=1))[:3].mean()
        np.testing.assert_allclose(found[i], expected, rtol=1e-5)


def test_cells_are_those_of_numpy(key):
    grid, low, high = (3, 5, 2), np.array([-1.0, 0, 2]), np.array([1.0, 10, 3])
    behaviour = low + (high - low) * np.asarray(jax.random.uniform(key, (200, 3)))
    bins = [
        np.clip(np.digitize(b, np.linspace(a, z, n + 1)) - 1, 0, n - 1)
        for b, a, z, n in zip(behaviour.T, low, high, grid, strict=True)
    ]
    np.testing.assert_array_equal(
        cells_of(jnp.asarray(behaviour), grid, jnp.asarray(low), jnp.asarray(high)), np.ravel_multi_index(bins, grid)
    )
    assert cells_of(jnp.array([[9.0, -9, 9]]), grid, jnp.asarray(low), jnp.asarray(high))[0] == 2 * 10 + 0 + 1


def _evaluate(key, params, input):
    del key, input
    return -jnp.sum(params**2), params[:2]


def test_a_repertoire_keeps_the_best_of_each_cell(key):
    """The same children put into a dictionary one after another."""
    process = map_elites(_evaluate, (6, 4), -1.0, 1.0, batch=20, vary=partial(line_mutation, sigma=0.3, line=0.1))

    def kept(key, state, input):
        after, shown = process.step(key, state, input)
        return after, shown

    state, shown = jax.jit(partial(iterate, kept, length=30))(key, process.init(key, jnp.zeros(3)))
    best = {}
    fitness, behaviour = np.asarray(shown.fitness).ravel(), np.asarray(shown.behaviour).reshape(-1, 2)
    cells = np.asarray(cells_of(jnp.asarray(behaviour), (6, 4), -1.0, 1.0))
    for i, cell in enumerate(cells):
        if cell not in best or fitness[i] > fitness[best[cell]]:
            best[cell] = i
    filled = np.flatnonzero(np.isfinite(state.fitness))
    assert set(filled) == set(best) and 8 < len(best) <= 24
    for cell, i in best.items():
        np.testing.assert_array_equal(state.fitness[cell], fitness[i])
        np.testing.assert_array_equal(state.behaviour[cell], behaviour[i])
        np.testing.assert_allclose(-np.sum(np.square(state.params[cell])), fitness[i], rtol=1e-4)
    assert shown.novelty.sum() == len(best)


def _trap(key, params, input):
    """A height that falls before it rises: 1 at the start, 0 on the way, 10 far away."""
    del key, input
    x = params[0]
    return jnp.where(x < 8, -jnp.abs(x), 10.0), params


def test_novelty_leaves_a_trap_that_fitness_does_not(key):
    """Four seeds of five get out by novelty, none by fitness."""

    def best(weight, key):
        search = novelty_search(
            ga(30, parents=8, sigma=0.5), _trap, features=1, places=64, nearest=5, insertions=2, weight=weight
        )
        return jnp.max(iterate(search.step, key, search.init(key, jnp.zeros(1)), length=60)[1].fitness)

    bests = jax.jit(jax.vmap(jax.vmap(best, (None, 0)), (0, None)))(jnp.array([1.0, 0.0]), jax.random.split(key, 32))
    assert np.sum(bests[0] == 10) > 16 and np.all(bests[1] <= 0)


def test_the_archive_forgets_the_oldest(key):
    search = novelty_search(ga(8, parents=2), _evaluate, features=2, places=5, nearest=2, insertions=2)
    state = search.init(key, jnp.zeros(3))
    seen = []
    for number in range(4):
        state, shown = jax.jit(search.step)(jax.random.fold_in(key, number), state, None)
        seen += list(np.asarray(shown.behaviour)[np.argsort(-shown.novelty, kind="stable")[:2]])
    assert state.added == 8
    np.testing.assert_array_equal(state.archive, np.stack([seen[5], seen[6], seen[7], seen[3], seen[4]]))


def test_impossible_sizes_are_refused():
    with pytest.raises(ValueError, match="batch is 0"):
        map_elites(_evaluate, (3,), 0.0, 1.0, batch=0)
    with pytest.raises(ValueError, match="insertions 9"):
        novelty_search(ga(8, parents=2), _evaluate, features=2, places=5, insertions=9)
