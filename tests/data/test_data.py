"""Files that are what they say, and files that are not."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from redes_jax.data import digits, files, idx, mnist


def idx_bytes(array):
    code = {"uint8": 0x08, "float32": 0x0D}[array.dtype.name]
    head = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def image_folder(tmp_path):
    rng = np.random.default_rng(0)
    for part, n in (("train", 6), ("t10k", 3)):
        images = rng.integers(0, 256, (n, 4, 4), np.uint8)
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images)))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(n, dtype=np.uint8)))
    return tmp_path


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_idx_is_read_back(tmp_path, dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(idx_bytes(array)))
    np.testing.assert_array_equal(idx.read(path), array)


def test_any_idx_data_set_loads_from_a_folder(image_folder):
    images = mnist.load_folder(image_folder)
    assert images.train_images.shape == (6, 4, 4) and images.test_labels.tolist() == [0, 1, 2]
    assert images.train_images.max() <= 1


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda data: data[:-5], "not a whole gzip"),
        (lambda data: gzip.compress(gzip.decompress(data)[:-5]), "announces"),
        (lambda data: gzip.compress(gzip.decompress(data) + b"x"), "announces"),
        (lambda data: gzip.compress(b"<html>not found</html>"), "no IDX magic"),
        (lambda data: gzip.compress(gzip.decompress(data)[:7]), "inside its header"),
        (lambda data: b"", "not a whole gzip|no IDX"),
        (lambda data: data[:60] + bytes([data[60] ^ 255]) + data[61:], "not a whole gzip|announces|no IDX"),
    ],
)
def test_corrupt_files_are_refused_by_name(image_folder, spoil, message):
    path = image_folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(idx.CorruptFile, match=message) as error:
        mnist.load_folder(image_folder)
    assert str(path) in str(error.value)


def test_a_missing_file_is_named(image_folder):
    (image_folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte"):
        mnist.load_folder(image_folder)


def test_images_and_labels_must_belong_together(image_folder):
    (image_folder / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(2, np.uint8)))
    with pytest.raises(idx.CorruptFile, match="do not belong together"):
        mnist.load_folder(image_folder)


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("REDES_DATA_DIR", raising=False)
    content = b"twelve bytes"
    return content, files.Source(
        "x.bin", hashlib.sha256(content).hexdigest(), ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b")
    )


def test_a_local_copy_comes_first_and_is_verified(tmp_path, monkeypatch, source):
    content, source = source
    path = tmp_path / "local" / "set" / "x.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    monkeypatch.setenv("REDES_DATA_DIR", str(tmp_path / "local"))
    assert files.fetch("set", source) == path
    path.write_bytes(b"another")
    with pytest.raises(ValueError, match="sha256 is") as error:
        files.fetch("set", source)
    assert str(path) in str(error.value)


def test_offline_says_what_to_do_and_leaves_nothing(source):
    _, source = source
    with pytest.raises(files.DataUnavailable, match="REDES_DATA_DIR/set/x.bin") as error:
        files.fetch("set", source)
    assert all(mirror in str(error.value) for mirror in source.mirrors)
    folder = files.cache() / "set"
    assert not folder.exists() or not list(folder.iterdir())


def test_digits_are_parted_by_class():
    images = digits.load()
    assert images.train_images.shape == (1437, 8, 8) and images.test_images.shape == (360, 8, 8)
    assert images.train_images.dtype == np.float32 and images.train_labels.dtype == np.int32
    shares = np.bincount(images.test_labels) / np.bincount(np.concatenate([images.train_labels, images.test_labels]))
    np.testing.assert_allclose(shares, 0.2, atol=0.01)
    with pytest.raises(ValueError, match="test_share is 1.5"):
        digits.load(1.5)


@pytest.mark.skipif(not mnist.available(), reason="MNIST is not on disk: set REDES_DATA_DIR or fetch it")
def test_mnist_is_the_published_one():
    images = mnist.load()
    assert images.train_images.shape == (60000, 28, 28) and images.test_images.shape == (10000, 28, 28)
    np.testing.assert_allclose([images.train_images.mean(), images.train_images.std()], [0.1307, 0.3081], atol=1e-4)
    assert np.bincount(images.train_labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
