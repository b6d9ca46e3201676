"""A key is prepared in the file, asked for, approved by two, and then turned by the sequencer."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.decision import no_longer_stands
from trust_portal.access.approvals.model import (
    ApprovalKind,
    ApprovalRequest,
    AskApproval,
    Intent,
    UsedApproval,
)
from trust_portal.access.approvals.recording import load
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.gate import Gate
from trust_portal.access.key_rotation import repository
from trust_portal.access.key_rotation.intent import rotation_intent
from trust_portal.access.key_rotation.model import NOUN, AskKeyRotation, Rotation
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.key_register import KnownKey, known_keys
from trust_portal.evidence.keyring import KeyPurpose, Keyring, load_keyring
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.signing import VerifyKey
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

_KIND = ApprovalKind.KEY_ROTATION
_VENDOR = TenantScope(VENDOR_ID)


@dataclass(frozen=True, slots=True)
class Keys:
    """``known``: every key ever in force, by purpose, newest first. ``prepared``: beside them in this process's file.

    ``approved`` wait for the sequencer.
    """

    known: tuple[KnownKey, ...]
    prepared: dict[KeyPurpose, VerifyKey]
    approved: tuple[Rotation, ...]
    rotations: dict[str, Rotation]


class KeyRotations:
    """The old key signs the receipt of the rotation; from the turn on it signs nothing any more."""

    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, approvals: Approvals, keyring: Keyring
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._approvals = approvals
        self._keyring = keyring

    async def keys(self, actor: Actor) -> Keys:
        """Public halves only: everybody may know whose signature to expect."""
        await self._gate.require(actor, Action.KEYS_READ, Resource.of_house(NOUN))
        async with self._storage.read(_VENDOR) as session:
            known = await known_keys(session)
            approved = await repository.rotations(session)
        on_record = {each.key.key_id for each in known}
        return Keys(
            known=known,
            prepared={
                purpose: key for purpose, key in self._prepared().items() if key.key_id not in on_record
            },
            approved=tuple(each for each in approved if each.key_id not in on_record),
            rotations={each.key_id: each for each in approved},
        )

    async def ask(self, command: AskKeyRotation, actor: Actor) -> ApprovalRequest:
        """Ask that the prepared key take over.

        Raises ``Denied``; ``Conflict``: ``KEY_NOT_PREPARED``, ``KEY_NOT_THIS`` where another one is
        prepared than was compared, ``KEY_TURNING`` where a rotation of that purpose is approved and not
        done; and what ``Approvals.open`` raises.
        """
        await self._gate.require(actor, Action.KEY_ROTATION_REQUEST, Resource.of_house(NOUN))
        new = self._require_prepared(command.purpose, command.key_id)
        electorate = await self._approvals.who_could(_KIND, VENDOR_ID)
        async with self._storage.write(_VENDOR) as session:
            approved = await repository.rotations(session)
            known = {each.key.key_id for each in await known_keys(session)}
            if any(each.purpose is command.purpose and each.key_id not in known for each in approved):
                raise Conflict("a key for this is approved and about to turn; wait", code="KEY_TURNING")
            if new.key_id in known:
                raise _not_prepared(command.purpose)
            intent, _ = await self._intent(session, command.purpose, new)
            subject = f"keys/{command.purpose.value}/{new.key_id}"
            ask = AskApproval(VENDOR_ID, intent, command.reason, subject)
            return await self._approvals.open(session, ask, actor, electorate)

    async def approval_settled(self, tenant_id: UUID, approval_id: UUID) -> Rotation | None:
        """Record what was approved, once; the sequencer turns the key. What no longer holds is void.

        ``InvalidInput`` (field ``KEY_FILE``) where this process's file lacks the key: another process may
        have it, and it is tried again as long as the approval may be used.
        """
        async with self._storage.read(TenantScope(tenant_id)) as session:
            approval = await load(session, tenant_id, approval_id)
        return await self._approvals.settle(
            tenant_id, approval_id, lambda: self._rotate(approval.request), "The key cannot be rotated"
        )

    async def _rotate(self, request: ApprovalRequest) -> Rotation:
        _, word, key_id = request.subject.split("/")
        purpose = KeyPurpose(word)
        with no_longer_stands():
            new = self._require_prepared(purpose, key_id)
        electorate = await self._approvals.who_could(_KIND, VENDOR_ID)
        async with self._storage.write(_VENDOR) as session:
            with no_longer_stands():
                intent, replaces = await self._intent(session, purpose, new)
            used = await self._approvals.use(session, request.id, intent, SYSTEM, electorate)
            rotation = Rotation(purpose, new.key_id, replaces, new_id())
            act = _act(request, rotation, new, used)
            await self._ledger.record(session, act, receipt_id=rotation.receipt_id)
            await repository.add_rotation(session, rotation, new, request.id, used.approval.steps[-1])
        return rotation

    async def _intent(self, session: ReadSession, purpose: KeyPurpose, new: VerifyKey) -> tuple[Intent, str]:
        """With the id of the key that it would replace."""
        vendor = await find_tenant(session, VENDOR_ID)
        if vendor is None:
            raise NotFound("tenant")
        old = next(
            (each for each in await known_keys(session) if each.purpose is purpose and not each.replaced),
            None,
        )
        if old is None:
            raise Conflict("no key is in force yet: start the portal first", code="KEY_NOT_IN_FORCE")
        return rotation_intent(vendor, purpose, old.key.key_id, old.since, new), old.key.key_id

    def _prepared(self) -> dict[KeyPurpose, VerifyKey]:
        path = self._keyring.path
        keyring = self._keyring if path is None else load_keyring(path)
        return {purpose: key.verify_key for purpose, key in keyring.prepared.items()}

    def _require_prepared(self, purpose: KeyPurpose, key_id: str | None) -> VerifyKey:
        new = self._prepared().get(purpose)
        if new is None:
            raise _not_prepared(purpose)
        if key_id not in {None, new.key_id}:
            raise Conflict(f"the prepared key is {new.key_id}, not this one", code="KEY_NOT_THIS")
        return new


def _not_prepared(purpose: KeyPurpose) -> Conflict:
    return Conflict(
        f"no key is prepared; run: trust-portal keys prepare --purpose {purpose.value}",
        code="KEY_NOT_PREPARED",
    )


def _act(request: ApprovalRequest, rotation: Rotation, new: VerifyKey, used: UsedApproval) -> Act:
    return Act(
        kind=ReceiptKind.KEY_ROTATED,
        tenant_id=VENDOR_ID,
        actor=SYSTEM,
        at=used.approval.steps[-1].at,
        subjects=(Subject(f"{rotation.purpose.value}.der", rotation.key_id),),
        predicate={
            "purpose": rotation.purpose.value,
            "algorithm": "Ed25519",
            "pem": new.pem,
            "replaces": rotation.replaces,
            **used.result,
        },
        inputs=used.inputs,
        policies=(request.rule_id,),
        policy_version=request.policy_version,
        rationale=request.reason,
    )
