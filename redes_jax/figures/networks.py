"""Pictures of networks at work: kernels, feature maps, and the images that they misread."""

import numpy as np

from redes_jax.figures.style import DIVERGING, RED, bare


def kernels(axes, weights: np.ndarray) -> None:
    """One kernel a panel, red where it excites and blue where it inhibits, all on one scale.

    Args:
      axes: one panel a kernel.
      weights: (kernels, height, width).
    """
    limit = np.abs(weights).max()
    for panel, kernel in zip(axes, weights, strict=True):
        panel.imshow(kernel, cmap=DIVERGING, vmin=-limit, vmax=limit)
        bare(panel)


def maps(axes, values: np.ndarray) -> None:
    """One feature map a panel, each on its own scale around zero.

    Args:
      axes: one panel a map.
      values: (maps, height, width).
    """
    for panel, value in zip(axes, values, strict=True):
        limit = max(np.abs(value).max(), 1e-12)
        panel.imshow(value, cmap=DIVERGING, vmin=-limit, vmax=limit)
        bare(panel)


def convolution_story(axes, image: np.ndarray, weights: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
    """An image, the kernels of the first layer, its maps, and the maps of the second layer, row under row.

    Args:
      axes: (4, 8) panels.
      image: (height, width).
      weights: (6, rows, columns) kernels.
      first: (6, height, width) maps.
      second: (16, height, width) maps.
    """
    for panel in axes.ravel():
        bare(panel)
    axes[0, 0].imshow(image, cmap="gray_r")
    kernels(axes[0, 2:], weights)
    maps(axes[1, 2:], first)
    maps(axes[2:].ravel(), second)
    for panel, title in (
        (axes[0, 0], "image"),
        (axes[0, 2], "kernels of layer 1"),
        (axes[1, 2], "maps of layer 1"),
        (axes[2, 0], "maps of layer 2"),
    ):
        panel.set_title(title, fontsize=10.5, loc="left")


def mistakes(axes, images: np.ndarray, right: np.ndarray, answered: np.ndarray, confidence: np.ndarray) -> None:
    """Misread images, each with its right class, an arrow to the answer, and the probability given to the answer.

    Args:
      axes: panels, at least one an image.
      images: (n, height, width).
      right, answered: (n,) classes.
      confidence: (n,) probabilities.
    """
    for panel in axes.ravel():
        bare(panel)
    for panel, image, truth, answer, share in zip(axes.ravel(), images, right, answered, confidence, strict=False):
        panel.imshow(image, cmap="gray_r")
        panel.set_title(f"{truth} \N{RIGHTWARDS ARROW} {answer}", fontsize=12, loc="center")
        panel.set_xlabel(f"{share:.0%}", fontsize=10.5, color=RED, labelpad=2)
