"""Two cells of the hippocampus in one compartment each: the pair from which gamma rhythms are built.

    PYRAMIDAL     excitatory: the cell of Traub & Miles (1991) as reduced by Ermentrout & Kopell (1998)
    INTERNEURON   inhibitory: Wang & Buzsaki (1996); fires fast and recovers at once

Both fire at any rate from zero on, from about 0.12 and 0.16 uA/cm2. Both papers set sodium activation m
to its steady state. Here it is a gate: the pyramidal cell's at Traub & Miles' own rates, the interneuron's at rates times 20, for at
its own speed the cell would fire 15 per cent faster. Against the papers' equations both fire within 5 per cent at 1 uA/cm2.

References: Traub & Miles, Neuronal Networks of the Hippocampus (1991); Ermentrout & Kopell, PNAS 95:1259 (1998); Wang & Buzsaki, J.
Neurosci. 16:6402 (1996).
"""

import jax.numpy as jnp

from redes_jax.neurons import channels as ch
from redes_jax.neurons import cortical
from redes_jax.neurons.membrane import compose

PHI = 5.0  # of h and n (Wang & Buzsaki)
AT_ONCE = 20.0  # of m


def _interneuron_sodium(voltage):
    m = AT_ONCE * ch.x_over_expm1(-(voltage + 35.0) / 10.0), 4.0 * AT_ONCE * jnp.exp(-(voltage + 60.0) / 18.0)
    h = 0.07 * PHI * jnp.exp(-(voltage + 58.0) / 20.0), PHI * ch.sigmoid((voltage + 28.0) / 10.0)
    return m, h


def _interneuron_potassium(voltage):
    alpha = 0.1 * PHI * ch.x_over_expm1(-(voltage + 34.0) / 10.0)
    return ((alpha, 0.125 * PHI * jnp.exp(-(voltage + 44.0) / 80.0)),)


PYRAMIDAL = compose(
    cortical.sodium(-67.0, 100.0),
    cortical.potassium(-67.0, 80.0),
    cortical.leak(-67.0),
)
INTERNEURON = compose(
    ch.SODIUM._replace(rates=_interneuron_sodium, conductance=35.0, reversal=55.0),
    ch.POTASSIUM._replace(rates=_interneuron_potassium, conductance=9.0, reversal=-90.0),
    cortical.leak(-65.0),
)
