"""Metrics equal scikit-learn's, empty classes included."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import metrics as sk

from redes_jax.learning.metrics import accuracy, averaged, confusion_matrix, scores

CLASSES = 6


@pytest.fixture(params=["random", "one class never occurs", "one class never answered", "one class in neither"])
def answers(request):
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(0, CLASSES, (2, 200))
    if request.param in ("one class never occurs", "one class in neither"):
        labels[labels == 2] = 3
    if request.param in ("one class never answered", "one class in neither"):
        predictions[predictions == 2] = 4
    return jnp.asarray(labels, jnp.int32), jnp.asarray(predictions, jnp.int32)


@pytest.fixture
def confusion(answers):
    return jax.jit(confusion_matrix, static_argnums=2)(*answers, CLASSES)


def test_confusion_matrix_equals_scikit_learn(answers, confusion):
    np.testing.assert_array_equal(confusion, sk.confusion_matrix(*answers, labels=range(CLASSES)))
    np.testing.assert_allclose(accuracy(confusion), sk.accuracy_score(*answers), rtol=1e-6)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("how", [None, "macro", "micro", "weighted"])
def test_scores_equal_scikit_learn(answers, confusion, beta, how):
    ours = (
        jax.jit(scores)(confusion, beta) if how is None else jax.jit(averaged, static_argnums=1)(confusion, how, beta)
    )
    theirs = sk.precision_recall_fscore_support(
        *answers, beta=beta, average=how, labels=range(CLASSES), zero_division=0
    )
    for mine, expected in zip(ours[:3], theirs[:3], strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-5)
    if how is None:
        np.testing.assert_array_equal(ours.support, theirs[3])


def test_no_examples_score_zero_not_nan():
    assert all(value == 0 for value in averaged(jnp.zeros((3, 3), jnp.int32), "weighted"))


def test_an_unknown_average_is_refused():
    with pytest.raises(ValueError, match="how is 'mean'.*'weighted'"):
        averaged(jnp.eye(2), "mean")
