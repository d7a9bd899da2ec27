"""What does one neuron say to the next, and when does the next one listen? (ch. 1.3.3)

1. Potentials: what one release of transmitter does through each kind of receptor, in a pyramidal cell at rest.
2. Summation until the hillock fires: more synapses at once (in space), and two volleys closer and closer (in time).
3. Laws against closed forms: the block of NMDA channels by magnesium, for a receptor that is bound; inhibition
   whose battery is at rest divides what excitation does (shunting); and a gap junction passes a share of a deviation.
4. Release: thousands of terminals, each spike a binomial draw; and, along a train, fatigue and facilitation.

    python -m experiments run synapses

Expected: half of the NMDA channels blocked at -20.5 mV in 1 mM magnesium (Jahr & Stevens 1990); mean np and variance np(1 - p) (del
Castillo & Katz 1954); the steady release of Tsodyks, Pawelzik & Markram (1998), which falls as 1 / rate where the synapse is
depressed, so that what is released a second no longer tells the rate. Two CPU cores: quick 10 s, full half a minute.
"""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax.figures import synapses as draw
from redes_jax.figures.style import panels
from redes_jax.neurons import channels, release, synapses
from redes_jax.neurons.hippocampal import PYRAMIDAL
from redes_jax.neurons.membrane import compose
from redes_jax.neurons.postsynaptic import postsynaptic
from redes_jax.neurons.simulation import simulate, whole_steps
from redes_jax.process import iterate


@dataclass(frozen=True)
class Config:
    trials: int = 4000  # spikes at each release probability, and terminals along a train
    sites: int = 6  # release sites of a terminal
    probability: float = 0.4  # of release, in the histogram
    train_rate: float = 20.0  # of the train, Hz
    spikes: int = 12  # in the train
    conductance: float = 0.006  # of one volley of AMPA receptors, all open, mS/cm2
    volleys: int = 8  # most synapses that are active at once
    dt: float = 0.025  # step, ms
    seed: int = 0  # of release


PRESETS = {"quick": Config(), "full": Config(trials=200_000)}

_KATZ = "del Castillo & Katz 1954"
_TM = "Tsodyks, Pawelzik & Markram 1998"
CLAIMS = (
    Claim("half_block_mv", "half of the NMDA channels blocked, 1 mM", -20.53, "mV", "Jahr & Stevens 1990", 0.01),
    Claim("mean_error", "mean released over np, worst deviation from 1", 0.08, "", _KATZ, rule="at most"),
    Claim("variance_error", "variance over np(1-p), the same", 0.15, "", _KATZ, rule="at most"),
    Claim("depressed", "release at 20 Hz, endless train, depressing", 0.05713, "", _TM, 1e-4),
    Claim("facilitated", "release at 20 Hz, endless train, facilitating", 0.16548, "", _TM, 1e-4),
    Claim("fall", "slope of log release against log rate, depressing", -1.0, "", "Tsodyks & Markram 1997", 0.05),
    Claim("shunt_error_mv", "shunted EPSP less the closed form", 0.001, "mV", "parallel conductances", rule="at most"),
    Claim("coupling_error", "coupling ratio less the closed form", 1e-4, "", "voltage divider", rule="at most"),
)

KINDS = {"AMPA": synapses.AMPA, "NMDA": synapses.NMDA, "GABA-A": synapses.GABA_A, "GABA-B": synapses.GABA_B}
STRENGTH = {"AMPA": 0.01, "NMDA": 0.2, "GABA-A": 0.02, "GABA-B": 6.0}  # mS/cm2 with all channels open
INTERVALS = (2.0, 5.0, 10.0, 20.0, 40.0)  # between two volleys, ms
MAGNESIUM = (0.1, 0.5, 1.0, 2.0)  # mM
PROBABILITIES = tuple(i / 10 for i in range(1, 10))
RATES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # Hz
CELL = (PYRAMIDAL, PYRAMIDAL.params())


