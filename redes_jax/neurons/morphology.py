"""Shapes of neurons: sections cut into compartments, those of the textbook, and those traced under a microscope (SWC).

A section is an unbranched piece of a neuron. :func:`cut` divides sections into compartments of equal length, and sums the
area and the resistance of the truncated cones between their points, as NEURON does:

    >>> from redes_jax.neurons.cable import Tree
    >>> from redes_jax.neurons.membrane import SQUID
    >>> from redes_jax.neurons.morphology import Section, cut
    >>> cell = cut([Section("soma", 20.0, 20.0), Section("axon", 500.0, 1.0, parent=0, compartments=10)])
    >>> tree, params = Tree(SQUID, cell.wiring), Tree(SQUID, cell.wiring).params(cell.geometry)
    >>> int(cell.on("axon").sum())
    10

The types by the number of processes that leave the soma are :func:`unipolar`, :func:`bipolar`, :func:`multipolar` and
:func:`axonless` (no process that could be told an axon, as in amacrine cells of the retina); their sizes are round
numbers of the right order, not measurements.

Reference: Cannon, Turner, Pyapali & Wheal, J. Neurosci. Methods 84:49 (1998), for the SWC format.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from redes_jax.neurons.cable import Geometry, Wiring, joined


class Section(NamedTuple):
    """An unbranched piece of a neuron, of one kind.

    Args:
      kind: "soma", "axon", "dendrite", or any other name.
      length, diameter: um; ignored where points are given.
      parent: the number of the section that it hangs on, before it in order; -1 for the first.
      at: where on it: 1 the far end, 0.5 the middle, 0 the near end.
      compartments: to cut it into.
      angle: in which direction it is drawn, degrees.
      points: (points, 4) x, y, z and diameter along it, um, in place of a cylinder.
    """

    kind: str
    length: float = 0.0
    diameter: float = 0.0
    parent: int = -1
    at: float = 1.0
    compartments: int = 1
    angle: float = 0.0
    points: Any = None


class Morphology(NamedTuple):
    """A neuron cut into compartments.

    Args:
      wiring: for ``cable.Tree``.
      geometry: for ``Tree.params``; NumPy arrays over compartments.
      kinds: of each compartment.
      section: (compartments,) the number of the section that each belongs to.
      line: (compartments, 2, 3) where each begins and ends, um.
      diameter: (compartments,) mean, um.
      distance: (compartments,) of each middle from the near end of the first, along the tree, um.
    """

    wiring: Wiring
    geometry: Geometry
    kinds: tuple[str, ...]
    section: np.ndarray
    line: np.ndarray
    diameter: np.ndarray
    distance: np.ndarray

    def on(self, *kinds: str) -> np.ndarray:
        """1.0 where a compartment is of one of these kinds, else 0.0: ``sodium=120.0 * cell.on("axon")``."""
        if missing := set(kinds) - set(self.kinds):
            raise ValueError(f"no compartment is of kind {sorted(missing)}: there are {sorted(set(self.kinds))}")
        return np.isin(self.kinds, kinds).astype(float)

    def last(self, section: int) -> int:
        """The number of the last compartment of a section."""
        return int(np.flatnonzero(self.section == section)[-1])


def cut(sections: Sequence[Section], resistivity: float = 100.0) -> Morphology:
    """Divide sections into compartments.

    Args:
      sections: from the root outwards.
      resistivity: of the inside, ohm cm.

    Raises:
      ValueError: naming the section that has no size, no compartments, or a parent that does not come before it.
    """
    first, parents, places, rows = [], [], [], []
    ends: list[tuple[np.ndarray, np.ndarray]] = []  # where each section begins and ends
    reach: list[tuple[float, float]] = []  # how far from the root
    for number, section in enumerate(sections):
        parent, size = section.parent, section.compartments
        if not (0 <= parent < number or number == 0 and parent == -1):
            raise ValueError(f"section {number} hangs on {parent}: the first has parent -1, every other one before it")
        if size < 1:
            raise ValueError(f"section {number} has {size} compartments: at least 1")
        if parent < 0:
            start, before = np.zeros(3), 0.0
        else:
            start = ends[parent][0] + section.at * (ends[parent][1] - ends[parent][0])
            before = reach[parent][0] + section.at * (reach[parent][1] - reach[parent][0])
        points = _points(number, section, start)
        area, proximal, distal, line, diameter, length = _measure(points, size)
        if parent < 0:
            parents.append(-1)
        else:
            held = sections[parent].compartments
            if section.at == 0.5 and held % 2 == 0:
                raise ValueError(
                    f"section {number} hangs on the middle of section {parent}, which has {held} compartments: an odd number"
                )
            parents.append(first[parent] + min(int(section.at * held), held - 1))
        places += [section.at, *[1.0] * (size - 1)]
        first.append(len(parents) - 1)
        parents += range(first[-1], first[-1] + size - 1)
        ends.append((points[0, :3], points[-1, :3]))
        reach.append((before, before + float(length)))
        middle = before + length * (np.arange(size) + 0.5) / size
        rows.append((area, proximal, distal, line, diameter, middle, np.full(size, number)))
    area, proximal, distal, line, diameter, distance, owner = (
        np.concatenate(parts) for parts in zip(*rows, strict=True)
    )
    kinds = tuple(sections[number].kind for number in owner)
    geometry = Geometry(area, proximal, distal, resistivity)
    return Morphology(joined(parents, places), geometry, kinds, owner, line, diameter, distance)


def _points(number, section, start):
    if section.points is not None:
        points = np.asarray(section.points, float)
    else:
        angle = math.radians(section.angle)
        far = start + section.length * np.array([math.cos(angle), math.sin(angle), 0.0])
        points = np.column_stack([[start, far], [section.diameter] * 2])
    if not (np.ptp(points[:, :3], axis=0).any() and (points[:, 3] > 0).all()):
        raise ValueError(f"section {number} ({section.kind}) needs a length and diameters above 0: {section}")
    return points


def _measure(points, size):
    """Area, the two half resistances and the ends of each of ``size`` compartments along truncated cones."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points[:, :3], axis=0), axis=1))])
    keep = np.concatenate([[True], np.diff(along) > 0])
    along, points = along[keep], points[keep]
    marks = np.linspace(0.0, along[-1], 2 * size + 1)  # ends and middles
    grid = np.unique(np.concatenate([along, marks]))
    radius = 0.5 * np.interp(grid, along, points[:, 3])
    height, r1, r2 = np.diff(grid), radius[:-1], radius[1:]
    half = np.searchsorted(marks, 0.5 * (grid[1:] + grid[:-1])) - 1
    area, resistance = np.zeros((2, 2 * size))
    np.add.at(area, half, math.pi * (r1 + r2) * np.hypot(height, r1 - r2))
    np.add.at(resistance, half, height / (math.pi * r1 * r2))
    area = area.reshape(-1, 2).sum(1)
    at = np.column_stack([np.interp(marks[::2], along, points[:, k]) for k in range(3)])
    line = np.stack([at[:-1], at[1:]], axis=1)
    return area, resistance[::2], resistance[1::2], line, area * size / (math.pi * along[-1]), along[-1]


