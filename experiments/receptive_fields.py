"""What does a neuron look at, and can its spikes alone say so? (ch. 1.3.4)

1. A photograph through a sheet of retinal ganglion cells (difference of Gaussians) and through cortical simple cells
   (Gabor) of two orientations: the first keep edges and drop what is even, the second keep edges of one orientation.
2. Tuning: responses to gratings of every frequency and orientation, filtered, over the fields' Fourier transforms.
3. A Merkel touch receptor pressed and held: its rate over the closed form, spikes of many trials.
4. Reverse correlation: linear-nonlinear-Poisson neurons with known fields watch white and correlated noise; the
   spike-triggered average, undone for the correlations, is set against the field, over seeds, as spikes accumulate.

    python -m experiments run receptive_fields

Expected: correlation above 0.9 with the true field; error falling as one over the square root of the number of spikes;
a constant image gives the DC gain everywhere. Two CPU cores: quick 16 s.
"""

from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax.figures import receptive as draw
from redes_jax.figures.style import panels
from redes_jax.neurons import receptive
from redes_jax.process import iterate, population


@dataclass(frozen=True)
class Config:
    size: int = 15  # pixels on a side of the fields read off spikes
    field: Literal["gabor", "retina"] = "gabor"  # which field the neurons have
    neurons: int = 8  # seeds: neurons whose fields are read off, each with noise of its own
    batch: int = 256  # frames a step
    steps: int = 256  # steps of noise, a power of 2; looked at each time they have doubled
    gain: float = 1.0  # length of the field: how strongly the neurons are driven
    rate: float = 0.1  # spikes per frame without drive
    smoothness: float = 2.0  # distance over which correlations fall to 1/e, pixels
    trials: int = 30  # of the touch receptor
    hold: float = 12.0  # seconds that the press is held
    seed: int = 0


PRESETS = {"quick": Config(), "full": Config(neurons=64, steps=4096, trials=60)}

CLAIMS = (
    Claim("correlation_white", "spike-triggered average against the field, white noise", 0.9, "", "set beforehand: what counts as found", rule="at least"),
    Claim("correlation_whitened", "the same, correlated noise, whitened", 0.9, "", "set beforehand: what counts as found", rule="at least"),
    Claim("error_slope", "exponent of the error against spikes", -0.5, "", "Chichilnisky 2001: error of a mean", 0.03),
    Claim("error_over_expected", "error of the average over the standard error", 1.0, "", "closed form, exponential neuron", 0.05),
    Claim("gain_recovered", "length of the average over its expectation", 1.0, "", "Chichilnisky 2001, exponential neuron", 0.02),
    Claim("dc_error", "constant image against the DC gain, relative", 0, "", "closed form", 1e-5, "at most"),
    Claim("orientation_error_deg", "orientation of the largest response against the Gabor's own", 0, "deg", "Daugman 1985", 1.0, "at most"),
    Claim("touch_decline", "decline of the rate over 12 s of steady indentation", 0.38, "", "Burgess et al. 1983 (gains set to it)", 0.01),
)  # fmt: skip

RETINA = receptive.DifferenceOfGaussians(center=1.5, surround=4.5, center_gain=1.0, surround_gain=0.105)
CORTEX = receptive.Gabor(width=3.0, frequency=0.17, aspect=0.6)
NARROW = {
    "gabor": receptive.Gabor(width=2.2, frequency=0.16, orientation=0.7, aspect=0.7, phase=1.0),
    "retina": receptive.DifferenceOfGaussians(center=1.8, surround=3.6, center_gain=1.0, surround_gain=0.2),
}
SPAN = 41  # pixels on a side of the fields laid over the photograph
ROWS = 60  # of the gratings that are filtered
LOOKS = 32  # the first look at the averages is taken after this share of the steps


