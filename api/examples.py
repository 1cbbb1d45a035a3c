"""What the reference shows: a morning at the Corner Café, as requests and answers."""

from __future__ import annotations

from typing import Any, Final

from api import cashier
from loyalty_engine.errors import LoyaltyError

INTRODUCTION: Final = """\
A loyalty programme in which the phone number or the e-mail address is the card. A till posts a purchase with
the number the customer says; the answer holds what it gave, why, and the new balance.

- **JSON** in UTF-8, taken literally: unknown fields, names given twice, `"100"` or `1.0` for a whole number
  and bodies over 64 KB (batches: 1 MB) are refused.
- **Money** is a whole number of minor units (`_minor`); **times** are RFC 3339 with a zone.
- **Idempotency-Key** goes with every POST that changes something. The same key and body give the same answer
  again, with `Idempotency-Hit: true`; a receipt that was recorded gives its first answer under any key.
- **Failures** are `application/problem+json`; `code` is stable, and the address in `type` explains it."""

_MEMBER = "mem_01m7q5cqg0envvna4f65046jha"
_PURCHASE = "pur_01m7q5cqg0envvna4f65046jhb"
_SEEN = {"id": _MEMBER, "masked": "+47 ••• •• 567", "new": False}
_BALANCES = [{"unit": "points", "available": 112, "held": 0, "pending": 0}]
_REASON = "1 point per 10 kr on 128 kr"
_LINES = [
    {
        "line": "1", "sku": "FLATWHITE", "category": "coffee", "quantity": 2, "amount_minor": 9800,
        "discount_minor": 0, "tax_minor": 1960, "tags": ["hot"],
    },
    {"line": "2", "sku": "BUN-CARDAMOM", "category": "pastry", "quantity": 1, "amount_minor": 3000},
]  # fmt: skip
_BASKET: dict[str, Any] = {
    "location": "grunerlokka", "till": "till-1", "staff": "7", "currency": "NOK", "total_minor": 12800,
    "member": {"phone": "912 34 567"}, "lines": _LINES,
}  # fmt: skip
_BOUGHT = _BASKET | {"receipt": "2026-11-22-000123", "occurred_at": "2026-11-22T09:41:00+01:00"}
_BACK = {"receipt": "2026-11-22-000131", "lines": [{"line": "2"}]}
_BACK_BY_RECEIPT = _BACK | {"purchase": {"location": "grunerlokka", "receipt": "2026-11-22-000123"}}
_HAPPENED: dict[str, Any] = {
    "kind": "course_done", "member": {"phone": "912 34 567"}, "reference": "latte-art-2026-11-0042",
    "occurred_at": "2026-11-22T09:41:00+01:00", "attributes": {"course": "latte-art", "score": 5, "certified": True},
}  # fmt: skip
_EXPLANATION = [
    {"rule": "base", "fired": True, "because": _REASON},
    {"rule": "happy-hour", "fired": False, "because": "weekday is Sunday; the rule wants Monday or Tuesday"},
]
_PROGRAMME_TOML: Final = """\
[programme]
name = "Corner Café"
country = "NO"
currency = "NOK"
timezone = "Europe/Oslo"
languages = ["nb", "en"]

[units.points]
name = { nb = { one = "poeng", other = "poeng" }, en = { one = "point", other = "points" } }
"""

REQUESTS: Final[dict[str, Any]] = {
    "lookup_member": {"member": {"phone": "912 34 567"}},
    "enrol_member": {"member": {"phone": "912 34 567"}, "language": "nb"},
    "record_consent": {
        "purpose": "marketing",
        "channel": "sms",
        "decision": "given",
        "wording": "till-2026-01",
        "language": "nb",
        "evidence": {"source": "till", "location": "grunerlokka", "till": "till-1", "staff": "ida"},
    },
    "adjust_balance": {"unit": "points", "amount": 50, "reason": "The coffee machine was down on Friday"},
    "show_in_full": {"reason": "She rang about a missing receipt", "staff": "7"},
    "note_request": {"kind": "access"},
    "change_member": {"name": "Ingrid", "language": "nb"},
    "verify_member": {},
    "confirm_code": {"code": "123456"},
    "place_member": {"tier": "gold", "until": "2027-01-01T00:00:00+01:00", "reason": "Our first guest", "by": "owner"},
    "award_many": {
        "cohort": {"bought": {"since": "2026-11-20T00:00:00+01:00", "until": "2026-11-21T00:00:00+01:00"}},
        "unit": "points",
        "amount": 50,
        "reason": "The burnt beans on Friday",
        "by": "owner",
        "dry_run": True,
    },
    "undo_award": {"reason": "It was the other location", "by": "owner"},
    "place_hold": {"member": {"phone": "912 34 567"}, "perk": "free-coffee", "location": "grunerlokka"},
    "capture_hold": {"receipt": "2026-11-22-000124"},
    "release_hold": {"reason": "She pays for it after all"},
    "undo_hold": {"token": "q3t9Zp0yVb2sXkR8mLwA7Q"},
    "issue_voucher": {"perk": "free-coffee", "reason": "The milk was sour", "staff": "7"},
    "merge_members": {"into": "mem_01m7q5cqg0envvna4f65046jhz"},
    "name_friend": {"ambassador": {"phone": "912 34 567"}, "friend": {"phone": "412 34 567"}},
    "review_referral": {"decision": "approve", "by": "ida", "note": "She brought her whole choir"},
    "quote_purchase": _BASKET,
    "record_purchase": _BOUGHT,
    "refund_purchase": _BACK,
    "refund_by_receipt": _BACK_BY_RECEIPT,
    "record_event": _HAPPENED,
    "carry_out": [
        {"op": "purchase", "key": "till-1-000123", "body": _BOUGHT},
        {"op": "refund", "key": "till-1-000131", "body": _BACK_BY_RECEIPT},
        {"op": "event", "key": "course-0042", "body": _HAPPENED},
    ],
    "save_draft:toml": _PROGRAMME_TOML,
    "check_programme:toml": _PROGRAMME_TOML,
    "publish_programme": {"note": "Stamps for coffee", "by": "owner"},
    "roll_back_programme": {"to": 6, "note": "Double points were too dear", "by": "owner"},
    "backtest_programme": {
        "toml": _PROGRAMME_TOML,
        "since": "2026-01-01T00:00:00+01:00",
        "against": "current",
        "worth": {"points": "10"},
    },
    "connect_gateway": {
        "settings": {"account_sid": "AC00000000000000000000000000000000", "auth_token": "...", "sender": "+4759440000"},
        "words": {"KAFFE": "join"},
    },
    "create_webhook": {"url": "https://shop.example.com/loyalty", "kinds": ["purchase.recorded", "refund.recorded"]},
    "create_key": {"scopes": ["till"], "name": "till-1", "location": "grunerlokka"},
    "declare_location": {"location": "grunerlokka", "name": "Corner Café, Grünerløkka"},
}

