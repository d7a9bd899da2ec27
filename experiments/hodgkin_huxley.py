"""How does a nerve cell fire, and what does it take? (ch. 2.1)

The squid membrane of Hodgkin & Huxley (1952), composed of three channels. In order:

1. One spike: potential, gates, conductances and currents, over an adaptive solution to tolerance 1e-10 in float64; and
   the plane in which the spike is an orbit.
2. Thresholds: the least current for one spike and for endless firing, the least shock, the anode break, each by
   sectioning 64 neurons at once.
3. Stability of the steady state under a current, by the eigenvalues of the Jacobian: the two Hopf points.

    python -m experiments run hodgkin_huxley

Firing rates are in ``fi_curve``, errors of the integration in ``hh_solvers``, a million neurons in ``hh_population``,
conductances found from a recording in ``hh_fit``.

Expected: rest -64.996 mV; one spike from 2.240 uA/cm2, firing without end from 6.260 at 50.5 Hz; Hopf points 9.775 and
154.52. All are independent integrations of the same equations in SciPy, which the slow tests of ``tests/neurons``
repeat. Two CPU cores: quick 15 s, full 25 s.
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
from redes_jax.figures import neurons as draw
from redes_jax.figures.style import panels
from redes_jax.neurons import spikes
from redes_jax.neurons.excitability import growth, least, voltage_nullcline
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.schemes import SCHEMES
from redes_jax.neurons.simulation import simulate, times, whole_steps


@dataclass(frozen=True)
class Config:
    dt: float = 0.025  # step, ms
    scheme: Literal["staggered", "rush_larsen", "implicit", "rk4", "forward_euler"] = "staggered"  # how time is stepped
    settle: float = 2000.0  # ms that a neuron must fire to count as firing without end
    currents: int = 161  # at which the stability of the steady state is drawn
    seed: int = 0  # nothing here is drawn by chance


PRESETS = {"quick": Config(), "full": Config(settle=5000.0, currents=641)}

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
)

SHOCK = 15.0  # mV
AROUND = (-3.0, -0.5, -0.05, 0.05, 0.5, 3.0)  # shocks drawn, relative to the least that fires, mV
STEPS = (2.0, 2.5, 6.2, 6.5, 15.0)  # currents whose responses are drawn, uA/cm2
MEMBRANE = SQUID
PARAMS = SQUID.params()


def run(config: Config, lab: Lab = QUIET) -> Result:
    if not 0 < config.dt <= 0.05:
        raise ValueError(f"dt is {config.dt} ms: above 0 and at most 0.05, where all schemes are stable in a spike")
    if config.settle < 100:
        raise ValueError(f"settle is {config.settle} ms: at least 100, several intervals between spikes")
    whole_steps(config.settle, config.dt)
    spike = lab.once("one spike", lambda: one_spike(config))
    found = lab.once("thresholds", lambda: thresholds(config))
    seen = lab.once("around the thresholds", lambda: around(config, found))
    measured = {name: float(value) for name, value in found.items()}
    measured |= {name: float(spike[name]) for name in ("peak_mv", "trough_mv", "amplitude_mv", "half_width_ms")}
    return Result(spike | found | seen, measured)


@contextlib.contextmanager
def on_host(float64: bool = False):
    """A few neurons and many steps: latency is all, so the host computes, whatever else there is."""
    with jax.default_device(jax.local_devices(backend="cpu")[0]), jax.enable_x64(float64):
        yield


def sim(config: Config, stimulus, duration: float, **kwargs):
    """The squid membrane under this experiment's scheme and step."""
    return simulate(
        MEMBRANE, PARAMS, stimulus, duration=duration, dt=config.dt, scheme=SCHEMES[config.scheme], **kwargs
    )


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
    def exact():
        control = diffrax.PIDController(rtol=1e-10, atol=1e-10)
        return simulate(
            MEMBRANE, PARAMS, duration=20.0, dt=0.05, state=shocked(SHOCK), scheme=diffrax.Dopri8(),
            stepsize_controller=control, max_steps=20_000,
        )[1]  # fmt: skip

    @jax.jit
    def kinetics(voltage):
        return jnp.stack(MEMBRANE.steady_gates(voltage)), jnp.stack(MEMBRANE.time_constants(PARAMS, voltage))

    grid = np.linspace(-100.0, 50.0, 301)
    with on_host():
        (voltage, gates, conductances, currents), shape = spike()
        steady, time_constants = kinetics(jnp.asarray(grid, jnp.float32))
    with on_host(float64=True):
        reference = exact()
    return {
        "spike_time": times(20.0, config.dt), "spike_voltage": voltage, "spike_gates": gates,
        "spike_conductances": conductances, "spike_currents": currents,
        "exact_time": times(20.0, 0.05), "exact_voltage": reference,
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


def around(config: Config, found: dict) -> dict:
    """What the membrane does on both sides of its thresholds, and how fast deviations from its steady state grow."""
    shocks = np.float32(found["shock_mv"] + np.array(AROUND))
    released = np.float32(found["anode_break_current"] * np.array([0.5, 0.98, 1.02, 2.0]))
    current = np.linspace(0.0, 200.0, config.currents)

    @jax.jit
    def traces(shocks, released):
        lifted = jax.vmap(lambda height: sim(config, 0.0, 20.0, state=shocked(height))[1])(shocks)
        freed = jax.vmap(lambda current: sim(config, 0.0, 30.0, state=MEMBRANE.rest(PARAMS, -current))[1])(released)
        return lifted, freed, sim(config, jnp.asarray(STEPS), 100.0)[1].T

    with on_host():
        lifted, freed, stepped = traces(shocks, released)
    with on_host(float64=True):
        rate = jax.jit(jax.vmap(Partial(growth, MEMBRANE, PARAMS)))(jnp.asarray(current))
    return {
        "shock": shocks, "shock_time": times(20.0, config.dt), "shock_voltage": lifted,
        "released": released, "released_time": times(30.0, config.dt), "released_voltage": freed,
        "step_time": times(100.0, config.dt), "step_voltage": stepped, "current": current, "growth": rate,
    }  # fmt: skip


def figures(result: Result) -> dict[str, Picture]:
    a, gates = result.arrays, MEMBRANE.gates
    named = lambda names, rows: dict(zip(names, rows, strict=True))  # noqa: E731
    pictures = {}

    figure, axes = panels(4, 1, width=9.0, height=2.3, sharex=True, gridspec_kw={"height_ratios": (1.5, 1, 1, 1)})
    time, colours = a["spike_time"], draw.CHANNEL_COLOURS
    conductances, currents = (named(PARAMS.conductance, a[f"spike_{k}"].T) for k in ("conductances", "currents"))
    currents["sum"] = sum(currents.values())
    draw.spike(axes[0], time, a["spike_voltage"], a["exact_time"], a["exact_voltage"], float(a["onset_mv"]))
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

    figure, axes = panels(2, 2, width=6.2, height=3.7)
    draw.all_or_none(axes[0, 0], a["shock_time"], a["shock_voltage"], [f"{height:.2f} mV" for height in a["shock"]])
    axes[0, 0].set_title(f"A shock fires from {float(a['shock_mv']):.3f} mV")
    held = [f"$-${current:.2f}" for current in a["released"]]
    draw.all_or_none(axes[0, 1], a["released_time"], a["released_voltage"], held)
    axes[0, 1].set_title(f"Anode break: let go from $-${float(a['anode_break_current']):.3f} $\\mu$A/cm$^2$")
    draw.staircase(axes[1, 0], a["step_time"], named([f"{current:g}" for current in STEPS], a["step_voltage"]))
    hopf = {"loses stability": float(a["hopf_low"]), "regains it": float(a["hopf_high"])}
    draw.growth_rate(axes[1, 1], a["current"], a["growth"], hopf)
    pictures["thresholds"] = Picture(
        figure,
        "Top: a twentieth of a millivolt, or the end of an inward current, decides between nothing and a whole spike. "
        "Bottom left: silence, one spike, a few, and firing without end. Right: how fast a deviation from the steady "
        "state grows; between the two Hopf points it does, and the membrane cannot rest.",
    )
    return pictures
