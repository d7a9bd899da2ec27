"""How fast does a neuron fire under a steady current, and how soon can it fire again? (ch. 2.2)

1. The squid's rate against current, from the steady state under that current and from firing: between the onset of firing
   and the Hopf point both last, so what the neuron does depends on its past. The step from rest, with its latency.
2. The same at several temperatures (all rates of the gates times 3 for ten degrees).
3. Connor and Stevens' neuron beside it: the A current lets it fire as slowly as one likes (type I).
4. A cortical neuron with M current: the rate of its first interval and, half a second later, of its last.
5. Refractory intervals: the least second shock that fires, against the interval from a first one of 15 mV.

    python -m experiments run fi_curve --preset full

Expected: 68.3 Hz at 10 uA/cm2, firing from 6.26 while rest is stable until 9.78; 34 Hz at 10 for Connor and Stevens; a
second shock of 90, 30, 15 or 7 mV fires from 6.2, 8.6, 11.5 and 15.5 ms on. Two CPU cores: quick 20 s, full a minute and a half.
"""

import contextlib
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import devices
from redes_jax.figures import firing as draw
from redes_jax.figures.style import panels
from redes_jax.neurons import channels, spikes, stimuli
from redes_jax.neurons.connor_stevens import CONNOR_STEVENS
from redes_jax.neurons.cortical import REGULAR_SPIKING
from redes_jax.neurons.excitability import growth, least
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.simulation import simulate, times, whole_steps


@dataclass(frozen=True)
class Config:
    currents: int = 201  # points of the squid's curve, from 0 to the highest
    highest: float = 20.0  # uA/cm2
    settle: float = 1000.0  # ms of a run; a neuron that fires in its last 40 ms fires without end
    points: int = 48  # of each other curve
    celsius: tuple[float, ...] = (6.3, 12.0, 18.5)  # temperatures of the squid's curves
    intervals: int = 48  # between two shocks
    longest: float = 24.0  # of them, ms
    dt: float = 0.025  # step, ms
    width: int = 128  # neurons in a block
    seed: int = 0  # nothing here is random


PRESETS = {
    "quick": Config(),
    "full": Config(currents=10_001, settle=4000.0, points=512, celsius=(6.3, 10.0, 14.0, 18.5, 22.0), intervals=192),
}

_SCIPY = "independent integration, SciPy DOP853 at rtol 1e-10"
_DAYAN = "Connor & Stevens 1971, as in Dayan & Abbott 2001; independent integration"
_SHOCKS = "Hodgkin & Huxley 1952, independent integration"
CLAIMS = (
    Claim("rate_7_hz", "firing rate at 7 uA/cm2", 58.3, "Hz", _SCIPY, 0.1),
    Claim("rate_8_hz", "firing rate at 8 uA/cm2", 62.5, "Hz", _SCIPY, 0.1),
    Claim("rate_10_hz", "firing rate at 10 uA/cm2", 68.3, "Hz", _SCIPY, 0.1),
    Claim("rate_20_hz", "firing rate at 20 uA/cm2", 86.5, "Hz", _SCIPY, 0.1),
    Claim("rate_50_hz", "firing rate at 50 uA/cm2", 117.0, "Hz", _SCIPY, 0.1),
    Claim("onset", "least current for firing without end", 6.260, "uA/cm2", _SCIPY, 0.01),
    Claim("onset_hz", "mean rate where it begins", 50.55, "Hz", _SCIPY, 0.5),
    Claim("hopf", "steady state loses stability", 9.775, "uA/cm2", "independent Jacobian, NumPy eigenvalues", 0.001),
    Claim("bistable", "width of the currents that allow both", 3.515, "uA/cm2", _SCIPY, 0.02),
    Claim("connor_stevens_8_hz", "Connor-Stevens at 8 uA/cm2", 0.0, "Hz", _DAYAN, 0.01),
    Claim("connor_stevens_8.2_hz", "at 8.2", 3.5, "Hz", _DAYAN, 0.1),
    Claim("connor_stevens_8.5_hz", "at 8.5", 9.7, "Hz", _DAYAN, 0.1),
    Claim("connor_stevens_9_hz", "at 9", 18.6, "Hz", _DAYAN, 0.1),
    Claim("connor_stevens_10_hz", "at 10", 34.0, "Hz", _DAYAN, 0.1),
    Claim("connor_stevens_15_hz", "at 15", 91.0, "Hz", _DAYAN, 0.1),
    Claim("refractory_90_ms", "a second shock of 90 mV fires earliest after", 6.2, "ms", _SHOCKS, 0.1),
    Claim("refractory_30_ms", "one of 30 mV", 8.6, "ms", _SHOCKS, 0.1),
    Claim("refractory_15_ms", "one of 15 mV", 11.5, "ms", _SHOCKS, 0.1),
    Claim("refractory_7_ms", "one of 7 mV", 15.5, "ms", _SHOCKS, 0.1),
)

