r"""Flappy: a bird that falls, and flaps its way through gaps in pipes, on a board of 10 x 10 cells.

The rules, those of Nguyen's Flappy Bird (2013) on a small board, in whole numbers (4 units are a cell):

- The bird stays in its column and falls, :math:`v_{t+1} = v_t + g, \; y_{t+1} = y_t + v_{t+1}`, with ``gravity``
  :math:`g`; a flap sets the velocity to ``-lift`` instead. So without a flap :math:`y_n = y_0 + n v_0 + g n (n + 1) / 2`.
- Pipes come one cell nearer each frame, six cells apart, each with a gap of four cells at a height drawn at random.
- A pipe passed earns 1. The game ends when the bird meets a pipe outside its gap, or leaves the board above or below.

The view has three channels: the bird, the bird a frame ago, the pipes; a bird between two cells shows in each by its share.
The state is a struct of small integers: all functions work on one game and, elementwise, on any number of them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from redes_jax import bits
from redes_jax.games import drawing
from redes_jax.games.world import Output, World

SIZE, ACTIONS, UNITS = 10, 2, 4
BIRD, APART, GAP = 2, 6, 4


class Rules(NamedTuple):
    """The numbers of the world.

    Args:
      gravity: units a frame a frame.
      lift: speed upwards after a flap, units a frame.
      limit: frames after which the time is up.
    """

    gravity: int | Array = 2
    lift: int | Array = 4
    limit: int | Array = 500


STANDARD = Rules()


class State(NamedTuple):
    """The bird's height below the ceiling and its velocity (units), its height a frame ago, the column of the first
    pipe, the uppermost cell of its gap and of the next pipe's, and the frames played."""

    height: Int[Array, "*batch"]
    velocity: Int[Array, "*batch"]
    old_height: Int[Array, "*batch"]
    pipe: Int[Array, "*batch"]
    gap: Int[Array, "*batch"]
    next_gap: Int[Array, "*batch"]
    time: Int[Array, "*batch"]


def init(key: Array) -> State:
    """A start: the bird at rest in the middle, the first pipe at the right end."""
    gaps = jax.random.randint(key, (2,), 1, SIZE - GAP, jnp.int32)
    middle, pipe, zero = (jnp.full((), value, jnp.int32) for value in (UNITS * SIZE // 2, SIZE - 1, 0))
    return State(middle, zero, middle, pipe, gaps[0], gaps[1], zero)


def observe(state: State) -> Float[Array, "*batch 10 10 3"]:
    """What the player sees: bird, the bird a frame ago, pipes."""
    rows, columns = jnp.arange(SIZE)[:, None], jnp.arange(SIZE)

    def bird(height):
        share = jnp.maximum(UNITS - jnp.abs(UNITS * rows - height[..., None, None]), 0) / UNITS
        return jnp.where(columns == BIRD, share, 0)

    pipes = _solid(state.pipe, state.gap) | _solid(state.pipe + APART, state.next_gap)
    return jnp.stack([bird(state.height), bird(state.old_height), pipes.astype(float)], axis=-1)


def step(key: Array, state: State, action: Int[Array, "*batch"], rules: Rules = STANDARD) -> tuple[State, Output]:
    """One frame.

    Args:
      key: the height of the next gap.
      state: before the action.
      action: 1 flaps, 0 does not.
      rules: the numbers of the world.

    Returns:
      ``(state, Output)``: the reward is 1 for a pipe passed.
    """
    velocity = jnp.where(action == 1, -rules.lift, state.velocity + rules.gravity).astype(jnp.int32)
    height = state.height + velocity
    gone = state.pipe == 0
    new = 1 + (bits.uniform(key, state.time.shape) * (SIZE - GAP - 1)).astype(jnp.int32)
    pipe = jnp.where(gone, APART - 1, state.pipe - 1)
    gap, next_gap = jnp.where(gone, state.next_gap, state.gap), jnp.where(gone, new, state.next_gap)

    here = pipe == BIRD
    through = (height >= UNITS * gap) & (height <= UNITS * (gap + GAP - 1))
    outside = (height < 0) | (height > UNITS * (SIZE - 1))
    dead = outside | here & ~through
    time = state.time + 1
    after = State(height, velocity, state.height, pipe, gap, next_gap, time)
    return after, Output(observe(after), (here & ~dead).astype(float), dead, time >= rules.limit)


def flappy(rules: Rules = STANDARD) -> World:
    """The game as a :class:`~redes_jax.games.world.World`."""

    def play(key, state, action):
        return step(key, state, action, rules)

    return World(init, play, observe)


def expert(state: State, rules: Rules = STANDARD) -> Int[Array, "*batch"]:
    """A player by hand: flap when the bird would otherwise sink below the gap that comes next."""
    passed = state.pipe <= BIRD
    gap = jnp.where(passed, state.next_gap, state.gap)
    sinks = state.height + state.velocity + rules.gravity > UNITS * (gap + GAP - 1)
    return sinks.astype(jnp.int32)


def _solid(pipe, gap) -> Bool[Array, "*batch 10 10"]:
    rows, columns = jnp.arange(SIZE)[:, None], jnp.arange(SIZE)
    pipe, gap = pipe[..., None, None], gap[..., None, None]
    return (columns == pipe) & ((rows < gap) | (rows >= gap + GAP))


_SKY, _PIPE, _BIRD, _BEAK, _EYE = (205, 229, 243), (0, 158, 115), (240, 200, 40), (213, 94, 0), (34, 34, 34)


def render(states: State, scale: int = 24) -> np.ndarray:
    """A film of the game.

    Args:
      states: of shape (frames,).
      scale: pixels a cell.

    Returns:
      (frames, 10 scale, 10 scale, 3) of uint8.
    """
    tiles = np.stack([drawing.tile(scale, _SKY), drawing.tile(scale, _SKY, _PIPE, size=1.0, roundness=0.15)])
    film = drawing.mosaic((np.asarray(observe(states))[..., 2] > 0).astype(int), tiles)
    x, y = drawing.plane(scale, scale, scale, left=-0.5, bottom=-0.5)
    shapes = (
        (drawing.bar(x, y, (0.25, -0.03), (0.40, -0.06), 0.08), _BEAK),
        (drawing.disc(x, y, (0, 0), 0.36), _BIRD),
        (drawing.disc(x, y, (0.14, 0.12), 0.07), _EYE),
        (drawing.bar(x, y, (-0.24, -0.02), (-0.06, -0.06), 0.10), (250, 250, 248)),
    )
    left = BIRD * scale
    for frame, height in zip(film, np.asarray(states.height), strict=True):
        top = int(np.clip(round(scale * height / UNITS), 0, (SIZE - 1) * scale))
        patch = frame[top : top + scale, left : left + scale].astype(np.float32)
        for distance, colour in shapes:
            patch = drawing.paint(patch, distance, colour, scale)
        frame[top : top + scale, left : left + scale] = np.rint(patch)
    return film
