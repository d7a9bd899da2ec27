"""How long does a reflex take, and how does one muscle yield to the other? (ch. 1.2)

The stretch reflex, spike by spike. Stretch opens mechanically gated channels in the endings of spindle afferents; their axons carry
spikes to the spinal cord, where they excite the motor neurons of the same muscle (the extensor) and an inhibitory interneuron, which
silences those of its antagonist (the flexor). Motor axons carry spikes back to the muscle's fibres. Axons are delays: length over
velocity. All arcs, of several lengths and draws, with and without the interneuron's synapses, are one network.

    python -m experiments run reflex_arc

Expected: latency = conduction there and back + two synaptic delays + what cells take to reach threshold, so a line against length
whose slope is the two velocities' alone; 17.35 +- 1.56 ms to the thigh and 30.97 +- 2.99 ms to the calf in 50 adults (Chon et al.,
J. Korean Acad. Rehabil. Med. 20:3, 1996), for which the paths' lengths and velocities are assumed, not measured in those adults. Without
the interneuron the flexor does not yield. Two CPU cores: quick 10 s.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax.figures import circuits as draw
from redes_jax.figures.style import BLUE, GREEN, ORANGE, RED, panels
from redes_jax.neurons import circuits, cortical
from redes_jax.neurons.hippocampal import INTERNEURON, PYRAMIDAL
from redes_jax.neurons.membrane import Input, compose
from redes_jax.neurons.receptor_channels import mechanically_gated
from redes_jax.neurons.simulation import whole_steps
from redes_jax.neurons.synapses import Exponentials


@dataclass(frozen=True)
class Config:
    lengths: tuple[float, ...] = (0.2, 0.38, 0.5, 0.6, 0.7, 0.78)  # muscle to spinal cord, m
    draws: int = 6  # arcs of each length, with noise of their own
    cells: int = 8  # afferents, interneurons, and motor neurons and fibres of each muscle
    afferent_velocity: float = 65.0  # of spindle afferents, m/s
    efferent_velocity: float = 50.0  # of motor axons, m/s
    synaptic_delay: float = 0.8  # of every chemical synapse, ms
    local: float = 0.5  # conduction from interneuron to flexor motor neuron, ms
    duration: float = 160.0  # ms, a multiple of slice
    stretch: float = 60.0  # when the muscle is stretched, ms
    tension: float = 3.0  # in the endings then, mN/m
    drive_spread: float = 0.01  # standard deviation of the current into each cell, uA/cm2
    slice: float = 20.0  # ms between two looks
    dt: float = 0.025  # step, ms
    seed: int = 0  # of the noise


PRESETS = {"quick": Config(), "full": Config(draws=50)}

_CHON = "Chon et al. 1996, 50 adults"
CLAIMS = (
    Claim("knee_ms", "latency of the patellar reflex, 0.38 m", 17.35, "ms", _CHON, 1.56),
    Claim("ankle_ms", "latency of the Achilles reflex, 0.78 m", 30.97, "ms", _CHON, 2.99),
    Claim("slope_ms_per_m", "latency gained by a metre", 35.385, "ms/m", "1/65 + 1/50 s/m", 0.15),
    Claim("residual_ms", "worst latency away from the prediction", 0.5, "ms", "sum of its parts", rule="at most"),
    Claim(
        "yield_intact", "flexor rate after over before the stretch", 0.3, "", "reciprocal inhibition", rule="at most"
    ),
    Claim("yield_cut", "the same, interneuron cut", 0.8, "", "no inhibition left", rule="at least"),
)

SPINDLE = compose(
    cortical.sodium(-67.0, 100.0), cortical.potassium(-67.0, 80.0), cortical.leak(-67.0), mechanically_gated()
)
POPULATIONS = ("afferent", "interneuron", "extensor", "flexor", "extensor muscle", "flexor muscle")
WINDOW = 30.0  # ms of the flexor's rate, before the stretch and after it was answered


def run(config: Config, lab: Lab = QUIET) -> Result:
    check(config)
    length, cut = arcs(config)
    spikes = simulated(config, length, cut, lab)
    first = {name: first_spike(fired, config) for name, fired in spikes.items()}

    latency = first["extensor muscle"] - first["afferent"]
    axons = length * 1000.0 * (1 / config.afferent_velocity + 1 / config.efferent_velocity)
    arrival = first["afferent"] + length * 1000.0 / config.afferent_velocity + config.synaptic_delay
    junction = first["extensor"] + length * 1000.0 / config.efferent_velocity + config.synaptic_delay
    # What cells take is learned from the shortest arcs and foretold for the others.
    shortest = length == length.min()
    rise = np.median(((first["extensor"] - arrival) + (first["extensor muscle"] - junction))[shortest])
    predicted = axons + 2 * config.synaptic_delay + rise
    answered = arrival + 2.0
    before = rate(spikes["flexor"], config.stretch - WINDOW + 0 * arrival, config)
    after = rate(spikes["flexor"], answered, config)

    points, intact = len(config.lengths), ~cut
    by_draw = latency[intact].reshape(points, config.draws).T
    slope = np.polyfit(config.lengths, by_draw.T, 1)[0]
    measured = {
        "knee_ms": by_draw[:, np.argmin(np.abs(np.subtract(config.lengths, 0.38)))],
        "ankle_ms": by_draw[:, np.argmin(np.abs(np.subtract(config.lengths, 0.78)))],
        "slope_ms_per_m": slope,
        "rise_ms": float(rise),
        "residual_ms": float(np.abs(latency - predicted).max()),
        "yield_intact": after[intact].mean() / before[intact].mean(),
        "yield_cut": after[cut].mean() / before[cut].mean(),
        "interneuron_ms": (first["interneuron"] - arrival)[intact].reshape(points, config.draws).mean(0),
    }
    one = middle(config) * config.draws  # a drawn arc, and the one that differs from it only by the cut
    shown = {"intact": one, "cut": points * config.draws}
    arrays = {
        "time": config.dt * np.arange(1, spikes["afferent"].shape[0] + 1), "stretch": np.array(config.stretch),
        "lengths": np.array(config.lengths), "latency": by_draw,
        "axons": axons[intact].reshape(points, -1)[:, 0], "predicted": predicted[intact].reshape(points, -1)[:, 0],
        "delays": np.array([
            length[one] * 1000.0 / config.afferent_velocity, config.local, length[one] * 1000.0 / config.efferent_velocity,
        ]),
    }  # fmt: skip
    arrays |= {f"{which}_{name}": spikes[name][:, arc] for which, arc in shown.items() for name in POPULATIONS}
    return Result(arrays, measured)


def check(config: Config) -> None:
    if len(config.lengths) < 2 or min(config.lengths) <= 0:
        raise ValueError(f"lengths is {config.lengths} m: at least two, above 0, for a slope")
    if config.draws < 1 or config.cells < 1:
        raise ValueError(f"draws is {config.draws}, cells is {config.cells}: at least 1 of each")
    longest = max(config.lengths) * 1000.0 / config.afferent_velocity
    if not WINDOW <= config.stretch <= config.duration - WINDOW - longest - 10.0:
        raise ValueError(
            f"stretch is at {config.stretch} ms of {config.duration}: leave {WINDOW} ms before, and {longest:.0f} + "
            f"{WINDOW + 10:.0f} ms after it"
        )
    whole_steps(config.slice, config.dt)
    whole_steps(config.duration, config.slice)


def middle(config: Config) -> int:
    """The length that is drawn, and at which the interneuron is cut: the thigh's, or what is nearest to it."""
    return int(np.argmin(np.abs(np.subtract(config.lengths, 0.38))))


