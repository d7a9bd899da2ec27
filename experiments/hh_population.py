"""A million nerve cells that are not quite alike: how often does each fire? (ch. 2.3)

Hodgkin-Huxley membranes whose currents and conductances scatter, in one program over all devices. Nothing of size
neurons by time is ever kept: each neuron carries four numbers and the times of its first and last spikes, and blocks of
``width`` neurons run through a slice of time in turn. The first neuron of every draw is the squid's own, at the mean
current.

    python -m experiments run hh_population --neurons 1000000

Expected: the squid's own neuron fires at 62.5 Hz at 8 uA/cm2 (independent integration); none fires slowly, for firing
begins at once near 50 Hz. A million neurons for 100 ms take below 1 GB and, on two CPU cores, about half a minute;
quick 5 s.
"""

import resource
import sys
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from experiments.claims import Claim, Picture, Result
from experiments.hodgkin_huxley import MEMBRANE, PARAMS, on_host
from experiments.lab import QUIET, Lab
from redes_jax import devices
from redes_jax.figures import neurons as draw
from redes_jax.figures.style import panels
from redes_jax.neurons import spikes, stimuli
from redes_jax.neurons.schemes import SCHEMES
from redes_jax.neurons.simulation import simulate, whole_steps


@dataclass(frozen=True)
class Config:
    neurons: int = 2000  # in the population
    draws: int = 8  # independent draws that the neurons are dealt to, for the spread
    duration: float = 100.0  # of the run, ms; a whole number of slices
    slice: float = 10.0  # ms between two looks at the population (progress, checkpoint)
    dt: float = 0.025  # step, ms
    scheme: Literal["staggered", "rush_larsen", "implicit", "rk4", "forward_euler"] = "staggered"  # how time is stepped
    current: float = 8.0  # mean current, uA/cm2
    current_spread: float = 2.0  # its standard deviation over neurons, uA/cm2
    conductance_spread: float = 0.05  # relative standard deviation of each conductance over neurons
    width: int = 1024  # neurons in a block, which stays in the processor's nearest cache
    seed: int = 0  # of the scatter


PRESETS = {"quick": Config(), "full": Config(neurons=1_000_000)}

CLAIMS = (
    Claim(
        "typical_hz", "rate of the squid's own neuron at 8 uA/cm2", 62.5, "Hz",
        "independent integration, SciPy DOP853 at rtol 1e-10", 0.3,
    ),
)  # fmt: skip

RASTER, CLOUD = 200, 5000  # neurons of the population drawn one by one


def run(config: Config, lab: Lab = QUIET) -> Result:
    if config.neurons < config.draws or config.neurons % config.draws:
        raise ValueError(f"neurons is {config.neurons}: a multiple of draws, which is {config.draws}")
    if not 0 < config.dt <= 0.05:
        raise ValueError(f"dt is {config.dt} ms: above 0 and at most 0.05, where all schemes are stable in a spike")
    for whole, part in ((config.slice, config.dt), (config.duration, config.slice)):
        whole_steps(whole, part)
    current, factor = scatter(config)
    train = fire(config, current, factor, lab)
    rate, count = np.asarray(train.rate()), np.asarray(train.count)
    by_draw = rate.reshape(config.draws, -1)
    shown = rate.shape[0] // CLOUD + 1
    histogram, edges = np.histogram(rate[rate > 0], bins=60)
    arrays = {
        "rate_histogram": histogram, "rate_edges": edges, "silent_share": np.mean(rate == 0),
        "cloud_current": np.asarray(current)[::shown], "cloud_rate": rate[::shown],
        "cloud_ratio": np.asarray(factor[:, 0] / factor[:, 1])[::shown], "neurons": np.array(config.neurons),
        "duration": np.array(config.duration), "raster_current": np.asarray(current)[:RASTER],
        "raster": lab.once("raster", lambda: raster(config, current, factor))["raster"],
    }  # fmt: skip
    measured = {
        "typical_hz": np.asarray(train.final_rate()).reshape(config.draws, -1)[:, 0],
        "population_hz": by_draw.mean(1),
        "population_firing_share": (by_draw > 0).mean(1),
        "spikes_a_neuron": count.reshape(config.draws, -1).mean(1),
        "process_peak_mb": peak_memory(),
    }
    return Result(arrays, measured)


