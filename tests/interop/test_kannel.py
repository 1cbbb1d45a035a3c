"""A handset texts POENG through a real Kannel, and is answered through it: bearerbox, smsbox and fakesmsc from Debian.

Skipped, with the reason, where Kannel is not (`apt-get install kannel kannel-extras`); on CI that fails.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_from_bytes

import httpx
import pytest

from tests.conftest import do_without
from tests.engine.shop import CAFE

pytestmark = pytest.mark.interop

FAKESMSC = Path("/usr/lib/kannel/test/fakesmsc")
HANDSET = "4799900201"
PATIENCE = 40


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


class Street:
    """Everything that runs: our server, Kannel's two boxes, and the handsets that text through them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen[bytes]] = []
        self.database = f"sqlite:///{folder / 'loyalty.db'}"
        self.port, self.smsc, self.sendsms = free_port(), free_port(), free_port()
        self.key = ""

    def start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{Path(command[0]).name}-{len(self.running)}.log").open("wb") as log:
            started = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder, env=os.environ | environment
            )
        self.running.append(started)
        return started

    @staticmethod
    def stop(started: subprocess.Popen[bytes]) -> None:
        """End one program that was started here."""
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()

    def loyalty(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "loyalty_engine.cli", *arguments, "--database", self.database]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=self.folder, env=environment
        ).stdout

    def open_shop(self) -> str:
        """Publish a programme with a name full of letters, serve it, and give the way in for Kannel."""
        source = CAFE.format(about="", points="").replace("Corner Café", "Æbleø Kåffe på 5 €, Jäätelö")
        (self.folder / "cafe.toml").write_text(source, encoding="utf-8")
        self.loyalty("apply", "cafe.toml", "--business", "cafe")
        made = self.loyalty("keys", "create", "--business", "cafe", "--scope", "manage", "--json")
        self.key = json.loads(made)["key"]
        self.start(
            sys.executable, "-m", "loyalty_engine.cli", "serve", "--port", str(self.port), "--database", self.database,
            LOYALTY_PUBLIC_URL=f"http://127.0.0.1:{self.port}", PYTHONPATH=str(Path(__file__).parents[2]),
        )  # fmt: skip
        wait(lambda: self.ask("GET", "/health/ready").is_success)
        settings = {
            "sendsms_url": f"http://127.0.0.1:{self.sendsms}/cgi-bin/sendsms", "username": "cafe",
            "password": "a password", "sender": "2012",
        }  # fmt: skip
        answer = self.ask("PUT", "/v1/gateways/kannel", {"settings": settings})
        return str(answer.json()["texts_url"])

    def open_kannel(self, texts_url: str) -> None:
        admin, box = free_port(), free_port()
        filled_in = "?id=%I&from=%p&to=%P&text=%b&coding=%c&charset=%C"
        (self.folder / "kannel.conf").write_text(f"""
group = core
admin-port = {admin}
admin-password = "nobody asks"
smsbox-port = {box}
log-level = 1
dlr-storage = internal

group = smsc
smsc = fake
smsc-id = fake
port = {self.smsc}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {self.sendsms}
log-level = 1

group = sendsms-user
username = cafe
password = "a password"
max-messages = 3

group = sms-service
keyword = default
get-url = "{texts_url}{filled_in}"
max-messages = 0
catch-all = true
""")
        self.start("/usr/sbin/bearerbox", "kannel.conf")
        wait(lambda: listens(box))
        self.start("/usr/sbin/smsbox", "kannel.conf")
        wait(lambda: listens(self.sendsms))

    def handset(self, text: str, how: str = "text") -> Path:
        """Let a handset send one text and wait for what comes back, which is written to its log."""
        self.start(str(FAKESMSC), "-H", "127.0.0.1", "-r", str(self.smsc), "-i", "1", "-m", "1",
                   f"{HANDSET} 2012 {how} {text}")  # fmt: skip
        return self.folder / f"fakesmsc-{len(self.running) - 1}.log"

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        head = {"authorization": f"Bearer {self.key}", "idempotency-key": f"k{time.monotonic_ns()}"}
        try:
            return httpx.request(method, f"http://127.0.0.1:{self.port}{path}", json=body, headers=head, timeout=20)
        except httpx.HTTPError:
            return httpx.Response(503)

    def states(self) -> list[str]:
        import apsw

        connection = apsw.Connection(self.database.removeprefix("sqlite:///"), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(5000)
        return [state for (state,) in connection.execute("SELECT state FROM messages ORDER BY queued_at")]


def listens(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def wait(until: object) -> None:
    """Wait until something outside of us has happened."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if until():  # type: ignore[operator]
            return
        time.sleep(0.2)
    raise AssertionError("it did not happen")


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    if not (FAKESMSC.exists() and shutil.which("bearerbox", path="/usr/sbin")):
        do_without("Kannel is not here: apt-get install kannel kannel-extras")
    opened = Street(tmp_path)
    yield opened
    for started in reversed(opened.running):
        opened.stop(started)


def test_a_handset_is_answered_with_all_its_letters_and_the_answer_is_reported_delivered(street: Street) -> None:
    street.open_kannel(street.open_shop())
    bought = {
        "receipt": "r-1", "currency": "NOK", "total_minor": 9800, "member": {"phone": f"+{HANDSET}"},
        "lines": [{"line": "1", "category": "coffee", "quantity": 2, "amount_minor": 9800}],
    }  # fmt: skip
    assert street.ask("POST", "/v1/purchases", bought).status_code == 201

    log = street.handset("POENG")
    wait(lambda: b"14 poeng" in log.read_bytes())
    wait(lambda: street.states() == ["delivered"])

    assert "Æbleø Kåffe på 5 €, Jäätelö: du har 14 poeng" in log.read_text("utf-8")

    # The operator of the simulator has one line: the next handset waits until the first has hung up.
    street.stop(street.running[-1])
    odd = street.handset(quote_from_bytes("Hva koster blåbær, køfte, Ä Ö og 5 €?".encode()), "data")
    wait(lambda: len(street.states()) == 2)
    [text] = street.ask("GET", "/v1/texts/review").json()["items"]
    assert text["text"] == "Hva koster blåbær, køfte, Ä Ö og 5 €?"
    assert odd.exists()
