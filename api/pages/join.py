"""The join page: a number is typed, a code is sent to it, and who says it back is in, new or known alike.

Invariant: what is answered to a number that is typed never tells whether it is a member's.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

from litestar import get, post
from litestar.params import FromPath
from litestar.types import ASGIApp
from msgspec import Struct

from api.asking import Ask, header
from api.pages import dress
from api.pages.tongues import LANGUAGES
from loyalty_engine import ids
from loyalty_engine.errors import RouteUnknown, TooManyRequests
from loyalty_engine.identifiers import IdentifierRefused
from loyalty_engine.instants import to_micros
from loyalty_engine.pages import letting_in
from loyalty_engine.pages.errors import DoorCodeWrong
from loyalty_engine.pages.own_page import asked_on_pages
from loyalty_engine.referrals import codes
from loyalty_engine.wording import language_for, said_in, unit_name

if TYPE_CHECKING:
    import rules
    from api.asking import Reply
    from api.pages.tongues import Tongue
    from loyalty_engine.businesses import Caller

_COOKIE: Final = "door"
_PROOF: Final = re.compile("[0-9A-Za-z_-]{16,64}")
_PLACE: Final = re.compile("[a-z0-9][a-z0-9-]{0,59}")
# Forms that one address may send in ten minutes; behind one address there may be a whole shop's guests.
_FORMS, _WINDOW = 30, 600 * 1_000_000
_REMEMBERED: Final = 10_000


class Asked(Struct, frozen=True):
    """One thing somebody may agree to on joining."""

    id: str
    says: str


class Came(Struct, frozen=True):
    """How somebody came to the form, as the address says: from which shop's poster, by which member's link."""

    at: str
    friend: str

    @property
    def place(self) -> str:
        """Give the shop, where it may be one."""
        return self.at if _PLACE.fullmatch(self.at) else ""

    @property
    def by(self) -> str:
        """Give the member's code, where it may be one."""
        return codes.read_code(self.friend) or ""

    @property
    def address(self) -> str:
        """Give what stands in the address for it, to be carried along."""
        return "".join(f"&{name}={value}" for name, value in (("at", self.place), ("friend", self.by)) if value)


class Lasting(Struct, frozen=True):
    """How long a unit is good for, in words."""

    name: str
    period: str


@get("/j/{slug:str}")
@dress.as_page
async def show_join(request: Ask, slug: FromPath[str]) -> ASGIApp:
    """Show the form."""
    caller, programme = await dress.business(request, slug)
    t = dress.speaks(request, programme)
    came = Came(dress.asked(request, "at"), dress.asked(request, "friend"))
    return await _form(request, caller, programme, t, came)


@get("/r/{code:str}")
@dress.as_page
async def follow(request: Ask, code: FromPath[str]) -> ASGIApp:
    """Lead whoever follows a member's link to the form of that member's business."""
    owner = await codes.owner_of(request.house, code)
    if owner is None:
        raise RouteUnknown
    spoken = dress.asked(request, "lang")
    words = f"&lang={spoken}" if spoken in LANGUAGES else ""
    return dress.elsewhere(f"/j/{owner.slug}?friend={codes.read_code(code)}{words}")


@post("/j/{slug:str}", status_code=200)
@dress.as_page
async def join(request: Ask, slug: FromPath[str]) -> ASGIApp:
    """Take the form in, and send a code."""
    caller, programme = await dress.business(request, slug)
    t = dress.speaks(request, programme)
    form = await dress.form(request)
    dress.proved(form, _proof(request, caller, _cookie(request)))
    _often(request)
    typed, name = (dress.first(form, field) for field in ("number", "name"))
    came = Came(dress.first(form, "at"), dress.first(form, "friend"))
    try:
        who = letting_in.read(typed, programme.country)
    except IdentifierRefused:
        return await _form(request, caller, programme, t, came, number=typed, name=name, wrong=t("join.not_read"))
    asked = {one.id for one in asked_on_pages(programme)}
    agent = (header(request.scope, b"user-agent") or b"").decode("latin-1")[:_AGENT]
    wanted = letting_in.Wanted(
        kind=who.kind, value=who.value, language=t.code, name=name[:_NAME] or None,
        agreed=tuple(one for one in dict.fromkeys(form.get("agreed", [])) if one in asked),
        location=came.place or None, friend=came.by or None, page=f"/j/{slug}", address=_address(request),
        agent=agent or None,
    )  # fmt: skip
    door = await letting_in.ask(request.house, caller, wanted, at=to_micros(request.received_at))
    return _code(request, caller, programme, t, door)


