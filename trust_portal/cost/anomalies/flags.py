"""A second detector on trial: switched by somebody, for a reason, with a back-test, and a receipt."""

from __future__ import annotations

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies.flags_model import FlagRevision, SetShadowDetector
from trust_portal.cost.anomalies.flags_repository import SHADOW, add_flag, flag_revisions
from trust_portal.cost.detection.versions import INSTALLED_VERSION, VERSIONS
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

_VENDOR = TenantScope(VENDOR_ID)


class DetectorFlags:
    """Switches the detector on trial; the live one changes with the release only."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger

    @property
    def live(self) -> str:
        """Name and version of the detector whose finds are acted on."""
        return str(INSTALLED_VERSION.detector)

    @property
    def known(self) -> tuple[str, ...]:
        """Every detector of this release."""
        return tuple(VERSIONS)

    async def set_shadow(self, command: SetShadowDetector, actor: Actor) -> FlagRevision:
        """It watches from the next close on, or no more."""
        decision = await self._gate.require(
            actor, Action.DETECTOR_FLAG_SET, Resource.of_house("detector flag", SHADOW)
        )
        async with self._storage.write(_VENDOR) as session:
            revisions = await flag_revisions(session, SHADOW)
            number, now = len(revisions) + 1, session.clock.now()
            result: dict[str, Json] = {
                "flag": SHADOW,
                "revision": str(number),
                "enabled": command.enabled,
                "detector": command.detector,
                "live": self.live,
                "back_test": dict(command.back_test),
            }
            receipt = await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.FLAG_CHANGED,
                    tenant_id=VENDOR_ID,
                    actor=actor,
                    at=now,
                    subjects=(Subject(f"flag/{SHADOW}/{number}", digest(result)),),
                    predicate=result,
                    policies=decision.policies,
                    policy_version=decision.version,
                    rationale=command.reason.strip(),
                ),
            )
            revision = FlagRevision(
                flag=SHADOW,
                revision=number,
                enabled=command.enabled,
                detector=command.detector,
                back_test=dict(command.back_test),
                reason=command.reason.strip(),
                set_at=now,
                set_by=actor.name,
                receipt_id=receipt.id,
            )
            await add_flag(session, revision)
        return revision

    async def history(self, actor: Actor) -> tuple[FlagRevision, ...]:
        """Every change, oldest first; the last one holds."""
        await self._gate.require(actor, Action.ALL_COST_READ, Resource.of_house("detector flag"))
        async with self._storage.read(_VENDOR) as session:
            return await flag_revisions(session, SHADOW)
