"""The IDX format of MNIST (LeCun, Cortes & Burges 1998): a magic number, the sizes, the bytes. Plain or gzipped, no pickle."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


class CorruptFile(ValueError):
    """A data file that is not what its name says; the message names the file and the remedy."""


def read(path: Path | str) -> np.ndarray:
    """The array in an IDX file, gzipped when its name ends in ``.gz``.

    Raises:
      CorruptFile: when the file is truncated, has bytes left over, or is not IDX at all.
    """
    path = Path(path)
    data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise CorruptFile(f"{path}: not a whole gzip file ({error}); delete it and fetch it again") from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _DTYPES:
        raise CorruptFile(f"{path}: begins with {data[:4]!r}, which is no IDX magic number; is it the right file?")
    rank = data[3]
    header = 4 + 4 * rank
    if len(data) < header:
        raise CorruptFile(f"{path}: ends inside its header of {header} bytes; delete it and fetch it again")
    shape = struct.unpack(f">{rank}I", data[4:header])
    dtype = np.dtype(_DTYPES[data[2]])
    expected, found = math.prod(shape) * dtype.itemsize, len(data) - header
    if found != expected:
        raise CorruptFile(
            f"{path}: announces {shape}, {expected} bytes, and holds {found}; delete it and fetch it again"
        )
    return np.frombuffer(data, dtype, offset=header).reshape(shape).astype(dtype.newbyteorder("="))
