"""What learns a video game from its pixels in the same number of frames: a population, or a network that estimates the reward? (ch. 8.2)

One small network, a convolution and two layers, plays three games of our own: Breakout, Snake and Flappy. It is trained by a
genetic algorithm (Such et al. 2017), by OpenAI's evolution strategy (Salimans et al. 2017) and by DQN (Mnih et al. 2015, with
the double estimate of van Hasselt et al. 2016). Each has the same budget of frames, counted as they are played, and is a
process whose step plays on to the next mark:

    state, rounds = iterate(learner.step, key, learner.init(key), length=rounds)

At each mark the network plays validation episodes, always the same; the best of all marks is the player that is tested on
fresh episodes, beside a random player and one written by hand. MinAtar's Breakout joins where gymnax is installed.

    python -m experiments run games
    python -m experiments run games --preset full

Expected: random players score below 0.5; those written by hand 39 (Breakout), 61 (Snake) and 166 (Flappy) in 1 000 frames.
A million frames are few for a population and enough for DQN, which learns from each of them many times. Two CPU cores
busy with other work: quick 5 minutes; full 48.
"""

import importlib.util
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab, timed
from redes_jax import devices
from redes_jax.evolution import policies, qlearning, rollout
from redes_jax.evolution.strategies import ga, openes
from redes_jax.figures import games as draw
from redes_jax.figures.style import panels
from redes_jax.games import adapters, breakout, flappy, snake
from redes_jax.process import Process, iterate, population


@dataclass(frozen=True)
class Config:
    game: Literal["all", "breakout", "snake", "flappy"] = "breakout"  # which games are played
    learner: Literal["all", "ga", "openes", "dqn"] = "all"  # who learns
    minatar: bool = False  # MinAtar's Breakout as well, if gymnax is installed
    seeds: int = 2  # independent runs of each learner
    frames: int = 160_000  # budget of a run
    rounds: int = 8  # marks along the budget, where the network is validated
    steps: int = 500  # frames after which an episode is left
    features: int = 16  # of the convolution
    hidden: int = 32  # units between features and actions
    population: int = 128  # members of a generation
    episodes: int = 2  # of a member, the same starts and the same chance for all members of a generation
    parents: int = 16  # genetic algorithm: the truncation size
    mutation: float = 0.05  # genetic algorithm: standard deviation of a mutation of a weight
    sigma: float = 0.05  # OpenES: standard deviation of the perturbation of a weight
    rate: float = 0.02  # OpenES: Adam's learning rate
    rank: int = 1  # OpenES: of the perturbation of a large matrix
    parallel: int = 16  # DQN: games played side by side, one descent for a frame of each
    capacity: int = 40_000  # DQN: frames kept, a multiple of `parallel`
    batch: int = 32  # DQN: frames drawn for a descent
    learning_rate: float = 5e-4  # DQN: Adam's
    discount: float = 0.99  # DQN: of rewards a frame later
    explore_share: float = 0.3  # DQN: share of the budget over which random actions fall from all to 1 in 50
    validation: int = 16  # episodes at each mark, the same for all
    tests: int = 64  # fresh episodes for the chosen players and the marks
    film: int = 200  # frames of the film
    chunk: int = 4  # rounds between two looks (progress, checkpoint)
    width: int = 32  # members in a block
    seed: int = 0  # of everything random


PRESETS = {
    "quick": Config(),
    "full": Config(
        game="all", minatar=True, seeds=4, frames=1_000_000, rounds=20, steps=1000, parallel=8, validation=32, tests=256,
        chunk=2,
    ),
}  # fmt: skip

CLAIMS = (
    Claim("score_minatar_dqn", "MinAtar Breakout, mean score of DQN", 28, "bricks", "PPO in gymnax (Lange 2022)", rule="at least"),
)  # fmt: skip

GAMES = {"breakout": breakout, "snake": snake, "flappy": flappy}
LEARNERS = ("ga", "openes", "dqn")


class Game(NamedTuple):
    """A world, how many actions it has, and who plays it well: ``expert(state)``, or None."""

    world: Any
    actions: int
    expert: Any


class Round(NamedTuple):
    """What a round shows: the mean validation score, and the frames played so far."""

    score: jax.Array
    frames: jax.Array