def run(config: Config, lab: Lab = QUIET) -> Result:
    check(config)
    found: dict = {}
    for name, part in (
        ("potentials", potentials), ("summation", summation), ("laws", laws), ("release", chance), ("trains", trains),
    ):  # fmt: skip
        found |= lab.once(name, lambda part=part: part(config))
    expected = found["p"] * config.sites
    spread = expected * (1 - found["p"])
    steady = found["steady"]
    measured = {
        "half_block_mv": float(np.interp(0.5, found["free"][MAGNESIUM.index(1.0)], found["block_mv"])),
        "mean_error": float(np.abs(found["mean"] / expected - 1).max()),
        "variance_error": float(np.abs(found["variance"] / spread - 1).max()),
        "depressed": float(steady[0, RATES.index(20.0)]),
        "facilitated": float(steady[1, RATES.index(20.0)]),
        "fall": float(np.log(steady[0, -1] / steady[0, -2]) / np.log(RATES[-1] / RATES[-2])),
        "shunt_error_mv": float(np.abs(found["shunted"] - found["shunted_form"]).max()),
        "coupling_error": float(np.abs(found["coupled"] - found["coupled_form"]).max()),
        "synapses_to_fire": int(np.argmax(found["space"].max(1) > 0) + 1),
    }
    measured |= {
        f"{name.lower().replace('-', '_')}_mv": float(trace[np.abs(trace).argmax()])
        for name, trace in zip(KINDS, found["deviation"], strict=True)
    }
    return Result(found, measured)


def check(config: Config) -> None:
    if config.trials < 100 or config.sites < 1:
        raise ValueError(f"trials is {config.trials}, sites is {config.sites}: at least 100 trials of at least 1 site")
    if not 0 < config.probability < 1:
        raise ValueError(f"probability is {config.probability}: between 0 and 1")
    if 1000.0 / config.train_rate != math.floor(1000.0 / config.train_rate):
        raise ValueError(f"train_rate is {config.train_rate} Hz: a whole number of ms between spikes, as 20 or 50")
    whole_steps(1.0, config.dt)


def responses(config: Config, receptors, conductance, transmitter):
    """The potential of the cell at rest under ``transmitter``, a dict of (steps, runs) in mM: (runs, steps)."""
    cell = postsynaptic(*CELL, receptors, conductance, config.dt)
    key = jax.random.key(0)
    runs = jax.tree.leaves(transmitter)[0].shape[1]
    trace = jax.jit(lambda drive: iterate(cell.step, key, cell.init(key, (runs,)), drive)[1])(transmitter)
    return np.asarray(trace).T


def pulses(config: Config, duration: float, onsets) -> np.ndarray:
    """1 mM for 1 ms from each onset, (steps, runs); ``onsets`` is (runs, pulses) in ms."""
    time = config.dt * (np.arange(whole_steps(duration, config.dt)) + 0.5)[:, None, None]
    return np.asarray(((time > onsets) & (time < onsets + 1.0)).any(-1), np.float32)


def potentials(config: Config) -> dict:
    """One release at each kind of receptor."""
    one = pulses(config, 500.0, np.zeros((1, 1)))
    each = np.eye(len(KINDS), dtype=np.float32)
    transmitter = {name: jnp.asarray(one * each[i]) for i, name in enumerate(KINDS)}
    voltage = responses(config, KINDS, STRENGTH, transmitter)
    rest = float(PYRAMIDAL.rest(CELL[1]).voltage)
    return {"potential_time": config.dt * np.arange(1, len(one) + 1), "deviation": voltage - rest, "rest_mv": rest}


