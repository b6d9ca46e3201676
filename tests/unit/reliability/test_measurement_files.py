"""Measurement files are read as exact columns or refused naming row and column; the canonical form returns."""

import io

import numpy as np
import polars as pl
import pytest
from sla_months import attained, codes, month, ratio, run

from trust_portal.reliability.attainment.measurements import read_measurements, write_measurements
from trust_portal.reliability.attainment.model import Samples
from trust_portal.reliability.findings import Unusable

JUNE_MINUTE = 29_671_200  # 2026-06-01T00:00Z


def test_csv_with_buckets_several_objectives_and_any_order():
    read = read_measurements(
        b"objective,time,total,good,le_0.250,le_+Inf\r\n"
        b"web,2026-06-01T00:01:00Z,7,7,,\r\n"
        b"api,2026-06-01T02:00:00+02:00,10,9,8,10\r\n"
        b"web,2026-06-01T00:00:00.000Z,5,5,,\r\n"
    )
    assert list(read) == ["web", "api"]
    assert read["web"].minutes.tolist() == [JUNE_MINUTE + 1, JUNE_MINUTE]
    assert (read["api"].minutes.tolist(), read["api"].good.tolist()) == ([JUNE_MINUTE], [9])
    assert {bound: counts.tolist() for bound, counts in read["api"].buckets.items()} == {
        "0.25": [8],
        "+Inf": [10],
    }
    assert not read["web"].buckets


def test_the_canonical_form_reads_back_and_is_the_same_for_every_order():
    samples = month(down=3)
    buckets = {"0.5": samples.good, "+Inf": samples.total}
    data = write_measurements(
        {"web": month(), "api": Samples(samples.minutes, samples.total, samples.good, buckets)}
    )
    assert data.startswith(
        b"objective,time,total,good,le_0.5,le_+Inf\napi,2026-06-01T00:00:00Z,100,0,0,100\n"
    )
    assert write_measurements(read_measurements(data)) == data
    lines = data.splitlines()
    assert write_measurements(read_measurements(b"\n".join([lines[0], *reversed(lines[1:])]))) == data
    assert write_measurements({}) == b"objective,time,total,good\n"
    assert read_measurements(write_measurements({})) == {}


@pytest.mark.parametrize("zoned", [True, False])
def test_parquet_with_timestamps_and_integers(zoned):
    frame = pl.DataFrame(
        {
            "objective": ["api"] * 2,
            "time": pl.Series(np.array([JUNE_MINUTE, JUNE_MINUTE + 1]) * 60_000).cast(
                pl.Datetime("ms", "UTC" if zoned else None)
            ),
            "total": pl.Series([10, 10], dtype=pl.UInt32),
            "good": [10.0, 9.0],
        }
    )
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    (read,) = read_measurements(buffer.getvalue()).values()
    assert (read.minutes.tolist(), read.good.tolist()) == ([JUNE_MINUTE, JUNE_MINUTE + 1], [10, 9])


HEAD = "objective,time,total,good\n"
ROW = "api,2026-06-01T00:00:00Z,10,10\n"


@pytest.mark.parametrize(
    "text, code, where",
    [
        ("", "MEASUREMENTS_MALFORMED", "$"),
        ("objective,time,total\n", "COLUMN_MISSING", "good"),
        ("objective,time,total,good,p95\n", "COLUMN_UNKNOWN", "p95"),
        ("objective,time,total,good,le_fast\n", "COLUMN_UNKNOWN", "le_fast"),
        ("objective,time,total,good,le_0.5,le_0.50\n", "COLUMN_UNKNOWN", "le_0.50"),
        (HEAD + ROW + "api,yesterday,1,1\n", "MEASUREMENT_TIME", "row 3, time"),
        (HEAD + "api,2026-06-01T00:00:00,1,1\n", "MEASUREMENT_TIME", "row 2, time"),
        (HEAD + "api,2026-06-01T00:00:30Z,1,1\n", "MEASUREMENT_TIME", "row 2, time"),
        (HEAD + ROW + "api,2026-06-01T00:01:00Z,ten,1\n", "MEASUREMENT_VALUE", "row 3, total"),
        (HEAD + "api,2026-06-01T00:01:00Z,10,9.5\n", "MEASUREMENT_VALUE", "row 2, good"),
        (HEAD + "api,2026-06-01T00:01:00Z,10,\n", "MEASUREMENT_VALUE", "row 2, good"),
        (HEAD + "api,2026-06-01T00:01:00Z,99999999999999999999,1\n", "MEASUREMENT_VALUE", "row 2, total"),
        (HEAD + ",2026-06-01T00:01:00Z,1,1\n", "MEASUREMENT_OBJECTIVE", "row 2, objective"),
        (HEAD + " ,2026-06-01T00:01:00Z,1,1\n", "MEASUREMENT_OBJECTIVE", "row 2, objective"),
        ("objective,time,total,good,total\n" + ROW, "COLUMN_TWICE", "total"),
        (HEAD + ROW + HEAD + ROW, "MEASUREMENT_TIME", "row 3, time"),
        (HEAD + ROW + "api,2026-06-01T00:01:00Z,1\n", "ROW_RAGGED", "row 3"),
        (HEAD + ROW + "api,2026-06-01T00:01:00Z,1,1,1\n", "ROW_RAGGED", "row 3"),
        (HEAD + ROW + "\n" + ROW, "ROW_RAGGED", "row 3"),
        (HEAD + '"a,b",2026-06-01T00:01:00Z,1,1\n"a,b",2026-06-01T00:01:00Z,1\n', "ROW_RAGGED", "row 3"),
    ],
)
def test_a_bad_file_is_refused_naming_the_place(text, code, where):
    with pytest.raises(Unusable) as refused:
        read_measurements(text.encode())
    assert (refused.value.code, refused.value.findings[0].where) == (code, where)


