"""How does a nerve cell fire, and how exactly can a computer say so? (ch. 2)

The squid membrane of Hodgkin & Huxley (1952), composed of three channels. In order:

1. One spike: potential, gates, conductances and currents, over an adaptive solution to tolerance 1e-10 in float64.
2. Thresholds: the least current for one spike and for endless firing, the least shock, the anode break, each by
   sectioning 64 neurons at once; and the currents at which the steady state loses stability (Hopf), by the eigenvalues
   of the Jacobian.
3. Firing rate against current, from rest, and where the steady state under the current is stable: both hold between the
   onset of firing and the first Hopf point.
4. Error of forward Euler by hand, Rush-Larsen and the staggered scheme against the step: of the potential at given
   times, of the times of spikes over 100 ms.
5. A population whose currents and conductances scatter, in one program over all devices; spikes are counted as they
   come.

    python -m experiments run hodgkin_huxley --neurons 100000

Expected: rest -64.996 mV; one spike from 2.240 uA/cm2, firing without end from 6.260 at 50.5 Hz; 68.3 Hz at 10 uA/cm2;
Hopf points 9.775 and 154.52. All are independent integrations of the same equations in SciPy, which the slow tests of
``tests/neurons`` repeat. Two CPU cores: quick 20 s, full half a minute.
"""

import contextlib
from dataclasses import dataclass
from typing import Literal

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import devices
from redes_jax.figures import neurons as draw
from redes_jax.figures.style import panels
from redes_jax.neurons import spikes, stimuli
from redes_jax.neurons.excitability import growth, least, voltage_nullcline
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.schemes import SCHEMES
from redes_jax.neurons.simulation import simulate, times, whole_steps


@dataclass(frozen=True)
class Config:
    neurons: int = 2000  # in the population
    draws: int = 8  # independent draws that the neurons are dealt to, for the spread
    duration: float = 100.0  # of the population's run, ms; a whole number of slices
    slice: float = 10.0  # ms between two looks at the population (progress, checkpoint)
    dt: float = 0.025  # step, ms
    scheme: Literal["staggered", "rush_larsen", "implicit", "forward_euler"] = "staggered"  # how everything is stepped
    current: float = 8.0  # mean current of the population, uA/cm2
    current_spread: float = 2.0  # its standard deviation over neurons, uA/cm2
    conductance_spread: float = 0.05  # relative standard deviation of each conductance over neurons
    width: int = 1024  # neurons in a block, which stays in the processor's nearest cache
    currents: int = 161  # points of the firing curve
    settle: float = 2000.0  # ms that a neuron must fire to count as firing without end
    seed: int = 0  # of the population


PRESETS = {"quick": Config(), "full": Config(neurons=100_000, currents=1601, settle=5000.0)}

_SCIPY = "independent integration, SciPy DOP853 at rtol 1e-10"
_EIGENVALUES = "independent Jacobian by differences, NumPy eigenvalues"
CLAIMS = (
    Claim("rest_mv", "resting potential", -64.996, "mV", _SCIPY, 0.001),
    Claim("rest_m", "sodium activation at rest", 0.052955, "", _SCIPY, 2e-6),
    Claim("rest_h", "sodium inactivation at rest", 0.595994, "", _SCIPY, 2e-6),
    Claim("rest_n", "potassium activation at rest", 0.317732, "", _SCIPY, 2e-6),
    Claim("one_spike_current", "least current for one spike", 2.240, "uA/cm2", _SCIPY, 0.001),
    Claim("firing_current", "least current for firing without end", 6.260, "uA/cm2", _SCIPY, 0.01),
    # near onset the rate falls as a square root: 0.001 uA/cm2 in where it lies is 0.3 Hz
    Claim("onset_hz", "mean rate where endless firing begins", 50.55, "Hz", _SCIPY, 0.3),
    Claim("shock_mv", "least instantaneous shock that fires", 6.505, "mV", _SCIPY, 0.002),
    Claim("anode_break_current", "least inward current whose end fires", 2.783, "uA/cm2", _SCIPY, 0.002),
    Claim("hopf_low", "steady state loses stability", 9.775, "uA/cm2", _EIGENVALUES, 0.001),
    Claim("hopf_high", "steady state regains stability", 154.52, "uA/cm2", _EIGENVALUES, 0.01),
    Claim("rate_7_hz", "firing rate at 7 uA/cm2", 58.3, "Hz", _SCIPY, 0.1),
    Claim("rate_8_hz", "firing rate at 8 uA/cm2", 62.5, "Hz", _SCIPY, 0.1),
    Claim("rate_10_hz", "firing rate at 10 uA/cm2", 68.3, "Hz", _SCIPY, 0.1),
    Claim("rate_20_hz", "firing rate at 20 uA/cm2", 86.5, "Hz", _SCIPY, 0.1),
    Claim("rate_50_hz", "firing rate at 50 uA/cm2", 117.0, "Hz", _SCIPY, 0.1),
    Claim("order_forward_euler", "order of forward Euler", 1, "", "Euler 1768", 0.1),
    Claim("order_rush_larsen", "order of Rush-Larsen", 1, "", "Rush & Larsen 1978", 0.1),
    Claim("order_implicit", "order of the implicit scheme", 1, "", "Hines 1984", 0.1),
    Claim("order_staggered", "order of the staggered scheme", 2, "", "Hines 1984", 0.1),
)

