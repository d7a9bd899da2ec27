r"""Recurrent cells from their equations, and the scan that unrolls one through time.

A cell maps ``(carry, x) -> (carry, h)``, the arrow of this package with its parameters held by Flax. In what follows
:math:`x` is the symbol read, :math:`h` the state handed to the next step, :math:`\odot` the product entry by entry.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

State = Float[Array, "*batch features"]
Input = Float[Array, "*batch inputs"]

_lecun = jax.nn.initializers.lecun_normal()
_orthogonal = jax.nn.initializers.orthogonal()
_zeros = jax.nn.initializers.zeros


class Vanilla(nn.Module):
    r"""The plain recurrent unit of Elman.

    .. math:: h' = \phi(x W + h U + b)

    Attributes:
      features: size of h.
      activation: phi.
      recurrent: initialiser of U. The identity, with ReLU, is the IRNN of Le, Jaitly & Hinton (2015).

    Reference: Elman, "Finding structure in time", Cognitive Science 14 (1990).
    """

    features: int
    activation: Callable = jnp.tanh
    recurrent: Callable = _orthogonal

    @nn.compact
    def __call__(self, h: State, x: Input) -> tuple[State, State]:
        weights, bias = _fused(self, x, 1, self.recurrent)
        h = self.activation(jnp.concatenate([x, h], axis=-1) @ weights + bias)
        return h, h

    @nn.nowrap
    def rest(self, batch: tuple[int, ...], dtype) -> State:
        """The carry before the first symbol: zeros."""
        return jnp.zeros((*batch, self.features), dtype)


class LSTM(nn.Module):
    r"""Long short-term memory with a forget gate; all four gates come from one product with :math:`[x, h]`.

    .. math::
        i, f, g, o &= \sigma, \sigma, \tanh, \sigma \;\text{of the four parts of}\; [x, h]\, W + b \\
        c' &= f \odot c + i \odot g, \qquad h' = o \odot \tanh c'

    Attributes:
      features: size of c and of h.
      forget_bias: initial bias of the forget gate; 1 keeps the memory open at the start (Gers 2000, Jozefowicz 2015).
      longest: when given, the chrono initialisation for dependencies up to this many steps: the bias of f is log U(1,
        longest - 1), that of i is its opposite, so that the cells' time scales cover 1 to ``longest`` (Tallec &
        Ollivier 2018).

    References: Hochreiter & Schmidhuber, "Long short-term memory", Neural Computation 9 (1997); Gers, Schmidhuber &
    Cummins, "Learning to forget", Neural Computation 12 (2000).
    """

    features: int
    forget_bias: float = 1.0
    longest: int | None = None

    @nn.compact
    def __call__(self, carry: tuple[State, State], x: Input) -> tuple[tuple[State, State], State]:
        c, h = carry
        weights, bias = _fused(self, x, 4, _orthogonal, self._bias)
        i, f, g, o = jnp.split(jnp.concatenate([x, h], axis=-1) @ weights + bias, 4, axis=-1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        h = nn.sigmoid(o) * jnp.tanh(c)
        return (c, h), h

    @nn.nowrap
    def rest(self, batch: tuple[int, ...], dtype) -> tuple[State, State]:
        """The carry ``(c, h)`` before the first symbol: zeros."""
        zeros = jnp.zeros((*batch, self.features), dtype)
        return zeros, zeros

    @nn.nowrap
    def _bias(self, key, shape, dtype):
        bias = jnp.zeros((4, self.features), dtype)
        if self.longest is None:
            return bias.at[1].set(self.forget_bias).reshape(shape)
        chrono = _chrono(key, self.features, self.longest, dtype)
        return bias.at[0].set(-chrono).at[1].set(chrono).reshape(shape)


class GRU(nn.Module):
    r"""The gated recurrent unit, with the reset gate after the product as in cuDNN, Flax and PyTorch.

    .. math::
        r, z &= \sigma(x W_{r,z} + h U_{r,z} + b_{r,z}) \\
        n &= \tanh(x W_n + b_n + r \odot (h U_n + b'_n)), \qquad h' = (1 - z) \odot n + z \odot h

    Cho et al. reset before the product, :math:`(r \odot h) U_n`, and call :math:`1 - z` what is z here.

    Attributes:
      features: size of h.
      longest: when given, the chrono initialisation for dependencies up to this many steps: the bias of z is log U(1,
        longest - 1).

    Reference: Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP (2014).
    """

    features: int
    longest: int | None = None

    @nn.compact
    def __call__(self, h: State, x: Input) -> tuple[State, State]:
        width = self.features
        inward = self.param("inward", _stacked(_lecun, 3), (x.shape[-1], 3 * width), x.dtype)
        recurrent = self.param("recurrent", _stacked(_orthogonal, 3), (width, 3 * width), x.dtype)
        bias = self.param("bias", self._bias, (3 * width,), x.dtype)
        candidate_bias = self.param("candidate_bias", _zeros, (width,), x.dtype)
        from_x, from_h = x @ inward + bias, h @ recurrent
        r, z = jnp.split(nn.sigmoid(from_x[..., : 2 * width] + from_h[..., : 2 * width]), 2, axis=-1)
        n = jnp.tanh(from_x[..., 2 * width :] + r * (from_h[..., 2 * width :] + candidate_bias))
        h = (1 - z) * n + z * h
        return h, h

    @nn.nowrap
    def rest(self, batch: tuple[int, ...], dtype) -> State:
        """The carry before the first symbol: zeros."""
        return jnp.zeros((*batch, self.features), dtype)

    @nn.nowrap
    def _bias(self, key, shape, dtype):
        bias = jnp.zeros((3, self.features), dtype)
        if self.longest is not None:
            bias = bias.at[1].set(_chrono(key, self.features, self.longest, dtype))
        return bias.reshape(shape)


class Unrolled(nn.Module):
    """A cell run along the time axis by one ``lax.scan``, the same parameters at every step.

    Attributes:
      cell: any module that maps ``(carry, x) -> (carry, h)`` and has ``rest(batch, dtype)``.
    """

    cell: nn.Module

    @nn.compact
    def __call__(
        self, xs: Float[Array, "batch time inputs"], carry: Any = None
    ) -> tuple[Any, Float[Array, "batch time features"]]:
        """Returns the last carry and the outputs of every step; ``carry`` starts at rest when None."""
        if carry is None:
            carry = self.cell.rest(xs.shape[:1], xs.dtype)
        scan = nn.scan(
            lambda cell, carry, x: cell(carry, x),
            variable_broadcast="params",
            split_rngs={"params": False},
            in_axes=1,
            out_axes=1,
        )
        return scan(self.cell, carry, xs)


def _fused(module, x, gates, recurrent, bias=_zeros):
    """The parameters of ``gates`` gates as one matrix that multiplies ``[x, h]``, and one bias."""
    inputs, width = x.shape[-1], module.features

    def init(key, shape, dtype):
        of_x, of_h = jax.random.split(key)
        return jnp.concatenate([
            _stacked(_lecun, gates)(of_x, (inputs, shape[1]), dtype),
            _stacked(recurrent, gates)(of_h, (width, shape[1]), dtype),
        ])  # fmt: skip

    weights = module.param("weights", init, (inputs + width, gates * width), x.dtype)
    return weights, module.param("bias", bias, (gates * width,), x.dtype)


def _stacked(init, blocks):
    """``blocks`` independent draws of ``init`` side by side: each gate is orthogonal by itself, not all together."""

    def stacked(key, shape, dtype):
        part = (shape[0], shape[1] // blocks)
        return jnp.concatenate([init(k, part, dtype) for k in jax.random.split(key, blocks)], axis=1)

    return stacked


def _chrono(key, features, longest, dtype):
    if longest < 3:
        raise ValueError(
            f"longest is {longest}: the chrono initialisation draws from U(1, longest - 1), give 3 or more"
        )
    return jnp.log(jax.random.uniform(key, (features,), dtype, 1.0, longest - 1.0))
