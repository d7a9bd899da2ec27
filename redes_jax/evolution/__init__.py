"""Learning by populations: strategies that ask and tell, and a policy in a world for a fitness."""

from redes_jax.lazy import submodules

__all__, __getattr__, __dir__ = submodules(
    __name__,
    (
        "asktell", "covariance", "genetic", "genomes", "gradients", "lowrank", "growth", "natural", "novelty",
        "policies", "qlearning", "rollout", "selection", "speciation", "strategies", "topology", "variation",
    ),
)  # fmt: skip