PROBES = (7.0, 8.0, 10.0, 20.0, 50.0)  # uA/cm2
SLOW_PROBES = (8.0, 8.2, 8.5, 9.0, 10.0, 15.0)
FIRST_SHOCK = 15.0  # mV
SECOND_SHOCKS = (90.0, 30.0, 15.0, 7.0)
LAST = 40.0  # ms at the end of a run in which a neuron that goes on fires
CORTICAL = 500.0  # ms that the cortical neuron is driven


def run(config: Config, lab: Lab = QUIET) -> Result:
    check(config)
    squid = lab.once("squid", lambda: squid_curves(config))
    edges = lab.once("onset and Hopf point", lambda: bistability(config))
    warm = lab.once("temperature", lambda: temperatures(config))
    slow = lab.once("Connor-Stevens", lambda: connor_stevens(config))
    cortical = lab.once("adaptation", lambda: adaptation(config))
    shocks = lab.once("refractory", lambda: refractory(config))

    measured = {f"rate_{current:g}_hz": float(rate) for current, rate in zip(PROBES, squid["probe_rate"], strict=True)}
    measured |= {name: float(value) for name, value in edges.items()}
    measured["bistable"] = measured["hopf"] - measured["onset"]
    for current, rate in zip(SLOW_PROBES, slow["slow_probe_rate"], strict=True):
        measured[f"connor_stevens_{current:g}_hz"] = float(rate)
    measured |= {f"refractory_{h:g}_ms": float(t) for h, t in zip(SECOND_SHOCKS, shocks["earliest"], strict=True)}
    measured["adaptation_ratio"] = float(cortical["adapted_rate"][-1] / cortical["first_rate"][-1])
    return Result(squid | edges | warm | slow | cortical | shocks, measured)


def check(config: Config) -> None:
    if config.currents < 2 or config.points < 2 or config.intervals < 2:
        raise ValueError(
            f"currents, points, intervals are {config.currents, config.points, config.intervals}: at least 2"
        )
    if config.settle < 200:
        raise ValueError(f"settle is {config.settle} ms: at least 200, ten intervals between spikes")
    if not config.longest > 16:
        raise ValueError(f"longest is {config.longest} ms: above 16, when the weakest second shock fires")
    for whole in (config.settle, config.longest):
        whole_steps(whole, config.dt)


@contextlib.contextmanager
def on_host(float64: bool = False):
    """A few neurons and many steps: latency is all, so the host computes, whatever else there is."""
    with jax.default_device(jax.local_devices(backend="cpu")[0]), jax.enable_x64(float64):
        yield


def train(config: Config, membrane, current, *, params=None, state=None, duration=None) -> spikes.Train:
    params = membrane.params() if params is None else params
    duration = config.settle if duration is None else duration
    fold = spikes.clock(config.dt)
    return simulate(membrane, params, current, duration=duration, dt=config.dt, state=state, fold=fold)[1]


def lasting(config: Config, fired: spikes.Train, rate=None):
    """The rate of the last interval, Hz, if the neuron has not stopped."""
    rate = fired.final_rate() if rate is None else rate
    return jnp.where(fired.last > config.settle - jnp.maximum(LAST, 1.5 * (fired.last - fired.previous)), rate, 0.0)


def squid_curves(config: Config) -> dict:
    """Rates from a step, from the steady state, and from firing; latency after a step; a few traces."""
    current = np.linspace(0.0, config.highest, config.currents)
    params, n = SQUID.params(), len(current)

    @jax.jit
    def beginnings(current):
        """At rest without current; in the steady state under the current, 0.1 mV off; at the peak of a spike."""
        steady = SQUID.rest(params, current)
        course = simulate(SQUID, params, 15.0, duration=50.0, dt=config.dt, observe=lambda state: state)[1]
        peak = jax.tree.map(lambda leaf: leaf[jnp.argmax(course.voltage)], course)
        begin = SQUID.rest(params), steady._replace(voltage=steady.voltage + 0.1), peak
        return jax.tree.map(lambda *leaves: jnp.concatenate([jnp.broadcast_to(leaf, n) for leaf in leaves]), *begin)

    def rate(state, current):
        fired = train(config, SQUID, current, state=state)
        return lasting(config, fired), jnp.where(fired.count > 0, fired.first, jnp.nan)

    drive = jnp.asarray(current, jnp.float32)
    rates, latency = jax.jit(devices.replicas(rate, config.width))(beginnings(drive), jnp.tile(drive, 3))
    from_step, from_rest, from_firing = np.asarray(rates).reshape(3, n)
    shown = (2.0, 3.0, 6.2, 7.0, 15.0)
    with on_host():
        probe = jax.jit(lambda: train(config, SQUID, jnp.asarray(PROBES), duration=400.0).final_rate())()
        traces = jax.jit(lambda: simulate(SQUID, params, jnp.asarray(shown), duration=100.0, dt=config.dt)[1])()
    with on_host(float64=True):
        stable = jax.jit(jax.vmap(Partial(growth, SQUID, params)))(jnp.asarray(current)) < 0
    return {
        "current": current, "from_step": from_step, "from_rest": from_rest, "from_firing": from_firing,
        "latency": np.asarray(latency)[:n], "probe_rate": probe, "stable": stable,
        "shown": np.array(shown), "shown_time": times(100.0, config.dt), "shown_voltage": traces.T,
    }  # fmt: skip


