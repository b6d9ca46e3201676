"""What pagers send, and what an operator's rules make of it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.access.tokens.model import Bounds
from trust_portal.errors import InvalidInput
from trust_portal.facts.events import AlarmSource
from trust_portal.facts.owning import check_source
from trust_portal.facts.refusal import BadEvent
from trust_portal.learning.incidents.alarms import AlarmKind, read_alarm, signature_holds
from trust_portal.learning.incidents.mapping import Mapped, Unmatched, apply_mapping, parse_mapping
from trust_portal.learning.incidents.model import Severity
from trust_portal.web.views.integrations import FIRST_RULES, KINDS

AT = "2026-06-01T10:00:00Z"
RULES = """\
- when: {labels.severity: critical, labels.team: pay*}
  severity: P1
  service: "{labels.service}"
  title: "{annotations.summary} ({labels.service})"
  team: "{labels.team}"
  tenants: [acme, "{labels.tenant}"]
- severity: "{labels.severity}"
  service: api
  title: Something
"""


def pagerduty(event_type: str = "incident.triggered", **data: Any) -> dict[str, Any]:
    said = {
        "id": "Q1",
        "type": "incident",
        "created_at": "2026-06-01T09:58:00Z",
        "title": "Disk full",
        "urgency": "high",
        "priority": {"summary": "P1"},
        "service": {"summary": "storage"},
        "teams": [{"summary": "sre"}],
    }
    return {
        "event": {
            "id": "01DFY3",
            "event_type": event_type,
            "occurred_at": AT,
            "agent": {"summary": "Ann"},
            "data": said | data,
        }
    }


def alertmanager(status: str = "firing", **more: Any) -> dict[str, Any]:
    alert = {
        "status": status,
        "startsAt": AT,
        "endsAt": "2026-06-01T11:00:00Z",
        "fingerprint": "f1",
    }
    return {
        "version": "4",
        "groupKey": '{}:{alertname="Slow"}',
        "status": status,
        "receiver": "portal",
        "commonLabels": {"severity": "critical", "service": "api", "team": "payments", "tenant": "globex"},
        "commonAnnotations": {"summary": "Slow"},
        "alerts": [alert],
    } | more


def read(source: AlarmSource, value: Any) -> Any:
    return read_alarm(source, json.dumps(value).encode())


@pytest.mark.parametrize("kind", AlarmSource)
def test_every_kind_of_pager_has_a_reader_and_no_token_speaks_for_it(kind: AlarmSource) -> None:
    with pytest.raises(InvalidInput):
        read(kind, {})
    with pytest.raises(BadEvent, match="may not speak"):
        check_source(f"{kind.value}/prod", Bounds(sources=("*",)))


def test_every_kind_of_pager_has_a_name_and_rules_to_begin_with() -> None:
    assert [value for value, _ in KINDS] == [kind.value for kind in AlarmSource]
    assert {kind: len(parse_mapping(text)) for kind, text in FIRST_RULES.items()} == dict.fromkeys(
        AlarmSource, 2
    )


def test_a_triggered_incident_of_pagerduty_is_read_with_all_that_rules_look_at() -> None:
    alarm = read(AlarmSource.PAGERDUTY, pagerduty())
    assert (alarm.kind, alarm.id, alarm.key) == (AlarmKind.TRIGGERED, "01DFY3", "Q1")
    assert alarm.at == datetime(2026, 6, 1, 10, tzinfo=UTC)
    assert alarm.began_at == datetime(2026, 6, 1, 9, 58, tzinfo=UTC)
    for name, value in (("priority.summary", "P1"), ("teams.0.summary", "sre"), ("urgency", "high")):
        assert alarm.fields[name] == value


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("incident.acknowledged", AlarmKind.NOTE),
        ("incident.escalated", AlarmKind.NOTE),
        ("incident.reopened", AlarmKind.REOPENED),
        ("incident.resolved", AlarmKind.RESOLVED),
        ("incident.priority_updated", AlarmKind.SEVERITY),
        ("pagey.ping", AlarmKind.PING),
        ("service.updated", AlarmKind.OTHER),
        ("service.custom_field_value.updated", AlarmKind.OTHER),
    ],
)
def test_each_event_of_pagerduty_tells_its_kind(type_: str, kind: AlarmKind) -> None:
    assert read(AlarmSource.PAGERDUTY, pagerduty(type_)).kind is kind


def test_a_note_at_pagerduty_names_its_author_and_its_words() -> None:
    value = pagerduty("incident.annotated", id="N1", content="Looking", incident={"id": "Q1"})
    alarm = read(AlarmSource.PAGERDUTY, value)
    assert (alarm.key, alarm.text) == ("Q1", "Annotated by Ann: Looking")


def test_a_firing_group_of_alertmanager_began_with_its_first_alert() -> None:
    first = {"status": "firing", "startsAt": "2026-06-01T09:00:00Z", "endsAt": AT, "fingerprint": "f0"}
    value = alertmanager()
    value["alerts"].append(first)
    alarm = read(AlarmSource.ALERTMANAGER, value)
    assert (alarm.kind, alarm.key) == (AlarmKind.FIRING, '{}:{alertname="Slow"}')
    assert (alarm.began_at.hour, alarm.at.hour) == (9, 10)
    assert alarm.fields["labels.team"] == "payments"


def test_the_same_delivery_is_the_same_alarm_and_another_state_is_another() -> None:
    again = read(AlarmSource.ALERTMANAGER, alertmanager()).id
    assert read(AlarmSource.ALERTMANAGER, alertmanager()).id == again
    assert read(AlarmSource.ALERTMANAGER, alertmanager("resolved")).id != again


def test_no_delivery_has_the_id_of_what_is_told_or_listed_anew_of_another() -> None:
    def told(id_: str) -> str:
        value = pagerduty()
        value["event"]["id"] = id_
        found: str = read(AlarmSource.PAGERDUTY, value).id
        return found

    assert told("a") == "a"
    ids = [told(each) for each in ("a/b", "a/c", "a/b")]
    assert [each.partition("/")[0] for each in ids] == ids
    assert (ids[0], len(set(ids))) == (ids[2], 2)


def test_a_long_group_key_stays_a_key_and_one_of_its_own() -> None:
    keys = {read(AlarmSource.ALERTMANAGER, alertmanager(groupKey="k" * 500 + end)).key for end in "ab"}
    assert len(keys) == 2
    assert {len(key) for key in keys} == {200}


@pytest.mark.parametrize(
    ("source", "value", "field"),
    [
        (AlarmSource.PAGERDUTY, {}, "event"),
        (AlarmSource.PAGERDUTY, [], "body"),
        (AlarmSource.PAGERDUTY, {"event": {"event_type": "service.updated"}}, "event.id"),
        (AlarmSource.PAGERDUTY, pagerduty("services.updated"), "event.event_type"),
        (AlarmSource.PAGERDUTY, pagerduty("incident"), "event.event_type"),
        (AlarmSource.PAGERDUTY, pagerduty(id=""), "event.data.id"),
        (AlarmSource.PAGERDUTY, pagerduty(created_at="soon"), "event.data.created_at"),
        (
            AlarmSource.PAGERDUTY,
            pagerduty(created_at="9999-12-31T23:59:59-23:59"),
            "event.data.created_at",
        ),
        (AlarmSource.ALERTMANAGER, alertmanager(version="3"), "version"),
        (AlarmSource.ALERTMANAGER, alertmanager("maybe"), "status"),
        (AlarmSource.ALERTMANAGER, alertmanager(alerts=[]), "alerts"),
        (AlarmSource.ALERTMANAGER, alertmanager(alerts=[{"status": "firing"}]), "alerts.startsAt"),
    ],
)
def test_what_is_no_delivery_is_refused_with_its_field(source: AlarmSource, value: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(source, value)
    assert refused.value.field == field


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(AlarmSource), st.dictionaries(st.sampled_from(sorted(pagerduty()["event"])), _json), _json
)
def test_whatever_is_sent_is_read_or_refused(source: AlarmSource, event: dict[str, Any], data: Any) -> None:
    for value in (
        {"event": event | {"data": data}},
        alertmanager(alerts=data),
        alertmanager(commonLabels=data),
    ):
        with contextlib.suppress(InvalidInput):
            assert read(source, value).fields


def test_any_of_several_signatures_is_enough_and_every_other_is_refused() -> None:
    body, secret = b'{"event": {}}', b"secret"
    right = "v1=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    assert signature_holds(f"v1=00,{right}", secret, body)
    assert not signature_holds(right, b"other", body)
    assert not signature_holds(right, secret, body + b" ")
    assert not signature_holds(right.removeprefix("v1="), secret, body)
    assert not signature_holds("", secret, body)
    assert not signature_holds("v1=\u00e9", secret, body)


def test_the_first_rule_that_fits_makes_the_incident() -> None:
    fields = read(AlarmSource.ALERTMANAGER, alertmanager()).fields
    assert apply_mapping(parse_mapping(RULES), fields) == Mapped(
        1, Severity.P1, "api", "Slow (api)", "", "payments", ("acme", "globex"), None
    )


def test_what_hides_or_misleads_in_an_alarm_is_in_no_title_and_no_note() -> None:
    rules = parse_mapping("- {severity: P1, service: '{s}', title: '{t}'}")
    hidden = {"s": "ap\u200bi\uffff", "t": "The\x1b API\n is \u202edown\ufffe"}
    mapped = apply_mapping(rules, hidden)
    assert isinstance(mapped, Mapped)
    assert (mapped.service, mapped.title) == ("ap i", "The API is down")
    nothing = Unmatched("rule 1 fits and leaves the title empty", Severity.P1)
    assert apply_mapping(rules, {"s": "api", "t": "\u202e\uffff"}) == nothing
    noted = pagerduty()
    noted["event"] |= {
        "event_type": "incident.annotated",
        "data": noted["event"]["data"] | {"content": "a\uffffb\x00c"},
    }
    assert read(AlarmSource.PAGERDUTY, noted).text.endswith(": a b c")


def test_a_rule_that_fits_and_cannot_be_filled_makes_no_incident_and_says_why() -> None:
    rules = parse_mapping(RULES)
    lacking = {"labels.severity": "critical", "labels.team": "payments", "labels.service": "api"}
    assert apply_mapping(rules, lacking) == Unmatched(
        "rule 1 fits and needs annotations.summary, which the alarm does not have"
    )
    assert apply_mapping(rules, {"labels.severity": "info"}) == Unmatched(
        "rule 2 fits and makes 'info' of the severity"
    )
    assert apply_mapping(rules[:1], {"labels.severity": "info"}) == Unmatched("no rule fits it")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write a list of rules"),
        ("- severity: P1", "rule 1 lacks service"),
        ("- {severity: P9, service: a, title: b}", "rule 1: the severity is P1, P2, P3, P4"),
        ("- {severity: P1, service: a, title: b, to: c}", "rule 1: no field 'to'"),
        ("- {severity: P1, service: a, title: b, when: [x]}", "rule 1: `when` maps fields to texts"),
        ("- {severity: P1, service: [a], title: b}", "rule 1: service is a text"),
        ("- just words", "rule 1 is no mapping"),
        ("- {severity: P1, severity: P2}", "stands twice"),
        ("[" * 5000, "recursion depth"),
    ],
)
def test_rules_that_cannot_be_are_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        parse_mapping(text)
    assert refused.value.field == "rules"
