"""One small step of a membrane, five ways, by hand.

A scheme is three pure functions. ``step`` advances by ``dt`` under an input held constant meanwhile. Some schemes keep
voltage and gates at different times; ``start`` enters such a scheme from a state at one time, and ``view`` leaves it.

    scheme          order  idea
    FORWARD_EULER   1      x + dt f(x): the definition of the derivative; unstable beyond about 0.1 ms
    RK4             4      a weighted mean of four slopes (Kutta 1901); as unstable, and four times the work
    RUSH_LARSEN     1      each equation is linear in its own unknown: solve it exactly while the others stand still
    IMPLICIT        1      gates so, and the voltage by backward Euler: stable on trees of any fineness
    STAGGERED       2      gates live half a step after the voltage: each sees the other at mid-step; Crank-Nicolson

All are written for arrays of any shape: a population is the same code on a longer axis. A model brings the methods
``vector_field``, ``moves``, ``conductance_and_drive``, ``calcium_flow``, ``implicit`` and ``exponential`` of a
``membrane.Membrane``; a tree of compartments differs in how its voltage is solved for. Under STAGGERED what gates sense
from outside (a transmitter) acts half a step late.

References: Rush & Larsen, IEEE Trans. Biomed. Eng. 25:389 (1978); Hines, Int. J. Bio-Med. Comput. 15:69 (1984).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Scheme(NamedTuple):
    """A way to step a membrane.

    Args:
      start: ``start(model, params, state, input, dt) -> state``: from voltage and gates at one time to what ``step``
        carries.
      step: ``step(model, params, state, input, dt) -> state``: ``dt`` ms on, under a ``membrane.Input``.
      view: ``view(model, params, state, input, dt) -> state``: back to voltage and gates at one time.
    """

    start: Callable[..., Any]
    step: Callable[..., Any]
    view: Callable[..., Any]


def _as_it_is(model, params, state, input, dt):
    del model, params, input, dt
    return state


def _euler(model, params, state, input, dt):
    return jax.tree.map(lambda x, slope: x + dt * slope, state, model.vector_field(params, state, input))


def _rk4(model, params, state, input, dt):
    """A loop over its four slopes: written out, XLA fuses each slope into all that use it and computes it many times."""

    def stage(carry, share_and_weight):
        slope, ahead = carry
        share, weight = share_and_weight
        middle = jax.tree.map(lambda x, slope: x + share * dt * slope, state, slope)
        slope = model.vector_field(params, middle, input)
        return (slope, jax.tree.map(lambda x, slope: x + weight * dt * slope, ahead, slope)), None

    shares, weights = (
        jnp.asarray(each, state.voltage.dtype) for each in ((0, 1 / 2, 1 / 2, 1), (1 / 6, 1 / 3, 1 / 3, 1 / 6))
    )
    standing = jax.tree.map(jnp.zeros_like, state)
    return jax.lax.scan(stage, (standing, state), (shares, weights))[0][1]


def _exact_gates(model, params, state, input, dt):
    """Gates by ``dt``, exactly, while what they sense stands still."""

    def gate(x, a, b, d):
        total = a + b
        return x + (a / total - x) * -jnp.expm1(-dt * total / d)

    moves = model.moves(params, state, input)
    return tuple(gate(x, *move) for x, move in zip(state.gates, moves, strict=True))


def _rush_larsen(model, params, state, input, dt):
    return _then_voltage(model, model.exponential, params, state, input, dt)


def _implicit(model, params, state, input, dt):
    return _then_voltage(model, model.implicit, params, state, input, dt)


def _then_voltage(model, by, params, state, input, dt):
    state = state._replace(gates=_exact_gates(model, params, state, input, dt))
    conductance, drive = model.conductance_and_drive(params, state.gates, input)
    calcium = _calcium(model, params, state, dt, lambda k: -jnp.expm1(-dt * k) / k)
    return state._replace(voltage=by(params, state.voltage, conductance, drive, dt), calcium=calcium)


def _staggered(model, params, state, input, dt):
    conductance, drive = model.conductance_and_drive(params, state.gates, input)
    middle = model.implicit(params, state.voltage, conductance, drive, 0.5 * dt)
    calcium = _calcium(model, params, state._replace(voltage=middle), dt, lambda k: dt / (1.0 + 0.5 * dt * k))
    state = state._replace(voltage=2.0 * middle - state.voltage, calcium=calcium)
    return _move_gates(model, params, state, input, dt)


def _calcium(model, params, state, dt, share):
    """Calcium by ``dt``: dc/dt = s - k c, where ``share(k)`` is the time for which its slope counts."""
    if state.calcium is None:
        return None
    decay, source = model.calcium_flow(params, state)
    return state.calcium + (source - decay * state.calcium) * share(decay)


def _move_gates(model, params, state, input, dt):
    """Gates by ``dt`` at a fixed voltage, Crank-Nicolson: x (d - s) + dt a over d + s, with s = dt (a + b) / 2.

    A step by ``-dt`` undoes it exactly, which is how ``view`` leaves the staggered grid.
    """

    def gate(x, a, b, d):
        s = 0.5 * dt * (a + b)
        return (x * (d - s) + dt * a) / (d + s)

    moves = model.moves(params, state, input)
    return state._replace(gates=tuple(gate(x, *move) for x, move in zip(state.gates, moves, strict=True)))


def _half_step_on(model, params, state, input, dt):
    return _move_gates(model, params, state, input, 0.5 * dt)


def _half_step_back(model, params, state, input, dt):
    return _move_gates(model, params, state, input, -0.5 * dt)


FORWARD_EULER = Scheme(_as_it_is, _euler, _as_it_is)
RK4 = Scheme(_as_it_is, _rk4, _as_it_is)
RUSH_LARSEN = Scheme(_as_it_is, _rush_larsen, _as_it_is)
IMPLICIT = Scheme(_as_it_is, _implicit, _as_it_is)
STAGGERED = Scheme(_half_step_on, _staggered, _half_step_back)
SCHEMES = {
    "forward_euler": FORWARD_EULER, "rk4": RK4, "rush_larsen": RUSH_LARSEN, "implicit": IMPLICIT, "staggered": STAGGERED,
}  # fmt: skip


def wide_vectors() -> dict[str, int]:
    """``compiler_options`` for the ``jax.jit`` of a large population: on a CPU, fill the whole vector register.

    XLA's CPU compiler stays at 256 bits unless told. A scheme is elementwise arithmetic and gains 1.4 times on AVX-512;
    other processors lower the wider vectors to their own. Empty on other backends.
    """
    return {"xla_cpu_prefer_vector_width": 512} if jax.default_backend() == "cpu" else {}
