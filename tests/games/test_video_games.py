"""Breakout, Snake and Flappy: each rule against the rule, a whole game against a slow one in plain Python, players, films."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from redes_jax.games import breakout, flappy, snake
from redes_jax.process import iterate

GAMES = {
    "breakout": (breakout, breakout.breakout()),
    "snake": (snake, snake.snake()),
    "flappy": (flappy, flappy.flappy()),
}
EPISODES, FRAMES = 64, 300


def _play(name, player):
    """Episodes under a player: states before each frame, actions, outputs, and whether the game was still on."""
    module, world = GAMES[name]

    def episode(key):
        start, frames = jax.random.split(key)

        def frame(key, state, input):
            play, choose = jax.random.split(key)
            random = jax.random.randint(choose, (), 0, module.ACTIONS)
            action = {"random": random, "expert": module.expert(state)}[player]
            after, output = world.step(play, state, action)
            return after, (state, action, output)

        return iterate(frame, frames, world.init(start), length=FRAMES)[1]

    states, actions, output = jax.jit(jax.vmap(episode))(jax.random.split(jax.random.key(0), EPISODES))
    over = np.asarray(output.terminated | output.truncated)
    on = np.cumsum(over, axis=1) - over == 0
    return jax.tree.map(np.asarray, (states, actions, output)), on


@pytest.fixture(scope="module")
def games():
    return {(name, player): _play(name, player) for name in GAMES for player in ("random", "expert")}


def _score(game):
    (_, _, output), on = game
    return (output.reward * on).sum(1).mean()


@pytest.mark.parametrize("name, good", [("breakout", 15), ("snake", 20), ("flappy", 45)])
def test_a_hand_written_player_is_far_above_a_random_one(games, name, good):
    assert _score(games[name, "random"]) < 1
    assert _score(games[name, "expert"]) > good


@pytest.mark.parametrize("name", GAMES)
def test_a_game_that_is_over_keeps_its_shapes_and_stays_finite(games, name):
    (_, _, output), on = games[name, "random"]
    assert not on.all()
    assert np.isfinite(output.observation).all() and output.observation.min() >= 0 and output.observation.max() <= 1
    assert output.observation.shape[:2] == (EPISODES, FRAMES) and output.observation.ndim == 5


@pytest.mark.parametrize("name", GAMES)
def test_a_batch_is_elementwise(name):
    """A batch stepped at once equals each stepped alone, wherever chance has no part."""
    module, world = GAMES[name]
    states = jax.vmap(world.init)(jax.random.split(jax.random.key(1), 12))
    if name == "breakout":
        world = breakout.breakout(breakout.Rules(sticky=0.0))
    actions = jnp.arange(12) % module.ACTIONS
    key = jax.random.key(0)
    at_once, seen = world.step(key, states, actions)
    alone, seen_alone = jax.vmap(world.step, (None, 0, 0))(key, states, actions)
    chance = {"flappy": ("next_gap",)}.get(name, ())
    for field in states._fields:
        if field not in chance:
            np.testing.assert_array_equal(getattr(at_once, field), getattr(alone, field), err_msg=field)
    if name != "flappy":
        np.testing.assert_array_equal(seen.observation, seen_alone.observation)
    np.testing.assert_array_equal(seen.terminated, seen_alone.terminated)
    np.testing.assert_array_equal(module.expert(states), jax.vmap(module.expert)(states))


@pytest.mark.parametrize("name", GAMES)
def test_films_are_fast_and_show_what_is_seen(games, name):
    module, _ = GAMES[name]
    (states, _, _), on = games[name, "expert"]
    film = jax.tree.map(lambda leaf: leaf[0], states)
    module.render(jax.tree.map(lambda leaf: leaf[:2], film), scale=8)
    start = time.perf_counter()
    frames = module.render(film, scale=16)
    assert time.perf_counter() - start < 0.01 * FRAMES
    side = frames.shape[1] // 16
    assert frames.shape == (FRAMES, 16 * side, 16 * side, 3) and frames.dtype == np.uint8
    seen = np.asarray(module.observe(film))
    changed = (seen[1:] != seen[:-1]).any(axis=-1)
    moved = (frames[1:] != frames[:-1]).reshape(FRAMES - 1, side, 16, side, 16, 3).any(axis=(2, 4, 5))
    assert not (moved & ~changed).any() or name == "flappy"
    assert (moved & changed).sum() > 0.4 * changed.sum()


# Breakout


def test_the_ball_never_changes_speed_and_moves_one_cell(games):
    (states, _, _), on = games["breakout", "expert"]
    assert (np.abs(states.down) == 1).all() and (np.abs(states.right) == 1).all()
    both = on[:, 1:]
    assert (np.abs(np.diff(states.row, axis=1))[both] <= 1).all()
    assert (np.abs(np.diff(states.column, axis=1))[both] <= 1).all()
    assert (states.column >= 0).all() and (states.column < 10).all()


def test_bricks_fall_one_by_one_and_each_earns_one(games):
    (states, _, output), on = games["breakout", "expert"]
    count = np.vectorize(lambda wall: bin(wall).count("1"))(states.bricks)
    np.testing.assert_array_equal(breakout.bricks(states), count)
    lost = count[:, :-1] - count[:, 1:]
    live = on[:, 1:]
    rebuilt = lost < 0
    np.testing.assert_array_equal(lost[live & ~rebuilt], output.reward[:, :-1][live & ~rebuilt])
    assert (count[:, :-1][rebuilt & live] == 0).all() and (count[:, 1:][rebuilt & live] == 30).all()


def test_the_wall_is_built_again_when_the_ball_comes_back_to_the_paddle():
    state = breakout.init(jax.random.key(0))._replace(bricks=jnp.int32(0), column=jnp.int32(4), right=jnp.int32(1))
    after, _ = breakout.step(jax.random.key(0), state, jnp.int32(0))
    assert breakout.bricks(after) == 0
    falling = state._replace(row=jnp.int32(8))
    after, output = breakout.step(jax.random.key(0), falling, jnp.int32(0))
    assert breakout.bricks(after) == 30 and after.down == -1 and not output.terminated


def _breakout_by_hand(state, paddle):
    """One frame of the rules without stickiness, in plain Python on a set of bricks."""
    row, column, down, right, wall = state
    next_row, next_column = row + down, column + right
    if not 0 <= next_column <= 9:
        next_column, right = column, -right
    if next_row < 0:
        next_row, down = row, -down
    reward, over = 0, False
    if (next_row, next_column) in wall:
        wall = wall - {(next_row, next_column)}
        next_row, down, reward = row, -down, 1
    if next_row == 9:
        if next_column == paddle:
            next_row, down = row, -down
        elif column == paddle:
            next_row, next_column, down, right = row, column, -down, -right
        else:
            over = True
        if not over and not wall:
            wall = frozenset((r, c) for r in (1, 2, 3) for c in range(10))
    return (next_row, next_column, down, right, wall), reward, over


def test_breakout_equals_a_plain_python_game():
    world = breakout.breakout(breakout.Rules(sticky=0.0))
    key = jax.random.key(3)
    plan = jax.random.randint(key, (40, 400), 0, 3)

    def episode(key, plan):
        def frame(key, state, noise):
            action = jnp.where(jax.random.bernoulli(key, 0.97), breakout.expert(state), noise)
            after, output = world.step(key, state, action)
            return after, (after, output)

        start = world.init(key)
        return start, iterate(frame, key, start, plan)[1]

    start, (after, output) = jax.tree.map(np.asarray, jax.jit(jax.vmap(episode))(jax.random.split(key, 40), plan))
    full = frozenset((r, c) for r in (1, 2, 3) for c in range(10))
    compared = 0
    for game in range(40):
        state = (start.row[game], start.column[game], start.down[game], start.right[game], full)
        for t in range(400):
            state, reward, over = _breakout_by_hand(state, after.paddle[game, t])
            ours = tuple(int(getattr(after, name)[game, t]) for name in ("row", "column", "down", "right"))
            bits = int(after.bricks[game, t])
            wall = frozenset((1 + i // 10, i % 10) for i in range(30) if bits >> i & 1)
            assert ours == state[:4] and wall == state[4], (game, t)
            assert reward == output.reward[game, t] and over == output.terminated[game, t]
            compared += 1
            if over:
                break
    assert compared > 3000


def test_actions_stick_as_often_as_said():
    world = breakout.breakout(breakout.Rules(sticky=0.25))
    state = breakout.init(jax.random.key(0))._replace(paddle=jnp.int32(5), action=jnp.int32(2))
    after, _ = jax.vmap(world.step, (0, None, None))(jax.random.split(jax.random.key(1), 4000), state, jnp.int32(1))
    np.testing.assert_allclose((after.paddle == 6).mean(), 0.25, atol=4 * np.sqrt(0.25 * 0.75 / 4000))
    assert ((after.paddle == 6) | (after.paddle == 4)).all()


# Snake


def test_a_snake_is_as_long_as_it_has_eaten_and_never_crosses_itself(games):
    (states, _, output), on = games["snake", "expert"]
    cells = (states.body > 0).sum((-2, -1))
    np.testing.assert_array_equal(cells[on], states.length[on])
    eaten = np.cumsum(output.reward * on, axis=1)
    np.testing.assert_array_equal(states.length[:, 1:][on[:, 1:]], 3 + eaten[:, :-1][on[:, 1:]])
    for body in states.body[on][::97]:
        ages = np.sort(body[body > 0])
        np.testing.assert_array_equal(ages, np.arange(1, len(ages) + 1))
        places = np.argwhere(body > 0)[np.argsort(body[body > 0])]
        assert (np.abs(np.diff(places, axis=0)).sum(1) == 1).all()


def test_food_lies_in_a_free_cell_each_alike():
    states = jax.vmap(snake.init)(jax.random.split(jax.random.key(0), 6000))
    food = np.asarray(states.food_row) * 8 + np.asarray(states.food_column)
    body = np.asarray(states.body).reshape(-1, 64)
    assert (body[np.arange(6000), food] == 0).all()
    counts, expected = np.bincount(food, minlength=64), (body == 0).mean(0) * 6000 / 61
    assert ((counts - expected) ** 2 / expected).sum() < 63 + 4 * np.sqrt(2 * 63)


def _coil(heading):
    body = np.zeros((8, 8), int)
    for age, (row, column) in enumerate([(5, 2), (5, 3), (4, 3), (3, 3), (3, 2), (4, 2)], 1):
        body[row, column] = age
    return snake.State(jnp.asarray(body, jnp.int32), *map(jnp.int32, (4, 2, heading, 0, 0, 6, 0)))


@pytest.mark.parametrize("action, dead", [(1, True), (3, False), (2, False), (0, False)])
def test_a_snake_dies_on_itself_but_not_on_the_tail_that_leaves(action, dead):
    """Coiled, the head in (4, 2) going down: (4, 3) is body, (5, 2) the tail, (4, 1) free; up is not possible."""
    after, output = snake.step(jax.random.key(0), _coil(2), jnp.int32(action))
    assert output.terminated == dead and output.reward == 0
    assert (int(after.row), int(after.column)) == {1: (4, 3), 3: (4, 1), 2: (5, 2), 0: (5, 2)}[action]


def test_a_snake_dies_on_the_wall_and_wins_when_the_board_is_full():
    state = snake.init(jax.random.key(0))._replace(row=jnp.int32(0))
    _, output = snake.step(jax.random.key(0), state, jnp.int32(0))
    assert output.terminated
    path = snake._closed_path(8)
    body = jnp.asarray(np.where(path == 63, 0, path + 1), jnp.int32)
    head, food = np.argwhere(path == 62)[0], np.argwhere(path == 63)[0]
    almost = snake.State(body, *map(jnp.int32, (*head, 0, *food, 63, 0)))
    after, output = snake.step(jax.random.key(0), almost, jnp.int32(0))
    assert output.reward == 1 and output.terminated and (after.body > 0).all()


def test_the_closed_path_visits_every_cell_and_closes():
    for size in (6, 8):
        path = snake._closed_path(size)
        places = np.argwhere(path >= 0)[np.argsort(path.reshape(-1))]
        assert sorted(path.reshape(-1)) == list(range(size * size))
        assert (np.abs(places - np.roll(places, 1, 0)).sum(1) == 1).all()


# Flappy


@pytest.mark.parametrize("gravity", [1, 2])
def test_a_bird_falls_by_the_closed_form(gravity):
    world = flappy.flappy(flappy.Rules(gravity=gravity))
    states = iterate(
        world.step,
        jax.random.key(0),
        flappy.init(jax.random.key(0))._replace(velocity=jnp.int32(-7)),
        jnp.zeros(20, jnp.int32),
        observe=lambda state, output: state,
    )[1]
    n = np.arange(1, 21)
    np.testing.assert_array_equal(states.height, 20 - 7 * n + gravity * n * (n + 1) // 2)


def test_a_flap_sets_the_velocity():
    state = flappy.init(jax.random.key(0))._replace(velocity=jnp.int32(9))
    after, _ = flappy.step(jax.random.key(0), state, jnp.int32(1))
    assert after.velocity == -4 and after.height == state.height - 4


def test_pipes_come_nearer_and_a_gap_saves(games):
    (_, _, output), on = games["flappy", "random"]
    for game in range(EPISODES):
        end = int(on[game].sum()) - 1
        for t in range(end + 1):
            view = output.observation[game, t]
            bird, pipes = view[..., 0], view[..., 2]
            alive = not output.terminated[game, t]
            if alive:
                assert np.isclose(bird.sum(), 1) and not (bird * pipes).any()
            assert not alive or output.reward[game, t] == pipes[:, flappy.BIRD].any()
        assert output.terminated[game, end]
    columns = output.observation[0, :12, 0, :, 2] > 0
    assert (columns[1:, :-1] == columns[:-1, 1:]).all()


def test_gaps_are_drawn_evenly():
    state = flappy.init(jax.random.key(0))._replace(pipe=jnp.int32(0))
    after, _ = jax.vmap(flappy.step, (0, None, None))(jax.random.split(jax.random.key(1), 3000), state, jnp.int32(0))
    counts = np.bincount(after.next_gap, minlength=6)
    assert counts[0] == 0 and len(counts) == 6
    np.testing.assert_allclose(counts[1:], 600, atol=4 * np.sqrt(480))
