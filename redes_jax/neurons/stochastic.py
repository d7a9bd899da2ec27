"""One channel at a time: a molecule that jumps between shut and open, and how a crowd of them becomes a conductance.

A channel of this kind is a graph: states, and arrows between them, each with a rate that depends on what the channel
senses. While that is held, the state waits an exponential time and jumps; the chance of each state follows

    dp/dt = p Q,    p(t) = p(0) exp(Q t)

with Q (:func:`generator`) the rates off the diagonal and minus their sums on it. Two samplers, both exact while what is
sensed stands still:

    jumps(Q)                       one channel, jump after jump (Gillespie): ``step`` is one stay
    ensemble(chain, size, dt)      many channels on a grid of time: ``step`` draws each one's state by exp(Q dt)

``ensemble`` draws every channel by itself, some nanoseconds each, and has no error of a leap in numbers. :func:`noisy`
puts such crowds in place of a membrane's gates.

    >>> potassium = from_gates(POTASSIUM, (4,))
    >>> potassium.states, potassium.conducting
    (('n0', 'n1', 'n2', 'n3', 'n4'), (0.0, 0.0, 0.0, 0.0, 1.0))

References: Colquhoun & Hawkes, Proc. R. Soc. B 199:231 (1977); Gillespie, J. Phys. Chem. 81:2340 (1977); Skaugen &
Walloe, Acta Physiol. Scand. 107:343 (1979), the membrane of finitely many channels.
"""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import expm
from jax.tree_util import Partial
from jaxtyping import Array, Float, Int

from redes_jax import bits
from redes_jax.neurons.channels import POTASSIUM, SODIUM, Channel
from redes_jax.neurons.membrane import Membrane, Params, as_input
from redes_jax.process import Process


class Chain(NamedTuple):
    """A channel as a graph of states.

    Args:
      states: their names.
      arrows: ``(from, to)``, the jumps that occur, by number of state.
      rates: ``rates(*senses) -> (rate, ...)``, one an arrow, 1/ms.
      conducting: for each state the share of the open channel's conductance, 0 or 1 as a rule.
      senses: what the rates depend on, as in ``channels.Channel``.
    """

    states: tuple[str, ...]
    arrows: tuple[tuple[int, int], ...]
    rates: Callable[..., tuple[Any, ...]]
    conducting: tuple[float, ...]
    senses: tuple[str, ...] = ("voltage",)


def from_gates(channel: Channel, copies: tuple[int, ...]) -> Chain:
    """The molecule behind a channel of gates that move independently, such as the squid's: a state counts open gates.

    Args:
      channel: its ``open_fraction`` is the product of its gates, each to the power of its copies.
      copies: of each gate: ``(4,)`` for n^4, five states; ``(3, 1)`` for m^3 h, eight.

    Raises:
      ValueError: when copies and gates do not match.
    """
    if len(copies) != len(channel.gates) or min(copies, default=0) < 1:
        raise ValueError(f"copies {copies} for gates {channel.gates} of {channel.name}: give each gate at least 1")
    counts = list(itertools.product(*(range(n + 1) for n in copies)))
    moves = [
        (i, counts.index(count[:g] + (count[g] + up,) + count[g + 1 :]), g, up)
        for i, count in enumerate(counts)
        for g, n in enumerate(copies)
        for up in (1, -1)
        if 0 <= count[g] + up <= n
    ]

    def rates(*sensed):
        pairs = channel.rates(*sensed)
        return tuple(
            (copies[g] - counts[i][g]) * pairs[g][0] if up > 0 else counts[i][g] * pairs[g][1] for i, _, g, up in moves
        )

    names = tuple("".join(f"{gate}{k}" for gate, k in zip(channel.gates, count, strict=True)) for count in counts)
    conducting = tuple(float(count == copies) for count in counts)
    return Chain(names, tuple((i, j) for i, j, _, _ in moves), rates, conducting, channel.senses)


def bound_then_open(binding=50.0, unbinding=5.0, opening=10.0, closing=1.0) -> Chain:
    """A receptor that binds and then opens, R - AR - AR*, as del Castillo & Katz (1957) have it; while the transmitter
    stays bound it opens in bursts.

    Args:
      binding: 1/(mM ms), times the transmitter.
      unbinding, opening, closing: 1/ms. The defaults are of the size of the muscle's nicotinic receptor.
    """

    def rates(transmitter):
        return binding * transmitter, unbinding, opening, closing

    return Chain(("R", "AR", "AR*"), ((0, 1), (1, 0), (1, 2), (2, 1)), rates, (0.0, 0.0, 1.0), ("transmitter",))


