"""A customer enables a key of its own, rotates it, withdraws it; each act with its reason and receipt."""

from __future__ import annotations

import secrets
from typing import Final
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.customer_keys.model import NOUN, SetCustomerKey
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.sealing.key_use import require_use
from trust_portal.evidence.sealing.model import CustomerKey, KeyAct
from trust_portal.evidence.sealing.repository import add_key, current_key, key_history
from trust_portal.evidence.sealing.sealing import ask_sealing
from trust_portal.evidence.sealing.vault import Vault
from trust_portal.evidence.signing import VerifyKey
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.looking_again import look_again
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

_RECEIPTS: Final = {
    KeyAct.ENABLE: ReceiptKind.BYOK_ENABLED,
    KeyAct.ROTATE: ReceiptKind.BYOK_ROTATED,
    KeyAct.WITHDRAW: ReceiptKind.BYOK_WITHDRAWN,
}


class CustomerKeys:
    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog, vault: Vault
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log
        self._vault = vault

    async def set(self, command: SetCustomerKey, actor: Actor) -> CustomerKey:
        """Do one act. Enabled or rotated, everything stored is sealed by a job that this asks for. After each act the
        customer's posture is looked at again.

        Enabled again after it was withdrawn, it is the same key: what that seals opens again.

        Raises ``Denied``; ``Conflict``: ALREADY_ENABLED, NOT_ENABLED, KEY_WITHDRAWN, what the key service
        refuses, and STALE; ``Unavailable`` where it does not answer.
        """
        tenant_id = command.tenant_id
        decision = await self._gate.require(actor, Action.CUSTOMER_KEY_SET, Resource(NOUN, tenant_id))
        if tenant_id == VENDOR_ID:
            raise NotFound("customer")
        async with self._storage.read(TenantScope(tenant_id)) as session:
            before = await current_key(session, tenant_id)
        _require_sense(command.act, before)
        key_id, public_key = await self._key(command, before)
        if command.act is not KeyAct.WITHDRAW:
            # A key that cannot be used would lock the customer out of what it seals.
            await require_use(self._vault.service, tenant_id, key_id, public_key, secrets.token_bytes(32))
        async with self._storage.write(TenantScope(tenant_id)) as session:
            key = CustomerKey(
                tenant_id=tenant_id,
                ordinal=1 if before is None else before.ordinal + 1,
                act=command.act,
                key_id=key_id,
                public_key=public_key,
                at=session.clock.now(),
                by=actor.name,
                reason=command.reason,
                receipt_id=new_id(),
            )
            await self._save(session, key, before, actor, decision)
        return key

    async def history(self, actor: Actor, tenant_id: UUID) -> tuple[CustomerKey, ...]:
        """Every act, newest first; none where no key was ever enabled."""
        await self._gate.require(actor, Action.POSTURE_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await key_history(session, tenant_id)
        await self._access_log.looked(actor, tenant_id, NOUN, purpose="trust")
        return found

    async def _key(self, command: SetCustomerKey, before: CustomerKey | None) -> tuple[str, bytes]:
        if before is None or command.act is KeyAct.ROTATE:
            return await self._vault.service.create(command.tenant_id)
        return before.key_id, before.public_key

    async def _save(
        self,
        session: WriteSession,
        key: CustomerKey,
        before: CustomerKey | None,
        actor: Actor,
        decision: Decision,
    ) -> None:
        result = {
            "act": key.act.value,
            "ordinal": str(key.ordinal),
            "key_id": key.key_id,
            "pem": VerifyKey(key.public_key).pem,
            "before": None if before is None else before.key_id,
        }
        act = Act(
            kind=_RECEIPTS[key.act],
            tenant_id=key.tenant_id,
            actor=actor,
            at=key.at,
            subjects=(Subject(f"customer-key/{key.ordinal}", digest(result)),),
            predicate=result,
            policies=decision.policies,
            policy_version=decision.version,
            rationale=key.reason,
        )
        await self._ledger.record(session, act, receipt_id=key.receipt_id)
        await add_key(session, key, actor)
        await look_again(session, key.tenant_id)
        if key.in_force:
            await ask_sealing(session, key.tenant_id)


def _require_sense(act: KeyAct, before: CustomerKey | None) -> None:
    if act is KeyAct.ENABLE:
        if before is not None and before.in_force:
            raise Conflict("a key is enabled already; rotate it", code="ALREADY_ENABLED")
    elif before is None:
        raise Conflict("no key is enabled", code="NOT_ENABLED")
    elif not before.in_force:
        raise Conflict("the key is withdrawn; enable it first", code="KEY_WITHDRAWN")
