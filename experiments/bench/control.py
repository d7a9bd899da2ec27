"""Episodes that it takes to solve Gymnasium's control tasks: our strategies beside evosax's in gymnax's worlds.

The same network, observations, population, settings, threshold and number of test episodes, in worlds that two projects
wrote apart from each other; all members of a generation meet the same starts in both. What is counted does not depend on
the machine. The two genetic algorithms are not the same: ours keeps an elite of one, evosax's keeps none.

    python3 -m venv .peers && .peers/bin/pip install evosax gymnax six
    python -m experiments bench control --peers .peers/bin/python

Expected: medians within a factor of two of each other, for the evolution strategies are the same algorithms.
"""

import json

import jax
import numpy as np

from experiments import control, neuroevolution
from experiments.neuroevolution import Config
from experiments.peers import ask, every_core, say

PEER = "control_evosax.py"
STRATEGIES = ("ga", "openes", "snes", "cma_es")


def run(
    peers: str | None = None, tasks: tuple[str, ...] = tuple(control.TASKS), seeds: int = 20, generations: int = 80,
    strategies: tuple[str, ...] = STRATEGIES, tests: int = 100,
) -> list[dict]:  # fmt: skip
    """Measure, and return rows of name, value, unit, and what it is compared with.

    Args:
      peers: a Python interpreter with evosax and gymnax installed; None leaves them out.
      tasks, seeds, generations, strategies, tests: as in the experiment ``neuroevolution``.
    """
    every_core()
    config, rows = Config(strategies=strategies, seeds=seeds, generations=generations, tests=tests), []
    for number, name in enumerate(tasks):
        task = control.TASKS[name]
        say(f"{name}: {len(strategies)} strategies, {seeds} runs of each")
        arrays = neuroevolution.contend(name, config, jax.random.fold_in(jax.random.key(config.seed), number))
        fields = {"game", "centre", "scales", "outputs", "threshold", "episodes", "steps"}
        given = {field: value for field, value in task._asdict().items() if field in fields}
        settings = {"population": config.population, "generations": generations, "seeds": seeds, "hidden": config.hidden,
                    "tests": tests, "strategies": strategies}  # fmt: skip
        theirs = ask(peers, PEER, json.dumps(given), json.dumps(settings))
        for each in strategies:
            ours = neuroevolution.evaluations(
                arrays[f"{name}_{each}_curve"], arrays[f"{name}_episodes"], task.threshold
            )
            label = f"{task.game}, {each}"
            rows.append(_row(label, ours))
            if isinstance(theirs, str):
                rows.append(
                    {"name": f"{label}, evosax and gymnax", "value": None, "unit": "episodes", "skipped": theirs}
                )
                continue
            peer = np.array([np.inf if count is None else count for count in theirs[each]])
            row = _row(f"{label}, evosax and gymnax", peer)
            if np.isfinite([np.median(ours), np.median(peer)]).all():
                row |= {"ratio": float(np.median(ours) / np.median(peer)), "against": "ours, by this"}
            rows.append(row)
    return rows


def _row(name: str, needed: np.ndarray) -> dict:
    """The median over runs, None where it lies beyond the budget, and how many of the runs solved the task."""
    middle = float(np.median(needed))
    solved = f"{int(np.isfinite(needed).sum())} of {len(needed)} runs"
    return {"name": f"{name} ({solved})", "value": middle if np.isfinite(middle) else None, "unit": "episodes"}
