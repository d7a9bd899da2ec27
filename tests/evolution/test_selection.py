"""Selections against the probabilities they are defined by, and takeover times against the exact recursion."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from redes_jax.evolution import selection
from redes_jax.evolution.strategies import evolve, genetic
from redes_jax.process import iterate

FITNESS = jnp.array([3.0, 0.0, 1.0, 7.0, 2.5, 2.5])
DRAWS = 60_000


def _assert_drawn_with(chosen, probabilities):
    """Pearson's test: frequencies that arise with these probabilities at least once in a thousand times."""
    counts = np.bincount(chosen, minlength=len(probabilities))
    possible = probabilities > 0
    assert counts[~possible].sum() == 0
    assert scipy.stats.chisquare(counts[possible], DRAWS * probabilities[possible]).pvalue > 1e-3


def test_roulette_draws_in_proportion_to_fitness(key):
    _assert_drawn_with(selection.roulette(key, FITNESS, DRAWS), np.asarray(FITNESS, np.float64) / float(FITNESS.sum()))


def test_roulette_without_a_positive_fitness_draws_anyone(key):
    _assert_drawn_with(selection.roulette(key, jnp.array([-1.0, 0.0, -jnp.inf]), DRAWS), np.full(3, 1 / 3))


@pytest.mark.parametrize("pressure", [1.2, 2.0])
def test_linear_rank(key, pressure):
    fitness = jnp.array([5.0, -3.0, 100.0, 6.0])  # ranks 1, 0, 3, 2
    expected = (2 - pressure + 2 * (pressure - 1) * np.array([1, 0, 3, 2]) / 3) / 4
    _assert_drawn_with(selection.linear_rank(key, fitness, DRAWS, pressure), expected)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_tournament_wins_by_order_statistics(key, size):
    """The member of rank r of n wins with probability ((r + 1)^s - r^s) / n^s."""
    fitness = jnp.array([0.3, -1.0, 9.0, 0.5, 0.1])
    rank = np.argsort(np.argsort(fitness))
    expected = ((rank + 1.0) ** size - rank**size) / 5.0**size
    _assert_drawn_with(selection.tournament(key, fitness, DRAWS, size), expected)


def test_truncation_takes_the_best_alike(key):
    _assert_drawn_with(selection.truncation(key, jnp.array([1.0, 5, 3, 4]), DRAWS, best=2), np.array([0, 0.5, 0, 0.5]))


def test_universal_rounds_the_expected_number(key):
    expected = 40 * FITNESS / FITNESS.sum()
    for member in jax.random.split(key, 30):
        counts = np.bincount(selection.universal(member, FITNESS, 40), minlength=6)
        assert np.all(np.abs(counts - expected) < 1)


def test_intensities_are_those_of_the_normal_distribution(key):
    """Tournament of two: 1 / sqrt(pi). Truncation to the better half: sqrt(2 / pi)."""
    fitness = jax.random.normal(key, (20_000,))
    fitness = (fitness - fitness.mean()) / fitness.std()
    for select, intensity in (
        (partial(selection.tournament, size=2), 1 / np.sqrt(np.pi)),
        (partial(selection.truncation, best=10_000), np.sqrt(2 / np.pi)),
    ):
        assert fitness[select(key, fitness, DRAWS)].mean() == pytest.approx(intensity, abs=0.015)


@pytest.mark.parametrize("size", [2, 4])
def test_takeover_follows_the_recursion(size):
    """Selection alone: the expected share of the best goes P -> 1 - (1 - P)^s in a large population (Goldberg & Deb 1991)."""
    members, seeds = 4096, 16
    start = jnp.where(jnp.arange(members) < 64, 1.0, 0.0)[:, None]
    learner = evolve(genetic(partial(selection.tournament, size=size), elites=0), lambda key, genome, input: genome[0])

    def run(key):
        return iterate(learner.step, key, learner.init(key, start), length=8)[1].mean

    shares = jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(1), seeds))
    expected = [64 / members]
    for _ in range(7):
        expected.append(1 - (1 - expected[-1]) ** size)
    np.testing.assert_allclose(shares.mean(0), expected, atol=0.02)


def test_sigma_scaling_by_hand():
    fitness = jnp.array([0.0, 2.0, 4.0, 10.0])
    deviation = np.std([0, 2, 4, 10])
    expected = np.clip(1 + (np.array([0, 2, 4, 10]) - 4) / (2 * deviation), 0, 1.5)
    np.testing.assert_allclose(selection.sigma_scaled(fitness), expected, rtol=1e-6)
    np.testing.assert_array_equal(selection.sigma_scaled(jnp.full(4, 3.0)), 1)


def test_impossible_sizes_are_refused(key):
    with pytest.raises(ValueError, match="size is 0"):
        selection.tournament(key, FITNESS, 2, size=0)
    with pytest.raises(ValueError, match="best is 9"):
        selection.truncation(key, FITNESS, 2, best=9)
