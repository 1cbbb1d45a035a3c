"""One text as it stands before us: who wrote it, what they ask for, and what is known of them at that instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from loyalty_engine.wording import language_for

if TYPE_CHECKING:
    from loyalty_engine import ledger
    from loyalty_engine.consent.commands import RecordConsent
    from loyalty_engine.database import MemberState
    from loyalty_engine.house import House
    from loyalty_engine.identifiers import Identifier
    from loyalty_engine.journal import Reader
    from loyalty_engine.rows import LimitUseRow
    from loyalty_engine.shelf import Edition
    from loyalty_engine.texts.lexicon import Kind
    from loyalty_engine.texts.reading import Wish


class Incoming(Struct, frozen=True, kw_only=True):
    """A text as its gateway handed it over.

    `part` of `parts` where a long text comes in pieces that share a `series`; `says_goodbye` when the gateway itself
    confirms a STOP, so that we do not say it twice; `rehearsed` when nobody has sent it and its answer is only to be
    looked at.
    """

    gateway: str
    id: str
    sender: str
    to: str
    text: str
    part: int = 1
    parts: int = 1
    series: str = ""
    words: dict[str, Kind] = {}
    says_goodbye: bool = False
    rehearsed: bool = False

    def __repr__(self) -> str:
        """Show neither number nor words."""
        return f"Incoming({self.gateway}, {self.id})"


class InboundRow(Struct, frozen=True):
    """A text as it is kept: once by its gateway's id; read by a person where `review` is 1."""

    TABLE: ClassVar[str] = "inbound_texts"
    KEY: ClassVar[int] = 3

    business_id: int
    gateway: str
    message_id: str
    received_at: int
    number_index: str | None
    member_id: str | None
    wish: str
    asked: str | None
    wrapped_key: str | None
    sealed: str
    review: int
    reviewed_at: int | None
    journal_id: str
    answer_id: str | None


class Asked(Struct, frozen=True, kw_only=True):
    """What a decision goes by; of a `doubted` member the number may be somebody else's by now."""

    house: House
    business_id: int
    slug: str
    edition: Edition
    incoming: Incoming
    wish: Wish
    identifier: Identifier | None
    number_index: str | None
    member: MemberState | None
    doubted: bool
    reader: Reader
    at: int
    # The journal line that this text will be.
    line_id: str

    @property
    def language(self) -> str:
        """Give the language to answer in: the member's, else the programme's first."""
        return language_for(self.edition.programme, self.member.language if self.member else None)

    @property
    def terms(self) -> str:
        """Give the address of the terms; nothing where the installation has no address of its own."""
        public = self.house.settings.public_url
        return f"{public}/j/{self.slug}" if public else ""


class Reaction(Struct, frozen=True, kw_only=True):
    """What comes of a text: what is answered, what is written down of consent, and whether somebody joins.

    `question` is the id of the wording a yes would answer; `review` has a person read the text too; `rows` are kept
    along with the answer; `sheet` has the entries of what was bought, and `limit_uses` what that uses of limits.
    """

    text: str = ""
    purpose: str = "answer"
    records: tuple[RecordConsent, ...] = ()
    joins: bool = False
    question: str | None = None
    review: bool = False
    rows: tuple[Struct, ...] = ()
    sheet: ledger.Sheet | None = None
    limit_uses: tuple[LimitUseRow, ...] = ()
