"""Branched Hodgkin-Huxley cells in Jaxley, float32: prints JSON with compartment-steps a second, forward and gradient.

python tree_jaxley.py CELLS MILLISECONDS GRADIENT_CELLS

Each cell: a soma and twelve branches of eight compartments, as in ``experiments/bench/trees.py``. The gradient is that of
a loss of the soma's mean squared voltage in a sodium density for every cell, with two levels of checkpoints.
"""

import json
import math
import sys
import time

import jax
import jax.numpy as jnp
import jaxley as jx
from jaxley.channels import HH

PARENTS = [-1, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
cells, duration, some = (int(word) for word in sys.argv[1:4])
steps = round(duration / 0.025)

compartment = jx.Compartment()
branches = [jx.Branch(compartment, ncomp=1 if k == 0 else 8) for k in range(len(PARENTS))]
cell = jx.Cell(branches, PARENTS)
cell.insert(HH())
cell.set("radius", 1.0)
cell.set("length", 20.0)
cell.set("axial_resistivity", 100.0)
cell.branch(0).set("radius", 10.0)
cell.set("HH_eLeak", -54.387)
cell.set("v", -65.0)
cell.init_states()
cell.branch(0).comp(0).record(verbose=False)


def voltage(amplitude, sodium=None, checkpoints=None):
    stimulus = cell.branch(0).comp(0).data_stimulate(jnp.full((steps,), 1.0) * amplitude, None)
    state = None if sodium is None else cell.data_set("HH_gNa", sodium, None)
    return jx.integrate(
        cell, data_stimuli=stimulus, param_state=state, delta_t=0.025, checkpoint_lengths=checkpoints
    )[0]  # fmt: skip


def measured(program, *arguments):
    start = time.perf_counter()
    compiled = program.lower(*arguments).compile()
    compiling = time.perf_counter() - start
    jax.block_until_ready(compiled(*arguments))
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        value = jax.block_until_ready(compiled(*arguments))
        taken.append(time.perf_counter() - start)
    return value, sorted(taken)[1], compiling


amplitudes = 0.5 + jnp.arange(cells) / cells
last, forward, forward_compile = measured(jax.jit(jax.vmap(lambda a: voltage(a)[-1])), amplitudes)


def loss(sodium, amplitudes):
    level = math.ceil(math.sqrt(steps + 1))
    return jax.vmap(lambda g, a: ((voltage(a, g, [level, level]) + 50.0) ** 2).mean())(sodium, amplitudes).mean()


_, backward, backward_compile = measured(jax.jit(jax.grad(loss)), jnp.full((some,), 0.12), amplitudes[:some])


def peak_megabytes():
    """Of this process alone: what getrusage says includes the parent before it became this program."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


compartments = 1 + 8 * (len(PARENTS) - 1)
print(json.dumps({
    "compartment_steps_per_second": cells * compartments * steps / forward,
    "gradient_compartment_steps_per_second": some * compartments * steps / backward,
    "compile_seconds": forward_compile,
    "gradient_compile_seconds": backward_compile,
    "soma_mv": float(last[0]),
    "peak_megabytes": peak_megabytes(),
    "version": jx.__version__,
}))  # fmt: skip
