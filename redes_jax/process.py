"""The arrow that everything here shares: ``step(key, state, input) -> (state, output)``.

A neuron through a time step, a recurrent cell through a symbol, a Gibbs chain through a sweep, a learning rule through a
batch: each is a :class:`Process`, two pure functions, and :func:`iterate` runs any of them under one ``lax.scan``.

The key of step ``t`` is ``fold_in(key, t)``, never split in the carry. So a run in chunks equals the whole run, a
checkpoint is ``(state, t)``, and any step can be replayed alone.

All the rest is JAX itself: a population is ``vmap``, a sweep over rates is ``vmap`` over arguments, a mesh is sharded keys.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import Partial


class Process(NamedTuple):
    """Two pure functions: ``init(key, ...) -> state`` and ``step(key, state, input) -> (state, output)``.

    The state is what must be carried, the output what is worth seeing. ``step`` keeps the state's tree, shapes and dtypes.
    """

    init: Callable[..., Any]
    step: Callable[[jax.Array, Any, Any], tuple[Any, Any]]


def iterate(step, key, state, inputs=None, length=None, start=0, *, observe=None):
    """Run ``step`` along the leading axis of ``inputs`` with one ``lax.scan``.

    Args:
      step: ``step(key, state, input) -> (state, output)``.
      key: the run's key; step ``t`` receives ``fold_in(key, t)``.
      state: the state before step ``start``.
      inputs: a pytree whose leaves share their leading axis, one entry a step; None when the process needs no input.
      length: number of steps; required when ``inputs`` is None.
      start: the number of the first step. Steps ``[0, a)`` and then ``[a, b)`` with ``start=a`` equal ``[0, b)`` to the bit.
      observe: ``observe(state, output)`` chooses what is kept of each step; the output alone when None.

    Returns:
      ``(state, outputs)``: the last state, and what was kept, stacked along a new leading axis.

    Raises:
      ValueError: when the number of steps is neither given nor implied, or when the two disagree.
    """
    length = _length(inputs, length)

    def body(state, t_and_input):
        t, input = t_and_input
        state, output = step(jax.random.fold_in(key, t), state, input)
        return state, output if observe is None else observe(state, output)

    times = jnp.asarray(start, jnp.uint32) + jnp.arange(length, dtype=jnp.uint32)
    return jax.lax.scan(body, state, (times, inputs), length)


def chunks(
    step, key, state, inputs=None, length=None, start=0, *, chunk, observe=None, stepped=False
) -> Iterator[tuple[int, Any, Any]]:
    """Run as :func:`iterate` does, handing back control every ``chunk`` steps.

    The caller watches, saves or stops between chunks; nothing calls back from inside the scan. To change a number between
    runs without compiling again, pass ``step`` as a ``jax.tree_util.Partial`` that holds it as an argument.

    Args:
      chunk: steps in a chunk; the last one may be shorter.
      stepped: dispatch each step from Python instead of scanning. Same keys, same result. Convolutional networks on CPU
        want it (XLA runs convolutions inside a loop many times slower); everything small wants the scan.
      step, key, state, inputs, length, start, observe: as in :func:`iterate`. ``inputs`` covers steps ``start`` onwards.

    Yields:
      ``(t, state, outputs)``: the number of steps done in all, the state then, the outputs of this chunk alone.
    """
    length = _length(inputs, length)
    if chunk < 1:
        raise ValueError(f"chunk is {chunk}: it counts the steps between two looks, so it must be at least 1")
    step = step if isinstance(step, Partial) else Partial(step)
    advance = _advance_stepped if stepped else _advance
    for begin in range(0, length, chunk):
        size = min(chunk, length - begin)
        part = jax.tree.map(lambda leaf: leaf[begin : begin + size], inputs)  # noqa: B023  (used at once)
        state, outputs = advance(step, key, state, part, size, jnp.uint32(start + begin), observe=observe)
        yield start + begin + size, state, outputs


def population(process: Process, size: int, over=jax.vmap) -> Process:
    """``size`` independent copies of a process side by side, each with a key of its own and the same input.

    Args:
      process: the process to copy.
      size: number of copies; every leaf of state and output gains a leading axis of this size.
      over: how a function is mapped along that axis: ``jax.vmap``, or ``devices.replicas`` to use all devices.
    """

    def init(key, *args):
        return over(lambda member: process.init(member, *args))(jax.random.split(key, size))

    def step(key, states, input):
        return over(lambda member, state: process.step(member, state, input))(jax.random.split(key, size), states)

    return Process(init, step)


_advance = jax.jit(iterate, static_argnames=("length", "observe"))


@jax.jit
def _single(step, key, t, state, input):
    return step(jax.random.fold_in(key, t), state, input)


def _advance_stepped(step, key, state, inputs, length, start, *, observe):
    kept = []
    for i in range(length):
        input = jax.tree.map(lambda leaf: leaf[i], inputs)  # noqa: B023  (used at once)
        state, output = _single(step, key, start + jnp.uint32(i), state, input)
        kept.append(output if observe is None else observe(state, output))
    return state, jax.tree.map(lambda *leaves: jnp.stack(leaves), *kept)


def _length(inputs, length):
    sizes = {leaf.shape[0] for leaf in jax.tree.leaves(inputs)}
    if length is not None:
        sizes.add(length)
    if len(sizes) != 1:
        found = "no inputs and no length" if not sizes else f"leading axes and length {sorted(sizes)}"
        raise ValueError(f"the number of steps is not determined: {found}; give inputs of one leading axis, or length")
    return sizes.pop()
