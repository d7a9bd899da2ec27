"""CartPole against Gymnasium's, and its pictures against its geometry."""

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.games import cartpole
from redes_jax.process import iterate

EPISODES, FRAMES = 200, 80


@pytest.fixture(scope="module")
def gymnasium_episodes():
    """Gymnasium's CartPole-v1 under random actions, past the fall: starts, actions, and what each frame gave."""
    random = np.random.default_rng(0)
    starts = random.uniform(-0.05, 0.05, (EPISODES, 4))
    actions = random.integers(0, 2, (EPISODES, FRAMES))
    frames = []
    game = gymnasium.make("CartPole-v1").unwrapped
    gymnasium.logger.min_level = gymnasium.logger.ERROR
    for start, plan in zip(starts, actions, strict=True):
        game.reset()
        game.state = start.copy()
        episode = []
        for action in plan:
            _, reward, terminated, _, _ = game.step(int(action))
            episode.append([*game.state, reward, terminated])
        frames.append(episode)
    return starts, actions, np.array(frames)


def _replay(starts, actions, dtype):
    world = cartpole.cartpole()

    def episode(start, plan):
        state = cartpole.State(*start, time=jnp.zeros((), jnp.int32))
        return iterate(world.step, jax.random.key(0), state, plan)[1]

    return jax.jit(jax.vmap(episode))(jnp.asarray(starts, dtype), jnp.asarray(actions))


def test_equals_gymnasium_step_by_step_in_float64(gymnasium_episodes):
    starts, actions, frames = gymnasium_episodes
    with jax.enable_x64(True):
        ours = _replay(starts, actions, jnp.float64)
        assert ours.observation.dtype == jnp.float64
        # Chaos after the fall amplifies the last bit, so compare as far as a game is played.
        falls = np.where(frames[..., 5].any(1), frames[..., 5].argmax(1), FRAMES)
        played = np.arange(FRAMES) <= falls[:, None]
        np.testing.assert_allclose(np.asarray(ours.observation)[played], frames[..., :4][played], rtol=0, atol=1e-12)
        np.testing.assert_array_equal(ours.terminated[played], frames[..., 5][played])
        np.testing.assert_array_equal(ours.reward[played], frames[..., 4][played])
    assert played.sum() > 3000 and (falls < FRAMES).mean() > 0.9


def test_equals_gymnasium_in_float32(gymnasium_episodes):
    starts, actions, frames = gymnasium_episodes
    ours = _replay(starts, actions, jnp.float32)
    assert ours.observation.dtype == jnp.float32
    ours_fall, their_fall = np.asarray(ours.terminated).argmax(1), frames[..., 5].argmax(1)
    assert (ours_fall == their_fall).mean() == 1
    played = np.arange(FRAMES) <= their_fall[:, None]
    np.testing.assert_allclose(np.asarray(ours.observation)[played], frames[..., :4][played], rtol=0, atol=1e-4)


def test_nothing_is_earned_while_down(gymnasium_episodes):
    starts, actions, _ = gymnasium_episodes
    ours = _replay(starts, actions, jnp.float32)
    down = np.asarray(ours.terminated)
    assert down.any()
    np.testing.assert_array_equal(ours.reward[:, 0], 1)
    np.testing.assert_array_equal(ours.reward[:, 1:], ~down[:, :-1])


def test_time_is_up_as_in_gymnasium():
    """A policy that balances: Gymnasium truncates at frame 500 and does not terminate; so does ours."""
    game = gymnasium.make("CartPole-v1")
    game.reset(seed=0)
    start = game.unwrapped.state

    def balance(observation):
        return (observation @ jnp.array([0.1, 0.4, 3.0, 1.0]) > 0).astype(jnp.int32)

    world = cartpole.cartpole()

    def frame(key, state, input):
        return world.step(key, state, balance(world.observe(state)))

    state = cartpole.State(*jnp.asarray(start, jnp.float32), time=jnp.zeros((), jnp.int32))
    _, ours = jax.jit(lambda: iterate(frame, jax.random.key(0), state, length=501))()
    observation, theirs = np.asarray(start), []
    for _ in range(500):
        action = int(observation @ np.array([0.1, 0.4, 3.0, 1.0]) > 0)
        observation, _, terminated, truncated, _ = game.step(action)
        theirs.append((terminated, truncated))
    theirs = np.array(theirs)
    assert not theirs[:, 0].any() and theirs[-1, 1] and theirs[:, 1].sum() == 1
    np.testing.assert_array_equal(np.stack([ours.terminated[:500], ours.truncated[:500]], 1), theirs)
    assert ours.truncated[500]


def test_starts_are_those_of_gymnasium():
    states = jax.vmap(cartpole.init)(jax.random.split(jax.random.key(0), 4000))
    starts = np.asarray(cartpole.observe(states))
    assert starts.shape == (4000, 4)
    assert np.abs(starts).max() <= 0.05 and np.abs(starts).max() > 0.0499
    np.testing.assert_allclose(starts.mean(0), 0, atol=4 * 0.05 / np.sqrt(3 * 4000))
    assert np.abs(np.corrcoef(starts.T) - np.eye(4)).max() < 0.07


def test_the_physics_is_an_argument():
    """Without gravity the pole of a cart at rest pushed once turns as fast, and only as fast, as the push turned it."""
    physics = cartpole.Physics(gravity=0.0)
    upright = cartpole.State(*jnp.zeros(4), time=jnp.zeros((), jnp.int32))
    state, _ = cartpole.step(None, upright, jnp.array(1), physics)
    expected = -0.02 * (10 / 1.1) / (0.5 * (4 / 3 - 0.1 / 1.1))
    np.testing.assert_allclose(state.rate, expected, rtol=1e-6)


def test_pictures_show_the_pole_where_it_is():
    lean = jnp.array([0.0, 0.5, -0.5])
    still = jnp.zeros(3)
    frames = cartpole.render(cartpole.State(still, still, lean, still, still.astype(jnp.int32)), width=200)
    assert frames.shape == (3, 66, 200, 3) and frames.dtype == np.uint8
    orange = np.abs(frames.astype(int) - [230, 159, 0]).sum(-1) < 40
    middle = [np.nonzero(picture)[1].mean() for picture in orange]
    assert abs(middle[0] - 99.5) < 0.5
    np.testing.assert_array_equal(frames[1], frames[2][:, ::-1])
    scale = 200 / (2.5 * 2.4)
    assert abs(middle[1] - middle[0] - 0.5 * np.sin(0.5) * scale) < 0.05 * scale


def test_moving_the_cart_moves_the_picture():
    still = jnp.zeros(2)
    x = jnp.array([0.0, 1.2])
    frames = cartpole.render(cartpole.State(x, still, still, still, still.astype(jnp.int32)), width=300)
    blue = np.abs(frames.astype(int) - [0, 114, 178]).sum(-1) < 40
    centres = [np.nonzero(picture)[1].mean() for picture in blue]
    assert abs(centres[1] - centres[0] - 1.2 * 300 / 6.0) < 0.5
