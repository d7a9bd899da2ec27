"""Channels of the mammalian brain, and the neurons that a few of them make: regular, fast, bursting, rebounding.

    builder or channel   opens with                        what it does
    sodium, potassium    depolarisation                    the spike (Traub & Miles)
    muscarinic           depolarisation, over a second     M current: a steady drive is answered ever more slowly
    CALCIUM_L            strong depolarisation             fills the pool of calcium; bursts
    calcium_t            depolarisation after inhibition   a burst when inhibition ends
    CALCIUM_POTASSIUM    calcium in the pool               K(Ca): a long pause after spikes
    HCN                  hyperpolarisation                 h current: pulls a silenced neuron back

    >>> from redes_jax.neurons.simulation import simulate
    >>> from redes_jax.neurons.spikes import count
    >>> trace = simulate(REGULAR_SPIKING, REGULAR_SPIKING.params(), 3.0, duration=200.0)[1]
    >>> int(count(trace)) > 5
    True

A temperature of 36 C is assumed. Potassium reverses at -100 mV, sodium at 50, calcium at 120, as in the code of
Pospischil et al. (ModelDB 123623), from which the conductances of the neurons are.

References: Traub & Miles, Neuronal Networks of the Hippocampus (1991); Yamada, Koch & Adams (1989); Reuveni et al., J.
Neurosci. 13:4609 (1993); Huguenard & McCormick, J. Neurophysiol. 68:1373 (1992); Destexhe et al., J. Neurophysiol.
72:803 (1994) and 76:2049 (1996); Pospischil et al., Biol. Cybern. 99:427 (2008).
"""

import jax.numpy as jnp

from redes_jax.neurons.channels import Channel, sigmoid, steady_and_time_constant, x_over_expm1
from redes_jax.neurons.membrane import compose

E_NA, E_K, E_CA = 50.0, -100.0, 120.0


def sodium(threshold=-55.0, conductance=50.0) -> Channel:
    """Sodium of Traub & Miles. With u = V - threshold: alpha_m = 0.32 (13 - u) / (exp((13 - u) / 4) - 1),
    beta_m = 0.28 (u - 40) / (exp((u - 40) / 5) - 1), alpha_h = 0.128 exp((17 - u) / 18),
    beta_h = 4 / (1 + exp((40 - u) / 5)).

    Args:
      threshold: shifts all voltages, mV; spikes start some 10 mV above it.
      conductance: mS/cm2.
    """

    def rates(voltage):
        u = voltage - threshold
        m = 1.28 * x_over_expm1((13.0 - u) / 4.0), 1.4 * x_over_expm1((u - 40.0) / 5.0)
        h = 0.128 * jnp.exp((17.0 - u) / 18.0), 4.0 * sigmoid((u - 40.0) / 5.0)
        return m, h

    return Channel("sodium", ("m", "h"), rates, lambda m, h: m**3 * h, conductance, E_NA)


def potassium(threshold=-55.0, conductance=5.0) -> Channel:
    """The delayed rectifier of Traub & Miles: alpha = 0.032 (15 - u) / (exp((15 - u) / 5) - 1),
    beta = 0.5 exp((10 - u) / 40), u = V - threshold.
    """

    def rates(voltage):
        u = voltage - threshold
        return ((0.16 * x_over_expm1((15.0 - u) / 5.0), 0.5 * jnp.exp((10.0 - u) / 40.0)),)

    return Channel("potassium", ("n",), rates, lambda n: n**4, conductance, E_K)


def leak(reversal=-70.0, conductance=0.1) -> Channel:
    """A channel that is always open."""
    return Channel("leak", (), lambda voltage: (), lambda: 1.0, conductance, reversal)


def muscarinic(slowest=1000.0, conductance=0.07) -> Channel:
    """The M current of Yamada et al.: p = 1 / (1 + exp(-(V + 35) / 10)) with the time constant
    slowest / (3.3 exp((V + 35) / 20) + exp(-(V + 35) / 20)).

    Args:
      slowest: ms; 1000 in the code of Pospischil et al., 608 to 4000 in their cells.
      conductance: mS/cm2.
    """

    def rates(voltage):
        x = (voltage + 35.0) / 20.0
        # steady state over time constant, and the rest over it, with the exponentials multiplied out
        opening = (3.3 * jnp.exp(x) + jnp.exp(-x)) / slowest
        return ((sigmoid(2.0 * x) * opening, sigmoid(-2.0 * x) * opening),)

    return Channel("M", ("p",), rates, lambda p: p, conductance, E_K)