def run(config: Config, lab: Lab = QUIET) -> Result:
    if config.steps < LOOKS or config.steps & (config.steps - 1):
        raise ValueError(
            f"steps is {config.steps}: a power of 2, at least {LOOKS}, as it is looked at each time it doubles"
        )
    if config.hold < 12:
        raise ValueError(f"hold is {config.hold} s: at least 12, over which the published decline was measured")
    view = lab.once("photograph", photograph)
    tuned = lab.once("tuning", tuning)
    pressed = lab.once("touch", lambda: press(config))
    true = field_to_find(config)
    found = {"true": np.asarray(true).reshape(config.size, config.size)}
    for name in ("white", "correlated"):
        found |= reverse_correlation(name, true, config, lab)

    found["expected_error"] = expected_error(found["white_spikes"].mean(0), config)

    measured: dict[str, Any] = {
        name: float(value) for name, value in (view | tuned | pressed).items() if np.ndim(value) == 0
    }
    measured["correlation_white"] = found["white_correlation"][:, -1]
    measured["correlation_whitened"] = found["correlated_whitened_correlation"][:, -1]
    measured["correlation_not_whitened"] = found["correlated_correlation"][:, -1]
    spikes = found["white_spikes"].mean(0)
    typical = np.sqrt((found["white_error"] ** 2).mean(0))
    measured["error_slope"] = float(np.polyfit(np.log(spikes), np.log(typical), 1)[0])
    measured["error_over_expected"] = found["white_error"][:, -1] / found["expected_error"][-1]
    measured["gain_recovered"] = found["white_gain"][:, -1] / config.gain
    measured["spikes"] = found["white_spikes"][:, -1]
    return Result(view | tuned | pressed | found, measured)


def photograph() -> dict:
    """A photograph that scikit-learn ships, through three sheets of neurons; and what a constant one gives."""
    from sklearn.datasets import load_sample_image

    image = jnp.asarray(load_sample_image("china.jpg")[:400:2, 100:600:2].mean(-1) / 255.0, jnp.float32)
    x, y = receptive.grid(SPAN)
    fields = {"retina": RETINA(x, y), "upright": CORTEX(x, y), "level": CORTEX._replace(orientation=jnp.pi / 2)(x, y)}
    constant = jax.jit(receptive.respond)(jnp.ones_like(image), fields["retina"])
    gain = RETINA.grating(0.0)
    found = {"image": image, "dc_error": jnp.abs(constant / gain - 1).max()}
    for name, field in fields.items():
        found |= {f"{name}_field": field, f"{name}_response": jax.jit(receptive.respond)(image, field)}
    return found


def tuning() -> dict:
    """Responses to gratings by frequency and by orientation: Fourier transforms, and gratings filtered."""
    x, y = receptive.grid(SPAN)
    frequency, orientation = jnp.linspace(0.0, 0.35, ROWS), jnp.linspace(-jnp.pi / 2, jnp.pi / 2, ROWS + 1)

    @jax.vmap
    def filtered(field, frequency, orientation):
        wave = 2 * jnp.pi * frequency * (x * jnp.cos(orientation) + y * jnp.sin(orientation))
        return jnp.hypot(jnp.sum(field * jnp.cos(wave)), jnp.sum(field * jnp.sin(wave)))

    same = lambda field, like: jnp.broadcast_to(field, (len(like), *field.shape))  # noqa: E731
    retina, cortex = RETINA(x, y), CORTEX(x, y)
    by_frequency = filtered(same(retina, frequency), frequency, jnp.zeros_like(frequency))
    cortex_frequency = filtered(same(cortex, frequency), frequency, jnp.zeros_like(frequency))
    by_orientation = filtered(same(cortex, orientation), jnp.full_like(orientation, CORTEX.frequency), orientation)
    return {
        "frequency": frequency, "retina_frequency": by_frequency, "retina_closed": RETINA.grating(frequency),
        "cortex_frequency": cortex_frequency, "cortex_closed": CORTEX.grating(frequency, 0.0),
        "orientation": jnp.rad2deg(orientation), "cortex_orientation": by_orientation,
        "cortex_orientation_closed": CORTEX.grating(CORTEX.frequency, orientation),
        "orientation_error_deg": jnp.rad2deg(jnp.abs(orientation[jnp.argmax(by_orientation)] - CORTEX.orientation)),
        "tuning_error": jnp.abs(by_orientation / CORTEX.grating(CORTEX.frequency, orientation) - 1).max(),
    }  # fmt: skip


