"""Can a population learn without a gradient: to balance a pole, and to be a squid's axon? (ch. 8.2)

1. A genetic algorithm (Such et al. 2017) and OpenAI's evolution strategy (Salimans et al. 2017) evolve the weights of a
   small network that plays CartPole. The best of every generation then plays fresh episodes, the same for all, that
   chose nothing.
2. The same two lines evolve the conductances of sodium, potassium and leak of the Hodgkin-Huxley membrane, starting a
   factor of two wrong, until it answers a current as the target does:

    learner = evolve(strategy, fitness)
    state, generations = iterate(learner.step, key, learner.init(key, params), length=generations)

    python -m experiments run neuroevolution
    python -m experiments run neuroevolution --preset full --strategy openes

Expected: CartPole-v1 counts as solved from 475 frames and ends at 500 (Gymnasium); the target's conductances are 120,
36 and 0.3 mS/cm2 (Hodgkin & Huxley 1952). Two CPU cores: quick 25 s, full about two minutes.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import devices
from redes_jax.evolution import policies, rollout
from redes_jax.evolution.strategies import Strategy, evolve, ga, openes
from redes_jax.figures import evolution as draw
from redes_jax.figures.style import panels
from redes_jax.games import cartpole
from redes_jax.neurons import stimuli
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.simulation import simulate, times
from redes_jax.process import Process, iterate, population


@dataclass(frozen=True)
class Config:
    strategy: Literal["both", "ga", "openes"] = "both"  # who learns to play; the first of them fits the membrane
    seeds: int = 8  # independent populations of each strategy
    population: int = 1024  # policies in a population that plays
    generations: int = 24  # of play
    hidden: tuple[int, ...] = (16,)  # units in the hidden layers of a policy
    steps: int = 500  # frames after which an episode is left
    episodes: int = 1  # starts over which a member's return is averaged
    tests: int = 100  # fresh episodes for the best of each generation
    parents: int = 128  # genetic algorithm: the truncation size
    mutation: float = 0.1  # genetic algorithm: standard deviation of a mutation of a weight
    sigma: float = 0.2  # OpenES: standard deviation of the perturbation of a weight
    rate: float = 0.1  # OpenES: Adam's learning rate
    membranes: int = 256  # in a population that fits conductances
    fit_generations: int = 80  # of the fit; mutations shrink by a factor of 300 on the way
    chunk: int = 8  # generations between two looks (progress, checkpoint)
    width: int = 128  # members in a block: 128 suit a net of a hundred weights, 16 one of thousands
    seed: int = 0  # of everything random


PRESETS = {
    "quick": Config(),
    "full": Config(seeds=32, generations=40, episodes=2, membranes=512, fit_generations=160),
}

_GYMNASIUM, _HODGKIN = "Gymnasium 1.4, CartPole-v1", "Hodgkin & Huxley 1952, table 3"
CLAIMS = (
    Claim("cartpole_ga_return", "CartPole-v1 solved, genetic algorithm", 475, "frames", _GYMNASIUM, rule="at least"),
    Claim("cartpole_openes_return", "CartPole-v1 solved, OpenES", 475, "frames", _GYMNASIUM, rule="at least"),
    Claim("cartpole_best_return", "CartPole-v1, the most there is", 500, "frames", _GYMNASIUM),
    Claim("sodium", "sodium conductance found from a trace", 120, "mS/cm2", _HODGKIN, 1.2),
    Claim("potassium", "potassium conductance found from a trace", 36, "mS/cm2", _HODGKIN, 0.36),
    Claim("leak", "leak conductance found from a trace", 0.3, "mS/cm2", _HODGKIN, 0.003),
)  # fmt: skip

WORLD = cartpole.cartpole()
TRUTH = {"sodium": 120.0, "potassium": 36.0, "leak": 0.3}  # mS/cm2
GUESS = {"sodium": 60.0, "potassium": 72.0, "leak": 0.6}
DURATION, DT = 36.0, 0.025  # ms
STIMULUS = stimuli.total(stimuli.pulse(-3.0, 2.0, 12.0), stimuli.pulse(10.0, 14.0, 32.0))  # uA/cm2


def run(config: Config, lab: Lab = QUIET) -> Result:
    if min(config.seeds, config.generations, config.fit_generations, config.tests) < 1:
        raise ValueError(
            f"seeds {config.seeds}, generations {config.generations}, fit_generations {config.fit_generations}, "
            f"tests {config.tests}: each must be at least 1"
        )
    key = jax.random.key(config.seed)
    names = ("ga", "openes") if config.strategy == "both" else (config.strategy,)
    arrays, measured = {}, {}
    bests = {}
    for name in names:
        generations, bests[name] = play(name, config, jax.random.fold_in(key, 0), lab)
        arrays[f"population_{name}"] = generations.mean.T
    tested = test(bests, config, jax.random.fold_in(key, 1), lab)
    for name in names:
        arrays[f"return_{name}"] = tested[name]
        measured[f"cartpole_{name}_return"] = tested[name][:, -1]
        measured[f"cartpole_{name}_generations_to_475"] = first_at_least(tested[name], 475)
    measured["cartpole_best_return"] = max(tested[name][:, -1].max() for name in names)
    arrays |= film_of_the_best(bests, tested, config, jax.random.fold_in(key, 2))

    target = np.asarray(jax.jit(respond)(TRUTH))
    generations, found = fit(names[0], target, config, jax.random.fold_in(key, 3), lab)
    arrays |= {f"fit_{channel}": found[channel].T for channel in TRUTH}
    measured |= {channel: found[channel][-1] for channel in TRUTH}
    measured["trace_rms_error_mV"] = -np.asarray(generations.best[-1])
    arrays |= story_of_a_fit(arrays, target)
    return Result(arrays, measured)


def strategy(name: str, config: Config, members: int) -> Strategy:
    """The strategy that learns to play."""
    if name == "ga":
        return ga(members, parents=min(config.parents, members), sigma=config.mutation)
    return openes(members, sigma=config.sigma, learning_rate=config.rate)


def annealed(name: str, config: Config) -> Strategy:
    """The strategy that fits: its search narrows with time, because three numbers are wanted exactly."""
    decay = 300.0 ** (-1 / config.fit_generations)
    if name == "ga":
        return ga(config.membranes, parents=max(1, config.membranes // 8), sigma=0.3, decay=decay, spread=0.7)
    cooling = optax.chain(optax.scale_by_adam(), optax.scale_by_schedule(optax.exponential_decay(1.0, 1, decay)))
    return openes(config.membranes, sigma=0.1, learning_rate=0.1, decay=decay, optimiser=cooling)


def learn(stage, learner: Process, start, generations: int, config: Config, key, lab: Lab):
    """A population of seeds, dealt to the devices one by one; the best of every generation is kept.

    Returns:
      ``(Generation, params)`` with leading axes (generations, seeds).
    """
    seeds = population(
        Process(lambda key: learner.init(key, start(key)), learner.step),
        config.seeds,
        partial(devices.replicas, width=1),
    )
    first, rest = jax.random.split(key)
    state = jax.jit(seeds.init)(first)

    def observe(states, shown):
        return shown, jax.vmap(lambda state: state.best)(states)

    return lab.iterate(stage, seeds.step, rest, state, length=generations, chunk=config.chunk, observe=observe)[1]


def play(name: str, config: Config, key, lab: Lab):
    fitness = rollout.returns(WORLD, policies.mlp, steps=config.steps, episodes=config.episodes)
    learner = evolve(
        strategy(name, config, config.population), fitness, over=partial(devices.blocks, width=config.width)
    )
    sizes = (4, *config.hidden, 2)
    return learn(f"play {name}", learner, partial(policies.init, sizes=sizes), config.generations, config, key, lab)


def test(bests, config: Config, key, lab: Lab) -> dict[str, np.ndarray]:
    """Mean return of the best of each generation in the same fresh episodes: strategy -> (seeds, generations)."""

    def compute():
        episodes = rollout.returns(WORLD, policies.mlp, steps=config.steps, episodes=config.tests)
        members = jax.tree.map(
            lambda *leaves: jnp.concatenate([leaf.reshape(-1, *leaf.shape[2:]) for leaf in leaves]), *bests.values()
        )
        scores = jax.jit(devices.replicas(lambda params: episodes(key, params), config.width))(members)
        shape = (len(bests), config.generations, config.seeds)
        return dict(zip(bests, np.asarray(scores).reshape(shape).swapaxes(1, 2), strict=True))

    return lab.once("test", compute)


def film_of_the_best(bests, tested, config: Config, key) -> dict[str, np.ndarray]:
    """The player with the highest return as it was at first, half way and at last, each from the same start."""
    name = max(tested, key=lambda name: tested[name][:, -1].max())
    seed = int(tested[name][:, -1].argmax())
    curve = tested[name][seed]
    chosen = np.array([0, np.abs(curve - (curve[0] + curve[-1]) / 2).argmin(), len(curve) - 1])
    players = jax.tree.map(lambda leaf: leaf[chosen, seed], bests[name])

    def game(params):
        process = rollout.closed_loop(WORLD, policies.mlp(params))
        return iterate(
            process.step, key, process.init(key), length=config.steps, observe=lambda playing, output: (playing.world, output)
        )[1]

    states, output = jax.jit(jax.vmap(game))(players)
    over = output.terminated | output.truncated
    frames = np.where(over.any(1), over.argmax(1), config.steps - 1)
    angle, rate = (
        np.linspace(-2, 2, 241) * np.abs(path[-1, : frames[-1]]).max() for path in (states.angle, states.rate)
    )
    act = policies.mlp(jax.tree.map(lambda leaf: leaf[-1], players))
    still = jnp.zeros((241, 241))
    seen = jnp.stack([still, still, *jnp.meshgrid(jnp.asarray(angle), jnp.asarray(rate))], -1)
    return {
        "film_generation": 1 + chosen, "film_last_frame": frames, "film_position": np.asarray(states.position),
        "film_angle": np.asarray(states.angle), "film_rate": np.asarray(states.rate),
        "mind_angle": angle, "mind_rate": rate, "mind_right": np.asarray(jax.vmap(jax.vmap(act))(seen)),
    }  # fmt: skip


def respond(conductance):
    """The trace (mV) of the squid's membrane with these conductances under the current of the experiment."""
    return simulate(SQUID, SQUID.params(**conductance), STIMULUS, duration=DURATION, dt=DT)[1]


