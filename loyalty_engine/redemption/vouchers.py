"""Vouchers: one issued copy of a perk each, with a short code that is hard to misread, a picture of it, and a history.

Invariant: a voucher belongs to one member and is redeemed at most once; every step it takes is written down beside the
journal line that caused it, and never changed. It gives what the perk gave in the version it was issued under.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING

import msgspec
import qrcode
import qrcode.image.svg

import rules
from loyalty_engine import ids
from loyalty_engine.instants import shown_or_none, to_micros
from loyalty_engine.redemption.answers import VoucherShown
from loyalty_engine.redemption.rows import PerkCountRow, VoucherRow, VoucherStepRow
from loyalty_engine.wording import language_for, perk_name

if TYPE_CHECKING:
    from msgspec import Struct

    from loyalty_engine.house import House
    from loyalty_engine.journal import Reader
    from loyalty_engine.shelf import Edition

# Neither 0 nor O, neither 1 nor I: what is read aloud or typed from paper is not mistaken.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_FIRST, _LAST = 4, 4
_COLUMNS = ", ".join(VoucherRow.__struct_fields__)


def columns_at(place: str) -> str:
    """Name a voucher's columns as they are at an instant: what a hold set aside whose time is up is there again."""
    over = (
        "EXISTS (SELECT 1 FROM holds h WHERE h.business_id = vouchers.business_id AND h.member_id = vouchers.member_id "
        f"AND h.voucher_id = vouchers.id AND h.status = 'active' AND h.expires_at <= {place})"
    )
    return _COLUMNS.replace("state", f"CASE WHEN state = 'held' AND {over} THEN 'issued' ELSE state END AS state")


def new_code() -> str:
    """Make a code such as K7QF-2MXP."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(_FIRST + _LAST))
    return f"{letters[:_FIRST]}-{letters[_FIRST:]}"


def read_code(typed: str) -> str:
    """Read a code as it was typed or scanned: small letters, spaces and missing dashes are mended."""
    letters = "".join(character for character in typed.upper() if character.isalnum())
    return f"{letters[:_FIRST]}-{letters[_FIRST:]}"


def issued(
    edition: Edition, perk: rules.Perk, member_id: str, *, business_id: int, journal_id: str, origin: str,
    occurred: datetime, at: int, valid_for: rules.Period | None = None,
) -> tuple[VoucherRow, VoucherStepRow]:  # fmt: skip
    """Make the rows of a new voucher: valid for as long as is said here, else as the perk says."""
    period = valid_for or perk.valid_for
    until = to_micros(period.after(occurred, edition.programme.timezone)) if period else None
    row = VoucherRow(
        business_id, ids.new("vch", at // 1000), member_id, new_code(), perk.id, "issued", origin, "",
        edition.version, journal_id, at, until, None,
    )  # fmt: skip
    return row, step(row, journal_id, at)


def step(row: VoucherRow, journal_id: str, at: int, says: str = "") -> VoucherStepRow:
    """Write down the state a voucher is in from now on."""
    return VoucherStepRow(row.business_id, row.id, journal_id, row.state, says, at)


def moved(row: VoucherRow, state: str, journal_id: str, at: int, says: str = "") -> list[Struct]:
    """Give the rows that bring a voucher into another state."""
    now = msgspec.structs.replace(row, state=state, redeemed_in=journal_id if state == "redeemed" else None)
    return [now, step(now, journal_id, at, says)]


def redeemed(row: VoucherRow, journal_id: str, at: int) -> list[Struct]:
    """Give the rows that redeem a voucher."""
    return moved(row, "redeemed", journal_id, at)


async def found(reader: Reader, business_id: int, member_id: str, code: str, *, at: int) -> VoucherRow | None:
    """Find a member's voucher by its code as it was typed; somebody else's is not found."""
    rows = await reader.fetch(
        f"SELECT {columns_at('$4')} FROM vouchers WHERE business_id = $1 AND code = $2 AND member_id = $3",  # ours
        business_id, read_code(code), member_id, at,
    )  # fmt: skip
    return VoucherRow(*rows[0]) if rows else None


async def of_id(reader: Reader, business_id: int, voucher_id: str) -> VoucherRow | None:
    """Find a voucher by its id."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM vouchers WHERE business_id = $1 AND id = $2", business_id, voucher_id
    )  # fmt: skip
    return VoucherRow(*rows[0]) if rows else None


async def of_member(reader: Reader, business_id: int, member_id: str, *, at: int) -> tuple[VoucherRow, ...]:
    """Give the vouchers a member can still redeem, those that run out first first."""
    rows = await reader.fetch(
        f"SELECT {columns_at('$3')} FROM vouchers WHERE business_id = $1 AND member_id = $2 "
        "AND state IN ('issued', 'held')",
        business_id, member_id, at,
    )  # fmt: skip
    there = (VoucherRow(*row) for row in rows)
    return current((row for row in there if row.state == "issued"), at=at)


def current(issued: Iterable[VoucherRow], *, at: int) -> tuple[VoucherRow, ...]:
    """Give those of these vouchers that have not run out, those that run out first first."""
    there = (row if row.state == "issued" else msgspec.structs.replace(row, state="issued") for row in issued)
    held = [row for row in there if row.expires_at is None or row.expires_at > at]
    return tuple(sorted(held, key=lambda row: (row.expires_at is None, row.expires_at, row.id)))


async def perk_of(house: House, row: VoucherRow) -> rules.Perk:
    """Give the perk a voucher stands for, as it was when the voucher was issued."""
    edition = await house.shelf.numbered(row.business_id, row.version)
    perk = edition.programme.perk(row.perk)
    assert perk is not None, "a voucher is issued for a perk of its version"
    return perk


async def as_shown(house: House, row: VoucherRow, language: str | None, *, at: int) -> VoucherShown:
    """Show a voucher in the member's language."""
    return shown_in(await house.shelf.numbered(row.business_id, row.version), row, language, at=at)


def shown_in(edition: Edition, row: VoucherRow, language: str | None, *, at: int) -> VoucherShown:
    """Show a voucher by the version it was issued under; one that has run out is expired."""
    perk = edition.programme.perk(row.perk)
    assert perk is not None, "a voucher is issued for a perk of its version"
    over = row.state == "issued" and row.expires_at is not None and row.expires_at <= at
    name = perk_name(perk, language_for(edition.programme, language))
    return VoucherShown(
        row.id, row.code, row.perk, name, "expired" if over else row.state, shown_or_none(row.expires_at)
    )  # fmt: skip


def counts(business_id: int, perks: Sequence[rules.Perk], times: int) -> list[Struct]:
    """Give the rows that count copies of perks of which there is only so much; they are written if there is room."""
    limited = {perk.id: perk.in_all for perk in perks if perk.in_all is not None}
    return [
        PerkCountRow(business_id, perk, times * sum(one.id == perk for one in perks), most)
        for perk, most in limited.items()
    ]


def qr_svg(code: str) -> str:
    """Draw a code as a QR picture in SVG, for the member's screen and the till's scanner."""
    picture = qrcode.make(code, image_factory=qrcode.image.svg.SvgPathImage, border=2)
    written = BytesIO()
    picture.save(written)
    return written.getvalue().decode()
