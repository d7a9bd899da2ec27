"""Which conductances made this recording? By gradient from many starts at once, and by evolution. (ch. 2.3, and beyond)

A squid membrane answers four currents, from deep inhibition to fast firing; white noise is added, and its conductances
are sought again from starts that are wrong by up to a factor of four each. In order:

1. Gradient: that of a voltage loss in forward mode, in reverse with recomputed segments, and through diffrax's adjoint,
   beside finite differences.
2. Three searches. ``nudged``: Levenberg-Marquardt while the recording pulls the simulation along (Abarbanel 2009), with a
   coupling that falls from 30 to 0 mS/cm2. ``free``: the same number of steps without. ``evolved``: a genetic algorithm.
3. Every start has a recording of its own noise, so that the spread of the nudged fits is the error of an estimate; beside
   it the least that any unbiased estimate can have (Cramer & Rao).

    python -m experiments run hh_fit
    python -m experiments run hh_fit --free all

Expected: 120, 36 and 0.3 mS/cm2 (Hodgkin & Huxley 1952), each within 1% from at least 95 of 100 starts; without the
nudge from about a third. Two CPU cores: quick 40 s, full a minute and a half.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from experiments.claims import Claim, Picture, Result
from experiments.hodgkin_huxley import MEMBRANE, on_host
from experiments.lab import QUIET, Lab
from redes_jax import devices
from redes_jax.evolution.strategies import evolve, ga
from redes_jax.figures import fitting as draw
from redes_jax.figures.style import panels
from redes_jax.neurons import stimuli
from redes_jax.neurons.fitting import covariance, levenberg_marquardt, nudged
from redes_jax.neurons.simulation import simulate, times, whole_steps
from redes_jax.neurons.solvers import Staggered


@dataclass(frozen=True)
class Config:
    starts: int = 100  # each with a noise of its own
    factor: float = 4.0  # a start is the truth times or over this, at most, uniform on a logarithmic axis
    noise: float = 1.0  # standard deviation of every sample of the recording, mV
    free: Literal["conductances", "all"] = "conductances"  # all: the capacitance and the leak's reversal are sought too
    settle: int = 10  # steps of the last fit, without a coupling
    populations: int = 8  # that evolve, the first starts one each
    members: int = 64  # in a population
    generations: int = 40  # mutations shrink by a factor of 300 on the way
    dt: float = 0.05  # step, and interval of the recording, ms
    width: int = 8  # starts in a block
    seed: int = 0  # of starts, noise and evolution


PRESETS = {"quick": Config(), "full": Config(starts=400, populations=32, members=256, generations=80)}

_HODGKIN = "Hodgkin & Huxley 1952, table 3"
CLAIMS = (
    Claim("sodium", "sodium conductance found from a trace", 120, "mS/cm2", _HODGKIN, 1.2),
    Claim("potassium", "potassium conductance found from a trace", 36, "mS/cm2", _HODGKIN, 0.36),
    Claim("leak", "leak conductance found from a trace", 0.3, "mS/cm2", _HODGKIN, 0.003),
    Claim("within_1_percent", "starts that end within 1% of all", 0.95, "", "this project's aim", rule="at least"),
    Claim("spread_over_bound", "spread of the fits over the least possible", 1, "", "Cramer 1946, Rao 1945", 0.25),
    Claim("gradient_error", "gradients against differences", 0, "", "finite differences", 1e-5, "at most"),
)

TRUTH = {"sodium": 120.0, "potassium": 36.0, "leak": 0.3, "capacitance": 1.0, "leak_reversal": -54.387}
CONDUCTANCES = ("sodium", "potassium", "leak")
CURRENTS = np.array([[-4.0, 3.0], [1.8, -1.0], [7.0, 15.0], [25.0, 10.0]])  # two pulses each, uA/cm2
DURATION = 40.0  # ms
COUPLINGS = (30.0,) * 6 + (10.0,) * 3 + (3.0,) * 3 + (1.0,) * 3 + (0.3,) * 3  # mS/cm2


def run(config: Config, lab: Lab = QUIET) -> Result:
    if config.starts < 2 or not 1 <= config.populations <= config.starts:
        raise ValueError(
            f"starts is {config.starts}, populations {config.populations}: at least 2, and no more than starts"
        )
    if config.factor <= 1 or config.noise <= 0:
        raise ValueError(f"factor is {config.factor}, noise {config.noise} mV: above 1 and above 0")
    whole_steps(DURATION, config.dt)
    key = jax.random.key(config.seed)
    names = CONDUCTANCES if config.free == "conductances" else tuple(TRUTH)
    clean = np.asarray(jax.jit(partial(respond, dt=config.dt))(dict.fromkeys(names, jnp.zeros(()))))
    recorded = clean + config.noise * jax.random.normal(jax.random.fold_in(key, 0), (config.starts, *clean.shape))
    shape = len(names), config.starts
    starts = jax.random.uniform(jax.random.fold_in(key, 1), shape, minval=-1.0) * np.log(config.factor)
    starts = dict(zip(names, starts, strict=True))

    gradients = lab.once("gradient", gradient_three_ways)
    couplings = np.array([*COUPLINGS, *[0.0] * config.settle], np.float32)
    method = descent(config)
    paths = {
        "nudged": search("nudged", method, couplings, recorded, starts, lab),
        "free": search("free", method, np.zeros_like(couplings), recorded, starts, lab),
        "evolved": evolution(recorded, starts, config, jax.random.fold_in(key, 2), lab),
    }
    with on_host(float64=True):
        origin = dict.fromkeys(names, jnp.zeros(()))
        least = jax.jit(lambda: covariance(partial(respond, dt=config.dt), origin, config.noise))()
    arrays = {f"{name}_path": path for name, path in paths.items()} | gradients
    arrays |= {"bound": np.asarray(least), "couplings": couplings, "factor": np.array(config.factor)}
    arrays |= story(recorded, clean, paths["nudged"], starts, couplings, config)

    last = paths["nudged"][-1]
    measured = {name: TRUTH[name] * np.exp(last[i]) for i, name in enumerate(names) if name != "leak_reversal"}
    for name, path in paths.items():
        measured[f"within_1_percent{'' if name == 'nudged' else '_' + name}"] = float(recovered(path[-1]).mean())
    good = last[:, recovered(last)]
    measured["spread_over_bound"] = good.std(1, ddof=1) / np.sqrt(np.diag(least)) if good.shape[1] > 1 else np.inf
    exact = gradients["by_differences"]
    measured["gradient_error"] = max(
        float(np.abs(gradients[name] / exact - 1).max()) for name in gradients if name != "by_differences"
    )
    return Result(arrays, measured)


def recovered(found: np.ndarray) -> np.ndarray:
    """Which starts (starts,) have every conductance within 1%, from logarithms of ratios to the truth (numbers, starts)."""
    return np.max(np.abs(np.expm1(found[: len(CONDUCTANCES)])), axis=0) < 0.01


def params(ratios: dict):
    """The membrane whose numbers are the truth times the exponential of each of ``ratios``."""
    value = {name: TRUTH[name] * jnp.exp(ratio) for name, ratio in ratios.items()}
    made = MEMBRANE.params(**{name: value[name] for name in CONDUCTANCES})
    reversal = made.reversal | {"leak": value.get("leak_reversal", TRUTH["leak_reversal"])}
    return made._replace(capacitance=value.get("capacitance", 1.0), reversal=reversal)


def stimulus(pulses):
    """Rest, then two pulses of 18 ms: what an experimenter would inject."""
    return stimuli.total(stimuli.pulse(pulses[0], 2.0, 20.0), stimuli.pulse(pulses[1], 20.0, 38.0))


def respond(ratios: dict, recorded=None, coupling=0.0, *, dt: float, duration: float = DURATION, **options):
    """The membrane's answers to all currents, pulled towards the recordings when there are any: (currents, time) mV."""

    def answer(pulses, voltage=None):
        injected = stimulus(pulses) if voltage is None else nudged(stimulus(pulses), voltage, dt, coupling)
        return simulate(MEMBRANE, params(ratios), injected, duration=duration, dt=dt, **options)[1]

    currents = jnp.asarray(CURRENTS, jnp.result_type(float))
    return jax.vmap(answer)(currents) if recorded is None else jax.vmap(answer)(currents, recorded)