def summation(config: Config) -> dict:
    """More synapses at the same time, and two half-strong volleys at several intervals."""
    number = np.arange(1, config.volleys + 1)
    once = pulses(config, 60.0, np.full((len(number), 1), 5.0))
    ampa = {"AMPA": synapses.AMPA}
    space = responses(config, ampa, {"AMPA": config.conductance * jnp.asarray(number)}, {"AMPA": jnp.asarray(once)})
    below = max(int(np.argmax(space.max(1) > 0)), 1)  # the most synapses that together do not fire it
    twice = pulses(config, 60.0, np.stack([np.full(len(INTERVALS), 5.0), 5.0 + np.array(INTERVALS)], 1))
    pair = responses(config, ampa, {"AMPA": config.conductance * below}, {"AMPA": jnp.asarray(twice)})
    return {"sum_time": config.dt * np.arange(1, len(once) + 1), "space": space, "pair": pair, "below": below}


def laws(config: Config) -> dict:
    """The block by magnesium, shunting and electrical coupling, each simulated and in closed form."""
    voltage = np.linspace(-100.0, 60.0, 321)
    free = [np.asarray(synapses.NMDA._replace(magnesium=m).open(1.0, jnp.asarray(voltage))) for m in MAGNESIUM]
    leaky = compose(channels.LEAK)
    rest, leak = channels.LEAK.reversal, channels.LEAK.conductance
    inhibition, excitation = np.linspace(0.0, 3.0, 61), np.array([0.05, 0.1, 0.2])[:, None]

    def settled(input):
        return simulate(leaky, leaky.params(), input, duration=200.0, dt=0.1)[0].voltage

    with jax.enable_x64(True):
        # Receptors held open: excitation towards 0 mV, inhibition towards rest.
        held = synapses.total(
            synapses.felt(synapses.AMPA, jnp.asarray(excitation), 1.0, rest),
            synapses.felt(synapses.GABA_A._replace(reversal=rest), jnp.asarray(inhibition), 1.0, rest),
        )
        shunted = np.asarray(jax.jit(settled)(held)) - rest
        junction = np.linspace(0.0, 1.0, 61)
        neighbour = synapses.gap_junction(jnp.asarray(junction), rest + 10.0)
        coupled = (np.asarray(jax.jit(settled)(neighbour)) - rest) / 10.0
    return {
        "block_mv": voltage, "free": np.array(free), "inhibition": inhibition,
        "excitation": excitation[:, 0], "shunted": shunted, "junction": junction, "coupled": coupled,
        "shunted_form": excitation * (0.0 - rest) / (leak + excitation + inhibition),
        "coupled_form": np.asarray(synapses.coupling_ratio(junction, leak)),
    }  # fmt: skip


def chance(config: Config) -> dict:
    """What rested terminals release, at several probabilities."""

    def counts(p):
        process = release.vesicles(release.ShortTerm(p, recovery=0.0), config.sites, 1.0)
        key = jax.random.key(config.seed)
        state = process.init(key, (config.trials,))
        return process.step(jax.random.fold_in(key, jnp.int32(1000 * p)), state, jnp.ones(config.trials, bool))[1]

    p = np.array([*PROBABILITIES, config.probability], np.float32)
    released = np.asarray(jax.jit(jax.vmap(counts))(p))
    histogram = np.bincount(released[-1], minlength=config.sites + 1)
    q, n = config.probability, config.sites
    law = [math.comb(n, k) * q**k * (1 - q) ** (n - k) * config.trials for k in range(n + 1)]
    moments = {"mean": released[:-1].mean(1), "variance": released[:-1].var(1)}
    return {"p": p[:-1], "histogram": histogram, "binomial": np.array(law), **moments}


