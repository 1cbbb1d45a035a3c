"""Effects other than units: what is given, asked, written, promised and told when a rule fires."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Annotated

from msgspec import Meta

from rules.effects.shape import Effect
from rules.names import Language, Name, PerkName, Purpose, Slug, Text, Wordings
from rules.periods import Period
from rules.tongues import spoken
from rules.words import Words

Texts = Annotated[dict[Language, Text], Meta(min_length=1)]
Tags = Annotated[tuple[Name, ...], Meta(min_length=1)]


class GrantPerk(Effect, frozen=True):
    """Give the member a voucher for a perk, for nothing. It is valid for as long as `valid_for` says, else as long
    as the perk says.
    """

    written = "grant"
    example = '{ perk = "free-coffee", valid_for = "30 days" }'
    says = spoken(
        en=("a voucher", "a voucher for {0}"),
        nb=("en verdikupong", "en verdikupong: {0}"),
        nn=("ein verdikupong", "ein verdikupong: {0}"),
        sv=("en värdekupong", "en värdekupong: {0}"),
        da=("en værdikupon", "en værdikupon: {0}"),
        fi=("etukuponki", "etukuponki: {0}"),
    )
    perk: PerkName
    valid_for: Period | None = None

    def words(self, words: Words) -> str:
        said = words.of(self.says)[1].format(words.perk(self.perk))
        if self.valid_for is None:
            return said
        return words.tongue.within.format(said, words.period(self.valid_for))


class AskQuestion(Effect, frozen=True):
    """Ask the member a question, in the languages it is written in."""

    written = "ask"
    example = '{ question.en = "How was your visit?" }'
    says = spoken(
        en=("a question", "a question: “{0}”"),
        nb=("et spørsmål", "et spørsmål: «{0}»"),
        nn=("eit spørsmål", "eit spørsmål: «{0}»"),
        sv=("en fråga", "en fråga: ”{0}”"),
        da=("et spørgsmål", "et spørgsmål: »{0}«"),
        fi=("kysymys", "kysymys: ”{0}”"),
    )
    question: Texts

    def words(self, words: Words) -> str:
        return words.of(self.says)[1].format(words.text(self.question))

    def texts(self) -> Iterator[tuple[str, Wordings]]:
        yield "question", self.question


class OpenCase(Effect, frozen=True):
    """Open a case, so that somebody follows the member up: what it is about, and by when it should be resolved."""

    written = "open_case"
    example = '{ about = "a delivery failed again", within = "2 days" }'
    says = spoken(
        en=("a case", "a case: {0}"),
        nb=("en sak", "en sak: {0}"),
        nn=("ei sak", "ei sak: {0}"),
        sv=("ett ärende", "ett ärende: {0}"),
        da=("en sag", "en sag: {0}"),
        fi=("tapaus", "tapaus: {0}"),
    )
    about: Text
    within: Period | None = None

    def words(self, words: Words) -> str:
        said = words.of(self.says)[1].format(self.about)
        return said if self.within is None else words.tongue.within.format(said, words.period(self.within))

    def due(self, at: datetime, zone: tzinfo) -> datetime | None:
        """When it should be resolved, of a case that is opened at this instant."""
        return None if self.within is None else self.within.after(at, zone)


class SendMessage(Effect, frozen=True):
    """Send the member a text for a purpose. It leaves only if the member's consent to that purpose allows it then."""

    written = "message"
    example = '{ purpose = "service", text.en = "Thank you for coming back!" }'
    says = spoken(
        en=("a text", "a text: “{0}”"),
        nb=("en melding", "en melding: «{0}»"),
        nn=("ei melding", "ei melding: «{0}»"),
        sv=("ett meddelande", "ett meddelande: ”{0}”"),
        da=("en besked", "en besked: »{0}«"),
        fi=("viesti", "viesti: ”{0}”"),
    )
    purpose: Purpose
    text: Texts

    def words(self, words: Words) -> str:
        return words.of(self.says)[1].format(words.text(self.text))

    def texts(self) -> Iterator[tuple[str, Wordings]]:
        yield "text", self.text


class TagMember(Effect, frozen=True):
    """Put tags on the member, or take them off; other rules can ask for them."""

    written = "tag"
    example = '{ add = ["regular"], remove = ["new"] }'
    says = spoken(
        en=("tags", "the member is tagged {0}"),
        nb=("merker", "medlemmet merkes {0}"),
        nn=("merke", "medlemmen blir merkt {0}"),
        sv=("märkning", "medlemmen märks {0}"),
        da=("mærker", "medlemmet mærkes {0}"),
        fi=("merkinnät", "jäsenen merkinnät: {0}"),
    )
    add: Tags | None = None
    remove: Tags | None = None

    def __post_init__(self) -> None:
        if self.add is None and self.remove is None:
            raise ValueError("a tag effect adds or removes something")
        if self.add is not None and self.remove is not None and set(self.add) & set(self.remove):
            raise ValueError("a tag cannot be added and removed at once")

    def words(self, words: Words) -> str:
        added = list(self.add or ())
        removed = [words.tongue.not_.format(tag) for tag in self.remove or ()]
        return words.of(self.says)[1].format(words.both(added + removed))


class MakePromise(Effect, frozen=True):
    """Promise the member something within a time. That it was kept or broken is an event of its own."""

    written = "promise"
    example = '{ what = "we call you back", within = "1 day" }'
    says = spoken(
        en=("a promise", "a promise: {0}"),
        nb=("et løfte", "et løfte: {0}"),
        nn=("ein lovnad", "ein lovnad: {0}"),
        sv=("ett löfte", "ett löfte: {0}"),
        da=("et løfte", "et løfte: {0}"),
        fi=("lupaus", "lupaus: {0}"),
    )
    what: Text
    within: Period

    def words(self, words: Words) -> str:
        said = words.of(self.says)[1].format(self.what)
        return words.tongue.within.format(said, words.period(self.within))

    def due(self, at: datetime, zone: tzinfo) -> datetime:
        """Until when the promise must be kept, of one that is made at this instant."""
        return self.within.after(at, zone)


class NotifySystems(Effect, frozen=True):
    """Tell the business's own systems, by a webhook event of this name."""

    written = "notify"
    example = '{ event = "vip-in-the-shop" }'
    says = spoken(
        en=("a notice to other systems", "notice of {0} to other systems"),
        nb=("varsel til andre systemer", "varsel om {0} til andre systemer"),
        nn=("varsel til andre system", "varsel om {0} til andre system"),
        sv=("besked till andra system", "besked om {0} till andra system"),
        da=("besked til andre systemer", "besked om {0} til andre systemer"),
        fi=("ilmoitus muille järjestelmille", "ilmoitus muille järjestelmille: {0}"),
    )
    event: Slug

    def words(self, words: Words) -> str:
        return words.of(self.says)[1].format(self.event)
