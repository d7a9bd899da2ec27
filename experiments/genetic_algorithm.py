"""Does a genetic algorithm behave as its theory says, on bits, on real numbers, and on tours? (ch. 8.1)

1. Takeover: selection alone, one member better than the rest. How long until all descend from it?
2. OneMax: the number of ones, by tournaments of two and uniform crossover; generations to convergence by genome length.
3. The royal road R1: eight blocks of eight bits, each worth 8 only when whole, by the algorithm of Forrest & Mitchell and
   by a hill climber that flips one bit at a time. The crossover that was to join blocks loses to the climber.
4. Rastrigin's function of ten reals: simulated binary crossover and polynomial mutation.
5. A travelling salesman: cities on a circle, whose shortest tour is the circle, by order crossover and inversions on four
   islands.

All of them are one line, ``evolve(genetic(select, cross, mutate), fitness)``; seeds are a population.

    python -m experiments run genetic_algorithm
    python -m experiments run genetic_algorithm --preset full

Expected: takeover of 1 024 by tournaments of two in 12.8 generations (Goldberg & Deb 1991); OneMax of l bits converges
after (pi / 2) sqrt(l) / I, which is 2.78 sqrt(l) (Muhlenbein & Schlierkamp-Voosen 1993; Thierens & Goldberg 1994);
R1 takes 61 334 evaluations, the climber 6 179 (Forrest & Mitchell 1993); optima 0 and 2 n sin(pi / n). Two CPU cores:
quick 40 s, full 8 minutes beside other work.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import bits, devices
from redes_jax.evolution import selection, variation
from redes_jax.evolution.strategies import evolve, genetic, islands
from redes_jax.figures import genetic as draw
from redes_jax.figures.style import panels
from redes_jax.process import Process, population


@dataclass(frozen=True)
class Config:
    seeds: int = 16  # independent populations of each problem
    takeover: int = 1024  # members in the population that one takes over
    lengths: tuple[int, ...] = (32, 64, 128)  # bits of OneMax
    onemax: int = 512  # members that solve OneMax
    road: int = 128  # members on the royal road
    roads: int = 32  # populations on the royal road
    road_generations: int = 3000  # at most, there
    climbers: int = 200  # hill climbers on the same road
    climbs: int = 30_000  # flips of a hill climber, at most
    reals: int = 10  # dimensions of Rastrigin's function
    rastrigin: int = 200  # members
    rastrigin_generations: int = 500
    cities: int = 24  # on the circle
    island: int = 64  # members of each of four islands of tours
    tour_generations: int = 300
    chunk: int = 100  # generations between two looks (progress, checkpoint)
    seed: int = 0  # of everything random


PRESETS = {
    "quick": Config(),
    "full": Config(
        seeds=200, lengths=(32, 64, 128, 256), onemax=2048, roads=200, road_generations=6000, climbers=1000, climbs=60_000,
        rastrigin=400, rastrigin_generations=1000, cities=48, tour_generations=800,
    ),
}  # fmt: skip

_FORREST = "Forrest & Mitchell 1993, table 1 (200 runs)"
CLAIMS = (
    Claim("takeover_2", "takeover of 1 024 by tournaments of 2", 12.8, "generations", "Goldberg & Deb 1991", 1.0),
    Claim("takeover_4", "takeover of 1 024 by tournaments of 4", 6.4, "generations", "Goldberg & Deb 1991", 1.0),
    Claim("onemax_ratio", "OneMax, generations over (pi / 2) sqrt(l) / I", 1.0, "", "Muhlenbein & Schlierkamp-Voosen 1993", 0.15),
    Claim("royal_road", "royal road R1, genetic algorithm", 61334, "evaluations", _FORREST, 6912),
    Claim("climber", "royal road R1, random-mutation hill climber", 6179, "evaluations", _FORREST, 558),
    Claim("rastrigin", "Rastrigin's function of 10 reals, lowest value", 0.0, "", "its minimum", 0.01),
    Claim("tour_excess", "tour over the shortest, cities on a circle", 0.0, "%", "2 n sin(pi / n)", 0.01),
)  # fmt: skip

TOURNAMENTS = (2, 4)
ISLANDS = 4
INTENSITY = math.pi**-0.5  # of a tournament of two


def run(config: Config, lab: Lab = QUIET) -> Result:
    if min(config.seeds, config.cities - 3, config.onemax - 2, *config.lengths) < 1:
        raise ValueError(
            f"seeds {config.seeds}, cities {config.cities}, onemax {config.onemax}, lengths {config.lengths}: "
            "at least 1 seed, 4 cities, 3 members and 1 bit are needed"
        )
    key = jax.random.key(config.seed)
    parts = (takeover, onemax, royal_road, rastrigin, tours)
    results = [part(config, jax.random.fold_in(key, number), lab) for number, part in enumerate(parts)]
    arrays, measured = {}, {}
    for part_arrays, part_measured in results:
        arrays |= part_arrays
        measured |= part_measured
    return Result(arrays, measured)


def generations(
    stage, learner, first, length: int, config: Config, key, lab: Lab, observe=None, runs: int | None = None
):
    """A population of seeds, each from a first population of its own: ``observe(state, Generation)`` of each generation,
    with leading axes (generations, seeds)."""
    process = Process(lambda key: learner.init(key, first(jax.random.fold_in(key, 1))), learner.step)
    seeds = population(process, runs or config.seeds, partial(devices.replicas, width=8))
    start, rest = jax.random.split(key)
    state = jax.jit(seeds.init)(start)
    return lab.iterate(stage, seeds.step, rest, state, length=length, chunk=min(config.chunk, length), observe=observe)


def takeover(config: Config, key, lab: Lab):
    """The share of the best by generation, (seeds, generations), for each size of tournament."""
    members, arrays, measured = config.takeover, {}, {}
    one = (jnp.arange(members) == 0).astype(jnp.float32)[:, None]
    for size in TOURNAMENTS:
        learner = evolve(genetic(partial(selection.tournament, size=size)), lambda key, genome, input: genome[0])
        shown = generations(f"takeover {size}", learner, lambda key: one, 30, config, key, lab)[1]
        shares = shown.mean.T
        arrays[f"takeover_{size}"] = shares
        measured[f"takeover_{size}"] = first_at_least(shares, 1 - 1 / members) - 1
    return arrays, measured


def onemax(config: Config, key, lab: Lab):
    """Shares of ones by generation, and the generation in which all members are alike in it."""
    select = partial(selection.tournament, size=2)
    learner = evolve(
        genetic(select, variation.uniform, elites=0), lambda key, genome, input: jnp.mean(genome, dtype=jnp.float32)
    )
    arrays, measured, ratios = {"onemax_lengths": np.array(config.lengths)}, {}, []
    for length in config.lengths:
        limit = int(2 * predicted(length))
        first = partial(coins, shape=(config.onemax, length))
        shown = generations(f"OneMax {length}", learner, first, limit, config, key, lab)[1]
        arrays[f"onemax_{length}"] = shown.mean.T
        converged = first_at_least(-shown.spread.T, -1e-6) - 1
        arrays[f"onemax_generations_{length}"] = converged
        ratios.append(converged / predicted(length))
    measured["onemax_ratio"] = np.mean(ratios, axis=0)
    measured["onemax_ones_at_the_end"] = np.mean(
        [arrays[f"onemax_{length}"][:, -1] for length in config.lengths], axis=0
    )
    return arrays, measured


def coins(key, shape):
    return jax.random.bernoulli(key, 0.5, shape)


def predicted(length):
    """Generations to convergence of OneMax from half ones."""
    return np.pi / 2 * np.sqrt(length) / INTENSITY


def royal_road(config: Config, key, lab: Lab):
    """Evaluations to the optimum of R1; the share of seeds that have arrived by evaluations."""

    def select(key, fitness, count):
        return selection.roulette(key, selection.sigma_scaled(fitness), count)

    strategy = genetic(
        select, variation.one_point, Partial(variation.bit_flip, rate=0.005), elites=0, crossover_rate=0.7
    )
    learner = evolve(strategy, lambda key, genome, input: road(genome))
    first = partial(coins, shape=(config.road, 64))
    shown = generations("royal road", learner, first, config.road_generations, config, key, lab, runs=config.roads)[1]
    evaluations = config.road * first_at_least(shown.best.T, 64)

    climbers = population(climber(), config.climbers, partial(devices.replicas, width=100))
    start, rest = jax.random.split(jax.random.fold_in(key, 1))
    heights = lab.iterate(
        "climber", climbers.step, rest, jax.jit(climbers.init)(start), length=config.climbs, chunk=config.climbs // 5,
        observe=lambda state, height: height.astype(jnp.uint8),
    )[1].T  # fmt: skip
    climbed = first_at_least(heights, 64)
    runs = {"royal_road": evaluations, "climber": climbed}
    measured: dict[str, Any] = {f"{name}_unsolved": np.mean(~np.isfinite(each)) for name, each in runs.items()}
    measured |= {name: each for name, each in runs.items() if np.isfinite(each).all()}  # else the mean would flatter
    return {"road_genetic": evaluations, "road_climber": climbed}, measured


def road(genome):
    """R1 of Mitchell, Forrest & Holland (1992): 8 for each of eight blocks of eight ones."""
    return 8.0 * jnp.sum(jnp.all(genome.reshape(8, 8), axis=1), dtype=jnp.float32)


def climber() -> Process:
    """Random-mutation hill climbing: flip one bit, keep it unless it is worse; one flip a step."""

    def init(key):
        return coins(key, (64,))

    def step(key, genome, input):
        del input
        place = bits.bits(key, ()) % 64
        other = genome ^ (jnp.arange(64) == place)
        better = road(other) >= road(genome)
        genome = jnp.where(better, other, genome)
        return genome, road(genome)

    return Process(init, step)


def rastrigin(config: Config, key, lab: Lab):
    low, high = -5.12, 5.12
    cross = Partial(variation.simulated_binary, low=low, high=high, eta=20.0)
    mutate = Partial(variation.polynomial, low=low, high=high, eta=30.0, rate=1 / config.reals)
    learner = evolve(
        genetic(cross=cross, mutate=mutate, elites=2, crossover_rate=0.9), lambda key, genome, input: -valleys(genome)
    )

    def first(key):
        return jax.random.uniform(key, (config.rastrigin, config.reals), minval=low, maxval=high)

    shown = generations("Rastrigin", learner, first, config.rastrigin_generations, config, key, lab)[1]
    return {"rastrigin": -shown.best.T}, {"rastrigin": -shown.best[-1]}


def valleys(x):
    """Rastrigin's function: a bowl full of hollows, the deepest of depth 0 at the origin."""
    return jnp.sum(10 + x**2 - 10 * jnp.cos(2 * jnp.pi * x), axis=-1)


