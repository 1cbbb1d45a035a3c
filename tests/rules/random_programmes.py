"""Random programmes and random purchases from a seed, with every condition and every effect among them."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from rules import Cap, Event, Limit, Line, MemberFacts, Programme, Purchase, Return, read
from rules.conditions import CONDITIONS as KINDS
from rules.periods import window

CATEGORIES = ("coffee", "tea", "cake", "gift-card", "bread")
SKUS = ("FW", "ESP", "LATTE", "EARL-GREY", "CARROT-CAKE", "RYE")
TAGS = ("organic", "local", "offer", "vegan")
LOCATIONS = ("harbour", "airport", "station")
TIERS = ("silver", "gold")
UNITS = ("points", "stamps")
ZONES = ("Europe/Oslo", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
EVENTS = ("feedback", "birthday", "course_done")
FIELDS = ("score", "course", "certified")
COURSES = ("brewing", "latte-art")
PURPOSES = ("marketing.sms", "profiling", "service")
PERKS = ("five-off", "free-coffee")
PERIODS = ("purchase", "day", "week", "month", "year", "ever")


def some(random: Random, names: tuple[str, ...]) -> list[str]:
    return random.choices(names, k=random.randint(1, 3))


def span(random: Random, most: int, least: int = 0) -> dict[str, int]:
    low, high = sorted((random.randint(least, most), random.randint(least, most)))
    return random.choice([{"min": low}, {"max": high}, {"min": low, "max": high}])


def picked(random: Random) -> dict[str, Any]:
    fields = {"sku": SKUS, "category": CATEGORIES, "tag": TAGS, "not_category": CATEGORIES, "not_tag": TAGS}
    chosen = random.choices([[random.choice(list(fields))], random.sample(list(fields), 2), []], [6, 3, 1])[0]
    return {field: some(random, fields[field]) for field in chosen}


def items(random: Random) -> dict[str, Any]:
    wanted = picked(random)
    if random.random() < 0.4:
        wanted["quantity"] = span(random, 4)
    if random.random() < 0.2:
        wanted["amount_minor"] = span(random, 15000)
    if random.random() < 0.2:
        wanted["distinct"] = span(random, 3)
    return wanted


def clock(random: Random) -> str:
    starts, ends = random.sample(range(0, 24 * 60, 30), 2)
    return f"{starts // 60:02}:{starts % 60:02}-{ends // 60:02}:{ends % 60:02}"


def days(random: Random) -> dict[str, str]:
    first, last = sorted(f"2026-{random.randint(1, 12):02}-{random.randint(1, 28):02}" for _ in range(2))
    return random.choice([{"from": first}, {"until": last}, {"from": first, "until": last}])


CONDITIONS: dict[str, Callable[[Random], Any]] = {
    "total": lambda random: span(random, 30000),
    "items": items,
    "location": lambda random: some(random, LOCATIONS),
    "till": lambda random: some(random, ("till-1", "till-2")),
    "staff": lambda random: some(random, ("day-shift", "night-shift")),
    "channel": lambda random: some(random, ("shop", "web")),
    "code": lambda random: some(random, ("SPRING", "NEIGHBOUR")),
    "weekday": lambda random: some(random, ("mon", "tue", "wed", "thu", "fri", "sat", "sun")),
    "time": clock,
    "dates": days,
    "member.tier": lambda random: some(random, TIERS),
    "member.tag": lambda random: some(random, ("student", "neighbour")),
    "member.language": lambda random: some(random, ("nb", "en")),
    "member.visits": lambda random: span(random, 10),
    "member.spend_minor": lambda random: span(random, 100000),
    "member.days_since_joined": lambda random: span(random, 400),
    "member.days_since_last_purchase": lambda random: span(random, 60),
    "member.balance": lambda random: {unit: span(random, 100) for unit in {*some(random, UNITS)}},
    "member.first_purchase": lambda random: random.random() < 0.5,
    "attributes": lambda random: {name: wish(random, name) for name in sorted({*some(random, FIELDS)})},
    "member.count": lambda random: (
        {"of": random.choice(EVENTS), "within": random.choice(("1 day", "7 days", "3 weeks", "2 months", "1 year"))}
        | span(random, 3)
    ),
    "member.overdue": lambda random: {"min": f"@{random.choice(['0.5', '1', '1.25', '3'])}@"},
    "member.birthday": lambda random: random.choice(("day", "week", "month")),
    "member.consent": lambda random: some(random, PURPOSES),
    "member.open_case": lambda random: random.random() < 0.5,
    "member.contact_person": lambda random: some(random, ("day-shift", "night-shift")),
    "member.ambassador_degree": lambda random: span(random, 4, -2),
}


def wish(random: Random, name: str) -> Any:
    if name == "certified":
        return random.random() < 0.5
    if name == "course":
        return some(random, COURSES)
    return span(random, 5) if random.random() < 0.7 else [random.randint(0, 5)]


def goes_with(on: str, name: str) -> bool:
    stands = KINDS[name].stands_on
    return stands == "anything" or (stands == "purchase") is (on == "purchase")


def when(random: Random, depth: int = 0, on: str = "purchase") -> dict[str, Any]:
    written: dict[str, Any] = {}
    fitting = [name for name in CONDITIONS if goes_with(on, name)]
    for name in random.sample(fitting, random.choices([0, 1, 2, 3], [2, 4, 3, 1])[0]):
        value = CONDITIONS[name](random)
        if name.startswith("member."):
            written.setdefault("member", {})[name.removeprefix("member.")] = value
        else:
            written[name] = value
    if depth < 2 and random.random() < 0.3:
        nested = random.choice(["any", "all", "not"])
        tables = [when(random, depth + 1, on) for _ in range(random.randint(1, 3))]
        written[nested] = tables[0] if nested == "not" else tables
    return written


def award(random: Random, on: str = "purchase") -> dict[str, Any]:
    given: dict[str, Any] = {"unit": random.choice(UNITS), "amount": random.randint(1, 30)}
    kind = random.choice(["fixed", "per_minor", "per_item"]) if on == "purchase" else "fixed"
    if kind == "per_minor":
        given["per_minor"] = random.choice([500, 1000, 2500])
    elif kind == "per_item":
        given["per_item"] = picked(random)
    return given


def multiply(random: Random) -> dict[str, Any]:
    # The marks are taken away from the JSON text, so that the number never passes through a float.
    return {"unit": random.choice(UNITS), "by": f"@{random.choice(['1.1', '1.5', '2', '2.375', '3'])}@"}


EFFECTS: dict[str, Callable[[Random], Any]] = {
    "award": award,
    "multiply": multiply,
    "grant": lambda random: {"perk": random.choice(PERKS), "valid_for": random.choice(("30 days", "1 year"))},
    "ask": lambda random: {"question": {"en": random.choice(("How was it?", "Will you come again?"))}},
    "open_case": lambda random: {"about": "low marks"} | ({"within": "2 days"} if random.random() < 0.5 else {}),
    "message": lambda random: {"purpose": random.choice(PURPOSES), "text": {"en": "Thank you!", "nb": "Takk!"}},
    "tag": lambda random: {random.choice(("add", "remove")): some(random, ("student", "neighbour"))},
    "promise": lambda random: {"what": "we call back", "within": random.choice(("1 day", "2 weeks"))},
    "notify": lambda random: {"event": random.choice(("vip", "low-marks"))},
}
DEEDS = [name for name in EFFECTS if name not in ("award", "multiply")]


def then(random: Random, on: str) -> dict[str, Any]:
    """An award, a multiplier, or neither; and now and then something else beside it."""
    giving = random.choice([*["award"] * 8, *["multiply"] * 2 * (on == "purchase"), *[None] * 3])
    deeds = random.sample(DEEDS, random.choice([0, 0, 0, 1, 2]) if giving else random.choice([1, 1, 2]))
    written = {name: EFFECTS[name](random) for name in deeds}
    given = {} if giving is None else {giving: award(random, on) if giving == "award" else multiply(random)}
    return given | written if random.random() < 0.5 else written | given


def limit(random: Random) -> dict[str, Any]:
    what = {"times": random.randint(1, 2)} if random.random() < 0.4 else {"amount": random.randint(1, 40)}
    return what | {"per": random.choice(PERIODS)}


def rule(random: Random, number: int) -> dict[str, Any]:
    on = random.choice(EVENTS) if random.random() < 0.25 else "purchase"
    written: dict[str, Any] = {"id": f"rule-{number}", "on": on, "when": when(random, 0, on)}
    written["then"] = then(random, on)
    if random.random() < 0.3:
        limits = [limit(random) for _ in range(random.randint(1, 2))]
        gives = {"award", "multiply"} & written["then"].keys()
        written["limit"] = [one for one in limits if gives or "times" in one]
    if "award" in written["then"] and random.random() < 0.3:
        written["group"] = f"{written['then']['award']['unit']}-{random.randint(1, 2)}"
        written["priority"] = random.randint(0, 2)
    if random.random() < 0.1:
        written |= days(random)
    return written


def spend(random: Random) -> dict[str, Any]:
    exclude = random.choice(
        [{}, {"category": ["gift-card"]}, {"tag": ["offer"]}, {"sku": ["RYE"], "category": ["tea"]}]
    )
    return {
        "tax": random.choice(["included", "excluded"]),
        "discounted_lines": random.random() < 0.7,
        "exclude": exclude,
    }


def document(random: Random, rules: int) -> str:
    """A random programme as JSON text."""
    written = {
        "programme": {
            "name": "Corner Café",
            "country": "NO",
            "currency": "NOK",
            "timezone": random.choice(ZONES),
            "languages": ["en"],
            "multipliers": random.choice(["best", "add", "product"]),
            "spend": spend(random) if random.random() < 0.6 else {},
            **({"max_return": random.choice(("1 %", "7.5 %", "100 %"))} if random.random() < 0.25 else {}),
        },
        "units": {
            unit: {"cap": [{"amount": random.randint(20, 200), "per": random.choice(PERIODS)}]}
            if random.random() < 0.4
            else {}
            for unit in UNITS
        },
        "tiers": [
            {
                "id": tier,
                "needs": {"earned": {"unit": "points", "amount": 9}, "within": "1 year"},
                "keeps_for": "1 year",
            }
            for tier in TIERS
        ],
        "perks": [
            {
                "id": perk,
                "price": {"unit": unit, "amount": random.choice((7, 10, 100))},
                "gives": {"amount_off_minor": random.choice((500, 5000))},
            }
            for perk, unit in zip(PERKS, UNITS, strict=True)
        ],
        "rules": [rule(random, number) for number in range(rules)],
    }
    return re.sub(r'"@([0-9.]+)@"', r"\1", json.dumps(written))


def programme(random: Random, rules: int = 8) -> Programme:
    return read(document(random, rules), "json")


def line(random: Random, number: int) -> Line:
    amount = random.choice([0, 1900, 4900, 5200, 12000, -500])
    return Line(
        line=str(number),
        amount_minor=amount,
        sku=random.choice((*SKUS, None)),
        category=random.choice((*CATEGORIES, None)),
        quantity=random.choice([0, 1, 1, 1, 2, 3]),
        discount_minor=random.choice([0, 0, 500]),
        tax_minor=max(amount, 0) // 5,
        tags=tuple(random.choices(TAGS, k=random.choice([0, 0, 1, 2]))),
    )


def purchase(random: Random) -> Purchase:
    lines = None if random.random() < 0.15 else tuple(line(random, number) for number in range(random.randint(0, 8)))
    total = random.randint(0, 40000) if lines is None else max(sum(line.amount_minor for line in lines), 0)
    return Purchase(
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randrange(365 * 24 * 60)),
        total_minor=total,
        location=random.choice((*LOCATIONS, None)),
        till=random.choice(("till-1", "till-2", None)),
        staff=random.choice(("day-shift", "night-shift", None)),
        channel=random.choice(("shop", "web", None)),
        codes=tuple(random.choices(("SPRING", "NEIGHBOUR", "OLD"), k=random.choice([0, 0, 1, 2]))),
        lines=lines,
        refunded_minor=random.choice([0, 0, 0, 1000, 50000]),
    )


def other_event(random: Random) -> Event:
    """Something else than a purchase."""
    told: dict[str, str | int | bool] = {
        "score": random.choice((0, 2, 5, True, "5")),
        "course": random.choice((*COURSES, "roasting", 1)),
        "certified": random.choice((True, False, 1, "yes")),
    }
    return Event(
        kind=random.choice(EVENTS),
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randrange(365 * 24 * 60)),
        attributes={name: value for name, value in told.items() if random.random() < 0.7},
        location=random.choice((*LOCATIONS, None)),
        staff=random.choice(("day-shift", "night-shift", None)),
    )


def event(random: Random) -> Purchase | Event:
    """Mostly a purchase."""
    return other_event(random) if random.random() < 0.25 else purchase(random)


def counts(random: Random, today: date) -> dict[str, tuple[date, ...]]:
    """How often each kind of event has happened, some of it just at the edge of a period."""
    back = (0, 1, 6, 7, 20, 21, 30, 59, 62, 364, 366)
    return {
        kind: tuple(sorted(today - timedelta(days=random.choice(back)) for _ in range(random.randint(1, 4))))
        for kind in EVENTS
        if random.random() < 0.6
    }


def birthday(random: Random, today: date) -> str | None:
    near = today + timedelta(days=random.randint(-7, 7))
    return random.choice((None, "02-29", f"{today:%m-%d}", f"{near:%m-%d}"))


def member(random: Random, programme: Programme, event: Purchase | Event) -> MemberFacts:
    today = event.occurred_at.astimezone(programme.zone).date()
    last = event.occurred_at - timedelta(hours=random.randrange(2000)) if random.random() < 0.7 else None
    return MemberFacts(
        visits=random.choice([0, 1, 3, 9]),
        spend_minor=random.randrange(120000),
        joined_at=event.occurred_at - timedelta(hours=random.randrange(10000)) if random.random() < 0.8 else None,
        first_purchase_at=last,
        last_purchase_at=last,
        tier=random.choice((*TIERS, None)),
        tags=tuple(random.sample(("student", "neighbour"), random.randint(0, 2))),
        language=random.choice(("nb", "en", None)),
        balance={unit: random.randint(-5, 120) for unit in UNITS if random.random() < 0.8},
        used=dict(used(random, programme, event)) if random.random() < 0.6 else {},
        birthday=birthday(random, today),
        counts=counts(random, today),
        usual_interval_days=random.choice((None, 0, 1, 7, 30)),
        consents=tuple(random.sample(PURPOSES, random.randint(0, 3))),
        open_case=random.random() < 0.3,
        contact_person=random.choice((None, "day-shift", "night-shift")),
        ambassador_degree=random.randint(-3, 5),
    )


def used(random: Random, programme: Programme, event: Purchase | Event) -> Iterator[tuple[str, tuple[int, int]]]:
    """What the limits have seen already, in the windows that this purchase falls in."""
    day = event.occurred_at.astimezone(ZoneInfo(programme.timezone)).date()
    subjects: dict[str, Sequence[Cap | Limit]] = {f"rule:{rule.id}": rule.limit for rule in programme.rules}
    caps: dict[str, Sequence[Cap | Limit]] = {f"cap:{name}": unit.cap for name, unit in programme.units.items()}
    for subject, bounds in [*subjects.items(), *caps.items()]:
        for bound in bounds:
            if bound.per != "purchase" and random.random() < 0.6:
                name = window(bound.per, day, programme.zone).name
                yield f"{subject}|{name}", (random.randint(0, 2), random.randint(0, 40))


def returns(random: Random, event: Purchase) -> list[Return]:
    """Some of the lines brought back, whole or in part."""
    return [
        random.choice(
            [
                Return(line=line.line),
                Return(line=line.line, quantity=random.randint(1, 3)),
                Return(line=line.line, amount_minor=random.randint(0, 6000)),
                Return(line=line.line, quantity=random.randint(0, 2), amount_minor=random.randint(0, 6000)),
            ]
        )
        for line in event.lines or ()
        if random.random() < 0.6
    ]
