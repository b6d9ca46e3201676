"""How usage that was delivered before stands now: for senders that must tell what is new from what changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from trust_portal.facts.reading import event_key
from trust_portal.storage.unit_of_work import ReadSession

#: Of an event and its corrections the one that counts: as ``facts.usage`` has it.
_STANDING: Final = """
    SELECT wanted.number, stands.*
    FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS wanted (tenant_id, key, number)
    CROSS JOIN LATERAL (
        SELECT subsystem, resource, operation, region, adapter, quantity, unit, cost, currency,
               labels::text AS labels, count(corrects) OVER () AS corrections
        FROM usage
        WHERE usage.tenant_id = wanted.tenant_id
          AND (usage.event_key = wanted.key OR usage.corrects = wanted.key)
        ORDER BY corrects IS NULL, received_at DESC, event_key DESC
        LIMIT 1
    ) AS stands
"""
_FIELDS: Final = ("subsystem", "resource", "operation", "region", "adapter", "unit", "currency")


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts of an event and the ``corrections`` (how many) that replaced it."""

    corrections: int
    content: tuple[Any, ...]

    def says(self, data: Mapping[str, Any]) -> bool:
        """Whether ``data`` of a usage event (cost as text, quantity as a number) says the same."""
        return self.content == _content(data, Decimal(repr(data["quantity"])), data.get("labels") or {})


async def standing(
    session: ReadSession, events: Collection[tuple[UUID, str, str]]
) -> dict[tuple[UUID, str, str], Standing]:
    """Of those ``events`` (tenant, source, id of the first) that are known. Staff scope."""
    asked = list(events)
    connection = await session.driver()
    rows = await connection.fetch(
        _STANDING,
        [tenant_id for tenant_id, _, _ in asked],
        [UUID(bytes=event_key(source, id_)) for _, source, id_ in asked],
    )
    return {
        asked[row["number"] - 1]: Standing(
            row["corrections"], _content(row, row["quantity"], json.loads(row["labels"] or "{}"))
        )
        for row in rows
    }


def _content(data: Mapping[str, Any], quantity: Decimal, labels: Mapping[str, str]) -> tuple[Any, ...]:
    return (*(data.get(name) for name in _FIELDS), Decimal(data["cost"]), quantity, labels)
