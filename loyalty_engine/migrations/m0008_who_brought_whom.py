"""Who brought whom: codes, referrals with every step they took, and marks that nobody is a new friend twice."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.schema import Schema

ID = "0008"
VERSION = "1.38.0"
DESCRIPTION = "ambassadors' codes, referrals, their steps, and marks that credit a friend once"

TABLES = (
    """
CREATE TABLE referral_codes (
    business_id {whole} NOT NULL,
    code {text} NOT NULL,
    member_id {text} NOT NULL,
    made_at {whole} NOT NULL,
    FOREIGN KEY (business_id, member_id) REFERENCES members (business_id, id),
    PRIMARY KEY (business_id, code)
){options}
""",
    """
CREATE TABLE referrals (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    ambassador_id {text} NOT NULL,
    friend_id {text},
    friend_hash {text},
    how {text} NOT NULL,
    state {text} NOT NULL,
    reason {text},
    review {text},
    steps {whole} NOT NULL,
    named_at {whole} NOT NULL,
    joined_at {whole},
    qualified_at {whole},
    due_at {whole},
    ended_at {whole},
    purchase_id {text},
    version {whole},
    ambassador_unit {text},
    ambassador_amount {whole},
    friend_unit {text},
    friend_amount {whole},
    CHECK (state IN ('named', 'joined', 'held', 'credited', 'returning', 'clawed_back', 'refused', 'lapsed')),
    CHECK (friend_id IS NULL OR friend_id <> ambassador_id OR state = 'refused'),
    FOREIGN KEY (business_id, ambassador_id) REFERENCES members (business_id, id),
    FOREIGN KEY (business_id, friend_id) REFERENCES members (business_id, id),
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE referral_steps (
    business_id {whole} NOT NULL,
    referral_id {text} NOT NULL,
    number {whole} NOT NULL,
    state {text} NOT NULL,
    reason {text},
    by {text} NOT NULL,
    journal_id {text},
    at {whole} NOT NULL,
    FOREIGN KEY (business_id, referral_id) REFERENCES referrals (business_id, id),
    PRIMARY KEY (business_id, referral_id, number)
){options}
""",
    """
CREATE TABLE referral_marks (
    business_id {whole} NOT NULL,
    mark {text} NOT NULL,
    referral_id {text} NOT NULL,
    laid_at {whole} NOT NULL,
    PRIMARY KEY (business_id, mark)
){options}
""",
)

INDEXES = (
    "CREATE UNIQUE INDEX referral_codes_member ON referral_codes (business_id, member_id)",
    "CREATE INDEX referral_codes_code ON referral_codes (code)",
    "CREATE INDEX referrals_ambassador ON referrals (business_id, ambassador_id, named_at)",
    "CREATE INDEX referrals_friend ON referrals (business_id, friend_id) WHERE friend_id IS NOT NULL",
    "CREATE INDEX referrals_named ON referrals (business_id, friend_hash) WHERE friend_hash IS NOT NULL",
    "CREATE INDEX referrals_due ON referrals (due_at) WHERE state = 'held'",
    "CREATE INDEX referrals_open ON referrals (state, named_at) WHERE state IN ('named', 'returning')",
    "CREATE INDEX referral_marks_referral ON referral_marks (business_id, referral_id)",
)

# A step that was taken and a mark that was laid stay for ever.
SCHEMA = Schema(
    tables=TABLES, columns=(("members", "referral", "{text}"),), indexes=INDEXES,
    append_only=("referral_steps", "referral_marks"), long_rows=("referrals",),
    figures={"referrals_due": "50 20", "referrals_open": "50 20 20", "referral_codes_code": "1000000 1"},
)  # fmt: skip


async def forwards() -> MigrationManager:
    """Make the tables of referrals, and the place on a member's row that names a referral still open."""
    return SCHEMA.migration(ID, DESCRIPTION)
