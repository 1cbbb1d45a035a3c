"""An existing club comes along: its members, what they have, and what they agreed to, row by row and safe twice.

Invariant: the member a row names is its key, so that a second run records what is missing and nothing else. A consent
is taken over with the words that were agreed to and the evidence of it, or not at all: what cannot be shown was not
given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct

from loyalty_engine import enrolling, ids, journal
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import AdjustBalance, EnrolMember, MemberRef, Ticket
from loyalty_engine.consent import consenting
from loyalty_engine.consent.commands import Evidence, RecordConsent
from loyalty_engine.database import Transaction
from loyalty_engine.errors import LoyaltyError
from loyalty_engine.house import House
from loyalty_engine.importing.files import Source
from loyalty_engine.instants import to_micros
from loyalty_engine.members import named, state_of
from loyalty_engine.mending import adjusting

FIELDS: Final = ("phone", "email", "name", "language", "birthday")
CONSENT: Final = ("consent", "consent_channel", "consent_wording", "consent_at", "consent_evidence")
UNITS: Final = "units."
_REASON: Final = "carried over from the club before"
_LANGUAGE_LETTERS: Final = 2


class RowProblem(Struct, frozen=True):
    """A row, or a part of one, that was not taken over, and why."""

    row: int
    code: str
    says: str


class ClubReport(Struct):
    """What came of an import of members."""

    rows: int = 0
    joined: int = 0
    already: int = 0
    units: Counter[str] = msgspec.field(default_factory=Counter)
    consents: int = 0
    not_given: int = 0
    problems: list[RowProblem] = []


class Club(Struct, frozen=True, kw_only=True):
    """One import: where to, out of what, and which column holds what."""

    house: House
    caller: Caller
    source: Source
    columns: dict[str, str]
    now: Callable[[], datetime]
    dry_run: bool = False
    report: ClubReport


def columns_of(header: tuple[str, ...], said: tuple[str, ...]) -> dict[str, str]:
    """Tell which column holds which field: as said (FIELD=COLUMN), else one of the field's own name.

    Raises ValueError where the file names nobody, or a field or column is not there.
    """
    known = {name: name for name in header if name in {*FIELDS, *CONSENT} or name.startswith(UNITS)}
    for pair in said:
        field, equals, column = pair.partition("=")
        if not equals or (field not in {*FIELDS, *CONSENT} and not field.startswith(UNITS)):
            message = f"--column takes FIELD=COLUMN, where FIELD is {', '.join((*FIELDS, *CONSENT))} or {UNITS}NAME"
            raise ValueError(message)
        if column not in header:
            message = f'the file has no column "{column}"; it has {", ".join(header)}'
            raise ValueError(message)
        known[field] = column
    if not {"phone", "email"} & known.keys():
        message = "the file needs a column phone or email: without one nobody can be found"
        raise ValueError(message)
    return known


async def carry_out(club: Club) -> ClubReport:
    """Take over a whole club; the report tells what came of it, row by row where something was refused."""
    settings = msgspec.structs.replace(club.house.settings, backdate_days=3660)
    house = House(settings, club.house.database, club.house.vault)
    edition = await house.shelf.current(club.caller.business_id)
    fields = list(club.columns)
    for number, cells, whole in club.source.rows([club.columns[field] for field in fields]):
        club.report.rows += 1
        row = {field: cell.strip() for field, cell in zip(fields, cells, strict=True) if cell.strip()}
        try:
            await _Row(club, house, number, row, edition.programme.country).take_over(whole=whole)
        except _Unreadable as refused:
            club.report.problems.append(RowProblem(number, refused.code, refused.says))
        except LoyaltyError as refused:
            club.report.problems.append(RowProblem(number, refused.code, refused.detail))
    return club.report


class _Unreadable(Exception):
    def __init__(self, code: str, says: str) -> None:
        super().__init__(says)
        self.code, self.says = code, says


class _Row:
    """One member of the club before."""

    def __init__(self, club: Club, house: House, number: int, row: dict[str, str], country: str) -> None:
        self.club, self.house, self.number, self.row, self.country = club, house, number, row, country
        self.caller = club.caller

    async def take_over(self, *, whole: bool) -> None:
        if not whole:
            raise _Unreadable("row_unreadable", "The row has more or fewer cells than the header.")
        refs = [MemberRef(**{kind: self.row[kind]}) for kind in ("phone", "email") if kind in self.row]
        if not refs:
            raise _Unreadable("member_missing", "The row has neither a phone number nor an e-mail address.")
        who = [named(self.house, self.caller.business_id, ref, self.country) for ref in refs]
        command, units, consent = self._command(refs[0]), tuple(self._units()), self._consent()
        if self.club.dry_run:
            self._count(units, consent)
            return
        # Who is a member already is answered as they are: joining needs no key that lasts, and none that names anybody.
        once = ids.new("req", to_micros(self.club.now()) // 1000)
        enrolled = await enrolling.enrol(self.house, self.caller, command, self._ticket(once))
        member: str = msgspec.json.decode(enrolled.body)["id"]
        new = enrolled.status == HTTPStatus.CREATED
        self.club.report.joined += new
        self.club.report.already += not new
        for other in who[1:]:
            await self._attach(member, other.identifier, other.blind_index)
        for unit, amount in units:
            given = await adjusting.adjust(
                self.house, self.caller, member, AdjustBalance(unit, amount, _REASON),
                self._ticket(f"{member}:units:{unit}"),
            )  # fmt: skip
            self.club.report.units[unit] += 0 if given.hit else amount
        if consent is not None:
            agreed = await consenting.record_consent(
                self.house, self.caller, member, consent, self._ticket(f"{member}:consent:{consent.purpose}")
            )
            self.club.report.consents += not agreed.hit

    def _command(self, ref: MemberRef) -> EnrolMember:
        language = self.row.get("language", "").lower() or None
        if language is not None and not (len(language) == _LANGUAGE_LETTERS and language.isascii()):
            raise _Unreadable("language_malformed", "A language is two letters, such as nb or en.")
        try:
            birthday = date.fromisoformat(self.row["birthday"]) if "birthday" in self.row else None
        except ValueError:
            raise _Unreadable("birthday_malformed", "A birthday is written as 1990-05-17.") from None
        return EnrolMember(member=ref, name=self.row.get("name"), language=language, birthday=birthday)

    def _units(self) -> Iterator[tuple[str, int]]:
        for field, cell in self.row.items():
            if field.startswith(UNITS):
                if not cell.isascii() or not cell.isdigit():
                    raise _Unreadable("units_malformed", "A balance is a whole number of units.")
                if int(cell):
                    yield field.removeprefix(UNITS), int(cell)

    def _consent(self) -> RecordConsent | None:
        """Read what was agreed to; without words, day and evidence it was not given."""
        if "consent" not in self.row:
            return None
        if not {"consent_wording", "consent_at", "consent_evidence"} <= self.row.keys():
            self.club.report.not_given += 1
            self.club.report.problems.append(
                RowProblem(self.number, "consent_not_given", "A consent without words, day and evidence is not taken.")
            )
            return None
        try:
            at = datetime.fromisoformat(self.row["consent_at"])
        except ValueError:
            raise _Unreadable(
                "consent_at_malformed", "The day of a consent is written as 2024-05-17T12:00:00Z."
            ) from None
        if at.tzinfo is None:
            raise _Unreadable("consent_at_malformed", "The day of a consent needs its zone, as 2024-05-17T12:00:00Z.")
        return RecordConsent(
            purpose=self.row["consent"], channel=self.row.get("consent_channel", "any"), decision="given",
            wording=self.row["consent_wording"], occurred_at=at,
            evidence=Evidence(source="paper", note=self.row["consent_evidence"]),
        )  # fmt: skip

    def _count(self, units: tuple[tuple[str, int], ...], consent: RecordConsent | None) -> None:
        self.club.report.joined += 1
        self.club.report.consents += consent is not None
        for unit, amount in units:
            self.club.report.units[unit] += amount

    async def _attach(self, member: str, identifier: Any, index: str | None) -> None:
        """Let a second number or address of the row find the member, unless it finds another one already."""
        at, business_id = to_micros(self.club.now()), self.caller.business_id
        state = await state_of(self.house, business_id, member, at)
        sealed = self.house.vault.seal(business_id, state.id, state.wrapped_key, "identifier", identifier.value)

        async def work(transaction: Transaction) -> bool:
            await transaction.fetch(
                "INSERT INTO identifiers (business_id, blind_index, member_id, kind, sealed, added_at) "
                "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                business_id, index, state.id, identifier.kind, sealed, at,
            )  # fmt: skip
            found = await transaction.fetch(
                "SELECT member_id FROM identifiers WHERE business_id = $1 AND blind_index = $2", business_id, index
            )
            return bool(found[0][0] == state.id)

        if not await self.house.database.write_transaction(work):
            says = "The row's second number or address is another member's: merge the two, if they are one person."
            self.club.report.problems.append(RowProblem(self.number, "identifier_taken", says))

    def _ticket(self, key: str) -> Ticket:
        return Ticket(key=f"import:{key}", request_id=f"import:{journal.hashed(key)}", at=self.club.now())
