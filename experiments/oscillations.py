"""How do two kinds of neuron make a rhythm, and what sets its frequency? (ch. 1.1)

Excitatory cells (reduced Traub-Miles) that are driven, each a little differently and with noise of its own, and fast inhibitory
cells (Wang-Buzsaki): excitation recruits inhibition, which silences all until it has decayed, and the next round begins. That is
the pyramidal-interneuron gamma (PING). The decay time of GABA-A inhibition is swept, over several seeds at once, each of which draws
its own connections, drives and noise. Two controls: without inhibition, and inhibitory cells alone under a steady drive (ING).

A rhythm is told by the spectrum of the excitatory cells' rate (inhibitory in ING) between 10 and 200 Hz: its peak over its median.

    python -m experiments run oscillations

Expected: between 30 and 80 Hz (the gamma band; Buzsaki & Wang, Annu. Rev. Neurosci. 35:203, 2012) for decay times of 6 to 20 ms,
slower the slower inhibition decays (Whittington, Traub & Jefferys 1995; Börgers & Kopell 2003), and no rhythm without inhibition.
Two CPU cores: quick 12 s, full 20 minutes, estimated.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import devices
from redes_jax.figures import circuits as draw
from redes_jax.figures.style import BLUE, GREEN, GREY, RED, panels
from redes_jax.neurons import circuits
from redes_jax.neurons.connectivity import fixed_in_degree
from redes_jax.neurons.hippocampal import INTERNEURON, PYRAMIDAL
from redes_jax.neurons.simulation import whole_steps
from redes_jax.neurons.synapses import Exponentials
from redes_jax.process import iterate


@dataclass(frozen=True)
class Config:
    excitatory: int = 160  # pyramidal cells
    inhibitory: int = 40  # interneurons
    from_excitatory: int = 40  # synapses onto each interneuron from pyramidal cells
    from_inhibitory: int = 20  # synapses onto each cell from interneurons
    decays: tuple[float, ...] = (6.0, 9.0, 12.0, 15.0, 20.0)  # of GABA-A, ms
    seeds: int = 3  # networks at each decay
    duration: float = 500.0  # ms that are analysed, a multiple of slice
    settle: float = 100.0  # ms before, a multiple of slice
    slice: float = 100.0  # ms between two looks (progress, checkpoint)
    dt: float = 0.05  # step, ms
    drive: float = 1.4  # mean current into pyramidal cells, uA/cm2
    drive_spread: float = 0.15  # its relative standard deviation over cells
    noise_rate: float = 200.0  # Poisson excitation of each pyramidal cell, Hz
    noise_weight: float = 0.02  # its conductance, mS/cm2
    excitation: float = 0.25  # onto an interneuron from all its pyramidal cells together, mS/cm2
    inhibition: float = 0.25  # onto a cell from all its interneurons together, mS/cm2
    delay: float = 1.0  # of every synapse, ms
    width: int = 4  # networks in a block
    seed: int = 0  # of everything


PRESETS = {
    "quick": Config(),
    "full": Config(
        excitatory=800, inhibitory=200, decays=(5.0, 6.0, 7.5, 9.0, 12.0, 15.0, 18.0, 22.0), seeds=10, duration=2000.0
    ),
}

_GAMMA = "gamma band, Buzsaki & Wang 2012"
CLAIMS = (
    Claim("slowest_hz", "frequency at the slowest inhibition", 30.0, "Hz", _GAMMA, rule="at least"),
    Claim("fastest_hz", "frequency at the fastest inhibition", 80.0, "Hz", _GAMMA, rule="at most"),
    Claim(
        "slowing", "rank correlation of frequency with decay", -0.9, "", "Börgers & Kopell 2003: slows", rule="at most"
    ),
    Claim("rhythm_kept", "rhythm without inhibition over with it", 0.1, "", "PING needs both cells", rule="at most"),
)

CONTROL = 9.0  # decay at which the controls are run, ms
ING_DRIVE = 2.0  # uA/cm2 into interneurons that are alone
SHOWN = {"E": 64, "I": 16}  # cells in a raster
BAND = (10.0, 200.0)  # Hz


def run(config: Config, lab: Lab = QUIET) -> Result:
    check(config)
    conditions = [("PING", decay) for decay in config.decays] + [("no inhibition", CONTROL), ("ING", CONTROL)]
    seen = simulated(config, conditions, lab)

    arrays: dict = {"decay": np.array(config.decays), "shown_time": config.dt * np.arange(seen["shown"].shape[2])}
    peak, rhythm = {}, {}
    for j, (name, decay) in enumerate(conditions):
        frequency, power = spectrum(seen["i" if name == "ING" else "e"][j], config.dt)
        peak[name, decay], rhythm[name, decay] = frequency[power.argmax(-1)], power.max(-1)
        if decay == shown_decay(config) or name != "PING":
            arrays |= {f"power_{name}": power, f"raster_{name}": seen["shown"][j, 0]}
            arrays |= {f"rate_{name}_{cell}": per_ms(seen[cell][j, 0], config.dt) for cell in "ei"}
    arrays |= {"spectrum_hz": frequency, "frequency": np.stack([peak["PING", decay] for decay in config.decays], 1)}

    gamma = arrays["frequency"]
    order = np.argsort(np.argsort(-gamma, 1), 1) - np.argsort(np.argsort(config.decays))
    with_inhibition = rhythm["PING", shown_decay(config)]
    points = len(config.decays)
    measured = {
        "slowest_hz": gamma[:, np.argmax(config.decays)],
        "fastest_hz": gamma[:, np.argmin(config.decays)],
        "slowing": 6 * (order**2).sum(1) / (points * (points**2 - 1)) - 1,
        "rhythm": with_inhibition,
        "rhythm_without_inhibition": rhythm["no inhibition", CONTROL],
        "rhythm_kept": rhythm["no inhibition", CONTROL] / with_inhibition,
        "ing_hz": peak["ING", CONTROL],
        "ing_rhythm": rhythm["ING", CONTROL],
    }
    return Result(arrays, measured)


def check(config: Config) -> None:
    if len(config.decays) < 2 or min(config.decays) <= 1:
        raise ValueError(f"decays is {config.decays} ms: at least two, longer than 1, for slowing to be seen")
    if config.seeds < 1:
        raise ValueError(f"seeds is {config.seeds}: at least 1 network at each decay")
    for whole, part in ((config.slice, config.dt), (config.duration, config.slice), (config.settle, config.slice)):
        whole_steps(whole, part)
    whole_steps(1.0, config.dt)  # rates are taken in bins of 1 ms


def shown_decay(config: Config) -> float:
    """The decay nearest to that of the controls."""
    return min(config.decays, key=lambda decay: abs(decay - CONTROL))


def network(config: Config, key, decay, inhibition, excitation, excitatory_drive, inhibitory_drive):
    """One network, with connections and drives of its own."""
    sizes = config.excitatory, config.inhibitory
    keys = jax.random.split(key, 5)
    factors = [
        1.0 + spread * jax.random.normal(k, (n,))
        for k, n, spread in zip(keys, sizes, (config.drive_spread, 0.02), strict=False)
    ]
    cells = {
        "e": circuits.Population(PYRAMIDAL, PYRAMIDAL.params(), sizes[0], excitatory_drive * factors[0], (-75.0, -50.0)),
        "i": circuits.Population(INTERNEURON, INTERNEURON.params(), sizes[1], inhibitory_drive * factors[1], (-75.0, -50.0)),
    }  # fmt: skip
    fast, slow = Exponentials(0.5, 3.0, 0.0), Exponentials(0.5, decay, -75.0)
    e, i = config.from_excitatory, config.from_inhibitory
    to_i = fixed_in_degree(keys[2], *sizes, e)
    to_e = fixed_in_degree(keys[3], sizes[1], sizes[0], i)
    among_i = fixed_in_degree(keys[4], sizes[1], sizes[1], i, others=True)
    wires = [
        circuits.Projection("e", "i", to_i, excitation / e, fast, config.delay),
        circuits.Projection("i", "e", to_e, inhibition / i, slow, config.delay),
        circuits.Projection("i", "i", among_i, inhibition / i, slow, config.delay),
        circuits.Poisson("e", config.noise_rate, config.noise_weight, fast),
    ]
    return circuits.network(cells, wires, config.dt)


def observe(state, fired):
    """Rates of both populations, and the spikes of a few cells."""
    few = jnp.concatenate([fired["e"][: SHOWN["E"]], fired["i"][: SHOWN["I"]]])
    return circuits.rates(state, fired) | {"shown": jnp.packbits(few)}


def simulated(config: Config, conditions: list[tuple[str, float]], lab: Lab) -> dict[str, np.ndarray]:
    """What was observed after settling, (conditions, seeds, steps, ...)."""
    g, gee, drive = config.inhibition, config.excitation, config.drive
    of = {"PING": (g, gee, drive, 0.0), "no inhibition": (0.0, gee, drive, 0.0), "ING": (g, 0.0, 0.0, ING_DRIVE)}
    numbers = np.repeat([(decay, *of[name]) for name, decay in conditions], config.seeds, axis=0).astype(np.float32)
    keys = jax.random.split(jax.random.key(config.seed), config.seeds)
    keys = keys[np.tile(np.arange(config.seeds), len(conditions))]

    def begin(key, numbers):
        made = network(config, key, *numbers)
        return made.step, made.init(key)

    steps, states = jax.jit(devices.replicas(begin, config.width))(keys, jnp.asarray(numbers))
    length = whole_steps(config.slice, config.dt)

    def advance(steps, key, states, input):
        del input
        part = lambda step, key, state: iterate(step, key, state, length=length, observe=observe)  # noqa: E731
        return devices.replicas(part, config.width)(steps, jax.random.split(key, len(keys)), states)

    slices = round((config.settle + config.duration) / config.slice)
    run_key = jax.random.fold_in(jax.random.key(config.seed), 1)
    _, seen = lab.iterate("networks", Partial(advance, steps), run_key, states, length=slices, chunk=1)
    seen = {name: np.moveaxis(part[round(config.settle / config.slice) :], 0, 1) for name, part in seen.items()}
    return {name: part.reshape(len(conditions), config.seeds, -1, *part.shape[3:]) for name, part in seen.items()}


def per_ms(share, dt: float) -> np.ndarray:
    """Shares of cells that fired in each step as rates in bins of 1 ms, Hz."""
    return 1000.0 * share.reshape(*share.shape[:-1], -1, round(1.0 / dt)).sum(-1)


def spectrum(share, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """``(frequency, power)`` of the rate within :data:`BAND` (Hann window), the power over its median."""
    rate = per_ms(share, dt)
    size = rate.shape[-1]
    windowed = (rate - rate.mean(-1, keepdims=True)) * np.hanning(size)
    frequency = np.fft.rfftfreq(8 * size, 1e-3)
    within = (frequency >= BAND[0]) & (frequency <= BAND[1])
    power = np.abs(np.fft.rfft(windowed, 8 * size)[..., within]) ** 2
    return frequency[within], power / np.median(power, axis=-1, keepdims=True)


def figures(result: Result) -> dict[str, Picture]:
    a = result.arrays
    names, colours = ("PING", "no inhibition", "ING"), {"E": RED, "I": BLUE, "e": RED, "i": BLUE}
    pictures = {}

    figure, axes = panels(2, 3, width=4.6, height=2.8, sharex=True, gridspec_kw={"height_ratios": (1.6, 1)})
    titles = ("Both kinds (PING)", "Inhibition removed", "Inhibitory cells alone (ING)")
    for column, (name, title) in enumerate(zip(names, titles, strict=True)):
        cells = slice(SHOWN["E"] if name == "ING" else 0, sum(SHOWN.values()))
        late = a["shown_time"] < 250.0
        fired = np.unpackbits(a[f"raster_{name}"], axis=-1).astype(bool)[late, : sum(SHOWN.values())]
        split = {"E": fired[:, : SHOWN["E"]], "I": fired[:, SHOWN["E"] :]}
        if cells.start:
            del split["E"]
        draw.raster(axes[0, column], a["shown_time"][late], split, colours, title=title)
        rates = {cell: a[f"rate_{name}_{cell}"][:250] for cell in ("i" if cells.start else "ei")}
        draw.population_rates(axes[1, column], np.arange(250), rates, colours)
    axes[1, 0].set_ylabel("rate (Hz)")
    pictures["rasters"] = Picture(
        figure,
        "Left: excitatory cells (red) fire together, recruit the inhibitory ones (blue), and all wait until inhibition has "
        "decayed. Middle: without it each cell keeps its own time and the rate is flat. Right: driven inhibitory cells find a common "
        "rhythm by inhibiting each other.",
    )

    figure, axes = panels(1, 2, width=6.2, height=4.4)
    powers = {name: a[f"power_{name}"] for name in names}
    draw.spectra(axes[0], a["spectrum_hz"], powers, {"PING": RED, "no inhibition": GREY, "ING": GREEN})
    draw.slowing(axes[1], a["decay"], a["frequency"])
    pictures["rhythm"] = Picture(
        figure,
        "Left: a sharp peak in the gamma band with inhibition, none without. Right: the time that inhibition takes to decay sets the "
        "period, in every network drawn.",
    )
    return pictures
