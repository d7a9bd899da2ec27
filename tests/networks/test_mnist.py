"""The pieces of the digits experiment, and a short training beside a nearest-centroid classifier."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score
from sklearn.neighbors import NearestCentroid

from experiments.mnist import Config, run, shifted, worst_mistakes
from redes_jax.data import digits


def test_shifts_move_the_whole_image_and_fill_with_background():
    images = jnp.zeros((400, 9, 9)).at[:, 3:6, 3:6].set(jnp.arange(1.0, 10).reshape(3, 3))
    moved = np.asarray(shifted(jax.random.key(0), images, 2))
    corners = [tuple(np.argwhere(image == 1)[0]) for image in moved]
    for image, (row, column) in zip(moved, corners, strict=True):
        expected = np.zeros((9, 9))
        expected[row : row + 3, column : column + 3] = np.arange(1.0, 10).reshape(3, 3)
        np.testing.assert_array_equal(image, expected)
    assert set(corners) == {(row, column) for row in range(1, 6) for column in range(1, 6)}
    cut = np.asarray(shifted(jax.random.key(0), jnp.ones((50, 3, 3)), 1))
    assert cut.min() == 0 and (cut[:, 1, 1] == 1).all()


def test_worst_mistakes_come_first():
    logits = np.log(np.array([[[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.05, 0.95]]]))
    found = worst_mistakes(logits, np.array([0, 0, 0, 0]), count=2)
    np.testing.assert_array_equal(found["which"], [3, 2])
    np.testing.assert_array_equal(found["answered"], [1, 1])
    np.testing.assert_allclose(found["confidence"], [0.95, 0.8])


@pytest.mark.slow
def test_a_short_training_beats_the_nearest_centroid():
    result = run(Config(network="mlp", hidden=(16,), seeds=2, epochs=8, width=2))
    images = digits.load()
    flat = [x.reshape(len(x), -1) for x in (images.train_images, images.test_images)]
    centroid = NearestCentroid().fit(flat[0], images.train_labels).score(flat[1], images.test_labels)
    assert (result.measured["digits_mlp_accuracy"] > centroid).all()
    confusion = result.arrays["mlp_confusion"][0]
    labels, answers = np.repeat(np.indices(confusion.shape).reshape(2, -1), confusion.ravel(), axis=1)
    np.testing.assert_array_equal(confusion_matrix(labels, answers), confusion)
    np.testing.assert_array_equal(confusion.sum(1), np.bincount(images.test_labels))
    np.testing.assert_allclose(
        result.measured["digits_mlp_f"][0], f1_score(labels, answers, average="macro"), rtol=1e-5
    )
    last = result.arrays["mlp_test_error"][:, -1]
    np.testing.assert_allclose(result.measured["digits_mlp_error_percent"], 100 * last, atol=1e-3)


def test_refusals_name_value_and_remedy():
    with pytest.raises(ValueError, match="shift is 4.*8 pixels bear less than half"):
        run(Config(shift=4))