def fit(name: str, target, config: Config, key, lab: Lab):
    """Conductances that answer as the target: the generations, and those of the best of each, (generations, seeds)."""

    def fitness(key, logarithms, input):
        del key, input
        return -jnp.sqrt(jnp.mean((respond(conductances(logarithms)) - target) ** 2))

    learner = evolve(annealed(name, config), fitness, over=partial(devices.blocks, width=config.width))
    shown, best = learn(
        f"fit {name}",
        learner,
        lambda key: dict.fromkeys(GUESS, jnp.zeros(())),
        config.fit_generations,
        config,
        key,
        lab,
    )
    return shown, {channel: np.asarray(value) for channel, value in conductances(best).items()}


def conductances(logarithms):
    """The search runs over logarithms of ratios to the first guess, so that no conductance is ever negative."""
    return {channel: GUESS[channel] * jnp.exp(logarithms[channel]) for channel in GUESS}


def story_of_a_fit(arrays, target) -> dict[str, np.ndarray]:
    """What the first guess and the best of the first and the last generation of one seed answer to the current."""
    found = {channel: arrays[f"fit_{channel}"][0, [0, -1]] for channel in TRUTH}
    traces = jax.jit(jax.vmap(respond))(
        {channel: jnp.asarray([GUESS[channel], *found[channel]], jnp.float32) for channel in TRUTH}
    )
    time = times(DURATION, DT)
    current = np.asarray(jax.vmap(STIMULUS)(jnp.asarray(time, jnp.float32) - DT / 2))
    return {"trace_time": time, "trace_current": current, "trace_target": target,
            "trace_found": np.asarray(traces)}  # fmt: skip


