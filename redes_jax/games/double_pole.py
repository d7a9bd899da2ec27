r"""Two poles on one cart: push it so that neither falls, with or without seeing how fast things move.

The equations of Wieland ("Evolving neural network controllers for unstable systems", 1991) for poles :math:`i` of mass
:math:`m_i`, half length :math:`l_i`, angle :math:`\theta_i` from the upright, on a cart of mass :math:`M` at :math:`x`:

.. math:: \ddot x = \frac{F - \mu_c \,\mathrm{sgn}\,\dot x + \sum_i \tilde F_i}{M + \sum_i \tilde m_i}, \qquad
          \ddot\theta_i = \frac{3}{4 l_i} \left(g \sin\theta_i - \ddot x \cos\theta_i
                          - \frac{\mu_p \dot\theta_i}{m_i l_i}\right)

.. math:: \tilde F_i = m_i l_i \dot\theta_i^2 \sin\theta_i
                       - \tfrac34 m_i \cos\theta_i \left(g \sin\theta_i - \frac{\mu_p \dot\theta_i}{m_i l_i}\right), \qquad
          \tilde m_i = m_i \left(1 - \tfrac34 \cos^2\theta_i\right)

with the force :math:`F`, friction :math:`\mu_c` of the cart on its track and :math:`\mu_p` of the hinges. As Gomez &
Miikkulainen ("Solving non-Markovian control tasks with neuroevolution", 1999) play it, an action lasts two steps of the
classical Runge-Kutta method. SI units: m, s, kg, N, rad.

The state is a struct of arrays: all functions work on one cart and, elementwise, on any number of them.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from redes_jax.games import drawing
from redes_jax.games.world import Output, World


class Physics(NamedTuple):
    """The numbers of the world; the defaults are those of Gomez & Miikkulainen (1999).

    Args:
      gravity: m/s2.
      cart_mass, long_mass, short_mass: kg.
      long_half, short_half: from the hinge to the centre of mass of a pole, m.
      cart_friction: of the cart on its track, N.
      hinge_friction: of a pole on its hinge, N m s.
      force: the strongest push either way, N.
      dt: time of one integration step, s; an action lasts two.
      track: the episode ends when the cart is farther than this from the middle, m.
      tilt: and when a pole leans farther than this, rad.
      limit: actions after which the time is up.
    """

    gravity: float | Array = 9.8
    cart_mass: float | Array = 1.0
    long_mass: float | Array = 0.1
    short_mass: float | Array = 0.01
    long_half: float | Array = 0.5
    short_half: float | Array = 0.05
    cart_friction: float | Array = 0.0005
    hinge_friction: float | Array = 0.000002
    force: float | Array = 10.0
    dt: float | Array = 0.01
    track: float | Array = 2.4
    tilt: float | Array = 36 * math.pi / 180
    limit: int | Array = 100_000


WIELAND = Physics()


class State(NamedTuple):
    """The cart's position (m) and velocity (m/s), angle (rad) and rate (rad/s) of the long pole and of the short one, and
    the actions played."""

    position: Float[Array, "*batch"]
    velocity: Float[Array, "*batch"]
    long_angle: Float[Array, "*batch"]
    long_rate: Float[Array, "*batch"]
    short_angle: Float[Array, "*batch"]
    short_rate: Float[Array, "*batch"]
    time: Int[Array, "*batch"]


def init(key: Array | None) -> State:
    """The start of Stanley & Miikkulainen (2002): all at rest in the middle, the long pole leaning by 4 degrees."""
    del key
    rest = jnp.zeros(())
    return State(rest, rest, rest + 4 * math.pi / 180, rest, rest, rest, jnp.zeros((), jnp.int32))


def observe(state: State) -> Float[Array, "*batch 6"]:
    """All but the clock, in the order of the state."""
    return jnp.stack(state[:6], axis=-1)


def observe_places(state: State) -> Float[Array, "*batch 3"]:
    """Position and both angles: how fast they change must be remembered."""
    return jnp.stack([state.position, state.long_angle, state.short_angle], axis=-1)


def fallen(state: State, physics: Physics = WIELAND) -> Bool[Array, "*batch"]:
    """Whether the cart has left the track or a pole leans too far."""
    tilt = jnp.maximum(jnp.abs(state.long_angle), jnp.abs(state.short_angle))
    return (jnp.abs(state.position) > physics.track) | (tilt > physics.tilt)


def accelerations(
    state: State, force: Float[Array, "*batch"], physics: Physics = WIELAND
) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"], Float[Array, "*batch"]]:
    """Of the cart (m/s2), the long pole and the short one (rad/s2) under a force (N)."""
    _, velocity, *poles, _ = state
    push = force - physics.cart_friction * jnp.sign(velocity)
    mass = physics.cart_mass
    bodies = ((physics.long_mass, physics.long_half), (physics.short_mass, physics.short_half))
    falls = []
    for (pole_mass, half), angle, rate in zip(bodies, poles[::2], poles[1::2], strict=True):
        sin, cos = jnp.sin(angle), jnp.cos(angle)
        fall = physics.gravity * sin - physics.hinge_friction * rate / (pole_mass * half)
        push = push + pole_mass * half * jnp.square(rate) * sin - 0.75 * pole_mass * cos * fall
        mass = mass + pole_mass * (1 - 0.75 * jnp.square(cos))
        falls.append((fall, cos, half))
    thrust = push / mass
    spins = (0.75 / half * (fall - thrust * cos) for fall, cos, half in falls)
    return thrust, *spins


def step(
    key: Array | None, state: State, action: Float[Array, "*batch"], physics: Physics = WIELAND
) -> tuple[State, Output]:
    """One action.

    Args:
      key: not used: the physics is deterministic.
      state: before the push.
      action: the force, N; what is more than ``physics.force`` is cut off.
      physics: the numbers of the world.

    Returns:
      ``(state, Output)``: the reward is 1 for every action after which both poles still stand.
    """
    del key
    force = jnp.clip(action, -physics.force, physics.force)
    after = _runge_kutta(_runge_kutta(state, force, physics), force, physics)._replace(time=state.time + 1)
    over = fallen(after, physics)
    reward = jnp.where(over, 0, 1).astype(state.position.dtype)
    return after, Output(observe(after), reward, over, after.time >= physics.limit)


def _runge_kutta(state, force, physics):
    def slope(at):
        thrust, long_spin, short_spin = accelerations(at, force, physics)
        return at.velocity, thrust, at.long_rate, long_spin, at.short_rate, short_spin

    def moved(slopes, share):
        return State(*(x + share * physics.dt * s for x, s in zip(state, slopes, strict=False)), time=state.time)

    first = slope(state)
    second = slope(moved(first, 0.5))
    third = slope(moved(second, 0.5))
    fourth = slope(moved(third, 1.0))
    mean = ((a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(first, second, third, fourth, strict=True))
    return moved(tuple(mean), 1.0)


def double_pole(velocities: bool = True, physics: Physics = WIELAND) -> World:
    """The game as a :class:`~redes_jax.games.world.World`.

    Args:
      velocities: whether the player sees them; without, it sees three numbers and must remember.
      physics: the numbers of the world.
    """
    view = observe if velocities else observe_places

    def play(key, state, action):
        after, output = step(key, state, action, physics)
        return after, output._replace(observation=view(after))

    return World(init, play, view)


def render(state: State, width: int = 400, physics: Physics = WIELAND) -> np.ndarray:
    """Pictures of the game, smooth at the edges, as those of :func:`redes_jax.games.cartpole.render`.

    Both poles turn about the middle of the cart; they are drawn 0.2 m apart, the short one on the right, to be seen.

    Args:
      state: positions and angles of shape (frames,).
      width: of a picture in pixels; its height is a third of that.

    Returns:
      (frames, width / 3, width, 3) of uint8.
    """
    poles = [
        drawing.Pole(-0.1, np.asarray(state.long_angle), 2 * float(physics.long_half), 0.04, drawing.ORANGE),
        drawing.Pole(0.1, np.asarray(state.short_angle), 2 * float(physics.short_half), 0.04, drawing.GREEN),
    ]
    return drawing.carts(np.asarray(state.position), poles, float(physics.track), width)
