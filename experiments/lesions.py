"""What is lost when one zone of the brain is silenced, and what does that say of where an ability lives? (ch. 1.2.1-1.2.2)

Networks of zones (two unimodal streams, a heteromodal zone, a reflex path, a motor zone) learn four abilities at once from noisy
stimuli: to name what is seen, to name what is touched, to say whether the two belong together (both of even or both of odd number: an
exclusive or, of which neither sense alone knows anything), and to withdraw from a strong touch. Then each zone is silenced in turn. Two
brains are compared, from the same initial weights: in one each answer is wired to its own zone, in the other every zone reaches
every answer, and where an ability comes to lie is left to training.

    python -m experiments run lesions

Expected: in the first, a double dissociation (Teuber 1955): a sense's stream takes its own recognition, down to chance, and leaves the
other's; the heteromodal zone (Mesulam 1998) takes the association alone; the reflex outlives every lesion but its own and the motor
zone's. What is spared is spared exactly, for the anatomy leaves no other way. In the second, what touch knows lives in its stream and in
the reflex path: a lesion of the path shows nothing, one of the stream takes a part, both together take all. Chance stays chance, and
without the heteromodal zone the motor zone, being linear, solves at most 3/4 of an exclusive or. Two CPU cores: quick 10 s.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.claims import Claim, Picture, Result
from experiments.lab import QUIET, Lab
from redes_jax import bits
from redes_jax.figures import modular as draw
from redes_jax.figures.learning import curves
from redes_jax.figures.style import GREY, panels
from redes_jax.learning.gradient import descend
from redes_jax.learning.losses import cross_entropy
from redes_jax.networks.modular import SOURCES, ZONES, Modular, lesions
from redes_jax.process import Process, population


@dataclass(frozen=True)
class Config:
    seeds: int = 16  # networks of each brain, each with objects of its own
    steps: int = 300  # batches learned from
    batch: int = 128  # stimuli in a batch, drawn anew each time
    rate: float = 0.005  # Adam's learning rate
    receptors: int = 16  # of each sense
    objects: int = 4  # to be told apart by each sense; an even number
    noise: float = 1.0  # standard deviation in each receptor, in units of that of an object's features
    pressure: float = 0.6  # added to all touch receptors when touch is strong, taken from them when it is weak
    unimodal: int = 16  # units in each of a stream's two layers
    heteromodal: int = 16  # units of the heteromodal zone
    reflex: int = 4  # units of the reflex path
    repeats: int = 8  # test stimuli of each kind; every sight is tested with every touch
    chunk: int = 100  # batches between two looks
    seed: int = 0  # of everything random


PRESETS = {"quick": Config(), "full": Config(seeds=64, steps=3000, batch=256)}

_TEUBER = "Teuber 1955, double dissociation"
_MESULAM = "Mesulam 1998, heteromodal zones"
_CHANCE = "chance, in closed form"
CLAIMS = (
    Claim("own_sense", "a sense named without its stream, zones apart", 0.25, "", _CHANCE, 0.002),
    Claim("blind", "sight named without its stream, zones shared", 0.25, "", _CHANCE, 0.002),
    Claim("association_one_sense", "association without one stream, zones apart", 0.5, "", _CHANCE, 0.002),
    Claim("other_sense_lost", "most lost of the other sense, zones apart", 0.0, "", _TEUBER, 0.002),
    Claim("association_unfused", "association without the heteromodal zone, zones apart", 0.5, "", _CHANCE, 0.002),
    Claim("others_lost", "most lost of another ability then", 0.0, "", _MESULAM, 0.002),
    Claim("withdrawal_lost", "most lost of withdrawal to any cortical lesion, zones apart", 0.0, "", "reflex path", 0.002),
    Claim("numb", "withdrawal without touch stream and reflex, zones shared", 0.5, "", _CHANCE, 0.002),
    Claim("association_linear", "best association without fusion, zones shared", 0.75, "", "additive exclusive or", 0, "at most"),
    Claim("shortfall", "most that an unhurt network is below the ideal observer", 0.05, "", "Bayes", rule="at most"),
    Claim("ideal_withdrawal", "withdrawal by the ideal observer", 0.9918, "", "Phi(0.6 sqrt(16) / 1)", 0.006),
)  # fmt: skip

SILENCED = (*ZONES, "touch + reflex")
ABILITIES = ("name sight", "name touch", "associate", "withdraw")
CORTEX = ("sight", "touch", "heteromodal")
BRAINS = {
    "apart": np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], np.float32),  # abilities x SOURCES
    "shared": np.ones((len(ABILITIES), len(SOURCES)), np.float32),
}


def run(config: Config, lab: Lab = QUIET) -> Result:
    check(config)
    learner, judge = pupil(config), examiner(config)
    learners = population(learner, config.seeds)
    # Initial weights in turn: XLA compiles the random numbers of one network much faster than those of many.
    start = jax.jit(population(learner, config.seeds, over=lambda fn: partial(jax.lax.map, fn)).init)
    arrays = {"chance": chance(config)}
    of_start, of_lessons, of_test = jax.random.split(jax.random.key(config.seed), 3)
    of_tests = jax.random.split(of_test, config.seeds)
    for brain, wiring in BRAINS.items():
        state, seen = lab.iterate(
            f"zones {brain}", learners.step, of_lessons, start(of_start, jnp.asarray(wiring)), length=config.steps,
            chunk=config.chunk,
        )  # fmt: skip
        if not seen["finite"].all():
            raise FloatingPointError(f"training diverged: try a rate below {config.rate}")
        arrays |= {f"{brain}_{name}": seen[name].T for name in ABILITIES}
        judged = lab.once(f"lesions, zones {brain}", lambda state=state: judge(of_tests, state.params, state.buffers))
        arrays |= {f"{brain}_right": judged["right"], "ideal": judged["ideal"]}
    return Result(arrays, measure(arrays))


def check(config: Config) -> None:
    if config.objects < 2 or config.objects % 2:
        raise ValueError(
            f"objects is {config.objects}: an even number from 2 on, so that half of all pairs belong together"
        )
    counts = {name: getattr(config, name) for name in ("seeds", "steps", "batch", "repeats", "chunk")}
    if min(counts.values()) < 1:
        raise ValueError(f"{counts}: at least 1 of each")
    if config.noise <= 0:
        raise ValueError(f"noise is {config.noise}: above 0, or every answer is certain")


def chance(config: Config) -> np.ndarray:
    """What is right of each ability when nothing is known: one object of all, one of two answers."""
    return np.array([1 / config.objects, 1 / config.objects, 0.5, 0.5])


def network(config: Config) -> Modular:
    options = (config.objects, config.objects, 2, 2)
    return Modular(
        dict(zip(ABILITIES, options, strict=True)), (config.unimodal,) * 2, (config.heteromodal,), config.reflex
    )


def features(key, config: Config):
    """What each object feeds to each sense's receptors, (senses, objects, receptors); a mean of zero leaves room for pressure."""
    drawn = jax.random.normal(key, (2, config.objects, config.receptors))
    return drawn - drawn.mean(-1, keepdims=True)


