"""The words members text, in the languages we speak: each with what it asks for, as people write them.

The words are written once, with their diacritics; `spellings` gives the other ways they are typed. Sources: the
vendors' and regulators' lists of words that end messages, and everyday language.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final, Literal

Kind = Literal[
    "stop", "stop_all", "start", "join", "yes", "no", "help", "balance", "why", "perks", "use", "refer", "complaint",
    "code", "not_me", "page",
]  # fmt: skip

WORDS: Final[dict[Kind, tuple[str, ...]]] = {
    "start": ("START", "UNSTOP", "ALOITA"),
    "join": (
        "JOIN", "SIGN UP", "BLI MED", "BLI MEDLEM", "MEDLEM", "GÅ MED", "TILMELD", "BLIV MEDLEM", "LIITY", "JÄSEN",
    ),
    "yes": (
        "YES", "YES PLEASE", "JA", "JA TAKK", "JA TACK", "JA TAK", "KYLLÄ", "KYLLÄ KIITOS",
    ),
    "no": (
        "NO", "NO THANKS", "NO THANK YOU", "NEI", "NEI TAKK", "NEJ", "NEJ TACK", "NEJ TAK", "EI", "EI KIITOS",
    ),
    "help": ("HELP", "INFO", "HJELP", "HJÄLP", "HJÆLP", "APUA", "OHJE"),
    "balance": ("BALANCE", "POINTS", "SALDO", "POENG", "POÄNG", "POINT", "PISTEET"),
    "why": ("WHY", "HVORFOR", "KVIFOR", "VARFÖR", "MIKSI"),
    "perks": ("PERKS", "FORDELER", "FORDELAR", "FÖRMÅNER", "FORDELE", "EDUT"),
    "use": ("USE", "BRUK", "ANVÄND", "BRUG", "KÄYTÄ"),
    "refer": ("REFER", "VERV", "VÄRVA", "HVERV", "SUOSITTELE"),
    "not_me": (
        "NOT ME", "THAT WAS NOT ME", "IT WAS NOT ME", "IKKE MEG", "DET VAR IKKE MEG", "IKKJE MEG", "DET VAR IKKJE MEG",
        "INTE JAG", "DET VAR INTE JAG", "IKKE MIG", "DET VAR IKKE MIG", "EN MINÄ", "SE EN OLLUT MINÄ",
    ),
    "page": ("PAGE", "MY PAGE", "SIDE", "MIN SIDE", "SIDA", "MI SIDE", "MIN SIDA", "SIVU", "OMA SIVU"),
    "complaint": ("COMPLAINT", "COMPLAIN", "KLAGE", "KLAGA", "KLAGOMÅL", "VALITUS"),
}  # fmt: skip
# What may follow a word of this kind: nothing, a code, or anything.
FOLLOWED: Final[dict[Kind, Literal["code", "anything"]]] = {
    "join": "code", "use": "anything", "refer": "anything", "complaint": "anything",
}  # fmt: skip

# Words that mean "stop" wherever they begin a message, whatever follows.
STOP: Final = (
    "STOP", "STOPP", "STOPALL", "STOPPALT", "STOPPALLA", "UNSUBSCRIBE", "OPTOUT", "OPT OUT", "MELD AV", "AVMELD",
    "MELD MEG AV", "MELD MIG AV", "MELD MIG FRA", "AVREGISTRERA", "AFMELD", "FRAMELD", "LOPETA",
)  # fmt: skip
# Words that mean it when they are all that is said: "END", and not "end of the week".
STOP_ALONE: Final = (
    "CANCEL", "END", "QUIT", "REVOKE", "AVSLUTT", "AVSLUTA", "AFSLUT", "SEIS", "PERUUTA",
)  # fmt: skip
# After a word for stopping: for every purpose and on every channel.
ALL: Final = ("ALL", "ALT", "ALLE", "ALLT", "ALLA", "EVERYTHING", "KAIKKI")
# What people say around it without saying more.
POLITE: Final = (
    "PLEASE", "PLS", "PLZ", "KINDLY", "THANKS", "THANK", "YOU", "THX", "NOW", "HI", "HELLO", "HEY", "OK", "JUST", "ME",
    "IT", "THIS", "TEXTS", "MESSAGES", "SMS", "DEAR", "SIR", "VENNLIGST", "VÆR", "SÅ", "SNILL", "TAKK", "NÅ", "NO",
    "NEI", "HEI", "HALLO", "MEG", "MIG", "SNÄLLA", "VÄNLIGEN", "TACK", "NU", "HEJ", "NEJ", "VENLIGST", "TAK", "KIITOS",
    "NYT", "EI", "HETI", "STRAKS", "GENAST", "MVH", "OG", "OCH", "AND", "JA", "YES",
)  # fmt: skip

# Sentences that ask to be left alone, as patterns over folded words: (a|b) are choices, and * is up to three words.
LEAVE_ME_ALONE: Final = (
    # English
    "(STOP|QUIT|CEASE) (SENDING|TEXTING|MESSAGING|SMSING|CONTACTING|SPAMMING|BOTHERING|WRITING|EMAILING|HARASSING|CALLING)",
    "STOP (ALL|THIS|THESE|YOUR|THE) * (TEXTS|MESSAGES|SMS|SPAM|ADS|OFFERS|MARKETING|NONSENSE|ADVERTS|EMAILS)",
    "(STOP|QUIT) IT", "LEAVE ME (ALONE|BE)", "LEAVE US ALONE", "PISS OFF", "GO AWAY",
    "(DO NOT|DONT|NEVER) * (TEXT|CONTACT|MESSAGE|WRITE|SMS|EMAIL|BOTHER|DISTURB|SPAM) (ME|US|MY|THIS|AGAIN|ANYMORE)",
    "(DO NOT|DONT|NEVER) * SEND (ME|US|ANY|MORE|ANYTHING|TEXTS|MESSAGES)",
    "NO MORE (TEXTS|MESSAGES|SMS|OFFERS|SPAM|ADS|MARKETING|ADVERTISING|EMAILS|ADVERTS|OF THIS)",
    "OPT ME OUT", "OPT OUT", "(WANT|WISH|LIKE) TO (OPT OUT|UNSUBSCRIBE|STOP)", "UNSUBSCRIBE ME", "SIGN ME OFF",
    "(TAKE|GET|REMOVE) ME (OFF|FROM|OUT)", "REMOVE (ME|MY NUMBER|THIS NUMBER)", "(DELETE|LOSE|FORGET) MY NUMBER",
    "(DO NOT|DONT|NO LONGER) (WANT|WISH|NEED) * (TEXTS|MESSAGES|SMS|OFFERS|SPAM|ADS|MARKETING|THIS|THESE|EMAILS)",
    "(WITHDRAW|REVOKE|CANCEL) (MY|THE) * (CONSENT|PERMISSION|SUBSCRIPTION|MESSAGES|TEXTS)",
    "NOT INTERESTED", "ENOUGH (TEXTS|MESSAGES|SPAM|ADS|SMS)", "(PLEASE|PLS|JUST|CAN YOU|COULD YOU|WILL YOU|MAKE IT) STOP",
    # Norwegian
    "LA MEG (VÆRE|VERE|FÅ VÆRE|FÅ VERE|I FRED)", "LA MEG * I FRED",
    "(SLUTT|STOPP) (Å|MED|MED Å|AA) * (SENDE|SENDA|TEKSTE|MASE|MASA|PLAGE|PLAGA|SPAMME|SMSE|SKRIVE|SKRIVA|KONTAKTE|FORSTYRRE|REKLAME|MELDINGER|MELDINGAR|SMS|DETTE|DETTA)",
    "(IKKE|IKKJE) (SEND|SENDE|SENDA|TEKST|TEKSTE|SMS|KONTAKT|PLAG|PLAGE|MAS|FORSTYRR|SKRIV|SPAM) * (MEG|MER|MEIR|FLERE|FLEIRE|REKLAME|SMS|MELDINGER|MELDINGAR|TIL)",
    "(INGEN|IKKE|IKKJE) (FLERE|FLEIRE|MER|MEIR) (MELDINGER|MELDINGAR|SMS|TILBUD|TILBOD|TEKSTER|REKLAME|SPAM|ER|TAKK)",
    "(VIL|ØNSKER|ØNSKJER) (IKKE|IKKJE) * (MELDINGER|MELDINGAR|SMS|TILBUD|TILBOD|REKLAME|SPAM|DETTE|DETTA|MER|MEIR|DERE|DYKK|KONTAKTES)",
    "(FJERN|SLETT|STRYK) (MEG|NUMMERET MITT|MITT NUMMER|NUMMERET)", "MELD MEG (AV|UT)", "AVMELD MEG", "TA MEG (AV|BORT)",
    "(TREKKER|TREKK|TREKKJER) (TILBAKE )?* (SAMTYKKE|SAMTYKKET)", "NOK (REKLAME|SMS|MELDINGER|MELDINGAR|SPAM)",
    "(VENNLIGST|VÆR SÅ SNILL Å|KAN DERE|KAN DU|KAN DE) (STOPP|STOPPE|SLUTT|SLUTTE)", "INGEN REKLAME",
    # Swedish
    "LÄMNA MIG (IFRED|I FRED)", "LÅT MIG (VARA|VARA IFRED)",
    "SLUTA (SKICKA|SMSA|STÖRA|SPAMMA|TJATA|SKRIVA|KONTAKTA|MED|MESSA)", "(SKICKA|SMSA|SKRIV|KONTAKTA|STÖR|MESSA) (INTE|MIG INTE|INGA|INGET|ALDRIG)",
    "INTE * (FLER|MER) (SMS|MEDDELANDEN|ERBJUDANDEN|REKLAM)",
    "(INGA|INGEN) (FLER|MER) (SMS|MEDDELANDEN|ERBJUDANDEN|REKLAM|SPAM)", "INGEN REKLAM",
    "(VILL|ÖNSKAR) INTE * (SMS|MEDDELANDEN|ERBJUDANDEN|REKLAM|SPAM|MER|DETTA|KONTAKTAS|ER)",
    "TA BORT (MIG|MITT NUMMER|MITT NR)", "AVREGISTRERA MIG", "(ÅTERKALLAR|ÅTERKALLA|ÅTERTAR|DRAR TILLBAKA) * SAMTYCKE", "RADERA MITT NUMMER",
    "(SNÄLLA|KAN NI|VÄNLIGEN) SLUTA",
    # Danish
    "LAD MIG (VÆRE|VÆRE I FRED|FÅ FRED|FÅ RO)", "(HOLD|STOP) (OP MED|MED) (AT )?* (SENDE|SKRIVE|SMSE|SPAMME|FORSTYRRE|KONTAKTE|DET|REKLAMER|BESKEDER)",
    "(SEND|SKRIV|KONTAKT|FORSTYR|SMS) (IKKE|MIG IKKE|ALDRIG)", "IKKE FLERE (BESKEDER|SMS|SMSER|TILBUD|REKLAMER|TAK)",
    "INGEN FLERE (BESKEDER|SMS|SMSER|TILBUD|REKLAMER)", "INGEN REKLAMER",
    "(VIL|ØNSKER) IKKE * (BESKEDER|SMS|SMSER|TILBUD|REKLAMER|SPAM|DETTE|KONTAKTES|JER)",
    "(FJERN|SLET) (MIG|MIT NUMMER|NUMMERET)", "(AFMELD|FRAMELD) MIG", "MELD MIG (FRA|AF)", "(TRÆKKER|TILBAGEKALDER) * SAMTYKKE",
    # Finnish
    "(JÄTÄ|JÄTTÄKÄÄ) MINUT RAUHAAN", "(JÄTÄ|JÄTTÄKÄÄ) RAUHAAN",
    "ÄLÄ * (LÄHETÄ|LÄHETTELE|VIESTITTELE|TEKSTAA|OTA|HÄIRITSE|KIUSAA|KIRJOITA)",
    "ÄLKÄÄ * (LÄHETTÄKÖ|LÄHETELKÖ|OTTAKO|HÄIRITKÖ|KIUSATKO|KIRJOITTAKO|VIESTITELKÖ)",
    "EI ENÄÄ (VIESTEJÄ|MAINOKSIA|TEKSTIVIESTEJÄ|TARJOUKSIA|KIITOS)", "EI (MAINOKSIA|MAINOSVIESTEJÄ)",
    "EN (HALUA|TOIVO|TARVITSE) * (VIESTEJÄ|MAINOKSIA|TEKSTIVIESTEJÄ|TARJOUKSIA|NÄITÄ|ENEMPÄÄ|TÄTÄ)",
    "(LOPETTAKAA|LOPETA)", "(POISTA|POISTAKAA) (MINUT|NUMERONI|NUMERO|TIETONI)", "(PERUN|PERUUTAN|PERUUTA) * (SUOSTUMUKSEN|SUOSTUMUKSENI|TILAUKSEN|TILAUKSENI)",
    "LOPETTAISITTEKO",
)  # fmt: skip
# Sentences that ask for the opposite, though a word for stopping stands in them.
GO_ON: Final = (
    "(DO NOT|DONT|NEVER) (EVER )?(STOP|QUIT|UNSUBSCRIBE|CANCEL)", "(IKKE|IKKJE) (STOPP|SLUTT|STOP|STOPPE|SLUTTE|MELD MEG AV|AVMELD)",
    "(SLUTA|STOPPA|AVREGISTRERA) (INTE|MIG INTE|ALDRIG)", "INTE (SLUTA|STOPPA)", "ALDRIG SLUTA",
    "(STOP|HOLD|AFMELD) (IKKE|MIG IKKE)", "ÄLÄ (LOPETA|PERUUTA)", "ÄLKÄÄ (LOPETTAKO|PERUUTTAKO)", "(STOPP|SLUTT) (IKKE|IKKJE|ALDRI)",
)  # fmt: skip

# Letters of other scripts that look like ours; somebody's keyboard or joke, and no other word.
LOOKALIKES: Final = str.maketrans(
    dict(zip("АВЕЅЗНІЈКМОРԚСТУХЬ", "ABES3HIJKMOPQCTYXB", strict=True))  # Cyrillic
    | dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹ", "ABEZHIKMNOPTYXC", strict=True))  # Greek
    | dict(zip("ՏՕᏚᎢᏢ", "SOSTP", strict=True))  # Armenian and Cherokee
    | {"0": "O"}
)
_OWN_LETTERS: Final = str.maketrans({"Ø": "O", "Æ": "AE", "Đ": "D", "Ł": "L", "ẞ": "SS"})
_TWO_LETTERS: Final = str.maketrans({"Æ": "AE", "Ø": "OE", "Å": "AA", "Ä": "AE", "Ö": "OE"})
_ONE_LETTER: Final = str.maketrans({"Æ": "A", "Ø": "O"})


def folded(word: str) -> str:
    """A word in capitals without its diacritics."""
    own = word.upper().translate(_OWN_LETTERS)
    return "".join(letter for letter in unicodedata.normalize("NFD", own) if not unicodedata.combining(letter))


def spellings(word: str) -> Iterator[str]:
    """The ways a word is typed, folded: as it is, and with two letters or one for a letter the keyboard lacks."""
    yield folded(word)
    yield folded(word.translate(_TWO_LETTERS))
    yield folded(word.translate(_ONE_LETTER))
