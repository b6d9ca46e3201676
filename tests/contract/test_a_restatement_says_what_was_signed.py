"""What a restatement says of itself and of the revision it replaces is held to what was signed, field by field."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from evidence_sample import policy_of
from sla_bundle import SlaBundles, signed_again

from trust_portal.evidence.bundle import build, read
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.statement import Statement
from trust_portal.evidence.verify import verify
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.reliability.recompute import RECOMPUTERS, recompute_sla_report
from trust_portal.reliability.verification import KINDS

OF_A_RESTATEMENT = (
    "Of a restatement: the credit, tier and excluded minutes that were reported before",
    "Where a restatement's receipt does not rest on the one it replaces, as older ones: any figure of before",
)
Edit = Callable[[dict[str, Any]], object]


def edited(files: dict[str, bytes], edit: Edit) -> dict[str, bytes]:
    body = json.loads(files["report.json"])
    edit(body)
    assert canonical(body) != files["report.json"], "something is edited"
    return {**files, "report.json": canonical(body)}


def entry(body: dict[str, Any], field: str) -> dict[str, Any]:
    [found] = [each for each in body["restatement"]["delta"] if each["field"] == field]
    return found


def issued(files: dict[str, bytes]) -> dict[str, Statement]:
    """Receipts of issued reports by revision."""
    statements = [
        Statement.parse(Envelope.parse(data).payload)
        for name, data in files.items()
        if name.startswith("receipts/") and name.endswith(".dsse.json")
    ]
    return {
        each.predicate["result"]["revision"]: each for each in statements if each.kind == "sla_report.issued"
    }


def test_the_bundle_of_a_restatement_carries_the_receipt_of_what_it_replaces(sla_bundles: SlaBundles) -> None:
    files, before = sla_bundles.files, dict(read(sla_bundles.older).files)
    receipts = issued(files)
    assert set(receipts) == {"1", "2"}
    body = json.loads(files["report.json"])
    assert body["restatement"]["supersedes"] == {"revision": 1, "sha256": sha256_hex(before["report.json"])}
    assert receipts["1"].subjects[0].sha256 == sha256_hex(before["report.json"])
    assert receipts["2"].predicate["result"]["supersedes"] == receipts["1"].predicate["result"]["report"]
    assert set(issued(before)) == {"1"}
    for each in (files, before):
        lie, log = signed_again(each, sla_bundles.keyring)
        verdict = verify(
            build(lie), policy=policy_of(log.receipts, log.checkpoints), kinds=KINDS, recomputers=RECOMPUTERS
        )
        assert verdict.ok, verdict.findings
        told = [line for line in verdict.not_proved if "restatement" in line]
        assert told == ([*OF_A_RESTATEMENT] if each is files else []), "of a first revision nothing is open"


def test_of_a_report_that_cannot_be_read_what_a_restatement_leaves_open_is_said(
    sla_bundles: SlaBundles,
) -> None:
    for unreadable in (b"{", b"[]", b"{}"):
        files = {**read(sla_bundles.older).files, "report.json": unreadable}
        told = [line for line in verify(build(files), kinds=KINDS).not_proved if "restatement" in line]
        assert told == [*OF_A_RESTATEMENT], unreadable


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (lambda body: body.update(revision=7), "revision"),
        (lambda body: body.update(restatement=None), "restatement"),
        (lambda body: body["restatement"].update(reason="no reason"), "restatement.reason"),
        (
            lambda body: body["restatement"]["supersedes"].update(sha256="0" * 64),
            "restatement.supersedes.sha256",
        ),
        (
            lambda body: body["restatement"]["supersedes"].update(revision=4),
            "restatement.supersedes.revision",
        ),
        (
            lambda body: entry(body, "api.raw.down_minutes").update(before="0"),
            "restatement.delta.api.raw.down_minutes",
        ),
        (
            lambda body: body["restatement"]["delta"].remove(entry(body, "api.raw.down_minutes")),
            "restatement.delta.api.raw.down_minutes",
        ),
    ],
)
def test_what_its_receipts_say_otherwise_is_found_without_recomputing(
    sla_bundles: SlaBundles, edit: Edit, field: str
) -> None:
    lie, log = signed_again(edited(sla_bundles.files, edit), sla_bundles.keyring)
    policy = policy_of(log.receipts, log.checkpoints)
    assert verify(build(lie), policy=policy).ok, "nothing cryptographic is wrong"
    verdict = verify(build(lie), policy=policy, kinds=KINDS)
    assert not verdict.ok
    assert field in {each.field for each in verdict.findings if each.file == "report.json"}


def test_a_first_revision_that_calls_itself_a_restatement_is_found(sla_bundles: SlaBundles) -> None:
    files = dict(read(sla_bundles.older).files)
    stated = {"supersedes": {"revision": 0, "sha256": "0" * 64}, "reason": "late data", "delta": []}
    lie, log = signed_again(edited(files, lambda body: body.update(restatement=stated)), sla_bundles.keyring)
    verdict = verify(build(lie), policy=policy_of(log.receipts, log.checkpoints), kinds=KINDS)
    assert {(each.file, each.field) for each in verdict.findings} == {("report.json", "restatement")}


def test_a_figure_of_now_that_is_not_the_reports_own_is_found_by_recomputing(sla_bundles: SlaBundles) -> None:
    files = sla_bundles.files
    delta = json.loads(files["report.json"])["restatement"]["delta"]
    assert "api.raw.down_minutes" in {each["field"] for each in delta}
    assert recompute_sla_report(files) == []
    for number, each in enumerate(delta):
        field = each["field"]
        [found] = recompute_sla_report(
            edited(files, lambda body, field=field: entry(body, field).update(after="999999.00"))
        )
        assert (found.file, found.field) == ("report.json", f"$.restatement.delta[{number}].after")
        assert (found.reported, found.recomputed) == ("999999.00", each["after"])


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (lambda body: body.update(revision=7), "$.restatement.supersedes.revision"),
        (
            lambda body: body["restatement"]["supersedes"].update(revision=0),
            "$.restatement.supersedes.revision",
        ),
        (lambda body: body.update(restatement=None), "$.revision"),
        (
            lambda body: body["restatement"]["delta"].append(
                {"field": "credit.amount", "before": "0.00", "after": "999999.00"}
            ),
            "$.restatement.delta[{last}].after",
        ),
        (
            lambda body: body["restatement"]["delta"].append(
                {"field": "state", "before": "ok", "after": "ok"}
            ),
            "$.restatement.delta[{last}].before",
        ),
    ],
)
def test_a_restatement_that_contradicts_itself_or_its_report_is_found_by_recomputing(
    sla_bundles: SlaBundles, edit: Edit, field: str
) -> None:
    last = len(json.loads(sla_bundles.files["report.json"])["restatement"]["delta"])
    found = recompute_sla_report(edited(sla_bundles.files, edit))
    assert [each.field for each in found if each.file == "report.json"] == [field.format(last=last)]
