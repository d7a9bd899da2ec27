"""Networks of membranes: populations, projections between them, and spikes that take their time on the way, as one process.

A step of the network, of ``dt`` ms:

1. Every projection looks up which of its sources fired ``delay`` ago and adds their weights, target by target.
2. That moves its conductance (``synapses.Exponentials``, one pair of traces for each target, for equal synapses add).
3. Every membrane takes a step under its conductances, its junctions and its drive.
4. A neuron that crossed 0 mV upwards has fired: the output, and one bit in the neuron's history.

What has fired is kept in :mod:`delivery`, one bit for each neuron and step of the longest delay.

    >>> import jax
    >>> from redes_jax.neurons import circuits, connectivity
    >>> from redes_jax.neurons.membrane import SQUID
    >>> from redes_jax.neurons.synapses import Exponentials
    >>> from redes_jax.process import iterate
    >>> cells = {"first": circuits.Population(SQUID, SQUID.params(), 2, drive=10.0),
    ...          "second": circuits.Population(SQUID, SQUID.params(), 3)}
    >>> excite = circuits.Projection("first", "second", connectivity.all_to_all(2, 3), 0.2, Exponentials(0.5, 3.0, 0.0), delay=1.5)
    >>> network = circuits.network(cells, [excite], dt=0.05)
    >>> key = jax.random.key(0)
    >>> state, spikes = iterate(network.step, key, network.init(key), length=1000)
    >>> spikes["second"].shape
    (1000, 3)

All numbers are leaves: a sweep is ``vmap`` over a function that builds the network from them.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.tree_util import Partial
from jaxtyping import Bool, Float, Int, UInt32

from redes_jax import bits
from redes_jax.neurons import delivery, schemes
from redes_jax.neurons import membrane as mb
from redes_jax.neurons.connectivity import outgoing
from redes_jax.neurons.membrane import Input, Membrane, Params
from redes_jax.neurons.spikes import THRESHOLD
from redes_jax.neurons.synapses import Exponentials, Traces, felt, gap_junction, total
from redes_jax.process import Process


class Population(NamedTuple):
    """Neurons of one kind.

    Args:
      membrane, params: as anywhere; leaves of ``params`` are shared, or have one entry a neuron.
      size: how many.
      drive: current into each, uA/cm2; shared, or one a neuron.
      voltages: ``(low, high)`` in mV, between which each neuron's first potential is drawn, with gates as that potential has them;
        at rest when None.
    """

    membrane: Membrane
    params: Params
    size: int
    drive: Any = 0.0
    voltages: tuple[Any, Any] | None = None


class Projection(NamedTuple):
    """Chemical synapses from one population onto another.

    Args:
      source, target: names of populations.
      sources: (size of target, k), who they come from; see :mod:`redes_jax.neurons.connectivity`.
      weight: largest conductance of a synapse, mS/cm2: shared, one for each target, or one for each synapse (shape of ``sources``).
      synapse: their kind.
      delay: from a spike to its effect, ms: one number for all, or one for each synapse. It counts in whole steps, at least one.
    """

    source: str
    target: str
    sources: Int[Array | np.ndarray, "n k"]
    weight: Any
    synapse: Exponentials
    delay: Any


class Poisson(NamedTuple):
    """Spikes from outside, independent for each neuron.

    Args:
      target: name of a population.
      rate: of all that comes to a neuron, Hz; up to about 1000 / dt.
      weight: conductance of each spike at its peak, mS/cm2.
      synapse: its kind.
    """

    target: str
    rate: Any
    weight: Any
    synapse: Exponentials


class Junctions(NamedTuple):
    """Electrical synapses: each target is pulled towards the potentials of its sources. A junction that works both ways is two.

    Args:
      source, target: names of populations.
      sources: (size of target, k), the neighbours.
      conductance: of each junction, mS/cm2 of the target: shared, or with the shape of ``sources``.
    """

    source: str
    target: str
    sources: Int[Array | np.ndarray, "n k"]
    conductance: Any


Delivery = Literal["gather", "events"]


class State(NamedTuple):
    """A network at the end of a step.

    Args:
      cells: by population, the ``membrane.State`` of its neurons.
      traces: of each projection and each Poisson input, in order.
      history: by population, (words, size): who fired when, see the module.
    """

    cells: dict[str, mb.State]
    traces: tuple[Traces, ...]
    history: dict[str, UInt32[Array, "words n"]]


class _Numbers(NamedTuple):
    populations: dict[str, tuple[Any, ...]]
    arrivals: tuple[Any, ...]
    junctions: tuple[Any, ...]


class _Wiring(NamedTuple):
    """What of a network is structure: hashable, so that networks of one structure share what was compiled."""

    membranes: tuple[tuple[str, Membrane, int], ...]
    arrivals: tuple[tuple[str | None, str, int], ...]  # source, target, delay in steps; 0 where it is not shared
    junctions: tuple[tuple[str, str], ...]
    dt: float
    scheme: schemes.Scheme
    by: Delivery

    def __call__(self, numbers: _Numbers, key, state: State, input) -> tuple[State, dict[str, Bool[Array, " n"]]]:
        # Were they folded into the program, numbers would round otherwise than when they are arguments of it.
        numbers = jax.lax.optimization_barrier(numbers)
        received = {name: [] for name, _, _ in self.membranes}
        traces = []
        for i, (source, target, lag) in enumerate(self.arrivals):
            synapse, weight, *how = numbers.arrivals[i]
            trace, voltage = state.traces[i], state.cells[target].voltage
            if source is None:
                mean = how[0] * self.dt / 1000.0
                arrived = weight * delivery.poisson(jax.random.fold_in(key, i), mean, voltage)
            elif self.by == "events":
                arrived = delivery.sent(state.history[source], how[0], how[1], lag, weight, voltage)
            else:
                lags = lag if len(how) == 1 else how[1]
                arrived = delivery.gathered(state.history[source], how[0], lags, weight, voltage.dtype)
            trace = synapse.step(trace, arrived.astype(voltage.dtype), self.dt)
            received[target].append(felt(synapse, 1.0, trace, voltage))
            traces.append(trace)
        for (source, target), (sources, conductance) in zip(self.junctions, numbers.junctions, strict=True):
            each = gap_junction(conductance, state.cells[source].voltage[sources])
            g = jnp.broadcast_to(each.conductance, sources.shape)
            received[target].append(Input(each.current.sum(-1), g.sum(-1)))

        cells, history, fired = {}, {}, {}
        for name, model, _ in self.membranes:
            params, drive = numbers.populations[name]
            outside = mb.as_input((input or {}).get(name, 0.0))
            before = state.cells[name]
            cells[name] = self.scheme.step(
                model, params, before, total(Input(drive), outside, *received[name]), self.dt
            )
            fired[name] = (before.voltage < THRESHOLD) & (cells[name].voltage >= THRESHOLD)
            history[name] = delivery.remember(state.history[name], fired[name])
        return State(cells, tuple(traces), history), fired


def network(
    populations: dict[str, Population],
    synapses: list[Projection | Poisson | Junctions] | tuple[Projection | Poisson | Junctions, ...],
    dt: float,
    scheme: schemes.Scheme = schemes.STAGGERED,
    *,
    by: Delivery = "gather",
) -> Process:
    """A network as a process.

    ``init(key)`` is every neuron at rest, or at its drawn potential, with silent synapses. The input is None, or a dict from
    population to current (uA/cm2) or ``membrane.Input``, besides its drive. The output is a dict from population to (size,) bool:
    who fired in this step. :class:`State` goes in and out; under STAGGERED its gates are half a step ahead.

    Args:
      populations: by name.
      synapses: in any order; Poisson inputs draw from the key by their place in it.
      dt: ms.
      scheme: how membranes are stepped.
      by: how spikes find their targets. "gather": each target asks its sources, in time proportional to the synapses, and with
        per-synapse delays. "events": each spike goes to its targets, in time proportional to the spikes; for one large network on a
        CPU, with a delay for each projection and ``sources`` that are known when the network is built. The two sum in another order.

    Raises:
      ValueError: when a synapse names a population that is not there, its ``sources`` do not fit, or its delay is below one step.
    """
    sizes = {name: each.size for name, each in populations.items()}
    arrivals, junctions, wires, joints = [], [], [], []
    longest = dict.fromkeys(populations, 1)
    for each in synapses:
        _check(each, sizes)
        if isinstance(each, Poisson):
            wires.append((None, each.target, 0))
            arrivals.append((each.synapse, each.weight, each.rate))
        elif isinstance(each, Junctions):
            joints.append((each.source, each.target))
            junctions.append((jnp.asarray(each.sources, jnp.int32), each.conductance))
        else:
            lags = _steps(each, dt)
            shared = int(lags) if lags.ndim == 0 else 0
            if by == "events" and not shared:
                raise ValueError(f"delays of shape {lags.shape} and by='events': give one delay, or use 'gather'")
            longest[each.source] = max(longest[each.source], int(lags.max()))
            wires.append((each.source, each.target, shared))
            arrivals.append((each.synapse, each.weight, *_route(each, lags, sizes, by)))

    def init(key):
        cells = {name: _begin(key, i, each, dt, scheme) for i, (name, each) in enumerate(populations.items())}
        traces = tuple(
            synapse.rest(cells[target].voltage) for (_, target, _), (synapse, *_) in zip(wires, arrivals, strict=True)
        )
        history = {name: delivery.silence(size, longest[name]) for name, size in sizes.items()}
        return State(cells, traces, history)

    membranes = tuple((name, each.membrane, each.size) for name, each in populations.items())
    wiring = _Wiring(membranes, tuple(wires), tuple(joints), dt, scheme, by)
    driven = {name: (each.params, each.drive) for name, each in populations.items()}
    numbers = jax.tree.map(jnp.asarray, _Numbers(driven, tuple(arrivals), tuple(junctions)))
    return Process(init, Partial(wiring, numbers))


def rates(state: State, spikes: dict[str, Bool[Array, " n"]]) -> dict[str, Float[Array, ""]]:
    """To be observed: the share of each population that fired in this step."""
    del state
    return {name: fired.mean() for name, fired in spikes.items()}


def packed(state: State, spikes: dict[str, Bool[Array, " n"]]) -> dict[str, Array]:
    """To be observed: all spikes, eight to a byte; ``numpy.unpackbits(bytes, axis=-1, count=size)`` takes them apart."""
    del state
    return {name: jnp.packbits(fired) for name, fired in spikes.items()}


def _begin(key, i, population, dt, scheme):
    model, params, size, drive, voltages = population
    shape = Input(jnp.broadcast_to(drive, (size,)))
    if voltages is None:
        start = model.rest(params)
    else:
        low, high = voltages
        unit = bits.uniform(jax.random.fold_in(key, i), (size,))
        start = model.steady(params, low + (high - low) * unit)
    start = model.carried(params, start, shape)
    return scheme.start(model, params, start, Input(), dt)


def _steps(projection, dt):
    lags = np.rint(np.asarray(projection.delay) / dt).astype(int)
    if lags.min() < 1:
        raise ValueError(
            f"delay {np.min(projection.delay)} ms from {projection.source} to {projection.target}: at least one step, {dt} ms"
        )
    if lags.ndim and lags.shape != np.shape(projection.sources):
        raise ValueError(
            f"delays of shape {lags.shape}, sources of shape {np.shape(projection.sources)}: give equal shapes"
        )
    return lags


def _route(projection, lags, sizes, by):
    """The arrays that tell where spikes go: ``(sources,)``, ``(sources, lags)``, or ``(targets, synapses)`` for events."""
    if by == "events":
        return tuple(map(jnp.asarray, outgoing(projection.sources, sizes[projection.source])))
    sources = jnp.asarray(projection.sources, jnp.int32)
    return (sources, jnp.asarray(lags, jnp.int32)) if lags.ndim else (sources,)


def _check(each, sizes):
    named = (each.target,) if isinstance(each, Poisson) else (each.source, each.target)
    for name in named:
        if name not in sizes:
            raise ValueError(f"no population {name!r} for {type(each).__name__}; there are {sorted(sizes)}")
    if isinstance(each, Poisson):
        return
    shape = np.shape(each.sources)
    if len(shape) != 2 or shape[0] != sizes[each.target]:
        raise ValueError(
            f"sources of shape {shape}: {each.target} has {sizes[each.target]} neurons, so ({sizes[each.target]}, k)"
        )
    if not isinstance(each.sources, Tracer) and np.size(each.sources):
        known = np.asarray(each.sources)
        low, high = known.min(), known.max()
        if low < 0 or high >= sizes[each.source]:
            raise ValueError(f"sources from {low} to {high}: {each.source} has neurons 0 to {sizes[each.source] - 1}")
