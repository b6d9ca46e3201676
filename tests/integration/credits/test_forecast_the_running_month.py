"""The forecast: off until somebody turns it on, for the vendor's people only, and counted from real days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from credit_desk import JULY, Desk, deliver, event, hours, promise

from trust_portal.access.actors import CONSOLE
from trust_portal.errors import Denied, InvalidInput
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.forecast.model import Forecast, SetForecast

ON = SetForecast(True, "operators want to see it coming")


@pytest.fixture
async def july(house: House, desk: Desk, clock: ManualClock) -> None:
    """Sixteen whole days of July, two hours of the second down; it is the seventeenth."""
    await promise(
        house, version="2026.2", effective_from="2026-07-01T00:00:00Z", slice="5m", target="99.5",
        tiers=[{"from": "99.0", "to": "99.5", "credit_percent": "10"}, {"to": "99.0", "credit_percent": "25"}],
    )  # fmt: skip
    clock.advance(datetime(2026, 7, 17, 15, tzinfo=UTC) - clock.now())
    await hours(house, 16, {2: 2})


async def seen(house: House, desk: Desk, who: str = "olive") -> Forecast | None:
    return await house.forecasts.of_tenant(desk.by(who), desk.tenant.id)


async def test_off_nobody_sees_it_and_who_turned_it_on_is_on_record(house: House, desk: Desk, july: None):
    assert await seen(house, desk) is None
    assert await house.forecasts.flag(desk.by("olive")) is None
    flag = await house.forecasts.set(ON, desk.by("finn"))
    assert (flag.revision, flag.enabled, flag.set_by) == (1, True, "Finn")
    assert await house.forecasts.set(ON, desk.by("olive")) == flag, "as it stands already"
    filed = await house.archive.receipt(desk.by("olive"), VENDOR_ID, flag.receipt_id)
    stated = filed.statement["predicate"]
    assert (filed.receipt.kind, stated["rationale"]) == ("flag.changed", ON.reason)
    assert stated["result"] == {"flag": "credit_forecast", "revision": "1", "enabled": True}
    assert await seen(house, desk) is not None
    await house.forecasts.set(SetForecast(False, "enough"), desk.by("finn"))
    assert await seen(house, desk) is None


async def test_it_counts_what_is_left_of_the_budget_and_how_likely_it_is_gone_by_the_end(
    house: House, desk: Desk, july: None
):
    await house.forecasts.set(ON, desk.by("finn"))
    made = await seen(house, desk)
    assert made is not None
    (sla,) = made.slas
    assert (made.period, made.contract_version, str(made.credit)) == ("2026-07", "2026.2", "100.00 EUR")
    assert sla.attained is not None
    # Two of 384 hours so far.
    assert (sla.attained.value.numerator, sla.attained.value.denominator, sla.met) == (191, 192, False)
    outlook = sla.outlook
    assert outlook is not None
    # 0.5 % of 31 days are 223 minutes; a bad day takes 120, so the first one more is one too many.
    assert (outlook.budget, outlook.used, outlook.left, outlook.days_left) == (223, 120, 103, 15)
    assert outlook.days_behind == 16
    assert outlook.likelihood == pytest.approx(1 - (15 / 16) ** 15, abs=1e-12)


async def test_more_downtime_never_lowers_what_it_says(house: House, desk: Desk, july: None):
    await house.forecasts.set(ON, desk.by("finn"))
    before = await seen(house, desk)
    again = [
        event(
            "sli.measured",
            f"july-{number}-again",
            {
                "tenant": "acme", "objective": "api", "total": 100, "good": 0,
                "correction_of": f"july-{number}",
            },
            JULY + timedelta(minutes=5 * number),
        )
        for number in range(576, 600)
    ]  # fmt: skip
    await deliver(house, again)
    after = await seen(house, desk)
    assert before is not None
    assert after is not None
    assert (before.slas[0].outlook.likelihood, after.slas[0].outlook.likelihood) == (
        pytest.approx(1 - (15 / 16) ** 15, abs=1e-12),
        1.0,
    )
    assert before.credit is not None
    assert after.credit is not None
    assert before.credit.minor <= after.credit.minor


async def test_with_too_few_days_or_a_gap_it_says_so(house: House, desk: Desk, clock: ManualClock):
    await promise(house, version="2026.2", effective_from="2026-07-01T00:00:00Z", slice="5m")
    await house.forecasts.set(ON, desk.by("finn"))
    await hours(house, 9, {})
    made = await seen(house, desk)
    assert made is not None
    assert made.slas[0].outlook is not None
    assert (made.slas[0].outlook.likelihood, made.slas[0].outlook.days_behind) == (None, 9)
    clock.advance(timedelta(days=2))
    made = await seen(house, desk)
    assert made is not None
    assert (made.credit, made.slas[0].attained, made.slas[0].outlook) == (None, None, None)
    assert [each.code for each in made.slas[0].findings] == ["MISSING_DATA"]


async def test_a_contract_that_has_ended_is_looked_at_up_to_its_end(
    house: House, desk: Desk, clock: ManualClock
):
    await promise(
        house, version="2026.2", effective_from="2026-07-01T00:00:00Z", effective_to="2026-07-15T00:00:00Z",
        slice="5m", target="99.5",
    )  # fmt: skip
    clock.advance(datetime(2026, 7, 20, 15, tzinfo=UTC) - clock.now())
    # A day and a half of outage after the end; the days from the 17th on are not measured at all.
    await hours(house, 16, {2: 1, 15: 24, 16: 12})
    await house.forecasts.set(ON, desk.by("finn"))
    made = await seen(house, desk)
    assert made is not None
    (sla,) = made.slas
    assert (sla.until, sla.findings) == (datetime(2026, 7, 15, tzinfo=UTC), ())
    assert sla.attained is not None
    # One of fourteen times 24 hours.
    assert (sla.attained.value.numerator, sla.attained.value.denominator, sla.met) == (335, 336, True)
    outlook = sla.outlook
    assert outlook is not None
    assert (outlook.budget, outlook.used, outlook.days_left, outlook.days_behind) == (100, 60, 0, 14)
    assert outlook.likelihood == 0.0


async def test_the_month_runs_by_the_contracts_own_clock(house: House, desk: Desk, clock: ManualClock):
    await promise(
        house, version="2026.2", effective_from="2026-07-01T00:00:00Z", slice="5m", time_zone="America/Denver"
    )
    # The last evening of July in Denver.
    clock.advance(datetime(2026, 8, 1, 3, tzinfo=UTC) - clock.now())
    await hours(house, 31, {2: 1})
    await house.forecasts.set(ON, desk.by("finn"))
    made = await seen(house, desk)
    assert made is not None
    (sla,) = made.slas
    assert (made.period, sla.until) == ("2026-07", datetime(2026, 7, 31, 6, tzinfo=UTC))
    assert sla.attained is not None
    assert sla.attained.value == 1 - Fraction(1, 30 * 24)


async def test_customers_never_see_it_nor_switch_it(house: House, desk: Desk, july: None):
    await house.forecasts.set(ON, desk.by("finn"))
    for act in (
        seen(house, desk, "carla"),
        house.forecasts.flag(desk.by("carla")),
        house.forecasts.set(SetForecast(False, "not for me"), desk.by("carla")),
        house.forecasts.set(SetForecast(False, "not mine"), desk.by("fay")),
        house.forecasts.of_tenant(CONSOLE, desk.tenant.id),
    ):
        with pytest.raises(Denied):
            await act
    with pytest.raises(InvalidInput):
        SetForecast(True, " ")
    flag = await house.forecasts.flag(desk.by("olive"))
    assert flag is not None
    assert flag.revision == 1
