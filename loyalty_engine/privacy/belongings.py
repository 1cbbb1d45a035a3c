"""What belongs to a member, table by table: what a merge does with it, what erasing does, and what an export shows.

Invariant: every table of the schema stands here, either with what becomes of a member's rows in it or among those that
hold nothing of a member's; a table that somebody adds and forgets fails a test.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

AtMerge = Literal["carried", "moves", "stays"]
AtErasure = Literal["stays", "deleted", "emptied", "handled"]


class Belonging(Struct, frozen=True, kw_only=True):
    """A table with rows of members': `column` names the member.

    `also` is a second column that names one: the member at the other end. `through` is the table whose rows' ids
    `column` names, where a row names the member by way of another.
    `merge`: "carried" by the merge itself with its amounts; "moves" means the rows change hands and come back when the
    merge is undone (`key` are the columns that name a row besides the business); "stays" is history under the old id.
    `erasure`: "stays" because it names nobody; "deleted"; "emptied" sets `empties` to nothing; "handled" by erasing
    itself. `hidden` are columns an export leaves out: our own keys and hashes, which tell the member nothing.
    `sealed` maps a column that is encrypted to the field it was sealed as. `texts` hold JSON.
    """

    table: str
    column: str = "member_id"
    also: str | None = None
    through: str | None = None
    merge: AtMerge = "stays"
    key: tuple[str, ...] = ("id",)
    erasure: AtErasure = "stays"
    empties: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    sealed: dict[str, str] = {}
    instants: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    why: str = ""


BELONGINGS: Final[tuple[Belonging, ...]] = (
    Belonging(
        table="members", column="id", merge="carried", erasure="handled", hidden=("wrapped_key",),
        sealed={"sealed_profile": "profile"}, instants=("joined_at", "first_purchase_at", "last_purchase_at"),
        texts=("tags",),
    ),
    Belonging(
        table="identifiers", merge="carried", key=("blind_index",), erasure="handled", hidden=("blind_index",),
        sealed={"sealed": "identifier"}, instants=("added_at", "verified_at", "bounced_at"),
    ),
    Belonging(
        table="journal", erasure="handled", hidden=("fingerprint",), instants=("occurred_at", "recorded_at"),
        texts=("input", "answer"),
        why="what was bought and answered, under the opaque id; no digit of a number once its member is erased",
    ),
    Belonging(table="entries", instants=("occurred_at", "recorded_at"), why="the ledger, under the opaque id"),
    Belonging(table="lots", merge="carried", instants=("spendable_at", "expires_at", "recorded_at"), why="the ledger"),
    Belonging(table="allocations", column="entry_id", through="entries", key=("lot_id", "entry_id"), why="the ledger"),
    Belonging(table="parked_refunds", column="settled_by", through="journal", key=("journal_id",), texts=("command",),
              instants=("parked_at",), why="what came back, by receipt"),
    Belonging(table="accounts", merge="carried", key=("unit",), instants=("pending_until", "next_expiry"),
              why="the ledger"),
    Belonging(
        table="limit_uses", merge="carried", key=("ends_at", "subject", "window"), instants=("starts_at", "ends_at"),
        why="how often a rule has given, under the opaque id",
    ),
    Belonging(table="expiry_notices", key=("unit", "expires_at"), instants=("expires_at",),
              why="that a member was told of an expiry, under the opaque id"),
    Belonging(
        table="consent_records", key=("number",), hidden=("hash", "previous"),
        instants=("occurred_at", "recorded_at", "expires_at"),
        why="the proof of what was agreed to, under the opaque id; what was said is sealed",
    ),
    Belonging(table="consents", key=("purpose", "channel"), instants=("since", "expires_at"),
              why="what the records come to"),
    Belonging(
        table="messages", erasure="deleted", hidden=("number_index", "wrapped_key"), sealed={"sealed": "message"},
        instants=("queued_at", "expires_at", "due_at", "claimed_until", "left_at", "ended_at"),
    ),
    Belonging(
        table="inbound_texts", key=("gateway", "message_id"), erasure="deleted",
        hidden=("number_index", "wrapped_key"), sealed={"sealed": "inbound text"},
        instants=("received_at", "reviewed_at"),
    ),
    Belonging(table="merges", texts=("carried",), instants=("merged_at", "undone_at"), why="opaque ids and lots"),
    Belonging(
        table="confirmations", merge="stays", erasure="deleted", hidden=("code_hash", "replaces"),
        sealed={"sealed": "confirmation"}, instants=("created_at", "expires_at", "done_at"),
    ),
    Belonging(table="erasures", key=("member_id",), instants=("erased_at",), why="that they were erased, by opaque id"),
    Belonging(table="requests", merge="moves", instants=("received_at", "due_at", "reminded_at", "answered_at"),
              why="that a request was answered in time must be shown for years; it names nobody"),
    Belonging(
        table="vouchers", merge="moves", instants=("issued_at", "expires_at"),
        why="what was issued and redeemed, under the opaque id",
    ),
    Belonging(table="voucher_steps", column="voucher_id", through="vouchers", key=("voucher_id", "at", "state"),
              instants=("at",), why="when a voucher was issued, set aside and redeemed, by its opaque id"),
    Belonging(
        table="holds", merge="moves", hidden=("code_hash", "undo_hash"),
        instants=("held_at", "expires_at", "closed_at", "code_until"),
        why="what was set aside at a till, under the opaque id",
    ),
    Belonging(table="page_links", key=("token_hash",), erasure="deleted", hidden=("token_hash",),
              instants=("made_at", "expires_at", "ended_at")),
    Belonging(table="referral_codes", key=("code",), erasure="deleted", instants=("made_at",)),
    Belonging(
        table="referrals", column="friend_id", also="ambassador_id", erasure="handled", hidden=("friend_hash",),
        instants=("named_at", "joined_at", "qualified_at", "due_at", "ended_at"),
        why="who brought whom, by opaque ids: that a friend is credited once must be known for ever",
    ),
    Belonging(table="viewings", instants=("seen_at",), why="who of the staff looked, by opaque id"),
)  # fmt: skip

# Tables that hold nothing of a member's, each with what it holds.
NOT_A_MEMBERS: Final[dict[str, str]] = {
    "businesses": "the business itself",
    "keys": "what tills sign in with",
    "locations": "the shops",
    "drafts": "the programme as it is being written",
    "versions": "the programme as it was published",
    "cohort_awards": "awards to many at once, and whom they were for, as conditions",
    "phone_lines": "the business's accounts with its gateways, sealed",
    "webhooks": "addresses that are told what happens, with their secrets sealed",
    "webhook_deliveries": "which event was told to which address, by the journal line's id",
    "message_counts": "how many messages went to a country on a day",
    "perk_counts": "how many copies of a perk everybody together has had",
    "referral_steps": "what became of a referral, by referral; the referral is the members' and shown there",
    "referral_marks": "keyed hashes of the numbers of friends who were credited",
    "tombstones": "keyed hashes of numbers whose member is gone",
    "secrets": "keys of the business, wrapped",
    "door_codes": "numbers typed on the join page, sealed, until their code is said back or too old",
    "alerts": "what a person should look at, by API key",
}


def belonging(table: str) -> Belonging:
    """Give what is registered for a table."""
    return next(one for one in BELONGINGS if one.table == table)


def moving() -> tuple[Belonging, ...]:
    """Give the tables whose rows change hands in a merge."""
    return tuple(one for one in BELONGINGS if one.merge == "moves")
