"""Two poles on a cart against Lagrange's equations solved by other means, against energy, and against their picture."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from redes_jax.games import double_pole
from redes_jax.process import iterate

SMOOTH = double_pole.WIELAND._replace(cart_friction=0.0)  # Coulomb's friction jumps, which no adaptive integrator likes


def _lagrange(physics):
    """From kinetic and potential energy alone: the mass matrix of cart and rods, solved numerically."""
    masses, halves = (physics.long_mass, physics.short_mass), (physics.long_half, physics.short_half)

    def slope(t, y, force):
        x, v, a, w, b, u = y
        matrix, right = np.zeros((3, 3)), np.zeros(3)
        matrix[0, 0], right[0] = physics.cart_mass + sum(masses), force - physics.cart_friction * np.sign(v)
        for i, (m, half, angle, rate) in enumerate(zip(masses, halves, (a, b), (w, u), strict=True), 1):
            moment = m * half
            matrix[0, i] = matrix[i, 0] = moment * np.cos(angle)
            matrix[i, i] = m * half**2 + m * (2 * half) ** 2 / 12  # a rod about its end
            right[0] += moment * rate**2 * np.sin(angle)
            right[i] = moment * physics.gravity * np.sin(angle) - physics.hinge_friction * rate
        thrust, first, second = np.linalg.solve(matrix, right)
        return [v, thrust, w, first, u, second]

    return slope


def _energy(state, physics):
    kinetic = physics.cart_mass * state.velocity**2 / 2
    potential = 0.0
    for m, half, angle, rate in (
        (physics.long_mass, physics.long_half, state.long_angle, state.long_rate),
        (physics.short_mass, physics.short_half, state.short_angle, state.short_rate),
    ):
        across = state.velocity + half * np.cos(angle) * rate
        up = -half * np.sin(angle) * rate
        kinetic = kinetic + m * (across**2 + up**2) / 2 + m * (2 * half) ** 2 / 12 * rate**2 / 2
        potential = potential + m * physics.gravity * half * np.cos(angle)
    return kinetic + potential


def _start(values):
    return double_pole.State(*map(jnp.asarray, values), time=jnp.zeros((), jnp.int32))


def _random_states(count, seed=0):
    low, high = np.array([-2, -2, -0.6, -2, -0.6, -6]), np.array([2, 2, 0.6, 2, 0.6, 6])
    return low + (high - low) * np.random.default_rng(seed).random((count, 6))


def test_accelerations_are_those_of_lagrange():
    slope = _lagrange(double_pole.WIELAND)
    states = _random_states(200)
    forces = np.random.default_rng(1).uniform(-10, 10, 200)
    expected = np.array([slope(0, y, force)[1::2] for y, force in zip(states, forces, strict=True)])
    with jax.enable_x64(True):
        found = double_pole.accelerations(_start(states.T), jnp.asarray(forces))
    np.testing.assert_allclose(np.stack(found, -1), expected, rtol=1e-9, atol=1e-9)


def test_an_action_is_the_exact_solution_to_the_order_of_the_method():
    """Two Runge-Kutta steps against SciPy at 1e-12, and sixteen times nearer with half the step."""
    slope, errors = _lagrange(SMOOTH), []
    states, forces = _random_states(20), np.random.default_rng(1).uniform(-10, 10, 20)
    exact = [
        solve_ivp(slope, (0, 0.02), y, args=(force,), method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
        for y, force in zip(states, forces, strict=True)
    ]
    with jax.enable_x64(True):
        for parts in (1, 2):
            physics, state = SMOOTH._replace(dt=0.01 / parts), _start(states.T)
            for _ in range(parts):
                state, output = double_pole.step(None, state, jnp.asarray(forces), physics)
            errors.append(np.abs(output.observation - np.array(exact)).max())
    assert errors[0] < 2e-5
    assert 10 < errors[0] / errors[1] < 30


def test_energy_is_kept_without_friction_and_force():
    physics = SMOOTH._replace(hinge_friction=0.0)
    with jax.enable_x64(True):
        state = _start([0.3, 0.5, 0.4, -1.0, -0.3, 2.0])
        world = double_pole.double_pole(physics=physics)
        _, states = iterate(world.step, jax.random.key(0), state, jnp.zeros(300), observe=lambda state, _: state)
        energy, first = (np.asarray(_energy(each, physics)) for each in (states, state))
    np.testing.assert_allclose(energy, first, rtol=1e-4)
    assert np.ptp(np.asarray(jax.tree.leaves(states)[2])) > 1  # the poles went round


def test_the_episode_ends_off_the_track_or_when_either_pole_leans():
    edge = [2.4, 0, np.radians(36), 0, np.radians(36), 0]
    for place in (0, 2, 4):
        for sign in (1, -1):
            for factor, over in ((0.999, False), (1.001, True)):
                values = np.zeros(6)
                values[place] = sign * factor * edge[place]
                assert bool(double_pole.fallen(_start(values))) == over
    world = double_pole.double_pole(physics=SMOOTH._replace(limit=3))
    _, output = iterate(world.step, jax.random.key(0), world.init(jax.random.key(1)), jnp.zeros(60))
    np.testing.assert_array_equal(output.truncated, np.arange(60) >= 2)
    standing = int(output.reward.sum())
    assert 5 < standing < 60 and not output.terminated[standing - 1] and output.terminated[standing]


def test_a_push_is_cut_off_and_moves_the_cart():
    state = double_pole.init(None)
    strong, stronger = (double_pole.step(None, state, jnp.asarray(force))[0] for force in (10.0, 99.0))
    np.testing.assert_array_equal(strong.velocity, stronger.velocity)
    assert strong.velocity == pytest.approx(10 / 1.1 * 0.02, rel=0.1)


def test_without_velocities_the_player_sees_three_numbers():
    world = double_pole.double_pole(velocities=False)
    state, output = world.step(None, world.init(jax.random.key(0)), jnp.asarray(1.0))
    np.testing.assert_array_equal(output.observation, [state.position, state.long_angle, state.short_angle])
    np.testing.assert_array_equal(world.observe(state), output.observation)


def test_picture_shows_the_poles_where_they_are():
    state = _start([[0.5], [0.0], [0.5], [0.0], [-0.4], [0.0]])
    [picture] = double_pole.render(state, width=600)
    scale = 600 / 6
    for colour, foot, angle, length in (((230, 159, 0), 0.4, 0.5, 1.0), ((0, 158, 115), 0.6, -0.4, 0.1)):
        rows, columns = np.nonzero(np.abs(picture.astype(int) - colour).sum(-1) < 30)
        across, up = (columns - 300) / scale - foot, (200 - rows) / scale - 0.55
        far = np.argmax(np.hypot(across, up))
        assert np.hypot(across[far], up[far]) == pytest.approx(length + 0.04, abs=0.03)
        assert np.arctan2(across.mean(), up.mean()) == pytest.approx(angle, abs=0.12)
