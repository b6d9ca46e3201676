"""After hours were closed budgets are looked at: what burns too fast or is used up is said, with a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from trust_portal.access.tenants.repository import find_tenant
from trust_portal.cost.anomalies.suppressions_model import covering
from trust_portal.cost.anomalies.suppressions_repository import suppressions_of
from trust_portal.cost.anomalies.thresholds_model import ThresholdBook
from trust_portal.cost.anomalies.thresholds_repository import threshold_revisions
from trust_portal.cost.budgets.alerts import HOUR, findings, is_news
from trust_portal.cost.budgets.alerts_model import AlertFinding, AlertKind, BudgetAlert
from trust_portal.cost.budgets.alerts_repository import (
    add_alert,
    alerts_like,
    portion_json,
    spending_of,
    tenants_with_budgets,
)
from trust_portal.cost.budgets.model import ALL, BudgetBook
from trust_portal.cost.budgets.repository import budget_revisions
from trust_portal.cost.metering.repository import lock_progress
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.outbox import Job
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

_TENANTS_AT_A_TIME: Final = 500
_FIRST: Final = UUID(int=0)


class BudgetAlerts:
    """Can be asked as often as one likes: what was said is not said again."""

    def __init__(self, storage: Storage, ledger: Ledger) -> None:
        self._storage = storage
        self._ledger = ledger
        self._rounds = Rounds(storage)

    async def is_due(self) -> bool:
        """Whether somebody is to be looked at once more, of whom it failed."""
        now = self._storage.clock.now()
        return any(each.retry_at <= now for each in await self._rounds.setbacks(Round.LOOK_AT_BUDGETS))

    async def ask_due(self) -> None:
        """For the clockwork: budgets are looked at once hours are closed, by the same job."""
        if await self.is_due():
            async with self._storage.write(TenantScope(VENDOR_ID)) as session:
                await session.enqueue(Job.CLOSE_COST_HOURS, {}, dedupe_key=Job.CLOSE_COST_HOURS.value)

    async def look(self) -> int:
        """Every tenant with a budget, as of its last closed hour; how many alerts were raised."""
        after, raised, all_ids = _FIRST, 0, set[UUID]()
        while True:
            async with self._storage.read(StaffScope()) as session:
                tenant_ids = await tenants_with_budgets(session, after, _TENANTS_AT_A_TIME)
            if not tenant_ids:
                await self._rounds.settle(Round.LOOK_AT_BUDGETS, all_ids)
                return raised
            after = tenant_ids[-1]
            all_ids.update(tenant_ids)
            raised += await self._rounds.together(Round.LOOK_AT_BUDGETS, tenant_ids, self._look_at)

    async def _look_at(self, tenant_ids: Sequence[UUID]) -> int:
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            owners = [*tenant_ids, VENDOR_ID]
            book = BudgetBook(await budget_revisions(session, tenant_ids))
            thresholds = ThresholdBook(await threshold_revisions(session, owners))
            suppressions = await suppressions_of(session, owners)
            spending = await spending_of(session, tenant_ids)
        raised = 0
        for each in spending:
            if covering(suppressions, each.tenant_id, ALL, each.hour) is not None:
                continue
            held = thresholds.effective(each.tenant_id, ALL, each.hour + HOUR)
            for finding in findings(book, each, held.burn_rate):
                raised += await self._say(finding)
        return raised

    async def _say(self, finding: AlertFinding) -> bool:
        tenant_id = finding.budget.tenant_id
        async with self._storage.write(TenantScope(tenant_id)) as session:
            await lock_progress(session, tenant_id)
            if not is_news(finding, await alerts_like(session, finding)):
                return False
            receipt = await self._ledger.record(session, _act(finding, session))
            alert = _alert(finding, session, receipt.id)
            await add_alert(session, alert)
            await _tell(session, alert)
        return True


def _alert(finding: AlertFinding, session: WriteSession, receipt_id: UUID) -> BudgetAlert:
    budget = finding.budget
    assert budget.amount is not None  # noqa: S101 - a withdrawn budget gives rise to nothing
    return BudgetAlert(
        tenant_id=budget.tenant_id,
        subsystem=budget.subsystem,
        currency=budget.currency,
        kind=finding.kind,
        month=finding.month,
        start=finding.start,
        hour=finding.hour,
        budget_revision=budget.revision,
        amount=budget.amount,
        spent=finding.spent,
        allowed=finding.allowed,
        portions=finding.portions,
        raised_at=session.clock.now(),
        receipt_id=receipt_id,
    )


def _act(finding: AlertFinding, session: WriteSession) -> Act:
    budget = finding.budget
    expected = finding.expected
    portions: dict[str, Json] = {name: {**portion_json(each)} for name, each in finding.portions.items()}
    result: dict[str, Json] = {
        "kind": finding.kind.value,
        "subsystem": budget.subsystem or None,
        "currency": budget.currency,
        "month": f"{finding.month:%Y-%m}",
        "budget": {
            "amount": f"{budget.amount:f}",
            "revision": str(budget.revision),
            "receipt": str(budget.receipt_id),
        },
        "start": rfc3339(finding.start),
        "end": rfc3339(finding.hour + HOUR),
        "spent": f"{finding.spent:f}",
        "allowed": f"{finding.allowed:f}",
        "expected": None if expected is None else f"{expected:f}",
        "by_subsystem": portions,
    }
    subject = f"budget/{budget.subsystem or 'all'}/{budget.currency}/{budget.revision}/{finding.kind.value}"
    return Act(
        kind=ReceiptKind.BUDGET_ALERTED,
        tenant_id=budget.tenant_id,
        actor=SYSTEM,
        at=session.clock.now(),
        subjects=(Subject(subject, digest(result)),),
        predicate=result,
    )


async def _tell(session: WriteSession, alert: BudgetAlert) -> None:
    tenant = await find_tenant(session, alert.tenant_id)
    if tenant is None:
        return
    whose = alert.subsystem or "all subsystems together"
    spent = f"{alert.spent:.2f} {alert.currency}"
    said = {
        AlertKind.BURNING: f"the budget for {whose} burns too fast",
        AlertKind.USED_UP: f"the budget for {whose} is used up",
    }[alert.kind]
    within = {
        AlertKind.BURNING: f"{spent} within a day, where an even pace gives {alert.allowed:.2f}.",
        AlertKind.USED_UP: f"{spent} since the month began, of {alert.allowed:.2f}.",
    }[alert.kind]
    await announce(
        session,
        Announcement(
            topic=Topic.BUDGET_ALERT,
            key=f"budget/{alert.kind.value}/{alert.subsystem}/{alert.currency}/{rfc3339(alert.hour)}",
            title=f"{tenant.name}: {said}",
            text=f"{within} The page of budgets says which subsystems it was.",
            path=f"/t/{tenant.key}/cost/budgets?month={alert.month:%Y-%m}",
            facts={
                "kind": alert.kind.value,
                "subsystem": alert.subsystem or "all",
                "currency": alert.currency,
                "month": f"{alert.month:%Y-%m}",
                "budget": f"{alert.amount:f}",
                "spent": f"{alert.spent:f}",
                "allowed": f"{alert.allowed:f}",
                "hour": rfc3339(alert.hour),
            },
            audience=Audience(RULES[Topic.BUDGET_ALERT].roles),
        ),
    )
