"""The programmes on the shelf: every published version, compiled once, found by business and instant.

Invariant: a purchase is judged by the version that was valid when it happened; before the first version, by the first.
A version is never changed, so what stands on the shelf is never stale: the page of a command says how many there are.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct

import rules
from loyalty_engine.database import ask
from loyalty_engine.errors import ProgrammeMissing
from loyalty_engine.instants import to_micros
from loyalty_engine.standing.ladder import Ladder
from loyalty_engine.tables import Version

if TYPE_CHECKING:
    from loyalty_engine.database import Database


class Edition(Struct, frozen=True, dict=True):
    """A published version, ready to judge purchases."""

    version: int
    valid_from: int
    compiled: rules.Compiled

    @property
    def programme(self) -> rules.Programme:
        """Give the programme as it was written."""
        return self.compiled.programme

    @cached_property
    def ladder(self) -> Ladder | None:
        """Give the tiers; None where the programme has none."""
        return Ladder(self.programme) if self.programme.tiers else None

    @cached_property
    def renewed(self) -> tuple[str, ...]:
        """Name the units that last as long as the member keeps buying."""
        return tuple([name for name, unit in self.programme.units.items() if unit.expires_from == "last_purchase"])

    def needs(self, kind: str) -> rules.Needs:
        """Tell which facts of a member the rules on a kind of event ask for."""
        return _needs(self.compiled, kind)

    def lot_dates(self, unit: str, occurred: datetime) -> tuple[int, int | None]:
        """Give the instants from which and until which units given at an instant can be spent."""
        kept, zone = self.programme.units[unit], self.programme.about.timezone
        spendable = kept.pending_for.after(occurred, zone) if kept.pending_for else occurred
        if not kept.expires:
            return to_micros(spendable), None
        lasts = (kept.expires_after, kept.expires_end_of, kept.expires_from)
        return to_micros(spendable), _expiry(lasts, occurred, zone)


@lru_cache(maxsize=1024)
def _needs(compiled: rules.Compiled, kind: str) -> rules.Needs:
    """Look through the rules once: a purchase asks again and again."""
    return compiled.programme.needs(kind)


@lru_cache(maxsize=64)
def _expiry(lasts: tuple[Any, Any, Any], occurred: datetime, zone: str) -> int:
    """Work an expiry out once for all units of a purchase that last equally long."""
    after, whole, counted = lasts
    expiry = rules.Unit(expires_after=after, expires_end_of=whole, expires_from=counted).expiry(occurred, zone)
    assert expiry is not None, "only units that expire are asked for"
    return to_micros(expiry)


class Shelf:
    """The editions of every business that has been asked for."""

    def __init__(self, database: Database) -> None:
        """Begin with an empty shelf."""
        self._database = database
        self._editions: dict[int, tuple[Edition, ...]] = {}

    async def current(self, business_id: int) -> Edition:
        """Give the newest edition known here; raise ProgrammeMissing where nothing has been published."""
        editions = self._editions.get(business_id) or await self._load(business_id)
        return editions[-1]

    async def valid_at(self, business_id: int, instant: int, *, published: int) -> Edition:
        """Give the edition valid at an instant, knowing that `published` versions exist by now."""
        editions = self._editions.get(business_id, ())
        if not editions or editions[-1].version < published:
            editions = await self._load(business_id)
        for edition in reversed(editions):
            if edition.valid_from <= instant:
                return edition
        return editions[0]

    async def numbered(self, business_id: int, version: int) -> Edition:
        """Give the edition with this number; it is known to exist."""
        editions = self._editions.get(business_id, ())
        if len(editions) < version:
            editions = await self._load(business_id)
        return editions[version - 1]

    async def every(self, business_id: int) -> tuple[Edition, ...]:
        """Give all editions there are by now, oldest first; raise ProgrammeMissing where nothing has been published."""
        return await self._load(business_id)

    async def _load(self, business_id: int) -> tuple[Edition, ...]:
        have = self._editions.get(business_id, ())
        found = await ask(
            self._database,
            Version.select(Version.version, Version.source, Version.format, Version.valid_from)
            .where((Version.business_id == business_id) & (Version.version > len(have)))
            .order_by(Version.version),
        )
        new = tuple(
            Edition(
                row["version"], row["valid_from"], rules.compile_programme(rules.read(row["source"], row["format"]))
            )
            for row in found
        )
        editions = have + new
        if not editions:
            raise ProgrammeMissing
        self._editions[business_id] = editions
        return editions
