"""Data sets as arrays: checked against a sha256, cached, never pickled. One file a data set.

``REDES_DATA_DIR`` points at a local copy (one folder a data set); otherwise files are downloaded once into the user's cache.
"""

from redes_jax.lazy import submodules

__all__, __getattr__, __dir__ = submodules(
    __name__, ("digits", "files", "idx", "images", "mnist", "morphology", "patch_clamp")
)
