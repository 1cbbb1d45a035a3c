"""What the business answers, in each language we speak, always within one part of a text message.

A sentence that begins with a question mark of its own (`?`) is said where there is room for it. Word lists in answers
name the words as the language writes them: whoever reads POENG or PISTEET can text it back.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

import rules
from loyalty_engine.texts import sayings_of_consent

Saying = sayings_of_consent.Saying | Literal[
    "welcome", "already", "balance", "nothing", "why", "why_nothing", "perks", "perks_none", "voucher", "too_few",
    "no_such_perk", "refer", "given", "declined", "stopped", "stopped_all", "started", "help", "complaint", "unknown",
    "stranger", "expiring", "page",
]  # fmt: skip

_NB: Final[dict[Saying, tuple[str, ...]]] = {
    "welcome": (
        "Velkommen til {business}!",
        "?Du samler {unit} når du handler.",
        "Vilkår: {terms}",
        "?{question} Svar JA.",
        "Avslutt: STOPP",
    ),
    "already": ("Du er allerede med hos {business}.", "?Du har {balance}."),
    "balance": ("{business}: du har {balance}.", "?{pending} er på vei.", "?Svar HVORFOR for siste bevegelse."),
    "nothing": ("{business}: du har ikke samlet noe ennå.", "?Si mobilnummeret ditt i kassen neste gang."),
    "why": ("{business} {day}: {amount}.", "{reason}.", "?Du har {balance}."),
    "why_nothing": ("{business}: det har ikke skjedd noe på kontoen din ennå.",),
    "perks": ("{business}: {perks}.", "Svar BRUK og navnet.", "?Du har {balance}."),
    "perks_none": ("{business}: ingen fordeler akkurat nå.", "?Du har {balance}."),
    "voucher": ("{business}: {perk}.", "Vis koden {code} i kassen.", "?Gjelder til {until}."),
    "expiring": ("{business}: {balance} går ut {until}.", "?Svar FORDELER for å se hva du kan få."),
    "too_few": ("{perk} koster {price}.", "Du har {balance}."),
    "no_such_perk": ("{business} har ingen slik fordel.", "Svar FORDELER for listen."),
    "refer": ("Del din kode {code} med en venn:", "{link}", "?Dere får begge noe når vennen handler."),
    "given": ("Takk! Du får tilbud fra {business} på SMS.", "Svar STOPP når du vil slutte."),
    "declined": ("Den er grei, ingen tilbud fra {business}.", "?Fordelene dine er de samme."),
    "stopped": ("Du får ikke flere meldinger fra {business}.", "?Svar START om du angrer."),
    "stopped_all": ("Du får ikke noe mer fra {business}, på noen kanal.", "?Svar START om du angrer."),
    "started": ("{business} kan svare deg igjen.", "?{question} Svar JA."),
    "help": ("{business}: POENG, HVORFOR, FORDELER, KLAGE, STOPP.", "?Hjelp: {terms}"),
    "complaint": ("Beklager, og takk for at du sier fra.", "{business} leser dette og tar kontakt."),
    "unknown": ("{business} forsto ikke det.", "Svar POENG for saldo, HJELP for mer eller STOPP for å slutte."),
    "stranger": ("Dette nummeret er ikke med hos {business}.", "Svar BLI MED for å samle {unit}."),
    "page": ("Siden din hos {business}: {link}", "?Lenken virker i 30 minutter.", "Gi den ikke bort."),
}
_NN: Final[dict[Saying, tuple[str, ...]]] = {
    "welcome": (
        "Velkomen til {business}!",
        "?Du samlar {unit} når du handlar.",
        "Vilkår: {terms}",
        "?{question} Svar JA.",
        "Avslutt: STOPP",
    ),
    "already": ("Du er alt med hos {business}.", "?Du har {balance}."),
    "balance": ("{business}: du har {balance}.", "?{pending} er på veg.", "?Svar KVIFOR for siste rørsle."),
    "nothing": ("{business}: du har ikkje samla noko enno.", "?Sei mobilnummeret ditt i kassa neste gong."),
    "why": ("{business} {day}: {amount}.", "{reason}.", "?Du har {balance}."),
    "why_nothing": ("{business}: det har ikkje skjedd noko på kontoen din enno.",),
    "perks": ("{business}: {perks}.", "Svar BRUK og namnet.", "?Du har {balance}."),
    "perks_none": ("{business}: ingen fordelar akkurat no.", "?Du har {balance}."),
    "voucher": ("{business}: {perk}.", "Vis koden {code} i kassa.", "?Gjeld til {until}."),
    "expiring": ("{business}: {balance} går ut {until}.", "?Svar FORDELAR for å sjå kva du kan få."),
    "too_few": ("{perk} kostar {price}.", "Du har {balance}."),
    "no_such_perk": ("{business} har ingen slik fordel.", "Svar FORDELAR for lista."),
    "refer": ("Del koden din {code} med ein ven:", "{link}", "?De får begge noko når venen handlar."),
    "given": ("Takk! Du får tilbod frå {business} på SMS.", "Svar STOPP når du vil slutte."),
    "declined": ("Den er grei, ingen tilbod frå {business}.", "?Fordelane dine er dei same."),
    "stopped": ("Du får ikkje fleire meldingar frå {business}.", "?Svar START om du angrar."),
    "stopped_all": ("Du får ikkje noko meir frå {business}, på nokon kanal.", "?Svar START om du angrar."),
    "started": ("{business} kan svare deg igjen.", "?{question} Svar JA."),
    "help": ("{business}: POENG, KVIFOR, FORDELAR, KLAGE, STOPP.", "?Hjelp: {terms}"),
    "complaint": ("Orsak, og takk for at du seier frå.", "{business} les dette og tek kontakt."),
    "unknown": ("{business} skjøna ikkje det.", "Svar POENG for saldo, HJELP for meir eller STOPP for å slutte."),
    "stranger": ("Dette nummeret er ikkje med hos {business}.", "Svar BLI MED for å samle {unit}."),
    "page": ("Sida di hos {business}: {link}", "?Lenkja verkar i 30 minutt.", "Gje ho ikkje bort."),
}
_SV: Final[dict[Saying, tuple[str, ...]]] = {
    "welcome": (
        "Välkommen till {business}!",
        "?Du samlar {unit} när du handlar.",
        "Villkor: {terms}",
        "?{question} Svara JA.",
        "Avsluta: STOPP",
    ),
    "already": ("Du är redan med hos {business}.", "?Du har {balance}."),
    "balance": ("{business}: du har {balance}.", "?{pending} är på väg.", "?Svara VARFÖR för senaste händelsen."),
    "nothing": ("{business}: du har inte samlat något än.", "?Säg ditt mobilnummer i kassan nästa gång."),
    "why": ("{business} {day}: {amount}.", "{reason}.", "?Du har {balance}."),
    "why_nothing": ("{business}: inget har hänt på ditt konto än.",),
    "perks": ("{business}: {perks}.", "Svara ANVÄND och namnet.", "?Du har {balance}."),
    "perks_none": ("{business}: inga förmåner just nu.", "?Du har {balance}."),
    "voucher": ("{business}: {perk}.", "Visa koden {code} i kassan.", "?Gäller till {until}."),
    "expiring": ("{business}: {balance} går ut {until}.", "?Svara FÖRMÅNER för att se vad du kan få."),
    "too_few": ("{perk} kostar {price}.", "Du har {balance}."),
    "no_such_perk": ("{business} har ingen sådan förmån.", "Svara FÖRMÅNER för listan."),
    "refer": ("Dela din kod {code} med en vän:", "{link}", "?Ni får båda något när vännen handlar."),
    "given": ("Tack! Du får erbjudanden från {business} på SMS.", "Svara STOPP när du vill sluta."),
    "declined": ("Inga erbjudanden från {business}, då vet vi.", "?Dina förmåner är desamma."),
    "stopped": ("Du får inga fler meddelanden från {business}.", "?Svara START om du ångrar dig."),
    "stopped_all": ("Du får inget mer från {business}, på någon kanal.", "?Svara START om du ångrar dig."),
    "started": ("{business} kan svara dig igen.", "?{question} Svara JA."),
    "help": ("{business}: POÄNG, VARFÖR, FÖRMÅNER, KLAGA, STOPP.", "?Hjälp: {terms}"),
    "complaint": ("Ledsen för det, och tack för att du säger till.", "{business} läser detta och hör av sig."),
    "unknown": ("{business} förstod inte det.", "Svara POÄNG för saldo, HJÄLP för mer eller STOPP för att sluta."),
    "stranger": ("Detta nummer är inte med hos {business}.", "Svara GÅ MED för att samla {unit}."),
    "page": ("Din sida hos {business}: {link}", "?Länken fungerar i 30 minuter.", "Ge inte bort den."),
}
_DA: Final[dict[Saying, tuple[str, ...]]] = {
    "welcome": (
        "Velkommen til {business}!",
        "?Du samler {unit}, når du handler.",
        "Vilkår: {terms}",
        "?{question} Svar JA.",
        "Afslut: STOP",
    ),
    "already": ("Du er allerede med hos {business}.", "?Du har {balance}."),
    "balance": ("{business}: du har {balance}.", "?{pending} er på vej.", "?Svar HVORFOR for seneste bevægelse."),
    "nothing": ("{business}: du har ikke samlet noget endnu.", "?Sig dit mobilnummer ved kassen næste gang."),
    "why": ("{business} {day}: {amount}.", "{reason}.", "?Du har {balance}."),
    "why_nothing": ("{business}: der er ikke sket noget på din konto endnu.",),
    "perks": ("{business}: {perks}.", "Svar BRUG og navnet.", "?Du har {balance}."),
    "perks_none": ("{business}: ingen fordele lige nu.", "?Du har {balance}."),
    "voucher": ("{business}: {perk}.", "Vis koden {code} ved kassen.", "?Gælder til {until}."),
    "expiring": ("{business}: {balance} udløber {until}.", "?Svar FORDELE for at se, hvad du kan få."),
    "too_few": ("{perk} koster {price}.", "Du har {balance}."),
    "no_such_perk": ("{business} har ingen sådan fordel.", "Svar FORDELE for listen."),
    "refer": ("Del din kode {code} med en ven:", "{link}", "?I får begge noget, når vennen handler."),
    "given": ("Tak! Du får tilbud fra {business} på SMS.", "Svar STOP, når du vil stoppe."),
    "declined": ("Helt i orden, ingen tilbud fra {business}.", "?Dine fordele er de samme."),
    "stopped": ("Du får ikke flere beskeder fra {business}.", "?Svar START, hvis du fortryder."),
    "stopped_all": ("Du får ikke mere fra {business}, på nogen kanal.", "?Svar START, hvis du fortryder."),
    "started": ("{business} kan svare dig igen.", "?{question} Svar JA."),
    "help": ("{business}: POINT, HVORFOR, FORDELE, KLAGE, STOP.", "?Hjælp: {terms}"),
    "complaint": ("Det er vi kede af, og tak fordi du siger til.", "{business} læser dette og vender tilbage."),
    "unknown": ("{business} forstod det ikke.", "Svar POINT for saldo, HJÆLP for mere eller STOP for at stoppe."),
    "stranger": ("Dette nummer er ikke med hos {business}.", "Svar TILMELD for at samle {unit}."),
    "page": ("Din side hos {business}: {link}", "?Linket virker i 30 minutter.", "Giv det ikke væk."),
}
_FI: Final[dict[Saying, tuple[str, ...]]] = {
    "welcome": (
        "Tervetuloa, {business}!",
        "?Keräät ostoksista: {unit}.",
        "Ehdot: {terms}",
        "?{question} Vastaa KYLLÄ.",
        "Lopetus: STOP",
    ),
    "already": ("Olet jo mukana: {business}.", "?Sinulla on {balance}."),
    "balance": (
        "{business}: sinulla on {balance}.",
        "?Tulossa {pending}.",
        "?Vastaa MIKSI, niin kerromme viimeisimmän.",
    ),
    "nothing": ("{business}: sinulle ei ole vielä kertynyt mitään.", "?Kerro numerosi kassalla ensi kerralla."),
    "why": ("{business} {day}: {amount}.", "{reason}.", "?Sinulla on {balance}."),
    "why_nothing": ("{business}: tililläsi ei ole vielä tapahtumia.",),
    "perks": ("{business}: {perks}.", "Vastaa KÄYTÄ ja edun nimi.", "?Sinulla on {balance}."),
    "perks_none": ("{business}: ei etuja juuri nyt.", "?Sinulla on {balance}."),
    "voucher": ("{business}: {perk}.", "Näytä kassalla koodi {code}.", "?Voimassa {until} asti."),
    "expiring": ("{business}: {balance} vanhenee {until}.", "?Vastaa EDUT, niin näet edut."),
    "too_few": ("{perk}: hinta {price}.", "Sinulla on {balance}."),
    "no_such_perk": ("{business}: sellaista etua ei ole.", "Vastaa EDUT, niin saat luettelon."),
    "refer": ("Jaa koodisi {code} ystävälle:", "{link}", "?Saatte molemmat jotain, kun ystävä ostaa."),
    "given": ("Kiitos! Saat tarjouksia tekstiviestillä: {business}.", "Vastaa STOP, kun haluat lopettaa."),
    "declined": ("Selvä, ei tarjouksia: {business}.", "?Etusi pysyvät ennallaan."),
    "stopped": ("Et saa enää viestejä: {business}.", "?Vastaa START, jos muutat mielesi."),
    "stopped_all": ("Et saa enää mitään, mitään kautta: {business}.", "?Vastaa START, jos muutat mielesi."),
    "started": ("{business} voi taas vastata sinulle.", "?{question} Vastaa KYLLÄ."),
    "help": ("{business}: PISTEET, MIKSI, EDUT, VALITUS, STOP.", "?Apua: {terms}"),
    "complaint": ("Olemme pahoillamme, ja kiitos kun kerroit.", "{business} lukee tämän ja palaa asiaan."),
    "unknown": ("{business} ei ymmärtänyt.", "Vastaa PISTEET saldoon, APUA ohjeisiin tai STOP lopettaaksesi."),
    "stranger": ("Tämä numero ei ole mukana: {business}.", "Vastaa LIITY, niin alat kerätä: {unit}."),
    "page": ("Oma sivusi: {link}", "?Linkki toimii 30 minuuttia, {business}.", "Älä anna sitä muille."),
}
_EN: Final[dict[Saying, tuple[str, ...]]] = {
    "welcome": (
        "Welcome to {business}!",
        "?You collect {unit} when you buy.",
        "Terms: {terms}",
        "?{question} Reply YES.",
        "End: STOP",
    ),
    "already": ("You are a member of {business} already.", "?You have {balance}."),
    "balance": ("{business}: you have {balance}.", "?{pending} on the way.", "?Reply WHY for the last movement."),
    "nothing": ("{business}: you have not collected anything yet.", "?Say your mobile number at the till next time."),
    "why": ("{business} {day}: {amount}.", "{reason}.", "?You have {balance}."),
    "why_nothing": ("{business}: nothing has happened on your account yet.",),
    "perks": ("{business}: {perks}.", "Reply USE and the name.", "?You have {balance}."),
    "perks_none": ("{business}: no perks right now.", "?You have {balance}."),
    "voucher": ("{business}: {perk}.", "Show the code {code} at the till.", "?Valid until {until}."),
    "expiring": ("{business}: {balance} will run out on {until}.", "?Reply PERKS to see what you can have."),
    "too_few": ("{perk} costs {price}.", "You have {balance}."),
    "no_such_perk": ("{business} has no such perk.", "Reply PERKS for the list."),
    "refer": ("Share your code {code} with a friend:", "{link}", "?You both get something when they buy."),
    "given": ("Thank you! You will get offers from {business} by text.", "Reply STOP to end them."),
    "declined": ("All right, no offers from {business}.", "?Your perks stay the same."),
    "stopped": ("You will get no more messages from {business}.", "?Reply START if you change your mind."),
    "stopped_all": (
        "You will get nothing more from {business}, on any channel.",
        "?Reply START if you change your mind.",
    ),
    "started": ("{business} can answer you again.", "?{question} Reply YES."),
    "help": ("{business}: POINTS, WHY, PERKS, COMPLAINT, STOP.", "?Help: {terms}"),
    "complaint": ("We are sorry, and thank you for telling us.", "{business} reads this and gets back to you."),
    "unknown": ("{business} did not understand that.", "Reply POINTS for your balance, HELP for more or STOP to end."),
    "stranger": ("This number has not joined {business}.", "Reply JOIN to collect {unit}."),
    "page": ("Your page at {business}: {link}", "?The link works for 30 minutes.", "Give it to nobody."),
}
SAYINGS: Final[dict[str, dict[Saying, tuple[str, ...]]]] = {
    language: dict([*said.items(), *sayings_of_consent.SAYINGS[language].items()])
    for language, said in {"nb": _NB, "nn": _NN, "no": _NB, "sv": _SV, "da": _DA, "fi": _FI, "en": _EN}.items()
}
AND: Final = {"nb": " og ", "nn": " og ", "no": " og ", "sv": " och ", "da": " og ", "fi": " ja ", "en": " and "}
_CUT: Final = "..."
_NAMED: Final = re.compile(r"{(\w+)}")


def say(language: str, saying: Saying, **values: str) -> str:
    """Give an answer in one part: all that must be said, and of the rest what there is room for.

    A sentence whose value is empty is left out. Where even what must be said is too long, the longest value is
    shortened until it fits: half a name is understood, and a second part would cost as much as the first. For the
    same reason a letter that would carry a long answer over into 16 bits is written as the nearest one that does not.
    """
    sentences = SAYINGS.get(language, _EN)[saying]
    given = {name: rules.plain(value) for name, value in values.items()}
    while True:
        musts = [sentence for sentence in sentences if not sentence.startswith("?")]
        chosen = _filled(musts, given)
        if _fits(chosen):
            break
        if rules.measure(chosen).coding == "UCS-2":
            given = {name: _in_gsm(value) for name, value in given.items()}
        elif not _shorten(given):
            break
    picked = set(musts)
    maybe = [sentence for sentence in sentences if sentence.startswith("?")]
    # A question that is left out cannot be answered; anything else can be asked for.
    for sentence in sorted(maybe, key=lambda one: "{question}" not in one):
        if _complete(sentence, given):
            wider = _filled([one for one in sentences if one in picked or one == sentence], given)
            if _fits(wider):
                picked.add(sentence)
                chosen = wider
    return chosen


def _filled(sentences: list[str], values: dict[str, str]) -> str:
    said = [sentence.removeprefix("?").format_map(values) for sentence in sentences if _complete(sentence, values)]
    return " ".join(sentence.replace("..", ".") if not sentence.endswith("...") else sentence for sentence in said)


def _complete(sentence: str, values: dict[str, str]) -> bool:
    """Tell whether each value that the sentence names is there; one that is empty leaves the sentence out."""
    return all(values.get(name) for name in _NAMED.findall(sentence))


def _fits(text: str) -> bool:
    return rules.sms_parts(text) == 1


def _in_gsm(text: str) -> str:
    """Give a value in the alphabet of texts: without the accents it lacks, and without what it cannot write at all."""
    kept = (
        letter if rules.measure(letter).coding == "GSM-7" else unicodedata.normalize("NFD", letter)[0]
        for letter in text
    )
    return "".join(letter for letter in kept if rules.measure(letter).coding == "GSM-7") or (_CUT[:1] if text else "")


def _shorten(values: dict[str, str]) -> bool:
    """Shorten the longest value that may be: never a link, a code or an amount. False when there is none left."""
    may = [
        name for name in ("reason", "perks", "perk", "business", "balance") if len(values.get(name, "")) > len(_CUT) + 4
    ]
    if not may:
        return False
    longest = max(may, key=lambda name: len(values[name]))
    values[longest] = values[longest].removesuffix(_CUT)[:-4].rstrip() + _CUT
    return True


def listed(language: str, items: list[str]) -> str:
    """Such as "112 points", "112 points and 3 stamps", "1, 2 and 3"."""
    last = AND.get(language, AND["en"])
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])}{last}{items[-1]}" if items else ""
