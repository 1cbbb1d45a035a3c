"""What is read before a command is decided: one statement, on either engine.

A `Page` is everything a decision needs, read in one round trip: whether the command was seen before, which version
of the programme is current, and the member with balances and limits. It is read without a lock; the member's revision
on it is what `keep` later insists on, so a decision taken on an old page is never kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import UnionType
from typing import Any, Literal, get_args, get_type_hints

import msgspec
from msgspec import Struct

from loyalty_engine.redemption.rows import VoucherRow

Dialect = Literal["sqlite", "postgres", "cockroach"]


class Moved(Exception):
    """The member has moved on, or a key has been taken, since the page was read: begin again."""


class Opening(Struct, frozen=True, kw_only=True):
    """What to look for: the command's two keys, the member by blind index or id, the location, and the instants."""

    i: int = 0
    business_id: int
    key: str | None = None
    natural: str | None = None
    blind_index: str | None = None
    member_id: str | None = None
    location: str | None = None
    occurred_at: int = 0
    now: int = 0

    @property
    def glances(self) -> bool:
        """Tell whether somebody only looks: no command is told by it, so nothing but the member matters."""
        return self.key is None and self.natural is None and self.location is None


class Seen(Struct, frozen=True, array_like=True):
    """A journal line found under one of the command's keys."""

    id: str
    kind: str
    fingerprint: str
    status: int
    answer: str
    amount_minor: int | None
    request_id: str


class AccountState(Struct, frozen=True, array_like=True):
    """A member's account: balance, held, what is pending of it, and what has passed its expiry unbooked."""

    unit: str
    balance: int
    held: int
    pending_until: int
    next_expiry: int | None
    pending: int
    lapsed: int
    # What is set aside by holds whose time is up, and which nobody has booked yet.
    overdue: int = 0

    @property
    def set_aside(self) -> int:
        """Give what is set aside by holds that are still good."""
        return self.held - self.overdue

    @property
    def available(self) -> int:
        """Give what can be spent now; what is set aside may have run out, and is no debt."""
        reach = self.balance - self.pending - self.lapsed
        return reach - min(self.set_aside, max(0, reach))


class LimitState(Struct, frozen=True, array_like=True):
    """How much of a limit is used in a window that contains the instant asked for."""

    subject: str
    window: str
    times: int
    amount: int


class MemberState(Struct, frozen=True):
    """A member as they are at this revision."""

    id: str
    revision: int
    joined_at: int
    visits: int
    spend_minor: int
    first_purchase_at: int | None
    last_purchase_at: int | None
    language: str | None
    tier: str | None
    tags: str
    wrapped_key: str
    sealed_profile: str | None
    tier_until: int | None
    presence: str | None
    referral: str | None
    accounts: tuple[AccountState, ...] | None
    used: tuple[LimitState, ...] | None
    # Vouchers still to be redeemed, on the page of a glance only: a command asks for those it is told of.
    vouchers: tuple[VoucherRow, ...] = ()


class Page(Struct, frozen=True):
    """Everything a decision needs, as it stood at one instant."""

    version: int
    by_key: tuple[Seen, ...] | None
    by_natural: tuple[Seen, ...] | None
    location_known: int
    parked: tuple[str, ...] | None
    member: MemberState | None

    @property
    def seen(self) -> Seen | None:
        """Give the journal line of this very command, if there is one."""
        return (self.by_key or self.by_natural or (None,))[0]


decode_page = msgspec.json.Decoder(Page).decode
_decode_accounts = msgspec.json.Decoder(tuple[AccountState, ...] | None).decode
_decode_used = msgspec.json.Decoder(tuple[LimitState, ...] | None).decode
_decode_rows = msgspec.json.Decoder(tuple[tuple[Any, ...], ...]).decode
_EMPTY = (None, "[]")


