"""What stands on the poster: the text a camera writes for a newcomer, or the address of the join page, by location."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from msgspec import Struct

from loyalty_engine.businesses import business_called
from loyalty_engine.pages import picturing
from loyalty_engine.terminal import business_option, database_option, in_house
from loyalty_engine.texts import lines

if TYPE_CHECKING:
    from loyalty_engine.house import House

_NUMBER: Final = re.compile(r"\+?[0-9]{3,15}")
# Read as joining in every language, and plain enough for every camera.
_WORD: Final = "JOIN"


class Poster(Struct, frozen=True):
    """What the square holds; the number and word it texts, where the business has a line; and the join page."""

    payload: str
    number: str | None
    word: str
    link: str


async def poster(
    house: House, slug: str, *, location: str | None = None, number: str | None = None, word: str | None = None,
    public: str = "",
) -> Poster:  # fmt: skip
    """Give what a location's poster holds: `SMSTO:26112:KAFFE` where texts come in, else the address of the page.

    `number` and `word` are asked of the business's own line where they are left out. Raises BusinessUnknown.
    """
    business_id = await business_called(house.database, slug)
    line = await lines.sending_line(house, business_id)
    if number is None and line is not None:
        sender = str(line.settings.get("sender", ""))
        number = sender if _NUMBER.fullmatch(sender) else None
    own = [] if line is None else [own for own, kind in line.words.items() if kind == "join" and own.isascii()]
    spoken = word or (own[0] if own else _WORD)
    root = house.settings.public_url or public
    link = f"{root}/j/{slug}" + (f"?at={location}" if location else "") if root else ""
    said = f"{spoken} {location}" if location else spoken
    return Poster(f"SMSTO:{number}:{said}" if number else link, number, said, link)


@click.command(name="qr")
@business_option
@click.option("--location", help="The location the poster hangs at; joining by it is counted there.")
@click.option("--number", help="The number to text; by default that of the business's own line.")
@click.option("--word", help="The word to text; by default the business's own for joining, else JOIN.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to a file: .svg or .png.")
@database_option
def qr_command(
    business: str, location: str | None, number: str | None, word: str | None, out: Path | None, database: str | None
) -> None:
    """Draw the square that lets a newcomer join: in the terminal, or as SVG or PNG for a printer."""

    async def work(house: House) -> Poster:
        return await poster(house, business, location=location, number=number, word=word)

    made = in_house(database, work)
    if not made.payload:
        message = "there is no number to text and no address to open: say --number, or set LOYALTY_PUBLIC_URL"
        raise click.ClickException(message)
    if out is None:
        click.echo(picturing.letters(made.payload))
        click.echo(made.payload)
        return
    if out.suffix not in {".svg", ".png"}:
        message = f"{out} is neither .svg nor .png"
        raise click.ClickException(message)
    out.write_bytes(picturing.png(made.payload) if out.suffix == ".png" else picturing.svg(made.payload).encode())
    click.echo(f"{made.payload} is drawn in {out}")
