"""The register is written: what a set of facts comes to stands in its tables. In the vendor's own scope."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents.model import (
    Incident,
    IncidentGap,
    MajorBecause,
    Register,
    Severity,
)
from trust_portal.learning.incidents.repository import incidents_of_keys
from trust_portal.learning.incidents.tables import (
    incident_gaps,
    incident_register,
    incident_tenants,
    incidents,
)
from trust_portal.storage.unit_of_work import WriteSession

_ROWS_AT_A_TIME = 1000


async def note_followed(session: WriteSession, *, rebuilt: bool = False) -> None:
    now = session.clock.now()
    values = {"followed_at": now} | ({"rebuilt_at": now} if rebuilt else {})
    await session.execute(
        update(incident_register).where(incident_register.c.tenant_id == VENDOR_ID).values(**values)
    )


async def save_register(session: WriteSession, keys: Collection[str], register: Register) -> None:
    """What ``register`` says of ``keys`` (all keys that its facts have) stands in the tables from now on."""
    before = {each.id: each for each in await incidents_of_keys(session, keys)}
    changed = _targets_first([each for each in register.incidents if before.get(each.id) != each])
    now = session.clock.now()
    for start in range(0, len(changed), _ROWS_AT_A_TIME):
        await _upsert(session, changed[start : start + _ROWS_AT_A_TIME], now)
    await _replace_tenants(session, [each for each in changed if _touches_others(before.get(each.id), each)])
    await _replace_gaps(session, keys, register.gaps)


def _targets_first(found: Sequence[Incident]) -> list[Incident]:
    """Rows may be written in portions, and what was merged refers to what it was merged into."""
    by_id = {each.id: each for each in found}

    def depth(each: Incident) -> int:
        deep = 0
        while each.merged_into in by_id:
            each, deep = by_id[each.merged_into], deep + 1
        return deep

    return sorted(found, key=depth)


def _touches_others(before: Incident | None, after: Incident) -> bool:
    return set(after.tenants) != (set() if before is None else set(before.tenants))


async def _upsert(session: WriteSession, changed: Sequence[Incident], now: datetime) -> None:
    statement = insert(incidents).values([_values(each, now) for each in changed])
    kept = {"tenant_id", "id", "source", "key", "shown_id"}
    updates = {name: statement.excluded[name] for name in incidents.c.keys() if name not in kept}  # noqa: SIM118 - a collection of columns
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "id"], set_=updates))


async def _replace_tenants(session: WriteSession, changed: Sequence[Incident]) -> None:
    await session.execute(
        delete(incident_tenants).where(
            incident_tenants.c.tenant_id == VENDOR_ID,
            incident_tenants.c.incident_id.in_([each.id for each in changed]),
        )
    )
    rows = [
        {"tenant_id": VENDOR_ID, "incident_id": each.id, "customer_id": customer_id}
        for each in changed
        for customer_id in each.tenants
    ]
    for start in range(0, len(rows), _ROWS_AT_A_TIME):
        await session.execute(insert(incident_tenants).values(rows[start : start + _ROWS_AT_A_TIME]))


async def _replace_gaps(session: WriteSession, keys: Collection[str], found: Sequence[IncidentGap]) -> None:
    names = [(each.source, each.key) for each in found]
    await session.execute(
        delete(incident_gaps).where(
            incident_gaps.c.tenant_id == VENDOR_ID,
            incident_gaps.c.key.in_(keys),
            tuple_(incident_gaps.c.source, incident_gaps.c.key).not_in(names),
        )
    )
    for start in range(0, len(found), _ROWS_AT_A_TIME):
        statement = insert(incident_gaps).values(
            [
                {
                    "tenant_id": VENDOR_ID,
                    "source": each.source,
                    "key": each.key,
                    "reason": each.reason.value,
                    "worst_severity": _text(each.worst_severity),
                    "first_at": each.first_at,
                    "last_at": each.last_at,
                    "facts": each.facts,
                }
                for each in found[start : start + _ROWS_AT_A_TIME]
            ]
        )
        said = ("reason", "worst_severity", "first_at", "last_at", "facts")
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "source", "key"],
                set_={name: statement.excluded[name] for name in said},
            )
        )


def _values(each: Incident, now: datetime) -> dict[str, Any]:
    return {
        "tenant_id": VENDOR_ID,
        "id": each.id,
        "source": each.source,
        "key": each.key,
        "title": each.title,
        "service": each.service,
        "team": each.team,
        "owner": each.owner,
        "owner_person_id": each.owner_person_id,
        "severity": each.severity.value,
        "declared_severity": each.declared_severity.value,
        "worst_severity": each.worst_severity.value,
        "claimed_severity": _text(each.claimed_severity),
        "severity_at": each.severity_at,
        "told_severity": each.told_severity.value,
        "downgraded_by": None if each.downgrade is None else each.downgrade.request_id,
        "downgraded_to": None if each.downgrade is None else each.downgrade.severity.value,
        "major_because": _text(each.major_because),
        "began_at": each.began_at,
        "detected_at": each.detected_at,
        "declared_at": each.declared_at,
        "told_at": each.told_at,
        "mitigated_at": each.mitigated_at,
        "resolved_at": each.resolved_at,
        "reopened": each.reopened,
        "merge_key": each.merge_key,
        "merge_keys": list(each.merge_keys),
        "merged_into": each.merged_into,
        "ends_in": each.ends_in,
        "merged_at": each.merged_at,
        "everybody": each.everybody,
        "objectives": None if each.objectives is None else list(each.objectives),
        "facts": each.facts,
        "last_fact_at": each.last_fact_at,
        "changed_at": each.changed_at,
        "changes": list(each.changes),
        "unmerged_at": each.unmerged_at,
        "followed_at": now,
        # The beginning of a time-ordered one would tell when, and be the same for all of a minute.
        "shown_id": uuid4(),
    }


def _text(value: Severity | MajorBecause | None) -> str | None:
    return None if value is None else value.value
