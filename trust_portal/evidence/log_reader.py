"""Proofs from the stored tree. Nodes never change, so what was read once is kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg

from trust_portal.errors import NotFound
from trust_portal.evidence.checkpoint import Checkpoint, ConsistencyProof, TlogProof
from trust_portal.evidence.manifest import TreeHead, head_of
from trust_portal.evidence.merkle import (
    NodeId,
    Plan,
    consistency_plan,
    inclusion_plan,
    plan_nodes,
    resolve,
)
from trust_portal.evidence.note import SignedNote
from trust_portal.storage.unit_of_work import ReadSession

# Rows are found one by one (LATERAL … LIMIT 1): as a plain join, and before the first ANALYZE of a
# young installation, the planner reads everything the tenant has in its log.

#: Entries and the newest checkpoint come from one statement, hence from one moment.
_PLACES = """
WITH head AS MATERIALIZED (
    SELECT tree_size, note FROM checkpoints WHERE tenant_id = $1 ORDER BY tree_size DESC LIMIT 1
)
SELECT wanted.receipt_id, e.index, head.tree_size, head.note
FROM head, unnest($2::uuid[]) AS wanted (receipt_id),
     LATERAL (SELECT index FROM log_entries
              WHERE tenant_id = $1 AND receipt_id = wanted.receipt_id LIMIT 1) e
"""
_INDEX = "SELECT index FROM log_entries WHERE tenant_id = $1 AND receipt_id = $2"
_CHECKPOINT = "SELECT note FROM checkpoints WHERE tenant_id = $1 AND tree_size = $2"
_FIRST_CHECKPOINT_OVER = """
SELECT tree_size FROM checkpoints WHERE tenant_id = $1 AND tree_size > $2 ORDER BY tree_size LIMIT 1
"""
_NODES = """
SELECT wanted.level, wanted.index, n.hash
FROM unnest($2::smallint[], $3::bigint[]) AS wanted (level, index),
     LATERAL (SELECT hash FROM log_nodes
              WHERE tenant_id = $1 AND level = wanted.level AND index = wanted.index LIMIT 1) n
UNION ALL
SELECT 0, e.index, e.leaf_hash FROM log_entries e
WHERE e.tenant_id = $1 AND e.index = ANY($4::bigint[])
"""
#: About 100 bytes each.
_CACHED_NODES = 100_000


class LogReader:
    """Inclusion and consistency in one tenant's log, against any checkpoint it ever had."""

    def __init__(self) -> None:
        self._cache: OrderedDict[tuple[UUID, NodeId], bytes] = OrderedDict()

    async def proofs(
        self, session: ReadSession, tenant_id: UUID, receipt_ids: Sequence[UUID]
    ) -> dict[UUID, TlogProof]:
        """Inclusion under the newest checkpoint of those receipts that are integrated."""
        driver = await session.driver()
        places = await driver.fetch(_PLACES, tenant_id, receipt_ids)
        if not places:
            return {}
        note, size = SignedNote.parse(places[0]["note"]), places[0]["tree_size"]
        plans = {place["receipt_id"]: inclusion_plan(place["index"], size) for place in places}
        nodes = await self._nodes(driver, tenant_id, plans.values())
        return {
            place["receipt_id"]: TlogProof(place["index"], resolve(plans[place["receipt_id"]], nodes), note)
            for place in places
        }

    async def proof_at(
        self, session: ReadSession, tenant_id: UUID, receipt_ids: Sequence[UUID], tree_size: int
    ) -> dict[UUID, TlogProof]:
        """Inclusion of every one of ``receipt_ids`` under the checkpoint of ``tree_size``.

        ``NotFound`` when the log never signed that size, or a receipt is not under it.
        """
        driver = await session.driver()
        note = await self._note(driver, tenant_id, tree_size)
        places = {
            place["receipt_id"]: place["index"]
            for place in await driver.fetch(_PLACES, tenant_id, receipt_ids)
            if place["index"] < tree_size
        }
        if missing := set(receipt_ids) - set(places):
            raise NotFound(f"receipt {min(missing)} under the checkpoint of size {tree_size}")
        plans = {each: inclusion_plan(index, tree_size) for each, index in places.items()}
        nodes = await self._nodes(driver, tenant_id, plans.values())
        return {each: TlogProof(places[each], resolve(plans[each], nodes), note) for each in plans}

    async def first_checkpoint_with(
        self, session: ReadSession, tenant_id: UUID, receipt_id: UUID
    ) -> int | None:
        """Tree size of the oldest checkpoint over a receipt; ``None`` while it waits."""
        driver = await session.driver()
        index = await driver.fetchval(_INDEX, tenant_id, receipt_id)
        if index is None:
            return None
        size: int = await driver.fetchval(_FIRST_CHECKPOINT_OVER, tenant_id, index)
        return size

    async def consistency(
        self, session: ReadSession, tenant_id: UUID, old: int, new: int
    ) -> ConsistencyProof:
        """That the tree of ``new`` leaves extends the one of ``old``.

        ``NotFound`` when the log never signed ``new``; ``ValueError`` when ``old`` exceeds it.
        """
        driver = await session.driver()
        note = await self._note(driver, tenant_id, new)
        plan = consistency_plan(old, new)
        nodes = await self._nodes(driver, tenant_id, [plan])
        return ConsistencyProof(old, resolve(plan, nodes), note)

    async def tree_head(self, session: ReadSession, tenant_id: UUID, tree_size: int) -> TreeHead:
        """Size and root of a checkpoint the log signed; ``NotFound`` if it never did."""
        note = await self._note(await session.driver(), tenant_id, tree_size)
        return head_of(Checkpoint.parse(note.text))

    async def head_note(self, session: ReadSession, tenant_id: UUID, tree_size: int) -> SignedNote:
        """A checkpoint as the log signed it; ``NotFound`` if it never did."""
        return await self._note(await session.driver(), tenant_id, tree_size)

    async def _note(
        self, driver: asyncpg.Connection[asyncpg.Record], tenant_id: UUID, tree_size: int
    ) -> SignedNote:
        note = await driver.fetchval(_CHECKPOINT, tenant_id, tree_size)
        if note is None:
            raise NotFound(f"checkpoint of size {tree_size}")
        return SignedNote.parse(note)

    async def _nodes(
        self, driver: asyncpg.Connection[asyncpg.Record], tenant_id: UUID, plans: Iterable[Plan]
    ) -> dict[NodeId, bytes]:
        """Every node the plans need, from memory where it was read before."""
        nodes: dict[NodeId, bytes] = {}
        leaves: list[int] = []
        inner: list[NodeId] = []
        for node in plan_nodes(*plans):
            known = self._cache.get((tenant_id, node))
            if known is not None:
                nodes[node] = known
            elif node[0] == 0:
                leaves.append(node[1])
            else:
                inner.append(node)
        if leaves or inner:
            levels, indexes = [level for level, _ in inner], [index for _, index in inner]
            for row in await driver.fetch(_NODES, tenant_id, levels, indexes, leaves):
                nodes[row["level"], row["index"]] = row["hash"]
        self._remember(tenant_id, nodes)
        return nodes

    def _remember(self, tenant_id: UUID, nodes: dict[NodeId, bytes]) -> None:
        for node, value in nodes.items():
            self._cache[tenant_id, node] = value
        while len(self._cache) > _CACHED_NODES:
            self._cache.popitem(last=False)
