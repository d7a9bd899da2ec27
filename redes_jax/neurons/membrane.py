"""Channels in parallel with a capacitor: the membrane of Hodgkin and Huxley, and of any neuron of one compartment.

    C dV/dt = I(t) - sum over channels of g open(gates) (V - E)
      dx/dt = phi (alpha_x (1 - x) - beta_x x)                for every gate x; alpha, beta of what the gate senses
      dc/dt = -I_Ca / (2 F depth) - (c - c_rest) / tau        calcium below the membrane, where channels carry it

C is ``Params.capacitance``, g and E are ``Params.conductance`` and ``Params.reversal`` by the channel's name, phi is
``Params.rate_factor`` (temperature, see ``channels.q10``), I is the stimulus in uA/cm2, depolarising when positive.

    >>> from redes_jax.neurons.membrane import SQUID
    >>> round(float(SQUID.rest(SQUID.params()).voltage), 2)
    -65.0

:mod:`redes_jax.neurons.simulation` runs it through time.

References: Hodgkin & Huxley, J. Physiol. 117:500 (1952); the calcium pool: Traub, Neuroscience 7:1233 (1982).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from redes_jax.neurons import channels as ch


class Calcium(NamedTuple):
    """The pool below the membrane that calcium channels fill.

    Args:
      rest: concentration without any calcium current, mM.
      decay: time constant of pumps and buffers, ms.
      depth: of the shell that the current fills, um.
    """

    rest: Any = 1e-4
    decay: Any = 50.0
    depth: Any = 1.0


MOLAR_INFLUX = 0.01 / (2 * 96.48533212)  # mM um/ms that 1 uA/cm2 of calcium brings in: 1 / (2 F)


class Params(NamedTuple):
    """The numbers of a membrane; every leaf may be an array with axes of its own, mapped over or differentiated.

    Args:
      conductance: largest conductance by channel name, mS/cm2.
      reversal: reversal potential by channel name, mV.
      capacitance: uF/cm2.
      rate_factor: how much faster gates move than the channels' formulas say: a number for all of them, or a dict of
        numbers by channel name.
      calcium: of a membrane with channels that carry calcium, None without.
    """

    conductance: dict[str, Any]
    reversal: dict[str, Any]
    capacitance: Any = 1.0
    rate_factor: Any = 1.0
    calcium: Calcium | None = None


class State(NamedTuple):
    """Voltage in mV, open probabilities of all gates in the order of ``Membrane.gates``, calcium in mM where there is
    any: arrays of one shape.
    """

    voltage: Any
    gates: tuple[Any, ...]
    calcium: Any = None


class Input(NamedTuple):
    """What reaches a membrane from outside. Where an input is asked for, a plain number or array is a current.

    Args:
      current: uA/cm2, depolarising.
      conductance: of synapses or an electrode's clamp, mS/cm2, in parallel with the channels; its battery E comes as
        ``current = conductance * E``.
      sensed: what channels sense besides voltage and calcium, by name: ``{"transmitter": 1.0}`` (mM).
    """

    current: Any = 0.0
    conductance: Any = 0.0
    sensed: dict[str, Any] | None = None


def as_input(value) -> Input:
    """``value`` if it is an :class:`Input`, else the current ``value``."""
    return value if isinstance(value, Input) else Input(value)


class Membrane(NamedTuple):
    """Channels that share a membrane. Build it with :func:`compose`.

    Args:
      channels: in any order; it is the order of gates and currents.
      kinetics: ``kinetics(voltage, **others) -> ((a, b, d), ...)`` for all gates in order, with alpha = a / d and beta = b / d in
        1/ms. Composed from the channels, or written by hand for speed, as ``channels.squid_kinetics``.
    """

    channels: tuple[ch.Channel, ...]
    kinetics: Callable[..., tuple[tuple[Any, Any, Any], ...]]

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
        calcium = Calcium() if any(channel.carries == "calcium" for channel in self.channels) else None
        return Params(defaults | conductance, reversal, calcium=calcium)

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

    def conductance_and_drive(self, params: Params, gates, input: Input) -> tuple[Any, Any]:
        """``(G, D)`` of C dV/dt = D - G V: total conductance, and the sum of g E over channels plus the input's
        current.
        """
        conductances = self.conductances(params, gates)
        drive = sum(g * params.reversal[name] for name, g in conductances.items())
        return sum(conductances.values()) + input.conductance, drive + input.current

    def moves(self, params: Params, state: State, input: Input) -> tuple[tuple[Any, Any, Any], ...]:
        """``(a, b, d)`` of each gate as :attr:`kinetics` gives them, a and b times the rate factor."""
        sensed = ({} if input.sensed is None else input.sensed) | (
            {} if state.calcium is None else {"calcium": state.calcium}
        )
        rates = self.kinetics(state.voltage, **sensed)
        factor = params.rate_factor
        if isinstance(factor, dict):
            each = [factor[channel.name] for channel in self.channels for _ in channel.gates]
        else:
            each = [factor] * len(rates)
        return tuple((phi * a, phi * b, d) for phi, (a, b, d) in zip(each, rates, strict=True))

    def calcium_flow(self, params: Params, state: State) -> tuple[Any, Any]:
        """``(k, s)`` of dc/dt = s - k c: the rate at which calcium decays, 1/ms, and what comes in, mM/ms."""
        pool = params.calcium
        if pool is None:
            raise ValueError("the membrane carries calcium and Params.calcium is None: give a Calcium, or use params()")
        currents = self.currents(params, state)
        inward = -sum(currents[channel.name] for channel in self.channels if channel.carries == "calcium")
        return 1.0 / pool.decay, pool.rest / pool.decay + MOLAR_INFLUX / pool.depth * inward

    def vector_field(self, params: Params, state: State, input: Any = 0.0) -> State:
        """The time derivative of voltage (mV/ms), of the gates (1/ms) and of calcium (mM/ms) under ``input``."""
        input = as_input(input)
        outward = sum(self.currents(params, state).values()) + input.conductance * state.voltage
        slopes = tuple(
            (a - (a + b) * x) / d for x, (a, b, d) in zip(state.gates, self.moves(params, state, input), strict=True)
        )
        calcium = None
        if state.calcium is not None:
            decay, source = self.calcium_flow(params, state)
            calcium = source - decay * state.calcium
        return State((input.current - outward) / params.capacitance, slopes, calcium)

    def implicit(self, params: Params, voltage, conductance, drive, dt):
        """The voltage after ``dt`` ms of C dV/dt = D - G V, by backward Euler."""
        return (params.capacitance * voltage + dt * drive) / (params.capacitance + dt * conductance)

    def exponential(self, params: Params, voltage, conductance, drive, dt):
        """The voltage after ``dt`` ms of C dV/dt = D - G V, exactly; without conductance it rises by D dt / C."""
        x = -dt * conductance / params.capacitance
        some = jnp.abs(x) > 1e-6
        share = jnp.where(some, jnp.expm1(x) / jnp.where(some, x, 1.0), 1.0 + 0.5 * x)
        return voltage + dt / params.capacitance * (drive - conductance * voltage) * share

    def steady(self, params: Params, voltage, input: Any = 0.0) -> State:
        """Where gates and calcium come to rest while ``voltage`` (mV) is held."""
        input = as_input(input)

        def settled(calcium):
            moves = self.moves(params, State(voltage, (), calcium), input)
            nothing = jnp.zeros_like(voltage)  # gates that sense no voltage take its shape and dtype too
            return State(voltage, tuple(a / (a + b) + nothing for a, b, _ in moves), calcium)

        if params.calcium is None:
            return settled(None)
        # What carries calcium does not sense it, so its gates are right before the concentration is known.
        decay, source = self.calcium_flow(params, settled(jnp.broadcast_to(params.calcium.rest, jnp.shape(voltage))))
        return settled(jnp.maximum(source / decay, 0.0))

    def steady_gates(self, voltage, **sensed) -> tuple[Any, ...]:
        """Where the gates come to rest while all that they sense is held: alpha / (alpha + beta)."""
        return tuple(a / (a + b) for a, b, _ in self.kinetics(voltage, **sensed))

    def time_constants(self, params: Params, voltage, **sensed) -> tuple[Any, ...]:
        """How fast they come there, ms: 1 / (phi (alpha + beta))."""
        calcium = sensed.pop("calcium", None)
        moves = self.moves(params, State(voltage, (), calcium), Input(sensed=sensed))
        return tuple(d / (a + b) for a, b, d in moves)

    @partial(jax.jit, static_argnums=0)
    def rest(self, params: Params, input: Any = 0.0) -> State:
        """The state that does not move under ``input``, stable or not; differentiable in ``params`` and ``input``.

        Where there are several, it is the one of lowest potential. From 100 mV below the lowest reversal potential the
        search climbs towards 100 mV above the highest in 256 steps, as long as current flows in; then come bisection,
        and two Newton steps, which also carry the derivative (implicit function theorem).
        """
        input = as_input(input)

        def inward(voltage):
            outward = sum(self.currents(params, self.steady(params, voltage, input)).values())
            return input.current - input.conductance * voltage - outward

        reversals = jnp.stack(jnp.broadcast_arrays(*map(jnp.asarray, params.reversal.values())))
        batch = jnp.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves((params, input))))
        dtype = jnp.result_type(float, *jax.tree.leaves((params, input)))
        low = jnp.broadcast_to(reversals.min(0) - 100.0, batch).astype(dtype)
        high = jnp.broadcast_to(reversals.max(0) + 100.0, batch).astype(dtype)

        stride = (high - low) / 256

        def climb(_, low):
            return jnp.where(inward(low + stride) > 0, low + stride, low)

        def halve(_, bounds):
            low, high = bounds
            middle = 0.5 * (low + high)
            rising = inward(middle) > 0
            return jnp.where(rising, middle, low), jnp.where(rising, high, middle)

        low = lax.fori_loop(0, 255, climb, low)
        low, high = lax.stop_gradient(lax.fori_loop(0, 22, halve, (low, low + stride)))
        voltage = 0.5 * (low + high)
        for _ in range(2):
            value, slope = jax.jvp(inward, (voltage,), (jnp.ones_like(voltage),))
            voltage = voltage - value / lax.stop_gradient(slope)
        return self.steady(params, voltage, input)

    def carried(self, params: Params, state: State, input: Any) -> State:
        """``state`` with the shape and dtype that it will have after a step, as the carry of a scan must.

        Args:
          params, state: as anywhere.
          input: arrays or ``jax.ShapeDtypeStruct``, as ``jax.eval_shape`` gives them.
        """
        leaves = jax.tree.leaves((state, params, input))
        shape, dtype = jnp.broadcast_shapes(*(np.shape(leaf) for leaf in leaves)), jnp.result_type(*leaves)
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape).astype(dtype), state)


def compose(*channels: ch.Channel, kinetics=None) -> Membrane:
    """A membrane of these channels.

    Args:
      *channels: at least one, with names and gates that differ.
      kinetics: a faster equal of the channels' rates taken together, see :class:`Membrane`; composed from them when
        None.

    Raises:
      ValueError: when two channels share a name or a gate, or one carries the calcium that it senses.
    """
    for kind, names in (
        ("channel", [channel.name for channel in channels]),
        ("gate", [gate for channel in channels for gate in channel.gates]),
    ):
        if len(set(names)) != len(names):
            raise ValueError(f"{kind} names {names} repeat: give each {kind} of a membrane a name of its own")
    if not channels:
        raise ValueError("a membrane without channels has no rest: compose at least one, such as channels.LEAK")
    for channel in channels:
        if channel.carries not in (None, "calcium"):
            raise ValueError(f"{channel.name} carries {channel.carries!r}: only 'calcium' has a pool here, or None")
        if channel.carries in channel.senses:
            raise ValueError(f"{channel.name} senses the calcium that it carries: its steady state would be implicit")
    senses = {sense for channel in channels for sense in channel.senses}
    if "calcium" in senses and not any(channel.carries for channel in channels):
        raise ValueError("a channel senses calcium and none carries it: compose one that does, as cortical.CALCIUM_L")

    def composed(voltage, **others):
        sensed = {"voltage": voltage} | others

        def fraction(alpha, beta):
            alpha, beta, _ = jnp.broadcast_arrays(alpha, beta, voltage)
            return alpha, beta, 1.0

        # What comes from outside and is not given is absent: zero.
        return tuple(
            fraction(*pair)
            for channel in channels
            for pair in channel.rates(*(sensed.get(sense, 0.0) for sense in channel.senses))
        )

    return Membrane(tuple(channels), composed if kinetics is None else kinetics)


SQUID = compose(ch.SODIUM, ch.POTASSIUM, ch.LEAK, kinetics=ch.squid_kinetics)