def stimuli(key, config: Config, objects, seen, felt, strong):
    """What both senses receive from object ``seen`` and object ``felt``, pressed on the skin weakly or strongly."""
    noise = config.noise * bits.normal(key, (2, len(seen), config.receptors))
    pressure = config.pressure * (2 * strong - 1)[:, None]
    return objects[0][seen] + noise[0], objects[1][felt] + pressure + noise[1]


def answers(seen, felt, strong):
    """The right option of each ability."""
    return dict(zip(ABILITIES, (seen, felt, (seen + felt) % 2, strong), strict=True))


def pupil(config: Config) -> Process:
    """A network that learns all abilities at once; ``init(key, wiring)``, each step draws its own batch."""
    net = network(config)

    def loss(params, buffers, key, batch):
        del batch
        of_kind, of_noise = jax.random.split(key)
        most = jnp.array([[config.objects], [config.objects], [2]])
        seen, felt, strong = jnp.floor(bits.uniform(of_kind, (3, config.batch)) * most).astype(jnp.int32)
        sight, touch = stimuli(of_noise, config, buffers["objects"], seen, felt, strong)
        logits: Any = net.apply(params, sight, touch, wiring=buffers["wiring"])
        right = answers(seen, felt, strong)
        value = jnp.stack([cross_entropy(logits[name], right[name]).mean() for name in ABILITIES]).sum()
        return value, (buffers, {name: (logits[name].argmax(-1) == right[name]).mean() for name in ABILITIES})

    learner = descend(loss, optax.adam(config.rate))

    def init(key, wiring):
        def initialise(key):
            of_objects, of_weights = jax.random.split(key)
            silence = jnp.zeros((1, config.receptors))
            buffers = {"objects": features(of_objects, config), "wiring": wiring}
            return net.init(of_weights, silence, silence), buffers

        return learner.init(key, initialise)

    return Process(init, learner.step)


