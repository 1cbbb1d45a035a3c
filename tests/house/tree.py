"""The project's own files, read once, as the house tests look at them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import msgspec

ROOT = Path(__file__).parent.parent.parent
STOREYS = ("rules", "loyalty_engine", "api")
GENERATED = "migrations"


class Module(msgspec.Struct, frozen=True):
    """One Python file: where it lies, what it says."""

    path: str
    text: str

    @property
    def name(self) -> str:
        """The name it is imported by."""
        dotted = ".".join(PurePosixPath(self.path).with_suffix("").parts)
        return dotted.removesuffix(".__init__")

    @property
    def storey(self) -> str:
        return self.path.partition("/")[0]

    def tree(self) -> ast.Module:
        return _parsed(self.text, self.path)


@cache
def _parsed(text: str, path: str) -> ast.Module:
    return ast.parse(text, path)


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the three storeys, without the migrations that Piccolo generates."""
    files = [file for storey in STOREYS for file in sorted((ROOT / storey).rglob("*.py"))]
    ours = [file for file in files if GENERATED not in file.relative_to(ROOT).parts[:-1]]
    return tuple(Module(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in ours)


def counting_rooms() -> list[Module]:
    """The storeys where a number is a member's property: the rule book and the counting house."""
    return [module for module in modules() if module.storey in {"rules", "loyalty_engine"}]


def nothing(findings: list[str]) -> None:
    """Fail with every finding on a line of its own, so that one run shows all that is to be mended."""
    assert not findings, "\n" + "\n".join(findings)


@cache
def committed() -> tuple[Path, ...]:
    """Every file that git keeps, or would keep at the next commit."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return tuple(ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file())


def texts() -> Iterator[tuple[str, str]]:
    """Every committed text: its path from the root, and what it says."""
    for file in committed():
        try:
            yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def dotted(node: ast.AST) -> str:
    """The dotted name of an expression such as `datetime.now`; empty when it is something else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""
