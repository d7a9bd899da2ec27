"""Acrobot, MountainCar and Pendulum against Gymnasium's, step by step, and against mechanics."""

import math

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.games import acrobot, mountain_car, pendulum
from redes_jax.process import iterate

EPISODES, FRAMES = 24, 120


def _acrobot_plan(random):
    starts = random.uniform(-0.1, 0.1, (EPISODES, 4))
    starts[EPISODES // 2 :] = random.uniform(-1, 1, (EPISODES - EPISODES // 2, 4)) * [np.pi, np.pi, 6, 12]
    return starts, random.integers(0, 3, (EPISODES, FRAMES))


def _car_plan(random):
    starts = np.stack([random.uniform(-1.2, 0.6, EPISODES), random.uniform(-0.07, 0.07, EPISODES)], 1)
    return starts, random.integers(0, 3, (EPISODES, FRAMES))


def _pendulum_plan(random):
    starts = random.uniform(-1, 1, (EPISODES, 2)) * [3 * np.pi, 8]
    return starts, random.uniform(-3, 3, (EPISODES, FRAMES))


GAMES = {
    "Acrobot-v1": (acrobot, acrobot.acrobot(), _acrobot_plan),
    "MountainCar-v0": (mountain_car, mountain_car.mountain_car(), _car_plan),
    "Pendulum-v1": (pendulum, pendulum.pendulum(), _pendulum_plan),
}


@pytest.fixture(scope="module", params=GAMES)
def played(request):
    """Gymnasium's game under random actions, past its end: starts, actions, and what each frame gave."""
    module, world, plan = GAMES[request.param]
    starts, actions = plan(np.random.default_rng(0))
    gymnasium.logger.min_level = gymnasium.logger.ERROR
    game = gymnasium.make(request.param).unwrapped
    states, rewards, ends = [], [], []
    for start, actions_of_one in zip(starts, actions, strict=True):
        game.reset()
        game.state = start.copy()
        for action in actions_of_one:
            _, reward, terminated, _, _ = game.step([action] if request.param == "Pendulum-v1" else int(action))
            states.append(np.array(game.state, float))
            rewards.append(reward)
            ends.append(terminated)
    shape = (EPISODES, FRAMES)
    states = np.reshape(states, (*shape, starts.shape[1]))
    return module, world, starts, actions, states, np.reshape(rewards, shape), np.reshape(ends, shape)


def _observed(module, states):
    """Gymnasium rounds what it shows to float32, so its observation is computed again from its state."""
    if module is acrobot:
        return np.concatenate(
            [f(states[..., i : i + 1]) for i in (0, 1) for f in (np.cos, np.sin)] + [states[..., 2:]], -1
        )
    if module is pendulum:
        return np.stack([np.cos(states[..., 0]), np.sin(states[..., 0]), states[..., 1]], -1)
    return states


def test_whole_games_equal_gymnasiums_in_float64(played):
    """As far as chaos lets them: a fast acrobot doubles the last bit's error several times a second."""
    module, world, starts, actions, states, rewards, ends = played
    frames = 25 if module is acrobot else FRAMES
    actions, states, rewards, ends = (array[:, :frames] for array in (actions, states, rewards, ends))
    with jax.enable_x64(True):

        def episode(start, plan):
            state = module.State(*start, time=jnp.zeros((), jnp.int32))
            return iterate(world.step, jax.random.key(0), state, plan, observe=lambda state, output: (state, output))[1]

        ours, output = jax.jit(jax.vmap(episode))(jnp.asarray(starts, jnp.float64), jnp.asarray(actions))
        assert output.observation.dtype == output.reward.dtype == jnp.float64
        np.testing.assert_allclose(np.stack(ours[:-1], -1), states, rtol=0, atol=1e-9)
        np.testing.assert_allclose(output.observation, _observed(module, states), rtol=0, atol=1e-8)
        np.testing.assert_allclose(output.reward, rewards, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(output.terminated, ends)
    assert module is pendulum or 0 < ends.mean() < 1


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 5e-5)])
def test_each_step_equals_gymnasiums(played, dtype, tolerance):
    module, world, starts, actions, states, rewards, ends = played
    before = np.concatenate([starts[:, None], states[:, :-1]], 1).astype(dtype)
    with jax.enable_x64(dtype == np.float64):
        state = module.State(*np.moveaxis(before, -1, 0), time=np.zeros(before.shape[:2], np.int32))
        after, output = jax.jit(world.step)(None, jax.tree.map(jnp.asarray, state), jnp.asarray(actions))
        assert after[0].dtype == output.reward.dtype == output.observation.dtype == dtype
    apart = np.abs(np.stack(after[:-1], -1) - states)
    turn = 2 * np.pi if module is acrobot else np.inf
    assert np.minimum(apart, np.abs(apart - turn)).max() < tolerance
    np.testing.assert_allclose(output.reward, rewards, atol=tolerance)
    np.testing.assert_array_equal(output.terminated, ends)


