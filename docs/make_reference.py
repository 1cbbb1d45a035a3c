"""The reference pages, written from the code they describe; with --check they are only compared."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
WRITTEN_BY = "<!-- Written by `python3 run.py docs`; change the code it describes instead. -->"
STOREYS = {"api": "the street door", "loyalty_engine": "the counting house", "rules": "the rule book"}


def conditions() -> str:
    """Every condition: how it is written, and its docstring."""
    from rules.conditions import CONDITIONS

    return page(
        "Conditions",
        "What may stand in a rule's `when`. All that are written must hold; `any`, `all` and `not` nest.",
        ((f"`{written}`", kind.__doc__) for written, kind in CONDITIONS.items()),
    )


def effects() -> str:
    """Every effect: how it is written, and its docstring."""
    from rules.effects import Effect

    return page(
        "Effects",
        "What may stand in a rule's `then`.",
        ((f"`{kind.written}`", kind.__doc__) for kind in every(Effect) if "written" in vars(kind)),
    )


def errors() -> str:
    """Every error a caller may meet: its code, its status, and the sentence."""
    from loyalty_engine.errors import LoyaltyError

    leaves = [kind for kind in every(LoyaltyError) if not kind.__subclasses__()]
    ordered = sorted(leaves, key=lambda kind: (kind.status, kind.code))
    return page(
        "Errors",
        "The `code` of a problem is stable; the sentence is for the cashier. A problem marked as retryable\n"
        "may be sent again with the same idempotency key.",
        (
            (f"`{kind.code}`", f"{kind.status}{', retryable' if kind.retryable else ''}. {kind.__doc__}")
            for kind in ordered
        ),
    )


def settings() -> str:
    """Every setting: its variable, its default, and the comment beside it."""
    from loyalty_engine.settings import Settings

    said = comments(Settings)
    return page(
        "Settings",
        "Each is an environment variable; what is not set has the default.",
        (
            (f"`LOYALTY_{field.name.upper()}`", f"{said[field.name]}\n\nDefault: {shown(field.default)}")
            for field in msgspec.structs.fields(Settings)
        ),
    )


def rooms() -> str:
    """Every module of the three storeys, with its first sentence."""
    parts = []
    for storey, called in STOREYS.items():
        files = sorted((ROOT / storey).rglob("*.py"))
        lines = [f"| `{file.relative_to(ROOT).as_posix()}` | {first_sentence(file)} |" for file in files]
        parts.append(
            "\n".join([f"## `{storey}/`: {called}", "", "| room | what it is for |", "|---|---|", *lines])
        )
    intro = "Arrows point down only: `api` may import `loyalty_engine`, which may import `rules`."
    return "\n\n".join([f"# Rooms\n\n{WRITTEN_BY}\n\n{intro}", *parts]) + "\n"


def programme_schema() -> str:
    """The JSON Schema of a programme document, for editors."""
    import rules

    return msgspec.json.format(msgspec.json.encode(rules.schema()), indent=2).decode() + "\n"


def openapi() -> str:
    """The OpenAPI document that a server of this release answers with."""
    from api.app import create_app
    from loyalty_engine.settings import Settings

    app = create_app(Settings())
    document: bytes = msgspec.json.format(app.state.openapi, indent=2)
    return document.decode() + "\n"


def command_line() -> str:
    """Every command of the program `loyalty`, with its own help."""
    import click

    from loyalty_engine.cli import main as loyalty

    def walked(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
        yield f"`{context.command_path}`", f"```\n{command.get_help(context)}\n```"
        if isinstance(command, click.Group):
            for name, below in sorted(command.commands.items()):
                yield from walked(
                    below, click.Context(below, info_name=name, parent=context, terminal_width=80)
                )

    whole = click.Context(loyalty, info_name="loyalty", terminal_width=80)
    return page("Command line", "What `loyalty` and its commands say of themselves.", walked(loyalty, whole))


PAGES: dict[str, Callable[[], str]] = {
    "conditions.md": conditions,
    "effects.md": effects,
    "errors.md": errors,
    "settings.md": settings,
    "rooms.md": rooms,
    "command_line.md": command_line,
    "openapi.json": openapi,
    "programme.schema.json": programme_schema,
}


def page(title: str, intro: str, things: Iterable[tuple[str, str | None]]) -> str:
    sections = [f"## {name}\n\n{inspect.cleandoc(said or '')}" for name, said in things]
    return "\n\n".join([f"# {title}", WRITTEN_BY, intro, *sections]) + "\n"


def every(kind: type[Any]) -> Iterator[type[Any]]:
    """Yield the classes below one, in the order they are written."""
    for below in kind.__subclasses__():
        yield below
        yield from every(below)


def comments(kind: type[Any]) -> dict[str, str]:
    """Return the comment above each field of a class."""
    said: dict[str, str] = {}
    waiting: list[str] = []
    for line in inspect.getsource(kind).splitlines():
        text = line.strip()
        if text.startswith("#"):
            waiting.append(text.removeprefix("#").strip())
        else:
            name, colon, _ = text.partition(":")
            if colon and name.isidentifier():
                said[name] = " ".join(waiting)
            waiting = []
    return said


def shown(default: object) -> str:
    if default is None or default is msgspec.NODEFAULT:
        return "not set"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def first_sentence(file: Path) -> str:
    said = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n\n")[0]
    return " ".join(said.split())


def main() -> int:
    """Write the pages, or say which of them no longer tell what the code does."""
    sys.path.insert(0, str(ROOT))
    made = {name: make() for name, make in PAGES.items()}
    there = {file.name: file.read_text(encoding="utf-8") for file in sorted(REFERENCE.glob("*"))}
    stale = [name for name in made.keys() | there.keys() if made.get(name) != there.get(name)]
    if "--check" in sys.argv:
        for name in sorted(stale):
            print(f"docs/reference/{name} is not what the code says: python3 run.py docs")
        return int(bool(stale))
    REFERENCE.mkdir(exist_ok=True)
    for name in stale:
        if name in made:
            (REFERENCE / name).write_text(made[name], encoding="utf-8")
        else:
            (REFERENCE / name).unlink()
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
