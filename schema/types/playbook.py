"""Runs of playbooks: what is done about an anomaly, step by step, and what stops it.

Amounts are exact decimals in major units of the currency beside them.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import strawberry

from schema.ids import Node, encode
from schema.types.named import NamedValue, named_values
from trust_portal.cost.remediation import model, reading
from trust_portal.cost.remediation.intent import radius, rehearsed
from trust_portal.cost.remediation.playbooks import ControlAction, Mode
from trust_portal.cost.remediation.switches_model import Reach, SwitchRevision
from trust_portal.kernel.money import Money

strawberry.enum(model.RunState, name="PlaybookRunState", description="Where a run stands.")
strawberry.enum(model.StepKind, name="PlaybookStepKind", description="What happened.")
strawberry.enum(ControlAction, name="ControlAction", description="What the product is asked to do.")
strawberry.enum(Mode, name="PlaybookMode", description="How a plan goes on by itself.")
strawberry.enum(Reach, name="KillSwitchReach", description="What a switch stops.")


@strawberry.type(description="One thing that happened to a run.")
class PlaybookStep:
    ordinal: int
    kind: model.StepKind
    state: model.RunState = strawberry.field(description="In which it left the run.")
    at: datetime
    by: str
    reason: str | None = strawberry.field(description="Why, where something went otherwise than planned.")
    rules: list[str] = strawberry.field(description="The policies that refused, if they did.")
    receipt_id: strawberry.ID | None
    approval_request_id: strawberry.ID | None


@strawberry.type(
    description="A plan from a playbook, and all that became of it. Amounts are exact, in major units of the currency beside it."
)
class PlaybookRun(Node):
    anomaly_id: strawberry.ID
    playbook: str
    title: str
    action: ControlAction
    mode: Mode
    state: model.RunState
    target: list[NamedValue]
    parameters: list[NamedValue]
    acts_upon: list[NamedValue] = strawberry.field(description="The part of the excess it is meant for.")
    currency: str
    saving_per_hour: Decimal
    saving_total: Decimal
    saving_hours: int = strawberry.field(description="The hours that the total is of.")
    blast_radius: str = strawberry.field(description="What else the target reaches, in one sentence.")
    reached_cost: Decimal = strawberry.field(description="What all that the target reaches cost.")
    beside_cost: Decimal = strawberry.field(description="Of that, what lies beside what is meant.")
    reached_hours: int = strawberry.field(description="The hours that both are of.")
    dry_run: str = strawberry.field(description="What the product said it would do, in words.")
    reasons: list[str] = strawberry.field(description="Why the playbook fits.")
    planned_at: datetime
    planned_by: str
    lapses_at: datetime
    can_be_rolled_back: bool
    steps: list[PlaybookStep]


@strawberry.type(description="A setting of a kill switch.")
class KillSwitch:
    reach: Reach
    playbook: str | None
    stopped: bool
    reason: str
    set_at: datetime
    set_by: str
    receipt_id: strawberry.ID


@strawberry.type(description="How many acts were done, and how many may be.")
class ActsCounted:
    done: int
    limit: int


@strawberry.type(
    description="Cost a day of what was acted upon today, against its limit, in major units of the currency beside it."
)
class MoneyCounted:
    currency: str
    done: Decimal
    limit: Decimal


@strawberry.type(description="How many runs are in a state.")
class RunsInState:
    state: model.RunState
    count: int


@strawberry.type(description="A target that a playbook does not act on again so soon.")
class CoolDown:
    tenant_id: strawberry.ID
    target: list[NamedValue]
    until: datetime


@strawberry.type(
    description="A playbook as it stands: how it goes on, how near its limits are, what stops it."
)
class PlaybookStanding:
    playbook: str = strawberry.field(description="Its id, as runs name it.")
    title: str
    action: ControlAction
    mode: Mode
    cool_down_minutes: int
    cooling_down: list[CoolDown] = strawberry.field(description="The newest act first.")
    actions_this_hour: ActsCounted = strawberry.field(description="Of this playbook, over all tenants.")
    all_actions_this_hour: ActsCounted = strawberry.field(description="Of all playbooks together.")
    tenants_per_run: int = strawberry.field(
        description="How many tenants it may act on within a day, whatever the targets."
    )
    money_today: list[MoneyCounted]
    runs: list[RunsInState]
    stopped_by: list[KillSwitch] = strawberry.field(
        description="The switches that hold it, the widest first."
    )


def playbook_standings(row: reading.Standing) -> list[PlaybookStanding]:
    together = ActsCounted(done=row.actions.done, limit=row.actions.limit)
    return [
        PlaybookStanding(
            playbook=each.id,
            title=each.playbook.title,
            action=each.playbook.action,
            mode=each.playbook.mode,
            cool_down_minutes=each.playbook.cool_down_minutes,
            cooling_down=[
                CoolDown(
                    tenant_id=encode("Tenant", at.tenant_id, at.tenant_id),
                    target=named_values(at.target),
                    until=at.until,
                )
                for at in each.cooling
            ],
            actions_this_hour=ActsCounted(done=each.actions.done, limit=each.actions.limit),
            all_actions_this_hour=together,
            tenants_per_run=each.playbook.limits.tenants_per_run,
            money_today=[
                MoneyCounted(
                    currency=currency,
                    done=Decimal(Money(counted.done, currency).decimal),
                    limit=Decimal(Money(counted.limit, currency).decimal),
                )
                for currency, counted in each.money.items()
            ],
            runs=[RunsInState(state=state, count=count) for state, count in each.runs.items()],
            stopped_by=[kill_switch(switch) for switch in each.stopped_by],
        )
        for each in row.playbooks
    ]


def playbook_run(row: model.Run) -> PlaybookRun:
    plan = row.plan
    return PlaybookRun(
        id=encode("PlaybookRun", row.tenant_id, row.id),
        anomaly_id=encode("CostAnomaly", row.tenant_id, plan.anomaly),
        playbook=plan.playbook_id,
        title=plan.playbook.title,
        action=plan.playbook.action,
        mode=plan.playbook.mode,
        state=row.state,
        target=named_values(plan.target),
        parameters=named_values(plan.parameters),
        acts_upon=named_values(plan.part.where),
        currency=plan.currency,
        saving_per_hour=plan.saving.per_hour,
        saving_total=plan.saving.total,
        saving_hours=plan.saving.hours,
        blast_radius=radius(plan),
        reached_cost=plan.blast_radius.cost,
        beside_cost=plan.blast_radius.beside,
        reached_hours=plan.blast_radius.hours,
        dry_run=rehearsed(plan),
        reasons=list(plan.reasons),
        planned_at=row.planned_at,
        planned_by=row.planned_by,
        lapses_at=row.lapses_at,
        can_be_rolled_back=row.can_be_rolled_back,
        steps=[_step(row.tenant_id, each) for each in row.steps],
    )


def kill_switch(row: SwitchRevision) -> KillSwitch:
    return KillSwitch(
        reach=row.reach,
        playbook=row.playbook or None,
        stopped=row.stopped,
        reason=row.reason,
        set_at=row.set_at,
        set_by=row.set_by,
        receipt_id=encode("Receipt", row.tenant_id, row.receipt_id),
    )


def _step(tenant_id: UUID, row: model.Step) -> PlaybookStep:
    why = row.detail.get("why") or row.detail.get("reason")
    return PlaybookStep(
        ordinal=row.ordinal,
        kind=row.kind,
        state=row.state,
        at=row.at,
        by=row.actor_name,
        reason=None if why is None else str(why),
        rules=[str(each) for each in row.detail.get("rules", ())],
        receipt_id=None if row.receipt_id is None else encode("Receipt", tenant_id, row.receipt_id),
        approval_request_id=None
        if row.approval_id is None
        else encode("ApprovalRequest", tenant_id, row.approval_id),
    )
