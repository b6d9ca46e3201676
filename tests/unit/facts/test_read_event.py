"""One event's bytes: what is sound, what is refused, and where the finger points."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.facts.outcome import Rejection, RejectionCode
from trust_portal.facts.reading import FREQUENT, MAX_EVENT_BYTES, event_key, read_event
from trust_portal.facts.refusal import BadEvent

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)


def sli(**data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "m-1",
        "source": "urn:probe",
        "type": "trustportal.sli.measured.v1",
        "time": "2026-06-01T00:00:00Z",
        "data": {"tenant": "acme", "objective": "api", "total": 60, "good": 59, **data},
    }


def usage(**data: Any) -> dict[str, Any]:
    body = {
        "tenant": "acme", "subsystem": "compute", "resource": "vm-1", "operation": "run", "region": "eu",
        "quantity": 1.5, "unit": "h", "cost": "0.25", "currency": "EUR", "labels": {"team": "a"},
    }  # fmt: skip
    return {**sli(), "type": "trustportal.usage.recorded.v1", "data": {**body, **data}}


def maintenance(**data: Any) -> dict[str, Any]:
    body = {
        "window": "w-1", "start": "2026-06-01T00:00:00Z", "end": "2026-06-01T01:00:00Z",
        "announced_at": "2026-05-01T00:00:00Z", "reason": "upgrade",
    }  # fmt: skip
    return {**sli(), "type": "trustportal.maintenance.scheduled.v1", "data": {**body, **data}}


def declared(**data: Any) -> dict[str, Any]:
    body = {
        "incident": "i-1", "severity": "P1", "title": "The API is down", "service": "api", "owner": "olga",
        "began_at": "2026-06-01T00:00:00Z", "detected_at": "2026-06-01T00:01:00Z",
    }  # fmt: skip
    return {**sli(), "type": "trustportal.incident.declared.v1", "data": {**body, **data}}


def ended(kind: str, at: str) -> dict[str, Any]:
    body = {"incident": "i-1", "at": at, "text": "over"}
    return {**sli(), "type": f"trustportal.incident.{kind}.v1", "data": body}


def without(event: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != name}


def refused(event: dict[str, Any] | bytes) -> Rejection:
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    with pytest.raises(BadEvent) as caught:
        read_event(raw, 0, NOW)
    return caught.value.rejection(0)


BUCKETS = {"0.25": 10, "0.5": 20, "+Inf": 60}


@pytest.mark.parametrize(
    ("event", "code", "path"),
    [
        (sli(good=61), "INVALID", "$.data.good"),
        (sli(good=-1), "INVALID", "$.data.good"),
        (sli(good=None), "INVALID", "$.data.good"),
        (sli(total="60"), "INVALID", "$.data.total"),
        (sli(total=2**63), "INVALID", "$.data.total"),
        (sli(total=10**400), "INVALID", "$.data.total"),
        (sli(total=59.5), "INVALID", "$.data.total"),
        (sli(total=True), "INVALID", "$.data.total"),
        (sli(tenant=""), "INVALID", "$.data.tenant"),
        (sli(objective="x" * 201), "INVALID", "$.data.objective"),
        (sli(objective="a\x00b"), "INVALID", "$.data.objective"),
        (sli(objective="\ud800"), "INVALID", "$.data.objective"),
        (sli(objective="\uffff"), "INVALID", "$.data.objective"),
        (usage(labels={"a\ufffe": "b"}), "INVALID", "$.data.labels.a\ufffe"),
        (declared(detected_at="2026-05-31T23:59:59.999Z"), "INVALID", "$.data.detected_at"),
        (declared(title="The API\uffff is down"), "INVALID", "$.data.title"),
        (declared(title="The API\nis down"), "INVALID", "$.data.title"),
        (declared(title="The API \x1b is down"), "INVALID", "$.data.title"),
        (declared(title="The API \u202eis down"), "INVALID", "$.data.title"),
        (declared(service="ap\u200bi"), "INVALID", "$.data.service"),
        (sli(extra={"deep": ["\x00"]}), "INVALID", "$.data.extra.deep[0]"),
        (sli(buckets={}), "INVALID", "$.data.buckets"),
        (sli(buckets={"0.5": 60}), "INVALID", "$.data.buckets"),
        (sli(buckets={**BUCKETS, "0.25": 21}), "INVALID", "$.data.buckets.0.5"),
        (sli(buckets={**BUCKETS, "+Inf": 61}), "INVALID", "$.data.buckets.+Inf"),
        (sli(buckets={**BUCKETS, "0.50": 20}), "INVALID", "$.data.buckets.0.50"),
        (sli(buckets={**BUCKETS, "fast": 1}), "INVALID", "$.data.buckets"),
        (sli(buckets={**BUCKETS, "0.7\n": 20}), "INVALID", "$.data.buckets"),
        (without(sli(), "data"), "INVALID", "$.data"),
        (without(sli(), "time"), "INVALID", "$.time"),
        (without(sli(), "id"), "INVALID", "$.id"),
        (without(sli(), "type"), "INVALID", "$.type"),
        ({**sli(), "type": 7}, "INVALID", "$.type"),
        ({**sli(), "type": "trustportal.sli.measured.v2"}, "UNKNOWN_TYPE", "$.type"),
        ({**sli(), "specversion": "0.3"}, "INVALID", "$.specversion"),
        ({**sli(), "datacontenttype": "text/xml"}, "INVALID", "$.datacontenttype"),
        ({**sli(), "time": "2026-06-01T00:00:30Z"}, "INVALID", "$.time"),
        ({**sli(), "time": "2026-06-01T00:00:00"}, "INVALID", "$.time"),
        ({**sli(), "time": "yesterday"}, "INVALID", "$.time"),
        ({**sli(), "time": "0001-01-01T00:00:00+14:00"}, "INVALID", "$.time"),
        ({**sli(), "time": "2026-07-10T09:06:00Z"}, "TIME_IN_FUTURE", "$.time"),
        (ended("mitigated", "2026-07-10T09:05:00.001Z"), "TIME_IN_FUTURE", "$.data.at"),
        (ended("resolved", "2062-06-01T10:00:00Z"), "TIME_IN_FUTURE", "$.data.at"),
        (ended("resolved", "2026-07-10T10:06:00-01:00"), "TIME_IN_FUTURE", "$.data.at"),
        (declared(detected_at="2026-07-10T09:06:00Z"), "TIME_IN_FUTURE", "$.data.detected_at"),
        (
            declared(began_at="2062-06-01T00:00:00Z", detected_at="2062-06-01T00:00:00Z"),
            "TIME_IN_FUTURE",
            "$.data.began_at",
        ),
        (usage(cost="1.5e3"), "INVALID", "$.data.cost"),
        (usage(cost="NaN"), "INVALID", "$.data.cost"),
        (usage(cost="1.0\n"), "INVALID", "$.data.cost"),
        (usage(cost=1.5), "INVALID", "$.data.cost"),
        (usage(cost="0.1234567890123"), "INVALID", "$.data.cost"),
        (usage(currency="EURO"), "INVALID", "$.data.currency"),
        (usage(currency="QQQ"), "INVALID", "$.data.currency"),
        (usage(quantity=-1), "INVALID", "$.data.quantity"),
        (usage(quantity=float("nan")), "INVALID", "$.data.quantity"),
        (usage(subsystem="gpu"), "INVALID", "$.data.subsystem"),
        (maintenance(end="2026-06-01T00:00:00Z"), "INVALID", "$.data.end"),
        (maintenance(start="0001-01-01T00:00:00+14:00"), "INVALID", "$.data.start"),
        (maintenance(tenants=[]), "INVALID", "$.data.tenants"),
        (maintenance(tenants=["a", 1]), "INVALID", "$.data.tenants[1]"),
    ],
)
def test_a_wrong_field_is_refused_with_its_code_and_path(event: dict[str, Any], code: str, path: str) -> None:
    rejection = refused(event)
    assert (rejection.code, rejection.path) == (code, path)
    assert rejection.id == event.get("id")
    json.dumps(rejection.message).encode()


@pytest.mark.parametrize(
    "event",
    [
        ended("mitigated", "2026-07-10T09:05:00Z"),
        ended("resolved", "2026-07-10T11:05:00+02:00"),
        declared(began_at="2026-07-10T09:05:00Z", detected_at="2026-07-10T09:05:00Z"),
        maintenance(start="2062-06-01T00:00:00Z", end="2062-06-01T01:00:00Z"),
    ],
)
def test_a_clock_may_be_five_minutes_ahead_and_what_is_planned_any_time(event: dict[str, Any]) -> None:
    assert read_event(json.dumps(event).encode(), 0, NOW).event.id == "m-1"


@pytest.mark.parametrize(
    ("raw", "code", "path"),
    [
        (b"", "MALFORMED", None),
        (b"{", "MALFORMED", None),
        (b"\xff", "MALFORMED", None),
        (b"[]", "MALFORMED", "$"),
        (b"null", "MALFORMED", "$"),
        (b'{"a":1,"a":2}', "INVALID", "$.a"),
        (b'{"data": {"b" :1, "b": 2}}', "INVALID", "$.data.b"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "INVALID", "$"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "INVALID", "$.a" + "[0]" * 31),
        (b'"' + b"x" * MAX_EVENT_BYTES, "TOO_LARGE", "$"),
    ],
    ids=["nothing", "cut off", "not UTF-8", "array", "null", "name twice", "name twice inside", "abyss", "deep", "long"],
)  # fmt: skip
def test_a_text_that_is_no_plain_json_object_is_refused(raw: bytes, code: str, path: str | None) -> None:
    rejection = refused(raw)
    assert (rejection.code, rejection.path) == (code, path)


@pytest.mark.parametrize("blank", ["", " "])
def test_what_xml_does_not_have_is_refused_also_where_it_is_written_plainly(blank: str) -> None:
    separators = (f",{blank}", f":{blank}")
    for character in ("\ufffe", "\uffff"):
        text = json.dumps(sli(objective=f"a{character}"), ensure_ascii=False, separators=separators)
        assert refused(text.encode()).path == "$.data.objective"
    text = json.dumps(sli(objective="a\ufffd\u4e00"), ensure_ascii=False, separators=separators)
    assert read_event(text.encode(), 0, NOW).event.data.objective == "a\ufffd\u4e00"


def test_a_name_given_twice_is_found_also_where_strings_look_like_names() -> None:
    event = json.dumps(sli(note='say \\":" and {"x":1}'))
    assert json.loads(read_event(event.encode(), 0, NOW).extras or b"") == {"note": 'say \\":" and {"x":1}'}
    assert refused(event.replace('"good"', '"total"').encode()).path == "$.data.total"


@pytest.mark.parametrize(
    "event",
    [
        sli(), sli(buckets=BUCKETS), sli(buckets=BUCKETS, good=None), usage(), usage(cost="-3"),
        maintenance(), maintenance(tenants=["acme"], objectives=["api"]),
        {**sli(), "time": "2026-06-01t02:00:00+02:00", "subject": "x", "traceparent": "00-1"},
        {**sli(), "datacontenttype": "application/json; charset=utf-8"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " : ")])
def test_a_sound_event_is_read_however_it_is_spaced(
    event: dict[str, Any], separators: tuple[str, str]
) -> None:
    read = read_event(json.dumps(event, separators=separators).encode(), 3, NOW)
    assert (read.index, read.event.id, json.loads(read.body)) == (3, "m-1", event["data"])
    assert read.digest == read_event(json.dumps(event, indent=1).encode(), 0, NOW).digest


def test_fields_beyond_the_type_are_kept_and_are_content() -> None:
    plain, extended = (
        read_event(json.dumps(event).encode(), 0, NOW) for event in (sli(), sli(colour={"b": 1}))
    )
    assert plain.extras is None
    assert extended.extras == b'{"colour":{"b":1}}'
    assert plain.digest != extended.digest
    assert plain.key == extended.key


def test_absent_and_null_are_the_same_content_and_another_time_is_no_other_content() -> None:
    event = sli()
    digest = read_event(json.dumps(event).encode(), 0, NOW).digest
    for same in (sli(buckets=None, correction_of=None), {**event, "time": "2026-06-01T00:01:00Z"}):
        assert read_event(json.dumps(same).encode(), 0, NOW).digest == digest
    for other in (sli(good=58), sli(correction_of="m-0"), sli(note="x"), sli(note=None)):
        assert read_event(json.dumps(other).encode(), 0, NOW).digest != digest


@pytest.mark.parametrize("whole", ["60.0", "6e1", "600E-1"])
def test_an_integer_may_be_written_as_a_float_without_fraction(whole: str) -> None:
    text = json.dumps(sli(buckets={"+Inf": 60}))
    read = read_event(text.replace("60", whole).encode(), 0, NOW)
    assert read == read_event(text.encode(), 0, NOW)


def test_of_the_frequent_types_every_optional_field_is_none_when_absent() -> None:
    for kind in FREQUENT:
        data = next(field.type for field in msgspec.structs.fields(kind) if field.name == "data")
        optional = [field for field in msgspec.structs.fields(data) if not field.required]
        assert [field.default for field in optional] == [None] * len(optional)


_spaced = st.sampled_from(["", " ", "\t", "\n", " \n"])


@given(
    st.sampled_from([sli(), sli(buckets=BUCKETS), usage(), usage(labels={"a": ' ":" '})]),
    st.sampled_from(["good", "quantity", "+Inf", "a", "id", "x"]),
    _spaced,
    _spaced,
)
def test_a_name_given_twice_is_never_passed_over(event: Any, name: str, before: str, after: str) -> None:
    text = json.dumps(event, separators=(",", ":"))
    at = text.find(f'"{name}":')
    if at < 0:
        return
    twice = text[:at] + f'"{name}"{before}:{after}null,' + text[at:]
    assert refused(twice.encode()).message == "the name is given twice in one object"


def test_source_and_id_cannot_be_shifted_into_each_other() -> None:
    assert event_key("a", "bc") != event_key("ab", "c")
    assert event_key("1 a", "b") != event_key("1", " ab")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_fields = st.sampled_from(["id", "source", "type", "time", "data", "specversion", "datacontenttype"])
_data_fields = st.sampled_from(
    ["tenant", "objective", "total", "good", "buckets", "cost", "start", "tenants", "x"]
)


@given(st.sampled_from([sli(), usage(), maintenance()]), _fields, _json)
def test_whatever_stands_in_the_envelope_the_event_is_read_or_refused(
    event: Any, name: str, value: Any
) -> None:
    _read_or_refuse(json.dumps({**event, name: value}).encode())


@given(st.sampled_from([sli(), usage(), maintenance()]), _data_fields, _json)
def test_whatever_stands_in_the_data_the_event_is_read_or_refused(event: Any, name: str, value: Any) -> None:
    _read_or_refuse(json.dumps({**event, "data": {**event["data"], name: value}}).encode())


@given(st.binary(max_size=200))
def test_whatever_bytes_come_they_are_refused(raw: bytes) -> None:
    assert refused(raw).code in RejectionCode


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_flipped_byte_is_read_or_refused(at: int, byte: int) -> None:
    raw = bytearray(json.dumps(sli(buckets=BUCKETS)).encode())
    raw[at % len(raw)] = byte
    _read_or_refuse(bytes(raw))


def _read_or_refuse(raw: bytes) -> None:
    try:
        read_event(raw, 0, NOW)
    except BadEvent as bad:
        rejection = bad.rejection(0)
        assert rejection.code in RejectionCode
        assert rejection.message
        f"{rejection.id}{rejection.message}{rejection.path}".encode()
