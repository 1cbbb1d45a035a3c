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
CAFE = """
[programme]
name = "Corner Café"
country = "NO"
currency = "NOK"
timezone = "Europe/Oslo"
languages = ["en"]

[units.points]
name.en = { one = "point", other = "points" }

[[tiers]]
id = "gold"
needs = { earned = { unit = "points", amount = 1000 }, within = "12 months" }
keeps_for = "12 months"

[[perks]]
id = "free-coffee"
says.en = "A free coffee"
price = { unit = "points", amount = 100 }
gives.free_item = { category = ["coffee"], up_to_minor = 6000 }

"""
STOREYS = {"api": "the street door", "loyalty_engine": "the counting house", "rules": "the rule book"}


def rule_language() -> str:
    """The rule language: what a rule stands on, asks for and does, and how an outcome is computed."""
    import rules
    from loyalty_engine import proving
    from rules import order
    from rules.conditions import CONDITIONS
    from rules.effects import EFFECTS

    whole = rules.form()
    kinds: dict[str, Any] = {**CONDITIONS, **EFFECTS}
    head = (
        "A rule reads on / when / then. All conditions that are written must hold; `any` (a list of tables), `all` (a\n"
        "list of tables) and `not` (a table) nest. Several effects may stand in one `then`; they happen in file order."
    )
    events = "\n".join(f"| `{name}` | {said} |" for name, said in whole.events)
    own = "Any other name in small letters, digits, `-` and `_` is an event of the business's own."
    things = [
        ("Events", f"| `on` | in words |\n|---|---|\n{events}\n\n{own}"),
        ("Conditions", "What may stand in a rule's `when`."),
        *((f"`{part.written}`", part_said(part, kinds[part.written])) for part in whole.conditions),
        ("Effects", "What may stand in a rule's `then`."),
        *((f"`{part.written}`", part_said(part, kinds[part.written])) for part in whole.effects),
        ("How an outcome is computed", (order.__doc__ or "").partition("\n\n")[2]),
        ("What can be proved", (proving.__doc__ or "").partition("\n\n")[2]),
    ]
    return page("The rule language", head, things).replace("\n## `", "\n### `")


def part_said(part: Any, kind: Any) -> str:
    """One condition or effect: its docstring, how it is written, how it reads, and its fields."""
    said = [inspect.cleandoc(kind.__doc__ or "")]
    if part.stands_on != "anything":
        said.append("Only in a rule on a purchase." if part.stands_on == "purchase" else "Not in a rule on a purchase.")
    where = "when" if hasattr(kind, "holds") else "then"
    said.append(f"```toml\n{where}.{part.written} = {part.example}\n```\n\nIn words: {in_words(part, where)}")
    rows = [f"| `{field.name or part.written}` | {field.help} |" for field in part.fields]
    said.append("\n".join(["| field | what may be written |", "|---|---|", *rows]))
    return "\n\n".join(said)


def in_words(part: Any, where: str) -> str:
    """The sentence of a rule with this example in it, at a café that has what examples name."""
    import rules

    on = "course_done" if part.stands_on == "event" else "purchase"
    written = f"{where}.{part.written} = {part.example}"
    other = 'then.award = { unit = "points", amount = 10 }' if where == "when" else ""
    programme = rules.read(CAFE + f'[[rules]]\nid = "it"\non = "{on}"\n{written}\n{other}\n', "toml")
    return rules.sentence(programme.rules[0], programme)


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


def jurisdictions() -> str:
    """What the law of each country asks, and where it says so."""
    import rules

    head = (
        "A programme is strict by default: what one country forbids is refused everywhere. With\n"
        "`strict = false` under `[consent]`, a programme gets what the law of its own `jurisdiction` says (that of\n"
        "its country, when none is named). This page is read out of the code that judges; it is no legal advice."
    )
    parts = [(f"{law.name} (`{code}`)", law_said(law)) for code, law in rules.JURISDICTIONS.items()]
    twice = "\n".join(f"- `{country}`: {source}" for country, source in rules.CONFIRMED.items())
    says = "A yes to texts or letters counts once it has been confirmed, for businesses of these countries:\n\n"
    return page("Jurisdictions", head, [*parts, ("Asked for twice", says + twice)])


def law_said(law: Any) -> str:
    """One country: what becomes of each thing, and its source."""
    quiet = f"{law.quiet}" + (", by law" if law.quiet_is_law else "")
    lasts = f"{law.lasts}" + (" at most" if law.lasts_at_most else ", unless the programme says another period")
    rows = [
        ("marketing by text or e-mail", "only with consent", "marketing"),
        ("units or vouchers for consent to marketing", law.rewarded, "rewarded"),
        ("a general benefit behind a consent", law.tied, "tied"),
        ("choosing by behaviour without `member.consent`", law.profiling, "profiling"),
        ("youngest who agrees alone (`age`)", f"{law.age} years; 18 unless the programme says so", "age"),
        ("how long a consent lasts (`lasts`)", lasts, "lasts"),
        ("no marketing between", quiet, "quiet"),
        ("proof kept after a consent has ended", f"{law.kept_for}", "kept_for"),
    ]
    table = [f"| {what} | {said} | {law.sources[source]} |" for what, said, source in rows]
    return "\n".join(["| what | here | source |", "|---|---|---|", *table])


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
        parts.append("\n".join([f"## `{storey}/`: {called}", "", "| room | what it is for |", "|---|---|", *lines]))
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
                yield from walked(below, click.Context(below, info_name=name, parent=context, terminal_width=80))

    whole = click.Context(loyalty, info_name="loyalty", terminal_width=80)
    return page("Command line", "What `loyalty` and its commands say of themselves.", walked(loyalty, whole))


def member_export_schema() -> str:
    """The JSON Schema of everything about one member, as it is exported."""
    from loyalty_engine.privacy import exporting

    return msgspec.json.format(msgspec.json.encode(exporting.schema()), indent=2).decode() + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "rule-language.md": rule_language,
    "errors.md": errors,
    "settings.md": settings,
    "rooms.md": rooms,
    "jurisdictions.md": jurisdictions,
    "command_line.md": command_line,
    "openapi.json": openapi,
    "programme.schema.json": programme_schema,
    "member-export.schema.json": member_export_schema,
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
