"""How rooms are made: a first sentence, somebody who comes in, a name of their own."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import packages_distributions
from typing import Any

import pytest

from tests.house.tree import ROOT, STOREYS, Module, modules, nothing

PROJECT = "loyalty-engine"
NO_NAME = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "base",
    "core",
    "manager",
    "service",
    "handler",
    "misc",
}

# Rooms that nobody in the house imports, each with who comes in.
FROM_OUTSIDE = {
    "loyalty_engine.piccolo_conf": "Piccolo's command line finds it by its name",
    "loyalty_engine.piccolo_app": "piccolo_conf names it to Piccolo",
    "loyalty_engine.schema": "every migration makes its tables by it, and Piccolo finds those by their folder",
    "api.app": "the server is told its name",
    "api.tryout": "the demo tells the server its name",
    "loyalty_engine.testing": "a business's own tests name it to pytest",
}
# Folders whose files are found by looking into them, so that a new one needs no list; each with who looks.
FOUND_BY_FOLDER = {"api.texts": "api.texts.registry asks each file for its gateway"}


def without_sentence(module: Module) -> list[str]:
    """Return the module when it does not begin with a docstring whose first paragraph is a sentence."""
    said = (ast.get_docstring(module.tree()) or "").partition("\n\n")[0].strip()
    begins = said[:1].isupper() or said.startswith("`")
    return [] if said.endswith((".", "?", ":")) and begins else [f"{module.path}: {said!r}"]


def imported_by(module: Module) -> set[str]:
    """Every dotted name that a module imports, and every package on the way to it."""
    package = module.name if module.path.endswith("__init__.py") else module.name.rpartition(".")[0]
    names: set[str] = set()
    for node in ast.walk(module.tree()):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, package)
            names.add(origin)
            names.update(f"{origin}.{alias.name}" for alias in node.names)
    return {prefix for name in names for prefix in _prefixes(name)}


def _origin(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def without_visitor(house: Iterable[Module], entries: Iterable[str]) -> list[str]:
    """Return the modules that no other module imports and no entry leads to."""
    house = list(house)
    visited = {name for module in house for name in imported_by(module) - {module.name}}
    return [module.name for module in house if module.name not in visited | set(entries) | set(STOREYS)]


def entry_points(project: Mapping[str, Any]) -> set[str]:
    tables = [project.get("scripts", {}), *project.get("entry-points", {}).values()]
    return {target.partition(":")[0] for table in tables for target in table.values()}


def strangers(providers: Mapping[str, Iterable[str]]) -> list[str]:
    """Return who else claims the names of our packages in this environment."""
    return [f"{owner} provides {name}" for name in STOREYS for owner in providers.get(name, ()) if owner != PROJECT]


def nameless(module: Module) -> list[str]:
    return [f"{module.path}: {part}" for part in module.name.split(".") if part in NO_NAME]


def test_every_room_says_in_a_sentence_what_it_is_for() -> None:
    nothing([finding for module in modules() for finding in without_sentence(module)])


def test_every_room_has_somebody_who_comes_in() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    found = {module.name for module in modules() if module.name.rpartition(".")[0] in FOUND_BY_FOLDER}
    nothing(without_visitor(modules(), entry_points(project) | set(FROM_OUTSIDE) | found))


def test_every_room_that_is_entered_from_outside_is_there() -> None:
    assert set(FROM_OUTSIDE) - {module.name for module in modules()} == set()


def test_no_room_has_a_name_that_says_nothing() -> None:
    nothing([finding for module in modules() for finding in nameless(module)])


def test_nobody_else_provides_our_packages() -> None:
    nothing(strangers(packages_distributions()))


# --- each rule above can fail


@pytest.mark.parametrize("text", ["", "x = 1", '"""lots"""', '"""lots and more."""', "# Lots."])
def test_a_room_without_a_sentence_is_found(text: str) -> None:
    assert len(without_sentence(Module("rules/planted.py", text))) == 1
    assert without_sentence(Module("rules/planted.py", '"""Lots burn oldest first.\n\nAlways."""')) == []


def test_a_room_nobody_enters_is_found() -> None:
    house = [
        Module("rules/__init__.py", "from rules.facts import Purchase"),
        Module("rules/facts.py", "from . import money"),
        Module("rules/money.py", ""),
        Module("rules/attic.py", "import rules.attic"),
    ]

    assert without_visitor(house, set()) == ["rules.attic"]
    assert without_visitor(house, {"rules.attic"}) == []


def test_a_stranger_with_our_name_is_found() -> None:
    assert strangers({"rules": ["rules-engine", PROJECT], "api": [PROJECT]}) == ["rules-engine provides rules"]


def test_a_name_that_says_nothing_is_found() -> None:
    assert nameless(Module("api/utils/dates.py", "")) == ["api/utils/dates.py: utils"]


def test_every_room_of_the_counting_house_has_its_place_in_the_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (rooms,) = [contract["layers"] for contract in contracts if contract.get("containers") == ["loyalty_engine"]]
    placed = set(re.findall(r"[a-z_.]+", " ".join(rooms)))
    house = ROOT / "loyalty_engine"

    found = {
        ".".join(file.relative_to(house).with_suffix("").parts)
        for file in house.rglob("*.py")
        if file.name != "__init__.py"
    }

    unplaced = {room for room in found if room not in placed and room.partition(".")[0] not in placed}
    assert unplaced == set(), "write these into the layers of pyproject.toml"
