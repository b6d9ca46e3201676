"""What leaves as OSCAL is read by NIST's schema as compliance-trestle has it, and is the same bytes every time."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from support.document_schemas import faults

from trust_portal.documents.csv import write_csv
from trust_portal.errors import InvalidInput
from trust_portal.kernel.canonical import canonical
from trust_portal.trust.compliance.catalogue import shipped_catalogue
from trust_portal.trust.compliance.document import csv_rows, evaluation_body, inherited, result_of
from trust_portal.trust.compliance.model import ControlState, Gap, Judgment, Party
from trust_portal.trust.compliance.oscal.assessment import assessment_results
from trust_portal.trust.compliance.oscal.poam import plan_of_action
from trust_portal.trust.compliance.oscal.reading import LARGEST, Foreign, read_assessment

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from trestle.oscal.assessment_results import AssessmentResults
    from trestle.oscal.poam import PlanOfActionAndMilestones

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
ACME, EVALUATION, RECEIPT = UUID(int=1), UUID(int=2), UUID(int=3)
UNREPORTED = Gap("report/acme/2026-06", "2026-06 of acme", "no report is signed", NOW)
TOO_OLD = Gap("key/ab", "Key ab for receipts", "it is too old", NOW)
UNREVIEWED = Gap("grant/7", "csm of person 8", "it was never reviewed", NOW, RECEIPT)


def body(*, gaps: bool = True) -> dict[str, Any]:
    catalogue = shipped_catalogue()
    by_id = {each.id: each for each in catalogue.controls}

    def judged(control: str, party: Party, judgment: Judgment):
        return result_of(by_id[control], party, judgment, NOW, "ab" * 32)

    good = Judgment(ControlState.SATISFIED, 2, evidence=(RECEIPT,))

    def bad(found: Gap) -> Judgment:
        return Judgment(ControlState.NOT_SATISFIED, 2, (found,)) if gaps else good

    none = Judgment(
        ControlState.NOT_EVALUATED, 0, why="the log is younger than an audit is due, and none was made"
    )
    results = (
        judged("access-review", Party.TENANT, bad(UNREVIEWED)),
        judged("dual-control", Party.TENANT, good),
        judged("receipts-audited", Party.TENANT, none),
        judged("sla-reports", Party.TENANT, bad(UNREPORTED)),
        *inherited(catalogue, [judged("key-rotation", Party.HOUSE, bad(TOO_OLD))]),
    )
    made = evaluation_body(
        EVALUATION,
        {"id": str(ACME), "key": "acme", "name": "Acme"},
        NOW,
        catalogue,
        results,
        source=None,
        imports=(),
    )
    return json.loads(canonical(made))


def test_assessment_results_are_valid_and_say_what_was_found(tmp_path: Path) -> None:
    written = assessment_results(body())
    assert written == assessment_results(body())
    file = tmp_path / "assessment-results.json"
    file.write_bytes(written)
    read = AssessmentResults.oscal_read(file)
    assert read is not None
    said = json.loads(written)["assessment-results"]["results"][0]
    assert [
        (each["target"]["target-id"], each["target"]["status"]["state"]) for each in said["findings"]
    ] == [
        ("access-review.tenant", "not-satisfied"),
        ("dual-control.tenant", "satisfied"),
        ("key-rotation.house", "not-satisfied"),
        ("sla-reports.tenant", "not-satisfied"),
    ]
    unknown = [each for each in said["observations"] if "remarks" in each]
    assert [each["remarks"] for each in unknown] == [
        "Not evaluated: the log is younger than an audit is due, and none was made."
    ]
    assert len(read.results[0].observations) == 5


def test_the_plan_of_action_is_valid_and_has_an_item_a_gap(tmp_path: Path) -> None:
    written = plan_of_action(body())
    assert written is not None
    assert written == plan_of_action(body())
    file = tmp_path / "poam.json"
    file.write_bytes(written)
    read = PlanOfActionAndMilestones.oscal_read(file)
    assert read is not None
    assert [(each.title, each.description) for each in read.poam_items] == [
        ("csm of person 8", "it was never reviewed"),
        (
            "1 of: Signing keys are rotated, for the vendor",
            "Counted here; their names are the vendor's.",
        ),
        ("2026-06 of acme", "no report is signed"),
    ]
    risks = json.loads(written)["plan-of-action-and-milestones"]["risks"]
    assert [each["status"] for each in risks] == ["open", "open", "open"]


def test_without_a_gap_there_is_no_plan_of_action() -> None:
    assert plan_of_action(body(gaps=False)) is None


def test_the_csv_has_a_line_a_result() -> None:
    header, *rows = csv_rows(body())
    assert write_csv(header, rows[:1]) == (
        b"control,party,state,looked_at,excepted,gaps,at,why\r\naccess-review,tenant,not_satisfied,2,0,1,2026-07-10T09:00:00Z,\r\n"
    )
    assert len(rows) == 5


def test_what_we_write_we_also_read() -> None:
    found = read_assessment(assessment_results(body()), NOW)
    assert (found.title, found.oscal_version, found.as_of) == ("Assessment results: Acme", "1.1.3", NOW)
    assert (found.satisfied, found.not_satisfied) == (1, 3)
    assert isinstance(found, Foreign)


def changed(path: str, value: object) -> bytes:
    """Our own document with one member replaced, or left out where ``value`` is None."""
    document = json.loads(assessment_results(body()))
    at = document["assessment-results"]
    *way, last = path.split(".")
    for step in way:
        at = at[int(step)] if step.isdigit() else at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return json.dumps(document).encode()


ROOT = "assessment-results"


@pytest.mark.parametrize(
    ("document", "field", "why"),
    [
        (b" " * (LARGEST + 1), "document", "the document is larger than 4 MiB"),
        (b"{}", "document", "an OSCAL document of this kind holds assessment-results and nothing else"),
        (b"[1.5]", "document", "1.5 is a floating-point number; signed documents use strings"),
        (changed("metadata", None), f"{ROOT}.metadata", "it is missing"),
        (changed("import-ap", []), f"{ROOT}.import-ap", "it is no object"),
        (
            changed("metadata.oscal-version", "2.0"),
            f"{ROOT}.metadata.oscal-version",
            "'2.0' is no version of OSCAL 1",
        ),
        (
            changed("metadata.title", "a\u202eb"),
            f"{ROOT}.metadata.title",
            "a title has 1 to 200 printable characters",
        ),
        (changed("results", []), f"{ROOT}.results", "it has no result"),
        (changed("results.0.findings", []), f"{ROOT}.results", "none of its results has a finding"),
        (
            changed("results.0.uuid", str(EVALUATION)),
            f"{ROOT}.results[0].uuid",
            "OSCAL wants a UUID of version 4 or 5",
        ),
        (
            changed("results.0.start", "2026-07-10T09:00:00"),
            f"{ROOT}.results[0].start",
            "it is no time with a time zone (RFC 3339)",
        ),
        (
            changed("results.0.end", "2020-01-01T00:00:00Z"),
            f"{ROOT}.results[0].end",
            "it ends before it began",
        ),
        (
            changed("results.0.end", "2026-07-10T09:00:01Z"),
            f"{ROOT}.results",
            "its newest result lies in the future",
        ),
        (
            changed("results.0.findings.1.target.status.state", "pass"),
            f"{ROOT}.results[0].findings[1].target.status.state",
            "a finding is satisfied or not-satisfied, not 'pass'",
        ),
    ],
)
def test_what_is_not_as_oscal_has_it_is_refused_by_place_and_reason(document, field: str, why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_assessment(document, NOW)
    assert (refused.value.field, refused.value.message) == (field, why)


def test_two_findings_of_one_uuid_are_refused() -> None:
    document = json.loads(assessment_results(body()))
    findings = document[ROOT]["results"][0]["findings"]
    findings[1]["uuid"] = findings[0]["uuid"]
    with pytest.raises(InvalidInput, match="two findings share a uuid"):
        read_assessment(json.dumps(document).encode(), NOW + timedelta(days=1))


def test_the_document_itself_fits_its_published_schema() -> None:
    assert faults("compliance", body()) == []
    assert faults("compliance", body(gaps=False)) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda made: made.pop("imports"), ""),
        (lambda made: made.update(at="2026-07-10"), "at"),
        (lambda made: made["controls"][0].update(parties=[]), "controls/0/parties"),
        (lambda made: made["controls"][0].update(within_s=7776000), "controls/0/within_s"),
        (lambda made: made["results"][0].update(gap_count="0"), "results/0/gap_count"),
        (lambda made: made["results"][0]["gaps"][0].pop("receipt"), "results/0/gaps/0"),
        (lambda made: made["results"][1].update(why="it is so"), "results/1/why"),
        (lambda made: made["results"][3].update(why=None), "results/3/why"),
        (lambda made: made["results"][1].update(looked_at=2), "results/1/looked_at"),
    ],
)
def test_what_is_missing_or_otherwise_does_not_fit(
    change: Callable[[dict[str, Any]], object], place: str
) -> None:
    made = body()
    change(made)
    assert place in faults("compliance", made)
