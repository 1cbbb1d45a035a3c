"""run.py needs nothing but Python to say what can be done here."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tests.house.tree import ROOT

RUN = ROOT / "run.py"


def listed(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-I", RUN, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_every_task_is_listed_with_a_sentence() -> None:
    status, said = listed()
    tasks = dict(line.split(maxsplit=1) for line in said.splitlines()[2:])

    assert status == 0
    assert tasks.keys() == {"demo", "test", "check", "docs", "bench", "faults", "postgres", "lock"}
    assert all(sentence.endswith(".") and sentence[0].isupper() for sentence in tasks.values())


@pytest.mark.parametrize("asked", ["dmeo", "--fast"])
def test_a_task_that_is_not_there_is_answered_with_the_list(asked: str) -> None:
    status, said = listed(asked)

    assert status == 2
    assert "demo" in said


def test_it_imports_nothing_but_python() -> None:
    tree = ast.parse(RUN.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    origins = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.partition(".")[0] for name in names | origins} <= sys.stdlib_module_names
