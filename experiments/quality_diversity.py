"""When the way to the goal leads away from it: who finds the way out of a maze, and how much of it do they see? (ch. 8.2)

A robot with five rangefinders and a compass to the goal is steered by a small network. The straight way ends in a pocket;
the way that leads there first goes further off. Three searches with the same network and the same number of evaluations:

- by objective: a genetic algorithm that rewards a small distance to the goal at the end,
- by novelty: the same algorithm, rewarded for ending where nobody has (Lehman & Stanley 2011),
- MAP-Elites: the nearest to the goal among those that end in each cell of the maze (Mouret & Clune 2015).

Coverage is the share of the maze's cells in which a robot has ended; the quality-diversity score sums over them how near
the goal the best of each came (Pugh et al. 2016).

    python -m experiments run quality_diversity
    python -m experiments run quality_diversity --preset full

Expected: as in the hard maze of Lehman & Stanley (2011), where novelty search solved 39 of 40 runs and the search by
objective 3 of 40, the objective fails where it deceives. Our maze is drawn anew, so that it deceives (an easier first
drawing did not), and the robot a simpler one: what is compared is the order. In full, novelty search and MAP-Elites
solved 40 of 40 runs, the search by objective 4. Two CPU cores: quick about half a minute; full 15 minutes beside other work.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import devices
from redes_jax.evolution import policies
from redes_jax.evolution.novelty import line_mutation, map_elites, novelty_search
from redes_jax.evolution.strategies import ga
from redes_jax.figures import quality_diversity as draw
from redes_jax.figures.style import panels
from redes_jax.process import Process, population


@dataclass(frozen=True)
class Config:
    seeds: int = 8  # independent runs of each search
    population: int = 96  # robots in a generation
    generations: int = 120
    steps: int = 120  # moves of a robot
    hidden: int = 6  # units of its network
    mutation: float = 0.3  # standard deviation of a mutation of a weight
    parents: int = 24  # truncation size of the two genetic algorithms
    nearest: int = 15  # neighbours that say what is new
    places: int = 1024  # behaviours remembered
    cells: int = 20  # of the maze along each side
    chunk: int = 50  # generations between two looks (progress, checkpoint)
    seed: int = 0  # of everything random


PRESETS = {"quick": Config(), "full": Config(seeds=40, population=250, generations=400, steps=200)}

_LEHMAN = "Lehman & Stanley 2011, their hard maze: 39 and 3 of 40 runs"
CLAIMS = (
    Claim("novelty_over_objective", "runs solved, by novelty less by objective", 90.0, "%", _LEHMAN, rule="at least"),
    Claim("objective_solved", "runs solved by objective", 7.5, "%", _LEHMAN, rule="at most"),
    Claim("elites_coverage_gain", "coverage, MAP-Elites less objective", 0.0, "%", "Mouret & Clune 2015", rule="at least"),
)  # fmt: skip

START, GOAL = np.array([0.12, 0.1]), np.array([0.12, 0.9])
WALLS = np.array([  # x0, y0, x1, y1
    (0, 0, 1, 0), (1, 0, 1, 1), (1, 1, 0, 1), (0, 1, 0, 0),  # the outer ones
    (0, 0.75, 0.8, 0.75), (0.8, 0.75, 0.8, 0.2), (0.45, 0.2, 0.8, 0.2),  # the pocket that lies on the straight way
    (1, 0.42, 0.89, 0.42), (0.8, 0.58, 0.91, 0.58),  # a narrow way up
    (0.6, 1, 0.6, 0.86), (0.4, 0.75, 0.4, 0.89),  # and back to the goal
])  # fmt: skip
SPEED, TURN, SIGHT, SOLVED = 0.03, 0.6, 0.4, 0.06
BEARINGS = np.linspace(-np.pi / 2, np.pi / 2, 5)  # of the rangefinders
SEARCHES = ("objective", "novelty", "elites")


def run(config: Config, lab: Lab = QUIET) -> Result:
    if min(config.seeds, config.generations, config.steps) < 1 or config.population <= config.nearest:
        raise ValueError(
            f"seeds {config.seeds}, generations {config.generations}, steps {config.steps} must be at least 1, and the "
            f"population {config.population} larger than nearest {config.nearest}"
        )
    key = jax.random.key(config.seed)
    arrays, measured = {"walls": WALLS, "start": START, "goal": GOAL}, {}
    for number, name in enumerate(SEARCHES):
        fitness, ends = search(name, config, jax.random.fold_in(key, number), lab)
        coverage, score, quality = illuminated(fitness, ends, config.cells)
        solved = (-fitness <= SOLVED).any(-1).cumsum(1) > 0
        arrays |= {
            f"coverage_{name}": 100 * coverage, f"score_{name}": score, f"solved_{name}": solved,
            f"quality_{name}": quality,
        }  # fmt: skip
        measured[f"{name}_solved"] = 100.0 * solved[:, -1]
        measured[f"{name}_coverage"] = 100 * coverage[:, -1]
        measured[f"{name}_score"] = score[:, -1]
    measured["novelty_over_objective"] = measured["novelty_solved"].mean() - measured["objective_solved"].mean()
    measured["elites_coverage_gain"] = measured["elites_coverage"].mean() - measured["objective_coverage"].mean()
    return Result(arrays, measured)


def search(name: str, config: Config, key, lab: Lab):
    """Fitness (seeds, generations, robots) and ends (..., 2) of all robots."""
    evaluate = partial(journey, config.steps)
    sizes = (len(BEARINGS) + 2, config.hidden, 2)
    if name == "elites":
        vary = partial(line_mutation, sigma=config.mutation, line=0.2)
        process = map_elites(evaluate, (config.cells, config.cells), 0.0, 1.0, batch=config.population, vary=vary)
    else:
        strategy = ga(config.population, parents=config.parents, sigma=config.mutation, spread=1.0)
        process = novelty_search(
            strategy, evaluate, features=2, places=config.places, nearest=config.nearest,
            weight=1.0 if name == "novelty" else 0.0,
        )  # fmt: skip
    start = Process(lambda key: process.init(key, policies.init(jax.random.fold_in(key, 1), sizes)), process.step)
    seeds = population(start, config.seeds, partial(devices.replicas, width=4))
    first, rest = jax.random.split(key)
    fitness, ends = lab.iterate(
        name, seeds.step, rest, jax.jit(seeds.init)(first), length=config.generations,
        chunk=min(config.chunk, config.generations), observe=lambda states, shown: (shown.fitness, shown.behaviour),
    )[1]  # fmt: skip
    return fitness.swapaxes(0, 1), ends.swapaxes(0, 1)


def journey(steps: int, key, params, input):
    """``(fitness, behaviour)``: less the distance to the goal at the end, and where that is."""
    del key, input
    act = policies.mlp(params, head=jnp.stack)
    walls, goal = jnp.asarray(WALLS, jnp.float32), jnp.asarray(GOAL, jnp.float32)

    def move(state, _):
        place, heading = state
        turn, go = jnp.tanh(act(sense(place, heading, walls, goal)))
        heading = heading + TURN * turn
        step = SPEED * jnp.maximum(go, 0) * jnp.stack([jnp.cos(heading), jnp.sin(heading)])
        free = ~jnp.any(reach(place, 1.2 * step, walls) <= 1)
        return (jnp.where(free, place + step, place), heading), None

    begin = (jnp.asarray(START, jnp.float32), jnp.float32(0))
    place = jax.lax.scan(move, begin, None, steps)[0][0]
    return -jnp.sqrt(jnp.sum((place - goal) ** 2)), place


def sense(place, heading, walls, goal):
    """Five distances in units of the sight, and the direction of the goal seen from the robot."""
    angles = heading + jnp.asarray(BEARINGS, jnp.float32)
    rays = SIGHT * jnp.stack([jnp.cos(angles), jnp.sin(angles)], 1)
    distances = jnp.min(jax.vmap(reach, (None, 0, None))(place, rays, walls), axis=1)
    away = goal - place
    bearing = jnp.arctan2(away[1], away[0]) - heading
    return jnp.concatenate([1 - jnp.minimum(distances, 1), jnp.stack([jnp.cos(bearing), jnp.sin(bearing)])])


def reach(place, ray, walls):
    """The multiple of ``ray`` at which it meets each wall, infinite where it does not: by Cramer's rule."""
    along = walls[:, 2:] - walls[:, :2]
    offset = walls[:, :2] - place
    cross = ray[0] * along[:, 1] - ray[1] * along[:, 0]
    safe = jnp.where(jnp.abs(cross) > 1e-9, cross, 1)
    far = (offset[:, 0] * along[:, 1] - offset[:, 1] * along[:, 0]) / safe
    where = (offset[:, 0] * ray[1] - offset[:, 1] * ray[0]) / safe
    met = (jnp.abs(cross) > 1e-9) & (far >= 0) & (where >= 0) & (where <= 1)
    return jnp.where(met, far, jnp.inf)


