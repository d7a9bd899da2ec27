"""A small branched cell, alone and two side by side, under the schemes that trees have."""

import jax.numpy as jnp
import jax.random

from redes_jax.neurons.cable import Tree, cylinders, joined
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.schemes import SCHEMES
from redes_jax.neurons.simulation import as_process
from redes_jax.process import Process
from tests.case import Case

TREE = Tree(SQUID, joined([-1, 0, 0, 1, 1]))
ALONE = [20.0, 50.0, 80.0, 40.0, 60.0]
TOGETHER = [[20.0, 30.0], [50.0, 60.0], [80.0, 90.0], [40.0, 30.0], [60.0, 90.0]]


def _tree(lengths, dt, scheme):
    """Its sizes become arrays when it is called, of the precision that holds then."""

    def made():
        return as_process(TREE, TREE.params(cylinders(jnp.array(lengths), 2.0)), dt, SCHEMES[scheme])

    return Process(lambda key: made().init(key), lambda key, state, input: made().step(key, state, input))


def _currents(key, length):
    return 10.0 + jax.random.normal(key, (length,), jnp.float32)


CASES: list[Case] = [
    *(
        Case(f"neurons: tree, {scheme}", _tree(ALONE, dt, scheme), _currents)
        for scheme, dt in (("forward_euler", 0.001), ("implicit", 0.025), ("staggered", 0.025))
    ),
    Case("neurons: trees side by side", _tree(TOGETHER, 0.025, "staggered"), _currents),
]