def unbranched(length: float, diameter: float, compartments: int, resistivity: float = 100.0) -> Morphology:
    """A cylinder, an axon say; um and ohm cm."""
    return cut([Section("axon", length, diameter, compartments=compartments)], resistivity)


def branching(parent: int, first: int, angle: float, *, kind="dendrite", length=100.0, diameter=2.0, depth=2, fan=50.0):
    """A process that divides in two ``depth`` times, each pair of branches as wide as Rall's 3/2 power rule wants.

    Args:
      parent: the section that it hangs on; a soma is left in its middle, so ``at`` is 0.5 there.
      first: the number that its first section will have.
      angle: in which it leaves, degrees; ``fan`` is between two branches, and narrows outwards.

    Returns:
      A list of sections.
    """
    sections = [Section(kind, length, diameter, parent, 1.0, _several(length), angle)]
    if depth:
        for side in (-0.5, 0.5):
            sections += branching(
                first, first + len(sections), angle + side * fan, kind=kind, length=0.8 * length,
                diameter=diameter / 2 ** (2 / 3), depth=depth - 1, fan=0.8 * fan,
            )  # fmt: skip
    return sections


def _several(length, longest=25.0):
    return max(1, math.ceil(length / longest - 1e-9))


def unipolar(resistivity: float = 100.0) -> Morphology:
    """One process, which divides like a T: sensory neurons of the dorsal root ganglia."""
    soma, stem = Section("soma", 30.0, 30.0, angle=-90.0), Section("axon", 100.0, 3.0, 0, 1.0, 4, -90.0)
    arms = [Section("axon", 500.0, width, 1, 1.0, 20, angle) for width, angle in ((2.5, 180.0), (1.5, 0.0))]
    return cut([soma, stem, *arms], resistivity)


def bipolar(resistivity: float = 100.0) -> Morphology:
    """A dendrite on one side, an axon on the other: retina, smell, hearing."""
    sections = [Section("soma", 12.0, 10.0, angle=-90.0)]
    sections += [s._replace(at=0.0) if s.parent == 0 else s for s in branching(0, 1, 90.0, length=60.0, depth=2)]
    sections.append(Section("axon", 250.0, 1.0, 0, 1.0, 10, -90.0))
    sections += branching(len(sections) - 1, len(sections), -60.0, kind="axon", length=50.0, diameter=0.7, depth=0)
    sections += branching(len(sections) - 2, len(sections), -120.0, kind="axon", length=50.0, diameter=0.7, depth=0)
    return cut(sections, resistivity)


def multipolar(resistivity: float = 100.0, dendrites: int = 5) -> Morphology:
    """Several dendrites and one axon: motor neurons, pyramidal cells."""
    sections = _star(
        Section("soma", 30.0, 25.0, angle=-90.0), np.linspace(0.0, 180.0, dendrites), length=100.0, diameter=4.0
    )
    hillock = len(sections)
    sections.append(Section("hillock", 60.0, 4.0, 0, 1.0, 6, -90.0))
    sections.append(Section("axon", 500.0, 1.5, hillock, 1.0, 20, -90.0))
    for angle in (-60.0, -120.0):
        sections.append(Section("axon", 100.0, 1.0, hillock + 1, 1.0, 4, angle))
    return cut(sections, resistivity)


def axonless(resistivity: float = 100.0, dendrites: int = 6) -> Morphology:
    """Processes all alike, none of them an axon: amacrine cells."""
    angles = np.arange(dendrites) * 360.0 / dendrites
    return cut(_star(Section("soma", 12.0, 12.0, angle=-90.0), angles, length=70.0, diameter=1.5), resistivity)


def _star(soma, angles, **branch):
    sections = [soma]
    for angle in angles:
        root, *rest = branching(0, len(sections), float(angle), **branch)
        sections += [root._replace(at=0.5), *rest]
    return sections