PROBES = (7.0, 8.0, 10.0, 20.0, 50.0)  # currents whose rates and spike times are compared, uA/cm2
STEPS = (0.05, 0.025, 0.0125, 0.00625)  # ms
SHOCK = 15.0  # mV
SAMPLE = 200  # neurons of the population drawn as a raster
MEMBRANE = SQUID
PARAMS = SQUID.params()


def run(config: Config, lab: Lab = QUIET) -> Result:
    check(config)
    spike = lab.once("one spike", lambda: one_spike(config))
    found = lab.once("thresholds", lambda: thresholds(config))
    curve = lab.once("firing curve", lambda: firing_curve(config))
    reference = lab.once("reference", adaptive_reference)
    errors = lab.once("errors", lambda: scheme_errors(reference["exact_voltage"], reference["exact_spikes"]))
    crowd = population(config, lab)

    measured = {name: float(value) for name, value in found.items()}
    measured |= {f"rate_{current:g}_hz": float(rate) for current, rate in zip(PROBES, curve["probe_rate"], strict=True)}
    for i, scheme in enumerate(SCHEMES):
        measured[f"order_{scheme}"] = order(errors["voltage_error"][i])
        measured[f"spike_error_ms_{scheme}"] = errors["spike_error"][i, STEPS.index(0.025)]
    measured |= {name: float(spike[name]) for name in ("peak_mv", "trough_mv", "amplitude_mv", "half_width_ms")}
    by_draw = crowd["rate"].reshape(config.draws, -1)
    measured |= {"population_hz": by_draw.mean(1), "population_firing_share": (by_draw > 0).mean(1)}
    return Result(spike | found | curve | reference | errors | crowd, measured)


def check(config: Config) -> None:
    if config.neurons < config.draws or config.neurons % config.draws:
        raise ValueError(f"neurons is {config.neurons}: a multiple of draws, which is {config.draws}")
    if not 0 < config.dt <= 0.05:
        raise ValueError(f"dt is {config.dt} ms: above 0 and at most 0.05, where all schemes are stable in a spike")
    if config.settle < 100:
        raise ValueError(f"settle is {config.settle} ms: at least 100, several intervals between spikes")
    for whole, part in ((config.settle, config.dt), (config.slice, config.dt), (config.duration, config.slice)):
        whole_steps(whole, part)


@contextlib.contextmanager
def on_host(float64: bool = False):
    """A few neurons and many steps: latency is all, so the host computes, whatever else there is."""
    with jax.default_device(jax.local_devices(backend="cpu")[0]), jax.enable_x64(float64):
        yield


def sim(config: Config, stimulus, duration: float, params=PARAMS, **kwargs):
    """The squid membrane under this experiment's scheme and step."""
    scheme = SCHEMES[config.scheme]
    return simulate(MEMBRANE, params, stimulus, duration=duration, dt=config.dt, scheme=scheme, **kwargs)


def shocked(height):
    """The membrane at rest, lifted at once by ``height`` mV: the "membrane action potential" of 1952 starts so."""
    rest = MEMBRANE.rest(PARAMS)
    return rest._replace(voltage=rest.voltage + height)


