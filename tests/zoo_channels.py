"""Membranes with calcium, transmitter and tension; single channels, crowds of them, and a membrane made of few."""

import jax
import jax.numpy as jnp

from redes_jax.neurons import channels as ch
from redes_jax.neurons import cortical
from redes_jax.neurons import stochastic as st
from redes_jax.neurons.connor_stevens import CONNOR_STEVENS
from redes_jax.neurons.membrane import SQUID, Input, compose
from redes_jax.neurons.receptor_channels import ligand_gated, mechanically_gated
from redes_jax.neurons.schemes import RUSH_LARSEN, STAGGERED
from redes_jax.neurons.simulation import as_process
from tests.case import Case

SENSING = compose(ch.LEAK, ligand_gated(), mechanically_gated())
CROWD = {"sodium": (st.SQUID_SODIUM, 12), "potassium": (st.SQUID_POTASSIUM, 6)}


def _currents(key, length):
    return 4.0 + jax.random.normal(key, (length,), jnp.float32)


def _sensed(key, length):
    transmitter, tension = jax.random.uniform(key, (2, length), jnp.float32)
    return Input(jnp.zeros(length), jnp.zeros(length), {"transmitter": transmitter, "tension": tension})


def _voltages(key, length):
    return (-40.0 + 20.0 * jax.random.normal(key, (length,), jnp.float32),)


CASES: list[Case] = [
    Case(
        "neurons: calcium, staggered",
        as_process(cortical.PAUSING, cortical.PAUSING.params(), 0.025, STAGGERED),
        _currents,
    ),
    Case("neurons: Connor-Stevens", as_process(CONNOR_STEVENS, CONNOR_STEVENS.params(), 0.025, RUSH_LARSEN), _currents),
    Case("neurons: transmitter and tension", as_process(SENSING, SENSING.params(), 0.1), _sensed),
    Case("channels: one, jump after jump", st.jumps(st.generator(st.bound_then_open(), jnp.float32(0.1)))),
    Case("channels: a crowd", st.ensemble(st.SQUID_POTASSIUM, 16, 0.1, (-65.0,)), _voltages),
    Case("channels: a noisy membrane", st.noisy(SQUID, SQUID.params(), CROWD, 0.05), _currents),
]
