"""What comes of a rule besides units, carried out in the order of the file: one entry for each effect.

Invariant: an effect is the ledger's, or is carried out here, or is named as one that waits for its room, and the check
of a programme warns of those. A deed is kept with the command that brought it about, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import msgspec
from msgspec import Struct

import rules
from loyalty_engine.rows import MemberRow

# Effects that are entries and lots: see awarding.py.
OF_THE_LEDGER = frozenset({"award", "multiply"})
# Effects that another room carries out with what earned them: see granting.py.
GIVEN = frozenset({"grant"})
# Effects that the language knows and no room carries out yet; a room that does takes its name from here.
TO_COME = frozenset({"ask", "message", "notify", "open_case", "promise"})


class Doing:
    """What one command does to a member besides moving units: their row as it will be, and rows that go with it."""

    def __init__(self, member: MemberRow) -> None:
        """Begin with the member as the command leaves them otherwise."""
        self.member = member
        self.rows: list[Struct] = []

    def carry_out(self, happenings: Iterable[rules.Happening]) -> None:
        """Carry out what comes of one event, in the order of the file."""
        for happening in happenings:
            carry = CARRIED_OUT.get(happening.effect)
            if carry is not None:
                carry(self, happening)


Carry = Callable[[Doing, rules.Happening], None]


def tags_of(member: MemberRow) -> tuple[str, ...]:
    """Give a member's tags, in the order they were put on."""
    return () if member.tags == "[]" else msgspec.json.decode(member.tags, type=tuple[str, ...])


def tagged(tags: tuple[str, ...], happenings: Iterable[rules.Happening]) -> tuple[str, ...]:
    """Give a member's tags after what came of an event."""
    for happening in happenings:
        if happening.effect == "tag":
            effect = cast("rules.TagMember", happening.values)
            kept = tuple(tag for tag in tags if tag not in (effect.remove or ()))
            tags = (*kept, *(tag for tag in dict.fromkeys(effect.add or ()) if tag not in kept))
    return tags


def _tag(doing: Doing, happening: rules.Happening) -> None:
    tags = tagged(tags_of(doing.member), (happening,))
    doing.member = msgspec.structs.replace(doing.member, tags=msgspec.json.encode(tags).decode())


CARRIED_OUT: dict[str, Carry] = {"tag": _tag}
