"""By looser thresholds less is found: one asks, two others approve, and only then do they hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from support.cost_vendor import Vendor
from support.thresholds_desk import Desk, open_desk

from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import ApprovalState, Deny, Withdraw
from trust_portal.cost.anomalies.thresholds import SetThresholds
from trust_portal.errors import Conflict, Denied
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.errors import violation
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=10)


def spiky(n: int) -> str:
    return "80.00" if 240 <= n < 246 else "10.00"


async def held(vendor: Vendor, tenant_id) -> float:
    effective = await vendor.house.thresholds.effective(CONSOLE, tenant_id)
    return next(each.thresholds.min_impact for each in effective if each.subsystem == "compute")


@pytest.fixture
async def desk(vendor: Vendor) -> Desk:
    return await open_desk(vendor, await vendor.tenant("acme"))


async def test_they_hold_once_two_others_have_approved_what_the_back_test_shows(desk: Desk) -> None:
    vendor, tenant_id = desk.vendor, desk.tenant.id
    await vendor.use("acme", range(300), spiky)
    await vendor.close(300)
    request = (await desk.ask()).approval.request
    assert await held(vendor, tenant_id) == 10.0

    told = {line.label: line.value for line in request.intent.act}
    assert told["Compute, least impact"] == "100000 instead of 10, finds less"
    assert told["Back-test"].endswith(": 0 anomalies found with this, 1 with what holds now")
    assert request.intent.effect == "Of 1 anomalies in the back-test 1 fewer would have been raised"
    (evidence,) = request.intent.evidence
    assert evidence.path == "/t/acme/cost/thresholds?try=1&subsystem=compute&min_impact=100000"
    with pytest.raises(Denied):
        await desk.approve(request, desk.olive)
    await desk.approve(request, desk.rex)
    assert await desk.settle(request) is None, "one is not enough"
    assert await held(vendor, tenant_id) == 10.0
    await desk.approve(request, desk.fay)
    revision = await desk.settle(request)

    assert revision is not None
    assert (revision.set_by, revision.approval_id, dict(revision.figures)) == (
        "Olive", request.id, {"min_impact": 100_000.0},
    )  # fmt: skip
    assert await held(vendor, tenant_id) == 100_000.0
    assert (await desk.view(request.id)).state is ApprovalState.USED
    page = await vendor.house.archive.receipts(
        desk.rex, tenant_id, PageRequest(1), ReceiptKind.THRESHOLD_CHANGED
    )
    filed = await vendor.house.archive.receipt(desk.rex, tenant_id, page.items[0].id)
    result = filed.statement["predicate"]["result"]
    assert result["requester"]["person"] == str(desk.olive.id)
    assert [each["person"] for each in result["approvals"]] == [str(desk.rex.id), str(desk.fay.id)]
    assert await desk.settle(request) is None
    assert len(await vendor.house.thresholds.history(CONSOLE, tenant_id)) == 1


async def test_several_at_once_hold_once_approved_in_whichever_order_they_were_named(desk: Desk) -> None:
    figures = {"sensitivity": 0.5, "min_impact": 20.0, "burn_rate": 4.0}
    revision = await desk.loosen(replace(desk.command, figures=figures))

    assert dict(revision.figures) == figures


async def test_tighter_ones_hold_at_once(desk: Desk) -> None:
    tighter = replace(desk.command, figures={"min_impact": 5.0, "sensitivity": 2.0})
    changed = await desk.vendor.house.threshold_changes.change(tighter, desk.olive)

    assert changed.approval_id is None
    assert await held(desk.vendor, desk.tenant.id) == 5.0


async def test_the_service_sets_no_looser_ones_for_people_and_tokens(desk: Desk) -> None:
    with pytest.raises(Conflict) as needs:
        await desk.vendor.house.thresholds.set(desk.command, desk.olive)
    assert needs.value.code == "NEEDS_APPROVAL"
    assert await held(desk.vendor, desk.tenant.id) == 10.0


async def test_denied_withdrawn_and_expired_ones_never_hold(desk: Desk, clock) -> None:
    denied, withdrawn, expired = [(await desk.ask()).approval.request for _ in range(3)]
    decisions = desk.vendor.house.decisions
    await decisions.deny(Deny(desk.tenant.id, denied.id, denied.digest, "no"), desk.rex)
    await decisions.withdraw(Withdraw(desk.tenant.id, withdrawn.id, "wrong"), desk.olive)
    clock.advance(timedelta(days=3, seconds=1))
    for request in (denied, withdrawn, expired):
        assert await desk.settle(request) is None
    assert await desk.vendor.house.thresholds.history(CONSOLE, desk.tenant.id) == ()


async def test_what_changed_since_it_was_shown_is_void(desk: Desk) -> None:
    """Somebody tightens the same subsystem, or the vendor all, between asking and approving."""
    keeper = desk.vendor.house.thresholds
    first = (await desk.ask()).approval.request
    await desk.approve(first)
    await keeper.set(SetThresholds(desk.tenant.id, "compute", {"sensitivity": 2.0}, "tighter"), desk.olive)
    assert await desk.settle(first) is None
    second = (await desk.ask()).approval.request
    await desk.approve(second)
    await keeper.set(SetThresholds(VENDOR_ID, None, {"min_impact": 5.0}, "all tighter"), desk.olive)
    assert await desk.settle(second) is None

    for request in (first, second):
        assert (await desk.view(request.id)).state is ApprovalState.VOID
    assert await held(desk.vendor, desk.tenant.id) == 5.0


async def any_receipt(desk: Desk) -> UUID:
    page = await desk.vendor.house.archive.receipts(desk.rex, desk.tenant.id, PageRequest(1))
    return page.items[0].id


async def refused_in_sql(desk: Desk, **columns: object) -> str:
    """The constraint that refuses a revision written past the service; nothing else holds then."""
    tenant_id = desk.tenant.id
    row = {
        "tenant_id": tenant_id, "subsystem": "compute", "revision": 1, "figures": '{"min_impact": 100000.0}',
        "reason": "x", "set_at": desk.vendor.house.clock.now(), "set_by_id": CONSOLE.id,
        "set_by_name": "x", "receipt_id": await any_receipt(desk),
    } | columns  # fmt: skip
    places = ", ".join(f"${at}" for at in range(1, len(row) + 1))
    before = await desk.vendor.house.thresholds.history(CONSOLE, tenant_id)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
        async with desk.vendor.house.storage.write(TenantScope(tenant_id)) as session:
            driver = await session.driver()
            assert await driver.fetchval("SELECT current_user") == "trust_portal_app"
            await driver.execute(
                f"INSERT INTO thresholds ({', '.join(row)}) VALUES ({places})", *row.values()
            )
    assert await desk.vendor.house.thresholds.history(CONSOLE, tenant_id) == before
    found = violation(caught.value)
    assert found is not None
    return found.constraint


async def test_a_revision_rests_on_what_was_asked_for_approved_and_used_also_in_sql(desk: Desk) -> None:
    request = (await desk.ask()).approval.request
    asked = {"approval_id": request.id}
    for lies in (
        {"subsystem": "egress"},
        {"revision": 2, "followed": "{}"},
        {"figures": '{"min_impact": 1000000.0}'},
        {"figures": "{}"},
    ):
        assert await refused_in_sql(desk, **asked, **lies) == "thresholds_approval_fkey", lies
    assert await refused_in_sql(desk, **asked) == "thresholds_use_fkey", "not yet approved"
    await desk.approve(request)
    assert await refused_in_sql(desk, **asked) == "thresholds_use_fkey", "approved, and not used"
    assert await desk.settle(request) is not None
    assert await refused_in_sql(desk, **asked) == "thresholds_pkey", "used once"
    assert await refused_in_sql(desk, **asked, revision=2, followed="{}") == "thresholds_approval_fkey"


async def test_without_an_approval_no_revision_is_looser_than_what_it_follows_also_in_sql(desk: Desk) -> None:
    """Whoever sets it, the console too: against what is installed at first, then against the revision before."""
    assert [
        await refused_in_sql(desk, figures=figures)
        for figures in (
            '{"min_impact": 10.01}',
            '{"min_day_share": 0.41}',
            '{"sensitivity": 0.99}',
            '{"burn_rate": 3.5}',
            '{"drop_impact": 1.5}',
            '{"min_impact": 5.0, "sensitivity": 0.5}',
        )
    ] == ["thresholds_unapproved_fkey"] * 6
    tight = replace(desk.command, figures={"min_impact": 5.0, "sensitivity": 2.0})
    assert (await desk.vendor.house.threshold_changes.change(tight, desk.olive)).revision is not None

    second = {"revision": 2, "followed": '{"min_impact": 5.0, "sensitivity": 2.0}'}
    for figures in ("{}", '{"min_impact": 5.0}', '{"min_impact": 6.0, "sensitivity": 2.0}'):
        assert await refused_in_sql(desk, **second, figures=figures) == "thresholds_unapproved_fkey"
    loose = '{"min_impact": 100000.0}'
    lies = {"revision": 2, "figures": loose, "followed": loose}
    assert await refused_in_sql(desk, **lies) == "thresholds_followed_fkey", "that is not what it follows"
    assert await refused_in_sql(desk, **lies | {"followed": None}) == "thresholds_each_follows_one_check"
    assert await refused_in_sql(desk, **lies | {"revision": 3}) == "thresholds_followed_fkey"
    assert await refused_in_sql(desk, **lies | {"revision": 0}) == "thresholds_each_follows_one_check"
    assert await held(desk.vendor, desk.tenant.id) == 5.0


async def test_from_what_was_approved_one_goes_back_at_once_and_never_further(desk: Desk) -> None:
    await desk.loosen()
    tenant_id, change = desk.tenant.id, desk.vendor.house.threshold_changes.change
    assert await held(desk.vendor, tenant_id) == 100_000.0

    halfway = await change(replace(desk.command, figures={"min_impact": 50_000.0}), desk.olive)
    further = await change(replace(desk.command, figures={"min_impact": 50_001.0}), desk.olive)

    assert (halfway.approval_id, further.revision) == (None, None)
    assert await held(desk.vendor, tenant_id) == 50_000.0
    assert (await change(replace(desk.command, figures={}), desk.olive)).approval_id is None
    assert await held(desk.vendor, tenant_id) == 10.0


async def test_what_was_asked_for_cannot_be_changed_in_sql(desk: Desk) -> None:
    await desk.ask()
    house, tenant_id = desk.vendor.house, desk.tenant.id
    for statement in ("UPDATE threshold_requests SET revision = 9", "DELETE FROM threshold_requests"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with house.storage.write(TenantScope(tenant_id)) as session:
                await (await session.driver()).execute(statement)
