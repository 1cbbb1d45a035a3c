"""Finds out what is wrong with a body that was refused, and where: a pointer, a stable code, a sentence.

Order of precedence: not UTF-8, not JSON, a name given twice, too deep (400); then a text nobody can keep,
then the wrong shape (422).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

import msgspec

from loyalty_engine.errors import BodyInvalid, Detail, LoyaltyError, MalformedBody

DEPTH_LIMIT: Final = 32
# No amount has this many digits, and Python refuses to read some thousands of them with an error of its own.
_DIGITS: Final = 400


class _NameTwice(ValueError):
    """An object gives a name twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _NameTwice(f"The name {_shown(twice)} is given twice in one object.")
    return names


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON.")


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _DIGITS else digits


NAMES_ONCE: Final = json.JSONDecoder(object_pairs_hook=_unique)
_ANYTHING: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_whole, parse_float=str
)


def parse(body: bytes) -> object:
    """Read any JSON document strictly; a number with a point or exponent comes as its text."""
    try:
        document = _ANYTHING.decode(body.decode())
    except UnicodeDecodeError:
        raise MalformedBody("The body is not UTF-8.") from None
    except RecursionError:
        raise MalformedBody(f"The body is nested deeper than {DEPTH_LIMIT} levels.") from None
    except ValueError as problem:
        raise MalformedBody(_as_json_says(problem)) from None
    if any(depth > DEPTH_LIMIT for depth, _, _ in _walk(document)):
        raise MalformedBody(f"The body is nested deeper than {DEPTH_LIMIT} levels.")
    return document


def say_why(body: bytes, problem: Exception) -> NoReturn:
    """Say what is wrong with a body: 400 when it is no JSON we take, else 422 with the place."""
    if not body:
        raise MalformedBody("The body is empty.")
    check_text(parse(body))
    if isinstance(problem, msgspec.ValidationError):
        raise invalid(problem) from None
    if type(problem) is ValueError:
        raise whole("out_of_range", "A number has more digits than anything here can have.") from None
    raise MalformedBody(_as_json_says(problem)) from None


def whole(code: str, says: str) -> BodyInvalid:
    """Say that something is wrong with the body as a whole."""
    return BodyInvalid(says, details=(Detail("", code, says),))


def _as_json_says(problem: Exception) -> str:
    if isinstance(problem, _NameTwice):
        return str(problem)
    if isinstance(problem, json.JSONDecodeError):
        return f"The body is not JSON: {problem.msg.lower()} at character {problem.pos}."
    return "The body is not JSON."


def _walk(document: object) -> Iterator[tuple[int, str, object]]:
    """Every value in a document with its depth and pointer; without recursion, so that depth cannot hurt."""
    waiting: list[tuple[int, str, object]] = [(0, "", document)]
    while waiting:
        depth, pointer, value = waiting.pop()
        if isinstance(value, dict):
            yield depth + 1, pointer, value
            waiting += [(depth + 1, f"{pointer}/{escaped(name)}", value[name]) for name in value]
        elif isinstance(value, list):
            yield depth + 1, pointer, value
            waiting += [(depth + 1, f"{pointer}/{place}", each) for place, each in enumerate(value)]
        else:
            yield depth, pointer, value


def check_text(document: object) -> None:
    """Refuse what no two databases keep alike: the character NUL and half a surrogate pair."""
    wrong = tuple(
        Detail(_printable(pointer), "not_text", "A text holds the character NUL or half a surrogate pair.")
        for _, pointer, value in _walk(document)
        for text in ([value] if isinstance(value, str) else value if isinstance(value, dict) else [])
        if not _storable(text)
    )
    if wrong:
        raise BodyInvalid("A text holds a character that cannot be kept.", details=wrong[:10])


def _storable(text: str) -> bool:
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(text: str) -> str:
    return text.encode(errors="replace").decode().replace("\x00", "?")


def _shown(name: str) -> str:
    return json.dumps(name[:60])


def escaped(name: str) -> str:
    """Write a name as one step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


# --- msgspec's complaints as pointers ---

_COMPLAINT: Final = re.compile(r"(?P<says>.*?)(?: - at `(?:key` in `)?\$(?P<path>.*)`)?", re.DOTALL)
_STEP: Final = re.compile(r"\[(?P<place>\d+)\]|\.(?P<name>[^.\[]+)|\[\.\.\.\]")
_FIELD: Final = re.compile(r"Object (?P<what>contains unknown|missing required) field `(?P<name>.*)`", re.DOTALL)
_CODES: Final = (
    ("unknown_field", "contains unknown"),
    ("required", "missing required"),
    ("too_short", "of length >="),
    ("too_long", "of length <="),
    ("out_of_range", "Expected `int` >"),
    ("out_of_range", "Expected `int` <"),
    ("out_of_range", "out of range"),
    ("zone_missing", "timezone component"),
    ("not_a_time", "Invalid RFC3339"),
    ("not_one_of", "Invalid enum value"),
    ("pattern", "matching regex"),
    ("wrong_type", "Expected "),
)
_WORDS: Final = {
    "int": "a whole number",
    "str": "a text",
    "object": "an object",
    "array": "a list",
    "bool": "true or false",
    "datetime": "a time as in RFC 3339",
    "date": "a date",
    "float": "a number with a point or exponent",
    "null": "null",
}


def invalid(problem: msgspec.ValidationError) -> LoyaltyError:
    """Turn msgspec's complaint into BodyInvalid with a pointer, a stable code and a sentence."""
    heard = _COMPLAINT.fullmatch(str(problem))
    assert heard is not None, "every text matches"
    says, pointer = heard["says"], _pointer(heard["path"] or "")
    if field := _FIELD.fullmatch(says):
        pointer += f"/{escaped(field['name'])}"
        says = "There is no such field here." if field["what"] == "contains unknown" else "This field is required."
    code = next((code for code, sign in _CODES if sign in heard["says"]), "invalid")
    return BodyInvalid(details=(Detail(pointer, code, _plain(says)),))


def _pointer(path: str) -> str:
    return "".join(f"/{escaped(step['name'] or step['place'] or '*')}" for step in _STEP.finditer(path))


def _plain(says: str) -> str:
    """Put msgspec's type names in words: "Expected a whole number, got a text"."""
    words = re.sub(r"`([a-z| ]+)`", lambda types: " or ".join(_word(each) for each in types[1].split(" | ")), says)
    return words if words.endswith(".") else f"{words}."


def _word(name: str) -> str:
    return _WORDS.get(name, name)
