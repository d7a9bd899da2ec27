"""Labelled images, the same four arrays for every data set."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32


class Images(NamedTuple):
    """Grey images in [0, 1] and the class of each, parted into training and test sets."""

    train_images: Float32[np.ndarray, "train height width"]
    train_labels: Int32[np.ndarray, " train"]
    test_images: Float32[np.ndarray, "test height width"]
    test_labels: Int32[np.ndarray, " test"]
