"""A pyramidal cell of the rat's hippocampus (CA1, cell n120), traced in 2 630 points: an SWC file of 91 kB.

Cite Pyapali, Sik, Penttonen, Buzsaki & Turner, J. Comp. Neurol. 391:335 (1998). The copy comes from the tests of Jaxley
(Apache-2.0); NeuroMorpho.Org keeps the same cell.
"""

from pathlib import Path

from redes_jax.data import files

SOURCES = (
    files.Source(
        "morph_ca1_n120.swc",
        "1be8e2db9be169cffc8c2e4e72b71af3003b6726dbec7c74b2cca5989804e815",
        ("https://raw.githubusercontent.com/jaxleyverse/jaxley/main/tests/swc_files",),
    ),
)


def ca1() -> Path:
    """The path of the verified file, downloaded at the first call; ``neurons.swc.read`` takes it.

    Raises:
      DataUnavailable: when it is neither on disk nor to be downloaded.
    """
    return files.fetch("morphology", SOURCES[0])


def available() -> bool:
    """Whether the file lies on disk, so that :func:`ca1` needs no network."""
    return files.local_copy("morphology", SOURCES[0].name) is not None
