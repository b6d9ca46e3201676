"""Rows of real and made-up FOCUS exports, read exactly."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.cost.metering.focus_files import read_rows
from trust_portal.cost.metering.focus_mapping import TenantFrom, load_mapping
from trust_portal.cost.metering.focus_rows import Unmappable, read_charge
from trust_portal.errors import InvalidInput

SAMPLES = Path(__file__).parents[3] / "data" / "focus"
BY_UNIT = load_mapping().with_tenant_from("tag:business_unit")
LATER = datetime(2030, 1, 1, tzinfo=UTC)

ROW = {
    "BilledCost": "10.00",
    "EffectiveCost": "7.50",
    "BillingCurrency": "USD",
    "ChargePeriodStart": "2024-09-01T00:00:00Z",
    "ChargePeriodEnd": "2024-09-01T01:00:00Z",
    "ServiceCategory": "Compute",
    "ServiceName": "Virtual Machines",
    "ProviderName": "Cloud Inc",
    "BillingAccountId": "42",
    "Tags": '{"business_unit": "acme"}',
}


def charge(**changes):
    row = {name: value for name, value in {**ROW, **changes}.items() if value is not None}
    return read_charge(row, BY_UNIT)


def test_a_published_sample_is_placed_to_the_last_digit_and_the_rest_is_named():
    costs: dict[str, Decimal] = {}
    reasons: Counter[str] = Counter()
    billed = Decimal(0)
    for row in read_rows(SAMPLES / "focus_sample.csv"):
        try:
            found = read_charge(row, BY_UNIT)
        except Unmappable as error:
            reasons[error.code] += 1
            continue
        billed += Decimal(row["BilledCost"])
        for event in found.events(LATER):
            costs[found.subsystem] = costs.get(found.subsystem, Decimal(0)) + Decimal(event["data"]["cost"])

    assert set(reasons) == {"NO_TENANT", "NO_SUBSYSTEM"}
    assert sum(costs.values()) == billed
    assert set(costs) == {"compute", "storage", "egress", "adapters"}


#: What each version added to, or took the place of, the columns that are read here (Parquet and CSV alike).
VERSIONS = {
    "1.0": {"ProviderName": "Cloud Inc", "PublisherName": "Cloud Inc", "InvoiceIssuerName": "Cloud Inc"},
    "1.1": {"ProviderName": "Cloud Inc", "ServiceSubcategory": "Virtual Machines", "SkuMeter": "Hours"},
    "1.2": {"ProviderName": "Cloud Inc", "InvoiceId": "I-1", "BillingAccountType": "Account",
            "PricingCurrency": "USD"},
    "1.3": {"ServiceProviderName": "Cloud Inc", "HostProviderName": "Metal Ltd", "InvoiceIssuerName": "Sales GmbH"},
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_every_version_is_read_from_either_kind_of_file(tmp_path, version, kind):
    row = {name: value for name, value in ROW.items() if name != "ProviderName"} | VERSIONS[version]
    path, frame = tmp_path / f"export.{kind}", pl.DataFrame([row])
    if kind == "csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    (read,) = read_rows(path)
    (event,) = read_charge(read, BY_UNIT).events(LATER)

    assert event["source"] == "focus:Cloud%20Inc/42"
    assert event["time"] == "2024-09-01T00:00:00Z"
    assert {name: event["data"][name] for name in ("tenant", "subsystem", "cost", "currency")} == {
        "tenant": "acme", "subsystem": "compute", "cost": "10", "currency": "USD",
    }  # fmt: skip


def test_dates_of_a_spreadsheet_are_refused_rather_than_guessed():
    mapping = load_mapping().with_tenant_from("column:BillingAccountId")
    row = next(read_rows(SAMPLES / "saas_spend_agreements_a1.csv"))

    with pytest.raises(Unmappable, match="ISO 8601") as refused:
        read_charge({**row, "ServiceCategory": "Databases"}, mapping)

    assert refused.value.code == "BAD_TIME"


@given(st.decimals(-(10**6), 10**6, places=12, allow_nan=False), st.integers(1, 800))
def test_a_charge_is_spread_over_its_hours_and_adds_up(cost, hours):
    start = datetime(2024, 9, 1, tzinfo=UTC)
    found = charge(BilledCost=str(cost), ChargePeriodEnd=(start + timedelta(hours=hours)).isoformat())

    parts = [Decimal(event["data"]["cost"]) for event in found.events(LATER)]

    assert sum(parts) == cost
    assert len(parts) == hours
    assert max(parts) - min(parts) <= Decimal("1e-12")


def test_hours_to_come_wait():
    found = charge(ChargePeriodEnd="2024-10-01")

    assert found.hours == 720
    assert len(list(found.events(datetime(2024, 9, 1, 9, 30, tzinfo=UTC)))) == 10


def test_a_correction_is_a_charge_of_the_period_it_corrects():
    found = charge(ChargeClass="Correction", BilledCost="-2.61370000000", ConsumedQuantity="-3")
    (event,) = found.events(LATER)

    assert found.is_correction
    assert event["data"]["cost"] == "-2.6137"
    assert (event["data"]["quantity"], event["data"]["labels"]["quantity"]) == (0.0, "-3")
    assert "correction_of" not in event["data"]


def test_a_restated_row_is_the_same_row():
    restated = charge(
        BilledCost="10.01", EffectiveCost="1", ConsumedQuantity="7", ListUnitPrice="2", InvoiceId="I-1",
        ChargeDescription="$2.00 an hour",
    )  # fmt: skip

    assert restated.key == charge().key
    assert restated.source == charge().source == "focus:Cloud%20Inc/42"


@pytest.mark.parametrize(
    "change",
    [
        {"ChargePeriodEnd": "2024-09-01T02:00:00Z"},
        {"ResourceId": "vm-2"},
        {"SkuPriceId": "P-2"},
        {"ChargeClass": "Correction"},
        {"BillingCurrency": "EUR"},
        {"Tags": '{"business_unit": "acme", "team": "a"}'},
        {"Tags": '{"business_unit": "globex"}'},
    ],
)
def test_a_charge_for_something_else_is_another_row(change):
    assert charge(**change).key != charge().key


def test_rows_alike_in_what_they_are_for_are_told_apart_by_their_order():
    ids = [next(charge().events(LATER, nth=nth))["id"] for nth in range(3)]

    assert ids == [charge().key, f"{charge().key}+1", f"{charge().key}+2"]


def test_typed_parquet_and_csv_make_the_same_events(tmp_path):
    text = {
        **ROW, "SubAccountId": "51738928782", "ConsumedQuantity": "-3.000", "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": "2024-09-01 02:00:00+02:00", "BillingPeriodStart": "2024-09-01",
        "Tags": '{"team": "a", "business_unit": "acme"}',
    }  # fmt: skip
    typed = {
        **text, "BilledCost": Decimal("10.0000000000"), "EffectiveCost": 7.5, "SubAccountId": 51738928782,
        "ConsumedQuantity": -3.0, "ChargePeriodStart": datetime(2024, 9, 1),
        "ChargePeriodEnd": datetime(2024, 9, 1, 1, tzinfo=UTC), "BillingPeriodStart": datetime(2024, 9, 1),
        "BillingAccountId": 42,
        "Tags": [{"key": "business_unit", "value": "acme"}, {"key": "team", "value": "a"}],
    }  # fmt: skip
    pl.DataFrame([text]).write_csv(tmp_path / "export.csv")
    pl.DataFrame([typed]).write_parquet(tmp_path / "export.parquet")

    from_csv, from_parquet = (
        list(read_charge(row, BY_UNIT).events(LATER))
        for kind in ("csv", "parquet")
        for row in read_rows(tmp_path / f"export.{kind}")
    )

    assert from_csv == from_parquet


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Tags": None}, "NO_TENANT"),
        ({"Tags": "not json"}, "NO_TENANT"),
        ({"Tags": '{"business_unit": " "}'}, "NO_TENANT"),
        ({"ServiceCategory": "Security"}, "NO_SUBSYSTEM"),
        ({"ServiceCategory": None}, "NO_SUBSYSTEM"),
        ({"BilledCost": None}, "NO_COST"),
        ({"BilledCost": "$10,000.00"}, "BAD_NUMBER"),
        ({"BilledCost": "NaN"}, "BAD_NUMBER"),
        ({"BilledCost": "1e15"}, "BAD_NUMBER"),
        ({"BilledCost": "1e999999999"}, "BAD_NUMBER"),
        ({"ConsumedQuantity": "many"}, "BAD_NUMBER"),
        ({"ChargePeriodStart": "4/1/25"}, "BAD_TIME"),
        ({"ChargePeriodStart": "0001-01-01T00:00:00+23:59"}, "BAD_TIME"),
        ({"ChargePeriodEnd": "2024-08-31"}, "BAD_PERIOD"),
        ({"ChargePeriodEnd": "2034-08-31"}, "BAD_PERIOD"),
    ],
)
def test_what_cannot_be_placed_says_why(changes, code):
    with pytest.raises(Unmappable) as refused:
        charge(**changes)

    assert refused.value.code == code


def test_more_digits_than_can_be_kept_are_rounded_and_said_so():
    assert charge(BilledCost="0.0000000000125").rounded
    assert charge(BilledCost="0.0000000000125").cost == Decimal("0.000000000012")
    assert not charge(BilledCost="1.230000000000000000").rounded


def test_an_operator_chooses_the_amount_and_the_categories(tmp_path):
    path = tmp_path / "mapping.yaml"
    path.write_text("cost: EffectiveCost\ntenant_from: column:x_Tenant\nsubsystems:\n  security: egress\n")

    found = read_charge({**ROW, "ServiceCategory": "Security", "x_Tenant": "globex"}, load_mapping(path))

    assert (found.cost, found.tenant, found.subsystem) == (Decimal("7.50"), "globex", "egress")


def test_a_tenants_name_becomes_its_key(tmp_path):
    path = tmp_path / "mapping.yaml"
    path.write_text("subsystems: {Compute: compute}\ntenants:\n  SunBird: acme\n")
    mapping = load_mapping(path).with_tenant_from("column:SubAccountName")

    names = ["SunBird", "Atlas Orion", "acme", "51738928782"]

    assert [read_charge({**ROW, "SubAccountName": name}, mapping).tenant for name in names] == [
        "acme", "atlas-orion", "acme", "51738928782",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "cost: ListCost\nsubsystems: {}",
        "subsystems:\n  Compute: cpu",
        "subsystems: [Compute]",
        "subsystems: {}\nsub: {}",
        "subsystems: {}\ntenant_from: account",
        "a: [",
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(tmp_path, text):
    path = tmp_path / "mapping.yaml"
    path.write_text(text)

    with pytest.raises(InvalidInput):
        load_mapping(path)


@pytest.mark.parametrize("text", ["", "tag:", "label:x", "business_unit"])
def test_a_place_for_the_tenant_is_a_tag_or_a_column(text):
    with pytest.raises(InvalidInput, match="neither"):
        TenantFrom.parse(text)


def test_parquet_says_what_csv_says(tmp_path):
    path = tmp_path / "export.parquet"
    frame = pl.DataFrame(
        {
            "BilledCost": [Decimal("0.00000080000"), None],
            "BillingCurrency": ["USD", "USD"],
            "ChargePeriodStart": [datetime(2024, 9, 18, 22), datetime(2024, 9, 18, 22)],
            "ChargePeriodEnd": [datetime(2024, 9, 18, 23), datetime(2024, 9, 18, 23)],
            "ServiceCategory": ["Storage", "Storage"],
            "Tags": [[{"key": "business_unit", "value": "acme"}], None],
        }
    )
    frame.write_parquet(path)

    first, second = read_rows(path)
    (event,) = read_charge(first, BY_UNIT).events(LATER)

    assert event["time"] == "2024-09-18T22:00:00Z"
    assert event["data"]["cost"] == "0.0000008"
    assert event["data"]["tenant"] == "acme"
    assert "BilledCost" not in second


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PAR1 but no more", b"\xff\xfe\x00"])
def test_a_file_that_is_no_export_is_refused(tmp_path, content):
    path = tmp_path / "export"
    path.write_bytes(content)

    with pytest.raises(InvalidInput):
        list(read_rows(path))


def test_a_damaged_parquet_file_over_which_its_reader_panics_is_refused(tmp_path):
    file = tmp_path / "focus.parquet"
    columns = ("BillingCurrency", "ChargePeriodStart", "ServiceCategory")
    pl.DataFrame({name: ["a"] * 4 for name in columns}).write_parquet(file)
    damaged = bytearray(file.read_bytes())
    damaged[41] ^= 0x7F
    file.write_bytes(damaged)
    with pytest.raises(InvalidInput, match="this file cannot be read"):
        list(read_rows(file))