def press(config: Config) -> dict:
    """A press held for some seconds, in steps of 1 ms: rate, closed form, spikes; and how much the rate declines."""
    before, after, dt = 500, 1500, 1.0
    steps = round(1000 * config.hold / dt)
    pressure = jnp.concatenate([jnp.zeros(before), jnp.ones(steps), jnp.zeros(after)])
    crowd = population(receptive.merkel(dt=dt), config.trials)
    key = jax.random.key(config.seed)
    _, firing = jax.jit(lambda key: iterate(crowd.step, key, crowd.init(key), pressure))(key)
    params = receptive.GERLING_2018
    closed = np.full(len(pressure), np.nan)
    closed[before : before + steps] = params.rate(params.step_current(dt * np.arange(steps)))
    rate = np.asarray(firing.rate[:, 0])
    # the paper counts spikes over intervals of the hold; here the rate itself, past the rapid part of the answer
    decline = 1 - rate[before + round(12_000 / dt) - 1] / rate[before + round(500 / dt)]
    return {
        "touch_time": (np.arange(len(pressure)) - before) * dt / 1000, "touch_pressure": pressure, "touch_rate": rate,
        "touch_closed": closed, "touch_spikes": firing.spike.T, "touch_decline": decline,
        "touch_error_hz": np.nanmax(np.abs(closed - rate)),
    }  # fmt: skip


def field_to_find(config: Config):
    """The neurons' field, flattened, of length ``gain``."""
    field = NARROW[config.field](*receptive.grid(config.size)).ravel()
    return config.gain * field / jnp.linalg.norm(field)


def expected_error(spikes, config: Config):
    """Distance of the average from the field: the standard error of a mean over Poisson counts of rate ``r exp(u)``.

    ``pixels (1 + r e^(g^2 / 2) (e^(g^2) - 1)) / spikes``, squared, for white noise and a drive ``u`` of variance ``g^2``.
    """
    spread = np.exp(config.gain**2)
    return np.sqrt(config.size**2 / spikes * (1 + config.rate * np.sqrt(spread) * (spread - 1)))


def smoothing(config: Config):
    """``A`` of correlated noise ``A n``: pixels of variance 1 whose correlations fall exponentially with distance."""
    x, y = (axis.ravel() for axis in receptive.grid(config.size))
    distance = jnp.hypot(x[:, None] - x, y[:, None] - y)
    return jnp.linalg.cholesky(jnp.exp(-distance / config.smoothness))


