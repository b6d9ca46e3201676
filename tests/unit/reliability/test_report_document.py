"""The report: same inputs, same bytes; readable method; fail-closed; restated with a delta; recomputable."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sla_example import CONTRACT, EXCLUSIONS, FIXTURE, example_report, measurements
from sla_months import contract_text, month, without

from trust_portal.documents.csv import write_csv
from trust_portal.evidence.verdict import NotRecomputable
from trust_portal.reliability.attainment.exclusions import parse_exclusions
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.findings import Finding, Severity, State
from trust_portal.reliability.recompute import RECOMPUTERS
from trust_portal.reliability.reports.document import build_report, exclusions_json
from trust_portal.reliability.reports.model import KIND, ReportContext, ReportDocument, Restatement
from trust_portal.reliability.reports.rows import HEADER, csv_rows

CONTEXT = ReportContext(tenant_name="Acme", vendor_name="Vendor")


def build(samples, context=CONTEXT, **fields):
    return build_report(parse_contract(contract_text(fields)), {"api": samples}, (), "2026-06", context)


def bundle(report, **files):
    """``files`` are other than the vendor's; the table is always that of the report in it."""
    found = {**report.inputs, "report.json": report.canonical, **files}
    rows = csv_rows(json.loads(found["report.json"]))
    return {"report.csv": write_csv(next(rows), rows), **found}


def recompute(files):
    return RECOMPUTERS[KIND](files)


def test_the_example_of_the_templates_is_what_the_engine_says():
    assert FIXTURE.read_bytes() == example_report().canonical


def test_the_same_inputs_give_the_same_bytes_and_digests():
    one, other = example_report(), example_report()
    assert (one.canonical, one.inputs, one.sha256) == (other.canonical, other.inputs, other.sha256)


def test_raw_and_adjusted_stand_side_by_side():
    api, search = example_report().body["objectives"]
    assert (api["raw"]["down_minutes"], api["adjusted"]["down_minutes"]) == ("89", "69")
    assert (api["raw"]["percent"], api["adjusted"]["percent"]) == ("99.793981", "99.839832")
    assert (api["met"], search["met"]) == (False, True)
    assert [incident["excluded_minutes"] for incident in api["incidents"]] == ["0", "20", "0", "0"]


def test_the_method_says_in_words_what_the_contract_says_in_terms():
    text = " ".join(example_report().body["objectives"][0]["method"])
    for words in (
        "43,200 minutes",
        "more than 5 %",
        "Fewer than 2",
        "at least 72 hours",
        "At most 8 hours",
        "99.9 %",
    ):
        assert words in text
    assert "within 0.5 seconds" in " ".join(example_report().body["objectives"][1]["method"])


def test_a_window_before_the_record_is_told_from_one_the_portal_saw_announced():
    began = datetime(2026, 6, 10, tzinfo=UTC)
    seen = replace(EXCLUSIONS[1], recorded_at=datetime(2026, 6, 18, 9, 0, tzinfo=UTC), record_began_at=began)
    stated = replace(EXCLUSIONS[0], recorded_at=datetime(2026, 6, 11, tzinfo=UTC), record_began_at=began)
    report = build_report(parse_contract(CONTRACT), measurements(), (stated, seen), "2026-06", CONTEXT)
    (api, _) = report.body["objectives"]
    assert [(each["announcement"], each["recorded_at"]) for each in api["exclusions"]] == [
        ("stated", "2026-06-11T00:00:00Z"),
        ("recorded", "2026-06-18T09:00:00Z"),
    ]
    assert [each["code"] for each in api["exclusions"]] == ["COUNTED", "SHORT_NOTICE"]
    assert any(
        "since 2026-06-10T00:00:00Z" in each and each.endswith("as the vendor states it: MW-2026-014.")
        for each in api["method"]
    )
    assert parse_exclusions(report.inputs["inputs/exclusions.json"]) == (stated, seen)
    assert not recompute(bundle(report))


def test_no_figure_and_no_credit_without_all_samples():
    report = build(without(month(down=500), [3]))
    (objective,) = report.body["objectives"]
    assert (report.state, report.body["credit"]) == (State.INCOMPLETE, None)
    assert (objective["raw"], objective["adjusted"], objective["met"], objective["days"]) == (
        None,
        None,
        None,
        [],
    )
    assert not recompute(bundle(report))


def test_a_period_that_is_not_over_is_incomplete():
    early = replace(CONTEXT, as_of=datetime(2026, 6, 30, 23, 59, tzinfo=UTC))
    report = build(month(), early)
    assert (report.state, report.body["findings"][0]["code"]) == (State.INCOMPLETE, "PERIOD_NOT_OVER")
    assert build(month(), replace(early, as_of=datetime(2026, 7, 1, tzinfo=UTC))).state is State.OK


def test_a_finding_from_outside_weighs_like_our_own_and_survives_recomputation():
    doubt = Finding("CROSS_CHECK_DISAGREES", "the second source counts 12 more", "api", Severity.DISPUTED)
    report = build(month(), replace(CONTEXT, attested=[doubt]))
    assert (report.state, report.body["credit"]) == (State.DISPUTED, None)
    assert not recompute(bundle(report))


def test_a_restatement_names_what_it_replaces_and_every_figure_that_differs():
    first = build(month(down=40))
    second = build(month(down=60), replace(CONTEXT, revision=2, restatement=Restatement(first, "late data")))
    restated = second.body["restatement"]
    assert restated["supersedes"] == {"revision": 1, "sha256": first.sha256}
    assert restated["reason"] == "late data"
    changes = {each["field"]: (each["before"], each["after"]) for each in restated["delta"]}
    assert changes["api.adjusted.down_minutes"] == ("40", "60")
    assert changes["api.met"] == ("true", "false")
    assert changes["credit.amount"] == ("0.00", "10.00")
    assert not recompute(bundle(second))