def arcs(config: Config) -> tuple[np.ndarray, np.ndarray]:
    """The length (m) of each arc, and whether its interneuron is cut: all lengths intact, then one of them cut."""
    intact = np.repeat(config.lengths, config.draws)
    cut = np.repeat(config.lengths[middle(config)], config.draws)
    return np.concatenate([intact, cut]), np.arange(len(intact) + len(cut)) >= len(intact)


def network(config: Config, length, cut):
    """Every arc side by side: in each population, the cells of arc a stand at ``a * cells`` and after."""
    n, size = config.cells, config.cells * len(length)
    within = n * np.repeat(np.arange(len(length)), n)[:, None] + np.arange(n)
    there = np.broadcast_to(np.repeat(length * 1000.0 / config.afferent_velocity, n)[:, None], within.shape)
    back = np.broadcast_to(np.repeat(length * 1000.0 / config.efferent_velocity, n)[:, None], within.shape)
    fast, slow = Exponentials(0.3, 3.0, 0.0), Exponentials(0.5, 12.0, -80.0)
    gap = config.synaptic_delay
    intact = jnp.where(jnp.asarray(np.repeat(cut, n)), 0.0, 1.0 / n)

    scatter = np.random.default_rng(config.seed).normal(0.0, config.drive_spread, (6, size)).astype(np.float32)
    currents = iter(scatter)

    def cells(membrane, drive=0.0):
        return circuits.Population(membrane, membrane.params(), size, drive + next(currents))

    populations = {
        "afferent": cells(SPINDLE), "interneuron": cells(INTERNEURON),
        "extensor": cells(PYRAMIDAL), "flexor": cells(PYRAMIDAL, 0.6),
        "extensor muscle": cells(PYRAMIDAL), "flexor muscle": cells(PYRAMIDAL),
    }  # fmt: skip
    own = np.arange(size)[:, None]
    wires = [
        circuits.Projection("afferent", "extensor", within, 0.5 / n, fast, there + gap),
        circuits.Projection("afferent", "interneuron", within, 0.5 / n, fast, there + gap),
        circuits.Projection("interneuron", "flexor", within, 2.0 * intact, slow, config.local + gap),
        circuits.Projection("extensor", "extensor muscle", own, 0.4, Exponentials(0.3, 1.0, 0.0), back[:, :1] + gap),
        circuits.Projection("flexor", "flexor muscle", own, 0.4, Exponentials(0.3, 1.0, 0.0), back[:, :1] + gap),
        circuits.Poisson("extensor", 200.0, 0.0005, fast),
        circuits.Poisson("flexor", 300.0, 0.02, fast),
    ]
    return circuits.network(populations, wires, config.dt)


