"""Webhook endpoints of a tenant: set up, changed, tested, disabled; each act a revision with its receipt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.notifications.model import (
    MOST_ENDPOINTS,
    ActOnEndpoint,
    ChangeEndpoint,
    CreateEndpoint,
    EndpointSecret,
)
from trust_portal.access.notifications.receipts import with_receipt
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import new_id
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import Topic
from trust_portal.notify.webhooks import repository
from trust_portal.notify.webhooks.destination import Network, require_url
from trust_portal.notify.webhooks.model import OVERLAP, Endpoint
from trust_portal.notify.webhooks.secrets import EndpointSecrets, fingerprint
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession

NOUN = "webhook"


class Endpoints:
    """``networks`` are the operator's own, which a URL may name beside public hosts."""

    def __init__(
        self,
        storage: Storage,
        gate: Gate,
        ledger: Ledger,
        access_log: AccessLog,
        secrets: EndpointSecrets,
        networks: tuple[Network, ...] = (),
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log
        self._secrets = secrets
        self._networks = networks

    def require_url(self, url: str) -> None:
        """Raises ``InvalidInput`` (field ``url``) for one that no webhook may go to."""
        require_url(url, self._networks)

    async def create(self, command: CreateEndpoint, actor: Actor) -> EndpointSecret:
        """A new endpoint, enabled, with the secret that is shown this once.

        Raises ``InvalidInput`` for a URL no webhook may go to, ``Conflict`` beyond the limit.
        """
        decision = await self._gate.require(actor, Action.WEBHOOK_CREATE, Resource(NOUN, command.tenant_id))
        self.require_url(command.url)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            tenant = await find_tenant(session, command.tenant_id)
            if tenant is None or not tenant.active:
                raise NotFound("tenant")
            if len(await repository.subscribed(session, command.tenant_id)) >= MOST_ENDPOINTS:
                raise Conflict(f"{MOST_ENDPOINTS} endpoints are the most; disable one first")
            id_ = new_id()
            secret = self._secrets.secret(command.tenant_id, id_, 1)
            endpoint = Endpoint(
                id=id_,
                tenant_id=command.tenant_id,
                revision=1,
                label=command.label,
                url=command.url,
                topics=command.topics,
                enabled=True,
                generation=1,
                fingerprint=fingerprint(secret),
                previous_until=None,
                act="created",
                at=session.clock.now(),
                by=actor.name,
                reason="",
                receipt_id=new_id(),
            )
            kind = ReceiptKind.WEBHOOK_CREATED
            endpoint = await with_receipt(self._ledger, session, kind, endpoint, actor, decision)
            await repository.add_revision(session, endpoint, actor.id)
        return EndpointSecret(endpoint, secret.text)

    async def change(self, command: ChangeEndpoint, actor: Actor) -> Endpoint:
        """Label, URL and topics. The secret stays."""

        def changed(stands: Endpoint) -> Endpoint:
            self.require_url(command.url)
            if command.expected_revision not in {None, stands.revision}:
                raise Conflict("this endpoint was changed meanwhile; look at it again")
            return replace(stands, label=command.label, url=command.url, topics=command.topics, act="changed")

        return await self._revise(
            ActOnEndpoint(command.tenant_id, command.endpoint_id, command.reason),
            Action.WEBHOOK_CHANGE,
            ReceiptKind.WEBHOOK_CHANGED,
            changed,
            actor,
        )

    async def rotate(self, command: ActOnEndpoint, actor: Actor) -> EndpointSecret:
        """A new secret, shown this once. The one before signs as well for another day."""

        def rotated(stands: Endpoint) -> Endpoint:
            generation = stands.generation + 1
            return replace(
                stands,
                generation=generation,
                fingerprint=fingerprint(self._secrets.secret(stands.tenant_id, stands.id, generation)),
                previous_until=self._storage.clock.now() + OVERLAP,
                act="rotated",
            )

        endpoint = await self._revise(
            command, Action.WEBHOOK_ROTATE, ReceiptKind.WEBHOOK_ROTATED, rotated, actor
        )
        secret = self._secrets.secret(endpoint.tenant_id, endpoint.id, endpoint.generation)
        return EndpointSecret(endpoint, secret.text)

    async def disable(self, command: ActOnEndpoint, actor: Actor) -> Endpoint:
        """Nothing is sent from now on; what is tried again is skipped. ``Conflict`` if it is disabled."""

        def disabled(stands: Endpoint) -> Endpoint:
            if not stands.enabled:
                raise Conflict("this endpoint is disabled already")
            return replace(stands, enabled=False, act="disabled")

        return await self._revise(
            command, Action.WEBHOOK_DISABLE, ReceiptKind.WEBHOOK_DISABLED, disabled, actor
        )

    async def enable(self, command: ActOnEndpoint, actor: Actor) -> Endpoint:
        """What is announced from now on is sent again; what was skipped can be replayed."""

        def enabled(stands: Endpoint) -> Endpoint:
            if stands.enabled:
                raise Conflict("this endpoint is enabled already")
            return replace(stands, enabled=True, act="enabled")

        return await self._revise(command, Action.WEBHOOK_CHANGE, ReceiptKind.WEBHOOK_CHANGED, enabled, actor)

    async def test(self, actor: Actor, tenant_id: UUID, endpoint_id: UUID) -> UUID | None:
        """Have a message sent to it alone; its log says what came of it.

        The notification's id, or None where a test was asked for within this second.
        """
        resource = Resource(NOUN, tenant_id, endpoint_id)
        await self._gate.require(actor, Action.WEBHOOK_TEST, resource)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            endpoint = await self._found(session, tenant_id, endpoint_id)
            if not endpoint.enabled:
                raise Conflict("this endpoint is disabled; enable it first")
            tenant = await find_tenant(session, tenant_id)
            if tenant is None:
                raise NotFound("tenant")
            return await announce(
                session,
                Announcement(
                    topic=Topic.WEBHOOK_TEST,
                    key=f"{Topic.WEBHOOK_TEST}/{endpoint.id}/{session.clock.now():%Y%m%dT%H%M%S}",
                    title=f"A test of {endpoint.label}",
                    text=f"{actor.name} asked for it. Nothing happened, and nothing needs doing.",
                    path=f"/t/{tenant.key}/webhooks/{endpoint.id}",
                    facts={"webhook": str(endpoint.id), "asked_by": actor.name},
                    audience=Audience(endpoints=frozenset({endpoint.id})),
                ),
            )

    async def of_tenant(self, actor: Actor, tenant_id: UUID) -> tuple[Endpoint, ...]:
        """All, the disabled ones too, as they now stand."""
        await self._gate.require(actor, Action.WEBHOOK_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            endpoints = await repository.endpoints_of(session, tenant_id)
        await self._access_log.looked(actor, tenant_id, "webhooks")
        return endpoints

    async def history(self, actor: Actor, tenant_id: UUID, endpoint_id: UUID) -> tuple[Endpoint, ...]:
        """Its revisions, the newest first. Raises ``NotFound``."""
        await self._gate.require(actor, Action.WEBHOOK_READ, Resource(NOUN, tenant_id, endpoint_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            revisions = await repository.revisions_of(session, tenant_id, endpoint_id)
        if not revisions:
            raise NotFound(NOUN)
        await self._access_log.looked(actor, tenant_id, NOUN, str(endpoint_id))
        return revisions

    async def _revise(
        self,
        command: ActOnEndpoint,
        action: Action,
        kind: ReceiptKind,
        change: Callable[[Endpoint], Endpoint],
        actor: Actor,
    ) -> Endpoint:
        resource = Resource(NOUN, command.tenant_id, command.endpoint_id)
        decision = await self._gate.require(actor, action, resource)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            stands = await self._found(session, command.tenant_id, command.endpoint_id)
            revised = replace(
                change(stands),
                revision=stands.revision + 1,
                at=session.clock.now(),
                by=actor.name,
                reason=command.reason,
            )
            revised = await with_receipt(self._ledger, session, kind, revised, actor, decision)
            await repository.add_revision(session, revised, actor.id)
        return revised

    async def _found(self, session: ReadSession | WriteSession, tenant_id: UUID, id_: UUID) -> Endpoint:
        endpoint = await repository.find_endpoint(session, tenant_id, id_)
        if endpoint is None:
            raise NotFound(NOUN)
        return endpoint
