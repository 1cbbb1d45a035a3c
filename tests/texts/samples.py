"""One real-looking callback of each gateway, signed as the gateway signs: the vectors that its documentation or its
own library gave, and a delivery report. A gateway without a sample here fails the contract.
"""

from __future__ import annotations

import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from api.texts.gateway import Arrival, basic, sha256_hex

JANUARY = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
FORM = ("content-type", "application/x-www-form-urlencoded")
JSON = ("content-type", "application/json")
TWILIO_TOKEN = "0123456789abcdef0123456789abcdef"
TWILIO_URL = "https://loyalty.example.no/v1/sms/twilio/inbound/acme"
X32 = "x" * 32


class Sample(Struct, frozen=True, kw_only=True):
    """A gateway's settings, a callback with a text in it, what must be read from it, and a delivery report.

    `unsigned` says that the gateway proves nothing of the body: only the way in can be mutated, not the words.
    """

    settings: dict[str, Any]
    arrival: Arrival
    read: tuple[str, str, str, str]
    report: Arrival
    reported: tuple[str, str]
    unsigned: bool = False


def arrival(
    *,
    url: str = "https://loyalty.example.no/sms/x/corner-cafe/secret",
    headers: tuple[tuple[str, str], ...] = (FORM,),
    form: list[tuple[str, str]] | None = None,
    body: bytes = b"",
    remote: str = "203.0.113.9",
    at: datetime = JANUARY,
    method: str = "POST",
) -> Arrival:
    return Arrival(method, url, headers, urlencode(form).encode() if form is not None else body, remote, at)


def twilio_form(**more: str) -> list[tuple[str, str]]:
    number = "SM" + "0" * 31 + "1"
    fields = {
        "ToCountry": "NO",
        "MessageSid": number,
        "SmsSid": number,
        "SmsMessageSid": number,
        "NumMedia": "0",
        "Body": "SALDO på kort ✓ &=+",
        "From": "+4791234567",
        "To": "+4759440000",
        "AccountSid": "AC" + "0" * 32,
        "NumSegments": "1",
        "ApiVersion": "2010-04-01",
        "SmsStatus": "received",
    } | more
    return list(fields.items())


def twilio_signed(form: list[tuple[str, str]]) -> str:
    told = TWILIO_URL + "".join(name + value for name, value in sorted(form))
    return b64encode(hmac.digest(TWILIO_TOKEN.encode(), told.encode(), "sha1")).decode()


def token(body: bytes, secret: str = X32, alg: str = "HS256", **claims: Any) -> str:
    """Mint the token Vonage sends with a message."""
    told = {
        "iat": int(JANUARY.timestamp()),
        "jti": "7f3c",
        "iss": "Vonage",
        "api_key": "abcd1234",
        "application_id": "a",
        "payload_hash": sha256_hex(body),
    } | claims
    head, rest = (
        urlsafe_b64encode(msgspec.json.encode(part)).rstrip(b"=") for part in ({"typ": "JWT", "alg": alg}, told)
    )
    signed = urlsafe_b64encode(hmac.digest(secret.encode(), head + b"." + rest, "sha256")).rstrip(b"=")
    return f"Bearer {(head + b'.' + rest + b'.' + signed).decode()}"


V2 = [
    ("msisdn", "4791234567"), ("to", "4759440000"), ("messageId", "0A0000000123ABCD1"), ("text", "SALDO & mer=ja"),
    ("type", "text"), ("keyword", "SALDO"), ("api-key", "abcd1234"), ("message-timestamp", "2026-01-05 10:00:00"),
    ("timestamp", "1767607200"), ("nonce", "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"),
]  # fmt: skip
V2_SIG = "0a678f379feabfbfec04f9506dfcb1f8a3efcf0132fc07de334a5cb0d10369fa"
V3_BODY = (
    b'{"to":"4759440000","from":"4791234567","channel":"sms","message_uuid":"aaaaaaaa-bbbb-cccc-dddd-0123456789ab",'
    b'"timestamp":"2026-01-05T10:00:00Z","message_type":"text","text":"SALDO"}'
)
VONAGE = {"api_key": "abcd1234", "api_secret": "s", "signature_secret": "signature_secret", "sender": "4759440000"}
SINCH_BODY = (
    b'{"body":"SALDO","from":"4791234567","id":"01FC66621XXXXX119Z8PMV1QPA","operator_id":"24201",'
    b'"received_at":"2026-01-05T10:00:00.000Z","to":"4759440000","type":"mo_text"}'
)
SINCH_AT = datetime.fromtimestamp(1634579353, UTC)


def sinch_headers(signature: str) -> tuple[tuple[str, str], ...]:
    return (
        JSON,
        ("x-sinch-webhook-signature", signature),
        ("x-sinch-webhook-signature-nonce", "01FJA8B4A7BM43YGWSG9GBV067"),
        ("x-sinch-webhook-signature-timestamp", "1634579353"),
        ("x-sinch-webhook-signature-algorithm", "HmacSHA256"),
    )


def sinch_signed(body: bytes) -> str:
    told = body + b".01FJA8B4A7BM43YGWSG9GBV067.1634579353"
    return b64encode(hmac.digest(b"foo_secret1234", told, "sha256")).decode()


def vonage_signed(fields: list[tuple[str, str]]) -> str:
    told = "".join(f"&{name}={value.replace('&', '_').replace('=', '_')}" for name, value in sorted(fields))
    return hmac.digest(b"signature_secret", told.encode(), "sha256").hex()


