"""Which channels does a real nerve cell have? A membrane evolves until it fires as a recorded one does. (ch. 2.3, and beyond)

A fast-spiking interneuron, 17 sweeps of half a second (``redes_jax.data.patch_clamp``). The membrane has the sodium,
potassium, M and HCN channels of cortical cells (Pospischil et al. 2008), the fast potassium channel Kv3 of fast-spiking
cells (Golomb et al. 2007) and a leak; ten numbers are sought: six conductances, the capacitance, the leak's reversal, the
voltage about which sodium and potassium gates move, and how fast they do.

Some sweeps are fitted, all others are held out. What is compared are features (rate, latency, threshold, peak, trough and
width of spikes, level, sag), each in units of what counts as a small error. CMA-ES searches from many starts at once.

    python -m experiments run hh_recording
    python -m experiments run hh_recording --preset full

Expected: held-out firing rates within 10 Hz of the recorded ones. Two CPU cores: quick 15 s, full six minutes. Where the
recording is not on disk it is downloaded once (2 MB); ``python -m experiments data fetch patch_clamp`` does so beforehand.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import devices
from redes_jax.data import patch_clamp
from redes_jax.evolution.strategies import cma_es, evolve
from redes_jax.figures import fitting as draw
from redes_jax.figures.style import panels
from redes_jax.neurons import cortical
from redes_jax.neurons.channels import Channel, sigmoid, steady_and_time_constant
from redes_jax.neurons.fitting import Features, features
from redes_jax.neurons.membrane import Input, compose
from redes_jax.neurons.simulation import simulate, times


@dataclass(frozen=True)
class Config:
    starts: int = 4  # independent searches
    members: int = 16  # membranes in a generation of each
    generations: int = 40  # of each search
    fitted: tuple[int, ...] = (0, 6, 10, 16)  # sweeps that are fitted, -100, 50, 150 and 300 pA; the others judge
    window: float = 250.0  # of each step that is simulated and compared, ms, at most 500
    dt: float = 0.05  # step, that of the recording or a part of it, ms
    width: int = 32  # membranes in a block
    seed: int = 0  # of starts and searches


PRESETS = {
    "quick": Config(),
    "full": Config(
        starts=16, members=32, generations=150, fitted=(0, 2, 6, 8, 10, 12, 14, 16), window=500.0,
    ),
}  # fmt: skip

_CELL = "the recording 2019_07_24_0055, sweeps held out"
CLAIMS = (
    Claim("held_out_rate_error_hz", "firing rate of held-out sweeps, mean error", 0, "Hz", _CELL, 10.0, "at most"),
    Claim("held_out_threshold_error_mv", "threshold of held-out sweeps, mean error", 0, "mV", _CELL, 3.0, "at most"),
    Claim("held_out_width_error_ms", "width of held-out spikes, mean error", 0, "ms", _CELL, 0.2, "at most"),
)

LEAD = 50.0  # ms at rest before the step
SMALL = {
    "rate": 4.0, "late_rate": 4.0, "latency": 3.0, "peak": 3.0, "threshold": 2.0, "trough": 3.0, "width": 0.1, "level": 3.0,
    "sag": 3.0,
}  # errors that count as one, in the features' units  # fmt: skip


class Range(NamedTuple):
    """Where the first guesses of a number lie; beyond it the search may go. ``ratio`` 0 means an additive range."""

    middle: float
    ratio: float = 0.0  # times or over
    width: float = 0.0  # plus or minus
    unit: str = "mS/cm$^2$"


RANGES = {
    "sodium": Range(30.0, 4.0),
    "potassium": Range(5.0, 4.0),
    "Kv3": Range(10.0, 4.0),
    "M": Range(0.05, 4.0),
    "HCN": Range(0.01, 4.0),
    "leak": Range(0.1, 2.5),
    "leak reversal": Range(-60.0, width=10.0, unit="mV"),
    "capacitance": Range(40.0, 2.0, unit="pF"),
    "gates about": Range(-50.0, width=8.0, unit="mV"),
    "speed": Range(1.0, 2.0, unit=""),
}


def about(channel: Channel) -> Channel:
    """The channel with its voltages counted from a number that the input brings as "about" (mV)."""
    rates = channel.rates
    return channel._replace(rates=lambda voltage, zero: rates(voltage - zero), senses=("voltage", "about"))


def kv3_rates(voltage):
    """n = 1 / (1 + exp(-(V + 12.4) / 6.8)) with the time constant (0.087 + 11.4 / (1 + exp((V + 14.6) / 8.6)))
    (0.087 + 11.4 / (1 + exp((1.3 - V) / 18.7))), ms (Golomb et al. 2007).
    """
    first, second = (0.087 + 11.4 * sigmoid(x) for x in (-(voltage + 14.6) / 8.6, (voltage - 1.3) / 18.7))
    return (steady_and_time_constant(sigmoid((voltage + 12.4) / 6.8), first * second),)


MEMBRANE = compose(
    about(cortical.sodium(0.0)),
    about(cortical.potassium(0.0)),
    Channel("Kv3", ("w",), kv3_rates, lambda w: w**2, conductance=20.0, reversal=-90.0),
    cortical.muscarinic(),
    cortical.HCN,
    cortical.leak(),
)


def run(config: Config, lab: Lab = QUIET) -> Result:
    if min(config.starts, config.generations) < 1 or config.members < 4:
        raise ValueError(
            f"starts {config.starts}, generations {config.generations}, members {config.members}: at least 1, 1 and 4"
        )
    if not 50 <= config.window <= 500:
        raise ValueError(f"window is {config.window} ms: at least 50, at most the 500 of the step")
    cell = patch_clamp.load()
    outside = sorted(set(range(len(cell.step))) - set(config.fitted))
    if not outside or len(outside) + len(config.fitted) != len(cell.step):
        raise ValueError(
            f"fitted is {config.fitted}: different sweeps of 0 to {len(cell.step) - 1}, and not all of them"
        )
    measure = jax.jit(jax.vmap(partial(features, dt=cell.dt)))
    stop = cell.onset + round(config.window / cell.dt)
    recorded = jax.tree.map(np.asarray, measure(jnp.asarray(cell.voltage[:, cell.onset : stop])))

    key = jax.random.key(config.seed)
    found, loss = search(config, cell.step, recorded, key, lab)
    answered = lab.once("answers", lambda: answers(config, found[-1], cell.step))
    errors = {name: np.abs(answered[name] - getattr(recorded, name)) for name in Features._fields}
    best = int(loss[-1].argmin())
    fires = (recorded.rate > 0) & (answered["rate"][best] > 0)

    def held_out(name, chosen=True):
        kept = np.isin(np.arange(len(cell.step)), outside) & chosen
        return errors[name][best][kept].mean() if kept.any() else np.nan

    measured = {
        "held_out_rate_error_hz": held_out("rate"),
        "held_out_threshold_error_mv": held_out("threshold", fires),
        "held_out_width_error_ms": held_out("width", fires),
        "held_out_peak_error_mv": held_out("peak", fires),
        "held_out_trough_error_mv": held_out("trough", fires),
        "held_out_level_error_mv": held_out("level"),
        "loss_fitted": loss[-1],
        "loss_held_out": np.stack([apart(pick(answered, i, outside), recorded, outside) for i in range(config.starts)]),
    } | {f"found_{name.replace(' ', '_')}": values for name, values in numbers(found[-1].T).items()}
    shown = sorted({config.fitted[len(config.fitted) // 2], outside[len(outside) // 3], outside[-2]})
    time = times(LEAD + config.window, config.dt)
    arrays = {f"answered_{name}": answered[name] for name in Features._fields}
    arrays |= {f"recorded_{name}": getattr(recorded, name) for name in Features._fields}
    arrays |= {
        "step": cell.step, "fitted": np.array(config.fitted), "held_out": np.array(outside), "best": np.array(best),
        "found": found, "loss": loss, "shown": np.array(shown), "time": time - LEAD, "traces": answered["traces"][best][shown],
        "real_time": cell.dt * np.arange(-round(LEAD / cell.dt), stop - cell.onset),
        "real_traces": cell.voltage[shown, cell.onset - round(LEAD / cell.dt) : stop],
    }  # fmt: skip
    return Result(arrays, measured)


def numbers(position) -> dict:
    """The membrane's numbers at a position of the search: 0 the middle of each range, -1 and 1 its ends."""
    return {
        name: r.middle * r.ratio**x if r.ratio else r.middle + r.width * x
        for x, (name, r) in zip(position, RANGES.items(), strict=True)
    }


