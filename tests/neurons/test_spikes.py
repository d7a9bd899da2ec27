"""Spikes of traces whose spikes are known."""

import jax
import jax.numpy as jnp
import numpy as np

from redes_jax.neurons import spikes, stimuli
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.simulation import simulate

DT = 0.01


def test_spike_times_of_a_sine():
    """50 sin(2 pi (t - 1.234) / 10) crosses zero upwards at 1.234, 11.234, ..."""
    t = DT * np.arange(1, 4001)
    trace = jnp.asarray(50 * np.sin(2 * np.pi * (t - 1.234) / 10))
    found = spikes.spike_times(trace, DT, 6)
    np.testing.assert_allclose(found[:4], [1.234, 11.234, 21.234, 31.234], atol=1e-4)
    assert np.isnan(found[4:]).all()
    assert spikes.count(trace) == 4
    shifted = spikes.spike_times(trace, DT, 6, start=0.0)
    np.testing.assert_allclose(shifted[:4], found[:4] - DT, atol=1e-4)


def test_a_trace_that_begins_above_threshold_has_not_fired():
    assert spikes.count(jnp.array([10.0, 20.0, -10.0, -20.0])) == 0
    assert spikes.count(jnp.array([-1.0, 0.0, 1.0])) == 1


def test_counter_and_clock_equal_the_trace():
    def along(fold):
        return simulate(SQUID, SQUID.params(), jnp.array([0.0, 3.0, 10.0, 20.0]), duration=60.0, fold=fold)[1]

    _, trace = simulate(SQUID, SQUID.params(), jnp.array([0.0, 3.0, 10.0, 20.0]), duration=60.0)
    train = along(spikes.clock(0.025))
    np.testing.assert_array_equal(along(spikes.counter()), spikes.count(trace))
    np.testing.assert_array_equal(train.count, spikes.count(trace))
    found = np.asarray(jax.vmap(lambda v: spikes.spike_times(v, 0.025, 8))(trace.T))
    assert list(train.count) == [0, 1, 4, 6]
    np.testing.assert_allclose(train.first[1:], found[1:, 0], atol=1e-4)
    np.testing.assert_allclose(train.last[1:], np.nanmax(found[1:], axis=1), atol=1e-4)
    np.testing.assert_allclose(train.rate()[2], 1000 / np.nanmean(np.diff(found[2])), rtol=1e-4)
    assert train.rate()[1] == train.final_rate()[0] == 0.0


def test_shape_of_a_drawn_spike():
    """Straight lines: -60 mV until 1 ms, up by 100 mV in 0.5 ms, down by 120 mV in 1 ms, back in 2 ms."""
    t = DT * np.arange(1, 601)
    trace = np.interp(t, [0, 1, 1.5, 2.5, 4.5, 9], [-60, -60, 40, -80, -60, -60])
    shape = spikes.shape(jnp.asarray(trace, jnp.float32), DT)
    np.testing.assert_allclose([shape.peak, shape.trough, shape.amplitude], [40, -80, 100], atol=1e-3)
    np.testing.assert_allclose([shape.peak_time, shape.trough_time], [1.5, 2.5], atol=1e-4)
    np.testing.assert_allclose(shape.half_width, 0.25 + 50 / 120, atol=1e-4)
    np.testing.assert_allclose([shape.upstroke, shape.downstroke], [200, -120], rtol=1e-3)


def test_stimuli():
    t = jnp.array([0.0, 1.0, 2.5, 3.0, 9.0])
    np.testing.assert_array_equal(stimuli.pulse(2.0, 1.0, 3.0)(t), [0, 2, 2, 0, 0])
    np.testing.assert_array_equal(stimuli.ramp(2.0, 1.0)(t), [0, 0, 3, 4, 16])
    np.testing.assert_array_equal(stimuli.sampled(jnp.array([1.0, 5.0, 7.0]), 1.0)(t), [1, 5, 7, 7, 7])
    np.testing.assert_array_equal(
        stimuli.total(stimuli.constant(1.0), stimuli.pulse(2.0, 1.0, 3.0))(t), [1, 3, 3, 1, 1]
    )
