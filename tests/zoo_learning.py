"""Learners and cells for the battery of laws, each as small as it can be."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from redes_jax.learning.gradient import descend
from redes_jax.learning.losses import cross_entropy
from redes_jax.learning.perceptron import perceptron, pocket
from redes_jax.networks.convolution import Conv, pool
from redes_jax.networks.mlp import MLP
from redes_jax.networks.recurrent import GRU, LSTM, Vanilla
from redes_jax.process import Process
from tests.case import Case


def _rosenblatt(rule):
    def examples(key, length):
        x = jax.random.normal(key, (length, 3))
        return x, jnp.where(x.sum(1) > 0, 1, -1).astype(x.dtype)

    return Process(lambda key: rule.init(key, 3), rule.step), examples


def _classifier(net, shape, optimiser):
    def batches(key, length):
        of_x, of_y = jax.random.split(key)
        return jax.random.normal(of_x, (length, 4, *shape)), jax.random.randint(of_y, (length, 4), 0, 2, jnp.int32)

    def loss(params, buffers, key, batch):
        x, labels = batch
        x = x + 0.1 * jax.random.normal(key, dtype=x.dtype)
        logits, moved = net.apply({"params": params, **buffers}, x, mutable=list(buffers), train=True)
        return cross_entropy(logits, labels).mean(), (dict(moved), {"right": (logits.argmax(-1) == labels).mean()})

    def initialise(key):
        variables = dict(net.init(key, jnp.zeros((1, *shape))))
        return variables.pop("params"), variables

    learner = descend(loss, optimiser)
    return Process(lambda key: learner.init(key, initialise), learner.step), batches


def _cell(cell):
    """A recurrent cell as a process: its parameters are part of what it starts with, and stay as they are."""

    def init(key):
        carry = cell.rest((2,), jnp.zeros(()).dtype)
        return cell.init(key, carry, jnp.zeros((2, 3))), carry

    def step(key, state, x):
        del key
        params, carry = state
        carry, h = cell.apply(params, carry, x)
        return (params, carry), h

    return Process(init, step), lambda key, length: jax.random.normal(key, (length, 2, 3))


class _Eye(nn.Module):
    """One convolution, one pooling, one answer."""

    @nn.compact
    def __call__(self, x, train=False):
        del train
        return nn.Dense(2, param_dtype=x.dtype)(pool(Conv(2, 3, "SAME")(x[..., None])).reshape(len(x), -1))


CASES = [
    Case("perceptron", *_rosenblatt(perceptron())),
    Case("pocket", *_rosenblatt(pocket())),
    Case("descent, MLP with batch norm", *_classifier(MLP((3, 2), batch_norm=True), (3,), optax.sgd(0.01))),
    Case("descent, convolutional", *_classifier(_Eye(), (4, 4), optax.sgd(0.01, momentum=0.9))),
    Case("vanilla cell", *_cell(Vanilla(4))),
    Case("LSTM cell", *_cell(LSTM(4))),
    Case("GRU cell", *_cell(GRU(4))),
]
