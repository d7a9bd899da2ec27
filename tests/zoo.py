"""Every process of the project; a new one joins by its room's ``zoo_*.py`` and is put through all the laws."""

from tests.zoo_energy import CASES as ENERGY
from tests.zoo_evolution import CASES as EVOLUTION
from tests.zoo_learning import CASES as LEARNING
from tests.zoo_neurons import CASES as NEURONS

ZOO = (*NEURONS, *LEARNING, *EVOLUTION, *ENERGY)
