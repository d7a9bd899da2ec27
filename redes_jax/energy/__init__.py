"""Nets with an energy: Hopfield's, that falls, and the Boltzmann machine, that wanders."""

import importlib

_MODULES = ("hopfield", "partition", "rbm")
__all__ = list(_MODULES)


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"redes_jax.energy.{name}")
    raise AttributeError(f"module 'redes_jax.energy' has no attribute {name!r}")
