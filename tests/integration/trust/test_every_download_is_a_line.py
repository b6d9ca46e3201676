"""Whoever fetches whatever the portal hands out as a file leaves a line of a download, the customer's own people too."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import pytest
import qbr_desk
from report_desk import credited
from support.foreign_assessment import foreign_assessment
from support.portal_fixtures import Portal
from support.sequencing import sequencing

from trust_portal.access.access_log.model import AccessFilter, Verb
from trust_portal.access.actors import CONSOLE
from trust_portal.kernel.actor import Actor, ActorKind, Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.reliability.exclusions.model import ProposeExclusion
from trust_portal.trust.compliance.imports.service import ImportAssessment
from trust_portal.trust.compliance.model import AssessmentReaders, Evaluate
from trust_portal.trust.sections.links import without_links
from trust_portal.trust.sections.model import Cell, Figure, Section, State
from trust_portal.web.views import ROUTES

pytestmark = pytest.mark.takes(seconds=60)

PAUSE = timedelta(minutes=2)
#: By address: what stands in the log, and the thing it was.
Doors: TypeAlias = Mapping[str, tuple[str, str, str]]
STAFF_ONLY = "/t/{tenant}/qbr/{qbr:uuid}/internal"


def handing_out() -> set[str]:
    """Routes of a tenant whose view hands out a file, by its source."""
    return {
        route.path
        for route in ROUTES
        if route.path.startswith("/t/{tenant}") and "GET" in (route.methods or ())
        if any(
            word in inspect.getsource(route.endpoint)
            for word in ("attachment(", "content-disposition", "_internal(")
        )
    }


async def things(portal: Portal) -> Doors:
    """One of each file there is, by its route: address, noun and subject of its line."""
    house, aurora = portal.house, portal.world.aurora
    root = "/t/aurora"
    security = Actor(ActorKind.PERSON, new_id(), "Sam", VENDOR_ID, frozenset({Role.APPROVER_SECURITY}))
    olive = Actor(ActorKind.PERSON, new_id(), "Olive", VENDOR_ID, frozenset({Role.SRE_OPERATOR}))
    evaluation = await house.compliance.evaluate(Evaluate(aurora.id, "as agreed"), CONSOLE)
    imported = await house.assessment_imports.take(
        ImportAssessment(
            "Harbour Assurance",
            foreign_assessment(),
            timedelta(days=90),
            "yearly",
            AssessmentReaders.CUSTOMERS,
        ),
        security,
    )
    async with sequencing(house):
        await house.ledger.wait(aurora.id, aurora.receipt, 60)
    credit = await credited(house, aurora.id)
    review = await qbr_desk.prepare(house, aurora.id)
    contract = (await house.contracts.versions(CONSOLE, aurora.id))[0]
    now = portal.clock.now()
    exclusion = await house.exclusions.propose(
        ProposeExclusion(
            aurora.id,
            (now - timedelta(days=20)).replace(hour=9, minute=0, second=0, microsecond=0),
            (now - timedelta(days=20)).replace(hour=9, minute=10, second=0, microsecond=0),
            ("api",),
            "the customer's own network was down",
            "ticket 4711",
        ),
        olive,
    )
    export = await house.archive.export(carla(aurora.id), aurora.id, aurora.export)
    here, receipt = f"{root}/exports/{aurora.export}", f"{root}/receipts/{aurora.receipt}"
    found = {
        "/t/{tenant}/exports/{export:uuid}/bundle.zip": (
            f"{here}/bundle.zip",
            "bundle",
            str(export.file_name),
        ),
        "/t/{tenant}/exports/{export:uuid}/files/{name}": (
            f"{here}/files/report.json",
            "report.json",
            str(export.id),
        ),
        "/t/{tenant}/exports/{export:uuid}/copies/{name}": (
            f"{here}/copies/report.pdf",
            "report.pdf",
            str(export.id),
        ),
        "/t/{tenant}/check/broken.zip": (
            f"{root}/check/broken.zip",
            "broken example",
            str(export.file_name),
        ),
        "/t/{tenant}/receipts/{receipt:uuid}/envelope": (
            f"{receipt}/envelope",
            "receipt envelope",
            str(aurora.receipt),
        ),
        "/t/{tenant}/receipts/{receipt:uuid}/proof": (
            f"{receipt}/proof",
            "inclusion proof",
            str(aurora.receipt),
        ),
        "/t/{tenant}/trust-policy": (f"{root}/trust-policy", "trust policy", ""),
        "/t/{tenant}/compliance/{evaluation:uuid}/{name}": (
            f"{root}/compliance/{evaluation.id}/compliance.json",
            "compliance.json",
            str(evaluation.id),
        ),
        "/t/{tenant}/compliance/imports/{import:uuid}": (
            f"{root}/compliance/imports/{imported.id}",
            "assessment",
            str(imported.id),
        ),
        "/t/{tenant}/contracts/{version}/source": (
            f"{root}/contracts/{contract.version}/source",
            "contract",
            contract.version,
        ),
        "/t/{tenant}/credits/calculations/{calculation:uuid}/source": (
            f"{root}/credits/calculations/{credit.calculation.id}/source",
            "credit calculation",
            str(credit.calculation.id),
        ),
        "/t/{tenant}/exclusions/{exclusion:uuid}/source": (
            f"{root}/exclusions/{exclusion.id}/source",
            "exclusion",
            str(exclusion.id),
        ),
    }
    for suffix in ("csv", "json", "pdf", "pptx"):
        found[f"{STAFF_ONLY}.{suffix}"] = (
            f"{root}/qbr/{review.id}/internal.{suffix}",
            f"QBR draft, internal.{suffix}",
            str(review.id),
        )
    return found


def carla(tenant_id: UUID) -> Actor:
    return Actor(ActorKind.PERSON, new_id(), "Carla", tenant_id, frozenset({Role.CUSTOMER_ADMIN}))


async def test_every_file_of_every_route_is_a_line_whoever_fetches_it(portal: Portal) -> None:
    doors = await things(portal)
    assert set(doors) == handing_out(), "every route that hands out a file is asked here"
    reader, aurora = carla(portal.world.aurora.id), portal.world.aurora.id
    for who, name in (
        ("csm", "Csm"),
        ("auditor", "Auditor"),
        ("customer_viewer", "Customer_Viewer"),
        ("customer_admin:read", "read token"),
    ):
        client = portal.program(portal.world.tokens[who]) if ":" in who else portal.browser(who)
        async with client as browser:
            for route, (address, noun, subject) in doors.items():
                portal.clock.advance(PAUSE)
                answer = await browser.get(address)
                page = await portal.house.access_log.page(
                    reader, aurora, PageRequest(100), AccessFilter(None, Verb.DOWNLOADED)
                )
                lines = [
                    (each.actor_name, each.access.what, each.access.subject)
                    for each in page.items
                    if each.at == portal.clock.now()
                ]
                if route.startswith(STAFF_ONLY) and who != "csm":
                    assert (answer.status_code, lines) == (403, []), (who, address)
                else:
                    assert answer.status_code == 200, (who, address)
                    assert "attachment" in answer.headers["content-disposition"]
                    assert lines == [(name, noun, subject)], (who, address)


async def test_a_look_at_a_receipt_is_no_download(portal: Portal) -> None:
    aurora = portal.world.aurora
    async with portal.browser("auditor") as auditor:
        assert (await auditor.get(f"/t/aurora/receipts/{aurora.receipt}")).status_code == 200
    reader = carla(aurora.id)
    page = await portal.house.access_log.page(
        reader, aurora.id, PageRequest(10), AccessFilter(None, Verb.DOWNLOADED)
    )
    assert page.items == ()


def test_only_the_links_that_are_closed_are_left_out() -> None:
    section = Section(
        id="access",
        title="Access",
        state=State.FRESH,
        source="the log",
        as_of=None,
        max_age=timedelta(days=1),
        figures=(
            Figure("all", "All", Cell("3", href="/access")),
            Figure("fetched", "Fetched", Cell("2", href="/access?did=downloaded")),
            Figure("reviews", "Reviews", Cell("1", href="/access-review")),
        ),
    )
    open_ = without_links(section, {"/access"})
    assert [each.cell.href for each in open_.figures] == [None, None, "/access-review"]
    assert [each.cell.value for each in open_.figures] == ["3", "2", "1"]
