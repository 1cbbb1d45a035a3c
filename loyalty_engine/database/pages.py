"""What is read before a command is decided, and what is written after it: one statement each, on either engine.

A `Page` is everything a decision needs, read in one round trip: whether the command was seen before, which version
of the programme is current, and the member with balances and limits. It is read without a lock; the member's revision
on it is what `keep` later insists on, so a decision taken on an old page is never kept.
"""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Literal, get_args, get_type_hints

import msgspec
from msgspec import Struct

from loyalty_engine import rows
from loyalty_engine.rows import Posting

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

    @property
    def available(self) -> int:
        """Give what can be spent now."""
        return self.balance - self.held - self.pending - self.lapsed


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
    accounts: tuple[AccountState, ...] | None
    used: tuple[LimitState, ...] | None


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
    'accounts', JSON((SELECT LIST(a.unit, a.balance, a.held, a.pending_until, a.next_expiry,
        CASE WHEN a.pending_until > q.now THEN (SELECT CAST(coalesce(sum(t.remaining), 0) AS BIGINT) FROM lots t
          WHERE t.business_id = a.business_id AND t.member_id = a.member_id AND t.unit = a.unit
          AND t.remaining > 0 AND t.spendable_at > q.now) ELSE 0 END,
        CASE WHEN a.next_expiry <= q.now THEN (SELECT CAST(coalesce(sum(t.remaining), 0) AS BIGINT) FROM lots t
          WHERE t.business_id = a.business_id AND t.member_id = a.member_id AND t.unit = a.unit
          AND t.remaining > 0 AND t.expires_at <= q.now) ELSE 0 END))
      FROM accounts a WHERE a.business_id = q.business_id AND a.member_id = m.id)),
    'used', JSON((SELECT LIST(u.subject, u."window", u.times, u.amount)) FROM limit_uses u
      WHERE u.business_id = q.business_id AND u.member_id = m.id
      AND u.starts_at <= q.occurred_at AND u.ends_at > q.occurred_at)))
    FROM members m WHERE m.business_id = q.business_id AND m.id = coalesce(q.member_id,
      (SELECT n.member_id FROM identifiers n WHERE n.business_id = q.business_id AND n.blind_index = q.blind_index)))))
