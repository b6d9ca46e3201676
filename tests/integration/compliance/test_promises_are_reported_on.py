"""A month that was over before its contract was put on record counts where somebody reported on it all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.learning_world import Vendor
from support.portal_world import CONTRACT, LAST_DAY, NOW, deliver, measured

from trust_portal.access.actors import CONSOLE
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.trust.compliance.model import Evaluate, Party, Result

pytestmark = pytest.mark.takes(seconds=10)

DAY = timedelta(days=1)


async def judged(house: House, tenant_id, party: Party = Party.TENANT) -> Result:
    evaluation = await house.compliance.evaluate(Evaluate(tenant_id, "the auditor asks"), CONSOLE)
    (found,) = [each for each in evaluation.results if (each.control, each.party) == ("sla-reports", party)]
    return found


async def test_a_report_of_a_month_before_the_contract_was_recorded_is_held_to_what_every_other_is(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme, globex = await vendor.customer("acme"), await vendor.customer("globex")
    clock.advance(NOW - clock.now())
    for key in ("acme", "globex"):
        await house.contracts.import_file(ImportContracts(CONTRACT.format(tenant=key).encode()), CONSOLE)
    clock.advance(2 * DAY)
    nothing = await judged(house, acme)
    assert (nothing.state.value, nothing.why) == (
        "not_evaluated",
        "no period has ended yet for which a report is due",
    )

    await deliver(house, measured("acme", LAST_DAY, 3))
    await house.reports.issue(IssueReport(acme, "2026-06"), CONSOLE)
    reported = await judged(house, acme)
    assert (reported.state.value, reported.looked_at, reported.gaps) == ("satisfied", 1, ())
    assert (await judged(house, VENDOR_ID, Party.HOUSE)).looked_at == 1, "of globex nothing was reported"
    assert (await judged(house, globex)).looked_at == 0

    late = measured("acme", LAST_DAY, 9)[8:9]
    await deliver(house, [each | {"id": "late", "source": "//late"} for each in late])
    await house.reports.issue(IssueReport(acme, "2026-06"), CONSOLE)
    overtaken = await judged(house, acme)
    assert [(each.name, each.why) for each in overtaken.gaps] == [
        (
            "2026-06 of acme",
            "data received since revision 1 give other figures, and it was not restated",
        )
    ]