def simulated(config: Config, length, cut, lab: Lab) -> dict[str, np.ndarray]:
    """Spikes of each population, (steps, arcs, cells) bool."""
    whole = network(config, length, cut)
    time = config.dt * (np.arange(whole_steps(config.duration, config.dt)) + 0.5)
    # Stretch grows within 2 ms and stays.
    tension = config.tension * np.clip((time - config.stretch) / 2.0, 0.0, 1.0).astype(np.float32)

    def step(network_step, key, state, tension):
        return network_step(key, state, {"afferent": Input(sensed={"tension": tension})})

    key = jax.random.key(config.seed)
    start = jax.jit(whole.init)(jax.random.fold_in(key, 1))
    steps = whole_steps(config.slice, config.dt)
    _, seen = lab.iterate(
        "arcs", Partial(step, whole.step), key, start, jnp.asarray(tension), chunk=steps, observe=circuits.packed
    )
    size = len(length) * config.cells
    fired = {name: np.unpackbits(bytes_, axis=-1, count=size).astype(bool) for name, bytes_ in seen.items()}
    return {name: each.reshape(len(time), len(length), config.cells) for name, each in fired.items()}


def first_spike(fired, config: Config) -> np.ndarray:
    """When each arc's population first fires after the stretch, ms; NaN where it does not."""
    late = fired.any(-1) & (config.dt * np.arange(1, len(fired) + 1) > config.stretch)[:, None]
    return np.where(late.any(0), config.dt * (late.argmax(0) + 1), np.nan)


def rate(fired, start, config: Config) -> np.ndarray:
    """Mean rate of each arc's cells during the window from ``start`` (ms), Hz."""
    time = config.dt * np.arange(1, len(fired) + 1)[:, None]
    within = (time > start) & (time <= start + WINDOW)
    return (fired.mean(-1) * within).sum(0) * 1000.0 / WINDOW


def figures(result: Result) -> dict[str, Picture]:
    a = result.arrays
    colours = {"afferent": ORANGE, "interneuron": BLUE, "extensor": RED, "flexor": GREEN}
    colours |= {f"{name} muscle": colours[name] for name in ("extensor", "flexor")}
    there, local, back = a["delays"]
    names = {"afferent": f"{there:.1f} ms", "interneuron": f"{local:.1f} ms", "efferent": f"{back:.1f} ms"}
    time = a["time"] - a["stretch"]
    late = (time > -30.0) & (time < 50.0)

    figure, axes = panels(1, 3, width=5.8, height=4.4, gridspec_kw={"width_ratios": (1.35, 1, 1)})
    draw.reflex_wiring(axes[0], colours, names)
    order = ("flexor muscle", "flexor", "interneuron", "extensor muscle", "extensor", "afferent")
    for axis, which, title in ((axes[1], "intact", "Stretch at 0 ms"), (axes[2], "cut", "Interneuron cut")):
        draw.raster(axis, time[late], {name: a[f"{which}_{name}"][late] for name in order}, colours, title=title)
        axis.axvline(0, color="black", linewidth=1, linestyle=":")
        axis.set_xlabel("time since the stretch (ms)")
    pictures = {
        "arc": Picture(
            figure,
            "Afferents fire; one conduction time later the extensor's motor neurons answer, and the interneuron silences the flexor's. "
            "With the interneuron's synapses cut the extensor answers as before and the flexor goes on firing.",
        )
    }

    figure, axis = panels(1, 1, width=7.0, height=4.6)
    draw.latencies(axis, a["lengths"], a["latency"], a["axons"], a["predicted"])
    pictures["latency"] = Picture(
        figure,
        "Most of a reflex is conduction: latency grows with the length of the axons, with the slope of their two velocities. What "
        "synapses and cells take (orange) is the same in all arcs.",
    )
    return pictures
