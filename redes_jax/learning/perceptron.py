r"""Rosenblatt's perceptron: a threshold unit that moves only when it is wrong.

For an example :math:`x` (a constant 1 among its entries stands for the bias) of class :math:`y = \pm 1`,

.. math:: w \leftarrow w + y\,x \quad \text{if} \quad y\,(w \cdot x) \le 0

References: Rosenblatt, "The perceptron", Psychological Review 65 (1958); Novikoff, "On convergence proofs for
perceptrons" (1962); Gallant, "Perceptron-based learning algorithms", IEEE Trans. Neural Networks 1 (1990).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Num, Shaped

from redes_jax.process import Process


class Pocket(NamedTuple):
    """The perceptron at work with its run of correct answers, and the best weights so far with theirs."""

    weights: Shaped[Array, " d"]
    run: Array
    best: Shaped[Array, " d"]
    best_run: Array


def activation(weights: Num[Array, " d"], x: Num[Array, " d"]) -> Num[Array, ""]:
    """The weighted sum ``w . x``; its sign is the answer."""
    return (weights * x).sum()


def perceptron() -> Process:
    r"""Rosenblatt's rule, one example a step.

    If some :math:`w^*` gives every example a margin :math:`y\,(w^* \cdot x) \ge \gamma \|w^*\|` and :math:`\|x\| \le
    R`, then from zero weights the number of mistakes never exceeds :func:`mistake_bound`, in whatever order the
    examples come. There is no
    rate: from zero it would scale the weights and change no answer. Integer examples keep integer weights, exactly.

    Returns:
      A process. ``init(key, features, dtype=float)`` gives zero weights; ``step`` takes ``(x, y)``, x of shape
      (features,) and y = +1 or -1, both of the weights' dtype, and puts out whether the answer was a mistake.
    """

    def init(key: Array, features: int, dtype: Any = float) -> Num[Array, " d"]:
        del key
        return jnp.zeros(features, dtype)

    def step(key: Array, weights: Num[Array, " d"], example) -> tuple[Num[Array, " d"], Bool[Array, ""]]:
        del key
        x, y = example
        mistake = y * activation(weights, x) <= 0
        return weights + jnp.where(mistake, y * x, jnp.zeros_like(weights)), mistake

    return Process(init, step)


def pocket() -> Process:
    """Rosenblatt's rule with the weights of the longest run of correct answers kept apart (Gallant 1990).

    On examples that no line separates the perceptron wanders for ever; what is in the pocket has the fewest errors
    with a probability that tends to 1, provided that the examples come in random order.

    Returns:
      A process over :class:`Pocket`, otherwise as :func:`perceptron`.
    """
    rule = perceptron()

    def init(key: Array, features: int, dtype: Any = float) -> Pocket:
        weights = rule.init(key, features, dtype)
        return Pocket(weights, jnp.int32(0), weights, jnp.int32(0))

    def step(key: Array, state: Pocket, example) -> tuple[Pocket, Bool[Array, ""]]:
        weights, mistake = rule.step(key, state.weights, example)
        run = jnp.where(mistake, 0, state.run + 1)
        better = run > state.best_run
        best = jnp.where(better, state.weights, state.best)
        return Pocket(weights, run, best, jnp.maximum(run, state.best_run)), mistake

    return Process(init, step)


def mistake_bound(x: Num[Array, "n d"], y: Num[Array, " n"], reference: Num[Array, " d"]) -> Array:
    r"""Novikoff's bound :math:`(R / \gamma)^2` on the mistakes of a perceptron that starts from zero.

    Args:
      x: the examples, one a row.
      y: their classes, +1 or -1.
      reference: weights that separate them; the wider their margin, the tighter the bound.

    Returns:
      The bound, a scalar; infinite when ``reference`` does not separate the examples.
    """
    x, reference = x.astype(jnp.result_type(x, jnp.float32)), reference.astype(jnp.result_type(x, jnp.float32))
    radius = jnp.linalg.norm(x, axis=1).max()
    margin = (y * (x @ reference)).min() / jnp.linalg.norm(reference)
    return jnp.where(margin > 0, (radius / jnp.where(margin > 0, margin, 1)) ** 2, jnp.inf)