ANSWERS: Final[dict[str, Any]] = {
    "lookup_member": {
        "known": True, "member": _SEEN, "balances": _BALANCES,
        "tier": None, "vouchers": [], "perks": [], "nudges": [], "hint": None, "consent_prompts": [],
    },
    "record_purchase": {
        "id": _PURCHASE, "member": _SEEN,
        "awards": [{
            "entry": "ent_01m7q5cqg0envvna4f65046jhd", "rule": "base", "unit": "points", "amount": 12,
            "reason": _REASON, "spendable_at": "2026-11-22T08:41:00Z", "expires_at": "2027-11-22T08:41:00Z",
        }],
        "redeemed": [], "vouchers": [], "tier": None, "balances": _BALANCES, "explanation": _EXPLANATION,
        "receipt_text": ["+12 poeng (saldo 112)", "12 poeng: 1 poeng per 10 kr på 128 kr"], "programme_version": 7,
        "refunds": [], "to_pay_minor": 12800, "referral": None,
    },
    "record_event": {
        "id": "evt_01m7q5cqg0envvna4f65046jhh", "member": _SEEN,
        "awards": [{
            "entry": "ent_01m7q5cqg0envvna4f65046jhk", "rule": "latte-art", "unit": "points", "amount": 50,
            "reason": "50 points", "spendable_at": "2026-11-22T08:41:00Z", "expires_at": "2027-11-22T08:41:00Z",
        }],
        "redeemed": [], "vouchers": [], "tier": None,
        "balances": [{"unit": "points", "available": 162, "held": 0, "pending": 0}],
        "explanation": [{"rule": "latte-art", "fired": True, "because": "50 points"}],
        "receipt_text": ["+50 poeng (saldo 162)"], "programme_version": 7, "refunds": [],
        "to_pay_minor": None,
    },
    "quote_purchase": {
        "member": {"known": True},
        "awards": [{"rule": "base", "unit": "points", "amount": 12, "reason": _REASON}],
        "totals": [{"unit": "points", "amount": 12}], "perks": [], "balances": _BALANCES,
        "explanation": _EXPLANATION, "programme_version": 7,
    },
    "refund_purchase": {
        "id": "rfd_01m7q5cqg0envvna4f65046jhe", "status": "recorded", "purchase": _PURCHASE,
        "refunded_minor": 3000, "left_minor": 9800,
        "taken_back": [{
            "entry": "ent_01m7q5cqg0envvna4f65046jhf", "rule": "base", "unit": "points", "amount": 3,
            "shortfall": 0,
        }],
        "balances": [{"unit": "points", "available": 109, "held": 0, "pending": 0}],
        "receipt_text": ["-3 poeng (saldo 109)"],
    },
    "live": {"status": "live"},
    "ready": {"status": "ready"},
}  # fmt: skip


def problem(error: type[LoyaltyError], *, at_till: bool) -> dict[str, Any]:
    """Show what an error looks like, at a till or to a program."""
    said: dict[str, Any] = {
        "type": f"/problems/{error.code}", "title": error.title, "status": error.status,
        "detail": error.title,
        "code": error.code, "errors": [], "request_id": "req_01m7q5cqg0envvna4f65046jhg",
        "retryable": error.retryable,
    }  # fmt: skip
    if at_till and (sentence := cashier.sentence(error(), "nb")):
        said["cashier_message"] = sentence
    return said
