"""How a business may write to its members: what it asks them to agree to, in which words, and how often it writes."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from rules.jurisdictions import CONFIRMED, JURISDICTIONS, Code, Jurisdiction, jurisdiction_of
from rules.names import Country, Language, Name, Positive, Slug, Text
from rules.periods import Period, TimeWindow

PURPOSES: Final = ("marketing", "profiling", "feedback", "referral", "reference", "panel")
CHANNELS: Final = ("sms", "email", "phone", "post", "app", "any")
SERVICE: Final = ("service", "answer", "code", "stopped")
"""Purposes that rest on another basis than consent: what was bought or asked for. They carry no advertising."""

Channel = Literal["sms", "email", "phone", "post", "app", "any"]
Texts = Annotated[dict[Language, Text], Meta(min_length=1)]


class Wording(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The exact words in which members are asked for one thing on one channel. With `ask = "till"` the till is told
    to ask whoever has not answered; with `confirm = true` a yes counts once it is confirmed from the number itself.
    """

    id: Slug
    purpose: Slug
    channel: Channel = "any"
    says: Texts
    ask: Literal["till", "never"] = "never"
    confirm: bool = False


class Controller(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who answers for the data, as the export of a consent names them."""

    name: Name
    contact: Name
    address: Name | None = None
    notice: Name | None = None
    stored_in: Country | None = None
    recipients: tuple[Name, ...] = ()


class Consent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The [consent] table: what members are asked to agree to, and for how long that holds. With `confirm = true`
    every yes is confirmed from the number itself, as if each wording said so.
    """

    jurisdiction: Code | None = None
    strict: bool = True
    age: Annotated[int, Meta(ge=0, le=120)] = 18
    lasts: Period | None = None
    renew_before: Period = Period(2, "month")
    ask_again_after: Period = Period(12, "month")
    confirm: bool = False
    confirm_within: Period = Period(7, "day")
    purposes: tuple[Slug, ...] = ()
    controller: Controller | None = None
    wordings: tuple[Wording, ...] = ()

    def __post_init__(self) -> None:
        known = (*PURPOSES, *self.purposes)
        for taken in set(self.purposes) & {*PURPOSES, *SERVICE}:
            raise ValueError(f'"{taken}" is a purpose that has its meaning already')
        for n, wording in enumerate(self.wordings):
            if wording.purpose not in known:
                raise ValueError(f'"{wording.purpose}" of the wording "{wording.id}" is none of {", ".join(known)}')
            if wording.id in [other.id for other in self.wordings[:n]]:
                raise ValueError(f'two wordings are called "{wording.id}"')

    def under(self, country: str) -> Jurisdiction:
        """The law this programme is under: the one it names, else that of its country."""
        return JURISDICTIONS[self.jurisdiction] if self.jurisdiction else jurisdiction_of(country)

    def twice(self, wording: Wording, country: str) -> bool:
        """Does a yes to these words count only once it is confirmed from the number or address itself?"""
        return wording.confirm or self.confirm or (country in CONFIRMED and wording.channel in ("sms", "email"))

    def known(self, purpose: str) -> bool:
        """Is this one of the purposes a member can agree to here?"""
        return purpose in PURPOSES or purpose in self.purposes

    def wording(self, name: str) -> Wording | None:
        """The wording of this id, if there is one."""
        return next((wording for wording in self.wordings if wording.id == name), None)


class Most(msgspec.Struct, frozen=True):
    """At most so many texts with advertising to one member, per day, week or month of their calendar."""

    times: Positive
    per: Literal["day", "week", "month"]


class Messages(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The [messages] table: where to, when and how often texts may go. Left out, only to the programme's own country,
    by day, twice a week to one member, and at most a thousand a day.
    """

    countries: tuple[Country, ...] = ()
    quiet: TimeWindow | None = None
    most: Most = Most(2, "week")
    per_day: Positive = 1000
    per_day_to: dict[Country, Positive] = {}