def gradient_three_ways() -> dict:
    """The gradient of a mean square of the potential over 10 ms, by every route there is, in float64."""

    def loss(logs, **options):
        ratios = dict(zip(CONDUCTANCES, logs, strict=True))
        return jnp.mean(respond(ratios, dt=0.05, duration=10.0, **options) ** 2)

    with on_host(float64=True):
        at, h = jnp.array([0.3, -0.2, 0.5]), 1e-5
        value = jax.jit(jax.vmap(loss))
        found = {
            "forward": jax.jit(jax.jacfwd(loss))(at),
            "reverse": jax.jit(jax.grad(partial(loss, segment=14)))(at),
            "diffrax_adjoint": jax.jit(jax.grad(partial(loss, scheme=Staggered())))(at),
            "by_differences": (value(at + h * jnp.eye(3)) - value(at - h * jnp.eye(3))) / (2 * h),
        }
        return {name: np.asarray(gradient) for name, gradient in found.items()}


def descent(config: Config):
    """Levenberg-Marquardt from all starts at once: ``(init, step)``, where ``step`` takes the recordings first.

    Made once, so that searches that differ in their couplings alone compile once.
    """

    def residual(recorded, ratios, coupling):
        return respond(ratios, recorded, coupling, dt=config.dt) - recorded

    def one(coupling, recorded, found):
        return levenberg_marquardt(Partial(residual, recorded)).step(jax.random.key(0), found, coupling)[0]

    def init(recorded, starts):
        begin = levenberg_marquardt(Partial(residual, recorded[0])).init
        return jax.jit(devices.replicas(Partial(begin, None), config.width))(starts)

    def step(recorded, key, found, coupling):
        del key
        found = devices.replicas(Partial(one, coupling), config.width)(recorded, found)
        return found, jnp.stack(list(found.params.values()))

    return init, step


