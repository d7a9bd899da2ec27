"""Trees of compartments, million compartment-steps a second: ours beside NEURON and Jaxley in one run.

A soma and twelve branches of eight compartments, 97 in all, Hodgkin-Huxley everywhere; 1 000 cells under currents of
their own, dt 0.025 ms, staggered scheme in float32. Cells lie side by side in blocks, which stay in the cache, dealt to
all devices; and the same through a plain ``vmap``. The gradient is that of a loss of the soma's voltage in a sodium
density for every cell, with a state kept in twenty. All start from -65 mV; the potential of the first soma in the end is
compared.

    python -m experiments bench trees

Expected (two cores): at least 5 times Jaxley forward and 3 times in the gradient, 20 times NEURON on one thread.
"""

import resource
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from experiments.peers import ask, every_core, say
from redes_jax import devices
from redes_jax.neurons import hines
from redes_jax.neurons.cable import Tree
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.morphology import Section, cut
from redes_jax.neurons.schemes import wide_vectors
from redes_jax.neurons.simulation import simulate

HERE = Path(__file__).parent
PARENTS = (-1, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5)
CELLS, DURATION, DT, WIDTH, GRADIENT_CELLS, REPEATS = 1000, 20.0, 0.025, 250, 100, 5


SHAPE = cut(
    [
        Section("soma", 20.0, 20.0) if k == 0 else Section("dendrite", 160.0, 2.0, parent, 1.0, 8)
        for k, parent in enumerate(PARENTS)
    ]
)
TREE = Tree(SQUID, SHAPE.wiring)
COUNT = TREE.wiring.compartments


def soma(amplitude, sodium=120.0, observe=None, **kwargs):
    """Cells side by side, (cells,) currents in nA: the soma's last voltage, or what is observed."""
    params = TREE.params(SHAPE.geometry, sodium=jnp.atleast_1d(jnp.asarray(sodium, jnp.float32))[None])
    state = TREE.steady(params, jnp.full((COUNT, *jnp.shape(amplitude)), -65.0))
    last, record = simulate(
        TREE,
        params,
        TREE.inject(params, 0, amplitude),
        duration=DURATION,
        dt=DT,
        state=state,
        observe=observe,
        **kwargs,
    )
    return last.voltage[0] if observe is None else record


def side_by_side(mesh, cells=CELLS, fn=soma):
    """A function of (cells,) arrays, in blocks of WIDTH cells dealt to the devices."""
    blocked = devices.replicas(fn, 1, on=mesh)

    def over(*members):
        width = min(WIDTH, cells)
        return blocked(*(member.reshape(-1, width) for member in members)).reshape(-1)

    return over


def loss(sodium, amplitude):
    trace = soma(amplitude, sodium, observe=lambda state: (state.voltage[0] + 50.0) ** 2, segment=20)
    return trace.mean(0)


def run(peers: str | None = None) -> list[dict]:
    """Measure, and return rows of name, value, unit, and what it is compared with.

    Args:
      peers: a Python interpreter with NEURON and Jaxley installed; None leaves them out.
    """
    every_core()
    amplitude = 0.5 + jnp.arange(CELLS) / CELLS
    some, sodium = amplitude[:GRADIENT_CELLS], jnp.full(GRADIENT_CELLS, 120.0)
    every, one = devices.mesh(), devices.mesh(jax.devices()[:1])
    both = f"forward, {jax.device_count()} devices"
    half = GRADIENT_CELLS // jax.device_count()
    gradient = jax.grad(lambda sodium, amplitude: loss(sodium, amplitude).sum())

    def dealt_gradient(sodium, amplitude):
        pieces = (x[: half * jax.device_count()].reshape(-1, half) for x in (sodium, amplitude))
        return devices.replicas(gradient, 1, on=every)(*pieces)

    programs = {
        both: (side_by_side(every), (amplitude,), CELLS),
        "forward, one device": (side_by_side(one), (amplitude,), CELLS),
        "forward, one device, vmap": (devices.replicas(soma, WIDTH, on=one), (amplitude,), CELLS),
        f"gradient, {jax.device_count()} devices": (dealt_gradient, (sodium, some), half * jax.device_count()),
    }
    rows, compiled, seconds = [], {}, {name: [] for name in programs}
    for name, (program, arguments, _) in programs.items():
        start = time.perf_counter()
        compiled[name] = jax.jit(program, compiler_options=wide_vectors()).lower(*arguments).compile()
        rows.append({"name": f"compiling: {name}", "value": time.perf_counter() - start, "unit": "s"})
        jax.block_until_ready(compiled[name](*arguments))
    for repeat in range(REPEATS):
        say(f"repeat {repeat + 1} of {REPEATS}")
        for name, (_, arguments, _) in programs.items():
            start = time.perf_counter()
            jax.block_until_ready(compiled[name](*arguments))
            seconds[name].append(time.perf_counter() - start)
    speed = {
        name: cells * COUNT * DURATION / DT / 1e6 / float(np.median(seconds[name]))
        for name, (_, _, cells) in programs.items()
    }
    for name, value in speed.items():
        rows.append({"name": name, "value": value, "unit": "M compartment-steps/s"})
    rows.append({"name": "rounds of the solve", "value": len(hines.rounds(TREE.wiring.parents)), "unit": ""})
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append({"name": "peak memory, ours", "value": memory, "unit": "MB"})
    ours = float(compiled[both](amplitude)[0])
    for name, script, arguments in PEERS:
        result = ask(peers, script, *arguments)
        if isinstance(result, str):
            rows.append({"name": name, "value": None, "unit": "M compartment-steps/s", "skipped": result})
            continue
        named = f"{name} {result['version']}"
        for kind in ("", "gradient_"):
            if f"{kind}compartment_steps_per_second" in result:
                value = result[f"{kind}compartment_steps_per_second"] / 1e6
                against = f"gradient, {jax.device_count()} devices" if kind else both
                rows.append({
                    "name": f"{named}{', gradient' * bool(kind)}", "value": value, "unit": "M compartment-steps/s",
                    "ratio": speed[against] / value, "against": f"ours, {against}",
                })  # fmt: skip
            if f"{kind}compile_seconds" in result:
                rows.append(
                    {"name": f"compiling: {named} {kind}", "value": result[f"{kind}compile_seconds"], "unit": "s"}
                )
        rows.append({"name": f"peak memory, {named}", "value": result["peak_megabytes"], "unit": "MB"})
        difference = abs(result["soma_mv"] - ours)
        rows.append({"name": f"soma after {DURATION:g} ms, difference to {named}", "value": difference, "unit": "mV"})
    return rows


PEERS = (
    ("NEURON, one thread", "tree_neuron.py", (str(CELLS // 5), str(int(DURATION)), "1")),
    ("Jaxley", "tree_jaxley.py", (str(CELLS), str(int(DURATION)), str(GRADIENT_CELLS))),
)
