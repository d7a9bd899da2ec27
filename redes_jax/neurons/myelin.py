"""Myelin: an axon wrapped in sheets of membrane, bare only at the nodes of Ranvier.

Sheets lie in series. Under ``n`` double layers capacitance and leak are those of one membrane over ``1 + 2 n``; so the
current of one node charges the next, a millimetre on, almost at once, and the spike leaps. Nothing but the wrap and the
density of channels differs from a bare axon.

A fibre of outer diameter D has an axon of ``g_ratio * D`` inside, and its nodes ``100 D`` apart: what is then the same
picture for every D but for the length of a node, so that velocity grows about as D (Rushton 1951).

References: Rushton, J. Physiol. 115:101 (1951); Goldman & Albus, Biophys. J. 8:596 (1968).
"""

import numpy as np

from redes_jax.neurons.cable import Tree, TreeParams
from redes_jax.neurons.morphology import Morphology, Section, cut

PERIOD = 0.0159  # um of myelin that one turn, two membranes, takes


def fibre(
    diameter: float, nodes: int, *, g_ratio: float = 0.6, spacing: float = 100.0, node: float = 2.0,
    compartments: int = 8, resistivity: float = 70.0,
) -> Morphology:  # fmt: skip
    """Nodes of Ranvier and the internodes between them; kinds "node" and "internode".

    Args:
      diameter: of the fibre with its myelin, um.
      nodes: how many.
      g_ratio: diameter of the axon over that of the fibre.
      spacing: distance between nodes in diameters of the fibre.
      node: length of a node, um.
      compartments: in an internode.
      resistivity: of the axoplasm, ohm cm.
    """
    if nodes < 2 or not 0 < g_ratio < 1:
        raise ValueError(f"{nodes} nodes and a g-ratio of {g_ratio}: at least 2, and between 0 and 1")
    axon, sections = g_ratio * diameter, [Section("node", node, g_ratio * diameter)]
    for i in range(nodes - 1):
        sections.append(Section("internode", spacing * diameter - node, axon, 2 * i, 1.0, compartments))
        sections.append(Section("node", node, axon, 2 * i + 1))
    return cut(sections, resistivity)


def membranes(diameter, g_ratio=0.6):
    """How many membranes lie in series under the myelin of a fibre: the axon's own, and two for each turn."""
    return 1.0 + (1.0 - g_ratio) * diameter / PERIOD


def wrapped(
    tree: Tree, cell: Morphology, diameter, *, g_ratio=0.6, density=10.0, leak=0.3, rate_factor=1.0
) -> TreeParams:
    """A tree's numbers with channels at the nodes alone and a wrap between them.

    Args:
      tree: of the cell's wiring and any membrane that has a channel "leak".
      cell: from :func:`fibre`.
      diameter, g_ratio: of the fibre, as there.
      density: of the node's channels over those of the membrane's defaults: nodes are crowded with them.
      leak: of a single bare membrane between the nodes, mS/cm2.
      rate_factor: of all gates, for temperature.
    """
    node, layers = cell.on("node"), membranes(diameter, g_ratio)
    numbers = tree.membrane.params()
    conductance = {name: density * g * node for name, g in numbers.conductance.items()}
    conductance["leak"] = conductance["leak"] + leak / layers * (1.0 - node)
    params = tree.params(cell.geometry, **conductance)
    capacitance = np.where(node > 0, 1.0, 1.0 / layers) * numbers.capacitance
    return params._replace(membrane=params.membrane._replace(capacitance=capacitance, rate_factor=rate_factor))
