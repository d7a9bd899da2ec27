"""Where the batteries of a membrane come from: ions unequal on its two sides, and the pump that keeps them so.

An ion that alone can pass brings the membrane to its Nernst potential; several that can, to a mean weighted by their
permeabilities (Goldman, Hodgkin & Katz), where all their currents cancel. The flux through an open channel is then no
straight line in V, for the side with more ions has more to give. Meanwhile the ions run down, and a pump carries three
sodium ions out for two potassium ions in: one net charge out, so that rest lies a few mV lower than without it.

    >>> [round(float(nernst(*c, celsius=6.3)), 1) for c in ((20.0, 400.0, 1), (440.0, 50.0, 1), (560.0, 52.0, -1))]
    [-72.1, 52.4, -57.2]

Concentrations in mM, potentials in mV inside minus outside, currents in uA/cm2, outward positive.

References: Goldman, J. Gen. Physiol. 27:37 (1943); Hodgkin & Katz, J. Physiol. 108:37 (1949), with the squid's
concentrations of the example; Mullins & Noda, J. Gen. Physiol. 47:117 (1963); Luo & Rudy, Circ. Res. 74:1071 (1994).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from redes_jax.neurons.channels import SQUID_CELSIUS, x_over_expm1

GAS = 8.31446261815324  # J/(mol K)
FARADAY = 96485.33212  # C/mol
KELVIN = 273.15  # at 0 C
SODIUM_A_CYCLE, POTASSIUM_A_CYCLE = 3, 2  # ions that the pump carries out, and in, for one net charge


def thermal_voltage(celsius):
    """R T / F in mV: 24.1 at 6.3 C, 26.7 at 37 C."""
    return 1e3 * GAS * (celsius + KELVIN) / FARADAY


def nernst(outside, inside, valence=1, celsius=SQUID_CELSIUS):
    """E = R T / (z F) ln(outside / inside): where the pull of the charge balances the push of the concentration.

    Args:
      outside, inside: concentrations, mM; any shapes that broadcast.
      valence: z, charges an ion.
      celsius: the temperature.

    Returns:
      the potential at which the ion's net flux is zero, mV.
    """
    return thermal_voltage(celsius) / valence * jnp.log(outside / inside)


def goldman(
    permeability: Float[Array, "*shape ions"],
    outside: Float[Array, "*shape ions"],
    inside: Float[Array, "*shape ions"],
    valence: Num[Array, " ions"],
    celsius: Any = SQUID_CELSIUS,
) -> Float[Array, "*shape"]:
    """The potential at which the currents of several ions of one charge cancel (Goldman-Hodgkin-Katz):

        V = R T / F ln((sum P c_out of cations + sum P c_in of anions) / (sum P c_in of cations + sum P c_out of anions))

    Args:
      permeability: of each ion, in any unit: only their ratios count.
      outside, inside: mM.
      valence: +1 for a cation, -1 for an anion.
      celsius: the temperature.

    Returns:
      mV.
    """
    positive = valence > 0
    entering = (permeability * jnp.where(positive, outside, inside)).sum(-1)
    leaving = (permeability * jnp.where(positive, inside, outside)).sum(-1)
    return thermal_voltage(celsius) * jnp.log(entering / leaving)


def goldman_current(voltage, permeability, outside, inside, valence=1, celsius=SQUID_CELSIUS):
    """The current of one ion through a membrane in which the field is constant (Goldman-Hodgkin-Katz):

        I = P z F u (c_in - c_out exp(-u)) / (1 - exp(-u)),    u = z F V / (R T)

    At V = 0 the formula is 0/0 and the current P z F (c_in - c_out); value and gradient are finite there.

    Args:
      voltage: mV.
      permeability: P, cm/s.
      outside, inside: mM.
      valence: z.
      celsius: the temperature.

    Returns:
      uA/cm2, zero at the Nernst potential.
    """
    u = jnp.asarray(valence * voltage / thermal_voltage(celsius))
    return permeability * valence * FARADAY * (inside * x_over_expm1(-u) - outside * x_over_expm1(u))


class Pump(NamedTuple):
    """The sodium-potassium pump, with the numbers of Luo & Rudy (1994).

    Args:
      largest: its current when both sites are full, uA/cm2.
      half_sodium: internal sodium at which it runs at half speed, mM.
      hill: how many sodium ions act together.
      half_potassium: external potassium at which it runs at half speed, mM.
    """

    largest: Any = 1.5
    half_sodium: Any = 10.0
    hill: Any = 1.5
    half_potassium: Any = 1.5

    def current(self, sodium_inside, potassium_outside, sodium_outside, voltage, celsius=37.0):
        """The net current, outward and so positive:

            I = largest f(V) / (1 + (half_sodium / Na_in)^hill) K_out / (K_out + half_potassium)
            f = 1 / (1 + 0.1245 exp(-0.1 V F / R T) + 0.0365 s exp(-V F / R T)),    s = (exp(Na_out / 67.3) - 1) / 7

        Args:
          sodium_inside, potassium_outside, sodium_outside: mM, above zero.
          voltage: mV; against a deep negative one it is harder to carry a charge out.
          celsius: the temperature.
        """
        u = voltage / thermal_voltage(celsius)
        s = jnp.expm1(sodium_outside / 67.3) / 7.0
        against = 1.0 + 0.1245 * jnp.exp(-0.1 * u) + 0.0365 * s * jnp.exp(-u)
        sodium = 1.0 / (1.0 + (self.half_sodium / sodium_inside) ** self.hill)
        return self.largest / against * sodium * potassium_outside / (potassium_outside + self.half_potassium)


def pumped(current):
    """What a pump's net ``current`` carries of each ion: ``(sodium, potassium)``, three out for two in."""
    return SODIUM_A_CYCLE * current, -POTASSIUM_A_CYCLE * current


def mullins_noda(permeability, outside, inside, celsius: Any = SQUID_CELSIUS):
    """Rest of a membrane whose pump makes good what leaks, so that sodium comes in as 3 to potassium's 2 out:

        V = R T / F ln((r P_K K_out + P_Na Na_out) / (r P_K K_in + P_Na Na_in)),    r = 3 / 2

    With r = 1, a pump that carries no net charge, it is :func:`goldman`.

    Args:
      permeability, outside, inside: each a pair, of potassium and of sodium; mM.
      celsius: the temperature.

    Returns:
      mV, below :func:`goldman` by at most R T / F ln(3 / 2).
    """
    ratio = SODIUM_A_CYCLE / POTASSIUM_A_CYCLE
    (p_k, p_na), (k_out, na_out), (k_in, na_in) = permeability, outside, inside
    return thermal_voltage(celsius) * jnp.log(
        (ratio * p_k * k_out + p_na * na_out) / (ratio * p_k * k_in + p_na * na_in)
    )
