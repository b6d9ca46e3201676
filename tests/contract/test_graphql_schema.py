"""The committed SDL is the schema's, and says what everything is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLObjectType,
    OperationDefinitionNode,
    build_schema,
    parse,
)
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.utils.str_converters import to_camel_case

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
        payload = field.type
        assert str(payload.fields["userErrors"].type) == "[UserError!]!", name
        assert list(field.args) == ["input"], name


def test_whatever_asks_a_service_may_be_null_so_that_a_refusal_takes_nothing_else_along():
    built = build_schema(SDL.read_text())
    certain = [
        f"{definition.definition.name}.{field.name}"
        for definition in schema.schema_converter.type_map.values()
        if isinstance(definition.definition, StrawberryObjectDefinition)
        for field in definition.definition.fields
        if field.is_async
        and isinstance(
            built.type_map[definition.definition.name].fields[to_camel_case(field.name)].type, GraphQLNonNull
        )
    ]
    assert certain == []
    assert built.mutation_type is not None
    assert not any(isinstance(field.type, GraphQLNonNull) for field in built.mutation_type.fields.values())


def test_nothing_is_in_it_twice_under_two_names():
    """Enums of the same words are one, unless they speak of different things."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, type_ in build_schema(SDL.read_text()).type_map.items():
        if isinstance(type_, GraphQLEnumType) and not name.startswith("__"):
            alike.setdefault(tuple(sorted(type_.values)), []).append(name)
    assert sorted(sorted(names) for names in alike.values() if len(names) > 1) == [
        ["CostDetectorFlag", "CostDetectorLane"],
        ["SlaRunState", "TrustBatchState"],
    ]


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
async def test_an_instant_that_utc_does_not_have_is_refused_before_anything_runs(at: str):
    asked = 'query Q($at: DateTime!) { tenant(key: "acme") { incidents(since: $at, until: $at) { title } } }'
    result = await schema.execute(asked, variable_values={"at": at})
    (error,) = result.errors or ()
    assert (error.path, result.data) == (None, None)
    assert error.message.endswith(f"'{at}' is outside the calendar")


@pytest.mark.parametrize("root", ["Mutation", "Query"])
def test_every_act_and_every_question_is_asked_by_a_test(root: str, asked: Mapping[str, set[str]]):
    found = build_schema(SDL.read_text()).type_map[root]
    assert isinstance(found, GraphQLObjectType)
    assert [name for name in found.fields if name not in asked[root]] == []


@pytest.fixture(scope="module")
def asked() -> Mapping[str, set[str]]:
    """Root fields of the documents that tests are written with, and acts that they name to whoever writes the document."""
    fields: dict[str, set[str]] = {"Mutation": set(), "Query": set()}
    for text in _texts(Path(__file__).parents[1]):
        if re.fullmatch(r"[a-z][A-Za-z]+", text):
            fields["Mutation"].add(text)
        for root, name in _root_fields(text):
            fields[root].add(name)
    return fields


def _texts(tests: Path) -> Iterator[str]:
    """Every literal; what a formatted one is filled with is a name."""
    for path in sorted(tests.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value.replace("%s", "x")
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    str(each.value) if isinstance(each, ast.Constant) else "x" for each in node.values
                )


def _root_fields(text: str) -> Iterator[tuple[str, str]]:
    if "{" not in text:
        return
    try:
        document = parse(text)
    except GraphQLError:
        return
    for each in document.definitions:
        if isinstance(each, OperationDefinitionNode):
            for field in each.selection_set.selections:
                if isinstance(field, FieldNode):
                    yield each.operation.value.capitalize(), field.name.value
