"""Learning by populations: strategies that ask and tell, and a policy in a world for a fitness."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redes_jax.evolution import policies, rollout, strategies

_MODULES = ("policies", "rollout", "strategies")

__all__ = ["policies", "rollout", "strategies"]


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"redes_jax.evolution.{name}")
    raise AttributeError(f"module 'redes_jax.evolution' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
