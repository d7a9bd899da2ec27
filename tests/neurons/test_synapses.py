"""Receptors against closed forms and SciPy, release against the binomial law and an event-driven version in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from redes_jax.neurons import channels as ch
from redes_jax.neurons import release, synapses
from redes_jax.neurons.membrane import compose
from redes_jax.neurons.postsynaptic import postsynaptic
from redes_jax.neurons.simulation import simulate
from redes_jax.process import iterate

KEY = jax.random.key(0)


def along(receptor, drive, dt):
    """The states of a receptor under ``drive``, one entry a step."""

    def step(state, now):
        state = receptor.step(state, now, dt)
        return state, state

    return jax.lax.scan(step, receptor.rest(jnp.zeros(())), jnp.asarray(drive))[1]


def test_block_by_magnesium():
    """Half of the channels are blocked at 16.1 ln([Mg] / 3.57) mV; the printed formula elsewhere."""
    for magnesium in (0.5, 1.0, 2.0):
        half = np.log(magnesium / 3.57) / 0.062
        assert synapses.magnesium_block(half, magnesium) == pytest.approx(0.5, abs=1e-6)
    np.testing.assert_allclose(synapses.magnesium_block(jnp.array([-80.0, 0.0]), 1.0), [0.024425, 0.781182], atol=1e-6)
    assert synapses.magnesium_block(-80.0, 0.0) == 1.0
    assert synapses.NMDA.open(0.5, -65.0) == pytest.approx(0.5 * float(synapses.magnesium_block(-65.0, 1.0)))


@pytest.mark.parametrize("name", ["AMPA", "NMDA", "GABA_A"])
def test_pulse_on_a_two_state_receptor(name):
    """1 mM for 1 ms: bound (1 - exp(-t (alpha + beta))) alpha / (alpha + beta), then exp(-beta t)."""
    receptor, dt = getattr(synapses, name), 0.05
    a, b = receptor.binding, receptor.unbinding
    t = dt * np.arange(1, 201)
    top = a / (a + b) * (1 - np.exp(-(a + b)))
    expected = np.where(t <= 1, a / (a + b) * (1 - np.exp(-t * (a + b))), top * np.exp(-b * (t - 1)))
    with jax.enable_x64(True):
        bound = along(receptor, np.where(t < 1.01, 1.0, 0.0), dt)
        np.testing.assert_allclose(bound, expected, rtol=1e-12)
        np.testing.assert_allclose(receptor.after_pulse(jnp.asarray(t)), expected, rtol=1e-12)


@pytest.mark.parametrize("transmitter", [1.0, (0.034 - 0.0012) / 0.09])  # at the second the two stages are equally fast
def test_cascade_against_scipy(transmitter):
    kind, dt = synapses.GABA_B, 0.5

    def field(t, y):
        on = transmitter if t < 5 else 0.0
        return [0.09 * on * (1 - y[0]) - 0.0012 * y[0], 0.18 * y[0] - 0.034 * y[1]]

    at = dt * np.arange(1, 401)
    exact = solve_ivp(field, (0, 200), [0, 0], t_eval=at, max_step=0.5, rtol=1e-10, atol=1e-12).y
    with jax.enable_x64(True):
        states = along(kind, np.where(at < 5.01, transmitter, 0.0), dt)
        np.testing.assert_allclose(states.bound, exact[0], rtol=1e-6)
        np.testing.assert_allclose(states.protein, exact[1], rtol=1e-6, atol=1e-9)
        opened = kind.open(states, -65.0)
    np.testing.assert_allclose(opened, exact[1] ** 4 / (exact[1] ** 4 + 100.0), rtol=1e-5, atol=1e-12)


def test_exponentials_peak_at_one_and_add_up():
    kind, dt = synapses.Exponentials(0.5, 9.0, -75.0), 0.01
    with jax.enable_x64(True):
        opened = kind.open(along(kind, np.arange(3000) == 0, dt), -65.0)
        middle = dt * (np.arange(3000) + 0.5)
        np.testing.assert_allclose(opened, kind.after_spike(middle), rtol=1e-9)
        assert opened.max() == pytest.approx(1.0, abs=1e-5)
        assert middle[opened.argmax()] == pytest.approx(0.5 * 9 / 8.5 * np.log(18), abs=dt)
        two = kind.open(along(kind, (np.arange(3000) == 0) + 2.0 * (np.arange(3000) == 700), dt), -65.0)
        np.testing.assert_allclose(
            two, opened + 2 * np.roll(np.where(np.arange(3000) < 2300, opened, 0), 700), rtol=1e-9
        )


def test_a_membrane_feels_it_as_scipy_says():
    """A passive membrane under an NMDA receptor: the block and the potential act on each other."""
    leaky = compose(ch.LEAK)
    cell = postsynaptic(leaky, leaky.params(), {"nmda": synapses.NMDA}, {"nmda": 3.0}, 0.01)

    def field(t, y):
        on = float(t < 3.0)
        free = 1 / (1 + np.exp(-0.062 * y[0]) / 3.57)
        return [-0.3 * (y[0] + 54.387) - 3.0 * y[1] * free * y[0], 0.072 * on * (1 - y[1]) - 0.0066 * y[1]]

    at = 0.01 * np.arange(1, 4001)
    exact = solve_ivp(field, (0, 40), [-54.387, 0], t_eval=at, max_step=0.1, rtol=1e-9, atol=1e-9).y[0]
    with jax.enable_x64(True):
        drive = {"nmda": jnp.asarray(np.where(at < 3.005, 1.0, 0.0))}
        voltage = jax.jit(lambda drive: iterate(cell.step, KEY, cell.init(KEY), drive)[1])(drive)
    assert exact.max() > -45
    np.testing.assert_allclose(voltage, exact, atol=0.02)  # the block sees the potential a step late


def test_gap_junction_couples_by_the_closed_form():
    """The first of two leaky cells is held; the second settles at g_j / (g_j + g_m) of its deviation."""
    leaky, held = compose(ch.LEAK), -54.387 + 20.0
    with jax.enable_x64(True):
        follower, _ = simulate(leaky, leaky.params(), synapses.gap_junction(0.1, held), duration=100.0, dt=0.1)
    ratio = synapses.coupling_ratio(0.1, 0.3)
    assert ratio == pytest.approx(0.25)
    np.testing.assert_allclose((follower.voltage + 54.387) / 20.0, ratio, rtol=1e-6)


def test_release_is_binomial():
    """10 000 terminals of 6 sites, p = 0.3: mean np, variance np(1 - p), and the whole distribution by chi-squared."""
    n, p, trials = 6, 0.3, 10_000
    process = release.vesicles(release.ShortTerm(p, recovery=0.0), n, 0.1)
    state = process.init(KEY, (trials,))
    _, released = iterate(process.step, KEY, state, jnp.ones((3, trials), bool))
    released = np.asarray(released).ravel()
    size = released.size
    assert released.mean() == pytest.approx(n * p, abs=4 * np.sqrt(n * p * (1 - p) / size))
    assert released.var() == pytest.approx(n * p * (1 - p), rel=0.04)
    expected = size * stats.binom.pmf(np.arange(n + 1), n, p)
    assert stats.chisquare(np.bincount(released, minlength=n + 1), expected).pvalue > 1e-3


DEPRESSING, FACILITATING = release.DEPRESSING, release.FACILITATING


def event_driven(times, utilisation, recovery, facilitation):
    """Tsodyks, Pawelzik & Markram (1998) from spike to spike, written apart from the library."""
    u, resources, released = utilisation, 1.0, []
    for i in range(len(times)):
        if i:
            gap = times[i] - times[i - 1]
            resources = 1 - (1 - resources * (1 - u)) * np.exp(-gap / recovery)
            kept = np.exp(-gap / facilitation) if facilitation else 0.0
            u = utilisation + u * (1 - utilisation) * kept
        released.append(u * resources)
    return np.array(released)


@pytest.mark.parametrize("terminal", [DEPRESSING, FACILITATING], ids=["depressing", "facilitating"])
def test_short_term_plasticity_from_spike_to_spike(terminal):
    dt = 0.5
    fired = np.random.default_rng(0).random(2000) < 0.02
    process = release.mean(terminal, dt)
    with jax.enable_x64(True):
        _, released = iterate(process.step, KEY, process.init(KEY), jnp.asarray(fired))
    expected = event_driven(dt * np.flatnonzero(fired), *terminal)
    np.testing.assert_allclose(np.asarray(released)[fired], expected, rtol=1e-9)
    assert not np.asarray(released)[~fired].any()


@pytest.mark.parametrize("rate", [5.0, 20.0, 50.0])
def test_steady_state_of_a_regular_train(rate):
    every = round(1000 / rate)
    with jax.enable_x64(True):
        for terminal in (DEPRESSING, FACILITATING):
            process = release.mean(terminal, 1.0)
            train = jnp.arange(400 * every) % every == 0
            _, released = iterate(process.step, KEY, process.init(KEY), train)
            u, resources = terminal.steady(1000.0 / every)
            np.testing.assert_allclose(released[-every], u * resources, rtol=1e-5)


@pytest.mark.parametrize("terminal", [FACILITATING, release.CalciumTrigger()], ids=["short term", "calcium"])
def test_vesicles_release_the_mean_on_average(terminal):
    trials, sites = 4000, 5
    fired = jnp.arange(200) % 25 == 3
    expected = iterate(*_run(release.mean(terminal, 1.0), (), fired))[1]
    sampled = iterate(*_run(release.vesicles(terminal, sites, 1.0), (trials,), fired))[1]
    share = np.asarray(sampled).mean(1) / sites
    error = 4 * np.sqrt(0.25 / (trials * sites))
    np.testing.assert_allclose(share, expected, atol=error)
    assert share[28] > 1.05 * share[3]  # both facilitate at 40 Hz


def _run(process, shape, fired):
    inputs = jnp.broadcast_to(fired.reshape(-1, *[1] * len(shape)), (len(fired), *shape))
    return process.step, KEY, process.init(KEY, shape), inputs


def test_calcium_acts_by_its_fourth_power():
    """Dodge & Rahamimoff (1967): far from saturation, twice the influx releases sixteen times as much."""
    low, high = (release.CalciumTrigger(influx=influx, affinity=100.0).spike(0.0)[1] for influx in (1.0, 2.0))
    assert high / low == pytest.approx(16.0, rel=1e-4)


def test_errors_name_what_is_wrong():
    with pytest.raises(ValueError, match="sites is 0"):
        release.vesicles(DEPRESSING, 0, 1.0)
    leaky = compose(ch.LEAK)
    with pytest.raises(ValueError, match="ampa"):
        postsynaptic(leaky, leaky.params(), {"ampa": synapses.AMPA}, {}, 0.1)
