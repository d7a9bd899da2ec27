"""How a classifier is judged: everything follows from the confusion matrix. Runs under ``jit`` and ``vmap``."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Num


class Scores(NamedTuple):
    """Precision, recall and F-score, with the number of examples they rest on; one for each class, or one average."""

    precision: Float[Array, "*classes"]
    recall: Float[Array, "*classes"]
    f: Float[Array, "*classes"]
    support: Num[Array, "*classes"]


def confusion_matrix(
    labels: Int[Array, " n"], predictions: Int[Array, " n"], classes: int
) -> Int[Array, "classes classes"]:
    """How often an example of class i (row) was called class j (column).

    Args:
      labels: the right classes, 0 to ``classes - 1``.
      predictions: the classes answered.
      classes: their number; a class that never occurs has an empty row.
    """
    return jnp.zeros((classes, classes), jnp.int32).at[labels, predictions].add(1)


def accuracy(confusion: Num[Array, "classes classes"]) -> Float[Array, ""]:
    """Share of right answers."""
    return jnp.trace(confusion) / confusion.sum()


def scores(confusion: Num[Array, "classes classes"], beta: float | Float[Array, ""] = 1.0) -> Scores:
    r"""Precision, recall and F of each class.

    .. math:: P = \frac{TP}{TP + FP}, \quad R = \frac{TP}{TP + FN}, \quad
              F_\beta = \frac{(1+\beta^2)\,TP}{(1+\beta^2)\,TP + \beta^2\,FN + FP}

    Where a denominator is zero the score is 0, as in scikit-learn with ``zero_division=0``.

    Args:
      confusion: rows are the right classes, columns the answers.
      beta: how many times recall weighs more than precision.

    Reference: van Rijsbergen, "Information Retrieval" (1979), chapter 7.
    """
    hits, support, answered = jnp.diagonal(confusion), confusion.sum(1), confusion.sum(0)
    return Scores(*_ratios(hits, support, answered, beta), support)


def averaged(
    confusion: Num[Array, "classes classes"],
    how: str = "macro",
    beta: float | Float[Array, ""] = 1.0,
) -> Scores:
    """The scores of all classes as one.

    Args:
      confusion: rows are the right classes, columns the answers.
      how: ``macro`` is the plain mean over classes, empty ones included; ``weighted`` weighs each class by its
        support; ``micro`` pools the counts of all classes first, so that all three scores are the accuracy.
      beta: as in :func:`scores`.
    """
    total = confusion.sum()
    if how == "micro":
        hits = jnp.trace(confusion)
        return Scores(*_ratios(hits, total, total, beta), total)
    if how not in ("macro", "weighted"):
        raise ValueError(f"how is {how!r}: choose 'macro', 'micro' or 'weighted'")
    each = scores(confusion, beta)
    weight = jnp.ones_like(each.f) if how == "macro" else each.support.astype(each.f.dtype)
    weight = weight / jnp.where(weight.sum() == 0, 1, weight.sum())
    precision, recall, f = ((weight * score).sum() for score in each[:3])
    return Scores(precision, recall, f, total)


def _ratios(hits, support, answered, beta):
    beta2 = jnp.asarray(beta) ** 2
    return (
        _share(hits, answered),
        _share(hits, support),
        _share((1 + beta2) * hits, beta2 * support + answered),
    )


def _share(part, whole):
    return jnp.where(whole == 0, 0.0, part / jnp.where(whole == 0, 1, whole))
