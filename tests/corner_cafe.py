"""The Corner Café, its people and its prices: what the tests speak of when they need a shop.

The phone numbers are made up; the Swedish and the British one are from the ranges kept free for stories.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

CAFE = "corner-cafe"
PROGRAMME = Path(__file__).parent.parent / "rules" / "examples" / "corner-cafe.toml"

FLAT_WHITE_MINOR = 4900
BUN_MINOR = 3000

IDA = "912 34 567"
ASTRID = "+46 70 174 06 05"
OLIVER = "+44 7700 900123"

MONDAY_AT_THREE = datetime(2026, 1, 5, 14, 0, tzinfo=UTC)  # 15:00 in Oslo: happy hour
