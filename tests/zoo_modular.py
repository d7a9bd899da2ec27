"""The learner of a network of zones, with one of them silenced, for the battery of laws."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from redes_jax.learning.gradient import descend
from redes_jax.learning.losses import cross_entropy
from redes_jax.networks.modular import Modular, lesions
from redes_jax.process import Process
from tests.case import Case


def _zones():
    net = Modular({"seen": 2, "withdraw": 2}, (3,), (2,), 1)

    def batches(key, length):
        of_x, of_y = jax.random.split(key)
        return jax.random.normal(of_x, (length, 2, 4, 3)), jax.random.randint(of_y, (length, 2, 4), 0, 2, jnp.int32)

    def loss(params, buffers, key, batch):
        (sight, touch), labels = batch
        sight = sight + 0.1 * jax.random.normal(key, dtype=sight.dtype)
        logits: Any = net.apply(params, sight, touch, buffers["intact"])
        value = cross_entropy(logits["seen"], labels[0]).mean() + cross_entropy(logits["withdraw"], labels[1]).mean()
        return value, (buffers, {})

    def initialise(key):
        silence = jnp.zeros((1, 3))
        return net.init(key, silence, silence), {"intact": lesions(silence.dtype)[2]}

    learner = descend(loss, optax.sgd(0.01))
    return Process(lambda key: learner.init(key, initialise), learner.step), batches


CASES = [Case("descent, zones", *_zones())]
