"""Programmes as they are written, checked and published: a draft is anybody's, a version is for ever.

Invariant: what has been published is never changed; a correction is a further version, valid from when it is published.
"""

from __future__ import annotations

import tomllib
from datetime import datetime
from typing import Any, Literal

import msgspec

import rules
from loyalty_engine import deeds, ids, journal, knowing
from loyalty_engine.answers import Answer, CheckAnswer, DraftAnswer, Finding, VersionAnswer
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import PublishProgramme, Ticket
from loyalty_engine.database import Opening, Page, Transaction, ask
from loyalty_engine.errors import CursorMalformed, Detail, DraftMissing, ProgrammeRefused, VersionUnknown
from loyalty_engine.house import House
from loyalty_engine.instants import shown, to_micros
from loyalty_engine.rows import Posting
from loyalty_engine.tables import Business, Draft, Version

_CURSOR_DIGITS = 10
_KEY_PARTS = 20
_DOTS_IN_A_LINE = 1000
# Events that something tells this edition of; a name of the business's own is told by whoever knows of it.
_TOLD = frozenset({
    "purchase", "joined", "tier_changed", "birthday", "anniversary", "overdue", "feedback", "promise_kept",
    "promise_broken", "referral_qualified",
})  # fmt: skip
Format = Literal["toml", "json"]


def check_text(source: str, form: Format) -> tuple[rules.Programme | None, tuple[Finding, ...]]:
    """Read and check a programme; nothing of it where it cannot be read. Every finding names its place."""
    if (deep := _too_deep(source, form)) is not None:
        return None, (deep,)
    programme, findings = rules.check_source(source, form)
    if programme is None:
        return None, _shown(findings)
    return programme, (*_shown(findings), *_not_carried_out(programme))


def _too_deep(source: str, form: Format) -> Finding | None:
    """Refuse a TOML key of very many parts before it is parsed: it would take the parser minutes, or its stack."""
    for number, line in enumerate(source.splitlines() if form == "toml" else (), start=1):
        key = line.split("=", 1)[0]
        if key.count(".") > _KEY_PARTS or line.count(".") > _DOTS_IN_A_LINE:
            says = f"line {number} has a key of more than {_KEY_PARTS} parts"
            return Finding("refused", "", None, says, "a programme needs a handful")
    return None


def _not_carried_out(programme: rules.Programme) -> tuple[Finding, ...]:
    """Warn of what the language can say and this house does not do yet: a shop must not wait for it in vain."""
    found = []
    for number, rule in enumerate(programme.rules):
        place = f"rules[{number}]"
        if rule.on in rules.EVENTS and rule.on not in _TOLD:
            says = f'nothing tells this edition of "{rule.on}" yet, so this rule will not fire'
            found.append(Finding("warned", f"{place}.on", rule.id, says, None))
        for effect in rule.then.effects:
            if effect.written in deeds.TO_COME:
                says = f'this edition judges "{effect.written}" and does not carry it out yet'
                found.append(Finding("warned", f"{place}.then.{effect.written}", rule.id, says, None))
    for fact in sorted(programme.needs().facts & knowing.TO_COME):
        says = f"this edition does not keep {fact.replace('_', ' ')} of members yet, so what asks for it does not hold"
        found.append(Finding("warned", "rules", None, says, None))
    return tuple(found)


def _shown(findings: tuple[rules.Finding, ...]) -> tuple[Finding, ...]:
    return tuple(Finding(f.severity, f.place, f.rule, f.says, f.would_be) for f in findings)


