"""A recording in Axon's format is read to the last bit, and refused when it is not whole."""

import struct

import numpy as np
import pytest

from redes_jax.data import patch_clamp
from redes_jax.data.idx import CorruptFile


def abf(raw, *, channels=1, volts=10.0, levels=32768, scale=0.01, gain=2.0, offset=0.5):
    """A file of the format's documented layout: header, protocol, channel and samples in blocks of 512 bytes."""
    data = bytearray(512 * 4 + raw.nbytes)
    data[:4] = b"ABF2"
    for at, section in ((76, (1, 512, 1)), (92, (2, 128, channels)), (236, (4, 2, raw.size))):
        struct.pack_into("<IIq", data, at, *section)
    struct.pack_into("<f", data, 512 + 2, 50.0)
    struct.pack_into("<i", data, 512 + 30, raw.shape[0])
    struct.pack_into("<fxxxxi", data, 512 + 110, volts, levels)
    for at, value in ((28, gain), (40, scale), (44, offset), (48, 1.0), (52, 0.0)):
        struct.pack_into("<f", data, 1024 + at, value)
    data[2048:] = raw.astype("<i2").tobytes()
    return bytes(data)


RAW = np.arange(-30, 30, dtype=np.int16).reshape(3, 20) * 500


def test_samples_are_scaled_as_the_header_says(tmp_path):
    path = tmp_path / "x.abf"
    path.write_bytes(abf(RAW))
    sweeps, dt = patch_clamp.read_abf(path)
    assert dt == pytest.approx(0.05) and sweeps.dtype == np.float32
    np.testing.assert_allclose(sweeps, RAW * 10.0 / 32768 / (0.01 * 2.0) + 0.5, rtol=1e-6)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data[:-2], "announces"),
        (lambda data: b"ABF " + data[4:], "no ABF2"),
        (lambda data: data[:300], "no ABF2"),
        (lambda data: b"", "no ABF2"),
        (lambda data: abf(RAW, channels=2), "2 channels"),
        (lambda data: abf(RAW, gain=0.0), "gain 0"),
    ],
)
def test_corrupt_files_are_refused_by_name(tmp_path, spoil, message):
    path = tmp_path / "x.abf"
    path.write_bytes(spoil(abf(RAW)))
    with pytest.raises(CorruptFile, match=message) as error:
        patch_clamp.read_abf(path)
    assert str(path) in str(error.value)


def test_another_file_under_the_name_is_refused(tmp_path, monkeypatch):
    (tmp_path / "patch_clamp").mkdir()
    (tmp_path / "patch_clamp" / patch_clamp.SOURCES[0].name).write_bytes(abf(RAW))
    monkeypatch.setenv("REDES_DATA_DIR", str(tmp_path))
    with pytest.raises(ValueError, match="sha256"):
        patch_clamp.load()


@pytest.mark.skipif(not patch_clamp.available(), reason="the recording is not on disk: set REDES_DATA_DIR or fetch it")
def test_the_recording_is_the_published_one():
    """Sweeps, currents and spikes as pyABF 2.3 reads them."""
    cell = patch_clamp.load()
    assert cell.voltage.shape == cell.current.shape == (17, 60000) and cell.dt == pytest.approx(0.05)
    step = cell.voltage[:, cell.onset : cell.end]
    spikes = ((step[:, 1:] >= -10) & (step[:, :-1] < -10)).sum(1)
    assert spikes[[0, 1, 2, 3, 4, 5, 8, 12, 16]].tolist() == [0, 0, 0, 0, 4, 13, 33, 54, 64]
    assert (cell.current[3, cell.onset : cell.end] == -25).all() and cell.current[3, 0] == 0
    np.testing.assert_allclose([step.min(), step.max()], [-101, 31], atol=3)
