"""The values that the experiment's claims cite, computed again by SciPy from rates written apart from the library."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from experiments import fi_curve, hodgkin_huxley
from tests.neurons.test_membrane import field, steady

CLAIMED = {claim.key: claim for claim in (*hodgkin_huxley.CLAIMS, *fi_curve.CLAIMS)}


def rest(current=0.0):
    voltage = brentq(lambda v: field(0, np.array([v, *steady(v)]), current)[0], -100, 20, xtol=1e-13)
    return np.array([voltage, *steady(voltage)])


def spike_times(start, current, duration):
    def upwards(t, y, current):
        return y[0]

    upwards.direction = 1
    options = {"method": "DOP853", "rtol": 1e-10, "atol": 1e-10}
    return solve_ivp(field, (0, duration), start, args=(current,), events=upwards, **options).t_events[0]


def least(fires, low, high, width=2e-4):
    while high - low > width:
        middle = (low + high) / 2
        low, high = (low, middle) if fires(middle) else (middle, high)
    return high


@pytest.mark.slow
def test_thresholds():
    shock = np.array([1.0, 0, 0, 0])
    found = {
        "one_spike_current": least(lambda current: len(spike_times(rest(), current, 60)), 2.0, 2.5),
        "shock_mv": least(lambda height: len(spike_times(rest() + height * shock, 0.0, 30)), 6.0, 7.0),
        "anode_break_current": least(lambda current: len(spike_times(rest(-current), 0.0, 50)), 2.5, 3.0),
    }
    assert {key: CLAIMED[key].holds(value) for key, value in found.items()} == dict.fromkeys(found, True)


@pytest.mark.slow
def test_onset_of_endless_firing_by_scipy():
    onset = least(lambda current: spike_times(rest(), current, 2000)[-1] > 1960, 6.25, 6.27, width=1e-3)
    times = spike_times(rest(), onset, 2000)
    assert CLAIMED["firing_current"].holds(onset)
    assert CLAIMED["onset_hz"].holds(1000 * (len(times) - 1) / (times[-1] - times[0]))


def test_hopf_points():
    def growth(current):
        state, h = rest(current), 1e-6
        columns = [(field(0, state + e, current) - field(0, state - e, current)) / (2 * h) for e in h * np.eye(4)]
        return np.linalg.eigvals(np.array(columns).T).real.max()

    assert CLAIMED["hopf_low"].holds(brentq(growth, 8, 12))
    assert CLAIMED["hopf_high"].holds(brentq(growth, 140, 170))
