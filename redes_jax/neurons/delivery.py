"""Spikes under way: a history of who fired when, and two ways to bring to each target the weights that reach it now.

A history is a shift register, (words, n) of 32 bits: bit ``a`` of a neuron's words says whether it fired ``a + 1`` steps ago. A step
shifts it by one; what fired ``lag`` steps ago is found again by a shift, and each synapse may have a lag of its own.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int, UInt32

from redes_jax import bits

WORD = 32
ARRIVALS = 8  # most Poisson spikes told apart in one step


def silence(size: int, longest: int) -> UInt32[Array, "words n"]:
    """The history of ``size`` neurons that have not fired, for lags of up to ``longest`` steps."""
    return jnp.zeros((-(-longest // WORD), size), jnp.uint32)


def remember(history: UInt32[Array, "words n"], fired: Bool[Array, " n"]) -> UInt32[Array, "words n"]:
    """The history one step on."""
    carried = jnp.concatenate([fired[None].astype(jnp.uint32), history[:-1] >> (WORD - 1)])
    return (history << 1) | carried


def back(history: UInt32[Array, "words n"], lag: int) -> UInt32[Array, " n"]:
    """1 for each neuron that fired ``lag`` steps ago, else 0; 1 is the step before this."""
    return (history[(lag - 1) // WORD] >> ((lag - 1) % WORD)) & 1


def gathered(history, sources: Int[Array, "m k"], lag: int | Int[Array, "m k"], weight, dtype) -> Float[Array, " m"]:
    """The sum of the weights of the spikes that reach each target now: each synapse looks at its source.

    Args:
      history: of the sources.
      sources: who each synapse comes from.
      lag: steps on the way, shared or for each synapse.
      weight: shared, (m,) for each target, or (m, k) for each synapse.
      dtype: of the sum.
    """
    if isinstance(lag, int):
        came = back(history, lag).astype(dtype)[sources]
    else:
        word, bit = (lag - 1) // WORD, (lag - 1) % WORD
        seen = history.reshape(-1)[word * history.shape[1] + sources]
        came = ((seen >> bit.astype(jnp.uint32)) & 1).astype(dtype)
    return (came * weight).sum(-1) if jnp.ndim(weight) == 2 else came.sum(-1) * weight


def sent(
    history, targets: Int[Array, "n most"], synapses: Int[Array, "n most"], lag: int, weight, like: Float[Array, " m"]
) -> Float[Array, " m"]:
    """The same sum, in another order: each spike goes to its targets, one spike after another.

    The lowest bit that is set among the packed spikes names the next neuron; without a spike nothing is done.

    Args:
      history: of the sources.
      targets, synapses: as ``connectivity.outgoing`` gives them.
      lag: steps on the way.
      weight: as in :func:`gathered`.
      like: an array with the shape and dtype of the sum.
    """
    fired = back(history, lag)
    grouped = jnp.pad(fired, (0, -fired.shape[0] % WORD)).reshape(-1, WORD)
    words = (grouped << jnp.arange(WORD, dtype=jnp.uint32)).sum(1, dtype=jnp.uint32)
    each = jnp.ravel(weight).astype(like.dtype) if jnp.ndim(weight) == 2 else None

    def send(carry):
        words, total = carry
        at = jnp.argmax(words != 0)
        lowest = words[at] & -words[at]
        source = WORD * at + (WORD - 1) - jax.lax.clz(lowest).astype(at.dtype)
        weights = 1.0 if each is None else each[synapses[source]]
        return words.at[at].set(words[at] ^ lowest), total.at[targets[source]].add(weights, mode="drop")

    _, total = jax.lax.while_loop(lambda carry: (carry[0] != 0).any(), send, (words, jnp.zeros_like(like)))
    return total * weight if each is None else total


def poisson(key: Array, mean, like: Float[Array, " m"]) -> Float[Array, " m"]:
    """Independent Poisson counts of expectation ``mean``, at most about 1, by inversion of one uniform number each.

    Args:
      key: of the draw.
      mean: shared, or (m,).
      like: an array with the shape and dtype of the counts.
    """
    uniform = bits.uniform(key, like.shape) + 2.0**-24  # the middle of its cell: never 0
    terms = [jnp.exp(-jnp.asarray(mean, uniform.dtype))]
    for k in range(1, ARRIVALS + 1):
        terms.append(terms[-1] * mean / k)
    count, tail = jnp.zeros_like(like), jnp.zeros_like(terms[0])
    for term in reversed(terms[1:]):  # the tails P(count >= k), smallest first, so that none drowns in rounding
        tail = tail + term
        count = count + (uniform < tail)
    return count
