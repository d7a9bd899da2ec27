"""A small branched cell, alone and several side by side, under the schemes that trees have."""

import jax.random
import numpy as np

from redes_jax.neurons.cable import Tree, cylinders, joined
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.schemes import SCHEMES
from redes_jax.neurons.simulation import as_process
from tests.case import Case

TREE = Tree(SQUID, joined([-1, 0, 0, 1, 1]))
LENGTHS = np.array([20.0, 50.0, 80.0, 40.0, 60.0], np.float32)
ALONE = TREE.params(cylinders(LENGTHS, np.float32(2.0)))
TOGETHER = TREE.params(cylinders(LENGTHS[:, None] * np.array([1.0, 1.5], np.float32), np.float32(2.0)))


def _currents(key, length):
    return 10.0 + jax.random.normal(key, (length,), jax.numpy.float32)


CASES: list[Case] = [
    *(
        Case(f"neurons: tree, {name}", as_process(TREE, ALONE, dt, SCHEMES[name]), _currents)
        for name, dt in (("forward_euler", 0.001), ("implicit", 0.025), ("staggered", 0.025))
    ),
    Case("neurons: trees side by side", as_process(TREE, TOGETHER, 0.025), _currents),
]
