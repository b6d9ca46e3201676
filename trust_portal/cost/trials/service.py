"""Which detector is live and which watches beside it: switched by somebody, for a reason, on a back-test."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies.flags_model import Detectors, Flag, FlagBook, FlagRevision
from trust_portal.cost.anomalies.flags_repository import add_flag, flag_revisions
from trust_portal.cost.detection.versions import VERSIONS
from trust_portal.cost.trials.model import FRESH, BackTest, SetDetectorFlag
from trust_portal.cost.trials.repository import get_back_test
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession


@dataclass(frozen=True, slots=True)
class Standing:
    """What watches a tenant (at the vendor: every tenant that has no flag of its own) and every change
    made for it, newest first.
    """

    detectors: Detectors
    history: tuple[FlagRevision, ...]


class DetectorFlags:
    """Switches detectors, and says which watch. The close after the switch is the first to heed it."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    @property
    def known(self) -> tuple[str, ...]:
        """Every detector of this release."""
        return tuple(VERSIONS)

    async def set(self, command: SetDetectorFlag, actor: Actor) -> FlagRevision:
        """``InvalidInput`` where the back-test does not carry the decision; ``Conflict`` where nothing changes."""
        tenant_id, flag = command.tenant_id, command.flag
        decision = await self._gate.require(
            actor, Action.DETECTOR_FLAG_SET, Resource.of_house("detector flag", flag.value)
        )
        owners = {tenant_id, VENDOR_ID}
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            everybodys = await flag_revisions(session, [VENDOR_ID])
        async with self._storage.write(TenantScope(tenant_id)) as session:
            own = await flag_revisions(session, [tenant_id])
            book = FlagBook(own if owners == {VENDOR_ID} else (*everybodys, *own))
            mine = [each for each in own if each.flag is flag]
            test = await self._rests_on(session, command, book.detectors(tenant_id))
            if test is None and not (mine and mine[-1].enabled):
                raise Conflict("it is not on here, so there is nothing to take back")
            if test is not None and mine and mine[-1].enabled and mine[-1].detector == test.detector:
                raise Conflict("that is how it is already")
            detector = test.detector if test is not None else mine[-1].detector
            number, now = len(mine) + 1, session.clock.now()
            result: dict[str, Json] = {
                "flag": flag.value,
                "scope": "every tenant" if tenant_id == VENDOR_ID else "tenant",
                "revision": str(number),
                "enabled": command.enabled,
                "detector": detector,
                "live": str(book.detectors(tenant_id).live.detector),
                "back_test": None if test is None else _cited(test),
            }
            receipt = await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.FLAG_CHANGED,
                    tenant_id=tenant_id,
                    actor=actor,
                    at=now,
                    subjects=(Subject(f"flag/{flag.value}/{number}", digest(result)),),
                    predicate=result,
                    inputs=() if test is None else (Input(f"back-test/{test.id}", test.digest),),
                    policies=decision.policies,
                    policy_version=decision.version,
                    rationale=command.reason,
                ),
            )
            revision = FlagRevision(
                tenant_id=tenant_id,
                flag=flag,
                revision=number,
                enabled=command.enabled,
                detector=detector,
                back_test_id=None if test is None else test.id,
                back_test={} if test is None else _cited(test),
                reason=command.reason,
                set_at=now,
                set_by=actor.name,
                receipt_id=receipt.id,
            )
            await add_flag(session, revision)
        return revision

    async def standing(self, actor: Actor, tenant_id: UUID) -> Standing:
        """What watches now, and how it came to that."""
        await self._gate.require(actor, Action.THRESHOLD_READ, Resource("detectors", tenant_id))
        async with self._storage.read(StaffScope()) as session:
            found = await flag_revisions(session, {tenant_id, VENDOR_ID})
        await self._access_log.looked(actor, tenant_id, "detectors", purpose="detection")
        own = tuple(reversed([each for each in found if each.tenant_id == tenant_id]))
        return Standing(FlagBook(found).detectors(tenant_id), own)

    async def _rests_on(
        self, session: WriteSession, command: SetDetectorFlag, now: Detectors
    ) -> BackTest | None:
        """The back-test of the decision, if it is of this place, of what is live, and of late."""
        if command.back_test_id is None or not command.enabled:
            return None
        test = await get_back_test(session, command.tenant_id, command.back_test_id)
        if test.live != str(now.live.detector):
            raise InvalidInput(
                f"that was tried beside {test.live}; live is {now.live.detector}", field="back_test"
            )
        if session.clock.now() - test.ran_at > FRESH:
            raise InvalidInput(f"a back-test carries a decision for {FRESH.days} days", field="back_test")
        shadow = None if now.shadow is None else str(now.shadow.detector)
        if command.flag is Flag.LIVE and shadow != test.detector:
            raise InvalidInput("let it watch in shadow first", field="back_test")
        return test


def _cited(test: BackTest) -> dict[str, str]:
    found = test.document["found"]
    return {
        "id": str(test.id),
        "digest": test.digest,
        "weeks": str(test.weeks),
        **{name: found[name]["anomalies"] for name in ("live", "shadow", "both", "only_live", "only_shadow")},
    }
