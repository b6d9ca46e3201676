"""What people and systems are told about. Who is told where an announcement names nobody stands here.

A customer's endpoint may subscribe to what the customer may read anyway; the vendor's own
endpoints to everything. Mail of an ``insistent`` topic cannot be turned off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from trust_portal.kernel.actor import Role


class Topic(StrEnum):
    """As webhooks name it in ``type``. In alphabetical order; a new topic is a line here and a rule below."""

    ACTION_ESCALATED = "action.escalated"
    ACTION_REMINDER = "action.reminder"
    ANOMALY_OPENED = "anomaly.opened"
    APPROVAL_DECIDED = "approval.decided"
    APPROVAL_ESCALATED = "approval.escalated"
    APPROVAL_EXPIRED = "approval.expired"
    APPROVAL_REMINDER = "approval.reminder"
    APPROVAL_REQUESTED = "approval.requested"
    BREAK_GLASS = "break_glass"
    BUDGET_ALERT = "budget.alert"
    DELIVERY_GIVEN_UP = "delivery.given_up"
    KILL_SWITCH_PULLED = "kill_switch.pulled"
    PASSKEY_CHANGED = "passkey.changed"
    PLAYBOOK_DENIED = "playbook.denied"
    PLAYBOOK_FAILED = "playbook.failed"
    PLAYBOOK_HELD = "playbook.held"
    PLAYBOOK_ROLLED_BACK = "playbook.rolled_back"
    POLICIES_RETURNED = "policies.returned"
    POSTMORTEM_RELEASED = "postmortem.released"
    QBR_DRAFT = "qbr.draft"
    QBR_ISSUED = "qbr.issued"
    RESIDENCY_SET = "residency.set"
    SLA_REPORT_ISSUED = "sla_report.issued"
    TRUST_BATCH_BLOCKED = "trust_batch.blocked"
    TRUST_REPORT_PUBLISHED = "trust_report.published"
    WEBHOOK_TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class TopicRule:
    """``title`` as forms name it; ``about`` says when it comes; ``roles`` who is told by default."""

    title: str
    about: str
    roles: frozenset[Role] = frozenset()
    for_customers: bool = False
    insistent: bool = False


_OPERATORS = frozenset({Role.FINOPS_OPERATOR, Role.SRE_OPERATOR})
_CUSTOMERS = frozenset({Role.CUSTOMER_ADMIN, Role.CUSTOMER_VIEWER})
_ADMINS = frozenset({Role.CUSTOMER_ADMIN, Role.VENDOR_ADMIN})

RULES: Mapping[Topic, TopicRule] = {
    Topic.ACTION_ESCALATED: TopicRule(
        "Overdue prevention actions",
        "What should keep an incident from coming back is late.",
        frozenset({Role.PMO}),
        insistent=True,
    ),
    Topic.ACTION_REMINDER: TopicRule(
        "Reminders of prevention actions",
        "A prevention action of yours is due soon, today, or since yesterday.",
    ),
    Topic.ANOMALY_OPENED: TopicRule(
        "Cost spikes", "A cost anomaly of high severity was found.", _OPERATORS, for_customers=True
    ),
    Topic.APPROVAL_DECIDED: TopicRule(
        "Approvals decided", "What you asked for is approved by everybody it needs, or denied."
    ),
    Topic.APPROVAL_ESCALATED: TopicRule(
        "Approvals about to expire",
        "Four fifths of the time for an approval have passed without a decision.",
        frozenset({Role.VENDOR_ADMIN}),
        insistent=True,
    ),
    Topic.APPROVAL_EXPIRED: TopicRule(
        "Approvals expired", "Nobody decided in time; what was asked for does not happen."
    ),
    Topic.APPROVAL_REMINDER: TopicRule(
        "Reminders of approvals", "Half of the time for an approval has passed without a decision."
    ),
    Topic.APPROVAL_REQUESTED: TopicRule("Approvals to decide", "Somebody asks for an approval you can give."),
    Topic.BREAK_GLASS: TopicRule(
        "Break-glass", "Somebody used emergency access.", frozenset(Role), for_customers=True, insistent=True
    ),
    Topic.BUDGET_ALERT: TopicRule(
        "Budgets", "A month's budget burns too fast, or is used up.", _OPERATORS, for_customers=True
    ),
    Topic.DELIVERY_GIVEN_UP: TopicRule(
        "Deliveries given up", "Mail or a webhook could not be delivered and is not tried again.", _ADMINS
    ),
    Topic.KILL_SWITCH_PULLED: TopicRule(
        "Kill switches", "Automation was stopped, or may go on.", _OPERATORS, insistent=True
    ),
    Topic.PASSKEY_CHANGED: TopicRule(
        "Passkeys", "A passkey was enrolled or revoked, yours or of somebody you look after.", insistent=True
    ),
    Topic.PLAYBOOK_DENIED: TopicRule(
        "Playbooks denied",
        "Policy forbade what was asked for: a limit, a switch, an anomaly that is over.",
        _OPERATORS,
    ),
    Topic.PLAYBOOK_FAILED: TopicRule("Playbooks that failed", "A run ended without its effect.", _OPERATORS),
    Topic.PLAYBOOK_HELD: TopicRule("Playbooks held", "A run waits for somebody to look at it.", _OPERATORS),
    Topic.PLAYBOOK_ROLLED_BACK: TopicRule(
        "Playbooks rolled back", "A run was undone, because its effect did not show.", _OPERATORS
    ),
    Topic.POLICIES_RETURNED: TopicRule(
        "Superseded policies",
        "A program started that decides by policies which others superseded.",
        frozenset({Role.APPROVER_SECURITY, Role.VENDOR_ADMIN}),
        insistent=True,
    ),
    Topic.POSTMORTEM_RELEASED: TopicRule(
        "Postmortems released",
        "The vendor gave you its account of an incident that touched you, or shows more of one.",
        _CUSTOMERS,
        for_customers=True,
    ),
    Topic.QBR_DRAFT: TopicRule(
        "Drafts of business reviews",
        "One was prepared for its review, something stands in its way, or it has grown old.",
        frozenset({Role.CSM}),
    ),
    Topic.QBR_ISSUED: TopicRule(
        "Business reviews", "A quarter's business review was signed.", _CUSTOMERS, for_customers=True
    ),
    Topic.RESIDENCY_SET: TopicRule(
        "Where data stays",
        "What is agreed about where the customer's data stays was recorded anew.",
        _ADMINS,
        for_customers=True,
    ),
    Topic.SLA_REPORT_ISSUED: TopicRule(
        "SLA reports", "A month's report was signed, or restated.", _CUSTOMERS, for_customers=True
    ),
    Topic.TRUST_BATCH_BLOCKED: TopicRule(
        "Trust Reports that a batch left out",
        "A batch is over, and some customers have no Trust Report of the period: a part is stale or missing, or it failed.",
        frozenset({Role.CSM, Role.VENDOR_ADMIN}),
    ),
    Topic.TRUST_REPORT_PUBLISHED: TopicRule(
        "Trust Reports",
        "A Trust Report was published, or took another's place.",
        _CUSTOMERS,
        for_customers=True,
    ),
    Topic.WEBHOOK_TEST: TopicRule("Tests", "Somebody asked for a test of an endpoint."),
}

#: Sent only where it was asked for; nobody subscribes to it.
_NOT_SUBSCRIBED = frozenset({Topic.WEBHOOK_TEST})


def subscribable(*, by_customer: bool) -> tuple[Topic, ...]:
    """What an endpoint may ask for, in alphabetical order."""
    return tuple(
        topic
        for topic, rule in RULES.items()
        if topic not in _NOT_SUBSCRIBED and (rule.for_customers or not by_customer)
    )