def one_spike(config: Config) -> dict:
    """A spike after a shock, all that moves in it, and the plane in which it is an orbit."""

    def everything(state):
        conductances, currents = MEMBRANE.conductances(PARAMS, state.gates), MEMBRANE.currents(PARAMS, state)
        rows = state.gates, jnp.broadcast_arrays(*conductances.values()), tuple(currents.values())
        return state.voltage, *map(jnp.stack, rows)

    @jax.jit
    def spike():
        seen = sim(config, 0.0, 20.0, state=shocked(SHOCK), observe=everything)[1]
        return seen, spikes.shape(seen[0], config.dt)

    @jax.jit
    def kinetics(voltage):
        return jnp.stack(MEMBRANE.steady_gates(voltage)), jnp.stack(MEMBRANE.time_constants(PARAMS, voltage))

    grid = np.linspace(-100.0, 50.0, 301)
    with on_host():
        (voltage, gates, conductances, currents), shape = spike()
        steady, time_constants = kinetics(jnp.asarray(grid, jnp.float32))
    return {
        "spike_time": times(20.0, config.dt), "spike_voltage": voltage, "spike_gates": gates,
        "spike_conductances": conductances, "spike_currents": currents,
        "grid": grid, "steady": steady, "time_constants": time_constants,
        "v_nullcline": voltage_nullcline(PARAMS, grid, np.asarray(steady[0])),
        "onset_mv": shape.onset, "peak_mv": shape.peak, "trough_mv": shape.trough,
        "amplitude_mv": shape.amplitude, "half_width_ms": shape.half_width,
    }  # fmt: skip


def thresholds(config: Config) -> dict:
    """Rest and thresholds, see the module's head."""
    settle = config.settle

    def fires(stimulus, duration, state=None):
        return sim(config, stimulus, duration, state=state, fold=spikes.counter())[1] > 0

    def fires_on(current):
        train = sim(config, current, settle, fold=spikes.clock(config.dt))[1]
        return train.last > settle - 40.0

    with on_host():
        rest = jax.jit(MEMBRANE.rest)(PARAMS)
        firing = least(fires_on, 5.0, 9.0)
        onset = jax.jit(lambda current: sim(config, current, settle, fold=spikes.clock(config.dt))[1])(firing)
        found = {
            "rest_mv": rest.voltage, "rest_m": rest.gates[0], "rest_h": rest.gates[1], "rest_n": rest.gates[2],
            "one_spike_current": least(lambda current: fires(current, 50.0), 0.0, 5.0),
            "firing_current": firing,
            "onset_hz": onset.rate(),
            "shock_mv": least(lambda height: fires(0.0, 30.0, shocked(height)), 0.0, 20.0),
            "anode_break_current": least(lambda current: fires(0.0, 50.0, MEMBRANE.rest(PARAMS, -current)), 0.0, 10.0),
        }  # fmt: skip
    with on_host(float64=True):
        hopf_low = least(lambda current: growth(MEMBRANE, PARAMS, current) > 0, 2.0, 50.0)
        hopf_high = least(lambda current: growth(MEMBRANE, PARAMS, current) < 0, 50.0, 300.0)
    return found | {"hopf_low": hopf_low, "hopf_high": hopf_high}


def firing_curve(config: Config) -> dict:
    """Rates after a step from rest, the stability of the steady state, and a few traces."""
    current = np.linspace(0.0, 20.0, config.currents)
    shown = (2.0, 3.0, 6.2, 7.0, 15.0)

    def rate(current):
        train = sim(config, current, config.settle, fold=spikes.clock(config.dt))[1]
        return jnp.where(train.last > config.settle - 40.0, train.final_rate(), 0.0)

    everyone = jnp.asarray(np.concatenate([current, PROBES]), jnp.float32)
    rates = jax.jit(devices.replicas(rate, min(config.width, 128)))(everyone)
    with on_host():
        _, traces = jax.jit(lambda: sim(config, jnp.asarray(shown), 100.0))()
    with on_host(float64=True):
        stable = jax.jit(jax.vmap(Partial(growth, MEMBRANE, PARAMS)))(jnp.asarray(current)) < 0
    return {
        "current": current, "firing_rate": rates[: len(current)], "stable": stable, "probe_rate": rates[len(current) :],
        "shown": np.array(shown), "shown_time": times(100.0, config.dt), "shown_voltage": traces.T,
    }  # fmt: skip


def runs():
    """What the errors are measured on: a shock alone, then each probe current from rest; ``(states, currents)``."""
    rests = [MEMBRANE.rest(PARAMS)] * len(PROBES)
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), shocked(SHOCK), *rests), jnp.asarray([0.0, *PROBES])


def adaptive_reference() -> dict:
    """The runs by diffrax's explicit method of order 8 to tolerance 1e-10: potential on a grid, and spike times."""
    control = diffrax.PIDController(rtol=1e-10, atol=1e-10)

    def exact(state, current):
        trace = simulate(
            MEMBRANE, PARAMS, current, duration=100.0, dt=0.0125, scheme=diffrax.Dopri8(), state=state,
            stepsize_controller=control, max_steps=200_000,
        )[1]  # fmt: skip
        return trace, spikes.spike_times(trace, 0.0125, 16)

    with on_host(float64=True):
        voltage, fired = jax.jit(lambda: jax.vmap(exact)(*runs()))()
    return {"exact_time": times(100.0, 0.0125), "exact_voltage": voltage, "exact_spikes": fired}


