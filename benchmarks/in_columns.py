"""The twenty rules of benchmarks/backtest.toml once more, as Polars expressions written by hand from its text."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

# The same cleaning as an import's: nothing sold is left out, what was weighed is one piece.
_SOLD = ~((pl.col("quantity") == 0) & (pl.col("amount") == 0))
_OLD_SHOPS = ["367", "406", "343"]


def _of(category: str | list[str]) -> pl.Expr:
    return pl.col("category").is_in([category] if isinstance(category, str) else category)


def baskets(file: Path) -> pl.LazyFrame:
    """One row for each receipt, with what the rules ask of its lines."""
    cents, pieces = pl.col("cents"), pl.col("pieces")
    produce, private, fuel = (
        pl.col("department") == "PRODUCE", pl.col("brand") == "Private", pl.col("department") == "FUEL",
    )  # fmt: skip
    return (
        pl.scan_parquet(file)
        .filter(_SOLD)
        .with_columns(
            cents=(pl.col("amount") * 100).cast(pl.Int64),
            pieces=pl.when(pl.col("quantity") == 0).then(1).otherwise(pl.col("quantity")).cast(pl.Int64),
        )
        .group_by("basket")
        .agg(
            pl.col("household").first(), pl.col("shop").cast(pl.String).first(), pl.col("position").min(),
            pl.col("bought_at").min(), total=cents.sum(),
            counted=cents.filter(~pl.col("department").is_in(["FUEL", "SPIRITS"]).fill_null(value=False)).sum(),
            fruits=pieces.filter(_of(["APPLES", "TROPICAL FRUIT", "CITRUS"])).sum(),
            milks=pieces.filter(_of("FLUID MILK PRODUCTS")).sum(), soups=pieces.filter(_of("SOUP")).sum(),
            soup_kinds=pl.col("sku").filter(_of("SOUP")).n_unique(), own=cents.filter(private).sum(), fuels=fuel.sum(),
            breads=pieces.filter(_of("BAKED BREAD/BUNS/ROLLS")).sum(), cat=cents.filter(_of("CAT FOOD")).sum(),
            ices=pieces.filter(_of("ICE CREAM/MILK/SHERBTS")).sum(), eggs=pieces.filter(_of("EGGS")).sum(),
            produce=cents.filter(produce).sum(),
        )
        .filter(pl.col("total") > 0)
        .sort("household", "bought_at", "position")
    )  # fmt: skip


def told(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Each basket with its local time and what its household had done before."""
    local = pl.col("bought_at").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York")
    return (
        frame.with_columns(
            day=local.dt.date(), weekday=local.dt.weekday(),
            clock=local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute(),
        )
        .with_columns(
            week=pl.col("day").dt.iso_year().cast(pl.Int32) * 100 + pl.col("day").dt.week(),
            month=pl.col("day").dt.year() * 100 + pl.col("day").dt.month(),
            visits=pl.int_range(pl.len()).over("household"),
            spent=(pl.col("total").cum_sum() - pl.col("total")).over("household"),
            away=(pl.col("day") - pl.col("day").shift(1)).dt.total_days().over("household"),
        )
    )  # fmt: skip


def _up_to(limit: int, what: pl.Expr, *window: str) -> pl.Expr:
    """What a running sum, cut at a limit, has grown by."""
    running = what.cum_sum().over("household", *window)
    return pl.min_horizontal(running, limit) - pl.min_horizontal(running - what, limit)


def _once(amount: int, holds: pl.Expr, *window: str) -> pl.Expr:
    return amount * (holds & (holds.cast(pl.Int64).cum_sum().over("household", *window) == 1))


def issued(file: Path) -> tuple[int, int, int]:
    """Give the purchases, the points and the stamps."""
    c = pl.col
    december = c("day").is_between(date(2017, 11, 20), date(2017, 12, 24))
    evening = (c("weekday") <= 2) & c("clock").is_between(1020, 1229)
    half = pl.when(december).then(4).when(evening).then(3).otherwise(2)
    weekend = (c("weekday") >= 6) & (c("counted") >= 5000)
    neighbour = (c("spent") >= 100_000) & (c("visits") >= 10) & (c("counted") >= 2000)
    old_shop = c("shop").is_in(_OLD_SHOPS) & ~weekend & ~neighbour
    summer = c("day").is_between(date(2017, 6, 1), date(2017, 8, 31))
    lunch = (c("weekday") <= 5) & c("clock").is_between(660, 779) & (c("counted") <= 1500)
    judged = told(baskets(file)).with_columns(
        fruit=c("fruits") * 2 * half // 2, eggs=c("eggs") * half // 2, base=c("counted") // 100 * half // 2,
        ice=pl.when(summer).then(c("ices")).otherwise(0), soup=(c("soups") >= 4) & (c("soup_kinds") >= 2),
        own=(c("own") >= 1000) & (c("fuels") == 0), old_shop=old_shop, big=c("counted") >= 10_000,
        friend=c("visits") >= 50, greens=c("produce") >= 800,
    )  # fmt: skip
    given = judged.with_columns(
        points=c("base") + _up_to(20, c("fruit"), "day") + _up_to(3, c("eggs"), "day")
        + pl.when(weekend).then(15).when(neighbour).then(10).otherwise(0) + _once(10, c("old_shop"), "day")
        + 50 * (c("visits") == 0) + 20 * (c("away") >= 28).fill_null(value=False) + _once(5, c("own"), "day")
        + 4 * (c("clock").is_between(360, 599) & (c("breads") > 0)) + _once(25, c("big"), "day")
        + 5 * (c("cat") >= 500) + 3 * lunch + _once(2, c("friend"), "day"),
        stamps=_up_to(6, c("milks"), "week") + _once(3, c("soup"), "month") + _up_to(4, c("ice"), "week")
        + _once(1, c("greens"), "day"),
    )  # fmt: skip
    capped = given.select(pl.len(), points=_up_to(200, c("points"), "day").sum(), stamps=c("stamps").sum())
    [(purchases, points, stamps)] = capped.collect().rows()
    return purchases, points, stamps
