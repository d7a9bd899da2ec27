"""Currents to inject: each is a function of time (ms) that returns uA/cm2, and carries its numbers as leaves.

So a stimulus goes through ``jit``, ``vmap`` and ``grad`` like any other argument, and a sweep over amplitudes compiles
once.
"""

import jax.numpy as jnp
from jax.tree_util import Partial


def constant(amplitude):
    """``amplitude`` at all times."""
    return Partial(_constant, amplitude)


def pulse(amplitude, start, stop):
    """``amplitude`` from ``start`` until ``stop`` (ms), zero outside."""
    return Partial(_pulse, amplitude, start, stop)


def ramp(slope, start=0.0):
    """Zero until ``start`` (ms), then rising by ``slope`` (uA/cm2 each ms)."""
    return Partial(_ramp, slope, start)


def sampled(currents, dt):
    """A recorded current: ``currents[i]`` during ``[i dt, (i + 1) dt)``, the last one held afterwards."""
    return Partial(_sampled, currents, dt)


def total(*stimuli):
    """The sum of several stimuli."""
    return Partial(_total, stimuli)


def _constant(amplitude, t):
    del t
    return amplitude


def _pulse(amplitude, start, stop, t):
    return jnp.where((t >= start) & (t < stop), amplitude, jnp.zeros_like(amplitude))


def _ramp(slope, start, t):
    return slope * jnp.maximum(t - start, 0.0)


def _sampled(currents, dt, t):
    index = jnp.floor(t / dt).astype(jnp.int32)
    return currents[jnp.clip(index, 0, currents.shape[0] - 1)]


def _total(stimuli, t):
    return sum(stimulus(t) for stimulus in stimuli)
