"""Single-compartment Hodgkin-Huxley cells in this library, as the peers beside it: prints JSON with neuron-steps a second.

python hh_redes_jax.py CELLS MILLISECONDS GRADIENT_MILLISECONDS     # 0 leaves the gradient out
"""

import json
import os
import sys
import time

import jax
import jax.numpy as jnp

from redes_jax import devices
from redes_jax.neurons import spikes
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.schemes import wide_vectors
from redes_jax.neurons.simulation import simulate

cells, duration, gradient_duration = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
DT, REPEATS = 0.025, 3
devices.host_devices(os.cpu_count() or 1)
WIDTH = max(1, min(1024, -(-cells // jax.device_count())))
currents = 9.5 + jnp.arange(cells) / cells
conductances = {"sodium": jnp.float32(120.0), "potassium": jnp.float32(36.0), "leak": jnp.float32(0.3)}


def fire(conductances, currents):
    """Spikes of every cell."""

    def count(current):
        return simulate(SQUID, SQUID.params(**conductances), current, duration=duration, dt=DT, fold=spikes.counter())[
            1
        ]

    return devices.replicas(count, WIDTH)(currents)


def gradient(mode, **options):
    """The gradient of a voltage loss, the mean over cells of each one's own."""

    def loss(conductances, current):
        params = SQUID.params(**conductances)
        trace = simulate(SQUID, params, current, duration=gradient_duration, dt=DT, **options)[1]
        return jnp.mean((trace + 65.0) ** 2)

    def over_cells(conductances, currents):
        each = devices.replicas(lambda current: mode(loss)(conductances, current), min(WIDTH, 256))(currents)
        return jax.tree.map(jnp.mean, each)

    return over_cells


def peak_mb():
    """The most memory this process has held: Linux counts it anew from the start of the program, getrusage does not."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1e3


def best_seconds(function):
    """Seconds of the compilation, and of the best of some runs after it."""
    begin = time.perf_counter()
    program = jax.jit(function, compiler_options=wide_vectors()).lower(conductances, currents).compile()
    compiled = time.perf_counter() - begin
    taken = []
    for _ in range(REPEATS + 1):
        begin = time.perf_counter()
        jax.block_until_ready(program(conductances, currents))
        taken.append(time.perf_counter() - begin)
    return compiled, min(taken[1:])


compiled, taken = best_seconds(fire)
found = {
    "neuron_steps_per_second": cells * duration / DT / taken,
    "compile_seconds": compiled,
    "peak_mb": peak_mb(),
    "version": f"jax {jax.__version__}",
}
if gradient_duration:
    segment = int((gradient_duration / DT) ** 0.5)
    found["gradient_seconds"] = best_seconds(gradient(jax.grad, segment=segment))[1]
    found["forward_gradient_seconds"] = best_seconds(gradient(jax.jacfwd))[1]
print(json.dumps(found))
