"""SWC files: a neuron traced under the microscope, one point a line with the point that it hangs on.

    number kind x y z radius parent            um; kind 1 soma, 2 axon, 3 dendrite, 4 apical dendrite; parent -1: the root

    >>> from redes_jax.neurons.swc import sections
    >>> [section.kind for section in sections("1 1 0 0 0 5 -1\\n2 3 9 0 0 1 1\\n3 3 40 0 0 1 2", longest=20.0)]
    ['soma', 'dendrite']

Reference: Cannon, Turner, Pyapali & Wheal, J. Neurosci. Methods 84:49 (1998).
"""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from redes_jax.neurons.morphology import Morphology, Section, cut

KINDS = {1: "soma", 2: "axon", 3: "dendrite", 4: "apical"}


class Point(NamedTuple):
    """A traced point: the line of the file that it stands on, its kind, where (um), how thick, and its parent's number."""

    line: int
    kind: str
    x: float
    y: float
    z: float
    diameter: float
    parent: int


def read(path: Path | str, *, longest: float = 25.0, resistivity: float = 100.0) -> Morphology:
    """A traced neuron, cut into compartments.

    Args:
      path: of the file.
      longest: that a compartment may be, um.
      resistivity: of the inside, ohm cm.
    """
    try:
        return cut(sections(Path(path).read_text(encoding="utf-8", errors="replace"), longest=longest), resistivity)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def points(text: str) -> dict[int, Point]:
    """The points by number.

    Raises:
      ValueError: naming the line that is not seven numbers, repeats a number, has no such parent, is in a cycle, is a
        second root, or has no thickness.
    """
    found: dict[int, Point] = {}
    for line, row in enumerate(text.splitlines(), 1):
        words = row.split("#")[0].split()
        if not words:
            continue
        try:
            number, kind, parent = int(words[0]), int(words[1]), int(words[6])
            x, y, z, radius = map(float, words[2:6])
        except (ValueError, IndexError):
            raise ValueError(
                f"line {line}: {row.strip()!r} is not 'number kind x y z radius parent' (seven numbers)"
            ) from None
        if number in found:
            raise ValueError(f"line {line}: point {number} stands on line {found[number].line} already")
        if not radius > 0:
            raise ValueError(f"line {line}: the radius is {radius}: above 0")
        found[number] = Point(line, KINDS.get(kind, f"kind {kind}"), x, y, z, 2.0 * radius, parent)
    if not found:
        raise ValueError("no points: every line is empty or a comment")
    for point in found.values():
        if point.parent != -1 and point.parent not in found:
            raise ValueError(f"line {point.line}: its parent {point.parent} is no point of the file")
    roots = [point for point in found.values() if point.parent == -1]
    if len(roots) > 1:
        raise ValueError(
            f"line {roots[1].line}: a second root, the first is on line {roots[0].line}: join them or split"
        )
    _no_cycle(found)
    return found


def _no_cycle(found):
    safe: set[int] = {-1}
    for number in found:
        path: list[int] = []
        while number not in safe:
            if number in path:
                raise ValueError(f"line {found[number].line}: point {number} is its own ancestor: a cycle")
            path.append(number)
            number = found[number].parent
        safe.update(path)


def sections(text: str, *, longest: float = 25.0) -> list[Section]:
    """Unbranched runs of one kind.

    A run begins at the point that it hangs on, there as thick as its parent if both are of a kind, else as its own first
    point. A soma of a single point is a cylinder as long as wide (a sphere's area), left in its middle.

    Args:
      text: of the file.
      longest: that a compartment may be, um.
    """
    found = points(text)
    children: dict[int, list[int]] = {number: [] for number in found}
    for number, point in found.items():
        if point.parent != -1:
            children[point.parent].append(number)
    made: list[Section] = []

    def follow(start):
        run = [start]
        while len(children[run[-1]]) == 1 and found[children[run[-1]][0]].kind == found[start].kind:
            run.append(children[run[-1]][0])
        return run

    def place(run, parent, at, begin=None):
        """Add a section; returns where what hangs on its end is joined."""
        kind = found[run[0]].kind
        rows = [found[number][2:6] for number in run]
        if begin is not None:
            diameter = found[begin].diameter if found[begin].kind == kind else found[run[0]].diameter
            rows.insert(0, (*found[begin][2:5], diameter))
        path = np.array(rows)
        length = np.linalg.norm(np.diff(path[:, :3], axis=0), axis=1).sum()
        if length == 0:
            return parent, at
        size = max(1, math.ceil(length / longest - 1e-9))
        made.append(Section(kind, parent=parent, at=at, compartments=size, points=path))
        return len(made) - 1, 1.0

    (root,) = (number for number, point in found.items() if point.parent == -1)
    run = follow(root)
    alike = [number for number in children[root] if found[number].kind == found[root].kind]
    waiting = []
    if len(run) > 1:
        end = place(run, -1, 1.0)
        waiting += [(number, run[-1], *end) for number in children[run[-1]]]
    elif alike:  # the root is a branch point
        run = follow(alike[0])
        end = place([root, *run], -1, 1.0)
        waiting += [(number, run[-1], *end) for number in children[run[-1]]]
        waiting += [(number, root, 0, 0.0) for number in children[root] if number != alike[0]]
    else:
        x, y, z, diameter = found[root][2:6]
        path = np.array([(x, y - diameter / 2, z, diameter), (x, y + diameter / 2, z, diameter)])
        made.append(Section(found[root].kind, points=path))
        waiting += [(number, root, 0, 0.5) for number in children[root]]
    while waiting:
        start, begin, parent, at = waiting.pop()
        run = follow(start)
        end = place(run, parent, at, begin)
        waiting += [(number, run[-1], *end) for number in children[run[-1]]]
    return made
