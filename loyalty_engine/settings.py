"""The switches on the wall: everything that may differ between two installations, read once from the environment.

Every field is one `LOYALTY_...` variable; the comment beside it is what the reference page says.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class SettingsRefused(Exception):
    """A LOYALTY_ variable has a value that cannot be used; the message names it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of one installation.

    Each docstring-like comment below is published in the reference; keep it in the shop's words.
    """

    # Where everything is kept: sqlite:///path, postgresql://... or cockroachdb://...
    database_url: str = "sqlite:///loyalty.db"
    # Bring the database forward at start; false when migrations are run by hand.
    auto_migrate: bool = True
    # The master key of the vault, 32 bytes as base64 or hex; left out, it is kept in the key file.
    key: str | None = None
    # The file that holds the master key; left out, `loyalty.key` beside an SQLite database or in the working folder.
    key_file: str | None = None
    # The list of who was erased, kept where a backup of the database does not reach; beside the key file when left out.
    erasure_list: str | None = None
    # How many days a message is kept after it was sent or given up.
    keep_messages_days: Annotated[int, Meta(ge=1, le=36500)] = 400
    # How many days a text is kept that came from a number that is no member's.
    keep_strangers_texts_days: Annotated[int, Meta(ge=1, le=36500)] = 90
    # How many days it is kept who of the staff saw a number in full.
    keep_viewings_days: Annotated[int, Meta(ge=1, le=36500)] = 1825
    # How many days a member's request under the law is kept after it was answered.
    keep_requests_days: Annotated[int, Meta(ge=1, le=36500)] = 1095
    # How many days an alert is kept.
    keep_alerts_days: Annotated[int, Meta(ge=1, le=36500)] = 365
    # After how many days without a purchase or a change a member is erased; 0 means never.
    keep_inactive_days: Annotated[int, Meta(ge=0, le=36500)] = 0
    # How many days back a purchase may lie when a till hands it in.
    backdate_days: Annotated[int, Meta(ge=1, le=3660)] = 30
    # How many seconds a till's clock may be ahead of ours.
    clock_skew_seconds: Annotated[int, Meta(ge=0, le=86400)] = 300
    # Requests per second one API key may send on the average; 0 means no limit.
    rate_per_second: Annotated[int, Meta(ge=0)] = 0
    # How many requests one API key may send at once before the average counts.
    rate_burst: Annotated[int, Meta(ge=1)] = 200
    # How many numbers one API key may ask for in an hour, in each process; 0 means any number.
    lookups_per_hour: Annotated[int, Meta(ge=0)] = 1200
    # How many look-ups in an hour may fall on one block of a thousand numbers, in each process; 0 means any number.
    lookups_per_block: Annotated[int, Meta(ge=0)] = 200
    # Connections to PostgreSQL for everything but the hot path.
    pool_size: Annotated[int, Meta(ge=1, le=200)] = 8
    # Connections to PostgreSQL on which concurrent purchases are written together; fewer make larger groups.
    write_lanes: Annotated[int, Meta(ge=1, le=16)] = 1
    # Start although the database may lose what it has confirmed (fsync or synchronous_commit off). Never in a shop.
    unsafe_durability: bool = False
    # The address by which the world reaches this installation, such as https://loyalty.example.no; texts come in under
    # it, gateways sign it, and messages link to it.
    public_url: Annotated[str, Meta(pattern="^(https?://[^/?#]+)?$")] = ""
    # Level of the log: debug, info, warning or error.
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings out of LOYALTY_ variables; raise SettingsRefused naming the one that cannot be read."""
        known = {f"LOYALTY_{name.upper()}": name for name in cls.__struct_fields__}
        given = {known[name]: value for name, value in environ.items() if name in known}
        try:
            return msgspec.convert(given, cls, strict=False)
        except msgspec.ValidationError as problem:
            message = f"a LOYALTY_ setting cannot be read: {problem}".replace("$.", "LOYALTY_")
            raise SettingsRefused(message) from problem

    @property
    def vault_file(self) -> Path:
        """Give the path of the key file: as set, else beside the SQLite database, else in the working folder."""
        if self.key_file:
            return Path(self.key_file)
        if self.database_url.startswith("sqlite:///"):
            return Path(self.database_url.removeprefix("sqlite:///")).with_suffix(".key")
        return Path("loyalty.key")

    @property
    def erasure_file(self) -> Path:
        """Give the path of the erasure list: as set, else beside the key file."""
        return Path(self.erasure_list) if self.erasure_list else self.vault_file.with_suffix(".erased")
