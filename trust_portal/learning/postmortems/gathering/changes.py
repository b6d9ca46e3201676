"""Deploys and flag steps from a day before the incident until it was mitigated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from trust_portal.access.tenants.repository import tenants_by_id
from trust_portal.facts.changes import ReportedChange, read_changes
from trust_portal.facts.events import CHANGE_DEPLOYED
from trust_portal.learning.postmortems.gathering.model import Change, IncidentBrief, Missing
from trust_portal.learning.postmortems.suspicion import LOOKBACK
from trust_portal.storage.unit_of_work import ReadSession

#: More than anybody judges; what is nearest to the end of the incident is kept.
MOST_CHANGES: Final = 200
SOURCE: Final = "deploys and flags"


async def gather_changes(
    session: ReadSession, incident: IncidentBrief, now: datetime
) -> tuple[tuple[Change, ...], tuple[Missing, ...]]:
    """As they happened. In the staff scope."""
    end = min(incident.mitigated_at or now, incident.over_at(now))
    found, total = await read_changes(
        session, incident.began_at - LOOKBACK, max(end, incident.began_at), limit=MOST_CHANGES
    )
    named = {tenant for each in found for tenant in each.tenants or ()}
    keys = {id_: each.key for id_, each in (await tenants_by_id(session, named)).items()} if named else {}
    changes = tuple(_change(each, keys) for each in found)
    if not changes:
        why = f"none was told of in the {LOOKBACK.total_seconds() / 3600:.0f} hours before, or until it was mitigated"
        return (), (Missing(SOURCE, why),)
    if total > len(changes):
        return changes, (
            Missing(SOURCE, f"{total - len(changes)} of {total} are not listed: the last {len(changes)} are"),
        )
    return changes, ()


def _change(reported: ReportedChange, keys: Mapping[UUID, str]) -> Change:
    body = reported.body
    deployed = reported.type == CHANGE_DEPLOYED
    return Change(
        id=str(reported.key),
        kind="deploy" if deployed else "flag",
        name=reported.subject,
        detail=_deployed(body) if deployed else _ramped(body),
        environment=body.get("environment"),
        at=reported.time,
        by=str(body["by"]),
        tenants=None
        if reported.tenants is None
        else tuple(sorted(keys.get(each, str(each)) for each in reported.tenants)),
        source=reported.origin.source,
        event_id=reported.origin.event_id,
        sha256=reported.origin.digest.hex(),
    )


def _deployed(body: Mapping[str, Any]) -> str:
    before = f" after {body['previous']}" if body.get("previous") else ""
    return f"{body['version']}{before}"


def _ramped(body: Mapping[str, Any]) -> str:
    previous = body.get("previous")
    before = "" if previous is None else f", before {_value(previous)}"
    return f"{_value(body['variant'])} for {body['percentage']} %{before}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and value.keys() == {"percentage"}:
        return f"{value['percentage']} %"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
