"""Every gateway, found by its file: its vectors are accepted, and whatever was changed on the way is refused."""

from __future__ import annotations

import random
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest

from api.texts.gateway import Arrival, Gateway, Said
from api.texts.sinch import Sinch
from api.texts.twilio import Twilio
from api.texts.vonage import Vonage
from loyalty_engine.errors import BodyInvalid
from loyalty_engine.messages.carrying import Leaving, NotCarried
from loyalty_engine.texts.errors import ProofMissing, ProofWrong
from tests.texts.samples import (
    FORM,
    JSON,
    SAMPLES,
    SINCH_AT,
    SINCH_BODY,
    TWILIO_TOKEN,
    TWILIO_URL,
    V2,
    V2_SIG,
    V3_BODY,
    VONAGE,
    X32,
    Sample,
    arrival,
    sinch_headers,
    token,
    twilio_form,
)

FOLDER = Path(__file__).parents[2] / "api" / "texts"
NO_GATEWAY = {"__init__", "gateway"}
MUTATIONS = 1000
# A text on its way out; the number is of a range kept for fiction.
NOTE = Leaving(
    id="msg_01m7q5cqg0envvna4f65046jha", business_id=1, channel="sms", purpose="answer", to="+4799900201",
    text="Du har 112 poeng, æøå €", language="nb",
)  # fmt: skip


def gateways() -> dict[str, type[Gateway]]:
    """Every gateway there is, by looking into every file."""
    found = {}
    for file in sorted(FOLDER.glob("*.py")):
        for kind in vars(import_module(f"api.texts.{file.stem}")).values():
            if isinstance(kind, type) and issubclass(kind, Gateway) and kind is not Gateway:
                found[kind.name] = kind
    return found


GATEWAYS = gateways()
# Of these nothing comes in: there is nobody who could prove anything.
SILENT = ("logged", "smtp")
SPEAKING = [name for name in GATEWAYS if name not in SILENT]


def opened(name: str) -> tuple[Gateway, Sample]:
    sample = SAMPLES[name]()
    return msgspec.convert(sample.settings, GATEWAYS[name]), sample


def test_there_is_one_gateway_a_file_and_a_sample_of_each() -> None:
    assert {"twilio", "fortysixelks", "vonage", "sinch", "kannel", "generic", *SILENT} <= set(GATEWAYS)
    assert set(GATEWAYS) == {kind.__module__.rpartition(".")[2] for kind in GATEWAYS.values()}
    assert set(SAMPLES) == set(SPEAKING)


@pytest.mark.parametrize("name", SPEAKING)
def test_a_gateways_own_text_is_proved_and_read(name: str) -> None:
    gateway, sample = opened(name)

    gateway.verify(sample.arrival)
    text = gateway.read(sample.arrival)

    assert text is not None
    assert (text.id, text.sender, text.to, text.text) == sample.read


@pytest.mark.parametrize("name", SPEAKING)
def test_a_gateways_own_report_is_proved_and_read(name: str) -> None:
    gateway, sample = opened(name)

    gateway.verify(sample.report)
    report = gateway.report(sample.report)

    assert report is not None
    assert (report.gateway_id, report.state) == sample.reported


@pytest.mark.parametrize("name", SPEAKING)
def test_a_gateway_shows_no_secret_and_refuses_a_setting_it_does_not_know(name: str) -> None:
    gateway, sample = opened(name)
    secrets = [value for value in msgspec.to_builtins(gateway).values() if isinstance(value, str) and len(value) > 3]

    assert [secret for secret in secrets if secret in repr(gateway)] == []
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(sample.settings | {"colour": "blue"}, GATEWAYS[name])


@pytest.mark.parametrize("name", SPEAKING)
def test_what_was_changed_on_the_way_is_refused_and_never_breaks_us(name: str) -> None:
    gateway, sample = opened(name)
    tried = 0

    for changed in mutations(sample):
        with pytest.raises((ProofMissing, ProofWrong)):
            gateway.verify(changed)
        tried += 1

    assert tried >= MUTATIONS


