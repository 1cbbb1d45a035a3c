"""Random lives of consent, and a plain second opinion on who may be written to, that shares no line with the engine.

The opinion walks back from an instant: it looks for the last word that matters, where the engine walks forward.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from loyalty_engine.consent.records import NOTHING_BEFORE, ConsentRow, sealed

PURPOSES = ("marketing", "profiling", "feedback")
CHANNELS = ("sms", "email", "any")
DECISIONS = (
    "given",
    "given",
    "given",
    "requested",
    "confirmed",
    "refused",
    "deferred",
    "withdrawn",
    "stopped",
    "started",
)


def history(dice: random.Random, length: int) -> list[ConsentRow]:
    """Make a member's records: told late, out of order, at the same instants, lapsing and renewed."""
    records: list[ConsentRow] = []
    recorded = 1_000
    for number in range(1, length + 1):
        recorded += dice.choice([0, 1, 10, 40])
        occurred = max(1, recorded - dice.choice([0, 0, 0, 1, 30, 200]))
        decision = dice.choice(DECISIONS)
        of_channel = decision in {"stopped", "started"}
        lasts = {"given": dice.choice([None, 50, 300]), "confirmed": 100, "requested": 60}.get(decision)
        records.append(
            sealed(
                ConsentRow(
                    1, "mem_1", number, f"con_{number}", "*" if of_channel else dice.choice(PURPOSES),
                    dice.choice(CHANNELS), decision, "w", 1, "0" * 64, "nb", "till", "staff ida", None, None, "NO",
                    occurred, recorded, None if lasts is None else occurred + lasts, "jnl_1",
                    records[-1].hash if records else NOTHING_BEFORE, "",
                )
            )
        )  # fmt: skip
    return records


def may_write(records: Sequence[ConsentRow], purpose: str, channel: str, at: int) -> bool:
    """Say whether somebody may be written to for a purpose on a channel, from the plain meaning of what they said."""
    no_first = {"refused": 1, "deferred": 1, "withdrawn": 2, "stopped": 2}
    told = sorted(records, key=lambda one: (one.occurred_at, no_first.get(one.decision, 0), one.number))
    lanes = [channel] if purpose == "marketing" else [channel, "any"]
    return _open(told, channel) and any(_agreed(told, purpose, lane, at) for lane in lanes)


def _effective(told: Sequence[ConsentRow], n: int) -> bool:
    """Say whether the n-th word is a yes that counts: given outright, or confirming a question that still waits."""
    one = told[n]
    if one.decision != "confirmed":
        return one.decision == "given"
    for before in range(n - 1, -1, -1):
        earlier = told[before]
        if _ends(earlier, one.purpose, one.channel):
            return False
        if (earlier.purpose, earlier.channel) != (one.purpose, one.channel):
            continue
        if earlier.decision == "requested":
            if _running(told, before):
                continue  # somebody who agrees already is not waited for
            return one.occurred_at < (earlier.expires_at or 0)
        if earlier.decision in {"given", "confirmed"} and _effective(told, before):
            return False
        if earlier.decision == "deferred" and not _running(told, before):
            return False
    return False


def _running(told: Sequence[ConsentRow], n: int) -> bool:
    """Say whether a yes was running when the n-th word was said."""
    return _agreed(told[:n], told[n].purpose, told[n].channel, told[n].occurred_at)


def _ends(one: ConsentRow, purpose: str, channel: str) -> bool:
    if one.decision == "stopped":
        return one.channel in {channel, "any"}
    if one.purpose != purpose:
        return False
    if one.decision == "withdrawn":
        return one.channel in {channel, "any"}
    return one.decision == "refused" and one.channel == channel


def _agreed(told: Sequence[ConsentRow], purpose: str, channel: str, at: int) -> bool:
    for n in range(len(told) - 1, -1, -1):
        one = told[n]
        if _ends(one, purpose, channel):
            return False
        if (one.purpose, one.channel) != (purpose, channel) or not _effective(told, n):
            continue
        return one.expires_at is None or at < one.expires_at
    return False


def _open(told: Sequence[ConsentRow], channel: str) -> bool:
    """Say whether the channel is open: the last of STOP, START and a yes to be written to on it says so."""
    for n in range(len(told) - 1, -1, -1):
        one = told[n]
        if one.decision == "stopped" and one.channel in {channel, "any"}:
            return False
        if one.decision == "started" and one.channel in {channel, "any"}:
            # At one instant a STOP outweighs what opens, whichever is listed last.
            return not any(
                other.decision == "stopped" and other.channel in {channel, "any"}
                and other.occurred_at == one.occurred_at
                for other in told
            )  # fmt: skip
        if channel != "any" and one.channel == channel and _effective(told, n):
            return True
    return True
