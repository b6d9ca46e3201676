"""What a target reaches, in exact figures: whatever the usage calls it, and in every currency."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from trust_portal.cost.metering.model import Part as UsagePart
from trust_portal.cost.metering.model import Series
from trust_portal.cost.remediation.blast_radius import blast_radius
from trust_portal.cost.remediation.intent import radius

EGRESS = Series("egress", "EUR")
PAUSE = {"flag": "export-v2"}


def used(cost, labels=None, *, subsystem="egress", currency="EUR", operation="export", adapter=None):
    return UsagePart(
        hour=datetime(2026, 6, 1, tzinfo=UTC), series=Series(subsystem, currency), resource="edge",
        operation=operation, region="eu", adapter=adapter, unit="GB", labels=labels or {},
        quantity=Decimal(1), cost=Decimal(cost), events=1,
    )  # fmt: skip


def reached(usage, acted_upon, target=PAUSE, hours=12):
    return blast_radius(usage, target=target, acted_upon=acted_upon, series=EGRESS, hours=hours)


def said(found):
    return radius(SimpleNamespace(blast_radius=found, tenant_name="Acme", currency="EUR"))


@pytest.mark.parametrize("labels", [PAUSE, {"flag": "export-v2=on"}, {"rollout": "export-v2=on"}])
def test_a_paused_ramp_costs_a_day_what_bears_the_flag(labels):
    usage = [used("90.005", labels), used("10", labels, subsystem="compute"), used("50")]
    found = reached(usage, labels)
    assert (found.count, found.cost, found.of_tenant, found.beside) == (
        2, Decimal("100.005"), Decimal("150.005"), Decimal(10),
    )  # fmt: skip
    assert found.per_day == 20_001  # twice 100.005 EUR
    assert [(each.subsystem, each.cost) for each in found.things] == [
        ("egress", Decimal("90.005")),
        ("compute", Decimal(10)),
    ]


def test_a_flag_that_another_dimension_bears_is_reached_too():
    usage = [used("30", operation="export-v2"), used("20", adapter="export-v2"), used("50")]
    found = reached(usage, {"operation": "export-v2"})
    assert (found.cost, found.beside, found.per_day) == (Decimal(50), Decimal(20), 10_000)


def test_the_part_itself_counts_under_whatever_name_it_goes():
    found = reached([used("90", operation="bulk"), used("50")], {"operation": "bulk"})
    assert (found.cost, found.beside, found.per_day) == (Decimal(90), Decimal(0), 18_000)


def test_credits_beside_the_part_do_not_lower_what_limits_count():
    found = reached([used("90", PAUSE), used("-80", PAUSE, subsystem="compute")], PAUSE)
    assert (found.cost, found.beside, found.per_day) == (Decimal(10), Decimal(-80), 18_000)


def test_a_throttle_reaches_what_its_target_covers():
    usage = [used("90", PAUSE), used("50"), used("30", operation="read")]
    found = reached(usage, {"operation": "export", **PAUSE}, target={"operation": "export"}, hours=24)
    assert (found.cost, found.beside, found.of_tenant, found.per_day) == (140, 50, 170, 14_000)


def test_what_is_reached_in_other_currencies_is_stated_and_added_to_nothing():
    usage = [
        used("90", PAUSE), used("7.5", PAUSE, currency="USD"), used("400", PAUSE, currency="JPY"),
        used("4.50", PAUSE, currency="USD", subsystem="compute"), used("1", currency="GBP"),
    ]  # fmt: skip
    found = reached(usage, PAUSE)
    assert found.elsewhere == {"JPY": Decimal(400), "USD": Decimal("12.00")}
    assert (found.cost, found.of_tenant, found.count, found.per_day) == (90, 90, 1, 18_000)
    assert said(found) == (
        "Reaches usage of Acme that cost EUR 90.00 in 12 hours, 100.0% of all it cost: export on edge (egress)."
        " Nothing beside what it is meant for."
        " Also reaches usage that cost JPY 400, USD 12.00, which its limit of money does not count."
    )


def test_without_other_currencies_nothing_is_said_of_them():
    found = reached([used("90", PAUSE), used("1", currency="GBP")], PAUSE)
    assert found.elsewhere == {}
    assert said(found).endswith("Nothing beside what it is meant for.")
