"""Synapses: what a receiving membrane feels of a spike, as a conductance with a battery.

A synapse of open fraction ``o`` and largest conductance ``g`` lets the current ``g o (V - E)`` through. A *receptor* here says how
``o`` moves. It has a state, three methods and a reversal potential ``E``:

    rest(like) -> state                      closed; ``like`` is an array of the shape and dtype wanted
    step(state, drive, dt) -> state          ``dt`` ms on
    open(state, voltage) -> o

    kind            drive                        what opens
    TwoState        transmitter T, mM            dr/dt = alpha T (1 - r) - beta r; o = r
    Cascade         transmitter T, mM            a receptor whose G protein opens the channel, late and cooperatively
    Exponentials    spikes arriving, weighted    o = c (exp(-t / decay) - exp(-t / rise)), which peaks at 1

A voltage-dependent block by magnesium multiplies ``o`` where ``magnesium`` is given. The first two saturate, for receptors are
finite; the third is linear, so all synapses of a kind on one neuron share one state, which is what networks use
(:mod:`redes_jax.neurons.circuits`). :func:`felt` turns an open fraction into what a membrane takes.

    >>> from redes_jax.neurons import synapses
    >>> round(float(synapses.magnesium_block(0.0, 1.0)), 4)
    0.7812

The constants are those fitted to whole-cell currents by Destexhe, Mainen & Sejnowski, "Kinetic models of synaptic transmission",
in Koch & Segev, Methods in Neuronal Modeling (1998); the two-state form is theirs, Neural Computation 6:14 (1994). The block is
that of Jahr & Stevens, J. Neurosci. 10:3178 (1990).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp

from redes_jax.neurons.channels import x_over_expm1
from redes_jax.neurons.membrane import Input


def magnesium_block(voltage, magnesium):
    """The share of NMDA channels that magnesium leaves free, ``1 / (1 + exp(-0.062 V) [Mg] / 3.57)`` (Jahr & Stevens 1990).

    Args:
      voltage: V, mV.
      magnesium: [Mg] outside, mM; 1 to 2 in physiological saline.
    """
    return 1.0 / (1.0 + jnp.exp(-0.062 * voltage) * magnesium / 3.57)


class TwoState(NamedTuple):
    """A receptor that binds and unbinds: ``dr/dt = alpha T (1 - r) - beta r``.

    Args:
      binding: alpha, 1/(mM ms).
      unbinding: beta, 1/ms; its inverse is the decay of the current.
      reversal: mV.
      magnesium: mM, for a receptor that it blocks; None for one that it does not.
    """

    binding: Any
    unbinding: Any
    reversal: Any
    magnesium: Any = None

    def rest(self, like):
        """No receptor bound."""
        return jnp.zeros_like(like)

    def step(self, bound, transmitter, dt):
        """The bound share ``dt`` ms on, exactly, under ``transmitter`` (mM) held."""
        rate = self.binding * transmitter + self.unbinding
        steady = self.binding * transmitter / rate
        return steady + (bound - steady) * jnp.exp(-rate * dt)

    def open(self, bound, voltage):
        """The share of channels that conduct."""
        return _blocked(bound, voltage, self.magnesium)

    def after_pulse(self, t, concentration=1.0, duration=1.0):
        """The bound share ``t`` ms after the onset of a square pulse of transmitter, in closed form; 0 before.

        Args:
          t: ms.
          concentration: of the pulse, mM.
          duration: of the pulse, ms; 1 mM for 1 ms is what one vesicle leaves in the cleft.
        """
        inside = jnp.clip(t, 0.0, duration)
        return self.step(self.step(0.0, concentration, inside), 0.0, jnp.maximum(t - duration, 0.0))


class Cascaded(NamedTuple):
    """Share of receptors bound, and the G protein that they have activated, uM."""

    bound: Any
    protein: Any


class Cascade(NamedTuple):
    """A receptor that acts through a G protein: four of them open a potassium channel.

    ``dr/dt = K1 T (1 - r) - K2 r``, ``ds/dt = K3 r - K4 s``, ``o = s^4 / (s^4 + Kd)``.

    Args:
      binding, unbinding: K1, 1/(mM ms), and K2, 1/ms.
      activation: K3, uM/ms.
      inactivation: K4, 1/ms.
      dissociation: Kd, uM^4.
      reversal: mV, that of potassium.
    """

    binding: Any
    unbinding: Any
    activation: Any
    inactivation: Any
    dissociation: Any
    reversal: Any

    def rest(self, like) -> Cascaded:
        """Nothing bound, nothing active."""
        return Cascaded(jnp.zeros_like(like), jnp.zeros_like(like))

    def step(self, state: Cascaded, transmitter, dt) -> Cascaded:
        """Both stages ``dt`` ms on, exactly, under ``transmitter`` (mM) held."""
        rate, leave = self.binding * transmitter + self.unbinding, self.inactivation
        steady = self.binding * transmitter / rate
        excess = state.bound - steady
        # (exp(-rate dt) - exp(-leave dt)) / (leave - rate), which has a limit where the two rates meet
        lag = dt * jnp.exp(-leave * dt) / x_over_expm1(jnp.asarray((leave - rate) * dt))
        protein = (
            state.protein * jnp.exp(-leave * dt)
            + self.activation * steady / leave * -jnp.expm1(-leave * dt)
            + self.activation * excess * lag
        )
        return Cascaded(steady + excess * jnp.exp(-rate * dt), protein)

    def open(self, state: Cascaded, voltage):
        """The share of channels that conduct."""
        del voltage
        fourth = state.protein**4
        return fourth / (fourth + self.dissociation)


class Traces(NamedTuple):
    """Two sums over past spikes, one that fades slowly and one that fades fast; their difference is the conductance."""

    slow: Any
    fast: Any


class Exponentials(NamedTuple):
    """A difference of two exponentials with a peak of 1.

    Args:
      rise, decay: time constants, ms, with ``rise < decay``. The peak is at ``rise decay / (decay - rise) ln(decay / rise)``.
      reversal: mV.
      magnesium: mM, for a receptor that it blocks; None for one that it does not.
    """

    rise: Any
    decay: Any
    reversal: Any
    magnesium: Any = None

    def rest(self, like) -> Traces:
        """Long after any spike."""
        return Traces(jnp.zeros_like(like), jnp.zeros_like(like))

    def step(self, state: Traces, arrived, dt) -> Traces:
        """The traces at the middle of the next step; ``arrived``, the weights of the spikes that come at its beginning.

        They are kept at mid-steps, which is when a membrane wants its conductance.
        """

        def fade(trace, tau):
            half = jnp.exp(-0.5 * dt / tau)
            return (trace * half + arrived) * half

        return Traces(fade(state.slow, self.decay), fade(state.fast, self.rise))

    def open(self, state: Traces, voltage):
        """The sum of what each spike left open; it exceeds 1 where spikes add up."""
        return _blocked(self.peak() * (state.slow - state.fast), voltage, self.magnesium)

    def peak(self):
        """The factor that makes the peak 1."""
        ratio, share = self.rise / self.decay, self.rise / (self.decay - self.rise)
        return 1.0 / (ratio**share * (1.0 - ratio))

    def after_spike(self, t):
        """The conductance ``t`` ms after a spike has arrived, in closed form, unblocked; 0 before."""
        since = jnp.maximum(t, 0.0)
        return self.peak() * (jnp.exp(-since / self.decay) - jnp.exp(-since / self.rise))


AMPA = TwoState(binding=1.1, unbinding=0.19, reversal=0.0)
NMDA = TwoState(binding=0.072, unbinding=0.0066, reversal=0.0, magnesium=1.0)
GABA_A = TwoState(binding=5.0, unbinding=0.18, reversal=-80.0)
GABA_B = Cascade(
    binding=0.09, unbinding=0.0012, activation=0.18, inactivation=0.034, dissociation=100.0, reversal=-95.0
)
Receptor = TwoState | Cascade | Exponentials


def felt(receptor: Receptor, conductance, state, voltage) -> Input:
    """What a membrane takes of a synapse: ``Input(current=g o E, conductance=g o)``.

    Args:
      receptor: its kind.
      conductance: g with all channels open, mS/cm2.
      state: of the receptor.
      voltage: of the membrane, mV; only a block by magnesium looks at it.
    """
    g = conductance * receptor.open(state, voltage)
    return Input(g * receptor.reversal, g)


def gap_junction(conductance, voltage) -> Input:
    """What a membrane takes of an electrical synapse to a neighbour at ``voltage`` (mV): the current ``g (V' - V)``."""
    return Input(conductance * voltage, conductance)


def coupling_ratio(junction, membrane):
    """How much of a slow deviation of V passes a gap junction to a passive neighbour: ``g_j / (g_j + g_m)``.

    Args:
      junction: g_j, mS/cm2 of the neighbour's membrane.
      membrane: g_m, the neighbour's conductance at rest, mS/cm2.
    """
    return junction / (junction + membrane)


def total(*inputs: Input) -> Input:
    """Several inputs at once: currents and conductances add; of what is sensed the last to bring a name is heard."""
    sensed = {name: value for each in inputs for name, value in (each.sensed or {}).items()}
    return Input(sum(each.current for each in inputs), sum(each.conductance for each in inputs), sensed or None)


def _blocked(share, voltage, magnesium):
    return share if magnesium is None else share * magnesium_block(voltage, magnesium)
