"""The Corner Café as the smallest programme that a rule can be tried in, and worked cases as the runners read them."""

from typing import Any

from rules import Event, Finding, MemberFacts, Programme, Purchase
from rules.shapes import Reader

NAMES = {unit: {"en": {"one": unit[:-1], "other": unit}} for unit in ("points", "stamps")}
COFFEE = {"free_item": {"category": ["coffee"], "up_to_minor": 6000}}
NEEDS = {"earned": {"unit": "points", "amount": 1000}, "within": "12 months"}


def document(*rules: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """The café with these rules; `settings` go into its [programme] table."""
    perk = {"id": "free-coffee", "price": {"unit": "stamps", "amount": 10}, "gives": COFFEE}
    written: dict[str, Any] = {
        "programme": {
            "name": "Corner Café",
            "country": "NO",
            "currency": "NOK",
            "timezone": "Europe/Oslo",
            "languages": ["en"],
            **settings,
        },
        "units": {unit: {"name": {**name}, "expires_after": "1 year"} for unit, name in NAMES.items()},
        "tiers": [{"id": tier, "needs": NEEDS, "keeps_for": "12 months"} for tier in ("silver", "gold")],
        "rules": [{"on": "purchase"} | rule for rule in rules],
    }
    # A perk that nobody can have is refused, so it is on the shelf of a café that grants it.
    return written | ({"perks": [perk]} if any("grant" in rule.get("then", {}) for rule in rules) else {})


def read_document(written: dict[str, Any]) -> tuple[Programme, tuple[Finding, ...]]:
    """The programme (or MISSING) and what is wrong with it."""
    reader = Reader()
    programme = reader.record(Programme, written, "")
    reader.settle_names()
    return programme, tuple(reader.findings)


def happened(written: dict[str, Any], case: dict[str, Any]) -> tuple[Programme, Purchase | Event, MemberFacts]:
    """The programme of a case, with its purchase or event and its member."""
    example = {
        "name": case["name"],
        "at": case.get("at", "2026-01-05T15:00:00"),
        "member": case.get("member", {}),
        "expect": {},
    }
    example |= (
        {"event": case["event"]} if "event" in case else {"purchase": case.get("purchase", {"total_minor": 4900})}
    )
    programme, findings = read_document(written | {"examples": [example]})
    assert findings == ()
    (read,) = programme.examples
    return programme, read.event(programme.zone), read.facts(programme.zone)
