"""Breakout: keep a ball in play with a paddle and break the wall above, on a board of 10 x 10 cells.

The rules, those that MinAtar describes for its miniature of the Atari game (Young & Tian, "MinAtar: an Atari-inspired
testbed", 2019), written anew:

- The paddle is one cell of the bottom row; the player moves it one cell left or right or leaves it. With probability
  ``sticky`` the action of the frame before is repeated instead.
- The ball moves one cell along a diagonal each frame. The side walls, the ceiling and a brick send it back; like light,
  it is mirrored in the edge that it meets, so both parts of its velocity are -1 or 1 for ever.
- A brick that is hit is gone and earns 1. There are three rows of ten; when none is left and the ball comes back to the
  paddle, the wall is built again.
- A ball that falls on the paddle bounces on; one that falls past its edge, straight from above it, is sent back whence it
  came. Any other ball that reaches the bottom row is lost, and the game with it.

The view has four channels of zeros and ones: paddle, ball, the ball's place a frame ago, bricks. The state is a struct of
small integers, the wall one bit a brick: all functions work on one game and, elementwise, on any number of them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from redes_jax import bits
from redes_jax.games import drawing
from redes_jax.games.world import Output, World

SIZE, ROWS, ACTIONS = 10, 3, 3
WALL = 2 ** (SIZE * ROWS) - 1


class Rules(NamedTuple):
    """The numbers of the world.

    Args:
      sticky: probability that the last action is repeated.
      limit: frames after which the time is up.
    """

    sticky: float | Array = 0.1
    limit: int | Array = 1000


STANDARD = Rules()


class State(NamedTuple):
    """The ball's cell, its velocity and its cell a frame ago, the paddle's column, the wall (bit ``10 r + c`` is the brick
    in row ``1 + r`` and column ``c``), the last action, and the frames played."""

    row: Int[Array, "*batch"]
    column: Int[Array, "*batch"]
    down: Int[Array, "*batch"]
    right: Int[Array, "*batch"]
    old_row: Int[Array, "*batch"]
    old_column: Int[Array, "*batch"]
    paddle: Int[Array, "*batch"]
    bricks: Int[Array, "*batch"]
    action: Int[Array, "*batch"]
    time: Int[Array, "*batch"]


def init(key: Array) -> State:
    """A start: the ball under the wall in any column, falling to the left or to the right; the paddle in the middle."""
    draw = jax.random.randint(key, (2,), 0, jnp.array([SIZE, 2]), jnp.int32)
    row, down, paddle, wall, zero = (jnp.full((), value, jnp.int32) for value in (ROWS + 1, 1, SIZE // 2, WALL, 0))
    return State(row, draw[0], down, 2 * draw[1] - 1, row, draw[0], paddle, wall, zero, zero)


def observe(state: State) -> Float[Array, "*batch 10 10 4"]:
    """What the player sees: paddle, ball, trail, bricks."""
    rows, columns = jnp.arange(SIZE)[:, None], jnp.arange(SIZE)

    def cell(row, column):
        return (rows == _on_board(row)) & (columns == _on_board(column))

    standing = (_on_board(state.bricks) >> _bit(rows, columns)) & 1 == 1
    wall = standing & (rows >= 1) & (rows <= ROWS)
    paddle = cell(jnp.full_like(state.paddle, SIZE - 1), state.paddle)
    view = [paddle, cell(state.row, state.column), cell(state.old_row, state.old_column), wall]
    return jnp.stack(view, axis=-1).astype(float)


def bricks(state: State) -> Int[Array, "*batch"]:
    """How many bricks stand."""
    return jax.lax.population_count(state.bricks)


def step(key: Array, state: State, action: Int[Array, "*batch"], rules: Rules = STANDARD) -> tuple[State, Output]:
    """One frame.

    Args:
      key: decides whether the last action sticks.
      state: before the action.
      action: 0 leaves the paddle, 1 moves it left, 2 moves it right.
      rules: the numbers of the world.

    Returns:
      ``(state, Output)``: the reward is 1 for a brick.
    """
    sticks = bits.uniform(key, state.time.shape) < rules.sticky
    action = jnp.where(sticks, state.action, action).astype(jnp.int32)
    paddle = jnp.clip(state.paddle + (action == 2) - (action == 1), 0, SIZE - 1).astype(jnp.int32)
    row, column, down, right = state.row + state.down, state.column + state.right, state.down, state.right

    side = (column < 0) | (column >= SIZE)
    column, right = jnp.where(side, state.column, column), jnp.where(side, -right, right)
    ceiling = row < 0
    row, down = jnp.where(ceiling, state.row, row), jnp.where(ceiling, -down, down)

    brick = (row >= 1) & (row <= ROWS) & ((state.bricks >> _bit(row, column)) & 1 == 1)
    wall = jnp.where(brick, state.bricks & ~(jnp.int32(1) << _bit(row, column)), state.bricks)
    row, down = jnp.where(brick, state.row, row), jnp.where(brick, -down, down)

    bottom = row == SIZE - 1
    edge = bottom & (column != paddle) & (state.column == paddle)
    caught = edge | bottom & (column == paddle)
    column, right = jnp.where(edge, state.column, column), jnp.where(edge, -right, right)
    row, down = jnp.where(caught, state.row, row), jnp.where(caught, -down, down)
    wall = jnp.where(caught & (wall == 0), WALL, wall)

    time = state.time + 1
    after = State(row, column, down, right, state.row, state.column, paddle, wall, action, time)
    return after, Output(observe(after), brick.astype(float), bottom & ~caught, time >= rules.limit)


def breakout(rules: Rules = STANDARD) -> World:
    """The game as a :class:`~redes_jax.games.world.World`."""

    def play(key, state, action):
        return step(key, state, action, rules)

    return World(init, play, observe)


def expert(state: State) -> Int[Array, "*batch"]:
    """A player by hand: be where the falling ball will land, and below the ball while it rises.

    With the walls as mirrors the ball runs along a line of twice the board's width, so where it lands is one sum.
    """
    ahead = jnp.where(state.down > 0, SIZE - 1 - state.row, 1)
    unfolded = jnp.where(state.right > 0, state.column, 2 * SIZE - 1 - state.column) + ahead
    unfolded = unfolded % (2 * SIZE)
    target = jnp.where(unfolded < SIZE, unfolded, 2 * SIZE - 1 - unfolded)
    return jnp.where(target > state.paddle, 2, jnp.where(target < state.paddle, 1, 0)).astype(jnp.int32)


def _on_board(number):
    return number[..., None, None]


def _bit(row, column) -> Bool[Array, "*batch"] | Array:
    return jnp.clip(SIZE * (row - 1) + column, 0, SIZE * ROWS - 1)


_BOARD, _TRAIL, _BALL, _PADDLE = (20, 24, 36), (54, 66, 92), (250, 250, 248), (86, 180, 233)
_BRICKS = ((213, 94, 0), (230, 159, 0), (0, 158, 115))


def render(states: State, scale: int = 24) -> np.ndarray:
    """A film of the game.

    Args:
      states: of shape (frames,).
      scale: pixels a cell.

    Returns:
      (frames, 10 scale, 10 scale, 3) of uint8.
    """
    tiles = [drawing.tile(scale, _BOARD)]
    tiles += [drawing.tile(scale, _BOARD, colour, size=0.9) for colour in _BRICKS]
    tiles += [
        drawing.tile(scale, _BOARD, _TRAIL, size=0.4, roundness=1),
        drawing.tile(scale, _BOARD, _BALL, size=0.7, roundness=1),
        drawing.tile(scale, _BOARD, _PADDLE, size=1.0, roundness=0.35),
    ]
    view = np.asarray(observe(states)) > 0
    kinds = view[..., 3] * np.arange(SIZE)[:, None]
    for channel, kind in ((2, ROWS + 1), (1, ROWS + 2), (0, ROWS + 3)):
        kinds = np.where(view[..., channel], kind, kinds)
    return drawing.mosaic(kinds, np.stack(tiles))
