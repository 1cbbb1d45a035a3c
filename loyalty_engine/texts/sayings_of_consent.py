"""What is answered to who agrees by text, spends by text, or says that it was somebody else; see sayings.py."""

from __future__ import annotations

from typing import Final, Literal

Saying = Literal["noted", "say_back", "code_wrong", "code_over", "not_now", "undone", "nothing_to_undo"]

_NB: Final[dict[Saying, tuple[str, ...]]] = {
    "noted": ("Takk! {business} har notert at du sa ja.", "?{question}"),
    "say_back": ("{perk} koster {price}.", "Svar {code} innen 10 minutter for å kjøpe.", "?Du har {balance}."),
    "code_wrong": ("Det var ikke koden.", "?Du kan prøve {left} til."),
    "code_over": ("Den koden gjelder ikke lenger.", "Svar BRUK og navnet for å få en ny."),
    "not_now": ("{perk} kan ikke kjøpes nå.", "Svar FORDELER for listen."),
    "undone": ("{business}: {perk} er stoppet.", "Ingenting er brukt.", "?Du har {balance}."),
    "nothing_to_undo": ("{business}: ingenting venter på å løses inn.", "Vi leser dette og tar kontakt."),
}
_NN: Final[dict[Saying, tuple[str, ...]]] = {
    "noted": ("Takk! {business} har notert at du sa ja.", "?{question}"),
    "say_back": ("{perk} kostar {price}.", "Svar {code} innan 10 minutt for å kjøpe.", "?Du har {balance}."),
    "code_wrong": ("Det var ikkje koden.", "?Du kan prøve {left} til."),
    "code_over": ("Den koden gjeld ikkje lenger.", "Svar BRUK og namnet for å få ein ny."),
    "not_now": ("{perk} kan ikkje kjøpast no.", "Svar FORDELAR for lista."),
    "undone": ("{business}: {perk} er stoppa.", "Ingenting er brukt.", "?Du har {balance}."),
    "nothing_to_undo": ("{business}: ingenting ventar på å løysast inn.", "Vi les dette og tek kontakt."),
}
_SV: Final[dict[Saying, tuple[str, ...]]] = {
    "noted": ("Tack! {business} har antecknat att du sa ja.", "?{question}"),
    "say_back": ("{perk} kostar {price}.", "Svara {code} inom 10 minuter för att köpa.", "?Du har {balance}."),
    "code_wrong": ("Det var inte koden.", "?Du kan försöka {left} till."),
    "code_over": ("Den koden gäller inte längre.", "Svara ANVÄND och namnet för en ny."),
    "not_now": ("{perk} kan inte köpas nu.", "Svara FÖRMÅNER för listan."),
    "undone": ("{business}: {perk} är stoppad.", "Inget är använt.", "?Du har {balance}."),
    "nothing_to_undo": ("{business}: inget väntar på att lösas in.", "Vi läser detta och hör av oss."),
}
_DA: Final[dict[Saying, tuple[str, ...]]] = {
    "noted": ("Tak! {business} har noteret, at du sagde ja.", "?{question}"),
    "say_back": ("{perk} koster {price}.", "Svar {code} inden 10 minutter for at købe.", "?Du har {balance}."),
    "code_wrong": ("Det var ikke koden.", "?Du kan prøve {left} til."),
    "code_over": ("Den kode gælder ikke længere.", "Svar BRUG og navnet for at få en ny."),
    "not_now": ("{perk} kan ikke købes nu.", "Svar FORDELE for listen."),
    "undone": ("{business}: {perk} er stoppet.", "Intet er brugt.", "?Du har {balance}."),
    "nothing_to_undo": ("{business}: intet venter på at blive indløst.", "Vi læser dette og vender tilbage."),
}
_FI: Final[dict[Saying, tuple[str, ...]]] = {
    "noted": ("Kiitos! Suostumuksesi on kirjattu: {business}.", "?{question}"),
    "say_back": ("{perk}: hinta {price}.", "Osta vastaamalla {code} 10 minuutin sisällä.", "?Sinulla on {balance}."),
    "code_wrong": ("Koodi oli väärä.", "?Yrityksiä jäljellä: {left}."),
    "code_over": ("Koodi ei ole enää voimassa.", "Vastaa KÄYTÄ ja edun nimi, niin saat uuden."),
    "not_now": ("{perk}: ei ostettavissa nyt.", "Vastaa EDUT, niin saat luettelon."),
    "undone": ("{business}: {perk} on pysäytetty.", "Mitään ei käytetty.", "?Sinulla on {balance}."),
    "nothing_to_undo": ("{business}: mikään ei odota lunastusta.", "Luemme tämän ja palaamme asiaan."),
}
_EN: Final[dict[Saying, tuple[str, ...]]] = {
    "noted": ("Thank you! {business} has noted your yes.", "?{question}"),
    "say_back": ("{perk} costs {price}.", "Reply {code} within 10 minutes to buy it.", "?You have {balance}."),
    "code_wrong": ("That was not the code.", "?Tries left: {left}."),
    "code_over": ("That code is no longer good.", "Reply USE and the name for a new one."),
    "not_now": ("{perk} cannot be had now.", "Reply PERKS for the list."),
    "undone": ("{business}: {perk} is stopped.", "Nothing was spent.", "?You have {balance}."),
    "nothing_to_undo": ("{business}: nothing waits to be redeemed.", "We read this and get back to you."),
}
SAYINGS: Final[dict[str, dict[Saying, tuple[str, ...]]]] = {
    "nb": _NB, "nn": _NN, "no": _NB, "sv": _SV, "da": _DA, "fi": _FI, "en": _EN,
}  # fmt: skip
