"""What every test may ask for: an empty shop on SQLite and on PostgreSQL, and one event loop for them all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import pytest

from tests.lending import Lending
from tests.postgres import Cluster, PostgresMissing, Server, dismiss, locked, make, serve

# The fixtures in which a member buys and time passes are those a business has for its own rules.
pytest_plugins = ["loyalty_engine.testing"]

SESSION = "LOYALTY_TEST_SESSION"
ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.pg)]


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that the workers of this session share; they fill it when a test first needs it."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="loyalty-tests-")
        Path(folder, "owner").write_text(str(os.getpid()))
        os.environ[SESSION] = folder


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the PostgreSQL that a worker may have started, and leave nothing behind."""
    if hasattr(config, "workerinput") or SESSION not in os.environ:
        return
    shared = Path(os.environ.pop(SESSION))
    dismiss(shared)
    shutil.rmtree(shared, ignore_errors=True)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One asyncio loop for all tests: a pool of connections is bound to the loop it was made in."""
    return "asyncio"


@pytest.fixture(scope="session")
def session_folder() -> Path:
    """The folder shared by all workers of this test session."""
    return Path(os.environ[SESSION])


@pytest.fixture(scope="session")
def postgres_server(session_folder: Path) -> Server:
    """The session's PostgreSQL. Missing, it skips with a reason; on CI it fails: a skip reads as green."""
    try:
        return serve(session_folder)
    except PostgresMissing as missing:
        do_without(missing)


@pytest.fixture(scope="module")
def postgres_cluster() -> Iterator[Cluster]:
    """A PostgreSQL of this test module's own, which it may stop, kill and start again."""
    try:
        cluster = make()
    except PostgresMissing as missing:
        do_without(missing)
    yield cluster
    cluster.destroy()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> Iterator[str]:
    """The name of a migrated database that each test's own is copied from."""
    name = f"loyalty_template_{os.getpid()}_{uuid4().hex[:8]}"
    migrate(postgres_server.create(name))
    yield name
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def postgres_lending(postgres_server: Server, postgres_template: str) -> Iterator[Lending]:
    """Where a test gets a migrated database, and gives it back."""
    lending = Lending(postgres_server, postgres_template)
    yield lending
    lending.close()


@pytest.fixture(scope="session")
def sqlite_template(session_folder: Path) -> Path:
    """A migrated SQLite file that each test's own is copied from; nobody has it open."""
    template = session_folder / "template.db"
    with locked(session_folder / "sqlite-template.lock"):
        if not template.exists():
            fresh = session_folder / "fresh.db"
            migrate(sqlite_url(fresh))
            assert not fresh.with_name("fresh.db-wal").exists(), "a copy without its log would be half a database"
            fresh.rename(template)
    return template


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database of this test's own: once on SQLite, once on PostgreSQL."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        yield sqlite_url(Path(shutil.copy(template, tmp_path / "loyalty.db")))
    else:
        yield from _lent(request)


@pytest.fixture(params=ENGINES)
def unmigrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without a single table, for tests of the migrations themselves."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "loyalty.db")
    else:
        yield from _without_a_table(request)


@pytest.fixture
def sqlite_database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated, empty SQLite database of this test's own."""
    return sqlite_url(Path(shutil.copy(sqlite_template, tmp_path / "loyalty.db")))


@pytest.fixture
def postgres_database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated, empty PostgreSQL database of this test's own. Such a test carries the marker `pg`."""
    yield from _lent(request)


def sqlite_url(file: Path) -> str:
    return f"sqlite:///{file}"


MIGRATE = """
import asyncio, sys
from loyalty_engine.database import migrate, open_database
from loyalty_engine.settings import Settings

async def forward(url):
    database = await open_database(Settings(database_url=url))
    await migrate(database)
    await database.close()

asyncio.run(forward(sys.argv[1]))
"""


def migrate(url: str) -> None:
    """Migrate in a process of its own, so that no loop and no engine of the tests is touched by it."""
    subprocess.run([sys.executable, "-c", MIGRATE, url], check=True, cwd=Path(__file__).parent.parent)


def do_without(missing: PostgresMissing | str) -> NoReturn:
    """Skip what needs something that is not here, and say why; on CI fail, for there a skip would read as green."""
    if os.environ.get("CI") == "true":
        pytest.fail(str(missing))
    pytest.skip(str(missing))


def _lent(request: pytest.FixtureRequest) -> Iterator[str]:
    lending: Lending = request.getfixturevalue("postgres_lending")
    lent = lending.lend()
    yield lent.url
    lending.take_back(lent)


def _without_a_table(request: pytest.FixtureRequest) -> Iterator[str]:
    server: Server = request.getfixturevalue("postgres_server")
    name = f"test_{uuid4().hex}"
    yield server.create(name)
    server.drop(name)
