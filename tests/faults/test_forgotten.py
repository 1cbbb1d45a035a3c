"""Somebody is erased on a running server: log, answers, database and an old backup know them no more."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from tests.conftest import sqlite_url
from tests.engine.test_privacy import traces, vacuumed
from tests.faults.server import Standing
from tests.faults.shop import purchase
from tests.postgres import Server, find_programs

PEOPLE = [(f"+4799900{n}", f"Vigdis Prøvesen{n}", f"vigdis{n}@prove-{n}.example") for n in range(500, 508)]
# What the business reads its books by; none of it may name anybody who was erased.
READ = ("requests", "alerts", "webhooks", "keys", "locations", "texts", "reports/overview", "reports/members")


def comes_and_goes(standing: Standing, number: int) -> str:
    """Let somebody join, buy and be asked about in every way a till gets wrong; gives their id."""
    phone, name, email = PEOPLE[number]
    told = {"member": {"phone": phone}, "name": name, "location": "grunerlokka"}
    status, _, body = standing.asked("POST", "/v1/members", told, f"join-{number}")
    assert status == 201, body
    member: str = msgspec.json.decode(body)["id"]
    by_mail = {"member": {"email": email}, "name": name, "location": "grunerlokka"}
    standing.asked("POST", "/v1/members", by_mail, f"mail-{number}")
    standing.asked("POST", "/v1/purchases", purchase(f"p-{number}", phone), f"buy-{number}")
    standing.asked("POST", "/v1/members/lookup", {"member": {"phone": phone}})
    standing.asked("PATCH", f"/v1/members/{member}", {"phone": phone, "email": email}, f"both-{number}")
    standing.asked("POST", "/v1/members", {"member": {"phone": f"{phone}, {phone}"}, "name": name}, f"bad-{number}")
    standing.asked("POST", "/v1/purchases", purchase(f"x-{number}", f"{phone} ext 12", surname=name), f"odd-{number}")
    standing.asked("GET", f"/v1/members/{phone}?email={email}")
    standing.asked("GET", f"/v1/members/{member}/export?staff=ida&reason=she+asked")
    return member


def forgets(standing: Standing, number: int, member: str) -> list[str]:
    """Erase both members that a person was; gives their ids."""
    found = standing.asked("POST", "/v1/members/lookup", {"member": {"email": PEOPLE[number][2]}})[2]
    both = [member, msgspec.json.decode(found)["member"]["id"]]
    for one in both:
        assert standing.asked("DELETE", f"/v1/members/{one}", key=f"forget-{one}")[0] in {200, 204}
    return both


def handed_out(standing: Standing, members: list[str]) -> bytes:
    """Everything the server still says: of each member by id, of each number, and what the business reads."""
    paths = [f"/v1/members/{one}{what}" for one in members for what in ("", "/ledger", "/export", "/vouchers")]
    answers = [standing.asked("GET", path)[2] for path in (*paths, *(f"/v1/{name}" for name in READ))]
    for phone, _, email in PEOPLE:
        for ref in ({"phone": phone}, {"email": email}):
            status, _, body = standing.asked("POST", "/v1/members/lookup", {"member": ref})
            assert (status, msgspec.json.decode(body)["known"]) == (200, False)
            answers.append(body)
    return b"\n".join(answers)


def found_in(kept: bytes) -> set[bytes]:
    return {trace for person in PEOPLE for trace in traces(*person) if trace in kept}


def life_and_erasure(standing: Standing, backed_up: Callable[[], str], kept: Callable[[], bytes]) -> None:
    standing.extra = {"LOYALTY_LOG_LEVEL": "debug", "LOYALTY_ERASURE_LIST": str(standing.folder / "erased.list")}
    standing.start()
    members = [comes_and_goes(standing, number) for number in range(len(PEOPLE))]
    standing.kill()
    backup = backed_up()
    standing.start()
    gone = [one for number, member in enumerate(members) for one in forgets(standing, number, member)]

    assert found_in(handed_out(standing, gone)) == set()
    standing.kill()
    assert (standing.folder / "server.log").stat().st_size > 1000
    assert found_in((standing.folder / "server.log").read_bytes()) == set()
    assert found_in((standing.folder / "erased.list").read_bytes()) == set()
    assert found_in(kept()) == set()

    standing.database_url = backup
    standing.start()
    assert "erased again after a restore" in standing.log()
    assert found_in(handed_out(standing, gone)) == set()
    standing.kill()
    assert found_in(kept()) == set()
    assert standing.verified() == ""


def test_nothing_of_the_erased_is_left_on_a_file(standing_on_file: Standing, tmp_path: Path) -> None:
    def backed_up() -> str:
        return sqlite_url(vacuumed(file_of(standing_on_file), tmp_path / "backup.db"))

    def kept() -> bytes:
        return vacuumed(file_of(standing_on_file), tmp_path / f"{uuid4().hex}.db").read_bytes()

    life_and_erasure(standing_on_file, backed_up, kept)


def file_of(standing: Standing) -> str:
    return standing.database_url.removeprefix("sqlite:///")


@pytest.mark.pg
def test_nothing_of_the_erased_is_left_on_a_server(standing_on_postgres: Standing, postgres_server: Server) -> None:

    name = f"backup_{uuid4().hex}"

    def backed_up() -> str:
        return postgres_server.create(name, standing_on_postgres.database_url.rpartition("/")[2])

    def kept() -> bytes:
        program = Path(find_programs() or "") / "pg_dump"
        return subprocess.run([str(program), standing_on_postgres.database_url], check=True, capture_output=True).stdout

    try:
        life_and_erasure(standing_on_postgres, backed_up, kept)
    finally:
        postgres_server.drop(name)


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text('{"event": "refused", "phone": "999 00 503"}')

    assert found_in((tmp_path / "server.log").read_bytes()) == {b"999 00 503"}
