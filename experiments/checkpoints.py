"""Arrays on disk that survive a kill at any moment, and are refused when damaged.

A checkpoint is an ``.npz`` without pickle. It is written under a temporary name, flushed, renamed, and only then entered with
its sha256 into the manifest, which is replaced in the same way. Whatever moment a kill chooses, the manifest names whole files.
"""

import hashlib
import io
import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

KEPT = 2  # of each stage: the newest, and one to fall back on


def save(folder: Path, stage: str, t: int, tree: Any) -> None:
    """Save a pytree of arrays as the checkpoint of ``stage`` after ``t`` steps, and drop all but the last two.

    Args:
      folder: created when missing.
      stage: the loop's name.
      t: steps done.
      tree: a pytree, or a flat dict whose names are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = to_npz(_named(tree))
    name = f"{stage}-{t:09d}.npz"
    write(folder / name, data)
    manifest = _manifest(folder)
    manifest[name] = hashlib.sha256(data).hexdigest()
    old = sorted(other for other in manifest if _stage_of(other) == stage)[:-KEPT]
    for other in old:
        del manifest[other]
    write(folder / "manifest.json", json.dumps(manifest, indent=1, sort_keys=True).encode())
    for other in old:
        (folder / other).unlink(missing_ok=True)


def newest(folder: Path, stage: str, template: Any) -> tuple[int, Any] | None:
    """The newest whole checkpoint of ``stage``, or None. A damaged one is named on stderr and the one before it is used.

    Args:
      template: a pytree of the structure saved; None for a flat dict of names.

    Returns:
      ``(t, tree)``: steps done, and what was saved. Leaves in the place of the template's first element are JAX arrays.

    Raises:
      ValueError: when a checkpoint is whole and of another structure: it belongs to another config.
    """
    manifest = _manifest(folder)
    for name in sorted((name for name in manifest if _stage_of(name) == stage), reverse=True):
        path = folder / name
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != manifest[name]:
            print(f"checkpoint {path} is damaged or missing and is not used", file=sys.stderr)
            continue
        return int(name.removesuffix(".npz").rsplit("-", 1)[1]), _restored(path, data, template)
    return None


def to_npz(arrays: dict[str, np.ndarray]) -> bytes:
    """The arrays as the bytes of an ``.npz`` file without pickle; the same arrays give the same bytes."""
    for name, value in arrays.items():
        if value.dtype.kind not in "biufcU":
            raise ValueError(f"{name} has dtype {value.dtype}: a checkpoint holds numbers; convert it first")
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def from_npz(path: Path, data: bytes | None = None) -> dict[str, np.ndarray]:
    """The arrays of an ``.npz`` file.

    Raises:
      ValueError: naming the file when it is damaged.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes() if data is None else data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path}: damaged ({error})") from error


def write(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _named(tree):
    if isinstance(tree, dict) and all(isinstance(value, np.ndarray) for value in tree.values()):
        return tree
    return {f"leaf{i:04d}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}


def _restored(path, data, template):
    arrays = from_npz(path, data)
    if template is None:
        return arrays
    leaves, structure = jax.tree.flatten(template)
    if len(arrays) != len(leaves):
        raise ValueError(f"{path}: holds {len(arrays)} arrays where this config needs {len(leaves)}; start a new run")
    state, outputs = jax.tree.unflatten(structure, [arrays[f"leaf{i:04d}"] for i in range(len(leaves))])
    for ours, theirs in zip(jax.tree.leaves(template[0]), jax.tree.leaves(state), strict=True):
        if jnp.shape(ours) != theirs.shape or jnp.result_type(ours) != theirs.dtype:
            raise ValueError(
                f"{path}: holds {theirs.dtype}{theirs.shape} where this config needs {jnp.result_type(ours)}"
                f"{jnp.shape(ours)}; start a new run"
            )
    return jax.tree.map(jnp.asarray, state), outputs


def _manifest(folder: Path) -> dict[str, str]:
    path = folder / "manifest.json"
    try:
        return json.loads(path.read_bytes()) if path.is_file() else {}
    except ValueError as error:
        raise ValueError(f"{path}: damaged ({error}); delete the folder's checkpoints to begin again") from error


def _stage_of(name: str) -> str:
    return name.removesuffix(".npz").rsplit("-", 1)[0]
