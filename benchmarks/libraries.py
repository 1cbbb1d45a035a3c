"""The chain's rules in the words of other rule libraries, each in the form that is fastest there.

A library does not count lines or read a calendar, so it is given `facts`: what a programmer would compute for it in
one pass over the purchase. Every rule becomes one expression that gives its amount or 0, and all of them one list, so
that a library is entered once per purchase. What its own copy of the facts costs is told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from benchmarks import chain
from benchmarks.chain import Document
from rules import MemberFacts, Purchase

OSLO: Final = ZoneInfo("Europe/Oslo")
NEVER: Final = -1

Facts = dict[str, Any]
Amounts = list[Any]


class Library(NamedTuple):
    """One library: makes its own context of the facts, and gives the amounts of all rules."""

    name: str
    convert: Callable[[Facts], Any]
    judge: Callable[[Any], Amounts]
    few: bool = False


def facts(event: Purchase, member: MemberFacts) -> Facts:
    """What the rules ask about, as plain values."""
    local = event.occurred_at.astimezone(OSLO)
    today = local.date()
    category: dict[str, int] = {}
    sku: dict[str, int] = {}
    tag: dict[str, int] = {}
    gift_cards = 0
    for line in event.lines or ():
        n = line.quantity
        if line.category == "gift-card":
            gift_cards += line.amount_minor
        if n > 0:
            if line.category is not None:
                category[line.category] = category.get(line.category, 0) + n
            if line.sku is not None:
                sku[line.sku] = sku.get(line.sku, 0) + n
            for name in set(line.tags):
                tag[name] = tag.get(name, 0) + n
    joined, last = member.joined_at, member.last_purchase_at
    return {
        "counted": max(event.total_minor - event.refunded_minor - gift_cards, 0),
        "category": category, "sku": sku, "tag": tag,
        "weekday": local.weekday(), "minute": local.hour * 60 + local.minute,
        "location": event.location or "", "channel": event.channel or "", "codes": list(event.codes),
        "tier": member.tier or "", "tags": list(member.tags), "language": member.language or "",
        "visits": member.visits, "points": member.balance.get("points", 0),
        "first": member.visits == 0 and member.first_purchase_at is None,
        "joined": NEVER if joined is None else (today - joined.astimezone(OSLO).date()).days,
        "last": NEVER if last is None else (today - last.astimezone(OSLO).date()).days,
    }  # fmt: skip


# --- the rules as a tree of plain operations, the same for every library


Node = tuple[Any, ...]
SIMPLE: Final = {"location": "location", "channel": "channel", "member.tier": "tier", "member.language": "language"}
NUMBERS: Final = {
    "total": "counted", "member.visits": "visits", "member.days_since_joined": "joined",
    "member.days_since_last_purchase": "last",
}  # fmt: skip


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def conditions(when: Document) -> Iterator[Node]:
    """Everything that must hold."""
    for name, wanted in when.items():
        if name == "member":
            yield from conditions({f"member.{key}": value for key, value in wanted.items()})
        elif name in SIMPLE:
            yield ("is", SIMPLE[name], wanted)
        elif name in NUMBERS:
            yield ("least", ("fact", NUMBERS[name]), wanted["min"])
        elif name == "items":
            yield from _items(wanted)
        elif name == "weekday":
            yield ("is", "weekday", [chain.WEEKDAYS.index(day) for day in wanted])
        elif name == "time":
            yield ("between", "minute", *map(_minute, wanted.split("-")))
        elif name in ("code", "member.tag"):
            yield from (("has", "codes" if name == "code" else "tags", value) for value in wanted)
        elif name == "member.first_purchase":
            yield ("fact", "first")
        elif name == "member.balance":
            yield ("least", ("fact", "points"), wanted["points"]["min"])
        elif name == "any":
            yield ("any", *(("all", *conditions(one)) for one in wanted))
        elif name == "not":
            yield ("not", ("all", *conditions(wanted)))
        else:
            raise KeyError(name)


def _items(wanted: Document) -> Iterator[Node]:
    [(field, names)] = [(key, value) for key, value in wanted.items() if key != "quantity"]
    if "quantity" in wanted:
        yield ("least", ("count", field, names[0]), wanted["quantity"]["min"])
    elif len(names) == 1:
        yield ("present", field, names[0])
    else:
        yield ("any", *(("present", field, name) for name in names))


def amount(rule: Document) -> Node:
    """What a rule gives when it holds."""
    award = rule["then"]["award"]
    if "per_minor" in award:
        return ("steps", award["per_minor"])
    if "per_item" in award:
        [(field, names)] = award["per_item"].items()
        return ("count", field, names[0])
    return ("number", award["amount"])


def holds(rule: Document) -> Node:
    return ("all", *conditions(rule["when"]))


# --- their words


def _quoted(value: Any) -> str:  # a constant of a rule
    return str(value) if isinstance(value, int) else "'" + value + "'"


def cel(node: Node) -> str:  # noqa: C901  # one case an operation
    """One operation in the Common Expression Language."""
    match node:
        case ("all", *parts):
            return " && ".join(f"({cel(part)})" for part in parts) or "true"
        case ("any", *parts):
            return " || ".join(f"({cel(part)})" for part in parts)
        case ("not", part):
            return f"!({cel(part)})"
        case ("is", fact, [one]):
            return f"{fact} == {_quoted(one)}"
        case ("is", fact, several):
            return f"{fact} in [{', '.join(map(_quoted, several))}]"
        case ("has", fact, value):
            return f"{_quoted(value)} in {fact}"
        case ("between", fact, starts, ends):
            return f"{fact} >= {starts} {'&&' if starts < ends else '||'} {fact} < {ends}"
        case ("least", ("count", field, name), least):
            return f"{_quoted(name)} in {field} && {field}[{_quoted(name)}] >= {least}"
        case ("least", value, least):
            return f"{cel(value)} >= {least}"
        case ("present", field, name):
            return f"{_quoted(name)} in {field}"
        case ("fact", name):
            return str(name)
        case ("steps", step):
            return f"counted / {step}"
        case ("count", field, name):
            return f"({_quoted(name)} in {field} ? {field}[{_quoted(name)}] : 0)"
        case ("number", number):
            return str(number)
    raise KeyError(node)


def zen_words(node: Node) -> str:
    """One operation in the ZEN expression language."""
    match node:
        case ("all", *parts):
            return " and ".join(f"({zen_words(part)})" for part in parts) or "true"
        case ("any", *parts):
            return " or ".join(f"({zen_words(part)})" for part in parts)
        case ("not", part):
            return f"not ({zen_words(part)})"
        case ("is", fact, [one]):
            return f"{fact} == {_quoted(one)}"
        case ("is", fact, several):
            return f"{fact} in [{', '.join(map(_quoted, several))}]"
        case ("has", fact, value):
            return f"{_quoted(value)} in {fact}"
        case ("between", fact, starts, ends):
            return f"{fact} >= {starts} {'and' if starts < ends else 'or'} {fact} < {ends}"
        case ("least", value, least):
            return f"{zen_words(value)} >= {least}"
        case ("present", field, name):
            return f"{field}[{_quoted(name)}] != null"
        case ("fact", name):
            return str(name)
        case ("steps", step):
            return f"floor(counted / {step})"
        case ("count", field, name):
            return f"({field}[{_quoted(name)}] ?? 0)"
        case ("number", number):
            return str(number)
    raise KeyError(node)


def logic(node: Node) -> Any:  # JSONLogic is JSON
    """One operation in JSONLogic."""
    match node:
        case ("all", *parts):
            return {"and": [logic(part) for part in parts]} if parts else True
        case ("any", *parts):
            return {"or": [logic(part) for part in parts]}
        case ("not", part):
            return {"!": [logic(part)]}
        case ("is", fact, [one]):
            return {"==": [{"var": fact}, one]}
        case ("is", fact, several):
            return {"in": [{"var": fact}, several]}
        case ("has", fact, value):
            return {"in": [value, {"var": fact}]}
        case ("between", fact, starts, ends):
            ends_after = [{">=": [{"var": fact}, starts]}, {"<": [{"var": fact}, ends]}]
            return {"and" if starts < ends else "or": ends_after}
        case ("least", value, least):
            return {">=": [logic(value), least]}
        case ("present", field, name):
            return {"!=": [{"var": [f"{field}.{name}", 0]}, 0]}
        case ("fact", name):
            return {"var": name}
        case ("steps", step):
            return {"/": [{"-": [{"var": "counted"}, {"%": [{"var": "counted"}, step]}]}, step]}
        case ("count", field, name):
            return {"var": [f"{field}.{name}", 0]}
        case ("number", number):
            return number
    raise KeyError(node)


# --- the libraries, compiled once


def every(*, slow: bool) -> Iterator[Library]:
    """Each library with the rules compiled; `slow` adds the one that takes milliseconds a purchase."""
    written = chain.document()["rules"]
    yield _datalogic(written)
    yield from _zen(written)
    yield _cel_cpp(written)
    yield _cel_rust(written)
    if slow:
        yield _cel_python(written)


def _cel_list(written: list[Document]) -> str:
    return "[" + ", ".join(f"({cel(holds(rule))}) ? {cel(amount(rule))} : 0" for rule in written) + "]"


def _cel_rust(written: list[Document]) -> Library:
    import cel as library

    program = library.compile(_cel_list(written))
    return Library("common-expression-language (CEL, Rust)", library.Context, program.execute)


def _cel_cpp(written: list[Document]) -> Library:
    from cel_expr_python import cel as library  # type: ignore[import-untyped]

    kinds = library.Type
    names = {
        "counted": kinds.INT, "weekday": kinds.INT, "minute": kinds.INT, "visits": kinds.INT, "points": kinds.INT,
        "joined": kinds.INT, "last": kinds.INT, "first": kinds.BOOL, "location": kinds.STRING,
        "channel": kinds.STRING, "tier": kinds.STRING, "language": kinds.STRING,
        "codes": kinds.List(kinds.STRING), "tags": kinds.List(kinds.STRING),
        **dict.fromkeys(("category", "sku", "tag"), kinds.Map(kinds.STRING, kinds.INT)),
    }  # fmt: skip
    environment = library.NewEnv(variables=names)
    expression = environment.compile(_cel_list(written))

    def judge(activation: Any) -> Amounts:  # the library's own
        return expression.eval(activation).plain_value()  # type: ignore[no-any-return, unused-ignore]

    return Library("cel-expr-python (CEL, C++)", environment.Activation, judge)


def _cel_python(written: list[Document]) -> Library:
    import celpy
    from celpy.adapter import json_to_cel

    environment = celpy.Environment()
    program = environment.program(environment.compile(_cel_list(written)))

    def judge(context: Any) -> Amounts:  # the library's own
        return [int(amount) for amount in program.evaluate(context)]  # type: ignore[arg-type, union-attr]

    return Library("cel-python", json_to_cel, judge, few=True)


def _datalogic(written: list[Document]) -> Library:
    import datalogic_py

    rule = [
        {"if": [logic(holds(one)), logic(amount(one)), 0]} if one["when"] else logic(amount(one)) for one in written
    ]
    engine = datalogic_py.Engine()
    compiled, session = engine.compile(rule), engine.session()
    return Library(
        "datalogic-py (JSONLogic, Rust)",
        datalogic_py.DataHandle,
        lambda handle: session.evaluate_data(compiled, handle),
    )


def _zen(written: list[Document]) -> Iterator[Library]:
    import zen

    listed = "[" + ", ".join(f"({zen_words(holds(rule))}) ? {zen_words(amount(rule))} : 0" for rule in written) + "]"
    expression = zen.compile_expression(listed)
    yield Library("zen-engine, one expression", dict, expression.evaluate)
