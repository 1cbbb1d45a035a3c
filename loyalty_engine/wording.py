"""The few words of our own that a member reads on a receipt, in the languages we speak; the rest is the programme's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rules

if TYPE_CHECKING:
    from collections.abc import Iterable

_BALANCE = {
    "da": "saldo", "en": "balance", "fi": "saldo", "nb": "saldo", "nn": "saldo", "no": "saldo", "sv": "saldo",
}  # fmt: skip


_TO = {
    "da": "{0} til {1}", "en": "{0} to {1}", "fi": "vielä {0}: {1}", "nb": "{0} til {1}", "nn": "{0} til {1}",
    "no": "{0} til {1}", "sv": "{0} till {1}",
}  # fmt: skip


_TAKEN_BACK = {
    "da": "taget tilbage: {}", "en": "taken back: {}", "fi": "otettu takaisin: {}", "nb": "tatt tilbake: {}",
    "nn": "teke tilbake: {}", "no": "tatt tilbake: {}", "sv": "återtaget: {}",
}  # fmt: skip


def taken_back(reason: str, language: str = "en") -> str:
    """Say why units were taken back: because what they were given for came back."""
    return _TAKEN_BACK.get(language, _TAKEN_BACK["en"]).format(reason)


# What is being spent, the code it takes, and what to do when it was somebody else.
_SPENDING = {
    "da": ("{0} indløses", "Kode: {0}.", "Ikke dig? Svar IKKE MIG."),
    "en": ("{0} is being redeemed", "Code: {0}.", "Not you? Reply NOT ME."),
    "fi": ("lunastetaan: {0}", "Koodi: {0}.", "Etkö se ollut sinä? Vastaa EN MINÄ."),
    "nb": ("{0} løses inn", "Kode: {0}.", "Ikke deg? Svar IKKE MEG."),
    "nn": ("{0} blir løyst inn", "Kode: {0}.", "Ikkje deg? Svar IKKJE MEG."),
    "no": ("{0} løses inn", "Kode: {0}.", "Ikke deg? Svar IKKE MEG."),
    "sv": ("{0} löses in", "Kod: {0}.", "Inte du? Svara INTE JAG."),
}


# What was agreed to elsewhere, and what confirms it.
_CONFIRMING = {
    "da": "{0}: {1} Svar JA for at bekræfte.",
    "en": "{0}: {1} Reply YES to confirm.",
    "fi": "{0}: {1} Vahvista vastaamalla KYLLÄ.",
    "nb": "{0}: {1} Svar JA for å bekrefte.",
    "nn": "{0}: {1} Svar JA for å stadfeste.",
    "no": "{0}: {1} Svar JA for å bekrefte.",
    "sv": "{0}: {1} Svara JA för att bekräfta.",
}
_CUT = "..."


def confirming_text(business: str, language: str, words: str) -> str:
    """Ask the member to say again what they have agreed to, in one part: words too long for it are cut short."""
    says, asked, who = _CONFIRMING.get(language, _CONFIRMING["en"]), rules.plain(words), rules.plain(business)
    while rules.sms_parts(text := says.format(who, asked)) > 1 and len(asked) > len(_CUT):
        asked = asked.removesuffix(_CUT)[:-4].rstrip() + _CUT
    return text


def language_for(programme: rules.Programme, wanted: str | None) -> str:
    """Choose the language to speak: the member's if the programme has it, else the programme's first."""
    languages = programme.about.languages
    return wanted if wanted in languages else languages[0]


def said_in(wording: rules.Wording, language: str) -> str:
    """Tell in which language a wording is said to somebody: in theirs if it has it, else in its first."""
    return language if language in wording.says else next(iter(wording.says))


def unit_name(programme: rules.Programme, unit: str, amount: int, language: str) -> str:
    """Name a unit as the programme does, one or many; a unit without wording is called by its own name."""
    known = programme.units.get(unit)
    wording = known.name.get(language) if known else None
    if wording is None:
        return unit
    return wording.one if abs(amount) == 1 else wording.other


def perk_name(perk: rules.Perk, language: str) -> str:
    """Name a perk as the programme does; a service by its own words, and one without wording by its id."""
    return (
        perk.says.get(language) or (perk.gives.service or {}).get(language) or next(iter(perk.says.values()), perk.id)
    )


def nudge_text(programme: rules.Programme, language: str, unit: str, missing: int, perk: rules.Perk) -> str:
    """Say what is missing to a perk: "2 stamps to a free coffee"."""
    name = perk_name(perk, language)
    name = name[:1].lower() + name[1:] if name[1:2].islower() or name[1:2] == " " else name
    units = f"{missing} {unit_name(programme, unit, missing, language)}"
    return _TO.get(language, _TO["en"]).format(units, name)


def spending_text(programme: rules.Programme, language: str, *, says: str, code: str | None, undo: str) -> str:
    """Tell a member what is being spent at a till, with the code it takes, and how to say that it was not them."""
    spent, wants, other = _SPENDING.get(language, _SPENDING["en"])
    asked = f" {wants.format(code)}" if code else ""
    text = f"{rules.plain(programme.name)}: {rules.plain(spent.format(says))}.{asked} {other}"
    # The token is for whoever has a way to use it; it is not worth a second part.
    return longer if rules.sms_parts(longer := f"{text} {undo}") == 1 else text


def redeemed_lines(
    programme: rules.Programme, language: str, redeemed: Iterable[tuple[str, int]]
) -> tuple[str, ...]:  # fmt: skip
    """Say on a receipt what was redeemed: `(perk, discount)` becomes "En gratis kaffe: -49 kr"."""
    money = programme.words(language).money
    return tuple(f"{says}: -{money(off)}" if off else says for says, off in redeemed)


def receipt_lines(programme: rules.Programme, language: str, moves: Iterable[tuple[str, int, int]]) -> tuple[str, ...]:
    """Say on a receipt what moved: `(unit, amount, balance)` becomes "+12 poeng (saldo 112)"."""
    balance = _BALANCE.get(language, _BALANCE["en"])
    return tuple(
        f"{amount:+d} {unit_name(programme, unit, amount, language)} ({balance} {after})"
        for unit, amount, after in moves
        if amount
    )
