r"""MountainCar: an engine too weak for the hill, so the car must first back away from the goal.

Moore's car ("Efficient memory-based learning for robot control", 1990) as Gymnasium's ``MountainCar-v0`` plays it:

.. math:: v_{t+1} = v_t + F (a_t - 1) - g \cos 3 x_t, \qquad x_{t+1} = x_t + v_{t+1}

with position :math:`x`, velocity :math:`v`, action :math:`a` (0 pushes left, 1 rests, 2 pushes right), ``force``
:math:`F` and ``gravity`` :math:`g`; both are clipped, and the left wall stops the car. There are no units.

The state is a struct of arrays: all functions work on one car and, elementwise, on any number of them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from redes_jax.games import drawing
from redes_jax.games.world import Output, World


class Physics(NamedTuple):
    """The numbers of the world; the defaults are those of ``MountainCar-v0``.

    Args:
      force: of the engine.
      gravity: pull of the slope.
      speed: the fastest the car goes.
      left, right: ends of the road.
      goal: where the flag stands; the episode ends when the car reaches it with at least ``goal_speed``.
      goal_speed: see ``goal``.
      limit: frames after which the time is up.
    """

    force: float | Array = 0.001
    gravity: float | Array = 0.0025
    speed: float | Array = 0.07
    left: float | Array = -1.2
    right: float | Array = 0.6
    goal: float | Array = 0.5
    goal_speed: float | Array = 0.0
    limit: int | Array = 200


V0 = Physics()


class State(NamedTuple):
    """The car's position and velocity, and the frames played."""

    position: Float[Array, "*batch"]
    velocity: Float[Array, "*batch"]
    time: Int[Array, "*batch"]


def init(key: Array) -> State:
    """A start: at rest in the valley, position uniform in (-0.6, -0.4)."""
    position = jax.random.uniform(key, (), minval=-0.6, maxval=-0.4)
    return State(position, jnp.zeros_like(position), jnp.zeros((), jnp.int32))


def observe(state: State) -> Float[Array, "*batch 2"]:
    """Position and velocity: the player sees everything but the clock."""
    return jnp.stack(state[:2], axis=-1)


def arrived(state: State, physics: Physics = V0) -> Bool[Array, "*batch"]:
    """Whether the car is at the flag."""
    return (state.position >= physics.goal) & (state.velocity >= physics.goal_speed)


def step(key: Array | None, state: State, action: Int[Array, "*batch"], physics: Physics = V0) -> tuple[State, Output]:
    """One frame.

    Args:
      key: not used: the physics is deterministic.
      state: before the push.
      action: 0 pushes left, 1 rests, 2 pushes right.
      physics: the numbers of the world.

    Returns:
      ``(state, Output)``: the reward is -1 for every frame, the last one included.
    """
    del key
    x, v, time = state
    v = v + (action - 1) * physics.force - jnp.cos(3 * x) * physics.gravity
    v = jnp.clip(v, -physics.speed, physics.speed)
    x = jnp.clip(x + v, physics.left, physics.right)
    v = jnp.where((x == physics.left) & (v < 0), 0.0, v)
    after = State(x.astype(state.position.dtype), v.astype(state.velocity.dtype), time + 1)
    reward = jnp.full_like(after.position, -1.0)
    return after, Output(observe(after), reward, arrived(after, physics), after.time >= physics.limit)


def mountain_car(physics: Physics = V0) -> World:
    """The game as a :class:`~redes_jax.games.world.World`, by default ``MountainCar-v0``."""

    def play(key, state, action):
        return step(key, state, action, physics)

    return World(init, play, observe)


_SKY, _HILL, _CAR, _WHEEL, _FLAG = (250, 250, 248), (206, 211, 217), (0, 114, 178), (34, 34, 34), (213, 94, 0)


def render(state: State, width: int = 360, physics: Physics = V0) -> np.ndarray:
    """Pictures of the game, smooth at the edges.

    Args:
      state: positions of shape (frames,).
      width: of a picture in pixels; its height is two thirds of that.

    Returns:
      (frames, 2 width / 3, width, 3) of uint8.
    """
    left, right = float(physics.left) - 0.05, float(physics.right) + 0.05
    scale, height = width / (right - left), 2 * width // 3
    px, py = drawing.plane(height, width, scale, left=left, bottom=-0.12)
    backdrop = np.broadcast_to(np.array(_SKY, np.float32), (height, width, 3))
    slope = 1.35 * np.cos(3 * px)
    backdrop = drawing.paint(backdrop, (py - _height(px)) / np.hypot(1, slope), _HILL, scale)
    foot = (float(physics.goal), float(_height(physics.goal)))
    backdrop = drawing.paint(backdrop, drawing.bar(px, py, foot, (foot[0], foot[1] + 0.2), 0.006), _WHEEL, scale)
    cloth = drawing.box(px - foot[0] - 0.045, py - foot[1] - 0.175, 0.045, 0.028)
    backdrop = drawing.paint(backdrop, cloth, _FLAG, scale)
    frames = []
    for x in np.asarray(state.position, np.float32):
        lean = np.arctan(1.35 * np.cos(3 * x))
        along, up = np.array([np.cos(lean), np.sin(lean)]), np.array([-np.sin(lean), np.cos(lean)])
        middle = np.array([x, _height(x)])
        wheels = [middle + side * 0.045 * along + 0.02 * up for side in (-1, 1)]
        roof = [middle + side * 0.045 * along + 0.052 * up for side in (-1, 1)]
        frame = drawing.paint(backdrop, drawing.bar(px, py, roof[0], roof[1], 0.026), _CAR, scale)
        for wheel in wheels:
            frame = drawing.paint(frame, drawing.disc(px, py, wheel, 0.022), _WHEEL, scale)
        frames.append(np.rint(frame).astype(np.uint8))
    return np.stack(frames)


def _height(x):
    return 0.45 * np.sin(3 * x) + 0.55
