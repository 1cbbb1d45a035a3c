"""What the till of the HTTP part says: a basket of about one kilobyte, as it is paid for, for one of many."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

CAFE: Final = Path(__file__).parent.parent / "rules" / "examples" / "corner-cafe.toml"
LOCATION: Final = "grunerlokka"

# Afternoon prices: the cap of a day's points is reached by nobody, so that every purchase earns and writes the same.
_GOODS: Final = (
    ("FLATWHITE", "coffee", 1, 2900), ("CAPPUCCINO", "coffee", 1, 2700), ("BUN-CINNAMON", "bakery", 2, 3600),
    ("SANDWICH-BRIE", "food", 1, 2500), ("APPLE-SLICES", "fruit", 1, 1500), ("JUICE-APPLE", "drinks", 1, 1900),
)  # fmt: skip


def phone(number: int) -> str:
    """Say the number of a member, out of a range that is kept for fiction."""
    return f"999 {number:05d}"


def programme() -> str:
    """Give the café's programme, in which every hour is a happy hour: a purchase told as it happens earns by each rule.

    Its examples are left behind, since they tell of other hours.
    """
    source, _, _ = CAFE.read_text(encoding="utf-8").partition("[[examples]]")
    hours = 'when.weekday = ["mon", "tue"]\nwhen.time = "14:00-16:00"\n'
    assert hours in source, "the café has other hours now"
    return source.replace(hours, "")


def purchase(receipt: str, phone: str, at: datetime) -> dict[str, Any]:
    """Tell a closed sale."""
    lines = [
        {
            "line": str(n), "sku": sku, "category": category, "quantity": quantity, "amount_minor": amount,
            "discount_minor": 0, "tax_minor": amount // 5, "tags": ["hot"] if category == "coffee" else [],
        }
        for n, (sku, category, quantity, amount) in enumerate(_GOODS, start=1)
    ]  # fmt: skip
    return {
        "receipt": receipt, "location": LOCATION, "till": "till-1", "staff": "day-shift",
        "occurred_at": at.isoformat(), "currency": "NOK",
        "total_minor": sum(amount for *_, amount in _GOODS), "member": {"phone": phone}, "lines": lines,
    }  # fmt: skip


def purchase_template(at: datetime) -> str:
    """Give the body for till.lua, with the places of the receipt and of the number's last digits."""
    return json.dumps(purchase("%s", "999 %s", at))


def lookup_template() -> str:
    """Give the body of a look-up for till.lua."""
    return json.dumps({"member": {"phone": "999 %s"}})
