"""A published FOCUS export, through the door, as hours of the tenants it belongs to."""

from __future__ import annotations

import csv
import shutil
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from support.cost_vendor import Vendor

from trust_portal.access.actors import CONSOLE
from trust_portal.cost.metering.focus import FocusOutcome, ImportFocus
from trust_portal.cost.metering.repository import read_hours
from trust_portal.errors import InvalidInput
from trust_portal.storage.tenancy import TenantScope

SAMPLE = Path(__file__).parents[2] / "data" / "focus" / "focus_sample.csv"
UNITS = ("PeoriaData", "TempeAI")
TENANT_FROM = "tag:business_unit"


def rows() -> list[dict[str, str]]:
    with SAMPLE.open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def expected(unit: str) -> dict[str, Decimal]:
    """Sums by subsystem, straight from the file."""
    names = {"Compute": "compute", "Storage": "storage", "Databases": "storage", "Networking": "egress",
             "Integration": "adapters", "AI and Machine Learning": "compute"}  # fmt: skip
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows():
        if f'"business_unit": "{unit}"' in row["Tags"] and row["ServiceCategory"] in names:
            sums[names[row["ServiceCategory"]]] += Decimal(row["BilledCost"])
    return dict(sums)


async def costs(vendor: Vendor, tenant_id) -> dict[str, Decimal]:
    start = datetime(2024, 9, 1, tzinfo=UTC)
    async with vendor.house.storage.read(TenantScope(tenant_id)) as session:
        hours = await read_hours(session, tenant_id, start, start + timedelta(days=31))
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for each in hours:
        sums[each.series.subsystem] += each.cost
    return dict(sums)


async def test_every_row_is_a_tenants_to_the_last_digit_or_listed(vendor: Vendor) -> None:
    tenants = [await vendor.tenant(unit.lower()) for unit in UNITS]

    outcome = await vendor.house.focus.import_file(ImportFocus(SAMPLE, TENANT_FROM), CONSOLE)
    await vendor.house.metering.follow()

    assert outcome.rows == 1000 == outcome.mapped + len(outcome.unmapped)
    assert set(outcome.unmapped_by_code) == {"NO_TENANT", "NO_SUBSYSTEM", "UNKNOWN_TENANT"}
    assert outcome.refused == 0
    for tenant, unit in zip(tenants, UNITS, strict=True):
        assert await costs(vendor, tenant.id) == expected(unit)


async def test_the_same_file_again_changes_nothing(vendor: Vendor, tmp_path: Path) -> None:
    tenant = await vendor.tenant(UNITS[0].lower())
    first = await vendor.house.focus.import_file(ImportFocus(SAMPLE, TENANT_FROM), CONSOLE)
    await vendor.house.metering.follow()
    before = await costs(vendor, tenant.id)
    copy = tmp_path / "again.csv"
    shutil.copy(SAMPLE, copy)

    again = await vendor.house.focus.import_file(ImportFocus(copy, TENANT_FROM), CONSOLE)

    assert (again.accepted, again.duplicates) == (0, first.accepted + first.duplicates)
    assert not await vendor.house.metering.is_behind()
    assert await costs(vendor, tenant.id) == before


async def test_a_correction_comes_on_top_of_what_it_corrects(vendor: Vendor, tmp_path: Path) -> None:
    tenant = await vendor.tenant("acme")
    common = {
        "BillingCurrency": "USD",
        "ChargePeriodStart": "2024-09-02T00:00:00Z",
        "ChargePeriodEnd": "2024-09-03T00:00:00Z",
        "ServiceCategory": "Compute",
        "x_Tenant": "acme",
    }
    frame = pl.DataFrame(
        [
            {**common, "BilledCost": "24.00", "ChargeClass": None},
            {**common, "BilledCost": "-2.40", "ChargeClass": "Correction"},
        ]
    )
    frame.write_parquet(tmp_path / "export.parquet")

    outcome = await vendor.house.focus.import_file(
        ImportFocus(tmp_path / "export.parquet", "column:x_Tenant"), CONSOLE
    )
    await vendor.house.metering.follow()

    assert (outcome.mapped, outcome.corrections, outcome.accepted) == (2, 1, 48)
    assert await costs(vendor, tenant.id) == {"compute": Decimal("21.60")}


