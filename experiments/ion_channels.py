"""What is a conductance made of? Ions, single channels that jump, and the crowd of them (ch. 1.3.5, 2.1)

1. Ions: Nernst potentials of squid and mammal, the Goldman-Hodgkin-Katz current beside Ohm's line, and how much lower the
   pump's three for two puts the rest.
2. One channel of each kind (leak, voltage, ligand, stretch), jump after jump; the times it stays open are exponential
   with the mean 1 / (sum of the rates out).
3. A crowd of squid channels whose voltage is stepped from rest to 0 mV: its open share comes to m^3 h and n^4 of
   Hodgkin & Huxley, and the distance falls as one over the square root of the number of channels.
4. Sigworth's parabola: the variance over repeated sweeps, N i^2 p (1 - p), against the mean, N i p, tells the current of
   one channel and the number of channels from a recording of them all.
5. Patches of squid membrane of finitely many channels: small ones fire without a stimulus.

    python -m experiments run ion_channels

Expected: K -72.1, Na 52.4, Cl -57.2 mV (squid, 6.3 C); slope -1/2; i = 1.54 pA and N = 100, which were put in. Two CPU
cores: quick 25 s, full some minutes, estimated.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import process
from redes_jax.figures import channels as draw
from redes_jax.figures.style import panels
from redes_jax.neurons import connor_stevens, cortical, ions, spikes
from redes_jax.neurons import stochastic as st
from redes_jax.neurons.membrane import SQUID
from redes_jax.neurons.receptor_channels import mechanically_gated
from redes_jax.neurons.simulation import whole_steps


@dataclass(frozen=True)
class Config:
    stays: int = 4000  # stays of each single channel, a seed
    seeds: int = 16  # repetitions
    sizes: tuple[int, ...] = (10, 30, 100, 300, 1000, 3000)  # crowds; a smaller one is the beginning of the largest
    sweep: float = 12.0  # duration of a voltage step, ms
    dt: float = 0.05  # sampling of a sweep, ms; exact at any
    number: int = 100  # channels in a sweep for the variance
    areas: tuple[float, ...] = (5.0, 100.0)  # patches of membrane, um2
    patch_duration: float = 250.0  # of a patch's record, ms
    patch_dt: float = 0.05  # its step, ms
    patches: int = 4  # patches of each area
    seed: int = 0  # of all


PRESETS = {
    "quick": Config(),
    "full": Config(
        stays=50_000, seeds=32, sizes=(10, 30, 100, 300, 1000, 3000, 10_000), areas=(2.0, 5.0, 10.0, 20.0, 50.0, 100.0),
        patch_duration=2000.0, patch_dt=0.025, patches=16,
    ),
}  # fmt: skip

_CLOSED = "closed form"
CLAIMS = (
    Claim("nernst_squid_k", "potassium, squid at 6.3 C (400 in, 20 out)", -72.1, "mV", "Nernst 1889", 0.05),
    Claim("nernst_squid_na", "sodium, squid (50 in, 440 out)", 52.4, "mV", "Nernst 1889", 0.05),
    Claim("nernst_squid_cl", "chloride, squid (52 in, 560 out)", -57.2, "mV", "Nernst 1889", 0.05),
    Claim("nernst_mammal_k", "potassium, mammal at 37 C (140 in, 5 out)", -89.1, "mV", "Nernst 1889", 0.05),
    Claim("nernst_mammal_na", "sodium, mammal (15 in, 145 out)", 60.6, "mV", "Nernst 1889", 0.05),
    Claim("nernst_mammal_cl", "chloride, mammal (10 in, 110 out)", -64.1, "mV", "Nernst 1889", 0.05),
    Claim("open_ms_potassium", "mean time open of a K channel at -20 mV, 1 / (4 beta)", 3.510, "ms", _CLOSED, 0.2),
    Claim("open_ms_ligand", "mean time open of a receptor, 1 / closing", 1.0, "ms", _CLOSED, 0.05),
    Claim("open_ms_stretch", "mean time open of a stretch channel at half tension", 2.0, "ms", _CLOSED, 0.1),
    Claim("open_ms_leak", "mean time open of a leak channel", 10.0, "ms", _CLOSED, 0.5),
    Claim("slope_sodium", "exponent of the noise in the number of sodium channels", -0.5, "", _CLOSED, 0.03),
    Claim("slope_potassium", "the same for potassium", -0.5, "", _CLOSED, 0.03),
    Claim("sigworth_pa", "current of one channel, from the noise", 1.54, "pA", "Sigworth 1980; put in", 0.08),
    Claim("sigworth_number", "channels, from the noise", 100, "", "Sigworth 1980; put in", 10),
)

SQUID_IONS = {"k": (20.0, 400.0, 1), "na": (440.0, 50.0, 1), "cl": (560.0, 52.0, -1)}  # outside, inside (mM), valence
MAMMAL_IONS = {"k": (5.0, 140.0, 1), "na": (145.0, 15.0, 1), "cl": (110.0, 10.0, -1)}
PERMEABILITY = {"k": 1.0, "na": 0.04, "cl": 0.45}  # of the resting squid axon (Hodgkin & Katz 1949)
UNIT_CONDUCTANCE = 0.02  # of one squid channel, nS
HELD = -65.0, 0.0  # mV before and during a sweep
SINGLES = {
    "leak": (st.spontaneous(), ()),
    "potassium\nat -20 mV": (st.SQUID_POTASSIUM, (-20.0,)),
    "ligand\n0.02 mM": (st.bound_then_open(), (0.02,)),
    "stretch\n1.4 mN/m": (st.from_gates(mechanically_gated(), (1,)), (1.4,)),
}
CROWDS = {"sodium": (st.SQUID_SODIUM, (3, 1)), "potassium": (st.SQUID_POTASSIUM, (4,))}


def run(config: Config, lab: Lab = QUIET) -> Result:
    check(config)
    batteries = lab.once("ions", potentials)
    single = lab.once("single channels", lambda: single_channels(config))
    crowd = lab.once("crowds", lambda: stepped_crowds(config))
    patch = lab.once("patches", lambda: patches(config))

    measured = {name: float(value) for name, value in batteries.items() if value.ndim == 0}
    measured |= {f"open_ms_{kind(name)}": single[f"open_ms_{kind(name)}"] for name in SINGLES}
    for name in CROWDS:
        measured[f"slope_{name}"] = slope(config.sizes, crowd[f"error_{name}"])
    unit, number = sigworth(crowd["sweep_mean"], crowd["sweep_variance"])
    measured |= {"sigworth_pa": unit, "sigworth_number": number}
    measured |= {f"patch_{area:g}_hz": patch["patch_hz"][:, i] for i, area in enumerate(config.areas)}
    return Result(batteries | single | crowd | patch, measured)


def check(config: Config) -> None:
    if list(config.sizes) != sorted(set(config.sizes)) or len(config.sizes) < 2 or config.sizes[0] < 1:
        raise ValueError(f"sizes are {config.sizes}: at least two, rising, from 1")
    if not 1 <= config.number <= config.sizes[-1]:
        raise ValueError(
            f"number is {config.number}: a sweep takes its channels from the largest crowd, {config.sizes[-1]}"
        )
    if config.stays < 100:
        raise ValueError(f"stays is {config.stays}: at least 100, for the mean of a time open")
    whole_steps(config.sweep, config.dt)
    whole_steps(config.patch_duration, config.patch_dt)


def kind(name: str) -> str:
    return name.split("\n")[0]


def potentials() -> dict:
    """Batteries, and curves of current and of opening against voltage."""
    found = {}
    for animal, concentrations, celsius in (("squid", SQUID_IONS, 6.3), ("mammal", MAMMAL_IONS, 37.0)):
        found |= {f"nernst_{animal}_{ion}": ions.nernst(*c, celsius) for ion, c in concentrations.items()}
    outside, inside, valence = (jnp.array(row) for row in zip(*SQUID_IONS.values(), strict=True))
    permeability = jnp.array(list(PERMEABILITY.values()))
    found["goldman_squid"] = ions.goldman(permeability, outside, inside, valence)
    pair = permeability[:2], outside[:2], inside[:2]
    found["pump_shift"] = ions.mullins_noda(*pair) - ions.goldman(*pair, valence[:2])
    pump = ions.Pump().current(15.0, 5.0, 145.0, -70.0)
    found["pump_current"] = pump

    voltage = jnp.linspace(-120.0, 60.0, 361)
    potassium_out, potassium_in, _ = SQUID_IONS["k"]
    rectifying = ions.goldman_current(voltage, 1e-6, potassium_out, potassium_in)
    slope = jax.grad(ions.goldman_current)(found["nernst_squid_k"], 1e-6, potassium_out, potassium_in)
    m, h, n = (np.asarray(gate) for gate in SQUID.steady_gates(voltage))
    peak = peak_sodium(voltage)
    curves = {
        "A, opens": connor_stevens.a_rates(voltage)[0], "A, shuts": connor_stevens.a_rates(voltage)[1],
        "T, opens": cortical.calcium_t().rates(voltage)[0], "T, shuts": cortical.calcium_t().rates(voltage)[1],
        "L, opens": cortical.calcium_l_rates(voltage)[0], "M": cortical.muscarinic().rates(voltage)[0],
        "HCN": cortical.hcn_rates(voltage)[0],
    }  # fmt: skip
    return found | {
        "iv_voltage": voltage, "iv_goldman": rectifying, "iv_ohm": slope * (voltage - found["nernst_squid_k"]),
        "iv_sodium": 120.0 * peak * (voltage - 50.0), "iv_potassium": 36.0 * n**4 * (voltage + 77.0),
        "iv_window": 120.0 * m**3 * h * (voltage - 50.0),
        "curve_names": np.array(list(curves)), "curves": jnp.stack([a / (a + b) for a, b in curves.values()]),
    }  # fmt: skip


def peak_sodium(voltage):
    """The largest m^3 h on the way from rest at -65 mV, by the closed form of each gate."""
    t = jnp.linspace(0.0, 20.0, 800)[:, None]
    m, h = (relaxing(SQUID, gate, t, -65.0, voltage) for gate in (0, 1))
    return (m**3 * h).max(0)


def relaxing(membrane, gate: int, time, before, after):
    """A gate that was at rest at ``before`` mV, ``time`` ms after the step to ``after`` mV."""
    start = membrane.steady_gates(jnp.asarray(before))[gate]
    after = jnp.asarray(after)
    end, tau = membrane.steady_gates(after)[gate], membrane.time_constants(membrane.params(), after)[gate]
    return end + (start - end) * jnp.exp(-time / tau)


def single_channels(config: Config) -> dict:
    """Stays of each kind of channel; the times open of all seeds, and a stretch of the first one's record."""

    @jax.jit
    def stays(keys, generator):
        jumps = st.jumps(generator)
        return jax.vmap(lambda key: process.iterate(jumps.step, key, jumps.init(key), length=config.stays)[1])(keys)

    found, time = {}, np.linspace(0.0, 120.0, 4801)
    for i, (name, (chain, sensed)) in enumerate(SINGLES.items()):
        keys = jax.random.split(jax.random.fold_in(jax.random.key(config.seed), i), config.seeds)
        seen = stays(keys, st.generator(chain, *map(jnp.float32, sensed)))
        state = np.asarray(st.sampled(jax.tree.map(lambda leaf: leaf[0], seen), jnp.asarray(time)))
        is_open = np.array(chain.conducting)[np.asarray(seen.state)] > 0
        duration = np.asarray(seen.duration)
        found |= {
            f"record_{kind(name)}": np.array(chain.conducting)[state],
            f"open_times_{kind(name)}": duration[is_open],
            f"open_ms_{kind(name)}": (duration * is_open).sum(1) / is_open.sum(1),
            f"mean_{kind(name)}": -1.0
            / np.diag(st.generator(chain, *map(jnp.float32, sensed)))[np.argmax(chain.conducting)],
        }
    return found | {"record_time": time}


