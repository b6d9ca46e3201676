"""Who read or downloaded which document, and when, stands in the log of the customer it is about: at every door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
import qbr_desk
import report_desk
from copy_desk import released, writers
from report_desk import CORA, credited, publish
from support.graphql_desk import ask
from support.portal_fixtures import Portal
from support.sequencing import sequencing

from schema.ids import encode
from trust_portal.access.access_log.model import AccessEntry
from trust_portal.access.actors import CONSOLE
from trust_portal.documents.formats import instant
from trust_portal.evidence.export_rows import find_export_of
from trust_portal.kernel.actor import Actor, ActorKind, Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.postmortems.model import COPY_KIND, KIND
from trust_portal.reliability.credits.model import KIND as CREDIT_MEMO
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.compliance.model import Evaluate

pytestmark = pytest.mark.takes(seconds=90)

PAUSE = timedelta(minutes=2)
#: Who, as a client is opened; the name, the group and the kind that stand in the log.
READERS = (
    ("csm", "Csm", "staff", ActorKind.PERSON),
    ("auditor", "Auditor", "auditor", ActorKind.PERSON),
    ("customer_admin:read", "read token", "customer", ActorKind.TOKEN),
    ("customer_viewer", "Customer_Viewer", "customer", ActorKind.PERSON),
)
Line = tuple[str, str, str]


@dataclass(frozen=True)
class Document:
    """Where one is read; ``noun`` and ``subject`` are what the log calls it. ``files`` of its bundle, by door."""

    page: str
    noun: str
    subject: str
    export: UUID
    bundle: str
    files: tuple[str, ...]

    def doors(self, root: str) -> dict[str, Line]:
        """What stands in the log of each download, by its address."""
        here = f"{root}/exports/{self.export}"
        found = {f"{here}/bundle.zip": ("downloaded", "bundle", self.bundle)}
        for name in self.files:
            found[f"{here}/files/{name}"] = ("downloaded", name, str(self.export))
            if name.endswith(".pdf"):
                found[f"{here}/copies/{name}"] = ("downloaded", name, str(self.export))
        return found


async def lines(portal: Portal, tenant_id: UUID) -> list[AccessEntry]:
    """What stands in a customer's log of this moment."""
    reader = Actor(ActorKind.PERSON, new_id(), "Carla", tenant_id, frozenset({Role.CUSTOMER_ADMIN}))
    page = await portal.house.access_log.page(reader, tenant_id, PageRequest(100))
    return [each for each in page.items if each.at == portal.clock.now()]


def said(entries: list[AccessEntry]) -> list[Line]:
    return [(each.access.verb.value, each.access.what, each.access.subject) for each in entries]


def client(portal: Portal, who: str) -> httpx.AsyncClient:
    return portal.program(portal.world.tokens[who]) if ":" in who else portal.browser(who)


async def exported(portal: Portal, kind: str, subject: UUID, revision: int = 1) -> tuple[UUID, str]:
    """The export of a document, built now, and its name."""
    house, tenant_id = portal.house, portal.world.aurora.id
    async with house.storage.write(TenantScope(tenant_id)) as session:
        asked = await house.exports.request(
            session, kind=kind, tenant_id=tenant_id, subject_id=subject, revision=revision, actor=CONSOLE
        )
    built = await house.exports.build(tenant_id, asked.id)
    assert built.failure is None, built.failure
    return built.id, str(built.file_name)


async def documents(portal: Portal) -> Mapping[str, Document]:
    """One of each kind, with its bundle."""
    house, aurora, root = portal.house, portal.world.aurora, "/t/aurora"
    desk = await writers(portal)
    copy = await released(desk, await desk.signed(await desk.postmortem("INC-77")))
    report = await publish(house, aurora.id)
    credit = await credited(house, aurora.id)
    review = await qbr_desk.issue(house, await qbr_desk.prepare(house, aurora.id))
    evaluation = await house.compliance.evaluate(Evaluate(aurora.id, "as agreed"), CONSOLE)
    asked = await house.compliance.export(CORA, aurora.id, evaluation.id)
    async with sequencing(house):
        told, _ = await report_desk.bundle_of(house, report)
        quarter, _ = await qbr_desk.bundle_of(house, review)
        memo, memo_name = await exported(portal, CREDIT_MEMO, credit.id)
        own, own_name = await exported(portal, COPY_KIND, copy)
        controls = await house.exports.build(aurora.id, asked.id)
    sla = await house.archive.export(CORA, aurora.id, aurora.export)
    return {
        "SLA report": Document(
            f"{root}/reports/{aurora.report}", "SLA report", str(aurora.report), sla.id, str(sla.file_name),
            ("report.json", "report.pdf"),
        ),
        "Trust Report": Document(
            f"{root}/trust/{report.id}", "Trust Report", str(report.id), told.id, str(told.file_name),
            ("trust-report.json", "trust-report.csv", "trust-report.pdf"),
        ),
        "business review": Document(
            f"{root}/qbr/{review.id}", "QBR", str(review.id), quarter.id, str(quarter.file_name),
            ("qbr.json", "qbr.pdf", "qbr.pptx"),
        ),
        "credit": Document(
            f"{root}/credits/{credit.id}", "credits", str(credit.id), memo, memo_name, ("memo.json", "memo.pdf"),
        ),
        "postmortem copy": Document(
            f"{root}/postmortems/{copy}", "postmortem copy", str(copy), own, own_name,
            ("postmortem-copy.json", "postmortem-copy.pdf"),
        ),
        "compliance": Document(
            f"{root}/compliance", "compliance", "", controls.id, str(controls.file_name),
            ("compliance.json", "assessment-results.json"),
        ),
    }  # fmt: skip


