"""Stopping what runs by itself, at once; and the door that every control call goes through.

A setting is committed first, and holds from then on. Then it is waited for the calls that are on their
way: each holds a shared lock while it looks at the switches and is sent, and setting takes
the exclusive one. So once ``set`` has returned, nothing is under way any more, and nothing follows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from sqlalchemy import text

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.remediation.model import RunFilter
from trust_portal.cost.remediation.playbooks import Playbooks
from trust_portal.cost.remediation.repository import count_states
from trust_portal.cost.remediation.switches_model import SetKillSwitch, SwitchRevision, in_force, stopping
from trust_portal.cost.remediation.switches_repository import add_revision, next_revision, switch_revisions
from trust_portal.cost.remediation.telling import tell_switch
from trust_portal.errors import Conflict
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

#: ASCII "tpkillsw".
_DOOR: Final = 0x74706B696C6C7377


class KillSwitches:
    """Sets and reads the switches; ``door`` is what holds calls back."""

    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog, playbooks: Playbooks
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log
        self._playbooks = playbooks

    async def set(self, command: SetKillSwitch, actor: Actor) -> SwitchRevision:
        """In force when this has committed; when it returns, no call is on its way any more.

        ``Conflict`` where it is set so already; ``InvalidInput`` for a playbook that is not there and that
        nothing was ever planned from.
        """
        everywhere = command.tenant_id == VENDOR_ID
        if command.playbook and not await self._was_planned_from(command.playbook):
            self._playbooks.get(command.playbook)
        decision = await self._gate.require(
            actor,
            Action.HOUSE_KILL_SWITCH_SET if everywhere else Action.KILL_SWITCH_SET,
            Resource("kill switch", command.tenant_id, command.playbook or None),
        )
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            revision = await next_revision(session, command.tenant_id, command.playbook)
            result: dict[str, Json] = {
                "reach": SwitchRevision(
                    command.tenant_id, command.playbook, 0, True, "", session.clock.now(), "", VENDOR_ID
                ).reach.value,
                "playbook": command.playbook or None,
                "stopped": command.stopped,
                "revision": str(revision),
            }
            stands = stopping(
                await switch_revisions(session, [command.tenant_id]), command.tenant_id, command.playbook
            )
            if any(each.playbook == command.playbook for each in stands) == command.stopped:
                # Whoever pulls it a second time may rely on the answer as much as the first.
                await self._wait_for_calls()
                raise Conflict(f"this is {'stopped' if command.stopped else 'not stopped'} already")
            receipt = await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.KILL_SWITCH_SET,
                    tenant_id=command.tenant_id,
                    actor=actor,
                    at=session.clock.now(),
                    subjects=(
                        Subject(f"kill-switch/{command.playbook or 'all'}/{revision}", digest(result)),
                    ),
                    predicate=result,
                    policies=decision.policies,
                    policy_version=decision.version,
                    rationale=command.reason,
                ),
            )
            made = SwitchRevision(
                command.tenant_id,
                command.playbook,
                revision,
                command.stopped,
                command.reason,
                session.clock.now(),
                actor.name,
                receipt.id,
            )
            await add_revision(session, made, actor)
            await tell_switch(session, made)
        await self._wait_for_calls()
        return made

    async def against(self, tenant_id: UUID, playbook: str) -> tuple[SwitchRevision, ...]:
        """The switches that stand against an act now. For the room itself: nobody looks."""
        async with self._storage.read(StaffScope()) as session:
            revisions = await switch_revisions(session, [VENDOR_ID, tenant_id])
        return stopping(revisions, tenant_id, playbook)

    @asynccontextmanager
    async def door(self, tenant_id: UUID, playbook: str) -> AsyncIterator[tuple[SwitchRevision, ...]]:
        """Held while a call is made; gives the switches that stand against it, read behind the lock."""
        async with self._storage.coordinator.read(StaffScope()) as holding:
            await holding.execute(text("SELECT pg_advisory_xact_lock_shared(:door)"), {"door": _DOOR})
            yield await self.against(tenant_id, playbook)

    async def history(self, actor: Actor) -> tuple[SwitchRevision, ...]:
        """Every setting of every switch, the newest first."""
        await self._gate.require(actor, Action.ALL_PLAYBOOKS_READ, Resource.of_house("kill switch"))
        async with self._storage.read(StaffScope()) as session:
            found = await switch_revisions(session)
        await self._access_log.trace(
            actor,
            [each.tenant_id for each in found],
            Access(Verb.READ, "kill switch", "", "kill switches"),
        )
        return found

    async def in_force(self, actor: Actor) -> tuple[SwitchRevision, ...]:
        """The switches that are on."""
        return in_force(await self.history(actor))

    async def over_tenant(self, actor: Actor, tenant_id: UUID) -> tuple[SwitchRevision, ...]:
        """The tenant's own switch, if it is on; of the vendor's a customer learns from a run they stop."""
        await self._gate.require(actor, Action.PLAYBOOK_READ, Resource("kill switch", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await switch_revisions(session, [tenant_id])
        await self._access_log.looked(actor, tenant_id, "kill switch", purpose="kill switches")
        return in_force(found)

    async def _was_planned_from(self, playbook: str) -> bool:
        """Taken out of the file it may still have runs under way, which are to be stopped."""
        async with self._storage.read(StaffScope()) as session:
            return bool(await count_states(session, RunFilter(playbook=playbook)))

    async def _wait_for_calls(self) -> None:
        async with self._storage.coordinator.read(StaffScope()) as waiting:
            await waiting.execute(text("SELECT pg_advisory_xact_lock(:door)"), {"door": _DOOR})
