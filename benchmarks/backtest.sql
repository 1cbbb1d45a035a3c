-- What the programme of benchmarks/backtest.toml issues, computed from the same file without our rules: written by
-- hand from the programme's text, for DuckDB. {file} is the file of purchases.
--
-- Cleaning, as docs/howto/import-purchases.md says: a line of quantity 0 and amount 0 is left out; a quantity of 0 that
-- was paid for is one piece; a receipt that comes to nothing is refused.

WITH lines AS (
    SELECT basket, household, shop, sku, category, department, brand, position,
        -- The data's clock is UTC. New York is 5 hours behind it, 4 from 12 March 2017 07:00 to 5 November 06:00 UTC.
        bought_at AS utc,
        bought_at - CASE WHEN bought_at >= TIMESTAMP '2017-03-12 07:00:00' AND bought_at < TIMESTAMP '2017-11-05 06:00:00'
            THEN INTERVAL 4 HOUR ELSE INTERVAL 5 HOUR END AS local,
        CAST(CAST(amount AS DECIMAL(12, 2)) * 100 AS BIGINT) AS cents,
        CASE WHEN quantity = 0 THEN 1 ELSE quantity END AS pieces
    FROM {file}
    WHERE NOT (quantity = 0 AND amount = 0)
),

baskets AS (
    SELECT basket, any_value(household) AS household, any_value(shop) AS shop, min(position) AS position,
        min(utc) AS utc, min(local) AS local, sum(cents) AS total,
        sum(cents) - coalesce(sum(cents) FILTER (department IN ('FUEL', 'SPIRITS')), 0) AS counted,
        coalesce(sum(pieces) FILTER (category IN ('APPLES', 'TROPICAL FRUIT', 'CITRUS')), 0) AS fruits,
        coalesce(sum(pieces) FILTER (category = 'FLUID MILK PRODUCTS'), 0) AS milks,
        coalesce(sum(pieces) FILTER (category = 'SOUP'), 0) AS soups,
        count(DISTINCT sku) FILTER (category = 'SOUP') AS soup_kinds,
        coalesce(sum(cents) FILTER (brand = 'Private'), 0) AS own_brand,
        count(*) FILTER (department = 'FUEL') AS fuels,
        coalesce(sum(pieces) FILTER (category = 'BAKED BREAD/BUNS/ROLLS'), 0) AS breads,
        coalesce(sum(cents) FILTER (category = 'CAT FOOD'), 0) AS cat_food,
        coalesce(sum(pieces) FILTER (category = 'ICE CREAM/MILK/SHERBTS'), 0) AS ices,
        coalesce(sum(pieces) FILTER (category = 'EGGS'), 0) AS egg_boxes,
        coalesce(sum(cents) FILTER (department = 'PRODUCE'), 0) AS produce
    FROM lines GROUP BY basket HAVING sum(cents) > 0
),

-- Each basket with what its household had done before it, in the order it happened.
told AS (
    SELECT *, CAST(local AS DATE) AS day, isodow(local) AS weekday, hour(local) * 60 + minute(local) AS clock,
        row_number() OVER before - 1 AS visits,
        coalesce(sum(total) OVER (before ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS spent,
        date_diff('day', lag(CAST(local AS DATE)) OVER before, CAST(local AS DATE)) AS away
    FROM baskets WINDOW before AS (PARTITION BY household ORDER BY utc, position)
),

-- base and fruit with the best multiplier, each rounded down; the winner of the group "visit": the larger award, then
-- the higher priority.
judged AS (
    SELECT *,
        counted // 100 * half // 2 AS base,
        fruits * 2 * half // 2 AS fruit,
        egg_boxes * half // 2 AS eggs,
        CASE WHEN day BETWEEN DATE '2017-06-01' AND DATE '2017-08-31' THEN ices ELSE 0 END AS summer_ices,
        counted >= 10000 AS big,
        visits >= 50 AS friend,
        produce >= 800 AS greens,
        CASE WHEN weekday >= 6 AND counted >= 5000 THEN 'weekend-basket'
            WHEN spent >= 100000 AND visits >= 10 AND counted >= 2000 THEN 'good-neighbour'
            WHEN shop IN ('367', '406', '343') THEN 'neighbourhood' END AS visit,
        own_brand >= 1000 AND fuels = 0 AS own,
        soups >= 4 AND soup_kinds >= 2 AS soup
    FROM (
        SELECT *, CASE WHEN day BETWEEN DATE '2017-11-20' AND DATE '2017-12-24' THEN 4
            WHEN weekday <= 2 AND clock >= 17 * 60 AND clock < 20 * 60 + 30 THEN 3 ELSE 2 END AS half
        FROM told
    )
),

-- The limits of rules: an amount per window is what the running sum, cut at the limit, has grown by.
limited AS (
    SELECT *,
        base
        + least(20, sum(fruit) OVER today) - least(20, sum(fruit) OVER today - fruit)
        + CASE visit WHEN 'weekend-basket' THEN 15 WHEN 'good-neighbour' THEN 10
            WHEN 'neighbourhood' THEN CASE WHEN count(*) FILTER (visit = 'neighbourhood') OVER today = 1 THEN 10 ELSE 0 END
            ELSE 0 END
        + CASE WHEN visits = 0 THEN 50 ELSE 0 END
        + CASE WHEN away >= 28 THEN 20 ELSE 0 END
        + CASE WHEN own AND count(*) FILTER (own) OVER today = 1 THEN 5 ELSE 0 END
        + CASE WHEN clock >= 6 * 60 AND clock < 10 * 60 AND breads > 0 THEN 4 ELSE 0 END
        + CASE WHEN big AND count(*) FILTER (big) OVER today = 1 THEN 25 ELSE 0 END
        + CASE WHEN cat_food >= 500 THEN 5 ELSE 0 END
        + least(3, sum(eggs) OVER today) - least(3, sum(eggs) OVER today - eggs)
        + CASE WHEN weekday <= 5 AND clock >= 11 * 60 AND clock < 13 * 60 AND counted <= 1500 THEN 3 ELSE 0 END
        + CASE WHEN friend AND count(*) FILTER (friend) OVER today = 1 THEN 2 ELSE 0 END AS points,
        least(6, sum(milks) OVER this_week) - least(6, sum(milks) OVER this_week - milks)
        + CASE WHEN soup AND count(*) FILTER (soup) OVER this_month = 1 THEN 3 ELSE 0 END
        + least(4, sum(summer_ices) OVER this_week) - least(4, sum(summer_ices) OVER this_week - summer_ices)
        + CASE WHEN greens AND count(*) FILTER (greens) OVER today = 1 THEN 1 ELSE 0 END AS stamps
    FROM judged
    WINDOW today AS (PARTITION BY household, day ORDER BY utc, position ROWS UNBOUNDED PRECEDING),
        this_week AS (PARTITION BY household, isoyear(day), week(day) ORDER BY utc, position ROWS UNBOUNDED PRECEDING),
        this_month AS (PARTITION BY household, year(day), month(day) ORDER BY utc, position ROWS UNBOUNDED PRECEDING)
),

-- The cap of 200 points a day.
capped AS (
    SELECT stamps, least(200, sum(points) OVER today) - least(200, sum(points) OVER today - points) AS points
    FROM limited
    WINDOW today AS (PARTITION BY household, day ORDER BY utc, position ROWS UNBOUNDED PRECEDING)
)

SELECT count(*), CAST(sum(points) AS BIGINT), CAST(sum(stamps) AS BIGINT) FROM capped
