"""Optical recognition of handwritten digits, 8 x 8 pixels (Alpaydin & Kaynak 1998), as scikit-learn embeds them: no download."""

import numpy as np

from redes_jax.data.images import Images


def load(test_share: float = 0.2, seed: int = 0) -> Images:
    """The 1 797 digits, each class parted in the same proportion.

    Args:
      test_share: share of every class that goes to the test set, between 0 and 1.
      seed: of the shuffle that chooses it.

    Returns:
      :class:`Images` of shape (n, 8, 8): 1 437 to train and 360 to test at the default share.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    if not 0 < test_share < 1:
        raise ValueError(f"test_share is {test_share}: it is a share, strictly between 0 and 1")
    pixels, target = load_digits(return_X_y=True)
    images = np.asarray(pixels, np.float32).reshape(-1, 8, 8) / 16
    labels = np.asarray(target, np.int32)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=test_share, random_state=seed, stratify=labels, shuffle=True
    )
    return Images(images[train], labels[train], images[test], labels[test])
