"""Data sets as arrays: checked against a sha256, cached, never pickled. One file a data set.

``REDES_DATA_DIR`` points at a local copy (one folder a data set); otherwise files are downloaded once into the user's cache.
"""

import importlib

_MODULES = ("digits", "files", "idx", "images", "mnist")
__all__ = list(_MODULES)


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"redes_jax.data.{name}")
    raise AttributeError(f"module 'redes_jax.data' has no attribute {name!r}")