async def brought_in(vendor: Vendor, path: Path, *charges: dict[str, object]) -> FocusOutcome:
    """Charges of acme for the second of September, as an export of its own, an hour after the last."""
    vendor.clock.advance(timedelta(hours=1))
    common = {
        "BillingCurrency": "USD",
        "ChargePeriodStart": "2024-09-02T00:00:00Z",
        "ChargePeriodEnd": "2024-09-03T00:00:00Z",
        "ServiceCategory": "Compute",
        "x_Tenant": "acme",
    }
    frame = pl.DataFrame([{**common, **charge} for charge in charges])
    if path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    outcome = await vendor.house.focus.import_file(ImportFocus(path, "column:x_Tenant"), CONSOLE)
    await vendor.house.metering.follow()
    assert not outcome.unmapped
    return outcome


async def test_a_restated_row_replaces_what_it_said_before(vendor: Vendor, tmp_path: Path) -> None:
    tenant = await vendor.tenant("acme")
    told = []
    for number, cost in enumerate(("5.00", "12.00", "12.00", "0", "0", "5.00", "12.00")):
        outcome = await brought_in(vendor, tmp_path / f"{number}.csv", {"BilledCost": cost})
        told.append((outcome.accepted, outcome.restated, outcome.duplicates))
        assert await costs(vendor, tenant.id) == {"compute": Decimal(cost)}

    new, restated, known = (24, 0, 0), (24, 24, 0), (0, 0, 24)
    assert told == [new, restated, known, restated, known, restated, restated]


async def test_a_charge_of_nothing_is_one_hour_until_it_costs_something(
    vendor: Vendor, tmp_path: Path
) -> None:
    tenant = await vendor.tenant("acme")

    free = await brought_in(vendor, tmp_path / "free.csv", {"BilledCost": "0"})
    paid = await brought_in(vendor, tmp_path / "paid.csv", {"BilledCost": "5.00"})

    assert (free.accepted, paid.accepted, paid.restated) == (1, 24, 1)
    assert await costs(vendor, tenant.id) == {"compute": Decimal("5.00")}


async def test_the_same_export_as_parquet_and_as_csv_counts_once(vendor: Vendor, tmp_path: Path) -> None:
    tenant = await vendor.tenant("acme")
    quantity = {"ConsumedQuantity": 0.1, "SubAccountId": 517}

    await brought_in(vendor, tmp_path / "export.csv", {"BilledCost": "5.10", **quantity})
    typed = {"BilledCost": Decimal("5.1000"), "ChargePeriodStart": datetime(2024, 9, 2), **quantity}
    again = await brought_in(vendor, tmp_path / "export.parquet", typed)

    assert (again.accepted, again.duplicates) == (0, 24)
    assert await costs(vendor, tenant.id) == {"compute": Decimal("5.10")}


async def test_rows_of_one_file_that_are_for_the_same_all_count(vendor: Vendor, tmp_path: Path) -> None:
    tenant = await vendor.tenant("acme")

    await brought_in(vendor, tmp_path / "a.csv", *({"BilledCost": cost} for cost in ("1.00", "2.00", "2.00")))
    other = ({"BilledCost": cost} for cost in ("2.00", "1.00", "7.00"))
    again = await brought_in(vendor, tmp_path / "b.csv", *other)

    assert (again.accepted, again.restated, again.duplicates) == (72, 72, 0)
    assert await costs(vendor, tenant.id) == {"compute": Decimal("10.00")}


async def test_a_row_that_is_another_tenants_now_is_refused(vendor: Vendor, tmp_path: Path) -> None:
    acme, globex = await vendor.tenant("acme"), await vendor.tenant("globex")
    await brought_in(vendor, tmp_path / "export.csv", {"BilledCost": "5.00"})
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "tenant_from: column:x_Tenant\nsubsystems: {Compute: compute}\ntenants: {acme: globex}\n"
    )

    outcome = await vendor.house.focus.import_file(
        ImportFocus(tmp_path / "export.csv", mapping=mapping), CONSOLE
    )
    await vendor.house.metering.follow()

    assert (outcome.accepted, outcome.unmapped_by_code) == (0, {"CONFLICT": 1})
    assert await costs(vendor, acme.id) == {"compute": Decimal("5.00")}
    assert await costs(vendor, globex.id) == {}


async def test_a_file_that_is_no_export_stores_nothing(vendor: Vendor, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")

    with pytest.raises(InvalidInput, match="no FOCUS export"):
        await vendor.house.focus.import_file(ImportFocus(path), CONSOLE)

    assert not await vendor.house.metering.is_behind()


def test_the_sample_holds_what_these_tests_need() -> None:
    assert len(rows()) == 1000
    assert Counter(row["BillingCurrency"] for row in rows()) == {"USD": 1000}
    assert all(expected(unit) for unit in UNITS)
