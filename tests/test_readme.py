"""The README keeps its word: its example runs, and what it names exists."""

import re
from pathlib import Path

import pytest

from experiments import catalogue

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_example_runs():
    [example] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {}
    exec(example, names)
    assert names["generations"].best[-1] > names["generations"].best[0]


def test_every_experiment_is_on_the_map():
    named = set(re.findall(r"`(\w+)`", README))
    assert set(catalogue.names()) <= named


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:redes_jax|experiments|notebooks|tests)/[\w/.]+)`", README)))
)
def test_every_path_exists(path):
    assert (Path(__file__).parent.parent / path).exists()


def test_commands_are_commands():
    words = set(re.findall(r"python -m experiments (\w+)", README))
    from experiments.__main__ import USAGE

    assert words <= set(re.findall(r"^  (\w+)", USAGE, re.MULTILINE))