def glanced(row: Sequence[Any]) -> Page:
    """Make the page of a glance from its row."""
    state = None
    if row[2] is not None:
        accounts, used, vouchers = row[-3:]
        state = MemberState(  # type: ignore[call-arg]  # a slice has any length to mypy
            *row[2:-3],
            None if accounts in _EMPTY else _decode_accounts(accounts),
            None if used in _EMPTY else _decode_used(used),
            () if vouchers in _EMPTY else tuple(VoucherRow(*voucher) for voucher in _decode_rows(vouchers)),
        )
    return Page(row[1], None, None, 0, None, state)


_ACCOUNTS = """JSON((SELECT LIST(a.unit, a.balance, a.held, a.pending_until, a.next_expiry,
        CASE WHEN a.pending_until > q.now THEN (SELECT CAST(coalesce(sum(t.remaining), 0) AS BIGINT) FROM lots t
          WHERE t.business_id = a.business_id AND t.member_id = a.member_id AND t.unit = a.unit
          AND t.remaining > 0 AND t.spendable_at > q.now) ELSE 0 END,
        CASE WHEN a.next_expiry <= q.now THEN (SELECT CAST(coalesce(sum(t.remaining), 0) AS BIGINT) FROM lots t
          WHERE t.business_id = a.business_id AND t.member_id = a.member_id AND t.unit = a.unit
          AND t.remaining > 0 AND t.expires_at <= q.now AND t.spendable_at <= q.now) ELSE 0 END,
        CASE WHEN a.held > 0 THEN (SELECT CAST(coalesce(sum(h.amount), 0) AS BIGINT) FROM holds h
          WHERE h.business_id = a.business_id AND h.member_id = a.member_id AND h.unit = a.unit
          AND h.status = 'active' AND h.expires_at <= q.now) ELSE 0 END))
      FROM accounts a WHERE a.business_id = q.business_id AND a.member_id = m.id))"""

_USED = """JSON((SELECT LIST(u.subject, u."window", u.times, u.amount)) FROM limit_uses u
      WHERE u.business_id = q.business_id AND u.member_id = m.id
      AND u.starts_at <= q.occurred_at AND u.ends_at > q.occurred_at))"""
_VOUCHERS = f"""JSON((SELECT LIST({", ".join(f"v.{name}" for name in VoucherRow.__struct_fields__)})) FROM vouchers v
      WHERE v.business_id = q.business_id AND v.member_id = m.id AND v.state IN ('issued', 'held')
      AND (v.state = 'issued' OR EXISTS (SELECT 1 FROM holds h WHERE h.business_id = v.business_id
      AND h.member_id = v.member_id AND h.voucher_id = v.id AND h.status = 'active' AND h.expires_at <= q.now))))"""

# LIST(a, b)) and OBJECT(...) stand for the two engines' names of the same JSON functions; JSON( keeps SQLite from
# taking a nested document for a string. {asked} is the relation of openings.
_PAGE = """
SELECT q.i, OBJECT(
  'version', b.version,
  'by_key', JSON((SELECT LIST(j.id, j.kind, j.fingerprint, j.status, j.answer, j.amount_minor, j.request_id))
    FROM journal j WHERE j.business_id = q.business_id AND j.key = q.key)),
  'by_natural', JSON((SELECT LIST(j.id, j.kind, j.fingerprint, j.status, j.answer, j.amount_minor, j.request_id))
    FROM journal j WHERE j.business_id = q.business_id AND j."natural" = q."natural")),
  'location_known', (SELECT count(*) FROM locations l WHERE l.business_id = q.business_id AND l.location = q.location),
  'parked', JSON((SELECT PLAINLIST(p.journal_id) FROM parked_refunds p WHERE p.business_id = q.business_id
    AND p.purchase_natural = q."natural" AND p.settled_by IS NULL)),
  'member', JSON((SELECT OBJECT(
    'id', m.id, 'revision', m.revision, 'joined_at', m.joined_at, 'visits', m.visits, 'spend_minor', m.spend_minor,
    'first_purchase_at', m.first_purchase_at, 'last_purchase_at', m.last_purchase_at, 'language', m.language,
    'tier', m.tier, 'tags', m.tags, 'wrapped_key', m.wrapped_key, 'sealed_profile', m.sealed_profile,
    'tier_until', m.tier_until,
    'presence', m.presence, 'referral', m.referral,
    'accounts', {accounts},
    'used', {used})
    FROM members m WHERE m.business_id = q.business_id AND m.id = coalesce(q.member_id,
      (SELECT n.member_id FROM identifiers n WHERE n.business_id = q.business_id AND n.blind_index = q.blind_index)))))
FROM {asked} JOIN businesses b ON b.business_id = q.business_id
"""

