"""Channels of the catalogue against their printed formulas, held in a voltage clamp, and in whole neurons by SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from redes_jax.neurons import channels as ch
from redes_jax.neurons import connor_stevens, cortical, spikes, stimuli
from redes_jax.neurons.connor_stevens import CONNOR_STEVENS
from redes_jax.neurons.membrane import Calcium, Input, State, compose
from redes_jax.neurons.receptor_channels import ligand_gated, mechanically_gated
from redes_jax.neurons.schemes import RUSH_LARSEN, SCHEMES
from redes_jax.neurons.simulation import simulate, times

exp = np.exp


def vtrap(x, y):
    """x / (exp(x / y) - 1) as NEURON's mechanisms write it."""
    return y - x / 2 if abs(x / y) < 1e-6 else x / np.expm1(x / y)


def settled(steady, tau):
    return steady / tau, (1 - steady) / tau


def connor_stevens_rates(v):
    a = (0.0761 * exp(0.0314 * (v + 94.22)) / (1 + exp(0.0346 * (v + 1.17)))) ** (1 / 3)
    b = (1 / (1 + exp(0.0688 * (v + 53.3)))) ** 4
    return {
        "m": (0.38 * vtrap(-(v + 29.7), 10), 15.2 * exp(-0.0556 * (v + 54.7))),
        "h": (0.266 * exp(-0.05 * (v + 48)), 3.8 / (1 + exp(-0.1 * (v + 18)))),
        "n": (0.02 * vtrap(-(v + 45.7), 10), 0.25 * exp(-0.0125 * (v + 55.7))),
        "a": settled(a, 0.3632 + 1.158 / (1 + exp(0.0497 * (v + 55.96)))),
        "b": settled(b, 1.24 + 2.678 / (1 + exp(0.0624 * (v + 50)))),
    }


def cortical_rates(v):
    u, w = v + 55, v + 2
    p_tau = 1000 / (3.3 * exp((v + 35) / 20) + exp(-(v + 35) / 20))
    s_tau = (0.612 + 1 / (exp(-(v + 131.6) / 16.7) + exp((v + 16.8) / 18.2))) / 3.55**1.2
    u_tau = (30.8 + (211.4 + exp((w + 113.2) / 5)) / (1 + exp((w + 84) / 3.2))) / 3**1.2
    y_tau = 1 / (exp(-14.59 - 0.086 * v) + exp(-1.87 + 0.0701 * v))
    return {
        "m": (0.32 * vtrap(13 - u, 4), 0.28 * vtrap(u - 40, 5)),
        "h": (0.128 * exp((17 - u) / 18), 4 / (1 + exp((40 - u) / 5))),
        "n": (0.032 * vtrap(15 - u, 5), 0.5 * exp((10 - u) / 40)),
        "p": settled(1 / (1 + exp(-(v + 35) / 10)), p_tau),
        "q": (0.055 * vtrap(-27 - v, 3.8), 0.94 * exp((-75 - v) / 17)),
        "r": (0.000457 * exp((-13 - v) / 50), 0.0065 / (1 + exp((-15 - v) / 28))),
        "s": settled(1 / (1 + exp(-(w + 57) / 6.2)), s_tau),
        "u": settled(1 / (1 + exp((w + 81) / 4)), u_tau),
        "y": settled(1 / (1 + exp((v + 75) / 5.5)), y_tau),
    }


VOLTAGE_GATED = [
    *((channel, connor_stevens_rates) for channel in (connor_stevens.SODIUM, connor_stevens.POTASSIUM, connor_stevens.A)),
    *((channel, cortical_rates) for channel in (
        cortical.sodium(), cortical.potassium(), cortical.muscarinic(), cortical.CALCIUM_L, cortical.calcium_t(), cortical.HCN
    )),
]  # fmt: skip
PRINTED_ZERO = {"m": (-29.7, -42.0, -15.0), "n": (-45.7, -40.0), "q": (-27.0,)}  # where a formula is 0/0


