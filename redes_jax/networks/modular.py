r"""A network of zones, as the brain's: two senses apart, a zone that joins them, a reflex that waits for neither.

.. math::
    u_s &= m_s \tanh f_s(x_s), \quad s \in \{\text{sight}, \text{touch}\} && \text{unimodal: one sense each} \\
    h &= m_h \tanh f_h([u_\text{sight}, u_\text{touch}]) && \text{heteromodal: both} \\
    r &= m_r \tanh (x_\text{touch} W_r + b_r) && \text{reflex: straight from the skin} \\
    y_a &= m_o \,(\textstyle\sum_z w_{az}\, z\, W_{az} + b_a), \quad z \in \{u_\text{sight}, u_\text{touch}, h, r\}
        && \text{motor: one answer an ability}

with :math:`f` multilayer perceptrons, :math:`m` the ``intact`` share of each zone (0 is a lesion) and :math:`w` the
``wiring`` from zones to answers. Both are arguments: a lesion is one row of :func:`lesions`, all of them one ``vmap``.

References: Mesulam, "From sensation to cognition", Brain 121 (1998), for the zones; Teuber, "Physiological psychology",
Annual Review of Psychology 6 (1955), for what lesions can and cannot show.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from redes_jax.networks.mlp import MLP

ZONES = ("sight", "touch", "heteromodal", "reflex", "motor")
SOURCES = ZONES[:-1]  # the zones that the motor zone reads


class Modular(nn.Module):
    """Two unimodal streams, their fusion, a reflex path, and a motor zone that gives one answer an ability.

    Attributes:
      answers: name of each ability -> the number of its options.
      unimodal: units in the layers of each sense's stream.
      heteromodal: units in the layers of the zone that reads both streams.
      reflex: units of the short path from touch to the motor zone.
    """

    answers: Mapping[str, int]
    unimodal: Sequence[int] = (16, 16)
    heteromodal: Sequence[int] = (16,)
    reflex: int = 4

    @nn.compact
    def __call__(
        self,
        sight: Float[Array, "batch seen"],
        touch: Float[Array, "batch felt"],
        intact: Float[Array, " zones"] | None = None,
        wiring: Float[Array, "abilities sources"] | None = None,
    ) -> dict[str, Float[Array, "batch options"]]:
        """Logits of each ability's options.

        Args:
          sight, touch: what each sense receives.
          intact: what is left of each of ``ZONES``, 1 for all and 0 for nothing; all of them when None.
          wiring: what reaches each ability's answer from each of ``SOURCES``; everything when None.

        Raises:
          ValueError: when ``intact`` or ``wiring`` has another shape.
        """
        left = _checked("intact", intact, (len(ZONES),), sight.dtype)
        wires = _checked("wiring", wiring, (len(self.answers), len(SOURCES)), sight.dtype)
        of = dict(zip(ZONES, left, strict=True))

        seen = of["sight"] * jnp.tanh(MLP(self.unimodal, name="sight")(sight))
        felt = of["touch"] * jnp.tanh(MLP(self.unimodal, name="touch")(touch))
        both = jnp.concatenate([seen, felt], axis=-1)
        joined = of["heteromodal"] * jnp.tanh(MLP(self.heteromodal, name="heteromodal")(both))
        jerk = of["reflex"] * jnp.tanh(MLP((self.reflex,), name="reflex")(touch))

        def answer(name, options, wires):
            read = [wire * zone for wire, zone in zip(wires, (seen, felt, joined, jerk), strict=True)]
            motor = nn.Dense(options, param_dtype=sight.dtype, name=f"motor_{name}")
            return of["motor"] * motor(jnp.concatenate(read, axis=-1))

        return {name: answer(name, n, row) for (name, n), row in zip(self.answers.items(), wires, strict=True)}


def lesions(dtype: Any = float) -> Float[Array, "lesions zones"]:
    """Masks for ``intact``: nothing silenced, then each of ``ZONES`` alone."""
    zones = len(ZONES)
    return jnp.concatenate([jnp.ones((1, zones), dtype), 1 - jnp.eye(zones, dtype=dtype)])


def _checked(name, values, shape, dtype):
    if values is None:
        return jnp.ones(shape, dtype)
    if values.shape != shape:
        raise ValueError(f"{name} has shape {values.shape}, {shape} is wanted; the zones are {ZONES}, in this order")
    return values