def scheme_errors(exact_voltage: np.ndarray, exact_spikes: np.ndarray) -> dict:
    """For each scheme and step the worst error of the potential (15 ms from a shock) and of a spike's time (100 ms)."""
    voltage_error, spike_error = np.zeros((2, len(SCHEMES), len(STEPS)))
    for j, dt in enumerate(STEPS):

        def stepped(state, current, scheme, dt=dt):
            trace = simulate(MEMBRANE, PARAMS, current, duration=100.0, dt=dt, scheme=scheme, state=state)[1]
            return trace, spikes.spike_times(trace, dt, 16)

        def by_scheme():
            return [jax.vmap(lambda state, current, s=s: stepped(state, current, s))(*runs()) for s in SCHEMES.values()]  # noqa: B023

        with on_host(float64=True):
            solved = jax.tree.map(np.asarray, jax.jit(by_scheme)())
        every = round(0.1 / dt)
        for i, (trace, fired) in enumerate(solved):
            voltage_error[i, j] = np.abs(trace[0, every - 1 :: every] - exact_voltage[0, 7::8])[:150].max()
            spike_error[i, j] = np.nanmax(np.abs(fired - exact_spikes)[1:])
    return {"voltage_error": voltage_error, "spike_error": spike_error}


def order(errors: np.ndarray) -> float:
    """The slope of error against step between the two finest, on logarithmic axes."""
    return float(np.log(errors[-2] / errors[-1]) / np.log(STEPS[-2] / STEPS[-1]))


def population(config: Config, lab: Lab) -> dict:
    """Neurons with scattered currents and conductances: how often each fires."""
    size = config.neurons // config.draws
    keys = jax.random.split(jax.random.key(config.seed), config.draws)
    noise = np.asarray(jax.vmap(lambda key: jax.random.normal(key, (size, 4)))(keys)).reshape(-1, 4)
    current = jnp.asarray(config.current + config.current_spread * noise[:, 0])
    factor = jnp.asarray(np.maximum(1.0 + config.conductance_spread * noise[:, 1:], 0.0))
    clock = spikes.clock(config.dt)

    def scaled(factor):
        g = PARAMS.conductance
        return PARAMS._replace(conductance={name: g[name] * factor[i] for i, name in enumerate(g)})

    def on(begin, current, factor, state, train):
        stimulus, fold = stimuli.constant(current), clock._replace(initial=train)
        return sim(config, stimulus, config.slice, scaled(factor), state=state, start=begin, fold=fold)

    def advance(cells, key, carry, begin):
        del key
        state, train = devices.replicas(Partial(on, begin), config.width)(*cells, *carry)
        return (state, train), train.count.sum() - carry[1].count.sum()

    begins = jnp.arange(whole_steps(config.duration, config.slice)) * jnp.float32(config.slice)
    start = jax.jit(devices.replicas(lambda factor: (MEMBRANE.rest(scaled(factor)), clock.initial), config.width))(
        factor
    )
    cells = Partial(advance, (current, factor))
    (_, train), _ = lab.iterate("population", cells, jax.random.key(0), start, begins, chunk=1)

    @jax.vmap
    def fired(current, factor):
        trace = sim(config, stimuli.constant(current), config.duration, scaled(factor))[1]
        return spikes.spike_times(trace, config.dt, int(config.duration / 5) + 2)

    with on_host():
        raster = jax.jit(fired)(np.asarray(current)[:SAMPLE], np.asarray(factor)[:SAMPLE])
    return {
        "rate": np.asarray(train.rate()), "count": np.asarray(train.count), "population_current": np.asarray(current),
        "sodium_over_potassium": np.asarray(factor[:, 0] / factor[:, 1]), "raster": np.asarray(raster),
        "duration": np.array(config.duration),
    }  # fmt: skip


