"""What a GraphQL document may ask, and that the asking is cheap to bound."""

from __future__ import annotations

import time

import pytest
from graphql import GraphQLError, GraphQLObjectType

from schema.limits import MAX_ALIASES, MAX_DEPTH
from schema.root import schema
from schema.work import weight_of


async def refusals(document: str) -> list[str]:
    result = await schema.execute(document, context_value=None)
    return [
        error.extensions["limit"]
        for error in result.errors or []
        if isinstance(error, GraphQLError) and (error.extensions or {}).get("code") == "DOCUMENT_TOO_LARGE"
    ]


async def test_a_document_within_its_bounds_is_not_refused() -> None:
    assert await refusals("{ viewer { name tenant { key } } }") == []


async def test_fragments_that_double_are_measured_once_each_and_refused_by_cost() -> None:
    levels = 150
    fragments = " ".join(f"fragment f{i} on Viewer {{ name ...f{i + 1} ...f{i + 1} }}" for i in range(levels))
    document = f"{{ viewer {{ ...f0 }} }} {fragments} fragment f{levels} on Viewer {{ name }}"
    began = time.process_time()
    assert "cost" in await refusals(document)
    # Unbounded it takes longer than the world has been; a minute is far from both.
    assert time.process_time() - began < 60


async def test_a_fragment_that_spreads_itself_ends() -> None:
    assert await refusals("{ viewer { ...f } } fragment f on Viewer { name ...f }") == []


async def test_what_one_place_repeats_is_refused_before_its_pairs_are_compared() -> None:
    many = 430
    began = time.process_time()
    assert await refusals(f"{{ {'viewer { name } ' * many} }}") == ["repeats"]
    assert await refusals("{ " + ("viewer { " + "name " * 8 + "} ") * 8 + "}") == ["repeats"]
    through = "{ ...f ...g } fragment f on Query { %s } fragment g on Query { %s }"
    more = "viewer { name } " * 16
    assert await refusals(through % (more, more)) == ["repeats"]
    as_many = "viewer { name } " * 15
    assert await refusals(through % (as_many, as_many)) == []
    # Comparing the pairs of the first alone takes seconds where this takes milliseconds; a minute is far from both.
    assert time.process_time() - began < 60


async def test_a_fragment_that_spreads_itself_in_many_places_ends_as_an_error_of_its_own() -> None:
    names = ("tenant", "slaReports", "creditForecast", "trustReportPreview")
    within = " ".join(f"{name} {{ ...f }}" for name in names)
    document = f"{{ viewer {{ ...f }} }} fragment f on Viewer {{ {within} }}"
    result = await schema.execute(document, context_value=None)
    assert [error.message for error in result.errors or []] == [
        "Cannot spread fragment 'f' within itself."
    ] * 4


async def test_pages_multiply_what_lies_in_them() -> None:
    page = "{ tenants(first: 100) { nodes { key name timeZone residency onboardedAt %s } } }"
    inner = "receipts(first: 5) { nodes { kind at actorName sha256 } }"
    assert await refusals(page % "") == []
    assert await refusals(page % inner) == ["cost"]


async def test_aliases_are_counted_in_the_whole_document() -> None:
    aliases = " ".join(f"a{i}: viewer {{ name }}" for i in range(MAX_ALIASES + 1))
    assert "aliases" in await refusals(f"{{ {aliases} }}")


async def test_depth_is_counted_through_fragments() -> None:
    deep = "viewer { tenant { slaReports(first: 1) { nodes { receipt { subjects { name } } } } } }"
    assert await refusals(f"{{ {deep} }}") == []
    nested = "ofType { " * (MAX_DEPTH - 2) + "name" + " }" * (MAX_DEPTH - 2)
    assert await refusals(f"{{ __schema {{ types {{ {nested} }} }} }}") == ["depth"]


@pytest.mark.parametrize("digits", [4, 6, 5000])
async def test_a_huge_page_is_an_error_of_the_document_and_not_of_ours(digits: int) -> None:
    result = await schema.execute(f"{{ tenants(first: {'9' * digits}) {{ nodes {{ key }} }} }}")
    assert result.errors


#: What is worked out when it is asked for, and what that weighs.
HEAVY = {
    "CostAnomaly.explanation": 100,
    "CostExplanation.origins": 100,
    "CostExplanation.reported": 100,
    "Mutation.testCrossCheck": 500,
    # Each alone takes the whole of it to be gathered; together they take it once.
    **{
        f"Postmortem.{name}": 20
        for name in (
            *("document", "sha256", "draftRevision", "lacking", "signer"),
            *("anyOwnerBecause", "signsInsteadOf", "newerFacts"),
        )
    },
    **{f"Qbr.{name}": 20 for name in ("document", "exportId", "inputs", "draft")},
    "Query.postmortemReleasePreview": 100,
    "Query.switchboard": 100,
    "Tenant.contractPreview": 500,
    "Tenant.costDetectorReport": 100,
    "Tenant.costThresholdTrial": 500,
    "Tenant.creditForecast": 100,
    "Tenant.trustReportPreview": 300,
    **{
        f"VendorIncident.{name}": 5
        for name in ("timeline", "merged", "tenantKeys", "unknownObjectiveKeys", "postmortemId")
    },
}


def test_what_is_work_says_on_its_field_what_it_weighs() -> None:
    types = (type_ for type_ in schema._schema.type_map.values() if isinstance(type_, GraphQLObjectType))
    found = {
        f"{type_.name}.{name}": weight_of(type_, name)
        for type_ in types
        for name in type_.fields
        if weight_of(type_, name) != 1
    }
    assert found == HEAVY


async def test_what_is_work_counts_so_wherever_it_stands() -> None:
    months = " ".join(f'a{n}: contractPreview(period: "2026-06")' for n in range(4))
    assert await refusals(f"{{ viewer {{ tenant {{ {months} }} }} }}") == ["cost"]
    assert await refusals(
        f"{{ viewer {{ ...on Viewer {{ tenant {{ ...f }} }} }} }} fragment f on Tenant {{ {months} }}"
    ) == ["cost"]
    assert await refusals('{ viewer { tenant { contractPreview(period: "2026-06") } } }') == []