def stepped_crowds(config: Config) -> dict:
    """Crowds after a step of voltage, their distance from the gates, and the statistics of potassium over sweeps."""
    before, during = HELD
    steps, largest = whole_steps(config.sweep, config.dt), config.sizes[-1]
    time = config.dt * np.arange(1, steps + 1)
    found: dict = {"sweep_time": time, "sizes": np.array(config.sizes)}
    for i, (name, (chain, copies)) in enumerate(CROWDS.items()):
        crowd = st.ensemble(chain, largest, config.dt, (before,))
        shut_or_open = jnp.array(chain.conducting) > 0

        def sweep(key, crowd=crowd, shut_or_open=shut_or_open):
            states, held = crowd.init(key), (jnp.full(steps, during),)
            return process.iterate(crowd.step, key, states, held, observe=lambda states, _: shut_or_open[states])[1]

        keys = jax.random.split(jax.random.fold_in(jax.random.key(config.seed), 100 + i), config.seeds)
        is_open = np.asarray(jax.jit(lambda keys: jax.lax.map(sweep, keys))(keys))  # noqa: B023  (seed, time, channel)
        gates = (0, 1) if name == "sodium" else (2,)
        exact = np.prod(
            [np.asarray(relaxing(SQUID, g, time, before, during)) ** k for g, k in zip(gates, copies, strict=True)], 0
        )
        shares = np.stack([is_open[..., :size].mean(-1) for size in config.sizes])  # (size, seed, time)
        found |= {
            f"exact_{name}": exact,
            f"shares_{name}": shares[:, 0],
            f"error_{name}": np.stack([distance(is_open, size, exact) for size in config.sizes], 1),
        }
        if name == "potassium":  # up to two thirds are open, so the arch of the parabola is seen
            unit = UNIT_CONDUCTANCE * (during - SQUID.params().reversal[name])
            whole = largest // config.number * config.number
            sweeps = is_open[..., :whole].reshape(config.seeds, steps, -1, config.number).sum(-1) * unit
            found |= {"sweep_mean": sweeps.mean((0, 2)), "sweep_variance": sweeps.var((0, 2), ddof=1)}
    return found


