"""The member's own page: what they have and why, what they agreed to as switches, and their data in their own hands.

Invariant: looking changes nothing; a change takes the link, the proof that our page gave, and a link that reaches
further than reading.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import get, post
from litestar.params import FromPath
from litestar.types import ASGIApp
from msgspec import UNSET, Struct

from api.asking import Ask, Reply, header
from api.pages import dress
from api.pages.tongues import LANGUAGES, Tongue
from loyalty_engine.commands import Ticket
from loyalty_engine.consent import consenting
from loyalty_engine.consent.commands import Evidence, RecordConsent
from loyalty_engine.consent.records import EVERY_PURPOSE
from loyalty_engine.errors import MalformedBody
from loyalty_engine.identifiers import IdentifierRefused
from loyalty_engine.identity import changing, confirming
from loyalty_engine.identity.errors import ConfirmationRefused, IdentifierTaken
from loyalty_engine.identity.people import ChangeAnswer, ChangeMember, ConfirmCode
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.pages import own_page, visits
from loyalty_engine.pages.errors import PageOnlyReads
from loyalty_engine.pages.letting_in import at_the_door, read
from loyalty_engine.privacy import erasing, exporting
from loyalty_engine.wording import said_in

if TYPE_CHECKING:
    import rules
    from loyalty_engine.businesses import Caller
    from loyalty_engine.consent.answers import ConsentRecord
    from loyalty_engine.pages.visits import Visit

_AGENT, _NAME = 200, 100
_FIRST: Final = 6
_CHANNELS: Final = ("sms", "email")


class Told(Struct, frozen=True):
    """One consent record as its member reads it."""

    decision: str
    when: datetime
    source: str
    says: str | None
    language: str


class At(Struct, frozen=True):
    """Somebody who stands at their page: who they are here, the business's programme, and the language."""

    visit: Visit
    caller: Caller
    programme: rules.Programme
    t: Tongue

    def back(self, said: str = "") -> Reply:
        """Send them back to the page, with a word of what was done."""
        note = f"&said={said}" if said else ""
        return dress.elsewhere(f"/m/{self.visit.token}?lang={self.t.code}{note}")


async def _at(request: Ask, token: str) -> At:
    visit = await visits.opened(request.house, token, at=to_micros(request.received_at))
    caller = at_the_door(visit.business_id, visit.slug)
    programme = (await request.house.shelf.current(visit.business_id)).programme
    return At(visit, caller, programme, dress.speaks(request, programme))


async def _changes(request: Ask, token: str) -> tuple[At, dict[str, list[str]]]:
    """Let somebody change something; raise PageOnlyReads where their link reaches no further than reading."""
    at = await _at(request, token)
    form = await dress.form(request)
    dress.proved(form, visits.form_proof(request.house, at.visit))
    if at.visit.reach != "all":
        raise PageOnlyReads
    return at, form


@get("/m/{token:str}")
@dress.as_page
async def show_page(request: Ask, token: FromPath[str]) -> ASGIApp:
    """Show the page."""
    said = dress.asked(request, "said")
    at = await _at(request, token)
    return await _page(request, at, notice=at.t("own.saved") if said == "saved" else "")


@post("/m/{token:str}/consent", status_code=303)
@dress.as_page
async def turn_switch(request: Ask, token: FromPath[str]) -> ASGIApp:
    """Take a yes, or take one back; or close and open a channel."""
    at, form = await _changes(request, token)
    on = dress.first(form, "turn") == "on"
    command = _decision(at, form, on=on, evidence=_evidence(request))
    ticket = _ticket(request, "consent")
    await consenting.record_consent(request.house, at.caller, at.visit.member_id, command, ticket)
    return at.back("saved")


def _decision(at: At, form: dict[str, list[str]], *, on: bool, evidence: Evidence) -> RecordConsent:
    channel = dress.first(form, "channel")
    if channel in _CHANNELS:
        decision = "started" if on else "stopped"
        return RecordConsent(purpose=EVERY_PURPOSE, channel=channel, decision=decision, evidence=evidence)  # type: ignore[arg-type]  # one of its words
    wording = at.programme.consent.wording(dress.first(form, "wording"))
    if wording is None:
        raise MalformedBody("The form cannot be read.")
    return RecordConsent(
        purpose=wording.purpose, channel=wording.channel, decision="given" if on else "withdrawn", wording=wording.id,
        language=said_in(wording, at.t.code), evidence=evidence,
    )  # fmt: skip


@post("/m/{token:str}/details", status_code=303)
@dress.as_page
async def correct(request: Ask, token: FromPath[str]) -> ASGIApp:
    """Take a name, a birthday and a language."""
    at, form = await _changes(request, token)
    birthday, language = dress.first(form, "birthday"), dress.first(form, "language")
    try:
        born = date.fromisoformat(birthday) if birthday else None
    except ValueError:
        raise MalformedBody("The form cannot be read.") from None
    command = ChangeMember(
        name=dress.first(form, "name")[:_NAME] or None, birthday=born,
        language=language if language in LANGUAGES else None,
    )  # fmt: skip
    await changing.change(request.house, at.caller, at.visit.member_id, command, _ticket(request, "details"))
    return at.back("saved")


@post("/m/{token:str}/number", status_code=200)
@dress.as_page
async def add_number(request: Ask, token: FromPath[str]) -> ASGIApp:
    """Send a code to another number or address."""
    at, form = await _changes(request, token)
    typed = dress.first(form, "number")
    try:
        who = read(typed, at.programme.country)
    except IdentifierRefused:
        return await _page(request, at, wrong=at.t("join.not_read"), status=422)
    command = ChangeMember(
        phone=who.value if who.kind == "phone" else UNSET, email=who.value if who.kind == "email" else UNSET
    )
    answer = await changing.change(request.house, at.caller, at.visit.member_id, command, _ticket(request, "number"))
    sent = msgspec.json.decode(answer.body, type=ChangeAnswer).code
    return await _page(request, at, sent=sent.masked if sent else "")


