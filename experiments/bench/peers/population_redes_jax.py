"""One generation of a large population of small policies that balance a pole (4-16-2), in a process of its own: prints one
JSON object of its peak memory.

python population_redes_jax.py STRATEGY MEMBERS      # STRATEGY: ga or openes
"""

import json
import sys
import time
from functools import partial

import jax

from redes_jax import devices
from redes_jax.evolution import policies, rollout, strategies
from redes_jax.games import cartpole

name, members = sys.argv[1], int(sys.argv[2])


def peak_mb():
    """The most memory this process has held: Linux counts it anew from the start of the program, getrusage does not."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1e3


before = peak_mb()
strategy = {"ga": partial(strategies.ga, parents=members // 5), "openes": strategies.openes}[name](members)
fitness = rollout.returns(cartpole.cartpole(), policies.mlp, steps=500)
learner = strategies.evolve(strategy, fitness, over=partial(devices.blocks, width=128))
key = jax.random.key(0)
state = learner.init(key, policies.init(key, (4, 16, 2)))
step = jax.jit(learner.step).lower(key, state, None).compile()
start = time.perf_counter()
state, shown = jax.block_until_ready(step(key, state, None))
print(json.dumps({
    "peak_mb": peak_mb(),
    "peak_mb_before": before,
    "seconds": time.perf_counter() - start,
    "best": float(shown.best),
    "finite": float(shown.finite),
}))  # fmt: skip
