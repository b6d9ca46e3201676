"""The schema's names and shapes: one name for one thing, and what a figure is of is said."""

from __future__ import annotations

from graphql import GraphQLInterfaceType, build_schema

from schema.node import LOOK_UPS
from schema.root import SDL

BUILT = build_schema(SDL.read_text())


def test_whatever_implements_node_is_found_by_its_id_and_nothing_else_is():
    node = BUILT.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {kind.name for kind in BUILT.get_possible_types(node)} == set(LOOK_UPS)
