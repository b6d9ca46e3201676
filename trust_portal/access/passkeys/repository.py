"""Passkeys and signatures in and out of their tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from trust_portal.access.passkeys.model import Passkey, SignatureRow, Signed
from trust_portal.access.passkeys.tables import (
    passkey_ceremonies,
    passkey_introductions,
    passkey_revocations,
    passkey_signatures,
    passkey_uses,
    passkey_withdrawals,
    passkeys,
)
from trust_portal.evidence.assertion import PasskeyKey, RelyingParty
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class StoredCeremony:
    """What a finished enrolment is compared with."""

    id: UUID
    person_id: UUID
    session_id: UUID
    name: str
    challenge: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Introduction:
    """By which receipt a log knows a passkey; ``withdrawn``: it knows the revocation too."""

    receipt_id: UUID
    withdrawn: bool


async def insert_ceremony(session: WriteSession, tenant_id: UUID, ceremony: StoredCeremony) -> None:
    """The person's older ones are over with it."""
    await session.execute(
        delete(passkey_ceremonies).where(
            passkey_ceremonies.c.tenant_id == tenant_id, passkey_ceremonies.c.person_id == ceremony.person_id
        )
    )
    await session.execute(
        insert(passkey_ceremonies).values(
            tenant_id=tenant_id,
            id=ceremony.id,
            person_id=ceremony.person_id,
            session_id=ceremony.session_id,
            name=ceremony.name,
            challenge=ceremony.challenge,
            expires_at=ceremony.expires_at,
        )
    )


async def take_ceremony(session: WriteSession, tenant_id: UUID, ceremony_id: UUID) -> StoredCeremony | None:
    """It can be taken once: the challenge is spent with the transaction."""
    row = (
        await session.execute(
            delete(passkey_ceremonies)
            .where(passkey_ceremonies.c.tenant_id == tenant_id, passkey_ceremonies.c.id == ceremony_id)
            .returning(passkey_ceremonies)
        )
    ).first()
    if row is None:
        return None
    return StoredCeremony(row.id, row.person_id, row.session_id, row.name, row.challenge, row.expires_at)


async def insert_passkey(session: WriteSession, passkey: Passkey) -> bool:
    """False where this credential is enrolled already."""
    added = await session.execute(
        upsert(passkeys)
        .values(
            tenant_id=passkey.tenant_id,
            id=passkey.id,
            person_id=passkey.person_id,
            name=passkey.name,
            credential_id=passkey.key.credential_id,
            public_key=passkey.key.public_key,
            algorithm=passkey.algorithm,
            aaguid=passkey.aaguid,
            synced=passkey.synced,
            rp_id=passkey.key.party.id,
            origin=passkey.key.party.origin,
            enrolled_at=passkey.enrolled_at,
            receipt_id=passkey.receipt_id,
            brought_by=sorted(passkey.brought_by),
        )
        .on_conflict_do_nothing()
        .returning(passkeys.c.id)
    )
    if added.first() is None:
        return False
    await session.execute(
        insert(passkey_uses).values(
            tenant_id=passkey.tenant_id, passkey_id=passkey.id, sign_count=passkey.sign_count
        )
    )
    return True


async def passkeys_of(session: ReadSession, tenant_id: UUID, person_id: UUID) -> tuple[Passkey, ...]:
    """Also those that were revoked; newest first."""
    rows = await session.execute(
        _passkeys(tenant_id)
        .where(passkeys.c.person_id == person_id)
        .order_by(passkeys.c.enrolled_at.desc(), passkeys.c.id.desc())
    )
    return tuple(_passkey(row) for row in rows)


async def passkeys_by_person(
    session: ReadSession, tenant_id: UUID, person_ids: Collection[UUID]
) -> Mapping[UUID, tuple[Passkey, ...]]:
    """Also those that were revoked; nobody who has none."""
    rows = await session.execute(_passkeys(tenant_id).where(passkeys.c.person_id.in_(person_ids)))
    found: dict[UUID, list[Passkey]] = defaultdict(list)
    for row in rows:
        found[row.person_id].append(_passkey(row))
    return {person_id: tuple(each) for person_id, each in found.items()}


async def find_passkey(session: ReadSession, tenant_id: UUID, passkey_id: UUID) -> Passkey | None:
    row = (await session.execute(_passkeys(tenant_id).where(passkeys.c.id == passkey_id))).first()
    return None if row is None else _passkey(row)


async def insert_revocation(
    session: WriteSession, passkey: Passkey, actor_id: UUID, receipt_id: UUID
) -> bool:
    """False where it was revoked already."""
    added = await session.execute(
        upsert(passkey_revocations)
        .values(
            tenant_id=passkey.tenant_id,
            passkey_id=passkey.id,
            revoked_at=session.clock.now(),
            revoked_by=actor_id,
            receipt_id=receipt_id,
        )
        .on_conflict_do_nothing()
        .returning(passkey_revocations.c.passkey_id)
    )
    return added.first() is not None


async def count_up(session: WriteSession, passkey: Passkey, sign_count: int) -> bool:
    """Take note of a use. False where the authenticator's count has not grown, unless it keeps none."""
    uses = passkey_uses.c
    fresh = uses.sign_count == 0 if sign_count == 0 else uses.sign_count < sign_count
    counted = await session.execute(
        update(passkey_uses)
        .where(uses.tenant_id == passkey.tenant_id, uses.passkey_id == passkey.id, fresh)
        .values(sign_count=sign_count, used_at=session.clock.now())
        .returning(uses.passkey_id)
    )
    return counted.first() is not None


