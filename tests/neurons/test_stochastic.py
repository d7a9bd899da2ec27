"""Single channels against the matrix exponential, the gates they are made of, and the laws of waiting times."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from redes_jax import process
from redes_jax.neurons import channels as ch
from redes_jax.neurons import stochastic as st
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.simulation import simulate


def gate(rates, voltage):
    alpha, beta = (float(rate) for rate in rates(jnp.float32(voltage)))
    return alpha / (alpha + beta), alpha + beta


def test_squid_channels_have_five_and_eight_states():
    assert len(st.SQUID_POTASSIUM.states) == 5
    assert len(st.SQUID_POTASSIUM.arrows) == 8
    assert len(st.SQUID_SODIUM.states) == 8
    assert len(st.SQUID_SODIUM.arrows) == 20
    with pytest.raises(ValueError, match="copies"):
        st.from_gates(ch.SODIUM, (3,))


def test_stationary_chances_are_those_of_the_gates():
    for chain, gates, powers in (
        (st.SQUID_POTASSIUM, (ch.n_rates,), (4,)),
        (st.SQUID_SODIUM, (ch.m_rates, ch.h_rates), (3, 1)),
    ):
        with jax.enable_x64(True):
            for voltage in (-80.0, -40.0, 10.0):
                q = st.generator(chain, jnp.asarray(voltage))
                np.testing.assert_allclose(q.sum(1), 0.0, atol=1e-12)
                chances = st.stationary(q)
                expected = np.prod([gate(r, voltage)[0] ** k for r, k in zip(gates, powers, strict=True)])
                assert float(chances @ jnp.array(chain.conducting)) == pytest.approx(expected, rel=1e-5)


def test_expected_occupancy_is_the_conductance_of_1952():
    """p(0) exp(Q t) summed over the open state is m^3 h after a step of voltage, by its closed form."""
    t = 1.3
    with jax.enable_x64(True):
        start = st.stationary(st.generator(st.SQUID_SODIUM, -65.0))
        chances = st.occupancy(start, st.generator(st.SQUID_SODIUM, 0.0), t)
    expected = 1.0
    for rates, power in ((ch.m_rates, 3), (ch.h_rates, 1)):
        (before, _), (after, speed) = gate(rates, -65.0), gate(rates, 0.0)
        expected *= (after + (before - after) * np.exp(-speed * t)) ** power
    assert float(chances @ jnp.array(st.SQUID_SODIUM.conducting)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("dt", [1e-3, 0.025, 1.0])
def test_transition_keeps_small_chances_in_float32(dt):
    q = st.generator(st.SQUID_SODIUM, jnp.float32(20.0))
    ours, expected = st.transition(q, dt), scipy.linalg.expm(np.asarray(q, float) * dt)
    np.testing.assert_allclose(ours, expected, rtol=3e-5, atol=1e-7)
    off = ~np.eye(8, dtype=bool) & (expected > 1e-5)
    np.testing.assert_allclose(np.asarray(ours)[off], expected[off], rtol=1e-4)


@pytest.fixture(scope="module")
def stays():
    """20 000 stays of a receptor in 0.02 mM of transmitter."""
    q = st.generator(st.bound_then_open(), jnp.float32(0.02))
    jumps = st.jumps(q)
    seen = jax.jit(lambda key: process.iterate(jumps.step, key, jumps.init(key), length=20_000)[1])(jax.random.key(1))
    return np.asarray(q, float), np.asarray(seen.state), np.asarray(seen.duration)


def test_stays_are_exponential(stays):
    q, state, duration = stays
    for i in range(3):
        assert scipy.stats.kstest(duration[state == i], "expon", args=(0, -1 / q[i, i])).pvalue > 1e-3


def test_jumps_choose_by_their_rates(stays):
    q, state, duration = stays
    assert (np.diff(state) != 0).all()
    bound = state[:-1] == 1
    opened = (state[1:][bound] == 2).sum()
    assert scipy.stats.binomtest(int(opened), int(bound.sum()), 10.0 / 15.0).pvalue > 1e-3
    shares = np.array([duration[state == i].sum() for i in range(3)]) / duration.sum()
    np.testing.assert_allclose(shares, np.asarray(st.stationary(jnp.asarray(q))), atol=0.02)


def test_sampled_reads_the_record():
    seen = st.Stay(jnp.array([2, 0, 1]), jnp.array([1.0, 0.5, 2.0]))
    np.testing.assert_array_equal(st.sampled(seen, jnp.array([0.0, 0.9, 1.2, 1.6, 99.0])), [2, 2, 0, 1, 1])


@pytest.fixture(scope="module")
def crowd():
    """20 000 sodium channels, stepped from -65 to 0 mV, at 0.5 ms and 1 ms; and their exact chances."""
    ensemble = st.ensemble(st.SQUID_SODIUM, 20_000, 0.5, (-65.0,))
    key = jax.random.key(3)

    @jax.jit
    def run(key):
        states = ensemble.init(key)
        held = (jnp.zeros(2),)
        return states, process.iterate(ensemble.step, key, states, held, observe=lambda states, share: (states, share))[
            1
        ]

    start, (states, shares) = run(key)
    before = np.asarray(st.stationary(st.generator(st.SQUID_SODIUM, -65.0)), float)
    q = np.asarray(st.generator(st.SQUID_SODIUM, 0.0), float)
    exact = [before, *(before @ scipy.linalg.expm(q * t) for t in (0.5, 1.0))]
    return np.stack([start, *states]), np.asarray(shares), np.stack(exact)


def test_a_crowd_is_multinomial_with_the_exact_chances(crowd):
    """Exact at a coarse step, where a first-order leap is not."""
    states, _, exact = crowd
    for now, chances in zip(states, exact, strict=True):
        counts = np.bincount(now, minlength=8)
        few = chances * len(now) < 5
        seen, expected = (np.append(x[~few], x[few].sum()) for x in (counts, chances * len(now)))
        statistic = ((seen - expected) ** 2 / np.maximum(expected, 1e-9))[expected > 0.5].sum()
        assert scipy.stats.chi2.sf(statistic, (expected > 0.5).sum() - 1) > 1e-3


def test_variance_of_the_open_number_is_binomial(crowd):
    """N p (1 - p) over sweeps of 50 channels each."""
    states, shares, exact = crowd
    is_open = states == 7
    np.testing.assert_allclose(shares, is_open[1:].mean(1), rtol=1e-5)
    for now, p in zip(is_open[1:], exact[1:, 7], strict=True):
        number = now.reshape(-1, 50).sum(1)
        assert number.mean() == pytest.approx(50 * p, abs=4 * np.sqrt(50 * p * (1 - p) / len(number)))
        assert number.var() / (50 * p * (1 - p)) == pytest.approx(1.0, abs=4 * np.sqrt(2 / len(number)))


def test_ensemble_refuses_nobody():
    with pytest.raises(ValueError, match="size is 0"):
        st.ensemble(st.SQUID_SODIUM, 0, 0.1, (-65.0,))


def test_many_channels_are_the_deterministic_membrane():
    """50 000 channels of each kind after a shock: a spike within a few millivolts of the equations; two of them: noise."""
    params, shock = SQUID.params(), 15.0

    def spike(size):
        chains = {"sodium": (st.SQUID_SODIUM, size), "potassium": (st.SQUID_POTASSIUM, size)}
        patch = st.noisy(SQUID, params, chains, 0.05)

        @jax.jit
        def run(key):
            state = patch.init(key)
            state = state._replace(voltage=state.voltage + shock)
            return process.iterate(patch.step, key, state, jnp.zeros(100))[1]

        return run(jax.random.key(0))

    rest = SQUID.rest(params)
    exact = simulate(SQUID, params, duration=5.0, dt=0.05, state=rest._replace(voltage=rest.voltage + shock))[1]
    many = spike(50_000)
    assert abs(float(many.max() - exact.max())) < 3.0
    assert abs(int(many.argmax()) - int(exact.argmax())) <= 4
    with pytest.raises(ValueError, match="crowd"):
        st.noisy(SQUID, params, {"sodium": (st.SQUID_SODIUM, 5)}, 0.05)
    assert st.squid_crowds(2.0)["sodium"][1] == 120