def reverse_correlation(name, true, config: Config, lab: Lab) -> dict:
    """Averages of every neuron each time that the number of frames has doubled, against the field."""
    correlated = name == "correlated"
    mixing = smoothing(config) if correlated else None
    # the drive has the same spread under both kinds of noise
    drive = true if mixing is None else config.gain * true / jnp.linalg.norm(mixing.T @ true)
    process = receptive.triggered_average(drive, mixing, config.rate, config.batch)
    crowd = population(process, config.neurons)
    key = jax.random.fold_in(jax.random.key(config.seed), int(correlated))
    state, found, done, looks = jax.jit(crowd.init)(key), [], 0, config.steps // LOOKS
    read = jax.jit(jax.vmap(lambda moments: (moments.average(), moments.whitened(), moments.spikes)))
    while looks <= config.steps:
        stage, key = f"{name} noise, {looks} steps", jax.random.fold_in(key, looks)
        state, _ = lab.iterate(stage, crowd.step, key, state, length=looks - done, chunk=config.steps // LOOKS)
        found.append(jax.tree.map(np.asarray, read(state)))
        done, looks = looks, 2 * looks
    average, whitened, spikes = (np.stack(part, 1) for part in zip(*found, strict=True))
    true = np.asarray(true)

    def correlation(estimate):
        return np.vectorize(lambda row: np.corrcoef(row, true)[0, 1], signature="(n)->()")(estimate)

    kept = {f"{name}_spikes": spikes, f"{name}_correlation": correlation(average), f"{name}_average": average[0, -1]}
    if correlated:
        kept |= {f"{name}_whitened_correlation": correlation(whitened), f"{name}_whitened": whitened[0, -1]}
    else:
        kept |= {f"{name}_error": np.linalg.norm(average - true, axis=-1), f"{name}_gain": average @ true / config.gain}
    shape = lambda value: value.reshape(config.size, config.size) if value.shape == true.shape else value  # noqa: E731
    return {key: shape(value) for key, value in kept.items()}


def figures(result: Result) -> dict[str, Picture]:
    arrays = result.arrays
    pictures = {}

    figure, axes = panels(2, 4, width=3.9, height=3.1, gridspec_kw={"height_ratios": [1, 1.25]})
    draw.seen(axes[0, 0], arrays["image"], title="photograph", signed=False)
    titles = {
        "retina": "retina: centre and surround",
        "upright": "cortex: upright edges",
        "level": "cortex: level edges",
    }
    for ax, (name, title) in zip(axes[0, 1:], titles.items(), strict=True):
        draw.field(ax, arrays[f"{name}_field"][10:-10, 10:-10], title=title)
    draw.tuning(
        axes[1, 0], arrays["frequency"],
        {name: arrays[f"{name}_closed"] / arrays[f"{name}_closed"].max() for name in ("retina", "cortex")},
        {name: arrays[f"{name}_frequency"] / arrays[f"{name}_closed"].max() for name in ("retina", "cortex")},
        xlabel="frequency (cycles/pixel)", title="tuning",
    )  # fmt: skip
    for ax, name in zip(axes[1, 1:], titles, strict=True):
        draw.seen(ax, arrays[f"{name}_response"], title="")
    pictures["photograph"] = Picture(
        figure,
        "A photograph through three sheets of neurons. The retina's field sums nearly to zero: even surfaces vanish, edges stay. "
        "A cortical field answers edges along its stripes. Bottom left: circles are gratings filtered, lines the Fourier transform.",
    )

    figure, axes = panels(1, 4, width=3.5, height=3.4)
    names = {
        "true": "the field",
        "white_average": "average, white noise",
        "correlated_average": "average, correlated",
        "correlated_whitened": "the same, whitened",
    }
    for ax, (name, title) in zip(axes, names.items(), strict=True):
        draw.field(ax, arrays[name], title=title)
    pictures["averages"] = Picture(
        figure,
        f"A neuron's field read off {int(arrays['white_spikes'][0, -1]):,} spikes: the mean of the noise that came before them. Correlations in what "
        "is shown smear it; undoing them uncovers it.",
    )

    figure, axes = panels(1, 2, width=5.8, height=4.0)
    spikes, error = arrays["white_spikes"].mean(0), arrays["expected_error"]
    gain = np.linalg.norm(arrays["true"])
    curves = {
        "white noise": arrays["white_correlation"],
        "correlated, whitened": arrays["correlated_whitened_correlation"],
        "correlated, not whitened": arrays["correlated_correlation"],
    }
    draw.recovery(
        axes[0], spikes, curves, {"expected, white": gain / np.hypot(gain, error)}, ylabel="correlation with the field", title="Recovered field",
    )  # fmt: skip
    axes[0].axhline(0.9, color="#8A8F98", linewidth=1, linestyle=":")
    draw.recovery(
        axes[1], spikes, {"white noise": arrays["white_error"]}, {"standard error": error}, ylabel="distance to the field", title="Error of the average",
    )  # fmt: skip
    axes[1].set_yscale("log")
    pictures["recovery"] = Picture(
        figure,
        "Correlation with the true field and distance to it, as spikes accumulate (median, quartiles and extremes over neurons). "
        "The error is that of a mean: it falls as one over the square root of the number of spikes.",
    )

    figure, axes = panels(2, 1, width=8.0, height=2.5, sharex=True, gridspec_kw={"height_ratios": [1.4, 1]})
    draw.touch(axes, *(arrays[f"touch_{name}"] for name in ("time", "pressure", "rate", "closed", "spikes")))
    pictures["touch"] = Picture(
        figure,
        "A Merkel receptor pressed and held: a burst at once, then a rate that falls by 38% from half a second to 12 s, and silence after release, "
        "until the currents have recovered.",
    )
    return pictures
