"""Generations a second of every strategy, beside evosax: the sphere in 100 and 10 000 dimensions.

Populations of 256 and 4 096. Ours and evosax's measurements take turns, each program a scan over generations of ask,
evaluate, tell; medians and their ratio. What evosax keeps of a generation (the best so far, metrics) the compiler removes
there, for only the mean is returned. The sphere costs next to nothing, so the strategies are what is timed (on
Rastrigin's function the cosines take most of a generation, whoever asks for them). DEAP's genetic algorithm shows what
a user without JAX sees; the full covariance is left out in 10 000 dimensions.

    python3 -m venv .peers && .peers/bin/pip install evosax deap six
    python -m experiments bench strategies --peers .peers/bin/python

Expected: twice evosax's at least in 10 000 dimensions, CMA-ES 1.3 times. On two cores of a shared EPYC it was 2.4 to 7 times
with 256 members and 1.5 to 4.5 with 4 096, CMA-ES 1.5 and 1.3; on those of a shared Xeon 3.5 to 5.7, 1.6 to 5, 1.4 and 1.9. DEAP's
genetic algorithm is 8 to 48 times slower than ours.
"""

import json
import subprocess
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.peers import every_core, say
from redes_jax import devices
from redes_jax.evolution import strategies
from redes_jax.process import iterate

PEER = Path(__file__).parent / "peers" / "strategies_evosax.py"
DIMENSIONS, POPULATIONS, ROUNDS = (100, 10_000), (256, 4096), 3
NUMBERS = 2_000_000_000  # a measurement is long enough for about so many floating-point operations
TARGETS = {(name, 10_000): 2.0 for name in ("ga", "openes", "openes, noise table", "pgpe", "snes", "sep_cma_es")}
TARGETS |= {("cma_es", 100): 1.3}


def makers(dimension: int, members: int) -> dict:
    """Our strategies with the settings that the peer's script gives to evosax's."""
    table = strategies.noise_table(jax.random.key(1), 4_000_000)
    made = {
        "ga": partial(strategies.ga, members, parents=members // 2),
        "openes": partial(strategies.openes, members),
        "openes, noise table": partial(strategies.openes, members, table=table),
        "pgpe": partial(strategies.pgpe, members, optimiser=optax.scale_by_adam()),
        "snes": partial(strategies.snes, members, sigma=0.1),
        "sep_cma_es": partial(strategies.sep_cma_es, members, sigma=0.1),
        "mu_lambda": partial(strategies.mu_lambda, members, parents=members // 7, sigma=0.1),
    }
    return made | ({"cma_es": partial(strategies.cma_es, members, sigma=0.1)} if dimension <= 1000 else {})


def sphere(key, x, input):
    del key, input
    return -jnp.sum(x**2)


def run(
    peers: str | None = None, dimensions: tuple[int, ...] = DIMENSIONS, populations: tuple[int, ...] = POPULATIONS
) -> list[dict]:
    """Measure, and return rows of name, value, unit, and what it is compared with.

    Args:
      peers: a Python interpreter with evosax and deap installed; None leaves them out.
      dimensions, populations: the sizes.
    """
    every_core()
    rows = []
    for dimension in dimensions:
        for members in populations:
            rows += size(peers, dimension, members)
    return rows


def size(peers, dimension, members) -> list[dict]:
    generations = max(2, min(200, NUMBERS // (50 * dimension * members)))
    programs = {}
    for name, make in makers(dimension, members).items():
        say(f"{dimension} dimensions, {members} members: compiling {name}")
        programs[name] = program(make(), generations, dimension, jax.vmap)
    dealt = partial(devices.replicas, width=32, gather=True)
    if jax.device_count() > 1:
        programs[f"openes, {jax.device_count()} devices"] = program(
            strategies.openes(members), generations, dimension, dealt
        )
    speed = {name: [] for name in programs}
    theirs = peer(peers, dimension, members, generations)
    try:
        other: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for name, timed in programs.items():
                start = time.perf_counter()
                jax.block_until_ready(timed())
                speed[name].append(generations / (time.perf_counter() - start))
            for name, value in theirs.turn().items():
                other.setdefault(name, []).append(value)
    finally:
        theirs.close()
    return list(rows_of(dimension, members, speed, other, theirs.skipped))


def rows_of(dimension, members, speed, other, skipped):
    medians = {name: float(np.median(values)) for name, values in other.items()}
    for name, values in speed.items():
        value, against = float(np.median(values)), medians.get(name.split(",")[0])
        more = {}
        if against is not None:
            more = {"ratio": value / against, "against": f"evosax, {against:.3g}"}
            if (name, dimension) in TARGETS:
                more["against"] += f", target {TARGETS[name, dimension]:g}"
        yield {"name": f"{dimension} x {members}, {name}", "value": value, "unit": "generations/s"} | more
    if "deap" in medians:
        yield {
            "name": f"{dimension} x {members}, DEAP's genetic algorithm", "value": medians["deap"],
            "unit": "generations/s", "ratio": float(np.median(speed["ga"])) / medians["deap"],
            "against": "this, by our ga",
        }  # fmt: skip
    if skipped:
        yield {"name": f"{dimension} x {members}, peers", "value": None, "unit": "", "skipped": skipped}


def program(strategy, generations, dimension, over):
    learner = strategies.evolve(strategy, sphere, over)
    key = jax.random.key(0)
    state = jax.jit(learner.init)(key, jnp.ones(dimension))
    compiled = jax.jit(partial(iterate, length=generations)).lower(learner.step, key, state).compile()
    jax.block_until_ready(compiled(learner.step, key, state))
    return lambda: compiled(learner.step, key, state)


class peer:
    """The peers' script in a process of its own: one line in, one measurement of everything out."""

    def __init__(self, python: str | None, dimension: int, members: int, generations: int):
        self.skipped = None if python else "no interpreter with evosax and deap was given (--peers)"
        self.process = None
        if python:
            command = [python, str(PEER), *map(str, (dimension, members, generations))]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def turn(self) -> dict[str, float]:
        if self.process is None or self.process.stdin is None or self.process.stdout is None:
            return {}
        try:
            self.process.stdin.write("go\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            self.close()
            self.process, self.skipped = None, "the peers' script stopped: see its message above"
            return {}

    def close(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
            self.process.wait()