FROM {asked} JOIN businesses b ON b.business_id = q.business_id
"""

_JSON_NAMES = {
    "sqlite": {"LIST(": "json_group_array(json_array(", "PLAINLIST(": "json_group_array(", "OBJECT(": "json_object("},
    "postgres": {"LIST(": "json_agg(json_build_array(", "PLAINLIST(": "json_agg(", "OBJECT(": "json_build_object("},
}


def _columns(row: type[Struct]) -> list[tuple[str, str]]:
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
    family = "sqlite" if dialect == "sqlite" else "postgres"
    columns = _columns(Opening)
    fields = ", ".join(f'${n} AS "{name}"' for n, (name, _) in enumerate(columns, start=1))
    text = _PAGE.replace("{asked}", f"(SELECT {fields}) AS q" if family == "sqlite" else asked("q", columns, 1))
    text = text.replace("JSON((", "json((" if family == "sqlite" else "((")
    for name, real in sorted(_JSON_NAMES[family].items(), key=lambda pair: -len(pair[0])):
        text = text.replace(name, real)
    return text


# The tables a posting writes besides the member, with the posting's field, in the order they are written.
_WRITTEN: tuple[tuple[str, type[Struct]], ...] = (
    ("identifiers", rows.IdentifierRow),
    ("locations", rows.LocationRow),
    ("journal", rows.JournalLine),
    ("entries", rows.EntryRow),
    ("lots", rows.LotRow),
    ("allocations", rows.AllocationRow),
    ("accounts", rows.AccountRow),
    ("limit_uses", rows.LimitUseRow),
    ("parked", rows.ParkedRow),
)
# Tables whose rows replace what stands there: a balance, the use of a limit; a location may be made by two at once.
_REPLACED = {"accounts", "limit_uses"}
_SHARED = {"locations"}


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _conflict(field: str, row: type[Struct]) -> str:
    """Say what happens where the row stands already: replaced, left alone, or (nothing said) refused."""
    if field in _SHARED:
        return " ON CONFLICT DO NOTHING"
    if field not in _REPLACED:
        return ""
    names = list(row.__struct_fields__)
    key: int = row.KEY  # type: ignore[attr-defined]  # every written row declares it
    replaced = ", ".join(f'"{name}" = excluded."{name}"' for name in names[key:])
    return f" ON CONFLICT ({_quoted(names[:key])}) DO UPDATE SET {replaced}"


def written(posting: Posting, field: str) -> tuple[Struct, ...]:
    """Give the rows of one field of a posting; the journal line is always exactly one."""
    return (posting.journal,) if field == "journal" else getattr(posting, field)


@cache
def _inserts() -> tuple[tuple[str, str], ...]:
    statements = []
    for field, row in _WRITTEN:
        names = list(row.__struct_fields__)
        places = ", ".join(f"${n}" for n in range(1, len(names) + 1))
        table: str = row.TABLE  # type: ignore[attr-defined]  # every written row declares it
        statements.append((field, f"INSERT INTO {table} ({_quoted(names)}) VALUES ({places}){_conflict(field, row)}"))
    return tuple(statements)


_MEMBER = list(rows.MemberRow.__struct_fields__)
_FACTS = _MEMBER[2:]
_MOVE = (
    "UPDATE members SET "
    + ", ".join(f'"{name}" = ${n + 3}' for n, name in enumerate(_FACTS))
    + f" WHERE business_id = $1 AND id = $2 AND revision = ${len(_FACTS) + 3}"
)
_JOIN = f"INSERT INTO members ({_quoted(_MEMBER)}) VALUES ({', '.join(f'${n + 1}' for n in range(len(_MEMBER)))})"  # noqa: S608  # our own column names
_BURN = "UPDATE lots SET remaining = $3 WHERE business_id = $1 AND id = $2"
_SETTLE = "UPDATE parked_refunds SET settled_by = $3 WHERE business_id = $1 AND journal_id = $2 AND settled_by IS NULL"


def statements(posting: Posting) -> list[tuple[str, list[tuple[object, ...]], bool]]:
    """Give a posting as (statement, rows, must touch every row): the form for an engine that takes one at a time."""
    steps: list[tuple[str, list[tuple[object, ...]], bool]] = []
    astuple = msgspec.structs.astuple
    if posting.member is not None and posting.expected is not None:
        member = astuple(posting.member)
        steps.append((_MOVE, [(*member, posting.expected)], True) if posting.expected else (_JOIN, [member], True))
    for field, text in _inserts():
        if found := written(posting, field):
            steps.append((text, [astuple(row) for row in found], False))
    if posting.burns:
        steps.append((_BURN, [astuple(burn) for burn in posting.burns], True))
    if posting.settled:
        settled = [(posting.business_id, line, posting.journal.id) for line in posting.settled]
        steps.append((_SETTLE, settled, True))
    return steps


@cache
def group_statement() -> str:
    """Give the PostgreSQL statement that keeps many postings at once and returns the numbers of those it kept.

    Parameters are JSON lists of rows, each with `i`, its posting's number: members first, then every written table,
    then the burns. A posting whose member has moved on keeps nothing; a broken unique index refuses the whole group.
    """
    facts = ", ".join(f'"{name}" = q."{name}"' for name in _FACTS)
    member_columns = [("i", "bigint"), ("expected", "bigint"), *_columns(rows.MemberRow)]
    parts = [
        f"q AS MATERIALIZED (SELECT * FROM {asked('x', member_columns, 1)})",
        f"moved AS (UPDATE members m SET {facts} FROM q WHERE q.expected > 0 AND m.business_id = q.business_id"
        " AND m.id = q.id AND m.revision = q.expected RETURNING q.i)",
        f"joined AS (INSERT INTO members ({_quoted(_MEMBER)}) SELECT {_quoted(_MEMBER)} FROM q WHERE q.expected = 0)",  # noqa: S608
        "kept AS MATERIALIZED (SELECT i FROM moved UNION ALL SELECT q.i FROM q WHERE q.expected <= 0)",
    ]
    for number, (field, row) in enumerate(_WRITTEN, start=2):
        names = list(row.__struct_fields__)
        source = asked("x", [("i", "bigint"), *_columns(row)], number)
        table: str = row.TABLE  # type: ignore[attr-defined]  # every written row declares it
        parts.append(
            f"w{number} AS (INSERT INTO {table} ({_quoted(names)}) SELECT {_quoted(names)} FROM {source}"  # noqa: S608
            f" WHERE x.i IN (SELECT i FROM kept){_conflict(field, row)})"
        )
    number = len(_WRITTEN) + 2
    source = asked("x", [("i", "bigint"), *_columns(rows.Burn)], number)
    parts.append(
        f"burnt AS (UPDATE lots t SET remaining = x.remaining FROM {source} WHERE t.business_id = x.business_id"  # noqa: S608
        " AND t.id = x.id AND x.i IN (SELECT i FROM kept))"
    )
    return "WITH " + ",\n".join(parts) + "\nSELECT i FROM kept"




def _encoded(numbered: list[tuple[int, Struct]]) -> str:
    """Encode rows with their posting's number as the JSON list of flat objects `asked` reads."""
    encode = msgspec.json.encode
    return "[" + ",".join(f'{{"i":{i},{encode(row)[1:].decode()}' for i, row in numbered) + "]"


def group_parameters(postings: list[Posting]) -> list[str]:
    """Encode postings for `group_statement`; they must not settle parked refunds (those go one at a time)."""
    encode = msgspec.json.encode
    members = []
    for i, posting in enumerate(postings):
        expected = -1 if posting.expected is None else posting.expected
        head = f'{{"i":{i},"expected":{expected}'
        members.append(head + "}" if posting.member is None else f"{head},{encode(posting.member)[1:].decode()}")
    found = ["[" + ",".join(members) + "]"]
    for field, _ in _WRITTEN:
        found.append(_encoded([(i, row) for i, posting in enumerate(postings) for row in written(posting, field)]))
    found.append(_encoded([(i, burn) for i, posting in enumerate(postings) for burn in posting.burns]))
    return found
