r"""Acrobot: two links hang from a bar, a motor between them; swing the tip above the line.

Sutton's Acrobot ("Generalization in reinforcement learning: successful examples using sparse coarse coding", 1996) with
the equations of Sutton & Barto's book, as Gymnasium's ``Acrobot-v1`` integrates them, one Runge-Kutta step a frame:

.. math:: \ddot\theta_2 = \frac{\tau + \frac{d_2}{d_1}\phi_1 - m l_1 l_c \dot\theta_1^2 \sin\theta_2 - \phi_2}
                               {m l_c^2 + I - d_2^2 / d_1},
          \qquad \ddot\theta_1 = -\frac{d_2 \ddot\theta_2 + \phi_1}{d_1}

with :math:`\theta_1` the first link's angle from hanging down, :math:`\theta_2` the second's from the first (rad), the
torque :math:`\tau`, and :math:`d_1, d_2, \phi_1, \phi_2` as in the code. Both links have the same ``mass`` :math:`m`,
``inertia`` :math:`I` and distance ``centre`` :math:`l_c` of the centre of mass; ``length`` :math:`l_1`. SI units.

The state is a struct of arrays: all functions work on one acrobot and, elementwise, on any number of them.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from redes_jax.games import drawing
from redes_jax.games.world import Output, World


class Physics(NamedTuple):
    """The numbers of the world; the defaults are those of ``Acrobot-v1``.

    Args:
      gravity: m/s2.
      mass: of a link, kg.
      length: of a link, m.
      centre: from a link's joint to its centre of mass, m.
      inertia: of a link about its centre of mass, kg m2.
      torque: of the motor, N m.
      speeds: the fastest that the first and the second joint turn, rad/s.
      dt: time of a frame, s.
      line: height above the bar, in lengths of a link, that the tip must pass.
      limit: frames after which the time is up.
    """

    gravity: float | Array = 9.8
    mass: float | Array = 1.0
    length: float | Array = 1.0
    centre: float | Array = 0.5
    inertia: float | Array = 1.0
    torque: float | Array = 1.0
    speeds: tuple[float | Array, float | Array] = (4 * math.pi, 9 * math.pi)
    dt: float | Array = 0.2
    line: float | Array = 1.0
    limit: int | Array = 500


V1 = Physics()


class State(NamedTuple):
    """The joints' angles (rad) and rates (rad/s), and the frames played."""

    angle1: Float[Array, "*batch"]
    angle2: Float[Array, "*batch"]
    rate1: Float[Array, "*batch"]
    rate2: Float[Array, "*batch"]
    time: Int[Array, "*batch"]


def init(key: Array) -> State:
    """A start: hanging, angles and rates uniform in (-0.1, 0.1)."""
    start = jax.random.uniform(key, (4,), minval=-0.1, maxval=0.1)
    return State(*start, time=jnp.zeros((), jnp.int32))


def observe(state: State) -> Float[Array, "*batch 6"]:
    """Cosine and sine of each angle, and both rates."""
    one, two, rate1, rate2, _ = state
    return jnp.stack([jnp.cos(one), jnp.sin(one), jnp.cos(two), jnp.sin(two), rate1, rate2], axis=-1)


def above(state: State, physics: Physics = V1) -> Bool[Array, "*batch"]:
    """Whether the tip is above the line."""
    return -jnp.cos(state.angle1) - jnp.cos(state.angle2 + state.angle1) > physics.line


def field(joints, torque, physics: Physics = V1):
    """Time derivatives of ``joints``: the two angles and the two rates."""
    angle1, angle2, rate1, rate2 = joints
    m, l, lc, inertia, g = physics.mass, physics.length, physics.centre, physics.inertia, physics.gravity
    cos2, sin2 = jnp.cos(angle2), jnp.sin(angle2)
    d1 = m * lc**2 + m * (l**2 + lc**2 + 2 * l * lc * cos2) + inertia + inertia
    d2 = m * (lc**2 + l * lc * cos2) + inertia
    phi2 = m * lc * g * jnp.cos(angle1 + angle2 - math.pi / 2)
    phi1 = (
        -m * l * lc * rate2**2 * sin2
        - 2 * m * l * lc * rate2 * rate1 * sin2
        + (m * lc + m * l) * g * jnp.cos(angle1 - math.pi / 2)
        + phi2
    )
    turn2 = torque + d2 / d1 * phi1 - m * l * lc * rate1**2 * sin2 - phi2
    turn2 = turn2 / (m * lc**2 + inertia - d2**2 / d1)
    return rate1, rate2, -(d2 * turn2 + phi1) / d1, turn2


