"""A control task by evosax's strategies in gymnax's world: prints one JSON object, for each strategy by our names the
episodes that each run took to solve it (null where it did not).

python control_evosax.py TASK SETTINGS      # both JSON, as experiments/bench/control.py writes them
"""

import json
import sys

import gymnax
import jax
import jax.numpy as jnp
import numpy as np
import optax
from evosax.algorithms import CMA_ES, PGPE, SNES, Open_ES, Sep_CMA_ES, SimpleGA
from evosax.algorithms.distribution_based.pgpe import clipup
from jax.flatten_util import ravel_pytree

task, settings = (json.loads(word) for word in sys.argv[1:3])
members, generations, seeds = settings["population"], settings["generations"], settings["seeds"]
env, physics = gymnax.make(task["game"])
inputs, hidden, outputs = len(task["scales"]), settings["hidden"], task["outputs"]
centre, scales = jnp.asarray(task["centre"]), jnp.asarray(task["scales"])
blank, unravel = ravel_pytree([
    (jnp.zeros((inputs, hidden)), jnp.zeros(hidden)), (jnp.zeros((hidden, outputs)), jnp.zeros(outputs)),
])  # fmt: skip
MAKERS = {
    "ga": lambda: SimpleGA(members, blank, std_schedule=optax.constant_schedule(1.0)),
    "openes": lambda: Open_ES(members, blank, optimizer=optax.adam(0.6), std_schedule=optax.constant_schedule(0.5)),
    "pgpe": lambda: PGPE(members, blank, optimizer=clipup(learning_rate=2.0, max_velocity=4.0)),
    "snes": lambda: SNES(members, blank),
    "sep_cma_es": lambda: Sep_CMA_ES(members, blank),
    "cma_es": lambda: CMA_ES(members, blank),
}


def episode(key, flat):
    (first, one), (second, two) = unravel(flat)
    observation, state = env.reset_env(key, physics)

    def frame(carry, _):
        observation, state, total, alive = carry
        scores = jnp.tanh((observation - centre) / scales @ first + one) @ second + two
        action = 2.0 * jnp.tanh(scores[0]) if outputs == 1 else jnp.argmax(scores)
        observation, state, reward, over, _ = env.step_env(key, state, action, physics)
        return (observation, state, total + reward * alive, alive * (1.0 - over)), None

    return jax.lax.scan(frame, (observation, state, 0.0, 1.0), None, task["steps"])[0][2]


def score(key, flat, episodes):
    return jax.vmap(episode, (0, None))(jax.random.split(key, episodes), flat).mean()


strategies = {name: MAKERS[name]() for name in settings["strategies"]}
strategies["ga"].elite_ratio = 1 / 8  # as ours; evosax's own is 1 / 2
numbers = {name: strategy.default_params for name, strategy in strategies.items()}
for name, deviation in {"pgpe": 2.0, "snes": 2.0, "sep_cma_es": 2.0, "cma_es": 2.0}.items():
    if name in numbers:
        numbers[name] = numbers[name].replace(std_init=deviation)


def begin(name, key):
    strategy = strategies[name]
    if name == "ga":
        first = jax.random.normal(key, (members, blank.size))
        return strategy.init(key, first, jnp.full(members, jnp.inf), numbers[name])
    return strategy.init(key, blank, numbers[name])


def answer(name, population, fitness, state):
    return population[jnp.argmin(fitness)] if name == "ga" else state.mean


def advance(states, key):
    ask, play, tell = jax.random.split(key, 3)
    asked = {name: strategies[name].ask(ask, states[name], numbers[name]) for name in strategies}
    everyone = jnp.concatenate([population for population, _ in asked.values()])
    fitness = -jax.vmap(lambda flat: score(play, flat, task["episodes"]))(everyone)  # evosax lowers it
    after, answers = {}, []
    for number, (name, (population, state)) in enumerate(asked.items()):
        own = fitness[number * members : (number + 1) * members]
        after[name], _ = strategies[name].tell(tell, population, own, state, numbers[name])
        answers.append(answer(name, population, own, after[name]))
    return after, jnp.stack(answers)


@jax.jit
def run(key):
    start, rest = jax.random.split(key)
    states = {name: begin(name, jax.random.fold_in(start, number)) for number, name in enumerate(strategies)}
    return jax.lax.scan(advance, states, jax.random.split(rest, generations))[1]


@jax.jit
def judge(answers):
    return jax.lax.map(
        lambda each: jax.vmap(lambda flat: score(jax.random.key(1), flat, settings["tests"]))(each), answers
    )


def solved_at(answers) -> np.ndarray:
    """The generation whose answer is the first to reach the threshold, for each strategy; judged only as far as need be."""
    first = np.full(len(strategies), generations)
    for begin in range(0, generations, LOOK):
        reached = np.asarray(judge(answers[begin : begin + LOOK])) >= task["threshold"]  # (generations, strategies)
        found = np.where(reached.any(0), begin + reached.argmax(0), generations)
        first = np.minimum(first, found)
        if (first < generations).all():
            break
    return first


LOOK = 10  # generations judged at a time
needed = {name: [] for name in strategies}
for seed in range(seeds):
    for name, generation in zip(strategies, solved_at(run(jax.random.fold_in(jax.random.key(0), seed))), strict=True):
        played = int(members * task["episodes"] * (1 + generation))
        needed[name].append(played if generation < generations else None)
print(json.dumps(needed))
