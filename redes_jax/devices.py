"""Many at once, on every device, with a result that does not depend on how many devices there were.

A plain ``vmap`` gives other bits on two devices than on one, because a batched matrix product takes another shape. Here the
leading axis is cut into blocks of a fixed width; each block is one ``vmap`` of that width behind an optimisation barrier, a
device runs its blocks one after another (so memory is bounded by a block, not by the population), and ``jax.shard_map`` deals
the blocks to the devices. The width is therefore part of an experiment's config; the devices are not.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

AXIS = "replica"


def mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
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
    mapped = jax.vmap(fn)

    def block(args):
        return jax.lax.optimization_barrier(mapped(*jax.lax.optimization_barrier(args)))

    def over_blocks(*args):
        size = _leading(args)
        count = -(-size // width)
        split = jax.tree.map(lambda leaf: _fill(leaf, count * width).reshape(count, width, *leaf.shape[1:]), args)
        out = jax.lax.map(block, split)
        return jax.tree.map(lambda leaf: leaf.reshape(count * width, *leaf.shape[2:])[:size], out)

    return over_blocks


def replicas(fn: Callable, width: int = 16, *, on: Mesh | None = None, gather: bool = False) -> Callable:
    """:func:`blocks` dealt to all devices: the same bits on one device, on many, and on many hosts.

    Args:
      fn: a function of one member; what it closes over is copied to every device.
      width: members in a block, see :func:`blocks`. Choose about 16 for small networks, 512 for single neurons.
      on: the mesh to use; all devices when None.
      gather: every device has the whole arguments and gets the whole result, as a replicated update (evolution, averaged
        gradients) wants it: what computes the arguments and uses the result is then not cut up among the devices, which
        would add in another order.
    """

    def laid_out(*args):
        layout = mesh() if on is None else on
        size, share = _leading(args), layout.size * width
        filled = jax.tree.map(lambda leaf: _fill(leaf, -(-size // share) * share), args)

        def local(*members):
            return blocks(fn, width)(*members)

        def gathered(*everyone):
            own = -(-size // share) * width
            first = jax.lax.axis_index(AXIS) * own
            members = jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, first, own), everyone)
            return jax.lax.all_gather(local(*members), AXIS, tiled=True)

        body, spec = (gathered, P()) if gather else (local, P(AXIS))
        out = jax.shard_map(body, mesh=layout, in_specs=spec, out_specs=spec, check_vma=False)(*filled)
        return jax.tree.map(lambda leaf: leaf[:size], out)

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
        print(f"process {rank} of {count} stops: a collective failed, another process has died\n{error}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)


def _leading(args):
    sizes = {jnp.shape(leaf)[0] for leaf in jax.tree.leaves(args)}
    if len(sizes) != 1:
        raise ValueError(f"members are counted by the leading axis, and the arguments disagree: {sorted(sizes)}")
    return sizes.pop()


def _fill(leaf, size):
    missing = size - leaf.shape[0]
    return leaf if missing == 0 else jnp.concatenate([leaf, jnp.repeat(leaf[-1:], missing, axis=0)])