def respond(position, step, config: Config):
    """The membrane at ``position`` under a step (pA) after a rest: (time,) mV."""
    value = numbers(position)
    channels = [channel.name for channel in MEMBRANE.channels]
    made = MEMBRANE.params(**{name: value[name] for name in channels})
    speed = dict.fromkeys(channels, 1.0) | dict.fromkeys(("sodium", "potassium"), value["speed"])
    params = made._replace(reversal=made.reversal | {"leak": value["leak reversal"]}, rate_factor=speed)
    sensed = {"about": value["gates about"]}
    density = step / value["capacitance"]  # pA over pF is uA/cm2 at 1 uF/cm2

    def stimulus(t):
        return Input(jnp.where(t >= LEAD, density, 0.0), sensed=sensed)

    rest = MEMBRANE.rest(params, Input(0.0, sensed=sensed))
    return simulate(MEMBRANE, params, stimulus, duration=LEAD + config.window, dt=config.dt, state=rest)[1]


def measured_answer(position, step, config: Config):
    trace = respond(position, step, config)
    return features(trace[round(LEAD / config.dt) :], config.dt), trace


def apart(answered, recorded, sweeps):
    """Mean distance of features over some sweeps, in units of ``SMALL``; shape counts only where the cell fires."""
    sweeps = np.asarray(sweeps)
    fires = recorded.rate[sweeps] > 0
    total = jnp.zeros(())
    for name, small in SMALL.items():
        off = jnp.abs(getattr(answered, name) - getattr(recorded, name)[sweeps]) / small
        counts = fires if name in ("latency", "peak", "threshold", "trough", "width") else np.ones_like(fires)
        counts = ~fires if name == "sag" else counts
        total += jnp.sum(jnp.minimum(jnp.nan_to_num(off, nan=20.0), 20.0) * counts) / max(counts.sum(), 1)
    return total / len(SMALL)


