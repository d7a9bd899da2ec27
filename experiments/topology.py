"""Can evolution find the network beside its weights? Growing networks for XOR and for two poles on a cart. (ch. 8.2)

NEAT (Stanley & Miikkulainen, "Evolving neural networks through augmenting topologies", 2002) begins with inputs joined to
outputs and lets networks grow. Its three benchmarks, at their published sizes in the full preset:

- XOR, which no network without a hidden node can do: solved when all four outputs lie on the right side of 1/2. Fitness
  is ``(4 - sum |error|)^2``. Once more without species, all genomes competing with all.
- Two poles with velocities: fitness is how long both stand, solved at 100 000 actions, 33 minutes.
- Two poles without: the network must grow a memory. Fitness is that of Gruau et al. (1996), ``0.1 t / 1000 + 0.9 * 0.75 /
  (shaking in the last 100 actions)`` over 1000 actions. Solved when the best of a generation stands for 100 000 and
  balances from at least 200 of 625 other starts for 1000.

    python -m experiments run topology
    python -m experiments run topology --preset full

Expected: the paper's table gives 4 755 evaluations for XOR (deviation 2 553), 2.35 hidden nodes (1.11) and 7.48 connections;
3 600 for two poles and 33 184 without velocities, then 286 of 625 starts. Ours are somewhat larger networks, and not every run
of XOR and of two poles without velocities ends within the 150 generations; means are over those that do. Two CPU cores:
full 20 minutes beside other work.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import devices
from redes_jax.evolution import genomes
from redes_jax.evolution.asktell import evolve
from redes_jax.evolution.growth import Numbers
from redes_jax.evolution.rollout import closed_loop, returns
from redes_jax.evolution.topology import neat
from redes_jax.figures import topology as draw
from redes_jax.figures.style import panels
from redes_jax.games import double_pole
from redes_jax.process import Process, iterate


@dataclass(frozen=True)
class Config:
    xor_runs: int = 8  # independent runs of XOR
    crowd_runs: int = 0  # of XOR without species; 0 leaves them out
    pole_runs: int = 2  # of two poles with velocities
    memory_runs: int = 0  # of two poles without; 0 leaves them out
    population: int = 150  # genomes
    memory_population: int = 1000  # genomes for two poles without velocities
    species: int = 40  # at a time, more than there ever are
    hidden: int = 40  # places for hidden nodes in a population that solves XOR, with room for all that are tried
    pole_hidden: int = 16  # the same with two poles, which need fewer
    generations: int = 100  # after which a run is given up
    actions: int = 100_000  # that the poles must stand
    batch: int = 4  # runs between two looks (progress, checkpoint)
    seed: int = 0  # of everything random


PRESETS = {
    "quick": Config(),
    "full": Config(xor_runs=100, crowd_runs=100, pole_runs=40, memory_runs=20, generations=150),
}

# Tolerances are the published deviation of a run; where none is at hand, there is none.
_PAPER = "Stanley & Miikkulainen 2002, table 1 and section 4"
CLAIMS = (
    Claim("xor_solved", "XOR, runs solved", 100.0, "%", _PAPER),
    Claim("xor_evaluations", "XOR, networks evaluated", 4755.0, "", _PAPER, 2553.0),
    Claim("xor_hidden", "XOR, hidden nodes of the solution", 2.35, "", _PAPER, 1.11),
    Claim("xor_connections", "XOR, connections of the solution", 7.48, "", _PAPER, rule="at most"),
    Claim("pole_evaluations", "two poles, networks evaluated", 3600.0, "", _PAPER, rule="at most"),
    Claim("memory_evaluations", "two poles unseen, networks evaluated", 33184.0, "", _PAPER, rule="at most"),
    Claim("memory_starts", "two poles unseen, starts balanced of 625", 286.0, "", _PAPER, rule="at least"),
)  # fmt: skip

CASES, ANSWERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0], np.float32)
SCALE = np.array([4.8, 2.0, 0.52, 2.0, 0.52, 2.0], np.float32)  # of what the networks see of the cart
SHAKING, TRIAL, ENOUGH = 100, 1000, 200
PLACES = np.array([0.05, 0.25, 0.5, 0.75, 0.95])  # of the starts, in ranges of half widths (m, m/s, rad, rad/s):
RANGES = np.array([2.16, 1.35, 0.06283152, 0.15009752])


def run(config: Config, lab: Lab = QUIET) -> Result:
    if min(config.xor_runs, config.pole_runs, config.generations, config.batch) < 1:
        raise ValueError(
            f"xor_runs {config.xor_runs}, pole_runs {config.pole_runs}, generations {config.generations}, batch "
            f"{config.batch}: each must be at least 1"
        )
    tasks = {
        "xor": (xor(config, config.species), config.xor_runs),
        "crowd": (xor(config, 1), config.crowd_runs),
        "pole": (two_poles(config), config.pole_runs),
        "memory": (two_poles_from_memory(config), config.memory_runs),
    }
    key, arrays, measured = jax.random.key(config.seed), {}, {}
    for number, (name, (task, runs)) in enumerate(tasks.items()):
        if runs == 0:
            continue
        found = many(name, task, runs, config.batch, jax.random.fold_in(key, number), lab)
        population = config.memory_population if name == "memory" else config.population
        solved, last = found["solved"], found["generations"] - 1
        each = np.arange(runs)
        found["evaluations"] = population * found["generations"]
        measured[f"{name}_solved"] = 100.0 * solved
        if solved.any():
            measured[f"{name}_evaluations"] = found["evaluations"][solved].astype(float)
            measured[f"{name}_hidden"] = found["hidden"][each, last][solved].astype(float)
            measured[f"{name}_connections"] = found["connections"][each, last][solved].astype(float)
            if name == "memory":
                measured["memory_starts"] = found["starts"][solved].astype(float)
        arrays |= {f"{name}_{what}": value for what, value in found.items()}
    arrays["film"], arrays["angles"] = film(arrays, "memory" if "memory_solved" in arrays else "pole")
    return Result(arrays, measured)


def many(name: str, task: Callable, runs: int, batch: int, key, lab: Lab) -> dict[str, np.ndarray]:
    """``task(key)`` for many keys, some at a time: its arrays with an axis of runs in front."""
    together = jax.jit(devices.replicas(task, width=1))
    keys = jax.random.split(key, -(-runs // batch) * batch)
    parts = [
        lab.once(f"{name}, runs {first} to {first + batch}", partial(together, keys[first : first + batch]))
        for first in range(0, runs, batch)
    ]
    return {what: np.concatenate([part[what] for part in parts])[:runs] for what in parts[0]}


def search(process: Process, start, outputs: int, generations: int, found: Callable, key) -> dict[str, jax.Array]:
    """One run until ``found(state, shown) -> (solved, score)``, and what was seen of the best on the way.

    A loop of its own instead of ``iterate``, so that each run ends when it is done.
    """
    first, rest = jax.random.split(key)
    state = process.init(first, start)
    seen = {"best": jnp.zeros(generations), "hidden": jnp.zeros(generations, int)}
    seen |= {"connections": seen["hidden"], "species": seen["hidden"]}

    def going(carry):
        t, solved, *_ = carry
        return ~solved & (t < generations)

    def generation(carry):
        t, _, _, state, seen = carry
        state, shown = process.step(jax.random.fold_in(rest, t), state, None)
        solved, score = found(state, shown)
        hidden, connections = genomes.size(state.best, outputs)
        now = {"best": shown.best, "hidden": hidden, "connections": connections, "species": (state.members > 0).sum()}
        return t + 1, solved, score, state, {name: seen[name].at[t].set(now[name]) for name in seen}

    begin = jnp.int32(0), jnp.bool_(False), jnp.int32(0), state, seen
    t, solved, score, state, seen = lax.while_loop(going, generation, begin)
    return seen | state.best._asdict() | {"generations": t, "solved": solved, "starts": score}


def xor(config: Config, species: int) -> Callable:
    def fitness(key, genome, input):
        del key, input
        outputs = jax.vmap(genomes.feed_forward(genome, 1))(jnp.asarray(CASES))[:, 0]
        right = jnp.all((outputs >= 0.5) == (ANSWERS >= 0.5))
        return (4 - jnp.abs(outputs - ANSWERS).sum()) ** 2 + jnp.where(right, 16, 0)  # more than 16 only when solved

    process = evolve(neat(2, 1, config.population, species=species), fitness)
    start = genomes.minimal(2, 1, config.hidden)
    return partial(search, process, start, 1, config.generations, lambda state, shown: (shown.best > 16, jnp.int32(0)))


def pilot(genome: genomes.Genome, memory: bool):
    """The network at the cart: it sees what the world shows, scaled, and its output pushes either way."""
    scale = jnp.asarray(SCALE[[0, 2, 4]] if memory else SCALE)
    if not memory:
        act = genomes.feed_forward(genome, 1)
        return lambda observation: 20 * (act(observation / scale)[0] - 0.5)
    network = genomes.recurrent(genome, 1)

    def step(key, units, observation):
        units, outputs = network.step(key, units, observation / scale)
        return units, 20 * (outputs[0] - 0.5)

    return Process(network.init, step)


def two_poles(config: Config) -> Callable:
    fitness = returns(double_pole.double_pole(), partial(pilot, memory=False), steps=config.actions)
    # In narrow blocks, since a block of members lasts as long as its best.
    process = evolve(neat(6, 1, config.population, species=config.species), fitness, partial(devices.blocks, width=10))
    start = genomes.minimal(6, 1, config.pole_hidden)

    def found(state, shown):
        return shown.best >= config.actions, jnp.int32(0)

    return partial(search, process, start, 1, config.generations, found)


def two_poles_from_memory(config: Config) -> Callable:
    world, policy = double_pole.double_pole(velocities=False), partial(pilot, memory=True)
    # As the paper has it for the larger population.
    numbers = Numbers(difference=3.0, threshold=4.0, add_link=0.3)
    strategy = neat(3, 1, config.memory_population, species=config.species, cyclic=True, numbers=numbers)
    process = evolve(strategy, partial(steadiness, world), partial(devices.blocks, width=50))
    long = returns(world, policy, steps=config.actions)
    starts = other_starts()

    def found(state, shown):
        del shown
        key = jax.random.key(0)  # nothing in the world is left to chance
        stands = long(key, state.best) >= config.actions
        # From a start that is lost already, where the long test has failed: the loop over time ends at once.
        begun = starts._replace(position=jnp.where(stands, starts.position, jnp.inf))
        lasting = jax.vmap(lambda start: lasts(world._replace(init=lambda key: start), policy(state.best)))(begun)
        balanced = (lasting >= TRIAL).sum()
        return balanced >= ENOUGH, balanced

    start = genomes.minimal(3, 1, config.pole_hidden)
    return partial(search, process, start, 1, config.generations, found)


def lasts(world, player):
    """Actions until the fall, :data:`TRIAL` at most."""
    return returns(world, lambda _: player, steps=TRIAL)(jax.random.key(0), None)


def other_starts() -> double_pole.State:
    """The 625 of Gruau et al. (1996): cart and long pole at five places and five speeds each, the short pole upright."""
    grid = np.stack(np.meshgrid(*[PLACES] * 4, indexing="ij"), -1).reshape(-1, 4)
    position, velocity, angle, rate = jnp.asarray((2 * grid - 1) * RANGES, jnp.float32).T
    rest = jnp.zeros_like(position)
    return double_pole.State(position, velocity, angle, rate, rest, rest, jnp.zeros(len(grid), jnp.int32))


def steadiness(world, key, genome, input):
    """The fitness of Gruau et al. (1996), as Stanley & Miikkulainen use it: to stand, and not to shake.

    Time is taken in stretches of 100 actions, so that the sum over the last 100 needs only this stretch and the one before.
    """
    del input
    game = closed_loop(world, pilot(genome, memory=True))

    def action(carry, _):
        playing, stands = carry
        playing, output = game.step(key, playing, None)
        stands = stands & ~output.terminated
        cart = playing.world
        shaking = sum(map(jnp.abs, (cart.position, cart.velocity, cart.long_angle, cart.long_rate)))
        return (playing, stands), (stands, jnp.where(stands, shaking, 0))

    def going(carry):
        t, _, stands, *_ = carry
        return stands & (t < TRIAL)

    def stretch(carry):
        t, playing, stands, before, _ = carry
        (playing, stands), (stood, now) = lax.scan(action, (playing, stands), None, SHAKING)
        done = stood.sum()
        last = jnp.arange(SHAKING) >= done  # of the stretch before, those that are among the last 100 actions
        return t + done, playing, stands, now, now.sum() + jnp.where(last, before, 0).sum()

    begin = jnp.int32(0), game.init(key), jnp.bool_(True), jnp.zeros(SHAKING), jnp.float32(0)
    t, *_, shaken = lax.while_loop(going, stretch, begin)
    calm = jnp.where(t >= SHAKING, 0.75 / jnp.maximum(shaken, 1e-6), 0)
    return 0.1 * t / TRIAL + 0.9 * calm


def film(arrays: dict[str, np.ndarray], name: str, actions: int = 400):
    """The first run's best at work: pictures of every second action, and the angles of both poles (degrees)."""
    memory = name == "memory"
    genome = genomes.Genome(*(jnp.asarray(arrays[f"{name}_{part}"][0]) for part in genomes.Genome._fields))
    game = closed_loop(double_pole.double_pole(velocities=not memory), pilot(genome, memory))
    key = jax.random.key(0)
    carts = jax.jit(
        lambda: iterate(game.step, key, game.init(key), length=actions, observe=lambda playing, _: playing.world)[1]
    )()
    angles = np.degrees(np.stack([carts.long_angle, carts.short_angle], 1))
    return double_pole.render(jax.tree.map(lambda leaf: leaf[::2], carts)), angles


