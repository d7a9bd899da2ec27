"""Networks as pure ``init`` and ``apply``: each one's equations, written as Flax Linen modules.

Parameters take the dtype of the input that initialised them, so the same module runs in float32 and in float64.
"""

from redes_jax.lazy import submodules

__all__, __getattr__, __dir__ = submodules(
    __name__, ("attention", "convolution", "mlp", "modular", "normalisation", "recurrent")
)
