"""RFC 6962 §2.1 against the vectors of its reference implementation, and every pair of sizes."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.evidence.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_plan,
    consistency_proof,
    inclusion_plan,
    inclusion_proof,
    leaf_hash,
    node_hash,
    plan_nodes,
    range_nodes,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The eight entries and roots used by Certificate Transparency's own tests.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(b"entry %d" % n) for n in range(64)]
RANGE, NODES = CompactRange().append(LEAVES)
HEADS = [root_of(LEAVES[:size]) for size in range(65)]


def recursive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(recursive_root(leaves[:k]), recursive_root(leaves[k:]))


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert CompactRange().root == EMPTY_ROOT == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert root_of(map(leaf_hash, ENTRIES[:size])).hex() == ROOTS[size - 1]


@pytest.mark.parametrize("size", range(1, 65))
def test_appending_gives_the_recursively_defined_root(size: int) -> None:
    assert HEADS[size] == recursive_root(LEAVES[:size])


def test_the_known_audit_path_of_the_reference_implementation() -> None:
    _, nodes = CompactRange().append(map(leaf_hash, ENTRIES))
    assert [each.hex() for each in inclusion_proof(0, 8, nodes)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]


@pytest.mark.parametrize("size", range(1, 65))
def test_every_leaf_of_every_size_proves_its_place_and_no_other(size: int) -> None:
    for index in range(size):
        proof = inclusion_proof(index, size, NODES)
        assert verify_inclusion(LEAVES[index], index, size, proof, HEADS[size])
        assert len(proof) <= (size - 1).bit_length()
        assert not verify_inclusion(LEAVES[index], index, size, (*proof, bytes(32)), HEADS[size])
        assert not verify_inclusion(LEAVES[index], index, size, proof, HEADS[size - 1])
        assert not verify_inclusion(bytes(32), index, size, proof, HEADS[size])
        if size > 1:
            assert not verify_inclusion(LEAVES[index], (index + 1) % size, size, proof, HEADS[size])
            assert not verify_inclusion(LEAVES[index], index, size, proof[:-1], HEADS[size])


@pytest.mark.parametrize("new", range(65))
def test_every_pair_of_sizes_is_consistent_and_only_with_its_own_roots(new: int) -> None:
    for old in range(new + 1):
        proof = consistency_proof(old, new, NODES)
        assert verify_consistency(old, new, proof, HEADS[old], HEADS[new])
        assert not verify_consistency(old, new, proof, bytes(32), HEADS[new])
        assert not verify_consistency(old, new, (*proof, bytes(32)), HEADS[old], HEADS[new])
        if proof:
            assert not verify_consistency(old, new, proof[:-1], HEADS[old], HEADS[new])
            assert not verify_consistency(old, new, proof, HEADS[old], bytes(32))


def test_a_fork_is_not_consistent_with_what_was_published() -> None:
    forked = [*LEAVES[:10], leaf_hash(b"another history"), *LEAVES[11:40]]
    _, nodes = CompactRange().append(forked)
    proof = consistency_proof(20, 40, nodes)
    assert not verify_consistency(20, 40, proof, HEADS[20], root_of(forked))


@given(st.lists(st.integers(0, 20), max_size=6))
def test_growing_in_groups_is_growing_at_once(groups: list[int]) -> None:
    grown, stored, at = CompactRange(), {}, 0
    for group in groups:
        leaves = [leaf_hash(b"%d" % n) for n in range(at, at + group)]
        grown, completed = grown.append(leaves)
        assert not stored.keys() & completed.keys()
        stored.update(completed)
        at += group
    assert grown.root == root_of(leaf_hash(b"%d" % n) for n in range(at))
    assert CompactRange.load(at, stored) == grown
    assert set(range_nodes(at)) <= stored.keys()


@given(st.integers(1, 2**40), st.data())
def test_a_plan_names_few_nodes_and_only_complete_ones(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(0, size))
    for plan in (inclusion_plan(index, size), consistency_plan(old, size)):
        nodes = plan_nodes(plan)
        assert len(plan) <= size.bit_length() + 1
        assert len(nodes) <= 3 * size.bit_length()
        assert all((place + 1) << level <= size for level, place in nodes)


@pytest.mark.parametrize("index,size", [(0, 0), (5, 5), (-1, 5)])
def test_a_leaf_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_plan(index, size)
    assert not verify_inclusion(bytes(32), index, size, (), EMPTY_ROOT)


def test_a_tree_cannot_extend_a_larger_one() -> None:
    with pytest.raises(ValueError, match="cannot extend"):
        consistency_plan(3, 2)
    assert not verify_consistency(3, 2, (), HEADS[3], HEADS[2])


def test_a_range_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="perfect subtrees"):
        CompactRange(3, (bytes(32),))