async def test_every_read_and_download_of_every_document_is_in_its_customers_log(portal: Portal) -> None:
    """The customer's own people leave a line for what they take along, and none for what they look at."""
    held = await documents(portal)
    aurora, brightside = portal.world.aurora.id, portal.world.brightside.id
    for who, name, group, kind in READERS:
        at_home = (group, kind) == ("customer", ActorKind.PERSON)
        async with client(portal, who) as reader:
            for what, document in held.items():
                portal.clock.advance(PAUSE)
                answer = await reader.get(document.page)
                assert answer.status_code == 200, (who, what)
                found = await lines(portal, aurora)
                read = ("read", document.noun, document.subject)
                assert (read in said(found)) is not at_home, (who, what)
                assert {each.access.verb.value for each in found} <= {"read"}
                taken = {*document.doors("/t/aurora").items()}
                for address, line in sorted(taken):
                    portal.clock.advance(PAUSE)
                    assert (await reader.get(address)).status_code == 200, (who, address)
                    fetched = await lines(portal, aurora)
                    assert [each for each in said(fetched) if each[0] == "downloaded"] == [line], (
                        who,
                        address,
                    )
                    found += fetched
                assert {(each.actor_name, each.group.value, each.actor_kind) for each in found} == {
                    (name, group, kind)
                }, (who, what)
                assert await lines(portal, brightside) == []


async def test_the_customers_admin_sees_who_took_what_and_when(portal: Portal) -> None:
    aurora = portal.world.aurora
    async with portal.browser("auditor") as auditor:
        await auditor.get(f"/t/aurora/exports/{aurora.export}/files/report.pdf")
        at = portal.clock.now()
        portal.clock.advance(PAUSE)
        await auditor.get(f"/t/aurora/reports/{aurora.report}")
    async with portal.browser("customer_admin") as admin:
        taken = (await admin.get("/t/aurora/access?by=auditor&did=downloaded")).text
        looked = (await admin.get("/t/aurora/access?by=auditor&did=read")).text
        none = (await admin.get("/t/aurora/access?by=token")).text
    (row,) = [each for each in taken.split("<tr>") if "report.pdf" in each]
    assert "Auditor" in row
    assert instant(at) in row
    rows = [each for each in looked.split("<tr>") if f"/t/aurora/reports/{aurora.report}" in each]
    assert instant(portal.clock.now()) in rows[0]
    assert "report.pdf" not in looked
    assert instant(at) not in none


async def test_a_file_that_is_not_there_leaves_no_line_of_a_download(portal: Portal) -> None:
    evaluation = await portal.house.compliance.evaluate(
        Evaluate(portal.world.aurora.id, "as agreed"), CONSOLE
    )
    here = f"/t/aurora/compliance/{evaluation.id}"
    async with portal.browser("auditor") as auditor:
        for missing in (f"{here}/poam.json", f"/t/aurora/exports/{portal.world.aurora.export}/files/x.pdf"):
            portal.clock.advance(PAUSE)
            assert (await auditor.get(missing)).status_code == 404
            found = said(await lines(portal, portal.world.aurora.id))
            assert [each for each in found if each[0] == "downloaded"] == [], missing
        portal.clock.advance(PAUSE)
        assert (await auditor.get(f"{here}/compliance.json")).status_code == 200
        found = said(await lines(portal, portal.world.aurora.id))
        assert ("downloaded", "compliance.json", str(evaluation.id)) in found


