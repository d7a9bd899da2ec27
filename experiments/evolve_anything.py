"""What can be evolved? Anything that has parameters: a squid's axon, a Boltzmann machine, a player with a memory. (ch. 8.2)

The same two lines, on three models that have nothing in common but that each is a pytree of numbers and can be judged:

    learner = evolve(strategy, fitness)
    state, generations = iterate(learner.step, key, learner.init(key, params), length=generations)

1. The conductances of sodium, potassium and leak of the Hodgkin-Huxley membrane, starting a factor of two wrong, until it
   answers a current as the target does (a genetic algorithm).
2. A restricted Boltzmann machine that is to dream of bars and stripes, 14 images of 3 x 3. Its fitness is the exact
   log-likelihood, by enumeration (CMA-ES); beside it the rule made for it, contrastive divergence, with as many passes
   over the images as the evolved machines are judged in all. No machine can have more than -ln 14 nats an image.
3. An LSTM that balances CartPole from the cart's position and the pole's angle alone, without the velocities, which a
   memory must supply; and as control a network without memory and with as many weights (CMA-ES for both).

    python -m experiments run evolve_anything
    python -m experiments run evolve_anything --preset full

Expected: the target's conductances are 120, 36 and 0.3 mS/cm2 (Hodgkin & Huxley 1952); -ln 14 = -2.639; CartPole-v1 counts
as solved from 475 frames (Gymnasium). Contrastive divergence is far ahead at first; in the full preset, where it goes on past
its best, most evolved machines end above it. Two CPU cores with other programs running: quick 2 minutes, full 6.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments import control
from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import devices
from redes_jax.energy import partition
from redes_jax.energy import rbm as machine
from redes_jax.evolution import policies, rollout
from redes_jax.evolution.strategies import Strategy, cma_es, evolve, ga, openes
from redes_jax.figures import evolution as draw
from redes_jax.figures.style import BLUE, GREEN, GREY, ORANGE, RED, panels
from redes_jax.games import cartpole
from redes_jax.games.world import World
from redes_jax.networks.recurrent import LSTM
from redes_jax.neurons import stimuli
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.simulation import simulate, times
from redes_jax.process import Process, iterate, population


@dataclass(frozen=True)
class Config:
    seeds: int = 3  # independent populations of everything
    strategy: Literal["ga", "openes"] = "ga"  # who fits the membrane
    membranes: int = 256  # in a population
    fits: int = 80  # generations of them; mutations shrink by a factor of 300 on the way
    machines: int = 64  # Boltzmann machines in a population
    hidden: int = 6  # hidden units of a machine
    dreams: int = 200  # generations of them
    rate: float = 0.2  # learning rate of contrastive divergence
    sweeps: int = 1  # Gibbs sweeps of it
    players: int = 64  # in a population
    memory: int = 4  # cells of the LSTM
    games: int = 45  # generations of players
    episodes: int = 2  # starts over which a player's return is averaged
    tests: int = 50  # fresh episodes for the best of each generation
    chunk: int = 40  # generations between two looks (progress, checkpoint)
    seed: int = 0  # of everything random


PRESETS = {
    "quick": Config(),
    "full": Config(seeds=20, membranes=512, fits=160, dreams=1000, games=150, tests=100),
}

_HODGKIN, _GYMNASIUM = "Hodgkin & Huxley 1952, table 3", "Gymnasium 1.4, CartPole-v1"
CLAIMS = (
    Claim("sodium", "sodium conductance found from a trace", 120, "mS/cm2", _HODGKIN, 1.2),
    Claim("potassium", "potassium conductance found from a trace", 36, "mS/cm2", _HODGKIN, 0.36),
    Claim("leak", "leak conductance found from a trace", 0.3, "mS/cm2", _HODGKIN, 0.003),
    Claim("rbm_evolved", "log-likelihood of an evolved RBM", -2.63906, "nats", "-ln 14, the most", 1e-4, "at most"),
    Claim("rbm_cd", "the same by contrastive divergence", -2.63906, "nats", "-ln 14, the most", 1e-4, "at most"),
    Claim("lstm_return", "CartPole without velocities, LSTM", 475, "frames", _GYMNASIUM, rule="at least"),
    Claim("memoryless_return", "the same without memory", 475, "frames", _GYMNASIUM + ", unsolved", rule="at most"),
)  # fmt: skip

TRUTH = {"sodium": 120.0, "potassium": 36.0, "leak": 0.3}  # mS/cm2
GUESS = {"sodium": 60.0, "potassium": 72.0, "leak": 0.6}
DURATION, DT = 36.0, 0.025  # ms
STIMULUS = stimuli.total(stimuli.pulse(-3.0, 2.0, 12.0), stimuli.pulse(10.0, 14.0, 32.0))  # uA/cm2
SIDE = 3  # of the images of bars and stripes
SEEN = (0.5, 0.05)  # what position (m) and angle (rad) are divided by


def run(config: Config, lab: Lab = QUIET) -> Result:
    counts = (config.seeds, config.fits, config.dreams, config.games, config.tests)
    if min(counts) < 1:
        raise ValueError(f"seeds, fits, dreams, games, tests are {counts}: each must be at least 1")
    keys = jax.random.split(jax.random.key(config.seed), 3)
    arrays, measured = {}, {}
    for part, key in zip((membrane, boltzmann, players), keys, strict=True):
        drawn, found = part(config, key, lab)
        arrays |= drawn
        measured |= found
    return Result(arrays, measured)


def membrane(config: Config, key, lab: Lab):
    """Conductances that answer as the target does."""
    target = np.asarray(jax.jit(respond)(TRUTH))

    def fitness(key, logarithms, input):
        del key, input
        return -jnp.sqrt(jnp.mean((respond(conductances(logarithms)) - target) ** 2))

    learner = evolve(annealed(config), fitness, over=partial(devices.blocks, width=128))
    start = dict.fromkeys(GUESS, jnp.zeros(()))
    shown, best = control.learn("membrane", learner, start, config.seeds, config.fits, config.chunk, key, lab)
    found = {channel: np.asarray(value) for channel, value in conductances(best).items()}
    arrays = {f"fit_{channel}": found[channel].T for channel in TRUTH} | story_of_a_fit(found, target)
    measured = {channel: found[channel][-1] for channel in TRUTH}
    return arrays, measured | {"trace_rms_error_mV": -np.asarray(shown.best[-1])}


def annealed(config: Config) -> Strategy:
    """A search that narrows with time, because three numbers are wanted exactly."""
    decay = 300.0 ** (-1 / config.fits)
    if config.strategy == "ga":
        return ga(config.membranes, parents=max(1, config.membranes // 8), sigma=0.3, decay=decay, spread=0.7)
    cooling = optax.chain(optax.scale_by_adam(), optax.scale_by_schedule(optax.exponential_decay(1.0, 1, decay)))
    return openes(config.membranes, sigma=0.1, learning_rate=0.1, decay=decay, optimiser=cooling)


def respond(conductance):
    """The trace (mV) of the squid's membrane with these conductances under the current of the experiment."""
    return simulate(SQUID, SQUID.params(**conductance), STIMULUS, duration=DURATION, dt=DT)[1]


