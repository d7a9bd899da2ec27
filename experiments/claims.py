"""What an experiment measures and what was published: the rows of a ledger. Imports nothing heavy, so a listing is instant."""

import math
from typing import Any, NamedTuple


class Claim(NamedTuple):
    """A published figure that an experiment measures again.

    Args:
      key: the name under which ``Result.measured`` holds our own figure.
      quantity: what it is, in words.
      value: the published value, in ``unit``.
      unit: the unit, or "" for a pure number.
      source: author and year, or the computation that gave it.
      tolerance: how far ours may lie from it and still be called equal, in ``unit``: the published value's own uncertainty.
      rule: "equal" (within the tolerance), "at most" or "at least".
    """

    key: str
    quantity: str
    value: float
    unit: str
    source: str
    tolerance: float = 0.0
    rule: str = "equal"

    def holds(self, ours: float) -> bool:
        """Whether ``ours`` agrees with the published value under the claim's rule."""
        if not math.isfinite(ours):
            return False
        excess = ours - self.value
        if self.rule == "at most":
            return excess <= self.tolerance
        if self.rule == "at least":
            return -excess <= self.tolerance
        return abs(excess) <= self.tolerance


class Result(NamedTuple):
    """What ``run(config)`` returns.

    Args:
      arrays: name -> array: all that ``figures`` needs, saved as ``result.npz``.
      measured: name -> number, or an array over seeds whose mean and standard deviation are reported; ``metrics.csv``.
    """

    arrays: dict[str, Any]
    measured: dict[str, Any]


class Picture(NamedTuple):
    """One figure of an experiment.

    Args:
      image: a matplotlib ``Figure``, saved as PNG, or uint8 frames (time, height, width, 3), saved as a GIF.
      caption: what to see in it, in a sentence or two.
    """

    image: Any
    caption: str
