"""The chain's hundred rules as a programmer would write and tune them in Python: the yardstick of the compiled form.

It may use what only a person sees: that rules come in families, so that a family is one look-up. `amounts` finds what
each rule gives; `outcome` makes the same answer of it as the engine, with an award and its reason for each.
"""

from __future__ import annotations

from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from benchmarks import chain
from rules import Award, MemberFacts, Outcome, Purchase

OSLO: Final = ZoneInfo("Europe/Oslo")

# The rules by their number in the file.
BASE: Final = 0
STAMP: Final = {name: 1 + n for n, name in enumerate(chain.CATEGORIES)}
THREE: Final = {name: 25 + n for n, name in enumerate(chain.CATEGORIES[:12])}
WELCOME: Final = {name: 37 + n for n, name in enumerate(chain.LOCATIONS)}
LATE: Final = {name: 47 + n for n, name in enumerate(chain.LOCATIONS)}
GOLD_DAY: Final = 57
TAG: Final = {name: 64 + n for n, name in enumerate(chain.TAGS)}
HAPPY: Final = {
    hour: (70 + n, category)
    for n, (window, category) in enumerate(chain.HAPPY_HOURS)
    for hour in range(int(window[:2]), int(window[6:8]))
}
SPENT: Final = [(spent, 76 + n, spent // 5000) for n, spent in enumerate(chain.SPENT_MIN)]
REGULAR, A_YEAR, FIRST, BACK_AGAIN, SAVER, ENGLISH = range(82, 88)
CODE: Final = {name: 88 + n for n, name in enumerate(chain.CODES)}
SKU: Final = {sku: 94 + n for n, skus in enumerate(chain.SKUS) for sku in skus}
GOLD_WEEKEND, STUDENT_APP = 98, 99

Found = list[tuple[int, int]]


def amounts(event: Purchase, member: MemberFacts) -> tuple[Found, int]:  # noqa: C901, PLR0912  # tuned: few calls
    """What each rule gives, as (number of the rule, amount), and the counted spend."""
    local = event.occurred_at.astimezone(OSLO)
    weekday, hour, location = local.weekday(), local.hour, event.location
    quantity: dict[str | None, int] = {}
    tagged: dict[str, int] = {}
    skus = set()
    gift_cards = 0
    for line in event.lines or ():
        n = line.quantity
        category = line.category
        if category == "gift-card":
            gift_cards += line.amount_minor
        if n > 0:
            quantity[category] = quantity.get(category, 0) + n
            if line.sku in SKU:
                skus.add(SKU[line.sku])
            if line.tags:
                for tag in set(line.tags):
                    tagged[tag] = tagged.get(tag, 0) + n
    counted = max(event.total_minor - event.refunded_minor - gift_cards, 0)

    found: Found = []
    if counted >= 1000:
        found.append((BASE, counted // 1000))
    for category, n in quantity.items():
        if category in STAMP:
            found.append((STAMP[category], n))
            if n >= 3 and category in THREE:
                found.append((THREE[category], 10))
    for tag, n in tagged.items():
        if tag in TAG:
            found.append((TAG[tag], n))
    for number in skus:
        found.append((number, 2))
    if location in WELCOME:
        if counted >= 20000:
            found.append((WELCOME[location], 5))
        if 18 <= hour < 22 and weekday in (3, 4) and counted >= 2000:
            found.append((LATE[location], counted // 2000))
    if hour in HAPPY and HAPPY[hour][1] in quantity:
        found.append((HAPPY[hour][0], 5))
    for spent, number, amount in SPENT:
        if counted < spent:
            break
        found.append((number, amount))
    for code in event.codes:
        if code in CODE:
            found.append((CODE[code], 20))
    if member.tier is not None:
        _tiers(found, member, weekday, location, gift_card="gift-card" in quantity)
    _members(found, member, local.date(), counted)
    if event.channel == "app" and "student" in member.tags and (hour >= 22 or hour < 2 or location == "university"):
        found.append((STUDENT_APP, 5))
    return found, counted


def _tiers(found: Found, member: MemberFacts, weekday: int, location: str | None, *, gift_card: bool) -> None:
    if member.visits >= 10:
        found.append((REGULAR, 3))
    if member.tier == "gold":
        found.append((GOLD_DAY + weekday, 10))
        if (weekday >= 5 or location == "airport") and not gift_card:
            found.append((GOLD_WEEKEND, 25))


def _members(found: Found, member: MemberFacts, today: date, counted: int) -> None:
    joined, last = member.joined_at, member.last_purchase_at
    if joined is not None and (today - joined.astimezone(OSLO).date()).days >= 365:
        found.append((A_YEAR, 2))
    if last is not None and (today - last.astimezone(OSLO).date()).days >= 60:
        found.append((BACK_AGAIN, 15))
    if member.visits == 0 and member.first_purchase_at is None:
        found.append((FIRST, 25))
    if member.balance.get("points", 0) >= 500:
        found.append((SAVER, 4))
    if member.language == "en" and counted >= 5000:
        found.append((ENGLISH, 1))


# --- the same answer as the engine gives

IDS: Final = [rule["id"] for rule in chain.document()["rules"]]
UNITS: Final = [rule["then"]["award"]["unit"] for rule in chain.document()["rules"]]


def _words(amount: int, unit: str) -> str:
    return f"{amount} {unit}"


def _each(number: int) -> str:
    """What stands in front of the reason of an award that differs from purchase to purchase."""
    unit = UNITS[number]
    if number == BASE:
        return f"1 {unit} per 10 kr on "
    if number in LATE.values():
        return f"1 {unit} per 20 kr on "
    what = next((f"category {name}" for name, n in STAMP.items() if n == number), None)
    return f"1 {unit} per item of {what or 'tag ' + next(name for name, n in TAG.items() if n == number)}, "


_SPENT: Final = {BASE, *LATE.values()}
_COUNTED: Final = {*STAMP.values(), *TAG.values()}
HEADS: Final = [_each(n) if n in _SPENT | _COUNTED else "" for n in range(100)]
FIXED: Final = {
    n: Award(IDS[n], UNITS[n], amount, _words(amount, UNITS[n]))
    for n, amount in ((n, chain.document()["rules"][n]["then"]["award"]["amount"]) for n in range(100))
    if n not in _SPENT | _COUNTED
}


def _kroner(minor: int) -> str:
    kroner, rest = divmod(minor, 100)
    return f"{kroner}.{rest:02} kr" if rest else f"{kroner} kr"


def outcome(event: Purchase, member: MemberFacts) -> Outcome:
    """The awards in the order of the file, each with its reason, and the rules that fired."""
    found, counted = amounts(event, member)
    found.sort()
    return made(found, counted)


def made(found: Found, counted: int) -> Outcome:
    """The outcome of amounts that stand in the order of the file."""
    awards = []
    money = ""
    for number, amount in found:
        if number in FIXED:
            awards.append(FIXED[number])
        elif number in _SPENT:
            money = money or _kroner(counted)
            awards.append(Award(IDS[number], UNITS[number], amount, HEADS[number] + money))
        else:
            awards.append(Award(IDS[number], UNITS[number], amount, f"{HEADS[number]}{amount} of them"))
    return Outcome(tuple(awards), (), tuple([IDS[number] for number, _ in found]))
