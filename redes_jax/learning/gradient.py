"""Descent along the gradient of a loss: the learner of every model here that has a derivative.

A model tells this learner one thing, its loss::

    loss(params, buffers, key, batch) -> (value, (buffers, metrics))

``params`` is what descends; ``buffers`` is what the forward pass carries along without descending, such as the running
statistics of batch normalisation, and is ``{}`` for most models; ``key`` drives dropout or augmentation; ``metrics``
is a flat dict of scalars worth seeing. An ``optax`` transformation says how far to go.

One seed, a population of seeds and a sweep over rates are the same step::

    def step(rate, key, state, batch):
        return descend(loss, optax.adam(rate)).step(key, state, batch)

    jax.tree_util.Partial(step, rate)                   # another rate, nothing compiled again
    jax.vmap(step, in_axes=(0, None, 0, None))          # every rate at once
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, PyTree

from redes_jax.process import Process

Loss = Callable[[PyTree, PyTree, Array, Any], tuple[Array, tuple[PyTree, dict[str, Array]]]]
Initialise = Callable[[Array], tuple[PyTree, PyTree]]


class Descent(NamedTuple):
    """What a descent carries: the parameters, the model's buffers, and the memory of the optimiser."""

    params: PyTree
    buffers: PyTree
    memory: PyTree


def descend(loss: Loss, optimiser: optax.GradientTransformation) -> Process:
    r"""Gradient descent on ``loss``, one batch a step.

    .. math:: g_t = \nabla_\theta L(\theta_t, b_t, k_t, x_t), \qquad \theta_{t+1} = \theta_t + U(g_t, m_t)

    with :math:`\theta` the ``params``, :math:`b` the ``buffers``, :math:`k` the key of the step, :math:`x` the batch,
    :math:`m` the ``memory`` and :math:`U` the update of ``optimiser``.

    Args:
      loss: ``loss(params, buffers, key, batch) -> (value, (buffers, metrics))``, value and metrics scalar.
      optimiser: any ``optax`` transformation; its numbers may be traced, so that a sweep compiles once.

    Returns:
      A process. ``init(key, initialise)`` starts from ``initialise(key) -> (params, buffers)``; ``step`` takes a
      batch and puts out the metrics, ``loss``, ``gradient_norm`` and ``finite``, which is False from the first step
      whose loss or gradient is not a number. The step is taken all the same: the last good state is the caller's to
      keep.

    Raises:
      ValueError: when the loss names one of its metrics ``loss``, ``gradient_norm`` or ``finite``.
    """

    def init(key: Array, initialise: Initialise) -> Descent:
        params, buffers = initialise(key)
        return Descent(params, buffers, optimiser.init(params))

    def step(key: Array, state: Descent, batch) -> tuple[Descent, dict[str, Array]]:
        value_and_gradient = jax.value_and_grad(loss, has_aux=True)
        (value, (buffers, metrics)), gradient = value_and_gradient(state.params, state.buffers, key, batch)
        updates, memory = optimiser.update(gradient, state.memory, state.params)
        norm = optax.tree.norm(gradient)
        seen = {"loss": value, "gradient_norm": norm, "finite": jnp.isfinite(value) & jnp.isfinite(norm)}
        if clash := seen.keys() & metrics.keys():
            raise ValueError(
                f"the loss returns metrics named {sorted(clash)}: the learner reports these itself, rename them"
            )
        return Descent(optax.apply_updates(state.params, updates), buffers, memory), {**metrics, **seen}

    return Process(init, step)
