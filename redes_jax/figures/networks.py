"""Pictures of networks at work: kernels, feature maps, and the images that they misread."""

import numpy as np
from matplotlib.figure import Figure

from redes_jax.figures.style import BLACK, DIVERGING, RED, bare, panels


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


def convolution_story(image: np.ndarray, weights: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[Figure, object]:
    """An image, the kernels of the first layer, the maps of the first layer and those of the second, row under row.

    Args:
      image: (height, width).
      weights: (6, rows, columns) kernels.
      first: (6, height, width) maps.
      second: (16, height, width) maps.

    Returns:
      ``(figure, axes)``.
    """
    figure, axes = panels(4, 8, width=1.15, height=1.22)
    for panel in axes.ravel():
        bare(panel)
    axes[0, 0].imshow(image, cmap="gray_r")
    axes[0, 0].set_title("image", fontsize=10.5)
    kernels(axes[0, 2:], weights)
    axes[0, 2].set_title("kernels of layer 1", fontsize=10.5)
    maps(axes[1, 2:], first)
    axes[1, 2].set_title("maps of layer 1", fontsize=10.5)
    maps(axes[2:].ravel(), second)
    axes[2, 0].set_title("maps of layer 2", fontsize=10.5)
    return figure, axes


def mistakes(
    images: np.ndarray, right: np.ndarray, answered: np.ndarray, confidence: np.ndarray, columns: int = 8
) -> tuple[Figure, object]:
    """Misread images in a grid, each with its right class, the answer, and the probability given to the answer.

    Args:
      images: (n, height, width).
      right, answered: (n,) classes.
      confidence: (n,) probabilities.
      columns: of the grid.

    Returns:
      ``(figure, axes)``.
    """
    rows = max(1, -(-len(images) // columns))
    figure, axes = panels(rows, columns, width=1.2, height=1.5, squeeze=False)
    for panel in axes.ravel():
        bare(panel)
    for panel, image, truth, answer, share in zip(axes.ravel(), images, right, answered, confidence, strict=False):
        panel.imshow(image, cmap="gray_r")
        panel.set_title(f"{truth}", fontsize=12, loc="left", color=BLACK)
        panel.set_title(f"{answer}  {share:.0%}", fontsize=11, loc="right", color=RED, weight="normal")
    return figure, axes
