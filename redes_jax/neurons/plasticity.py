"""Synapses that learn: from what fires together, and from what fires first.

Rules on rates, for a linear neuron ``y = w . x`` shown one input ``x`` a step:

    hebb     dw = eta y x                   grows without bound, as exp(eta lambda_1 t) along the first principal axis
    oja      dw = eta y (x - y w)           ends on the first principal axis with length 1 (Oja 1982)
    sanger   dW = eta (y x^T - LT(y y^T) W) ends on the first k of them, in order (Sanger 1989)
    bcm      dw = eta y (y - theta) x       theta follows the mean of y^2: the neuron chooses one pattern
                                            (Bienenstock, Cooper & Munro 1982; Intrator & Cooper 1992)

Rules on spikes, spike-timing-dependent plasticity (Bi & Poo 1998): a presynaptic spike ``delay > 0`` ms before a postsynaptic
one strengthens the synapse by ``a_plus exp(-delay / tau_plus)``, the other order weakens it. :func:`stdp` does so online: each
side keeps a trace that jumps at its spikes and decays, and the other side's spikes read it.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial
from jaxtyping import Bool, Float

from redes_jax import bits
from redes_jax.process import Process

PAIRINGS, DEPENDENCES = ("all", "nearest"), ("additive", "multiplicative")


def hebb(rate) -> Process:
    """What fires together wires together (Hebb 1949). ``init(key, weights)``; input ``x``: (n,); output ``y``."""
    return Process(_weights, Partial(_hebb, rate))


def oja(rate) -> Process:
    """Hebb's rule with the decay that keeps ``|w| = 1`` (Oja, J. Math. Biol. 15:267, 1982). As :func:`hebb`."""
    return Process(_weights, Partial(_oja, rate))


def sanger(rate) -> Process:
    """The generalised Hebbian algorithm (Sanger, Neural Networks 2:459, 1989).

    Each of k neurons learns by Oja's rule from what the ones before it leave over. ``init(key, weights)`` with weights
    (k, n); output ``y``: (k,). ``LT`` is the lower triangle, diagonal included.
    """
    return Process(_weights, Partial(_sanger, rate))


class Selective(NamedTuple):
    """Weights, and the threshold between weakening and strengthening."""

    weights: Float[Array, " n"]
    threshold: Float[Array, ""]


def bcm(rate, tau=20.0) -> Process:
    """The sliding threshold. ``init(key, weights) -> Selective``; input ``x``: (n,); output ``y``, not below 0.

    Args:
      rate: ``eta``.
      tau: steps over which the threshold averages ``y^2``; when it follows too slowly, the weights oscillate.
    """

    def init(key, weights):
        del key
        weights = jnp.asarray(weights)
        return Selective(weights, jnp.zeros((), weights.dtype))

    return Process(init, Partial(_bcm, rate, 1 / tau))


class Window(NamedTuple):
    """The STDP window: ``a_plus exp(-delay / tau_plus)`` for ``delay > 0``, ``-a_minus exp(delay / tau_minus)`` below.

    The defaults are the relative change of the current after 60 pairings in hippocampal culture: Bi & Poo's data (1998) as
    fitted by Bi & Wang, Physiol. Behav. 77:551 (2002). Other papers cite 0.777, 0.273, 16.8 and 33.7 for the same data.

    Args:
      a_plus, a_minus: sizes, both positive; per pair in :func:`stdp`.
      tau_plus, tau_minus: ms.
    """

    a_plus: Any = 0.86
    a_minus: Any = 0.25
    tau_plus: Any = 19.0
    tau_minus: Any = 34.0

    def __call__(self, delay):
        """Change of weight for one pair; ``delay`` = time of the postsynaptic spike - time of the presynaptic, ms."""
        delay = jnp.asarray(delay)
        strengthen = self.a_plus * jnp.exp(-jnp.maximum(delay, 0.0) / self.tau_plus)
        weaken = -self.a_minus * jnp.exp(jnp.minimum(delay, 0.0) / self.tau_minus)
        return jnp.where(delay > 0, strengthen, jnp.where(delay < 0, weaken, 0.0))


class Traces(NamedTuple):
    """What is left of past spikes: on the n presynaptic sides and the m postsynaptic ones."""

    pre: Float[Array, " n"]
    post: Float[Array, " m"]


class Plastic(NamedTuple):
    """Weights from n presynaptic neurons to m postsynaptic ones, and both sides' traces."""

    weights: Float[Array, "m n"]
    traces: Traces


class Spikes(NamedTuple):
    """Who fired in this step."""

    pre: Bool[Array, " n"]
    post: Bool[Array, " m"]


def stdp(
    window: Window, dt=1.0, *, pairing: str = "all", dependence: str = "additive", low=-jnp.inf, high=jnp.inf
) -> Process:
    """STDP over arrays of spikes. ``init(key, weights)`` with weights (m, n); input :class:`Spikes`; output the mean weight.

    Args:
      window: sizes and time constants.
      dt: ms.
      pairing: "all" pairs of spikes count; or each spike pairs with the "nearest" before it on the other side only.
        Spikes in the same step do not pair.
      dependence: "additive"; or "multiplicative", where weakening is proportional to the weight and strengthening is not
        (van Rossum, Bi & Turrigiano 2000).
      low, high: bounds of the weights.
    """
    for name, value, allowed in (("pairing", pairing, PAIRINGS), ("dependence", dependence, DEPENDENCES)):
        if value not in allowed:
            raise ValueError(f"{name} is {value!r}: one of {allowed}")

    def init(key, weights):
        del key
        weights = jnp.asarray(weights)
        m, n = weights.shape
        return Plastic(weights, Traces(jnp.zeros(n, weights.dtype), jnp.zeros(m, weights.dtype)))

    def step(window, dt, low, high, key, state, spikes):
        del key
        before = decay(state.traces, window, dt)
        weights = change(state.weights, before, spikes, window, dependence)
        return Plastic(jnp.clip(weights, low, high), mark(before, spikes, pairing)), jnp.mean(state.weights)

    return Process(init, Partial(step, window, dt, low, high))


