"""The published schemas are the door's own types, and say the same as the door."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from trust_portal.facts.events import EVENT_TYPES
from trust_portal.facts.published import as_text, event_schemas, generate
from trust_portal.facts.reading import read_event
from trust_portal.facts.refusal import BadEvent

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
TIME = "2026-06-01T00:00:00Z"

SAMPLES: dict[str, dict[str, Any]] = {
    "usage.recorded": {
        "tenant": "acme", "subsystem": "egress", "resource": "lb", "operation": "get", "region": "eu",
        "adapter": "s3", "quantity": 3, "unit": "GB", "cost": "0.0123", "currency": "JPY", "labels": {"a": "b"},
        "correction_of": "u-0",
    },
    "sli.measured": {"tenant": "acme", "objective": "api", "total": 3, "good": 2, "buckets": {"0.5": 1, "+Inf": 3}},
    "change.deployed": {
        "service": "api", "version": "2", "previous": "1", "environment": "prod", "tenants": ["acme"], "by": "ci",
    },
    "change.flag": {"flag": "exports", "variant": "on", "percentage": 12.5, "previous": {"percentage": 5}, "by": "ann"},
    "operation.completed": {
        "tenant": "acme", "operation": "export", "resource": "db", "subsystem": "storage", "quantity": 4,
        "unit": "GB", "duration_s": 1.5, "initiated_by": "ann", "receipt": "r-1",
    },
    "adapter.observed": {
        "tenant": "acme", "adapter": "s3", "calls": 9, "errors": 1, "retries": 2, "p95_ms": 12.5, "bytes": 2**40,
    },
    "incident.declared": {
        "incident": "INC-1", "severity": "P1", "title": "down", "service": "api", "tenants": ["acme"],
        "objectives": ["api"], "began_at": TIME, "detected_at": TIME, "owner": "ann",
    },
    "incident.updated": {"incident": "INC-1", "kind": "severity", "text": "worse", "severity": "P1", "key": True},
    "incident.mitigated": {"incident": "INC-1", "at": TIME, "text": "rolled back"},
    "incident.resolved": {"incident": "INC-1", "at": TIME, "text": "over"},
    "maintenance.scheduled": {
        "window": "w", "tenants": ["acme"], "objectives": ["api"], "start": TIME, "end": "2026-06-01T01:00:00Z",
        "announced_at": TIME, "reason": "upgrade",
    },
    "maintenance.cancelled": {"window": "w", "reason": "not needed"},
}  # fmt: skip

#: Values that no field of any event takes.
WRONG = [[], [1], {"a": []}]


def event(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": "e-1", "source": "urn:x", "type": f"trustportal.{kind}.v1", "time": TIME,
        "data": data,
    }  # fmt: skip


def read_ok(value: dict[str, Any]) -> bool:
    try:
        read_event(json.dumps(value).encode(), 0, NOW)
    except BadEvent:
        return False
    return True


def validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(event_schemas()[f"trustportal.{kind}.v1.json"]))


def test_the_kept_schemas_are_the_generated_ones() -> None:
    assert event_schemas() == {name: as_text(schema) for name, schema in sorted(generate().items())}


def test_every_event_type_has_a_schema_and_a_sample() -> None:
    assert set(EVENT_TYPES) == {f"trustportal.{kind}.v1" for kind in SAMPLES}
    for schema in generate().values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("kind", SAMPLES)
def test_schema_and_door_agree_on_each_field(kind: str) -> None:
    schema, sample = validator(kind), SAMPLES[kind]
    assert schema.is_valid(event(kind, sample))
    assert read_ok(event(kind, sample))
    assert schema.is_valid(event(kind, {**sample, "more": {"of": ["it"]}}))
    assert read_ok(event(kind, {**sample, "more": {"of": ["it"]}}))
    for name in sample:
        for wrong in WRONG:
            bad = event(kind, {**sample, name: wrong})
            assert (schema.is_valid(bad), read_ok(bad)) == (False, False), (name, wrong)
        absent = event(kind, {key: value for key, value in sample.items() if key != name})
        if kind != "incident.updated":  # which field an update needs depends on its kind
            assert schema.is_valid(absent) == read_ok(absent), name


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "data"])
def test_schema_and_door_agree_on_the_envelope(name: str) -> None:
    sound = event("sli.measured", SAMPLES["sli.measured"])
    for bad in ({**sound, name: 7}, {key: value for key, value in sound.items() if key != name}):
        assert not validator("sli.measured").is_valid(bad)
        assert not read_ok(bad)