def trains(config: Config) -> dict:
    """Depressing and facilitating terminals: expected and sampled release at each spike, and where it settles."""
    interval = round(1000.0 / config.train_rate)
    fired = np.arange(config.spikes * interval) % interval == 0
    key = jax.random.key(config.seed)
    expected, sampled, steady = [], [], []
    for terminal in (release.DEPRESSING, release.FACILITATING):
        mean, each = release.mean(terminal, 1.0), release.vesicles(terminal, config.sites, 1.0)

        def step(key, state, spike, each=each):
            state, count = each.step(key, state, jnp.broadcast_to(spike, (config.trials,)))
            return state, count.mean() / config.sites

        spikes = jnp.asarray(fired)
        expected.append(np.asarray(iterate(mean.step, key, mean.init(key), spikes)[1])[fired])
        start = each.init(key, (config.trials,))
        run_ = jax.jit(lambda key, start, spikes, step=step: iterate(step, key, start, spikes)[1])
        sampled.append(np.asarray(run_(key, start, spikes))[fired])
        u, resources = terminal.steady(np.array(RATES))
        steady.append(np.asarray(u * resources))
    ends = [float(np.prod(t.steady(config.train_rate))) for t in (release.DEPRESSING, release.FACILITATING)]
    return {
        "train_time": np.flatnonzero(fired), "expected": np.array(expected), "sampled": np.array(sampled),
        "steady": np.array(steady), "ends": np.array(ends),
    }  # fmt: skip


def figures(result: Result) -> dict[str, Picture]:
    a = result.arrays
    pictures = {}

    figure, axes = panels(1, 3, width=5.2, height=4.2)
    draw.potentials(axes[0], a["potential_time"], dict(zip(KINDS, a["deviation"], strict=True)))
    count = len(a["space"])
    few = sorted({0, count // 3, int(a["below"]) - 1, min(int(a["below"]), count - 1)})
    labels = [f"{i + 1} at once" for i in few]
    draw.volleys(axes[1], a["sum_time"], a["space"][few], labels, title="Summation in space")
    draw.volleys(axes[2], a["sum_time"], a["pair"], [f"{i:g} ms apart" for i in INTERVALS], title="Summation in time")
    pictures["potentials"] = Picture(
        figure,
        "Left: one release; AMPA is over in some ms, GABA-B lasts hundreds. Middle: each synapse alone stays below threshold, enough "
        "of them together fire the cell (red). Right: two volleys, each too weak, fire it when they come close.",
    )

    figure, axes = panels(1, 3, width=5.2, height=4.2)
    draw.block(axes[0], a["block_mv"], {f"{m:g} mM": free for m, free in zip(MAGNESIUM, a["free"], strict=True)})
    pairs = zip(a["excitation"], a["shunted_form"], a["shunted"], strict=True)
    draw.against_closed_form(
        axes[1], a["inhibition"], {f"excitation {g:g}": (form, seen) for g, form, seen in pairs},
        xlabel="shunting conductance (mS/cm$^2$)", ylabel="EPSP (mV)", title="Shunting inhibition divides",
    )  # fmt: skip
    draw.against_closed_form(
        axes[2], a["junction"], {"$g_j / (g_j + g_m)$": (a["coupled_form"], a["coupled"])},
        xlabel="conductance of the gap junction (mS/cm$^2$)", ylabel="coupling ratio", title="Electrical synapse",
    )  # fmt: skip
    pictures["laws"] = Picture(
        figure,
        "Left: magnesium plugs NMDA channels at rest and leaves them when the cell is depolarised. Middle: inhibition whose battery is "
        "at rest moves nothing by itself, yet divides every EPSP. Right: how much of a deviation a gap junction passes.",
    )

    figure, axes = panels(1, 3, width=5.2, height=4.2)
    draw.release_counts(axes[0], a["histogram"], a["binomial"])
    draw.variance_and_mean(axes[1], a["mean"], a["variance"], len(a["histogram"]) - 1)
    kinds: list[str] = ["depressing", "facilitating"]
    by_kind = [dict(zip(kinds, a[name], strict=True)) for name in ("expected", "sampled", "ends")]
    draw.train(axes[2], a["train_time"], *by_kind)
    pictures["release"] = Picture(
        figure,
        "Left and middle: what a spike releases is binomial, and variance against mean shows how many sites there are. Right: the "
        "same train tires one synapse and wakes another; dotted, where each would settle.",
    )
    return pictures
