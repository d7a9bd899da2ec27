"""MinAtar's Breakout played from pixels by a population in evosax and gymnax: prints one JSON object of environment steps a
second, by name.

python breakout_evosax.py POLICIES STEPS REPEATS
"""

import json
import sys
import time
from functools import partial
from importlib.metadata import version

import jax
import jax.numpy as jnp
from flax import linen as nn

policies, steps, repeats = (int(word) for word in sys.argv[1:4])

import gymnax  # noqa: E402
from evosax.problems.rl.gymnax import GymnaxProblem  # noqa: E402


class Net(nn.Module):
    """The network of the other side, by Flax's own layers."""

    @nn.compact
    def __call__(self, x, key=None):
        x = nn.relu(nn.Conv(16, (4, 4), (2, 2), "VALID")(x.astype(float)))
        x = nn.relu(nn.Dense(32)(x.reshape(*x.shape[:-3], -1)))
        return jnp.argmax(nn.Dense(3)(x), axis=-1)


network = Net()
key = jax.random.key(0)
game, rules = gymnax.make("Breakout-MinAtar")
params = jax.vmap(lambda key: network.init(key, jnp.zeros((10, 10, 4))))(jax.random.split(key, policies))
problem = GymnaxProblem("Breakout-MinAtar", network, episode_length=steps, use_normalize_obs=False)
state = problem.init(key)


def play(key, params):
    """The leanest loop that uses gymnax as it is offered: its step, which resets by itself, and nothing kept."""
    start, frames = jax.random.split(key)
    observation, world = game.reset(start, rules)

    def frame(carry, key):
        observation, world, total = carry
        observation, world, reward, *_ = game.step(key, world, network.apply(params, observation), rules)
        return (observation, world, total + reward), None

    return jax.lax.scan(frame, (observation, world, 0.0), jax.random.split(frames, steps))[0][2]


@jax.jit
def fitness_only(key, params):
    return problem.eval(key, params, state)[0]


keys = jax.random.split(key, policies)
measures = {
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