def bistability(config: Config) -> dict:
    """The least current for firing without end, the mean rate there, and the Hopf point."""

    def goes_on(current):
        return train(config, SQUID, current, duration=2000.0).last > 2000.0 - LAST

    with on_host():
        onset = least(goes_on, 6.0, 6.5, points=32, rounds=2)
        rate = jax.jit(lambda current: train(config, SQUID, current, duration=2000.0).rate())(onset)
    with on_host(float64=True):
        hopf = least(lambda current: growth(SQUID, SQUID.params(), current) > 0, 2.0, 50.0)
    return {"onset": onset, "onset_hz": rate, "hopf": hopf}


def temperatures(config: Config) -> dict:
    """Rates after a step at each temperature."""
    current = np.linspace(0.0, 60.0, config.points)
    factor, drive = np.meshgrid([float(channels.q10(celsius)) for celsius in config.celsius], current, indexing="ij")

    def rate(factor, current):
        return lasting(config, train(config, SQUID, current, params=SQUID.params()._replace(rate_factor=factor)))

    pairs = (jnp.asarray(each.ravel(), jnp.float32) for each in (factor, drive))
    rates = jax.jit(devices.replicas(rate, config.width))(*pairs)
    return {"celsius": np.array(config.celsius), "warm_current": current, "warm_rate": rates.reshape(factor.shape)}


def connor_stevens(config: Config) -> dict:
    """Rates of the neuron with A current, after a step, and a trace."""
    current = np.linspace(6.0, 20.0, config.points)
    everyone = jnp.asarray(np.concatenate([current, SLOW_PROBES]), jnp.float32)
    rates = jax.jit(
        devices.replicas(lambda current: lasting(config, train(config, CONNOR_STEVENS, current)), config.width)
    )(everyone)
    with on_host():
        shown = simulate(CONNOR_STEVENS, CONNOR_STEVENS.params(), 8.5, duration=300.0, dt=config.dt)[1]
    n = len(current)
    return {
        "slow_current": current, "slow_rate": rates[:n], "slow_probe_rate": rates[n:], "slow_voltage": shown,
        "slow_time": times(300.0, config.dt),
    }  # fmt: skip


def adaptation(config: Config) -> dict:
    """A regular spiking cortical neuron: the rates of its first and of its last interval."""
    current = np.linspace(0.0, 8.0, config.points)
    params = REGULAR_SPIKING.params()

    def rates(current):
        trace = simulate(REGULAR_SPIKING, params, current, duration=CORTICAL, dt=config.dt)[1]
        time = spikes.spike_times(trace, config.dt, 256)
        gaps, number = jnp.diff(time), jnp.isfinite(time).sum()
        last = gaps[jnp.maximum(number - 2, 0)]
        goes_on = (number > 2) & (time[number - 1] + 2.0 * last > CORTICAL)
        return jnp.nan_to_num(1e3 / gaps[0]), jnp.where(goes_on, 1e3 / last, 0.0)

    first, last = jax.jit(devices.replicas(rates, 16))(jnp.asarray(current, jnp.float32))
    with on_host():
        shown = simulate(REGULAR_SPIKING, params, stimuli.pulse(4.0, 50.0, 550.0), duration=600.0, dt=config.dt)[1]
    return {
        "cortical_current": current, "first_rate": first, "adapted_rate": last, "cortical_voltage": shown,
        "cortical_time": times(600.0, config.dt),
    }  # fmt: skip