def search(name: str, method, couplings, recorded, starts: dict, lab: Lab) -> np.ndarray:
    """The path (steps, numbers, starts) of a descent, as logarithms of ratios to the truth."""
    init, step = method
    first, inputs = init(recorded, starts), jnp.asarray(couplings)
    _, path = lab.iterate(name, Partial(step, recorded), jax.random.key(0), first, inputs, chunk=4)
    return np.concatenate([np.stack(list(starts.values()))[None], path])


def evolution(recorded, starts: dict, config: Config, key, lab: Lab) -> np.ndarray:
    """A genetic algorithm from the first few starts, one population each: the path of their best."""
    size = config.populations
    decay = 300.0 ** (-1 / config.generations)
    strategy = ga(config.members, parents=max(1, config.members // 8), sigma=0.3, decay=decay, spread=0.7)

    def fitness(key, ratios, recorded):
        del key
        return -jnp.mean((respond(ratios, dt=config.dt) - recorded) ** 2)

    learner = evolve(strategy, fitness)

    def one(key, recorded, state):
        return learner.step(key, state, recorded)[0]

    def step(recorded, key, states, input):
        del input
        states = devices.replicas(one, 1)(jax.random.split(key, size), recorded, states)
        return states, jnp.stack(list(jax.vmap(lambda state: state.best)(states).values()))

    keys = jax.random.split(jax.random.fold_in(key, 0), size)
    few = {name: start[:size] for name, start in starts.items()}
    first = jax.jit(devices.replicas(learner.init, 1))(keys, few)
    _, path = lab.iterate(
        "evolved", Partial(step, recorded[:size]), jax.random.fold_in(key, 1), first, length=config.generations, chunk=8
    )
    return np.concatenate([np.stack(list(few.values()))[None], path])


def story(recorded, clean, path, starts: dict, couplings, config: Config) -> dict:
    """One start on its way: what the membrane does under the first coupling, free at the start, and at the end."""
    chosen = int(np.abs(path[0]).sum(0).argmax())

    @jax.jit
    def answers(first, last, recorded):
        return jnp.stack([
            respond(first, dt=config.dt), respond(first, recorded, couplings[0], dt=config.dt), respond(last, dt=config.dt)
        ])  # fmt: skip

    first, last = (dict(zip(starts, jnp.asarray(path[i, :, chosen]), strict=True)) for i in (0, -1))
    return {"story_time": times(DURATION, config.dt), "story_recorded": recorded[chosen, 2], "story_clean": clean[2],
            "story_answers": answers(first, last, recorded[chosen])[:, 2]}  # fmt: skip


def figures(result: Result) -> dict[str, Picture]:
    a = result.arrays
    pictures = {}

    figure, axes = panels(1, 2, width=6.6, height=4.2)
    draw.pulled_along(axes[0], a["story_time"], a["story_recorded"], a["story_answers"], float(a["couplings"][0]))
    worst = {name: np.abs(np.expm1(a[f"{name}_path"][:, :3])).max(1) for name in ("nudged", "free", "evolved")}
    draw.searches(axes[1], worst, a["couplings"])
    starts = worst["nudged"].shape[1]
    pictures["searches"] = Picture(
        figure,
        "Left: a start that is far off answers at the wrong times or not at all; pulled along by the recording it cannot, and what "
        f"remains of the difference tells which conductance is wrong. Right: the worst of three conductances; median, "
        f"quartiles and extremes of {starts} starts ({worst['evolved'].shape[1]} populations). Dashed: 1%.",
    )

    figure, axes = panels(1, 3, width=5.0, height=4.2)
    first, last = (np.exp(a["nudged_path"][i, :2]) for i in (0, -1))
    draw.from_all_over(axes[0], first, last, float(a["factor"]))
    good = recovered(a["nudged_path"][-1])
    draw.posterior(axes[1], 100 * a["nudged_path"][-1][:2, good], 1e4 * a["bound"][:2, :2], ("sodium", "potassium"))
    draw.posterior(axes[2], 100 * a["nudged_path"][-1][1:3, good], 1e4 * a["bound"][1:3, 1:3], ("potassium", "leak"))
    pictures["fits"] = Picture(
        figure,
        f"Left: {starts} starts (crosses) and where they end (circles), as ratios to the truth. Middle and right: the "
        f"{good.sum()} that end within 1%, each fitted to a noise of its own, and the ellipse that holds 95% of the best "
        "unbiased estimates there can be (Cramer & Rao).",
    )
    return pictures
