"""Who is connected to whom, as arrays of indices: row ``i`` names the ``k`` sources of target ``i``.

With as many synapses onto every target, what arrives is a gather and a sum, and memory grows with the number of synapses, not with
the square of the number of neurons. :func:`outgoing` turns the list round.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int


def all_to_all(sources: int, targets: int) -> Int[Array, "targets sources"]:
    """Every source onto every target."""
    return jnp.broadcast_to(jnp.arange(sources, dtype=jnp.int32), (targets, sources))


def one_to_one(size: int) -> Int[Array, "size 1"]:
    """Source i onto target i."""
    return jnp.arange(size, dtype=jnp.int32)[:, None]


def fixed_in_degree(
    key: Array, sources: int, targets: int, degree: int, *, others: bool = False
) -> Int[Array, "targets degree"]:
    """``degree`` different sources for each target, every choice as likely as any other.

    Floyd's algorithm for all targets at once (Bentley & Floyd, Commun. ACM 30:754, 1987): the j-th draw is among the first
    ``sources - degree + j``, and one that repeats is replaced by the last of them.

    Args:
      key: of the draw.
      sources, targets: sizes of the two populations.
      degree: synapses onto each target, at most the number of sources.
      others: the two populations are one, and no neuron is its own source.
    """
    available = sources - 1 if others else sources
    if not 1 <= degree <= available:
        raise ValueError(f"degree is {degree}: between 1 and the {available} sources that a target can have")
    if others and sources != targets:
        raise ValueError(f"others with {sources} sources and {targets} targets: it means that they are one population")

    def draw(j, chosen):
        last = available - degree + j
        drawn = jax.random.randint(jax.random.fold_in(key, j), (targets,), 0, last + 1, jnp.int32)
        repeated = (chosen == drawn[:, None]).any(1)
        return chosen.at[:, j].set(jnp.where(repeated, last, drawn))

    chosen = jax.lax.fori_loop(0, degree, draw, jnp.full((targets, degree), -1, jnp.int32))
    return chosen + (chosen >= jnp.arange(targets)[:, None]) if others else chosen


def outgoing(sources: Int[np.ndarray | Array, "targets degree"], size: int) -> tuple[np.ndarray, np.ndarray]:
    """The same synapses by source: ``(targets, synapses)``, each (size, most), for the ``size`` sources.

    Row ``j`` names the targets of source ``j`` and the numbers of its synapses, counted along the rows of ``sources``. Short rows are
    filled up with the number of targets and with 0. Runs in NumPy, on known indices.
    """
    flat = np.asarray(sources).ravel()
    order = np.argsort(flat, kind="stable")
    counts = np.bincount(flat, minlength=size)
    slot = np.arange(flat.size) - np.repeat(np.cumsum(counts) - counts, counts)
    targets = np.full((size, max(counts.max(), 1)), len(sources), np.int32)
    synapses = np.zeros_like(targets)
    targets[flat[order], slot] = order // np.shape(sources)[1]
    synapses[flat[order], slot] = order
    return targets, synapses
