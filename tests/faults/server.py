"""A real server in a process group of its own, which may be killed -9 as a power cut would."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec

from tests.faults.shop import MASTER_KEY, PROGRAMME, SLUG

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 20.0  # seconds until something that should happen at once is given up
USUAL = "loyalty_engine.cli"
BROKEN = "tests.faults.broken_server"


class Standing:
    """One installation: its database, its till key, and its server while that runs."""

    def __init__(self, database_url: str, folder: Path, *, workers: int = 1, key: str | None = None) -> None:
        """Publish the programme and make a key, each by the command line as a shop would; unless that has been done."""
        self.database_url = database_url
        self.folder = folder
        self.workers = workers
        self.module = USUAL
        self.extra: dict[str, str] = {}
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.took: list[float] = []
        self.key = key or self._opened()

    def _opened(self) -> str:
        programme = self.folder / "programme.toml"
        programme.write_text(PROGRAMME, encoding="utf-8")
        self.loyalty("apply", str(programme), "--business", SLUG)
        scopes = [word for scope in ("till", "manage", "read") for word in ("--scope", scope)]
        made = self.loyalty("keys", "create", "--business", SLUG, *scopes, "--json")
        key: str = msgspec.json.decode(made)["key"]
        return key

    def environment(self, **more: str) -> dict[str, str]:
        ours = {
            "LOYALTY_DATABASE_URL": self.database_url,
            "LOYALTY_KEY": MASTER_KEY,
            "LOYALTY_LOG_LEVEL": "error",
            "PYTHONPATH": str(ROOT),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LOYALTY_")}
        return kept | ours | more

    def loyalty(self, *words: str) -> str:
        """Run one command of the command line to its end; what it printed."""
        done = self._run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def verified(self) -> str:
        """What `loyalty verify` finds broken, in its own words; nothing where it is content."""
        done = self._run("verify")
        broken = [line for line in done.stdout.splitlines() if line.startswith("BROKEN")]
        assert bool(done.returncode) == bool(broken), done.stdout + done.stderr
        return "\n".join(broken)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", USUAL, *words], cwd=self.folder, env=self.environment(), check=False,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def start(self) -> float:
        """Start the server and wait until it can record purchases; the seconds that took."""
        assert self.process is None, "one server at a time"
        began = time.monotonic()
        words = ["serve", "--host", "127.0.0.1", "--port", str(self.port), "--workers", str(self.workers)]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, *words], cwd=self.folder, env=self.environment(**self.extra),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        while not self.ready():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() - began < PATIENCE, self.log()
            time.sleep(0.01)
        self.took.append(time.monotonic() - began)
        return self.took[-1]

    def ready(self) -> bool:
        with contextlib.suppress(OSError):
            return self.asked("GET", "/health/ready")[0] == 200
        return False

    def asked(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own: status, headers, body."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        with contextlib.closing(connection):
            content = None if body is None else msgspec.json.encode(body)
            connection.request(method, path, content, headers | ({"idempotency-key": key} if key else {}))
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def kill(self) -> None:
        """Kill -9 every process of the server; they are gone when this returns."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        began = time.monotonic()
        while _answers(self.port) and time.monotonic() - began < PATIENCE:
            time.sleep(0.005)
        self.process = None

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")[-4000:]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
