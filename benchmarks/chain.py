"""A chain of cafés with a hundred rules, and its customers' baskets: what the rule benchmarks judge.

The rules are written here once, as a programme document. The engine reads it; the libraries get the same document
translated; by_hand.py says the same in plain Python.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from rules import Line, MemberFacts, Programme, Purchase, read

CATEGORIES: Final = (
    "coffee", "tea", "cake", "bread", "sandwich", "salad", "soup", "juice", "soda", "water", "ice-cream", "fruit",
    "yoghurt", "porridge", "beans", "filters", "cups", "newspaper", "candy", "crisps", "breakfast", "lunch", "dinner",
    "gift-card",
)  # fmt: skip
LOCATIONS: Final = (
    "grunerlokka", "majorstuen", "harbour", "airport", "station", "university", "library", "hospital", "stadium",
    "park",
)  # fmt: skip
TAGS: Final = ("organic", "vegan", "local", "hot", "takeaway", "offer")
CODES: Final = ("SPRING", "NEIGHBOUR", "RAINYDAY", "EXAM", "MATCHDAY", "OPENING")
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HAPPY_HOURS: Final = (
    ("07:00-09:00", "bread"), ("09:00-11:00", "cake"), ("11:00-13:00", "lunch"), ("13:00-15:00", "salad"),
    ("15:00-17:00", "coffee"), ("17:00-21:00", "dinner"),
)  # fmt: skip
SPENT_MIN: Final = (25000, 40000, 60000, 80000, 100000, 150000)
SKUS: Final = (("COFFEE-1", "COFFEE-2"), ("TEA-1",), ("CAKE-1", "CAKE-2", "CAKE-3"), ("BEANS-1",))

Document = dict[str, Any]


def document(copies: int = 1, *, restrained: bool = False) -> Document:
    """The programme as a document: a hundred rules, or that many for each copy with categories and places of its own.

    `restrained` adds what the libraries have no word for: multipliers, groups, limits and caps.
    """
    rules = [rule for copy in range(copies) for rule in _rules(f"-{copy}" if copy else "")]
    units: Document = {"points": {}, "stamps": {}}
    if restrained:
        rules = [_restrained(rule) for rule in rules] + _multipliers()
        units = {"points": {"cap": [{"amount": 500, "per": "day"}]}, "stamps": {"cap": [{"amount": 30, "per": "week"}]}}
    return {
        "programme": {
            "name": "Corner Café and sisters", "country": "NO", "currency": "NOK", "timezone": "Europe/Oslo",
            "languages": ["en"], "spend": {"exclude": {"category": ["gift-card"]}},
        },
        "units": units,
        "tiers": [_tier("silver"), _tier("gold")],
        "rules": rules,
    }  # fmt: skip


def programme(copies: int = 1, *, restrained: bool = False) -> Programme:
    """The same, read by the engine."""
    return read(json.dumps(document(copies, restrained=restrained)), "json")


def _tier(name: str) -> Document:
    return {"id": name, "needs": {"earned": {"unit": "points", "amount": 9}, "within": "1 year"}, "keeps_for": "1 year"}


def _rule(name: str, when: Document, amount: int, unit: str = "points", **how: Any) -> Document:  # a document
    return {"id": name, "on": "purchase", "when": when, "then": {"award": {"unit": unit, "amount": amount, **how}}}


def _rules(suffix: str) -> list[Document]:
    """One hundred rules, family by family."""
    written = [
        _rule("base", {}, 1, per_minor=1000),
        *(_rule(f"stamp-{c}", {}, 1, "stamps", per_item={"category": [c + suffix]}) for c in CATEGORIES),
        *(
            _rule(f"three-{c}", {"items": {"category": [c + suffix], "quantity": {"min": 3}}}, 10)
            for c in CATEGORIES[:12]
        ),
        *(_rule(f"welcome-{p}", {"location": [p + suffix], "total": {"min": 20000}}, 5) for p in LOCATIONS),
        *(
            _rule(
                f"late-{p}",
                {"location": [p + suffix], "weekday": ["thu", "fri"], "time": "18:00-22:00"},
                1,
                per_minor=2000,
            )
            for p in LOCATIONS
        ),
        *(_rule(f"gold-{day}", {"weekday": [day], "member": {"tier": ["gold"]}}, 10) for day in WEEKDAYS),
        *(_rule(f"tag-{tag}", {}, 1, per_item={"tag": [tag + suffix]}) for tag in TAGS),
        *(_rule(f"hour-{c}", {"time": hours, "items": {"category": [c + suffix]}}, 5) for hours, c in HAPPY_HOURS),
        *(_rule(f"spent-{spent}", {"total": {"min": spent}}, spent // 5000) for spent in SPENT_MIN),
        *_about_members(),
        *(_rule(f"code-{code.lower()}", {"code": [code + suffix]}, 20) for code in CODES),
        *(
            _rule(f"sku-{n}", {"items": {"sku": [sku + suffix for sku in skus]}}, 2, "stamps")
            for n, skus in enumerate(SKUS)
        ),
        *_mixed(suffix),
    ]
    return [rule | {"id": rule["id"] + suffix} for rule in written]


def _about_members() -> list[Document]:
    return [
        _rule("regular", {"member": {"visits": {"min": 10}, "tier": ["silver", "gold"]}}, 3),
        _rule("a-year", {"member": {"days_since_joined": {"min": 365}}}, 2),
        _rule("first", {"member": {"first_purchase": True}}, 25),
        _rule("back-again", {"member": {"days_since_last_purchase": {"min": 60}}}, 15),
        _rule("saver", {"member": {"balance": {"points": {"min": 500}}}}, 4),
        _rule("english", {"member": {"language": ["en"]}, "total": {"min": 5000}}, 1),
    ]


def _mixed(suffix: str) -> list[Document]:
    weekend = {"any": [{"weekday": ["sat", "sun"]}, {"location": ["airport" + suffix]}]}
    no_gift_card = {"not": {"items": {"category": ["gift-card" + suffix]}}}
    student = {"channel": ["app"], "member": {"tag": ["student"]}}
    return [
        _rule("gold-weekend", {"member": {"tier": ["gold"]}, **weekend, **no_gift_card}, 25),
        _rule("student-app", student | {"any": [{"time": "22:00-02:00"}, {"location": ["university" + suffix]}]}, 5),
    ]


def _restrained(rule: Document) -> Document:
    family = rule["id"].partition("-")[0]
    if family == "spent":
        return rule | {"group": "spent"}
    if family in ("gold", "code"):
        return rule | {"limit": [{"times": 1, "per": "day"}]}
    return rule


def _multipliers() -> list[Document]:
    tuesday = {"unit": "points", "by": 2}
    gold = {"unit": "stamps", "by": 3}
    return [
        {"id": "double-tuesday", "on": "purchase", "when": {"weekday": ["tue"]}, "then": {"multiply": tuesday}},
        {"id": "gold-stamps", "on": "purchase", "when": {"member": {"tier": ["gold"]}}, "then": {"multiply": gold}},
    ]


Event = tuple[Purchase, MemberFacts]


def events(number: int, seed: int = 1) -> list[Event]:
    """Purchases of 1 to 20 lines, about five and a half on the average, with the members who made them."""
    random = Random(seed)  # noqa: S311  # baskets, not secrets
    made = []
    for _ in range(number):
        purchase = _purchase(random)
        made.append((purchase, _member(random, purchase.occurred_at)))
    return made


def _purchase(random: Random) -> Purchase:
    lines = tuple(_line(random, n) for n in range(1, min(20, 1 + int(random.expovariate(1 / 5.1))) + 1))
    return Purchase(
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randrange(365 * 24 * 60)),
        total_minor=sum(line.amount_minor for line in lines),
        location=random.choice(LOCATIONS),
        till="till-1",
        channel=random.choice(("shop", "shop", "app")),
        codes=(random.choice(CODES),) if random.random() < 0.1 else (),
        lines=lines,
    )


def _line(random: Random, number: int) -> Line:
    # Some goods are bought far more often than others.
    category = CATEGORIES[min(int(random.expovariate(1 / 4)), len(CATEGORIES) - 1)]
    quantity = random.choice((1, 1, 1, 1, 2))
    return Line(
        line=str(number),
        amount_minor=quantity * random.choice((2900, 3500, 4900, 6500)),
        sku=f"{category.upper()}-{random.randint(1, 5)}",
        category=category,
        quantity=quantity,
        tags=tuple(random.sample(TAGS, random.choice((0, 0, 0, 1)))),
    )


def _member(random: Random, at: datetime) -> MemberFacts:
    visits = random.choice((0, 1, 3, 8, 20, 50))
    last = at - timedelta(hours=random.randrange(1, 2400)) if visits else None
    return MemberFacts(
        visits=visits,
        spend_minor=visits * 12000,
        joined_at=at - timedelta(days=random.randrange(120, 1000)) if visits else None,
        first_purchase_at=last,
        last_purchase_at=last,
        tier=random.choice((None, None, "silver", "gold")),
        tags=("student",) if random.random() < 0.2 else (),
        language=random.choice(("nb", "nb", "en", None)),
        balance={"points": random.randrange(800), "stamps": random.randrange(10)},
    )
