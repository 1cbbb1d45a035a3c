"""The open door: a server that answers tills and members, and the café that shows how it is all meant."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import click

from loyalty_engine import demo, refunding
from loyalty_engine.privacy import erasing
from loyalty_engine.terminal import database_option, in_house, now, settings_of

if TYPE_CHECKING:
    from loyalty_engine.house import House


@click.command(name="serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", default=1, show_default=True, help="Processes; SQLite has one writer and takes one.")
@database_option
def serve_command(host: str, port: int, workers: int, database: str | None) -> None:
    """Answer tills over HTTP."""
    _free(host, port)
    if database:
        os.environ["LOYALTY_DATABASE_URL"] = database
    settings = settings_of(database)
    if workers > processes_for(settings.database_url, workers):
        click.echo("SQLite is written by one process: serving with 1 worker. Use PostgreSQL for more.", err=True)

    async def prepare(house: House) -> None:
        await refunding.settle_all(house, at=now())
        await erasing.replay_list(house)

    # The schema is brought forward and leftovers of a crash are settled once, before any worker starts.
    in_house(database, prepare, new=True)
    click.echo(f"serving on http://{host}:{port} (the calls: http://{host}:{port}/docs); stop with Ctrl-C")
    _serve(host, port, processes_for(settings.database_url, workers), settings.log_level)


def processes_for(database_url: str, asked: int) -> int:  # SQLite has one writer
    return 1 if database_url.startswith("sqlite") else asked


def _serve(host: str, port: int, workers: int, log_level: str, *, door: str = "api.app:create_app") -> None:
    import uvicorn

    # The HTTP door is named, not imported: this house does not know who stands before it.
    uvicorn.run(
        door, factory=True, host=host, port=port, workers=workers if workers > 1 else None,
        log_level=log_level if log_level != "info" else "warning", access_log=False, server_header=False,
        timeout_graceful_shutdown=10,
    )  # fmt: skip


@click.command(name="demo")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--database", metavar="URL", default="sqlite:///loyalty-demo.db", show_default=True)
def demo_command(host: str, port: int, database: str) -> None:
    """Open the Corner Café: a programme, a few members and purchases, a key, and a server."""
    _free(host, port)
    os.environ["LOYALTY_DATABASE_URL"] = database
    address = os.environ.setdefault("LOYALTY_PUBLIC_URL", f"http://{host}:{port}")
    opened = in_house(database, lambda house: demo.open_cafe(house, at=now()), new=True)
    click.echo(demo.welcome(opened, address))
    # A till and a telephone to try it with are served by nothing but the demo.
    _serve(host, port, 1, "warning", door="api.tryout:create_demo")


def _free(host: str, port: int) -> None:
    """Say before anything else happens that somebody listens there already."""
    with socket.socket() as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            asked.bind((host, port))
        except OSError as taken:
            raise click.ClickException(f"{host}:{port} cannot be listened on ({taken.strerror}); try --port") from taken