@pytest.mark.parametrize("name", GAMES)
def test_time_is_up_as_in_gymnasium(name):
    module, world, _ = GAMES[name]
    limit = gymnasium.spec(name).max_episode_steps
    assert limit is not None
    state = world.init(jax.random.key(0))._replace(time=jnp.int32(limit - 2))
    action = jnp.float32(0) if module is pendulum else jnp.int32(1)
    for expected in (False, True, True):
        state, output = world.step(None, state, action)
        assert output.truncated == expected and not output.terminated


@pytest.mark.parametrize(
    "name, bounds", [("Acrobot-v1", [0.1] * 4), ("MountainCar-v0", [0.1, 0]), ("Pendulum-v1", [math.pi, 1])]
)
def test_starts_are_those_of_gymnasium(name, bounds):
    world = GAMES[name][1]
    states = jax.vmap(world.init)(jax.random.split(jax.random.key(0), 2000))
    middle = [-0.5, 0] if name == "MountainCar-v0" else [0] * len(bounds)
    for numbers, centre, bound in zip(states[:-1], middle, bounds, strict=True):
        assert np.abs(numbers - centre).max() <= bound * (1 + 1e-6)
        np.testing.assert_allclose(np.std(numbers), bound / np.sqrt(3), atol=0.03 * bound)


def test_acrobot_without_torque_keeps_its_energy():
    """Runge-Kutta of order 4: halving the step divides the error of the energy by sixteen or more."""

    def energy(state):
        one, two, rate1, rate2 = state[:4]
        height1, height2 = -0.5 * jnp.cos(one), -jnp.cos(one) - 0.5 * jnp.cos(one + two)
        speed2 = rate1**2 + 0.25 * (rate1 + rate2) ** 2 + rate1 * (rate1 + rate2) * jnp.cos(two)
        kinetic = 0.5 * (0.25 * rate1**2 + speed2) + 0.5 * (rate1**2 + (rate1 + rate2) ** 2)
        return kinetic + 9.8 * (height1 + height2)

    with jax.enable_x64(True):
        start = acrobot.State(*jnp.array([0.6, -0.4, 0.5, 0.3]), time=jnp.zeros((), jnp.int32))
        errors = []
        for dt in (0.1, 0.05):
            world = acrobot.acrobot(acrobot.Physics(dt=dt))
            rest = jnp.ones(round(2 / dt), jnp.int32)
            end, _ = iterate(world.step, jax.random.key(0), start, rest)
            errors.append(abs(float(energy(end) - energy(start))))
    assert errors[0] < 0.05 and errors[1] < errors[0] / 16


def test_a_car_that_pushes_with_its_motion_arrives():
    """The known way up: always push where the car goes. It arrives in time, and full throttle alone does not."""
    world = mountain_car.mountain_car()

    def episode(policy):
        def frame(key, state, input):
            return world.step(key, state, policy(state))

        return iterate(frame, jax.random.key(0), world.init(jax.random.key(1)), length=200)[1]

    assert jax.jit(lambda: episode(lambda s: jnp.where(s.velocity >= 0, 2, 0)))().terminated.any()
    assert not jax.jit(lambda: episode(lambda s: jnp.int32(2)))().terminated.any()


def test_pictures_follow_the_mechanics():
    zero = jnp.zeros(2)
    time = zero.astype(jnp.int32)
    hanging = acrobot.render(acrobot.State(jnp.array([0.7, -0.7]), zero, zero, zero, time), width=120)
    np.testing.assert_array_equal(hanging[0], hanging[1][:, ::-1])
    upright = pendulum.render(pendulum.State(jnp.array([0, jnp.pi]), zero, time), width=120)
    red = np.abs(upright.astype(int) - [213, 94, 0]).sum(-1) < 40
    middles = [np.nonzero(picture)[0].mean() for picture in red]
    assert middles[0] < 45 and middles[1] > 75
    cars = mountain_car.render(mountain_car.State(jnp.array([-1.0, 0.3]), zero, time), width=180)
    blue = np.abs(cars.astype(int) - [0, 114, 178]).sum(-1) < 40
    columns = [np.nonzero(picture)[1].mean() for picture in blue]
    assert abs(columns[1] - columns[0] - 1.3 * 180 / 1.9) < 10
    assert all(film.dtype == np.uint8 for film in (hanging, upright, cars))