@pytest.mark.parametrize("name", SPEAKING)
def test_what_is_proved_and_cannot_be_read_is_refused_and_never_breaks_us(name: str) -> None:
    gateway, sample = opened(name)
    chance = random.Random(name)  # noqa: S311  # mutations, not secrets

    for _ in range(300):
        garbled = msgspec.structs.replace(sample.arrival, body=_garbled(sample.arrival.body, chance))
        garbled = msgspec.structs.replace(garbled, url=_garbled(garbled.url.encode(), chance).decode("latin-1"))
        for ask in (gateway.read, gateway.report):
            try:
                ask(garbled)
            except (BodyInvalid, ProofWrong):
                continue


@pytest.mark.parametrize("name", SPEAKING)
def test_a_text_is_ordered_with_number_words_and_our_address_and_its_answer_is_read(name: str) -> None:
    gateway, _ = opened(name)

    order = gateway.order(NOTE, "https://loyalty.example.no/sms/x/corner-cafe/secret/reports")
    told = order.url + order.content.decode()

    assert "99900201" in told
    assert "112" in told
    with pytest.raises(NotCarried) as later:
        gateway.taken(NOTE, Said(503, b"<html>", "30"))
    assert (later.value.again, later.value.after_seconds) == (True, 30)
    with pytest.raises(NotCarried) as never:
        gateway.taken(NOTE, Said(400, b"{}"))
    assert never.value.again is False


@pytest.mark.parametrize(
    ("name", "status", "answer", "gateway_id"),
    [
        ("twilio", 201, b'{"sid":"SM9","num_segments":"1"}', "SM9"),
        ("fortysixelks", 200, b'{"id":"s9","parts":1}', "s9"),
        ("vonage", 200, b'{"message-count":"1","messages":[{"status":"0","message-id":"0C"}]}', "0C"),
        ("sinch", 201, b'{"id":"01F"}', "01F"),
        ("kannel", 202, b"0: Accepted for delivery", NOTE.id),
        ("generic", 200, b'{"messageId":"L1"}', "L1"),
        ("logged", 200, b"", NOTE.id),
    ],
)
def test_a_taken_text_has_the_id_its_report_comes_by(name: str, status: int, answer: bytes, gateway_id: str) -> None:
    settings = SAMPLES[name]().settings if name in SAMPLES else {}
    receipt = msgspec.convert(settings, GATEWAYS[name]).taken(NOTE, Said(status, answer))

    assert (receipt.gateway_id, receipt.parts) == (gateway_id, 1)


def test_twilio_knowing_of_a_stop_says_so() -> None:
    gateway, _ = opened("twilio")

    with pytest.raises(NotCarried) as stopped:
        gateway.taken(NOTE, Said(400, b'{"code":21610,"message":"unsubscribed"}'))

    assert stopped.value.stopped is True


# --- the vectors of the vendors ---

OFFICIAL = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALL = [
    ("CallSid", "CA1234567890ABCDE"), ("Digits", "1234"), ("From", "+14158675309"), ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]  # fmt: skip
