"""Hodgkin-Huxley, million neuron-steps a second: ours beside a C ceiling, NEURON, CoreNEURON and Brian2 in one run.

100 000 neurons for 100 ms at dt 0.025 ms (staggered scheme, spikes counted in the scan) on all devices; a processor
shows itself as one device a core. The ceiling is ``hh_ceiling.c``: the same scheme in C, vectorised by gcc, on one
thread, times the devices. Ours and the ceiling take turns, and medians are quoted. The ceiling counts its own CPU time,
so beside the ratio by the clock stands one by CPU time, which a busy machine does not spoil. Peers run one after
another at a size that takes them seconds, each at its own best setting, and are as exact as their schemes are: spike-
time errors over 100 ms stand in the rows.

    python -m experiments bench hodgkin_huxley

Expected (two cores): at least 0.56 of twice the ceiling in float32, 20 times CoreNEURON on all cores, 70 times NEURON
on one thread.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from redes_jax import devices
from redes_jax.neurons import solvers, spikes, stimuli
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.schemes import RUSH_LARSEN, STAGGERED, wide_vectors
from redes_jax.neurons.simulation import simulate

HERE = Path(__file__).parent
NEURONS, DURATION, DT, WIDTH, REPEATS = 100_000, 100.0, 0.025, 1024, 5


def run(peers: str | None = None) -> list[dict]:
    """Measure, and return rows of name, value, unit, and what it is compared with.

    Args:
      peers: a Python interpreter with NEURON and Brian2 installed; None leaves them out.
    """
    try:
        devices.host_devices(os.cpu_count() or 1)
    except RuntimeError:
        say("JAX has started already: going on with the devices that it has")
    count, rows = jax.device_count(), []

    def row(name, value, unit="M neuron-steps/s", **more):
        rows.append({"name": name, "value": value, "unit": unit} | more)

    both = f"f32, {count} devices"
    uncounted = f"{both}, no spikes counted"
    measures, speed = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for bits in ("f32", "f64"):
            program = ceiling(bits, Path(folder))
            if isinstance(program, str):
                row(f"C ceiling {bits}, one thread", None, skipped=program)
            else:
                measures[f"C ceiling {bits}, one thread"] = program
        one, every = devices.mesh(jax.devices()[:1]), devices.mesh()
        measures |= {
            both: ours(every, counted),
            f"f64, {count} devices": ours(every, counted, float64=True),
            "f32, one device": ours(one, counted, share=4),
            uncounted: ours(every, last_voltage),
            f"{both}, diffrax, 20 micro-steps": ours(every, through_diffrax),
            f"{both}, Rush-Larsen": ours(every, rush_larsen, share=4),
        }
        for repeat in range(REPEATS):
            say(f"repeat {repeat + 1} of {REPEATS}")
            for name, measure in measures.items():
                speed.setdefault(name, []).append(measure())
    medians = {name: np.median(values, axis=0).tolist() for name, values in speed.items()}
    wall, busy = ({name: pair[i] for name, pair in medians.items()} for i in (0, 1))

    for name in speed:
        if name.startswith("C ceiling"):
            row(name, wall[name])
            continue
        base, times = (uncounted, 1) if "diffrax" in name else (f"C ceiling {name[:3]}, one thread", count)
        if "one device" in name:
            times = 1
        if base not in speed:
            row(name, wall[name])
            continue
        against = base if times == 1 else f"{base}, times {times}"
        row(
            name,
            wall[name],
            ratio=wall[name] / wall[base] / times,
            ratio_of_cpu_time=busy[name] / busy[base],
            against=against,
        )
    row("from one device to all", wall[both] / wall["f32, one device"], "times")
    for scheme, error in spike_errors().items():
        row(f"worst spike-time error over 100 ms, {scheme}", error, "ms")
    for name, milliseconds, times_longer in gradients():
        row(name, milliseconds, "ms", ratio=times_longer, against="the simulation alone")
    for name, script, arguments, error in PEERS:
        result = peer(peers, script, arguments)
        if isinstance(result, str):
            row(name, None, skipped=result)
        else:
            row(
                f"{name} {result['version']}",
                result["value"],
                ratio=wall[both] / result["value"],
                against=f"ours, {error}",
            )
    return rows


PEERS = (
    ("NEURON, one thread", "hh_neuron.py", ("2000", "100", "1"), "spike times within 0.4 ms"),
    (
        "CoreNEURON, all cores",
        "hh_neuron.py",
        ("10000", "100", str(os.cpu_count()), "coreneuron"),
        "spike times within 0.4 ms",
    ),
    ("Brian2 C++", "hh_brian2.py", ("4000", "100"), "spike times within 1.2 ms"),
)


def counted(current):
    return simulate(SQUID, SQUID.params(), stimuli.constant(current), duration=DURATION, dt=DT, fold=spikes.counter())[
        1
    ]


def last_voltage(current, scheme=STAGGERED):
    run = simulate(
        SQUID, SQUID.params(), stimuli.constant(current), duration=DURATION, dt=DT, scheme=scheme, observe=None
    )
    return run[0].voltage


def rush_larsen(current):
    return last_voltage(current, RUSH_LARSEN)


def through_diffrax(current):
    stimulus, scheme = stimuli.constant(current), solvers.Staggered(micro_steps=20)
    run = simulate(SQUID, SQUID.params(), stimulus, duration=DURATION, dt=20 * DT, scheme=scheme, observe=None)
    return run[0].voltage


def ours(mesh, neuron, *, share: int = 1, float64: bool = False):
    """A function that simulates ``NEURONS / share`` neurons once: million neuron-steps a second, of the clock and of
    CPU.
    """
    size = NEURONS // share
    with jax.enable_x64(float64):
        current = jnp.linspace(9.5, 10.5, size)
        width = WIDTH // 2 if float64 else WIDTH
        program = (
            jax.jit(devices.replicas(neuron, width, on=mesh), compiler_options=wide_vectors()).lower(current).compile()
        )
    jax.block_until_ready(program(current))

    def measure():
        start, busy = time.perf_counter(), time.process_time()
        jax.block_until_ready(program(current))
        taken = np.array([time.perf_counter() - start, time.process_time() - busy])
        return size * DURATION / DT / 1e6 / taken

    return measure


def ceiling(bits: str, folder: Path):
    """A function that runs the C program once, or the reason why it cannot."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return "no C compiler"
    program = folder / bits
    flags = ["-O3", "-march=native", "-ffast-math", "-fopenmp-simd", *(["-DF64"] if bits == "f64" else [])]
    built = subprocess.run(
        [compiler, *flags, str(HERE / "hh_ceiling.c"), "-o", str(program), "-lmvec", "-lm"],
        capture_output=True,
        text=True,
    )
    if built.returncode:
        return f"{compiler} failed: {built.stderr.strip().splitlines()[-1]}"

    def measure():
        printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
        return np.full(2, float(printed.split(":")[1].split()[0]))

    return measure


