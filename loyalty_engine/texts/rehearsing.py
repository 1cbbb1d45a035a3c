"""A telephone at the terminal: a text goes the whole way in, and its answer is printed instead of sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loyalty_engine import businesses, ids
from loyalty_engine.instants import to_micros
from loyalty_engine.messages import outbox
from loyalty_engine.messages.outbox import MessageRow
from loyalty_engine.terminal import business_option, database_option, in_house, now
from loyalty_engine.texts import inbound, lines
from loyalty_engine.texts.asking import Incoming
from rules import measure

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.texts.lexicon import Kind


@click.command(name="text")
@click.argument("number")
@click.argument("words", nargs=-1, required=True)
@business_option
@database_option
def text_command(number: str, words: tuple[str, ...], business: str, database: str | None) -> None:
    """Text the business as a member would, and read the answer with its parts and coding.

    The text has its real effect: JOIN makes a member, STOP stops. Only the answer does not leave: it is printed.
    """

    async def work(house: House) -> tuple[str, str | None]:
        return await rehearse(house, business, number, " ".join(words))

    wish, answer = in_house(database, work)
    click.echo(f"read as: {wish}")
    if answer is None:
        click.echo("(no answer)")
        return
    length = measure(answer)
    parts = f"{length.parts} part{'s' if length.parts > 1 else ''}"
    click.echo(f"{answer}\n({length.units} units, {length.coding}, {parts})")


async def rehearse(house: House, business: str, number: str, text: str) -> tuple[str, str | None]:
    """Let a text in by the path that every text takes; give what it was read as, and its answer."""
    at = now()
    business_id = await businesses.business_called(house.database, business)
    own: dict[str, Kind] = {}
    for line in await lines.lines_of(house, business_id):
        own |= line.words
    incoming = Incoming(
        gateway=inbound.REHEARSED, id=ids.new("msg", to_micros(at) // 1000), sender=number, to="", text=text,
        words=own, rehearsed=True,
    )  # fmt: skip
    heard = await inbound.receive(house, business_id, business, incoming, at=at)
    if heard.answer_id is None:
        return heard.wish, None
    return heard.wish, await _words(house, business_id, heard.answer_id)


async def _words(house: House, business_id: int, message_id: str) -> str:
    [found] = await house.database.fetch(
        f"SELECT {outbox.COLUMNS} FROM messages WHERE business_id = $1 AND id = $2", business_id, message_id
    )
    row = MessageRow(*found)
    key = row.wrapped_key or ""
    if row.member_id is not None:
        [[key]] = await house.database.fetch(
            "SELECT wrapped_key FROM members WHERE business_id = $1 AND id = $2", business_id, row.member_id
        )
    return outbox.words_of(house, row, key).text
