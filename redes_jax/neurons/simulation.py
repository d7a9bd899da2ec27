"""Run a model through time and record what is wanted: one call for every scheme and every diffrax solver.

    >>> from redes_jax.neurons.membrane import SQUID
    >>> from redes_jax.neurons.simulation import simulate
    >>> from redes_jax.neurons.stimuli import constant
    >>> _, voltage = simulate(SQUID, SQUID.params(), constant(10.0), duration=50.0)
    >>> voltage.shape
    (2000,)

A model is anything with the methods ``rest``, ``carried`` and ``vector_field`` of a ``membrane.Membrane``, and with those
that its scheme asks for (:mod:`redes_jax.neurons.schemes`): one compartment, or a tree of them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from redes_jax import process
from redes_jax.neurons import schemes
from redes_jax.neurons.membrane import Input, State, as_input
from redes_jax.neurons.schemes import Scheme
from redes_jax.process import Process


class Fold(NamedTuple):
    """Something gathered along a simulation without keeping the trace, such as a count of spikes.

    Args:
      initial: the value before the first step.
      update: ``update(value, t, before, after) -> value`` after each step; ``t`` in ms is the time of the state
        ``after``.
    """

    initial: Any
    update: Callable[[Any, Any, State, State], Any]


def voltage(state: State):
    """Keep the voltage of every step: the default recording of :func:`simulate`."""
    return state.voltage


def simulate(
    model: Any,
    params: Any,
    stimulus: Any = 0.0,
    *,
    duration: float,
    dt: float = 0.025,
    scheme: Any = schemes.STAGGERED,
    state: State | None = None,
    start: Any = 0.0,
    observe: Callable[[State], Any] | None = voltage,
    fold: Fold | None = None,
    segment: int | None = None,
    **options,
) -> tuple[State, Any]:
    """Inject a current and record, by any scheme or diffrax solver: pure, so ``vmap``, ``grad`` and
    ``devices.replicas`` apply.

    Args:
      model, params: a ``membrane.Membrane`` or a ``cable.Tree``, and its numbers.
      stimulus: a number, or a function of time (ms) such as those of ``stimuli``; uA/cm2, or a ``membrane.Input``. A
        scheme takes it at mid-step.
      duration: ms, a whole number of steps.
      dt: the step, and the interval of the record, ms.
      scheme: a ``schemes.Scheme``, or any diffrax solver (``diffrax.Tsit5()``, ``solvers.RushLarsen()``).
      state: where to begin; the rest of the model when None. The last state of one run continues in another.
      start: the time of that state, ms, as the stimulus sees it.
      observe: ``observe(state)`` chooses what is kept at times dt, 2 dt, ..., duration; None keeps nothing.
      fold: gathers along the run instead of recording, see :class:`Fold`; schemes only.
      segment: for gradients in reverse: keep the state once every ``segment`` steps and compute the rest again
        (``jax.checkpoint``); about the square root of the number of steps is best. Schemes only.
      **options: for diffrax solvers, handed to ``diffrax.diffeqsolve``: ``stepsize_controller``, ``adjoint``,
        ``max_steps``. Without a controller every step is ``dt``, and ``max_steps`` is their number.

    Returns:
      ``(state, record)``: the last state, and what was observed with time as the leading axis, or what was folded.

    Raises:
      ValueError: when the duration is no whole number of steps, or an option does not belong to the scheme.
    """
    steps = whole_steps(duration, dt)
    received = as_function(stimulus)
    state = model.rest(params) if state is None else state
    begin: State = model.carried(params, state, jax.eval_shape(received, jax.ShapeDtypeStruct((), state.voltage.dtype)))
    if not isinstance(scheme, Scheme):
        from redes_jax.neurons import solvers

        if fold is not None or segment is not None:
            raise ValueError(
                "fold and segment belong to schemes: with a diffrax solver, use observe and options['adjoint']"
            )
        return solvers.solve(model, params, received, begin, start, steps, dt, scheme, observe, options)
    if options:
        raise ValueError(
            f"options {sorted(options)} belong to diffrax solvers: a scheme has a fixed step and no controller"
        )

    def step(key, carry, i):
        del key
        before, gathered = carry
        input = received(start + (i + 0.5) * dt)
        after = scheme.step(model, params, before, input, dt)
        if fold is not None:
            return (after, fold.update(gathered, start + (i + 1.0) * dt, before, after)), None
        return (after, None), None if observe is None else observe(scheme.view(model, params, after, input, dt))

    entered = scheme.start(model, params, begin, received(start + 0.5 * dt), dt)
    carry = (entered, None if fold is None else _folded(fold, begin))
    numbers = jnp.arange(steps).astype(begin.voltage.dtype)
    (last, gathered), record = _scan(step, carry, numbers, segment)
    seen = scheme.view(model, params, last, received(start + (steps - 0.5) * dt), dt)
    return seen, record if fold is None else gathered


def as_function(stimulus) -> Callable[[Any], Any]:
    """The stimulus as a function of time (ms) that returns a ``membrane.Input``."""
    return lambda t: as_input(stimulus(t) if callable(stimulus) else stimulus)


def as_process(model: Any, params: Any, dt, scheme: Scheme = schemes.STAGGERED) -> Process:
    """A membrane or a tree as a process: one step of ``dt`` ms, whose input is the current (uA/cm2) or ``Input`` during it.

    ``init(key)`` is the rest; the output is the voltage at the end of the step. The key is not used.
    """

    def init(key):
        del key
        return scheme.start(model, params, model.rest(params), Input(), dt)

    def step(key, state, input):
        del key
        state = scheme.step(model, params, state, as_input(input), dt)
        return state, state.voltage

    return Process(init, step)


def whole_steps(duration: float, dt: float) -> int:
    """How many steps of ``dt`` make ``duration``; ValueError when they do not divide it."""
    steps = round(duration / dt) if dt > 0 else 0
    if steps < 1 or abs(steps * dt - duration) > 1e-6 * duration:
        raise ValueError(
            f"duration {duration} ms is no whole number of steps of {dt} ms: choose one that divides the other"
        )
    return steps


def times(duration: float, dt: float = 0.025) -> np.ndarray:
    """The times (ms) of what :func:`simulate` records: dt, 2 dt, ..., duration."""
    return dt * np.arange(1, whole_steps(duration, dt) + 1)


def _folded(fold, state):
    """The fold's initial value with the shape and dtype that it will have after a step."""
    after = jax.eval_shape(fold.update, fold.initial, state.voltage, state, state)
    return jax.tree.map(lambda leaf, to: jnp.broadcast_to(leaf, to.shape).astype(to.dtype), fold.initial, after)


def _scan(step, carry, numbers, segment):
    key = jax.random.key(0)
    if segment is None:
        return process.iterate(step, key, carry, numbers)
    whole = numbers.shape[0] // segment * segment

    def several(key, carry, part):
        return jax.checkpoint(lambda carry, part: process.iterate(step, key, carry, part))(carry, part)

    carry, record = process.iterate(several, key, carry, numbers[:whole].reshape(-1, segment))
    record = jax.tree.map(lambda leaf: leaf.reshape(whole, *leaf.shape[2:]), record)
    carry, rest = process.iterate(step, key, carry, numbers[whole:])
    return carry, jax.tree.map(lambda a, b: jnp.concatenate([a, b]), record, rest)
