"""Rules that learn from examples: the perceptron, descent along a gradient, what they minimise, how they are judged."""

from redes_jax.lazy import submodules

__all__, __getattr__, __dir__ = submodules(__name__, ("gradient", "losses", "metrics", "perceptron", "splits"))
