"""When a budget burns too fast, when it is used up, and when that is news."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.cost.budgets.alerts import findings, is_news
from trust_portal.cost.budgets.alerts_model import AlertFinding, AlertKind, BudgetAlert, Spending, Spent
from trust_portal.cost.budgets.model import BudgetBook, BudgetRevision

TENANT = UUID(int=1)
HOUR = datetime(2026, 6, 11, 5, tzinfo=UTC)
JUNE = date(2026, 6, 1)
NOTHING = Decimal(0)


def budget(amount: str | None, subsystem: str = "", revision: int = 1, **changes: object) -> BudgetRevision:
    fields: dict[str, object] = {
        "tenant_id": TENANT, "subsystem": subsystem, "currency": "EUR", "revision": revision,
        "amount": None if amount is None else Decimal(amount), "from_month": JUNE, "reason": "agreed",
        "set_at": datetime(2026, 6, 1, tzinfo=UTC), "set_by": "Ada", "receipt_id": UUID(int=9), **changes,
    }  # fmt: skip
    return BudgetRevision(**fields)  # type: ignore[arg-type]


def spending(**subsystems: tuple[object, object, object, object]) -> Spending:
    """By subsystem: within six hours, within a day, what is expected of a day, since the month began."""
    return Spending(
        TENANT, "EUR", HOUR, {name: Spent(*(Decimal(str(each)) for each in row)) for name, row in subsystems.items()}
    )  # fmt: skip


def kinds(found: tuple[AlertFinding, ...]) -> list[tuple[str, str]]:
    return [(each.kind.value, each.budget.subsystem) for each in found]


#: 720 a month is 1 an hour; 3 times that is 18 in six hours, 72 in a day.
EVEN = BudgetBook([budget("720")])


def test_a_budget_of_all_subsystems_burns_by_their_sum_where_no_part_would():
    (found,) = findings(EVEN, spending(compute=(9, 36, 20, 100), egress=(9, 36, 10, 100)), 3.0)

    assert (found.kind, found.spent, found.allowed, found.expected) == (
        AlertKind.BURNING, Decimal(72), Decimal("24.00"), Decimal(30),
    )  # fmt: skip
    assert {name: each.spent for name, each in found.portions.items()} == {
        "compute": Decimal(36),
        "egress": Decimal(36),
    }
    assert (found.start, found.hour) == (HOUR - timedelta(hours=23), HOUR)


@pytest.mark.parametrize(
    ("short", "day", "expected"),
    [("17.999999", "72", "20"), ("18", "71.999999", "20"), ("18", "72", "57.600001")],
    ids=["a calm last quarter of the day", "one wild quarter of a day", "a habit of that much"],
)
def test_one_window_alone_or_an_old_habit_is_no_news(short: str, day: str, expected: str):
    assert findings(EVEN, spending(compute=(short, day, expected, "100")), 3.0) == ()
    assert kinds(findings(EVEN, spending(compute=("18", "72", "57.6", "100")), 3.0)) == [("burning", "")]


def test_of_one_subsystem_only_what_is_used_up_is_said():
    book = BudgetBook([budget("720", "compute"), budget("500", "egress")])
    said = spending(compute=(100, 400, 1, "719.999999"), egress=(0, 0, 0, 500), storage=(9, 9, 9, 9000))
    assert kinds(findings(book, said, 3.0)) == [("used_up", "egress")]
    assert findings(book, said, 3.0)[0].portions.keys() == {"egress"}


def test_a_budget_that_was_withdrawn_or_is_of_another_currency_or_month_is_silent():
    said = spending(compute=(100, 400, 1, 9000))
    for other in (
        [budget("1"), budget(None, revision=2)],
        [budget("1", currency="USD")],
        [budget("1", from_month=date(2026, 7, 1))],
    ):
        assert findings(BudgetBook(other), said, 3.0) == ()


@given(st.lists(st.decimals(0, 10**6, places=6), min_size=1, max_size=4))
def test_the_portions_are_what_was_spent_to_the_last_digit(amounts: list[Decimal]):
    names = ("compute", "egress", "observability", "storage")
    said = Spending(
        TENANT, "EUR", HOUR,
        {name: Spent(each, each, NOTHING, each) for name, each in zip(names, amounts, strict=False)},
    )  # fmt: skip
    for found in findings(BudgetBook([budget("0.01")]), said, 1.0):
        assert sum((each.spent for each in found.portions.values()), NOTHING) == found.spent == sum(amounts)


def known(finding: AlertFinding, *, hours_ago: int = 0, revision: int = 1) -> BudgetAlert:
    return BudgetAlert(
        tenant_id=TENANT, subsystem=finding.budget.subsystem, currency="EUR", kind=finding.kind,
        month=finding.month, start=finding.start, hour=finding.hour - timedelta(hours=hours_ago),
        budget_revision=revision, amount=Decimal(720), spent=finding.spent, allowed=finding.allowed,
        portions=finding.portions, raised_at=finding.hour, receipt_id=UUID(int=8),
    )  # fmt: skip


def test_what_goes_on_burning_is_said_once_a_day_and_what_is_used_up_once_a_month_and_budget():
    burning, used_up = findings(EVEN, spending(compute=(18, 72, 20, 720)), 3.0)

    assert [is_news(burning, [known(burning, hours_ago=n)]) for n in (1, 23, 24)] == [False, False, True]
    assert [is_news(used_up, [known(used_up, hours_ago=n)]) for n in (1, 200)] == [False, False]
    assert is_news(used_up, [known(used_up, revision=2), known(burning)])
