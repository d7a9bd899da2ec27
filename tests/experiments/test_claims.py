"""At its quick size, each experiment of chapters 1, 2, 8 and appendix A measures what was published, and draws it."""

import matplotlib.pyplot as plt
import pytest

from experiments import catalogue, folders
from redes_jax.data.files import DataUnavailable

NAMES = (
    "oscillations", "reflex_arc", "lesions", "saltatory_conduction", "synapses", "receptive_fields", "ion_channels",
    "plasticity", "hodgkin_huxley", "fi_curve", "hh_solvers", "hh_population", "hh_fit", "hh_recording", "ode_solvers",
    "neuroevolution", "evolve_anything", "genetic_algorithm",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_claim_holds(name):
    experiment = catalogue.load(name)
    try:
        result = experiment.run(experiment.PRESETS["quick"])
    except DataUnavailable as error:
        pytest.skip(str(error))
    compared = [row for row in folders.rows(result.measured, experiment.CLAIMS) if row["agrees"]]
    assert len(compared) >= 1
    assert not [row for row in compared if row["agrees"] == "no"]
    pictures = experiment.figures(result)
    assert pictures and all(picture.caption for picture in pictures.values())
    plt.close("all")