def spontaneous(opening=0.2, closing=0.1) -> Chain:
    """A leak channel: it opens and closes by itself, at rates (1/ms) that nothing changes."""
    return Chain(("shut", "open"), ((0, 1), (1, 0)), lambda: (opening, closing), (0.0, 1.0), ())


SQUID_POTASSIUM = from_gates(POTASSIUM, (4,))
SQUID_SODIUM = from_gates(SODIUM, (3, 1))


def generator(chain: Chain, *sensed) -> Float[Array, "states states"]:
    """Q: the rate from state i to state j at [i, j], 1/ms, and rows that sum to zero; ``sensed`` as the chain's senses."""
    size = len(chain.states)
    rates = chain.rates(*map(jnp.asarray, sensed))
    sources, targets = np.transpose(chain.arrows)
    off = jnp.zeros((size, size), jnp.result_type(float, *rates)).at[sources, targets].set(jnp.stack(rates))
    return off - jnp.diag(off.sum(1))


def stationary(generator: Float[Array, "states states"]) -> Float[Array, " states"]:
    """The chances that no longer change, p Q = 0: where the graph is connected there is one."""
    size = generator.shape[0]
    balance = generator.T.at[-1].set(1.0)  # one of the equations follows from the others; the sum stands in its place
    return jnp.linalg.solve(balance, jnp.zeros(size, generator.dtype).at[-1].set(1.0))


def occupancy(
    start: Float[Array, " states"], generator: Float[Array, "states states"], time
) -> Float[Array, " states"]:
    """The chances of the states after ``time`` ms from the chances ``start``: p(0) exp(Q t)."""
    return start @ expm(generator * time)


def transition(generator: Float[Array, "states states"], dt) -> Float[Array, "states states"]:
    """exp(Q dt): the chance to be in state j after ``dt`` ms when in state i before, for rates times dt up to 50.

    By doubling E = exp(Q t) - 1 ten times, exp(2 Q t) - 1 = 2 E + E E, from a series at dt / 1024: small chances keep
    their digits in float32, and it compiles and maps faster than ``expm``.
    """
    part = generator * (dt / 1024)
    square = part @ part
    excess = part + square / 2 + (part @ square) / 6 + (square @ square) / 24
    for _ in range(10):
        excess = 2.0 * excess + excess @ excess
    return jnp.eye(len(generator), dtype=generator.dtype) + excess


def draw(key, chances: Float[Array, " states"], shape: tuple[int, ...] = ()) -> Int[Array, "*shape"]:
    """States with these chances, which sum to one. Resolves chances down to 1e-7 (23 random bits)."""
    return (bits.uniform(key, shape)[..., None] >= jnp.cumsum(chances)[:-1]).sum(-1, dtype=jnp.int32)


class Stay(NamedTuple):
    """One stay of a channel: in which state, and for how long (ms)."""

    state: Any
    duration: Any


def jumps(generator: Float[Array, "states states"]) -> Process:
    """One channel while all that it senses is held, exactly: a step is one stay, then the jump that ends it.

    ``init(key)`` draws the state from the stationary chances; the input is not used, the output is the :class:`Stay`.
    Every state must have a way out.
    """

    def init(key):
        return draw(key, stationary(generator))

    return Process(init, Partial(_jump, generator))


def _jump(generator, key, state, input):
    del input
    wait, where = jax.random.split(key)
    row = generator[state]
    rate = -row[state]
    duration = -jnp.log1p(-bits.uniform(wait)).astype(row.dtype) / rate
    return draw(where, row.at[state].set(0.0) / rate), Stay(state, duration)


def sampled(stays: Stay, times: Float[Array, " samples"]) -> Int[Array, " samples"]:
    """The state at each of ``times`` (ms from the first stay's beginning); the last stay's beyond the end."""
    ends = jnp.cumsum(stays.duration)
    index = jnp.searchsorted(ends, times, side="right")
    return stays.state[jnp.minimum(index, len(ends) - 1)]


