"""The sending side of a synapse: calcium comes in with a spike, and vesicles are let go, or not.

A terminal has ``n`` release sites. A spike makes each site that holds a vesicle release it with probability ``p``; an empty site is
filled again with time constant ``recovery``. What the terminal remembers of earlier spikes makes ``p``:

    ShortTerm        u fades to 0, each spike adds U (1 - u), and p = u       (Tsodyks, Pawelzik & Markram 1998)
    CalciumTrigger   calcium c fades, each spike meets c plus a brief influx,   (Dodge & Rahamimoff 1967;
                     and p = c^4 / (c^4 + K^4)                                  Katz & Miledi 1968)

:func:`mean` follows the expected share of filled sites, and :func:`vesicles` every site; since sites are filled and emptied
independently of each other and ``p`` depends on the spikes alone, the mean of the second is the first, exactly. With nothing to
remember and immediate recovery, ``ShortTerm(p, recovery=0, facilitation=0)``, what is released is binomial(n, p) (del Castillo &
Katz 1954).

References: del Castillo & Katz, J. Physiol. 124:560 (1954); Dodge & Rahamimoff, J. Physiol. 193:419 (1967); Katz & Miledi, J.
Physiol. 195:481 (1968); Tsodyks & Markram, PNAS 94:719 (1997); Tsodyks, Pawelzik & Markram, Neural Computation 10:821 (1998).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from redes_jax import bits
from redes_jax.process import Process


class ShortTerm(NamedTuple):
    """Facilitation and depression by use (Tsodyks, Pawelzik & Markram 1998).

    Args:
      utilisation: U, what a spike after a long silence uses of what there is.
      recovery: ms in which used resources come back; the synapse depresses when it is long.
      facilitation: ms in which u fades; 0 for a synapse that does not facilitate.
    """

    utilisation: Any
    recovery: Any
    facilitation: Any = 0.0

    def fade(self, u, dt):
        """u after ``dt`` ms without a spike."""
        return u * _left(dt, self.facilitation)

    def spike(self, u):
        """``(u, p)`` at a spike."""
        u = u + self.utilisation * (1.0 - u)
        return u, u

    def steady(self, rate):
        """``(u, R)`` at each spike of an endless regular train of ``rate`` Hz: utilisation and what is there to use.

        ``u = U / (1 - (1 - U) f)`` and ``R = (1 - r) / (1 - (1 - u) r)``, with f and r what is left of facilitation and of
        emptiness after an interval. Released at each spike: ``u R``.
        """
        interval = 1000.0 / rate
        f, r = _left(interval, self.facilitation), _left(interval, self.recovery)
        u = self.utilisation / (1.0 - (1.0 - self.utilisation) * f)
        return u, (1.0 - r) / (1.0 - (1.0 - u) * r)


class CalciumTrigger(NamedTuple):
    """Release by the fourth power of calcium at the vesicle, and residual calcium that helps the next spike.

    Args:
      influx: calcium that a spike brings to the vesicle for a moment, uM.
      residue: what stays of it in the terminal, uM.
      clearance: ms in which the residue is pumped out.
      affinity: K, the calcium at which half of the vesicles go, uM.
      recovery: ms in which an empty site is filled.
    """

    influx: Any = 10.0
    residue: Any = 1.0
    clearance: Any = 100.0
    affinity: Any = 15.0
    recovery: Any = 500.0

    def fade(self, calcium, dt):
        """The residue after ``dt`` ms without a spike."""
        return calcium * _left(dt, self.clearance)

    def spike(self, calcium):
        """``(residue, p)`` at a spike."""
        fourth = ((calcium + self.influx) / self.affinity) ** 4
        return calcium + self.residue, fourth / (fourth + 1.0)


DEPRESSING = ShortTerm(utilisation=0.5, recovery=800.0)  # Tsodyks et al. 1998: pyramidal onto pyramidal
FACILITATING = ShortTerm(utilisation=0.03, recovery=130.0, facilitation=530.0)  # ... onto an inhibitory interneuron


class Terminal(NamedTuple):
    """What a terminal remembers (u, or residual calcium in uM), and its resources: the filled share, or which sites are."""

    memory: Any
    filled: Any


def mean(terminal: ShortTerm | CalciumTrigger, dt) -> Process:
    """The expected release. ``init(key, shape=())``; input: spike or not, of that shape; output: released share of all sites.

    Args:
      terminal: which law; its numbers may be arrays.
      dt: ms. Exact for spikes at the beginnings of steps.
    """

    def init(key, shape=()):
        del key
        return Terminal(jnp.zeros(shape), jnp.ones(shape))

    return Process(init, Partial(_mean, terminal, dt))


def vesicles(terminal: ShortTerm | CalciumTrigger, sites: int, dt) -> Process:
    """Every site by itself. ``init(key, shape=())``; input: spike or not, of that shape; output: vesicles released, an integer.

    Args:
      terminal: which law.
      sites: n of each terminal, at least 1.
      dt: ms.
    """
    if sites < 1:
        raise ValueError(f"sites is {sites}: a terminal has at least 1 release site")

    def init(key, shape=()):
        del key
        return Terminal(jnp.zeros(shape), jnp.ones((*shape, sites), bool))

    return Process(init, Partial(_vesicles, terminal, dt))


def _mean(terminal, dt, key, state, spike):
    del key
    memory, p = terminal.spike(state.memory)
    released = jnp.where(spike, p * state.filled, 0.0)
    memory = terminal.fade(jnp.where(spike, memory, state.memory), dt)
    filled = 1.0 - (1.0 - state.filled + released) * _left(dt, terminal.recovery)
    return Terminal(memory, filled), released


def _vesicles(terminal, dt, key, state, spike):
    memory, p = terminal.spike(state.memory)
    draw, refill = (bits.uniform(k, state.filled.shape) for k in jax.random.split(key))
    released = state.filled & (draw < p[..., None]) & spike[..., None]
    memory = terminal.fade(jnp.where(spike, memory, state.memory), dt)
    filled = (state.filled & ~released) | (refill >= _left(dt, terminal.recovery))
    return Terminal(memory, filled), released.sum(-1)


def _left(time, tau):
    """What is left after ``time`` of what fades with time constant ``tau``: nothing when that is 0."""
    some = jnp.asarray(tau) > 0
    return jnp.where(some, jnp.exp(-time / jnp.where(some, tau, 1.0)), 0.0)
