"""Equations stepped by hand, a touch receptor, a spike-triggered average, and rules of plasticity."""

import jax
import numpy as np
from jax.tree_util import Partial

from redes_jax import ode
from redes_jax.neurons import plasticity, receptive
from redes_jax.process import Process
from tests.case import Case


def _from(process, start):
    """The process with its start drawn from the key alone."""
    return Process(lambda key: process.init(key, start(key)), process.step)


def _vectors(n):
    return lambda key, length: jax.random.normal(key, (length, n))


def _weights(*shape):
    return lambda key: 0.3 * jax.random.normal(key, shape)


def _spikes(key, length):
    fired = jax.random.bernoulli(key, 0.3, (length, 5))
    return plasticity.Spikes(fired[:, :3], fired[:, 3:])


def _pressure(key, length):
    return jax.random.uniform(key, (length,))


_FIELD = Partial(ode.fitzhugh_nagumo, ode.FitzHughNagumo())
_WINDOW = plasticity.Window()

CASES: list[Case] = [
    *(
        Case(f"ode: {name}", _from(ode.process(_FIELD, 0.1, method), _weights(2)), _pressure)
        for name, method in ode.METHODS.items()
    ),
    Case("receptive: merkel", receptive.merkel(), _pressure),
    Case("receptive: triggered average", receptive.triggered_average(np.array([0.5, -0.5, 0.2]), batch=4)),
    Case("plasticity: hebb", _from(plasticity.hebb(0.01), _weights(3)), _vectors(3)),
    Case("plasticity: oja", _from(plasticity.oja(0.01), _weights(3)), _vectors(3)),
    Case("plasticity: sanger", _from(plasticity.sanger(0.01), _weights(2, 3)), _vectors(3)),
    Case("plasticity: bcm", _from(plasticity.bcm(0.01), _weights(3)), _vectors(3)),
    Case("plasticity: stdp", _from(plasticity.stdp(_WINDOW, low=0.0, high=1.0), _weights(2, 3)), _spikes),
    Case("plasticity: competition", plasticity.competition(synapses=10)),
]
