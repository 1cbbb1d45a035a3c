"""The languages in which a programme says itself: one file each, and a language that lacks a phrase does not load."""

from typing import Final

from rules.tongues.danish import DANISH
from rules.tongues.english import ENGLISH
from rules.tongues.finnish import FINNISH
from rules.tongues.norwegian import BOKMAAL, NYNORSK
from rules.tongues.phrases import Says, Tongue, spoken
from rules.tongues.swedish import SWEDISH

__all__ = ["TONGUES", "Says", "Tongue", "spoken", "tongue"]

TONGUES: Final[dict[str, Tongue]] = {
    tongue.code: tongue for tongue in (BOKMAAL, NYNORSK, SWEDISH, DANISH, FINNISH, ENGLISH)
}
_ALSO: Final = {"no": "nb"}


def tongue(language: str | None) -> Tongue:
    """The tongue of a language such as nb or en-GB; English where we do not speak it."""
    code = (language or "en").partition("-")[0]
    return TONGUES.get(_ALSO.get(code, code), ENGLISH)