def examiner(config: Config):
    """``judge(keys, params, buffers)``: what each network answers rightly after each lesion, ``right`` (seeds, lesions, abilities),
    and the ``ideal`` observer (seeds, abilities).

    Every sight is paired with every touch. So what knows one sense alone is right in exactly chance of the other's objects.
    """
    net = network(config)
    kind, strong = (np.repeat(each.ravel(), config.repeats) for each in np.mgrid[: config.objects, :2])
    sights, touches = (each.ravel() for each in np.mgrid[: len(kind), : len(kind)])
    right = answers(kind[sights], kind[touches], strong[touches])

    alone = lesions()
    double = alone[1 + ZONES.index("touch")] * alone[1 + ZONES.index("reflex")]
    masks = jnp.concatenate([alone, double[None]])  # nothing silenced, then SILENCED

    def share(given):
        return jnp.stack([(given[name] == right[name]).mean() for name in ABILITIES])

    def member(key, params, buffers):
        sight, touch = stimuli(key, config, buffers["objects"], kind, kind, strong)
        pairs = sight[sights], touch[touches]

        def after(intact):
            logits: Any = net.apply(params, *pairs, intact, buffers["wiring"])
            return share({name: logits[name].argmax(-1) for name in ABILITIES})

        return {"right": jax.vmap(after)(masks), "ideal": share(ideal(config, buffers["objects"], *pairs))}

    return jax.jit(lambda *members: jax.lax.map(lambda one: member(*one), members))


def ideal(config: Config, objects, sight, touch):
    """The answers of one who knows the objects and the noise: the likeliest option, by Bayes."""

    def posterior(x, kinds):
        return jax.nn.softmax((x @ kinds.T - 0.5 * (kinds**2).sum(-1)) / config.noise**2)

    seen, felt = posterior(sight, objects[0]), posterior(touch, objects[1])
    even = [2 * p[:, ::2].sum(-1) - 1 for p in (seen, felt)]
    strong = (touch.mean(-1) > 0).astype(jnp.int32)
    apart = (even[0] * even[1] < 0).astype(jnp.int32)
    return dict(zip(ABILITIES, (seen.argmax(-1), felt.argmax(-1), apart, strong), strict=True))


def lost(right, floor) -> np.ndarray:
    """The share of each ability lost by each lesion: 0 as unhurt, 1 at chance. (seeds, lesions, abilities), unhurt left out."""
    unhurt = right[:, :1]
    return (unhurt - right[:, 1:]) / (unhurt - floor)


