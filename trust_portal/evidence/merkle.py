"""The tree of RFC 6962 §2.1 and RFC 9162 §2.1, appended to and proved from stored nodes.

Only *perfect* subtrees are ever stored: node ``(level, index)`` is the root over the leaves
``index << level`` up to ``(index + 1) << level``, written once when its last leaf arrives and never
changed. Everything else (the right edge of a tree of any size) is folded from perfect nodes, so a
proof for any size ever reached needs O(log n) of them. The functions are split in *plan* (which
nodes) and *resolve* (fold them) so that a caller can fetch all nodes of many proofs in one query.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

NodeId: TypeAlias = tuple[int, int]
"""``(level, index)`` of a perfect subtree; level 0 are the leaf hashes."""
Plan: TypeAlias = tuple[tuple[NodeId, ...], ...]
"""For each hash of a proof, the perfect nodes that fold into it, left to right."""

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry), RFC 6962 §2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), RFC 6962 §2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class CompactRange:
    """All a log needs to grow: its size and the roots of its perfect subtrees, largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} leaves has not {len(self.hashes)} perfect subtrees")

    @property
    def root(self) -> bytes:
        """The tree head; SHA-256 of nothing for the empty tree."""
        return _fold(self.hashes) if self.hashes else EMPTY_ROOT

    def append(self, leaves: Iterable[bytes]) -> tuple[CompactRange, dict[NodeId, bytes]]:
        """The range after ``leaves`` (leaf hashes, in order), and every perfect node they complete."""
        size, stack = self.size, list(self.hashes)
        completed: dict[NodeId, bytes] = {}
        for leaf in leaves:
            level, index, node = 0, size, leaf
            completed[0, index] = node
            while index & 1:
                node = node_hash(stack.pop(), node)
                level, index = level + 1, index >> 1
                completed[level, index] = node
            stack.append(node)
            size += 1
        return CompactRange(size, tuple(stack)), completed

    @classmethod
    def load(cls, size: int, nodes: Mapping[NodeId, bytes]) -> CompactRange:
        """The range of a tree of ``size`` from stored nodes (those ``range_nodes(size)`` names)."""
        return cls(size, tuple(nodes[node] for node in range_nodes(size)))


def range_nodes(size: int) -> tuple[NodeId, ...]:
    """The perfect subtrees of a tree of ``size`` leaves, left to right."""
    return _perfect(0, size)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    return CompactRange().append(leaves)[0].root


def inclusion_plan(index: int, size: int) -> Plan:
    """Nodes of the audit path of leaf ``index`` in a tree of ``size``, from the leaf's sibling up.

    RFC 6962 §2.1.1. Raises ``ValueError`` unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path: list[tuple[NodeId, ...]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_perfect(middle, end))
            end = middle
        else:
            path.append(_perfect(start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_plan(old: int, new: int) -> Plan:
    """Nodes of the proof that a tree of ``new`` leaves extends the one of ``old``.

    RFC 6962 §2.1.2. Empty for ``old == 0`` and ``old == new``: there the roots alone decide.
    Raises ``ValueError`` unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves cannot extend one of {old}")
    if old in (0, new):
        return ()
    path: list[tuple[NodeId, ...]] = []
    start, end = 0, new
    whole = True  # [start, end) begins at the root of the old tree, whose hash the verifier has
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_perfect(middle, end))
            end = middle
        else:
            path.append(_perfect(start, middle))
            start, whole = middle, False
    if not whole:
        path.append(_perfect(start, end))
    return tuple(reversed(path))


def plan_nodes(*plans: Plan) -> frozenset[NodeId]:
    """Every node the plans need, each once."""
    return frozenset(node for plan in plans for element in plan for node in element)


def resolve(plan: Plan, nodes: Mapping[NodeId, bytes]) -> tuple[bytes, ...]:
    """The proof's hashes. Raises ``KeyError`` with the id of a node that is not there."""
    return tuple(_fold([nodes[node] for node in element]) for element in plan)


def inclusion_proof(index: int, size: int, nodes: Mapping[NodeId, bytes]) -> tuple[bytes, ...]:
    """``resolve(inclusion_plan(index, size), nodes)``."""
    return resolve(inclusion_plan(index, size), nodes)


def consistency_proof(old: int, new: int, nodes: Mapping[NodeId, bytes]) -> tuple[bytes, ...]:
    """``resolve(consistency_plan(old, new), nodes)``."""
    return resolve(consistency_plan(old, new), nodes)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether leaf hash ``leaf`` stands at ``index`` under ``root``. RFC 9162 §2.1.3.2."""
    if not 0 <= index < size:
        return False
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the tree of ``new`` leaves under ``new_root`` extends the older one. RFC 9162 §2.1.4.2."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    hashes = list(proof)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    of_old = of_new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            of_old, of_new = node_hash(sibling, of_old), node_hash(sibling, of_new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            of_new = node_hash(of_new, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and of_old == old_root and of_new == new_root


def _split(size: int) -> int:
    """The largest power of two smaller than ``size`` (RFC 6962 §2.1)."""
    return 1 << ((size - 1).bit_length() - 1)


def _perfect(start: int, end: int) -> tuple[NodeId, ...]:
    """``[start, end)`` as perfect subtrees, left to right; ``start`` is a multiple of the largest."""
    return tuple(_descending(start, end))


def _descending(start: int, end: int) -> Iterator[NodeId]:
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _fold(hashes: Sequence[bytes]) -> bytes:
    node = hashes[-1]
    for left in reversed(hashes[:-1]):
        node = node_hash(left, node)
    return node
