"""What every effect is: something that comes of a rule that fires."""

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from rules.judging import Stands
from rules.names import Wordings
from rules.tongues import Says
from rules.words import Words


class Effect(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that comes of a rule that fires.

    `says` holds by language its name, and how it stands in a sentence; `example` is how it is written.
    """

    written: ClassVar[str]
    says: ClassVar[Says]
    example: ClassVar[str]

    def words(self, words: Words) -> str:
        """What this gives, in short: "1 point per 10 kr"."""
        raise NotImplementedError

    def sentence(self, words: Words) -> str:
        """The same at the end of a rule's sentence."""
        return self.words(words)

    @property
    def stands_on(self) -> Stands:
        """What the rule must stand on for this to make sense."""
        return "anything"

    def texts(self) -> Iterator[tuple[str, Wordings]]:
        """The texts that a member reads, each with its place in the table."""
        yield from ()
