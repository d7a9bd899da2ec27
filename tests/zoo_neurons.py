"""Membranes under every scheme, and one composed of a channel that is not the squid's."""

import jax.numpy as jnp
import jax.random

from redes_jax.neurons import channels as ch
from redes_jax.neurons.membrane import SQUID, compose
from redes_jax.neurons.schemes import SCHEMES
from redes_jax.neurons.simulation import as_process
from tests.case import Case


def _slow_potassium(voltage):
    return (ch.steady_and_time_constant(ch.sigmoid((voltage + 35.0) / 10.0), 100.0),)


ADAPTING = compose(
    ch.SODIUM,
    ch.POTASSIUM,
    ch.LEAK,
    ch.Channel("M", ("w",), _slow_potassium, lambda w: w, conductance=1.0, reversal=-77.0),
)


def _currents(key, length):
    return 10.0 + jax.random.normal(key, (length,), jnp.float32)


CASES: list[Case] = [
    *(
        Case(f"neurons: squid, {name}", as_process(SQUID, SQUID.params(), 0.025, scheme), _currents)
        for name, scheme in SCHEMES.items()
    ),
    Case("neurons: with a slow potassium channel", as_process(ADAPTING, ADAPTING.params(), 0.025), _currents),
]
