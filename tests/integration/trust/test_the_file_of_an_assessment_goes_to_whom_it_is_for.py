"""What was handed over by an assessor is fetched by whom the import named; for everybody else it is not there."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from support.foreign_assessment import foreign_assessment
from support.portal_fixtures import Portal

from trust_portal.access.actors import CONSOLE
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import Statement
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.compliance.imports.service import ImportAssessment
from trust_portal.trust.compliance.model import AssessmentReaders, Evaluate, Imported

pytestmark = pytest.mark.takes(seconds=20)

#: Whoever reads the evaluations of aurora from inside.
AURORA = ("customer_admin", "customer_viewer", "auditor")
_URLS = "{ viewer { tenant { complianceEvaluations(first: 1) { nodes { assessments { source readers url } } } } } }"


async def handed_over(portal: Portal, readers: AssessmentReaders) -> Imported:
    command = ImportAssessment(
        "Harbour Assurance", foreign_assessment(), timedelta(days=60), "each spring", readers
    )
    imported = await portal.house.assessment_imports.take(command, CONSOLE)
    for tenant_id in (VENDOR_ID, portal.world.aurora.id, portal.world.brightside.id):
        await portal.house.compliance.evaluate(Evaluate(tenant_id, "with theirs"), CONSOLE)
    return imported


async def told(browser: httpx.AsyncClient) -> list[dict[str, Any]]:
    """What GraphQL says of the assessments in the newest evaluation."""
    answer = (await browser.post("/graphql", json={"query": _URLS})).json()
    (evaluation,) = answer["data"]["viewer"]["tenant"]["complianceEvaluations"]["nodes"]
    found: list[dict[str, Any]] = evaluation["assessments"]
    return found


async def test_what_is_for_the_vendor_alone_is_not_there_for_any_customer(portal: Portal) -> None:
    imported = await handed_over(portal, AssessmentReaders.VENDOR)
    for key, readers in (("aurora", AURORA), ("brightside", ("stranger",))):
        place = f"/t/{key}/compliance/imports/{imported.id}"
        for who in readers:
            async with portal.browser(who) as browser:
                refused = await browser.get(place)
                absent = await browser.get(f"/t/{key}/compliance/imports/{new_id()}")
                assert (refused.status_code, absent.status_code) == (404, 404)
                assert refused.text.replace(str(imported.id), "") == absent.text.replace(
                    absent.url.path.rpartition("/")[2], ""
                ), "no reader learns that it exists"
                page = (await browser.get(f"/t/{key}/compliance")).text
                assert imported.title in page, "how it came out stands there all the same"
                assert str(imported.id) not in page.replace(f"imported/{imported.id}", "")
                assert await told(browser) == [
                    {"source": "Harbour Assurance", "readers": "VENDOR", "url": None}
                ]
    async with portal.browser("csm") as staff:
        assert (await staff.get(f"/t/aurora/compliance/imports/{imported.id}")).status_code == 404
        own = await staff.get(f"/t/vendor/compliance/imports/{imported.id}")
        assert (own.status_code, own.content) == (200, foreign_assessment())
        listed = (await staff.post("/graphql", json={"query": "{ assessments { readers url } }"})).json()
        assert listed["data"]["assessments"] == [
            {
                "readers": "VENDOR",
                "url": f"https://trust.example/t/vendor/compliance/imports/{imported.id}",
            }
        ]
    for who in AURORA:
        async with portal.browser(who) as browser:
            assert (await browser.get(f"/t/vendor/compliance/imports/{imported.id}")).status_code == 404


async def test_what_is_for_customers_is_fetched_by_the_people_and_auditors_of_each_at_its_own_address(
    portal: Portal,
) -> None:
    imported = await handed_over(portal, AssessmentReaders.CUSTOMERS)
    for key, readers, others in (("aurora", AURORA, "brightside"), ("brightside", ("stranger",), "aurora")):
        place = f"/t/{key}/compliance/imports/{imported.id}"
        for who in readers:
            async with portal.browser(who) as browser:
                fetched = await browser.get(place)
                assert (fetched.status_code, fetched.content) == (200, foreign_assessment())
                assert f'href="{place}"' in (await browser.get(f"/t/{key}/compliance")).text
                assert await told(browser) == [
                    {
                        "source": "Harbour Assurance",
                        "readers": "CUSTOMERS",
                        "url": f"https://trust.example{place}",
                    }
                ]
                for elsewhere in (others, "vendor"):
                    answer = await browser.get(f"/t/{elsewhere}/compliance/imports/{imported.id}")
                    assert answer.status_code == 404, "not through another's door"


@pytest.mark.parametrize("readers", list(AssessmentReaders))
async def test_who_may_read_it_is_signed_kept_and_said_where_it_is_imported(
    portal: Portal, readers: AssessmentReaders
) -> None:
    async with portal.browser("approver_security") as security:
        form = (await security.get("/compliance")).text
        for each in AssessmentReaders:
            assert f'<option value="{each.value}">{each.words}</option>' in form
        assert "What concerns one customer alone is for the vendor’s people." in form
        imported = await handed_over(portal, readers)
        assert f"read by: {readers.words}" in (await security.get("/compliance")).text
    async with portal.house.storage.read(TenantScope(VENDOR_ID)) as session:
        receipt = await find_receipt(session, VENDOR_ID, imported.receipt_id)
        signed = Statement.parse(Envelope.parse(receipt.envelope).payload)
        assert signed.predicate["result"]["readers"] == readers.value
        driver = await session.driver()
        kept = await driver.fetchval("SELECT readers FROM compliance_imports WHERE tenant_id = $1", VENDOR_ID)
    assert kept == readers.value
    evaluation = await portal.house.compliance.newest(CONSOLE, portal.world.aurora.id)
    assert evaluation is not None
    (said,) = json.loads(evaluation.document)["imports"]
    assert said.get("readers") == ("customers" if readers is AssessmentReaders.CUSTOMERS else None)