@pytest.mark.parametrize(("channel", "printed"), VOLTAGE_GATED, ids=lambda x: getattr(x, "name", ""))
def test_rates_as_printed(channel, printed):
    with jax.enable_x64(True):
        for v in (-95.0, -70.0, -42.0, -29.7, -27.0, -10.0, 40.0):
            expected = [printed(v)[gate] for gate in channel.gates]
            np.testing.assert_allclose(channel.rates(jnp.asarray(v)), expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(("channel", "printed"), VOLTAGE_GATED, ids=lambda x: getattr(x, "name", ""))
def test_finite_in_float32_everywhere(channel, printed):
    del printed
    at = [v for gate in channel.gates for v in PRINTED_ZERO.get(gate, ())]
    voltage = jnp.array([-200.0, -100.0, 0.0, 100.0, 220.0, *at], jnp.float32)
    rates = lambda v: jnp.stack(jax.tree.leaves(channel.rates(v)))  # noqa: E731
    values, slopes, above, below = jax.jit(
        lambda v: [jax.vmap(f)(x) for f, x in ((rates, v), (jax.jacfwd(rates), v), (rates, v + 0.5), (rates, v - 0.5))]
    )(voltage)
    assert np.isfinite(values).all()
    assert np.isfinite(slopes).all()
    np.testing.assert_allclose(slopes[5:], (above - below)[5:], rtol=0.02, atol=1e-5)


@pytest.mark.parametrize(
    ("channel", "powers"),
    [(connor_stevens.A, (3, 1)), (cortical.muscarinic(), (1,)), (cortical.calcium_t(), (2, 1)), (cortical.HCN, (1,))],
    ids=lambda x: getattr(x, "name", ""),
)
def test_voltage_clamp(channel, powers):
    """Held at -40 mV after -90, gates relax as exponentials, and the current is g open (V - E)."""
    printed = connor_stevens_rates if channel is connor_stevens.A else cortical_rates
    membrane = compose(channel)
    with jax.enable_x64(True):
        params = membrane.params()._replace(capacitance=1e15)
        state = membrane.steady(params, jnp.asarray(-90.0))._replace(voltage=jnp.asarray(-40.0))
        _, current = simulate(
            membrane, params, duration=40.0, dt=2.0, scheme=RUSH_LARSEN, state=state,
            observe=lambda state: membrane.currents(params, state)[channel.name],
        )  # fmt: skip
    t, open_share = times(40.0, 2.0), 1.0
    for gate, power in zip(channel.gates, powers, strict=True):
        (a0, b0), (a, b) = printed(-90.0)[gate], printed(-40.0)[gate]
        open_share = open_share * (a / (a + b) + (a0 / (a0 + b0) - a / (a + b)) * exp(-(a + b) * t)) ** power
    np.testing.assert_allclose(current, channel.conductance * open_share * (-40.0 - channel.reversal), rtol=1e-9)


def connor_stevens_field(t, y, current):
    v, gates = y[0], dict(zip(CONNOR_STEVENS.gates, y[1:], strict=True))
    rates = connor_stevens_rates(v)
    outward = (
        120 * gates["m"] ** 3 * gates["h"] * (v - 55) + 20 * gates["n"] ** 4 * (v + 72)
        + 47.7 * gates["a"] ** 3 * gates["b"] * (v + 75) + 0.3 * (v + 17)
    )  # fmt: skip
    return [current - outward, *(rates[g][0] * (1 - x) - rates[g][1] * x for g, x in gates.items())]


def pausing_field(t, y, current):
    """Sodium, potassium, leak, L calcium and K(Ca) with a pool of 1 um, 0.1 uM, 50 ms."""
    v, c, calcium = y[0], y[-2], y[-1]
    gates = dict(zip("mhnqr", y[1:6], strict=True))
    rates = cortical_rates(v)
    inward = -0.22 * gates["q"] ** 2 * gates["r"] * (v - 120)
    outward = (
        50 * gates["m"] ** 3 * gates["h"] * (v - 50) + 5 * gates["n"] ** 4 * (v + 100) + 0.1 * (v + 70)
        - inward + 10 * c**2 * (v + 100)
    )  # fmt: skip
    slopes = [rates[g][0] * (1 - x) - rates[g][1] * x for g, x in gates.items()]
    # uA/cm2 over (2 F, a shell of 1 um): mM/ms
    filling = inward * 1e-6 / (2 * 96485.33212 * 1e-4) * 1e6 * 1e-3
    return [current - outward, *slopes, 48 * calcium**2 * (1 - c) - 0.03 * c, filling - (calcium - 1e-4) / 50]


NEURONS = {
    "Connor-Stevens": (CONNOR_STEVENS, connor_stevens_field, 40.0, -65.0),
    "with calcium": (cortical.PAUSING, pausing_field, 5.0, -70.0),
}
DURATION = 12.0


@pytest.fixture(scope="module", params=NEURONS)
def neuron(request):
    """A neuron, a state of it, and where SciPy takes it."""
    membrane, field, current, voltage = NEURONS[request.param]
    with jax.enable_x64(True):
        params = membrane.params()
        start = membrane.steady(params, jnp.asarray(voltage))
    y0 = np.array(jax.tree.leaves(start))
    at = times(DURATION, 0.5)
    y = solve_ivp(field, (0, DURATION), y0, args=(current,), method="LSODA", rtol=1e-10, atol=1e-12, t_eval=at).y
    assert y[0].max() > 20.0  # it fires
    return membrane, params, start, current, y


@pytest.mark.parametrize(
    ("scheme", "order", "bound"),
    [("forward_euler", 1, 8.0), ("rush_larsen", 1, 5.0), ("implicit", 1, 5.0), ("staggered", 2, 0.02)],
)
def test_schemes_converge_to_scipy(neuron, scheme, order, bound):
    """Rush-Larsen may do better than its order: it is staggered in all but the first step."""
    membrane, params, start, current, y = neuron
    errors = []
    with jax.enable_x64(True):
        for dt in (0.005, 0.0025):
            options = {"duration": DURATION, "dt": dt, "scheme": SCHEMES[scheme]}
            trace = simulate(membrane, params, current, state=start, **options)[1]
            every = round(0.5 / dt)
            errors.append(np.abs(np.asarray(trace)[every - 1 :: every] - y[0]).max())
    assert errors[1] < bound
    assert np.log2(errors[0] / errors[1]) > order - 0.15


def test_connor_stevens_fires_slowly():
    """Dayan & Abbott's neuron: silent at 8, ten spikes a second at 8.5 (SciPy)."""
    currents = jnp.array([8.0, 8.5, 10.0, 15.0])
    train = jax.jit(
        lambda: simulate(CONNOR_STEVENS, CONNOR_STEVENS.params(), currents, duration=500.0, fold=spikes.clock(0.025))[1]
    )()
    np.testing.assert_allclose(train.final_rate(), [0.0, 9.7, 34.0, 91.0], atol=0.1)


def found(membrane, stimulus, duration, params=None):
    params = membrane.params() if params is None else params

    @jax.jit
    def times_of_spikes(params, stimulus):
        return spikes.spike_times(simulate(membrane, params, stimulus, duration=duration, dt=0.05)[1], 0.05, 64)

    fired = np.asarray(times_of_spikes(params, stimulus))
    return fired[np.isfinite(fired)]


def test_rest_is_the_lowest_steady_state():
    """The cortical membrane has three; SciPy's field vanishes where gates are at rest."""
    with jax.enable_x64(True):
        rest = cortical.PAUSING.rest(cortical.PAUSING.params())
        np.testing.assert_allclose(pausing_field(0.0, np.array(jax.tree.leaves(rest)), 0.0), 0.0, atol=1e-9)
    assert float(rest.voltage) == pytest.approx(-70.0, abs=0.1)


def test_m_current_adapts_and_calcium_pauses():
    regular = found(cortical.REGULAR_SPIKING, 4.0, 300.0)
    assert np.diff(regular)[-1] > 1.4 * np.diff(regular)[0]
    pausing = np.diff(found(cortical.PAUSING, 2.0, 300.0))
    assert pausing.max() > 10 * np.median(pausing)


def test_rebound_after_inhibition():
    """T current and h current: silent, then a burst when half a second of inhibition ends; without T none."""
    inhibition = stimuli.pulse(-2.0, 20.0, 320.0)
    fired = found(cortical.THALAMIC, inhibition, 420.0)
    assert len(fired) >= 2
    assert fired[0] > 320.0
    assert len(found(cortical.THALAMIC, inhibition, 420.0, cortical.THALAMIC.params(T=0.0))) == 0


def test_ligand_and_stretch():
    """A puff of transmitter binds and unbinds as exponentials; tension opens by Boltzmann's law."""
    cell = compose(ch.LEAK, ligand_gated(1.1, 0.19), mechanically_gated(1.4, 0.3, 2.0))
    with jax.enable_x64(True):
        params = cell.params()._replace(capacitance=1e15)

        def puff(t):
            return Input(sensed={"transmitter": jnp.where(t < 1.0, 1.0, 0.0), "tension": 1.7})

        _, gates = simulate(
            cell, params, puff, duration=5.0, dt=0.1, scheme=RUSH_LARSEN, observe=lambda s: jnp.stack(s.gates),
            state=State(jnp.asarray(-60.0), (jnp.asarray(0.0), jnp.asarray(0.0))),
        )  # fmt: skip
    t = times(5.0, 0.1)
    bound = 1.1 / 1.29 * -np.expm1(-1.29 * np.minimum(t, 1.0)) * exp(-0.19 * np.maximum(t - 1.0, 0.0))
    np.testing.assert_allclose(gates[:, 0], bound, rtol=1e-9)
    np.testing.assert_allclose(gates[:, 1], 1 / (1 + exp(-1.0)) * -np.expm1(-t / 2.0), rtol=1e-9)


def test_a_pool_of_ones_own():
    with jax.enable_x64(True):
        membrane = cortical.BURSTING
        params = membrane.params()._replace(calcium=Calcium(rest=2.4e-4, decay=5.0, depth=1.0))
        state = membrane.steady(params, jnp.asarray(-20.0))
        inward = -float(membrane.currents(params, state)["L"])
    np.testing.assert_allclose(state.calcium, 2.4e-4 + 5.0 * inward * 0.01 / (2 * 96.48533212), rtol=1e-9)


def test_a_users_own_channel_from_end_to_end():
    def persistent_rates(voltage):
        return (ch.steady_and_time_constant(ch.sigmoid((voltage + 51.0) / 4.3), 5.0),)

    persistent = ch.Channel("NaP", ("w",), persistent_rates, lambda w: w, conductance=0.1, reversal=50.0)
    cell = compose(ch.SODIUM, ch.POTASSIUM, ch.LEAK, persistent)

    def rate(conductance):
        return simulate(cell, cell.params(NaP=conductance), 10.0, duration=100.0, fold=spikes.clock(0.025))[1].rate()

    rates = jax.jit(jax.vmap(rate))(jnp.array([0.0, 0.1, 0.3]))
    assert float(rates[0]) == pytest.approx(68.3, abs=2.0)  # the squid alone
    assert rates[0] < rates[1] < rates[2]
