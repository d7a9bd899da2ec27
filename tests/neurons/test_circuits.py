"""Networks: spikes arrive to the step, sparse delivery equals a dense matrix, and cells alone are cells alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import poisson

from redes_jax.neurons import circuits, connectivity, delivery
from redes_jax.neurons.hippocampal import INTERNEURON, PYRAMIDAL
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.simulation import simulate
from redes_jax.neurons.synapses import Exponentials, coupling_ratio
from redes_jax.process import chunks, iterate

KEY = jax.random.key(0)
FAST = Exponentials(0.5, 3.0, 0.0)


def squids(size, drive=0.0):
    return circuits.Population(SQUID, SQUID.params(), size, drive)


@pytest.mark.parametrize("by", ["gather", "events"])
@pytest.mark.parametrize("steps", [1, 33])
def test_a_spike_arrives_after_exactly_its_delay(by, steps):
    synapse = circuits.Projection("a", "b", connectivity.one_to_one(1), 0.1, FAST, steps * 0.05)
    network = circuits.network({"a": squids(1, 10.0), "b": squids(1)}, [synapse], 0.05, by=by)

    def observe(state, fired):
        return fired["a"][0], state.traces[0].slow[0]

    _, (fired, trace) = jax.jit(lambda: iterate(network.step, KEY, network.init(KEY), length=200, observe=observe))()
    assert fired.sum() == 1
    assert np.flatnonzero(trace)[0] - np.flatnonzero(fired)[0] == steps


def history_of(spikes, longest):
    """The register after the rows of ``spikes``, the last row being the latest step."""
    history = delivery.silence(spikes.shape[1], longest)
    for fired in spikes:
        history = delivery.remember(history, jnp.asarray(fired))
    return history


@pytest.mark.parametrize("kind", ["shared", "per target", "per synapse"])
def test_sparse_delivery_equals_a_dense_matrix(kind):
    rng = np.random.default_rng(1)
    sources, targets, degree, lag = 70, 40, 12, 37
    spikes = rng.random((50, sources)) < 0.2
    index = np.asarray(connectivity.fixed_in_degree(KEY, sources, targets, degree))
    shape = {"shared": (), "per target": (targets,), "per synapse": (targets, degree)}[kind]
    weight = rng.random(shape).astype(np.float32)
    each = np.broadcast_to(weight[:, None] if kind == "per target" else weight, (targets, degree))
    dense = np.zeros((targets, sources))
    np.add.at(dense, (np.arange(targets)[:, None], index), each)
    history, like = history_of(spikes, 64), jnp.zeros(targets)
    gathered = delivery.gathered(history, jnp.asarray(index), lag, jnp.asarray(weight), jnp.float32)
    routed = map(jnp.asarray, connectivity.outgoing(index, sources))
    sent = jax.jit(delivery.sent, static_argnums=3)(history, *routed, lag, jnp.asarray(weight), like)
    np.testing.assert_allclose(gathered, dense @ spikes[-lag], rtol=1e-5)
    np.testing.assert_allclose(sent, dense @ spikes[-lag], rtol=1e-5)


def test_every_synapse_has_a_delay_of_its_own():
    rng = np.random.default_rng(2)
    spikes, index = rng.random((70, 9)) < 0.3, rng.integers(0, 9, (5, 4))
    lags, weight = rng.integers(1, 65, (5, 4)), rng.random((5, 4)).astype(np.float32)
    came = delivery.gathered(history_of(spikes, 64), jnp.asarray(index), jnp.asarray(lags), weight, jnp.float32)
    expected = [sum(weight[i, j] * spikes[-lags[i, j], index[i, j]] for j in range(4)) for i in range(5)]
    np.testing.assert_allclose(came, expected, rtol=1e-5)


def test_a_disconnected_network_is_cells_alone():
    def observe(state, fired):
        return state.cells["cells"].voltage, fired["cells"]

    with jax.enable_x64(True):
        drive = jnp.array([0.0, 7.0, 9.0, 20.0])
        network = circuits.network({"cells": squids(4, drive)}, [], 0.025)
        run = jax.jit(lambda: iterate(network.step, KEY, network.init(KEY), length=1600, observe=observe))
        alone = jax.jit(lambda current: simulate(SQUID, SQUID.params(), current, duration=40.0)[1])
        _, (voltage, fired) = run()
        for i, current in enumerate(drive):
            np.testing.assert_allclose(voltage[:, i], alone(current), atol=1e-8)
    assert list(np.asarray(fired).sum(0)) == [0, 3, 3, 4]


def small(by="gather", decay=9.0, seed=0):
    """Twelve pyramidal cells and six interneurons, with everything that a network can have."""
    keys = jax.random.split(jax.random.key(seed), 3)
    cells = {
        "e": circuits.Population(PYRAMIDAL, PYRAMIDAL.params(), 12, 1.5, (-70.0, -55.0)),
        "i": circuits.Population(INTERNEURON, INTERNEURON.params(), 6, 0.0),
    }
    slow = Exponentials(0.5, decay, -75.0)
    return circuits.network(
        cells,
        [
            circuits.Projection("e", "i", connectivity.fixed_in_degree(keys[0], 12, 6, 4), 0.1, FAST, 1.0),
            circuits.Projection("i", "e", connectivity.fixed_in_degree(keys[1], 6, 12, 3), 0.1, slow, 2.0),
            circuits.Poisson("e", 300.0, 0.02, FAST),
            circuits.Junctions("i", "i", connectivity.fixed_in_degree(keys[2], 6, 6, 2, others=True), 0.02),
        ],
        0.05,
        by=by,
    )


@pytest.fixture(scope="module")
def begin():
    return jax.jit(small().init)(KEY)


@pytest.fixture(scope="module")
def whole(begin):
    step = small().step
    return jax.jit(lambda begin: iterate(step, KEY, begin, length=1200))(begin)


def test_chunks_equal_the_whole_to_the_bit(whole, begin):
    parts = [out for _, _, out in chunks(small().step, KEY, begin, length=1200, chunk=600)]
    for name in ("e", "i"):
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), whole[1][name])
    assert whole[1]["e"].sum() > 12
    assert whole[1]["i"].sum() > 3


def test_both_deliveries_run_the_same_network(whole, begin):
    step = small("events").step
    _, spikes = jax.jit(lambda begin: iterate(step, KEY, begin, length=1200))(begin)
    jax.tree.map(np.testing.assert_array_equal, spikes, whole[1])


def test_a_sweep_is_vmap(whole, begin):
    """One compilation for all decay times, as the numbers are leaves."""

    def run(decay):
        return iterate(small(decay=decay).step, KEY, begin, length=1200, observe=circuits.rates)[1]

    rates = jax.jit(jax.vmap(run))(jnp.array([9.0, 30.0]))
    np.testing.assert_allclose(rates["e"][0].sum() * 12, whole[1]["e"].sum(), rtol=1e-5)
    assert rates["e"][1].sum() < rates["e"][0].sum()


def test_networks_of_one_structure_share_what_was_compiled(begin):
    step = jax.jit(lambda step, state: step(KEY, state, None))
    for decay in (9.0, 12.0):
        step(small(decay=decay).step, begin)
    assert step._cache_size() == 1


def test_two_cells_with_a_junction_share_their_deviation():
    """Far below threshold, a slow current into one: the other follows by the coupling ratio of its slope conductance."""
    there, back = (circuits.Junctions(a, b, connectivity.one_to_one(1), 0.05) for a, b in ("xy", "yx"))
    cells = {name: circuits.Population(PYRAMIDAL, PYRAMIDAL.params(), 1) for name in "xy"}
    with jax.enable_x64(True):
        network = circuits.network(cells, [there, back], 0.05)
        state = jax.jit(network.init)(KEY)
        rest = state.cells["x"].voltage
        pushed = {"x": jnp.full((4000, 1), -0.05)}
        state, _ = jax.jit(lambda state, pushed: iterate(network.step, KEY, state, pushed))(state, pushed)
        moved = [state.cells[name].voltage - rest for name in "xy"]

        def current(voltage):
            held = PYRAMIDAL.steady(PYRAMIDAL.params(), voltage)
            return sum(PYRAMIDAL.currents(PYRAMIDAL.params(), held).values())

        slope = jax.grad(current)(rest[0] + 0.5 * moved[1][0])
    np.testing.assert_allclose(moved[1] / moved[0], coupling_ratio(0.05, slope), rtol=1e-3)


def test_fixed_in_degree_draws_different_sources_evenly():
    drawn = np.asarray(connectivity.fixed_in_degree(KEY, 20, 4000, 7))
    assert all(len(set(row)) == 7 for row in drawn)
    counts = np.bincount(drawn.ravel(), minlength=20)
    assert np.abs(counts - 1400).max() < 5 * np.sqrt(1400 * 0.65)
    others = np.asarray(connectivity.fixed_in_degree(KEY, 20, 20, 19, others=True))
    assert all(set(row) == set(range(20)) - {i} for i, row in enumerate(others))


def test_poisson_counts():
    counts = np.asarray(delivery.poisson(KEY, 0.4, jnp.zeros(200_000)))
    share = np.bincount(counts.astype(int), minlength=9)[:4] / counts.size
    np.testing.assert_allclose(share, poisson.pmf(np.arange(4), 0.4), atol=4e-3)
    rare = np.asarray(delivery.poisson(KEY, 0.0025, jnp.zeros(8_000_000)))  # P(3 or more) is 3e-9
    assert rare.max() == 2
    assert (rare == 2).sum() == pytest.approx(8e6 * poisson.pmf(2, 0.0025), abs=20)


def field(cell, current):
    """The published equations, with sodium activation at its steady state or moving, in NumPy."""
    xe = lambda x: x / np.expm1(x)  # noqa: E731
    if cell == "pyramidal":
        rates = lambda v: (  # noqa: E731
            (1.28 * xe(-(v + 54) / 4), 1.4 * xe((v + 27) / 5)),
            (0.128 * np.exp(-(v + 50) / 18), 4 / (1 + np.exp(-(v + 27) / 5))),
            (0.16 * xe(-(v + 52) / 5), 0.5 * np.exp(-(v + 57) / 40)),
        )
        g, e = (100, 80, 0.1), (50, -100, -67)
    else:
        rates = lambda v: tuple(  # noqa: E731
            (5 * a, 5 * b)
            for a, b in (
                (xe(-(v + 35) / 10), 4 * np.exp(-(v + 60) / 18)),
                (0.07 * np.exp(-(v + 58) / 20), 1 / (1 + np.exp(-(v + 28) / 10))),
                (0.1 * xe(-(v + 34) / 10), 0.125 * np.exp(-(v + 44) / 80)),
            )
        )
        g, e = (35, 9, 0.1), (55, -90, -65)

    def slope(t, y):
        v, h, n = y
        (am, bm), (ah, bh), (an, bn) = rates(v)
        m = am / (am + bm)
        outward = g[0] * m**3 * h * (v - e[0]) + g[1] * n**4 * (v - e[1]) + g[2] * (v - e[2])
        return [current - outward, ah * (1 - h) - bh * h, an * (1 - n) - bn * n]

    return slope


@pytest.mark.parametrize("cell", ["pyramidal", "interneuron"])
def test_hippocampal_cells_fire_as_published(cell):
    """Against the published three-variable equations in SciPy: m that moves costs a few per cent of the rate."""
    membrane = {"pyramidal": PYRAMIDAL, "interneuron": INTERNEURON}[cell]
    exact = solve_ivp(field(cell, 1.0), (0, 300), [-65.0, 0.7, 0.1], max_step=0.5, rtol=1e-6, dense_output=True)
    v = exact.sol(np.arange(0, 300, 0.05))[0]
    up = 0.05 * np.flatnonzero((v[:-1] < 0) & (v[1:] >= 0))
    trace = np.asarray(simulate(membrane, membrane.params(), 1.0, duration=300.0, dt=0.05)[1])
    ours = 0.05 * np.flatnonzero((trace[:-1] < 0) & (trace[1:] >= 0))
    assert np.diff(ours)[3:].mean() == pytest.approx(np.diff(up)[3:].mean(), rel=0.05)


@pytest.mark.parametrize(
    ("synapse", "words"),
    [
        (circuits.Poisson("z", 1.0, 1.0, FAST), "no population 'z'"),
        (circuits.Projection("a", "a", jnp.zeros((3, 1), int), 1.0, FAST, 1.0), "2 neurons"),
        (circuits.Projection("a", "a", jnp.full((2, 1), 5), 1.0, FAST, 1.0), "neurons 0 to 1"),
        (circuits.Projection("a", "a", jnp.zeros((2, 1), int), 1.0, FAST, 0.01), "at least one step"),
        (circuits.Projection("a", "a", jnp.zeros((2, 1), int), 1.0, FAST, np.ones((2, 2))), "equal shapes"),
    ],
)
def test_errors_name_what_is_wrong(synapse, words):
    with pytest.raises(ValueError, match=words):
        circuits.network({"a": squids(2)}, [synapse], 0.05)


def test_too_many_sources_are_refused():
    with pytest.raises(ValueError, match="degree is 5"):
        connectivity.fixed_in_degree(KEY, 5, 5, 5, others=True)
