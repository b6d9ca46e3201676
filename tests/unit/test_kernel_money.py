"""Exact amounts in their currency's own units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.errors import InvalidInput
from trust_portal.kernel.money import Money, exponent


@pytest.mark.parametrize(
    ("text", "currency", "minor", "decimal"),
    [
        ("10.01", "EUR", 1001, "10.01"),
        ("10", "EUR", 1000, "10.00"),
        ("-0.05", "USD", -5, "-0.05"),
        ("1500", "JPY", 1500, "1500"),
        ("1500.000", "JPY", 1500, "1500"),
        ("1.234", "KWD", 1234, "1.234"),
        ("0.5", "KWD", 500, "0.500"),
        ("0", "EUR", 0, "0.00"),
    ],
)
def test_an_amount_counts_the_smallest_unit(text: str, currency: str, minor: int, decimal: str) -> None:
    money = Money.parse(text, currency)
    assert (money.minor, money.decimal) == (minor, decimal)


@pytest.mark.parametrize(("currency", "digits"), [("JPY", 0), ("EUR", 2), ("KWD", 3)])
def test_each_currency_has_its_own_exponent(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@pytest.mark.parametrize(("text", "currency"), [("10.001", "EUR"), ("1.5", "JPY"), ("1.2345", "KWD")])
def test_more_digits_than_the_currency_has_are_refused_not_rounded(text: str, currency: str) -> None:
    with pytest.raises(InvalidInput, match="more digits"):
        Money.parse(text, currency)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1e3",
        "1E+999999999",
        "NaN",
        "Infinity",
        "1_000",
        "1,5",
        "+1",
        ".5",
        "5.",
        "--1",
        "١",
        "9" * 400,
    ],
)
def test_only_plain_decimal_numbers_are_amounts(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Money.parse(text, "EUR", field="fee")
    assert caught.value.field == "fee"


def test_an_amount_beyond_the_database_is_refused() -> None:
    assert Money.parse("92233720368547758.07", "EUR").minor == 2**63 - 1
    with pytest.raises(InvalidInput, match="beyond"):
        Money.parse("92233720368547758.08", "EUR")


@pytest.mark.parametrize("currency", ["eur", "EURO", "", "XXZ"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(InvalidInput, match="ISO 4217"):
        Money(1, currency)


@given(minor=st.integers(-(2**63) + 1, 2**63 - 1), currency=st.sampled_from(["JPY", "EUR", "KWD"]))
def test_what_is_printed_reads_back_the_same(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.parse(money.decimal, currency) == money
