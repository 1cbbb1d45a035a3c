"""The poster by the door, one for each location: a square that a camera turns into a text or the join page.

It tells nothing but what hangs on the wall, so everybody may print it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from litestar import get
from litestar.params import FromPath
from litestar.types import ASGIApp

from api.asking import Ask, Reply
from api.pages import dress
from loyalty_engine.errors import ParameterMalformed
from loyalty_engine.pages import picturing
from loyalty_engine.pages import poster as postering
from loyalty_engine.wording import language_for, unit_name

if TYPE_CHECKING:
    from loyalty_engine.pages.poster import Poster

_PLACE: Final = re.compile("[a-z0-9][a-z0-9-]{0,59}")
_SVG, _PNG = b"image/svg+xml", b"image/png"


@get("/j/{slug:str}/poster")
@dress.as_page
async def show_poster(request: Ask, slug: FromPath[str]) -> ASGIApp:
    """Show a poster, ready to print."""
    _, programme = await dress.business(request, slug)
    t = dress.speaks(request, programme)
    poster = await _poster(request, slug)
    units = unit_name(programme, next(iter(programme.units)), 2, language_for(programme, t.code))
    at = dress.asked(request, "at")
    return dress.page(
        "poster", t, business=programme.name, slug=slug, units=units, payload=poster.payload, number=poster.number,
        word=poster.word, link=poster.link, short=poster.link.partition("://")[2].partition("?")[0],
        query=f"?at={at}" if at else "",
    )  # fmt: skip


@get("/j/{slug:str}/qr.svg")
@dress.as_page
async def show_svg(request: Ask, slug: FromPath[str]) -> ASGIApp:
    """Give the square alone, for a printer's own poster."""
    await dress.business(request, slug)
    return Reply(200, picturing.svg((await _poster(request, slug)).payload).encode(), media_type=_SVG)


@get("/j/{slug:str}/qr.png")
@dress.as_page
async def show_png(request: Ask, slug: FromPath[str]) -> ASGIApp:
    """Give the square alone, as dots."""
    await dress.business(request, slug)
    return Reply(200, picturing.png((await _poster(request, slug)).payload), media_type=_PNG)


async def _poster(request: Ask, slug: str) -> Poster:
    at = dress.asked(request, "at")
    if at and not _PLACE.fullmatch(at):
        raise ParameterMalformed("at is the short name of a location.")
    fallback = f"http://{request.url.netloc}"
    return await postering.poster(request.house, slug, location=at or None, public=fallback)


ROUTES = [show_poster, show_svg, show_png]