def refractory(config: Config) -> dict:
    """After a shock of 15 mV: the earliest time of a second one that fires, and the least that fires at each time.

    A shock lifts the potential at once. It fires when the potential then rises by itself above zero.
    """
    params = SQUID.params()

    def shocked(state, height):
        return state._replace(voltage=state.voltage + height)

    def fires(state, height):
        lifted = shocked(state, height)
        trace = simulate(SQUID, params, duration=12.0, dt=config.dt, state=lifted)[1]
        return (trace.max() > 0.0) & (trace.max() > lifted.voltage + 1.0)

    @jax.jit
    def first():
        return simulate(
            SQUID, params, duration=config.longest, dt=config.dt, state=shocked(SQUID.rest(params), FIRST_SHOCK),
            observe=lambda state: state,
        )[1]  # fmt: skip

    @jax.jit
    def earliest(after, heights):
        fired = jax.vmap(lambda h: jax.vmap(lambda state: fires(state, h))(after))(heights)
        return jnp.argmax(fired, 1)

    @jax.jit
    def smallest(after, heights):
        fired = jax.vmap(lambda state: jax.vmap(lambda h: fires(state, h))(heights))(after)
        return jnp.where(fired.any(1), heights[jnp.argmax(fired, 1)], jnp.nan)

    with on_host():
        after = first()
        time = times(config.longest, config.dt)
        from_ms = int(np.searchsorted(time, 4.0))  # before it the first spike itself is still above zero
        late = jax.tree.map(lambda leaf: leaf[from_ms::2], after)
        index = earliest(late, jnp.asarray(SECOND_SHOCKS))
        chosen = np.unique(np.linspace(from_ms, len(time) - 1, config.intervals).astype(int))
        height = smallest(jax.tree.map(lambda leaf: leaf[chosen], after), jnp.geomspace(4.0, 95.0, 96))
    return {"earliest": time[from_ms::2][np.asarray(index)], "interval": time[chosen], "least_second": height}


def figures(result: Result) -> dict[str, Picture]:
    a, pictures = result.arrays, {}
    published = {claim.key: claim.value for claim in CLAIMS}

    figure, axes = panels(1, 2, width=6.6, height=4.8)
    circles = {c: published[f"rate_{c:g}_hz"] for c in PROBES if c <= a["current"][-1]}
    marks = {"endless firing": float(a["onset"]), "Hopf": float(a["hopf"])}
    draw.hysteresis(axes[0], a["current"], a["from_rest"], a["from_firing"], a["stable"], circles, marks)
    names = [f"{current:g}" for current in a["shown"]]
    rows = dict(zip(names, a["shown_voltage"], strict=True))
    draw.staircase(axes[1], a["shown_time"], rows, title=r"Response to a step ($\mu$A/cm$^2$)")
    pictures["hysteresis"] = Picture(
        figure,
        "Firing begins at once at about 50 Hz, not from zero. In the band both rest and firing last: a neuron that fires "
        "goes on down to 6.26, one at rest stays until 9.78. Right: silence, one spike, a few, firing without end.",
    )

    figure, axes = panels(1, 3, width=5.3, height=4.4)
    slow = {c: published[f"connor_stevens_{c:g}_hz"] for c in SLOW_PROBES}
    squid = a["current"] >= 4
    lines = {
        "squid (type II)": (a["current"][squid], a["from_step"][squid]),
        "Connor-Stevens (type I)": (a["slow_current"], a["slow_rate"]),
    }
    draw.curves(axes[0], lines, title="How firing begins", points=slow)
    warm = {f"{c:g} C": (a["warm_current"], rate) for c, rate in zip(a["celsius"], a["warm_rate"], strict=True)}
    draw.curves(axes[1], warm, title="Squid, warmed")
    cortical = {
        "first interval": (a["cortical_current"], a["first_rate"]),
        "after half a second": (a["cortical_current"], a["adapted_rate"]),
    }
    draw.curves(axes[2], cortical, title="Cortical neuron with M current")
    pictures["curves"] = Picture(
        figure,
        "Left: with the A current the rate grows from nothing; circles are independent values. Middle: warmth speeds the "
        "gates, so the axon fires faster and needs more current. Right: the M current opens slowly and lowers the rate.",
    )

    figure, axes = panels(1, 3, width=5.3, height=4.2)
    draw.refractory(
        axes[0], a["interval"], a["least_second"], {published[f"refractory_{h:g}_ms"]: h for h in SECOND_SHOCKS}
    )
    draw.staircase(axes[1], a["slow_time"], {"": a["slow_voltage"]}, title="Connor-Stevens at 8.5 $\\mu$A/cm$^2$")
    draw.staircase(axes[2], a["cortical_time"], {"": a["cortical_voltage"]}, title="Cortical, 4 $\\mu$A/cm$^2$")
    pictures["refractory"] = Picture(
        figure,
        "Left: after a spike no shock fires at first, then only a large one, and after 15 ms one somewhat above the "
        "resting threshold of 6.5 mV. Middle: ten spikes a second. Right: intervals lengthen as the M current opens.",
    )
    return pictures
