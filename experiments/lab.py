"""Where an experiment runs: progress, checkpoints and resuming, so that ``run(config, lab)`` is only science."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import checkpoints
from redes_jax.process import chunks


class Lab:
    """Runs the long loops of one experiment, in memory alone or with checkpoints in a folder.

    Args:
      folder: where checkpoints go; None keeps nothing on disk (tests, notebooks).
      report: ``report(stage, done, total)``, called between chunks; None for silence.
    """

    def __init__(self, folder: Path | None = None, report: Callable[[str, int, int], None] | None = None):
        self.folder = folder
        self.report = report or (lambda stage, done, total: None)

    def iterate(self, stage, step, key, state, inputs=None, length=None, *, chunk, observe=None, stepped=False) -> Any:
        """``process.iterate`` in chunks: reports after each, saves after each, and goes on from the last one saved.

        A run that was killed and started again ends equal to the bit to one that was not.

        Args:
          stage: a name for this loop, unique within the experiment; it names the checkpoint.
          step, key, state, inputs, length, observe: as in ``process.iterate``.
          chunk, stepped: as in ``process.chunks``.

        Returns:
          ``(state, outputs)`` as ``process.iterate`` gives, outputs as NumPy arrays.
        """
        total = length if length is not None else jax.tree.leaves(inputs)[0].shape[0]
        done: int = 0
        outputs: Any = None
        if self.folder is not None:
            abstract = jax.eval_shape(_first_outputs(step, observe), key, state, _head(inputs))
            saved = checkpoints.newest(self.folder, stage, template=(state, abstract))
            if saved is not None:
                done, (state, outputs) = saved
                inputs = jax.tree.map(lambda leaf: leaf[done:], inputs)
        self.report(stage, done, total)
        if done == total:
            return state, outputs
        parts = [] if outputs is None else [outputs]
        for t, state, part in chunks(  # noqa: B020
            step, key, state, inputs, total - done, done, chunk=chunk, observe=observe, stepped=stepped
        ):
            parts = [_join([*parts, jax.tree.map(np.asarray, part)])]
            if self.folder is not None:
                checkpoints.save(self.folder, stage, t, (state, parts[0]))
            self.report(stage, t, total)
        return state, parts[0]

    def once(self, stage: str, compute: Callable[[], dict[str, Any]]) -> dict[str, np.ndarray]:
        """The arrays that ``compute()`` returns, computed once: a resumed run loads them.

        Args:
          stage: a name for this piece of work, unique within the experiment.
          compute: returns a flat dict of arrays.
        """
        self.report(stage, 0, 1)
        saved = checkpoints.newest(self.folder, stage, template=None) if self.folder is not None else None
        if saved is None:
            arrays = {name: np.asarray(value) for name, value in compute().items()}
            if self.folder is not None:
                checkpoints.save(self.folder, stage, 1, arrays)
        else:
            arrays = saved[1]
        self.report(stage, 1, 1)
        return arrays


QUIET = Lab()


def timed(compute: Callable[[], Any]) -> tuple[Any, float]:
    """``compute()`` with all its arrays ready, and the seconds it took."""
    start = time.perf_counter()
    value = jax.block_until_ready(compute())
    return value, time.perf_counter() - start


def _head(inputs):
    return jax.tree.map(lambda leaf: leaf[0], inputs)


def _first_outputs(step, observe):
    def first(key, state, input):
        state, output = step(key, state, input)
        return output if observe is None else observe(state, output)

    return first


def _join(parts: Iterable[Any]):
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
