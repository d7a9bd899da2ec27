"""MNIST: 70 000 handwritten digits of 28 x 28 pixels (LeCun, Cortes & Burges 1998), CC BY-SA 3.0, from its public mirrors."""

from pathlib import Path

import numpy as np

from redes_jax.data import files, idx
from redes_jax.data.images import Images

_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://raw.githubusercontent.com/fgnt/mnist/master",
)
SOURCES = tuple(
    files.Source(name, sha256, _MIRRORS)
    for name, sha256 in (
        ("train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        ("train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        ("t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        ("t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    )
)


def load() -> Images:
    """MNIST as :class:`Images` of shape (60 000, 28, 28) and (10 000, 28, 28), downloaded at the first call.

    Raises:
      DataUnavailable: when it is neither on disk nor to be downloaded.
    """
    return _images([files.fetch("mnist", source) for source in SOURCES])


def available() -> bool:
    """Whether all four files lie on disk, so that :func:`load` needs no network."""
    return all(files.local_copy("mnist", source.name) for source in SOURCES)


def load_folder(folder: Path | str) -> Images:
    """Any data set in MNIST's four-file layout, Fashion-MNIST or KMNIST say, from a folder.

    Args:
      folder: holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the two of ``t10k``, gzipped or not.

    Raises:
      FileNotFoundError: naming the file that is missing.
      CorruptFile: naming the file that is not whole.
    """
    return _images([_plain_or_gzipped(Path(folder), source.name) for source in SOURCES])


def _plain_or_gzipped(folder, name):
    for path in (folder / name, folder / name.removesuffix(".gz")):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{folder / name}: missing; the folder must hold the four files {[s.name for s in SOURCES]}"
    )


def _images(paths):
    arrays = [idx.read(path) for path in paths]
    for images, labels, path in zip(arrays[::2], arrays[1::2], paths[::2], strict=True):
        if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
            raise idx.CorruptFile(f"{path}: images {images.shape} and labels {labels.shape} do not belong together")
    train_images, train_labels, test_images, test_labels = arrays
    return Images(
        train_images.astype(np.float32) / np.float32(255),
        train_labels.astype(np.int32),
        test_images.astype(np.float32) / np.float32(255),
        test_labels.astype(np.int32),
    )
