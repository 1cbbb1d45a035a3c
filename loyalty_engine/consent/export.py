"""A member's consents as another system reads them: the fields of ISO/IEC TS 27560, in the W3C's DPV as JSON-LD.

Each record becomes one event; the state of the whole is the newest word. Nothing is in it that names the member: the
principal is the opaque id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from loyalty_engine.consent.records import EVERY_PURPOSE, ConsentRow
from loyalty_engine.instants import shown

if TYPE_CHECKING:
    import rules

_CONTEXT: Final = {
    "dpv": "https://w3id.org/dpv#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_SCHEMA: Final = "https://w3id.org/dpv/guides/consent-27560"
_STATES: Final = {
    "given": "dpv:ConsentGiven",
    "confirmed": "dpv:ConsentGiven",
    "requested": "dpv:ConsentRequested",
    "deferred": "dpv:ConsentRequestDeferred",
    "refused": "dpv:ConsentRefused",
    "withdrawn": "dpv:ConsentWithdrawn",
    "stopped": "dpv:ConsentWithdrawn",
    "started": "dpv:ConsentUnknown",
}
_PURPOSES: Final = {
    "marketing": "dpv:DirectMarketing",
    "profiling": "dpv:Personalisation",
    "feedback": "dpv:CustomerSolutionsManagement",
}
_HOW_TO_STOP: Final = {"sms": "STOP to the number that writes", "email": "the link in every e-mail"}

Says = Callable[[ConsentRow], str | None]


def as_dpv(programme: rules.Programme, member_id: str, records: Sequence[ConsentRow], says: Says) -> dict[str, Any]:
    """Give a member's records as one JSON-LD document; `says` finds the words of a record again."""
    return {
        "@context": _CONTEXT,
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": _SCHEMA,
        "dpv:hasDataSubject": member_id,
        "dpv:hasDataController": _controller(programme),
        "dpv:hasRecord": [_event(programme, record, records[:n], says) for n, record in enumerate(records)],
    }


def _controller(programme: rules.Programme) -> dict[str, Any]:
    who = programme.consent.controller
    if who is None:
        return {"dpv:hasName": programme.name}
    told = {"dpv:hasName": who.name, "dpv:hasContact": who.contact, "dpv:hasAddress": who.address}
    return {"@type": "dpv:DataController"} | {name: value for name, value in told.items() if value is not None}


def _event(programme: rules.Programme, record: ConsentRow, before: Sequence[ConsentRow], says: Says) -> dict[str, Any]:
    who = programme.consent.controller
    notice = {
        "@type": "dpv:ConsentNotice", "dct:identifier": f"{record.wording}@{record.wording_version}",
        "dct:language": record.language, "dpv:hasIntegrity": f"sha256:{record.wording_sha256}",
        "dct:description": says(record), "dct:source": who.notice if who else None,
    }  # fmt: skip
    event = {
        "@type": "dpv:ConsentRecord",
        "dct:identifier": record.id,
        "dpv:hasConsentStatus": _state(record, before),
        "dpv:isIndicatedAtTime": {"@type": "xsd:dateTime", "@value": shown(record.occurred_at)},
        "dct:dateSubmitted": {"@type": "xsd:dateTime", "@value": shown(record.recorded_at)},
        "dpv:hasNotice": _without_nothing(notice),
        "dpv:hasPurpose": _purpose(record),
        "dpv:hasLegalBasis": "dpv:ExplicitlyExpressedConsent" if record.source != "import" else "dpv:Consent",
        "dpv:hasPersonalData": ["phone number" if record.channel == "sms" else record.channel, "purchases"],
        "dpv:hasProcessing": "dpv:Use",
        "dpv:hasDataSource": {"till": "dpv:DataSubject"}.get(record.source, f"dpv:DataSubject ({record.source})"),
        "dpv:isImplementedByEntity": record.actor,
        "dpv:hasStorageCondition": _without_nothing(
            {
                "dpv:hasLocation": who.stored_in if who else None,
                "dpv:hasDuration": str(programme.consent.under(programme.country).kept_for),
            }
        ),
        "dpv:hasJurisdiction": record.jurisdiction,
        "dpv:hasRecipient": list(who.recipients) if who else [],
        "dpv:hasConsentControl": _HOW_TO_STOP.get(record.channel, "said at the till, or on the member's page"),
        "loyalty:previous": record.previous,
        "loyalty:hash": record.hash,
    }
    if record.expires_at is not None:
        event["dct:valid"] = {"@type": "xsd:dateTime", "@value": shown(record.expires_at)}
    return event


def _state(record: ConsentRow, before: Sequence[ConsentRow]) -> str:
    renewed = record.decision in {"given", "confirmed"} and any(
        (one.purpose, one.channel) == (record.purpose, record.channel) and one.decision in {"given", "confirmed"}
        for one in before
    )
    return "dpv:RenewedConsentGiven" if renewed else _STATES[record.decision]


def _purpose(record: ConsentRow) -> dict[str, str]:
    if record.purpose == EVERY_PURPOSE:
        return {"@type": "dpv:Purpose", "dct:title": f"everything by {record.channel}"}
    return {
        "@type": _PURPOSES.get(record.purpose, "dpv:Purpose"),
        "dct:title": record.purpose if record.channel == "any" else f"{record.purpose}.{record.channel}",
    }


def _without_nothing(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