def refused_by(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Give the findings that keep a programme from being published."""
    return tuple(finding for finding in findings if finding.severity == "refused")


def refusal(findings: tuple[Finding, ...]) -> ProgrammeRefused:
    """Make the refusal that names every place that is wrong."""
    details = tuple(Detail(_pointer(f.place), "programme_finding", _sentence(f)) for f in findings)
    return ProgrammeRefused(details=details, findings=[msgspec.to_builtins(finding) for finding in findings])


def _pointer(place: str) -> str:
    """Give a place (`rules[1].then.multiply.unit`) as a JSON pointer; the whole document is the empty one."""
    return "/" + place.replace("[", "/").replace("]", "").replace(".", "/") if place else ""


def _sentence(finding: Finding) -> str:
    return finding.says if finding.would_be is None else f"{finding.says}; {finding.would_be}"


def judgeable(source: str, form: Format) -> rules.Programme:
    """Read a programme that can be judged by, whether or not its examples come true; else raise ProgrammeRefused."""
    programme, findings = check_text(source, form)
    refused = tuple(one for one in refused_by(findings) if not one.place.startswith("examples"))
    if programme is None or refused:
        raise refusal(refused)
    return programme


async def save_draft(house: House, caller: Caller, source: str, form: Format, *, at: datetime) -> DraftAnswer:
    """Keep a draft in place of the one before; ProgrammeRefused where it cannot be read as a programme at all.

    A draft may have findings that keep it from being published: they are answered with it.
    """
    programme, findings = check_text(source, form)
    if programme is None:
        raise refusal(refused_by(findings))

    async def work(transaction: Transaction) -> None:
        await transaction.fetch(
            "INSERT INTO drafts (business_id, source, format, saved_at) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (business_id) DO UPDATE SET "
            "source = excluded.source, format = excluded.format, saved_at = excluded.saved_at",
            caller.business_id, source, form, to_micros(at),
        )  # fmt: skip

    await house.database.write_transaction(work)
    return DraftAnswer(_document(source, form), _toml(source, form, programme), shown(to_micros(at)), findings)


async def draft_source(house: House, caller: Caller) -> tuple[str, Format]:
    """Give the draft as it was written; DraftMissing where there is none."""
    found = await ask(house.database, Draft.select().where(Draft.business_id == caller.business_id))
    if not found:
        raise DraftMissing
    return found[0]["source"], found[0]["format"]


async def read_draft(house: House, caller: Caller) -> DraftAnswer:
    """Show the draft with what the check says of it today; DraftMissing where there is none."""
    found = await ask(house.database, Draft.select().where(Draft.business_id == caller.business_id))
    if not found:
        raise DraftMissing
    source, form = found[0]["source"], found[0]["format"]
    programme, findings = check_text(source, form)
    toml = _toml(source, form, programme) if programme else source
    return DraftAnswer(_document(source, form), toml, shown(found[0]["saved_at"]), findings)


async def check_source(house: House, caller: Caller, source: str | None, form: Format) -> CheckAnswer:
    """Check a programme without keeping it; without a source, the draft."""
    if source is None:
        source, form = await draft_source(house, caller)
    _, findings = check_text(source, form)
    return CheckAnswer(not refused_by(findings), findings)


async def publish(
    house: House, caller: Caller, command: PublishProgramme, ticket: Ticket, *,
    source: str | None = None, form: Format = "toml",
) -> Answer:  # fmt: skip
    """Publish the draft (or the source given) as the next version, valid from now; answers 201 with VersionAnswer.

    Raises DraftMissing and ProgrammeRefused. Publishing what is current already makes no new version (200).
    """
    if source is None:
        source, form = await draft_source(house, caller)
    at = to_micros(ticket.at)
    opening = Opening(business_id=caller.business_id, key=ticket.key, occurred_at=at, now=at)
    told = journal.Told(
        kind="publication",
        ticket=ticket,
        opening=opening,
        fingerprint=journal.fingerprint(house, caller.business_id, "publication", command),
    )

    async def together(transaction: Transaction) -> Answer:
        # The business's row is locked before the page is read: two who publish at once get two versions.
        await transaction.fetch(
            "UPDATE businesses SET version = version WHERE business_id = $1 RETURNING version", caller.business_id
        )
        page = await transaction.open(opening)
        if (seen := journal.answered(told, page)) is not None:
            return seen
        assert page is not None, "the caller's business exists"
        status, shown_version = await _publish(transaction, caller.business_id, page, source, form, command, at)
        answer = msgspec.json.encode(shown_version)
        line = journal.line(
            told, ids.new("jnl", at // 1000), status=status, answer=answer, version=shown_version.version
        )
        await transaction.keep(Posting(business_id=caller.business_id, expected=None, member=None, journal=line))
        return Answer(status=status, body=answer)

    return await house.database.write_transaction(together)


async def _publish(
    transaction: Transaction,
    business_id: int,
    page: Page,
    source: str,
    form: Format,
    command: PublishProgramme,
    at: int,
) -> tuple[int, VersionAnswer]:
    programme, findings = check_text(source, form)
    if programme is None or refused_by(findings):
        raise refusal(refused_by(findings))
    newest = await ask(
        transaction,
        Version.select().where((Version.business_id == business_id) & (Version.version == page.version)),
    )
    if newest and newest[0]["source"] == source and newest[0]["format"] == form:
        row = newest[0]
        return 200, VersionAnswer(row["version"], shown(row["published_at"]), row["note"], row["by"], current=True)
    if newest:
        before = rules.read(newest[0]["source"], newest[0]["format"])
        if before.about.currency != programme.about.currency:
            says = f"purchases have been recorded in {before.about.currency}, and their refunds come in it"
            raise refusal((Finding("refused", "programme.currency", None, says, f'"{before.about.currency}"'),))
    number = page.version + 1
    new = Version(
        business_id=business_id, version=number, source=source, format=form, valid_from=at, published_at=at,
        note=command.note, by=command.by,
    )  # fmt: skip
    await ask(transaction, Version.insert(new))
    await ask(transaction, Business.update({Business.version: number}).where(Business.business_id == business_id))
    return 201, VersionAnswer(number, shown(at), command.note, command.by, current=True)


async def versions(
    house: House, caller: Caller, *, limit: int, cursor: str | None
) -> tuple[tuple[VersionAnswer, ...], str | None]:
    """List the published versions, newest first."""
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < _CURSOR_DIGITS):
        raise CursorMalformed
    below = int(cursor) if cursor else 1 << 31
    found = await ask(
        house.database,
        Version.select(Version.version, Version.published_at, Version.note, Version.by)
        .where((Version.business_id == caller.business_id) & (Version.version < below))
        .order_by(Version.version, ascending=False)
        .limit(limit + 1),
    )
    newest = await _newest(house, caller)
    items = tuple(_listed(row, newest) for row in found[:limit])
    return items, str(found[limit - 1]["version"]) if len(found) > limit else None


async def version(house: House, caller: Caller, number: int) -> VersionAnswer:
    """Show one published version with its programme; VersionUnknown where there is none such."""
    found = await ask(
        house.database,
        Version.select().where((Version.business_id == caller.business_id) & (Version.version == number)),
    )
    if not found:
        raise VersionUnknown
    row = found[0]
    source, form = row["source"], row["format"]
    listed = _listed(row, await _newest(house, caller))
    programme = rules.read(source, form)
    return msgspec.structs.replace(listed, programme=_document(source, form), toml=_toml(source, form, programme))


async def _newest(house: House, caller: Caller) -> int:
    found = await ask(
        house.database, Business.select(Business.version).where(Business.business_id == caller.business_id)
    )
    newest: int = found[0]["version"]
    return newest


def _listed(row: dict[str, Any], newest: int) -> VersionAnswer:
    current = row["version"] == newest
    return VersionAnswer(row["version"], shown(row["published_at"]), row["note"], row["by"], current=current)


def _document(source: str, form: Format) -> dict[str, Any]:
    """Give a programme as the JSON document it is; TOML's own dates and exact decimals become their JSON forms."""
    found: dict[str, Any] = tomllib.loads(source) if form == "toml" else msgspec.json.decode(source)
    return msgspec.json.decode(msgspec.json.encode(found))  # type: ignore[no-any-return]  # a document is an object


def _toml(source: str, form: Format, programme: rules.Programme) -> str:
    """Give a programme as TOML: as it was written, comments and all, or written out where it came as JSON."""
    return source if form == "toml" else rules.write_toml(programme)
