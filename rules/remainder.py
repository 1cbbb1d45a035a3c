"""What is to be said of a programme that cannot be read whole: its other mistakes, in the same run.

What cannot be read is left out, and the remainder is checked. Only what is wrong whatever was meant by the parts left
out is told: nobody is to hunt a mistake that goes away with another.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from rules.check import check
from rules.example import Example
from rules.facts import Purchase
from rules.fairness import returned
from rules.findings import Finding, ProgrammeInvalid
from rules.perks import Perk
from rules.programme import Programme
from rules.reading import parsed, read, typed
from rules.shapes import Reader
from rules.texts import wording

_LISTED: Final = ("rules", "perks", "tiers", "examples")
_ROUNDS: Final = 4
# What stands in for a setting that cannot be read, where there must be one.
_STAND_IN: Final = {"name": "?", "country": "NO", "currency": "NOK", "timezone": "UTC", "languages": ["en"]}
# Settings that change what a purchase gives: where one cannot be read, no example can be judged.
_DECIDE: Final = {"programme.spend", "programme.multipliers", "programme.max_return", "units.cap", "units"}
_PLACE: Final = re.compile(r"([^.\[]+)(?:\[(\d+)\]|\.([^.\[]+))?(?:\.([^.\[]+))?")


def check_source(source: str | bytes, format: Literal["toml", "json"]) -> tuple[Programme | None, tuple[Finding, ...]]:
    """Read and check a document. There is no programme where it cannot be read; every mistake is told even so."""
    try:
        programme = read(source, format)
    except ProgrammeInvalid as invalid:
        return None, (*invalid.findings, *_others(source, format, invalid.findings))
    return programme, check(programme)


def _others(source: str | bytes, format: Literal["toml", "json"], known: Sequence[Finding]) -> Iterator[Finding]:
    try:
        written = parsed(source, format)
    except ProgrammeInvalid:
        return
    if not isinstance(written, dict) or not isinstance(written.get("programme"), dict):
        return
    remainder = Remainder(written)
    programme = remainder.read(known)
    if programme is not None:
        told = {finding.place for finding in known}
        yield from (one for one in remainder.findings(programme) if one.place not in told)


class Remainder:
    """A document without the parts that cannot be read; what is in its lists knows where it stood."""

    def __init__(self, written: Mapping[str, Any]) -> None:
        self._stood = {name: list(enumerate(written.get(name, ()))) for name in _LISTED if _is_list(written, name)}
        self._others = {name: _copied(value) for name, value in written.items() if name not in self._stood}
        self._left_out: list[dict[str, Any]] = []
        self._changed: set[str] = set()

    def read(self, known: Sequence[Finding]) -> Programme | None:
        """The programme that remains. Leaving out one part may leave another without what it names."""
        findings = known
        for _ in range(_ROUNDS):
            gone: dict[str, set[int]] = {}
            for finding in findings:
                self._leave_out(finding.place, gone)
            for name, numbers in gone.items():
                stood = self._stood[name]
                self._left_out += [item for n, (_, item) in enumerate(stood) if n in numbers and name == "rules"]
                self._stood[name] = [one for n, one in enumerate(stood) if n not in numbers]
            reader = Reader()
            listed = {name: [item for _, item in stood] for name, stood in self._stood.items()}
            programme = typed(reader, self._others | listed)
            if not reader.findings:
                return programme if isinstance(programme, Programme) else None
            findings = tuple(reader.findings)
        return None

    def _leave_out(self, place: str, gone: dict[str, set[int]]) -> None:
        match = _PLACE.match(place)
        if match is None:
            return
        table, number, name, field = match.groups()
        held = self._others.get(table)
        self._changed.add(table if name is None or table == "referral" else f"{table}.{name}")
        if number is not None and table in self._stood:
            gone.setdefault(table, set()).add(int(number))
        elif name is None or table == "referral" or not isinstance(held, dict):
            self._others.pop(table, None)
        elif table == "units" and field is not None and isinstance(held.get(name), dict):
            self._changed.add(f"units.{field}")
            held[name].pop(field, None)
        else:
            held.pop(name, None)
            held |= {name: _STAND_IN[name]} if table == "programme" and name in _STAND_IN else {}

    def findings(self, programme: Programme) -> Iterator[Finding]:
        """What is wrong in the remainder whatever the rest was meant to be, each at its place in the document."""
        unsure = {*returned(programme), *(wording(programme) if "programme.languages" in self._changed else ())}
        for finding in check(programme):
            match = _PLACE.match(finding.place)
            assert match is not None, "a check names a place"
            table, number, name, _ = match.groups()
            if finding in unsure or (table == "units" and f"units.{name}" in self._changed):
                continue
            if number is None:
                yield finding
            elif self._certain(programme, table, int(number)):
                place = f"{table}[{self._stood[table][int(number)][0]}]{finding.place.partition(']')[2]}"
                yield msgspec.structs.replace(finding, place=place)

    def _certain(self, programme: Programme, table: str, number: int) -> bool:
        if table == "perks":
            return not self._may_be_reached(programme, programme.perks[number])
        return table != "examples" or self._is_judged(programme.examples[number])

    def _may_be_reached(self, programme: Programme, perk: Perk) -> bool:
        """Could something that was left out give this perk, or the unit that it costs?"""
        others = {"award": ("unit", programme.units.keys() - ({perk.price.unit} if perk.price else set()))}
        others["grant"] = ("perk", {one.id for one in programme.perks} - {perk.id})
        for then in (rule.get("then") for rule in self._left_out):
            if not isinstance(then, dict):
                return True
            for effect, (name, elsewhere) in others.items():
                given = then.get(effect)
                if given is not None and (not isinstance(given, dict) or given.get(name) not in elsewhere):
                    return True
        return "referral" in self._changed

    def _is_judged(self, example: Example) -> bool:
        """Does the example itself say that what was left out has no part in it?"""
        if self._changed & _DECIDE:
            return False
        kind = Purchase.kind if example.told is None else example.told.kind
        there = [rule for rule in self._left_out if rule.get("on", kind) == kind]
        fired = example.expect.fired
        return not there or (fired is not None and not any(rule.get("id") in (None, *fired) for rule in there))


def _is_list(written: Mapping[str, Any], name: str) -> bool:
    return isinstance(written.get(name), list) and all(isinstance(item, dict) for item in written[name])


def _copied(value: Any) -> Any:
    """Tables that may lose something; what stands in them deeper is left as it is."""
    if not isinstance(value, dict):
        return value
    return {name: dict(item) if isinstance(item, dict) else item for name, item in value.items()}