class Learning(NamedTuple):
    """A learner under way: its own state, frames played, rounds done, and the best network so far with its score."""

    inner: Any
    frames: jax.Array
    rounds: jax.Array
    champion: Any
    score: jax.Array


def run(config: Config, lab: Lab = QUIET) -> Result:
    if min(config.seeds, config.rounds, config.validation, config.tests) < 1 or config.frames < config.rounds:
        raise ValueError(
            f"seeds {config.seeds}, rounds {config.rounds}, validation {config.validation}, tests {config.tests}, frames "
            f"{config.frames}: each must be at least 1, with at least a frame in a round"
        )
    key = jax.random.key(config.seed)
    arrays, measured = {"frames": config.frames * np.arange(1, config.rounds + 1) / config.rounds}, {}
    for name, game in chosen(config).items():
        play = partial(plays, game.world, config.steps)
        fresh = jax.random.split(jax.random.fold_in(key, 1), config.tests)
        arrays |= {f"{mark}_{name}": score for mark, score in marks(name, game, fresh, config, lab).items()}
        champions, scores = {}, {}
        for learner in LEARNERS if config.learner == "all" else (config.learner,):
            (state, rounds), seconds = timed(partial(train, name, learner, game, play, config, key, lab))
            arrays[f"curve_{name}_{learner}"] = rounds.score.T
            arrays[f"test_{name}_{learner}"] = tested = test(play, fresh, state.champion)
            measured[f"score_{name}_{learner}"] = tested
            measured[f"{name}_{learner}_frames_per_second"] = rounds.frames[-1].sum() / seconds
            champions[learner], scores[learner] = state.champion, np.asarray(state.score)
        measured[f"score_{name}_random"] = arrays[f"random_{name}"]
        if game.expert is not None:
            measured[f"score_{name}_by_hand"] = arrays[f"expert_{name}"]
            arrays |= episodes_of_the_best(name, game, champions, scores, config, jax.random.fold_in(key, 4))
    return Result(arrays, measured)


def chosen(config: Config) -> dict[str, Game]:
    """The games of this run by name."""
    names = GAMES if config.game == "all" else {config.game: GAMES[config.game]}
    games = {
        name: Game(getattr(module, name)(rules=module.Rules(limit=config.steps)), module.ACTIONS, module.expert)
        for name, module in names.items()
    }
    if config.minatar and importlib.util.find_spec("gymnax") is not None:
        games["minatar"] = Game(*adapters.gymnax("Breakout-MinAtar"), None)
    return games


def plays(world, steps: int, keys, params) -> rollout.Played:
    """Episodes of the network that acts greedily, one a key, side by side."""
    return jax.vmap(rollout.episode(world, policies.pixels(params), steps))(keys)


def marks(name, game: Game, keys, config: Config, lab: Lab) -> dict[str, np.ndarray]:
    """Mean scores of a random player and of the one written by hand, who both see the state itself."""
    seen = game.world._replace(observe=lambda state: state)
    draw = Process(lambda key: (), lambda key, memory, state: (memory, jax.random.randint(key, (), 0, game.actions)))
    players = {"random": draw} | ({} if game.expert is None else {"expert": game.expert})

    def compute():
        return {
            mark: jax.jit(jax.vmap(rollout.episode(seen, who, config.steps)))(keys).score.mean()
            for mark, who in players.items()
        }

    return lab.once(f"{name} marks", compute)


def train(name, learner: str, game: Game, play, config: Config, key, lab: Lab):
    """All seeds of one learner in one game: ``(Learning, Round)``, dealt to the devices one by one."""
    process = learning(learner, game, play, config, jax.random.fold_in(key, 2))
    seeds = population(process, config.seeds, partial(devices.replicas, width=1))
    start, rest = jax.random.split(jax.random.fold_in(key, 3))
    state = jax.jit(seeds.init)(start)
    return lab.iterate(f"{name} {learner}", seeds.step, rest, state, length=config.rounds, chunk=config.chunk)


def test(play, keys, champions) -> np.ndarray:
    """Mean score of each champion over the same fresh episodes."""

    def mean_score(params):
        return play(keys, params).score.mean()

    return np.asarray(jax.jit(devices.replicas(mean_score, 1))(champions))


