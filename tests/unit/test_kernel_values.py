"""Ratios, canonical JSON, ids, cursors, clocks and settings."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.errors import InvalidInput
from trust_portal.kernel.canonical import MAX_SAFE_INTEGER, canonical, digest
from trust_portal.kernel.clock import ManualClock, rfc3339
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import PageRequest, decode_cursor, encode_cursor
from trust_portal.kernel.ratio import truncated_percent
from trust_portal.settings import load_settings

URLS = {"DATABASE_URL": "postgresql+asyncpg:///x", "REDIS_URL": "redis://x"}


@pytest.mark.parametrize(
    ("good", "total", "digits", "text"),
    [
        (43_157, 43_200, 6, "99.900462"),
        (9_989_999, 10_000_000, 2, "99.89"),
        (999_999, 1_000_000, 2, "99.99"),
        (999, 1000, 1, "99.9"),
        (1, 1, 0, "100"),
        (0, 7, 3, "0.000"),
    ],
)
def test_a_percentage_is_cut_and_never_rounded(good: int, total: int, digits: int, text: str) -> None:
    assert truncated_percent(Fraction(good, total), digits) == text


@given(value=st.fractions(0, 2), digits=st.integers(0, 9))
def test_a_printed_percentage_never_says_more_than_was_attained(value: Fraction, digits: int) -> None:
    printed = Fraction(truncated_percent(value, digits)) / 100
    assert printed <= value < printed + Fraction(1, 10**digits)


def test_canonical_json_sorts_by_utf_16_and_spends_no_space() -> None:
    assert canonical({"b": [1, True, None], "a": "é", "\U0001f600": 1, "\ufb33": 2}) == (
        '{"a":"é","b":[1,true,null],"\U0001f600":1,"\ufb33":2}'.encode()
    )


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        {"a": [0.5]},
        MAX_SAFE_INTEGER + 1,
        -MAX_SAFE_INTEGER - 1,
        {"a": object()},
        {1: "a"},
        "\ud800",
        b"a",
        {"a": {1}},
        datetime(2026, 7, 1, tzinfo=UTC),
    ],
)
def test_what_a_signed_document_may_not_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical(value)  # type: ignore[arg-type]


def test_a_refused_float_is_named_by_its_path() -> None:
    with pytest.raises(ValueError, match=r"\$\.slas\[1\]\.percent"):
        canonical({"slas": [{}, {"percent": 99.9}]})


leaves = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(documents)
def test_canonical_bytes_read_back_and_stay_the_same(value: object) -> None:
    data = canonical(value)  # type: ignore[arg-type]
    assert json.loads(data) == value
    assert canonical(json.loads(data)) == data
    assert digest(value) == digest(json.loads(data))  # type: ignore[arg-type]


@given(documents)
def test_canonical_bytes_are_those_of_the_reference(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "character", [*map(chr, range(0x20)), '"', "\\", "/", "\x7f", "\u2028", "\U0001f600"]
)
def test_every_escape_is_that_of_the_reference(character: str) -> None:
    for value in (character, {character: character}, {"a": [character * 2]}):
        assert canonical(value) == rfc8785.dumps(value)


def test_ids_are_version_7_and_sort_by_their_time() -> None:
    ids = [new_id(now_ms=moment) for moment in (1, 2, 2**48 - 1)]
    assert ids == sorted(ids)
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert ids[1].int >> 80 == 2
    assert len({new_id(now_ms=1) for _ in range(1000)}) == 1000


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1f")), min_size=1, max_size=3
    )
)
def test_a_cursor_reads_back(parts: list[str]) -> None:
    assert decode_cursor(encode_cursor(*parts), len(parts)) == tuple(parts)


@pytest.mark.parametrize(
    "cursor", ["!", "é", "abc", "AAAA", "a" * 5, encode_cursor("one"), encode_cursor("a", "b", "c")]
)
def test_a_damaged_or_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_cursor(cursor, 2)
    assert caught.value.field == "cursor"


@pytest.mark.parametrize("size", [0, -1, 101])
def test_a_page_has_one_to_a_hundred_rows(size: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 100"):
        PageRequest(size)


def test_a_page_goes_one_way() -> None:
    with pytest.raises(InvalidInput, match="not both"):
        PageRequest(after="a", before="b")


def test_an_instant_is_printed_in_utc_with_z() -> None:
    denver = timezone(timedelta(hours=-6))
    assert rfc3339(datetime(2026, 7, 1, 0, 0, tzinfo=denver)) == "2026-07-01T06:00:00Z"
    assert rfc3339(datetime(2026, 7, 1, 0, 0, 0, 500_000, tzinfo=UTC)) == "2026-07-01T00:00:00.500000Z"
    with pytest.raises(ValueError, match="time zone"):
        rfc3339(datetime(2026, 7, 1))


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(datetime(2026, 7, 1, tzinfo=UTC))
    assert clock.now() == clock.now()
    clock.advance(timedelta(minutes=1))
    assert clock.now() == datetime(2026, 7, 1, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("missing", URLS)
def test_a_missing_setting_is_named(missing: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_settings({name: value for name, value in URLS.items() if name != missing})
    assert caught.value.field == missing


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "ftp://x"),
        ("BASE_URL", "portal.example"),
        ("DEMO", "perhaps"),
        ("SESSION_IDLE", "8h"),
        ("SESSION_IDLE", "-1"),
        ("MAX_BODY_BYTES", "many"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_malformed_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_settings({**URLS, name: value})
    assert caught.value.field == name


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("DATABASE_LOCATION", "none", "a database lies somewhere: only backups can be none"),
        ("DATABASE_LOCATION", "Germany, None", "a database lies somewhere: only backups can be none"),
        ("BACKUP_LOCATION", "Germany, none", "where backups are kept nowhere, none stands alone"),
    ],
)
def test_only_backups_lie_nowhere_and_then_nowhere_else(name: str, value: str, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_settings({**URLS, name: value})
    assert (caught.value.field, caught.value.message) == (name, f"{name}: {why}")
    settings = load_settings({**URLS, "DATABASE_LOCATION": "Germany, EU", "BACKUP_LOCATION": " None "})
    assert (settings.database_location, settings.backup_location) == (("Germany", "EU"), ("none",))


def test_everything_that_is_wrong_with_the_settings_is_said_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        load_settings({"BASE_URL": "ftp://x", "LOG_FORMAT": "xml"})
    assert caught.value.message == (
        "set DATABASE_URL and REDIS_URL, or use `trust-portal up`, which brings its own servers; "
        "BASE_URL: 'ftp://x' is no http(s) URL; LOG_FORMAT: 'xml' is neither json nor console"
    )


def test_settings_are_read_once_into_their_types() -> None:
    settings = load_settings(
        {
            **URLS,
            "KEY_FILE": "/keys",
            "BASE_URL": "https://trust.example:8443/",
            "SESSION_IDLE": "60",
            "DEMO": "1",
        }
    )
    assert settings.key_file == Path("/keys")
    assert settings.origin == "https://trust.example:8443"
    assert settings.session_idle == timedelta(minutes=1)
    assert (settings.secure, settings.demo) == (True, True)


def test_no_secret_is_in_the_printed_settings() -> None:
    urls = {"DATABASE_URL": "postgresql+asyncpg://me:hush@db/x", "REDIS_URL": "redis://:hush@queue"}
    settings = load_settings({**urls, "OIDC_CLIENT_SECRET": "hush"})
    assert "hush" not in repr(settings)
