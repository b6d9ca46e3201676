"""Amounts on pages: in the currency's digits, exact behind, and what repeats is put together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.cost.explanation.evidence import EventReference, HeavyOperation, Link, LinkKind, Strength
from trust_portal.documents.amounts import rounded, rounded_data
from trust_portal.web.views.cost.meanwhile import entries, marks

AT = datetime(2026, 7, 1, 10, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("exact", "currency", "shown"),
    [
        ("538.934931", "EUR", "EUR\u00a0538.93"),
        ("-5.175", "EUR", "EUR\u00a0\u22125.18"),
        ("237125.193271", "JPY", "JPY\u00a0237,125"),
        ("1.23456", "KWD", "KWD\u00a01.235"),
        ("0.001507", "EUR", "EUR\u00a00.001507"),
        ("0", "EUR", "EUR\u00a00.00"),
    ],
)
def test_an_amount_has_the_digits_of_its_currency_and_what_is_not_zero_is_never_shown_as_zero(
    exact: str, currency: str, shown: str
):
    assert rounded(Decimal(exact), currency) == shown


def test_the_exact_amount_stands_behind_a_rounded_one_and_nothing_behind_an_exact_one():
    assert (
        rounded_data(Decimal("538.934931"), "EUR", code=False)
        == '<data value="538.934931" title="EUR\u00a0538.934931">538.93</data>'
    )
    assert rounded_data(Decimal("594.9"), "EUR", signed=True) == "EUR\u00a0+594.90"


@given(st.decimals(-10_000, 10_000, places=6))
def test_what_is_shown_is_nearer_than_a_minor_unit(value: Decimal):
    shown = rounded(value, "EUR", code=False).replace(",", "").replace("\N{MINUS SIGN}", "-")
    assert abs(Decimal(shown) - value) <= Decimal("0.005")


def _work(n: int, by: str = "u-7", unit: str = "GB") -> tuple[Link, HeavyOperation]:
    reference = EventReference("//test", f"op-{n}")
    at = AT + timedelta(minutes=20 * n)
    return (
        Link(LinkKind.OPERATION, "export on vm-1", at, Strength.STRONG, 0.9 - n / 100, ("ran",), reference),
        HeavyOperation("export", "vm-1", "compute", at, timedelta(minutes=n), Decimal(n), unit, None, by, reference),
    )  # fmt: skip


def test_work_of_one_kind_by_one_principal_is_one_entry_with_its_sums():
    made = [_work(1), _work(2), _work(3, by="u-8"), _work(4, unit="rows"), _work(5)]
    flag = Link(LinkKind.FLAG, "bulk", AT, Strength.WEAK, 0.2, (), EventReference("//test", "flag"))
    listed = entries([*(link for link, _ in made), flag], [operation for _, operation in made])
    assert [(each.letter, each.by, len(each.deeds)) for each in listed] == [
        ("A", "u-7", 4),
        ("B", "u-8", 1),
        ("C", "", 1),
    ]
    (most, *_) = listed
    assert most.quantities == {"GB": Decimal(8), "rows": Decimal(4)}
    assert most.took == timedelta(minutes=12)
    assert (most.first, most.last) == (AT + timedelta(minutes=20), AT + timedelta(minutes=100))
    assert most.link is made[0][0]
    assert [(mark.letter, mark.at.hour, mark.square) for mark in marks(listed)] == [
        ("A", 10, True),
        ("A", 11, True),
        ("B", 11, True),
        ("C", 10, False),
    ]
