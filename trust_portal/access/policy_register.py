"""Every set of policies that ever decided here, with a receipt from the day it came into force.

A receipt names the version that permitted its act; here the version becomes words again.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import PolicyText, Resource
from trust_portal.access.tables import policy_sets
from trust_portal.errors import NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

_VENDOR = TenantScope(VENDOR_ID)


class PolicyRegister:
    """``install`` at the start of a process that decides; ``read`` for whoever may know the rules."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger

    async def install(self) -> bool:
        """Record the policies in force, once per version; returns whether they were new.

        The receipt is in the vendor's log, with the digest of every file.
        """
        policies = self._gate.policies
        async with self._storage.write(_VENDOR) as session:
            now = session.clock.now()
            added = await session.execute(
                insert(policy_sets)
                .values(
                    tenant_id=VENDOR_ID,
                    version=policies.version,
                    texts={each.name: each.text for each in policies.texts},
                    installed_at=now,
                )
                .on_conflict_do_nothing()
                .returning(policy_sets.c.version)
            )
            if added.first() is None:
                return False
            await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.POLICY_INSTALLED,
                    tenant_id=VENDOR_ID,
                    actor=SYSTEM,
                    at=now,
                    subjects=tuple(
                        Subject(f"policies/{each.name}", sha256_hex(each.text.encode()))
                        for each in policies.texts
                    ),
                    predicate={"version": policies.version},
                    policy_version=policies.version,
                ),
            )
        return True

    async def read(self, actor: Actor, version: str | None = None) -> tuple[PolicyText, ...]:
        """The texts in force, or those of an earlier ``version``. Raises ``NotFound``."""
        await self._gate.require(actor, Action.POLICIES_READ, Resource.of_house("policies", version))
        if version is None or version == self._gate.policies.version:
            return self._gate.policies.texts
        async with self._storage.read(_VENDOR) as session:
            row = (
                await session.execute(
                    select(policy_sets.c.texts).where(
                        policy_sets.c.tenant_id == VENDOR_ID, policy_sets.c.version == version
                    )
                )
            ).first()
        if row is None:
            raise NotFound("version of the policies", field="version")
        return tuple(PolicyText(name, text) for name, text in sorted(row.texts.items()))
