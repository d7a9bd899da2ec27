"""The perceptron beside Novikoff's theorem, linear programming and the counts of OEIS A000609."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

from experiments.boolean_perceptrons import (
    Config,
    epochs_that_prove,
    largest_weight,
    run,
    smallest_weights,
    symmetry_classes,
    truth_tables,
    with_bias,
)
from redes_jax.learning.perceptron import mistake_bound, perceptron, pocket
from redes_jax.process import iterate

OEIS_A000609 = {1: 4, 2: 14, 3: 104, 4: 1882}


@pytest.fixture(scope="module")
def learned():
    return run(Config(inputs=3, orders=2))


def separable_by_linear_programming(x, y):
    """Whether some w has ``y (w . x) >= 1`` at every point."""
    answer = linprog(np.zeros(x.shape[1]), -y[:, None] * x, -np.ones(len(x)), bounds=(None, None), method="highs")
    assert answer.status in (0, 2)
    return answer.status == 0


@pytest.mark.parametrize("n", [1, 2, 3])
def test_exactly_the_separable_functions_are_learned(learned, n):
    points, functions = truth_tables(n)
    oracle = [separable_by_linear_programming(with_bias(points), y) for y in functions]
    np.testing.assert_array_equal(learned.arrays[f"separable_{n}"], oracle)
    assert list(learned.measured[f"separable_{n}"]) == [OEIS_A000609[n]] * 2
    np.testing.assert_array_equal(np.isfinite(smallest_weights(n)[0]), oracle)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_learned_weights_compute_the_function_and_bounds_hold(learned, n):
    points, functions = truth_tables(n)
    separable = learned.arrays[f"separable_{n}"]
    answers = np.sign(learned.arrays[f"weights_{n}"] @ with_bias(points).T)
    np.testing.assert_array_equal(answers[separable], functions[separable])
    assert (learned.arrays[f"mistakes_{n}"] <= learned.arrays[f"bound_{n}"]).all()
    assert (learned.arrays[f"mistakes_{n}"][:, ~separable] >= epochs_that_prove(n)).all()


@pytest.mark.slow
def test_four_inputs():
    """Small integer weights reach all 1 882 functions; their seven kinds are the strong majority games of five."""
    size, weights = smallest_weights(4)
    assert np.isfinite(size).sum() == OEIS_A000609[4]
    kinds = {tuple(sorted(np.abs(w), reverse=True)) for w in weights[np.isfinite(size)]}
    assert kinds == {
        (1, 0, 0, 0, 0), (1, 1, 1, 0, 0), (1, 1, 1, 1, 1), (2, 1, 1, 1, 0),
        (2, 2, 1, 1, 1), (3, 1, 1, 1, 1), (3, 2, 2, 1, 1),
    }  # fmt: skip
    assert [largest_weight(n) for n in (1, 2, 3, 4)] == [1, 1, 2, 3]
    learned = run(Config(inputs=4, orders=1))
    np.testing.assert_array_equal(learned.arrays["separable_4"], np.isfinite(size))
    assert learned.measured["separable_4"] == [OEIS_A000609[4]]


def test_four_inputs_by_linear_programming():
    points, functions = truth_tables(4)
    kinds = symmetry_classes(4)
    oracle = {kind: separable_by_linear_programming(with_bias(points), functions[kind]) for kind in np.unique(kinds)}
    assert len(oracle) == 222  # OEIS A000370
    assert sum(oracle[kind] for kind in kinds) == OEIS_A000609[4]


def test_kinds_of_functions_are_those_of_oeis_a000370():
    assert [len(np.unique(symmetry_classes(n))) for n in (1, 2, 3)] == [2, 4, 14]


def test_mistakes_never_exceed_novikoffs_bound_on_random_separable_sets():
    def worst(key):
        for_w, for_x, for_run = jax.random.split(key, 3)
        true = jax.random.normal(for_w, (5,))
        x = jax.random.normal(for_x, (40, 5))
        y = jnp.sign(x @ true)
        x = x + 0.1 * y[:, None] * true / jnp.linalg.norm(true)  # push both classes apart, so that the bound is finite
        order = jax.random.randint(for_run, (4_000,), 0, 40)
        rule = perceptron()
        weights, wrong = iterate(rule.step, for_run, rule.init(key, 5), (x[order], y[order]))
        return wrong.sum(), mistake_bound(x, y, true), mistake_bound(x, y, weights), (y * (x @ weights) > 0).all()

    mistakes, bound, bound_by_itself, right = jax.vmap(worst)(jax.random.split(jax.random.key(0), 50))
    assert right.all() and mistakes.mean() > 10
    assert (mistakes <= bound).all() and (mistakes <= bound_by_itself).all()
    assert jnp.isfinite(bound_by_itself).all()


def test_the_bound_of_weights_that_do_not_separate_is_infinite():
    x, y = jnp.array([[1.0, 0.0], [0.0, 1.0]]), jnp.array([1.0, -1.0])
    assert mistake_bound(x, y, jnp.array([1.0, -1.0])) == pytest.approx(2)
    assert mistake_bound(x, y, jnp.array([1.0, 1.0])) == jnp.inf


def test_the_pocket_keeps_the_best_threshold_unit_for_xor():
    """No unit has fewer than one error of four on XOR; the perceptron itself ends with whatever it had last."""
    points, functions = truth_tables(2)
    x, y = jnp.asarray(with_bias(points), jnp.float32), jnp.asarray(functions[0b0110], jnp.float32)
    rule = pocket()

    def errors(key):
        order = jax.random.randint(key, (400,), 0, 4)
        state, _ = iterate(rule.step, key, rule.init(key, 3), (x[order], y[order]))
        return (y * (x @ state.best) <= 0).sum(), (y * (x @ state.weights) <= 0).sum()

    kept, last = jax.vmap(errors)(jax.random.split(jax.random.key(0), 64))
    assert (kept == 1).mean() > 0.95
    assert last.mean() > 1.5
