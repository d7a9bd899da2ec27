"""Ion channels: gates that open and close with voltage, and the current that flows while they are open.

A gate is open with probability x; it opens at rate alpha(V) and closes at rate beta(V), both in 1/ms:

    dx/dt = alpha(V) (1 - x) - beta(V) x

A channel with gates x, y, ... carries the current g open(x, y, ...) (V - E), where g is its largest conductance and E
the potential at which the current turns. Any membrane is a list of such channels. A new one takes ten lines:

    >>> from redes_jax.neurons.channels import Channel, steady_and_time_constant, sigmoid
    >>> def slow_potassium_rates(voltage):
    ...     return (steady_and_time_constant(sigmoid((voltage + 35.0) / 10.0), 100.0),)
    >>> slow_potassium = Channel("M", ("w",), slow_potassium_rates, lambda w: w, conductance=1.0, reversal=-77.0)

The squid's channels are those of Hodgkin & Huxley, J. Physiol. 117:500 (1952), in the modern sign: inside minus
outside, rest near -65 mV, where the paper has rest at 0 and depolarisation negative. Their temperature is 6.3 C.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

SQUID_CELSIUS = 6.3


class Channel(NamedTuple):
    """One kind of ion channel: pure functions of what it senses and of its gates, and the two numbers that a membrane may
    replace.

    Args:
      name: under which parameters and currents are filed; unique in a membrane.
      gates: names of its gates; () for a channel that is always open.
      rates: ``rates(*senses) -> ((alpha, beta), ...)``, one pair a gate, 1/ms; ``rates(voltage)`` unless told otherwise.
      open_fraction: ``open_fraction(*gates)``, the share of channels that conduct, in [0, 1].
      conductance: with all channels open, mS/cm2 (the default of the parameter).
      reversal: the potential at which the current is zero, mV (the default of the parameter).
      senses: what the rates depend on, in the order of their arguments: "voltage" (mV), "calcium" (mM, of the membrane's
        pool), or any name under which an input brings it, as "transmitter" (mM) or "tension".
      carries: "calcium" when the current fills the membrane's pool of it.
    """

    name: str
    gates: tuple[str, ...]
    rates: Callable[..., tuple[tuple[Any, Any], ...]]
    open_fraction: Callable[..., Any]
    conductance: float
    reversal: float
    senses: tuple[str, ...] = ("voltage",)
    carries: str | None = None


def x_over_expm1(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """x / (exp(x) - 1), which is 1 at x = 0, with value and gradient finite everywhere.

    Near 0 it is the series 1 - x/2 + x^2/12 - x^4/720 + x^6/30240; the other branch never sees that region, because a
    gradient through ``where`` would multiply its NaN by zero and keep it.
    """
    small = jnp.abs(x) < SERIES_WITHIN
    away = jnp.where(small, 1.0, jnp.minimum(x, 80.0))
    return jnp.where(small, series(jnp.where(small, x, 0.0)), away / jnp.expm1(away))


SERIES_WITHIN = 0.1


def series(x):
    """x / (exp(x) - 1) for ``|x| < SERIES_WITHIN``, there within 1e-14."""
    x2 = x * x
    return 1.0 - 0.5 * x + x2 * (1 / 12 - x2 * (1 / 720 - x2 * (1 / 30240)))


def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return 0.5 * (1.0 + jnp.tanh(0.5 * x))


def steady_and_time_constant(steady, time_constant):
    """``(alpha, beta)`` of a gate described by its steady state and its time constant (ms) instead of by rates."""
    return steady / time_constant, (1.0 - steady) / time_constant


def q10(celsius, *, reference=SQUID_CELSIUS, factor=3.0):
    """How much faster gates move at ``celsius`` than at ``reference``: ``factor`` for every ten degrees.

    Hodgkin & Huxley (1952) give 3 for the squid.
    """
    return factor ** ((celsius - reference) / 10.0)


def m_rates(voltage):
    """Sodium activation: alpha = 0.1 (V + 40) / (1 - exp(-(V + 40) / 10)), beta = 4 exp(-(V + 65) / 18)."""
    return x_over_expm1(-(voltage + 40.0) / 10.0), 4.0 * jnp.exp(-(voltage + 65.0) / 18.0)


def h_rates(voltage):
    """Sodium inactivation: alpha = 0.07 exp(-(V + 65) / 20), beta = 1 / (1 + exp(-(V + 35) / 10))."""
    return 0.07 * jnp.exp(-(voltage + 65.0) / 20.0), sigmoid((voltage + 35.0) / 10.0)


def n_rates(voltage):
    """Potassium activation: alpha = 0.01 (V + 55) / (1 - exp(-(V + 55) / 10)), beta = 0.125 exp(-(V + 65) / 80)."""
    return 0.1 * x_over_expm1(-(voltage + 55.0) / 10.0), 0.125 * jnp.exp(-(voltage + 65.0) / 80.0)


def _sodium_rates(voltage):
    return m_rates(voltage), h_rates(voltage)


def _sodium_open(m, h):
    return m * m * m * h


def _potassium_rates(voltage):
    return (n_rates(voltage),)


def _potassium_open(n):
    n2 = n * n
    return n2 * n2


def _no_gates(voltage):
    del voltage
    return ()


def _always_open():
    return 1.0


SODIUM = Channel("sodium", ("m", "h"), _sodium_rates, _sodium_open, conductance=120.0, reversal=50.0)
POTASSIUM = Channel("potassium", ("n",), _potassium_rates, _potassium_open, conductance=36.0, reversal=-77.0)
LEAK = Channel("leak", (), _no_gates, _always_open, conductance=0.3, reversal=-54.387)


def squid_kinetics(voltage):
    """The rates of m, h and n together, from two exponentials where the formulas one by one need six.

    With u = V + 65 and q = exp(-u / 80), every exponential in the six rates but one is a power of q: exp(-u / 20) =
    q^4, exp(-u / 10) = q^8, and constants. And a rate is kept as numerator over denominator, so that a step divides
    once a gate.

    Args:
      voltage: any shape, mV.

    Returns:
      ``((a, b, d), ...)`` for m, h, n, with alpha = a / d and beta = b / d in 1/ms: the same as ``kinetics`` of the
      channels.
    """
    u = voltage + 65.0
    q = jnp.exp(u * (-1 / 80))
    q2 = q * q
    q4 = q2 * q2
    q8 = q4 * q4
    m_a, m_d = _x_and_expm1(2.5 - 0.1 * u, q8 * 12.182493960703473)
    n_a, n_d = _x_and_expm1(1.0 - 0.1 * u, q8 * 2.718281828459045)
    h_d = 1.0 + q8 * 20.085536923187668
    return (
        (m_a, 4.0 * jnp.exp(u * (-1 / 18)) * m_d, m_d),
        (0.07 * q4 * h_d, jnp.ones_like(u), h_d),
        (0.1 * n_a, 0.125 * q * n_d, n_d),
    )


def _x_and_expm1(x, exp_x):
    small = jnp.abs(x) < SERIES_WITHIN
    return jnp.where(small, series(x), x), jnp.where(small, 1.0, exp_x - 1.0)
