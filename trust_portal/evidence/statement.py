"""in-toto Statement v1 (in-toto/attestation, spec/v1/statement.md) in RFC 8785 bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from trust_portal.evidence.strict import Malformed, parse_json
from trust_portal.kernel.canonical import Json, canonical

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE = "urn:trustportal:receipt:{kind}:v1"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ReceiptKind(StrEnum):
    """Every consequential act that leaves a receipt. A new kind is one line here."""

    ACCESS_REVIEW_CONFIRMED = "access_review.confirmed"
    ACCESS_REVIEW_REVOKED = "access_review.revoked"
    ACCOUNT_SET = "account.set"
    ANOMALY_CLOSED = "anomaly.closed"
    ANOMALY_EXPLAINED = "anomaly.explained"
    ANOMALY_FEEDBACK = "anomaly.feedback"
    ANOMALY_OPENED = "anomaly.opened"
    APPROVAL_APPROVED = "approval.approved"
    APPROVAL_DENIED = "approval.denied"
    APPROVAL_EXPIRED = "approval.expired"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_USED = "approval.used"
    APPROVAL_VOIDED = "approval.voided"
    APPROVAL_WITHDRAWN = "approval.withdrawn"
    AUDIT_ACCEPTED = "audit_invitation.accepted"
    AUDIT_INVITED = "audit_invitation.created"
    AUDIT_REVOKED = "audit_invitation.revoked"
    BREAK_GLASS_CLOSED = "break_glass.closed"
    BREAK_GLASS_OPENED = "break_glass.opened"
    BREAK_GLASS_REVIEWED = "break_glass.reviewed"
    BUDGET_ALERTED = "budget.alerted"
    BUDGET_SET = "budget.set"
    BYOK_ENABLED = "byok.enabled"
    BYOK_ROTATED = "byok.rotated"
    BYOK_SEALED = "byok.sealed"
    BYOK_WITHDRAWN = "byok.withdrawn"
    CALENDAR_FEED_CREATED = "calendar_feed.created"
    CALENDAR_FEED_REVOKED = "calendar_feed.revoked"
    COMPLIANCE_EVALUATED = "compliance.evaluated"
    COMPLIANCE_IMPORTED = "compliance.imported"
    COMPLIANCE_READERS_CHANGED = "compliance.readers_changed"
    COMPLIANCE_WITHDRAWN = "compliance.withdrawn"
    CONTRACT_RECORDED = "contract.recorded"
    COST_REBUILT = "cost.rebuilt"
    CREDIT_APPROVED = "credit.approved"
    CREDIT_CALCULATED = "credit.calculated"
    CREDIT_CLAIM_REFUSED = "credit.claim_refused"
    CREDIT_EXPIRED = "credit.expired"
    CREDIT_ISSUED = "credit.issued"
    CREDIT_PROPOSED = "credit.proposed"
    CREDIT_REJECTED = "credit.rejected"
    CREDIT_VOIDED = "credit.voided"
    CROSS_CHECK_SET = "cross_check.set"
    CROSS_CHECK_WITHDRAWN = "cross_check.withdrawn"
    DELIVERY_REPLAYED = "delivery.replayed"
    DETECTOR_BACKTESTED = "detector.backtested"
    ESCALATION_ACKNOWLEDGED = "escalation.acknowledged"
    EXCLUSION_APPROVED = "exclusion.approved"
    EXCLUSION_DENIED = "exclusion.denied"
    EXCLUSION_EXPIRED = "exclusion.expired"
    EXCLUSION_PROPOSED = "exclusion.proposed"
    EXCLUSION_REVOKED = "exclusion.revoked"
    EXCLUSION_WITHDRAWN = "exclusion.withdrawn"
    EXPORT_COMPLETED = "export.completed"
    EXPORT_MANIFEST = "export.manifest"
    FLAG_CHANGED = "flag.changed"
    INCIDENT_AFFECTED_SET = "incident.affected_set"
    INCIDENT_DECLARED = "incident.declared"
    INCIDENT_DOWNGRADED = "incident.downgraded"
    INCIDENT_INTEGRATION_SET = "incident_integration.set"
    INCIDENT_MERGED = "incident.merged"
    INCIDENT_MITIGATED = "incident.mitigated"
    INCIDENT_NOTED = "incident.noted"
    INCIDENT_OWNER_CHANGED = "incident.owner_changed"
    INCIDENT_REOPENED = "incident.reopened"
    INCIDENT_RESOLVED = "incident.resolved"
    INCIDENT_SEVERITY_CHANGED = "incident.severity_changed"
    INCIDENT_TOLD_CUSTOMER = "incident.told_customer"
    INCIDENT_UNMERGED = "incident.unmerged"
    INCIDENTS_REBUILT = "incidents.rebuilt"
    KEY_CREATED = "key.created"
    KEY_ROTATED = "key.rotated"
    KILL_SWITCH_SET = "kill_switch.set"
    MAINTENANCE_RECORDED = "maintenance.recorded"
    OBJECTIVE_RECORDED = "objective.recorded"
    PASSKEY_ENROLLED = "passkey.enrolled"
    PASSKEY_INTRODUCED = "passkey.introduced"
    PASSKEY_REVOKED = "passkey.revoked"
    PERSON_ADDED = "person.added"
    PERSON_SUSPENDED = "person.suspended"
    PLAYBOOK_APPROVED = "playbook.approved"
    PLAYBOOK_DENIED = "playbook.denied"
    PLAYBOOK_EXECUTED = "playbook.executed"
    PLAYBOOK_FAILED = "playbook.failed"
    PLAYBOOK_LAPSED = "playbook.lapsed"
    PLAYBOOK_PLANNED = "playbook.planned"
    PLAYBOOK_ROLLBACK_STARTED = "playbook.rollback_started"
    PLAYBOOK_ROLLED_BACK = "playbook.rolled_back"
    PLAYBOOK_VERIFIED = "playbook.verified"
    POLICY_INSTALLED = "policy.installed"
    POLICY_RETIRED = "policy.retired"
    POLICY_RETURNED = "policy.returned"
    POSTMORTEM_ACCEPTED = "postmortem.accepted"
    POSTMORTEM_COPY_ISSUED = "postmortem.copy_issued"
    POSTMORTEM_COPY_SUPERSEDED = "postmortem.copy_superseded"
    POSTMORTEM_DISCLOSED = "postmortem.disclosed"
    POSTMORTEM_OPENED = "postmortem.opened"
    POSTMORTEM_RELEASED = "postmortem.released"
    POSTMORTEM_REOPENED = "postmortem.reopened"
    POSTMORTEM_RETURNED = "postmortem.returned"
    POSTMORTEM_SIGNED = "postmortem.signed"
    POSTMORTEM_SUBMITTED = "postmortem.submitted"
    POSTURE_CHECKED = "posture.checked"
    PREVENTION_ACTION_BEGUN = "prevention_action.begun"
    PREVENTION_ACTION_DONE = "prevention_action.done"
    PREVENTION_ACTION_DROPPED = "prevention_action.dropped"
    PREVENTION_ACTION_MOVED = "prevention_action.moved"
    PREVENTION_ACTION_PLANNED = "prevention_action.planned"
    PREVENTION_ACTION_RECURRED = "prevention_action.recurred"
    PREVENTION_ACTION_SUPERSEDED = "prevention_action.superseded"
    PREVENTION_ACTION_WITHDRAWN = "prevention_action.withdrawn"
    RECEIPTS_AUDITED = "receipts.audited"
    QBR_COMMENTED = "qbr.commented"
    QBR_COMMITMENT_MADE = "qbr.commitment_made"
    QBR_COMMITMENT_SETTLED = "qbr.commitment_settled"
    QBR_ISSUED = "qbr.issued"
    QBR_OMITTED = "qbr.omitted"
    QBR_PREPARED = "qbr.prepared"
    QBR_RECOMMENDATION_REVIEWED = "qbr.recommendation_reviewed"
    ROLE_GRANTED = "role.granted"
    ROLE_REVOKED = "role.revoked"
    SIGN_IN_CONNECTED = "sign_in.connected"
    SIGN_IN_LINK_CREATED = "sign_in_link.created"
    SLA_REPORT_ISSUED = "sla_report.issued"
    SLA_REPORT_REFUSED = "sla_report.refused"
    SLA_RUN_COMPLETED = "sla_run.completed"
    SUPPRESSION_CREATED = "suppression.created"
    SUPPRESSION_ENDED = "suppression.ended"
    TENANT_CREATED = "tenant.created"
    TENANT_OFFBOARDED = "tenant.offboarded"
    TENANT_RESIDENCY_SET = "tenant.residency_set"
    THRESHOLD_CHANGED = "threshold.changed"
    TOKEN_CREATED = "token.created"  # noqa: S105 - the name of an act, not a secret
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - the name of an act, not a secret
    TRUST_BATCH_COMPLETED = "trust_batch.completed"
    TRUST_NOTE_WRITTEN = "trust_note.written"
    TRUST_REPORT_PUBLISHED = "trust_report.published"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_ROTATED = "webhook.rotated"
    WORKPLACE_SET = "workplace.set"


#: One URI per kind, as in-toto's ``predicateType`` wants.
PREDICATE_TYPES: Mapping[ReceiptKind, str] = {
    kind: _PREDICATE.format(kind=kind.value) for kind in ReceiptKind
}
_KINDS = {uri: kind for kind, uri in PREDICATE_TYPES.items()}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a statement is about: a name and the hex SHA-256 of its bytes."""

    name: str
    sha256: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise Malformed("a subject's name is a text", field="subject")
        if not _SHA256.fullmatch(self.sha256):
            raise Malformed(f"the digest of {self.name!r} is no lower-case hex SHA-256", field="subject")