def conductances(logarithms):
    """The search runs over logarithms of ratios to the first guess, so that no conductance is ever negative."""
    return {channel: GUESS[channel] * jnp.exp(logarithms[channel]) for channel in GUESS}


def story_of_a_fit(found, target) -> dict[str, np.ndarray]:
    """What the first guess and the best of the first and the last generation of one seed answer to the current."""
    ends = {channel: found[channel][[0, -1], 0] for channel in TRUTH}
    traces = jax.jit(jax.vmap(respond))(
        {channel: jnp.asarray([GUESS[channel], *ends[channel]], jnp.float32) for channel in TRUTH}
    )
    time = times(DURATION, DT)
    current = np.asarray(jax.vmap(STIMULUS)(jnp.asarray(time, jnp.float32) - DT / 2))
    return {"trace_time": time, "trace_current": current, "trace_target": target,
            "trace_found": np.asarray(traces)}  # fmt: skip


def bars_and_stripes(side: int) -> np.ndarray:
    """All images of ``side x side`` whose rows, or whose columns, are each of one colour: (2 ** (side + 1) - 2, side ** 2).
    MacKay, "Information theory, inference and learning algorithms" (2003), section 43.2."""
    lines = (np.arange(2**side)[:, None] >> np.arange(side)) & 1
    bars = np.repeat(lines[:, None], side, 1)
    return np.unique(np.concatenate([bars, bars.swapaxes(1, 2)]).reshape(-1, side**2), axis=0).astype(np.float32)


