"""Writes words.tsv: what members text, in every way we could think of, and what each must mean.

What a text must mean is decided here by how it was made, never by the program: run it again after adding words.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
OWN = {"KAFFE": "join", "STEMPLER": "balance", "GRÄDDBULLE": "perks"}

WORDS = {
    "stop": [
        "STOP", "STOPP", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "AVSLUTT", "AVSLUTA",
        "AVREGISTRERA", "AFMELD", "FRAMELD", "LOPETA", "SEIS", "PERUUTA", "OPT OUT", "MELD AV",
    ],
    "stop_all": ["STOPALL", "STOP ALL", "STOPP ALT", "STOPP ALLT", "STOP ALT"],
    "start": ["START", "UNSTOP", "ALOITA"],
    "join": ["JOIN", "BLI MED", "GÅ MED", "TILMELD", "LIITY"],
    "yes": ["YES", "JA", "KYLLÄ"],
    "no": ["NO", "NEI", "NEJ", "EI"],
    "help": ["HELP", "INFO", "HJELP", "HJÄLP", "HJÆLP", "APUA", "OHJE"],
    "balance": ["BALANCE", "POINTS", "SALDO", "POENG", "POÄNG", "POINT", "PISTEET"],
    "why": ["WHY", "HVORFOR", "KVIFOR", "VARFÖR", "MIKSI"],
    "perks": ["PERKS", "FORDELER", "FORDELAR", "FÖRMÅNER", "FORDELE", "EDUT"],
    "use": ["USE", "BRUK", "ANVÄND", "BRUG", "KÄYTÄ"],
    "page": ["PAGE", "MY PAGE", "SIDE", "MIN SIDE", "SIDA", "MI SIDE", "MIN SIDA", "SIVU", "OMA SIVU"],
    "refer": ["REFER", "VERV", "VÄRVA", "HVERV", "SUOSITTELE"],
    "complaint": ["COMPLAINT", "KLAGE", "KLAGA", "VALITUS"],
}  # fmt: skip  # fmt: skip
STRONG = {"STOP", "STOPP", "UNSUBSCRIBE", "OPTOUT", "AVREGISTRERA", "AFMELD", "FRAMELD", "LOPETA", "OPT OUT", "MELD AV"}
# Latin to Cyrillic.
LOOKALIKE = str.maketrans("AEOPCTXK", "\u0410\u0415\u041e\u0420\u0421\u0422\u0425\u041a")
# Texts that mean none of the words: nobody is let in or out by them, and a person reads them.
NOTHING = [
    "", " ", "?", "...", "👍", "🛑", "❤️", "12345", "4", "ok", "Hei", "Hello there", "Thanks!", "Tusen takk", "Kiitos paljon",
    "Who is this?", "Hvem er dette?", "Vem är det?", "Kuka siellä?", "What are your opening hours?", "Når åpner dere?",
    "Is there a bus stop near the shop?", "Don't stop", "dont stop sending me these", "Ikke stopp", "Sluta inte!",
    "Älä lopeta", "please never stop", "Stoppestedet var stengt", "Is the end of the week ok?", "End of story",
    "Cancel culture is a thing", "I would quit coffee for tea", "Avslutt gjerne med kake", "We end at 5",
    "Startup idea", "Join us for dinner on Friday", "joint", "joining", "Yes but only on Mondays", "Ja kanskje i morgen",
    "ja det var godt kaffe", "Nei det var for dyrt", "No problem at all", "Saldoen min er feil tror jeg",
    "POENG TAKK FOR SIST", "points of view", "Hjelpen kom for sent", "Info om åpningstider", "why not", "Hvorfor det",
    "Poengløst", "SALDOEN", "STARTT", "STAR", "STO", "SOTP", "TOP", "POSTOP", "nonstop", "backstop", "stopwatch",
    "desktop", "bistopp", "JAJA", "JAA", "YESSIR", "NEIDA", "NEJDÅ", "EIPÄ", "KYLLÄPÄ", "HELPER", "INFOS",
    "La meg få en kopp til", "Kan jeg sende pengene i morgen?", "Send me the menu", "Skicka menyn", "Send menyen",
    "Lähetä menu", "I want more texts", "Jeg vil ha flere tilbud", "Jag vill ha mer reklam", "Haluan lisää viestejä",
    "My number is new", "Nytt nummer: 999 00 123", "Jeg trenger kvittering", "Kvittering takk", "Kuitti kiitos",
    "<script>alert(1)</script>", "'; DROP TABLE members; --", "{{7*7}}", "=HYPERLINK(1)", "\u202e", "\u0000", "ＨＥＩ",
]  # fmt: skip


def plain(word: str) -> str:
    """Without diacritics, as a foreign keyboard writes it."""
    flat = word.replace("Ø", "O").replace("Æ", "AE")
    return "".join(letter for letter in unicodedata.normalize("NFD", flat) if not unicodedata.combining(letter))


def wide(word: str) -> str:
    """In full-width letters."""
    return "".join(chr(ord(letter) + 0xFEE0) if "A" <= letter <= "Z" else letter for letter in word)


def ways(word: str) -> Iterator[str]:
    """The ways one word is typed."""
    for typed in dict.fromkeys((word, plain(word), unicodedata.normalize("NFD", word))):
        yield from (typed, typed.lower(), typed.capitalize(), typed.title().swapcase())
        yield from (
            f"{typed}.",
            f"{typed}!",
            f"{typed.lower()}!!!",
            f"{typed}?",
            f"  {typed.lower()}  ",
            f"\n{typed}\r\n",
        )
        yield from (
            f'"{typed}"',
            f"\u00ab{typed}\u00bb",
            f"\u201c{typed.capitalize()}\u201d",
            f"'{typed}'",
            f"({typed})",
        )
        yield from (
            f"{typed} \U0001f642",
            f"\U0001f64f{typed.lower()}\U0001f64f",
            f"\u200e{typed}",
            f"*{typed}*",
            f"{typed} :)",
        )
        yield typed.replace(" ", "\u00a0") if " " in typed else f"\u00a0{typed}"
    yield from (wide(word), word.replace("AE", "ae").replace("Å", "AA").replace("Ä", "AE").replace("Ö", "OE"))


def rows() -> Iterator[tuple[str, str | None]]:
    """Every text with what it must mean."""
    for kind, words in WORDS.items():
        for word in words:
            yield from ((typed, kind) for typed in ways(word))
            lookalike = word.translate(LOOKALIKE)
            if lookalike != word:
                yield lookalike, kind if kind.startswith("stop") else None
    for word, kind in OWN.items():
        yield from ((typed, kind) for typed in ways(word))
    for word in sorted(STRONG):
        for around in ("{} please", "please {}", "Hei, {} takk", "{} NOW!!", "{} og så hva er saldoen min", "SALDO {}",
                       "{} SALDO", "JA {}", "START {}", "{} JA", "HELP {}", "Pls {}!", "{} {}",
                       "JA, men {}", "SALDO og så {} med dette"):  # fmt: skip
            yield around.replace("{}", word), "stop"
    for spaced in (
        "S T O P",
        "s t o p p",
        "S.T.O.P",
        "S-T-O-P!",
        "S_T_O_P",
        "STOOOP",
        "STOPPPP",
        "sssstop",
        "ＳＴＯＰ",
        "ST0P",
    ):
        yield spaced, "stop"
    for code in ("GRUNERLOKKA", "grunerlokka", "K7QF", "ida-12", "AIRPORT_2"):
        for word in ("JOIN", "join", "Kaffe", "BLI MED", "TILMELD", "Liity"):
            yield f"{word} {code}", "join"
    for perk in ("free coffee", "GRATIS KAFFE", "1", "bullar", "ilmainen kahvi", "kaffe & kake"):
        for word in ("USE", "bruk", "Använd", "BRUG", "käytä"):
            yield f"{word} {perk}", "use"
    for friend in ("+47 999 00 201", "99900202", "0046 70 174 06 10", "Ola"):
        for word in ("REFER", "verv", "Värva", "HVERV", "suosittele"):
            yield f"{word} {friend}", "refer"
    for told in ("kaffen var kald", "the cup was dirty", "Kahvi oli kylmää!", "köket var stängt"):
        for word in ("COMPLAINT", "Klage", "KLAGA", "valitus:"):
            yield f"{word} {told}", "complaint"
    yield from ((sentence, "stop") for sentence in (HERE / "leave_me_alone.txt").read_text("utf-8").splitlines())
    yield from ((text, None) for text in NOTHING)


def table() -> str:
    """Each text once, as JSON, a tab, and what it means."""
    once = dict(reversed(list(rows())))
    return "".join(f"{json.dumps(text, ensure_ascii=False)}\t{kind or '-'}\n" for text, kind in reversed(once.items()))


if __name__ == "__main__":
    (HERE / "words.tsv").write_text(table(), encoding="utf-8")
