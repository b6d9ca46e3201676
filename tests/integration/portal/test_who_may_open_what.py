"""Every page, asked for by everybody: the exact status, for one's own house and for another's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from support.portal_fixtures import Portal
from support.portal_world import STRANGER, Customer

from trust_portal.storage.tenancy import TenantScope
from trust_portal.web.views import ROUTES

pytestmark = pytest.mark.takes(seconds=40)

PEOPLE = (
    "nobody",
    "customer_viewer",
    "customer_admin",
    "auditor",
    STRANGER,
    "sre_operator",
    "csm",
    "pmo",
    "approver_security",
    "vendor_admin",
)
#: Pages by path, with the statuses of PEOPLE in their order.
EVERYBODY = "200 200 200 200 200 200 200 200 200 200"
READERS = "303 200 200 200 404 200 200 403 200 200"
#: Nothing of that id, for those who may look.
NONE_YET = "303 404 404 404 404 404 404 403 404 404"
EXPECTED = {
    "/": "303 303 303 303 303 303 303 303 303 303",
    "/sign-in": "200 303 303 303 303 303 303 303 303 303",
    "/sign-in/link/unknown": EVERYBODY,
    "/sign-in/oidc": "404 404 404 404 404 404 404 404 404 404",
    "/sign-in/oidc/callback": "401 401 401 401 401 401 401 401 401 401",
    "/sign-in/oidc/connect": "303 404 404 404 404 404 404 404 404 404",
    "/account": "303 200 200 200 200 200 200 200 200 200",
    "/account/notifications": "303 200 200 200 200 200 200 200 200 200",
    "/notifications": "303 200 200 200 200 200 200 200 200 200",
    "/notifications/{report}": "303 404 404 404 404 404 404 404 404 404",
    "/tenants": "303 403 403 403 403 200 200 200 200 200",
    "/accounts": "303 403 403 403 403 403 200 403 403 200",
    "/runs": "303 403 403 403 403 200 200 403 200 200",
    "/runs/2026-06": "303 403 403 403 403 404 404 403 404 404",
    "/trust-batches": "303 403 403 403 403 200 200 403 200 200",
    "/trust-batches/2026-Q2": "303 403 403 403 403 404 404 403 404 404",
    "/incidents": "303 403 403 403 403 200 200 200 200 200",
    "/incidents/declare": "303 403 403 403 403 200 403 403 403 403",
    "/incidents/gap": "303 403 403 403 403 404 403 403 403 403",
    "/incidents/integrations": "303 403 403 403 403 200 200 200 200 200",
    "/incidents/integrations/pagerduty/none": "303 403 403 403 403 404 404 404 404 404",
    "/incidents/{report}": "303 403 403 403 403 404 404 404 404 404",
    "/postmortems": "303 403 403 403 403 200 200 200 200 200",
    "/postmortems/{report}": "303 403 403 403 403 404 404 404 404 404",
    "/postmortems/{report}/edit": "303 403 403 403 403 404 403 403 403 404",
    "/postmortems/{report}/release": "303 403 403 403 403 403 403 403 403 422",
    "/postmortems/{report}/disclose": "303 403 403 403 403 403 403 403 403 422",
    "/postmortems/{report}/versions/1": "303 403 403 403 403 404 404 404 404 404",
    "/cost": "303 403 403 403 403 200 200 403 403 200",
    "/playbooks": "303 403 403 403 403 200 200 403 403 200",
    "/kill-switch": "303 403 403 403 403 200 200 403 403 200",
    "/break-glass": "303 403 403 403 403 200 200 403 200 200",
    "/approvals": "303 403 403 403 403 200 200 403 200 200",
    "/credits": "303 403 403 403 403 200 200 403 200 200",
    "/switchboard": "303 403 403 403 403 200 200 200 200 200",
    "/switchboard.csv": "303 403 403 403 403 200 200 200 200 200",
    "/switchboard/coverage": "303 403 403 403 403 200 200 200 200 200",
    "/switchboard/coverage.csv": "303 403 403 403 403 200 200 200 200 200",
    "/actions": "303 403 403 403 403 200 200 200 200 200",
    "/actions/new": "303 403 403 403 403 422 403 403 403 403",
    "/actions/reminders": "303 403 403 403 403 200 200 200 200 200",
    "/actions/due.ics": "303 403 403 403 403 200 200 200 200 200",
    "/actions/{report}": "303 403 403 403 403 404 404 404 404 404",
    "/account/workplace": "303 403 403 403 403 200 200 200 200 200",
    "/calendars/unknown.ics": "404 404 404 404 404 404 404 404 404 404",
    "/policies": "303 403 200 200 200 200 200 200 200 200",
    "/keys": "303 200 200 200 200 200 200 200 200 200",
    "/verify": EVERYBODY,
    "/trust-portal-verifier.zip": EVERYBODY,
    "/verify.html": EVERYBODY,
    "/.well-known/webhook-keys.json": EVERYBODY,
    "/schemas/": EVERYBODY,
    "/schemas/trustportal.sli.measured.v1": EVERYBODY,
    "/healthz": EVERYBODY,
    "/readyz": EVERYBODY,
    "/metrics": EVERYBODY,
    "/t/{key}": "303 200 200 200 404 200 200 200 200 200",
    "/t/{key}/people": "303 403 200 403 404 403 403 403 200 200",
    "/t/{key}/tokens": "303 403 200 403 404 403 403 403 200 200",
    "/t/{key}/access": "303 200 200 200 404 403 403 403 200 200",
    "/t/{key}/denials": "303 403 200 403 404 403 403 403 200 200",
    "/t/{key}/reports": READERS,
    "/t/{key}/reports/{report}": READERS,
    "/t/{key}/reports/{report}/evidence": READERS,
    "/t/{key}/credits": READERS,
    "/t/{key}/credits/calculations/{report}": NONE_YET,
    "/t/{key}/credits/calculations/{report}/source": NONE_YET,
    "/t/{key}/credits/{report}": NONE_YET,
    "/t/{key}/credits/{report}/evidence": NONE_YET,
    "/t/{key}/what-if": "303 403 403 403 404 200 200 403 403 200",
    "/t/{key}/exclusions": READERS,
    "/t/{key}/exclusions/{report}": NONE_YET,
    "/t/{key}/exclusions/{report}/source": NONE_YET,
    "/t/{key}/posture": READERS,
    "/t/{key}/exports": READERS,
    "/t/{key}/exports/{export}/progress": READERS,
    "/t/{key}/exports/{export}/copies/report.pdf": "303 200 200 200 404 200 200 403 403 403",
    "/t/{key}/check": READERS,
    "/t/{key}/check/broken.zip": "303 200 200 200 404 200 200 403 403 403",
    "/t/{key}/auditors": "303 403 200 200 404 403 403 403 403 200",
    "/audit-invitation/unknown": "401 401 401 401 401 401 401 401 401 401",
    "/t/{key}/exports/{export}/bundle.zip": "303 200 200 200 404 200 200 403 403 403",
    "/t/{key}/exports/{export}/files/report.json": "303 200 200 200 404 200 200 403 403 403",
    "/t/{key}/incidents": "303 200 200 200 404 200 200 200 200 200",
    "/t/{key}/postmortems": "303 200 200 200 404 200 200 200 200 200",
    "/t/{key}/postmortems/{report}": "303 404 404 404 404 404 404 404 404 404",
    "/t/{key}/maintenance": READERS,
    "/t/{key}/contracts": READERS,
    "/t/{key}/contracts/2026.1": READERS,
    "/t/{key}/contracts/2026.1/source": READERS,
    "/t/{key}/cross-checks": "303 403 403 403 404 200 200 403 200 200",
    "/t/{key}/cost": "303 200 200 200 404 200 200 403 403 200",
    "/t/{key}/cost/anomalies/{report}": "303 404 404 404 404 404 404 403 403 404",
    "/t/{key}/cost/anomalies/{report}/events": "303 404 404 404 404 404 404 403 403 404",
    "/t/{key}/cost/anomalies/{report}/events/part": "303 404 404 404 404 404 404 403 403 404",
    "/t/{key}/cost/anomalies/{report}/events/part/comparable": "303 404 404 404 404 404 404 403 403 404",
    "/t/{key}/cost/anomalies/{report}/reported": "303 404 404 404 404 404 404 403 403 404",
    "/t/{key}/cost/playbooks": "303 200 200 200 404 200 200 403 403 200",
    "/t/{key}/cost/playbooks/{report}": "303 404 404 404 404 404 404 403 403 404",
    "/t/{key}/cost/suppressions": "303 403 200 403 404 200 200 403 403 200",
    "/t/{key}/cost/thresholds": "303 403 403 403 404 200 200 403 403 200",
    "/t/{key}/cost/detectors": "303 403 403 403 404 200 200 403 403 200",
    "/t/{key}/cost/detectors/back-tests/{report}": "303 403 403 403 404 404 404 403 403 404",
    "/t/{key}/cost/budgets": "303 200 200 403 404 200 200 403 403 200",
    "/t/{key}/cost/figures": "303 200 200 200 404 200 200 403 403 200",
    "/t/{key}/cost/spending": "303 200 200 200 404 200 200 403 403 200",
    "/t/{key}/cost/spending/compute/EUR/2026-07-01": "303 200 200 200 404 200 200 403 403 200",
    "/t/{key}/cost/metrics": "303 200 200 200 404 200 200 403 403 200",
    "/t/{key}/approvals": "303 403 200 200 404 200 200 403 200 200",
    "/t/{key}/approvals/{report}": "303 403 404 404 404 404 404 403 404 404",
    "/t/{key}/break-glass": "303 403 200 200 404 200 200 403 200 200",
    "/t/{key}/break-glass/{report}": "303 403 404 404 404 404 404 403 404 404",
    "/t/{key}/webhooks": "303 403 200 403 404 200 403 403 403 200",
    "/t/{key}/webhooks/{report}": "303 403 404 403 404 404 403 403 403 404",
    "/t/{key}/deliveries": "303 403 200 403 404 200 403 403 403 200",
    "/t/{key}/deliveries/{report}": "303 403 404 403 404 404 403 403 403 404",
    "/t/{key}/receipts": "303 200 200 200 404 200 200 200 200 200",
    "/t/{key}/receipts/{receipt}": "303 200 200 200 404 200 200 200 200 200",
    "/t/{key}/receipts/{receipt}/envelope": "303 200 200 200 404 200 200 200 200 200",
    "/t/{key}/receipts/{receipt}/proof": "303 200 200 200 404 200 200 200 200 200",
    "/compliance": "303 403 403 403 403 200 200 403 200 200",
    "/t/{key}/compliance": READERS,
    "/t/{key}/compliance/{report}/compliance.json": NONE_YET,
    "/t/{key}/compliance/imports/{report}": NONE_YET,
    "/t/{key}/compliance/{report}": NONE_YET,
    "/t/{key}/access-review": "303 403 200 403 404 403 403 403 200 200",
    "/t/{key}/account": "303 403 403 403 404 403 200 403 403 200",
    "/t/{key}/qbr": READERS,
    "/t/{key}/qbr/drafts/2026-Q2": "303 403 403 403 404 403 404 403 403 404",
    "/t/{key}/qbr/{report}": NONE_YET,
    "/t/{key}/qbr/{report}/draft": "303 403 403 403 404 403 404 403 403 404",
    "/t/{key}/qbr/{report}/internal.csv": "303 403 403 403 404 403 404 403 403 404",
    "/t/{key}/qbr/{report}/internal.json": "303 403 403 403 404 403 404 403 403 404",
    "/t/{key}/qbr/{report}/internal.pdf": "303 403 403 403 404 403 404 403 403 404",
    "/t/{key}/qbr/{report}/internal.pptx": "303 403 403 403 404 403 404 403 403 404",
    "/t/{key}/trust": READERS,
    "/t/{key}/trust/preview": "303 403 403 403 404 403 200 403 403 200",
    "/t/{key}/trust/notes": READERS,
    "/t/{key}/trust/{report}": NONE_YET,
    "/t/{key}/trust-policy": "303 200 200 200 404 200 200 200 200 200",
}


def address(path: str, customer: Customer) -> str:
    return path.format(
        key=customer.key, report=customer.report, export=customer.export, receipt=customer.receipt
    )


@pytest.mark.parametrize("who", PEOPLE)
async def test_everybody_gets_exactly_the_pages_of_their_role(portal: Portal, who: str):
    column = PEOPLE.index(who)
    got = {}
    async with portal.browser(None if who == "nobody" else who) as browser:
        for path in EXPECTED:
            got[path] = (await browser.get(address(path, portal.world.aurora))).status_code
    assert got == {path: int(row.split()[column]) for path, row in EXPECTED.items()}


async def test_whatever_an_auditor_opens_stands_in_the_customers_access_log(portal: Portal):
    customer, column, untraced = portal.world.aurora, PEOPLE.index("auditor"), []
    looks = text("SELECT count(*) FROM access_log WHERE tenant_id = :t AND at = :now AND what <> 'tenant'")
    async with portal.browser("auditor") as browser:
        for path, statuses in EXPECTED.items():
            if not path.startswith("/t/{key}") or statuses.split()[column] != "200":
                continue
            portal.clock.advance(timedelta(minutes=1))
            await browser.get(address(path, customer))
            async with portal.house.storage.read(TenantScope(customer.id)) as session:
                asked = {"t": customer.id, "now": portal.clock.now()}
                if not (await session.execute(looks, asked)).scalar():
                    untraced.append(path)
    assert untraced == []


def test_the_table_names_every_page_there_is():
    served = {
        route.path.replace("{tenant}", "{key}").replace(":uuid}", "}").replace(":str}", "}")
        for route in ROUTES
        if "GET" in (route.methods or ())
    }
    asked = {
        path.replace("/unknown", "/{secret}")
        .replace("/2026.1", "/{version}")
        .replace("/2026-06", "/{period}")
        .replace("/compliance/{report}/compliance.json", "/compliance/{evaluation}/{name}")
        .replace("/compliance/{report}", "/compliance/{evaluation}")
        .replace("/compliance/imports/{report}", "/compliance/imports/{import}")
        .replace("/2026-Q2", "/{period}")
        .replace("/spending/compute/EUR/2026-07-01", "/spending/{subsystem}/{currency}/{day}")
        .replace("report.json", "{name}")
        .replace("report.pdf", "{name}")
        .replace("/integrations/pagerduty/none", "/integrations/{kind}/{name}")
        .replace("/incidents/{report}", "/incidents/{incident}")
        .replace("/actions/{report}", "/actions/{action}")
        .replace("/versions/1", "/versions/{version:int}")
        .replace("/t/{key}/postmortems/{report}", "/t/{key}/postmortems/{copy}")
        .replace("/postmortems/{report}", "/postmortems/{postmortem}")
        .replace("/anomalies/{report}", "/anomalies/{anomaly}")
        .replace("/events/part", "/events/{figure}")
        .replace("/{figure}/comparable", "/{figure}/{hours}")
        .replace("/notifications/{report}", "/notifications/{notification}")
        .replace("/webhooks/{report}", "/webhooks/{webhook}")
        .replace("/deliveries/{report}", "/deliveries/{delivery}")
        .replace("/spending/compute/EUR/2026-07-01", "/spending/{subsystem}/{currency}/{day}")
        .replace("/playbooks/{report}", "/playbooks/{run}")
        .replace("/back-tests/{report}", "/back-tests/{test}")
        .replace("/qbr/{report}", "/qbr/{qbr}")
        .replace("/break-glass/{report}", "/break-glass/{grant}")
        .replace("/approvals/{report}", "/approvals/{request}")
        .replace("/calculations/{report}", "/calculations/{calculation}")
        .replace("/credits/{report}", "/credits/{credit}")
        .replace("/exclusions/{report}", "/exclusions/{exclusion}")
        .replace("/schemas/trustportal.sli.measured.v1", "/schemas/{name}")
        for path in EXPECTED
    }
    assert asked == served