def decay(traces: Traces, window: Window, dt) -> Traces:
    """The traces ``dt`` ms later."""
    return Traces(traces.pre * jnp.exp(-dt / window.tau_plus), traces.post * jnp.exp(-dt / window.tau_minus))


def mark(traces: Traces, spikes: Spikes, pairing: str = "all") -> Traces:
    """The traces after these spikes: each adds 1, or, where only the nearest counts, sets its own trace to 1."""

    def one(trace, spike):
        return trace + spike if pairing == "all" else jnp.where(spike, jnp.ones_like(trace), trace)

    return Traces(one(traces.pre, spikes.pre), one(traces.post, spikes.post))


def change(weights, traces: Traces, spikes: Spikes, window: Window, dependence: str = "additive"):
    """The weights after these spikes have read the other side's traces."""
    dtype = weights.dtype
    strengthen = window.a_plus * jnp.outer(spikes.post.astype(dtype), traces.pre)
    weaken = window.a_minus * jnp.outer(traces.post, spikes.pre.astype(dtype))
    return weights + strengthen - (weaken if dependence == "additive" else weaken * weights)


class Competition(NamedTuple):
    """An integrate-and-fire neuron whose many synapses compete (Song, Miller & Abbott, Nat. Neurosci. 3:919, 2000).

    ``tau_m dV/dt = V_rest - V + g_ex (E_ex - V) + g_in (E_in - V)``, conductances in units of the leak, decaying with 5 ms.

    Args:
      rate: of each excitatory input, Hz.
      highest: the bound of a weight, the peak conductance ``g_max``.
      window: sizes as shares of ``highest``; the area of weakening exceeds that of strengthening, which keeps the
        neuron from firing by itself.
      inhibitory_rate, inhibitory_peak: Hz and peak conductance of each of 200 inhibitory inputs.
    """

    rate: Any = 15.0
    highest: Any = 0.015
    window: Window = Window(0.005, 0.00525, 20.0, 20.0)
    inhibitory_rate: Any = 10.0
    inhibitory_peak: Any = 0.05


SONG_2000 = Competition()
REST, THRESHOLD, RESET, EXCITATORY, INHIBITORY = -70.0, -54.0, -60.0, 0.0, -70.0  # mV
TAU_MEMBRANE, TAU_SYNAPSE = 20.0, 5.0  # ms
INHIBITORY_INPUTS = 200


class Neuron(NamedTuple):
    """Potential in mV, conductances in units of the leak, and the synapses with weights as shares of the highest."""

    voltage: Float[Array, ""]
    excitation: Float[Array, ""]
    inhibition: Float[Array, ""]
    synapses: Plastic


def competition(params: Competition = SONG_2000, synapses: int = 1000, dt=1.0, dependence: str = "additive") -> Process:
    """The neuron under independent Poisson inputs: a process without input; output, whether it fired.

    Args:
      params: see :class:`Competition`.
      synapses: how many excitatory ones; each starts at a uniformly random weight.
      dt: ms. The potential is exact for conductances held over a step.
      dependence: as in :func:`stdp`.
    """

    def init(key):
        weights = jnp.asarray(bits.uniform(key, (1, synapses)), jnp.result_type(float))
        zero = jnp.zeros((), weights.dtype)
        return Neuron(zero + REST, zero, zero, Plastic(weights, Traces(jnp.zeros_like(weights[0]), zero[None])))

    def step(params, dt, key, state, input):
        del input
        uniform = bits.uniform(key, (synapses + INHIBITORY_INPUTS,))
        fired_pre = uniform[:synapses] < params.rate * dt / 1000.0
        inhibitory = jnp.sum(uniform[synapses:] < params.inhibitory_rate * dt / 1000.0)

        weights, traces = state.synapses
        fade = jnp.exp(-dt / TAU_SYNAPSE)
        excitation = state.excitation * fade + params.highest * jnp.sum(jnp.where(fired_pre, weights[0], 0.0))
        inhibition = state.inhibition * fade + params.inhibitory_peak * inhibitory
        conductance = 1.0 + excitation + inhibition
        target = (REST + excitation * EXCITATORY + inhibition * INHIBITORY) / conductance
        voltage = target + (state.voltage - target) * jnp.exp(-dt * conductance / TAU_MEMBRANE)
        fired = voltage >= THRESHOLD

        spikes = Spikes(fired_pre, fired[None])
        before = decay(traces, params.window, dt)
        weights = jnp.clip(change(weights, before, spikes, params.window, dependence), 0.0, 1.0)
        learned = Plastic(weights, mark(before, spikes))
        return Neuron(jnp.where(fired, RESET, voltage), excitation, inhibition, learned), fired

    return Process(init, Partial(step, params, dt))


def _weights(key, weights):
    del key
    return jnp.asarray(weights)


def _hebb(rate, key, weights, x):
    del key
    y = weights @ x
    return weights + rate * y * x, y


def _oja(rate, key, weights, x):
    del key
    y = weights @ x
    return weights + rate * y * (x - y * weights), y


def _sanger(rate, key, weights, x):
    del key
    y = weights @ x
    return weights + rate * (jnp.outer(y, x) - jnp.tril(jnp.outer(y, y)) @ weights), y


def _bcm(rate, share, key, state, x):
    del key
    weights, threshold = state
    y = jnp.maximum(weights @ x, 0.0)
    return Selective(weights + rate * y * (y - threshold) * x, threshold + share * (y**2 - threshold)), y
