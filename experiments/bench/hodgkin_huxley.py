"""Hodgkin-Huxley, million neuron-steps a second: ours beside a C ceiling, NEURON, CoreNEURON, Brian2 and Jaxley.

100 000 neurons for 100 ms at dt 0.025 ms (staggered scheme, spikes counted in the scan) on all devices; a processor
shows itself as one device a core. The ceiling is ``hh_ceiling.c``: the same scheme in C, vectorised by gcc, on one
thread, times the devices. Ours and the ceiling take turns, and medians are quoted. The ceiling counts its own CPU time,
so beside the ratio by the clock stands one by CPU time, which a busy machine does not spoil.

Then one table for 1, 100, 10 000 and 100 000 neurons: speed, seconds of compilation, the peak of memory, and the time of
a gradient, ours and the peers', each in a process of its own. Peers are as exact as their schemes are: spike-time errors
over 100 ms stand in the rows.

    python -m experiments bench hodgkin_huxley

Expected (two cores): at least 0.56 of twice the ceiling in float32, 20 times CoreNEURON on all cores, 70 times NEURON
on one thread, 5 times Jaxley, and gradients in a third of Jaxley's time.
"""

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

from experiments.peers import ask, every_core, say
from redes_jax import devices
from redes_jax.neurons import solvers, spikes, stimuli
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.schemes import RUSH_LARSEN, SCHEMES, STAGGERED, wide_vectors
from redes_jax.neurons.simulation import simulate

HERE = Path(__file__).parent
NEURONS, DURATION, DT, WIDTH, REPEATS = 100_000, 100.0, 0.025, 1024, 5


def run(peers: str | None = None) -> list[dict]:
    """Measure, and return rows of name, value, unit, and what it is compared with.

    Args:
      peers: a Python interpreter with NEURON and Brian2 installed; None leaves them out.
    """
    count, rows = every_core(), []

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
    return rows + sizes(peers)


SIZES = (1, 100, 10_000, 100_000)
LARGEST = 40_000_000  # neuron-steps of one run of a peer, which bounds its duration
GRADIENT = 50.0, 10_000  # ms of a gradient, and the largest population that is asked for one
OURS = "redes_jax"
PROGRAMS = {
    OURS: ("hh_redes_jax.py", "gradient", "7e-3 ms"),
    "NEURON, one thread": ("hh_neuron.py", "1", "0.4 ms"),
    "CoreNEURON, all cores": ("hh_neuron.py", f"{os.cpu_count()} coreneuron", "0.4 ms"),
    "Brian2 C++": ("hh_brian2.py", "", "1.2 ms"),
    "Jaxley": ("hh_jaxley.py", "gradient", "0.4 ms"),
}


def sizes(peers: str | None, populations: tuple[int, ...] = SIZES) -> list[dict]:
    """One table: every program at every size, each in a process of its own, so that its peak of memory is its own.

    Ratios are ours over theirs for speed and theirs over ours for the time of a gradient: above 1 ours is faster. Ours and
    Jaxley, in float32, use all cores; the gradient is that of the mean square of all cells' potentials in three
    conductances, in reverse with recomputed segments and in forward mode.
    """
    rows = []
    for size in populations:
        base: dict = {}
        duration = max(5.0, min(DURATION, LARGEST * DT / size // 1))
        for program, (script, words, error) in PROGRAMS.items():
            name = f"{size:,} neurons, {program}"
            if words == "gradient":
                words = str(GRADIENT[0] if size <= GRADIENT[1] else 0)
            found = ask(sys.executable if program == OURS else peers, script, size, duration, *words.split())
            if isinstance(found, str):
                rows.append({"name": name, "value": None, "skipped": found})
                continue
            base = base or found
            row = {
                "name": f"{name} {found['version']}",
                "value": found["neuron_steps_per_second"] / 1e6,
                "unit": "M neuron-steps/s",
                "ratio": base["neuron_steps_per_second"] / found["neuron_steps_per_second"],
                "against": f"ours over it; spike times within {error}",
                "compile_s": found["compile_seconds"],
                "peak_mb": found["peak_mb"],
            }
            for kind in ("gradient", "forward_gradient"):
                if f"{kind}_seconds" in found:
                    row[f"{kind}_ms"] = 1e3 * found[f"{kind}_seconds"]
                    row[f"{kind}_ratio"] = found[f"{kind}_seconds"] / base[f"{kind}_seconds"]
            rows.append(row)
    return rows


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


def spike_errors() -> dict[str, float]:
    """The worst error of a spike's time over 100 ms at this step, over five currents, against diffrax at tolerance
    1e-11.
    """
    from experiments import hh_solvers

    say("spike times against an adaptive reference")
    errors = hh_solvers.stepping([round(hh_solvers.GRID / DT)], hh_solvers.reference())["spike_error"]
    return {name: float(error[0]) for name, error in zip(SCHEMES, errors, strict=True)}