@pytest.mark.parametrize("data", [b"PAR1 not really", b"\xff\xfe\x00\x01", b'a,b\n"open'])
def test_what_is_no_table_is_refused_without_a_trace(data):
    with pytest.raises(Unusable):
        read_measurements(data)


@pytest.mark.parametrize(
    "data, where, words",
    [
        ((HEAD + ROW).encode("utf-16"), "$", "UTF-16"),
        ((HEAD + ROW).encode("utf-16-le"), "$", "UTF-16"),
        ((HEAD + ROW).encode() + b"caf\xe9,2026-06-01T00:00:00Z,1,1\n", "row 3", "not UTF-8"),
        ((HEAD + ROW + "api,,1,1\n").encode(), "row 3, time", "the cell is empty"),
        ((HEAD + ROW + "api,2026-06-01T00:01:00Z,,1\n").encode(), "row 3, total", "the cell is empty"),
        ((HEAD + ROW + HEAD).encode(), "row 3, time", "the header stands here again"),
        ((HEAD + "api,x\n").encode(), "row 2", "has 2 cells, the header names 4 columns"),
        ((HEAD + ROW + "\r\n" + ROW).encode(), "row 3", "is empty"),
    ],
)
def test_a_refusal_says_the_cause(data, where, words):
    with pytest.raises(Unusable) as refused:
        read_measurements(data)
    (finding,) = refused.value.findings
    assert finding.where == where
    assert words in finding.message


def test_spaces_around_a_name_make_no_other_objective():
    read = read_measurements((HEAD + ROW + " api ,2026-06-01T00:01:00Z,1,1\n\n").encode())
    assert {name: samples.minutes.size for name, samples in read.items()} == {"api": 2}


def test_quoted_names_may_hold_commas():
    read = read_measurements((HEAD + '"a, b",2026-06-01T00:01:00Z,1,1\n').encode())
    assert list(read) == ["a, b"]


def test_whole_numbers_with_a_decimal_point_are_whole_numbers():
    (read,) = read_measurements((HEAD + "api,2026-06-01T00:00:00Z,10.0,9\n").encode()).values()
    assert read.total.tolist() == [10]


def test_an_objective_judged_by_its_bucket_need_not_send_good_but_any_other_must():
    text = "objective,time,total,good,le_0.5\napi,2026-06-01T00:00:00Z,10,,9\n"
    read = read_measurements(text.encode())
    assert write_measurements(read) == text.encode()
    latency = run(read["api"], latency_threshold="0.5", missing_data="up", aggregate="ratio_of_sums")
    assert attained(latency) == ratio(9, 10)
    assert codes(run(read["api"], missing_data="up")) >= {"COUNTS_IMPOSSIBLE"}


def test_a_damaged_parquet_file_over_which_its_reader_panics_is_refused():
    whole = io.BytesIO()
    columns = {"objective": ["a"], "time": ["2026-06-01T00:00:00Z"], "total": ["1"], "good": ["1"]}
    pl.DataFrame(columns).write_parquet(whole)
    damaged = bytearray(whole.getvalue())
    damaged[41] ^= 0x7F
    with pytest.raises(Unusable) as refused:
        read_measurements(bytes(damaged))
    assert refused.value.code == "MEASUREMENTS_MALFORMED"
