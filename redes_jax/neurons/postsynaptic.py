"""A membrane with receptors in it: what a transmitter does to its potential.

>>> from redes_jax.neurons.membrane import SQUID
>>> from redes_jax.neurons.synapses import AMPA
>>> cell = postsynaptic(SQUID, SQUID.params(), {"ampa": AMPA}, {"ampa": 0.1}, 0.025)
>>> state, voltage = cell.step(None, cell.init(None), {"ampa": 1.0})
"""

from typing import Any, NamedTuple

import jax.numpy as jnp

from redes_jax.neurons import schemes
from redes_jax.neurons.membrane import Input, Membrane, Params, State
from redes_jax.neurons.schemes import Scheme
from redes_jax.neurons.synapses import Receptor, felt, total
from redes_jax.process import Process


class Postsynaptic(NamedTuple):
    """A membrane and the states of the receptors in it, by name."""

    cell: State
    receptors: dict[str, Any]


def postsynaptic(
    membrane: Membrane,
    params: Params,
    receptors: dict[str, Receptor],
    conductance: dict[str, Any],
    dt,
    scheme: Scheme = schemes.STAGGERED,
) -> Process:
    """A membrane with receptors in it, as a process.

    ``init(key, shape=())`` is the rest. The input is a dict: by receptor what drives it during the step (see above), and under
    "current" what is injected besides (uA/cm2); what is missing is 0. The output is the voltage at the end of the step, mV.

    Args:
      membrane, params: as in ``Membrane.process``.
      receptors: by name.
      conductance: of each with all channels open, mS/cm2, under the same names.
      dt: ms.
      scheme: how the membrane is stepped; receptors are exact for what drives them held over a step.
    """
    if set(receptors) != set(conductance):
        raise ValueError(f"receptors {sorted(receptors)}, conductances {sorted(conductance)}: give each receptor one")

    def init(key, shape=()):
        del key
        rest = membrane.carried(params, membrane.rest(params), Input(jnp.zeros(shape)))
        closed = {name: receptor.rest(rest.voltage) for name, receptor in receptors.items()}
        return Postsynaptic(scheme.start(membrane, params, rest, Input(), dt), closed)

    def step(key, state, input):
        del key
        cell, bound = state
        bound = {name: each.step(bound[name], input.get(name, 0.0), dt) for name, each in receptors.items()}
        synaptic = [felt(each, conductance[name], bound[name], cell.voltage) for name, each in receptors.items()]
        cell = scheme.step(membrane, params, cell, total(Input(input.get("current", 0.0)), *synaptic), dt)
        return Postsynaptic(cell, bound), cell.voltage

    return Process(init, step)
