"""CartPole played by a population in evosax and gymnax: prints one JSON object of environment steps a second, by name.

python cartpole_evosax.py WIDTHS POLICIES STEPS REPEATS      # WIDTHS: hidden units, 16 or 64,64
"""

import json
import sys
import time
from functools import partial
from importlib.metadata import version

import jax
import jax.numpy as jnp

policies, steps, repeats = (int(word) for word in sys.argv[2:5])
hidden = tuple(int(width) for width in sys.argv[1].split(","))

import gymnax  # noqa: E402
from evosax.problems.networks import MLP  # noqa: E402
from evosax.problems.rl.gymnax import GymnaxProblem  # noqa: E402

network = MLP(layer_sizes=(*hidden, 2), output_fn=lambda logits, key: jnp.argmax(logits))
problem = GymnaxProblem("CartPole-v1", network, episode_length=steps, use_normalize_obs=False)
key = jax.random.key(0)
params = jax.vmap(problem.sample)(jax.random.split(key, policies))
state = problem.init(key)
game, physics = gymnax.make("CartPole-v1")


def play(key, params):
    """The leanest loop that uses gymnax as it is offered: its step, which resets by itself, and nothing kept."""
    start, frames = jax.random.split(key)
    observation, world = game.reset(start, physics)

    def frame(carry, key):
        observation, world, total, alive = carry
        action = network.apply(params, observation, key)
        observation, world, reward, *over, _ = game.step(key, world, action, physics)
        done = over[0] if len(over) == 1 else over[0] | over[1]
        return (observation, world, total + reward * alive, alive * (1 - done)), None

    carry = (observation, world, 0.0, 1.0)
    return jax.lax.scan(frame, carry, jax.random.split(frames, steps))[0][2]


@jax.jit
def fitness_only(key, params):
    return problem.eval(key, params, state)[0]


keys = jax.random.split(key, policies)
measures = {
    "evosax GymnaxProblem": partial(problem.eval, key, params, state),
    "evosax GymnaxProblem, fitness alone": partial(fitness_only, key, params),
    "gymnax step": partial(jax.jit(jax.vmap(play)), keys, params),
}
for measure in measures.values():
    jax.block_until_ready(measure())
seconds = {name: [] for name in measures}
for _ in range(repeats):
    for name, measure in measures.items():
        start = time.perf_counter()
        jax.block_until_ready(measure())
        seconds[name].append(time.perf_counter() - start)
medians = {name: sorted(taken)[len(taken) // 2] for name, taken in seconds.items()}
print(json.dumps({
    "steps_per_second": {name: policies * steps / taken for name, taken in medians.items()},
    "versions": {package: version(package) for package in ("evosax", "gymnax", "jax")},
}))  # fmt: skip
