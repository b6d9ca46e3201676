"""Exact amounts in their currency's own units."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.errors import InvalidInput
from trust_portal.kernel.currencies import EXPONENTS
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


@pytest.mark.parametrize(
    ("digits", "currencies"),
    [
        (0, "CLP ISK JPY KRW UGX VND XAF"),
        # Of these CLDR, which is about showing amounts, says 0.
        (2, "AFN ALL EUR IRR KPW LAK LBP MGA MMK RSD SLL SOS SYP USD YER"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    ],
)
def test_each_currency_has_the_exponent_of_iso_4217(digits: int, currencies: str) -> None:
    assert {currency: exponent(currency) for currency in currencies.split()} == dict.fromkeys(
        currencies.split(), digits
    )


def test_an_amount_of_a_currency_that_is_shown_without_digits_still_counts_them() -> None:
    assert Money.parse("1200.50", "RSD").minor == 120_050


def test_the_table_does_not_change_unseen_because_stored_amounts_are_read_by_it() -> None:
    """A code more or less, or another exponent, is a decision; pin it then."""
    table = ",".join(f"{code}{digits}" for code, digits in sorted(EXPONENTS.items()))
    assert (len(EXPONENTS), hashlib.sha256(table.encode()).hexdigest()) == (
        170,
        "93b9fa2b1a8f74f91db92b4e731eeb365dc5c54b3bf15f54c10517a24bb84e77",
    )


@pytest.mark.parametrize("currency", ["DEM", "XXX", "XAU", "XDR", "XTS", "eur", "EURO", ""])
def test_what_is_no_currency_in_use_with_a_minor_unit_is_refused(currency: str) -> None:
    with pytest.raises(InvalidInput, match="no ISO 4217 currency code"):
        Money(1, currency)


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
