"""What a cashier reads when the till is refused: one short sentence in the language of the shop.

What a person at the counter can do nothing about says so once, in the last sentence.
"""

from __future__ import annotations

from typing import Final

from loyalty_engine.errors import LoyaltyError

# code -> language -> sentence; English is the error's own title unless it stands here.
SENTENCES: Final[dict[str, dict[str, str]]] = {
    "identifier_invalid": {
        "en": "This is not a phone number or e-mail address we can use. Ask for it again.",
        "nb": "Dette er ikke et telefonnummer eller en e-postadresse vi kan bruke. Spør én gang til.",
        "nn": "Dette er ikkje eit telefonnummer eller ei e-postadresse vi kan bruke. Spør ein gong til.",
        "sv": "Det här är inget telefonnummer eller någon e-postadress vi kan använda. Fråga en gång till.",
        "da": "Det er ikke et telefonnummer eller en e-mailadresse, vi kan bruge. Spørg igen.",
        "fi": "Tätä puhelinnumeroa tai sähköpostiosoitetta ei voi käyttää. Kysy uudelleen.",
    },
    "member_unknown": {
        "en": "There is no such member.",
        "nb": "Medlemmet finnes ikke.",
        "nn": "Medlemen finst ikkje.",
        "sv": "Medlemmen finns inte.",
        "da": "Medlemmet findes ikke.",
        "fi": "Jäsentä ei löydy.",
    },
    "member_not_found_by_number": {
        "en": "Nobody has joined with this number or address yet. Ask whether they want to join.",
        "nb": "Ingen er medlem med dette nummeret eller denne adressen. Spør om kunden vil bli med.",
        "nn": "Ingen er medlem med dette nummeret eller denne adressa. Spør om kunden vil bli med.",
        "sv": "Ingen är medlem med det här numret eller den här adressen. Fråga om kunden vill gå med.",
        "da": "Ingen er medlem med dette nummer eller denne adresse. Spørg, om kunden vil være med.",
        "fi": "Tällä numerolla tai osoitteella ei ole jäsentä. Kysy, haluaako asiakas liittyä.",
    },
    "purchase_unknown": {
        "en": "That purchase is not registered here.",
        "nb": "Kjøpet er ikke registrert her.",
        "nn": "Kjøpet er ikkje registrert her.",
        "sv": "Köpet är inte registrerat här.",
        "da": "Købet er ikke registreret her.",
        "fi": "Ostosta ei ole kirjattu täällä.",
    },
    "receipt_conflict": {
        "en": "This receipt is already registered with another amount.",
        "nb": "Kvitteringen er allerede registrert med et annet beløp.",
        "nn": "Kvitteringa er alt registrert med eit anna beløp.",
        "sv": "Kvittot är redan registrerat med ett annat belopp.",
        "da": "Kvitteringen er allerede registreret med et andet beløb.",
        "fi": "Kuitti on jo kirjattu toisella summalla.",
    },
    "reference_conflict": {
        "en": "This is already registered with other details.",
        "nb": "Dette er allerede registrert med andre opplysninger.",
        "nn": "Dette er alt registrert med andre opplysningar.",
        "sv": "Detta är redan registrerat med andra uppgifter.",
        "da": "Dette er allerede registreret med andre oplysninger.",
        "fi": "Tämä on jo kirjattu muilla tiedoilla.",
    },
    "event_raised_here": {
        "en": "The loyalty programme takes care of this by itself.",
        "nb": "Fordelsprogrammet ordner dette selv.",
        "nn": "Fordelsprogrammet ordnar dette sjølv.",
        "sv": "Förmånsprogrammet sköter detta självt.",
        "da": "Fordelsprogrammet klarer selv dette.",
        "fi": "Kanta-asiakasohjelma hoitaa tämän itse.",
    },
    "nothing_left_to_refund": {
        "en": "This purchase has been refunded in full already.",
        "nb": "Hele kjøpet er allerede refundert.",
        "nn": "Heile kjøpet er alt refundert.",
        "sv": "Hela köpet är redan återbetalat.",
        "da": "Hele købet er allerede refunderet.",
        "fi": "Koko ostos on jo hyvitetty.",
    },
    "refund_exceeds_purchase": {
        "en": "More is given back than is left of the purchase.",
        "nb": "Det refunderes mer enn det som gjenstår av kjøpet.",
        "nn": "Det blir refundert meir enn det som står att av kjøpet.",
        "sv": "Mer återbetalas än vad som återstår av köpet.",
        "da": "Der refunderes mere, end der er tilbage af købet.",
        "fi": "Hyvitys on suurempi kuin ostoksesta jäljellä oleva summa.",
    },
    "line_unknown": {
        "en": "The purchase has no such line.",
        "nb": "Varelinjen finnes ikke i kjøpet.",
        "nn": "Varelinja finst ikkje i kjøpet.",
        "sv": "Raden finns inte i köpet.",
        "da": "Varelinjen findes ikke i købet.",
        "fi": "Ostoksessa ei ole tätä riviä.",
    },
    "insufficient_balance": {
        "en": "There is not enough on the balance for that.",
        "nb": "Saldoen er for lav.",
        "nn": "Saldoen er for låg.",
        "sv": "Saldot räcker inte.",
        "da": "Saldoen er for lav.",
        "fi": "Saldo ei riitä.",
    },
    "goodwill_spent": {
        "en": "Today's goodwill has been given away.",
        "nb": "Dagens velvilje er brukt opp.",
        "nn": "Velviljen for i dag er brukt opp.",
        "sv": "Dagens goodwill är slut.",
        "da": "Dagens goodwill er brugt op.",
        "fi": "Tämän päivän hyvitykset on käytetty.",
    },
    "programme_missing": {
        "en": "The loyalty programme has not been opened yet.",
        "nb": "Fordelsprogrammet er ikke åpnet ennå.",
        "nn": "Fordelsprogrammet er ikkje opna enno.",
        "sv": "Förmånsprogrammet är inte öppnat ännu.",
        "da": "Fordelsprogrammet er ikke åbnet endnu.",
        "fi": "Kanta-asiakasohjelmaa ei ole vielä avattu.",
    },
    "member_too_young": {
        "en": "The member is too young to agree to this alone.",
        "nb": "Medlemmet er for ungt til å samtykke til dette alene.",
        "nn": "Medlemen er for ung til å samtykkje til dette åleine.",
        "sv": "Medlemmen är för ung för att samtycka till detta på egen hand.",
        "da": "Medlemmet er for ungt til at give samtykke til dette alene.",
        "fi": "Jäsen on liian nuori antamaan tähän suostumusta yksin.",
    },
    "not_in_this_edition": {
        "en": "The loyalty programme cannot do that here.",
        "nb": "Fordelsprogrammet kan ikke gjøre dette her.",
        "nn": "Fordelsprogrammet kan ikkje gjere dette her.",
        "sv": "Förmånsprogrammet kan inte göra det här.",
        "da": "Fordelsprogrammet kan ikke gøre det her.",
        "fi": "Kanta-asiakasohjelma ei tue tätä toimintoa.",
    },
    "too_many_requests": {
        "en": "Wait a moment and try again.",
        "nb": "Vent litt og prøv igjen.",
        "nn": "Vent litt og prøv igjen.",
        "sv": "Vänta lite och försök igen.",
        "da": "Vent lidt, og prøv igen.",
        "fi": "Odota hetki ja yritä uudelleen.",
    },
    # A till that sent nonsense, or a service that is down: the cashier can only go on without.
    "": {
        "en": "The loyalty programme could not take this. Go on with the sale.",
        "nb": "Fordelsprogrammet kunne ikke ta imot dette. Fortsett med salget.",
        "nn": "Fordelsprogrammet kunne ikkje ta imot dette. Hald fram med salet.",
        "sv": "Förmånsprogrammet kunde inte ta emot detta. Fortsätt med köpet.",
        "da": "Fordelsprogrammet kunne ikke modtage dette. Fortsæt med salget.",
        "fi": "Kanta-asiakasohjelma ei voinut vastaanottaa tätä. Jatka myyntiä.",
    },
}
# Who gets no sentence: whoever asks with such a problem is a program being written, not a till being used.
_FOR_MAKERS: Final = {401, 403, 405, 413, 415}
_NORWEGIAN: Final = {"no": "nb"}


def sentence(error: LoyaltyError, language: str) -> str | None:
    """Give the cashier's sentence for an error, or None where no cashier would see it."""
    if error.status in _FOR_MAKERS or error.code in {"route_unknown", "idempotency_key_missing"}:
        return None
    sentences = SENTENCES.get(error.code, SENTENCES[""])
    return sentences.get(_NORWEGIAN.get(language, language), sentences["en"])
