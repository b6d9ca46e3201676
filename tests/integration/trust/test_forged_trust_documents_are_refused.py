"""Whoever holds the signing keys makes no Trust Report, review or evaluation that holds: every link is asked for.

Each forgery is signed and logged anew by the vendor's own keys, so that nothing cryptographic is wrong with it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import qbr_desk
import report_desk
from click.testing import CliRunner
from evidence_sample import policy_of
from report_desk import CORA, Q2, publish, trust_of
from sla_bundle import signed_again
from support.document_forms import of_pdf, words
from support.portal_fixtures import Portal
from support.sequencing import sequencing

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.commands.verify import verify as verify_command
from trust_portal.evidence import bundle
from trust_portal.evidence.keyring import Keyring
from trust_portal.evidence.verdict import Code, Verdict
from trust_portal.evidence.verify import verify
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.trust.compliance.model import Evaluate
from trust_portal.trust.gathering.ids import SECTIONS, SECTIONS_OF
from trust_portal.trust.gathering.telling import NO_INCIDENTS as NONE
from trust_portal.trust.qbr.model import EntryKind, Promise, Review, Say
from trust_portal.trust.qbr.model import Verdict as Judged
from trust_portal.trust.qbr.reviewing import seen
from trust_portal.trust.recompute import RECOMPUTERS
from trust_portal.trust.verification import KINDS

pytestmark = pytest.mark.takes(seconds=40)

Body = dict[str, Any]
NOBODYS = "00000000-0000-7000-8000-00000000beef"


@dataclass(frozen=True)
class Bundle:
    """As a customer downloads it, and the keys of whoever would forge it."""

    data: bytes
    document: str
    keyring: Keyring

    @property
    def files(self) -> dict[str, bytes]:
        return dict(bundle.read(self.data).files)

    @property
    def body(self) -> Body:
        return json.loads(self.files[self.document])

    def changed(self, change: Callable[[Body], object], **files: bytes) -> Verdict:
        body = self.body
        change(body)
        return self.forged({**self.files, self.document: canonical(body), **files})

    def forged(self, files: Mapping[str, bytes]) -> Verdict:
        again, log = signed_again(dict(files), self.keyring)
        policy = policy_of(log.receipts, log.checkpoints)
        return verify(bundle.build(again), policy=policy, kinds=KINDS, recomputers=RECOMPUTERS)

    def fields(self, change: Callable[[Body], object]) -> set[str]:
        """Where it is found out that no receipt says so; and nothing of it is called proved."""
        verdict = self.changed(change)
        assert not set(verdict.proved) & {each.proves for each in KINDS.values()}
        return {each.field for each in verdict.findings if each.code is Code.NOT_ATTESTED}


def section(body: Body, name: str) -> Body:
    return next(each for each in body["sections"] if each["id"] == name)


def table(body: Body, of: str, name: str) -> Body:
    return next(each for each in section(body, of)["tables"] if each["id"] == name)


def told_of(body: Body) -> list[str]:
    itself, done = ("review", "issued") if body["kind"] == "qbr" else ("report", "published")
    return [
        f"the {itself} says of itself that {each['title']} is {each['state']}: {each['why']}; "
        f"{done} all the same, because: {each['reason']}"
        for each in body["acknowledgements"]
    ]


REPORT_LIES: dict[str, Callable[[Body], object]] = {
    "format": lambda body: body.update(format="9"),
    "inputs": lambda body: body["inputs"].pop(),
    "predicate.result.acknowledgements": lambda body: body["acknowledgements"].pop(),
    "predicate.result.period": lambda body: body["period"].update(label="2026-Q1"),
    "predicate.result.revision": lambda body: body.update(revision="3"),
    "predicate.result.sections": lambda body: section(body, "incidents").update(state="fresh", why=None),
    "reason": lambda body: body.update(reason="we felt like it"),
    "sections": lambda body: body["sections"].reverse(),
    "sections.sla": lambda body: table(body, "sla", "reports")["rows"][0]["cells"][0].update(receipt=NOBODYS),
}


async def test_a_trust_report_is_refused_where_any_link_of_it_is_not_what_was_signed(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    first = await publish(house, aurora.id)
    report = await publish(house, aurora.id, reason="a figure was late")
    async with sequencing(house):
        _, data = await report_desk.bundle_of(house, report)
    real = Bundle(data, "trust-report.json", house.keyring)
    verdict = verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    body = real.body
    assert told_of(body), "something was let stand"
    superseded = f"revision 2 supersedes revision 1, SHA-256 {first.sha256}: a figure was late"
    assert {*told_of(body), superseded} <= set(verdict.proved), "who only verifies does not miss it"
    assert real.forged(real.files).findings == (), "signed anew as it is, it holds"

    found = {field: real.fields(lie) for field, lie in REPORT_LIES.items()}
    assert {field for field in REPORT_LIES if field not in found[field]} == set()
    _inputs_are_those_that_were_signed_for(real, "inputs/sla/2026-06-r1.json")
    with pytest.MonkeyPatch.context() as later:
        more = {**SECTIONS_OF, "4": (*SECTIONS, "carbon")}
        later.setattr("trust_portal.trust.report.attestation.SECTIONS_OF", more)
        assert real.forged(real.files).findings == (), "a section that came later is not missed in it"
        assert "sections" in real.fields(lambda body: body.update(format="4"))
    keys = table(body, "verification", "keys")["rows"]
    in_force = {house.keyring.receipts.key_id, house.keyring.checkpoints.key_id}
    assert {each["cells"][1]["value"] for each in keys} == in_force, "the keys to believe are named"


QBR_LIES: dict[str, Callable[[Body], object]] = {
    "commentary": lambda body: body["commentary"][0].update(text="All is well."),
    "inputs": lambda body: body["inputs"].pop(),
    "issued_at": lambda body: body.update(issued_at="2026-07-10T10:00:00Z"),
    "omissions": lambda body: body["omissions"][0].update(text="Nobody asked."),
    "predicate.result.acknowledgements": lambda body: body["acknowledgements"].pop(),
    "predicate.result.omissions": lambda body: body["omissions"].pop(),
    "predicate.result.period": lambda body: body["period"].update(label="2026-Q1"),
    "predicate.result.revision": lambda body: body.update(revision="3"),
    "prepared": lambda body: body["prepared"].update(sha256="0" * 64),
    "reason": lambda body: body.update(reason="we felt like it"),
    "sections": lambda body: body["sections"].pop(),
    "sections.recommendations": lambda body: table(body, "recommendations", "proposed")["rows"][0].update(
        id="gold"
    ),
}


def advised(body: Body, cell: int, value: str) -> None:
    table(body, "recommendations", "proposed")["rows"][0]["cells"][cell]["value"] = value


def evidence(body: Body) -> list[Body]:
    rows: list[Body] = table(body, "recommendations", "evidence")["rows"]
    return rows


_OTHER = "dedicated-pool-eur is not what somebody accepted"
#: What is said of a recommendation that somebody accepted, and what it is found out to be.
ADVICE_LIES: tuple[tuple[Callable[[Body], object], str], ...] = (
    (lambda body: advised(body, 0, "A golden pool"), _OTHER),
    (lambda body: advised(body, 1, "Because."), _OTHER),
    (lambda body: advised(body, 2, "All is well."), _OTHER),
    (lambda body: advised(body, 3, "9000.00"), _OTHER),
    (lambda body: advised(body, 4, "medium"), _OTHER),
    (
        lambda body: advised(body, 6, "2026-07-10T10:00:00Z"),
        "dedicated-pool-eur was accepted at another moment",
    ),
    (lambda body: evidence(body)[0]["cells"][2].update(value="99"), _OTHER),
    (lambda body: evidence(body).pop(), _OTHER),
    (
        lambda body: evidence(body).append({**evidence(body)[0], "id": "gold:share"}),
        "holds evidence for gold, which it does not recommend",
    ),
    (
        lambda body: section(body, "recommendations")["figures"][0].update(value="2"),
        "counts other recommendations than it holds",
    ),
    (
        lambda body: table(body, "recommendations", "proposed")["rows"][0].update(id="gold"),
        "gold was accepted by nobody",
    ),
)


async def test_a_review_is_refused_where_any_link_of_it_is_not_what_was_signed(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    await qbr_desk.use(house, "aurora")
    await house.qbrs.promise(Promise(aurora.id, "A second source", "Sam", date(2026, 9, 1)), CORA)
    await publish(house, aurora.id)
    qbr = await qbr_desk.prepare(house, aurora.id)
    draft = await house.qbr_reader.draft(CORA, aurora.id, qbr.id)
    advice = next(each for each in draft.sections if each.id == "recommendations")
    row = advice.table("proposed").rows[0].id
    await house.qbrs.review(Review(aurora.id, Q2, row, seen(advice, row), Judged.ACCEPTED, "fits"), CORA)
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.COMMENT, "usage", "The export was ours."), CORA)
    await house.qbrs.say(Say(aurora.id, Q2, EntryKind.OMISSION, "posture", "Asked for by mail."), CORA)
    issued = await qbr_desk.issue(house, qbr)
    async with sequencing(house):
        _, data = await qbr_desk.bundle_of(house, issued)
    real = Bundle(data, "qbr.json", house.keyring)
    verdict = verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    body = real.body
    assert {
        *told_of(body),
        "the review says of itself that Posture is left out, because: Asked for by mail.",
    } <= set(verdict.proved)

    found = {field: real.fields(lie) for field, lie in QBR_LIES.items()}
    assert {field for field in QBR_LIES if field not in found[field]} == set()
    for number, (lie, said) in enumerate(ADVICE_LIES):
        messages = {
            each.message for each in real.changed(lie).findings if each.field == "sections.recommendations"
        }
        assert said in messages, number
    locked = [each["id"] for each in body["sections"] if each["id"] != "recommendations"]
    assert {"commitments", "savings", "sla", "usage"} <= set(locked)
    for name in locked:
        asked = real.fields(lambda each, name=name: section(each, name).update(source="hearsay"))
        assert asked == {f"sections.{name}"}, "what was locked stays locked"
    unknown = real.changed(
        lambda each: table(each, "recommendations", "proposed")["rows"][0]["cells"][0].update(receipt=NOBODYS)
    )
    assert f"names receipt {NOBODYS}, which it does not rest on" in {
        each.message for each in unknown.findings
    }
    _inputs_are_those_that_were_signed_for(real, "inputs/trust-report.json")


async def evaluated(portal: Portal) -> Bundle:
    """What a customer takes along of an evaluation of its controls."""
    house, aurora = portal.house, portal.world.aurora
    made = await house.compliance.evaluate(Evaluate(aurora.id, "as agreed"), CONSOLE)
    export = await house.compliance.export(CORA, aurora.id, made.id)
    async with sequencing(house), asyncio.timeout(120):
        await house.exports.build(aurora.id, export.id)
    data = (await house.archive.download(CORA, aurora.id, export.id)).content
    verdict = verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    return Bundle(data, "compliance.json", house.keyring)


async def test_an_evaluation_is_refused_where_any_link_of_it_is_not_what_was_signed(portal: Portal) -> None:
    real = await evaluated(portal)
    verdict = real.forged(real.files)
    assert verdict.findings == (), "signed anew as it is, it holds"
    open_ones = {
        f"{each['control']} ({each['party']}): {each['state'].replace('_', ' ')}"
        + (f", {each['gap_count']} gaps" if each["gap_count"] != "0" else "")
        for each in real.body["results"]
        if each["state"] != "satisfied"
    }
    assert open_ones
    assert open_ones <= set(verdict.proved), "who only verifies does not miss what is not satisfied"

    other = str(UUID(int=7))
    lies: dict[str, Callable[[Body], object]] = {
        "predicate.result.evaluation": lambda body: body.update(evaluation=other),
        "predicate.result.tenant": lambda body: body["tenant"].update(key="brightside"),
        "schema": lambda body: body.update(schema="https://example.org/kinder"),
        "tenant.id": lambda body: body["tenant"].update(id=other),
    }
    found = {field: real.fields(lie) for field, lie in lies.items()}
    assert {field for field in lies if field not in found[field]} == set()
    verdict = real.forged({**real.files, "compliance.csv": real.files["compliance.csv"] + b"\n"})
    assert (Code.RECOMPUTE_MISMATCH, "compliance.csv") in {
        (each.code, each.file) for each in verdict.findings
    }


RESULTS, PLAN = "assessment-results.json", "poam.json"
_FOUND, _PLANNED = "$.assessment-results.results[0]", "$.plan-of-action-and-milestones"
#: Of a file in OSCAL the field that is changed, to what, and what the evaluation says there.
OSCAL_LIES: tuple[tuple[str, str, str, str], ...] = (
    (RESULTS, f"{_FOUND}.findings[3].target.status.state", "satisfied", "not-satisfied"),
    (RESULTS, f"{_FOUND}.findings[3].target.status.reason", "pass", "fail"),
    (RESULTS, f"{_FOUND}.findings[3].props[0].value", "0", "1"),
    (RESULTS, f"{_FOUND}.observations[3].props[1].value", "99", "1"),
    (RESULTS, "$.assessment-results.back-matter.resources[0].props[0].value", "0" * 64, ""),
    (PLAN, f"{_PLANNED}.risks[0].status", "closed", "open"),
    (PLAN, f"{_PLANNED}.poam-items[0].title", "Nothing to do", ""),
    (PLAN, f"{_PLANNED}.poam-items[0].props[1].value", "2026-07-01T00:00:00Z", ""),
    (PLAN, f"{_PLANNED}.observations[0].props[3].value", "0", "1"),
    (PLAN, f"{_PLANNED}.system-id.id", NOBODYS, ""),
)


async def test_what_leaves_as_oscal_is_refused_by_the_field_that_the_evaluation_says_otherwise(
    portal: Portal, tmp_path: Path
) -> None:
    portal.clock.advance(timedelta(days=6))  # the P1 has no postmortem, and should have one by now
    real = await evaluated(portal)
    for name, field, claimed, derived in OSCAL_LIES:
        oscal = json.loads(real.files[name])
        before = _put(oscal, field, claimed)
        assert before == (derived or before) != claimed, field
        verdict = real.forged({**real.files, name: canonical(oscal)})
        assert [(each.code, each.file, each.field, each.message) for each in verdict.findings] == [
            (Code.RECOMPUTE_MISMATCH, name, field, f"reported {claimed}, recomputed {before}")
        ]

    planned = json.loads(real.files[PLAN])
    items = planned["plan-of-action-and-milestones"]["poam-items"]
    left_out = items.pop()
    verdict = real.forged({**real.files, PLAN: canonical(planned)})
    assert [(each.code, each.file, each.field) for each in verdict.findings] == [
        (Code.RECOMPUTE_MISMATCH, PLAN, f"{_PLANNED}.poam-items[{len(items)}]")
    ]
    assert left_out["title"] in verdict.findings[0].message
    sha256 = sha256_hex(real.files[PLAN])
    for content in (b"{} {}", real.files[PLAN] + b" ", None):
        files = {name: each for name, each in real.files.items() if name != PLAN}
        told = "(absent)" if content is None else f"SHA-256 {sha256_hex(content)}"
        verdict = real.forged(files if content is None else {**files, PLAN: content})
        assert [(each.file, each.field, each.message) for each in verdict.findings] == [
            (PLAN, "", f"reported {told}, recomputed SHA-256 {sha256}")
        ]

    _put(planned := json.loads(real.files[PLAN]), f"{_PLANNED}.risks[0].status", "closed")
    again, log = signed_again({**real.files, PLAN: canonical(planned)}, real.keyring)
    (tmp_path / "forged.zip").write_bytes(bundle.build(again))
    (tmp_path / "policy").write_text(policy_of(log.receipts, log.checkpoints).text)
    done = CliRunner().invoke(
        verify_command,
        [str(tmp_path / "forged.zip"), "--policy", str(tmp_path / "policy"), "--recompute"],
    )
    assert done.exit_code == 1
    said = " ".join(done.output.split())
    assert "RECOMPUTE_MISMATCH" in said
    assert f"{PLAN} {_PLANNED}.risks[0].status" in said
    assert "reported closed, recomputed open" in said


def _put(document: Any, field: str, value: str) -> str:
    """Writes a value at a place as findings name it; what stood there."""
    *way, last = (
        int(index) if index else name for name, index in re.findall(r"\.([a-z-]+)|\[(\d+)\]", field)
    )
    for step in way:
        document = document[step]
    before, document[last] = str(document[last]), value
    return before


async def test_that_there_was_no_major_incident_is_signed_and_holds(portal: Portal, tmp_path: Path) -> None:
    house = portal.house
    born = CreateTenant("calm", "Calm Ltd", onboarded_at=datetime(2026, 4, 1, tzinfo=UTC))
    calm = await house.tenants.create(born, CONSOLE)
    report = await publish(house, calm.id)
    async with sequencing(house):
        _, data = await report_desk.bundle_of(house, report)
    verdict = verify(data, policy=await trust_of(house, calm.id), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    real = Bundle(data, "trust-report.json", house.keyring)
    incidents = section(real.body, "incidents")
    assert NONE in json.dumps(incidents["sentences"])
    assert incidents["state"] == "fresh", "it is said, not let stand"
    assert "incidents" not in {each["section"] for each in real.body["acknowledgements"]}
    assert words(NONE) in of_pdf(real.files["trust-report.pdf"], tmp_path)

    body = real.body
    quiet = canonical(body).replace(NONE.encode(), b"Nothing ever happens anywhere.")
    assert verify(
        bundle.build({**real.files, real.document: quiet}), policy=await trust_of(house, calm.id), kinds=KINDS
    ).codes >= {Code.DIGEST_MISMATCH, Code.NOT_ATTESTED}


async def test_a_sentence_that_the_rows_beside_it_do_not_bear_out_is_found_by_recomputing(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await qbr_desk.use(house, "aurora")
    report = await publish(house, aurora.id)
    async with sequencing(house):
        _, data = await report_desk.bundle_of(house, report)
    real = Bundle(data, "trust-report.json", house.keyring)
    names = [each["id"] for each in real.body["sections"]]
    since = "Usage is metered since {metered-since} only; of the period before that nothing is known."
    for name, rows, said, rest, claimed in (
        (
            "incidents",
            "major",
            "Major incidents in the period: {major}; without a signed postmortem: {gaps}.",
            [],
            NONE,
        ),
        (
            "cost",
            "anomalies",
            "Anomalies in the period: {anomalies}, of which open: {open}; beyond what was expected: {excess-eur}.",
            [since],
            "Nothing unusual was found in the period.",
        ),
    ):
        assert len(table(real.body, name, rows)["rows"]) == 1
        assert section(real.body, name)["sentences"] == [said, *rest]
        verdict = real.changed(
            lambda body, name=name, words=(claimed, *rest): section(body, name).update(sentences=[*words])
        )
        mismatches = [each for each in verdict.findings if each.code is Code.RECOMPUTE_MISMATCH]
        assert [(each.file, each.field, each.message) for each in mismatches] == [
            (
                "trust-report.json",
                f"$.sections[{names.index(name)}].sentences[0]",
                f"reported {claimed}, recomputed {said}",
            )
        ]


def _inputs_are_those_that_were_signed_for(real: Bundle, name: str) -> None:
    """One changed; one more; one changed with what the document says of it: only the receipt knows better."""
    files, content = real.files, real.files[name]
    other = content.replace(b'"tenant"', b'"Tenant"', 1)
    assert other != content

    def named(verdict: Verdict) -> set[tuple[str, str]]:
        return {(each.file, each.field) for each in verdict.findings if each.code is Code.NOT_ATTESTED}

    assert (name, "") in named(real.forged({**files, name: other}))
    assert ("inputs/apology.txt", "") in named(real.forged({**files, "inputs/apology.txt": b"we were up"}))
    swapped = files[real.document].replace(sha256_hex(content).encode(), sha256_hex(other).encode())
    assert (real.document, "inputs") in named(real.forged({**files, name: other, real.document: swapped}))
