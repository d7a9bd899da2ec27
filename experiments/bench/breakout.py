"""Breakout from pixels played by 256 and 1 024 convolutional networks, million frames a second: ours beside evosax and
gymnax in one run.

Every policy plays 200 frames; a game that is lost is begun again, on both sides, so that every frame counted was played.
The network is the same: 16 features of 4 x 4 x 4 cells two apart, 32 units, 3 actions. Ours is our own Breakout with the
convolution laid out for one matrix product, on one device and on all (a processor shows itself as one device a core), 64
policies a block: members of OpenES with full noise, and with noise of rank one, which share their large matrices. The peer gets all cores: MinAtar's Breakout of gymnax with Flax's convolution for each member, in evosax's
problem class as it is offered, and in a bare loop over gymnax's step.

    python3 -m venv .peers && .peers/bin/pip install evosax gymnax
    python -m experiments bench breakout --peers .peers/bin/python

Expected: 4.6 times the peers with full noise and 7 times with noise of rank one (256 policies, two cores of a shared Xeon).
"""

import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from experiments.peers import ask, every_core, say
from redes_jax import devices
from redes_jax.evolution import policies
from redes_jax.evolution.asktell import judge
from redes_jax.evolution.strategies import openes
from redes_jax.games import breakout
from redes_jax.process import iterate

PEER = "breakout_evosax.py"
POPULATIONS, STEPS, REPEATS, WIDTH = (256, 1024), 200, 5, 64


def run(peers: str | None = None) -> list[dict]:
    """Measure, and return rows of name, value, unit, and what it is compared with.

    Args:
      peers: a Python interpreter with evosax and gymnax installed; None leaves them out.
    """
    count, rows = every_core(), []

    def row(name, value, unit="M frames/s", **more):
        rows.append({"name": name, "value": value, "unit": unit} | more)

    for size in POPULATIONS:
        say(f"{size} policies: compiling")
        key = jax.random.key(0)
        base = policies.init_pixels(key, (10, 10, 4), 3)
        everyone = {}
        for noise, rank in (("", None), (", noise of rank one", 1)):
            strategy = openes(size, sigma=0.05, rank=rank)
            everyone[noise] = jax.jit(strategy.ask)(key, strategy.init(key, base))
        layouts = {"one device": devices.mesh(jax.devices()[:1]), f"{count} devices": devices.mesh()}
        programs = {
            name + noise: compiled(layout, key, members)
            for noise, members in everyone.items()
            for name, layout in layouts.items()
        }
        speed = {name: [] for name in programs}
        take_turns(programs, size, speed)
        say(f"{size} policies: peers")
        other = ask(peers, PEER, size, STEPS, REPEATS)
        take_turns(programs, size, speed)
        medians = {name: float(np.median(values)) for name, values in speed.items()}
        for name, value in medians.items():
            row(f"{size} policies, {name}", value)
        if count > 1:
            for noise in everyone:
                gain = medians[f"{count} devices{noise}"] / medians[f"one device{noise}"]
                row(f"{size} policies{noise}, {count} devices over one", gain, "")
        if isinstance(other, str):
            row(f"{size} policies, evosax and gymnax", None, skipped=other)
        else:
            for name, value in other["steps_per_second"].items():
                for noise in everyone:
                    ours = medians[f"{count} devices{noise}"]
                    against = f"this, by ours on all devices{noise}"
                    row(f"{size} policies, {name}", value / 1e6, ratio=ours / (value / 1e6), against=against)
    return rows


def compiled(layout, key, members):
    """The rewards of everyone, as a function of nothing: members are dealt to the devices of the layout."""
    run = jax.jit(partial(judge, partial(devices.replicas, width=WIDTH, on=layout), play)).lower(key, members).compile()
    return lambda: run(key, members)


def play(key, params):
    """The rewards of all frames of one policy; a lost game is begun again."""
    world, act = breakout.breakout(), policies.pixels(params)

    def frame(key, carry, input):
        state, total = carry
        play, start = jax.random.split(key)
        after, output = world.step(play, state, act(world.observe(state)))
        again = jax.tree.map(lambda new, old: jnp.where(output.terminated, new, old), world.init(start), after)
        return (again, total + output.reward), None

    return iterate(frame, key, (world.init(key), jnp.zeros(())), length=STEPS)[0][1]


def take_turns(programs, size, speed) -> None:
    for program in programs.values():
        jax.block_until_ready(program())
    for _ in range(REPEATS):
        for name, program in programs.items():
            start = time.perf_counter()
            jax.block_until_ready(program())
            speed[name].append(size * STEPS / (time.perf_counter() - start) / 1e6)
