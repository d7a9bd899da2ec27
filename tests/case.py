"""One entry of the zoo: a process small enough to be put through every law."""

from collections.abc import Callable
from typing import Any, NamedTuple

from redes_jax.process import Process


class Case(NamedTuple):
    """``process.init(key)`` takes only a key; ``inputs(key, length)`` gives inputs with a leading axis, None when none are needed."""

    name: str
    process: Process
    inputs: Callable[[Any, int], Any] | None = None
