"""How many numbers one may ask for: per key, per business and per block of numbers; we are no directory.

Counted in this process and in memory only, so that an honest look-up pays a few additions and no statement. Invariant:
an answer, a miss and a refusal are counted alike, before anybody knows which it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loyalty_engine.errors import TooManyRequests

if TYPE_CHECKING:
    from loyalty_engine.identifiers import Identifier
    from loyalty_engine.settings import Settings

_HOUR: Final = 3600 * 1_000_000
_SECOND: Final = 1_000_000
# A business has many tills: all its keys together may ask for so many times what one may.
_KEYS_OF_A_BUSINESS: Final = 20
# Numbers that differ in their last three digits are one block.
_BLOCK_DIGITS: Final = 3
_REMEMBERED: Final = 20_000
# So many look-ups say something about a key, and so many misses in a hundred are no till's.
_TELLING: Final = 200
_MISSES_PERCENT: Final = 85
# The command line sits at the machine itself.
_OWN_KEYS: Final = frozenset({"cli"})


class Share:
    """What is left of one allowance in the hour that runs, and how many of the look-ups found nobody."""

    __slots__ = ("asked", "began", "missed", "told")

    def __init__(self, began: int) -> None:
        """Begin an hour."""
        self.began = began
        self.asked = 0
        self.missed = 0
        self.told: set[str] = set()


class Budgets:
    """The allowances of everybody who asks this process."""

    def __init__(self, settings: Settings) -> None:
        """Allow what the settings say; 0 is any number."""
        self._per_key = settings.lookups_per_hour
        self._per_block = settings.lookups_per_block
        self._shares: dict[object, Share] = {}

    def spend(self, business_id: int, key_id: str, identifier: Identifier | None, now: int) -> Share:
        """Count a look-up before it is made; raise TooManyRequests, with the seconds to wait, where it is one too many.

        The share given back is the key's: whoever found nobody tells it (`missed`), and whoever hears of an alert to
        raise (`alarms`) raises it.
        """
        share = self._share(key_id, now)
        if key_id in _OWN_KEYS:
            return share
        self._take(share, self._per_key, "key", now)
        self._take(self._share(business_id, now), self._per_key * _KEYS_OF_A_BUSINESS, "business", now, told=share)
        if identifier is not None and identifier.kind == "phone" and self._per_block:
            block = self._share((business_id, identifier.value[:-_BLOCK_DIGITS]), now)
            self._take(block, self._per_block, "block", now, told=share)
        return share

    def _share(self, whose: object, now: int) -> Share:
        share = self._shares.get(whose)
        if share is None or now - share.began >= _HOUR:
            if len(self._shares) >= _REMEMBERED:
                self._shares = {who: one for who, one in self._shares.items() if now - one.began < _HOUR}
            if len(self._shares) >= 2 * _REMEMBERED:
                self._shares.clear()
            share = self._shares[whose] = Share(now)
        return share

    def _take(self, share: Share, allowed: int, what: str, now: int, *, told: Share | None = None) -> None:
        share.asked += 1
        if allowed and share.asked > allowed:
            # The first refusal of an hour is told to a person; the others only to whoever asks.
            whose = told or share
            whose.told.add(f"over:{what}" if f"said:{what}" not in whose.told else f"said:{what}")
            raise TooManyRequests(
                "Too many numbers were asked for; wait a little.",
                retry_after_seconds=1 + max(0, share.began + _HOUR - now) // _SECOND,
            )

    def of(self, key_id: str, now: int) -> Share:
        """Give a key's share, to ask it for alarms."""
        return self._share(key_id, now)


def missed(share: Share) -> None:
    """Note that a look-up found nobody."""
    share.missed += 1
    if (
        share.asked >= _TELLING
        and share.missed * 100 >= share.asked * _MISSES_PERCENT
        and "said:miss" not in share.told
    ):
        share.told.add("over:miss")


def alarms(share: Share) -> list[str]:
    """Give what a person should be told of a key, once: "key", "business", "block" or "miss"."""
    found = [one.removeprefix("over:") for one in share.told if one.startswith("over:")]
    for one in found:
        share.told.discard(f"over:{one}")
        share.told.add(f"said:{one}")
    return sorted(found)
