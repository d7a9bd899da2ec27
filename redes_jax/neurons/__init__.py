"""Nerve as a differential equation: from the ion to the network, and the ways to step it through time.

Read :mod:`channels` (what a channel is), :mod:`membrane` (channels make a membrane) and :mod:`simulation` (run it, record
what is wanted) first.

    ions, channels, connor_stevens, cortical, hippocampal, receptor_channels   what flows, through what
    stochastic                                       channels one by one
    membrane, schemes, simulation, solvers, stimuli  one compartment in time: by hand, or by any diffrax solver
    spikes, excitability, fitting                    what a trace says, what it takes to fire, what made a recording
    cable, hines, morphology, myelin, swc            trees of compartments
    synapses, postsynaptic, release                  what one neuron says to the next
    circuits, connectivity, delivery                 networks
    plasticity, receptive                            what synapses learn, what a neuron looks at

Units: ms, mV, uA/cm2 (depolarising is positive), mS/cm2, uF/cm2, mM, um; ``celsius`` for temperatures.
"""

from redes_jax.lazy import submodules

__all__, __getattr__, __dir__ = submodules(
    __name__,
    (
        "cable",
        "channels",
        "circuits",
        "connectivity",
        "connor_stevens",
        "cortical",
        "delivery",
        "excitability",
        "fitting",
        "hines",
        "hippocampal",
        "ions",
        "membrane",
        "morphology",
        "myelin",
        "plasticity",
        "postsynaptic",
        "receptive",
        "receptor_channels",
        "release",
        "schemes",
        "simulation",
        "solvers",
        "spikes",
        "stimuli",
        "stochastic",
        "swc",
        "synapses",
    ),
)
