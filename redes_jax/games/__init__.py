"""Worlds to play in: a game is a process whose input is the player's action, see :mod:`redes_jax.games.world`."""

from redes_jax.lazy import submodules

__all__, __getattr__, __dir__ = submodules(
    __name__,
    (
        "acrobot",
        "adapters",
        "breakout",
        "cartpole",
        "double_pole",
        "drawing",
        "flappy",
        "mountain_car",
        "pendulum",
        "snake",
        "world",
    ),
)
