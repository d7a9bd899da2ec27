"""Can a population learn to play without a gradient, and is it more than guessing? (ch. 8.2)

A small network (8 hidden units) plays Gymnasium's four classic control tasks, which ask for different things: CartPole to
balance, Acrobot to swing up, MountainCar to go away from the goal first, with -1 a frame whatever is done, and Pendulum to
swing up and hold with a torque that is a number. Several strategies learn the weights, 64 members a generation, beside
random weight guessing (Oller, Glasmachers & Cuccu 2020), the mark that any of them must beat.

The answer of a strategy after each generation plays fresh episodes (100 in full), the same for all, that no strategy ever sees: the
episodes played by members until its mean return reaches the threshold are its evaluations to solve. The best answer of a run
by these then plays as many more that chose nothing: that is the return which is reported.

    python -m experiments run neuroevolution
    python -m experiments run neuroevolution --preset full
    python -m experiments run neuroevolution --tasks pendulum --strategies cma_es guessing

Expected: solved from 475, -100 and -110 (Gymnasium's register of CartPole-v1, Acrobot-v1 and MountainCar-v0); 500 is the
most there is. Pendulum-v1 has no threshold: from -200 here, see :mod:`experiments.control`. Agents trained by gradient have
500, -69 to -83, -101 to -111 and -151 to -170 (RL Baselines3 Zoo 2022). `bench control` sets evosax beside it. Two CPU
cores with other programs running: quick 5 minutes, full 28.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from experiments import control
from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax.evolution import rollout
from redes_jax.figures import evolution as draw
from redes_jax.figures.style import panels
from redes_jax.games import acrobot, cartpole, mountain_car, pendulum
from redes_jax.process import iterate


@dataclass(frozen=True)
class Config:
    tasks: tuple[str, ...] = ("cartpole", "acrobot", "mountain_car", "pendulum")
    strategies: tuple[str, ...] = ("guessing", "ga", "openes")  # also pgpe, snes, sep_cma_es, cma_es
    seeds: int = 4  # independent populations of each strategy
    population: int = 64  # members of a generation
    generations: int = 60  # of every strategy in every task
    hidden: int = 8  # units of a network
    tests: int = 50  # fresh episodes that judge an answer
    chunk: int = 20  # generations between two looks (progress, checkpoint)
    seed: int = 0  # of everything random


PRESETS = {
    "quick": Config(),
    "full": Config(strategies=("guessing", "ga", "openes", "snes", "cma_es"), seeds=20, generations=80, tests=100),
}

_GYMNASIUM, _OURS = "Gymnasium 1.4, reward_threshold", "our threshold; RL Baselines3 Zoo 2022: -151 to -170"
CLAIMS = (
    Claim("cartpole_return", "CartPole-v1, mean return over runs", 475, "frames", _GYMNASIUM, rule="at least"),
    Claim("cartpole_best", "CartPole-v1, the most there is", 500, "frames", "Gymnasium 1.4"),
    Claim("acrobot_return", "Acrobot-v1, mean return over runs", -100, "", _GYMNASIUM, rule="at least"),
    Claim("mountain_car_return", "MountainCar-v0, mean return over runs", -110, "", _GYMNASIUM, rule="at least"),
    Claim("pendulum_return", "Pendulum-v1, mean return over runs", -200, "", _OURS, rule="at least"),
    Claim("cartpole_solved", "runs that solve CartPole-v1", 100, "%", "every run", rule="at least"),
    Claim("acrobot_solved", "runs that solve Acrobot-v1", 100, "%", "every run", rule="at least"),
    Claim("mountain_car_solved", "runs that solve MountainCar-v0", 100, "%", "every run", rule="at least"),
    Claim("pendulum_solved", "runs that solve Pendulum-v1", 100, "%", "every run", rule="at least"),
)  # fmt: skip

LEADER = "ga"  # the strategy whose figures are claimed: the one that did best when the settings were chosen
CLIPS = {  # pictures, and frames from one picture to the next
    "cartpole": (cartpole.render, 4), "acrobot": (acrobot.render, 1), "mountain_car": (mountain_car.render, 2),
    "pendulum": (pendulum.render, 2),
}  # fmt: skip
LONGEST = 125  # pictures of a film


def run(config: Config, lab: Lab = QUIET) -> Result:
    unknown = [name for name in config.tasks if name not in control.TASKS]
    unknown += [name for name in config.strategies if name not in control.STRATEGIES]
    if unknown or not config.tasks or not config.strategies:
        raise ValueError(
            f"tasks {config.tasks}, strategies {config.strategies}: name at least one of {sorted(control.TASKS)} and of "
            f"{sorted(control.STRATEGIES)}"
        )
    if min(config.seeds, config.generations, config.tests) < 1:
        raise ValueError(
            f"seeds {config.seeds}, generations {config.generations}, tests {config.tests}: each must be at least 1"
        )
    arrays, measured = {}, {}
    for number, name in enumerate(control.TASKS):
        if name in config.tasks:
            of_task = contend(name, config, jax.random.fold_in(jax.random.key(config.seed), number), lab)
            arrays |= of_task
            measured |= figures_of_merit(name, config, of_task)
    return Result(arrays, measured)


def contend(name: str, config: Config, key, lab: Lab = QUIET) -> dict[str, np.ndarray]:
    """One task: the test return of every answer, that of the chosen ones, and a film."""
    task, members = control.TASKS[name], config.population
    strategies = {each: control.STRATEGIES[each](members) for each in config.strategies}
    learn_key, test_key, film_key = jax.random.split(key, 3)
    learner = control.play(task, control.contest(strategies, members), members)
    best = control.learn(
        name, learner, task.blank(config.hidden), config.seeds, config.generations, config.chunk, learn_key, lab
    )[1]
    answers = jax.tree.map(lambda *leaves: np.concatenate(leaves, 1), *(best[each] for each in config.strategies))
    curves, returns = control.judge(name, task.returns(config.tests), answers, test_key, lab)
    arrays = {f"{name}_episodes": members * task.episodes * (1 + np.arange(config.generations))}
    for number, each in enumerate(config.strategies):
        own = slice(number * config.seeds, (number + 1) * config.seeds)
        arrays |= {f"{name}_{each}_curve": curves[own], f"{name}_{each}_return": returns[own]}
    leader = leader_of(config)
    return arrays | film_of(name, best[leader], arrays[f"{name}_{leader}_curve"], film_key)


def leader_of(config: Config) -> str:
    return LEADER if LEADER in config.strategies else config.strategies[-1]


def figures_of_merit(name: str, config: Config, arrays) -> dict:
    """Of each strategy the return, the share of runs solved, and the median evaluations to solve; of the leader again."""
    threshold, measured = control.TASKS[name].threshold, {}
    for each in config.strategies:
        final = arrays[f"{name}_{each}_return"]
        needed = evaluations(arrays[f"{name}_{each}_curve"], arrays[f"{name}_episodes"], threshold)
        measured[f"{name}_{each}_return"] = final
        measured[f"{name}_{each}_solved"] = 100.0 * (final >= threshold)
        measured[f"{name}_{each}_evaluations"] = np.median(needed)
    leader = leader_of(config)
    measured[f"{name}_return"] = measured[f"{name}_{leader}_return"]
    measured[f"{name}_solved"] = measured[f"{name}_{leader}_solved"]
    measured[f"{name}_best"] = measured[f"{name}_return"].max()
    return measured


def evaluations(curves: np.ndarray, episodes: np.ndarray, threshold: float) -> np.ndarray:
    """For each curve the episodes played when it first reaches the threshold; infinite where it never does.

    Args:
      curves: (seeds, generations) of test returns.
      episodes: (generations,) played in all.
      threshold: to be reached.
    """
    reached = curves >= threshold
    return np.where(reached.any(1), episodes[reached.argmax(1)], np.inf)


def film_of(name: str, answers, curves: np.ndarray, key) -> dict[str, np.ndarray]:
    """One run of the leader: its answer of the first generation, half way up, and its best, from one start each."""
    seed = int((curves.max(-1) - curves[:, 0]).argmax())  # the run that had most to learn
    curve = curves[seed]
    best = int(curve.argmax())
    half = int(np.abs(curve[: best + 1] - (curve[0] + curve[best]) / 2).argmin())
    chosen = np.array([0, half, best])
    players = jax.tree.map(lambda leaf: leaf[chosen, seed], answers)
    task = control.TASKS[name]

    def game(params):
        process = rollout.closed_loop(task.seen(), task.player(params))

        def observe(playing, output):
            return playing.world, output.terminated | output.truncated

        return iterate(process.step, key, process.init(key), length=task.steps, observe=observe)[1]

    states, over = jax.jit(jax.vmap(game))(players)
    over = np.asarray(over)
    arrays = {f"film_{name}_{field}": np.asarray(leaf) for field, leaf in states._asdict().items()}
    last = np.where(over.any(1), over.argmax(1), task.steps - 1)
    return arrays | {f"film_{name}_generation": 1 + chosen, f"film_{name}_last": last}


def figures(result: Result) -> dict[str, Picture]:
    arrays, pictures = result.arrays, {}
    tasks = [name for name in control.TASKS if f"{name}_episodes" in arrays]
    names = [each for each in control.STRATEGIES if f"{tasks[0]}_{each}_curve" in arrays]
    seeds = len(arrays[f"{tasks[0]}_{names[0]}_curve"])

    figure, axes = panels(1, len(tasks), width=4.3, height=4.0, squeeze=False)
    for each, name in zip(axes[0], tasks, strict=True):
        task = control.TASKS[name]
        curves = {each: arrays[f"{name}_{each}_curve"] for each in names}
        draw.returns(each, arrays[f"{name}_episodes"], curves, task.threshold, (task.low, task.high))
        each.set_title(control.TASKS[name].game)
    axes[0, 0].legend(loc="lower right", fontsize=9)
    pictures["learning"] = Picture(
        figure,
        f"Mean return of each strategy's answer in fresh episodes; median and quartiles of {seeds} runs. "
        "Dashed: solved.",
    )
    figure, axes = panels(1, len(tasks), width=4.0, height=3.6, squeeze=False, sharey=True)
    for each, name in zip(axes[0], tasks, strict=True):
        episodes = arrays[f"{name}_episodes"]
        threshold = control.TASKS[name].threshold
        needed = {each: evaluations(arrays[f"{name}_{each}_curve"], episodes, threshold) for each in names}
        draw.needed(each, needed, int(episodes[0]), int(episodes[-1]))
        each.set_title(control.TASKS[name].game)
    pictures["evaluations"] = Picture(
        figure,
        "Episodes played until a run's answer solves the task: each run a dot, their median a bar. Hollow, right of the "
        "line: not within the budget. Grey, random weight guessing, is the mark to beat.",
    )
    for name in tasks:
        pictures[f"player_{name}"] = Picture(
            film(name, arrays),
            f"{control.TASKS[name].game}: the answer of one run after its first generation, half way up, and its best one.",
        )
    return pictures


def film(name: str, arrays) -> np.ndarray:
    render, every = CLIPS[name]
    kind = {"cartpole": cartpole, "acrobot": acrobot, "mountain_car": mountain_car, "pendulum": pendulum}[name].State
    ends = arrays[f"film_{name}_last"]
    shown = np.arange(0, min(int(ends.max()) + every, LONGEST * every), every)
    clips, labels = [], []
    for row, (generation, last) in enumerate(zip(arrays[f"film_{name}_generation"], ends, strict=True)):
        frames = np.minimum(shown, last)
        state = kind(**{field: jnp.asarray(arrays[f"film_{name}_{field}"][row, frames]) for field in kind._fields})
        clips.append(render(state))
        labels.append([f"generation {generation}   frame {frame + 1}" for frame in frames])
    return draw.film(clips, labels, side_by_side=clips[0].shape[1] > clips[0].shape[2] / 2)