def learning(learner: str, game: Game, play, config: Config, key) -> Process:
    """A learner as a process: a step plays to the next mark of frames, then validates.

    Args:
      learner: its name.
      game: what it plays.
      play: see :func:`plays`.
      config: the numbers.
      key: of the validation episodes, the same for everybody.
    """
    shape = jax.eval_shape(lambda key: game.world.observe(game.world.init(key)), key).shape
    validation = jax.random.split(key, config.validation)
    start, advance = dqn(game, config) if learner == "dqn" else evolution(learner, game.world, config)

    def init(key):
        weights, rest = jax.random.split(key)
        params = policies.init_pixels(weights, shape, game.actions, features=config.features, hidden=(config.hidden,))
        inner = start(rest, params)
        worst = jnp.asarray(-jnp.inf, jnp.zeros((), float).dtype)
        return Learning(inner, jnp.int32(0), jnp.int32(0), params, worst)

    def step(key, state, input):
        del input
        mark = ((state.rounds + 1) * (config.frames / config.rounds)).astype(jnp.int32)
        inner, frames = advance(key, state.inner, state.frames, mark)
        score = play(validation, inner.best).score.mean()
        better = score > state.score
        champion = jax.tree.map(lambda new, old: jnp.where(better, new, old), inner.best, state.champion)
        after = Learning(inner, frames, state.rounds + 1, champion, jnp.maximum(score, state.score))
        return after, Round(score, frames)

    return Process(init, step)


def evolution(name: str, world, config: Config):
    """``(init, advance)`` of a strategy: whole generations until the mark is reached."""
    if name == "ga":
        strategy = ga(config.population, parents=min(config.parents, config.population), sigma=config.mutation)
    else:
        strategy = openes(config.population, sigma=config.sigma, learning_rate=config.rate, rank=config.rank)
    everyone = rollout.together(world, policies.pixels, config.steps, config.width)

    def advance(key, state, frames, mark):
        def generation(carry):
            t, frames, state = carry
            ask, fate, tell = jax.random.split(jax.random.fold_in(key, t), 3)
            starts = jax.random.split(fate, config.episodes)
            members = strategy.ask(ask, state)
            played = everyone(starts, members)
            state = strategy.tell(tell, state, members, played.score.mean(1))
            return t + 1, frames + played.frames.sum(dtype=jnp.int32), state

        return lax.while_loop(lambda carry: carry[1] < mark, generation, (jnp.int32(0), frames, state))[:0:-1]

    return strategy.init, advance