async def test_what_a_program_asks_over_graphql_is_in_the_log_as_the_tokens(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    report = await publish(house, aurora.id)
    review = await qbr_desk.issue(house, await qbr_desk.prepare(house, aurora.id))
    await house.compliance.evaluate(Evaluate(aurora.id, "as agreed"), CONSOLE)
    tenant = encode("Tenant", aurora.id, aurora.id)
    asked: tuple[tuple[str, str, Line], ...] = (
        (
            "query ($id: ID!) { node(id: $id) { ... on SlaReport { document } } }",
            encode("SlaReport", aurora.id, aurora.report),
            ("read", "SLA report", str(aurora.report)),
        ),
        (
            "query ($id: ID!) { node(id: $id) { ... on TrustReport { document } } }",
            encode("TrustReport", aurora.id, report.id),
            ("read", "Trust Report", str(report.id)),
        ),
        (
            "query ($id: ID!) { qbr(id: $id) { document } }",
            encode("Qbr", aurora.id, review.id),
            ("read", "QBR", str(review.id)),
        ),
        (
            "query ($id: ID!) { compliance(tenantId: $id) { document } }",
            tenant,
            ("read", "compliance", ""),
        ),
    )
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        for query, id_, line in asked:
            portal.clock.advance(PAUSE)
            answer = await ask(program, query, id=id_)
            assert "document" in str(answer), query
            found = await lines(portal, aurora.id)
            assert line in said(found), query
            assert {(each.actor_kind, each.actor_name) for each in found} == {(ActorKind.TOKEN, "read token")}


async def test_staffs_reading_of_a_postmortem_is_in_the_log_of_everybody_it_names(portal: Portal) -> None:
    """From the draft on: its page, its form, over GraphQL; a copy before it is released; the vendor's own bundle."""
    desk = await writers(portal)
    house, world = portal.house, portal.world
    calm = await desk.vendor.customer("calm")
    postmortem = await desk.postmortem("INC-77")
    here, read = f"/postmortems/{postmortem.id}", ("read", "postmortem", str(postmortem.id))
    both = (world.aurora.id, world.brightside.id)

    async def left(*tenants: UUID) -> list[tuple[UUID, list[Line]]]:
        return [(each, said(await lines(portal, each))) for each in tenants]

    query = "query ($id: ID!) { postmortem(id: $id) { document } }"
    async with portal.browser("sre_operator") as staff:
        for address in (here, f"{here}/edit"):
            portal.clock.advance(PAUSE)
            assert (await staff.get(address)).status_code == 200, address
            assert await left(*both, calm) == [*((each, [read]) for each in both), (calm, [])], address
        portal.clock.advance(PAUSE)
        assert "document" in str(await ask(staff, query, id=encode("Postmortem", VENDOR_ID, postmortem.id)))
        assert await left(*both, calm) == [*((each, [read]) for each in both), (calm, [])]
        names = {each.actor_name for each in await lines(portal, world.aurora.id)}
        assert names == {"Sre_Operator"}

        await desk.signed(postmortem)
        portal.clock.advance(PAUSE)
        assert (await staff.get(f"{here}/versions/1")).status_code == 200
        assert await left(*both, calm) == [*((each, [read]) for each in both), (calm, [])]

        await desk.bundle(postmortem.id)
        async with house.storage.read(TenantScope(VENDOR_ID)) as session:
            export = await find_export_of(session, VENDOR_ID, KIND, postmortem.id, 1)
        assert export is not None
        place = f"/t/vendor/exports/{export.id}"
        for address, line in (
            (f"{place}/bundle.zip", ("downloaded", "bundle", str(export.file_name))),
            (f"{place}/files/postmortem.json", ("downloaded", "postmortem.json", str(export.id))),
            (f"{place}/copies/postmortem.pdf", ("downloaded", "postmortem.pdf", str(export.id))),
        ):
            portal.clock.advance(PAUSE)
            assert (await staff.get(address)).status_code == 200, address
            assert await left(*both, calm) == [*((each, [line]) for each in both), (calm, [])], address

    async with portal.browser("customer_admin") as admin:
        log = (await admin.get("/t/aurora/access?by=staff&did=downloaded")).text
    rows = [each for each in log.split("<tr>") if "postmortem.pdf" in each]
    assert len(rows) == 1
    assert "evidence that the vendor keeps" in rows[0]
    assert "/t/aurora/exports" not in rows[0], "it is not among the customer's own bundles"

    async with portal.browser("incident_owner") as owner:
        portal.clock.advance(PAUSE)
        assert (await owner.get(f"{here}/release?customer={world.aurora.id}")).status_code == 200
        assert (await left(world.aurora.id, *both[1:], calm))[0] == (world.aurora.id, [read])
        assert await left(world.brightside.id, calm) == [(world.brightside.id, []), (calm, [])]
