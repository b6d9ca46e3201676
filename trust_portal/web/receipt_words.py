"""A receipt as people read it: what was done in one sentence, what it is about, and where that is to be seen. Pure.

For reading only: what counts is the signed statement, which stands on the same page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from trust_portal.access.action import Action
from trust_portal.documents.reading import readable
from trust_portal.evidence.statement import ReceiptKind

#: What whoever acted did, to be read behind their name.
DONE: Final[Mapping[str, str]] = {
    "access_review.confirmed": "confirmed in the access review that a person keeps a role",
    "access_review.revoked": "took a role away in the access review",
    "account.set": "set how this customer is looked after",
    "anomaly.closed": "closed a cost anomaly",
    "anomaly.explained": "put on record what a cost anomaly is made of",
    "anomaly.feedback": "said what a cost anomaly was",
    "anomaly.opened": "opened a cost anomaly",
    "approval.approved": "approved a request",
    "approval.denied": "denied a request for approval",
    "approval.expired": "ended a request for approval whose time was over",
    "approval.requested": "asked for approval",
    "approval.used": "did what was approved",
    "approval.voided": "ended a request for approval that no longer stood",
    "approval.withdrawn": "took a request for approval back",
    "audit_invitation.accepted": "accepted an invitation to audit",
    "audit_invitation.created": "invited an auditor",
    "audit_invitation.revoked": "revoked an auditor’s invitation",
    "break_glass.closed": "closed an emergency access",
    "break_glass.opened": "broke the glass: opened an emergency access",
    "break_glass.reviewed": "reviewed an emergency access",
    "budget.alerted": "raised the alarm for a budget",
    "budget.set": "set a budget",
    "byok.enabled": "set a key of the customer’s own to seal data with",
    "byok.rotated": "changed the customer’s own key",
    "byok.sealed": "sealed stored data with the customer’s own key",
    "byok.withdrawn": "withdrew the customer’s own key",
    "calendar_feed.created": "made a calendar feed",
    "calendar_feed.revoked": "revoked a calendar feed",
    "compliance.evaluated": "evaluated the compliance controls",
    "compliance.imported": "took in an assessment by others",
    "compliance.readers_changed": "changed who may read an assessment’s file",
    "compliance.withdrawn": "withdrew an assessment by others",
    "contract.recorded": "put a version of the contract on record",
    "cost.rebuilt": "computed the cost figures anew",
    "credit.approved": "recorded that everybody it takes approved a credit",
    "credit.calculated": "calculated what credit is due",
    "credit.claim_refused": "refused a claim for a credit",
    "credit.expired": "ended a credit that was not decided in time",
    "credit.issued": "issued a credit",
    "credit.proposed": "proposed a credit",
    "credit.rejected": "rejected a credit",
    "credit.voided": "withdrew a credit",
    "cross_check.set": "set a second source that measurements are checked against",
    "cross_check.withdrawn": "withdrew a second source of measurements",
    "delivery.replayed": "sent a notification again",
    "detector.backtested": "tried a detector on past cost",
    "escalation.acknowledged": "took note of an overdue action",
    "exclusion.approved": "approved minutes that do not count",
    "exclusion.denied": "denied an exclusion of minutes",
    "exclusion.expired": "ended a proposed exclusion whose time was over",
    "exclusion.proposed": "proposed minutes that shall not count",
    "exclusion.revoked": "revoked an exclusion of minutes",
    "exclusion.withdrawn": "took a proposed exclusion back",
    "export.completed": "finished a bundle",
    "export.manifest": "asked for a bundle, and listed what is in it",
    "flag.changed": "switched a feature of this portal",
    "incident.affected_set": "said whom an incident touches",
    "incident.declared": "declared an incident",
    "incident.downgraded": "lowered an incident’s severity",
    "incident_integration.set": "set how a pager’s messages are read",
    "incident.merged": "merged two incidents",
    "incident.mitigated": "said that an incident was mitigated",
    "incident.noted": "wrote a note in an incident’s timeline",
    "incident.owner_changed": "gave an incident another owner",
    "incident.reopened": "reopened an incident",
    "incident.resolved": "said that an incident was resolved",
    "incident.severity_changed": "changed an incident’s severity",
    "incident.told_customer": "told customers of an incident",
    "incident.unmerged": "undid a merger of incidents",
    "incidents.rebuilt": "made the incident register anew",
    "key.created": "made a signing key",
    "key.rotated": "put another signing key in force",
    "kill_switch.set": "set a kill switch of the automation",
    "maintenance.recorded": "put a maintenance window on record",
    "objective.recorded": "put objectives on record",
    "passkey.enrolled": "enrolled a passkey",
    "passkey.introduced": "introduced a passkey to this log",
    "passkey.revoked": "revoked a passkey",
    "person.added": "added a person",
    "person.suspended": "suspended a person",
    "playbook.approved": "permitted a playbook’s run, within every limit",
    "playbook.denied": "denied a playbook’s run by policy",
    "playbook.executed": "had a playbook executed",
    "playbook.failed": "recorded that a playbook’s run failed",
    "playbook.lapsed": "let a playbook’s run lapse",
    "playbook.planned": "planned a playbook",
    "playbook.rollback_started": "began to take back what a playbook did",
    "playbook.rolled_back": "took back what a playbook did",
    "playbook.verified": "verified in the data what a playbook saved",
    "policy.installed": "put policies in force",
    "policy.retired": "retired policies",
    "policy.returned": "put earlier policies in force again",
    "postmortem.accepted": "accepted a postmortem that others wrote",
    "postmortem.copy_issued": "made this customer’s copy of a postmortem",
    "postmortem.copy_superseded": "replaced this customer’s copy of a postmortem",
    "postmortem.disclosed": "disclosed withheld fields of a postmortem",
    "postmortem.opened": "opened the postmortem of an incident",
    "postmortem.released": "released a postmortem to a customer",
    "postmortem.reopened": "reopened a postmortem",
    "postmortem.returned": "returned a postmortem to its authors",
    "postmortem.signed": "signed a postmortem",
    "postmortem.submitted": "submitted a postmortem for review",
    "posture.checked": "checked how this customer’s data is kept",
    "prevention_action.begun": "began work on a prevention action",
    "prevention_action.done": "finished a prevention action",
    "prevention_action.dropped": "dropped a prevention action",
    "prevention_action.moved": "gave a prevention action another day or owner",
    "prevention_action.planned": "planned a prevention action",
    "prevention_action.recurred": "recorded that what a prevention action was to prevent happened again",
    "prevention_action.superseded": "replaced a prevention action by another",
    "prevention_action.withdrawn": "withdrew a prevention action",
    "receipts.audited": "audited this log: every receipt and bundle",
    "qbr.commented": "commented on a business review",
    "qbr.commitment_made": "recorded what was promised in a business review",
    "qbr.commitment_settled": "recorded what became of a promise",
    "qbr.issued": "issued a business review",
    "qbr.omitted": "left a part of a business review out",
    "qbr.prepared": "gathered a business review",
    "qbr.recommendation_reviewed": "reviewed a recommendation of a business review",
    "role.granted": "gave a person a role",
    "role.revoked": "took a role from a person",
    "sign_in.connected": "connected a person with the company’s sign-in",
    "sign_in_link.created": "made a sign-in link",
    "sla_report.issued": "signed an SLA report",
    "sla_report.refused": "did not sign an SLA report, and said why",
    "sla_run.completed": "finished a monthly run over every customer",
    "suppression.created": "announced planned work, so that its cost raises nothing",
    "suppression.ended": "ended a suppression",
    "tenant.created": "added this customer",
    "tenant.offboarded": "ended this customer’s service",
    "tenant.residency_set": "set where this customer’s data must stay",
    "threshold.changed": "changed thresholds of detection",
    "token.created": "issued an API token",
    "token.revoked": "revoked an API token",
    "trust_batch.completed": "finished Trust Reports of every customer",
    "trust_note.written": "wrote a sub-processor or a note of the Trust Report",
    "trust_report.published": "published a Trust Report",
    "webhook.changed": "changed a webhook",
    "webhook.created": "set up a webhook",
    "webhook.disabled": "switched a webhook off",
    "webhook.rotated": "changed a webhook’s secret",
    "workplace.set": "said where a person works",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the thing is to be seen: ``path``, below the tenant's pages or, of the ``house``, from the root; who may
    ``read`` may open it.
    """

    path: str
    read: Action
    house: bool = False


