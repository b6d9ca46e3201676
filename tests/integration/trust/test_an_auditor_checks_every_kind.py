"""An auditor's page says of each bundle what a verifier asks, and of each kind a broken one is refused."""

from __future__ import annotations

import asyncio
import html
import json
import re
import warnings
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import qbr_desk
import report_desk
from copy_desk import released, writers
from report_desk import CORA, publish, trust_of
from support.portal_fixtures import Portal
from support.postmortem_desk import Desk
from support.sequencing import sequencing
from support.verifier_alone import unpacked, verifier_alone

from schema.ids import encode
from schema.types.export import ExportKind
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.evidence import bundle
from trust_portal.evidence.checkpoint import TlogProof
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.export import ExportState
from trust_portal.evidence.manifest import MANIFEST, MANIFEST_PROOF
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verify import verify
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems.model import COPY_KIND as POSTMORTEM_COPY
from trust_portal.learning.postmortems.model import KIND as POSTMORTEM
from trust_portal.learning.postmortems.model import Postmortem
from trust_portal.learning.recompute import RECOMPUTERS as LEARNING_RECOMPUTERS
from trust_portal.learning.verification import KINDS as LEARNING_KINDS
from trust_portal.reliability.recompute import RECOMPUTERS as RELIABILITY_RECOMPUTERS
from trust_portal.reliability.verification import KINDS as RELIABILITY_KINDS
from trust_portal.trust.bundle_pages import PAGES
from trust_portal.trust.compliance.model import KIND as COMPLIANCE
from trust_portal.trust.compliance.model import Evaluate
from trust_portal.trust.qbr.model import KIND as QBR
from trust_portal.trust.recompute import RECOMPUTERS as TRUST_RECOMPUTERS
from trust_portal.trust.report.model import KIND as TRUST_REPORT
from trust_portal.trust.verification import KINDS as TRUST_KINDS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from trestle.oscal.assessment_results import AssessmentResults
    from trestle.oscal.poam import PlanOfActionAndMilestones

pytestmark = pytest.mark.takes(seconds=40)

SLA_REPORT, CREDIT_MEMO = "sla-report", "credit-memo"
KINDS = {**RELIABILITY_KINDS, **LEARNING_KINDS, **TRUST_KINDS}
RECOMPUTERS = {**RELIABILITY_RECOMPUTERS, **LEARNING_RECOMPUTERS, **TRUST_RECOMPUTERS}
#: As the page lists them, and the same over GraphQL.
LISTED = """{ viewer { tenant { exports(first: 20) { nodes {
  kind fileName sha256 signer signingKeyFingerprint logPosition manifestReceiptId documentId documentUrl verifyCommand
  downloadUrl files { name url copyUrl } } } } } }"""
BROKEN = "query ($id: ID!) { node(id: $id) { ... on Tenant { brokenExampleUrl } } }"

#: What a bundle has at its top that is handed out with it alone.
_WITHIN = frozenset({MANIFEST, MANIFEST_PROOF})


@dataclass(frozen=True)
class Listed:
    """What the page says of one bundle."""

    file_name: str
    digest: str
    signer: str
    key: str
    position: int
    receipt: str
    command: str


