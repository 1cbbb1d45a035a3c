"""The kinds of names and numbers a programme document may hold, each with its limits in one place."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


def _name(description: str, *, pattern: str = r"^[a-z0-9][a-z0-9_-]{0,63}$", **extra: str) -> Meta:
    return Meta(pattern=pattern, extra=extra, extra_json_schema={"description": description})


RuleId = Annotated[str, _name("an id in small letters, digits, - and _", defines="rule")]
PerkId = Annotated[str, _name("an id in small letters, digits, - and _", defines="perk")]
TierId = Annotated[str, _name("an id in small letters, digits, - and _", defines="tier")]
UnitId = Annotated[str, _name("a unit's name in small letters, digits, - and _", defines="unit")]
GroupName = Annotated[str, _name("a group's name in small letters, digits, - and _")]
UnitName = Annotated[str, _name("the name of a unit of this programme", refers="unit")]
TierName = Annotated[str, _name("the id of a tier of this programme", refers="tier")]
Language = Annotated[str, _name("a language such as nb or en-GB", pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Country = Annotated[str, _name("a country of two capital letters such as NO", pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, _name("a currency of ISO 4217 such as NOK", pattern=r"^[A-Za-z]{1,8}$", known="currency")]
Timezone = Annotated[
    str, _name("a time zone such as Europe/Oslo", pattern=r"^[A-Za-z0-9_+/-]{1,64}$", known="time zone")
]
EventName = Annotated[str, _name("an event such as purchase, birthday or a name of your own such as course_done")]
PerkName = Annotated[str, _name("the id of a perk of this programme", refers="perk")]
Slug = Annotated[str, _name("a name in small letters, digits, - and _")]
Purpose = Annotated[str, _name("a purpose such as marketing.sms", pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Purposes = Annotated[tuple[Purpose, ...], Meta(min_length=1)]
Text = Annotated[str, Meta(min_length=1, max_length=500, extra_json_schema={"description": "a text"})]
Name = Annotated[str, Meta(min_length=1, max_length=120, extra_json_schema={"description": "a name"})]

Names = Annotated[tuple[Name, ...], Meta(min_length=1)]
Languages = Annotated[tuple[Language, ...], Meta(min_length=1)]
TierNames = Annotated[tuple[TierName, ...], Meta(min_length=1)]
Wordings = dict[Language, Text]

Whole = Annotated[int, Meta(ge=-(10**15), le=10**15)]
Count = Annotated[int, Meta(ge=0, le=10**15)]
Positive = Annotated[int, Meta(ge=1, le=10**12)]


class Range(msgspec.Struct, frozen=True, omit_defaults=True):
    """From `min` to `max`, both included; either may be left out."""

    min: Whole | None = None
    max: Whole | None = None

    def __post_init__(self) -> None:
        if self.min is None and self.max is None:
            raise ValueError("a range without min and max matches everything; leave it out")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}, so this can never hold")

    def holds(self, value: int) -> bool:
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)

    def meets(self, other: "Range") -> bool:
        """Is there a number in both?"""
        lows = [end for end in (self.min, other.min) if end is not None]
        highs = [end for end in (self.max, other.max) if end is not None]
        return not lows or not highs or max(lows) <= min(highs)


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