def calcium_l_rates(voltage):
    """alpha_q = 0.055 (-27 - V) / (exp((-27 - V) / 3.8) - 1), beta_q = 0.94 exp((-75 - V) / 17),
    alpha_r = 0.000457 exp((-13 - V) / 50), beta_r = 0.0065 / (1 + exp((-15 - V) / 28)).
    """
    q = 0.209 * x_over_expm1((-27.0 - voltage) / 3.8), 0.94 * jnp.exp((-75.0 - voltage) / 17.0)
    r = 0.000457 * jnp.exp((-13.0 - voltage) / 50.0), 0.0065 * sigmoid((voltage + 15.0) / 28.0)
    return q, r


def calcium_t(shift=2.0, conductance=0.4) -> Channel:
    """The low-threshold current of Destexhe et al. (1996). With v = V + shift: s = 1 / (1 + exp(-(v + 57) / 6.2)),
    u = 1 / (1 + exp((v + 81) / 4)), and the time constants
    (0.612 + 1 / (exp(-(v + 129.6) / 16.7) + exp((v + 14.8) / 18.2))) / 3.55^1.2 and
    (30.8 + (211.4 + exp((v + 113.2) / 5)) / (1 + exp((v + 84) / 3.2))) / 3^1.2.

    Pospischil et al. take s at its steady state, which it reaches within a millisecond; their print puts 30.8 under the
    fraction bar, their code and Destexhe's do not.

    Args:
      shift: mV; 2 in a thalamic relay cell.
      conductance: mS/cm2.
    """

    def rates(voltage):
        v = voltage + shift
        fast = 0.612 + 1.0 / (jnp.exp(-(v + 129.6) / 16.7) + jnp.exp((v + 14.8) / 18.2))
        # exp(a) / (1 + exp(b)) as one exponential, so that neither overflows
        rising = jnp.exp((v + 113.2) / 5.0 - jnp.logaddexp(0.0, (v + 84.0) / 3.2))
        slow = 30.8 + 211.4 * sigmoid(-(v + 84.0) / 3.2) + rising
        return (
            steady_and_time_constant(sigmoid((v + 57.0) / 6.2), fast / 3.55**1.2),
            steady_and_time_constant(sigmoid(-(v + 81.0) / 4.0), slow / 3.0**1.2),
        )

    return Channel("T", ("s", "u"), rates, lambda s, u: s**2 * u, conductance, E_CA, carries="calcium")


def calcium_potassium_rates(calcium):
    """Two calcium ions open the gate: alpha = 48 [Ca]^2 (1/ms, [Ca] in mM), beta = 0.03; half open at 25 uM."""
    return ((48.0 * calcium**2, jnp.full_like(calcium, 0.03)),)


def hcn_rates(voltage):
    """y = 1 / (1 + exp((V + 75) / 5.5)) with the time constant 1 / (exp(-14.59 - 0.086 V) + exp(-1.87 + 0.0701 V))."""
    speed = jnp.exp(-14.59 - 0.086 * voltage) + jnp.exp(-1.87 + 0.0701 * voltage)
    return ((sigmoid(-(voltage + 75.0) / 5.5) * speed, sigmoid((voltage + 75.0) / 5.5) * speed),)


CALCIUM_L = Channel("L", ("q", "r"), calcium_l_rates, lambda q, r: q**2 * r, 0.22, E_CA, carries="calcium")
CALCIUM_POTASSIUM = Channel(
    "K(Ca)", ("c",), calcium_potassium_rates, lambda c: c**2, 10.0, E_K, senses=("calcium",)
)  # fmt: skip
HCN = Channel("HCN", ("y",), hcn_rates, lambda y: y, 0.02, -43.0)

REGULAR_SPIKING = compose(sodium(), potassium(), leak(), muscarinic())
FAST_SPIKING = compose(sodium(), potassium(conductance=10.0), leak(conductance=0.15))
BURSTING = compose(sodium(), potassium(), leak(-85.0, 0.01), muscarinic(conductance=0.03), CALCIUM_L)
LOW_THRESHOLD = compose(sodium(), potassium(), leak(-85.0, 0.01), muscarinic(conductance=0.03), calcium_t())
PAUSING = compose(sodium(), potassium(), leak(), CALCIUM_L, CALCIUM_POTASSIUM)
THALAMIC = compose(sodium(), potassium(), leak(-75.0, 0.03), calcium_t(conductance=2.0), HCN)