def scatter(config: Config):
    """Each neuron's current (neurons,) and the factors on its conductances (neurons, 3)."""
    size = config.neurons // config.draws
    keys = jax.random.split(jax.random.key(config.seed), config.draws)
    noise = jnp.stack([jax.random.normal(key, (size, 4)).at[0].set(0.0) for key in keys]).reshape(-1, 4)
    current = config.current + config.current_spread * noise[:, 0]
    return current, jnp.maximum(1.0 + config.conductance_spread * noise[:, 1:], 0.0)


def scaled(factor):
    """The squid's parameters with its conductances multiplied."""
    g = PARAMS.conductance
    return PARAMS._replace(conductance={name: g[name] * factor[i] for i, name in enumerate(g)})


def slicewise(config: Config):
    """``step(cells, key, carry, begin)``: all neurons through the slice that begins at ``begin`` ms, block after block.

    ``cells`` are currents and factors, the carry is ``(state, train)``, the output how many spikes there were.
    """
    clock, scheme = spikes.clock(config.dt), SCHEMES[config.scheme]

    def on(begin, current, factor, state, train):
        return simulate(
            MEMBRANE, scaled(factor), stimuli.constant(current), duration=config.slice, dt=config.dt, scheme=scheme,
            state=state, start=begin, fold=clock._replace(initial=train),
        )  # fmt: skip

    def step(cells, key, carry, begin):
        del key
        state, train = devices.replicas(Partial(on, begin), config.width)(*cells, *carry)
        return (state, train), train.count.sum() - carry[1].count.sum()

    return step


def resting(config: Config, factor):
    """Every neuron at rest, with no spikes yet."""
    nothing = spikes.clock(config.dt).initial
    return jax.jit(devices.replicas(lambda factor: (MEMBRANE.rest(scaled(factor)), nothing), config.width))(factor)


def fire(config: Config, current, factor, lab: Lab) -> spikes.Train:
    """How often and when first and last each neuron fires."""
    begins = jnp.arange(whole_steps(config.duration, config.slice)) * jnp.float32(config.slice)
    cells = Partial(slicewise(config), (current, factor))
    return lab.iterate("population", cells, jax.random.key(0), resting(config, factor), begins, chunk=1)[0][1]


def raster(config: Config, current, factor) -> dict:
    """All spikes of a few neurons, which are simulated again."""

    @jax.jit
    @jax.vmap
    def fired(current, factor):
        trace = simulate(
            MEMBRANE, scaled(factor), stimuli.constant(current), duration=config.duration, dt=config.dt,
            scheme=SCHEMES[config.scheme],
        )[1]  # fmt: skip
        return spikes.spike_times(trace, config.dt, int(config.duration / 5) + 2)

    with on_host():
        return {"raster": fired(np.asarray(current)[:RASTER], np.asarray(factor)[:RASTER])}


def peak_memory() -> float:
    """The most memory that this process has held so far, MB; it tells of the machine, not of the neurons."""
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def figures(result: Result) -> dict[str, Picture]:
    a = result.arrays
    figure, axes = panels(1, 3, width=5.2, height=4.4)
    draw.raster(axes[0], a["raster"], np.argsort(a["raster_current"]), float(a["duration"]))
    draw.rates(axes[1], a["rate_edges"], a["rate_histogram"], float(a["silent_share"]))
    draw.cloud(
        axes[2], a["cloud_current"], a["cloud_rate"], a["cloud_ratio"], label="sodium over potassium\n(squid: 1)"
    )
    return {
        "population": Picture(
            figure,
            f"{int(a['neurons']):,} neurons with scattered currents and conductances. None fires slowly: it is silent or "
            "near 50 Hz and above, as the firing curve says. Right: more sodium for each potassium channel, less current.",
        )
    }
