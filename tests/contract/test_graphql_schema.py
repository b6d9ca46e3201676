"""The committed SDL is the schema's, and says what everything is."""

from __future__ import annotations

from graphql import GraphQLInputObjectType, GraphQLObjectType, build_schema

from schema.root import SDL, schema


def test_the_committed_schema_is_current():
    assert SDL.read_text() == schema.as_str() + "\n", "write it anew: python -m schema.root"


def test_every_type_and_every_act_says_what_it_is():
    built = build_schema(SDL.read_text())
    silent = [
        name
        for name, type_ in built.type_map.items()
        if not name.startswith("__")
        and isinstance(type_, GraphQLObjectType | GraphQLInputObjectType)
        and not type_.description
    ]
    assert built.mutation_type is not None
    acts = [name for name, field in built.mutation_type.fields.items() if not field.description]
    assert (silent, acts) == ([], [])


def test_every_act_answers_with_user_errors():
    built = build_schema(SDL.read_text())
    assert built.mutation_type is not None
    for name, field in built.mutation_type.fields.items():
        payload = field.type.of_type
        assert str(payload.fields["userErrors"].type) == "[UserError!]!", name
        assert list(field.args) == ["input"], name
