"""Looser thresholds: asked for with a back-test, and set in the transaction that uses the approval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.decision import NeedsApproval, no_longer_stands
from trust_portal.access.approvals.model import ApprovalKind, AskApproval
from trust_portal.access.approvals.recording import load
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.cost.anomalies.backtest import Backtests, Trial, TryThresholds
from trust_portal.cost.anomalies.thresholds import SetThresholds, ThresholdKeeper, planned
from trust_portal.cost.anomalies.thresholds_intent import threshold_intent
from trust_portal.cost.anomalies.thresholds_model import AskedThresholds, ThresholdRevision
from trust_portal.cost.anomalies.thresholds_repository import add_asked, find_asked
from trust_portal.cost.anomalies.watching import Sighting
from trust_portal.errors import NotFound
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

_KIND: Final = ApprovalKind.THRESHOLD_CHANGE


@dataclass(frozen=True, slots=True)
class ThresholdChange:
    """What became of a command: set at once, or asked for."""

    revision: ThresholdRevision | None = None
    approval_id: UUID | None = None


class ThresholdChanges:
    """The door for changes: whether one is set at once or asked for, what it comes to decides."""

    def __init__(
        self,
        storage: Storage,
        gate: Gate,
        approvals: Approvals,
        backtests: Backtests,
        keeper: ThresholdKeeper,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._approvals = approvals
        self._backtests = backtests
        self._keeper = keeper

    async def change(self, command: SetThresholds, actor: Actor) -> ThresholdChange:
        """Set what finds only more; ask for what finds less. ``Conflict`` as ``set`` and ``Approvals.open``."""
        try:
            return ThresholdChange(revision=await self._keeper.set(command, actor))
        except NeedsApproval:
            return ThresholdChange(approval_id=await self._ask(command, actor))

    async def _ask(self, command: SetThresholds, actor: Actor) -> UUID:
        tenant_id = command.tenant_id
        await self._gate.require(actor, Action.THRESHOLD_SET, Resource("thresholds", tenant_id))
        electorate = await self._approvals.who_could(_KIND, tenant_id)
        trial: dict[str, Json] | None = None
        if tenant_id != VENDOR_ID and command.figures:
            query = TryThresholds(tenant_id, command.subsystem, command.figures)
            trial = _trial_json(await self._backtests.run(query, actor))
        everybodys = await self._keeper.of_everybody()
        async with self._storage.write(TenantScope(tenant_id)) as session:
            plan = await planned(session, command, everybodys)
            tenant = await _tenant(session, tenant_id)
            revision = plan.proposed.revision
            intent = threshold_intent(
                tenant, command.subsystem, command.figures, revision, plan.shifted, trial
            )
            subject = f"thresholds/{command.subsystem or 'all'}"
            ask = AskApproval(tenant_id, intent, command.reason, subject)
            request = await self._approvals.open(session, ask, actor, electorate)
            await add_asked(
                session,
                AskedThresholds(tenant_id, request.id, command.subsystem, revision, command.figures, trial),
            )
        return request.id

    async def approval_settled(self, tenant_id: UUID, approval_id: UUID) -> ThresholdRevision | None:
        """Set what was approved, once. What no longer is what was shown is void; nothing is set then."""
        async with self._storage.read(TenantScope(tenant_id)) as session:
            asked = await find_asked(session, tenant_id, approval_id)
        if asked is None:
            raise NotFound("thresholds")
        return await self._approvals.settle(
            tenant_id, approval_id, lambda: self._set(asked), "It cannot be set"
        )

    async def _set(self, asked: AskedThresholds) -> ThresholdRevision:
        tenant_id = asked.tenant_id
        electorate = await self._approvals.who_could(_KIND, tenant_id)
        everybodys = await self._keeper.of_everybody()
        # Also where somebody is quicker while the new revision is written.
        with no_longer_stands():
            async with self._storage.write(TenantScope(tenant_id)) as session:
                request = (await load(session, tenant_id, asked.approval_id)).request
                command = SetThresholds(
                    tenant_id, asked.subsystem, asked.figures, request.reason, asked.revision - 1
                )
                plan = await planned(session, command, everybodys)
                intent = threshold_intent(
                    await _tenant(session, tenant_id),
                    asked.subsystem,
                    asked.figures,
                    plan.proposed.revision,
                    plan.shifted,
                    asked.trial,
                )
                used = await self._approvals.use(session, asked.approval_id, intent, SYSTEM, electorate)
                asker = Actor(
                    request.requester_kind,
                    request.requester_id,
                    request.requester_name,
                    VENDOR_ID,
                    person_id=request.requester_id,
                )
                rule, version = request.rule_id, request.policy_version
                return await self._keeper.record(session, command, plan, asker, (rule,), version, used)


async def _tenant(session: ReadSession, tenant_id: UUID) -> Tenant:
    found = await find_tenant(session, tenant_id)
    if found is None:
        raise NotFound("tenant")
    return found


def _trial_json(trial: Trial) -> dict[str, Json]:
    """What a back-test came to, as it is kept with the request and digested."""

    def found(sightings: Sequence[Sighting]) -> list[Json]:
        return [
            {
                "subsystem": each.series.subsystem,
                "currency": each.series.currency,
                "start": rfc3339(each.anomaly.start),
                "direction": each.anomaly.direction.value,
                "severity": each.anomaly.severity.value,
                "excess": f"{each.anomaly.excess:.2f}",
            }
            for each in sightings
        ]

    return {
        "start": rfc3339(trial.start),
        "end": rfc3339(trial.end),
        "hours": str(trial.hours),
        "detector": trial.detector,
        "now": found(trial.now),
        "tried": found(trial.tried),
    }
