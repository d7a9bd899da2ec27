"""A membrane with receptors, terminals that release, and a network with everything that one can have."""

import jax
import jax.numpy as jnp

from redes_jax.neurons import circuits, connectivity, release, synapses
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.postsynaptic import postsynaptic
from tests.case import Case

_RECEPTORS = {
    "nmda": synapses.NMDA,
    "gaba_b": synapses.GABA_B,
    "gaba_a": synapses.Exponentials(0.5, 9.0, -75.0),
}
_FAST = synapses.Exponentials(0.5, 3.0, 0.0)


def _transmitter(key, length):
    return {name: jax.random.uniform(jax.random.fold_in(key, i), (length,)) for i, name in enumerate(_RECEPTORS)}


def _spikes(key, length):
    return jax.random.bernoulli(key, 0.5, (length,))


def _network(by, delay):
    cells = {
        "a": circuits.Population(SQUID, SQUID.params(), 3, 60.0, (-70.0, -10.0)),
        "b": circuits.Population(SQUID, SQUID.params(), 2),
    }
    sources = connectivity.all_to_all(3, 2)
    wires = [
        circuits.Projection("a", "b", sources, 0.2, _FAST, delay),
        circuits.Poisson("a", 2000.0, 0.05, _FAST),
        circuits.Junctions("b", "b", jnp.array([[1], [0]]), 0.05),
    ]
    return circuits.network(cells, wires, 0.05, by=by)


CASES: list[Case] = [
    Case(
        "synapses: postsynaptic",
        postsynaptic(SQUID, SQUID.params(), _RECEPTORS, dict.fromkeys(_RECEPTORS, 0.1), 0.025),
        _transmitter,
    ),
    Case("release: mean", release.mean(release.FACILITATING, 1.0), _spikes),
    Case("release: vesicles", release.vesicles(release.CalciumTrigger(), 5, 1.0), _spikes),
    Case("circuits: gather", _network("gather", [[0.05, 0.1, 0.1], [0.1, 0.05, 0.15]])),
    Case("circuits: events", _network("events", 0.1)),
]
