"""Somebody's own inbox, and what they want mailed. What they were told is theirs: no trace is left of reading."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.errors import InvalidInput, NotFound
from trust_portal.kernel.actor import Actor, ActorKind, Role
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.notify.inbox_repository import (
    choose_mail,
    find_item,
    inbox_page,
    mark_read,
    topics_without_mail,
    unread_of,
)
from trust_portal.notify.log import InboxItem
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

NOUN = "notification"


class Inbox:
    def __init__(self, storage: Storage, gate: Gate) -> None:
        self._storage = storage
        self._gate = gate

    async def page(self, actor: Actor, request: PageRequest) -> Page[InboxItem]:
        """Newest first."""
        person_id = await self._require(actor, Action.OWN_NOTIFICATION_READ)
        async with self._storage.read(TenantScope(actor.tenant_id)) as session:
            return await inbox_page(session, actor.tenant_id, person_id, request)

    async def unread(self, actor: Actor) -> int:
        """For the bell, so nothing is refused: who has no inbox has nothing unread."""
        if actor.kind is not ActorKind.PERSON:
            return 0
        async with self._storage.read(TenantScope(actor.tenant_id)) as session:
            return len(await unread_of(session, actor.tenant_id, actor.id))

    async def open(self, actor: Actor, delivery_id: UUID) -> InboxItem:
        """One of one's own, which is read from then on. Raises ``NotFound``."""
        person_id = await self._require(actor, Action.OWN_NOTIFICATION_READ, delivery_id)
        async with self._storage.write(TenantScope(actor.tenant_id)) as session:
            item = await find_item(session, actor.tenant_id, person_id, delivery_id)
            if item is None:
                raise NotFound(NOUN)
            await mark_read(session, actor.tenant_id, [item.id])
        return item

    async def read_all(self, actor: Actor) -> int:
        """Everything there is now; how many were not read before."""
        person_id = await self._require(actor, Action.OWN_NOTIFICATION_READ)
        async with self._storage.write(TenantScope(actor.tenant_id)) as session:
            unread = await unread_of(session, actor.tenant_id, person_id)
            await mark_read(session, actor.tenant_id, unread)
        return len(unread)

    async def mailed(self, actor: Actor) -> dict[Topic, bool]:
        """What concerns somebody with these roles, and whether it is mailed, in alphabetical order."""
        person_id = await self._require(actor, Action.OWN_NOTIFICATION_READ)
        async with self._storage.read(TenantScope(actor.tenant_id)) as session:
            without = await topics_without_mail(session, actor.tenant_id, person_id)
        return {
            topic: RULES[topic].insistent or topic not in without
            for topic in concerning(actor.roles, staff=actor.is_staff)
        }

    async def choose(self, actor: Actor, mailed: Collection[Topic]) -> None:
        """From now on mail about ``mailed`` and nothing else of what concerns one.

        ``InvalidInput`` where that leaves out a topic whose mail cannot be turned off.
        """
        person_id = await self._require(actor, Action.OWN_NOTIFICATION_CHOOSE)
        concerned = concerning(actor.roles, staff=actor.is_staff)
        without = {topic for topic in concerned if topic not in mailed}
        if kept := sorted(topic for topic in without if RULES[topic].insistent):
            raise InvalidInput(f"mail about {', '.join(kept)} cannot be turned off", field="topics")
        async with self._storage.write(TenantScope(actor.tenant_id)) as session:
            # What does not concern them now stays as they chose it when it did.
            before = await topics_without_mail(session, actor.tenant_id, person_id)
            await choose_mail(session, actor.tenant_id, person_id, (before - set(concerned)) | without)

    async def _require(self, actor: Actor, action: Action, id: UUID | None = None) -> UUID:
        resource = Resource(NOUN, actor.tenant_id, id, person_id=actor.person_id)
        await self._gate.require(actor, action, resource)
        return actor.person_id or actor.id


def concerning(roles: Collection[Role], *, staff: bool) -> tuple[Topic, ...]:
    """Topics that can reach somebody: by a role, or, for staff, because they are named."""
    return tuple(
        topic
        for topic, rule in RULES.items()
        if topic is not Topic.WEBHOOK_TEST and (rule.roles & set(roles) or (staff and not rule.roles))
    )