#: By kind, or what kinds begin with. Braces name a field of the receipt's result.
_PLACES: Final = {
    "anomaly": Place("cost/anomalies/{anomaly}", Action.ANOMALY_READ),
    "approval": Place("approvals/{approval}", Action.APPROVAL_READ),
    "budget": Place("cost/budgets", Action.BUDGET_READ),
    "compliance.evaluated": Place("compliance/{evaluation}", Action.COMPLIANCE_READ),
    "contract": Place("contracts/{version}", Action.CONTRACT_READ),
    "credit": Place("credits/{credit}", Action.CREDIT_READ),
    "credit.calculated": Place("credits/calculations/{calculation}", Action.CREDIT_READ),
    "credit.claim_refused": Place("credits", Action.CREDIT_READ),
    "escalation": Place("actions/{action}", Action.PREVENTION_ACTION_READ, house=True),
    "exclusion": Place("exclusions", Action.EXCLUSION_READ),
    "export": Place("exports", Action.EXPORT_READ),
    "incident": Place("incidents/{incident}", Action.ALL_INCIDENTS_READ, house=True),
    "maintenance": Place("maintenance", Action.MAINTENANCE_READ),
    "playbook": Place("cost/playbooks/{run}", Action.PLAYBOOK_READ),
    "policy": Place("policies", Action.POLICIES_READ, house=True),
    "postmortem": Place("postmortems/{postmortem}", Action.ALL_POSTMORTEMS_READ, house=True),
    "posture": Place("posture", Action.POSTURE_READ),
    "prevention_action": Place("actions/{action}", Action.PREVENTION_ACTION_READ, house=True),
    "qbr": Place("qbr", Action.QBR_READ),
    "qbr.issued": Place("qbr/{qbr}", Action.QBR_READ),
    "sla_report": Place("reports/{report}", Action.SLA_REPORT_READ),
    "sla_run": Place("runs/{period}", Action.SLA_RUN_READ, house=True),
    "suppression": Place("cost/suppressions", Action.SUPPRESSION_READ),
    "threshold": Place("cost/thresholds", Action.THRESHOLD_READ),
    "trust_batch": Place("trust-batches/{period}", Action.TRUST_BATCH_READ, house=True),
    "trust_note": Place("trust/notes", Action.TRUST_REPORT_READ),
    "trust_report": Place("trust/{report}", Action.TRUST_REPORT_READ),
}
_FIELD: Final = re.compile(r"\{(\w+)\}")
_SAFE: Final = re.compile(r"[\w.-]+")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COUNTED: Final = frozenset({"attempt", "entry", "step"})
_PARTS: Final = {
    "entries": "entry",
    "qbr": "business review",
    "all": "everything",
    "sla-report": "SLA report",
    "sla-run": "monthly run",
}


