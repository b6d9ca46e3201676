"""Posture: looked at by the clockwork and on demand, each look one receipt; and read."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.sealing.vault import Vault
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.metadata import TENANT_OWNED, metadata
from trust_portal.storage.outbox import Job
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage
from trust_portal.trust.posture.customer_key import look_at_key, read_key_facts
from trust_portal.trust.posture.isolation import isolation
from trust_portal.trust.posture.model import EVERY, NOUN, Check, Finding, PostureCheck
from trust_portal.trust.posture.probing import probe, read_catalogue
from trust_portal.trust.posture.repository import (
    add_checks,
    checks_page,
    due_tenants,
    latest_checks,
    stated_for,
    today_of,
)
from trust_portal.trust.posture.residency import Places, residency, statement_of
from trust_portal.trust.posture.standing import read_database


@dataclass(frozen=True, slots=True)
class PostureView:
    """``latest`` has the newest of each check that was ever made; ``overtaken`` what was changed since, in words, by
    the check that did not see it. ``agreed`` is where the customer's data must stay, empty where nothing is.
    """

    tenant_id: UUID
    latest: tuple[PostureCheck, ...]
    agreed: str
    overtaken: Mapping[Check, str]


class Posture:
    def __init__(
        self,
        storage: Storage,
        gate: Gate,
        ledger: Ledger,
        access_log: AccessLog,
        places: Places,
        vault: Vault,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log
        self._places = places
        self._vault = vault
        self._rounds = Rounds(storage)

    async def check(
        self, tenant_id: UUID, actor: Actor, *, work: UUID | None = None
    ) -> tuple[PostureCheck, ...]:
        """Look now, and put on record what was found. ``work`` is the outbox row of the job, if it is one; nothing
        is recorded where another worker has done it.

        Raises ``Denied``, and ``NotFound`` where there is no such customer.
        """
        decision = await self._gate.require(actor, Action.POSTURE_CHECK, Resource(NOUN, tenant_id))
        if tenant_id == VENDOR_ID:
            raise NotFound("customer")
        findings = (
            await self._isolation(tenant_id),
            await self._residency(tenant_id),
            await self._customer_key(tenant_id),
        )
        return await self._record(tenant_id, findings, actor, decision, work)

    async def ask_due(self) -> int:
        """Have every customer looked at whose last look is as old as ``EVERY``; how many were asked for."""
        now = self._storage.clock.now()
        async with self._storage.read(StaffScope()) as session:
            due = await due_tenants(session, now - EVERY)
        await self._rounds.settle(Round.CHECK_POSTURE, due)
        held = await self._rounds.held_back(Round.CHECK_POSTURE)
        asked = [tenant_id for tenant_id in due if tenant_id not in held]
        if asked:
            async with self._storage.write(TenantScope(VENDOR_ID)) as session:
                for tenant_id in asked:
                    arguments = {"tenant": str(tenant_id)}
                    await session.enqueue(Job.CHECK_POSTURE, arguments, dedupe_key=f"posture {tenant_id}")
        return len(asked)

    async def check_due(self, tenant_id: UUID, work: UUID) -> None:
        """The clockwork's look. Where it fails the customer is set back; ``work`` is the outbox row."""

        async def look(_: UUID) -> None:
            await self.check(tenant_id, SYSTEM, work=work)

        await self._rounds.one_by_one(Round.CHECK_POSTURE, (tenant_id,), look)

    async def view(self, actor: Actor, tenant_id: UUID) -> PostureView:
        """How it stands, by what was last found."""
        await self._gate.require(actor, Action.POSTURE_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            tenant = await find_tenant(session, tenant_id)
            if tenant is None:
                raise NotFound("customer")
            latest = await latest_checks(session, tenant_id)
            today = await today_of(session, tenant)
        await self._access_log.looked(actor, tenant_id, NOUN, purpose="trust")
        said = {each.finding.check: each.overtaken(today) for each in latest}
        overtaken = {check: words for check, words in said.items() if words is not None}
        return PostureView(tenant_id, latest, tenant.residency, overtaken)

    async def history(self, actor: Actor, tenant_id: UUID, request: PageRequest) -> Page[PostureCheck]:
        """Everything that was ever found, newest first."""
        await self._gate.require(actor, Action.POSTURE_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            page = await checks_page(session, tenant_id, request)
        await self._access_log.looked(actor, tenant_id, NOUN, purpose="trust")
        return page

    async def _isolation(self, tenant_id: UUID) -> Finding:
        owned = [
            name
            for name, table in metadata.tables.items()
            if table.info[TENANT_OWNED] and table.schema is None
        ]
        async with self._storage.read(TenantScope(tenant_id)) as session:
            tables, roles, readable = await read_catalogue(session)
        return isolation(tables, owned, roles, await probe(self._storage, tenant_id, readable))

    async def _residency(self, tenant_id: UUID) -> Finding:
        async with self._storage.read(TenantScope(tenant_id)) as session:
            tenant = await find_tenant(session, tenant_id)
        if tenant is None:
            raise NotFound("customer")
        in_use = await read_database(self._storage)
        async with self._storage.read(StaffScope()) as session:
            before = await stated_for(session, statement_of(self._places))
        return residency(tenant.residency, self._places, in_use, before or in_use)

    async def _customer_key(self, tenant_id: UUID) -> Finding:
        async with self._storage.read(TenantScope(tenant_id)) as session:
            facts = await read_key_facts(session, self._vault, tenant_id)
        return await look_at_key(self._vault, facts, secrets.token_bytes(32))

    async def _record(
        self,
        tenant_id: UUID,
        findings: Sequence[Finding],
        actor: Actor,
        decision: Decision,
        work: UUID | None,
    ) -> tuple[PostureCheck, ...]:
        round_id, receipt_id = new_id(), new_id()
        async with self._storage.write(TenantScope(tenant_id)) as session:
            if not await session.complete(work):
                return ()
            now = session.clock.now()
            checks = tuple(
                PostureCheck(new_id(), tenant_id, round_id, finding, now, actor.name, receipt_id)
                for finding in findings
            )
            act = Act(
                kind=ReceiptKind.POSTURE_CHECKED,
                tenant_id=tenant_id,
                actor=actor,
                at=now,
                subjects=tuple(
                    Subject(f"posture/{each.finding.check.value}/{each.id}", digest(each.finding.as_json()))
                    for each in checks
                ),
                predicate={
                    "round": str(round_id),
                    "checks": [each.finding.as_json() for each in checks],
                },
                policies=decision.policies,
                policy_version=decision.version,
            )
            await self._ledger.record(session, act, receipt_id=receipt_id)
            await add_checks(session, checks, actor)
        return checks
