"""How games are drawn: shapes by the signed distance of a pixel to their outline, boards as a mosaic of tiles.

A distance is negative inside a shape; :func:`paint` covers a pixel by the share of it that lies inside, so that edges
are smooth. Everything is NumPy: pictures are made once, after the game.
"""

import numpy as np


def plane(height: int, width: int, scale: float, *, left: float, bottom: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the centres of pixels, x to the right and y upwards.

    Args:
      height, width: of the picture in pixels.
      scale: pixels a unit of length.
      left, bottom: coordinates of the picture's lower left corner.

    Returns:
      ``(x, y)``, each (height, width).
    """
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32) + 0.5
    return left + columns / scale, bottom + (height - rows) / scale


def box(x, y, half_width, half_height):
    """Distance to an upright rectangle about the origin."""
    return np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)


def bar(x, y, start, end, radius):
    """Distance to a bar with round ends, from the point ``start`` to the point ``end``."""
    along, across = np.subtract(end, start)
    share = ((x - start[0]) * along + (y - start[1]) * across) / max(along**2 + across**2, 1e-12)
    share = np.clip(share, 0, 1)
    return np.hypot(x - start[0] - share * along, y - start[1] - share * across) - radius


def disc(x, y, centre, radius):
    """Distance to a disc."""
    return np.hypot(x - centre[0], y - centre[1]) - radius


def paint(picture, distance, colour, scale):
    """The picture with a shape filled in.

    Args:
      picture: (height, width, 3).
      distance: (height, width) to the shape's outline.
      colour: (3,), or (height, width, 3).
      scale: pixels a unit of length.
    """
    cover = np.clip(0.5 - distance * scale, 0, 1)[..., None]
    return picture + cover * (np.asarray(colour, np.float32) - picture)


def tile(scale: int, background, colour=None, *, size: float = 0.92, roundness: float = 0.25) -> np.ndarray:
    """One cell of a board: a square with round corners on its background; a ``roundness`` of 1 is a disc.

    Args:
      scale: pixels a side.
      background: colour of the board.
      colour: of the piece; None leaves the cell empty.
      size: of the piece, as a share of the cell.
      roundness: radius of its corners, as a share of half its size.

    Returns:
      (scale, scale, 3) of uint8.
    """
    picture = np.broadcast_to(np.asarray(background, np.float32), (scale, scale, 3))
    if colour is not None:
        x, y = plane(scale, scale, scale, left=-0.5, bottom=-0.5)
        radius = roundness * size / 2
        corner = np.maximum(np.abs(np.stack([x, y])) - (size / 2 - radius), 0)
        picture = paint(picture, np.hypot(*corner) - radius, colour, scale)
    return np.rint(picture).astype(np.uint8)


def mosaic(kinds: np.ndarray, tiles: np.ndarray) -> np.ndarray:
    """A film of a board, all its frames at once.

    Args:
      kinds: (frames, rows, columns), the number of the tile that lies in each cell.
      tiles: (kinds, scale, scale, 3).

    Returns:
      (frames, rows * scale, columns * scale, 3).
    """
    frames, rows, columns = kinds.shape
    scale = tiles.shape[1]
    laid = tiles[kinds].transpose(0, 1, 3, 2, 4, 5)
    return laid.reshape(frames, rows * scale, columns * scale, 3)
