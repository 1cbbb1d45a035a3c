"""`python3 run.py bench`: measures all parts, or those that are named, and prints one table and its ratios for each."""

from __future__ import annotations

import argparse
import importlib
import time

PARTS = {
    "rules": ("benchmarks.rules_bench", "judging a purchase by a hundred rules, beside other rule libraries"),
    "http": ("benchmarks.http_bench", "the real server over HTTP, on SQLite and on PostgreSQL, beside pgbench"),
    "spending": ("benchmarks.spending_bench", "holds, captures and refunds a second over HTTP, beside purchases"),
    "upkeep": ("benchmarks.upkeep_bench", "a million lots that are due, booked as breakage: lots/s and peak memory"),
    "backtest": ("benchmarks.backtest_bench", "a grocer's year lived again, beside DuckDB, Polars and zen-engine"),
}


def main() -> int:
    """Run the parts in their order."""
    parser = argparse.ArgumentParser(prog="python3 run.py bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="part", help=", ".join(f"{n}: {what}" for n, (_, what) in PARTS.items())
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: a first impression")
    asked = parser.parse_args()
    if unknown := [part for part in asked.parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
    began = time.monotonic()
    for name in asked.parts or PARTS:
        importlib.import_module(PARTS[name][0]).measure(quick=asked.quick)
    print(f"{time.monotonic() - began:.0f} s in all. Read ratios: every figure is of this machine, in this run.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
