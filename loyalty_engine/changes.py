"""What differs between two programmes, as sentences a shop owner reads before publishing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

import rules

# The parts of a programme whose entries have names, and what one of them is called.
_NAMED = {"units": "Unit", "rules": "Rule", "perks": "Perk", "tiers": "Tier"}
_MISSING = object()


class Changed(Struct, frozen=True):
    """One difference: of which part of the programme, of which entry of it, and the sentence."""

    part: str
    id: str | None
    says: str


def changes(before: rules.Programme, after: rules.Programme) -> tuple[Changed, ...]:
    """Tell what is new, what is gone, and what changed from what to what; in the order of a programme's file."""
    old, new = _document(before), _document(after)
    found = [*_told("programme", None, "The programme", old.get("programme"), new.get("programme"))]
    for part, called in _NAMED.items():
        found += _entries(part, called, _by_name(old.get(part, {})), _by_name(new.get(part, {})), (before, after))
    found += _told("referral", None, "The referral", old.get("referral"), new.get("referral"))
    found += _told("consent", None, "What members are asked to agree to", old.get("consent"), new.get("consent"))
    found += _told("messages", None, "How often members are written to", old.get("messages"), new.get("messages"))
    if old.get("examples", []) != new.get("examples", []):
        counted = len(before.examples), len(after.examples)
        found.append(Changed("examples", None, "The examples change, from {} to {}.".format(*counted)))
    return tuple(found)


def _document(programme: rules.Programme) -> dict[str, Any]:
    return tomllib.loads(rules.write_toml(programme))


def _by_name(part: Any) -> dict[str, Any]:
    """Give the entries of a part by their names; units are a table already, the others carry an `id`."""
    if isinstance(part, Mapping):
        return dict(part)
    return {entry["id"]: {name: value for name, value in entry.items() if name != "id"} for entry in part}


def _entries(
    part: str, called: str, old: dict[str, Any], new: dict[str, Any], of: tuple[rules.Programme, rules.Programme]
) -> Iterator[Changed]:
    for name in (*new, *(gone for gone in old if gone not in new)):
        says = f'{called} "{name}"'
        if name not in old:
            yield Changed(part, name, f"{says} is new: {_in_words(part, name, new[name], of[1])}")
        elif name not in new:
            yield Changed(part, name, f"{says} is gone: {_in_words(part, name, old[name], of[0])}")
        else:
            yield from _told(part, name, says, old[name], new[name])
    kept = [name for name in old if name in new]
    if part == "rules" and kept != [name for name in new if name in old]:
        yield Changed(part, None, "The rules stand in another order: " + ", ".join(new) + ".")


def _in_words(part: str, name: str, entry: Any, programme: rules.Programme) -> str:
    """Say what an entry does: a rule in its own sentence, anything else as it is written."""
    if part == "rules":
        rule = next(rule for rule in programme.rules if rule.id == name)
        return rules.sentence(rule, programme, "en") + "."
    return ", ".join(f"{place} = {_shown(value)}" for place, value in _flat("", entry)) + "."


def _told(part: str, name: str | None, says: str, old: Any, new: Any) -> Iterator[Changed]:
    if old == new:
        return
    if old is None or new is None:
        yield Changed(part, name, f"{says} is {'new' if old is None else 'gone'}.")
        return
    before, after = dict(_flat("", old)), dict(_flat("", new))
    for place in (*after, *(gone for gone in before if gone not in after)):
        was, becomes = before.get(place, _MISSING), after.get(place, _MISSING)
        if was is _MISSING:
            yield Changed(part, name, f"{says} says {place} = {_shown(becomes)} now.")
        elif becomes is _MISSING:
            yield Changed(part, name, f"{says} no longer says {place} = {_shown(was)}.")
        elif was != becomes:
            yield Changed(part, name, f"{says} changes: {place} from {_shown(was)} to {_shown(becomes)}.")


def _flat(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Lay nested tables open, as `when.total.min`; lists stay whole, as they are read at one glance."""
    if not isinstance(value, Mapping):
        yield place, value
        return
    for name, inner in value.items():
        yield from _flat(f"{place}.{name}" if place else name, inner)


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()