GENERIC_BODY = msgspec.json.encode(
    {"source": "+4791234567", "destination": "2012", "userData": "SALDO", "refId": "link-1", "platformId": "COMMON_API"}
)
TWILIO_REPORT = [("MessageSid", "SM1"), ("MessageStatus", "delivered"), ("To", "+4791234567")]
SINCH_REPORT = msgspec.json.encode(
    {"type": "recipient_delivery_report_sms", "batch_id": "01F", "status": "Delivered", "code": 0, "recipient": "47"}
)
VONAGE_REPORT = [("messageId", "0A"), ("status", "delivered"), ("timestamp", "1767607200"), ("err-code", "0")]
KANNEL_TEXT = [
    ("id", "d9f1c3"), ("from", "+4791234567"), ("to", "2012"), ("text", "POENG æøå ÄÖ €"), ("coding", "0"),
    ("charset", "UTF-8"),
]  # fmt: skip

SAMPLES: dict[str, Callable[[], Sample]] = {
    "twilio": lambda: Sample(
        settings={"account_sid": "AC" + "0" * 32, "auth_token": TWILIO_TOKEN, "sender": "+4759440000"},
        arrival=arrival(
            url=TWILIO_URL, form=twilio_form(), headers=(FORM, ("x-twilio-signature", "WRJBeI98rove2MKbI8ir26mlFxY="))
        ),
        read=("SM" + "0" * 31 + "1", "+4791234567", "+4759440000", "SALDO på kort ✓ &=+"),
        report=arrival(
            url=TWILIO_URL,
            form=TWILIO_REPORT,
            headers=(FORM, ("x-twilio-signature", twilio_signed(TWILIO_REPORT))),
        ),
        reported=("SM1", "delivered"),
    ),
    "fortysixelks": lambda: Sample(
        settings={"api_username": "u1", "api_password": "p1", "sender": "+46706860000"},
        arrival=arrival(
            body=b"direction=incoming&id=sf8425555e5d8db61dda7a7b3f1b91bdb&from=%2B46706861004&to=%2B46706860000"
            b"&created=2018-07-13T13%3A57%3A23.741000&message=Hello%20how%20are%20you%3F",
            remote="176.10.154.199",
        ),
        read=("sf8425555e5d8db61dda7a7b3f1b91bdb", "+46706861004", "+46706860000", "Hello how are you?"),
        report=arrival(form=[("id", "s1"), ("status", "failed")], remote="2001:9b0:2:902::199"),
        reported=("s1", "failed"),
        unsigned=True,
    ),
    "vonage": lambda: Sample(
        settings=VONAGE,
        arrival=arrival(form=[*V2, ("sig", V2_SIG)]),
        read=("0A0000000123ABCD1", "+4791234567", "+4759440000", "SALDO & mer=ja"),
        report=arrival(form=[*VONAGE_REPORT, ("sig", vonage_signed(VONAGE_REPORT))]),
        reported=("0A", "delivered"),
    ),
    "sinch": lambda: Sample(
        settings={
            "service_plan_id": "plan",
            "api_token": "t",
            "sender": "4759440000",
            "webhook_secret": "foo_secret1234",
        },
        arrival=arrival(
            headers=sinch_headers("XY7d57+PPCZ9/1pAdkiyTe+xxgzMumuw4aCTkAB0Yh4="), body=SINCH_BODY, at=SINCH_AT
        ),
        read=("01FC66621XXXXX119Z8PMV1QPA", "+4791234567", "+4759440000", "SALDO"),
        report=arrival(headers=sinch_headers(sinch_signed(SINCH_REPORT)), body=SINCH_REPORT, at=SINCH_AT),
        reported=("01F", "delivered"),
    ),
    "kannel": lambda: Sample(
        settings={"sendsms_url": "http://127.0.0.1:13013/cgi-bin/sendsms", "username": "u", "password": "p",
                  "sender": "2012"},
        arrival=arrival(
            method="GET", url="https://loyalty.example.no/sms/kannel/corner-cafe/secret?" + urlencode(KANNEL_TEXT),
            remote="127.0.0.1", headers=(),
        ),
        read=("d9f1c3", "+4791234567", "2012", "POENG æøå ÄÖ €"),
        report=arrival(url="https://loyalty.example.no/x?id=msg_1&state=1&reason=", remote="::ffff:127.0.0.1",
                       headers=()),
        reported=("msg_1", "delivered"),
        unsigned=True,
    ),
    "generic": lambda: Sample(
        settings={
            "sender": "2012",
            "proof": {"by": "basic", "username": "gate", "secret": "a long password"},
            "inbound": {"id": "refId", "sender": "source", "to": "destination", "text": "userData"},
            "reports": {"id": "refId", "state": "resultCode", "delivered": ["1001"], "failed": ["1002"]},
            "out": {"url": "https://wsx.example.com/sms/send", "to": "destination", "sender": "source",
                    "text": "userData", "reference": "refId", "id": "messageId", "username": "u", "password": "p",
                    "always": {"platformId": "COMMON_API", "useDeliveryReport": True}},
        },
        arrival=arrival(headers=(JSON, ("authorization", basic("gate", "a long password"))), body=GENERIC_BODY),
        read=("link-1", "+4791234567", "2012", "SALDO"),
        report=arrival(headers=(JSON, ("authorization", basic("gate", "a long password"))),
                       body=b'{"refId":"link-2","resultCode":1002}'),
        reported=("link-2", "failed"),
        unsigned=True,
    ),
}  # fmt: skip