_AGENT, _NAME = 200, 100


@post("/j/{slug:str}/code", status_code=200)
@dress.as_page
async def say_code(request: Ask, slug: FromPath[str]) -> ASGIApp:
    """Take the code back, and open the page."""
    caller, programme = await dress.business(request, slug)
    t = dress.speaks(request, programme)
    form = await dress.form(request)
    dress.proved(form, _proof(request, caller, _cookie(request)))
    _often(request)
    door = dress.first(form, "door")
    if not ids.is_id(door, "dor"):
        return _code(request, caller, programme, t, "", wrong=t("code.wrong"))
    try:
        let_in = await letting_in.confirm(
            request.house, caller, door, dress.first(form, "code"), at=request.received_at
        )
    except DoorCodeWrong:
        return _code(request, caller, programme, t, door, wrong=t("code.wrong"))
    return dress.elsewhere(f"/m/{let_in.token}?lang={t.code}")


async def _form(
    request: Ask, caller: Caller, programme: rules.Programme, t: Tongue, came: Came, *, number: str = "",
    name: str = "", wrong: str = "",
) -> Reply:  # fmt: skip
    cookie = _cookie(request) or secrets.token_urlsafe(18)
    spoken = language_for(programme, t.code)
    wordings = [Asked(one.id, one.says[said_in(one, t.code)]) for one in asked_on_pages(programme)]
    return dress.page(
        "join", t, _set_cookie(request, caller.slug, cookie), status=422 if wrong else 200, business=programme.name,
        slug=caller.slug, units=units_of(programme, spoken), lasting=_lasting(programme, t, spoken), wordings=wordings,
        proof=_proof(request, caller, cookie), came=came, number=number, name=name, wrong=wrong, text_number=None,
        word="", controller=programme.consent.controller,
    )  # fmt: skip


def _code(request: Ask, caller: Caller, programme: rules.Programme, t: Tongue, door: str, *, wrong: str = "") -> Reply:
    proof = _proof(request, caller, _cookie(request))
    return dress.page(
        "code", t, status=422 if wrong else 200, business=programme.name, slug=caller.slug, door=door, proof=proof,
        wrong=wrong,
    )  # fmt: skip


def units_of(programme: rules.Programme, language: str) -> str:
    """Name what is collected here first."""
    return unit_name(programme, next(iter(programme.units)), 2, language)


def _lasting(programme: rules.Programme, t: Tongue, language: str) -> list[Lasting]:
    found = []
    for name, unit in programme.units.items():
        period = unit.expires_after
        if period is not None:
            count = "one" if period.count == 1 else "other"
            called = unit_name(programme, name, 2, language)
            found.append(Lasting(called[:1].upper() + called[1:], t(f"units.{period.kind}_{count}", n=period.count)))
    return found


# --- that the form is ours ---


def _cookie(request: Ask) -> str:
    given = request.cookies.get(_COOKIE, "")
    return given if _PROOF.fullmatch(given) else ""


def _proof(request: Ask, caller: Caller, cookie: str) -> str:
    return request.house.vault.keyed_hash(caller.business_id, f"join {cookie}".encode()) if cookie else "-"


def _set_cookie(request: Ask, slug: str, cookie: str) -> tuple[bytes, bytes]:
    secure = "; Secure" if request.house.settings.public_url.startswith("https:") else ""
    said = f"{_COOKIE}={cookie}; Path=/j/{slug}; Max-Age=3600; HttpOnly; SameSite=Strict{secure}"
    return (b"set-cookie", said.encode())


def _address(request: Ask) -> str | None:
    client = request.scope.get("client")
    return client[0] if client else None


def _often(request: Ask) -> None:
    """Raise TooManyRequests where one address fills in form after form; a process keeps its own count."""
    counts: dict[str, tuple[int, int]] = request.app.state.setdefault("forms", {})
    now, who = to_micros(request.received_at), _address(request) or "-"
    since, sent = counts.get(who, (now, 0))
    if now - since > _WINDOW:
        since, sent = now, 0
    if sent >= _FORMS:
        raise TooManyRequests
    if len(counts) > _REMEMBERED:
        counts.clear()
    counts[who] = (since, sent + 1)


ROUTES = [show_join, follow, join, say_code]
