"""Crossovers and mutations against worked examples, plain Python, and the densities they are defined by."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from jax.tree_util import Partial

from redes_jax.evolution import variation

ROWS, GENES = 4000, 9


def _parents(rows=ROWS, genes=GENES):
    return jnp.zeros((rows, genes), bool), jnp.ones((rows, genes), bool)


def _permutations(key, rows=300, genes=GENES):
    return jax.vmap(lambda key: jax.random.permutation(key, genes))(jax.random.split(key, rows))


def _changes(children):
    """How often a row goes over from one parent to the other."""
    return np.abs(np.diff(np.asarray(children, int), axis=1)).sum(1)


@pytest.mark.parametrize("cross", [variation.one_point, variation.two_point, variation.uniform])
def test_siblings_share_out_the_genes(key, cross):
    child, sibling = cross(key, *_parents())
    np.testing.assert_array_equal(child, ~sibling)


def test_one_point_cuts_everywhere_alike(key):
    child, _ = variation.one_point(key, *_parents())
    assert np.all(_changes(child) == 1) and not child[:, 0].any()
    cuts = np.bincount(np.argmax(child, axis=1), minlength=GENES)[1:]
    assert scipy.stats.chisquare(cuts).pvalue > 1e-3


def test_two_point_takes_every_stretch_alike(key):
    child, _ = variation.two_point(key, *_parents())
    child = np.asarray(child)
    assert np.all(child.any(1)) and _changes(child).max() == 2
    first, length = child.argmax(1), child.sum(1)
    stretches = [np.sum((first == a) & (length == n)) for a in range(GENES) for n in range(1, GENES - a + 1)]
    assert sum(stretches) == ROWS and scipy.stats.chisquare(stretches).pvalue > 1e-3


def test_uniform_is_a_coin_for_each_gene(key):
    child, _ = variation.uniform(key, *_parents(), rate=0.3)
    assert np.mean(child) == pytest.approx(0.3, abs=0.01)
    assert np.abs(np.corrcoef(np.asarray(child, float).T) - np.eye(GENES)).max() < 0.07


def test_arithmetic_stays_between(key):
    mothers, fathers = jax.random.normal(key, (2, 500, 4))
    child, sibling = variation.arithmetic(key, mothers, fathers)
    np.testing.assert_allclose(child + sibling, mothers + fathers, atol=1e-5)
    weight = (child - fathers) / (mothers - fathers)
    np.testing.assert_allclose(weight, weight[:, :1] + jnp.zeros(4), atol=2e-2)
    assert scipy.stats.kstest(np.asarray(weight[:, 0], float), "uniform").pvalue > 1e-3


def test_simulated_binary_spreads_as_its_density(key):
    """The factor beta has the distribution function beta^(eta + 1) / 2 up to 1 and 1 - beta^-(eta + 1) / 2 above."""
    eta = 3.0
    mothers, fathers = jnp.full((ROWS, 2), -1.0), jnp.full((ROWS, 2), 1.0)
    child, sibling = variation.simulated_binary(key, mothers, fathers, eta=eta, rate=1.0)
    np.testing.assert_allclose(child + sibling, 0, atol=1e-5)
    assert np.mean(child < sibling) == pytest.approx(0.5, abs=0.03)
    beta = np.abs(np.asarray(sibling - child, float)).ravel() / 2

    def distribution(b):
        return np.where(b <= 1, b ** (eta + 1) / 2, 1 - 0.5 * np.maximum(b, 1) ** -(eta + 1))

    assert scipy.stats.kstest(beta, distribution).pvalue > 1e-3


def test_simulated_binary_within_bounds(key):
    mothers, fathers = jnp.full((ROWS, 1), 0.1), jnp.full((ROWS, 1), 0.6)
    child, sibling = variation.simulated_binary(key, mothers, fathers, 0.0, 1.0, eta=1.0, rate=1.0)
    np.testing.assert_allclose(child + sibling, 0.7, atol=1e-5)
    assert 0 <= min(child.min(), sibling.min()) < 0.01
    beta, most = np.abs(np.asarray(sibling - child, float)).ravel() / 0.5, 1 + 2 * 0.1 / 0.5
    total = 1 - 0.5 * most**-2.0

    def distribution(b):
        return np.where(b <= 1, b**2 / 2, 1 - 0.5 * np.maximum(b, 1) ** -2.0) / total

    assert scipy.stats.kstest(beta, distribution).pvalue > 1e-3


def test_simulated_binary_of_equals_is_the_same(key):
    same = jax.random.normal(key, (20, 3))
    for child in variation.simulated_binary(key, same, same, rate=1.0):
        np.testing.assert_array_equal(child, same)


def test_order_by_hand():
    """Parents 1 2 3|4 5 6 7|8 9 and 4 5 2|1 8 7 6|9 3: children 2 1 8|4 5 6 7|9 3 and 3 4 5|1 8 7 6|9 2."""
    mother = jnp.array([[1, 2, 3, 4, 5, 6, 7, 8, 9]]) - 1
    father = jnp.array([[4, 5, 2, 1, 8, 7, 6, 9, 3]]) - 1
    first, last = jnp.array([[3]]), jnp.array([[7]])
    np.testing.assert_array_equal(variation._order(mother, father, first, last)[0] + 1, [2, 1, 8, 4, 5, 6, 7, 9, 3])
    np.testing.assert_array_equal(variation._order(father, mother, first, last)[0] + 1, [3, 4, 5, 1, 8, 7, 6, 9, 2])


def test_order_equals_a_plain_loop(key):
    mothers, fathers = (_permutations(k) for k in jax.random.split(key))
    first, last = variation._segment(key, *mothers.shape)
    children = np.asarray(variation._order(mothers, fathers, first, last))
    for mother, father, a, b, child in zip(
        *map(np.asarray, (mothers, fathers, first[:, 0], last[:, 0])), children, strict=True
    ):
        expected, kept, place = mother.copy(), set(mother[a:b]), b
        for offset in range(GENES):
            gene = father[(b + offset) % GENES]
            if gene not in kept:
                expected[place % GENES] = gene
                place += 1
        np.testing.assert_array_equal(child, expected)


@pytest.mark.parametrize("mutate", [variation.swap, variation.invert])
def test_mutations_keep_a_permutation(key, mutate):
    before = _permutations(key)
    after = np.asarray(mutate(key, before, 0.5))
    np.testing.assert_array_equal(np.sort(after, 1), np.sort(before, 1))
    unmoved = np.mean(np.all(after == before, axis=1))
    assert 0.4 < unmoved < 0.7  # a stretch of one gene turned round stays what it is
    if mutate is variation.swap:
        assert set(np.sum(after != np.asarray(before), axis=1)) == {0, 2}


def test_invert_turns_a_stretch_round(key):
    after = np.asarray(variation.invert(key, jnp.broadcast_to(jnp.arange(GENES), (200, GENES))))
    for row in after:
        moved = np.flatnonzero(row != np.arange(GENES))
        if len(moved):
            a, b = moved[0], moved[-1] + 1
            np.testing.assert_array_equal(row[a:b], np.arange(a, b)[::-1])


def test_bit_flip_rate_is_a_leaf(key):
    mutate = jax.jit(lambda mutate, genomes: mutate(key, genomes))
    for rate in (0.05, 0.5):
        flipped = mutate(Partial(variation.bit_flip, rate=rate), _parents()[0])
        assert np.mean(flipped) == pytest.approx(rate, abs=0.01)
    assert mutate._cache_size() == 1


def test_gaussian_moves_some_genes(key):
    moves = np.asarray(variation.gaussian(key, jnp.zeros((ROWS, 5)), 2.0, 0.25), float)
    moved = moves[moves != 0]
    assert moved.size / moves.size == pytest.approx(0.25, abs=0.01)
    assert scipy.stats.kstest(moved / 2.0, "norm").pvalue > 1e-3


@pytest.mark.parametrize("value", [0.5, 0.1])
def test_polynomial_spreads_as_its_density(key, value):
    """Down to the bound: |delta| has the distribution function (1 - (1 - d)^(eta + 1)) scaled to one at the bound."""
    eta = 4.0
    moved = variation.polynomial(key, jnp.full((ROWS, 1), 10 * value), 0.0, 10.0, eta)
    delta = np.asarray(moved, float).ravel() / 10 - value
    assert delta.min() >= -value - 1e-6 and delta.max() <= 1 - value + 1e-6
    assert np.mean(delta < 0) == pytest.approx(0.5, abs=0.03)
    for side, room in ((-delta[delta < 0], value), (delta[delta > 0], 1 - value)):
        whole = 1 - (1 - room) ** (eta + 1)
        pvalue = scipy.stats.kstest(
            side, lambda d, whole=whole: (1 - (1 - np.clip(d, 0, 1)) ** (eta + 1)) / whole
        ).pvalue
        assert pvalue > 1e-3