# A glance at a member by somebody who commands nothing: plain columns, and nothing of the journal.
_GLANCE = """
SELECT q.i, b.version, {columns}, {accounts}, {used}, {vouchers}
FROM {asked} JOIN businesses b ON b.business_id = q.business_id
LEFT JOIN members m ON m.business_id = q.business_id AND m.id = coalesce(q.member_id,
  (SELECT n.member_id FROM identifiers n WHERE n.business_id = q.business_id AND n.blind_index = q.blind_index))
"""
_GLANCED = MemberState.__struct_fields__[:-3]  # all but accounts, limits used, and vouchers

_JSON_NAMES = {
    "sqlite": {"LIST(": "json_group_array(json_array(", "PLAINLIST(": "json_group_array(", "OBJECT(": "json_object("},
    "postgres": {"LIST(": "json_agg(json_build_array(", "PLAINLIST(": "json_agg(", "OBJECT(": "json_build_object("},
}


def columns_of(row: type[Struct]) -> list[tuple[str, str]]:
    """Give a row's columns with their SQL types: whole numbers and text are all there is."""
    hints = get_type_hints(row)
    found = []
    for name in row.__struct_fields__:
        hint = hints[name]
        plain = get_args(hint)[0] if isinstance(hint, UnionType) else hint
        found.append((name, "bigint" if plain is int else "text"))
    return found


def asked(alias: str, columns: list[tuple[str, str]], number: int) -> str:
    """Give a FROM item that reads parameter `number`, a JSON list of objects, as rows with these columns."""
    typed = ", ".join(f'"{name}" {sql_type}' for name, sql_type in columns)
    return f"json_to_recordset(${number}::json) AS {alias}({typed})"


@cache
def page_statement(dialect: Dialect) -> str:
    """Give the statement that reads pages: for a JSON list of openings, or on SQLite for the fields of one."""
    return _spoken(_PAGE, dialect)


@cache
def glance_statement(dialect: Dialect) -> str:
    """Give the statement for openings that only glance; its rows are read by `glanced`."""
    return _spoken(_GLANCE.replace("{columns}", ", ".join(f"m.{name}" for name in _GLANCED)), dialect)


def _spoken(text: str, dialect: Dialect) -> str:
    family = "sqlite" if dialect == "sqlite" else "postgres"
    columns = columns_of(Opening)
    fields = ", ".join(f'${n} AS "{name}"' for n, (name, _) in enumerate(columns, start=1))
    text = text.replace("{accounts}", _ACCOUNTS).replace("{used}", _USED).replace("{vouchers}", _VOUCHERS)
    text = text.replace("{asked}", f"(SELECT {fields}) AS q" if family == "sqlite" else asked("q", columns, 1))
    text = text.replace("JSON((", "json((" if family == "sqlite" else "((")
    for name, real in sorted(_JSON_NAMES[family].items(), key=lambda pair: -len(pair[0])):
        text = text.replace(name, real)
    return text


def listed(openings: list[Opening]) -> str:
    """Encode openings, numbered, as the JSON list that `page_statement` reads on PostgreSQL."""
    return msgspec.json.encode([msgspec.structs.replace(o, i=i) for i, o in enumerate(openings)]).decode()