@post("/m/{token:str}/confirm", status_code=303)
@dress.as_page
async def confirm_number(request: Ask, token: FromPath[str]) -> ASGIApp:
    """Take the code back: the number is theirs."""
    at, form = await _changes(request, token)
    code = dress.first(form, "code").replace(" ", "")
    if not (code.isascii() and code.isdigit() and len(code) == _CODE):
        return await _page(request, at, wrong=at.t("code.wrong"), status=422)
    ticket = _ticket(request, "confirm")
    try:
        await confirming.confirm(request.house, at.caller, at.visit.member_id, ConfirmCode(code=code), ticket)
    except (ConfirmationRefused, IdentifierTaken) as refused:
        return await _page(request, at, wrong=at.t.called("refused", refused.code), status=refused.status)
    return at.back("saved")


_CODE: Final = 6


@post("/m/{token:str}/export", status_code=200)
@dress.as_page
async def take_away(request: Ask, token: FromPath[str]) -> ASGIApp:
    """Hand out everything we keep."""
    at, _ = await _changes(request, token)
    found = await exporting.export(
        request.house, at.caller, at.visit.member_id, at=request.received_at, reason="the member's own page"
    )
    text = msgspec.json.format(msgspec.json.encode(found), indent=2)
    name = f"{at.visit.slug}-{request.received_at.date().isoformat()}.json"
    return Reply(200, text, (b"content-disposition", f'attachment; filename="{name}"'.encode()))


@post("/m/{token:str}/leave", status_code=200)
@dress.as_page
async def leave_for_good(request: Ask, token: FromPath[str]) -> ASGIApp:
    """Erase them."""
    at, form = await _changes(request, token)
    if dress.first(form, "sure") != "yes":
        return at.back()
    await erasing.erase(request.house, at.caller, at.visit.member_id, at=request.received_at)
    t = at.t
    return dress.page("done", t, business=at.programme.name, title=t("own.left"), says=t("own.left_says"))


@post("/m/{token:str}/close", status_code=200)
@dress.as_page
async def close(request: Ask, token: FromPath[str]) -> ASGIApp:
    """End every link to the page."""
    at, _ = await _changes(request, token)
    await visits.end(request.house, at.visit, at=to_micros(request.received_at))
    t = at.t
    return dress.page("done", t, business=at.programme.name, title=t("own.closed"), says=t("own.closed_says"))


async def _page(
    request: Ask, at: At, *, notice: str = "", wrong: str = "", sent: str = "", status: int = 200
) -> Reply:  # fmt: skip
    own = await own_page.view(request.house, at.caller, at.visit.member_id, at.t.code, at=request.received_at)
    if not dress.asked(request, "lang") and own.language is not None:
        t = dress.speaks(request, at.programme, own.language)
        if t.code != at.t.code:
            at = msgspec.structs.replace(at, t=t)
            own = await own_page.view(request.house, at.caller, at.visit.member_id, t.code, at=request.received_at)
    until = from_micros(at.visit.expires_at).astimezone(at.programme.zone)
    return dress.page(
        "own", at.t, status=status, business=at.programme.name, slug=at.visit.slug, token=at.visit.token,
        proof=visits.form_proof(request.house, at.visit), all=at.visit.reach == "all", most=own_page.MOVES_SHOWN,
        most_first=_FIRST,
        own=_shown(own, at), until=f"{until:%H:%M}", notice=notice, wrong=wrong, sent=sent,
        tier_until=_day(at, own.tier.until) if own.tier else None,
    )  # fmt: skip


def _shown(own: own_page.OwnPage, at: At) -> dict[str, Any]:
    """Give the page's parts with instants as its template writes them."""
    told = msgspec.structs.asdict(own)
    told["switches"] = [_with_history(one, at) for one in own.switches]
    told["lines"] = [_with_history(one, at) for one in own.lines]
    told["vouchers"] = [msgspec.structs.asdict(one) | {"until": _when(at, one.expires_at)} for one in own.vouchers]
    return told


def _with_history(one: own_page.Switch | own_page.Line, at: At) -> dict[str, Any]:
    return msgspec.structs.asdict(one) | {"history": [_told(record, at) for record in one.history]}


def _told(record: ConsentRecord, at: At) -> Told:
    when = datetime.fromisoformat(record.occurred_at).astimezone(at.programme.zone)
    return Told(record.decision, when, record.source, record.wording.says, record.wording.language)


def _when(at: At, instant: str | None) -> datetime | None:
    return datetime.fromisoformat(instant).astimezone(at.programme.zone) if instant else None


def _day(at: At, instant: str | None) -> str | None:
    when = _when(at, instant)
    return at.t.day(when) if when is not None else None


def _ticket(request: Ask, what: str) -> Ticket:
    # No key that a till can send has a line break in it: the two never meet.
    return Ticket(f"page\n{what}\n{request.request_id}", request.request_id, request.received_at)


def _evidence(request: Ask) -> Evidence:
    client = request.scope.get("client")
    agent = (header(request.scope, b"user-agent") or b"").decode("latin-1")[:_AGENT]
    return Evidence(source="page", page="/m", address=client[0] if client else None, agent=agent or None)


ROUTES = [
    show_page, turn_switch, correct, add_number, confirm_number, take_away, leave_for_good, close,
]  # fmt: skip
