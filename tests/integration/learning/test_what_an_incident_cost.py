"""What an incident cost each customer, to the minute and to the last digit; what nobody can know is not zero."""

from __future__ import annotations

import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta

import pytest
from support.cost_world import spike
from support.learning_world import BEGAN, declared, step
from support.postmortem_desk import desk_of
from support.reliability_vendor import Vendor as Measuring
from support.reliability_vendor import event

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.postmortems.gathering import whom
from trust_portal.learning.postmortems.gathering.whom import MOST_CUSTOMERS
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=15)
MIDNIGHT = datetime(2026, 6, 1, tzinfo=UTC)
#: 99.9 % of June: of 43,200 minutes 43 may be down, and a fifth of one.
CONTRACT = b"""\
tenant: contoso
version: "1"
effective_from: 2026-06-01T00:00:00Z
currency: EUR
fee: "1000.00"
slas:
  - objective: api
    target: "99.9"
    denominator: subscribed
    time_zone: UTC
    tiers:
      - {to: "99.9", credit_percent: "10"}
"""
#: Minutes of the day. The incident is from 08:50 until 10:00; Of 55 bad minutes 35 lie in it, ten before, ten behind.
BAD = {*range(180, 185), *range(525, 555), *range(590, 610)}


def measured_digest(until: datetime, good: list[int]) -> str:
    """As docs/postmortems.md says: from the contract's file and the minutes, without the product."""
    first = int(MIDNIGHT.timestamp()) // 60
    rows = range((until - MIDNIGHT) // timedelta(minutes=1))
    columns = [[first + each for each in rows], [100 for _ in rows], [good[each] for each in rows]]
    measured = hashlib.sha256(b"".join(struct.pack(f"<{len(each)}q", *each) for each in columns))
    said = {
        "contract": hashlib.sha256(CONTRACT).hexdigest(),
        "from": "2026-06-01T00:00:00Z",
        "measurements": measured.hexdigest(),
        "objective": "api",
        "until": until.isoformat().replace("+00:00", "Z"),
        "windows": [],
    }
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()


async def test_minutes_budget_and_cost_are_exact_and_what_is_not_measured_is_missing(vendor, clock):
    desk = await desk_of(vendor)
    now = BEGAN + timedelta(hours=20)
    clock.advance(now - clock.now())
    measuring = Measuring(vendor.house)
    await vendor.house.contracts.import_file(ImportContracts(CONTRACT), CONSOLE)
    minutes = (now - MIDNIGHT) // timedelta(minutes=1)
    await measuring.measure(
        "contoso", start=MIDNIGHT, minutes=minutes, good=lambda minute: 0 if minute in BAD else 100
    )
    anomaly = await spike(vendor.house, "contoso", now)
    await vendor.tell(declared("INC-2", minute=1190, tenants=["contoso"]))

    over, going_on = [
        (await desk.house.postmortem_reader.find(desk.writer, (await desk.postmortem(key)).id)).document
        for key in ("INC-1", "INC-2")
    ]

    contoso, northwind = (over["customers"][key] for key in ("contoso", "northwind"))
    (sla,), (cost,) = contoso["sla"], contoso["cost"]
    assert (sla["objective"], sla["period"], sla["target"]) == ("api", "2026-06", "99.9")
    assert (sla["down_minutes"], sla["period_down_minutes"], sla["excluded_minutes"]) == ("35", "55", "0")
    assert sla["budget_minutes"] == "43"
    assert (cost["id"], cost["last_at"]) == (str(anomaly.id), "2026-06-01T14:00:00Z")
    assert (cost["actual"], cost["expected"], cost["excess"], cost["currency"]) == (
        "594.90",
        "63.554111",
        "531.345889",
        "EUR",
    )
    assert contoso["missing"] == []
    [proof] = [each for each in contoso["evidence"] if each["kind"] == "sla"]
    until = datetime.fromisoformat(sla["until"])
    assert proof["sha256"] == measured_digest(until, [0 if each in BAD else 100 for each in range(minutes)])
    # Nobody explained it yet: the receipt is of when it was found.
    assert (anomaly.closed_receipt_id, anomaly.explained_receipt_id) == (None, None)
    opened = anomaly.opened_receipt_id
    assert opened is not None
    async with vendor.house.storage.read(TenantScope(desk.contoso)) as session:
        stored = (await find_receipt(session, desk.contoso, opened)).envelope
    assert [each for each in contoso["evidence"] if each["kind"] == "cost"] == [
        {
            "id": str(anomaly.id),
            "kind": "cost",
            "source": f"receipt/{opened}",
            "at": rfc3339(anomaly.started_at),
            "sha256": hashlib.sha256(stored).hexdigest(),
        }
    ]
    assert (northwind["sla"], northwind["cost"]) == ([], [])
    assert northwind["missing"] == [
        {"source": "SLA attainment", "why": "no contract is on record"},
        {"source": "cost anomalies", "why": "no usage of this customer is metered"},
    ]
    assert going_on["customers"]["contoso"]["cost"] == []
    assert going_on["customers"]["contoso"]["missing"] == [
        {"source": "cost anomalies", "why": "usage is closed until 2026-06-02T04:00:00Z only"}
    ]


async def test_who_was_hurt_is_looked_at_first_where_it_may_have_touched_everybody(vendor, clock):
    """By key contoso would be the last but one."""
    for number in range(MOST_CUSTOMERS):
        await vendor.customer(f"a{number:02}")
    desk = await desk_of(vendor, declared("INC-1"), step("INC-1", "resolved", minute=60))
    measuring = Measuring(vendor.house)
    await vendor.house.contracts.import_file(ImportContracts(CONTRACT), CONSOLE)
    minutes = (clock.now() - MIDNIGHT) // timedelta(minutes=1)
    await measuring.measure(
        "contoso", start=MIDNIGHT, minutes=minutes, good=lambda minute: 0 if minute in BAD else 100
    )
    document = (await desk.house.postmortem_reader.find(desk.writer, (await desk.postmortem()).id)).document
    assert set(document["customers"]) == {
        "contoso",
        *(f"a{number:02}" for number in range(MOST_CUSTOMERS - 1)),
    }
    [sla] = document["customers"]["contoso"]["sla"]
    assert (sla["objective"], sla["down_minutes"]) == ("api", "35")
    assert [each["source"] for each in document["missing"]].count("customers") == 1


async def test_who_was_only_answered_too_late_was_hurt_too(vendor, clock):
    """Only buckets say it, by the bound of each one's objective: contoso promises a second, the others half of one."""
    for key in (*(f"a{number:02}" for number in range(MOST_CUSTOMERS)), "fast"):
        await vendor.customer(key)
    desk = await desk_of(vendor, declared("INC-1"), step("INC-1", "resolved", minute=60))
    for tenant, bound in (("contoso", "1"), ("northwind", "0.5"), ("fast", "0.5")):
        promised = CONTRACT.replace(b"contoso", tenant.encode()).replace(
            b"    target:", f"    latency_threshold: {bound}\n    target:".encode()
        )
        await vendor.house.contracts.import_file(ImportContracts(promised), CONSOLE)
    minutes = (clock.now() - MIDNIGHT) // timedelta(minutes=1)
    await Measuring(vendor.house).deliver(
        [
            event(
                "sli.measured",
                f"{tenant}-{number}",
                {"tenant": tenant, "objective": "api", "total": 100}
                | {"buckets": {"0.5": 0 if number in bad else 100, "1": 100, "+Inf": 100}},
                MIDNIGHT + timedelta(minutes=number),
            )
            for tenant, bad in (("contoso", BAD), ("northwind", BAD), ("fast", ()))
            for number in range(minutes)
        ]
    )
    postmortem = await desk.postmortem()
    document = (await desk.house.postmortem_reader.find(desk.writer, postmortem.id)).document
    assert set(document["customers"]) == {
        "northwind",
        *(f"a{number:02}" for number in range(MOST_CUSTOMERS - 1)),
    }
    [sla] = document["customers"]["northwind"]["sla"]
    assert (sla["objective"], sla["down_minutes"]) == ("api", "35")

    signed = await desk.signed(postmortem)
    document = (await desk.house.postmortem_reader.version(desk.owner, signed.id, 1)).document
    named = {f"a{number:02}" for number in range(MOST_CUSTOMERS)} | {"contoso", "northwind"}
    assert set(document["customers"]) == named, "who was soon answered in every minute has nothing to be told"
    down = {key: [each["down_minutes"] for each in document["customers"][key]["sla"]] for key in named}
    assert (down["contoso"], down["northwind"], down["a00"]) == (["0"], ["35"], [])


async def test_what_is_submitted_has_minutes_of_all_who_were_hurt_however_many_a_draft_looks_at(
    vendor, clock, monkeypatch
):
    """A draft here looks at one. Two were hurt; of one nobody knows anything, of one not all; yonder was hurt later."""
    monkeypatch.setattr(whom, "MOST_HURT", 1)
    monkeypatch.setattr(whom, "MOST_CUSTOMERS", 1)
    for key in ("quiet", "patchy", "yonder", "zenith"):
        await vendor.customer(key)
    desk = await desk_of(vendor, declared("INC-1"), step("INC-1", "resolved", minute=60))
    measuring = Measuring(vendor.house)
    minutes = (clock.now() - MIDNIGHT) // timedelta(minutes=1)
    bad = {"contoso": BAD, "yonder": {600}, "zenith": range(570, 575), "quiet": (), "patchy": ()}
    for key, of in bad.items():
        contract = CONTRACT.replace(b"contoso", key.encode())
        await vendor.house.contracts.import_file(ImportContracts(contract), CONSOLE)
        whole = minutes if key != "patchy" else 595
        await measuring.measure(
            key, start=MIDNIGHT, minutes=whole, good=lambda minute, of=of: 0 if minute in of else 100
        )
    postmortem = await desk.postmortem()
    live = (await desk.house.postmortem_reader.find(desk.writer, postmortem.id)).document
    assert set(live["customers"]) == {"contoso"}
    assert [each["why"] for each in live["missing"] if each["source"] == "customers"] == [
        (
            "it may have touched every one; some are looked at, first those with failed calls or cost anomalies, then "
            "those that were not measured in every minute"
        )
    ]
    signed = await desk.signed(postmortem)
    document = (await desk.house.postmortem_reader.version(desk.owner, signed.id, 1)).document
    down = {
        key: [each["down_minutes"] for each in customer["sla"]]
        for key, customer in document["customers"].items()
    }
    assert down == {"contoso": ["35"], "northwind": [], "patchy": [], "zenith": ["5"]}
    [why] = [each["why"] for each in document["missing"] if each["source"] == "customers"]
    assert why == (
        "it may have touched every one; who is not named was measured in every minute of it, without a failed call "
        "or a cost anomaly"
    )


async def test_an_objective_of_which_nothing_was_measured_is_not_taken_for_whole(vendor, clock, monkeypatch):
    """All are measured of ``api`` in every minute. Of ``web`` it is promised too: to whole, which has it; to never, of
    which it never was measured; and silent, of which it was until the incident began. Of lost nothing is known.
    """
    monkeypatch.setattr(whom, "MOST_CUSTOMERS", 1)
    keys = ("aaa", "lost", "never", "silent", "whole")
    for key in keys:
        await vendor.customer(key)
    desk = await desk_of(vendor, declared("INC-1"), step("INC-1", "resolved", minute=60))
    measuring = Measuring(vendor.house)
    minutes = (clock.now() - MIDNIGHT) // timedelta(minutes=1)
    began = (BEGAN - MIDNIGHT) // timedelta(minutes=1)
    api = CONTRACT.decode()
    web = api + api[api.index("  - objective") :].replace("objective: api", "objective: web")
    for key in keys:
        promised = (api if key == "aaa" else web).replace("contoso", key)
        await vendor.house.contracts.import_file(ImportContracts(promised.encode()), CONSOLE)
        if key != "lost":
            await measuring.measure(key, start=MIDNIGHT, minutes=minutes)
    for key, many in (("whole", minutes), ("silent", began - 10)):
        await measuring.measure(key, start=MIDNIGHT, minutes=many, objective="web")
    postmortem = await desk.postmortem()
    live = (await desk.house.postmortem_reader.find(desk.writer, postmortem.id)).document
    assert set(live["customers"]) == {"silent"}, "the one of which something fell silent comes first"
    signed = await desk.signed(postmortem)
    document = (await desk.house.postmortem_reader.version(desk.owner, signed.id, 1)).document
    missing = {
        key: [each["source"] for each in customer["missing"] if each["source"].startswith("SLA")]
        for key, customer in document["customers"].items()
    }
    assert {key: each for key, each in missing.items() if key in keys} == {
        "lost": ["SLA attainment, api", "SLA attainment, web"],
        "never": ["SLA attainment, web"],
        "silent": ["SLA attainment, web"],
    }


async def test_of_an_incident_of_everybody_those_are_told_who_were_customers_while_it_went_on(vendor, clock):
    """In draft and signed document alike; ``left`` was one then, and is none any more when they are written."""
    house, began, over = vendor.house, BEGAN + timedelta(hours=7), BEGAN + timedelta(hours=8)
    came = {"early": MIDNIGHT, "gone": MIDNIGHT, "left": MIDNIGHT, "meanwhile": over - timedelta(minutes=1)}
    came |= {"at-its-end": over, "later": over + timedelta(hours=1)}
    for key, at in came.items():
        tenant = await house.tenants.create(CreateTenant(key, key.title(), onboarded_at=at), CONSOLE)
        if key == "gone":
            await house.tenants.offboard(tenant.id, CONSOLE)
        if key == "left":
            left = tenant.id
    clock.advance(over + timedelta(hours=2) - clock.now())
    desk = await desk_of(
        vendor,
        declared("INC-1", minute=(began - BEGAN) // timedelta(minutes=1)),
        step("INC-1", "resolved", minute=8 * 60),
    )
    await house.tenants.offboard(left, CONSOLE)
    postmortem = await desk.postmortem()
    live = (await desk.house.postmortem_reader.find(desk.writer, postmortem.id)).document
    assert sorted(live["customers"]) == ["contoso", "early", "left", "meanwhile", "northwind"]
    signed = await desk.signed(postmortem)
    document = (await desk.house.postmortem_reader.version(desk.owner, signed.id, 1)).document
    assert sorted(document["customers"]) == sorted(live["customers"])
