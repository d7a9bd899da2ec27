"""CartPole played by 1 024 policies, million frames a second: ours beside evosax and gymnax in one run.

Every policy balances for all 500 frames, so every frame counted was played. Ours is the fitness of a whole population
on one device and on all (a processor shows itself as one device a core), 256 policies a block for 4-16-2 and 16 for
4-64-64-2. One device and all take turns, before the peers and after them, and medians are quoted. A peer gets all
cores: evosax's problem class as it is offered, the same with all but the fitness removed by the compiler, and a bare
loop over gymnax's step. And one generation of 100 000 policies, asked, played and told in a process of its own: the most
memory it holds.

    python3 -m venv .peers && .peers/bin/pip install evosax gymnax six
    python -m experiments bench neuroevolution --peers .peers/bin/python

Expected (two cores): 4-16-2 at least 20 on one device and 36 on two, 8 times evosax with gymnax; 4-64-64-2 at least 2
on two.
"""

import sys
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from experiments.peers import ask, every_core, say
from redes_jax import devices
from redes_jax.evolution import policies, rollout
from redes_jax.evolution.policies import Layer
from redes_jax.games import cartpole

PEER = "cartpole_evosax.py"
POLICIES, STEPS, REPEATS = 1024, 500, 5
MANY, BOUND_MB = 100_000, 4000
NETS = {"4-16-2": ((4, 16, 2), 256, 20.0, 36.0), "4-64-64-2": ((4, 64, 64, 2), 16, None, 2.0)}


def run(peers: str | None = None) -> list[dict]:
    """Measure, and return rows of name, value, unit, and what it is compared with.

    Args:
      peers: a Python interpreter with evosax and gymnax installed; None leaves them out.
    """
    count, rows = every_core(), []

    def row(name, value, unit="M frames/s", **more):
        rows.append({"name": name, "value": value, "unit": unit} | more)

    for net, (sizes, width, one_target, all_target) in NETS.items():
        say(f"{net}: compiling")
        key = jax.random.key(0)
        keys = jax.random.split(key, POLICIES)
        members = jax.vmap(partial(balancing, sizes=sizes))(keys)
        fitness = rollout.returns(cartpole.cartpole(), policies.mlp, steps=STEPS)
        layouts = {"one device": devices.mesh(jax.devices()[:1]), f"{count} devices": devices.mesh()}
        programs = {
            name: jax.jit(devices.replicas(fitness, width, on=layout)).lower(keys, members).compile()
            for name, layout in layouts.items()
        }
        shortest = min(float(program(keys, members).min()) for program in programs.values())
        speed = {name: [] for name in programs}
        take_turns(programs, keys, members, speed)
        say(f"{net}: peers")
        other = ask(peers, PEER, ",".join(map(str, sizes[1:-1])), POLICIES, STEPS, REPEATS)
        take_turns(programs, keys, members, speed)
        medians = {name: float(np.median(values)) for name, values in speed.items()}
        ours = medians[f"{count} devices"]
        for (name, value), target in zip(medians.items(), (one_target, all_target), strict=True):
            against = {} if target is None else {"ratio": value / target, "against": f"target {target:g}"}
            row(f"{net}, {name}", value, **against)
        if count > 1:
            row(f"{net}, {count} devices over one", ours / medians["one device"], "")
        row(f"{net}, shortest episode", shortest, "frames")
        row(f"{net}, memory beside weights and results", temporary(fitness, width, keys, members), "kB")
        if isinstance(other, str):
            row(f"{net}, evosax and gymnax", None, skipped=other)
        else:
            for name, value in other["steps_per_second"].items():
                row(f"{net}, {name}", value / 1e6, ratio=ours / (value / 1e6), against="this, by ours on all devices")
    for name in ("ga", "openes"):
        found = ask(sys.executable, "population_redes_jax.py", name, MANY)
        if isinstance(found, str):
            raise RuntimeError(f"the large population stopped: {found}")
        row(
            f"{name}, memory of one generation of {MANY} policies", found["peak_mb"], "MB",
            ratio=found["peak_mb"] / BOUND_MB, against=f"the bound, {BOUND_MB} MB",
        )  # fmt: skip
    return rows


def balancing(key, sizes) -> tuple[Layer, ...]:
    """A network that balances: each unit carries the same sum or its negative, and a little noise of its own."""
    lean, layers = jnp.array([0.1, 0.4, 3.0, 1.0]), []
    for number, (inputs, outputs) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        fed, feeding = (1.0 - 2.0 * (jnp.arange(n) % 2) for n in (inputs, outputs))
        kernel = lean[:, None] * feeding if number == 0 else fed[:, None] * feeding / inputs
        kernel = -kernel if number == len(sizes) - 2 else kernel
        noise = 0.01 * jax.random.normal(jax.random.fold_in(key, number), kernel.shape)
        layers.append(Layer(kernel + noise, jnp.zeros(outputs)))
    return tuple(layers)


def take_turns(programs, keys, members, speed) -> None:
    for _ in range(REPEATS):
        for name, program in programs.items():
            start = time.perf_counter()
            jax.block_until_ready(program(keys, members))
            speed[name].append(POLICIES * STEPS / (time.perf_counter() - start) / 1e6)


def temporary(fitness, width, keys, members) -> float:
    """kB that the program needs beside arguments and results; a hundred times as many frames must need no more."""
    longer = rollout.returns(cartpole.cartpole(), policies.mlp, steps=100 * STEPS)
    needs = [
        jax.jit(devices.blocks(each, width)).lower(keys, members).compile().memory_analysis().temp_size_in_bytes
        for each in (fitness, longer)
    ]
    if needs[0] != needs[1]:
        raise AssertionError(f"memory grows with length: {needs} bytes for {STEPS} and {100 * STEPS} frames")
    return needs[0] / 1e3
