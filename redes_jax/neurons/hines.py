"""The linear equations of a tree, solved in O(nodes) work and about log2(nodes) rounds.

Kirchhoff's law at the nodes of a tree, an implicit step of time among them, has one unknown a node:

    s_i V_i + sum over neighbours j of g_ij (V_i - V_j) = b_i           s_i, g_ij >= 0

Hines (1984) eliminates leaf after leaf towards the root: as many steps as nodes, one after another. Here each round takes
out about half of the nodes at once: leaves and nodes on a stretch, no two of them neighbours. With T = s + g_p + g_c, the
conductances to parent and child, taking a node out is the star-mesh rule for resistors:

    s_p += s g_p / T      s_c += s g_c / T      g_pc = g_p g_c / T      b_p += b g_p / T      b_c += b g_c / T

and its potential follows later as V = (b + g_p V_p + g_c V_c) / T. What is left is a smaller tree. Nothing is ever
subtracted, so float32 does not suffer however large g is beside s, as it is where compartments are short. Each round is
arithmetic on whole rows: cells of the same shape lie along further axes and fill the processor's vectors.

References: Hines, Int. J. Bio-Med. Comput. 15:69 (1984); the ordering of rounds is the rake and compress of Miller &
Reif, FOCS 26:478 (1985).
"""

from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

CHILDREN_AT_ONCE = 2  # that a node gives up in one round: more pads every row, fewer adds rounds


class Round(NamedTuple):
    """One round's rows, among the nodes that are still there and, last, a node that stands for none.

    Args:
      out, stay: rows taken out and kept.
      child: the row of the only child of each that goes; the root's for a leaf, whose own conductance is zero.
      above: which of those that go was the parent of each that stays.
      below: which were its children, one array for each that it may lose.
      to_parent, to_child: rows of the neighbours of each that goes, among those that stay.
      order: where those that go and those that stay, joined, lie among all.
    """

    out: Any
    stay: Any
    child: Any
    above: Any
    below: tuple[Any, ...]
    to_parent: Any
    to_child: Any
    order: Any


@lru_cache
def rounds(parents: tuple[int, ...]) -> tuple[Round, ...]:
    """In which order the nodes of a tree are taken out.

    Args:
      parents: of each node, -1 for the first, which is the root.
    """
    parent, alive, plan = list(parents), list(range(len(parents))), []
    rows = partial(
        np.array, dtype=np.int32
    )  # JAX keeps a converted int64 by identity, also when float64 is switched on
    while len(alive) > 1:
        children = {i: [] for i in alive}
        for i in alive[1:]:
            children[parent[i]].append(i)
        going = _independent(alive, parent, children)
        out, stay = [i for i in alive if i in going], [i for i in alive if i not in going]
        none = len(out)
        row, left, kept = ({i: k for k, i in enumerate(names)} for names in (alive, out, stay))
        only = [children[i][0] if children[i] else alive[0] for i in out]
        lost = [[left[c] for c in children[i] if c in going] for i in stay]
        most = max(map(len, lost))
        plan.append(
            Round(
                out=rows([*(row[i] for i in out), len(alive)]),
                stay=rows([*(row[i] for i in stay), len(alive)]),
                child=rows([*(row[c] for c in only), 0]),
                above=rows([*(left.get(parent[i], none) for i in stay), none]),
                below=tuple(rows([*(c[k] if k < len(c) else none for c in lost), none]) for k in range(most)),
                to_parent=rows([kept[parent[i]] for i in out]),
                to_child=rows([kept[c] for c in only]),
                order=rows(np.argsort([row[i] for i in (*out, *stay)])),
            )
        )
        for i in stay:
            if parent[i] in going:
                parent[i] = parent[parent[i]]
        alive = stay
    return tuple(plan)


def _independent(alive, parent, children):
    """Nodes with at most one child, no two of them neighbours, chosen from the leaves up; never the root."""
    going, losing = set(), dict.fromkeys(alive, 0)
    for i in _leaves_first(alive, children):
        above, below = parent[i], children[i]
        if i == alive[0] or len(below) > 1 or any(c in going for c in below) or losing[above] == CHILDREN_AT_ONCE:
            continue
        going.add(i)
        losing[above] += 1
    return going


def _leaves_first(alive, children):
    reached = [alive[0]]
    for i in reached:
        reached.extend(children[i])
    return reached[::-1]


def solve(
    parents: tuple[int, ...],
    excess: Float[Array, "nodes ..."],
    coupling: Float[Array, "nodes ..."],
    right: Float[Array, "nodes ..."],
) -> Float[Array, "nodes ..."]:
    """V of s V + sum of g (V - V_j) = b, see the module's head.

    The matrix is symmetric: its derivative, forward or in reverse, is one more solve with the same factors.

    Args:
      parents: of each node, -1 for the first, which is the root; static.
      excess: s, at least one of them above zero.
      coupling: g between each node and its parent; zero for the root.
      right: b.
    """
    factors = _factorise(rounds(parents), *map(lax.stop_gradient, (excess, coupling)))
    return lax.custom_linear_solve(
        lambda voltage: excess * voltage - inflow(parents, coupling, voltage),
        right,
        lambda _, right: _substitute(rounds(parents), factors, right),
        symmetric=True,
    )


def inflow(
    parents: tuple[int, ...], coupling: Float[Array, "nodes ..."], voltage: Float[Array, "nodes ..."]
) -> Float[Array, "nodes ..."]:
    """The current that each node receives from its neighbours, sum of g (V_j - V); over a tree it adds up to zero."""
    above = np.array(parents[1:], np.int32)
    down = coupling[1:] * (voltage[above] - voltage[1:])
    return jnp.zeros_like(voltage).at[1:].add(down).at[above].add(-down)


def _factorise(plan, s, g):
    """``(1 / T, g_p / T, g_c / T)`` of every round, and s of the root."""
    # The row that stands for no node: what it gives away is nothing, and what it multiplies stays as it is.
    s, g = _extend(s, 0.0), _extend(g, 1.0)
    factors = []
    for turn in plan:
        s_out, g_parent, g_child = s[turn.out], g[turn.out], g[turn.child]
        inverse = 1.0 / (s_out + g_parent + g_child)
        to_parent, to_child = g_parent * inverse, g_child * inverse
        factors.append((inverse, to_parent, to_child))
        s = _passed_on(turn, s, s_out * to_parent, s_out * to_child)
        g = g[turn.stay] * to_parent[turn.above]
    return factors, s[:1]


def _substitute(plan, factors, b):
    weights, s_root = factors
    b, known = _extend(b, 0.0), []
    for turn, (inverse, to_parent, to_child) in zip(plan, weights, strict=True):
        b_out = b[turn.out]
        known.append((b_out * inverse)[:-1])
        b = _passed_on(turn, b, b_out * to_parent, b_out * to_child)
    voltage = b[:1] / s_root
    for turn, own, (_, to_parent, to_child) in zip(plan[::-1], known[::-1], weights[::-1], strict=True):
        out = own + to_parent[:-1] * voltage[turn.to_parent] + to_child[:-1] * voltage[turn.to_child]
        voltage = jnp.concatenate([out, voltage])[turn.order]
    return voltage


def _passed_on(turn, x, to_parent, to_child) -> Any:
    return sum((to_parent[below] for below in turn.below), x[turn.stay] + to_child[turn.above])


def _extend(x, value):
    return jnp.concatenate([x, jnp.full_like(x[:1], value)])
