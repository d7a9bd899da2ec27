"""One small step of a membrane, three ways, by hand.

A scheme is three pure functions. ``step`` advances by ``dt`` under a current held constant meanwhile. Some schemes keep
voltage and gates at different times; ``start`` enters such a scheme from a state at one time, and ``view`` leaves it.

    scheme          order  idea
    FORWARD_EULER   1      x + dt f(x): the definition of the derivative; unstable beyond about 0.1 ms
    RUSH_LARSEN     1      each equation is linear in its own unknown: solve it exactly while the others stand still
    STAGGERED       2      gates live half a step after the voltage: each sees the other at mid-step; Crank-Nicolson

All are written for arrays of any shape: a population is the same code on a longer axis.

References: Rush & Larsen, IEEE Trans. Biomed. Eng. 25:389 (1978); Hines, Int. J. Bio-Med. Comput. 15:69 (1984).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Scheme(NamedTuple):
    """A way to step a membrane.

    Args:
      start: ``start(membrane, params, state, dt) -> state``: from voltage and gates at one time to what ``step``
        carries.
      step: ``step(membrane, params, state, current, dt) -> state``: ``dt`` ms on, under ``current`` in uA/cm2.
      view: ``view(membrane, params, state, dt) -> state``: back to voltage and gates at one time.
    """

    start: Callable[..., Any]
    step: Callable[..., Any]
    view: Callable[..., Any]


def _as_it_is(membrane, params, state, dt):
    del membrane, params, dt
    return state


def _euler(membrane, params, state, current, dt):
    slope = membrane.vector_field(params, state, current)
    gates = tuple(x + dt * dx for x, dx in zip(state.gates, slope.gates, strict=True))
    return state._replace(voltage=state.voltage + dt * slope.voltage, gates=gates)


def _rush_larsen(membrane, params, state, current, dt):
    gates_dt = dt * params.rate_factor

    def gate(x, a, b, d):
        total = a + b
        return x + (a / total - x) * -jnp.expm1(-gates_dt * total / d)

    gates = tuple(gate(x, *rates) for x, rates in zip(state.gates, membrane.kinetics(state.voltage), strict=True))
    conductance, drive = membrane.conductance_and_drive(params, gates)
    target = (drive + current) / conductance
    decay = -jnp.expm1(-dt * conductance / params.capacitance)
    return state._replace(voltage=state.voltage + (target - state.voltage) * decay, gates=gates)


def _staggered(membrane, params, state, current, dt):
    conductance, drive = membrane.conductance_and_drive(params, state.gates)
    c, half = params.capacitance, 0.5 * dt
    voltage = (state.voltage * (c - half * conductance) + dt * (drive + current)) / (c + half * conductance)
    return _move_gates(membrane, params, state._replace(voltage=voltage), dt)


def _move_gates(membrane, params, state, dt):
    """Gates by ``dt`` at a fixed voltage, Crank-Nicolson: x (d - s) + dt a over d + s, with s = dt (a + b) / 2.

    A step by ``-dt`` undoes it exactly, which is how ``view`` leaves the staggered grid.
    """
    gates_dt = dt * params.rate_factor

    def gate(x, a, b, d):
        s = 0.5 * gates_dt * (a + b)
        return (x * (d - s) + gates_dt * a) / (d + s)

    rates = membrane.kinetics(state.voltage)
    return state._replace(gates=tuple(gate(x, *r) for x, r in zip(state.gates, rates, strict=True)))


def _half_step_on(membrane, params, state, dt):
    return _move_gates(membrane, params, state, 0.5 * dt)


def _half_step_back(membrane, params, state, dt):
    return _move_gates(membrane, params, state, -0.5 * dt)


FORWARD_EULER = Scheme(_as_it_is, _euler, _as_it_is)
RUSH_LARSEN = Scheme(_as_it_is, _rush_larsen, _as_it_is)
STAGGERED = Scheme(_half_step_on, _staggered, _half_step_back)
SCHEMES = {"forward_euler": FORWARD_EULER, "rush_larsen": RUSH_LARSEN, "staggered": STAGGERED}


def wide_vectors() -> dict[str, int]:
    """``compiler_options`` for the ``jax.jit`` of a large population: on a CPU, fill the whole vector register.

    XLA's CPU compiler stays at 256 bits unless told. A scheme is elementwise arithmetic and gains 1.4 times on AVX-512;
    other processors lower the wider vectors to their own. Empty on other backends.
    """
    return {"xla_cpu_prefer_vector_width": 512} if jax.default_backend() == "cpu" else {}
