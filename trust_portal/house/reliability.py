"""Reliability: contracts, objectives, reports, cross-checks, credits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trust_portal.documents.press import Press
from trust_portal.evidence.audit import Auditor
from trust_portal.evidence.export import Renderer
from trust_portal.house.access import AccessRoom
from trust_portal.house.foundation import Foundation
from trust_portal.reliability.contracts.service import Contracts
from trust_portal.reliability.credits.attesting import CreditAuditor
from trust_portal.reliability.credits.deciding import CreditDecisions
from trust_portal.reliability.credits.issuing import CreditIssues
from trust_portal.reliability.credits.model import KIND as CREDIT_MEMO
from trust_portal.reliability.credits.proposing import Proposals
from trust_portal.reliability.credits.renderer import CreditMemoRenderer
from trust_portal.reliability.credits.service import Credits
from trust_portal.reliability.crosscheck.credentials import Admission
from trust_portal.reliability.crosscheck.prometheus import Prometheus
from trust_portal.reliability.crosscheck.service import CrossChecks
from trust_portal.reliability.exclusions.service import Exclusions
from trust_portal.reliability.forecast.service import Forecasts
from trust_portal.reliability.objectives.service import Objectives
from trust_portal.reliability.reports.attesting import SlaReportAuditor
from trust_portal.reliability.reports.bundles import Bundles
from trust_portal.reliability.reports.model import KIND as SLA_REPORT
from trust_portal.reliability.reports.renderer import SlaReportRenderer
from trust_portal.reliability.reports.service import Reports
from trust_portal.reliability.reports.staff import Overview
from trust_portal.reliability.reports.what_if import WhatIfs
from trust_portal.reliability.runs.service import Runs

AUDITORS: Final[tuple[Auditor, ...]] = (SlaReportAuditor(), CreditAuditor())


def renderers(press: Press) -> Mapping[str, Renderer]:
    return {SLA_REPORT: SlaReportRenderer(press), CREDIT_MEMO: CreditMemoRenderer(press)}


@dataclass(frozen=True)
class ReliabilityRoom:
    objectives: Objectives
    contracts: Contracts
    exclusions: Exclusions
    prometheus: Prometheus
    cross_checks: CrossChecks
    reports: Reports
    bundles: Bundles
    runs: Runs
    overview: Overview
    what_ifs: WhatIfs
    forecasts: Forecasts
    credits: Credits
    credit_proposals: Proposals
    credit_decisions: CreditDecisions
    credit_issues: CreditIssues


def reliability_room(base: Foundation, access: AccessRoom) -> ReliabilityRoom:
    settings, exports = base.settings, base.exports
    storage, gate, ledger, access_log = base.storage, base.gate, base.ledger, base.access_log
    tenants, approvals = access.tenants, access.approvals
    objectives = Objectives(storage, gate, ledger, tenants, access_log)
    prometheus = Prometheus(
        base.clock, Admission(settings.cross_check_hosts, settings.cross_check_credentials)
    )
    reports = Reports(
        storage,
        gate=gate,
        ledger=ledger,
        exports=exports,
        access_log=access_log,
        prometheus=prometheus,
        vendor_name=settings.vendor_name,
    )
    return ReliabilityRoom(
        objectives=objectives,
        contracts=Contracts(
            storage, gate=gate, ledger=ledger, tenants=tenants, objectives=objectives, access_log=access_log
        ),
        exclusions=Exclusions(
            storage,
            gate=gate,
            ledger=ledger,
            approvals=approvals,
            objectives=objectives,
            access_log=access_log,
        ),
        prometheus=prometheus,
        cross_checks=CrossChecks(
            storage,
            gate=gate,
            ledger=ledger,
            tenants=tenants,
            objectives=objectives,
            access_log=access_log,
            prometheus=prometheus,
        ),
        reports=reports,
        bundles=Bundles(storage, gate, exports),
        runs=Runs(
            storage,
            gate=gate,
            ledger=ledger,
            tenants=tenants,
            reports=reports,
            access_log=access_log,
            grace=settings.sla_grace,
        ),
        overview=Overview(storage, gate, access_log),
        what_ifs=WhatIfs(storage, gate, access_log),
        forecasts=Forecasts(storage, gate, ledger, access_log),
        credits=Credits(storage, gate, access_log, exports),
        credit_proposals=Proposals(storage, gate, ledger, approvals),
        credit_decisions=CreditDecisions(storage, gate, ledger, approvals, access.decisions),
        credit_issues=CreditIssues(storage, gate, ledger, approvals, exports),
    )
