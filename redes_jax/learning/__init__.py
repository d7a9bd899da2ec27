"""Rules that learn from examples: the perceptron, descent along a gradient, what they minimise, how they are judged."""

import importlib

_MODULES = ("gradient", "losses", "metrics", "perceptron", "splits")
__all__ = list(_MODULES)


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"redes_jax.learning.{name}")
    raise AttributeError(f"module 'redes_jax.learning' has no attribute {name!r}")
