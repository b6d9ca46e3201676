"""``node``: anything with a global id, found again by it.

Each kind is looked up by the service that owns it, in the scope the id claims; the gate decides.
A foreign id, an absent one and one of no kind are the same null.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from schema.context import Context
from schema.ids import GlobalId, Node, decode
from schema.types.approval import ApprovalRequest, approval_request
from schema.types.audit import AuditInvitation, audit_invitation
from schema.types.compliance import ComplianceEvaluation, compliance_evaluation
from schema.types.cost import CostAnomaly, cost_anomaly
from schema.types.credit import Credit, credit
from schema.types.exclusion import Exclusion, exclusion
from schema.types.export import Export, export
from schema.types.incident import VendorIncident, vendor_incident_of
from schema.types.person import Person, person
from schema.types.playbook import PlaybookRun, playbook_run
from schema.types.postmortem import (
    Postmortem,
    PostmortemRelease,
    PostmortemVersion,
    opened_postmortem,
    postmortem_releases,
    postmortem_version,
)
from schema.types.prevention import PreventionAction, prevention_action
from schema.types.qbr import Qbr, qbr
from schema.types.receipt import Receipt, receipt
from schema.types.report import SlaReport, sla_report
from schema.types.tenant import Tenant, tenant
from schema.types.tenant_incident import Incident, PostmortemCopy, incident, postmortem_copy
from schema.types.trust_report import TrustReport, trust_report
from trust_portal.access.tenants import model
from trust_portal.errors import NotFound
from trust_portal.kernel.ids import VENDOR_ID


async def find(context: Context, text: str) -> Node | None:
    """The thing behind a global id, or None; ``Denied`` where the caller may know that it is there."""
    try:
        asked = decode(text)
        look_up = LOOK_UPS.get(asked.kind)
        return None if look_up is None else await look_up(context, asked)
    except NotFound:
        return None


async def _owner(context: Context, asked: GlobalId) -> model.Tenant:
    return await context.house.tenants.get(context.actor, asked.tenant_id, purpose="GraphQL")


async def _tenant(context: Context, asked: GlobalId) -> Tenant:
    if asked.id != asked.tenant_id:
        raise NotFound("node")
    return tenant(await _owner(context, asked))


async def _report(context: Context, asked: GlobalId) -> SlaReport:
    found = await context.house.reports.get(context.actor, asked.tenant_id, asked.id)
    return sla_report(found, (await _owner(context, asked)).key)


async def _anomaly(context: Context, asked: GlobalId) -> CostAnomaly:
    return cost_anomaly(await context.house.anomalies.get(context.actor, asked.tenant_id, asked.id))


async def _approval(context: Context, asked: GlobalId) -> ApprovalRequest:
    return approval_request(await context.house.approval_inbox.get(context.actor, asked.tenant_id, asked.id))


async def _audit_invitation(context: Context, asked: GlobalId) -> AuditInvitation:
    found = await context.house.audit_invitations.get(context.actor, asked.tenant_id, asked.id)
    return audit_invitation(found, context.house.clock.now())


async def _evaluation(context: Context, asked: GlobalId) -> ComplianceEvaluation:
    found = await context.house.compliance.get(context.actor, asked.tenant_id, asked.id)
    return compliance_evaluation(found)


async def _exclusion(context: Context, asked: GlobalId) -> Exclusion:
    return exclusion(await context.house.exclusions.get(context.actor, asked.tenant_id, asked.id))


async def _credit(context: Context, asked: GlobalId) -> Credit:
    found = await context.house.credits.get(context.actor, asked.tenant_id, asked.id)
    return credit(found, (await _owner(context, asked)).key)


async def _export(context: Context, asked: GlobalId) -> Export:
    found = await context.house.archive.export(context.actor, asked.tenant_id, asked.id)
    return export(found, (await _owner(context, asked)).key)


async def _playbook_run(context: Context, asked: GlobalId) -> PlaybookRun:
    return playbook_run(await context.house.playbook_runs.get(context.actor, asked.tenant_id, asked.id))


async def _qbr(context: Context, asked: GlobalId) -> Qbr:
    return qbr(await context.house.qbr_reader.find(context.actor, asked.tenant_id, asked.id))


async def _receipt(context: Context, asked: GlobalId) -> Receipt:
    return receipt((await context.house.archive.receipt(context.actor, asked.tenant_id, asked.id)).receipt)


async def _trust_report(context: Context, asked: GlobalId) -> TrustReport:
    found = await context.house.trust_reports.get(context.actor, asked.tenant_id, asked.id)
    return trust_report(found.report, (await _owner(context, asked)).key)


async def _person(context: Context, asked: GlobalId) -> Person:
    return person(await context.house.people.get(context.actor, asked.tenant_id, asked.id))


async def _incident(context: Context, asked: GlobalId) -> Incident:
    house = context.house
    found = await house.customer_incidents.find(context.actor, asked.tenant_id, asked.id)
    return incident(found, asked.tenant_id, (await _owner(context, asked)).key)


async def _vendor_incident(context: Context, asked: GlobalId) -> VendorIncident:
    return vendor_incident_of(await context.house.incidents.get(context.actor, _of_house(asked)))


async def _postmortem(context: Context, asked: GlobalId) -> Postmortem:
    found = await context.house.postmortem_reader.find(context.actor, _of_house(asked))
    return opened_postmortem(found)


async def _postmortem_version(context: Context, asked: GlobalId) -> PostmortemVersion:
    found = await context.house.postmortem_reader.signed_with(context.actor, _of_house(asked))
    return postmortem_version(found)


async def _postmortem_release(context: Context, asked: GlobalId) -> PostmortemRelease:
    found = await context.house.postmortem_releases.find(context.actor, _of_house(asked))
    [release] = await postmortem_releases(context, [found])
    return release


async def _postmortem_copy(context: Context, asked: GlobalId) -> PostmortemCopy:
    found = await context.house.postmortem_copies.find(context.actor, asked.tenant_id, asked.id)
    return postmortem_copy(found.copy, found.export, found.superseded_by, (await _owner(context, asked)).key)


async def _prevention_action(context: Context, asked: GlobalId) -> PreventionAction:
    return prevention_action(await context.house.prevention_reader.get(context.actor, _of_house(asked)))


def _of_house(asked: GlobalId) -> UUID:
    """The vendor's own things are nobody else's."""
    if asked.tenant_id != VENDOR_ID:
        raise NotFound("node")
    return asked.id


LOOK_UPS: dict[str, Callable[[Context, GlobalId], Awaitable[Node]]] = {
    "ApprovalRequest": _approval,
    "AuditInvitation": _audit_invitation,
    "ComplianceEvaluation": _evaluation,
    "CostAnomaly": _anomaly,
    "Credit": _credit,
    "Exclusion": _exclusion,
    "Export": _export,
    "Incident": _incident,
    "Person": _person,
    "PlaybookRun": _playbook_run,
    "Postmortem": _postmortem,
    "PostmortemCopy": _postmortem_copy,
    "PostmortemRelease": _postmortem_release,
    "PostmortemVersion": _postmortem_version,
    "PreventionAction": _prevention_action,
    "Qbr": _qbr,
    "Receipt": _receipt,
    "SlaReport": _report,
    "Tenant": _tenant,
    "TrustReport": _trust_report,
    "VendorIncident": _vendor_incident,
}
