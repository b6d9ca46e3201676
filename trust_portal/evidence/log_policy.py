"""The trust policy of one log: every key that signed in it, and for which stretch of it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from trust_portal.errors import Unavailable
from trust_portal.evidence.export import Export
from trust_portal.evidence.key_register import KnownKey, keys_in_force, known_keys, receipt_keys
from trust_portal.evidence.keyring import KeyPurpose
from trust_portal.evidence.log_name import open_log
from trust_portal.evidence.note import NoteKey
from trust_portal.evidence.policy_file import Policy, Span
from trust_portal.evidence.receipt_rows import signing_keys_of
from trust_portal.evidence.signing import VerifyKey
from trust_portal.evidence.tables import END, FIRST, key_edges
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

_NO_KEYS = Unavailable("the signing keys are not on record yet; try again")


async def signer_of(session: ReadSession, export: Export) -> VerifyKey:
    """The key that signed the manifest of an export; before it is recorded, the key in force."""
    signed_by = await signing_keys_of(session, export.tenant_id, [export.manifest_receipt_id])
    key_id = signed_by.get(export.manifest_receipt_id)
    key_id = key_id or (await keys_in_force(session)).get(KeyPurpose.RECEIPTS)
    if key_id is None:
        raise _NO_KEYS
    return (await receipt_keys(session))[key_id]


async def log_policy(session: ReadSession, tenant_id: UUID, origin: str) -> Policy:
    """Whom to believe about the log ``origin`` of a tenant, the keys in force first.

    A key without bounds is good for the whole log. One that was replaced and never signed in this log
    is not named. One that was replaced a moment ago has no end yet: what was under way may still be
    signed by it. ``Unavailable`` before the first start.
    """
    edges = select(key_edges.c.key_id, key_edges.c.edge, key_edges.c.index.label("place")).where(
        key_edges.c.tenant_id == tenant_id
    )
    places = {(row.key_id, row.edge): row.place for row in await session.execute(edges)}
    spans: dict[str, Span] = {}
    believed: list[KnownKey] = []
    for known in await known_keys(session):
        key_id = known.key.key_id
        end = places.get((key_id, END))
        if known.replaced and known.retired_at is not None and not end:
            continue
        believed.append(known)
        span = Span(places.get((key_id, FIRST), 0), end)
        if span != Span():
            spans[key_id] = span
    if not believed:
        raise _NO_KEYS
    signing = {KeyPurpose.RECEIPTS, KeyPurpose.CHECKPOINTS}
    return Policy(
        logs=tuple(NoteKey(origin, each.key) for each in believed if each.purpose is KeyPurpose.CHECKPOINTS),
        receipt_keys=tuple(each.key for each in believed if each.purpose is KeyPurpose.RECEIPTS),
        spans={
            each.key.key_id: spans[each.key.key_id]
            for each in believed
            if each.purpose in signing and each.key.key_id in spans
        },
    )


async def export_policy(storage: Storage, tenant_id: UUID, host: str) -> Policy:
    """The policy of a tenant's log at ``host``; the log is opened where nothing was recorded in it yet."""
    async with storage.write(TenantScope(tenant_id)) as session:
        origin = await open_log(await session.driver(), tenant_id, host, session.clock.now())
        return await log_policy(session, tenant_id, origin)
