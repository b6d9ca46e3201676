"""By which ways something that was announced went, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import and_, select

from trust_portal.notify.attempts_repository import attempts_of, replays_of
from trust_portal.notify.model import Channel, DeliveryState, Way, state_of
from trust_portal.notify.tables import notification_deliveries, notifications
from trust_portal.storage.unit_of_work import ReadSession


async def ways_of(
    session: ReadSession, tenant_id: UUID, occasions: Collection[str]
) -> Mapping[str, tuple[Way, ...]]:
    """By the key it was announced by, in the order of their names; nothing for what is not handed on yet."""
    told, made = notifications.c, notification_deliveries.c
    rows = (
        await session.execute(
            select(told.key, made.id, made.channel)
            .select_from(
                notifications.join(
                    notification_deliveries,
                    and_(made.tenant_id == told.tenant_id, made.notification_id == told.id),
                )
            )
            .where(told.tenant_id == tenant_id, told.key.in_(occasions))
        )
    ).all()
    sent = [row.id for row in rows if row.channel != Channel.PORTAL.value]
    attempts = await attempts_of(session, tenant_id, sent)
    replays = await replays_of(session, tenant_id, sent)
    counted: dict[str, Counter[tuple[Channel, DeliveryState]]] = {}
    for row in rows:
        channel, state = Channel(row.channel), DeliveryState.DELIVERED
        if channel is not Channel.PORTAL:
            tried = attempts.get(row.id, ())
            state = state_of(tried[-1] if tried else None, len(replays.get(row.id, ())))
        counted.setdefault(row.key, Counter())[channel, state] += 1
    return {
        key: tuple(Way(channel, state, count) for (channel, state), count in sorted(found.items()))
        for key, found in counted.items()
    }
