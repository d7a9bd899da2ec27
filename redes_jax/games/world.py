"""What a game is: a process with eyes.

``init(key) -> state`` starts an episode and ``step(key, state, action) -> (state, Output)`` plays one frame, so every
game is a :class:`redes_jax.process.Process` whose input is the action. The third function, ``observe(state)``, is what
the player sees.

An episode that is over is not started again inside ``step``: who plays decides what then (mask it, stop, begin
another). An automatic reset would draw a new start at every frame of every episode, only to throw nearly all of them
away.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxtyping import Array, Bool, Float


class World(NamedTuple):
    """A game as three pure functions; ``Process(world.init, world.step)`` is the process it is."""

    init: Callable[[Any], Any]
    step: Callable[[Any, Any, Any], tuple[Any, "Output"]]
    observe: Callable[[Any], Float[Array, "*batch_and_view"]]


class Output(NamedTuple):
    """What a frame shows.

    Args:
      observation: what the player sees after the action: (*batch, features), or for a game seen as pixels (*batch,
        rows, columns, channels).
      reward: what the action earned.
      terminated: the game is lost or won: nothing can be earned from here on.
      truncated: the time is up, although the game could go on. A learner that bootstraps treats the two differently.
    """

    observation: Float[Array, "*batch_and_view"]
    reward: Float[Array, "*batch"]
    terminated: Bool[Array, "*batch"]
    truncated: Bool[Array, "*batch"]
