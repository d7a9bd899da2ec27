"""Submodules that load when first touched: importing a room costs nothing until one of its files is used."""

import importlib
from collections.abc import Callable


def submodules(package: str, names: tuple[str, ...]) -> tuple[list[str], Callable, Callable]:
    """``__all__``, ``__getattr__`` and ``__dir__`` for the ``__init__`` of ``package``.

    Args:
      package: its ``__name__``.
      names: its submodules.
    """

    def load(name):
        if name in names:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return list(names), load, lambda: sorted(names)
