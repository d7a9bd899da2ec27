r"""Pendulum: swing a rod up with a motor too weak to lift it, and hold it there.

Gymnasium's ``Pendulum-v1``, a rod that turns about its end, by semi-implicit Euler:

.. math:: \dot\theta_{t+1} = \dot\theta_t + \left(\frac{3 g}{2 l} \sin\theta_t + \frac{3}{m l^2} u_t\right) dt,
          \qquad \theta_{t+1} = \theta_t + \dot\theta_{t+1}\, dt

with the angle :math:`\theta` from the upright (rad), the torque :math:`u` (N m), ``mass`` :math:`m` and ``length``
:math:`l`. The action is a number, not a choice. SI units.

The state is a struct of arrays: all functions work on one pendulum and, elementwise, on any number of them.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from redes_jax.games import drawing
from redes_jax.games.world import Output, World


class Physics(NamedTuple):
    """The numbers of the world; the defaults are those of ``Pendulum-v1``.

    Args:
      gravity: m/s2.
      mass: of the rod, kg.
      length: of the rod, m.
      torque: the most the motor gives, N m.
      speed: the fastest the rod turns, rad/s.
      dt: time of a frame, s.
      limit: frames after which the time is up.
    """

    gravity: float | Array = 10.0
    mass: float | Array = 1.0
    length: float | Array = 1.0
    torque: float | Array = 2.0
    speed: float | Array = 8.0
    dt: float | Array = 0.05
    limit: int | Array = 200


V1 = Physics()


class State(NamedTuple):
    """The angle from the upright (rad), the rate (rad/s), and the frames played."""

    angle: Float[Array, "*batch"]
    rate: Float[Array, "*batch"]
    time: Int[Array, "*batch"]


def init(key: Array) -> State:
    """A start: any angle, rate uniform in (-1, 1)."""
    start = jax.random.uniform(key, (2,), minval=-1, maxval=1)
    return State(math.pi * start[0], start[1], jnp.zeros((), jnp.int32))


def observe(state: State) -> Float[Array, "*batch 3"]:
    """Cosine and sine of the angle, and the rate."""
    return jnp.stack([jnp.cos(state.angle), jnp.sin(state.angle), state.rate], axis=-1)


def step(
    key: Array | None, state: State, action: Float[Array, "*batch"], physics: Physics = V1
) -> tuple[State, Output]:
    """One frame.

    Args:
      key: not used: the physics is deterministic.
      state: before the push.
      action: the torque, N m; what the motor cannot give is cut off.
      physics: the numbers of the world.

    Returns:
      ``(state, Output)``: the reward is ``-(angle^2 + 0.1 rate^2 + 0.001 torque^2)`` before the push, the angle taken
      in [-pi, pi). The game is never lost or won, so ``terminated`` is always False.
    """
    del key
    angle, rate, time = state
    torque = jnp.clip(action, -physics.torque, physics.torque)
    tilt = (angle + math.pi) % (2 * math.pi) - math.pi
    cost = jnp.square(tilt) + 0.1 * jnp.square(rate) + 0.001 * jnp.square(torque)
    fall = 3 * physics.gravity / (2 * physics.length) * jnp.sin(angle)
    turn = rate + (fall + 3.0 / (physics.mass * physics.length**2) * torque) * physics.dt
    turn = jnp.clip(turn, -physics.speed, physics.speed).astype(rate.dtype)
    after = State(angle + turn * physics.dt, turn, time + 1)
    return after, Output(
        observe(after), -cost.astype(rate.dtype), jnp.zeros(time.shape, bool), after.time >= physics.limit
    )


def pendulum(physics: Physics = V1) -> World:
    """The game as a :class:`~redes_jax.games.world.World`, by default ``Pendulum-v1``."""

    def play(key, state, action):
        return step(key, state, action, physics)

    return World(init, play, observe)


_SKY, _STAND, _ROD, _HINGE = (250, 250, 248), (226, 229, 233), (213, 94, 0), (34, 34, 34)


def render(state: State, width: int = 240) -> np.ndarray:
    """Pictures of the game, smooth at the edges.

    Args:
      state: angles of shape (frames,).
      width: of a picture in pixels, which is square.

    Returns:
      (frames, width, width, 3) of uint8.
    """
    scale = width / 2.6
    px, py = drawing.plane(width, width, scale, left=-1.3, bottom=-1.3)
    backdrop = np.broadcast_to(np.array(_SKY, np.float32), (width, width, 3))
    backdrop = drawing.paint(backdrop, np.abs(drawing.disc(px, py, (0, 0), 1.09)) - 0.008, _STAND, scale)
    backdrop = drawing.paint(backdrop, drawing.bar(px, py, (0, 1.04), (0, 1.14), 0.016), _STAND, scale)
    frames = []
    for angle in np.asarray(state.angle, np.float32):
        rod = drawing.bar(px, py, (0, 0), (-np.sin(angle), np.cos(angle)), 0.08)
        frame = drawing.paint(backdrop, rod, _ROD, scale)
        frame = drawing.paint(frame, drawing.disc(px, py, (0, 0), 0.045), _HINGE, scale)
        frames.append(np.rint(frame).astype(np.uint8))
    return np.stack(frames)
