"""Whether table, checkpoint and rebuilt root agree. Asked before a log is extended or shown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeAlias
from uuid import UUID

import asyncpg

from trust_portal.errors import LedgerDisagrees
from trust_portal.evidence.checkpoint import Checkpoint
from trust_portal.evidence.keyring import Keyring
from trust_portal.evidence.log_policy import log_policy
from trust_portal.evidence.merkle import CompactRange, range_nodes
from trust_portal.evidence.note import NoteKey, SignedNote
from trust_portal.evidence.strict import Malformed
from trust_portal.storage.tenancy import LedgerScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_TENANTS = """
SELECT tenant_id FROM logs UNION SELECT tenant_id FROM log_entries
UNION SELECT tenant_id FROM checkpoints ORDER BY tenant_id
"""
_HEAD = """
SELECT tree_size, root, note FROM checkpoints WHERE tenant_id = $1 ORDER BY tree_size DESC LIMIT 1
"""
_ORIGIN = "SELECT origin FROM logs WHERE tenant_id = $1"
#: An entry beside the receipt it stands for; what is missing comes as NULL.
_ENTRIES = """
SELECT e.index, e.leaf_hash, r.leaf_hash AS of_receipt
FROM log_entries e
LEFT JOIN receipts r ON r.tenant_id = e.tenant_id AND r.id = e.receipt_id AND r.tenant_id = $1
WHERE e.tenant_id = $1 ORDER BY e.index
"""
_NODE = "SELECT hash FROM log_nodes WHERE tenant_id = $1 AND level = $2 AND index = $3"
_RECEIPTS = "SELECT tenant_id, count(*) AS n FROM receipts GROUP BY tenant_id"
_PENDING = "SELECT tenant_id, count(*) AS n FROM pending_receipts GROUP BY tenant_id"
_BATCH = 2000


async def check_logs(storage: Storage, keyring: Keyring) -> int:
    """Rebuild every tenant's tree from its entries; the number of logs that agree.

    Raises ``LedgerDisagrees``, naming the tenant and what differs, when entries have a gap or are
    not their receipts', when the rebuilt root is not the last checkpoint's, when the checkpoint is
    not signed by our key, or when a receipt is neither in its log nor waiting for it. Memory is
    constant; time is about a microsecond per receipt and level.
    """
    async with storage.read(LedgerScope(), snapshot=True) as session:
        driver = await session.driver()
        tenants = [row["tenant_id"] for row in await driver.fetch(_TENANTS)]
        sizes = {tenant_id: await _check_log(session, tenant_id, keyring) for tenant_id in tenants}
        waiting = {row["tenant_id"]: row["n"] for row in await driver.fetch(_PENDING)}
        for row in await driver.fetch(_RECEIPTS):
            tenant_id, stored = row["tenant_id"], row["n"]
            known = sizes.pop(tenant_id, 0) + waiting.pop(tenant_id, 0)
            if stored != known:
                raise _disagrees(tenant_id, f"{stored} receipts are stored, {known} are logged or waiting")
        for tenant_id, size in (*sizes.items(), *waiting.items()):
            if size:
                raise _disagrees(tenant_id, f"{size} entries, and no receipts at all")
        return len(tenants)


async def _check_log(session: ReadSession, tenant_id: UUID, keyring: Keyring) -> int:
    driver = await session.driver()
    tree = CompactRange()
    async for rows in _batches(driver, tenant_id):
        for offset, row in enumerate(rows):
            if row["index"] != tree.size + offset:
                raise _disagrees(tenant_id, f"entry {tree.size + offset} is missing")
            if row["leaf_hash"] != row["of_receipt"]:
                raise _disagrees(tenant_id, f"entry {row['index']} is not its receipt's")
        tree, _ = tree.append(row["leaf_hash"] for row in rows)
    head = await driver.fetchrow(_HEAD, tenant_id)
    origin = await driver.fetchval(_ORIGIN, tenant_id)
    if head is None and tree.size == 0:
        return 0  # named, and nothing recorded yet
    if head is None or origin is None:
        raise _disagrees(tenant_id, f"{tree.size} entries without a checkpoint or a log")
    if head["tree_size"] != tree.size:
        raise _disagrees(tenant_id, f"{tree.size} entries under a checkpoint of {head['tree_size']}")
    if head["root"] != tree.root:
        raise _disagrees(tenant_id, f"the root over {tree.size} entries is not the checkpoint's")
    policy = await log_policy(session, tenant_id, origin)
    ended = [each for each in policy.logs if policy.span(each.key).end is not None]
    signers = [NoteKey(origin, keyring.checkpoints.verify_key)] + [
        each for each in ended if policy.span(each.key).covers_size(tree.size)
    ]
    _check_note(tenant_id, head["note"], Checkpoint(origin, tree.size, tree.root), signers)
    for node, value in zip(range_nodes(tree.size), tree.hashes, strict=True):
        if node[0] and await driver.fetchval(_NODE, tenant_id, *node) != value:
            raise _disagrees(tenant_id, f"stored node {node} is not the hash of its leaves")
    return tree.size


async def _batches(driver: Driver, tenant_id: UUID) -> AsyncIterator[list[asyncpg.Record]]:
    cursor = await driver.cursor(_ENTRIES, tenant_id)
    while rows := await cursor.fetch(_BATCH):
        yield rows


def _check_note(tenant_id: UUID, text: str, expected: Checkpoint, signers: Sequence[NoteKey]) -> None:
    try:
        note = SignedNote.parse(text)
        stated = Checkpoint.parse(note.text)
    except Malformed as error:
        raise _disagrees(tenant_id, f"the last checkpoint cannot be read: {error.message}") from error
    if stated != expected:
        raise _disagrees(tenant_id, "the last checkpoint's note states another tree than its row")
    if not any(note.signed_by(each) for each in signers):
        raise _disagrees(tenant_id, "the last checkpoint is not signed by the checkpoint key")


def _disagrees(tenant_id: UUID, what: str) -> LedgerDisagrees:
    return LedgerDisagrees(
        f"log of tenant {tenant_id}: {what}. Nothing was changed; keep this database as it is, "
        "run `trust-portal audit`, and compare with your last backup"
    )
