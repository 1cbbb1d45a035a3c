"""What a text asks for, read from its words.

Invariant: a wish to be left alone wins over everything else in the text, and a text that is not understood asks for
nothing: it neither lets anybody in nor out. The whole text must be a known word, or a known word and what may follow
it; only stopping is read generously, with other words around it, in sentences, spaced out, or in lookalike letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from msgspec import Struct

from loyalty_engine.texts import lexicon
from loyalty_engine.texts.lexicon import Kind, folded, spellings

_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019\u00b4`][^\W_]+)*")
_CODE: Final = re.compile(r"[^\W_][\w-]{0,39}")
# Six digits and nothing else, however they are spaced: a code that is said back.
_SAID_BACK: Final = re.compile(r"[^\w]*(\d(?:[ .-]?\d){5})[^\w]*")
_LONGEST: Final = 1600
_EVERYTHING: Final = frozenset({"STOPALL", "STOPPALT", "STOPPALLA"})
_STRETCHED: Final = re.compile(r"(.)\1{2,}")


class Wish(Struct, frozen=True):
    """What somebody asks for; `rest` is what followed the word, as it was typed. Without a kind, nothing we know.

    `read_on` says that the text holds more than the word, so that a person should read it as well.
    """

    kind: Kind | None
    rest: str = ""
    read_on: bool = False


UNKNOWN: Final = Wish(None, read_on=True)


class _Said(Struct, frozen=True):
    text: str
    words: tuple[str, ...]
    ends: tuple[int, ...]


def wish_of(text: str, own: Mapping[str, Kind] | None = None) -> Wish:
    """Read a text; `own` has the business's own words, each with what it asks for."""
    said = _said(unicodedata.normalize("NFKC", text[:_LONGEST]))
    if not said.words:
        return UNKNOWN
    if (code := _SAID_BACK.fullmatch(said.text)) is not None:
        return Wish("code", "".join(digit for digit in code[1] if digit.isdigit()))
    words = _words_of(tuple(sorted((own or {}).items())))
    if (stop := _stop(said, words)) is not None:
        return stop
    for count in range(min(len(said.words), 4), 0, -1):
        if (kind := words.get(" ".join(said.words[:count]))) is not None:
            return _followed(kind, said, count)
    return UNKNOWN


def _followed(kind: Kind, said: _Said, count: int) -> Wish:
    """Give the wish when what follows the word may follow it."""
    rest = said.text[said.ends[count - 1] :].strip(" \t\r\n.,:;!?\"'")
    if len(said.words) == count:
        return Wish(kind)
    allowed = lexicon.FOLLOWED.get(kind)
    if allowed == "anything":
        return Wish(kind, rest)
    if allowed == "code" and _CODE.fullmatch(rest):
        return Wish(kind, rest)
    return UNKNOWN


def _said(text: str) -> _Said:
    """Take a text apart into folded words; direction marks and the like vanish, and so does what is no letter."""
    clean = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    found = list(_WORD.finditer(clean))
    words = tuple(folded(re.sub(r"['\u2019\u00b4`]", "", match[0])) for match in found)
    return _Said(clean, words, tuple(match.end() for match in found))


# --- stopping ---


def _stop(said: _Said, known: Mapping[str, Kind]) -> Wish | None:
    words = tuple(word.translate(lexicon.LOOKALIKES) for word in said.words)
    line = _unspaced(words)
    if _matches(_patterns(lexicon.GO_ON), line):
        return None
    if (wish := _by_word(_several_words().sub("STOP", line).split(" "), known)) is not None:
        return wish
    return Wish("stop", said.text, read_on=True) if _matches(_patterns(lexicon.LEAVE_ME_ALONE), line) else None


def _unspaced(words: tuple[str, ...]) -> str:
    """Put letters that were spaced out together again (S T O P), and take what was drawn out back (STOOOPPP)."""
    line = re.sub(r"\b(?:\w )+\w\b", lambda spaced: spaced[0].replace(" ", ""), " ".join(words))
    return _STRETCHED.sub(r"\1", line)


def _by_word(words: list[str], known: Mapping[str, Kind]) -> Wish | None:
    """Find a word for stopping: where the text begins, alone, or among words that are known or merely polite."""
    strong, alone, polite = _spelled(lexicon.STOP), _spelled(lexicon.STOP_ALONE), _spelled(lexicon.POLITE)
    strong |= {word for word, kind in known.items() if kind == "stop"}
    everything = _spelled(lexicon.ALL)
    left = [word for word in words if word not in polite]
    kind: Kind = "stop_all" if words[0] in _EVERYTHING or (left[1:] and set(left[1:]) <= everything) else "stop"
    if words[0] in strong or (left and left[0] in strong and len(left) < len(words)):
        return Wish(kind, read_on=len(left) > (1 if kind == "stop" else 2))
    if left and left[0] in alone and set(left[1:]) <= everything:
        return Wish(kind)
    command = known.get(words[0]) is not None and known[words[0]] not in lexicon.FOLLOWED
    if not strong.isdisjoint(left) and (command or all(word in strong or word in known for word in left)):
        return Wish("stop", read_on=True)
    return None


@lru_cache(maxsize=16)
def _spelled(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_STRETCHED.sub(r"\1", spelling) for word in words for spelling in spellings(word))


@lru_cache(maxsize=1)
def _several_words() -> re.Pattern[str]:
    return _patterns(tuple(phrase for phrase in lexicon.STOP if " " in phrase))


@lru_cache(maxsize=4)
def _patterns(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Compile phrases, folded like what they are held against; a star stands for up to three words."""
    return re.compile("|".join(rf"\b{_folded_pattern(phrase)}\b" for phrase in phrases))


def _folded_pattern(phrase: str) -> str:
    return folded(phrase).replace("* ", r"(?:\w+ ){0,4}").replace("(", "(?:").replace("(?:?:", "(?:")


def _matches(pattern: re.Pattern[str], line: str) -> bool:
    return pattern.search(line) is not None


@lru_cache(maxsize=512)
def _words_of(own: tuple[tuple[str, Kind], ...]) -> dict[str, Kind]:
    """Every spelling of every word with what it asks for; the business's own win over ours."""
    ours: dict[str, Kind] = {
        spelling: kind for kind, words in lexicon.WORDS.items() for word in words for spelling in spellings(word)
    }
    return ours | {spelling: kind for word, kind in own for spelling in spellings(word)}
