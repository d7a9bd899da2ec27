"""When a neuron fires: spikes found in a trace or counted along a simulation, their rate, and the shape of one.

A spike is an upward crossing of a threshold (0 mV), its time interpolated linearly between two samples. Everything has
a fixed shape, so it runs under ``jit`` and ``vmap``: missing spikes are NaN.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from redes_jax.neurons.simulation import Fold

THRESHOLD = 0.0


def crossings(voltage: Float[Array, "time ..."], threshold=THRESHOLD) -> Bool[Array, "time ..."]:
    """True at each sample that is at or above ``threshold`` (mV) after one below it; never at the first."""
    above = voltage >= threshold
    return above & ~jnp.concatenate([jnp.ones_like(above[:1]), above[:-1]])


def spike_times(
    voltage: Float[Array, " time"], dt: float, size: int, threshold=THRESHOLD, start: float | None = None
) -> Float[Array, " size"]:
    """The times of the first ``size`` spikes of a trace, in ms, filled up with NaN.

    Args:
      voltage: one trace, mV, sampled every ``dt`` ms.
      dt: the sampling interval.
      size: how many to return.
      threshold: mV.
      start: time of the first sample; ``dt`` when None, as ``simulation.simulate`` records.
    """
    (index,) = jnp.nonzero(crossings(voltage, threshold), size=size, fill_value=0)
    before, after = voltage[index - 1], voltage[index]
    fraction = (threshold - before) / jnp.where(index > 0, after - before, 1.0)
    time = (dt if start is None else start) + (index - 1 + fraction) * dt
    return jnp.where(index > 0, time, jnp.nan)


def count(voltage: Float[Array, "time ..."], threshold=THRESHOLD) -> Int[Array, "..."]:
    """The number of spikes in each trace."""
    return crossings(voltage, threshold).sum(0)


def counter(threshold=THRESHOLD) -> Fold:
    """Counts spikes along ``simulation.simulate`` without a trace: the fold's value is the count."""

    def update(count, t, before, after):
        del t
        return count + ((before.voltage < threshold) & (after.voltage >= threshold)).astype(jnp.int32)

    return Fold(jnp.int32(0), update)


class Train(NamedTuple):
    """What :func:`clock` gathers: how many spikes, and the times (ms) of the first, the one before the last, and the
    last.
    """

    count: Int[Array, "..."]
    first: Float[Array, "..."]
    previous: Float[Array, "..."]
    last: Float[Array, "..."]

    def rate(self) -> Float[Array, "..."]:
        """Mean rate between first and last spike, Hz; 0 with fewer than two."""
        many = self.count > 1
        return jnp.where(many, 1000.0 * (self.count - 1) / jnp.where(many, self.last - self.first, 1.0), 0.0)

    def final_rate(self) -> Float[Array, "..."]:
        """One over the last interval, Hz: the rate after the neuron has adapted; 0 with fewer than two spikes."""
        many = self.count > 1
        return jnp.where(many, 1000.0 / jnp.where(many, self.last - self.previous, 1.0), 0.0)


def clock(dt: float, threshold=THRESHOLD) -> Fold:
    """Counts spikes and keeps their first and last two times along ``simulation.simulate``: the value is a
    :class:`Train`.

    Args:
      dt: the step of the simulation, ms.
      threshold: mV.
    """

    def update(train, t, before, after):
        fired = (before.voltage < threshold) & (after.voltage >= threshold)
        rise = jnp.where(fired, after.voltage - before.voltage, 1.0)
        time = t - dt * (after.voltage - threshold) / rise
        return Train(
            train.count + fired.astype(jnp.int32),
            jnp.where(fired & (train.count == 0), time, train.first),
            jnp.where(fired, train.last, train.previous),
            jnp.where(fired, time, train.last),
        )

    nothing = jnp.zeros(())
    return Fold(Train(jnp.int32(0), nothing, nothing, nothing), update)


class Shape(NamedTuple):
    """The shape of one spike. Times in ms, potentials in mV.

    Args:
      peak: the highest potential, and ``peak_time`` when.
      trough: the lowest potential after the peak (after-hyperpolarisation), and ``trough_time`` when.
      onset: the potential where the upstroke first exceeds 10 mV/ms.
      amplitude: peak minus onset.
      half_width: how long the trace stays above the middle between onset and peak.
      upstroke, downstroke: the steepest slopes, mV/ms.
    """

    peak: Array
    peak_time: Array
    trough: Array
    trough_time: Array
    onset: Array
    amplitude: Array
    half_width: Array
    upstroke: Array
    downstroke: Array


def shape(voltage: Float[Array, " time"], dt: float) -> Shape:
    """Measure a trace that holds one spike, sampled every ``dt`` ms with the first sample at ``dt``."""
    time = dt * jnp.arange(1, voltage.shape[0] + 1)
    top = jnp.argmax(voltage)
    after = jnp.where(jnp.arange(voltage.shape[0]) > top, voltage, jnp.inf)
    bottom = jnp.argmin(after)
    slope = jnp.diff(voltage) / dt
    onset = voltage[jnp.argmax(slope > 10.0)]
    middle = 0.5 * (onset + voltage[top])
    high = voltage >= middle
    rise = jnp.argmax(high)
    fall = jnp.argmax(~high & (jnp.arange(voltage.shape[0]) > top))

    def crossing(index):
        return time[index] - dt * (voltage[index] - middle) / (voltage[index] - voltage[index - 1])

    return Shape(
        voltage[top], time[top], voltage[bottom], time[bottom], onset, voltage[top] - onset,
        crossing(fall) - crossing(rise), slope.max(), slope.min(),
    )  # fmt: skip
