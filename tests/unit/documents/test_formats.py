"""Values read the same everywhere, and no digit of a signed figure changes on the way."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.documents import formats
from trust_portal.kernel.money import Money


def test_a_percentage_keeps_every_digit_it_was_signed_with():
    assert formats.percent("99.900463") == "99.900463\u00a0%"
    assert formats.percent("100") == "100\u00a0%"
    assert formats.percent("99.990000") == "99.990000\u00a0%"


@pytest.mark.parametrize("text", ["", "99,9", "1e3", "NaN", "99.9%", " 1", "1.", ".5"])
def test_what_is_no_plain_decimal_is_refused_rather_than_guessed(text):
    with pytest.raises(ValueError, match="no decimal number"):
        formats.number(text)


@given(st.integers(min_value=-(10**20), max_value=10**20), st.text("0123456789", max_size=8))
def test_grouping_changes_no_digit(whole, fraction):
    text = f"{whole}.{fraction}" if fraction else str(whole)
    back = formats.number(text).replace(",", "").replace("\u2212", "-")
    assert back == text


def test_money_names_its_currency_first_and_does_not_break():
    assert formats.money("1234567.50", "EUR") == "EUR\u00a01,234,567.50"
    assert formats.money(Money(-1001, "EUR")) == "EUR\u00a0\u221210.01"
    assert formats.money(Money(1001, "JPY")) == "JPY\u00a01,001"


def test_an_instant_reads_in_utc_and_in_the_zone_of_the_contract():
    at = "2026-06-14T22:32:00Z"
    assert formats.instant(at) == "14\u00a0June 2026, 22:32\u00a0UTC"
    assert formats.instant(at, "Europe/Stockholm") == "15\u00a0June 2026, 00:32\u00a0CEST"
    assert formats.instant(at, "America/Sao_Paulo") == "14\u00a0June 2026, 19:32\u00a0UTC\u221203"
    assert formats.instant(datetime(2026, 6, 14, 22, 32, 7, tzinfo=UTC)).endswith("22:32:07\u00a0UTC")


def test_an_instant_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        formats.instant("2026-06-14T22:32:00")


def test_days_and_periods_have_their_usual_names():
    assert formats.short_day("2026-06-14T22:32:00Z", "Europe/Stockholm") == "15\u00a0Jun"
    assert formats.period("2026-06") == "June 2026"
    assert formats.period("2026-Q2") == "Q2 2026"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 min"),
        (43, "43 min"),
        ("72", "1 h 12 min"),
        (43_200, "30 d"),
        (timedelta(seconds=95), "1 min 35 s"),
        (timedelta(days=1, minutes=5), "1 d 5 min"),
    ],
)
def test_a_duration_shows_its_two_largest_units(value, text):
    assert formats.duration(value).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 B"), (999, "999 B"), (1482113, "1.5 MB"), (84_211, "84.2 kB")]
)
def test_a_size_is_decimal(value, text):
    assert formats.size(value).replace("\u00a0", " ") == text


def test_a_digest_is_short_to_the_eye():
    assert formats.digest("sha256:" + "ab" * 32) == "abababababab…"
    assert formats.digest("abcd") == "abcd"
    assert formats.grouped("0123456789abcdef") == "01234567 89abcdef"


def test_a_signed_sentence_is_read_with_its_instants_in_words_and_all_else_as_it_was_signed():
    text = "kept since 2026-11-12T18:30:05.948247Z; of MW-2026-10-1 from 2026-10-05T02:00:00+02:00 on."
    assert formats.with_instants(text).replace("\u00a0", " ") == (
        "kept since 12 November 2026, 18:30:05 UTC; of MW-2026-10-1 from 5 October 2026, 00:00 UTC on."
    )
    assert formats.with_instants("2026-10 and 2026-10-05 stay") == "2026-10 and 2026-10-05 stay"