TWILIO_VECTORS = [
    ("T1", {}, "12345", OFFICIAL, CALL, b"", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    ("T2", {}, "12345", OFFICIAL,
     [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")], b"",
     "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    ("T3", {}, "12345",
     OFFICIAL + "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620", None,
     b'{"property": "value", "boolean": true}', "a9nBmqA0ju/hNViExpshrM61xv4="),
    ("T4", {}, "12345", OFFICIAL.replace(".com/", ".com:443/"), CALL, b"", "kvajT1Ptam85bY51eRf/AJRuM3w="),
    ("T5", {}, TWILIO_TOKEN, TWILIO_URL, twilio_form(), b"", "WRJBeI98rove2MKbI8ir26mlFxY="),
    ("T6", {}, TWILIO_TOKEN, TWILIO_URL, twilio_form(Body=" SALDO ", FromCity=""), b"",
     "4b+IeXxbHGoExCm/KqXkWh24VS4="),
    ("T7", {"algorithm": "sha256", "shared_key": "sharedkeysecret"}, "x", TWILIO_URL, twilio_form(), b"",
     "b3lYh3LlCIBryQeTqCGEw6CsAikKoyzE6xkeLX2tBjA="),
]  # fmt: skip


@pytest.mark.parametrize(("name", "more", "key", "url", "form", "body", "signature"), TWILIO_VECTORS)
def test_twilios_vectors_are_accepted(
    name: str, more: dict[str, str], key: str, url: str, form: Any, body: bytes, signature: str
) -> None:
    account = dict(form or []).get("AccountSid", "AC1")
    gateway = msgspec.convert({"account_sid": account, "auth_token": key, "sender": "+1"} | more, Twilio)
    kind = FORM if form is not None else JSON

    gateway.verify(arrival(url=url, form=form, body=body, headers=(kind, ("x-twilio-signature", signature))))


def test_twilio_signs_with_the_port_or_without_it() -> None:
    gateway = Twilio(account_sid="AC1", auth_token="12345", sender="+1")
    signed = (FORM, ("x-twilio-signature", "kvajT1Ptam85bY51eRf/AJRuM3w="))

    gateway.verify(arrival(url=OFFICIAL, form=CALL, headers=signed))


def test_vonages_vectors_are_accepted_and_its_old_ones_are_not() -> None:
    gateway = msgspec.convert(VONAGE, Vonage)

    official = {"param1": "value1", "param2": "value2", "timestamp": "1234567890"}
    assert gateway.signature(official) == "280c4320703dbc98bfa22db676655ed2acfbfe8792b062ff7622e67f1183c287"
    gateway.verify(arrival(form=[*V2, ("sig", V2_SIG)]))
    with pytest.raises(ProofWrong):
        gateway.verify(arrival(form=[*V2, ("sig", "add00bd17d1aa656707548fe1338110e")]))


def test_vonages_token_is_of_this_body_of_now_and_of_our_account() -> None:
    gateway = msgspec.convert(VONAGE | {"signature_secret": X32}, Vonage)
    good = arrival(headers=(JSON, ("authorization", token(V3_BODY))), body=V3_BODY)

    gateway.verify(good)

    text = gateway.read(good)
    assert text is not None
    assert (text.text, text.sender) == ("SALDO", "+4791234567")
    for bad in (
        token(V3_BODY, alg="none"), token(V3_BODY, alg="HS512"), token(V3_BODY, secret="y" * 32),
        token(V3_BODY + b" "), token(V3_BODY, api_key="other"), token(V3_BODY, iat=1767607200 - 600),
        token(V3_BODY, iat="1767607200"), token(V3_BODY, jti=None), "Bearer a.b", "Bearer ..", "Basic eA==",
    ):  # fmt: skip
        with pytest.raises(ProofWrong):
            gateway.verify(arrival(headers=(JSON, ("authorization", bad)), body=V3_BODY))


def test_sinchs_vector_is_accepted_within_five_minutes() -> None:
    gateway, sample = opened("sinch")

    for seconds, holds in ((0, True), (299, True), (301, False), (-301, False)):
        late = msgspec.structs.replace(sample.arrival, at=SINCH_AT.fromtimestamp(1634579353 + seconds, SINCH_AT.tzinfo))
        if holds:
            gateway.verify(late)
        else:
            with pytest.raises(ProofWrong):
                gateway.verify(late)


def test_a_signature_that_came_twice_proves_nothing() -> None:
    gateway, sample = opened("sinch")
    twice = (*sample.arrival.headers, ("x-sinch-webhook-signature", "another"))

    with pytest.raises(ProofWrong):
        gateway.verify(msgspec.structs.replace(sample.arrival, headers=twice))
    signed = sinch_headers("XY7d57+PPCZ9/1pAdkiyTe+xxgzMumuw4aCTkAB0Yh4=")
    assert isinstance(gateway, Sinch)
    gateway.verify(arrival(headers=signed, body=SINCH_BODY, at=SINCH_AT))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("twilio", {"account_sid": "AC", "auth_token": "", "sender": "+1"}),
        ("twilio", {"account_sid": "AC", "auth_token": "t", "sender": "+1", "algorithm": "sha256"}),
        ("fortysixelks", {"api_username": "u", "api_password": "p", "sender": "x", "addresses": []}),
        ("vonage", VONAGE | {"signature_secret": ""}),
        ("vonage", VONAGE | {"algorithm": "md5"}),
        ("sinch", {"service_plan_id": "p", "api_token": "t", "sender": "x"}),
        ("kannel", {"sendsms_url": "u", "username": "u", "password": "p", "sender": "x", "addresses": []}),
        ("generic", {"sender": "x", "proof": {"by": "basic", "secret": "s"}, "out": {"url": "u"}}),
        ("generic", {"sender": "x", "proof": {"by": "hmac", "secret": ""}, "out": {"url": "u"}}),
        ("generic", {"sender": "x", "proof": {"by": "nothing", "secret": "s"}, "out": {"url": "u"}}),
    ],
)
def test_a_gateway_that_could_prove_nothing_cannot_be_set_up(name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, GATEWAYS[name])


