"""What people do about QBRs, through the services."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from report_desk import CORA, Q2, stored
from sqlalchemy import text
from support.cost_world import HOUR, HOURS, runaway
from support.portal_fixtures import Portal
from support.portal_world import deliver
from support.remediation_world import ONSET, START, World, person, product_process

from jobs.accounts import ACCOUNT_DUTIES, mind_accounts
from jobs.workbench import Workbench
from trust_portal.cost.remediation.model import Run, RunState
from trust_portal.errors import Conflict
from trust_portal.evidence.export import Export, ExportState
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.storage.backlog import Backlog, WaitingWork
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.accounts.model import Readiness
from trust_portal.trust.qbr.model import KIND, IssueQbr, Prepare, Qbr
from trust_portal.trust.report.model import Acknowledgement, blocked_as, blocking

#: The end of what was used in the quarter.
USED_UNTIL = datetime(2026, 6, 29, 9, tzinfo=UTC)


async def use(house: House, key: str) -> None:
    """Eleven days of usage in June, with a runaway export."""
    await deliver(house, runaway(key, USED_UNTIL - HOURS * HOUR))
    await house.metering.follow()
    await house.closing.close_due()


async def throttled(portal: Portal, folder: Path) -> Run:
    """Eleven days of usage in June, with an export that runs away until a playbook throttles it: verified in the data.

    It is done at a clock of its own, which is long past when the test begins.
    """
    clock, aurora = ManualClock(START), portal.world.aurora
    async with product_process(folder / "product", portal.house.keyring.webhooks.public_key) as product:
        house = build_house(replace(portal.house.settings, control_url=product.url), clock)
        await house.open()
        try:
            operator, approver, payer = [
                await person(house, name, role)
                for name, role in (
                    ("olga", Role.SRE_OPERATOR),
                    ("arne", Role.APPROVER_RELIABILITY),
                    ("petra", Role.APPROVER_FINANCE),
                )
            ]
            world = World(house, clock, operator, approver, payer)
            await world.use(aurora.key, range(ONSET), "1.00")
            await world.use(aurora.key, range(ONSET, ONSET + 3), "90.00")
            await world.close(ONSET + 3)
            run = await world.executed(await world.planned(await world.explained(aurora.id)))
            await world.use(aurora.key, range(ONSET + 3, ONSET + 6), "1.20")
            await world.close(ONSET + 6)
            run = await world.advance(run)
        finally:
            await house.close()
    assert run.state is RunState.VERIFIED
    return run


async def prepare(house: House, tenant_id, period: str = Q2) -> Qbr:
    return await house.qbrs.prepare(Prepare(tenant_id, period), CORA)


async def issue(house: House, qbr: Qbr, *, reason: str | None = None) -> Qbr:
    """Issued, with everything that blocks let stand."""
    draft = await house.qbr_reader.draft(CORA, qbr.tenant_id, qbr.id)
    let_stand = tuple(
        Acknowledgement(each.id, f"we know that of {each.title.lower()}", blocked_as(each))
        for each in blocking(draft.told)
    )
    return await house.qbrs.issue(IssueQbr(qbr.tenant_id, qbr.id, let_stand, reason), CORA)


async def bundle_of(house: House, qbr: Qbr) -> tuple[Export, bytes]:
    """The bundle, built now; somebody sequences."""
    opened = await house.qbr_reader.get(CORA, qbr.tenant_id, qbr.id)
    assert opened.export is not None
    built = await house.exports.build(qbr.tenant_id, opened.export.id)
    assert built.kind == KIND
    assert built.state is ExportState.READY, built.failure
    async with house.storage.read(TenantScope(qbr.tenant_id)) as session:
        return built, (await house.exports.artefact(session, qbr.tenant_id, built.id)).content


async def everything(house: House, tenant_id) -> list[object]:
    """All that could have changed, to compare before and after."""
    found = list(await stored(house, tenant_id))
    async with house.storage.read(TenantScope(tenant_id)) as session:
        for table in ("qbrs", "qbr_entries", "qbr_issues", "qbr_commitments"):
            rows = await session.execute(
                text(f"SELECT * FROM {table} WHERE tenant_id = :t"), {"t": tenant_id}
            )
            found.append(sorted(repr(row) for row in rows))
    return found


async def asked_for(house: House) -> list[WaitingWork]:
    return [each for each in await Backlog(house.storage).waiting() if each.job == Job.PREPARE_QBR]


async def by_the_clock(house: House) -> int:
    """One round of the clockwork and the jobs that it asked for; how many those were."""
    await mind_accounts(house)
    (duty,) = ACCOUNT_DUTIES
    asked = await asked_for(house)
    for each in asked:
        await Workbench(house, Backlog(house.storage)).attempt(duty, str(each.row_id), each.attempts)
    return len(asked)


async def newer(portal: Portal, draft: Qbr) -> tuple[str, ...]:
    """What keeps a draft from standing, as its own page has it, and, of the newest, the list of accounts by both of its doors."""
    house = portal.house
    found = await house.qbr_reader.draft(CORA, draft.tenant_id, draft.id)
    if found.latest.id == draft.id:
        listed = {each.tenant.id: each for each in await house.accounts.list(CORA)}[draft.tenant_id]
        alone = await house.accounts.look(CORA, draft.tenant_id)
        assert listed.readiness is alone.readiness
        assert (listed.readiness is Readiness.SUPERSEDED) is bool(found.newer)
        has_aged = portal.clock.now() - draft.as_of > timedelta(days=1)
        assert listed.is_old is bool(found.newer or has_aged)
    return found.newer


async def superseded(house: House, draft: Qbr, words: str) -> None:
    """A draft is not issued for what ``words`` say, and nothing changes."""
    before = await everything(house, draft.tenant_id)
    with pytest.raises(Conflict) as refused:
        await issue(house, draft)
    assert refused.value.code == "INPUT_SUPERSEDED"
    assert words in refused.value.message
    assert await everything(house, draft.tenant_id) == before, "nothing is issued"