def step(key: Array | None, state: State, action: Int[Array, "*batch"], physics: Physics = V1) -> tuple[State, Output]:
    """One frame.

    Args:
      key: not used: the physics is deterministic.
      state: before the push.
      action: 0 turns the second joint backwards, 1 rests, 2 turns it forwards.
      physics: the numbers of the world.

    Returns:
      ``(state, Output)``: the reward is -1 for every frame that does not end above the line, and 0 for one that does.
    """
    del key
    *joints, time = state
    torque = (action - 1) * physics.torque
    dt = physics.dt

    def slope(ahead, change):
        return field([y + ahead * k for y, k in zip(joints, change, strict=True)], torque, physics)

    k1 = field(joints, torque, physics)
    k2 = slope(dt / 2, k1)
    k3 = slope(dt / 2, k2)
    k4 = slope(dt, k3)
    moved = [y + dt / 6.0 * (a + 2 * b + 2 * c + d) for y, a, b, c, d in zip(joints, k1, k2, k3, k4, strict=True)]
    rates = [jnp.clip(rate, -most, most) for rate, most in zip(moved[2:], physics.speeds, strict=True)]
    numbers = [number.astype(state.angle1.dtype) for number in (_wrap(moved[0]), _wrap(moved[1]), *rates)]
    after = State(*numbers, time=time + 1)
    over = above(after, physics)
    reward = jnp.where(over, 0.0, -1.0).astype(state.angle1.dtype)
    return after, Output(observe(after), reward, over, after.time >= physics.limit)


def _wrap(angle):
    turns = jnp.maximum(jnp.ceil((jnp.abs(angle) - math.pi) / (2 * math.pi)), 0)
    return angle - jnp.sign(angle) * turns * (2 * math.pi)


def acrobot(physics: Physics = V1) -> World:
    """The game as a :class:`~redes_jax.games.world.World`, by default ``Acrobot-v1``."""

    def play(key, state, action):
        return step(key, state, action, physics)

    return World(init, play, observe)


_SKY, _LINE, _FIRST, _SECOND, _JOINT = (250, 250, 248), (0, 158, 115), (0, 114, 178), (86, 180, 233), (34, 34, 34)


def render(state: State, width: int = 240, physics: Physics = V1) -> np.ndarray:
    """Pictures of the game, smooth at the edges.

    Args:
      state: angles of shape (frames,).
      width: of a picture in pixels, which is square.

    Returns:
      (frames, width, width, 3) of uint8.
    """
    reach = 2.25 * float(physics.length)
    scale = width / (2 * reach)
    px, py = drawing.plane(width, width, scale, left=-reach, bottom=-reach)
    backdrop = np.broadcast_to(np.array(_SKY, np.float32), (width, width, 3))
    line = float(physics.line) * float(physics.length)
    backdrop = drawing.paint(backdrop, np.abs(py - line) - 0.015, _LINE, scale)
    frames = []
    for one, two in zip(np.asarray(state.angle1), np.asarray(state.angle2), strict=True):
        elbow = float(physics.length) * np.array([np.sin(one), -np.cos(one)])
        tip = elbow + float(physics.length) * np.array([np.sin(one + two), -np.cos(one + two)])
        frame = drawing.paint(backdrop, drawing.bar(px, py, (0, 0), elbow, 0.10), _FIRST, scale)
        frame = drawing.paint(frame, drawing.bar(px, py, elbow, tip, 0.10), _SECOND, scale)
        for joint in ((0, 0), elbow):
            frame = drawing.paint(frame, drawing.disc(px, py, joint, 0.06), _JOINT, scale)
        frames.append(np.rint(frame).astype(np.uint8))
    return np.stack(frames)