def pick(answered: dict, start: int, sweeps) -> Features:
    """The features of one start's answers to some sweeps."""
    return Features(*(answered[name][start][sweeps] for name in Features._fields))


def search(config: Config, steps, recorded, key, lab: Lab):
    """CMA-ES from every start: positions (generations, starts, numbers) of its mean, and their losses."""
    sweeps = list(config.fitted)
    currents = jnp.asarray(steps[sweeps])

    def fitness(key, position, input):
        del key, input
        answered = jax.vmap(lambda step: measured_answer(position, step, config)[0])(currents)
        return -apart(answered, recorded, sweeps)

    learner = evolve(cma_es(config.members, sigma=0.5), fitness)

    def one(key, state):
        state, shown = learner.step(key, state, None)
        return state, shown.best

    def step(key, states, input):
        del input
        states, best = devices.replicas(one, 1)(jax.random.split(key, config.starts), states)
        return states, (states.mean, -best)

    first = jax.random.uniform(jax.random.fold_in(key, 0), (config.starts, len(RANGES)), minval=-1.0, maxval=1.0)
    keys = jax.random.split(jax.random.fold_in(key, 1), config.starts)
    states = jax.jit(devices.replicas(learner.init, 1))(keys, first)
    _, (found, loss) = lab.iterate(
        "evolution", Partial(step), jax.random.fold_in(key, 2), states, length=config.generations, chunk=5
    )
    return found, loss


