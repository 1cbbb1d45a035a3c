"""What the same rows cost PostgreSQL alone: pgbench with one statement an award, and one a look-up.

The award's statement is written from the rows that a real purchase has just left behind, so it keeps what the engine
keeps: the same tables, the same indexes, the same bytes.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import asyncpg

from benchmarks.sampling import Sample

Row = dict[str, Any]
TEXTS: Final = ("answer", "input")  # long texts go as parameters, as a driver would send them
FRESH: Final = {"id", "key", "natural", "journal_id", "request_id"}
REPLACED: Final = {
    "accounts": """(business_id, member_id, unit) DO UPDATE SET balance = accounts.balance + 1, held = excluded.held,
  pending_until = excluded.pending_until, next_expiry = excluded.next_expiry""",
    "limit_uses": """(business_id, member_id, ends_at, subject, "window") DO UPDATE SET starts_at = excluded.starts_at,
  times = limit_uses.times + 1, amount = limit_uses.amount + 1""",
}

LOOKUP: Final = """\\set n random(0, {last})
SELECT m.*, (SELECT json_agg(json_build_array(a.unit, a.balance, a.held, a.pending_until, a.next_expiry))
  FROM accounts a WHERE a.business_id = m.business_id AND a.member_id = m.id)
FROM numbered x JOIN members m ON m.business_id = x.business_id AND m.id = x.member_id WHERE x.n = :n;
"""


class Pgbench:
    """pgbench on a copy of the café's database; `number` finds a member as a phone number does."""

    def __init__(self, programs: str, url: str, members: int) -> None:
        """Prepare the copy and both scripts."""
        self._program = str(Path(programs) / "pgbench")
        self._url = url
        self._folder = tempfile.TemporaryDirectory(prefix="loyalty-pgbench-")
        statement, self._texts, self.wrote = asyncio.run(_prepared(url))
        self._award = self._script("award", f"\\set n random(0, {members - 1})\n{statement}")
        self._lookup = self._script("lookup", LOOKUP.format(last=members - 1))

    def _script(self, name: str, text: str) -> str:
        file = Path(self._folder.name) / f"{name}.sql"
        file.write_text(text, encoding="utf-8")
        return str(file)

    def award(self, connections: int, seconds: float) -> Sample:
        """Write awards, one statement each."""
        return self._run(self._award, connections, seconds)

    def lookup(self, connections: int, seconds: float) -> Sample:
        """Read members with their accounts."""
        return self._run(self._lookup, connections, seconds)

    def _run(self, script: str, connections: int, seconds: float) -> Sample:
        texts = [f"-D{name}={value}" for name, value in self._texts.items()]
        done = subprocess.run(
            [self._program, "-n", "-M", "prepared", "-c", str(connections), "-j", str(min(connections, 2)),
             "-T", str(max(1, round(seconds))), "-f", script, *texts, self._url],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        rate, latency = re.search(r"tps = ([\d.]+)", done), re.search(r"latency average = ([\d.]+) ms", done)
        processed, failed = (
            re.search(r"actually processed: (\d+)", done),
            re.search(r"failed transactions: (\d+)", done),
        )
        assert rate is not None, done
        assert latency is not None, done
        assert processed is not None, done
        number = int(processed[1])
        return Sample(
            per_second=float(rate[1]), p50_ms=float(latency[1]), p99_ms=None, answered=number, sent=number,
            failed=int(failed[1]) if failed else 0,
        )  # fmt: skip

    def close(self) -> None:
        """Remove the scripts."""
        self._folder.cleanup()


async def _prepared(url: str) -> tuple[str, dict[str, str], str]:
    """Number the members of the copy, and write the statement of the latest purchase."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            'CREATE TABLE numbered (n bigint PRIMARY KEY, business_id bigint, member_id text COLLATE "C");'
            "INSERT INTO numbered SELECT row_number() OVER (ORDER BY id) - 1, business_id, id FROM members;"
            "CREATE SEQUENCE numbers CACHE 100"
        )
        await connection.execute("VACUUM ANALYZE")
        rows = await _left_behind(connection)
    finally:
        await connection.close()
    journal = rows["journal"][0]
    texts = {name: str(journal[name]) for name in TEXTS}
    bytes_kept = sum(len(text.encode()) for text in texts.values())
    wrote = ", ".join(f"{len(found)} in {table}" for table, found in rows.items() if found)
    return _statement(rows), texts, f"{wrote}, 1 member moved on; input and answer of {bytes_kept} bytes"


async def _left_behind(connection: Any) -> dict[str, list[Row]]:  # asyncpg is untyped
    async def found(table: str, condition: str, *values: object) -> list[Row]:
        rows = await connection.fetch(f"SELECT * FROM {table} WHERE {condition}", *values)  # our own words
        return [dict(row) for row in rows]

    journal = await found("journal", "kind = 'purchase' ORDER BY id DESC LIMIT 1")
    purchase_id, member = journal[0]["id"], journal[0]["member_id"]
    return {
        "journal": journal,
        "entries": await found("entries", "journal_id = $1", purchase_id),
        "lots": await found("lots", "journal_id = $1", purchase_id),
        "accounts": await found("accounts", "member_id = $1", member),
        "limit_uses": await found("limit_uses", "member_id = $1", member),
    }


def _statement(rows: dict[str, list[Row]]) -> str:
    """One statement that keeps all of it for member number :n, if they are there to be moved on."""
    spent = rows["journal"][0]["amount_minor"]
    happened = rows["journal"][0]["occurred_at"]
    parts = [
        f"""moved AS (UPDATE members m SET revision = m.revision + 1, visits = m.visits + 1,
  spend_minor = m.spend_minor + {spent}, last_purchase_at = greatest(m.last_purchase_at, {happened})
  FROM numbered x WHERE x.n = :n AND m.business_id = x.business_id AND m.id = x.member_id
  RETURNING m.business_id, m.id, m.revision)""",
        "fresh AS MATERIALIZED (SELECT lpad(nextval('numbers')::text, 26, '0') AS n)",
    ]
    for number, (table, found) in enumerate((table, found) for table, found in rows.items() if found):
        names = list(found[0])
        selects = " UNION ALL ".join(
            "SELECT " + ", ".join(_value(name, row[name], place) for name in names) + " FROM moved, fresh"
            for place, row in enumerate(found)
        )
        conflict = f" ON CONFLICT {REPLACED[table]}" if table in REPLACED else ""
        columns = ", ".join(f'"{name}"' for name in names)
        parts.append(f"w{number} AS (INSERT INTO {table} ({columns}) {selects}{conflict})")  # the same
    return "WITH " + ",\n".join(parts) + "\nSELECT revision FROM moved;\n"


def _value(name: str, value: Any, place: int) -> str:  # a column's
    """Write one column: fresh keys, the member moved on, and everything else as it was."""
    match name:
        case "business_id":
            return "moved.business_id"
        case "member_id":
            return "moved.id"
        case "revision":
            return "moved.revision"
        case _ if name in TEXTS:
            return f":{name}::text"
        case _ if name in FRESH:
            suffix = f" || '{place}'" if name == "id" and place else ""
            prefix = str(value)[: max(4, len(str(value)) - 26)]
            return f"{_literal(prefix)} || fresh.n{suffix}"
        case _ if value is None:
            return "NULL"
        case _ if isinstance(value, int):
            return f"{value}::bigint"
    return f"{_literal(str(value))}::text"


def _literal(text: str) -> str:
    """Quote a text; pgbench would take what follows a colon for a variable."""
    return "(" + "'" + text.replace("'", "''").replace(":", "' || chr(58) || '") + "'" + ")"
