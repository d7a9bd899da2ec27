"""CartPole: push a cart left or right so that the pole on it stays up.

The equations of Barto, Sutton & Anderson ("Neuronlike adaptive elements that can solve difficult learning control
problems", 1983) without friction, as Florian (2007) corrected them and Gymnasium's ``CartPole-v1`` integrates them, by
forward Euler:

    temp = (F + m l w^2 sin a) / M
    w'   = (g sin a - temp cos a) / (l (4/3 - m cos^2 a / M))
    v'   = temp - m l w' cos a / M

with the pole's angle ``a`` from the upright and its rate ``w``, the cart's position and velocity ``x`` and ``v``, the
force ``F``, the pole's mass ``m`` and half length ``l``, and the mass of both ``M``. SI units: m, s, kg, N, rad.

The state is a struct of arrays: all functions work on one cart and, elementwise, on any number of them.
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
    """The numbers of the world; the defaults are those of ``CartPole-v1``.

    Args:
      gravity: m/s2.
      cart_mass, pole_mass: kg.
      half_length: from the hinge to the pole's centre of mass, m.
      force: of one push, N.
      dt: time of a frame, s.
      track: the episode ends when the cart is farther than this from the middle, m.
      tilt: and when the pole leans farther than this, rad.
      limit: frames after which the time is up.
    """

    gravity: float | Array = 9.8
    cart_mass: float | Array = 1.0
    pole_mass: float | Array = 0.1
    half_length: float | Array = 0.5
    force: float | Array = 10.0
    dt: float | Array = 0.02
    track: float | Array = 2.4
    tilt: float | Array = 12 * 2 * math.pi / 360
    limit: int | Array = 500


V1 = Physics()


class State(NamedTuple):
    """The cart's position (m) and velocity (m/s), the pole's angle (rad) and rate (rad/s), and the frames played."""

    position: Float[Array, "*batch"]
    velocity: Float[Array, "*batch"]
    angle: Float[Array, "*batch"]
    rate: Float[Array, "*batch"]
    time: Int[Array, "*batch"]


def init(key: Array) -> State:
    """A start: position, velocity, angle and rate uniform in (-0.05, 0.05)."""
    start = jax.random.uniform(key, (4,), minval=-0.05, maxval=0.05)
    return State(*start, time=jnp.zeros((), jnp.int32))


def observe(state: State) -> Float[Array, "*batch 4"]:
    """Position, velocity, angle and rate: the player sees everything but the clock."""
    return jnp.stack(state[:4], axis=-1)


def fallen(state: State, physics: Physics = V1) -> Bool[Array, "*batch"]:
    """Whether the cart has left the track or the pole leans too far."""
    return (jnp.abs(state.position) > physics.track) | (jnp.abs(state.angle) > physics.tilt)


def step(key: Array | None, state: State, action: Int[Array, "*batch"], physics: Physics = V1) -> tuple[State, Output]:
    """One frame.

    Args:
      key: not used: the physics is deterministic.
      state: before the push.
      action: 1 pushes right, 0 pushes left.
      physics: the numbers of the world.

    Returns:
      ``(state, Output)``: the reward is 1 for every frame begun upright, the last one included.
    """
    del key
    x, v, a, w, time = state
    total = physics.cart_mass + physics.pole_mass
    moment = physics.pole_mass * physics.half_length
    force = jnp.where(action == 1, physics.force, -physics.force).astype(x.dtype)
    cos, sin = jnp.cos(a), jnp.sin(a)
    push = (force + moment * jnp.square(w) * sin) / total
    spin = (physics.gravity * sin - cos * push) / (
        physics.half_length * (4.0 / 3.0 - physics.pole_mass * jnp.square(cos) / total)
    )
    thrust = push - moment * spin * cos / total
    dt = physics.dt
    after = State(x + dt * v, v + dt * thrust, a + dt * w, w + dt * spin, time + 1)
    reward = jnp.where(fallen(state, physics), 0.0, 1.0).astype(x.dtype)
    return after, Output(observe(after), reward, fallen(after, physics), after.time >= physics.limit)


def cartpole(physics: Physics = V1) -> World:
    """The game as a :class:`~redes_jax.games.world.World`, by default ``CartPole-v1``."""

    def play(key, state, action):
        return step(key, state, action, physics)

    return World(init, play, observe)


def render(state: State, width: int = 400, physics: Physics = V1) -> np.ndarray:
    """Pictures of the game, smooth at the edges.

    Args:
      state: positions and angles of shape (frames,).
      width: of a picture in pixels; its height is a third of that.

    Returns:
      (frames, width / 3, width, 3) of uint8.
    """
    pole = drawing.Pole(0.0, np.asarray(state.angle), 2 * float(physics.half_length), 0.05, drawing.ORANGE)
    return drawing.carts(np.asarray(state.position), [pole], float(physics.track), width)
