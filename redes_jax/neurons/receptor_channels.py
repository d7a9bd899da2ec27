"""Channels that open to something other than voltage: a transmitter that binds, a membrane that is stretched.

What they sense comes with the input, ``membrane.Input(sensed={"transmitter": 1.0})``; what is not given is zero.

    >>> from redes_jax.neurons.channels import LEAK
    >>> from redes_jax.neurons.membrane import Input, compose
    >>> from redes_jax.neurons.simulation import simulate
    >>> cell = compose(LEAK, ligand_gated())
    >>> puff = lambda t: Input(sensed={"transmitter": (t < 1.0) * 1.0})
    >>> trace = simulate(cell, cell.params(), puff, duration=20.0)[1]
    >>> bool(trace.max() > -50.0)
    True
"""

import jax.numpy as jnp

from redes_jax.neurons.channels import Channel, sigmoid, steady_and_time_constant


def ligand_gated(binding=1.1, unbinding=0.19, conductance=0.1, reversal=0.0, name="ligand") -> Channel:
    """A receptor of two states, bound and open or not: alpha = binding [T], beta = unbinding.

    Args:
      binding: 1/(mM ms). The defaults are AMPA's: 1 ms of 1 mM transmitter opens 7 in 10.
      unbinding: 1/ms.
      conductance, reversal: mS/cm2, mV.
      name: of the channel, and of its gate.

    Reference: Destexhe, Mainen & Sejnowski, Neural Comput. 6:14 (1994).
    """

    def rates(transmitter):
        return ((binding * transmitter, jnp.full_like(transmitter, unbinding)),)

    return Channel(name, (name,), rates, lambda r: r, conductance, reversal, senses=("transmitter",))


def mechanically_gated(
    half=1.4, slope=0.3, time_constant=1.0, conductance=0.1, reversal=0.0, name="stretch"
) -> Channel:
    """A gate that tension pulls open: the Boltzmann law 1 / (1 + exp(-(tension - half) / slope)).

    Pulling does the work tension times area; so ``slope`` is k T over the area by which the channel grows.

    Args:
      half: tension at which half are open, mN/m; about that of Piezo1.
      slope: mN/m.
      time_constant: ms.
      conductance, reversal: mS/cm2, mV; near zero for a channel that passes all cations.
      name: of the channel, and of its gate.

    References: Howard & Hudspeth, Neuron 1:189 (1988), the law; Lewis & Grandl, eLife 4:e12088 (2015), Piezo1.
    """

    def rates(tension):
        return (steady_and_time_constant(sigmoid((tension - half) / slope), time_constant),)

    return Channel(name, (name,), rates, lambda r: r, conductance, reversal, senses=("tension",))