# --- mutations ---


def mutations(sample: Sample) -> Iterator[Arrival]:
    """Change one thing about a callback, a thousand times and more: each must be refused."""
    chance = random.Random(2026)  # noqa: S311  # mutations, not secrets
    given = sample.arrival
    replace = msgspec.structs.replace
    proofs = [(name, value) for name, value in given.headers if name != "content-type"]
    for name, value in proofs:
        rest = tuple(pair for pair in given.headers if pair[0] != name)
        yield replace(given, headers=rest)
        for _ in range(1100):
            changed = _garbled(value.encode(), chance).decode("latin-1")
            if changed != value:
                yield replace(given, headers=(*rest, (name, changed)))
    if sample.unsigned and not proofs:
        for _ in range(1000):
            yield replace(given, remote=".".join(str(chance.randint(11, 126)) for _ in range(4)))
        for odd in ("", "localhost", "127.0.0.1.evil.example", "::", "fe80::1%eth0", "999.1.1.1", "\x00", "1" * 5000):
            yield replace(given, remote=odd)
    if not sample.unsigned:
        yield from _changed_bodies(given, chance)


def _changed_bodies(given: Arrival, chance: random.Random) -> Iterator[Arrival]:
    """Change what is said. What says the same in other bytes is no mutation, nor what Twilio's own signature cannot
    tell: it runs names and values together, so that the border between two of them is not signed.
    """
    form = ("content-type", "application/x-www-form-urlencoded") in given.headers
    said = _run_together(given.body.decode()) if form else None
    for _ in range(1200):
        body = _garbled(given.body, chance)
        if form:
            try:
                if _run_together(body.decode("latin-1")) == said:
                    continue
            except ValueError:
                pass
        if body != given.body:
            yield msgspec.structs.replace(given, body=body)
    yield msgspec.structs.replace(given, body=b"")
    yield msgspec.structs.replace(given, body=given.body + b"&extra=1")
    if form:
        yield msgspec.structs.replace(given, body=urlencode([("Body", "x")] * 5000).encode())


def _run_together(form: str) -> str:
    return "".join(name + value for name, value in sorted(set(parse_qsl(form, keep_blank_values=True))))


def _garbled(data: bytes, chance: random.Random) -> bytes:
    """Change, drop, double or insert one byte, or cut the end off."""
    at = chance.randrange(len(data) + 1) if data else 0
    how = chance.randrange(5)
    one = bytes([chance.randrange(256)])
    if how == 0 and at < len(data):
        return data[:at] + one + data[at + 1 :]
    if how == 1:
        return data[:at] + data[at + 1 :]
    if how == 2:
        return data[:at] + data[at : at + 1] * 2 + data[at + 1 :]
    return data[:at] + one + data[at:] if how == 3 else data[:at]
