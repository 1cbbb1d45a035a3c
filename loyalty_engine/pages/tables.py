"""The tables of members' pages, in reading order; tables.py lists them with the others."""

from __future__ import annotations

from piccolo.columns import BigInt, Text
from piccolo.table import Table

from loyalty_engine.piccolo_conf import DB


class PageLink(Table, tablename="page_links", db=DB):
    """A link that opens a member's own page: kept as a hash, until when, and how far it reaches."""

    business_id = BigInt(default=0, null=False)
    token_hash = Text(primary_key=True, default=None, null=False)
    member_id = Text(default="", null=False)
    reach = Text(default="", null=False)
    origin = Text(default="", null=False)
    made_at = BigInt(default=0, null=False)
    expires_at = BigInt(default=0, null=False)
    ended_at = BigInt(default=None, null=True)


class DoorCode(Table, tablename="door_codes", db=DB):
    """Somebody who typed a number on the join page: sealed under a key of its own until the code is said back."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    number_index = Text(default="", null=False)
    block_index = Text(default="", null=False)
    wrapped_key = Text(default=None, null=True)
    sealed = Text(default="", null=False)
    code_hash = Text(default="", null=False)
    tries = BigInt(default=0, null=False)
    asked_at = BigInt(default=0, null=False)
    expires_at = BigInt(default=0, null=False)
    done_at = BigInt(default=None, null=True)
