"""Trees against dense linear algebra, closed forms of the passive cable, NEURON, and the squid's axon of 1952."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.neurons import channels as ch
from redes_jax.neurons import hines, morphology, myelin, stimuli
from redes_jax.neurons.cable import Tree, cylinders, joined
from redes_jax.neurons.membrane import SQUID, compose
from redes_jax.neurons.schemes import RUSH_LARSEN, SCHEMES
from redes_jax.neurons.simulation import simulate

PASSIVE = compose(ch.LEAK)
REST = -54.387
solve = jax.jit(hines.solve, static_argnums=0)


def random_tree(seed, size, reach):
    """Parents drawn among the last ``reach`` nodes: 1 is a cable, many is a bush."""
    rng = np.random.default_rng(seed)
    return (-1, *(int(rng.integers(max(0, i - reach), i)) for i in range(1, size)))


def dense(parents, excess, coupling):
    """The same equations as a full matrix."""
    matrix = np.diag(excess)
    for i, p in enumerate(parents[1:], 1):
        matrix[[i, p], [i, p]] += coupling[i]
        matrix[[i, p], [p, i]] -= coupling[i]
    return matrix


@pytest.mark.parametrize(("size", "reach"), [(1, 1), (2, 1), (17, 1), (40, 3), (60, 60)])
def test_solve_equals_dense_solve(size, reach):
    rng, parents = np.random.default_rng(size), random_tree(size, size, reach)
    excess, coupling, right = rng.random(size), 10 ** rng.uniform(-3, 3, size), rng.normal(size=size)
    coupling[0] = 0
    with jax.enable_x64(True):
        ours = solve(parents, *map(jnp.asarray, (excess, coupling, right)))
    np.testing.assert_allclose(ours, np.linalg.solve(dense(parents, excess, coupling), right), rtol=1e-9)


def test_float32_suffices_where_the_matrix_is_almost_singular():
    """Couplings a million times what holds the voltage: elimination that subtracts would lose all digits."""
    parents = random_tree(0, 60, 2)
    rng = np.random.default_rng(1)
    excess, coupling = 1e-3 * rng.random(60), np.r_[0, 1e3 * rng.random(59)]
    voltage = solve(parents, *(jnp.asarray(x, jnp.float32) for x in (excess, coupling, -65.0 * excess)))
    np.testing.assert_allclose(voltage, -65.0, rtol=1e-5)


def test_rounds_are_few():
    assert len(hines.rounds(random_tree(0, 1024, 1))) <= 11
    assert len(hines.rounds(random_tree(0, 1024, 4))) <= 16


def test_derivatives_of_the_solve():
    """Reverse mode against finite differences of the dense solve, and forward against reverse."""
    parents, rng = random_tree(3, 12, 3), np.random.default_rng(3)
    weights = rng.normal(size=12)
    at = [0.1 + rng.random(12), np.r_[0, rng.random(11)], rng.normal(size=12)]

    def loss(excess, coupling, right):
        return jnp.sum(jnp.asarray(weights) * hines.solve(parents, excess, coupling, right) ** 2)

    def exact(excess, coupling, right):
        return np.sum(weights * np.linalg.solve(dense(parents, excess, coupling), right) ** 2)

    with jax.enable_x64(True):
        reverse, forward = (jax.jit(d(loss, (0, 1, 2)))(*map(jnp.asarray, at)) for d in (jax.grad, jax.jacfwd))
    for k in range(3):
        np.testing.assert_allclose(forward[k], reverse[k], rtol=1e-10)
        for i in range(1, 12):
            low, high = ([x.copy() for x in at] for _ in range(2))
            low[k][i] -= 1e-6
            high[k][i] += 1e-6
            assert reverse[k][i] == pytest.approx((exact(*high) - exact(*low)) / 2e-6, rel=1e-5, abs=1e-8)


def cable(length, count, diameter=2.0, resistivity=100.0):
    tree = Tree(PASSIVE, joined(range(-1, count - 1)))
    return tree, tree.params(cylinders(np.full(count, length / count), diameter, resistivity))


LAMBDA = 1e4 * np.sqrt(2.0e-4 / (4 * 100.0 * 0.3e-3))  # um: sqrt(d / (4 Ra g)), in cm before


def at_rest_under(tree, params, current):
    """The steady state, through rest(); the current in nA goes into compartment 0."""
    return np.asarray(tree.rest(params, tree.inject(params, 0, current)(0.0)).voltage) - REST


FINENESS = 200  # of the passive cables, alike so that they compile once


def test_finite_cable():
    """A sealed cable fed at its end: V = I R_inf cosh((L - x) / lambda) / sinh(L / lambda), R_inf = 4 Ra lambda / pi d^2."""
    length, count = 1.5 * LAMBDA, FINENESS
    infinite = 0.01 * 100.0 * LAMBDA * 4 / (np.pi * 2.0**2)  # Mohm
    with jax.enable_x64(True):
        voltage = at_rest_under(*cable(length, count), 0.05)
    x = (np.arange(count) + 0.5) * length / count
    expected = 0.05 * infinite * np.cosh((length - x) / LAMBDA) / np.sinh(length / LAMBDA)
    np.testing.assert_allclose(voltage, expected, rtol=1e-4)


def test_long_cable_decays_by_e_in_a_length_constant():
    with jax.enable_x64(True):
        voltage = at_rest_under(*cable(10 * LAMBDA, FINENESS), 0.05)
    slope = np.diff(np.log(voltage[: FINENESS // 2])) / (10 / FINENESS)
    np.testing.assert_allclose(slope, -1.0, rtol=2e-4)


def test_error_falls_as_the_square_of_the_compartment():
    length, errors = LAMBDA, []
    infinite = 0.01 * 100.0 * LAMBDA * 4 / (np.pi * 2.0**2)
    for count in (11, 33):
        with jax.enable_x64(True):
            voltage = at_rest_under(*cable(length, count), 0.05)
        errors.append(abs(voltage[count // 2] - 0.05 * infinite * np.cosh(0.5) / np.sinh(1.0)))
    assert np.log(errors[0] / errors[1]) / np.log(3) == pytest.approx(2.0, abs=0.05)


def test_two_equal_branches_are_one_cable():
    """Rall's equivalent cylinder: branches with d^(3/2) summing to the parent's are as the parent going on."""
    count, stretch = 8, 0.5 * LAMBDA / 8
    thin = 2.0 / 2 ** (2 / 3)
    parents = [
        *range(-1, count - 1),
        count - 1,
        *range(count, 2 * count - 1),
        count - 1,
        *range(2 * count, 3 * count - 1),
    ]
    ratio = np.sqrt(thin / 2.0)
    lengths = np.r_[np.full(count, stretch), np.full(2 * count, stretch * ratio)]
    tree = Tree(PASSIVE, joined(parents))
    with jax.enable_x64(True):
        params = tree.params(cylinders(lengths, np.r_[np.full(count, 2.0), np.full(2 * count, thin)], 100.0))
        branched, straight = at_rest_under(tree, params, 0.05), at_rest_under(*cable(LAMBDA, 2 * count), 0.05)
    assert len(tree.wiring.parents) == 3 * count + 1
    np.testing.assert_allclose(branched[:count], straight[:count], rtol=1e-9)
    np.testing.assert_allclose(branched[count : 2 * count], straight[count:], rtol=1e-9)
    np.testing.assert_allclose(branched[count : 2 * count], branched[2 * count :], rtol=1e-9)


BUSH = joined([-1, 0, 0, 1, 1, 2, 5, 0], [1, 1, 1, 1, 1, 0.5, 1, 0])


def bush(length=50.0):
    tree = Tree(SQUID, BUSH)
    size = cylinders(jnp.full(8, 1.0) * length, np.array([20.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 3.0]), 100.0)
    return tree, tree.params(size, sodium=120.0 * np.array([1.0, 1, 0.5, 1, 0.5, 1, 1, 0.5]))


def held(tree, params, *cells):
    """The membrane settled at -65 mV everywhere: cheaper to compile than its rest."""
    return tree.steady(params, jnp.full((tree.wiring.compartments, *cells), -65.0))


def test_axial_currents_add_up_to_nothing():
    tree, params = bush()
    currents = np.asarray(tree.axial(params, jnp.linspace(-80.0, 20.0, 8)), float)
    assert abs(currents.sum()) < 1e-5 * abs(currents).sum()
    assert abs(currents).min() > 0


def test_rest_does_not_move():
    tree, params = bush()
    with jax.enable_x64(True):
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), params)
        rest = tree.rest(params)
        assert np.ptp(rest.voltage) > 0.01
        for slope in jax.tree.leaves(tree.vector_field(params, rest)):
            np.testing.assert_allclose(slope, 0.0, atol=1e-9)


@pytest.fixture(scope="module")
def exact_spike():
    """6 ms of the bush by an adaptive method of order 5, and the stimulus."""
    tree, params = bush()
    control = diffrax.PIDController(rtol=1e-8, atol=1e-8)
    with jax.enable_x64(True):
        return simulate(
            tree, params, tree.inject(params, 3, 0.5), duration=6.0, dt=0.02, scheme=diffrax.Tsit5(),
            stepsize_controller=control, max_steps=200_000,
        )[1]  # fmt: skip


@pytest.mark.parametrize(("scheme", "order"), [("implicit", 1), ("staggered", 2), ("forward_euler", 1)])
def test_schemes_converge_to_the_adaptive_solution(scheme, order, exact_spike):
    tree, params = bush()
    steps, errors = ((0.001, 0.0005) if scheme == "forward_euler" else (0.02, 0.01)), []
    for dt in steps:
        with jax.enable_x64(True):
            _, trace = simulate(tree, params, tree.inject(params, 3, 0.5), duration=6.0, dt=dt, scheme=SCHEMES[scheme])
        every = round(0.02 / dt)
        errors.append(np.abs(trace[every - 1 :: every] - exact_spike).max())
    assert np.max(exact_spike) > 0
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.25)


def test_rush_larsen_names_the_remedy():
    tree, params = bush()
    with pytest.raises(ValueError, match="use the scheme 'implicit' or 'staggered'"):
        simulate(tree, params, duration=1.0, scheme=RUSH_LARSEN, state=held(tree, params))


def test_cells_side_by_side_equal_vmap():
    tree, params = bush()
    currents = jnp.array([0.0, 0.3, 0.6])
    _, lanes = simulate(tree, params, tree.inject(params, 3, currents), duration=3.0, state=held(tree, params, 3))
    start = held(tree, params)
    one = lambda current: simulate(tree, params, tree.inject(params, 3, current), duration=3.0, state=start)[1]  # noqa: E731
    assert lanes.shape == (120, 8, 3)
    np.testing.assert_allclose(jax.vmap(one, out_axes=-1)(currents), lanes, atol=2e-3)


def test_gradient_through_a_spike():
    """Of a voltage loss in a length, a diameter, a density and a resistivity: finite differences, reverse, forward."""
    tree = Tree(SQUID, BUSH)

    def loss(x):
        size = cylinders(jnp.full(8, 50.0).at[1].set(x[0]), jnp.full(8, 3.0).at[0].set(x[1]), x[3])
        params = tree.params(size, sodium=jnp.full(8, 120.0).at[2].set(x[2]))
        stimulus = tree.inject(params, 3, stimuli.pulse(1.0, 0.2, 1.0))
        error = lambda state: (state.voltage[0] + 50.0) ** 2  # noqa: E731
        return simulate(tree, params, stimulus, duration=3.0, state=held(tree, params), observe=error)[1].mean()

    with jax.enable_x64(True):
        x = jnp.array([60.0, 20.0, 100.0, 80.0])
        reverse, way = jax.jit(jax.grad(loss))(x), jnp.array([1.0, -2.0, 3.0, 0.5])
        value, forward = jax.jit(lambda x: jax.jvp(loss, (x,), (way,)))(x)
        only = jax.jit(loss)
        steps = 1e-5 * np.diag(x)
        numeric = [(only(x + d) - only(x - d)) / (2 * d.sum()) for d in steps]
    assert value > 100
    np.testing.assert_allclose(reverse, numeric, rtol=1e-5)
    np.testing.assert_allclose(forward, np.asarray(reverse) @ np.asarray(way), rtol=1e-8)


def test_synapses_anywhere_act_as_a_conductance():
    """A strong synapse on one compartment holds it near its reversal potential; its neighbours are pulled along."""
    tree, params = bush()
    _, trace = simulate(tree, params, tree.synapse(params, 3, 1.0, -90.0), duration=20.0, state=held(tree, params))
    assert trace[-1, 3] == pytest.approx(-90.0, abs=1.0)
    assert trace[-1, 3] < trace[-1, 1] < trace[-1, 0] < REST


@pytest.mark.parametrize(
    ("parents", "at", "message"),
    [
        ([-1, 1], 1.0, "compartment 1 hangs on 1"),
        ([-1, -1], 1.0, "compartment 1 hangs on -1"),
        ([-1, 0], 0.7, "compartment 0 is joined at 0.7"),
    ],
)
def test_wrong_wiring_is_named(parents, at, message):
    with pytest.raises(ValueError, match=message):
        joined(parents, at)


def test_wrong_sizes_are_named():
    tree, params = bush()
    with pytest.raises(ValueError, match="geometry has shape .* and the tree 8 compartments"):
        tree.params(cylinders(np.ones(7), 1.0))
    with pytest.raises(ValueError, match="leading axis of 5|broadcast|shapes"):
        simulate(tree, params, jnp.ones(5), duration=1.0)


def velocity(trace, distance, dt):
    """m/s between a third and two thirds of the way, from the times at which the potential crosses 0 mV."""
    near, far = (int(np.searchsorted(distance, share * distance[-1])) for share in (1 / 3, 2 / 3))

    def crossing(i):
        k = int(np.argmax(trace[:, i] > 0))
        return dt * (k - trace[k, i] / (trace[k, i] - trace[k - 1, i]))

    return (distance[far] - distance[near]) / 1000 / (crossing(far) - crossing(near))


@pytest.fixture(scope="module")
def axons():
    """Velocity and height of the spike in four axons side by side: the squid's at 18.5 C and 6.3 C, a half and a quarter as
    wide at 18.5 C; all cut into pieces of 400 um.
    """
    diameters, celsius = np.array([476.0, 476.0, 238.0, 119.0]), np.array([18.5, 6.3, 18.5, 18.5])
    tree = Tree(SQUID, joined(range(-1, 149)))
    params = tree.params(cylinders(np.full((150, 1), 400.0), diameters, 35.4))
    params = params._replace(membrane=params.membrane._replace(rate_factor=ch.q10(celsius)[None]))
    shock = stimuli.pulse(2e4 * (diameters / 476.0) ** 1.5, 0.0, 0.2)
    _, trace = simulate(
        tree, params, tree.inject(params, 0, shock), duration=6.0, dt=0.005, state=held(tree, params, 4)
    )
    trace, distance = np.asarray(trace, float), 400.0 * (np.arange(150) + 0.5)
    return diameters, [velocity(trace[..., k], distance, 0.005) for k in range(4)], trace[:, 75].max(0) + 65.0


def test_squid_axon_of_1952(axons):
    _, speeds, heights = axons
    assert speeds[0] == pytest.approx(18.73, rel=0.01)
    assert speeds[1] == pytest.approx(12.31, rel=0.01)
    assert heights[0] == pytest.approx(90.57, abs=0.1)


def test_velocity_grows_as_the_root_of_the_diameter(axons):
    """One length of compartment for every diameter, so that nothing but the cable equation scales it."""
    diameters, speeds, _ = axons
    assert np.polyfit(np.log(diameters[[0, 2, 3]]), np.log(np.array(speeds)[[0, 2, 3]]), 1)[0] == pytest.approx(
        0.5, abs=0.01
    )
    assert speeds[2] / np.sqrt(238.0) == pytest.approx(0.8585, rel=0.01)


def test_myelin_makes_it_leap():
    """With myelin a 10 um fibre outruns a bare axon of ten times its diameter, and its nodes fire one after another."""
    cell = myelin.fibre(10.0, 12)
    tree = Tree(SQUID, cell.wiring)
    params = myelin.wrapped(tree, cell, 10.0, rate_factor=ch.q10(20.0))
    _, trace = simulate(
        tree,
        params,
        tree.inject(params, 0, stimuli.pulse(3.0, 0.0, 0.2)),
        duration=2.0,
        dt=0.005,
        state=held(tree, params),
    )
    at = np.flatnonzero(cell.on("node"))
    assert velocity(np.asarray(trace[:, at], float), cell.distance[at], 0.005) > 0.8585 * np.sqrt(100.0)
    assert (np.diff(np.argmax(np.asarray(trace[:, at]) > 0, axis=0)) > 0).all()


@pytest.fixture(scope="module")
def neuron():
    module = pytest.importorskip("neuron", reason="NEURON is not installed: pip install neuron")
    module.h.load_file("stdrun.hoc")
    return module.h


@pytest.mark.parametrize(("scheme", "second_order", "bound"), [("implicit", 0, 1e-6), ("staggered", 2, 0.25)])
@pytest.mark.parametrize("branched", [False, True])
def test_equals_neuron(neuron, branched, scheme, second_order, bound):
    """Voltages of every compartment at every step. NEURON's backward Euler takes voltage and gates in the other order,
    which from the steady state is the same. Its staggered gates are exponential, ours Crank-Nicolson: that is a
    microsecond on an upstroke of 200 mV/ms.
    """
    shape = [("soma", 20.0, 20.0, -1, 1), ("trunk", 300.0, 3.0, 0, 7)]
    if branched:
        shape += [("left", 200.0, 1.5, 1, 5), ("right", 250.0, 2.0, 1, 5), ("axon", 400.0, 1.0, 0, 9)]
    sections = []
    for name, length, diameter, parent, count in shape:
        section = neuron.Section(name=name)
        section.L, section.diam, section.nseg, section.Ra = length, diameter, count, 120.0
        section.insert("hh")
        section.el_hh = REST
        if parent >= 0:
            section.connect(sections[parent](1))
        sections.append(section)
    clamp = neuron.IClamp(sections[0](0.5))
    clamp.dur, clamp.amp = 1e9, 0.5
    neuron.celsius, neuron.dt, neuron.usetable_hh, neuron.secondorder = 6.3, 0.025, 0, second_order
    records = [neuron.Vector().record(segment._ref_v) for section in sections for segment in section]
    neuron.finitialize(-65.0)
    neuron.continuerun(10.0)
    theirs = np.array([list(record) for record in records]).T[1:401]

    cell = morphology.cut(
        [morphology.Section(name, *size, parent, 1.0, count) for name, *size, parent, count in shape], 120.0
    )
    tree = Tree(SQUID, cell.wiring)
    with jax.enable_x64(True):
        params = tree.params(cell.geometry)
        state = tree.steady(params, jnp.full(len(cell.kinds), -65.0))
        _, ours = simulate(
            tree, params, tree.inject(params, 0, 0.5), duration=10.0, scheme=SCHEMES[scheme], state=state
        )
    assert theirs.max() > 20
    np.testing.assert_allclose(ours, theirs, atol=bound)