def figures(result: Result) -> dict[str, Picture]:
    arrays = result.arrays
    tasks = [name for name in ("xor", "pole", "memory") if f"{name}_solved" in arrays]
    pictures = {}

    figure, axes = panels(1, len(tasks), width=4.6, height=4.2)
    for each, name in zip(np.atleast_1d(axes), tasks, strict=True):
        solved, sizes = arrays[f"{name}_solved"], arrays[f"{name}_enabled"].sum((1, 2))
        chosen = np.argmin(np.where(solved, sizes, 10**6))
        weights, enabled = arrays[f"{name}_weights"][chosen], arrays[f"{name}_enabled"][chosen]
        draw.network(each, weights, enabled, draw.INPUTS[name])
        each.set_title(draw.TASK[name][1])
    pictures["networks"] = Picture(
        figure,
        "The smallest solution of each task. Blue connections excite, orange ones inhibit, the wider the stronger; dashed "
        "ones lead back or to the same node, and carry what was a step ago.",
    )

    figure, axes = panels(1, 2, width=5.4, height=3.8)
    draw.solved_by(
        axes[0], {name: (arrays[f"{name}_solved"], arrays[f"{name}_evaluations"]) for name in draw.TASK
                  if f"{name}_solved" in arrays},
        {"xor": 4755, "pole": 3600, "memory": 33184},
    )  # fmt: skip
    draw.growth(axes[1], {name: (arrays[f"{name}_connections"], arrays[f"{name}_generations"]) for name in tasks})
    pictures["evaluations"] = Picture(
        figure,
        "Left: runs solved by the number of networks evaluated; dotted, the published mean for each task. Right: "
        "connections of the best network by generation; median, quartiles and extremes of the runs.",
    )

    figure, axes = panels(1, 1, width=7.0, height=3.4)
    draw.angles(axes, arrays["angles"], 0.02)
    pictures["angles"] = Picture(figure, "Two poles from the start: how they lean while a grown network balances them.")
    pictures["poles"] = Picture(arrays["film"], "The same: a long pole and one of a tenth of its length on one cart.")
    return pictures
