"""Snake: eat, grow, and do not bite yourself, on a square board.

The rules of the old game (Blockade, Gremlin 1976, and its many heirs):

- Each frame the head moves one cell up, right, down or left and the body follows; turning straight back is not possible
  and leaves the direction as it was.
- Food lies in one free cell. Eating it earns 1 and makes the snake one cell longer; the next food appears in a free cell
  drawn at random.
- Running into the wall or into the body ends the game; the cell that the tail leaves in the same frame is free. A snake
  that fills the board has won.

The view has three channels: the head, the body (each cell with the share of the snake's length that follows it, so that
neck and tail can be told apart), the food. The state keeps for each cell the number of frames for which the body will still
lie there: all functions work on one game and on any number of them along leading axes.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from redes_jax import bits
from redes_jax.games import drawing
from redes_jax.games.world import Output, World

ACTIONS, START = 4, 3


class Rules(NamedTuple):
    """The numbers of the world.

    Args:
      limit: frames after which the time is up.
    """

    limit: int | Array = 500


STANDARD = Rules()


class State(NamedTuple):
    """Frames that each cell stays body (0: free), the cells of head and food, the direction (0 up, 1 right, 2 down, 3
    left), the length, and the frames played."""

    body: Int[Array, "*batch rows columns"]
    row: Int[Array, "*batch"]
    column: Int[Array, "*batch"]
    heading: Int[Array, "*batch"]
    food_row: Int[Array, "*batch"]
    food_column: Int[Array, "*batch"]
    length: Int[Array, "*batch"]
    time: Int[Array, "*batch"]


def init(key: Array, size: int = 8) -> State:
    """A start: three cells long, heading right, anywhere in an even row.

    Args:
      key: consumed.
      size: cells a side.
    """
    place, food = jax.random.split(key)
    row, column = jax.random.randint(place, (2,), 0, jnp.array([(size + 1) // 2, size - START]), jnp.int32)
    row, column = 2 * row, column + START - 1
    rows, columns = jnp.arange(size)[:, None], jnp.arange(size)
    behind = column - columns
    body = jnp.where((rows == row) & (behind >= 0) & (behind < START), START - behind, 0).astype(jnp.int32)
    food_row, food_column = _free_cell(food, body)
    return State(body, row, column, jnp.int32(1), food_row, food_column, jnp.int32(START), jnp.int32(0))


def observe(state: State) -> Float[Array, "*batch rows columns 3"]:
    """What the player sees: head, body, food."""
    head = _cell(state.body, state.row, state.column)
    food = _cell(state.body, state.food_row, state.food_column)
    body = state.body / state.length[..., None, None]
    return jnp.stack([head.astype(body.dtype), body, food.astype(body.dtype)], axis=-1)


def step(key: Array, state: State, action: Int[Array, "*batch"], rules: Rules = STANDARD) -> tuple[State, Output]:
    """One frame.

    Args:
      key: where the next food appears.
      state: before the action.
      action: where to go: 0 up, 1 right, 2 down, 3 left.
      rules: the numbers of the world.

    Returns:
      ``(state, Output)``: the reward is 1 for food.
    """
    size = state.body.shape[-1]
    heading = jnp.where(action == (state.heading + 2) % 4, state.heading, action).astype(jnp.int32)
    row = state.row + (heading == 2) - (heading == 0)
    column = state.column + (heading == 1) - (heading == 3)
    eats = (row == state.food_row) & (column == state.food_column)
    outside = (row < 0) | (row >= size) | (column < 0) | (column >= size)

    body = jnp.where(eats[..., None, None], state.body, jnp.maximum(state.body - 1, 0))
    head = _cell(body, row, column)
    dead = outside | jnp.any(head & (body > 0), axis=(-2, -1))
    length = state.length + eats
    body = jnp.where(head & ~dead[..., None, None], length[..., None, None], body)
    full = jnp.all(body > 0, axis=(-2, -1))
    new_row, new_column = _free_cell(key, body)
    food_row, food_column = jnp.where(eats, new_row, state.food_row), jnp.where(eats, new_column, state.food_column)

    time = state.time + 1
    after = State(body, row, column, heading, food_row, food_column, length, time)
    return after, Output(observe(after), eats.astype(float), dead | full, time >= rules.limit)


def snake(size: int = 8, rules: Rules = STANDARD) -> World:
    """The game as a :class:`~redes_jax.games.world.World`.

    Args:
      size: cells a side.
      rules: the numbers of the world.
    """
    if size < START + 2:
        raise ValueError(f"size is {size}: a snake of {START} cells needs a board of at least {START + 2} cells a side")

    def play(key, state, action):
        return step(key, state, action, rules)

    return World(partial(init, size=size), play, observe)


def expert(state: State) -> Int[Array, "*batch"]:
    """A player by hand: follow a closed path through all cells, and cut it short where that is safe.

    A snake that lies along the path in order can always go on. It may jump ahead on the path, as near to the food as a
    neighbouring cell leads, as long as it neither jumps over the food nor comes near its own tail from behind.
    """
    size = state.body.shape[-1]
    path = jnp.asarray(_closed_path(size))
    cells = size * size
    now = path[state.row, state.column]

    def ahead(place):
        return (place - now) % cells

    remaining = jnp.where(state.body > 0, state.body, cells + 1)
    tail = jnp.argmin(remaining.reshape(*state.row.shape, cells), axis=-1)
    to_tail = ahead(path.reshape(-1)[tail])
    to_food = ahead(path[state.food_row, state.food_column])
    best, action = jnp.full_like(now, -1), state.heading
    for number, (down, right) in enumerate(((-1, 0), (0, 1), (1, 0), (0, -1))):
        row, column = state.row + down, state.column + right
        inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
        jump = ahead(path[jnp.clip(row, 0, size - 1), jnp.clip(column, 0, size - 1)])
        safe = (jump == 1) | (jump <= to_food) & (jump + START < to_tail)
        better = inside & safe & (jump > best)
        best, action = jnp.where(better, jump, best), jnp.where(better, number, action)
    return action.astype(jnp.int32)


def _closed_path(size) -> np.ndarray:
    """The place of each cell on the path: to and fro along the rows, and back up the first column."""
    if size % 2:
        raise ValueError(f"size is {size}: a closed path through all cells needs an even number a side")
    rows, columns = np.mgrid[0:size, 0:size]
    across = np.where(rows % 2 == 0, columns - 1, size - 1 - columns)
    return np.where(columns > 0, rows * (size - 1) + across, size * (size - 1) + size - 1 - rows).astype(np.int32)


def _cell(body, row, column):
    rows, columns = jnp.arange(body.shape[-2])[:, None], jnp.arange(body.shape[-1])
    return (rows == row[..., None, None]) & (columns == column[..., None, None])


def _free_cell(key, body):
    """A free cell, each as likely as the others, by one random number: the first cell when there is none."""
    size = body.shape[-1]
    flat = body.reshape(*body.shape[:-2], -1)
    passed = jnp.cumsum(flat == 0, axis=-1, dtype=jnp.int32)
    free = passed[..., -1]
    rank = (bits.uniform(key, free.shape) * free).astype(jnp.int32)
    index = jnp.argmax(passed > jnp.minimum(rank, free - 1)[..., None], axis=-1).astype(jnp.int32)
    return index // size, index % size


_LIGHT, _DARK, _HEAD, _FOOD = (26, 32, 44), (20, 24, 36), (240, 228, 66), (213, 94, 0)
_NECK, _TAIL = np.array((0, 178, 130)), np.array((0, 92, 72))
_SHADES = 8


def render(states: State, scale: int = 28) -> np.ndarray:
    """A film of the game.

    Args:
      states: of shape (frames,).
      scale: pixels a cell.

    Returns:
      (frames, size scale, size scale, 3) of uint8.
    """
    pieces = [(None, {}), (_FOOD, {"size": 0.7, "roundness": 1}), (_HEAD, {"size": 1.0, "roundness": 0.5})]
    for share in (np.arange(_SHADES) + 0.5) / _SHADES:
        pieces.append((_TAIL + share * (_NECK - _TAIL), {"size": 0.94, "roundness": 0.4}))
    tiles = np.stack([drawing.tile(scale, board, *[c], **more) for board in (_LIGHT, _DARK) for c, more in pieces])
    body, length = np.asarray(states.body), np.asarray(states.length)[:, None, None]
    size = body.shape[-1]
    rows, columns = np.mgrid[0:size, 0:size]
    shade = np.minimum(_SHADES * body // np.maximum(length, 1), _SHADES - 1)
    kinds = np.where(body > 0, 3 + shade, 0)
    for kind, row, column in ((1, states.food_row, states.food_column), (2, states.row, states.column)):
        there = (rows == np.asarray(row)[:, None, None]) & (columns == np.asarray(column)[:, None, None])
        kinds = np.where(there, kind, kinds)
    return drawing.mosaic(kinds + len(pieces) * ((rows + columns) % 2), tiles)
