"""Channels in parallel with a capacitor: the membrane of Hodgkin and Huxley, and of any neuron of one compartment.

    C dV/dt = I(t) - sum over channels of g open(gates) (V - E)
      dx/dt = phi (alpha_x(V) (1 - x) - beta_x(V) x)          for every gate x

C is ``Params.capacitance``, g and E are ``Params.conductance`` and ``Params.reversal`` by the channel's name, phi is
``Params.rate_factor`` (temperature, see ``channels.q10``), I is the stimulus in uA/cm2, depolarising when positive.

    >>> from redes_jax.neurons.membrane import SQUID, simulate
    >>> from redes_jax.neurons.stimuli import constant
    >>> _, voltage = simulate(SQUID, SQUID.params(), constant(10.0), duration=50.0)
    >>> voltage.shape
    (2000,)

Reference: Hodgkin & Huxley, J. Physiol. 117:500 (1952).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from redes_jax import process
from redes_jax.neurons import channels as ch
from redes_jax.neurons import schemes
from redes_jax.neurons.schemes import Scheme
from redes_jax.process import Process


class Params(NamedTuple):
    """The numbers of a membrane; every leaf may be an array with axes of its own, mapped over or differentiated.

    Args:
      conductance: largest conductance by channel name, mS/cm2.
      reversal: reversal potential by channel name, mV.
      capacitance: uF/cm2.
      rate_factor: how much faster all gates move than the channels' formulas say.
    """

    conductance: dict[str, Any]
    reversal: dict[str, Any]
    capacitance: Any = 1.0
    rate_factor: Any = 1.0


class State(NamedTuple):
    """Voltage in mV, and open probabilities of all gates in the order of ``Membrane.gates``: arrays of one shape."""

    voltage: Any
    gates: tuple[Any, ...]


class Membrane(NamedTuple):
    """Channels that share a membrane. Build it with :func:`compose`.

    Args:
      channels: in any order; it is the order of gates and currents.
      kinetics: ``kinetics(voltage) -> ((a, b, d), ...)`` for all gates in order, with alpha = a / d and beta = b / d in
        1/ms. Composed from the channels, or written by hand for speed, as ``channels.squid_kinetics``.
    """

    channels: tuple[ch.Channel, ...]
    kinetics: Callable[[Any], tuple[tuple[Any, Any, Any], ...]]

    @property
    def gates(self) -> tuple[str, ...]:
        """The names of all gates, in order."""
        return tuple(gate for channel in self.channels for gate in channel.gates)

    def params(self, **conductance) -> Params:
        """The channels' own numbers, with the conductances given by name in place of theirs:
        ``SQUID.params(sodium=110.0)``.
        """
        defaults = {channel.name: channel.conductance for channel in self.channels}
        if unknown := set(conductance) - set(defaults):
            raise ValueError(f"no channel {sorted(unknown)} in this membrane; its channels are {sorted(defaults)}")
        reversal = {channel.name: channel.reversal for channel in self.channels}
        return Params(defaults | conductance, reversal)

    def conductances(self, params: Params, gates) -> dict[str, Any]:
        """The conductance of each channel now, by name, mS/cm2."""
        by_channel, position = {}, 0
        for channel in self.channels:
            own = gates[position : position + len(channel.gates)]
            position += len(channel.gates)
            by_channel[channel.name] = params.conductance[channel.name] * channel.open_fraction(*own)
        return by_channel

    def currents(self, params: Params, state: State) -> dict[str, Any]:
        """The current through each channel by name, uA/cm2, outward positive: g open (V - E)."""
        conductances = self.conductances(params, state.gates)
        return {name: g * (state.voltage - params.reversal[name]) for name, g in conductances.items()}

    def conductance_and_drive(self, params: Params, gates) -> tuple[Any, Any]:
        """``(G, D)`` of C dV/dt = I + D - G V: total conductance, and the sum of g E over channels."""
        conductances = self.conductances(params, gates)
        return sum(conductances.values()), sum(g * params.reversal[name] for name, g in conductances.items())

    def vector_field(self, params: Params, state: State, current=0.0) -> State:
        """The time derivative of voltage (mV/ms) and of the gates (1/ms) under ``current`` (uA/cm2)."""
        outward = sum(self.currents(params, state).values())
        slopes = tuple(
            params.rate_factor * (a - (a + b) * x) / d
            for x, (a, b, d) in zip(state.gates, self.kinetics(state.voltage), strict=True)
        )
        return State((current - outward) / params.capacitance, slopes)

    def steady_gates(self, voltage) -> tuple[Any, ...]:
        """Where the gates come to rest while the voltage is held: alpha / (alpha + beta)."""
        return tuple(a / (a + b) for a, b, _ in self.kinetics(voltage))

    def time_constants(self, params: Params, voltage) -> tuple[Any, ...]:
        """How fast they come there, ms: 1 / (phi (alpha + beta))."""
        return tuple(d / (params.rate_factor * (a + b)) for a, b, d in self.kinetics(voltage))

    @partial(jax.jit, static_argnums=0)
    def rest(self, params: Params, current=0.0) -> State:
        """The state that does not move under ``current``, stable or not; differentiable in ``params`` and ``current``.

        Bisection between 100 mV below the lowest and 100 mV above the highest reversal potential, then two Newton
        steps, which also carry the derivative (implicit function theorem).
        """

        def inward(voltage):
            return current - sum(self.currents(params, State(voltage, self.steady_gates(voltage))).values())

        reversals = jnp.stack(jnp.broadcast_arrays(*map(jnp.asarray, params.reversal.values())))
        batch = jnp.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves((params, current))))
        dtype = jnp.result_type(float, *jax.tree.leaves((params, current)))
        low = jnp.broadcast_to(reversals.min(0) - 100.0, batch).astype(dtype)
        high = jnp.broadcast_to(reversals.max(0) + 100.0, batch).astype(dtype)

        def halve(_, bounds):
            low, high = bounds
            middle = 0.5 * (low + high)
            rising = inward(middle) > 0
            return jnp.where(rising, middle, low), jnp.where(rising, high, middle)

        low, high = lax.stop_gradient(lax.fori_loop(0, 30, halve, (low, high)))
        voltage = 0.5 * (low + high)
        for _ in range(2):
            value, slope = jax.jvp(inward, (voltage,), (jnp.ones_like(voltage),))
            voltage = voltage - value / lax.stop_gradient(slope)
        return State(voltage, self.steady_gates(voltage))

    def process(self, params: Params, dt, scheme: Scheme = schemes.STAGGERED) -> Process:
        """The membrane as a process: one step of ``dt`` ms, whose input is the current (uA/cm2) during it.

        ``init(key)`` is the rest; the output is the voltage at the end of the step. The key is not used.
        """

        def init(key):
            del key
            return scheme.start(self, params, self.rest(params), dt)

        def step(key, state, current):
            del key
            state = scheme.step(self, params, state, current, dt)
            return state, state.voltage

        return Process(init, step)


def compose(*channels: ch.Channel, kinetics=None) -> Membrane:
    """A membrane of these channels.

    Args:
      *channels: at least one, with names and gates that differ.
      kinetics: a faster equal of the channels' rates taken together, see :class:`Membrane`; composed from them when
        None.

    Raises:
      ValueError: when two channels share a name or a gate.
    """
    for kind, names in (
        ("channel", [channel.name for channel in channels]),
        ("gate", [gate for channel in channels for gate in channel.gates]),
    ):
        if len(set(names)) != len(names):
            raise ValueError(f"{kind} names {names} repeat: give each {kind} of a membrane a name of its own")
    if not channels:
        raise ValueError("a membrane without channels has no rest: compose at least one, such as channels.LEAK")

    def composed(voltage):
        def fraction(alpha, beta):
            alpha, beta, _ = jnp.broadcast_arrays(alpha, beta, voltage)
            return alpha, beta, 1.0

        return tuple(fraction(*pair) for channel in channels for pair in channel.rates(voltage))

    return Membrane(tuple(channels), composed if kinetics is None else kinetics)


SQUID = compose(ch.SODIUM, ch.POTASSIUM, ch.LEAK, kinetics=ch.squid_kinetics)


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
    membrane: Membrane,
    params: Params,
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
      membrane, params: the model and its numbers.
      stimulus: a number, or a function of time (ms) such as those of ``stimuli``; uA/cm2. A scheme takes it at
        mid-step.
      duration: ms, a whole number of steps.
      dt: the step, and the interval of the record, ms.
      scheme: a ``schemes.Scheme``, or any diffrax solver (``diffrax.Tsit5()``, ``solvers.RushLarsen()``).
      state: where to begin; the rest of the membrane when None. The last state of one run continues in another.
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
    stimulus = stimulus if callable(stimulus) else (lambda t, amplitude=stimulus: amplitude)
    begin: State = _batched(membrane.rest(params) if state is None else state, params, stimulus)
    if not isinstance(scheme, Scheme):
        from redes_jax.neurons import solvers

        if fold is not None or segment is not None:
            raise ValueError(
                "fold and segment belong to schemes: with a diffrax solver, use observe and options['adjoint']"
            )
        return solvers.solve(membrane, params, stimulus, begin, start, steps, dt, scheme, observe, options)
    if options:
        raise ValueError(
            f"options {sorted(options)} belong to diffrax solvers: a scheme has a fixed step and no controller"
        )

    def step(key, carry, i):
        del key
        before, gathered = carry
        after = scheme.step(membrane, params, before, stimulus(start + (i + 0.5) * dt), dt)
        if fold is not None:
            return (after, fold.update(gathered, start + (i + 1.0) * dt, before, after)), None
        return (after, None), None if observe is None else observe(scheme.view(membrane, params, after, dt))

    carry = (scheme.start(membrane, params, begin, dt), None if fold is None else _folded(fold, begin))
    numbers = jnp.arange(steps).astype(begin.voltage.dtype)
    (last, gathered), record = _scan(step, carry, numbers, segment)
    return scheme.view(membrane, params, last, dt), record if fold is None else gathered


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


def _batched(state, params, stimulus):
    """The state with the shape and dtype that it will have after a step, as the carry of a scan must."""
    current = jax.eval_shape(stimulus, jax.ShapeDtypeStruct((), state.voltage.dtype))
    shape = jnp.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves((state, params))), current.shape)
    dtype = jnp.result_type(*jax.tree.leaves((state, params)), current.dtype)
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape).astype(dtype), state)


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