async def introduction_of(session: ReadSession, tenant_id: UUID, passkey_id: UUID) -> Introduction | None:
    """How the tenant's log knows the passkey."""
    introduced, withdrawn = passkey_introductions.c, passkey_withdrawals.c
    row = (
        await session.execute(
            select(introduced.receipt_id, withdrawn.withdrawn_at)
            .outerjoin(
                passkey_withdrawals,
                and_(
                    withdrawn.tenant_id == introduced.tenant_id,
                    withdrawn.passkey_id == introduced.passkey_id,
                ),
            )
            .where(introduced.tenant_id == tenant_id, introduced.passkey_id == passkey_id)
        )
    ).first()
    return None if row is None else Introduction(row.receipt_id, row.withdrawn_at is not None)


async def tenants_that_know(session: ReadSession, passkey_id: UUID) -> tuple[UUID, ...]:
    """Those to whose logs the passkey was introduced. In the staff scope."""
    rows = await session.execute(
        select(passkey_introductions.c.tenant_id)
        .where(passkey_introductions.c.passkey_id == passkey_id)
        .order_by(passkey_introductions.c.tenant_id)
    )
    return tuple(rows.scalars())


async def revocation_of(session: ReadSession, tenant_id: UUID, passkey_id: UUID) -> UUID | None:
    """The receipt of the revocation, where the owner belongs."""
    found: UUID | None = (
        await session.execute(
            select(passkey_revocations.c.receipt_id).where(
                passkey_revocations.c.tenant_id == tenant_id, passkey_revocations.c.passkey_id == passkey_id
            )
        )
    ).scalar_one_or_none()
    return found


async def lock_passkey(session: WriteSession, passkey: Passkey) -> None:
    """Where the owner belongs: signing and revoking wait for each other from here to the commit."""
    uses = passkey_uses.c
    await session.execute(
        select(uses.passkey_id)
        .where(uses.tenant_id == passkey.tenant_id, uses.passkey_id == passkey.id)
        .with_for_update()
    )


async def insert_withdrawal(
    session: WriteSession, tenant_id: UUID, passkey_id: UUID, receipt_id: UUID
) -> None:
    await session.execute(
        insert(passkey_withdrawals).values(
            tenant_id=tenant_id,
            passkey_id=passkey_id,
            withdrawn_at=session.clock.now(),
            receipt_id=receipt_id,
        )
    )


async def insert_introduction(
    session: WriteSession, tenant_id: UUID, passkey: Passkey, receipt_id: UUID
) -> bool:
    """False where another transaction has introduced it meanwhile."""
    added = await session.execute(
        upsert(passkey_introductions)
        .values(
            tenant_id=tenant_id,
            passkey_id=passkey.id,
            person_id=passkey.person_id,
            home_id=passkey.tenant_id,
            introduced_at=session.clock.now(),
            receipt_id=receipt_id,
        )
        .on_conflict_do_nothing()
        .returning(passkey_introductions.c.passkey_id)
    )
    return added.first() is not None


async def insert_signature(
    session: WriteSession, tenant_id: UUID, signature_id: UUID, signed: Signed
) -> None:
    """What it is about and for which act stands in the statement; the table compares."""
    await session.execute(
        insert(passkey_signatures).values(
            tenant_id=tenant_id,
            id=signature_id,
            passkey_id=signed.passkey.id,
            person_id=signed.passkey.person_id,
            about=signed.statement["request"],
            act=signed.statement["decision"],
            statement=signed.bytes,
            authenticator_data=signed.assertion.authenticator_data,
            client_data=signed.assertion.client_data,
            signature=signed.assertion.signature,
            at=session.clock.now(),
        )
    )


async def signature_rows(
    session: ReadSession, tenant_id: UUID, ids: Collection[UUID]
) -> Mapping[UUID, SignatureRow]:
    signed, withdrawn = passkey_signatures.c, passkey_withdrawals.c
    rows = await session.execute(
        select(
            signed.id,
            signed.passkey_id,
            signed.authenticator_data,
            signed.client_data,
            signed.signature,
            withdrawn.withdrawn_at,
        )
        .outerjoin(
            passkey_withdrawals,
            and_(withdrawn.tenant_id == signed.tenant_id, withdrawn.passkey_id == signed.passkey_id),
        )
        .where(signed.tenant_id == tenant_id, signed.id.in_(ids))
    )
    return {
        row.id: SignatureRow(
            passkey_id=row.passkey_id,
            authenticator_data=row.authenticator_data,
            client_data=row.client_data,
            signature=row.signature,
            withdrawn=row.withdrawn_at is not None,
        )
        for row in rows
    }


def _passkeys(tenant_id: UUID) -> Select[Any]:
    def with_key(table: Any) -> Any:
        return and_(table.c.tenant_id == passkeys.c.tenant_id, table.c.passkey_id == passkeys.c.id)

    return (
        select(
            passkeys,
            passkey_uses.c.sign_count,
            passkey_uses.c.used_at,
            passkey_revocations.c.revoked_at,
        )
        .join(passkey_uses, with_key(passkey_uses))
        .outerjoin(passkey_revocations, with_key(passkey_revocations))
        .where(passkeys.c.tenant_id == tenant_id)
    )


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(
        id=row.id,
        tenant_id=row.tenant_id,
        person_id=row.person_id,
        name=row.name,
        key=PasskeyKey(row.credential_id, row.public_key, RelyingParty(row.rp_id, row.origin)),
        algorithm=row.algorithm,
        aaguid=row.aaguid,
        synced=row.synced,
        sign_count=row.sign_count,
        enrolled_at=row.enrolled_at,
        receipt_id=row.receipt_id,
        brought_by=frozenset(row.brought_by),
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
