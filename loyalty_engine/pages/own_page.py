"""What stands on a member's own page: what they have, what moved it and why, what they agreed to, and what we keep.

Invariant: it shows one member to whoever holds their link, and of numbers no more than a till would. A link that only
reads shows no voucher's code: what lies on a counter must not be worth a coffee.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from loyalty_engine import explaining, members
from loyalty_engine.consent import consenting, fold, reading
from loyalty_engine.consent.records import EVERY_PURPOSE
from loyalty_engine.identifiers import mask
from loyalty_engine.identity import dormancy
from loyalty_engine.identity.errors import VerificationNeeded
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.redemption import offering, vouchers
from loyalty_engine.referrals import codes
from loyalty_engine.wording import language_for, said_in, unit_name

if TYPE_CHECKING:
    from datetime import datetime

    import rules
    from loyalty_engine.answers import TierSeen
    from loyalty_engine.businesses import Caller
    from loyalty_engine.consent.answers import ConsentRecord
    from loyalty_engine.database import MemberState
    from loyalty_engine.house import House
    from loyalty_engine.redemption.answers import VoucherShown
    from loyalty_engine.shelf import Edition

MOVES_SHOWN: Final = 25


class Held(Struct, frozen=True):
    """What a member has of one unit, with the unit's name for each figure."""

    unit: str
    available: int
    called: str
    pending: int
    set_aside: int


class Move(Struct, frozen=True):
    """One entry as its member reads it: when, how much, why, and what was left."""

    when: datetime
    kind: str
    amount: int
    called: str
    why: str | None
    after: int


class Switch(Struct, frozen=True):
    """One thing a member can agree to: the words, where they stand, and how that came."""

    wording: str
    purpose: str
    channel: str
    says: str
    on: bool
    waits: bool
    history: tuple[ConsentRecord, ...]


class Line(Struct, frozen=True):
    """One channel by which we write, open unless its member stopped it."""

    channel: str
    on: bool
    history: tuple[ConsentRecord, ...]


class Offer(Struct, frozen=True):
    """A perk with its price, and whether the member has enough for it."""

    says: str
    price: int
    called: str
    enough: bool


class OwnPage(Struct, frozen=True, kw_only=True):
    """A member's page, ready to be set."""

    member_id: str
    name: str | None
    birthday: str | None
    numbers: tuple[str, ...]
    language: str | None
    held: tuple[Held, ...]
    tier: TierSeen | None
    moves: tuple[Move, ...]
    vouchers: tuple[VoucherShown, ...]
    offers: tuple[Offer, ...]
    switches: tuple[Switch, ...]
    lines: tuple[Line, ...]
    # The link their friends follow, where the programme thanks for friends.
    friends: str | None


async def view(house: House, caller: Caller, member_id: str, language: str, *, at: datetime) -> OwnPage:
    """Gather a member's page in a language. Raises MemberUnknown, and VerificationNeeded for a number in doubt."""
    now, business_id = to_micros(at), caller.business_id
    state = await members.state_of(house, business_id, member_id, now)
    edition = await house.shelf.current(business_id)
    if await dormancy.doubted(house.database, business_id, edition, state, now):
        raise VerificationNeeded
    programme, spoken = edition.programme, language_for(edition.programme, language)
    profile = members.profile_of(house, business_id, state)
    theirs = await members.identifiers_of(house, business_id, state)
    held = await vouchers.of_member(house.database, business_id, state.id, at=now)
    switches, lines = await _agreed(house, caller, state, programme, language, at)
    code = None if programme.referral is None else await codes.code_of(house, business_id, state.id, at=now)
    return OwnPage(
        member_id=state.id, name=profile.get("name"), birthday=profile.get("birthday"),
        numbers=tuple(mask(one) for one in theirs), language=state.language,
        held=tuple(_held(programme, state, spoken)),
        tier=await members.tier_of(house, business_id, edition, state, now),
        moves=await _moves(house, caller, state, programme, spoken),
        vouchers=tuple([await vouchers.as_shown(house, row, spoken, at=now) for row in held]),
        offers=await _offers(house, business_id, edition, state, spoken, now), switches=switches, lines=lines,
        friends=None if code is None else codes.link_of(house, code),
    )  # fmt: skip


def _held(programme: rules.Programme, state: MemberState, language: str) -> list[Held]:
    return [
        Held(
            one.unit, one.available, unit_name(programme, one.unit, one.available, language), one.pending, one.held
        )
        for one in members.balances(programme, members.accounts_of(state))
    ]  # fmt: skip


async def _moves(
    house: House, caller: Caller, state: MemberState, programme: rules.Programme, language: str
) -> tuple[Move, ...]:  # fmt: skip
    found = await house.database.fetch(
        "SELECT id, occurred_at, kind, unit, amount, balance_after FROM entries WHERE business_id = $1 "
        "AND member_id = $2 ORDER BY revision DESC, id DESC LIMIT $3",
        caller.business_id, state.id, MOVES_SHOWN,
    )  # fmt: skip
    moves = []
    for entry_id, when, kind, unit, amount, after in found:
        explained = await explaining.explain_entry(house, caller, entry_id, language=language)
        day = from_micros(when).astimezone(programme.zone)
        moves.append(Move(day, kind, amount, unit_name(programme, unit, amount, language), explained.because, after))
    return tuple(moves)


async def _offers(
    house: House, business_id: int, edition: Edition, state: MemberState, language: str, now: int
) -> tuple[Offer, ...]:  # fmt: skip
    programme = edition.programme
    if not programme.perks:
        return ()
    facts = members.facts_of(state, now)
    wallet = offering.wallet(house.database, business_id, edition, facts, occurred=from_micros(now), language=language)
    return tuple(
        Offer(one.says, one.amount, unit_name(programme, one.unit or "", one.amount, language), one.affordable)
        for one in await offering.offers(wallet, None)
    )


async def _agreed(
    house: House, caller: Caller, state: MemberState, programme: rules.Programme, language: str, at: datetime
) -> tuple[tuple[Switch, ...], tuple[Line, ...]]:  # fmt: skip
    now = to_micros(at)
    states = await reading.states_of(house.database, caller.business_id, state.id)
    history = (await consenting.consents_of(house, caller, state.id, at=at)).items

    def of(purpose: str, channel: str) -> tuple[ConsentRecord, ...]:
        return tuple(one for one in history if (one.purpose, one.channel) == (purpose, channel))

    switches = []
    for wording in asked_on_pages(programme):
        standing = states.get((wording.purpose, wording.channel))
        waits = standing is not None and standing.state == "requested" and now < (standing.expires_at or 0)
        switches.append(
            Switch(
                wording.id, wording.purpose, wording.channel, wording.says[said_in(wording, language)],
                fold.allows(states, wording.purpose, wording.channel, now) is not None, waits,
                of(wording.purpose, wording.channel),
            )
        )  # fmt: skip
    channels = dict.fromkeys(("sms", *(one.channel for one in switches if one.channel == "email")))
    lines = tuple(
        Line(channel, fold.stopped(states, channel) is None, of(EVERY_PURPOSE, channel)) for channel in channels
    )
    return tuple(switches), lines


def asked_on_pages(programme: rules.Programme) -> tuple[rules.Wording, ...]:
    """Give the newest wording of each purpose and channel: what a page asks, in the order of the programme."""
    newest = {(one.purpose, one.channel): one for one in programme.consent.wordings}
    return tuple(newest.values())