def tours(config: Config, key, lab: Lab):
    """Lengths of the best tour by generation, and some tours of the first seed."""
    angles = 2 * np.pi * np.arange(config.cities) / config.cities
    shuffled = np.random.default_rng(config.seed).permutation(config.cities)
    places = np.stack([np.cos(angles), np.sin(angles)], 1)[shuffled]
    learner = evolve(
        islands(salesman(), ISLANDS, every=20, migrants=2), partial(tour_fitness, jnp.asarray(places, jnp.float32))
    )

    def first(key):
        keys = jax.random.split(key, ISLANDS * config.island)
        tours = jax.vmap(lambda key: jax.random.permutation(key, config.cities))(keys)
        return tours.reshape(ISLANDS, config.island, config.cities)

    def observe(states, shown):
        return shown.best, jax.vmap(lambda state: state.best)(states)[0]

    best, shown = generations("tours", learner, first, config.tour_generations, config, key, lab, observe)[1]
    shortest = 2 * config.cities * np.sin(np.pi / config.cities)
    excess = 100 * (-best.T / shortest - 1)
    chosen = np.unique(np.linspace(0, 1, 4)[:-1] ** 2 * (len(shown) - 1) // 4).astype(int)
    chosen = np.append(chosen, len(shown) - 1)
    arrays = {"tour_excess": excess, "tour_places": places, "tour_routes": shown[chosen], "tour_generation": 1 + chosen}
    return arrays, {"tour_excess": excess[:, -1]}


def salesman():
    """Tours: order crossover, and a stretch turned round in every other child."""
    return genetic(
        partial(selection.tournament, size=3), variation.order, Partial(variation.invert, rate=0.5), elites=2,
        crossover_rate=0.6,
    )  # fmt: skip


def tour_fitness(places, key, tour, input):
    """The length of the closed tour, to be made small."""
    del key, input
    stops = places[tour]
    return -jnp.sum(jnp.sqrt(jnp.sum((stops - jnp.roll(stops, -1, axis=0)) ** 2, axis=1)))


def first_at_least(curves: np.ndarray, threshold: float) -> np.ndarray:
    """For each curve the first entry, counted from 1, that reaches the threshold; infinite where none does."""
    reached = curves >= threshold
    return np.where(reached.any(1), 1.0 + reached.argmax(1), np.inf)


def figures(result: Result) -> dict[str, Picture]:
    arrays, pictures = result.arrays, {}
    seeds = len(arrays["rastrigin"])

    figure, axes = panels(1, 3, width=4.6, height=3.9)
    draw.takeover(axes[0], {size: arrays[f"takeover_{size}"] for size in TOURNAMENTS})
    axes[0].set_title("one takes over")
    lengths = arrays["onemax_lengths"].tolist()
    draw.ones(axes[1], {length: arrays[f"onemax_{length}"] for length in lengths}, INTENSITY)
    axes[1].set_title("OneMax: more ones")
    draw.convergence(axes[2], {length: arrays[f"onemax_generations_{length}"] for length in lengths}, INTENSITY)
    axes[2].set_title("OneMax: time to converge")
    pictures["theory"] = Picture(
        figure,
        f"Dashed: theory. Left: share of copies of the best under tournaments alone; it follows P -> 1 - (1 - P)^s. "
        f"Middle and right: bits that are one, and generations until all members agree, under tournaments of two and "
        f"uniform crossover; median, quartiles and extremes of {seeds} populations.",
    )

    figure, axes = panels(1, 3, width=4.6, height=3.9)
    draw.arrivals(
        axes[0], {"hill climber": arrays["road_climber"], "genetic algorithm": arrays["road_genetic"]},
        published={"hill climber": 6179, "genetic algorithm": 61334},
    )  # fmt: skip
    axes[0].set_title("the royal road R1")
    draw.descent(axes[1], arrays["rastrigin"])
    axes[1].set_title("Rastrigin's function")
    draw.excess(axes[2], arrays["tour_excess"])
    axes[2].set_title("tours")
    pictures["problems"] = Picture(
        figure,
        "Left: share of runs that have found the optimum; dotted: the published means, the climber ten times "
        "ahead of the crossover for which the road was paved. Middle, right: best of each generation; median, quartiles "
        "and extremes.",
    )

    routes = arrays["tour_routes"]
    figure, axes = panels(1, len(routes), width=3.2, height=3.4)
    for each, route, generation in zip(axes, routes, arrays["tour_generation"], strict=True):
        draw.tour(each, arrays["tour_places"], route)
        each.set_title(f"generation {generation}")
    pictures["tours"] = Picture(figure, "The best tour of one seed: crossings are undone until the circle is left.")
    return pictures
