"""Pictures of two adversaries: clouds of samples, modes covered, what the discriminator believes."""

import numpy as np

from redes_jax.figures.style import BLUE, COLOURS, GREEN, GREY, ORANGE, band

_DATA, _FAKE = (178, 184, 193), (213, 94, 0)


def cloud(axes, samples: np.ndarray, real: np.ndarray) -> None:
    """Generated samples over real ones in the plane.

    Args:
      axes: where to draw.
      samples, real: (n, 2).
    """
    reach = 1.35 * np.abs(real).max()
    axes.scatter(*real.T, s=14, color="#C6CBD2", linewidths=0)
    axes.scatter(*samples.T, s=5, color=ORANGE, alpha=0.55, linewidths=0)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set(visible=True, color="#DADDE2")


def through_training(axes, step, samples: dict[int, np.ndarray]) -> None:
    """A quantity through training, a colour for each dimension of the noise: dimension -> (seeds, points)."""
    for (latent, values), colour in zip(samples.items(), COLOURS, strict=False):
        band(axes, step, values, label=str(latent), colour=colour)
    axes.set(xlabel="step")
    axes.legend(title="noise", loc="lower right", frameon=False)


def beliefs(axes, step, real: np.ndarray, fake: np.ndarray) -> None:
    """The discriminator's mean belief in real and in generated samples, each (seeds, points)."""
    band(axes, step, real, label="in real samples", colour=BLUE)
    band(axes, step, fake, label="in generated ones", colour=ORANGE)
    axes.axhline(0.5, color=GREY, linestyle=":")
    axes.set(xlabel="step", ylabel="discriminator's belief", ylim=(0, 1))
    axes.legend(loc="upper right", frameon=False)


def best_discriminator(axes, x, p, q, best, learned) -> None:
    """A learned discriminator beside the best one, over the densities it tells apart; all (points,)."""
    axes.fill_between(x, p, color=BLUE, alpha=0.18, linewidth=0, label="data p")
    axes.fill_between(x, q, color=ORANGE, alpha=0.22, linewidth=0, label="generator q")
    axes.plot(x, best, color=GREY, linewidth=5, alpha=0.6, label="p / (p + q)")
    axes.plot(x, learned, color=GREEN, label="learned D")
    axes.set(xlabel="x", ylabel="density, belief", xlim=(x[0], x[-1]), ylim=(0, 1.05))
    axes.legend(loc="upper left", frameon=False)


def cloud_frames(samples: np.ndarray, real: np.ndarray, *, side: int = 300, hold: int = 8) -> np.ndarray:
    """Frames of generated samples over real ones.

    Args:
      samples: (time, n, 2).
      real: (m, 2).
      side: pixels.
      hold: times the last frame is shown.

    Returns:
      uint8 (time, side, side, 3).
    """
    reach = 1.35 * np.abs(real).max()
    canvas = np.full((side, side, 3), 255, np.uint8)
    _dots(canvas, real, reach, 3, _DATA)
    frames = np.repeat(canvas[None], len(samples), axis=0)
    for frame, cloud in zip(frames, samples, strict=True):
        _dots(frame, cloud, reach, 1, _FAKE)
    return np.concatenate([frames, frames[-1:].repeat(hold, 0)])


def _dots(canvas, points, reach, radius, colour):
    side = len(canvas)
    column, row = np.round((points * [1, -1] / reach + 1) / 2 * (side - 1)).astype(int).T
    across, down = np.mgrid[-radius : radius + 1, -radius : radius + 1].reshape(2, -1)
    disc = across**2 + down**2 <= radius**2 + 1
    for dx, dy in zip(across[disc], down[disc], strict=True):
        x, y = column + dx, row + dy
        inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
        canvas[y[inside], x[inside]] = colour
