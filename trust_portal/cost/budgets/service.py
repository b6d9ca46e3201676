"""Budgets are set with a reason, leave a receipt, and show how far a month has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies.suppressions_model import require_subsystem
from trust_portal.cost.budgets.alerts_model import BudgetAlert
from trust_portal.cost.budgets.alerts_repository import newest_alerts
from trust_portal.cost.budgets.model import ALL, BudgetBook, BudgetRevision, span_of
from trust_portal.cost.budgets.repository import add_budget, budget_revisions
from trust_portal.cost.metering.repository import read_hours
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.money import exponent
from trust_portal.kernel.names import require_words
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

_LARGEST = Decimal(10) ** 15
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class SetBudget:
    """Command: ``amount`` a month in major units of ``currency``, from ``from_month`` on.

    ``subsystem`` ``None``: for all together. ``amount`` ``None`` withdraws the budget.
    """

    tenant_id: UUID
    subsystem: str | None
    currency: str
    amount: Decimal | None
    from_month: date
    reason: str
    expected_revision: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
        require_subsystem(self.subsystem)
        exponent(self.currency)
        if self.amount is not None and not (self.amount.is_finite() and 0 < self.amount < _LARGEST):
            raise InvalidInput("a budget is an amount above zero", field="amount")
        if self.from_month.day != 1:
            raise InvalidInput("a budget begins with a month", field="from_month")


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """A month's budget and how far it has come, exact; ``forecast`` is the month at its pace so far.

    ``pace`` is spending so far over what an even pace would have spent: 1 is on budget, 2 is twice
    as fast. ``None`` before the month has an hour.
    """

    budget: BudgetRevision
    month: date
    spent: Decimal
    forecast: Decimal | None
    pace: Decimal | None


class Budgets:
    """Sets budgets and says where they stand."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def set(self, command: SetBudget, actor: Actor) -> BudgetRevision:
        """The next revision of the scope's budget. ``Conflict`` when somebody was quicker."""
        decision = await self._gate.require(actor, Action.BUDGET_SET, Resource("budget", command.tenant_id))
        subsystem = command.subsystem or ALL
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            mine = [
                each
                for each in await budget_revisions(session, [command.tenant_id])
                if (each.subsystem, each.currency) == (subsystem, command.currency)
            ]
            current = mine[-1].revision if mine else 0
            if command.expected_revision not in {None, current}:
                raise Conflict(f"this budget was changed meanwhile, to revision {current}", code="STALE")
            now = session.clock.now()
            result: dict[str, Json] = {
                "subsystem": command.subsystem,
                "currency": command.currency,
                "revision": str(current + 1),
                "amount": _text(command.amount),
                "from_month": f"{command.from_month:%Y-%m}",
                "previous": _text(mine[-1].amount) if mine else None,
            }
            subject = f"budget/{command.subsystem or 'all'}/{command.currency}/{current + 1}"
            receipt = await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.BUDGET_SET,
                    tenant_id=command.tenant_id,
                    actor=actor,
                    at=now,
                    subjects=(Subject(subject, digest(result)),),
                    predicate=result,
                    policies=decision.policies,
                    policy_version=decision.version,
                    rationale=command.reason,
                ),
            )
            budget = BudgetRevision(
                tenant_id=command.tenant_id,
                subsystem=subsystem,
                currency=command.currency,
                revision=current + 1,
                amount=command.amount,
                from_month=command.from_month,
                reason=command.reason,
                set_at=now,
                set_by=actor.name,
                receipt_id=receipt.id,
            )
            await add_budget(session, budget, actor)
        return budget

    async def history(self, actor: Actor, tenant_id: UUID) -> tuple[BudgetRevision, ...]:
        """Every revision of a tenant's budgets, oldest first."""
        await self._gate.require(actor, Action.BUDGET_READ, Resource("budget", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await budget_revisions(session, [tenant_id])
        await self._access_log.looked(actor, tenant_id, "budget", purpose="cost")
        return found

    async def alerts(self, actor: Actor, tenant_id: UUID) -> tuple[BudgetAlert, ...]:
        """What was said of a tenant's budgets, the newest fifty, newest first."""
        await self._gate.require(actor, Action.BUDGET_READ, Resource("budget", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await newest_alerts(session, tenant_id, _SHOWN)
        await self._access_log.looked(actor, tenant_id, "budget", purpose="cost")
        return found

    async def status(
        self, actor: Actor, tenant_id: UUID, month: date | None = None
    ) -> tuple[BudgetStatus, ...]:
        """Where each budget of ``month`` (the current one by default) stands."""
        await self._gate.require(actor, Action.BUDGET_READ, Resource("budget", tenant_id))
        now = self._storage.clock.now()
        month = (month or now.date()).replace(day=1)
        start, end = span_of(month)
        async with self._storage.read(scope_of(actor, tenant_id), snapshot=True) as session:
            revisions = await budget_revisions(session, [tenant_id])
            hours = await read_hours(session, tenant_id, start, end)
        await self._access_log.looked(actor, tenant_id, "budget", purpose="cost")
        book = BudgetBook(revisions)
        found: list[BudgetStatus] = []
        for subsystem, currency in sorted({(each.subsystem, each.currency) for each in revisions}):
            budget = book.of_month(tenant_id, subsystem, currency, month)
            if budget is not None:
                spent = sum(
                    (
                        each.cost
                        for each in hours
                        if each.series.currency == currency and subsystem in {ALL, each.series.subsystem}
                    ),
                    Decimal(0),
                )
                found.append(_status(budget, month, spent, _elapsed(start, end, now)))
        return tuple(found)


def _status(budget: BudgetRevision, month: date, spent: Decimal, elapsed: Decimal) -> BudgetStatus:
    if not elapsed or budget.amount is None:
        return BudgetStatus(budget, month, spent, None, None)
    cent = Decimal(1).scaleb(-exponent(budget.currency))
    forecast = spent / elapsed
    return BudgetStatus(
        budget,
        month,
        spent,
        forecast.quantize(cent, ROUND_HALF_EVEN),
        (forecast / budget.amount).quantize(Decimal("0.001"), ROUND_HALF_EVEN),
    )


def _elapsed(start: datetime, end: datetime, now: datetime) -> Decimal:
    """The share of a month that is over, by whole hours."""
    hour = timedelta(hours=1)
    passed = (min(max(now, start), end) - start) // hour
    return Decimal(passed) / Decimal((end - start) // hour)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
