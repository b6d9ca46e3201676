"""Thresholds are set per tenant and subsystem, or for everybody; each change with reason and receipt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.approvals.decision import NeedsApproval
from trust_portal.access.approvals.model import UsedApproval
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies.suppressions_model import require_subsystem
from trust_portal.cost.anomalies.thresholds_model import ALL, ThresholdBook, ThresholdRevision
from trust_portal.cost.anomalies.thresholds_repository import add_thresholds, threshold_revisions
from trust_portal.cost.anomalies.thresholds_shift import Shift, is_looser, shifts
from trust_portal.cost.detection.thresholds import INSTALLED, Thresholds
from trust_portal.cost.metering.model import SUBSYSTEMS
from trust_portal.errors import Conflict
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.names import require_words
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession


@dataclass(frozen=True, slots=True)
class SetThresholds:
    """Command: ``figures`` by name, of which those that are absent keep what lies above them.

    ``tenant_id`` at the vendor: for every tenant. ``subsystem`` ``None``: for all of them. No
    figures: back to what lies above. ``expected_revision``, if given, is that of the thresholds
    that the person saw.
    """

    tenant_id: UUID
    subsystem: str | None
    figures: Mapping[str, float]
    reason: str
    expected_revision: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
        require_subsystem(self.subsystem)
        INSTALLED.with_changes(dict(self.figures))


@dataclass(frozen=True, slots=True)
class EffectiveThresholds:
    """What holds for a tenant's subsystem now, and which of it was set for this very scope."""

    subsystem: str
    thresholds: Thresholds
    own: ThresholdRevision | None


@dataclass(frozen=True, slots=True)
class PlannedThresholds:
    """What a command comes to now: the revision it would make, with what it follows, and what shifts."""

    proposed: ThresholdRevision
    shifted: tuple[Shift, ...]

    @property
    def previous(self) -> Mapping[str, float]:
        """The figures of the revision before; none where it is the first."""
        return self.proposed.followed or {}

    @property
    def looser(self) -> bool:
        """Less would be found somewhere, or it looks so from its own two rows alone, by which the tables hold it."""
        return any(each.looser for each in self.shifted) or is_looser(self.proposed)


async def planned(
    session: WriteSession, command: SetThresholds, everybodys: tuple[ThresholdRevision, ...]
) -> PlannedThresholds:
    """``everybodys`` are the vendor's revisions. ``Conflict`` (``STALE``) when somebody was quicker."""
    own = await threshold_revisions(session, [command.tenant_id])
    mine = [each for each in own if each.subsystem == (command.subsystem or ALL)]
    current = mine[-1].revision if mine else 0
    if command.expected_revision not in {None, current}:
        raise Conflict(f"these thresholds were changed meanwhile, to revision {current}", code="STALE")
    now = session.clock.now()
    proposed = ThresholdRevision(
        tenant_id=command.tenant_id,
        subsystem=command.subsystem or ALL,
        revision=current + 1,
        figures=dict(command.figures),
        reason=command.reason,
        set_at=now,
        set_by="",
        receipt_id=VENDOR_ID,
        followed=mine[-1].figures if mine else None,
    )
    known = own if command.tenant_id == VENDOR_ID else (*everybodys, *own)
    return PlannedThresholds(proposed, shifts(known, proposed, now))


class ThresholdKeeper:
    """Sets thresholds and says what holds. By looser ones less is found: they take approval."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def set(self, command: SetThresholds, actor: Actor) -> ThresholdRevision:
        """They hold from the next close on.

        ``Conflict`` when somebody was quicker (``STALE``), or where less would be found (``NEEDS_APPROVAL``).
        """
        resource = Resource("thresholds", command.tenant_id)
        decision = await self._gate.require(actor, Action.THRESHOLD_SET, resource)
        everybodys = await self.of_everybody()
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            plan = await planned(session, command, everybodys)
            if plan.looser:
                raise NeedsApproval("by these less would be found: that takes approval")
            return await self.record(session, command, plan, actor, decision.policies, decision.version)

    async def of_everybody(self) -> tuple[ThresholdRevision, ...]:
        """What the vendor has set for all tenants."""
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            return await threshold_revisions(session, [VENDOR_ID])

    async def record(
        self,
        session: WriteSession,
        command: SetThresholds,
        plan: PlannedThresholds,
        actor: Actor,
        policies: tuple[str, ...],
        version: str | None,
        used: UsedApproval | None = None,
    ) -> ThresholdRevision:
        """The next revision with its receipt, in the caller's transaction. With an approval that was
        ``used``, ``actor`` is the one who asked, and the clock does it.
        """
        now, revision = session.clock.now(), plan.proposed.revision
        result: dict[str, Json] = {
            "scope": "every tenant" if command.tenant_id == VENDOR_ID else "tenant",
            "subsystem": command.subsystem,
            "revision": str(revision),
            "figures": _texts(command.figures),
            "previous": _texts(plan.previous),
            "installed": _texts(asdict(INSTALLED)),
            **({} if used is None else used.result),
        }
        receipt = await self._ledger.record(
            session,
            Act(
                kind=ReceiptKind.THRESHOLD_CHANGED,
                tenant_id=command.tenant_id,
                actor=actor if used is None else SYSTEM,
                at=now,
                subjects=(Subject(f"thresholds/{command.subsystem or 'all'}/{revision}", digest(result)),),
                predicate=result,
                inputs=() if used is None else used.inputs,
                policies=policies,
                policy_version=version,
                rationale=command.reason,
            ),
        )
        made = replace(
            plan.proposed,
            set_at=now,
            set_by=actor.name,
            receipt_id=receipt.id,
            approval_id=None if used is None else used.approval.request.id,
        )
        await add_thresholds(session, made, actor)
        return made

    async def effective(self, actor: Actor, tenant_id: UUID) -> tuple[EffectiveThresholds, ...]:
        """What holds for each subsystem of a tenant now."""
        history = await self.history(actor, tenant_id)
        everybodys = await self.of_everybody()
        own = {each.subsystem: each for each in history}
        book = ThresholdBook((*everybodys, *(() if tenant_id == VENDOR_ID else history)))
        now = self._storage.clock.now()
        return tuple(
            EffectiveThresholds(name, book.effective(tenant_id, name, now), own.get(name))
            for name in SUBSYSTEMS
        )

    async def history(self, actor: Actor, tenant_id: UUID) -> tuple[ThresholdRevision, ...]:
        """Every change for a tenant (or at the vendor, for all), oldest first."""
        await self._gate.require(actor, Action.THRESHOLD_READ, Resource("thresholds", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await threshold_revisions(session, [tenant_id])
        await self._access_log.looked(actor, tenant_id, "thresholds", purpose="detection")
        return found


def _texts(figures: Mapping[str, float]) -> dict[str, Json]:
    return {name: f"{value:g}" for name, value in sorted(figures.items())}
