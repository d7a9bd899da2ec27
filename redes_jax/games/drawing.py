"""How games are drawn: shapes by the signed distance of a pixel to their outline, boards as a mosaic of tiles, carts with poles.

A distance is negative inside a shape; :func:`paint` covers a pixel by the share of it that lies inside, so that edges
are smooth. Everything is NumPy: pictures are made once, after the game.
"""

from typing import NamedTuple

import numpy as np

ORANGE, GREEN = (230, 159, 0), (0, 158, 115)
_SKY, _GROUND, _CART, _HINGE, _MARK = (250, 250, 248), (84, 90, 99), (0, 114, 178), (34, 34, 34), (213, 94, 0)


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


class Pole(NamedTuple):
    """A pole on a cart.

    Args:
      offset: of its hinge from the middle of the cart, m.
      angles: (frames,), from the upright to the right, rad.
      length, radius: m.
      colour: (3,).
    """

    offset: float
    angles: np.ndarray
    length: float
    radius: float
    colour: tuple[int, int, int]


def carts(position: np.ndarray, poles: list[Pole], track: float, width: int) -> np.ndarray:
    """A film of a cart that carries poles along a track.

    Args:
      position: (frames,), of the middle of the cart, m.
      poles: what it carries.
      track: its ends are marked so far from the middle, m.
      width: of a picture in pixels; its height is a third of that.

    Returns:
      (frames, width / 3, width, 3) of uint8.
    """
    scale, height, ground = width / (2.5 * track), width // 3, 0.25
    x, y = plane(height, width, scale, left=-width / 2 / scale, bottom=0)
    backdrop = np.broadcast_to(np.asarray(_SKY, np.float32), (height, width, 3))
    backdrop = paint(backdrop, np.abs(y - ground) - 0.012, _GROUND, scale)
    for end in (-track, track):
        backdrop = paint(backdrop, box(x - end, y - ground, 0.02, 0.10), _MARK, scale)
    hinge, frames = ground + 0.30, []
    for number, middle in enumerate(np.asarray(position, np.float32)):
        frame = paint(backdrop, box(x - middle, y - ground - 0.19, 0.25, 0.09) - 0.03, _CART, scale)
        for wheel in (-0.16, 0.16):
            frame = paint(frame, disc(x, y, (middle + wheel, ground + 0.07), 0.07), _HINGE, scale)
        for pole in poles:
            foot, angle = middle + pole.offset, pole.angles[number]
            tip = foot + pole.length * np.sin(angle), hinge + pole.length * np.cos(angle)
            frame = paint(frame, bar(x, y, (foot, hinge), tip, pole.radius), pole.colour, scale)
            frame = paint(frame, disc(x, y, (foot, hinge), 0.03), _HINGE, scale)
        frames.append(np.rint(frame).astype(np.uint8))
    return np.stack(frames)
