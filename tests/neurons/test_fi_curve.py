"""The values that the claims of the firing curves cite, computed again by SciPy."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from experiments import fi_curve as experiment
from experiments import ion_channels
from tests.neurons.test_catalogue import connor_stevens_field, connor_stevens_rates
from tests.neurons.test_membrane import field
from tests.neurons.test_sources import rest, spike_times

CLAIMED = {claim.key: claim for claim in experiment.CLAIMS}


@pytest.mark.parametrize(
    ("module", "change"),
    [
        (experiment, {"settle": 10.0}), (experiment, {"longest": 10.0}), (experiment, {"currents": 1}),
        (ion_channels, {"sizes": (10,)}), (ion_channels, {"number": 10**6}), (ion_channels, {"stays": 3}),
    ],
)  # fmt: skip
def test_bad_configs_are_refused_by_name(module, change):
    with pytest.raises(ValueError, match=next(iter(change))):
        module.run(module.Config(**change))


def test_sigworth_recovers_what_made_the_parabola():
    mean = np.linspace(1.0, 40.0, 60)
    unit, number = ion_channels.sigworth(mean, 0.8 * mean - mean**2 / 250)
    assert unit == pytest.approx(0.8)
    assert number == pytest.approx(250)


@pytest.mark.parametrize(("height", "earliest"), [(90, 6.2), (30, 8.6), (15, 11.5), (7, 15.5)])
def test_refractory_intervals_by_scipy(height, earliest):
    """0.15 ms before it, the second shock dies away; 0.15 ms after, it rises by itself above zero."""
    options = {"method": "LSODA", "rtol": 1e-8, "atol": 1e-8, "args": (0.0,)}
    lift = np.array([1.0, 0, 0, 0])
    first = solve_ivp(field, (0, 20), rest() + 15 * lift, dense_output=True, **options).sol

    def fires(interval):
        start = first(interval) + height * lift
        v = solve_ivp(field, (0, 12), start, max_step=0.1, **options).y[0]
        return v.max() > max(0.0, start[0] + 1.0)

    assert CLAIMED[f"refractory_{height}_ms"].value == earliest
    assert not fires(earliest - 0.15)
    assert fires(earliest + 0.15)


@pytest.mark.slow
@pytest.mark.parametrize("current", [8.2, 9.0, 10.0, 15.0])
def test_connor_stevens_rates_by_scipy(current):
    """From any state the neuron comes to the same rate; here from -68 mV."""
    gates = [a / (a + b) for a, b in connor_stevens_rates(-68.0).values()]

    def upwards(t, y, current):
        return y[0]

    upwards.direction = 1
    options = {"method": "LSODA", "rtol": 1e-10, "atol": 1e-10, "events": upwards}
    fired = solve_ivp(connor_stevens_field, (0, 1000), [-68.0, *gates], args=(current,), **options).t_events[0]
    assert CLAIMED[f"connor_stevens_{current:g}_hz"].holds(1000 / (fired[-1] - fired[-2]))


@pytest.mark.slow
@pytest.mark.parametrize("current", [7, 8, 10, 20, 50])
def test_rates_by_scipy(current):
    times = spike_times(rest(), current, 400)
    assert CLAIMED[f"rate_{current}_hz"].holds(1000 / (times[-1] - times[-2]))
