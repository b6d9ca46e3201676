"""Which keys this installation signs with, as the database and the vendor's own log remember them.

A key is in force from the moment it is on record until another one on record names it as the one it
replaces. The application puts an installation's first keys on record; one that replaces another is put
there by the sequencer alone (``key_turnover``), which the grants of ``signing_keys`` hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, text

from trust_portal.evidence.act import Act
from trust_portal.evidence.keyring import KeyPurpose, Keyring
from trust_portal.evidence.ledger import IN_FORCE, Ledger
from trust_portal.evidence.signing import VerifyKey
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.evidence.tables import key_retirements, signing_keys
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.clock import SystemClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.engine import create_engine
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

#: ASCII "tpkeyreg": two processes that start at once register once.
_REGISTRATION = 0x74706B6579726567


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key on record. ``replaces`` is the id of the one before it; ``replaced``: another is in force now.

    ``retired_at``: since when nothing by it can come into a log any more.
    """

    purpose: KeyPurpose
    key: VerifyKey
    since: datetime
    replaces: str | None
    replaced: bool
    retired_at: datetime | None


async def register_keys(storage: Storage, keyring: Keyring) -> None:
    """Remember the keys that are not on record (at first all of them), each with a ``key.created`` receipt.

    The keyring follows what is in force. ``InvalidInput`` (field ``KEY_FILE``) when the database knows
    other keys: the file was lost and made anew, or belongs to another installation.
    """
    ledger = Ledger(storage, keyring)
    async with storage.coordinator.write(TenantScope(VENDOR_ID)) as session:
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _REGISTRATION})
        known = await keys_in_force(session)
        keyring.follow(known)
        new = {purpose: key for purpose, key in keyring.by_purpose().items() if purpose not in known}
        if not new:
            return
        now = session.clock.now()
        await session.execute(
            insert(signing_keys).values(
                [
                    {
                        "key_id": key.key_id,
                        "purpose": purpose.value,
                        "public_key": key.public_key,
                        "created_at": now if known else keyring.created_at,
                    }
                    for purpose, key in new.items()
                ]
            )
        )
        for purpose, key in new.items():
            await ledger.record(
                session,
                Act(
                    kind=ReceiptKind.KEY_CREATED,
                    tenant_id=VENDOR_ID,
                    actor=SYSTEM,
                    at=now,
                    # The DER form: its digest is the key's id.
                    subjects=(Subject(f"{purpose.value}.der", key.key_id),),
                    predicate={
                        "purpose": purpose.value,
                        "algorithm": "Ed25519",
                        "pem": key.verify_key.pem,
                    },
                ),
            )


async def follow_keys(storage: Storage, keyring: Keyring) -> None:
    """Have ``keyring`` sign with what is in force. ``InvalidInput`` as ``register_keys``."""
    async with storage.read(TenantScope(VENDOR_ID)) as session:
        keyring.follow(await keys_in_force(session))


async def keys_in_force(session: ReadSession) -> dict[KeyPurpose, str]:
    """Ids of the keys that sign now, by purpose; none before the first start."""
    rows = await (await session.driver()).fetch(IN_FORCE)
    return {KeyPurpose(row["purpose"]): row["key_id"] for row in rows}


async def known_keys(session: ReadSession) -> tuple[KnownKey, ...]:
    """Every key ever in force, by purpose, the newest first."""
    retired = {row.key_id: row.at for row in await session.execute(select(key_retirements))}
    rows = (await session.execute(select(signing_keys))).all()
    replaced = {row.replaces for row in rows}
    found = [
        KnownKey(
            KeyPurpose(row.purpose),
            VerifyKey(row.public_key),
            row.created_at,
            row.replaces,
            row.key_id in replaced,
            retired.get(row.key_id),
        )
        for row in rows
    ]
    return tuple(_newest_first(found))


async def receipt_keys(session: ReadSession) -> Mapping[str, VerifyKey]:
    """By id, every key that ever signed receipts here."""
    keys = [each for each in await known_keys(session) if each.purpose is KeyPurpose.RECEIPTS]
    return {each.key.key_id: each.key for each in keys}


async def known_key_ids(database_url: str) -> dict[KeyPurpose, str]:
    """Ids of the keys in force in this database, by purpose; none before the first start.

    Asked by itself, without the keys it is about; an unmigrated database knows none.
    """
    storage = Storage(create_engine(database_url, pool_size=1), SystemClock())
    try:
        async with storage.read(TenantScope(VENDOR_ID)) as session:
            if (await session.execute(text("SELECT to_regclass('key_retirements')"))).scalar() is None:
                return {}
            return await keys_in_force(session)
    finally:
        await storage.close()


def _newest_first(keys: list[KnownKey]) -> list[KnownKey]:
    """Each purpose's chain from the key in force back to the first: by what replaces what, not by time."""
    by_id = {each.key.key_id: each for each in keys}
    ordered = []
    for purpose in KeyPurpose:
        link = next((each for each in keys if each.purpose is purpose and not each.replaced), None)
        while link is not None:
            ordered.append(link)
            link = by_id.get(link.replaces) if link.replaces is not None else None
    return ordered
