"""Which experiments there are, and what each one's config looks like, without importing JAX: so help and errors are instant."""

import ast
import importlib
import sys
import types
from pathlib import Path

FOLDER = Path(__file__).parent
_LIGHT = {"Config", "PRESETS", "CLAIMS"}


class Refused(Exception):
    """Something the user asked for that cannot be; one line that says what, and how to put it right."""


def names() -> list[str]:
    """The experiments, in the order of the notes' chapters."""
    found = [path.stem for path in FOLDER.glob("*.py") if _is_experiment(path)]
    return sorted(found, key=lambda name: (_first_chapter(name), name))


def summary(name: str) -> str:
    """The first line of an experiment's docstring."""
    return docstring(name).splitlines()[0]


def docstring(name: str) -> str:
    """An experiment's whole docstring."""
    return ast.get_docstring(_tree(name)) or ""


def outline(name: str) -> types.ModuleType:
    """A module with only ``Config``, ``PRESETS``, ``CLAIMS`` and the constants they use: an experiment without its imports."""
    alias = f"experiments._outline_{name}"
    if alias in sys.modules:
        return sys.modules[alias]
    body = [node for node in _tree(name).body if _is_light(node)]
    module = types.ModuleType(alias)
    module.__file__ = str(FOLDER / f"{name}.py")
    sys.modules[alias] = module  # dataclasses and help texts look the module up
    exec(compile(ast.Module(body, []), module.__file__, "exec"), module.__dict__)
    return module


def load(name: str) -> types.ModuleType:
    """The experiment itself."""
    return importlib.import_module(f"experiments.{name}")


def _tree(name):
    return ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))


def _is_light(node):
    if isinstance(node, ast.ImportFrom):
        return node.module in ("dataclasses", "typing", "experiments.claims")
    if isinstance(node, ast.ClassDef):
        return node.name in _LIGHT
    if not isinstance(node, (ast.Assign, ast.AnnAssign)):
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    named = any(isinstance(target, ast.Name) and target.id in _LIGHT for target in targets)
    return named or _is_constant(node.value)


def _is_constant(value):
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError):
        return False
    return True


def _is_experiment(path):
    defined = {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.ClassDef)}
    return "Config" in defined


def _first_chapter(name):
    """Of the summary's "(ch. 1.3.5, 2.1)" the section it begins with, (1, 3, 5); appendices come after all chapters."""
    first = summary(name).partition("(ch. ")[2].partition(")")[0].split(",")[0].split("-")[0]
    return tuple(map(int, first.split("."))) if first else (99,)
