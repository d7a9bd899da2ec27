"""Every process of the project; a new one joins by its room's ``zoo_*.py`` and is put through all the laws."""

from tests.zoo_channels import CASES as CHANNELS
from tests.zoo_circuits import CASES as CIRCUITS
from tests.zoo_energy import CASES as ENERGY
from tests.zoo_evolution import CASES as EVOLUTION
from tests.zoo_fitting import CASES as FITTING
from tests.zoo_games import CASES as GAMES
from tests.zoo_learning import CASES as LEARNING
from tests.zoo_modular import CASES as MODULAR
from tests.zoo_neurons import CASES as NEURONS
from tests.zoo_plasticity import CASES as PLASTICITY
from tests.zoo_strategies import CASES as STRATEGIES
from tests.zoo_topology import CASES as TOPOLOGY
from tests.zoo_trees import CASES as TREES

ZOO = (
    *NEURONS, *CHANNELS, *TREES, *CIRCUITS, *PLASTICITY, *FITTING,
    *LEARNING, *MODULAR, *EVOLUTION, *STRATEGIES, *TOPOLOGY, *GAMES, *ENERGY,
)  # fmt: skip
