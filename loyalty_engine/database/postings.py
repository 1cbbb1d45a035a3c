"""What one command writes, as statements: a list of steps for any engine, or one statement for many postings at once.

The rows of a posting stand or fall with its member's revision: the statement that moves the member comes first, and
whatever it does not move keeps nothing.
"""

from __future__ import annotations

from functools import cache

import msgspec
from msgspec import Struct

from loyalty_engine import rows
from loyalty_engine.database.pages import asked, columns_of
from loyalty_engine.rows import Posting

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
_PLACES = ", ".join(f"${n + 1}" for n in range(len(_MEMBER)))
_JOIN = f"INSERT INTO members ({_quoted(_MEMBER)}) VALUES ({_PLACES})"
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
        burns: list[tuple[object, ...]] = [astuple(burn) for burn in posting.burns]
        steps.append((_BURN, burns, True))
    if posting.settled:
        settled: list[tuple[object, ...]] = [
            (posting.business_id, line, posting.journal.id) for line in posting.settled
        ]
        steps.append((_SETTLE, settled, True))
    steps += [(_extra(type(row)), [astuple(row)], True) for row in posting.extra]
    return steps


@cache
def _extra(row: type[Struct]) -> str:
    own: str | None = getattr(row, "STATEMENT", None)
    if own is not None:
        return own
    names = list(row.__struct_fields__)
    places = ", ".join(f"${n}" for n in range(1, len(names) + 1))
    table: str = row.TABLE  # type: ignore[attr-defined]  # every written row declares it
    return f"INSERT INTO {table} ({_quoted(names)}) VALUES ({places}) {getattr(row, 'CONFLICT', '')}".rstrip()


@cache
def group_statement() -> str:
    """Give the PostgreSQL statement that keeps many postings at once and returns the numbers of those it kept.

    Parameters are JSON lists of rows, each with `i`, its posting's number: members first, then every written table,
    then the burns. A posting whose member has moved on keeps nothing; a broken unique index refuses the whole group.
    """
    facts = ", ".join(f'"{name}" = q."{name}"' for name in _FACTS)
    member_columns = [("i", "bigint"), ("expected", "bigint"), *columns_of(rows.MemberRow)]
    parts = [
        f"q AS MATERIALIZED (SELECT * FROM {asked('x', member_columns, 1)})",
        (
            f"moved AS (UPDATE members m SET {facts} FROM q WHERE q.expected > 0 AND m.business_id = q.business_id"
            " AND m.id = q.id AND m.revision = q.expected RETURNING q.i)"
        ),
        f"joined AS (INSERT INTO members ({_quoted(_MEMBER)}) SELECT {_quoted(_MEMBER)} FROM q WHERE q.expected = 0)",
        "kept AS MATERIALIZED (SELECT i FROM moved UNION ALL SELECT q.i FROM q WHERE q.expected <= 0)",
    ]
    for number, (field, row) in enumerate(_WRITTEN, start=2):
        names = list(row.__struct_fields__)
        source = asked("x", [("i", "bigint"), *columns_of(row)], number)
        table: str = row.TABLE  # type: ignore[attr-defined]  # every written row declares it
        parts.append(
            f"w{number} AS (INSERT INTO {table} ({_quoted(names)}) SELECT {_quoted(names)} FROM {source}"
            f" WHERE x.i IN (SELECT i FROM kept){_conflict(field, row)})"
        )
    number = len(_WRITTEN) + 2
    source = asked("x", [("i", "bigint"), *columns_of(rows.Burn)], number)
    parts.append(
        f"burnt AS (UPDATE lots t SET remaining = x.remaining FROM {source} WHERE t.business_id = x.business_id"
        " AND t.id = x.id AND x.i IN (SELECT i FROM kept))"
    )
    return "WITH " + ",\n".join(parts) + "\nSELECT i FROM kept"


def _encoded(numbered: list[tuple[int, Struct]]) -> str:
    """Encode rows with their posting's number as the JSON list of flat objects `asked` reads."""
    encode = msgspec.json.encode
    return "[" + ",".join(f'{{"i":{i},{encode(row)[1:].decode()}' for i, row in numbered) + "]"


def group_parameters(postings: list[Posting]) -> list[str]:
    """Encode postings for `group_statement`; none may be among them that goes alone."""
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
