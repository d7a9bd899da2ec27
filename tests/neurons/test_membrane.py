"""The squid membrane against SciPy, closed forms of simpler membranes, and the laws of ``simulate``."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from redes_jax import devices
from redes_jax.neurons import channels as ch
from redes_jax.neurons import spikes, stimuli
from redes_jax.neurons.membrane import SQUID, compose
from redes_jax.neurons.schemes import RUSH_LARSEN, SCHEMES
from redes_jax.neurons.simulation import simulate, times

PARAMS = SQUID.params()


def rates_1952(v):
    """Rates as printed in 1952, written apart from the library."""
    x = np.array([(25 - v) / 10, (10 - v) / 10])
    with np.errstate(invalid="ignore"):
        singular = np.where(np.abs(x) < 1e-9, 1 - x / 2, x / np.expm1(np.where(x == 0, 1, x)))
    alpha = np.array([singular[0], 0.07 * np.exp(-v / 20), 0.1 * singular[1]])
    return alpha, np.array([4 * np.exp(-v / 18), 1 / (np.exp((30 - v) / 10) + 1), 0.125 * np.exp(-v / 80)])


def field(t, y, current):
    alpha, beta = rates_1952(y[0] + 65)
    m, h, n = y[1:]
    outward = 120 * m**3 * h * (y[0] - 50) + 36 * n**4 * (y[0] + 77) + 0.3 * (y[0] + 54.387)
    return np.concatenate([[current - outward], alpha * (1 - y[1:]) - beta * y[1:]])


def steady(voltage):
    alpha, beta = rates_1952(voltage + 65)
    return alpha / (alpha + beta)


def scipy_trace(current, duration, at):
    rest = brentq(lambda v: field(0, np.array([v, *steady(v)]), 0.0)[0], -80, -50, xtol=1e-13)
    start = [rest, *steady(rest)]
    return solve_ivp(field, (0, duration), start, args=(current,), method="DOP853", rtol=1e-10, atol=1e-10, t_eval=at).y


def test_rest():
    with jax.enable_x64(True):
        rest = SQUID.rest(PARAMS)
    voltage = brentq(lambda v: field(0, np.array([v, *steady(v)]), 0.0)[0], -80, -50, xtol=1e-13)
    np.testing.assert_allclose(rest.voltage, voltage, rtol=1e-10)
    np.testing.assert_allclose(rest.gates, steady(voltage), rtol=1e-10)
    np.testing.assert_allclose([rest.voltage, *rest.gates], [-64.996, 0.052955, 0.595994, 0.317732], atol=6e-4)


def test_rest_carries_its_derivative():
    with jax.enable_x64(True):
        slope = jax.grad(lambda g: SQUID.rest(SQUID.params(leak=g)).voltage)(0.3)
        above, below = (SQUID.rest(SQUID.params(leak=0.3 + e)).voltage for e in (1e-5, -1e-5))
        np.testing.assert_allclose(slope, (above - below) / 2e-5, rtol=1e-6)


@pytest.fixture(scope="module")
def scipy_spikes():
    """100 ms under 10 uA/cm2."""
    at = np.arange(1, 1001) * 0.1
    return at, scipy_trace(10.0, 100.0, at)


def test_adaptive_solution_equals_scipy(scipy_spikes):
    at, expected = scipy_spikes
    control = diffrax.PIDController(rtol=1e-10, atol=1e-10)
    with jax.enable_x64(True):
        _, record = simulate(
            SQUID, PARAMS, 10.0, duration=100.0, dt=0.1, observe=lambda state: jnp.stack([state.voltage, *state.gates]),
            scheme=diffrax.Dopri8(), stepsize_controller=control, max_steps=100_000,
        )  # fmt: skip
    np.testing.assert_allclose(times(100.0, 0.1), at)
    np.testing.assert_allclose(record[:, 0], expected[0], atol=1e-5)
    np.testing.assert_allclose(record[:, 1:], expected[1:].T, atol=1e-7)


@pytest.mark.parametrize(("scheme", "bound"), [("staggered", 0.01), ("rush_larsen", 0.04), ("forward_euler", 0.1)])
def test_spike_times_in_float32(scheme, bound, scipy_spikes):
    at, expected = scipy_spikes
    exact = spikes.spike_times(jnp.asarray(expected[0]), 0.1, 8)
    _, trace = simulate(SQUID, PARAMS, 10.0, duration=100.0, scheme=SCHEMES[scheme])
    ours = spikes.spike_times(trace, 0.025, 8)
    assert trace.dtype == jnp.float32
    assert np.isfinite(ours).sum() == np.isfinite(exact).sum() == 7
    assert np.nanmax(np.abs(ours - exact)) < bound


@pytest.mark.parametrize(("current", "rate"), [(7.0, 58.3), (10.0, 68.3), (20.0, 86.5), (50.0, 117.0)])
def test_firing_rate(current, rate, firing):
    assert firing[current] == pytest.approx(rate, abs=0.1)


@pytest.fixture(scope="module")
def firing():
    currents = jnp.array([7.0, 10.0, 20.0, 50.0, 2.0, 6.25])
    train = jax.jit(lambda: simulate(SQUID, PARAMS, currents, duration=500.0, fold=spikes.clock(0.025))[1])()
    assert train.count[4] == 0
    assert train.last[5] < 400
    return dict(zip([7.0, 10.0, 20.0, 50.0], np.asarray(train.final_rate()), strict=False))


def test_rheobase():
    currents = jnp.array([2.23, 2.238, 2.242, 2.25])
    count = simulate(SQUID, PARAMS, currents, duration=60.0, fold=spikes.counter())[1]
    np.testing.assert_array_equal(count, [0, 0, 1, 1])


@pytest.mark.slow
def test_onset_of_endless_firing():
    currents = jnp.array([6.25, 6.258, 6.263, 6.27])
    train = jax.jit(lambda: simulate(SQUID, PARAMS, currents, duration=4000.0, fold=spikes.clock(0.025))[1])()
    np.testing.assert_array_equal(train.last > 3950, [False, False, True, True])
    assert train.final_rate()[2] == pytest.approx(50.9, abs=0.5)


def test_temperature_scales_time():
    """With every rate and the reciprocal of C times phi, and I and g as they were, the orbit is the same, phi times
    faster.
    """
    phi = 3.0
    fast = PARAMS._replace(rate_factor=phi, capacitance=1 / phi)
    _, slow_trace = simulate(SQUID, PARAMS, 10.0, duration=15.0, dt=0.03)
    _, fast_trace = simulate(SQUID, fast, 10.0, duration=5.0, dt=0.01)
    np.testing.assert_allclose(slow_trace, fast_trace, atol=2e-3)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_passive_membrane_charges_as_an_exponential(scheme):
    leaky = compose(ch.LEAK)
    with jax.enable_x64(True):
        _, trace = simulate(leaky, leaky.params(), 1.5, duration=10.0, dt=0.05, scheme=SCHEMES[scheme])
    t = times(10.0, 0.05)
    expected = -54.387 + 5.0 * (1 - np.exp(-0.3 * t))
    np.testing.assert_allclose(trace, expected, rtol=1e-12 if scheme == "rush_larsen" else 1e-3)


def test_voltage_clamp_is_exact_in_rush_larsen():
    """A capacitance without bound holds the voltage; each gate then relaxes as an exponential."""
    clamped = PARAMS._replace(capacitance=1e15)
    with jax.enable_x64(True):
        rest = SQUID.rest(PARAMS)
        start = rest._replace(voltage=jnp.asarray(-20.0))
        _, gates = simulate(
            SQUID, clamped, duration=5.0, dt=0.5, scheme=RUSH_LARSEN, state=start, observe=lambda s: jnp.stack(s.gates)
        )
        final, tau = np.array(SQUID.steady_gates(-20.0)), np.array(SQUID.time_constants(PARAMS, -20.0))
    t = times(5.0, 0.5)[:, None]
    np.testing.assert_allclose(gates, final + (np.array(rest.gates) - final) * np.exp(-t / tau), rtol=1e-10)


def test_currents_sum_to_the_vector_field():
    state = SQUID.rest(PARAMS)._replace(voltage=jnp.float32(-30.0))
    outward = SQUID.currents(PARAMS, state)
    assert set(outward) == {"sodium", "potassium", "leak"}
    np.testing.assert_allclose(SQUID.vector_field(PARAMS, state, 2.0).voltage, 2.0 - sum(outward.values()), rtol=1e-6)


def test_population_equals_loop():
    currents = jnp.array([3.0, 7.0, 12.0])
    sodium = jnp.array([115.0, 120.0, 125.0])

    def last(current, g):
        return simulate(
            SQUID, SQUID.params(sodium=g), stimuli.pulse(current, 1.0, 9.0), duration=20.0, fold=spikes.counter()
        )

    together = jax.jit(jax.vmap(last))(currents, sodium)
    alone = [jax.jit(last)(*pair) for pair in zip(currents, sodium, strict=True)]
    np.testing.assert_array_equal(together[1], [count for _, count in alone])
    np.testing.assert_allclose(together[0].voltage, [state.voltage for state, _ in alone], rtol=1e-4)


def test_devices_do_not_matter_to_the_bit():
    def last(current):
        return simulate(SQUID, PARAMS, stimuli.constant(current), duration=10.0, fold=spikes.counter())

    currents = jnp.linspace(0.0, 20.0, 22)
    one, four = (
        jax.jit(devices.replicas(last, 4, on=devices.mesh(jax.devices()[:count])))(currents) for count in (1, 4)
    )
    jax.tree.map(np.testing.assert_array_equal, one, four)
    assert set(np.asarray(one[1]).tolist()) == {0, 1}


@pytest.mark.parametrize("scheme", ["forward_euler", "staggered"])
def test_a_run_continues(scheme):
    stimulus = stimuli.pulse(10.0, 2.0, 12.0)
    options = {"scheme": SCHEMES[scheme], "dt": 0.05}
    whole_state, whole = simulate(SQUID, PARAMS, stimulus, duration=20.0, **options)
    state, first = simulate(SQUID, PARAMS, stimulus, duration=7.5, **options)
    state, second = simulate(SQUID, PARAMS, stimulus, duration=12.5, state=state, start=7.5, **options)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, atol=1e-2)
    np.testing.assert_allclose(state.gates, whole_state.gates, atol=1e-4)


def loss(g, **options):
    params = SQUID.params(sodium=g[0], potassium=g[1], leak=g[2])
    return (simulate(SQUID, params, 10.0, duration=3.0, dt=0.05, **options)[1] ** 2).mean()


@pytest.fixture(scope="module")
def slopes():
    """The gradient of ``loss`` by forward mode and by finite differences."""
    with jax.enable_x64(True):
        g = jnp.array([120.0, 36.0, 0.3])
        h = 1e-6 * g
        value = jax.jit(loss)
        differences = [(value(g.at[i].add(h[i])) - value(g.at[i].add(-h[i]))) / (2 * h[i]) for i in range(3)]
        return g, jax.jit(jax.jacfwd(loss))(g), np.array(differences)


@pytest.mark.parametrize("segment", [None, 7])
def test_gradient_equals_finite_differences(segment, slopes):
    g, forward, differences = slopes
    with jax.enable_x64(True):
        reverse = jax.jit(jax.grad(lambda g: loss(g, segment=segment)))(g)
    np.testing.assert_allclose(reverse, forward, rtol=1e-10)
    np.testing.assert_allclose(reverse, differences, rtol=1e-5)


def test_a_channel_of_ones_own():
    """Ten lines: a slow potassium channel makes the neuron adapt."""
    from tests.zoo_neurons import ADAPTING

    def intervals(membrane):
        trace = simulate(membrane, membrane.params(), 12.0, duration=150.0)[1]
        found = np.asarray(spikes.spike_times(trace, 0.025, 12))
        return np.diff(found[np.isfinite(found)])

    assert ADAPTING.gates == ("m", "h", "n", "w")
    assert intervals(ADAPTING)[-1] > 1.1 * intervals(SQUID)[-1]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: compose(ch.SODIUM, ch.SODIUM), "repeat"),
        (lambda: compose(), "at least one"),
        (lambda: SQUID.params(calcium=1.0), "calcium"),
        (lambda: simulate(SQUID, PARAMS, duration=1.0, dt=0.3), "whole number"),
        (lambda: simulate(SQUID, PARAMS, duration=1.0, max_steps=3), "max_steps"),
        (lambda: simulate(SQUID, PARAMS, duration=1.0, scheme=diffrax.Euler(), segment=3), "segment"),
    ],
)
def test_errors_name_what_is_wrong(call, words):
    with pytest.raises(ValueError, match=words):
        call()
