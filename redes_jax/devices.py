"""Many at once, on every device, with a result that does not depend on how many devices there were.

A plain ``vmap`` gives other bits on two devices than on one, because a batched matrix product takes another shape. Here the
leading axis is cut into blocks of a fixed width; each block is one ``vmap`` of that width, compiled apart from the rest; a
device runs its blocks one after another (so memory is bounded by a block, not by the population), and ``jax.shard_map`` deals
the blocks to the devices. The width is therefore part of an experiment's config; the devices are not.

One limit was found: XLA simplifies a program for one device and one for several in another order, and may write a division by
a value of each member (Adam's bias correction, when every member carries its own count) as a product with the reciprocal in
only one of them. Such a population may differ in the last place between one device and several; on any two or more it agrees.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

AXIS = "replica"


def mesh(devices: Sequence[Any] | None = None) -> Mesh:
    """A one-axis mesh over ``devices`` (all devices of all processes when None)."""
    return Mesh(np.asarray(jax.devices() if devices is None else devices), (AXIS,))


def blocks(fn: Callable, width: int = 16) -> Callable:
    """``vmap(fn)`` over the leading axis of every argument, ``width`` members at a time, in bounded memory.

    Args:
      fn: a function of one member; what it closes over is shared by all.
      width: members in a block. The last block is filled up by repeating the last member, and the filling is cut off.

    Returns:
      A function whose arguments and results carry the leading axis.
    """
    if width < 1:
        raise ValueError(f"width is {width}: a block holds at least 1 member")

    def over_blocks(*members):
        size = _leading(members)
        out = _in_turn(fn, width, 0, size, _fill(members, -(-size // width) * width))
        return jax.tree.map(lambda leaf: leaf[:size], out)

    return over_blocks


def replicas(fn: Callable, width: int = 16, *, on: Mesh | None = None, gather: bool = False) -> Callable:
    """:func:`blocks` dealt to all devices: the same bits on one device, on many, and on many hosts.

    Args:
      fn: a function of one member; what it closes over is copied to every device.
      width: members in a block, see :func:`blocks`. Choose about 16 for small networks, 512 for single neurons.
      on: the mesh to use; all devices when None.
      gather: every device has the whole arguments and gets the whole result, as a replicated update (evolution,
        averaged gradients) wants it. Were the arguments dealt, XLA would cut up what computes them and what uses the
        result along with them, and its sums would depend on the number of devices.
    """
    if width < 1:
        raise ValueError(f"width is {width}: a block holds at least 1 member")

    def laid_out(*members):
        layout = mesh() if on is None else on
        size = _leading(members)
        each = -(-size // (layout.size * width)) * width

        def local(*members):
            return _in_turn(fn, width, jax.lax.axis_index(AXIS) * each, size, members)

        def gathered(*everyone):
            first = jax.lax.axis_index(AXIS) * each
            members = jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, first, each), everyone)
            return jax.lax.all_gather(local(*members), AXIS, tiled=True)

        body, place = (gathered, P()) if gather else (local, P(AXIS))
        deal = jax.shard_map(body, mesh=layout, in_specs=place, out_specs=place, check_vma=False)
        return jax.tree.map(lambda leaf: leaf[:size], deal(*_fill(members, layout.size * each)))

    return laid_out


def host_devices(count: int) -> None:
    """Present this machine's CPU as ``count`` devices. Call it before any other use of JAX.

    Raises:
      RuntimeError: when JAX has already started its backend.
    """
    jax.config.update("jax_num_cpu_devices", count)


@contextlib.contextmanager
def processes(coordinator: str, count: int, rank: int, *, timeout_s: int = 20):
    """One program on several processes or hosts: inside, ``jax.devices()`` are those of all of them.

    When a peer dies, the others leave within ``timeout_s`` seconds with a message and exit code 1, instead of waiting for it.

    Args:
      coordinator: ``host:port`` of process 0.
      count: number of processes.
      rank: this process's number, 0 to ``count - 1``.
      timeout_s: seconds of silence after which a peer counts as dead.
    """
    if not 0 <= rank < count:
        raise ValueError(f"rank is {rank}: with {count} processes it lies between 0 and {count - 1}")
    jax.distributed.initialize(coordinator, count, rank, heartbeat_timeout_seconds=timeout_s)
    try:
        yield
        jax.distributed.shutdown()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        # The runtime's own exit handlers wait for the dead peer, so leave without them.
        print(
            f"process {rank} of {count} stops: a collective failed, another process has died\n{error}", file=sys.stderr
        )
        sys.stderr.flush()
        os._exit(1)


def _in_turn(fn, width, first, size, members):
    """``vmap(fn)`` block after block; ``first`` is the number of the first of these members, ``size`` counts all there are.

    Each block stands in a branch of its own, and one turn more is taken whose branch is skipped, as are blocks of nothing but
    filling: so XLA can neither unroll the loop nor fuse a block with what surrounds it, and compiles it alike whatever the
    number of blocks.
    """
    mapped = jax.vmap(fn)
    split = jax.tree.map(lambda leaf: leaf.reshape(-1, width, *leaf.shape[1:]), members)
    count = jax.tree.leaves(split)[0].shape[0]
    empty = jax.eval_shape(mapped, *jax.tree.map(lambda leaf: leaf[0], split))

    def skip(*block):
        del block
        return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), empty)

    def turn(number):
        block = jax.tree.map(lambda leaf: leaf[jnp.minimum(number, count - 1)], split)
        return jax.lax.cond((number < count) & (first + number * width < size), mapped, skip, *block)

    out = jax.lax.map(turn, jnp.arange(count + 1))
    return jax.tree.map(lambda leaf: leaf[:count].reshape(count * width, *leaf.shape[2:]), out)


def _leading(members):
    sizes = {jnp.shape(leaf)[0] for leaf in jax.tree.leaves(members)}
    if len(sizes) != 1:
        raise ValueError(f"members are counted by the leading axis, and the arguments disagree: {sorted(sizes)}")
    return sizes.pop()


def _fill(members, size):
    def fill(leaf):
        missing = size - leaf.shape[0]
        return leaf if missing == 0 else jnp.concatenate([leaf, jnp.repeat(leaf[-1:], missing, axis=0)])

    return jax.tree.map(fill, members)