def dqn(game: Game, config: Config):
    """``(init, advance)`` of DQN: as many steps as fit before the mark."""
    numbers = qlearning.Numbers(
        discount=config.discount, explore_last=0.02, explore_frames=config.explore_share * config.frames
    )
    learner = qlearning.dqn(
        game.world,
        lambda params, observation: policies.pixels(params, jnp.stack)(observation),
        optax.adam(config.learning_rate),
        numbers,
        games=config.parallel,
        capacity=config.capacity,
        batch=config.batch,
    )
    ticks = -(-config.frames // (config.rounds * config.parallel))

    def advance(key, state, frames, mark):
        del mark
        state, _ = iterate(learner.step, key, state, length=ticks, observe=lambda state, tick: None)
        return state, frames + ticks * config.parallel

    return learner.init, advance


def episodes_of_the_best(name, game: Game, champions, scores, config: Config, key) -> dict[str, np.ndarray]:
    """A fresh episode of the player with the highest validation score, and what DQN's best expects in one of its own."""

    def film(params, head):
        start, frames = jax.random.split(key)

        def frame(key, state, input):
            action, seen = head(policies.pixels(params, jnp.stack)(game.world.observe(state)))
            after, output = game.world.step(key, state, action)
            return after, (state, output.reward, output.terminated | output.truncated, seen)

        return iterate(frame, frames, game.world.init(start), length=config.steps)[1]

    def act(values):
        return jnp.argmax(values).astype(jnp.int32), jnp.max(values)

    def show(learner):
        best = jax.tree.map(lambda leaf: leaf[int(np.argmax(scores[learner]))], champions[learner])
        states, rewards, over, values = jax.tree.map(np.asarray, jax.jit(lambda params: film(params, act))(best))
        length = int(over.argmax()) + 1 if over.any() else len(over)
        return jax.tree.map(lambda leaf: leaf[:length], (states, rewards, values))

    found = {}
    winner = max(scores, key=lambda learner: scores[learner].max())
    states, rewards, _ = show(winner)
    found |= {f"film_{name}_{field}": leaf[: config.film] for field, leaf in states._asdict().items()}
    found |= {f"filmscore_{name}": np.cumsum(rewards)[: config.film], f"winner_{name}": np.array(winner)}
    if "dqn" in champions:
        _, rewards, values = show("dqn")
        came = np.zeros(len(rewards) + 1)
        for t in range(len(rewards) - 1, -1, -1):
            came[t] = rewards[t] + config.discount * came[t + 1]
        found |= {f"expected_{name}": values, f"came_{name}": came[:-1], f"reward_{name}": rewards}
    return found


def figures(result: Result) -> dict[str, Picture]:
    arrays = result.arrays
    names = [name.removeprefix("random_") for name in arrays if name.startswith("random_")]
    learners = [learner for learner in LEARNERS if f"curve_{names[0]}_{learner}" in arrays]
    titles = {"breakout": "Breakout", "snake": "Snake", "flappy": "Flappy", "minatar": "MinAtar Breakout"}
    pictures = {}

    figure, axes = panels(
        1, 2 * len(names), width=3.6, height=3.9, gridspec_kw={"width_ratios": (2.4, 1) * len(names)}, squeeze=False
    )
    for name, (left, right) in zip(names, axes[0].reshape(-1, 2), strict=True):
        both = {"random": float(arrays[f"random_{name}"]), "expert": arrays.get(f"expert_{name}")}
        draw.curves(left, arrays["frames"], {who: arrays[f"curve_{name}_{who}"] for who in learners}, **both)
        draw.final(right, {who: arrays[f"test_{name}_{who}"] for who in learners}, **both)
        right.sharey(left)
        left.set_title(titles[name])
        right.set_title("chosen, fresh", fontsize=11)
    axes[0, 0].legend(loc="upper left", bbox_to_anchor=(0, 0.93))
    seeds = len(arrays[f"test_{names[0]}_{learners[0]}"])
    missing = "" if "minatar" in names else " MinAtar is left out: not asked for, or gymnax is not installed."
    pictures["learning"] = Picture(
        figure,
        f"The same network, the same number of frames. Left of each pair: score in validation episodes; median, quartiles "
        f"and extremes of {seeds} runs. Right: each run's best network on fresh episodes that chose nothing; bar: median."
        + missing,
    )

    filmed = [name for name in names if f"winner_{name}" in arrays]
    expected = [name for name in filmed if f"expected_{name}" in arrays]
    if expected:
        figure, axes = panels(1, len(expected), width=6.2, height=3.6, squeeze=False)
        for axis, name in zip(axes[0], expected, strict=True):
            draw.expectation(axis, *(arrays[f"{part}_{name}"][:300] for part in ("expected", "came", "reward")))
            axis.set_title(titles[name])
        pictures["expectation"] = Picture(
            figure,
            "The network that estimates the reward, in a fresh episode: the value of the action that it took, and the "
            "discounted sum of the rewards that then came (ticks). The value is of play that still tries a random action "
            "now and then.",
        )
    if filmed:
        pictures["players"] = Picture(
            film(arrays, filmed, titles),
            "The best player of each game, chosen by validation, in an episode that it had not seen.",
        )
    return pictures


def film(arrays, names, titles) -> np.ndarray:
    clips, labels = [], []
    for name in names:
        module = GAMES[name]
        states = module.State(*(arrays[f"film_{name}_{field}"] for field in module.State._fields))
        clips.append(module.render(jax.tree.map(jnp.asarray, states), scale=30 if name == "snake" else 24))
        who = draw.LEARNER[str(arrays[f"winner_{name}"])][1]
        labels.append([f"{titles[name]}, {who}: {score:.0f}" for score in arrays[f"filmscore_{name}"]])
    return draw.film(clips, labels)
