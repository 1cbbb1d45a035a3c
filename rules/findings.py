"""What is wrong with a programme, said so that the person who wrote it can mend it at once."""

import difflib
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

_MANY: Final = 30


Severity = Literal["refused", "warned"]


class Finding(msgspec.Struct, frozen=True):
    """One thing found: the place in the document, the rule's id, what is wrong, and what would be right."""

    severity: Severity
    place: str
    rule: str | None
    says: str
    would_be: str | None = None


class ProgrammeInvalid(ValueError):
    """The document is no programme. `findings` holds every mistake at once, each with its place."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        super().__init__("; ".join(f"{finding.place or 'the document'}: {finding.says}" for finding in findings))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that the writer most likely meant, as a suggestion, or the known names when none is
    near.
    """
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return near[0]
    return "one of " + ", ".join(names) if names and len(names) <= _MANY else None


def likely(name: str, known: Iterable[str]) -> str | None:
    """The known name that this one differs from by a slip of the pen, if any."""
    near = difflib.get_close_matches(name, sorted(set(known)), n=1, cutoff=0.85)
    return near[0] if near else None
