"""One nerve cell of a brain slice, its voltage while current is injected: a fast-spiking interneuron, 17 sweeps.

Recorded on 2019-07-24 with a patch electrode that opens the whole cell, published with pyABF (Harden 2018, MIT licence) as
``2019_07_24_0055_fsi.abf``. In sweep k a step of ``-100 + 25 k`` pA lasts 500 ms; then come -100 pA, and the step again.
The current is the one commanded. Capacitance, access resistance, junction potential and temperature were not noted down.
"""

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from redes_jax.data import files
from redes_jax.data.idx import CorruptFile

SOURCES = (
    files.Source(
        "2019_07_24_0055_fsi.abf",
        "4666e82da3e0cc33b579fea285901a7f48b54a8c0cb8143b9c539d65172709b6",
        (
            "https://raw.githubusercontent.com/swharden/pyABF/main/data/abfs",
            "https://raw.githubusercontent.com/swharden/pyABF/3ad9cd6f2cdfe79bc1978736ab46314866ca1c4c/data/abfs",
        ),
    ),
)
EPOCHS = ((2937, 12937, None), (22937, 32937, -100.0), (32937, 42937, None))  # samples, and pA where it is not the step


class Recording(NamedTuple):
    """Sweeps of voltage and current.

    Args:
      voltage: mV.
      current: pA, depolarising when positive.
      step: pA, of the first step of each sweep.
      onset, end: first sample of that step, and the first after it.
      dt: the interval between samples, ms.
    """

    voltage: Float32[np.ndarray, "sweeps time"]
    current: Float32[np.ndarray, "sweeps time"]
    step: Float32[np.ndarray, " sweeps"]
    onset: int
    end: int
    dt: float


def load() -> Recording:
    """The recording, downloaded at the first call: 17 sweeps of 60 000 samples at 20 kHz.

    Raises:
      DataUnavailable: when it is neither on disk nor to be downloaded.
    """
    voltage, dt = read_abf(files.fetch("patch_clamp", SOURCES[0]))
    step = (-100.0 + 25.0 * np.arange(len(voltage))).astype(np.float32)
    current = np.zeros_like(voltage)
    for first, after, value in EPOCHS:
        current[:, first:after] = step[:, None] if value is None else value
    return Recording(voltage, current, step, *EPOCHS[0][:2], dt)


def available() -> bool:
    """Whether the file lies on disk, so that :func:`load` needs no network."""
    return files.local_copy("patch_clamp", SOURCES[0].name) is not None


def read_abf(path: Path) -> tuple[np.ndarray, float]:
    """The sweeps of a file in Axon's binary format 2, of one channel of 16-bit integers and equal sweeps.

    Args:
      path: of the file.

    Returns:
      Sweeps (sweeps, time) float32 in the channel's unit, and the interval between samples, ms.

    Raises:
      CorruptFile: naming the file and what is wrong with it.
    """
    data = Path(path).read_bytes()
    if data[:4] != b"ABF2" or len(data) < 512:
        raise CorruptFile(f"{path}: begins with {data[:4]!r}, which is no ABF2; is it the right file?")

    def section(at):
        block, size, count = struct.unpack_from("<IIq", data, at)
        if block * 512 + size * count > len(data):
            raise CorruptFile(
                f"{path}: announces {block * 512 + size * count} bytes and holds {len(data)}; fetch it again"
            )
        return block * 512, size, count

    protocol, channel, samples = section(76), section(92), section(236)
    if channel[2] != 1 or samples[1] != 2:
        raise CorruptFile(f"{path}: has {channel[2]} channels of {samples[1]} bytes a sample; one of 2 is read here")

    def number(kind, offset):
        return struct.unpack_from("<" + kind, data, offset)[0]

    microseconds, sweeps = number("f", protocol[0] + 2), number("i", protocol[0] + 30)
    volts, levels = number("f", protocol[0] + 110), number("i", protocol[0] + 118)
    gain = number("f", channel[0] + 28) * number("f", channel[0] + 40) * number("f", channel[0] + 48)
    if number("h", channel[0] + 2):  # the amplifier reported its own gain
        gain *= number("f", channel[0] + 6)
    shift = number("f", channel[0] + 44) - number("f", channel[0] + 52)
    if sweeps < 1 or samples[2] % sweeps or gain == 0:
        raise CorruptFile(f"{path}: {samples[2]} samples are no {sweeps} equal sweeps with gain {gain}")
    raw = np.frombuffer(data, "<i2", samples[2], samples[0]).reshape(sweeps, -1)
    return raw.astype(np.float32) * np.float32(volts / levels / gain) + np.float32(shift), microseconds / 1e3
