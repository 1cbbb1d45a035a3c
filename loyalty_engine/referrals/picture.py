"""The graph of who brought whom as a drawing: ambassadors to the left, the friends they brought to their right.

Pure: nothing here reads or writes. Invariant: the same referrals give the same drawing, and no word in it is markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from msgspec import Struct

_COLUMN: Final = 210
_ROW: Final = 30
_MARGIN: Final = 24
_HEAD: Final = 34
_DOT: Final = 6
# By what became of it: colour, dashes, and the word for it. Told apart without colour, too.
_LINES: Final[dict[str, tuple[str, str, str]]] = {
    "credited": ("#1b7f4b", "", "credited"),
    "held": ("#8a6d00", "6 3", "waits for the return window"),
    "joined": ("#3a6ea5", "2 3", "has joined"),
    "review": ("#b54708", "8 3 2 3", "waits for a person"),
    "clawed_back": ("#8a8a8a", "1 4", "taken back"),
}


class Edge(Struct, frozen=True):
    """That one member brought another, and what became of it."""

    ambassador: str
    friend: str
    state: str


class Place(Struct, frozen=True):
    """Where a member stands in the drawing."""

    member: str
    column: int
    row: int

    @property
    def x(self) -> int:
        """Give the distance from the left."""
        return _MARGIN + self.column * _COLUMN

    @property
    def y(self) -> int:
        """Give the distance from the top."""
        return _HEAD + _MARGIN + self.row * _ROW


def places(edges: Sequence[Edge]) -> list[Place]:
    """Give everybody a place: friends below each other beside their ambassador, whole families apart."""
    brought: dict[str, list[str]] = {}
    for edge in edges:
        brought.setdefault(edge.ambassador, []).append(edge.friend)
    friends = {edge.friend for edge in edges}
    found: dict[str, Place] = {}
    row = 0
    for root in [one for one in brought if one not in friends]:
        waiting = [(root, 0)]
        while waiting:
            member, column = waiting.pop()
            if member in found:
                continue
            found[member] = Place(member, column, row)
            below = [one for one in brought.get(member, []) if one not in found]
            # The first friend stands on the ambassador's own line, each other on the next free one.
            row += not below
            waiting += [(one, column + 1) for one in reversed(below)]
    return list(found.values())


def draw(edges: Sequence[Edge], labels: dict[str, str], *, title: str, left_out: int = 0) -> str:
    """Draw the graph in SVG: a line for each friend, a dot for each member, and what the lines mean."""
    placed = {place.member: place for place in places(edges)}
    drawn = [edge for edge in edges if edge.ambassador in placed and edge.friend in placed]
    states = [state for state in _LINES if any(_kind(edge) == state for edge in drawn)]
    rows = max((place.row for place in placed.values()), default=0)
    columns = max((place.column for place in placed.values()), default=0)
    width = max(2 * _MARGIN + (columns + 1) * _COLUMN, 460)
    height = _HEAD + 2 * _MARGIN + (rows + 1) * _ROW + (len(states) + bool(left_out)) * _ROW
    said = f"{title}: {len(drawn)} friends"
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    words = f'role="img" aria-label="{escape(said)}" font-family="sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {words}>',
        f"<title>{escape(said)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{_MARGIN}" y="{_HEAD - 8}" font-size="16" fill="#1a1a1a">{escape(said)}</text>',
        *(_line(placed[edge.ambassador], placed[edge.friend], _kind(edge)) for edge in drawn),
        *(_dot(place, labels.get(place.member, "")) for place in placed.values()),
        *_legend(states, left_out, _HEAD + 2 * _MARGIN + (rows + 1) * _ROW),
        "</svg>",
    ]
    return "\n".join(parts)


def _kind(edge: Edge) -> str:
    return edge.state if edge.state in _LINES else "clawed_back"


def _line(one: Place, other: Place, state: str) -> str:
    colour, dashes, _ = _LINES[state]
    half = (one.x + other.x) // 2
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<path d="M {one.x} {one.y} C {half} {one.y} {half} {other.y} {other.x} {other.y}" fill="none" '
        f'stroke="{colour}" stroke-width="2"{dashed}/>'
    )


def _dot(place: Place, label: str) -> str:
    return (
        f'<circle cx="{place.x}" cy="{place.y}" r="{_DOT}" fill="#1a1a1a"/>'
        f'<text x="{place.x + 10}" y="{place.y - 7}" fill="#1a1a1a">{escape(label)}</text>'
    )


def _legend(states: Sequence[str], left_out: int, top: int) -> Iterator[str]:
    for number, state in enumerate(states):
        colour, dashes, word = _LINES[state]
        y = top + number * _ROW
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        yield (
            f'<path d="M {_MARGIN} {y} H {_MARGIN + 60}" stroke="{colour}" stroke-width="2"{dashed}/>'
            f'<text x="{_MARGIN + 70}" y="{y + 4}" fill="#1a1a1a">{escape(word)}</text>'
        )
    if left_out:
        y = top + len(states) * _ROW
        yield f'<text x="{_MARGIN}" y="{y + 4}" fill="#1a1a1a">and {left_out} more</text>'