def place_of(kind: ReceiptKind, result: Mapping[str, Any]) -> Place | None:
    """Where the thing that a receipt is about stands; None where there is no page, or its id is withheld."""
    place = _PLACES.get(kind.value) or _PLACES.get(kind.value.partition(".")[0])
    if place is None:
        return None
    named = [result.get(field) for field in _FIELD.findall(place.path)]
    if not all(isinstance(each, str) and _SAFE.fullmatch(each) for each in named):
        return None
    return Place(_FIELD.sub(lambda found: str(result[found[1]]), place.path), place.read, place.house)


def about(name: str) -> str:
    """A subject's name without its id: ``qbr/2026-Q4/entries/2`` → ``Business review, Q4 2026, entry 2``.

    What is no name of this kind, a file's say, stays.
    """
    if "/" not in name or name.rpartition("/")[2].count(".") == 1:
        return name
    words: list[str] = []
    for part in name.split("/"):
        if _UUID.fullmatch(part):
            continue
        if part.isdecimal():
            words[-1] += f" {part}" if words[-1] in _COUNTED else f", no. {part}"
        else:
            words.append(
                _PARTS.get(part, readable(part.replace("_", " ") if words else part.replace("-", " ")))
            )
    text = ", ".join(words)
    return text[:1].upper() + text[1:]