def log_likelihood(params: machine.RBM, images):
    """Mean of ``log p`` over the images, nats, exactly."""
    return jnp.mean(partition.log_likelihood(params, images, partition.log_partition(params)))


def boltzmann(config: Config, key, lab: Lab):
    """The log-likelihood by generation of evolved machines and of those that contrastive divergence made."""
    images = jnp.asarray(bars_and_stripes(SIDE))
    evolve_key, start_key, cd_key, dream_key = jax.random.split(key, 4)

    def fitness(key, params, input):
        del key, input
        return log_likelihood(params, images)

    learner = evolve(cma_es(config.machines, sigma=0.5), fitness, over=partial(devices.blocks, width=config.machines))
    blank = jax.tree.map(jnp.zeros_like, machine.initialise(start_key, SIDE**2, config.hidden))
    best = control.learn("rbm", learner, blank, config.seeds, config.dreams, config.chunk, evolve_key, lab)[1]
    evolved = np.asarray(jax.jit(jax.vmap(jax.vmap(partial(log_likelihood, images=images))))(best)).T

    rule = machine.contrastive_divergence(optax.sgd(config.rate), config.sweeps)

    def passes(key, state, input):
        """As many passes over the images as a generation of the evolved machines takes."""
        del input
        state = iterate(lambda key, state, _: rule.step(key, state, images), key, state, length=config.machines)[0]
        return state, log_likelihood(state.params, images)

    def begin(key):
        return rule.init(key, machine.initialise(key, SIDE**2, config.hidden))

    taught = population(Process(begin, passes), config.seeds, partial(devices.replicas, width=1))
    state, curves = lab.iterate(
        "contrastive divergence", taught.step, cd_key, jax.jit(taught.init)(start_key), length=config.dreams,
        chunk=config.chunk,
    )  # fmt: skip
    last = jax.tree.map(lambda leaf: jnp.asarray(leaf[-1, 0]), best)
    arrays = {
        "rbm_passes": config.machines * (1 + np.arange(config.dreams)), "rbm_evolved": evolved, "rbm_cd": curves.T,
        "rbm_limit": -np.log(len(images)), "rbm_dreams": dreams(last, dream_key),
        "rbm_cd_dreams": dreams(jax.tree.map(lambda leaf: leaf[0], state.params), dream_key),
    }  # fmt: skip
    measured = {"rbm_evolved": evolved[:, -1], "rbm_cd": curves[-1], "rbm_cd_best": curves.max(0)}
    return arrays, measured | {"rbm_evolved_less_cd": evolved[:, -1].mean() - curves[-1].mean()}


def dreams(params: machine.RBM, key, count: int = 24) -> np.ndarray:
    """Images drawn by 500 Gibbs sweeps from fair coins: (count, SIDE, SIDE)."""
    chain = machine.gibbs(params)
    visible = iterate(chain.step, key, chain.init(key, count), length=500)[1][-1]
    return np.asarray(visible).reshape(count, SIDE, SIDE)


def blindfold() -> World:
    """CartPole of which the player sees position and angle alone."""
    world = cartpole.cartpole()
    return World(world.init, world.step, lambda state: jnp.stack([state.position, state.angle], -1) / jnp.asarray(SEEN))


def remembering(cells: int) -> tuple[Callable[[Any], Process], Any]:
    """An LSTM with a linear layer on top as a player, and its blank weights."""
    cell = LSTM(cells)
    rest = cell.rest((), jnp.float32)
    weights = cell.init(jax.random.key(0), rest, jnp.zeros(len(SEEN)))
    top = policies.init(jax.random.key(0), (cells, 2))[0]

    def player(params):
        def act(key, carry, observation):
            del key
            carry, h = cell.apply(params["cell"], carry, observation)
            scores = h @ params["top"].kernel + params["top"].bias
            return carry, policies.greedy([scores[0], scores[1]])

        return Process(lambda key: rest, act)

    return player, jax.tree.map(jnp.zeros_like, {"cell": weights, "top": top})


