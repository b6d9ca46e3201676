"""An assessment by another tool is read for what it says; what is passed over is known by name, and changes nothing."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from support.foreign_assessment import DOCUMENT_UUID, ENDED, PASSED_OVER, TITLE, foreign_assessment

from trust_portal.errors import InvalidInput
from trust_portal.trust.compliance.oscal.reading import Foreign, read_assessment

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from trestle.oscal.assessment_results import AssessmentResults

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
SPRING = Foreign(UUID(DOCUMENT_UUID), TITLE, "1.1.2", ENDED, satisfied=4, not_satisfied=2)
#: What a document cannot do without, and when a result ended: without that it is as old as its beginning.
READ = frozenset(
    {
        "description",
        "end",
        "findings",
        "href",
        "import-ap",
        "last-modified",
        "metadata",
        "oscal-version",
        "results",
        "reviewed-controls",
        "start",
        "state",
        "status",
        "target",
        "target-id",
        "title",
        "uuid",
        "version",
    }
)


def without(value: Any, name: str) -> Any:
    """The document with every member of that name left out, wherever it stands."""
    if isinstance(value, dict):
        return {key: without(each, name) for key, each in value.items() if key != name}
    return [without(each, name) for each in value] if isinstance(value, list) else value


def unread(value: Any) -> Iterator[str]:
    """Names of the members that are not read; what is in them is passed over with them."""
    for each in value if isinstance(value, list) else []:
        yield from unread(each)
    for name, each in value.items() if isinstance(value, dict) else []:
        if name in READ:
            yield from unread(each)
        else:
            yield name


def read(document: Any) -> Foreign:
    return read_assessment(json.dumps(document).encode(), NOW)


def test_what_trestle_writes_is_read_by_trestle_and_by_the_portal(tmp_path: Path) -> None:
    written = foreign_assessment()
    assert written == foreign_assessment()
    file = tmp_path / "spring.json"
    file.write_bytes(written)
    theirs = AssessmentResults.oscal_read(file)
    assert [len(each.findings or ()) for each in theirs.results] == [2, 4, 0]
    assert read_assessment(written, NOW) == SPRING


def test_a_document_that_names_its_schema_is_read_all_the_same() -> None:
    schema = "http://csrc.nist.gov/ns/oscal/1.0/1.1.2/oscal-ar-schema.json"
    document = json.loads(foreign_assessment())
    assert read({"$schema": schema, **document}) == SPRING
    with pytest.raises(InvalidInput) as refused:
        read({"$schema": schema})
    assert (refused.value.field, refused.value.message) == (
        "document",
        "an OSCAL document of this kind holds assessment-results and nothing else",
    )
    with pytest.raises(InvalidInput, match="and nothing else"):
        read({"catalog": {}, **document})


def test_what_is_passed_over_is_known_by_name() -> None:
    document = json.loads(foreign_assessment())
    assert set(unread(document["assessment-results"])) == PASSED_OVER


@pytest.mark.parametrize("name", sorted(PASSED_OVER))
def test_what_is_passed_over_changes_nothing(name: str) -> None:
    document = json.loads(foreign_assessment())
    assert without(document, name) != document
    assert read(without(document, name)) == SPRING


@pytest.mark.parametrize("name", sorted(READ - {"end"}))
def test_what_is_read_cannot_be_left_out(name: str) -> None:
    with pytest.raises(InvalidInput):
        read(without(json.loads(foreign_assessment()), name))


def test_a_result_that_does_not_say_when_it_ended_is_as_old_as_its_beginning() -> None:
    found = read(without(json.loads(foreign_assessment()), "end"))
    assert found.as_of == datetime(2026, 5, 4, 7, tzinfo=UTC)
    assert (found.satisfied, found.not_satisfied) == (4, 2)


def result(ended: str, *findings: tuple[str, str]) -> dict[str, Any]:
    """A result with findings by objective and state."""
    return {
        "uuid": str(uuid4()),
        "title": "Round",
        "description": "A round.",
        "start": "2026-05-01T08:00:00Z",
        "end": ended,
        "reviewed-controls": {},
        "findings": [
            {
                "uuid": str(uuid4()),
                "title": objective,
                "description": "Looked at.",
                "target": {"target-id": objective, "type": "objective-id", "status": {"state": state}},
            }
            for objective, state in findings
        ],
    }


def counted(*results: dict[str, Any]) -> tuple[int, int]:
    document = json.loads(foreign_assessment())
    document["assessment-results"]["results"] = list(results)
    found = read(document)
    return found.satisfied, found.not_satisfied


GOOD, BAD = "satisfied", "not-satisfied"
SPRING_ROUND, MAY_ROUND = "2026-05-04T08:00:00Z", "2026-05-18T08:00:00Z"


def test_an_objective_counts_once_by_its_newest_result_wherever_that_stands() -> None:
    old = result(SPRING_ROUND, ("a", BAD), ("b", BAD), ("c", GOOD))
    new = result(MAY_ROUND, ("a", GOOD), ("b", BAD))
    assert counted(old, new) == counted(new, old) == (2, 1)
    assert counted(new) == (1, 1)


def test_it_is_as_old_as_the_oldest_finding_that_counts() -> None:
    def as_of(*results: dict[str, Any]) -> datetime:
        document = json.loads(foreign_assessment())
        document["assessment-results"]["results"] = list(results)
        return read(document).as_of

    first, second = (datetime.fromisoformat(each) for each in (SPRING_ROUND, MAY_ROUND))
    old = result(SPRING_ROUND, ("a", GOOD), ("b", GOOD))
    assert as_of(old, result(MAY_ROUND)) == first, "a round without findings makes nothing fresher"
    assert as_of(old, result(MAY_ROUND, ("a", GOOD))) == first
    assert as_of(result(MAY_ROUND, ("a", GOOD), ("b", BAD)), old) == second
    with pytest.raises(InvalidInput, match="lies in the future"):
        as_of(old, result("2099-01-01T00:00:00Z"))


def test_of_two_results_that_ended_together_the_later_one_counts() -> None:
    assert counted(result(MAY_ROUND, ("a", BAD)), result(MAY_ROUND, ("a", GOOD))) == (1, 0)
    assert counted(result(MAY_ROUND, ("a", GOOD)), result(MAY_ROUND, ("a", BAD))) == (0, 1)


def test_where_two_findings_of_one_result_differ_the_objective_is_not_satisfied() -> None:
    assert counted(result(MAY_ROUND, ("a", BAD), ("a", GOOD), ("b", GOOD))) == (1, 1)
    assert counted(result(MAY_ROUND, ("a", GOOD), ("a", BAD), ("a", GOOD))) == (0, 1)
