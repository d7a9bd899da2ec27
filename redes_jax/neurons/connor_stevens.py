"""A membrane that can fire slowly: Connor and Stevens' neuron with its A current.

The squid's axon starts to fire at 50 Hz. The A current, potassium that opens at once and then shuts, holds the
potential down between spikes, so the rate grows from nothing ("type I").

    >>> from redes_jax.neurons.connor_stevens import CONNOR_STEVENS
    >>> round(float(CONNOR_STEVENS.rest(CONNOR_STEVENS.params()).voltage), 1)
    -68.0

References: Connor & Stevens, J. Physiol. 213:31 (1971); the formulas and numbers are those of Dayan & Abbott,
Theoretical Neuroscience (2001), p. 196-197.
"""

import jax.numpy as jnp

from redes_jax.neurons.channels import Channel, sigmoid, steady_and_time_constant, x_over_expm1
from redes_jax.neurons.membrane import compose


def sodium_rates(voltage):
    """alpha_m = 0.38 (V + 29.7) / (1 - exp(-0.1 (V + 29.7))), beta_m = 15.2 exp(-0.0556 (V + 54.7)),
    alpha_h = 0.266 exp(-0.05 (V + 48)), beta_h = 3.8 / (1 + exp(-0.1 (V + 18))).
    """
    m = 3.8 * x_over_expm1(-0.1 * (voltage + 29.7)), 15.2 * jnp.exp(-0.0556 * (voltage + 54.7))
    h = 0.266 * jnp.exp(-0.05 * (voltage + 48.0)), 3.8 * sigmoid(0.1 * (voltage + 18.0))
    return m, h


def potassium_rates(voltage):
    """alpha = 0.02 (V + 45.7) / (1 - exp(-0.1 (V + 45.7))), beta = 0.25 exp(-0.0125 (V + 55.7))."""
    return ((0.2 * x_over_expm1(-0.1 * (voltage + 45.7)), 0.25 * jnp.exp(-0.0125 * (voltage + 55.7))),)


def a_rates(voltage):
    """a = (0.0761 exp(0.0314 (V + 94.22)) / (1 + exp(0.0346 (V + 1.17))))^(1/3), b = 1 / (1 + exp(0.0688 (V + 53.3)))^4,
    with time constants 0.3632 + 1.158 / (1 + exp(0.0497 (V + 55.96))) and 1.24 + 2.678 / (1 + exp(0.0624 (V + 50))).

    As printed, a passes 1 by a hundredth above 40 mV.
    """
    a = jnp.cbrt(0.0761 * jnp.exp(0.0314 * (voltage + 94.22)) * sigmoid(-0.0346 * (voltage + 1.17)))
    b = sigmoid(-0.0688 * (voltage + 53.3)) ** 4
    return (
        steady_and_time_constant(a, 0.3632 + 1.158 * sigmoid(-0.0497 * (voltage + 55.96))),
        steady_and_time_constant(b, 1.24 + 2.678 * sigmoid(-0.0624 * (voltage + 50.0))),
    )


SODIUM = Channel("sodium", ("m", "h"), sodium_rates, lambda m, h: m**3 * h, conductance=120.0, reversal=55.0)
POTASSIUM = Channel("potassium", ("n",), potassium_rates, lambda n: n**4, conductance=20.0, reversal=-72.0)
A = Channel("A", ("a", "b"), a_rates, lambda a, b: a**3 * b, conductance=47.7, reversal=-75.0)
LEAK = Channel("leak", (), lambda voltage: (), lambda: 1.0, conductance=0.3, reversal=-17.0)

CONNOR_STEVENS = compose(SODIUM, POTASSIUM, A, LEAK)
