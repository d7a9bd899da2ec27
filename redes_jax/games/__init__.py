"""Worlds to play in: a game is a process whose input is the player's action, see :mod:`redes_jax.games.world`."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redes_jax.games import cartpole, world

_MODULES = ("cartpole", "world")

__all__ = ["cartpole", "world"]


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"redes_jax.games.{name}")
    raise AttributeError(f"module 'redes_jax.games' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
