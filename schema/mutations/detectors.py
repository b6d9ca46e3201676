"""Trying a detector on history, and deciding which one is live and which stands beside it."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.detector import CostBackTestRun, CostDetectors, cost_back_test_run, cost_detectors
from trust_portal.cost.anomalies.flags_model import Flag
from trust_portal.cost.trials.model import RunBackTest, SetDetectorFlag
from trust_portal.errors import NotFound


@strawberry.input(description="Which detector to try on which history; at the vendor on every tenant's.")
class BackTestCostDetectorInput:
    tenant_id: strawberry.ID
    detector: str = strawberry.field(description="Name and version.")
    weeks: int = 8


@strawberry.type(description="What a worker takes up; the same that is under way already is given as it is.")
class BackTestCostDetectorPayload(Payload):
    run: CostBackTestRun | None = None


@strawberry.input(
    description="Let the back-test's detector watch in shadow or be live, or take that back; at the vendor, for every tenant."
)
class SetCostDetectorInput:
    tenant_id: strawberry.ID
    flag: Flag
    enabled: bool
    back_test_id: strawberry.ID | None = strawberry.field(
        default=None, description="What the decision rests on; taking back needs none."
    )
    reason: str


@strawberry.type(description="What watches from the next close on.")
class SetCostDetectorPayload(Payload):
    detectors: CostDetectors | None = None


@strawberry.type
class DetectorMutations:
    @mutation(description="Have a detector tried on the stored history beside the live one.")
    async def back_test_cost_detector(
        self, info: Info, input: BackTestCostDetectorInput
    ) -> BackTestCostDetectorPayload:
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        command = RunBackTest(tenant_id, input.detector, input.weeks)
        run = await info.context.house.detector_backtests.ask(command, info.context.actor)
        return BackTestCostDetectorPayload(run=cost_back_test_run(run))

    @mutation(description="Decide which detector is live, or which watches beside it.")
    async def set_cost_detector(self, info: Info, input: SetCostDetectorInput) -> SetCostDetectorPayload:
        house, actor = info.context.house, info.context.actor
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        test_id = None
        if input.back_test_id is not None:
            test = decode(input.back_test_id, "CostBackTest", field="backTestId")
            if test.tenant_id != tenant_id:
                raise NotFound("back-test", field="backTestId")
            test_id = test.id
        command = SetDetectorFlag(tenant_id, input.flag, input.enabled, input.reason, test_id)
        await house.detector_flags.set(command, actor)
        standing = await house.detector_flags.standing(actor, tenant_id)
        return SetCostDetectorPayload(detectors=cost_detectors(standing))