def listed(page: str) -> dict[str, Listed]:
    """By export."""
    found = {}
    for article in re.findall(
        r'<article class="entry" aria-labelledby="export-.*?</article>', page, re.DOTALL
    ):
        definitions = dict(re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", article, re.DOTALL))
        place = re.search(r'/receipts/([0-9a-f-]{36})">entry ([\d\s]+)</a>', definitions["Logged as"])
        export = re.search(r'id="export-([0-9a-f-]{36})"', article)
        assert place is not None
        assert export is not None
        found[export[1]] = Listed(
            file_name=_plain(re.search(r"<h2[^>]*>(.*?)</h2>", article, re.DOTALL)[1]),
            digest=re.search(r"[0-9a-f]{64}", definitions["SHA-256"])[0],
            signer=_plain(definitions["Signed by"]),
            key=re.search(r"[0-9a-f]{64}", definitions["Key"])[0],
            position=int(re.sub(r"\D", "", place[2])),
            receipt=place[1],
            command=html.unescape(re.search(r'data-copy="(trust-portal [^"]+)"', article)[1]),
        )
    return found


def _plain(fragment: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", fragment)).split())


async def test_each_bundle_is_listed_as_it_is_and_each_kind_is_refused_once_it_is_broken(
    portal: Portal, tmp_path: Path
) -> None:
    house, aurora = portal.house, portal.world.aurora.id
    await qbr_desk.use(house, "aurora")
    made = {SLA_REPORT: portal.world.aurora.export}
    broken = {SLA_REPORT: await _broken(portal)}
    async with sequencing(house), asyncio.timeout(300):
        credit = await report_desk.credited(house, aurora)
        memo = await house.credits.request_bundle(CONSOLE, aurora, credit.id)
        made[CREDIT_MEMO] = await _built(house, memo.id, aurora)
        broken[CREDIT_MEMO] = await _broken(portal)
        published = await publish(house, aurora)
        report, _ = await report_desk.bundle_of(house, published)
        made[TRUST_REPORT], broken[TRUST_REPORT] = report.id, await _broken(portal)
        issued = await qbr_desk.issue(house, await qbr_desk.prepare(house, aurora))
        qbr, _ = await qbr_desk.bundle_of(house, issued)
        made[QBR], broken[QBR] = qbr.id, await _broken(portal)
        evaluation = await house.compliance.evaluate(Evaluate(aurora, "as agreed"), CONSOLE)
        export = await house.compliance.export(CORA, aurora, evaluation.id)
        made[COMPLIANCE] = await _built(house, export.id, aurora)
        broken[COMPLIANCE] = await _broken(portal)
        desk = await writers(portal)
        postmortem = await desk.signed(await desk.postmortem("INC-77"))
        copy = await released(desk, postmortem)
        (opened,) = await house.postmortem_copies.list(CORA, aurora)
        assert opened.export is not None
        made[POSTMORTEM_COPY] = await _built(house, opened.export.id, aurora)
        broken[POSTMORTEM_COPY] = await _broken(portal)
    assert set(made) == set(PAGES), "every kind that a customer has bundles of"

    async with portal.browser("auditor") as auditor:
        page = (await auditor.get("/t/aurora/check")).text
        content = {
            kind: (await auditor.get(f"/t/aurora/exports/{export_id}/bundle.zip")).content
            for kind, export_id in made.items()
        }
        answer = (await auditor.post("/graphql", json={"query": LISTED})).json()
        over_graphql = {
            ExportKind[each["kind"]]: each for each in answer["data"]["viewer"]["tenant"]["exports"]["nodes"]
        }
        links = re.findall(r'<a href="(/t/aurora/[^"]+)">Read the ', page)
        assert [(await auditor.get(each)).status_code for each in links] == [200] * len(made)
        for each in over_graphql[POSTMORTEM_COPY]["files"]:
            assert (await auditor.get(each["url"])).status_code == 200, each["name"]
    subjects = {
        SLA_REPORT: ("SlaReport", portal.world.aurora.report),
        CREDIT_MEMO: ("Credit", credit.id),
        TRUST_REPORT: ("TrustReport", published.id),
        QBR: ("Qbr", issued.id),
        COMPLIANCE: ("ComplianceEvaluation", evaluation.id),
        POSTMORTEM_COPY: ("PostmortemCopy", copy),
    }
    shown, policy = listed(page), await trust_of(house, aurora)
    assert set(shown) == {str(each) for each in made.values()}
    for kind, export_id in made.items():
        files, said = bundle.read(content[kind]).files, shown[str(export_id)]
        envelope = Envelope.parse(files[MANIFEST])
        assert said == Listed(
            file_name=said.file_name,
            digest=sha256_hex(content[kind]),
            signer="Vendor Ltd",
            key=envelope.signatures[0].key_id,
            position=TlogProof.parse(files[MANIFEST_PROOF]).index,
            receipt=said.receipt,
            command=f"trust-portal verify {said.file_name} --policy aurora.policy --recompute",
        )
        told = over_graphql[kind]
        assert {name: told[name] for name in told if name not in {"kind", "files", "documentUrl"}} == {
            "fileName": said.file_name,
            "sha256": said.digest,
            "signer": said.signer,
            "signingKeyFingerprint": said.key,
            "logPosition": said.position,
            "manifestReceiptId": encode("Receipt", aurora, UUID(said.receipt)),
            "documentId": encode(subjects[kind][0], aurora, subjects[kind][1]),
            "verifyCommand": said.command,
            "downloadUrl": f"{house.settings.base_url}/t/aurora/exports/{export_id}/bundle.zip",
        }
        assert told["documentUrl"].removeprefix(house.settings.base_url) in links
        place = told["downloadUrl"].removesuffix("/bundle.zip")
        own = sorted(name for name in files if "/" not in name and name not in _WITHIN)
        assert [each["name"] for each in told["files"]] == own
        assert [(each["url"], each["copyUrl"]) for each in told["files"]] == [
            (f"{place}/files/{name}", f"{place}/copies/{name}" if name.endswith(".pdf") else None)
            for name in own
        ]
        filed = await house.archive.receipt(CORA, aurora, UUID(said.receipt))
        assert filed.envelope.payload == envelope.payload, "the receipt it leads to is this manifest"
        assert verify(content[kind], policy=policy, kinds=KINDS, recomputers=RECOMPUTERS).findings == ()

        spoilt = bundle.read(broken[kind]).files
        (changed,) = [name for name in files if files[name] != spoilt[name]]
        verdict = verify(broken[kind], policy=policy, kinds=KINDS, recomputers=RECOMPUTERS)
        assert (Code.DIGEST_MISMATCH, changed) in {(each.code, each.file) for each in verdict.findings}
    assert len({each.position for each in shown.values()}) == len(made), "each has its own place"
    assert len({each.digest for each in shown.values()}) == len(made)
    async with portal.browser() as anybody, portal.browser("auditor") as auditor:
        verifier = unpacked((await anybody.get("/trust-portal-verifier.zip")).content, tmp_path)
        handed_out = (await auditor.get("/t/aurora/trust-policy")).content
    own = await _of_the_vendor(desk, postmortem)
    taken = {kind: (data, handed_out) for kind, data in content.items()} | {POSTMORTEM: own}
    assert taken.keys() == KINDS.keys(), "every kind that there is"
    for kind, (data, trusted) in taken.items():
        _is_accepted_by(verifier, kind, data, trusted, refused=broken.get(kind))


async def test_the_oscal_files_of_a_customers_bundle_are_read_by_trestle(
    portal: Portal, tmp_path: Path
) -> None:
    house, aurora, folder = portal.house, portal.world.aurora.id, tmp_path
    portal.clock.advance(timedelta(days=6))  # the P1 has no postmortem, and should have one by now
    evaluation = await house.compliance.evaluate(Evaluate(aurora, "as agreed"), CONSOLE)
    export = await house.compliance.export(CORA, aurora, evaluation.id)
    async with sequencing(house), asyncio.timeout(300):
        await _built(house, export.id, aurora)
    files = bundle.read((await house.archive.download(CORA, aurora, export.id)).content).files
    for name in ("assessment-results.json", "poam.json"):
        (folder / name).write_bytes(files[name])
    results = AssessmentResults.oscal_read(folder / "assessment-results.json")
    plan = PlanOfActionAndMilestones.oscal_read(folder / "poam.json")
    assert results is not None
    assert plan is not None
    body = json.loads(files["compliance.json"])
    judged = {
        (f"{each['control']}.{each['party']}", each["state"].replace("_", "-"))
        for each in body["results"]
        if each["state"] != "not_evaluated"
    }
    found = {
        (each.target.target_id, getattr(each.target.status.state, "value", each.target.status.state))
        for each in results.results[0].findings
    }
    assert found == judged
    assert {state for _, state in judged} == {"satisfied", "not-satisfied"}
    assert len(results.results[0].observations) == len(body["results"])
    own = {gap["name"] for each in body["results"] if each["party"] == "tenant" for gap in each["gaps"]}
    assert own, "there is something to plan"
    assert own <= {each.title for each in plan.poam_items}


@pytest.mark.parametrize("who", [each.value for each in Role])
async def test_the_broken_example_is_offered_to_exactly_those_who_may_open_it(
    portal: Portal, who: str
) -> None:
    house = portal.house
    bare = await house.tenants.create(CreateTenant("bare", "Bare"), CONSOLE)
    async with portal.browser(who) as browser:
        for tenant_id, key in ((portal.world.aurora.id, "aurora"), (bare.id, "bare")):
            opened = (await browser.get(f"/t/{key}/check/broken.zip")).status_code
            variables = {"id": encode("Tenant", tenant_id, tenant_id)}
            asked = await browser.post("/graphql", json={"query": BROKEN, "variables": variables})
            node = (asked.json()["data"] or {}).get("node")
            offered = None if node is None else node["brokenExampleUrl"]
            place = f"{house.settings.base_url}/t/{key}/check/broken.zip"
            assert offered == (place if opened == 200 else None)
            assert key == "aurora" or opened != 200, "there is no bundle to break"
            page = (await browser.get(f"/t/{key}/check")).text
            assert (f'href="/t/{key}/check/broken.zip"' in page) == (opened == 200)
        if who in {"customer_admin", "customer_viewer", "auditor", "csm", "sre_operator"}:
            assert (await browser.get("/t/aurora/check/broken.zip")).status_code == 200
        if who in {"finops_operator", "vendor_admin", "pmo"}:
            assert (await browser.get("/t/aurora/check/broken.zip")).status_code == 403


async def _of_the_vendor(desk: Desk, postmortem: Postmortem) -> tuple[bytes, bytes]:
    """The bundle of the vendor's own version, which no customer has, and its policy."""
    data = await desk.bundle(postmortem.id)
    return data, (await desk.house.archive.trust_policy(CORA, VENDOR_ID)).encode()


def _is_accepted_by(verifier: Path, kind: str, data: bytes, trusted: bytes, refused: bytes | None) -> None:
    """By the source as it was unpacked, its figures derived again; and the broken one is not."""
    archive, policy = verifier.parent / f"{kind}.zip", verifier.parent / f"{kind}.policy"
    policy.write_bytes(trusted)
    asked = ("verify", archive, "--policy", policy, "--recompute", "--json")
    archive.write_bytes(data)
    done = verifier_alone(*asked, folder=verifier)
    assert done.stdout, done.stderr
    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["findings"], verdict["subject"]["kind"]) == (0, [], kind)
    assert KINDS[kind].derives in verdict["proved"]
    if refused is not None:
        archive.write_bytes(refused)
        done = verifier_alone(*asked, folder=verifier)
        assert done.returncode == 1, done.stdout + done.stderr


async def _built(house: House, export_id: UUID, tenant_id: UUID) -> UUID:
    built = await house.exports.build(tenant_id, export_id)
    assert built.state is ExportState.READY, built.failure
    return built.id


async def _broken(portal: Portal) -> bytes:
    """The newest bundle, as the auditor is given it to see it refused."""
    async with portal.browser("auditor") as auditor:
        answer = await auditor.get("/t/aurora/check/broken.zip")
    assert answer.status_code == 200
    return answer.content
