"""Two detectors' finds side by side, worked by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from trust_portal.cost.detection.model import Direction
from trust_portal.cost.metering.model import Series
from trust_portal.cost.trials.comparison import Find, Sum, compare

START = datetime(2026, 6, 1, tzinfo=UTC)
COMPUTE, EGRESS = Series("compute", "EUR"), Series("egress", "EUR")


def find(first: int, last: int, excess: str, series: Series = COMPUTE, tenant: int = 1) -> Find:
    hour = timedelta(hours=1)
    return Find(
        UUID(int=tenant), series, Direction.UP, START + first * hour, START + last * hour, Decimal(excess)
    )


def test_finds_are_the_same_thing_when_an_hour_of_a_series_is_in_both() -> None:
    whole, missed, drift = find(0, 5, "10.50"), find(20, 22, "3"), find(40, 41, "2.25", EGRESS)
    first, second, own = find(5, 6, "9"), find(1, 2, "1"), find(19, 19, "4")
    others = find(20, 22, "3", EGRESS), find(20, 22, "3", tenant=2)

    found = compare([whole, missed, drift], [first, second, own, *others])

    assert found.both == ((whole, first),)
    assert found.only_live == (missed, drift)
    assert found.only_shadow == (own, *others)  # the second belongs to the whole as well
    assert found.sums() == {
        "live": Sum(3, {"EUR": Decimal("15.75")}),
        "shadow": Sum(5, {"EUR": Decimal(20)}),
        "both": Sum(1, {"EUR": Decimal("10.50")}),
        "only_live": Sum(2, {"EUR": Decimal("5.25")}),
        "only_shadow": Sum(3, {"EUR": Decimal(10)}),
    }


def test_currencies_are_never_added_up() -> None:
    found = compare([find(0, 1, "1"), find(0, 1, "2", Series("compute", "USD"))], [])

    assert found.sums()["only_live"] == Sum(2, {"EUR": Decimal(1), "USD": Decimal(2)})
    assert found.sums()["shadow"] == Sum(0, {})
