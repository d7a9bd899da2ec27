"""Strategies of evosax on the sphere, and DEAP's genetic algorithm: for each line read, one JSON object of
generations a second, by our names.

python strategies_evosax.py DIMENSION MEMBERS GENERATIONS
"""

import json
import random
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
from deap import algorithms, base, creator, tools
from evosax.algorithms import CMA_ES, PGPE, SNES, Open_ES, Sep_CMA_ES, SimpleGA

dimension, members, generations = (int(word) for word in sys.argv[1:4])


def sphere(x):
    return jnp.sum(x**2)


def program(make):
    strategy = make(members, jnp.ones(dimension))
    params = strategy.default_params
    key = jax.random.key(0)
    if make is SimpleGA:
        first = jnp.ones((members, dimension))
        state = strategy.init(key, first, jnp.full(members, jnp.inf), params)
    else:
        state = strategy.init(key, jnp.ones(dimension), params)

    @jax.jit
    def run(key, state):
        def generation(state, key):
            ask, tell = jax.random.split(key)
            population, state = strategy.ask(ask, state, params)
            state, _ = strategy.tell(tell, population, jax.vmap(sphere)(population), state, params)
            return state, None

        state = jax.lax.scan(generation, state, jax.random.split(key, generations))[0]
        return state.population if make is SimpleGA else state.mean

    jax.block_until_ready(run(key, state))
    return lambda: jax.block_until_ready(run(key, state))


def deap_program(rounds):
    creator.create("Fitness", base.Fitness, weights=(-1.0,))
    creator.create("Member", np.ndarray, fitness=creator.Fitness)
    toolbox = base.Toolbox()
    toolbox.register("evaluate", lambda x: (float(np.sum(x**2)),))
    toolbox.register("select", tools.selTournament, tournsize=2)
    toolbox.register("mutate", lambda x: (x.__iadd__(np.random.normal(0, 0.1, x.shape)),))
    toolbox.register("mate", tools.cxUniform, indpb=0.5)
    random.seed(0)
    population = [creator.Member(np.ones(dimension)) for _ in range(members)]
    return lambda: algorithms.eaSimple(population, toolbox, 0.0, 1.0, rounds, verbose=False)


makers = {"ga": SimpleGA, "openes": Open_ES, "pgpe": PGPE, "snes": SNES, "sep_cma_es": Sep_CMA_ES}
if dimension <= 1000:
    makers["cma_es"] = CMA_ES
programs = {name: (program(make), generations) for name, make in makers.items()}
rounds = max(1, min(20, generations // 10))
programs["deap"] = (deap_program(rounds), rounds)
for _ in sys.stdin:
    speed = {}
    for name, (timed, length) in programs.items():
        start = time.perf_counter()
        timed()
        speed[name] = length / (time.perf_counter() - start)
    print(json.dumps(speed), flush=True)
