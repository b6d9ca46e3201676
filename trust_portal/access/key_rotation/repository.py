"""Approved rotations, in the vendor's tenant."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import insert, select

from trust_portal.access.approvals.model import Step
from trust_portal.access.key_rotation.model import Rotation
from trust_portal.evidence.keyring import KeyPurpose
from trust_portal.evidence.signing import VerifyKey
from trust_portal.evidence.tables import key_rotations
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def add_rotation(
    session: WriteSession, rotation: Rotation, key: VerifyKey, approval_id: UUID, use: Step
) -> None:
    """``use`` is the step that spent the approval."""
    await session.execute(
        insert(key_rotations).values(
            tenant_id=VENDOR_ID,
            key_id=rotation.key_id,
            purpose=rotation.purpose.value,
            replaces=rotation.replaces,
            public_key=key.public_key,
            approval_id=approval_id,
            use_ordinal=use.ordinal,
            use_act=use.act.value,
            at=use.at,
            receipt_id=rotation.receipt_id,
        )
    )


async def rotations(session: ReadSession) -> tuple[Rotation, ...]:
    """Oldest first."""
    query = select(key_rotations).where(key_rotations.c.tenant_id == VENDOR_ID).order_by(key_rotations.c.at)
    return tuple(
        Rotation(KeyPurpose(row.purpose), row.key_id, row.replaces, row.receipt_id)
        for row in await session.execute(query)
    )
