"""Judging controls now, bundles of evaluations, assessments from elsewhere, and reviews of roles."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.spans import days
from schema.types.compliance import Assessment, ComplianceEvaluation, assessment, compliance_evaluation
from schema.types.export import Export, export
from trust_portal.trust.compliance.imports.service import (
    ChangeReaders,
    ImportAssessment,
    WithdrawAssessment,
)
from trust_portal.trust.compliance.model import AssessmentReaders, Evaluate
from trust_portal.trust.compliance.reviews.model import RecordReview, ReviewAct


@strawberry.input(description="Whose controls to judge, and why.")
class EvaluateComplianceInput:
    tenant_id: strawberry.ID
    reason: str = strawberry.field(description="Stands in the receipt.")


@strawberry.type(description="The evaluation, on record.")
class EvaluateCompliancePayload(Payload):
    evaluation: ComplianceEvaluation | None = None


@strawberry.input(description="The evaluation whose signed bundle is wanted.")
class ExportComplianceInput:
    evaluation_id: strawberry.ID


@strawberry.type(description="The export, new or already there.")
class ExportCompliancePayload(Payload):
    export: Export | None = None


@strawberry.input(
    description="OSCAL assessment-results as JSON text. What is too large for a request goes in as a file,"
    " at /compliance or on the command line."
)
class ImportAssessmentInput:
    source: str = strawberry.field(description="Who assessed.")
    document: str
    max_age_days: int = strawberry.field(
        description="How many days after the oldest result that a finding of it counts by it is fresh."
    )
    readers: AssessmentReaders = strawberry.field(
        description="Who may fetch the file. Who assessed, its title, how it came out, its age and digest stand in "
        "every customer's evaluation all the same."
    )
    reason: str = strawberry.field(description="Stands in the receipt.")


@strawberry.type(description="What was taken in; all of it, or nothing.")
class ImportAssessmentPayload(Payload):
    assessment: Assessment | None = None


@strawberry.input(description="The latest assessment of its source, and why it counts no more.")
class WithdrawAssessmentInput:
    assessment_id: strawberry.ID
    reason: str = strawberry.field(description="Stands in the receipt.")


@strawberry.type(description="What was withdrawn; its bytes and its receipt stay.")
class WithdrawAssessmentPayload(Payload):
    assessment: Assessment | None = None


@strawberry.input(
    description="An assessment, also one that was withdrawn, and who may fetch its file from now on."
)
class ChangeAssessmentReadersInput:
    assessment_id: strawberry.ID
    readers: AssessmentReaders
    reason: str = strawberry.field(description="Stands in the receipt.")


@strawberry.type(description="The assessment with its readers of now.")
class ChangeAssessmentReadersPayload(Payload):
    assessment: Assessment | None = None


@strawberry.input(description="What was decided about one role that somebody else holds, and why.")
class ReviewHeldRoleInput:
    held_role_id: strawberry.ID
    act: ReviewAct
    reason: str


@strawberry.type(description="Whether it is on record.")
class ReviewHeldRolePayload(Payload):
    recorded: bool = False


@strawberry.type
class ComplianceMutations:
    @mutation(description="Judge every control of a tenant, or of the vendor, now.")
    async def evaluate_compliance(
        self, info: Info, input: EvaluateComplianceInput
    ) -> EvaluateCompliancePayload:
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        command = Evaluate(tenant_id, input.reason)
        made = await info.context.house.compliance.evaluate(command, info.context.actor)
        return EvaluateCompliancePayload(evaluation=compliance_evaluation(made))

    @mutation(description="Ask for the signed bundle of an evaluation, OSCAL included. Idempotent.")
    async def export_compliance(self, info: Info, input: ExportComplianceInput) -> ExportCompliancePayload:
        house, actor = info.context.house, info.context.actor
        asked = decode(input.evaluation_id, "ComplianceEvaluation", field="evaluationId")
        tenant = await house.tenants.get(actor, asked.tenant_id, purpose="GraphQL")
        found = await house.compliance.export(actor, asked.tenant_id, asked.id)
        return ExportCompliancePayload(export=export(found, tenant.key))

    @mutation(
        description="Take in an assessment that was made elsewhere.",
        arguments={"max_age": "max_age_days"},
    )
    async def import_assessment(self, info: Info, input: ImportAssessmentInput) -> ImportAssessmentPayload:
        command = ImportAssessment(
            input.source,
            input.document.encode(),
            days(input.max_age_days, "max_age_days"),
            input.reason,
            input.readers,
        )
        taken = await info.context.house.assessment_imports.take(command, info.context.actor)
        return ImportAssessmentPayload(assessment=assessment(taken))

    @mutation(description="Have no assessment of a source count until it hands over another.")
    async def withdraw_assessment(
        self, info: Info, input: WithdrawAssessmentInput
    ) -> WithdrawAssessmentPayload:
        command = WithdrawAssessment(
            decode(input.assessment_id, "Assessment", field="assessmentId").id, input.reason
        )
        withdrawn = await info.context.house.assessment_imports.withdraw(command, info.context.actor)
        return WithdrawAssessmentPayload(assessment=assessment(withdrawn))

    @mutation(description="Let others fetch the file of an assessment than before.")
    async def change_assessment_readers(
        self, info: Info, input: ChangeAssessmentReadersInput
    ) -> ChangeAssessmentReadersPayload:
        command = ChangeReaders(
            decode(input.assessment_id, "Assessment", field="assessmentId").id, input.readers, input.reason
        )
        changed = await info.context.house.assessment_imports.change_readers(command, info.context.actor)
        return ChangeAssessmentReadersPayload(assessment=assessment(changed))

    @mutation(description="Confirm a role that somebody else holds, or take it away.")
    async def review_held_role(self, info: Info, input: ReviewHeldRoleInput) -> ReviewHeldRolePayload:
        asked = decode(input.held_role_id, "RoleGrant", field="heldRoleId")
        command = RecordReview(asked.tenant_id, asked.id, input.act, input.reason)
        await info.context.house.access_reviews.record(command, info.context.actor)
        return ReviewHeldRolePayload(recorded=True)
