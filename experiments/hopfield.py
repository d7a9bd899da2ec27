"""How much can a net remember, and how damaged a memory can it mend? (ch. 16)

Three questions to Hopfield's net, all by asynchronous updates at zero temperature.

*Recall.* Letters and digits, drawn as images of +-1, are stored by Hebb's rule and by the pseudo-inverse, then shown
with a share of their pixels flipped, or with one half lost in noise. Images resemble each other, and Hebb's rule was made for
patterns that do not: it recalls a mixture. The pseudo-inverse projects the resemblance away.

*Falling.* Random patterns at a load well below capacity: the energy of many states, some near a memory and some
anywhere, as spin after spin is visited. It never rises, and those that miss the memories rest higher, in spurious minima.

*Capacity.* Nets of several sizes and many seeds are started at their own memories, at loads up to and beyond capacity; the
overlap at rest stands beside the mean-field theory of Amit, Gutfreund & Sompolinsky (1985), which holds for infinitely many
units and breaks off at ``alpha_c = 0.1379``. Started further and further away, the same nets show how wide the basins are.

    python -m experiments run hopfield

Expected: overlaps of 0.99999, 0.9980 and 0.9932 at loads 0.05, 0.10 and 0.12, all N - 1 patterns stored by the
pseudo-inverse, and no rise of the energy. Two CPU cores: quick 20 s, full 6 minutes, estimated.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import devices
from redes_jax.energy import hopfield
from redes_jax.figures import energy as draw
from redes_jax.figures.style import panels
from redes_jax.process import iterate


@dataclass(frozen=True)
class Config:
    sizes: tuple[int, ...] = (500, 1000, 2000)  # units of the nets whose capacity is measured
    loads: tuple[float, ...] = (0.05, 0.08, 0.1, 0.12, 0.13, 0.14, 0.155, 0.18)  # patterns per unit
    replicates: int = 4  # nets of each size and load
    probes: int = 16  # patterns recalled in each net
    sweeps: int = 20  # sweeps of recall, each unit visited once a sweep
    basin_units: int = 500  # units of the nets whose basins are measured
    basin_loads: tuple[float, ...] = (0.04, 0.08, 0.12)  # their loads
    side: int = 48  # pixels on a side of the letters
    flipped: float = 0.3  # share of pixels flipped in the noisy letters
    seed: int = 0


PRESETS = {
    "quick": Config(),
    "full": Config(
        sizes=(250, 500, 1000, 2000, 4000),
        loads=(0.03, 0.05, 0.07, 0.08, 0.09, 0.1, 0.11, 0.12, 0.13, 0.135, 0.14, 0.145, 0.15, 0.16, 0.18, 0.2),
        replicates=16,
        probes=64,
        sweeps=60,
        basin_units=2000,
    ),
}

_AGS = "Amit, Gutfreund & Sompolinsky 1985, solved to 1e-5"
CLAIMS = (
    Claim("capacity", "capacity of Hebb's rule, patterns per unit", 0.137906, "", _AGS, 1e-5),
    Claim("critical_overlap", "overlap at capacity", 0.96742, "", _AGS, 1e-4),
    Claim("overlap_0.05", "overlap after recall at load 0.05", 0.99999, "", _AGS, 1e-4),
    Claim("overlap_0.1", "overlap after recall at load 0.10", 0.9980, "", _AGS, 1e-3),
    Claim("overlap_0.12", "overlap after recall at load 0.12", 0.99322, "", _AGS, 4e-3),
    Claim("projection_stored", "share of N - 1 patterns the pseudo-inverse stores", 1, "", "Personnaz et al. 1985"),
    Claim("largest_rise", "largest rise of energy per spin in a sweep", 0, "", "Hopfield 1982", 1e-6, rule="at most"),
)

_GLYPHS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_SHOWN = "REDS"
_STARTS = np.linspace(0, 1, 21)


def run(config: Config, lab: Lab = QUIET) -> Result:
    if not all(0 < load <= 0.5 for load in (*config.loads, *config.basin_loads)):
        raise ValueError(f"loads are {config.loads} and {config.basin_loads}: patterns per unit lie between 0 and 0.5")
    if not 0 <= config.flipped < 0.5:
        raise ValueError(f"flipped is {config.flipped}: from one half on, the nearest memory is the negative")
    key = jax.random.key(config.seed)
    arrays = lab.once("letters", lambda: recall_letters(jax.random.fold_in(key, 0), config))
    arrays |= lab.once("falling", lambda: jax.jit(fall)(jax.random.fold_in(key, 1)))
    stored = lab.once("projection", lambda: {"share": stored_by_projection(jax.random.fold_in(key, 2), 200)})
    for size in config.sizes:
        measure = lambda key, counts, size=size: recall_from_memories(key, counts, size, config)  # noqa: E731
        arrays[f"overlap_{size}"] = over_loads(lab, f"{size} units", measure, key, config.loads, size)
    measure = lambda key, counts: recall_from_afar(key, counts, config)  # noqa: E731
    ends = over_loads(lab, "basins", measure, jax.random.fold_in(key, 3), config.basin_loads, config.basin_units)

    critical, at_critical = (float(value) for value in hopfield.capacity())
    theory = jnp.append(jnp.linspace(0.01, critical, 200)[:-1], critical * (1 - 1e-6))
    arrays |= {"loads": np.array(config.loads), "sizes": np.array(config.sizes), "basin_ends": ends}
    arrays |= {"basin_loads": np.array(config.basin_loads), "theory_load": np.asarray(theory)}
    arrays |= {"theory_overlap": np.asarray(hopfield.retrieval_overlap(theory))}
    measured: dict[str, Any] = {
        "capacity": critical,
        "critical_overlap": at_critical,
        "projection_stored": float(stored["share"]),
    }
    measured["largest_rise"] = float(np.diff(arrays["fall_energy"], axis=0).max())
    for rule in ("hebb", "projection"):
        measured[f"letters_mended_by_{rule}"] = float(arrays[f"mended_{rule}"].mean())
    for i, load in enumerate(config.loads):
        measured[f"overlap_{load:g}"] = arrays[f"overlap_{max(config.sizes)}"][:, i]
    return Result(arrays, measured)


def random_patterns(key, count, units):
    return jnp.where(jax.random.bernoulli(key, 0.5, (count, units)), 1.0, -1.0)


def recall(weights, key, starts, sweeps):
    spins, _ = iterate(hopfield.asynchronous(weights).step, key, starts, length=sweeps, observe=lambda *_: None)
    return spins


def over_loads(lab, stage, measure, key, loads, units):
    """``measure(key, pattern numbers)`` at each load in turn, an array (replicates, loads, ...)."""
    most = round(max(loads) * units)
    # Patterns beyond the load are rows of zeros, which store nothing: all loads share one program.
    kept = jnp.arange(most) < jnp.round(jnp.array(loads) * units)[:, None]
    _, ends = lab.iterate(stage, lambda key, state, kept: (state, measure(key, kept)), key, (), kept, chunk=1)
    return np.swapaxes(ends, 0, 1)


def recall_from_memories(key, kept, units, config):
    """The mean overlap at rest, from the memories themselves, for each replicate net."""

    def one(key):
        patterns = random_patterns(key, len(kept), units) * kept[:, None]
        starts = patterns[: config.probes]
        ends = recall(hopfield.hebb(patterns), key, starts, config.sweeps)
        return jnp.sum(hopfield.overlap(starts, ends)) / jnp.sum(kept[: config.probes])

    return devices.replicas(one, width=1)(jax.random.split(key, config.replicates))


def recall_from_afar(key, kept, config):
    """The mean overlap at rest by the overlap at the start, (replicates, starts)."""
    units, probes = config.basin_units, min(config.probes, 10)

    def one(key):
        patterns = random_patterns(key, len(kept), units) * kept[:, None]
        # Exactly the right number of spins is turned, chosen by the order of uniform numbers.
        ranks = jnp.argsort(jnp.argsort(jax.random.uniform(key, (probes, units))))
        turned = ranks < jnp.round((1 - jnp.array(_STARTS)) / 2 * units)[:, None, None]
        memories = patterns[jnp.arange(probes) % jnp.sum(kept)]
        ends = recall(hopfield.hebb(patterns), key, jnp.where(turned, -memories, memories), config.sweeps)
        return jnp.mean(hopfield.overlap(memories, ends), axis=-1)

    return devices.replicas(one, width=1)(jax.random.split(key, config.replicates))


def stored_by_projection(key, units):
    """The share of ``units - 1`` random patterns at which no spin turns.

    The margins left are as small as the square of the least entry of one unit vector, which takes float64 to tell from 0.
    """
    with jax.enable_x64(True):
        patterns = random_patterns(key, units - 1, units)
        return np.mean(np.all(hopfield.fields(hopfield.pseudo_inverse(patterns), patterns) * patterns > 0, axis=-1))


def fall(key, units=1000, load=0.06, states=60, sweeps=5, parts=20):
    """Energies of states on their way down, noted ``parts`` times a sweep: half start near a memory, half anywhere."""
    patterns = random_patterns(key, round(load * units), units)
    weights = hopfield.hebb(patterns)
    keys = jax.random.split(jax.random.fold_in(key, 1), 3)
    nearness = jnp.concatenate([jnp.linspace(0.75, 0.25, states // 2), jnp.zeros(states - states // 2)])
    memories = patterns[jnp.arange(states) % len(patterns)]
    kept = jax.random.uniform(keys[0], memories.shape) < (1 + nearness[:, None]) / 2
    starts = jnp.where(kept, memories, -memories)
    orders = jax.vmap(lambda key: jax.random.permutation(key, units))(jax.random.split(keys[1], sweeps))
    step = hopfield.asynchronous(weights).step
    observe = lambda spins, _: hopfield.energy(weights, spins) / units  # noqa: E731
    ends, energies = iterate(step, keys[2], starts, orders.reshape(sweeps * parts, -1), observe=observe)
    first = hopfield.energy(weights, starts)[None] / units
    return {
        "fall_energy": jnp.concatenate([first, energies]),
        "fall_time": jnp.arange(sweeps * parts + 1) / parts,
        "fall_overlap": jnp.max(jnp.abs(ends @ patterns.T), axis=-1) / units,
        "fall_floor": jnp.mean(hopfield.energy(weights, patterns)) / units,
    }


def recall_letters(key, config, parts=24, sweeps=4):
    """Some letters noisy, then half gone: as shown and as recalled by both rules, with frames of the better one."""
    side, (flip_key, lost_key, order_key) = config.side, jax.random.split(key, 3)
    patterns = jnp.array([glyph(c, side).ravel() for c in _GLYPHS], jnp.float32)
    shown = patterns[jnp.array([_GLYPHS.index(c) for c in _SHOWN])]
    noisy = jnp.where(jax.random.bernoulli(flip_key, config.flipped, shown.shape), -shown, shown)
    lower = jnp.arange(side * side) >= side * side // 2
    starts = jnp.concatenate([noisy, jnp.where(lower, random_patterns(lost_key, *shown.shape), shown)])
    orders = jnp.stack([jax.random.permutation(key, side * side) for key in jax.random.split(order_key, sweeps)])
    visited = side * side // parts * parts
    orders = orders[:, :visited].reshape(sweeps * parts, -1)

    @jax.jit
    def recalled(weights):
        step = hopfield.asynchronous(weights).step
        return iterate(step, key, starts, orders, observe=lambda spins, _: spins)[1].astype(jnp.int8)

    hebb, projection = recalled(hopfield.hebb(patterns)), recalled(hopfield.pseudo_inverse(patterns))
    stored = jnp.concatenate([shown, shown])
    frames = jnp.concatenate([starts[None].astype(jnp.int8), projection[:parts], projection[-1:]])
    images = {"stored": stored, "shown": starts, "hebb": hebb[-1], "projection": projection[-1], "frames": frames}
    arrays = {name: image.reshape(*image.shape[:-1], side, side) for name, image in images.items()}
    return arrays | {
        "mended_hebb": jnp.all(hebb[-1] == stored, axis=-1),
        "mended_projection": jnp.all(projection[-1] == stored, axis=-1),
    }


def glyph(character: str, side: int) -> np.ndarray:
    """A bold letter as (side, side) of +-1: ink where an odd number of its outlines goes round the pixel."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path
    from matplotlib.textpath import TextPath

    outline = TextPath((0, 0), character, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    low, high = outline.vertices.min(0), outline.vertices.max(0)
    grid = (np.arange(side) + 0.5) / side - 0.5
    points = np.stack(np.meshgrid(grid, -grid), -1).reshape(-1, 2) * 1.2 * (high - low).max() + (low + high) / 2
    inside = sum(Path(polygon).contains_points(points).astype(int) for polygon in outline.to_polygons())
    return np.where(inside % 2, 1, -1).reshape(side, side)


def figures(result: Result) -> dict[str, Picture]:
    arrays = result.arrays
    pictures = {}

    figure, axes = panels(width=10.4, height=5.4)
    rows = [(arrays[name] + 1) / 2 for name in ("stored", "shown", "hebb", "projection")]
    draw.mosaic(axes, np.stack(rows), rows=("stored", "shown", "Hebb", "pseudo-inverse"))
    pictures["letters"] = Picture(
        figure,
        f"{len(_GLYPHS)} letters and digits in {arrays['stored'].shape[-1] ** 2} units. Shown with pixels flipped (left) or "
        "the lower half lost in noise (right). Hebb's rule falls into one mixture of all letters; the pseudo-inverse, "
        "which projects their resemblance away, mends them; only E and F share their upper half.",
    )
    pictures["recall"] = Picture(
        draw.recall_frames(arrays["frames"]),
        "The pseudo-inverse at work, one sweep in 24 parts, then rest: each pixel visited once, in random order.",
    )

    figure, axes = panels(width=7.6, height=4.6)
    draw.fall(axes, arrays["fall_time"], arrays["fall_energy"], arrays["fall_overlap"], float(arrays["fall_floor"]))
    pictures["fall"] = Picture(
        figure,
        "Energy of 60 states of 1 000 units that store 60 random patterns. It never rises. Starts near a memory come to "
        "rest in it (blue); starts anywhere get stuck higher up, in minima that nobody stored (orange).",
    )

    figure, axes = panels(1, 2, width=5.8, height=4.4)
    sizes = {int(size): arrays[f"overlap_{size}"] for size in arrays["sizes"]}
    theory = arrays["theory_load"], arrays["theory_overlap"]
    draw.capacity(axes[0], arrays["loads"], sizes, theory)
    axes[0].set_ylim(0, 1.03)
    axes[0].legend(loc="lower left", frameon=False)
    draw.capacity(axes[1], arrays["loads"], sizes, theory)
    axes[1].set(xlim=(arrays["loads"][0] - 0.003, 0.1405), ylim=(0.955, 1.002), title="the same, near 1")
    pictures["capacity"] = Picture(
        figure,
        "Overlap with a stored pattern after recall that started at it (mean and standard deviation over nets). Below capacity "
        "nets of growing size close in on the theory; the jump at 0.138 is smeared by finite size.",
    )

    figure, axes = panels(width=6, height=4.6)
    ends = {float(load): arrays["basin_ends"][:, i] for i, load in enumerate(arrays["basin_loads"])}
    draw.basins(axes, _STARTS, ends)
    pictures["basins"] = Picture(
        figure,
        "Basins of attraction: where the curve leaves the dotted line for 1, damaged memories are mended. The fuller the net, "
        "the nearer one must start.",
    )
    return pictures