def figures(result: Result) -> dict[str, Picture]:
    a, gates = result.arrays, MEMBRANE.gates
    named = lambda names, rows: dict(zip(names, rows, strict=True))  # noqa: E731
    pictures = {}

    figure, axes = panels(4, 1, width=9.0, height=2.3, sharex=True, gridspec_kw={"height_ratios": (1.5, 1, 1, 1)})
    time, colours = a["spike_time"], draw.CHANNEL_COLOURS
    shown = a["exact_time"] <= time[-1]
    exact = a["exact_time"][shown], a["exact_voltage"][0, shown]
    conductances, currents = (named(PARAMS.conductance, a[f"spike_{k}"].T) for k in ("conductances", "currents"))
    currents["sum"] = sum(currents.values())
    draw.spike(axes[0], time, a["spike_voltage"], *exact, float(a["onset_mv"]))
    draw.traces(axes[1], time, named(gates, a["spike_gates"].T), draw.GATE_COLOURS, ylabel="gates open")
    draw.traces(axes[2], time, conductances, colours, ylabel="conductance\n(mS/cm$^2$)")
    draw.traces(axes[3], time, currents, colours, ylabel="current out\n($\\mu$A/cm$^2$)")
    axes[0].set(title="One spike", xlim=(0, time[-1]))
    axes[3].set_xlabel("time (ms)")
    pictures["one_spike"] = Picture(
        figure,
        "A shock of 15 mV lifts the potential over threshold: sodium gates m open at once and drive it up; h closes "
        "and n opens, later, and drive it down below rest. Sodium and potassium currents are huge and nearly cancel.",
    )

    figure, axes = panels(1, 3, width=5.0, height=4.2)
    for axis, name, label, ylabel, title in (
        (axes[0], "steady", r"${}_\infty$", "open in the steady state", "Where gates settle"),
        (axes[1], "time_constants", r"$\tau_{}$", "time constant (ms)", "How fast"),
    ):
        draw.against_voltage(axis, a["grid"], named(gates, a[name]), label=label, ylabel=ylabel, title=title)
    draw.phase_plane(axes[2], a["spike_voltage"], a["spike_gates"][:, 2], a["grid"], a["v_nullcline"], a["steady"][2])
    pictures["gates"] = Picture(
        figure,
        "Left and middle: m is fast, h and n are slow, and that delay is the spike. Right: the spike as an orbit; the "
        "dashed red line holds m at its steady state and h = 0.91 - n.",
    )

    figure, axes = panels(1, 2, width=6.4, height=4.8)
    published = {claim.key: claim.value for claim in CLAIMS}
    circles = {c: published[f"rate_{c:g}_hz"] for c in PROBES if c <= a["current"][-1]}
    marks = {"one spike": "one_spike_current", "endless": "firing_current", "Hopf": "hopf_low"}
    marks = {name: float(a[key]) for name, key in marks.items()}
    draw.firing_curve(axes[0], a["current"], a["firing_rate"], a["stable"], circles, marks)
    draw.staircase(axes[1], a["shown_time"], named([f"{current:g}" for current in a["shown"]], a["shown_voltage"]))
    pictures["firing"] = Picture(
        figure,
        "Firing begins at once at about 50 Hz, not from zero. Between 6.26 and 9.78 both endless firing and rest are "
        "stable: which one is seen depends on the past. Right: silence, one spike, a few, and firing without end.",
    )

    figure, axes = panels(1, 2, width=6.2, height=4.4)
    for axis, key, ylabel, title in (
        (axes[0], "voltage_error", "worst error of the potential (mV)", "15 ms after a shock"),
        (axes[1], "spike_error", "worst error of a spike's time (ms)", "Spikes over 100 ms of current, from rest"),
    ):
        errors = named(SCHEMES, a[key])
        orders = {name: order(error) for name, error in errors.items()}
        draw.convergence(axis, np.array(STEPS), errors, orders, ylabel=ylabel, title=title)
    pictures["errors"] = Picture(
        figure,
        "Forward Euler and Rush-Larsen are of order 1, the staggered scheme of order 2. From rest Rush-Larsen is of "
        "order 2 too: gates that follow the old potential and drive the new one are staggered in all but their "
        "starting time, which at rest does not matter.",
    )

    figure, axes = panels(1, 3, width=5.2, height=4.4)
    fired, current, few = a["raster"], a["population_current"], slice(0, 5000)
    draw.raster(axes[0], fired, np.argsort(current[: len(fired)]), float(a["duration"]))
    draw.rates(axes[1], a["rate"])
    ratio = a["sodium_over_potassium"][few]
    draw.cloud(axes[2], current[few], a["rate"][few], ratio, label="sodium over potassium\n(squid: 1)")
    pictures["population"] = Picture(
        figure,
        f"{len(current):,} neurons with scattered currents and conductances. None fires slowly: it is silent or near "
        "50 Hz and above, as the firing curve says. Right: more sodium for each potassium channel, less current.",
    )
    return pictures