def illuminated(fitness, ends, cells: int):
    """By generation the share of cells in which a robot has ended and the quality-diversity score, each (seeds,
    generations); and the quality of each cell at last for the first seed, (cells, cells) with rows of equal height.

    The quality of an end is how much nearer the goal it lies than the farthest corner, as a share.
    """
    seeds, generations, _ = fitness.shape
    farthest = max(np.hypot(*(GOAL - corner)) for corner in ((0, 0), (0, 1), (1, 0), (1, 1)))
    quality = np.maximum(0, 1 + fitness / farthest)
    place = np.clip((ends * cells).astype(int), 0, cells - 1)
    best = np.zeros((seeds, cells, cells))
    coverage, score = np.zeros((2, seeds, generations))
    each = np.arange(seeds)[:, None]
    for t in range(generations):
        np.maximum.at(best, (each, place[:, t, :, 1], place[:, t, :, 0]), quality[:, t])
        coverage[:, t], score[:, t] = (best > 0).mean((1, 2)), best.sum((1, 2))
    return coverage, score, np.where(best[0] > 0, best[0], np.nan)


def figures(result: Result) -> dict[str, Picture]:
    arrays, pictures = result.arrays, {}
    figure, axes = panels(1, 3, width=4.2, height=4.3)
    for each, name in zip(axes, SEARCHES, strict=True):
        draw.maze(each, arrays["walls"], arrays["start"], arrays["goal"], arrays[f"quality_{name}"])
        each.set_title(draw.SEARCH[name][1])
    pictures["maze"] = Picture(
        figure,
        "Cells of the maze in which a robot of one run ended; the lighter, the nearer the goal (star). The way from the "
        "start (dot) to the goal leads round the pocket on the right.",
    )
    figure, axes = panels(1, 3, width=4.6, height=3.8)
    draw.solved(axes[0], {name: arrays[f"solved_{name}"] for name in SEARCHES})
    axes[0].set_title("goal reached")
    draw.curves(axes[1], {name: arrays[f"coverage_{name}"] for name in SEARCHES}, "coverage (% of cells)")
    axes[1].set_title("diversity")
    draw.curves(axes[2], {name: arrays[f"score_{name}"] for name in SEARCHES}, "quality-diversity score")
    axes[2].set_title("quality and diversity")
    pictures["curves"] = Picture(
        figure,
        f"Left: runs of {len(arrays['solved_novelty'])} in which a robot has ended at the goal. Middle, right: cells "
        "reached, and the sum of their qualities; median, quartiles and extremes.",
    )
    return pictures