@dataclass(frozen=True, slots=True)
class Statement:
    """``subjects`` is never empty (the specification's consumers match on it) and names are unique."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Mapping[str, Json]

    def __post_init__(self) -> None:
        if not self.subjects:
            raise Malformed("a statement is about something", field="subject")
        if len({each.name for each in self.subjects}) != len(self.subjects):
            raise Malformed("two subjects of one statement bear the same name", field="subject")

    @property
    def kind(self) -> ReceiptKind | None:
        """Which of our acts this is; ``None`` for a foreign predicate."""
        return _KINDS.get(self.predicate_type)

    def canonical(self) -> bytes:
        """The payload that is signed."""
        return canonical(
            {
                "_type": STATEMENT_TYPE,
                "subject": [{"name": s.name, "digest": {"sha256": s.sha256}} for s in self.subjects],
                "predicateType": self.predicate_type,
                "predicate": self.predicate,
            }
        )

    @classmethod
    def parse(cls, payload: bytes) -> Statement:
        """A statement from the bytes ``canonical`` gives; ``Malformed`` for anything else."""
        value = parse_json(payload, field="statement")
        try:
            if value["_type"] != STATEMENT_TYPE:
                raise Malformed(f"not a {STATEMENT_TYPE}", field="_type")
            subjects = tuple(Subject(each["name"], each["digest"]["sha256"]) for each in value["subject"])
            if not isinstance(value["predicate"], dict) or not isinstance(value["predicateType"], str):
                raise Malformed("no predicate", field="predicate")
            statement = cls(subjects, value["predicateType"], value["predicate"])
            spelled = statement.canonical()
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Malformed(f"not an in-toto statement: {error!r}", field="statement") from error
        if spelled != payload:
            raise Malformed("a statement in a spelling other than RFC 8785", field="statement")
        return statement


def statement_of(
    kind: ReceiptKind, subjects: tuple[Subject, ...], predicate: Mapping[str, Json]
) -> Statement:
    """A statement of one of our acts."""
    return Statement(subjects, PREDICATE_TYPES[kind], predicate)
