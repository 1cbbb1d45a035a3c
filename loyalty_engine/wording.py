"""The few words of our own that a member reads on a receipt, in the languages we speak; the rest is the programme's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import rules

_BALANCE = {
    "da": "saldo", "en": "balance", "fi": "saldo", "nb": "saldo", "nn": "saldo", "no": "saldo", "sv": "saldo",
}  # fmt: skip


def language_for(programme: rules.Programme, wanted: str | None) -> str:
    """Choose the language to speak: the member's if the programme has it, else the programme's first."""
    languages = programme.about.languages
    return wanted if wanted in languages else languages[0]


def unit_name(programme: rules.Programme, unit: str, amount: int, language: str) -> str:
    """Name a unit as the programme does, one or many; a unit without wording is called by its own name."""
    known = programme.units.get(unit)
    wording = known.name.get(language) if known else None
    if wording is None:
        return unit
    return wording.one if abs(amount) == 1 else wording.other


def receipt_lines(programme: rules.Programme, language: str, moves: Iterable[tuple[str, int, int]]) -> tuple[str, ...]:
    """Say on a receipt what moved: `(unit, amount, balance)` becomes "+12 poeng (saldo 112)"."""
    balance = _BALANCE.get(language, _BALANCE["en"])
    return tuple(
        f"{amount:+d} {unit_name(programme, unit, amount, language)} ({balance} {after})"
        for unit, amount, after in moves
        if amount
    )
