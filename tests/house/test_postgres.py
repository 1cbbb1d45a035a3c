"""The PostgreSQL that tests are given can be killed and started again, and what was committed is there."""

from __future__ import annotations

import pytest

from tests.conftest import do_without
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


def test_a_missing_server_skips_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="none here"):
        do_without(PostgresMissing("none here"))


def test_a_missing_server_fails_on_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="none here"):
        do_without(PostgresMissing("none here"))
