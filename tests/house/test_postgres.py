"""The PostgreSQL that tests are given can be killed and started again, and what was committed is there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from tests.conftest import do_without
from tests.lending import Lending
from tests.postgres import Cluster, PostgresMissing, Server, fetch


@pytest.mark.pg
async def test_what_was_committed_is_there_after_a_kill(postgres_cluster: Cluster) -> None:
    await fetch(postgres_cluster.url, "CREATE TABLE stamps (given int)")
    await fetch(postgres_cluster.url, "INSERT INTO stamps VALUES (10)")

    postgres_cluster.kill()
    with pytest.raises(OSError, match=str(postgres_cluster.port)):
        await fetch(postgres_cluster.url, "SELECT 1")
    postgres_cluster.start()

    assert [row["given"] for row in await fetch(postgres_cluster.url, "SELECT given FROM stamps")] == [10]


@pytest.mark.pg
@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_durability_is_on_as_the_engine_demands(postgres_cluster: Cluster, setting: str) -> None:
    found = await fetch(postgres_cluster.url, "SELECT setting FROM pg_settings WHERE name = $1", setting)

    assert found[0]["setting"] == "on"


@pytest.mark.pg
def test_a_copy_of_a_template_has_its_rows_and_is_gone_after_drop(postgres_cluster: Cluster) -> None:
    server = Server(postgres_cluster.url, postgres_cluster)
    template = Server(server.create("cafe_template"), postgres_cluster)
    template.execute("CREATE TABLE perks (id text)")
    template.execute("INSERT INTO perks VALUES ('free-coffee')")

    copy = Server(server.create("cafe", "cafe_template"), postgres_cluster)
    copy.execute("DELETE FROM perks WHERE id = 'free-coffee'")
    server.drop("cafe")

    assert not server.has("cafe")
    assert server.has("cafe_template")


@pytest.fixture
def lending(postgres_cluster: Cluster) -> Iterator[Lending]:
    """Copies of a template with one row that belongs there, a table of one's own, and a guard over it."""
    server = Server(postgres_cluster.url, postgres_cluster)
    template = Server(server.create("to_be_lent"), postgres_cluster)
    for statement in GUARDED:
        template.execute(statement)
    made = Lending(server, "to_be_lent")
    yield made
    made.close()
    server.drop("to_be_lent")


GUARDED = [
    "CREATE TABLE settings (told text)",
    "INSERT INTO settings VALUES ('as it was')",
    "CREATE TABLE history (id int PRIMARY KEY)",
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'never changed'; END $$",
    "CREATE TRIGGER guard BEFORE DELETE ON history FOR EACH ROW EXECUTE FUNCTION refuse()",
]


@pytest.mark.pg
@pytest.mark.parametrize(
    ("left", "lent_again"),
    [
        ("INSERT INTO history VALUES (1), (2)", True),
        ("SELECT 1", True),
        ("UPDATE settings SET told = 'otherwise'", False),
        ("DROP TRIGGER guard ON history", False),
        ("ALTER TABLE history DISABLE TRIGGER guard", False),
        ("ALTER TABLE history ADD COLUMN colour text", False),
        ("ALTER TABLE history DROP CONSTRAINT history_pkey", False),
        ("CREATE TABLE more (id int)", False),
        ("CREATE INDEX more ON settings (told)", False),
        ("CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$", False),
        ("DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET work_mem = 64'; END $$", False),
        ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()", False),
    ],
)
def test_what_a_test_leaves_is_swept_or_thrown_away(lending: Lending, left: str, lent_again: bool) -> None:  # noqa: FBT001 - a column of the table above
    lent = lending.lend()
    Server(lent.url).execute(left)
    lending.take_back(lent)

    following = lending.lend()

    assert (following.url == lent.url) is lent_again
    assert asyncio.run(fetch(following.url, "SELECT id FROM history")) == []
    assert [told for (told,) in asyncio.run(fetch(following.url, "SELECT told FROM settings"))] == ["as it was"]
    Server(following.url).execute("INSERT INTO history VALUES (3)")
    with pytest.raises(asyncpg.RaiseError, match="never changed"):
        Server(following.url).execute("DELETE FROM history")
    lending.take_back(following)


def test_a_missing_server_skips_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="none here"):
        do_without(PostgresMissing("none here"))


def test_a_missing_server_fails_on_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="none here"):
        do_without(PostgresMissing("none here"))
