"""A second detector: back-tested on the stored history, in shadow, promoted and stepped back, each with a receipt."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from click.testing import CliRunner
from support.cost_vendor import HOUR, START, Vendor, usage

from trust_portal.access.actors import CONSOLE
from trust_portal.access.rights import actor_with
from trust_portal.access.tenants.model import Tenant
from trust_portal.cli import cli
from trust_portal.cost.anomalies.flags_model import Flag
from trust_portal.cost.anomalies.model import AnomalyFilter, CostAnomaly, GiveFeedback, Lane, Verdict
from trust_portal.cost.trials.model import BackTest, RunBackTest, SetDetectorFlag
from trust_portal.cost.trials.quality import by_detector
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest

pytestmark = pytest.mark.takes(seconds=40)

ALL = PageRequest(100)
FORECAST, OWN_TAIL = "forecast@2", "own-tail@2"


def spiky(n: int) -> str:
    return "80.00" if n % 100 in range(40, 46) and n > 200 else f"{10 + (n % 3) / 10:.2f}"


async def used(vendor: Vendor, key: str, hours: int = 300) -> Tenant:
    tenant = await vendor.tenant(key)
    await vendor.use(key, range(hours), spiky)
    await vendor.close(hours)
    return tenant


async def tried(vendor: Vendor, tenant_id, *, weeks: int = 4) -> BackTest:
    return await vendor.house.detector_backtests.run(RunBackTest(tenant_id, FORECAST, weeks), CONSOLE)


async def switch(vendor: Vendor, tenant_id, flag: Flag, test: BackTest | None):
    test_id = None if test is None else test.id
    command = SetDetectorFlag(tenant_id, flag, test is not None, "As the back-test says", test_id)
    return await vendor.house.detector_flags.set(command, CONSOLE)


async def found(vendor: Vendor, tenant_id, lane: Lane = Lane.LIVE) -> list[CostAnomaly]:
    page = await vendor.house.anomalies.page(SYSTEM, AnomalyFilter(tenant_id, lane=lane), ALL)
    return list(page.items)


async def receipts(vendor: Vendor, tenant_id):
    page = await vendor.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), tenant_id, ALL)
    return list(page.items)


async def test_a_back_test_replays_the_stored_hours_and_stays_as_it_was(vendor: Vendor) -> None:
    acme = await used(vendor, "acme")
    (live,) = await found(vendor, acme.id)
    await vendor.house.anomalies.give_feedback(
        GiveFeedback(acme.id, live.id, Verdict.REAL, "An export"), CONSOLE
    )

    test = await tried(vendor, acme.id)

    assert (test.detector, test.live, test.weeks) == (FORECAST, OWN_TAIL, 4)
    assert test.digest == digest(test.document)
    assert test.document["hours"] == "300"
    assert test.document["tenants"] == {"replayed": "1", "with_usage": "1"}
    assert test.document["found"]["live"]["anomalies"] == "1"
    assert Decimal(test.document["found"]["live"]["excess"]["EUR"]) == pytest.approx(
        live.figures.excess, abs=1
    )
    assert test.document["judged"]["real"] == {"on_record": "1", "live": "1", "shadow": "1"}
    assert await vendor.house.detector_backtests.newest(CONSOLE, acme.id) == (test,)
    receipt = (await receipts(vendor, acme.id))[0]
    assert (receipt.kind, receipt.id) == (ReceiptKind.DETECTOR_BACKTESTED, test.receipt_id)
    assert receipt.subjects[0].sha256 == test.digest
    again = await tried(vendor, acme.id)
    assert again.digest == test.digest  # same hours, same thresholds, same result


async def test_what_is_no_trial_is_refused_and_leaves_nothing(vendor: Vendor) -> None:
    acme = await used(vendor, "acme", 30)
    quiet = await vendor.tenant("quiet")
    run = vendor.house.detector_backtests.run
    with pytest.raises(InvalidInput, match="live here already"):
        await run(RunBackTest(acme.id, OWN_TAIL, 4), CONSOLE)
    with pytest.raises(InvalidInput, match="no usage"):
        await run(RunBackTest(quiet.id, FORECAST, 4), CONSOLE)
    with pytest.raises(InvalidInput, match="no such detector"):
        RunBackTest(acme.id, "oracle@1", 4)
    with pytest.raises(InvalidInput, match="4, 8, 13"):
        RunBackTest(acme.id, FORECAST, 5)
    viewer = replace(actor_with(Role.CUSTOMER_ADMIN), tenant_id=acme.id)
    with pytest.raises(Denied):
        await run(RunBackTest(acme.id, FORECAST, 4), viewer)
    assert await vendor.house.detector_backtests.newest(CONSOLE, acme.id) == ()
    assert await vendor.house.detector_backtests.newest(CONSOLE, quiet.id) == ()


async def test_a_flag_rests_on_a_back_test_of_its_place_that_is_of_late(vendor: Vendor) -> None:
    acme, globex = await used(vendor, "acme"), await used(vendor, "globex")
    test = await tried(vendor, acme.id)
    with pytest.raises(InvalidInput, match="name the back-test"):
        SetDetectorFlag(acme.id, Flag.SHADOW, True, "better")
    with pytest.raises(NotFound):
        await switch(vendor, globex.id, Flag.SHADOW, test)
    with pytest.raises(InvalidInput, match="in shadow first"):
        await switch(vendor, acme.id, Flag.LIVE, test)
    with pytest.raises(Conflict, match="nothing to take back"):
        await switch(vendor, acme.id, Flag.SHADOW, None)
    vendor.until(vendor.clock.now() + timedelta(days=32))
    with pytest.raises(InvalidInput, match="31 days"):
        await switch(vendor, acme.id, Flag.SHADOW, test)
    assert (await vendor.house.detector_flags.standing(CONSOLE, acme.id)).history == ()

    fresh = await tried(vendor, acme.id, weeks=8)
    made = await switch(vendor, acme.id, Flag.SHADOW, fresh)

    receipt = (await receipts(vendor, acme.id))[0]
    assert (receipt.kind, receipt.id) == (ReceiptKind.FLAG_CHANGED, made.receipt_id)
    assert made.back_test["digest"] == fresh.digest
    statement = json.loads(b64decode(json.loads(receipt.envelope)["payload"]))
    assert statement["predicate"]["inputs"] == [
        {"name": f"back-test/{fresh.id}", "digest": {"sha256": fresh.digest}}
    ]
    assert statement["predicate"]["result"]["back_test"]["digest"] == fresh.digest
    standing = await vendor.house.detector_flags.standing(CONSOLE, acme.id)
    assert str(standing.detectors.shadow.detector) == FORECAST
    assert standing.detectors.shadow_by == made
    with pytest.raises(Conflict, match="already"):
        await switch(vendor, acme.id, Flag.SHADOW, fresh)
    assert (await vendor.house.detector_flags.standing(CONSOLE, globex.id)).detectors.shadow is None


async def test_from_a_shell_one_sees_what_watches_and_ends_a_trial(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, known = await used(vendor, "acme"), vendor.house.settings
    for name, value in (("DATABASE_URL", known.database_url), ("REDIS_URL", known.redis_url)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KEY_FILE", str(known.key_file))
    # The command has the machine's own clock, and in its last weeks there is no usage: refused, nothing kept.
    arguments = ["cost", "detector", "back-test", "--detector", FORECAST, "--tenant", "acme"]
    late = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
    assert isinstance(late.exception, InvalidInput)
    test = await tried(vendor, acme.id)
    assert await vendor.house.detector_backtests.newest(CONSOLE, acme.id) == (test,)
    shown = await asyncio.to_thread(CliRunner().invoke, cli, ["cost", "detector", "show", "--tenant", "acme"])
    assert shown.stdout == "live own-tail@2  in shadow nothing\n"
    made = await switch(vendor, acme.id, Flag.SHADOW, test)
    ended = await asyncio.to_thread(
        CliRunner().invoke, cli, ["cost", "detector", "end", "--tenant", "acme", "--reason", "Seen enough"]
    )
    assert ended.exception is None
    first, off, on = ended.stdout.splitlines()
    assert first == "live own-tail@2  in shadow nothing"
    assert "forecast@2  shadow off  Operator at the console: Seen enough" in off
    assert (
        f"forecast@2  shadow on  Operator at the console: As the back-test says  receipt {made.receipt_id}"
        in on
    )


async def test_in_shadow_it_finds_beside_the_live_one_and_leaves_no_receipt_of_its_own(
    vendor: Vendor,
) -> None:
    acme = await used(vendor, "acme", 200)
    globex = await used(vendor, "globex", 200)
    await switch(vendor, acme.id, Flag.SHADOW, await tried(vendor, acme.id))
    for key in ("acme", "globex"):
        await vendor.use(key, range(200, 600), spiky)
    await vendor.close(600)

    live, shadow = await found(vendor, acme.id), await found(vendor, acme.id, Lane.SHADOW)

    assert {each.detector for each in live} == {"own-tail"}
    assert {each.detector for each in shadow} == {"forecast"}
    assert {each.opened_receipt_id for each in shadow} == {None}
    assert await found(vendor, globex.id, Lane.SHADOW) == []  # not on trial there
    report = await vendor.house.detector_reports.report(CONSOLE, acme.id)
    compared = report.comparison
    assert len(compared.live) == len(live)
    assert len(compared.both) + len(compared.only_live) == len(live)
    assert compared.sums()["live"].excess["EUR"] == sum(each.figures.excess for each in live)
    assert {each.anomaly_id for each in compared.shadow} == {each.id for each in shadow}
    await switch(vendor, acme.id, Flag.SHADOW, None)
    await vendor.use("acme", range(600, 660), spiky)
    await vendor.close(660)
    assert await found(vendor, acme.id, Lane.SHADOW) == shadow


async def test_everybodys_trial_is_of_every_tenant_and_a_tenants_own_goes_before_it(vendor: Vendor) -> None:
    acme, globex = await used(vendor, "acme"), await used(vendor, "globex")

    test = await tried(vendor, VENDOR_ID)
    for tenant in (acme, globex):
        log = await vendor.house.access_log.page(actor_with(Role.APPROVER_SECURITY), tenant.id, ALL)
        assert ("cost", "back-test of a detector") in {
            (each.access.what, each.access.purpose) for each in log.items
        }
    await switch(vendor, VENDOR_ID, Flag.SHADOW, test)

    assert test.document["tenants"] == {"replayed": "2", "with_usage": "2"}
    assert test.document["found"]["live"]["anomalies"] == "2"
    for tenant in (acme, globex):
        standing = await vendor.house.detector_flags.standing(CONSOLE, tenant.id)
        assert str(standing.detectors.shadow.detector) == FORECAST
        assert standing.history == ()
    await switch(vendor, acme.id, Flag.LIVE, await tried(vendor, acme.id))
    standing = await vendor.house.detector_flags.standing(CONSOLE, acme.id)
    assert (str(standing.detectors.live.detector), standing.detectors.shadow) == (FORECAST, None)


async def test_a_promoted_detector_leaves_what_was_said_before_it_as_it_was(vendor: Vendor) -> None:
    acme = await used(vendor, "acme", 400)
    before = await found(vendor, acme.id)
    test = await tried(vendor, acme.id)
    await switch(vendor, acme.id, Flag.SHADOW, test)
    await switch(vendor, acme.id, Flag.LIVE, test)
    await vendor.use("acme", range(400, 500), lambda n: "300.00" if n in range(450, 456) else "10.00")
    await vendor.close(500)
    after = await found(vendor, acme.id)

    assert [each for each in after if each.started_at < START + 400 * HOUR] == before
    new = [each for each in after if each.started_at >= START + 400 * HOUR]
    assert {each.detector for each in new} == {"forecast"}
    assert [each.started_at for each in new] == [START + 450 * HOUR]

    await switch(vendor, acme.id, Flag.LIVE, None)
    await vendor.use("acme", range(500, 560), lambda n: "900.00" if n in range(520, 526) else "10.00")
    await vendor.close(560)
    latest = await found(vendor, acme.id)
    assert [each for each in latest if each.started_at < START + 500 * HOUR] == after
    assert {each.detector for each in latest if each.started_at >= START + 500 * HOUR} == {"own-tail"}
    kinds = [each.kind for each in await receipts(vendor, acme.id)]
    assert kinds.count(ReceiptKind.FLAG_CHANGED) == 3


async def test_late_usage_after_a_promotion_opens_nothing_in_hours_that_were_anothers(vendor: Vendor) -> None:
    acme = await used(vendor, "acme", 350)
    test = await tried(vendor, acme.id)
    await switch(vendor, acme.id, Flag.SHADOW, test)
    await switch(vendor, acme.id, Flag.LIVE, test)
    await vendor.use("acme", range(350, 420), spiky)
    await vendor.close(420)
    before = {each.id for each in await found(vendor, acme.id)}
    await vendor.deliver([usage("acme", "late", START + 100 * HOUR, "900.00")])
    await vendor.close()
    assert {each.id for each in await found(vendor, acme.id)} == before


async def test_precision_is_of_those_judged_and_says_how_many_were_not(vendor: Vendor) -> None:
    acme, globex = await used(vendor, "acme", 400), await used(vendor, "globex", 400)
    ours, theirs = await found(vendor, acme.id), await found(vendor, globex.id)
    for anomaly, verdict in ((ours[1], Verdict.REAL), (ours[0], Verdict.FALSE), (theirs[0], Verdict.PLANNED)):
        command = GiveFeedback(anomaly.tenant_id, anomaly.id, verdict, "As we know")
        await vendor.house.anomalies.give_feedback(command, CONSOLE)

    report = await vendor.house.detector_reports.report(CONSOLE, VENDOR_ID, START)
    rows = {each.tenant_id: each for each in report.judgements}

    mine, others = rows[acme.id], rows[globex.id]
    assert (mine.detector, mine.subsystem, mine.lane) == (OWN_TAIL, "compute", Lane.LIVE)
    assert (mine.real, mine.planned, mine.false, mine.unjudged) == (1, 0, 1, 0)
    assert (mine.judged, mine.precision) == (2, Decimal("0.500"))
    assert (others.planned, others.judged, others.unjudged, others.precision) == (1, 1, 1, Decimal("1.000"))
    (summed,) = by_detector(report.judgements)
    assert (summed.found, summed.judged, summed.precision) == (4, 3, Decimal("0.667"))
    early = await vendor.house.detector_reports.report(CONSOLE, acme.id, START, START + 250 * HOUR)
    assert [(each.found, each.real) for each in early.judgements] == [(1, 1)]
    viewer = replace(actor_with(Role.CUSTOMER_ADMIN), tenant_id=acme.id)
    with pytest.raises(Denied):
        await vendor.house.detector_reports.report(viewer, acme.id)
