"""What is asked and answered about who members are: merging, numbers confirmed by a code, requests under the law."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from loyalty_engine.answers import Balance

MemberId = Annotated[str, Meta(pattern="^mem_[0-9a-z]{26}$", max_length=30)]


class MergeMembers(Struct, frozen=True, forbid_unknown_fields=True):
    """Two members are one person: the one in the address goes to sleep in `into`."""

    into: MemberId


class MergeAnswer(Struct, frozen=True):
    """A merge as it stands: who sleeps in whom, and what the one who is here has now."""

    id: str
    status: Literal["merged", "undone"]
    member: str
    into: str
    at: str
    balances: tuple[Balance, ...]
