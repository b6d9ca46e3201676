"""All mutations as one type."""

from __future__ import annotations

import strawberry

from schema.mutations.approvals import ApprovalMutations
from schema.mutations.audits import AuditMutations
from schema.mutations.break_glass import BreakGlassMutations
from schema.mutations.compliance import ComplianceMutations
from schema.mutations.cost import CostMutations
from schema.mutations.credits import CreditMutations
from schema.mutations.cross_checks import CrossCheckMutations
from schema.mutations.detectors import DetectorMutations
from schema.mutations.exclusions import ExclusionMutations
from schema.mutations.exports import ExportMutations
from schema.mutations.imports import ImportMutations
from schema.mutations.incidents import IncidentMutations
from schema.mutations.keys import KeyMutations
from schema.mutations.notifications import NotificationMutations
from schema.mutations.pagers import PagerMutations
from schema.mutations.people import PeopleMutations
from schema.mutations.playbooks import PlaybookMutations
from schema.mutations.policies import PolicyMutations
from schema.mutations.postmortems import PostmortemMutations
from schema.mutations.posture import PostureMutations
from schema.mutations.prevention import PreventionMutations
from schema.mutations.qbrs import QbrMutations
from schema.mutations.reports import ReportMutations
from schema.mutations.tenants import TenantMutations
from schema.mutations.tokens import TokenMutations
from schema.mutations.trust_notes import TrustNoteMutations
from schema.mutations.trust_reports import TrustReportMutations


@strawberry.type(description="Acts. Each asks the policies, changes one thing, and leaves a receipt.")
class Mutation(
    ApprovalMutations,
    AuditMutations,
    BreakGlassMutations,
    ComplianceMutations,
    CostMutations,
    CreditMutations,
    CrossCheckMutations,
    DetectorMutations,
    ExclusionMutations,
    ExportMutations,
    ImportMutations,
    IncidentMutations,
    KeyMutations,
    NotificationMutations,
    PagerMutations,
    PeopleMutations,
    PlaybookMutations,
    PolicyMutations,
    PostmortemMutations,
    PostureMutations,
    PreventionMutations,
    QbrMutations,
    ReportMutations,
    TenantMutations,
    TokenMutations,
    TrustNoteMutations,
    TrustReportMutations,
):
    pass