def forgetting(weights: int) -> tuple[Callable[[Any], Callable], Any]:
    """A perceptron with one hidden layer and about as many weights, and its blank ones."""
    hidden = round((weights - 2) / (len(SEEN) + 1 + 2))
    return policies.mlp, jax.tree.map(jnp.zeros_like, policies.init(jax.random.key(0), (len(SEEN), hidden, 2)))


def players(config: Config, key, lab: Lab):
    """Return by generation with a memory and without."""
    world, arrays, measured = blindfold(), {}, {}
    lstm = remembering(config.memory)
    size = sum(leaf.size for leaf in jax.tree.leaves(lstm[1]))
    for number, (name, (player, blank)) in enumerate({"lstm": lstm, "memoryless": forgetting(size)}.items()):
        learn_key, test_key = jax.random.split(jax.random.fold_in(key, number))
        game = rollout.returns(world, player, steps=500, episodes=config.episodes)

        def fitness(key, params, shared, game=game):
            del key
            return game(shared, params)

        learner = evolve(cma_es(config.players, sigma=1.0), fitness, over=partial(devices.blocks, width=config.players))
        best = control.learn(name, learner, blank, config.seeds, config.games, config.chunk, learn_key, lab)[1]
        tests = rollout.returns(world, player, steps=500, episodes=config.tests)
        arrays[f"curve_{name}"], final = control.judge(name, tests, best, test_key, lab)
        measured |= {f"{name}_return": final, f"{name}_weights": sum(leaf.size for leaf in jax.tree.leaves(blank))}
    arrays["games_episodes"] = config.players * config.episodes * (1 + np.arange(config.games))
    return arrays, measured


def figures(result: Result) -> dict[str, Picture]:
    arrays, pictures = result.arrays, {}
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
    axes[0, 1].set_title("conductances found")
    pictures["membrane"] = Picture(
        figure,
        "Left: what the first guess and the fittest membranes answer to the current below (one population). Right: "
        "distance of the conductances from those of the target; median, quartiles and extremes over populations. "
        "Dashed: 1%.",
    )

    figure, axes = panels(1, 2, width=5.6, height=4.0, gridspec_kw={"width_ratios": (1.5, 1)})
    curves = {"evolved by CMA-ES": arrays["rbm_evolved"], "contrastive divergence": arrays["rbm_cd"]}
    draw.runs(axes[0], arrays["rbm_passes"], curves, dict(zip(curves, (GREEN, ORANGE), strict=True)))
    axes[0].axhline(arrays["rbm_limit"], color=GREY, linewidth=1.2, linestyle="--", label="the most there is")
    axes[0].set(xlabel="passes over the images", ylabel="log-likelihood (nats an image)", xscale="log")
    axes[0].legend(loc="lower right")
    axes[0].set_title("a Boltzmann machine evolves")
    draw.tiles(axes[1], {"evolved": arrays["rbm_dreams"], "taught": arrays["rbm_cd_dreams"]}, bars_and_stripes(SIDE))
    axes[1].set_title("what they dream of")
    pictures["boltzmann"] = Picture(
        figure,
        "Left: exact log-likelihood of bars and stripes against passes over the images; median, quartiles and extremes. "
        "Right: fantasies of one machine of each kind; framed in red what is neither bar nor stripe.",
    )

    figure, axes = panels(1, 1, width=7.0, height=4.0)
    curves = {"LSTM": arrays["curve_lstm"], "as many weights, no memory": arrays["curve_memoryless"]}
    draw.runs(axes, arrays["games_episodes"], curves, dict(zip(curves, (BLUE, RED), strict=True)))
    axes.axhline(475, color=GREY, linewidth=1.2, linestyle="--", label="solved")
    axes.set(xlabel="episodes played", ylabel="frames upright", ylim=(0, 515))
    axes.legend(loc="center right")
    axes.set_title("CartPole without the velocities")
    pictures["memory"] = Picture(
        figure,
        "Return of the answer of each generation in episodes that chose nothing, seen through position and angle alone; "
        "median, quartiles and extremes over populations.",
    )
    return pictures
