"""Sets a page: escaped by default, with our one style sheet, and a policy that lets a browser load nothing else.

Invariant: no page asks another host for anything, holds a script or an inline style, or changes anything when it is
only looked at; a form is taken only with the proof that our own page gave it.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from functools import cache, wraps
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import jinja2
from litestar import get
from litestar.params import FromPath
from litestar.types import ASGIApp
from markupsafe import Markup

from api import problems, wire
from api.asking import Ask, Reply, header
from api.pages.tongues import LANGUAGES, Tongue, choose, tongue
from loyalty_engine.businesses import Caller, business_called
from loyalty_engine.errors import LoyaltyError, MalformedBody, NotJson
from loyalty_engine.pages import picturing
from loyalty_engine.pages.errors import FormForeign
from loyalty_engine.pages.letting_in import at_the_door

if TYPE_CHECKING:
    import rules

HTML: Final = b"text/html; charset=utf-8"
POLICY: Final = (
    b"content-security-policy",
    (
        b"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        b"frame-ancestors 'none'"
    ),
)
_FORM_LIMIT: Final = 16 * 1024
_FORM: Final = b"application/x-www-form-urlencoded"
_FIELDS: Final = 60
_LONGEST: Final = 500


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("api.pages"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.globals["languages"] = LANGUAGES
    environment.filters["qr"] = lambda payload: Markup(picturing.svg(payload))  # noqa: S704  # our own drawing
    return environment


def page(template: str, t: Tongue, *headers: tuple[bytes, bytes], status: int = 200, **told: Any) -> Reply:
    """Set a page."""
    text = _templates().get_template(f"{template}.html").render(t=t, **told)
    return Reply(status, text.encode(), POLICY, *headers, media_type=HTML)


def elsewhere(address: str, *headers: tuple[bytes, bytes]) -> Reply:
    """Send a browser on, by GET, after a form was taken."""
    return Reply(303, b"", (b"location", address.encode()), *headers)


async def business(request: Ask, slug: str) -> tuple[Caller, rules.Programme]:
    """Give who stands at a business's page, and its programme; raise BusinessUnknown where there is none yet."""
    business_id = await business_called(request.house.database, slug)
    return at_the_door(business_id, slug), (await request.house.shelf.current(business_id)).programme


def speaks(request: Ask, programme: rules.Programme, theirs: str | None = None) -> Tongue:
    """Choose the language of a page."""
    accepts = (header(request.scope, b"accept-language") or b"").decode("latin-1")
    return choose(asked(request, "lang") or None, theirs, accepts, programme.languages[0])


def asked(request: Ask, name: str) -> str:
    """Give what stands in the address under a name; nothing for what cannot be read."""
    given = parse_qsl(request.scope["query_string"].decode("utf-8", "replace"), max_num_fields=None)
    return next((value for key, value in given if key == name), "")


async def form(request: Ask) -> dict[str, list[str]]:
    """Read a form that was filled in on this host; raise FormForeign for another's, MalformedBody for no form."""
    if header(request.scope, b"sec-fetch-site") not in {None, b"same-origin", b"none"}:
        raise FormForeign
    kind = (header(request.scope, b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != _FORM:
        raise NotJson("Send the form as a browser does.")
    body = await wire.read_body(request.receive, header(request.scope, b"content-length"), _FORM_LIMIT)
    try:
        said = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS)
    except ValueError:
        raise MalformedBody("The form cannot be read.") from None
    found: dict[str, list[str]] = {}
    for name, value in said:
        if "\x00" in value or len(value) > _LONGEST:
            raise MalformedBody("The form cannot be read.")
        found.setdefault(name, []).append(value.strip())
    return found


def first(form: dict[str, list[str]], name: str) -> str:
    """Give the first value of a field; nothing where it was left out."""
    return form.get(name, [""])[0]


def proved(form: dict[str, list[str]], proof: str) -> None:
    """Raise FormForeign unless the form carries the proof that our page put into it."""
    if not hmac.compare_digest(first(form, "proof").encode(), proof.encode()):
        raise FormForeign


Door = Callable[..., Awaitable[ASGIApp]]


def as_page(door: Door) -> Door:
    """Let a door refuse with a page a person can read, in their language, where others give a problem document."""

    @wraps(door)
    async def opened(request: Ask, **named: Any) -> ASGIApp:
        try:
            return await door(request, **named)
        except LoyaltyError as refused:
            return _sorry(request, refused, named.get("slug"))

    return opened


def _sorry(request: Ask, refused: LoyaltyError, slug: str | None) -> Reply:
    accepts = (header(request.scope, b"accept-language") or b"").decode("latin-1")
    t = choose(None, None, accepts, "en")
    request.scope["state"]["code"] = refused.code
    says = t.called("refused", refused.code)
    if says == refused.code:
        says = t("refused.other")
    error = problems.read_exception(refused, request.request_id)
    retry = [(b"retry-after", b"60")] if error.retryable else []
    return page("sorry", t, *retry, status=error.status, says=says, slug=slug, business=None)


@get("/pages/{name:str}")
async def style(name: FromPath[str]) -> ASGIApp:
    """Give the style sheet."""
    known = {"pages.css": b"text/css; charset=utf-8", "icon.svg": b"image/svg+xml"}
    if name not in known:
        return _sorry_plain()
    text = (files("api.pages") / "static" / name).read_bytes()
    return Reply(200, text, POLICY, media_type=known[name])


def _sorry_plain() -> Reply:
    t = tongue("en")
    return page("sorry", t, status=404, says=t("refused.route_unknown"), slug=None, business=None)


ROUTES = [style]
