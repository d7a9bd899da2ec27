"""Pictures of a brain of zones: how they are wired, and what each lesion takes."""

import numpy as np
from matplotlib.patches import FancyBboxPatch

from redes_jax.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, bare

_COLOURS = {"sight": BLUE, "touch": ORANGE, "heteromodal": GREEN, "reflex": RED, "motor": PURPLE}


def zones(axes, abilities) -> None:
    """The zones of ``networks.modular`` and the ways between them, from the senses at the left to the answers at the right.

    Args:
      axes: where to draw.
      abilities: names of the four answers: of sight, of touch, of both, of the reflex.
    """
    at = {
        "sight": (2.6, 5.2),
        "touch": (2.6, 2.6),
        "heteromodal": (5.3, 3.9),
        "reflex": (4.7, 0.9),
        "motor": (8.1, 3.3),
    }
    size = {zone: (2.1, 1.0) for zone in at} | {"heteromodal": (2.8, 1.0), "reflex": (1.8, 0.9), "motor": (1.4, 4.9)}
    bare(axes)
    axes.set(xlim=(-0.9, 11.6), ylim=(-0.2, 6.5), aspect="equal", title="The zones")

    def edge(zone, side, up=0.0):
        (x, y), (width, _) = at[zone], size[zone]
        return x + 0.5 * side * width, y + up

    def wire(start, stop, colour, bend=0.0):
        style = {"arrowstyle": "-|>,head_width=0.28,head_length=0.5", "shrinkA": 0, "shrinkB": 0, "linewidth": 2.0}
        axes.annotate("", stop, start, arrowprops=style | {"color": colour, "connectionstyle": f"arc3,rad={bend}"})

    into_motor = edge("motor", -1)[0]
    for sense in ("sight", "touch"):
        x, y = edge(sense, -1)
        wire((-0.1, y), (x, y), BLACK)
        axes.text(-0.2, y, {"sight": "eye", "touch": "skin"}[sense], ha="right", va="center", fontsize=11)
        up = 0.2 if sense == "sight" else -0.2
        wire(edge(sense, 1, -up), edge("heteromodal", -1, up), _COLOURS[sense])
        wire(edge(sense, 1, up), (into_motor, y + up), _COLOURS[sense])
    wire(edge("heteromodal", 1), (into_motor, at["heteromodal"][1]), _COLOURS["heteromodal"])
    wire((0.5, at["touch"][1]), edge("reflex", -1), _COLOURS["reflex"], 0.35)
    wire(edge("reflex", 1), (into_motor, at["reflex"][1] + 0.6), _COLOURS["reflex"], 0.2)
    for zone, (x, y) in at.items():
        width, height = size[zone]
        corner = (x - 0.5 * width, y - 0.5 * height)
        axes.add_patch(FancyBboxPatch(
            corner, width, height, "round,pad=0,rounding_size=0.2", facecolor=_COLOURS[zone], edgecolor=BLACK, zorder=3
        ))  # fmt: skip
        ink = BLACK if zone in ("touch", "motor") else "white"
        axes.text(x, y, zone, ha="center", va="center", color=ink, fontsize=11, weight="bold", zorder=4)
    for name, y in zip(abilities, (at["sight"][1], at["touch"][1], at["heteromodal"][1], 1.3), strict=True):
        wire((edge("motor", 1)[0], y), (9.3, y), BLACK)
        axes.text(9.4, y, name, va="center", fontsize=11)
    notes = {"unimodal": (2.6, 6.0), "both senses": (5.4, 4.68), "short path": (4.7, 0.15)}
    for words, (x, y) in notes.items():
        axes.text(x, y, words, ha="center", va="center", color=GREY, fontsize=10.5)


def losses(axes, mean, spread, silenced, abilities, *, title: str) -> None:
    """What each lesion takes of each ability, dark when all of it, with the number and its spread in each cell.

    Args:
      axes: where to draw.
      mean, spread: (lesions, abilities) mean and standard deviation over seeds of the share lost; 1 is down to chance.
      silenced: names of the rows.
      abilities: names of the columns.
      title: of the panel.
    """
    axes.imshow(mean, cmap="Blues", vmin=0, vmax=1.15, aspect="auto")
    for (i, j), value in np.ndenumerate(mean):
        ink = "white" if value > 0.6 else BLACK
        value, give = round(float(value), 2) + 0.0, spread[i, j]
        axes.text(j, i - 0.08, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=13)
        axes.text(j, i + 0.22, f"\N{PLUS-MINUS SIGN}{give:.2f}", ha="center", va="center", color=ink, fontsize=9.5)
    axes.set_xticks(range(len(abilities)), [name.replace(" ", "\n") for name in abilities])
    axes.set_yticks(range(len(silenced)), silenced)
    axes.set_xlabel("share of each ability that is lost")
    axes.set_title(title)
    axes.grid(False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
