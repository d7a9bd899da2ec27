"""Trees of compartments: a neuron with a shape, its dendrites, soma and axon.

A compartment is a piece of membrane short enough to be of one potential, joined to its neighbours through the inside:

    C_i dV_i/dt = D_i - G_i V_i + 1e5 / A_i sum over neighbours j of g_ij (V_j - V_i)

with the membrane's own C, G and D (:mod:`redes_jax.neurons.membrane`), the area A in um2 and the axial conductance g in
uS. From a compartment's middle to its end the resistance is ``resistivity`` times the integral of length over
cross-section; between two middles the two halves add up. Where three or more ends meet, their junction is a node of its
own, without membrane. This is how NEURON cuts a cable, so equal compartments give equal numbers.

A :class:`Tree` goes wherever a ``Membrane`` goes, and every number of its membrane may be an array over compartments:
any channel, anywhere.

    >>> from redes_jax.neurons.cable import Tree, cylinders, joined
    >>> from redes_jax.neurons.membrane import SQUID
    >>> from redes_jax.neurons.simulation import simulate
    >>> axon = Tree(SQUID, joined([-1, 0, 1, 2]))
    >>> params = axon.params(cylinders([100.0] * 4, 20.0, resistivity=35.4))
    >>> _, voltage = simulate(axon, params, axon.inject(params, 0, 5.0), duration=2.0)
    >>> voltage.shape
    (80, 4)

Compartments are the leading axis. Cells of one shape lie along trailing axes, (compartments, cells), where they fill the
processor's vectors: twice as fast as a ``vmap``, which works too. A leaf is a number, or has a leading axis of length 1
or of the compartments.

Reference: Rall in Handbook of Physiology, Nervous System 1:39 (1977); Hines & Carnevale, Neural Comput. 9:1179 (1997).
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from redes_jax.neurons import hines
from redes_jax.neurons.membrane import Input, Membrane, Params, State, as_input

DENSITY = 1e5  # uA/cm2 that 1 nA makes on 1 um2, and mS/cm2 that 1 uS makes
MEGOHM = 0.01  # of 1 ohm cm along 1/um


class Geometry(NamedTuple):
    """The size of every compartment; leaves, so lengths and diameters may be differentiated and mapped over.

    Args:
      area: of its membrane, um2.
      proximal: integral of dx / (pi r^2) from its end nearer to the root to its middle, 1/um.
      distal: the same from the middle to the far end.
      resistivity: of the inside, ohm cm.
    """

    area: Any
    proximal: Any
    distal: Any
    resistivity: Any = 100.0


def cylinders(length, diameter, resistivity: Any = 100.0) -> Geometry:
    """Compartments that are cylinders.

    Args:
      length, diameter: um, numbers or arrays over compartments.
      resistivity: ohm cm.
    """
    length, diameter = jnp.broadcast_arrays(jnp.asarray(length), jnp.asarray(diameter))
    half = 2.0 * length / (jnp.pi * diameter**2)
    return Geometry(jnp.pi * diameter * length, half, half, resistivity)


class Wiring(NamedTuple):
    """Which compartments are joined; static. Build it with :func:`joined`.

    Args:
      compartments: how many; nodes from this number on are junctions without membrane.
      parents: of each node, -1 for the first.
      halves: for each node, the two half compartments between it and its parent: i for the proximal half of
        compartment i, i + compartments for its distal half, -1 for none.
    """

    compartments: int
    parents: tuple[int, ...]
    halves: tuple[tuple[int, int], ...]


def joined(parents: Sequence[int], at: Sequence[float] | float = 1.0) -> Wiring:
    """Join the near end of each compartment to another compartment.

    Args:
      parents: the compartment that each one hangs on, before it in order; -1 for the first alone.
      at: where on it: 1 its far end, 0.5 its middle, 0 its near end.

    Raises:
      ValueError: when a parent does not come before its child, or a place is none of the three.
    """
    count = len(parents)
    places = [float(at)] * count if isinstance(at, (int, float)) else [float(place) for place in at]
    for i, (parent, place) in enumerate(zip(parents, places, strict=True)):
        if not (-1 < parent < i or i == 0 and parent == -1):
            raise ValueError(
                f"compartment {i} hangs on {parent}: the first is the root, with parent -1, and every other hangs on "
                f"one before it, 0 to {i - 1}; order them from the root outwards"
            )
        if place not in (0.0, 0.5, 1.0):
            raise ValueError(f"compartment {i} is joined at {place}: choose 0 (near end), 0.5 (middle) or 1 (far end)")
    ends = {}  # (compartment, place) -> the compartments whose near ends meet there
    for i in range(1, count):
        parent, place = parents[i], places[i]
        while place == 0.0 and parent > 0:  # the near end of one is a place on another
            parent, place = parents[parent], places[parent]
        ends.setdefault((parent, place), []).append(i)
    nodes: list[tuple[int, tuple[int, int]]] = [(-1, (-1, -1))] * count
    for (parent, place), children in ends.items():
        own = {0.0: parent, 0.5: -1, 1.0: parent + count}[place]
        if place == 0.5 or len(children) == 1:
            for i in children:
                nodes[i] = parent, (i, own)
        else:
            for i in children:
                nodes[i] = len(nodes), (i, -1)
            nodes.append((parent, (own, -1)))
    return Wiring(count, *zip(*nodes, strict=True))


class TreeParams(NamedTuple):
    """The numbers of a tree. :meth:`Tree.params` makes them.

    Args:
      membrane: as of a ``Membrane``; leaves may be arrays over compartments.
      area: of each compartment, um2.
      coupling: of each node to its parent, uS; zero for the first.
    """

    membrane: Params
    area: Any
    coupling: Any


class Tree(NamedTuple):
    """Compartments of one membrane, joined: a model for ``simulation.simulate``.

    Args:
      membrane: the channels that any compartment may have; a density of zero leaves one out.
      wiring: which are joined, see :func:`joined`.
    """

    membrane: Membrane
    wiring: Wiring

    @property
    def gates(self) -> tuple[str, ...]:
        """The names of all gates, in order."""
        return self.membrane.gates

    def params(self, geometry: Geometry, **conductance) -> TreeParams:
        """The numbers of a tree of this size: ``tree.params(geometry, sodium=120.0 * on_axon)``.

        Args:
          geometry: of its compartments.
          **conductance: mS/cm2 by channel name, numbers or arrays over compartments; the channels' own otherwise.

        Raises:
          ValueError: when there is no such channel, or the geometry is of another number of compartments.
        """
        count = self.wiring.compartments
        halves = [MEGOHM * _column(geometry.resistivity, np.ndim(x)) * jnp.asarray(x) for x in geometry[1:3]]
        area = jnp.asarray(geometry.area)
        for leaf in (area, *halves):
            if leaf.ndim < 1 or leaf.shape[0] != count:
                raise ValueError(
                    f"geometry has shape {leaf.shape} and the tree {count} compartments: one entry for each"
                )
        resistance = jnp.concatenate([*halves, jnp.zeros_like(halves[0][:1])])
        first, second = np.array(self.wiring.halves[1:], np.int32).reshape(-1, 2).T
        coupling = 1.0 / (resistance[first] + resistance[second])
        root = jnp.zeros((1, *coupling.shape[1:]), coupling.dtype)
        return TreeParams(self.membrane.params(**conductance), area, jnp.concatenate([root, coupling]))

    def inject(self, params: TreeParams, compartment: Any, current):
        """A stimulus for ``simulate``: a current into one compartment, none into the others.

        Args:
          params: of the tree.
          compartment: its number, or several.
          current: nA into each of them: a number, (cells,), or a function of time (ms) that returns one, as those of
            ``stimuli``.
        """
        return jax.tree_util.Partial(_injected, current, self._share(params, compartment))

    def synapse(self, params: TreeParams, compartment: Any, conductance, reversal) -> Any:
        """A stimulus for ``simulate``: synapses on a compartment, on dendrite, soma or axon alike.

        Args:
          params, compartment: as for :meth:`inject`.
          conductance: uS, a number or a function of time (ms).
          reversal: mV.
        """
        return jax.tree_util.Partial(_synaptic, conductance, reversal, self._share(params, compartment))

    def _share(self, params, compartment):
        return jnp.zeros_like(params.area).at[compartment].set(DENSITY / params.area[compartment])

    def currents(self, params: TreeParams, state: State) -> dict[str, Any]:
        """The current through each channel by name, uA/cm2, outward positive."""
        return self.membrane.currents(*_aligned(params.membrane, state))

    def axial(self, params: TreeParams, voltage):
        """What each compartment receives from its neighbours, nA; over the tree it adds up to zero."""
        parents, count = self.wiring.parents, self.wiring.compartments
        coupling = _column(params.coupling, jnp.ndim(voltage))
        missing = len(parents) - count
        if missing == 0:
            return hines.inflow(parents, coupling, voltage)
        # A junction has no membrane: it is at the mean of its neighbours, weighted by their conductances.
        shape = jnp.broadcast_shapes(coupling.shape[1:], voltage.shape[1:])
        nodes = jnp.concatenate(
            [jnp.broadcast_to(voltage, (count, *shape)), jnp.zeros((missing, *shape), voltage.dtype)]
        )
        total = hines.inflow(parents, coupling, jnp.zeros_like(nodes).at[count:].set(-1.0))[count:]
        middle = hines.inflow(parents, coupling, nodes)[count:] / total
        return hines.inflow(parents, coupling, nodes.at[count:].set(middle))[:count]

    def conductance_and_drive(self, params: TreeParams, gates, input: Input) -> tuple[Any, Any]:
        """``(G, D)`` of C dV/dt = D - G V + axial current, of each compartment."""
        return self.membrane.conductance_and_drive(*_aligned(params.membrane, gates, input))

    def moves(self, params: TreeParams, state: State, input: Input) -> tuple[tuple[Any, Any, Any], ...]:
        """``(a, b, d)`` of each gate, see ``Membrane.moves``."""
        return self.membrane.moves(*_aligned(params.membrane, state, input))

    def calcium_flow(self, params: TreeParams, state: State) -> tuple[Any, Any]:
        """``(k, s)`` of dc/dt = s - k c; calcium does not move between compartments."""
        return self.membrane.calcium_flow(*_aligned(params.membrane, state))

    def vector_field(self, params: TreeParams, state: State, input: Any = 0.0) -> State:
        """The time derivative of voltage (mV/ms), gates (1/ms) and calcium (mM/ms) under ``input``."""
        membrane, state, input = _aligned(params.membrane, state, as_input(input))
        slope = self.membrane.vector_field(membrane, state, input)
        density = DENSITY / _column(params.area, jnp.ndim(state.voltage)) * self.axial(params, state.voltage)
        return slope._replace(voltage=slope.voltage + density / membrane.capacitance)

    def implicit(self, params: TreeParams, voltage, conductance, drive, dt):
        """The voltage after ``dt`` ms by backward Euler, all compartments at once (:mod:`redes_jax.neurons.hines`)."""
        capacitance, area, coupling, voltage, conductance, drive = _aligned(
            params.membrane.capacitance, params.area, params.coupling, voltage, conductance, drive
        )
        excess = area / DENSITY * (capacitance + dt * conductance)
        right = area / DENSITY * (capacitance * voltage + dt * drive)
        return self._solve(excess, dt * coupling, right)

    def exponential(self, params: TreeParams, voltage, conductance, drive, dt):
        """Not for trees."""
        del params, voltage, conductance, drive, dt
        raise ValueError(
            "Rush-Larsen solves the voltage of each compartment as if it were alone, and those of a tree are coupled: "
            "use the scheme 'implicit' or 'staggered'"
        )

    def steady(self, params: TreeParams, voltage, input: Any = 0.0) -> State:
        """Where gates and calcium come to rest while ``voltage`` (mV) is held."""
        membrane, voltage, input = _aligned(params.membrane, voltage, as_input(input))
        return self.membrane.steady(membrane, voltage, input)

    @partial(jax.jit, static_argnums=0)
    def rest(self, params: TreeParams, input: Any = 0.0) -> State:
        """A state that does not move under ``input``; differentiable in ``params`` and ``input``.

        From the rest of a cell all of whose compartments are one, implicit steps whose length doubles (pseudo-transient
        continuation), then two Newton steps, which also carry the derivative (implicit function theorem).
        """
        input = as_input(input)
        membrane, area, coupling, input = _aligned(params.membrane, params.area, params.coupling, input)
        fixed, still = lax.stop_gradient((membrane, area, coupling, input)), lax.stop_gradient(params)
        share = fixed[1] / fixed[1].sum(0)
        mean = lambda leaf: (share * leaf).sum(0) if jnp.ndim(leaf) else leaf  # noqa: E731
        point = self.membrane.rest(*jax.tree.map(mean, (fixed[0], fixed[3]))).voltage
        shape, dtype = _shape_and_dtype((membrane, area, input), coupling)
        voltage = jnp.broadcast_to(point, shape).astype(dtype)

        def inward(params, membrane, input, voltage):
            outward = sum(self.membrane.currents(membrane, self.membrane.steady(membrane, voltage, input)).values())
            return input.current - input.conductance * voltage - outward

        def correction(params, membrane, area, input, voltage, rate):
            """Of the voltage, by the current that is left, where ``rate`` is C over the step."""
            at = partial(inward, still, fixed[0], fixed[3])
            slope = jax.jvp(at, (lax.stop_gradient(voltage),), (jnp.ones_like(voltage),))[1]
            left = area / DENSITY * inward(params, membrane, input, voltage) + self.axial(params, voltage)
            excess = fixed[1] / DENSITY * (rate - lax.stop_gradient(slope))
            return self._solve(excess, fixed[2], left)

        def relax(i, voltage):
            step = 0.1 * 2.0**i
            return voltage + correction(still, fixed[0], fixed[1], fixed[3], voltage, fixed[0].capacitance / step)

        voltage = lax.stop_gradient(lax.fori_loop(0, 30, relax, voltage))

        def improve(_, voltage):
            return voltage + correction(params, membrane, area, input, voltage, 0.0)

        voltage = lax.fori_loop(0, 2, improve, voltage)
        return self.membrane.steady(membrane, voltage, input)

    def carried(self, params: TreeParams, state: State, input: Any) -> State:
        """``state`` with the shape and dtype that it will have after a step, see ``Membrane.carried``."""
        shape, dtype = _shape_and_dtype((state, params.membrane, params.area, input), params.coupling)
        if shape[0] != self.wiring.compartments:
            raise ValueError(
                f"a leading axis of {shape[0]} where the tree has {self.wiring.compartments} compartments: numbers, states "
                "and inputs are plain numbers or have one entry a compartment; cells come after: (compartments, cells)"
            )
        return jax.tree.map(lambda leaf: jnp.broadcast_to(_column(leaf, len(shape)), shape).astype(dtype), state)

    def _solve(self, excess, coupling, right):
        nodes, count = len(self.wiring.parents), self.wiring.compartments
        shape = jnp.broadcast_shapes(*(jnp.shape(x)[1:] for x in (excess, coupling, right)))

        def over_nodes(x):
            x = jnp.broadcast_to(x, (x.shape[0], *shape))
            none = jnp.zeros((nodes - x.shape[0], *shape), x.dtype)
            return jnp.concatenate([x, none]) if nodes > x.shape[0] else x

        return hines.solve(self.wiring.parents, *map(over_nodes, (excess, coupling, right)))[:count]


def _injected(current, share, t):
    now: Any = current(t) if callable(current) else current
    return _column(share, 1 + jnp.ndim(now)) * now


def _synaptic(conductance, reversal, share, t):
    now: Any = conductance(t) if callable(conductance) else conductance
    now = _column(share, 1 + jnp.ndim(now)) * now
    return Input(current=now * reversal, conductance=now)


def _column(leaf, rank):
    """A leaf over compartments with axes of length 1 behind, up to ``rank``, so that it broadcasts along cells."""
    missing = rank - jnp.ndim(leaf)
    return jnp.reshape(leaf, (*jnp.shape(leaf), *[1] * missing)) if jnp.ndim(leaf) and missing > 0 else leaf


def _aligned(*trees):
    rank = max(jnp.ndim(leaf) for leaf in jax.tree.leaves(trees))
    return jax.tree.map(lambda leaf: _column(leaf, rank), trees)


def _shape_and_dtype(tree, coupling):
    """Of a state of the tree: what all these leaves broadcast to."""
    leaves = jax.tree.leaves(tree)
    rank = max(np.ndim(leaf) for leaf in (*leaves, coupling))
    columns = [(*np.shape(leaf), *[1] * (rank - np.ndim(leaf))) if np.ndim(leaf) else () for leaf in leaves]
    cells = np.shape(coupling)[1:]
    return jnp.broadcast_shapes(*columns, (1, *cells, *[1] * (rank - 1 - len(cells)))), jnp.result_type(
        *leaves, coupling
    )
