"""Pictures of players of video games: learning curves between two marks, what a player expects, and films."""

from collections.abc import Sequence

import numpy as np

from redes_jax.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, band

LEARNER = {"ga": (ORANGE, "genetic algorithm"), "openes": (BLUE, "OpenES"), "dqn": (PURPLE, "DQN")}


def curves(axes, frames: np.ndarray, scores: dict[str, np.ndarray], *, random: float, expert: float | None) -> None:
    """Score against frames played, median and quartiles over seeds, with a random and a hand-written player as marks.

    Args:
      axes: where to draw.
      frames: (rounds,) frames played by then.
      scores: learner -> (seeds, rounds).
      random, expert: mean scores of the two marks; no mark for an expert of None.
    """
    unit, name = (1e6, "million ") if frames[-1] >= 2e6 else (1e3, "thousand ")
    for mark, label in ((expert, "written by hand"), (random, "random")):
        if mark is not None:
            axes.axhline(mark, color=GREY, linewidth=1.2, linestyle="--", zorder=1)
            axes.annotate(
                label, (1, mark), xycoords=axes.get_yaxis_transform(), xytext=(-4, 3), textcoords="offset points",
                ha="right", va="bottom", color=GREY, fontsize=10,
            )  # fmt: skip
    for learner, samples in scores.items():
        colour, label = LEARNER[learner]
        band(axes, frames / unit, samples, label=label, colour=colour)
    most = max([random, expert or 0, *(samples.max() for samples in scores.values())])
    axes.set(xlabel=f"{name}frames played", ylabel="score", xlim=(0, frames[-1] / unit), ylim=(0, 1.12 * most))


def final(axes, scores: dict[str, np.ndarray], *, random: float, expert: float | None) -> None:
    """Score of the chosen player of each seed on fresh episodes, one dot a seed, with the marks.

    Args:
      axes: where to draw.
      scores: learner -> (seeds,).
      random, expert: as in :func:`curves`.
    """
    for mark in (random, expert):
        if mark is not None:
            axes.axhline(mark, color=GREY, linewidth=1.2, linestyle="--", zorder=1)
    for place, (learner, samples) in enumerate(scores.items()):
        colour, _ = LEARNER[learner]
        aside = np.linspace(-0.16, 0.16, len(samples)) if len(samples) > 1 else np.zeros(1)
        axes.plot(place + aside, np.sort(samples), "o", color=colour, markersize=7, alpha=0.8)
        axes.plot([place - 0.28, place + 0.28], [np.median(samples)] * 2, color=colour, linewidth=3)
    names = [{"ga": "GA", "openes": "OpenES", "dqn": "DQN"}[learner] for learner in scores]
    axes.set_xticks(range(len(names)), names)
    axes.set(xlim=(-0.6, len(names) - 0.4))
    axes.grid(axis="x", visible=False)
    axes.tick_params(labelleft=False)
    axes.tick_params(axis="x", labelsize=10)


def expectation(axes, estimate: np.ndarray, came: np.ndarray, rewards: np.ndarray) -> None:
    """What a player expected at each frame of an episode, and what came.

    Args:
      axes: where to draw.
      estimate: (frames,) its value of the action that it chose.
      came: (frames,) the discounted sum of the rewards that followed.
      rewards: (frames,) rewards, drawn as ticks below.
    """
    frames = np.arange(len(estimate))
    axes.plot(frames, came, color=GREEN, linewidth=2.2, label="what came")
    axes.plot(frames, estimate, color=PURPLE, linewidth=1.6, label="what the network expected")
    most = max(estimate.max(), came.max(), 1e-6)
    axes.plot(frames[rewards > 0], np.full((rewards > 0).sum(), 0.015 * most), "|", color=BLACK, markersize=9)
    axes.set(xlabel="frame", ylabel="discounted rewards ahead", xlim=(0, len(frames) - 1), ylim=(0, 1.25 * most))
    axes.legend(loc="upper right", ncols=2)


def film(clips: Sequence[np.ndarray], labels: Sequence[Sequence[str]], header: int = 26) -> np.ndarray:
    """Clips side by side, each under its label; a clip that ends early stands still.

    Args:
      clips: each (frames, height, width, 3) of uint8, all of one height.
      labels: for each clip, a text for each of its frames.
      header: height of the strip for the text, in pixels.

    Returns:
      (frames of the longest, height + header, widths and gaps together, 3) of uint8.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(max(11, header // 2))
    length, gap = max(len(clip) for clip in clips), 8
    columns = []
    for clip, texts in zip(clips, labels, strict=True):
        frames = np.full((len(clip), clip.shape[1] + header, clip.shape[2] + gap, 3), 255, np.uint8)
        frames[:, header:, :-gap] = clip
        for frame, text in zip(frames, texts, strict=True):
            strip = Image.fromarray(frame[:header])
            ImageDraw.Draw(strip).text((2, header // 5), text, fill=(34, 34, 34), font=font)
            frame[:header] = np.asarray(strip)
        columns.append(frames[np.minimum(np.arange(length), len(frames) - 1)])
    return np.concatenate(columns, axis=2)[:, :, :-gap]