def answers(config: Config, positions, steps) -> dict:
    """Features and traces of every start's last membrane under every step."""
    everyone = jnp.repeat(jnp.asarray(positions), len(steps), 0), jnp.tile(jnp.asarray(steps), len(positions))
    seen, traces = jax.jit(devices.blocks(lambda x, step: measured_answer(x, step, config), config.width))(*everyone)
    shape = len(positions), len(steps)
    found = {name: np.asarray(value).reshape(shape) for name, value in seen._asdict().items()}
    return found | {"traces": np.asarray(traces).reshape(*shape, -1)}


def figures(result: Result) -> dict[str, Picture]:
    a, best = result.arrays, int(result.arrays["best"])
    pictures = {}

    shown = a["shown"]
    figure, axes = panels(len(shown), 1, width=9.5, height=2.1, sharex=True, sharey=True)
    for axis, sweep, real, ours in zip(axes, shown, a["real_traces"], a["traces"], strict=True):
        kind = "held out" if sweep in a["held_out"] else "fitted"
        draw.recorded_and_fitted(axis, (a["real_time"], real), (a["time"], ours), f"{a['step'][sweep]:+.0f} pA, {kind}")
    axes[0].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    axes[-1].set_xlabel("time after the step (ms)")
    pictures["traces"] = Picture(
        figure,
        "The cell and the best membrane. Its features were fitted, not its spikes' times, which vary in the cell too.",
    )

    fires = a["recorded_rate"] > 0
    figure, axes = panels(2, 3, width=4.9, height=3.3, sharex=True)
    for axis, (name, label) in zip(axes.ravel(), PANELS.items(), strict=True):
        shape = name in ("threshold", "trough", "width", "peak")
        answered = np.where(a["answered_rate"] > 0, a[f"answered_{name}"], np.nan) if shape else a[f"answered_{name}"]
        kept = fires if shape else np.ones_like(fires)
        draw.feature(axis, a["step"], a[f"recorded_{name}"], answered, best, kept, a["fitted"], label)
    for axis in axes[-1]:
        axis.set_xlabel("current (pA)")
    axes[0, 0].legend(fontsize=9)
    pictures["features"] = Picture(
        figure,
        "What the cell does at each current, and what the membranes do that were found: the best as a line, the others "
        "thin. Filled circles were fitted, open ones held out. What these channels cannot do shows too: the cell's threshold "
        "rises with current, theirs does not, for their sodium has no slow inactivation.",
    )

    figure, axes = panels(1, 2, width=6.4, height=4.4, gridspec_kw={"width_ratios": (1, 1.5)})
    draw.losses(axes[0], a["loss"])
    ends = [f"{n}  [{low:.3g}, {high:.3g}] {RANGES[n].unit}" for n, low, high in zip(RANGES, *bounds(), strict=True)]
    draw.spread_in_ranges(axes[1], a["found"][-1], ends, best)
    pictures["spread"] = Picture(
        figure,
        f"Left: mean distance of the fitted features in units of a small error, {a['loss'].shape[1]} searches. "
        " Right: where they end, in units of the range of first guesses: numbers on which they agree the recording "
        "tells, the others it does not.",
    )
    return pictures


PANELS = {
    "rate": "firing rate (Hz)", "width": "spike width (ms)", "threshold": "threshold (mV)",
    "level": "level (mV)", "trough": "trough (mV)", "peak": "peak (mV)",
}  # fmt: skip


def bounds():
    """The ends of the ranges of first guesses."""
    return (list(numbers(np.full(len(RANGES), end)).values()) for end in (-1.0, 1.0))
