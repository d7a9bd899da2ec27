"""Networks as pure ``init`` and ``apply``: each one's equations, written as Flax Linen modules.

Parameters take the dtype of the input that initialised them, so the same module runs in float32 and in float64.
"""

import importlib

_MODULES = ("attention", "convolution", "mlp", "normalisation", "recurrent")
__all__ = list(_MODULES)


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"redes_jax.networks.{name}")
    raise AttributeError(f"module 'redes_jax.networks' has no attribute {name!r}")