def first_at_least(curves: np.ndarray, threshold: float) -> np.ndarray:
    """For each curve the first generation, counted from 1, that reaches the threshold; infinite where none does."""
    reached = curves >= threshold
    return np.where(reached.any(1), 1.0 + reached.argmax(1), np.inf)


def figures(result: Result) -> dict[str, Picture]:
    arrays = result.arrays
    names = [name for name in ("ga", "openes") if f"return_{name}" in arrays]
    pictures = {}

    figure, axes = panels(1, 2, width=5.8, height=4.2)
    draw.returns(axes[0], {name: arrays[f"return_{name}"] for name in names}, threshold=475, most=500)
    axes[0].set_title("best of each generation, fresh episodes")
    axes[0].legend(loc="lower right")
    degrees = 180 / np.pi
    stop = arrays["film_last_frame"][-1]
    path = degrees * np.stack([arrays["film_angle"][-1, :stop], arrays["film_rate"][-1, :stop]], 1)
    draw.decisions(axes[1], degrees * arrays["mind_angle"], degrees * arrays["mind_rate"], arrays["mind_right"], path)
    axes[1].set_title("what the best player does")
    seeds = len(arrays[f"return_{names[0]}"])
    pictures["cartpole"] = Picture(
        figure,
        f"Left: return in episodes that chose nothing; median, quartiles and extremes of {seeds} populations. "
        "Right: the best player pushes to the side to which the pole falls (colours: the cart at rest in the "
        "middle); the line is one of its games.",
    )
    pictures["player"] = Picture(
        film(arrays),
        "The best player in its first generation, half way, and in the last, from one start; twice as fast as life.",
    )

    figure, axes = panels(2, 2, width=5.8, height=2.3, gridspec_kw={"height_ratios": (3.2, 1)})
    last = arrays["fit_leak"].shape[1]
    traces = dict(zip(("first guess", "generation 1", f"generation {last}"), arrays["trace_found"], strict=True))
    draw.closing_in(
        axes[0, 0], axes[1, 0], arrays["trace_time"], arrays["trace_target"], arrays["trace_current"], traces
    )
    axes[0, 0].sharex(axes[1, 0])
    axes[0, 0].tick_params(labelbottom=False)
    axes[0, 0].set_title("a membrane evolves")
    axes[0, 1].set_subplotspec(axes[0, 1].get_gridspec()[:, 1])
    axes[1, 1].remove()
    errors = {channel: np.abs(arrays[f"fit_{channel}"] / true - 1) for channel, true in TRUTH.items()}
    draw.relative_error(axes[0, 1], errors)
    axes[0, 1].set_title("conductances found: " + draw.STRATEGY[names[0]][1])
    pictures["membrane"] = Picture(
        figure,
        "The same two lines on another model. Left: what the first guess and the fittest membranes answer to the "
        "current below (one population). Right: distance of the conductances from those of the target; median, "
        "quartiles and extremes over populations. Dashed: 1%.",
    )
    return pictures


def film(arrays) -> np.ndarray:
    clips, labels = [], []
    for row, generation in enumerate(arrays["film_generation"]):
        last = int(arrays["film_last_frame"][row])
        shown = np.minimum(np.arange(0, arrays["film_position"].shape[1], 4), last)
        still = jnp.zeros(len(shown))
        state = cartpole.State(
            arrays["film_position"][row, shown], still, arrays["film_angle"][row, shown], still, shown
        )
        clips.append(cartpole.render(state, width=360))
        labels.append(
            [
                f"generation {generation}   {0.02 * (t + 1):4.1f} s" + ("   fallen" if t == last < 499 else "")
                for t in shown
            ]
        )
    return draw.film(clips, labels)
