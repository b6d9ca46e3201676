"""Which keys this installation signs with, as the database and the vendor's own log remember them."""

from __future__ import annotations

from sqlalchemy import insert, select, text

from trust_portal.evidence.act import Act
from trust_portal.evidence.keyring import Keyring, refuse_foreign_keys
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.evidence.tables import signing_keys
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.clock import SystemClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.engine import create_engine
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

#: ASCII "tpkeyreg": two processes that start at once register once.
_REGISTRATION = 0x74706B6579726567


async def register_keys(storage: Storage, keyring: Keyring) -> None:
    """Remember the keys that are not on record (at first all of them), each with a ``key.created`` receipt.

    ``InvalidInput`` (field ``KEY_FILE``) when the database knows other keys: the file was lost and
    made anew, or belongs to another installation.
    """
    ledger = Ledger(storage, keyring)
    async with storage.coordinator.write(TenantScope(VENDOR_ID)) as session:
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _REGISTRATION})
        known = await registered_keys(session)
        refuse_foreign_keys(keyring, known)
        new = {purpose: key for purpose, key in keyring.by_purpose().items() if key.key_id not in known}
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


async def registered_keys(session: ReadSession) -> set[str]:
    """Ids of the keys on record."""
    return set((await session.execute(select(signing_keys.c.key_id))).scalars())


async def known_key_ids(database_url: str) -> set[str]:
    """Ids of the keys this database's receipts are signed with; none before the first start.

    Asked by itself, without the keys it is about; an unmigrated database knows none.
    """
    storage = Storage(create_engine(database_url, pool_size=1), SystemClock())
    try:
        async with storage.read(TenantScope(VENDOR_ID)) as session:
            if (await session.execute(text("SELECT to_regclass('signing_keys')"))).scalar() is None:
                return set()
            return await registered_keys(session)
    finally:
        await storage.close()
