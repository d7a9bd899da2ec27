"""Files from public mirrors: a local copy first, then the cache, then the network; a wrong sha256 is refused by name."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple


class Source(NamedTuple):
    """One published file: its name, its sha256, and the folders that serve it, in order of preference."""

    name: str
    sha256: str
    mirrors: tuple[str, ...]


class DataUnavailable(RuntimeError):
    """A data set that is neither on disk nor to be had from the network; the message says what to do."""


def fetch(data_set: str, source: Source) -> Path:
    """The path of a verified file.

    Args:
      data_set: the folder's name, under ``REDES_DATA_DIR`` or the cache.
      source: which file.

    Returns:
      A path whose content has the sha256 announced. Downloads are written under a temporary name and moved when verified.

    Raises:
      DataUnavailable: when no copy is on disk and no mirror answers.
      ValueError: when a copy on disk has another sha256.
    """
    local = local_copy(data_set, source.name)
    if local is not None:
        _verify(local, source)
        return local
    import pooch

    reasons = []
    for mirror in source.mirrors:
        try:
            url = f"{mirror.rstrip('/')}/{source.name}"
            return Path(pooch.retrieve(url, f"sha256:{source.sha256}", source.name, cache() / data_set))
        except Exception as error:  # requests, urllib3 and pooch raise many kinds; each mirror's reason is reported
            reasons.append(f"{mirror}: {type(error).__name__}: {str(error).splitlines()[0][:120]}")
    raise DataUnavailable(
        f"{data_set}: no mirror gave {source.name} ({'; '.join(reasons)}). Connect and try again, or put the file at $REDES_DATA_DIR/{data_set}/{source.name}"
    )


def local_copy(data_set: str, name: str) -> Path | None:
    """Where the file lies already: under ``REDES_DATA_DIR``, or in the cache; None when in neither."""
    folders = [Path(os.environ["REDES_DATA_DIR"])] if os.environ.get("REDES_DATA_DIR") else []
    for folder in [*folders, cache()]:
        path = folder / data_set / name
        if path.is_file():
            return path
    return None


def cache() -> Path:
    """The user's cache folder for this project."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "redes_jax"


def _verify(path: Path, source: Source) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != source.sha256:
        raise ValueError(
            f"{path}: sha256 is {found[:16]}..., expected {source.sha256[:16]}...; the file is damaged or another: delete it"
        )