def measure(arrays) -> dict:
    sight, touch, associate, withdraw = range(len(ABILITIES))
    row = {zone: i for i, zone in enumerate(SILENCED)}
    apart, shared = (arrays[f"{brain}_right"] for brain in BRAINS)
    gone = {brain: lost(arrays[f"{brain}_right"], arrays["chance"]) for brain in BRAINS}

    def after(right, zone, ability):
        return right[:, 1 + row[zone], ability]

    cross = {
        brain: np.concatenate([share[:, row["sight"], touch], share[:, row["touch"], sight]])
        for brain, share in gone.items()
    }
    others = [sight, touch, withdraw]
    return {
        "own_sense": np.concatenate([after(apart, "sight", sight), after(apart, "touch", touch)]),
        "blind": after(shared, "sight", sight),
        "association_one_sense": np.concatenate([after(apart, zone, associate) for zone in ("sight", "touch")]),
        "numb": after(shared, "touch + reflex", withdraw),
        "other_sense_lost": np.abs(cross["apart"]).max(),
        "other_sense_lost_shared": cross["shared"],
        "association_unfused": after(apart, "heteromodal", associate),
        "association_linear": after(shared, "heteromodal", associate).max(),
        "others_lost": np.abs(gone["apart"][:, row["heteromodal"]][:, others]).max(),
        "others_lost_shared": gone["shared"][:, row["heteromodal"]][:, others].max(1),
        "withdrawal_lost": np.abs(gone["apart"][:, [row[zone] for zone in CORTEX], withdraw]).max(),
        "withdrawal_lost_shared": gone["shared"][:, row["touch"], withdraw],
        "touch_lost_shared": gone["shared"][:, row["touch"], touch],
        "reflex_lesion_shared": gone["shared"][:, row["reflex"], withdraw],
        "shortfall": max((arrays["ideal"] - arrays[f"{brain}_right"][:, 0]).mean(0).max() for brain in BRAINS),
        "ideal_withdrawal": arrays["ideal"][:, withdraw],
    }


def figures(result: Result) -> dict[str, Picture]:
    arrays = result.arrays
    seeds = len(arrays["apart_right"])
    figure, axes = panels(1, 3, width=5.4, height=4.9, gridspec_kw={"width_ratios": (1.3, 1, 1)})
    draw.zones(axes[0], ABILITIES)
    titles = {"apart": "Each answer from its own zone", "shared": "Every zone reaches every answer"}
    for panel, (brain, title) in zip(axes[1:], titles.items(), strict=True):
        share = lost(arrays[f"{brain}_right"], arrays["chance"])
        draw.losses(panel, share.mean(0), share.std(0), SILENCED, ABILITIES, title=title)
    axes[1].set_ylabel("silenced")
    axes[2].set_yticklabels([])
    pictures = {
        "lesions": Picture(
            figure,
            f"Share of each ability that a lesion takes (1: down to chance), mean and standard deviation over {seeds} networks. With a "
            "zone for each answer the losses dissociate. When every zone reaches every answer, withdrawal survives the loss of its "
            "path, for the stream of touch knows it too: only the double lesion shows where it lived.",
        )
    }

    figure, axes = panels(1, 2, width=5.4, height=3.8, sharey=True)
    for panel, (brain, title) in zip(axes, titles.items(), strict=True):
        shares = {name: smoothed(arrays[f"{brain}_{name}"]) for name in ABILITIES}
        steps = arrays[f"{brain}_{ABILITIES[0]}"].shape[1]
        x = np.linspace(0, steps, shares[ABILITIES[0]].shape[1] + 1)[1:]
        for level in np.unique(arrays["chance"]):
            panel.axhline(level, color=GREY, linestyle="--", linewidth=1.2, zorder=1)
        curves(panel, x, shares, xlabel="batches learned from", ylabel="")
        panel.set(title=title, xscale="log", ylim=(0, 1.02), xlim=(x[0], x[-1]))
    axes[0].get_legend().remove()
    axes[1].legend(loc="lower right", ncols=2)
    at_level: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "right", "color": GREY}
    for level in np.unique(arrays["chance"]):
        axes[0].annotate(f"chance, {level:.2g}", (0.99, level), (0, 4), **at_level)
    axes[0].set_ylabel("share of right answers")
    pictures["learning"] = Picture(
        figure,
        f"Learning of the four abilities, median, quartiles and extremes of {seeds} networks; dashed, chance. The reflex comes first; the "
        "association waits for both senses.",
    )
    return pictures


def smoothed(shares: np.ndarray, points: int = 100) -> np.ndarray:
    """Means over ``points`` consecutive stretches."""
    return np.stack([part.mean(1) for part in np.array_split(shares, min(points, shares.shape[1]), axis=1)], axis=1)
