"""Single-compartment Hodgkin-Huxley cells in Jaxley, mapped over cells in float32: prints JSON with neuron-steps a second.

python hh_jaxley.py CELLS MILLISECONDS GRADIENT_MILLISECONDS     # 0 leaves the gradient out
"""

import json
import sys
import time
from importlib.metadata import version

import jax
import jax.numpy as jnp
import jaxley as jx
from jaxley.channels import HH

cells, duration, gradient_duration = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
DT, REPEATS = 0.025, 3

cell = jx.Compartment()
cell.insert(HH())
cell.set("length", 100.0)
cell.set("radius", 1e4 / (2 * 3.141592653589793 * 100.0))  # 1e-4 cm2, so 0.1 nA is 1 uA/cm2
cell.set("HH_eLeak", -54.387)
cell.set("v", -65.0)
cell.init_states()
cell.record("v", verbose=False)
for name in ("HH_gNa", "HH_gK", "HH_gLeak"):
    cell.make_trainable(name, verbose=False)
params = cell.get_parameters()
amplitudes = 0.1 * (9.5 + jnp.arange(cells) / cells)


def voltages(params, amplitude, length, **options):
    stimulus = cell.data_stimulate(jnp.full(round(length / DT), amplitude), None)
    return jx.integrate(cell, params=params, data_stimuli=stimulus, delta_t=DT, **options)[0]


def last(params, amplitudes):
    return jax.vmap(lambda amplitude: voltages(params, amplitude, duration)[-1])(amplitudes)


def loss(params, amplitudes, **options):
    trace = jax.vmap(lambda amplitude: voltages(params, amplitude, gradient_duration, **options))(amplitudes)
    return jnp.mean((trace + 65.0) ** 2)


def peak_mb():
    """The most memory this process has held: Linux counts it anew from the start of the program, getrusage does not."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1e3


def best_seconds(function):
    """Seconds of the compilation, and of the best of some runs after it."""
    begin = time.perf_counter()
    program = jax.jit(function).lower(params, amplitudes).compile()
    compiled = time.perf_counter() - begin
    taken = []
    for _ in range(REPEATS + 1):
        begin = time.perf_counter()
        jax.block_until_ready(program(params, amplitudes))
        taken.append(time.perf_counter() - begin)
    return compiled, min(taken[1:])


compiled, taken = best_seconds(last)
found = {
    "neuron_steps_per_second": cells * duration / DT / taken,
    "compile_seconds": compiled,
    "peak_mb": peak_mb(),
    "version": version("jaxley"),
}
if gradient_duration:
    length = int((gradient_duration / DT) ** 0.5) + 1
    found["gradient_seconds"] = best_seconds(
        jax.grad(lambda *given: loss(*given, checkpoint_lengths=[length, length]))
    )[1]
    found["forward_gradient_seconds"] = best_seconds(jax.jacfwd(loss))[1]
print(json.dumps(found))
