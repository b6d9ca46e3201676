"""Planning what is done about an anomaly, having it done, taking it back, and stopping everything."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.playbook import KillSwitch, PlaybookRun, kill_switch, playbook_run
from trust_portal.cost.remediation.model import PlanPlaybook, RequestRun, RollBackRun, RunAlone
from trust_portal.cost.remediation.switches_model import SetKillSwitch
from trust_portal.kernel.ids import VENDOR_ID


@strawberry.input(description="Which playbook to plan for which anomaly.")
class PlanPlaybookInput:
    anomaly_id: strawberry.ID
    playbook: str


@strawberry.input(description="Which planned run to have done, and why.")
class RequestPlaybookApprovalInput:
    run_id: strawberry.ID
    reason: str


@strawberry.input(description="Which run to have done alone in an emergency, and why.")
class ExecutePlaybookAloneInput:
    run_id: strawberry.ID
    reason: str


@strawberry.input(description="Which run to take back, and why.")
class RollBackPlaybookInput:
    run_id: strawberry.ID
    reason: str


@strawberry.type(description="The run as it stands.")
class PlaybookRunPayload(Payload):
    run: PlaybookRun | None = None


@strawberry.input(
    description="What to stop, or let go on: a tenant, a playbook, or, naming neither, everything."
)
class SetKillSwitchInput:
    stopped: bool
    reason: str
    tenant_id: strawberry.ID | None = None
    playbook: str | None = None


@strawberry.type(description="The setting; once it is answered, no call is under way any more.")
class SetKillSwitchPayload(Payload):
    kill_switch: KillSwitch | None = None


@strawberry.type
class PlaybookMutations:
    @mutation(description="Plan a playbook for an anomaly; the product is asked what it would do.")
    async def plan_playbook(self, info: Info, input: PlanPlaybookInput) -> PlaybookRunPayload:
        asked = decode(input.anomaly_id, "CostAnomaly", field="anomalyId")
        command = PlanPlaybook(asked.tenant_id, asked.id, input.playbook)
        (made,) = await info.context.house.remediation.plan(command, info.context.actor)
        return PlaybookRunPayload(run=playbook_run(made))

    @mutation(description="Ask that a planned run be done; others have to approve it.")
    async def request_playbook_approval(
        self, info: Info, input: RequestPlaybookApprovalInput
    ) -> PlaybookRunPayload:
        asked = decode(input.run_id, "PlaybookRun", field="runId")
        command = RequestRun(asked.tenant_id, asked.id, input.reason)
        run = await info.context.house.remediation.request(command, info.context.actor)
        return PlaybookRunPayload(run=playbook_run(run))

    @mutation(
        description="With the glass broken: have it done without waiting for approval, within every limit."
    )
    async def execute_playbook_alone(
        self, info: Info, input: ExecutePlaybookAloneInput
    ) -> PlaybookRunPayload:
        asked = decode(input.run_id, "PlaybookRun", field="runId")
        command = RunAlone(asked.tenant_id, asked.id, input.reason)
        run = await info.context.house.remediation.run_alone(command, info.context.actor)
        return PlaybookRunPayload(run=playbook_run(run))

    @mutation(description="Take back what a run did; also while a kill switch is on.")
    async def roll_back_playbook(self, info: Info, input: RollBackPlaybookInput) -> PlaybookRunPayload:
        asked = decode(input.run_id, "PlaybookRun", field="runId")
        command = RollBackRun(asked.tenant_id, asked.id, input.reason)
        run = await info.context.house.remediation.roll_back(command, info.context.actor)
        return PlaybookRunPayload(run=playbook_run(run))

    @mutation(description="Stop playbooks at once, or let them go on.")
    async def set_kill_switch(self, info: Info, input: SetKillSwitchInput) -> SetKillSwitchPayload:
        tenant_id = VENDOR_ID
        if input.tenant_id is not None:
            tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        command = SetKillSwitch(tenant_id, input.stopped, input.reason, input.playbook or "")
        made = await info.context.house.kill_switches.set(command, info.context.actor)
        return SetKillSwitchPayload(kill_switch=kill_switch(made))