def test_a_revision_of_the_same_inputs_changes_nothing_else():
    first = build(month(down=40))
    again = build(month(down=40), replace(CONTEXT, revision=2, restatement=Restatement(first, "asked")))
    assert again.body["restatement"]["delta"] == []
    own = {"revision", "restatement"}
    assert {k: v for k, v in again.body.items() if k not in own} == {
        k: v for k, v in first.body.items() if k not in own
    }
    assert again.inputs == first.inputs


def test_a_report_reads_back_from_its_bytes():
    report = example_report()
    assert ReportDocument.parse(report.canonical).sha256 == report.sha256


def test_exclusions_read_back_from_the_bundle_s_form():
    odd = replace(EXCLUSIONS[0], window="odd", reason='\x7f "quoted": – \n\\ #')
    assert set(parse_exclusions(exclusions_json([*EXCLUSIONS, odd]))) == {*EXCLUSIONS, odd}


def test_the_bundle_s_own_inputs_lead_to_the_report():
    assert recompute(bundle(example_report())) == []


@pytest.mark.parametrize(
    "path, value",
    [
        (("objectives", 0, "adjusted", "percent"), "99.950000"),
        (("objectives", 0, "raw", "down_minutes"), "88"),
        (("objectives", 0, "met"), True),
        (("objectives", 0, "incidents", 1, "minutes"), "34"),
        (("objectives", 1, "days", 2, "percent"), "100.000000"),
        (("credit", "amount"), "0.00"),
        (("contract", "version"), "2026.2"),
        (("state",), "incomplete"),
        (("inputs", 0, "sha256"), "00"),
    ],
)
def test_an_edited_field_is_found_by_recomputing_and_named(path, value):
    report = example_report()
    body = json.loads(report.canonical)
    place = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    (mismatch,) = recompute(bundle(report, **{"report.json": json.dumps(body).encode()}))
    field = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    assert (mismatch.file, mismatch.field) == ("report.json", field)
    assert mismatch.reported == (value if isinstance(value, str) else "true")


def test_an_incident_dropped_from_the_report_is_found():
    report = example_report()
    body = json.loads(report.canonical)
    body["objectives"][0]["incidents"].pop()
    (mismatch,) = recompute(bundle(report, **{"report.json": json.dumps(body).encode()}))
    assert (mismatch.field, mismatch.reported) == ("$.objectives[0].incidents[3]", "(absent)")


def test_edited_measurements_lead_to_other_figures():
    report = example_report()
    data = re.sub(
        rb"(api-availability,2026-06-26T16:50:00Z),(\d+),\d+",
        rb"\1,\2,\2",
        report.inputs["inputs/measurements.csv"],
    )
    assert data != report.inputs["inputs/measurements.csv"]
    fields = {mismatch.field for mismatch in recompute(bundle(report, **{"inputs/measurements.csv": data}))}
    assert {"$.objectives[0].adjusted.down_minutes", "$.inputs[2].sha256"} <= fields


def test_the_table_has_every_figure_on_its_own_line():
    lines = list(csv_rows(example_report().body))
    assert lines[0] == HEADER
    assert ("api-availability", "attained", "adjusted", "percent", "99.839832") in lines
    assert ("api-availability", "incident", "2", "excluded_minutes", "20") in lines
    assert ("", "credit", "", "amount", "480.00") in lines
    assert all(isinstance(cell, str) for line in lines for cell in line)


def test_a_mean_of_very_many_ratios_stays_readable():
    samples = month()
    samples.total[:] = 1000 + 7 * (samples.minutes - samples.minutes[0])
    samples.good[:] = samples.total
    samples.good[:300] -= 1
    report = build(samples, aggregate="mean_of_ratios")
    figure = report.body["objectives"][0]["adjusted"]
    assert figure["exact"] is False
    assert (len(figure["denominator"]), figure["percent"]) == (40, "99.999625")
    assert not recompute(bundle(report))


def test_the_example_measures_what_its_contract_promises():
    assert {sla.objective for sla in parse_contract(CONTRACT).slas} == set(measurements())


@pytest.mark.parametrize(
    ("change", "file", "field"),
    [
        ({"inputs/contract.yaml": None}, "inputs/contract.yaml", ""),
        ({"inputs/contract.yaml": b"tenant: x"}, "inputs/contract.yaml", "currency"),
        (
            {"inputs/measurements.csv": b"objective,time,total\n"},
            "inputs/measurements.csv",
            "good",
        ),
        (
            {"inputs/measurements.csv": b"objective,time,total,good\napi,now,1,1\n"},
            "inputs/measurements.csv",
            "row 2, time",
        ),
        ({"inputs/exclusions.json": b'[{"window": "w"}]'}, "inputs/exclusions.json", "exclusions[0].start"),
        ({"report.json": b'{"period": {}}'}, "report.json", "format"),
        ({"report.json": b"[]"}, "report.json", ""),
    ],
)
def test_what_cannot_be_recomputed_names_file_and_key(change, file, field):
    files = {**bundle(example_report()), **change}
    with pytest.raises(NotRecomputable) as refused:
        recompute({name: data for name, data in files.items() if data is not None})
    assert (refused.value.file, refused.value.field) == (file, field)
    assert refused.value.message
