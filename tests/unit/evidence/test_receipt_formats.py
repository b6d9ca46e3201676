"""Envelopes and statements: what is written is read back, and there is one spelling of each."""

import json

import pytest
from evidence_sample import FOREIGN_KEY, RECEIPT_KEY
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.evidence.dsse import IN_TOTO, Envelope, pae, sign_envelope
from trust_portal.evidence.statement import PREDICATE_TYPES, ReceiptKind, Statement, Subject, statement_of
from trust_portal.evidence.strict import (
    Malformed,
    decimal,
    decode_base64,
    decode_base64url,
    encode_base64url,
    parse_json,
)

SUBJECT = Subject("report.json", "ab" * 32)
STATEMENT = statement_of(ReceiptKind.SLA_REPORT_ISSUED, (SUBJECT,), {"result": {"ü": "1"}, "at": "x"})
ENVELOPE = sign_envelope(STATEMENT.canonical(), RECEIPT_KEY)


def test_pae_counts_bytes_not_characters() -> None:
    assert pae("ü", "ü".encode()) == "DSSEv1 2 ü 2 ü".encode()


@given(st.text(max_size=30), st.binary(max_size=60), st.text(max_size=30), st.binary(max_size=60))
def test_pae_is_injective(kind: str, payload: bytes, other_kind: str, other: bytes) -> None:
    assert (pae(kind, payload) == pae(other_kind, other)) is ((kind, payload) == (other_kind, other))


def test_an_envelope_is_read_back_and_verified_by_its_key_only() -> None:
    parsed = Envelope.parse(ENVELOPE.to_json())
    assert parsed == ENVELOPE
    assert parsed.payload_type == IN_TOTO
    assert parsed.verify(RECEIPT_KEY.verify_key)
    assert not parsed.verify(FOREIGN_KEY.verify_key)
    assert Statement.parse(parsed.payload) == STATEMENT


def test_signing_twice_gives_the_same_bytes() -> None:
    assert sign_envelope(STATEMENT.canonical(), RECEIPT_KEY).to_json() == ENVELOPE.to_json()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('":', '": ', 1),
        lambda text: text + "\n",
        lambda text: text.replace("payloadType", "payloadtype"),
        lambda text: text.replace('"sig":"', '"sig":"='),
        lambda text: text[:-1] + ',"extra":1}',
        lambda text: "[]",
        lambda text: "{}",
        lambda text: '{"payload":1,"payloadType":2,"signatures":3}',
        lambda text: '{"payload":"","payloadType":"","signatures":[[]]}',
        lambda text: '{"payload":"","payloadType":2,"signatures":[]}',
        lambda text: '{"payload":"","payloadType":"","signatures":[{"keyid":1,"sig":""}]}',
        lambda text: text.replace('{"payload"', '{"payload":"","payload"'),
        lambda text: "nonsense",
        lambda text: "[" * 100_000,
    ],
)
def test_an_envelope_has_one_spelling(change) -> None:
    with pytest.raises(Malformed):
        Envelope.parse(change(ENVELOPE.to_json().decode()).encode())


def test_base64_has_one_spelling() -> None:
    assert decode_base64("AA==") == b"\x00"
    for other in ("AB==", "AA=", "AA", "AA==\n", " AA==", "A-==", "é"):
        with pytest.raises(Malformed):
            decode_base64(other)
    assert decode_base64url("AA") == b"\x00"
    for other in ("AB", "AA==", "AA\n", "A+", "é", "A"):
        with pytest.raises(Malformed):
            decode_base64url(other)


@given(st.binary(max_size=99))
def test_base64url_round_trips(raw: bytes) -> None:
    assert decode_base64url(encode_base64url(raw)) == raw


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "01", "1.0", " 1", "1e3", "٣", "9223372036854775808", "9" * 400]
)
def test_a_number_is_plain_decimal(text: str) -> None:
    with pytest.raises(Malformed):
        decimal(text)
    assert decimal("0") == 0
    assert decimal("9223372036854775807") == 2**63 - 1


@pytest.mark.parametrize("text", ['{"a":1,"a":1}', "1.5", "[NaN]", "Infinity", "\xff", '{"a":{"b":1,"b":2}}'])
def test_json_has_one_meaning(text: str) -> None:
    with pytest.raises(Malformed):
        parse_json(text.encode("latin-1"))


def test_the_statement_is_an_in_toto_statement_v1() -> None:
    assert json.loads(STATEMENT.canonical()) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "report.json", "digest": {"sha256": "ab" * 32}}],
        "predicateType": "urn:trustportal:receipt:sla_report.issued:v1",
        "predicate": {"at": "x", "result": {"ü": "1"}},
    }
    assert STATEMENT.kind is ReceiptKind.SLA_REPORT_ISSUED


def test_every_kind_has_its_own_predicate_type() -> None:
    assert set(PREDICATE_TYPES) == set(ReceiptKind)
    assert len(set(PREDICATE_TYPES.values())) == len(ReceiptKind)


def test_a_statement_is_about_something() -> None:
    with pytest.raises(Malformed, match="about something"):
        Statement((), "x", {})
    with pytest.raises(Malformed, match="same name"):
        Statement((SUBJECT, SUBJECT), "x", {})
    with pytest.raises(Malformed, match="SHA-256"):
        Subject("x", "AB" * 32)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s | {"_type": "https://in-toto.io/Statement/v0.1"},
        lambda s: s | {"subject": []},
        lambda s: s | {"subject": [{"name": "x"}]},
        lambda s: s | {"subject": [{"name": 1, "digest": {"sha256": "ab" * 32}}]},
        lambda s: s | {"predicate": []},
        lambda s: s | {"predicateType": None},
        lambda s: s | {"extra": "1"},
        lambda s: {},
    ],
)
def test_a_statement_of_another_shape_is_malformed(change) -> None:
    value = change(json.loads(STATEMENT.canonical()))
    with pytest.raises(Malformed):
        Statement.parse(json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode())


def test_a_float_never_reaches_a_signature() -> None:
    with pytest.raises(ValueError, match="float"):
        statement_of(ReceiptKind.KEY_CREATED, (SUBJECT,), {"ratio": 0.5}).canonical()  # type: ignore[dict-item]