def ensemble(chain: Chain, size: int, dt, start: tuple[Any, ...]) -> Process:
    """``size`` independent channels on a grid of time.

    Args:
      chain: what each of them is.
      size: how many.
      dt: the grid, ms. What is sensed is held during a step; that alone limits dt.
      start: what is sensed before the beginning, in the order of ``chain.senses``: ``init(key)`` draws the states there.

    Returns:
      a process whose state is the number of each channel's state, (size,); its input is a tuple of what is sensed
      during the step; its output is the open fraction afterwards. Noise falls as one over the square root of size.
    """
    if size < 1:
        raise ValueError(f"size is {size}: an ensemble has at least 1 channel")

    def init(key):
        return draw(key, stationary(generator(chain, *start)), (size,))

    def step(dt, key, states, input):
        states = _moved(chain, key, states, dt, *input)
        return states, open_fraction(chain, states)

    return Process(init, Partial(step, dt))


def _moved(chain, key, states, dt, *sensed) -> Any:
    bounds = jnp.cumsum(transition(generator(chain, *sensed), dt), 1)
    uniform = bits.uniform(key, states.shape)
    return sum((uniform >= bounds[:, j][states]).astype(jnp.int32) for j in range(len(chain.states) - 1))


def open_fraction(chain: Chain, states: Int[Array, " channels"]):
    """The share of the channels in these states that conducts."""
    return jnp.asarray(chain.conducting)[states].mean()


class NoisyState(NamedTuple):
    """Voltage in mV, and the number of each channel's state by the channel's name."""

    voltage: Any
    channels: dict[str, Any]


def noisy(membrane: Membrane, params: Params, crowds: dict[str, tuple[Chain, int]], dt) -> Process:
    """A membrane whose gated channels are counted: it fires by itself when they are few.

    Voltage by its exact solution while the channels stand still (as ``schemes.RUSH_LARSEN``), then every channel by
    exp(Q dt) at the new voltage. All must sense voltage alone.

    Args:
      membrane, params: as for ``simulation.simulate``; a channel's conductance is that of all its molecules together.
      crowds: a chain and how many, for each channel with gates, by its name.
      dt: ms.

    Returns:
      a process whose input is a current (uA/cm2) or ``membrane.Input`` and whose output is the voltage. ``init(key)``
      is the membrane's rest, the states drawn there.

    Raises:
      ValueError: when a channel with gates has no crowd, or a crowd no such channel.
    """
    gated = {channel.name for channel in membrane.channels if channel.gates}
    if gated != set(crowds):
        raise ValueError(f"crowds of {sorted(crowds)}, channels with gates {sorted(gated)}: give each a crowd")

    def factor(params, name):
        return params.rate_factor[name] if isinstance(params.rate_factor, dict) else params.rate_factor

    def init(key):
        voltage = membrane.rest(params).voltage
        states = {
            name: draw(jax.random.fold_in(key, i), stationary(generator(chain, voltage)), (size,))
            for i, (name, (chain, size)) in enumerate(crowds.items())
        }
        return NoisyState(voltage, states)

    def step(params, dt, key, state, input):
        input = as_input(input)
        conductance, drive = input.conductance, input.current
        for channel in membrane.channels:
            crowd = crowds.get(channel.name)
            share = open_fraction(crowd[0], state.channels[channel.name]) if crowd else channel.open_fraction()
            conductance += params.conductance[channel.name] * share
            drive += params.conductance[channel.name] * share * params.reversal[channel.name]
        voltage = membrane.exponential(params, state.voltage, conductance, drive, dt).astype(state.voltage.dtype)
        states = {
            name: _moved(chain, jax.random.fold_in(key, i), state.channels[name], dt * factor(params, name), voltage)
            for i, (name, (chain, _)) in enumerate(crowds.items())
        }
        return NoisyState(voltage, states), voltage

    return Process(init, Partial(step, params, dt))


SQUID_CROWD_PER_UM2 = {"sodium": 60, "potassium": 18}  # channels a square micrometre (Hille 2001)


def squid_crowds(area: float) -> dict[str, tuple[Chain, int]]:
    """The channels of ``area`` um2 of squid membrane, for :func:`noisy`."""
    chains = {"sodium": SQUID_SODIUM, "potassium": SQUID_POTASSIUM}
    return {name: (chain, max(1, round(SQUID_CROWD_PER_UM2[name] * area))) for name, chain in chains.items()}