def peer(python: str | None, script: str, arguments) -> dict | str:
    """What a peer's script printed, in million neuron-steps a second, or the reason why it did not."""
    if python is None:
        return "no interpreter with peers was given"
    say(f"{script} {' '.join(arguments)}")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, str(HERE / "peers" / script), *arguments], capture_output=True, text=True, cwd=folder, timeout=600
        )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    printed = json.loads(done.stdout.strip().splitlines()[-1])
    return {"value": printed["neuron_steps_per_second"] / 1e6, "version": printed["version"]}


def spike_errors() -> dict[str, float]:
    """The worst error of a spike's time over 100 ms at this step, over five currents, against diffrax at tolerance
    1e-10.
    """
    from experiments.hodgkin_huxley import SCHEMES, STEPS, adaptive_reference, scheme_errors

    say("spike times against an adaptive reference")
    reference = {name: np.asarray(value) for name, value in adaptive_reference().items()}
    errors = scheme_errors(reference["exact_voltage"], reference["exact_spikes"])["spike_error"]
    return {name: float(error[STEPS.index(DT)]) for name, error in zip(SCHEMES, errors, strict=True)}


def gradients() -> list[tuple[str, float, float]]:
    """Milliseconds of the gradient of a voltage loss in three conductances, 1 000 neurons by 2 000 steps; and in
    simulations.
    """
    say("gradients")
    current = jnp.linspace(9.5, 10.5, 1000)

    def loss(g, segment=None):
        params = SQUID.params(**dict(zip(("sodium", "potassium", "leak"), g, strict=True)))
        return simulate(
            SQUID, params, current, duration=50.0, dt=DT, observe=lambda s: s.voltage.mean(), segment=segment
        )[1].mean()

    g = jnp.array([120.0, 36.0, 0.3])
    programs = {
        "simulation": jax.jit(loss),
        "gradient, forward mode": jax.jit(jax.jacfwd(loss)),
        "gradient, reverse, every state kept": jax.jit(jax.grad(loss)),
        "gradient, reverse, a state kept in 45": jax.jit(jax.grad(lambda g: loss(g, segment=45))),
    }
    seconds = {name: [] for name in programs}
    for _ in range(REPEATS + 1):
        for name, program in programs.items():
            start = time.perf_counter()
            jax.block_until_ready(program(g))
            seconds[name].append(time.perf_counter() - start)
    median = {name: float(np.median(taken[1:])) for name, taken in seconds.items()}
    return [(name, 1000 * taken, taken / median["simulation"]) for name, taken in median.items()]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
