"""Planning a run: every customer served in the period gets its row, and its job."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.service import Tenants
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import MAX_PAGE, PageRequest
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.contracts.in_force import in_force, last_end, length_of
from trust_portal.reliability.contracts.repository import contract_versions
from trust_portal.reliability.runs import repository
from trust_portal.reliability.runs.model import Outcome, Run, RunState, RunTenant
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

_VENDOR = TenantScope(VENDOR_ID)


class Planning:
    """Finds whom a run covers; ``grace`` is how long a scheduled one waits for late data."""

    def __init__(self, storage: Storage, tenants: Tenants, grace: timedelta) -> None:
        self._storage = storage
        self._tenants = tenants
        self._grace = grace

    async def plan(self, run_id: UUID, job: UUID | None) -> None:
        """One transaction for each tenant, then one that says who was planned."""
        async with self._storage.read(_VENDOR) as session:
            run = await repository.get_run(session, run_id)
        planned: list[UUID] = []
        async for tenant in self.covered(run.period):
            await self._plan_tenant(run, tenant)
            planned.append(tenant.id)
        async with self._storage.write(_VENDOR) as session:
            if not await session.complete(job):
                return
            current = await repository.get_run(session, run_id, lock=True)
            if current.state is RunState.PLANNING and current.attempt == run.attempt:
                await repository.change_run(
                    session, run_id, state=RunState.RUNNING.value, total=len(planned), planned=planned
                )

    async def covered(self, label: str) -> AsyncIterator[Tenant]:
        """Every customer that was served in the period, also one that has left since."""
        period = parse_period(label, "UTC")
        # Half a day either way: whether a tenant belongs to the period never hangs on a time zone.
        start, end = period.start - timedelta(hours=14), period.end + timedelta(hours=12)
        request = PageRequest(MAX_PAGE)
        while True:
            page = await self._tenants.page(SYSTEM, request, purpose=f"SLA run {label}")
            for tenant in page.items:
                left = tenant.offboarded_at is not None and tenant.offboarded_at <= start
                if tenant.onboarded_at < end and not left:
                    yield tenant
            if not page.has_next:
                return
            request = PageRequest(MAX_PAGE, after=page.cursors[-1])

    async def _plan_tenant(self, run: Run, tenant: Tenant) -> None:
        async with self._storage.write(TenantScope(tenant.id)) as session:
            versions = await contract_versions(session, tenant.id)
            contract = in_force([each.contract for each in versions], run.period)
            reason, due = None, session.clock.now()
            if contract is None:
                reason = f"no version of a contract is in force in {run.period}"
            elif not contract.promises_by(length_of(run.period)):
                reason = f"the contract promises nothing by the {length_of(run.period)}"
            else:
                due = last_end(contract, run.period)
                if run.requested_by_id == SYSTEM.id:
                    due += self._grace
            planned = RunTenant(
                run_id=run.id,
                tenant_id=tenant.id,
                tenant_key=tenant.key,
                tenant_name=tenant.name,
                attempt=run.attempt,
                outcome=Outcome.PENDING if reason is None else Outcome.NO_CONTRACT,
                reason=reason,
                report_id=None,
                revision=None,
                due_at=due,
                changed_at=session.clock.now(),
            )
            if await repository.plan_tenant(session, planned) and reason is None:
                await session.enqueue(
                    Job.ISSUE_SLA_REPORT,
                    {"run_id": str(run.id), "tenant_id": str(tenant.id)},
                    dedupe_key=f"{Job.ISSUE_SLA_REPORT}:{run.id}:{run.attempt}:{tenant.id}",
                    due_at=due,
                )
