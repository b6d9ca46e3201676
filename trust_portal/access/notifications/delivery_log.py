"""The delivery log of a tenant, and sending again what is in it."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.notifications.model import ReplayDelivery
from trust_portal.access.policy import Resource
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.notify.dispatching import ask_for_delivery
from trust_portal.notify.log import DeliveryFilter, LoggedDelivery, Replay
from trust_portal.notify.log_repository import add_replay, deliveries_page, find_logged
from trust_portal.notify.model import Channel, DeliveryState
from trust_portal.notify.repository import find_delivery
from trust_portal.notify.webhooks.message import message_id
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

NOUN = "delivery"


class DeliveryLog:
    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def page(self, actor: Actor, wanted: DeliveryFilter, request: PageRequest) -> Page[LoggedDelivery]:
        """Mail and webhooks, newest first."""
        await self._gate.require(actor, Action.DELIVERY_READ, Resource(NOUN, wanted.tenant_id))
        async with self._storage.read(scope_of(actor, wanted.tenant_id)) as session:
            page = await deliveries_page(session, wanted, request)
        await self._access_log.looked(actor, wanted.tenant_id, "deliveries")
        return page

    async def get(self, actor: Actor, tenant_id: UUID, delivery_id: UUID) -> LoggedDelivery:
        """One with its whole log. Raises ``NotFound``."""
        await self._gate.require(actor, Action.DELIVERY_READ, Resource(NOUN, tenant_id, delivery_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            logged = await self._found(session, tenant_id, delivery_id)
        await self._access_log.looked(actor, tenant_id, NOUN, str(delivery_id))
        return logged

    async def replay(self, command: ReplayDelivery, actor: Actor) -> None:
        """Send it once more: the same message under the same id, so that the receiver can tell.

        What waits for its next try is sent now instead. Raises ``Conflict`` for what is being sent.
        """
        resource = Resource(NOUN, command.tenant_id, command.delivery_id)
        decision = await self._gate.require(actor, Action.DELIVERY_REPLAY, resource)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            logged = await self._found(session, command.tenant_id, command.delivery_id)
            if logged.state is DeliveryState.WAITING:
                raise Conflict("this is being sent already")
            delivery, last = logged.delivery, logged.attempts[-1]
            result: dict[str, Json] = {
                "delivery": str(delivery.id),
                "channel": delivery.channel.value,
                "message": message_id(delivery.notification_id),
                "topic": logged.notification.topic.value,
                "attempts_before": str(last.ordinal),
                "replay": str(len(logged.replays) + 1),
            }
            receipt = await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.DELIVERY_REPLAYED,
                    tenant_id=command.tenant_id,
                    actor=actor,
                    at=session.clock.now(),
                    subjects=(Subject(f"delivery/{delivery.id}", digest(result)),),
                    predicate=result,
                    policies=decision.policies,
                    policy_version=decision.version,
                    rationale=command.reason,
                ),
            )
            replay = Replay(
                len(logged.replays) + 1, session.clock.now(), actor.name, command.reason, receipt.id
            )
            await add_replay(session, delivery, replay, actor.id)
            await ask_for_delivery(session, delivery, ordinal=last.ordinal + 1, replay=replay.round)

    async def _found(self, session: ReadSession, tenant_id: UUID, delivery_id: UUID) -> LoggedDelivery:
        delivery = await find_delivery(session, tenant_id, delivery_id)
        if delivery is None or delivery.channel is Channel.PORTAL:
            raise NotFound(NOUN)
        return await find_logged(session, delivery)