def distance(is_open: np.ndarray, size: int, exact: np.ndarray) -> np.ndarray:
    """Root mean square over time, and over all crowds of ``size`` that the channels make, for each seed."""
    seeds, steps, channels = is_open.shape
    crowds = is_open[..., : channels // size * size].reshape(seeds, steps, -1, size).mean(-1)
    return np.sqrt(((crowds - exact[:, None]) ** 2).mean((1, 2)))


def slope(sizes, errors: np.ndarray) -> float:
    """Of the root mean square over seeds against size, on logarithmic axes."""
    return float(np.polyfit(np.log(sizes), np.log(np.sqrt((errors**2).mean(0))), 1)[0])


def sigworth(mean: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    """``(i, N)`` of variance = i mean - mean^2 / N, by least squares with errors in proportion to the variance."""
    design = np.stack([mean, -(mean**2)], 1) / variance[:, None]
    unit, inverse = np.linalg.lstsq(design, np.ones_like(variance), rcond=None)[0]
    return float(unit), float(1.0 / inverse)


def patches(config: Config) -> dict:
    """How often patches of membrane fire that nothing excites, and a trace of the smallest and the largest."""
    steps = whole_steps(config.patch_duration, config.patch_dt)
    rates, traces = [], []
    for i, area in enumerate(config.areas):
        patch = st.noisy(SQUID, SQUID.params(), st.squid_crowds(area), config.patch_dt)

        def record(key, patch=patch):
            return process.iterate(patch.step, key, patch.init(key), jnp.zeros(steps))[1]

        keys = jax.random.split(jax.random.fold_in(jax.random.key(config.seed), 200 + i), config.patches)
        voltage = np.asarray(jax.jit(jax.vmap(record))(keys))
        rates.append(1e3 * np.asarray(spikes.count(jnp.asarray(voltage.T))) / config.patch_duration)
        traces.append(voltage[0])
    return {
        "patch_hz": np.stack(rates, 1), "patch_area": np.array(config.areas), "patch_voltage": np.stack(traces),
        "patch_time": config.patch_dt * np.arange(1, steps + 1),
    }  # fmt: skip


def figures(result: Result) -> dict[str, Picture]:
    a, pictures = result.arrays, {}

    figure, axes = panels(1, 2, width=6.6, height=4.4, gridspec_kw={"width_ratios": (1.7, 1)})
    draw.records(axes[0], a["record_time"], {name: a[f"record_{kind(name)}"] for name in SINGLES})
    draw.open_times(
        axes[1],
        {kind(name): a[f"open_times_{kind(name)}"] for name in SINGLES},
        {kind(name): float(a[f"mean_{kind(name)}"]) for name in SINGLES},
    )
    pictures["single"] = Picture(
        figure,
        "Each channel is shut or open and jumps at random. The receptor opens in bursts while its transmitter is bound. "
        "Right: however long a channel has been open, its chance to close is the same, so times open are exponential.",
    )

    figure, axes = panels(2, 2, width=6.2, height=4.0)
    sizes = a["sizes"]
    shown = [0, len(sizes) // 2, len(sizes) - 1]
    for axis, name, label in ((axes[0, 0], "sodium", "$m^3h$"), (axes[0, 1], "potassium", "$n^4$")):
        shares = {int(sizes[i]): a[f"shares_{name}"][i] for i in shown}
        draw.crowds(
            axis, a["sweep_time"], shares, a[f"exact_{name}"], title=f"{name.capitalize()}, step to 0 mV: {label}"
        )
    errors = {name: a[f"error_{name}"] for name in CROWDS}
    slopes = {name: slope(sizes, error) for name, error in errors.items()}
    draw.noise_against_size(axes[1, 0], sizes, errors, slopes)
    mean, variance = a["sweep_mean"], a["sweep_variance"]
    draw.parabola(axes[1, 1], mean, variance, *sigworth(mean, variance))
    pictures["crowds"] = Picture(
        figure,
        "A few channels are noise; thousands are the smooth conductance of Hodgkin and Huxley. The noise is largest when "
        "half are open, so its parabola against the mean gives the current of one channel and their number.",
    )

    figure, axes = panels(1, 3, width=5.2, height=4.3)
    voltage = a["iv_voltage"]
    draw.against_voltage(
        axes[0], voltage, {"constant field": a["iv_goldman"], "Ohm": a["iv_ohm"]},
        ylabel="potassium current ($\\mu$A/cm$^2$)", title="Squid potassium, always open", dashed=("Ohm",),
    )  # fmt: skip
    draw.against_voltage(
        axes[1], voltage, {"sodium, peak": a["iv_sodium"], "potassium, at last": a["iv_potassium"]},
        ylabel="current outward ($\\mu$A/cm$^2$)", title="Voltage clamp from -65 mV",
    )  # fmt: skip
    axes[1].set_ylim(-2200, 3600)
    names = [str(name) for name in a["curve_names"]]
    draw.against_voltage(
        axes[2], voltage, dict(zip(names, a["curves"], strict=True)), ylabel="gates open in the steady state",
        title="Other channels", dashed=[name for name in names if "shuts" in name],
    )  # fmt: skip
    pictures["curves"] = Picture(
        figure,
        "Left: with twenty times more potassium inside, it leaves more easily than it enters. Middle: between -50 and "
        "50 mV sodium flows in the more, the more the membrane is depolarised: that is what makes a spike.",
    )

    figure, axes = panels(1, 2, width=6.4, height=3.8, gridspec_kw={"width_ratios": (1.7, 1)})
    axes[0].plot(a["patch_time"], a["patch_voltage"][0], linewidth=1.2, label=f"{a['patch_area'][0]:g} $\\mu$m$^2$")
    axes[0].plot(a["patch_time"], a["patch_voltage"][-1], linewidth=1.2, label=f"{a['patch_area'][-1]:g} $\\mu$m$^2$")
    axes[0].set(xlabel="time (ms)", ylabel="potential (mV)", title="Squid membrane without stimulus", ylim=(-85, 75))
    axes[0].legend(loc="upper right", ncols=2)
    draw.spontaneous(axes[1], a["patch_area"], a["patch_hz"])
    pictures["patches"] = Picture(
        figure,
        "The smaller the patch, the more a single channel moves the potential: small patches fire by themselves, large "
        "ones come to the silence of the deterministic equations.",
    )
    return pictures
