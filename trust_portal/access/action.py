"""Everything that can be asked of the house, as ``scope:resource:verb``, in alphabetical order.

``house:`` actions concern the installation; ``tenant:`` actions concern what belongs to one
tenant, and no customer's reach past its own. A new action needs a line here, one in
``policies/schema.cedarschema`` and a policy that permits it (docs/access.md shows the way).
"""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What an actor wants to do. Policies name these; receipts and denials record them."""

    ALL_APPROVALS_READ = "house:approval:read"
    AUDIT_RUN = "house:audit:run"
    ALL_BREAK_GLASS_READ = "house:break_glass:read"
    ALL_COST_READ = "house:cost:read"
    ALL_CREDITS_READ = "house:credit:read"
    CREDIT_FORECAST_SET = "house:credit_forecast:set"
    DETECTOR_FLAG_SET = "house:detector_flag:set"
    ESCALATION_ACKNOWLEDGE = "house:escalation:acknowledge"
    FACTS_INGEST = "house:facts:ingest"
    INCIDENT_DECLARE = "house:incident:declare"
    ALL_INCIDENTS_READ = "house:incident:read"
    INCIDENTS_REBUILD = "house:incident:rebuild"
    INCIDENT_UPDATE = "house:incident:update"
    INCIDENT_INTEGRATION_READ = "house:incident_integration:read"
    INCIDENT_INTEGRATION_SET = "house:incident_integration:set"
    KEY_ROTATION_REQUEST = "house:key_rotation:request"
    KEYS_READ = "house:keys:read"
    HOUSE_KILL_SWITCH_SET = "house:kill_switch:set"
    PLAYBOOKS_READ = "house:playbooks:read"
    POLICIES_READ = "house:policies:read"
    POLICY_CHANGE_REQUEST = "house:policy_change:request"
    ALL_POSTMORTEMS_READ = "house:postmortem:read"
    POSTMORTEM_RELEASE = "house:postmortem:release"
    POSTMORTEM_REVIEW = "house:postmortem:review"
    POSTMORTEM_SIGN = "house:postmortem:sign"
    POSTMORTEM_WRITE = "house:postmortem:write"
    PREVENTION_ACTION_DROP = "house:prevention_action:drop"
    PREVENTION_ACTION_FINISH = "house:prevention_action:finish"
    PREVENTION_ACTION_MOVE = "house:prevention_action:move"
    PREVENTION_ACTION_PLAN = "house:prevention_action:plan"
    PREVENTION_ACTION_READ = "house:prevention_action:read"
    SLA_RUN_READ = "house:sla_run:read"
    SLA_RUN_START = "house:sla_run:start"
    SWITCHBOARD_READ = "house:switchboard:read"
    TENANTS_CREATE = "house:tenants:create"
    TENANTS_OFFBOARD = "house:tenants:offboard"
    TENANTS_READ = "house:tenants:read"
    WORKPLACE_READ = "house:workplace:read"
    WORKPLACE_SET = "house:workplace:set"
    ACCESS_LOG_READ = "tenant:access_log:read"
    ANOMALY_ASSESS = "tenant:anomaly:assess"
    ANOMALY_EXPLAIN = "tenant:anomaly:explain"
    ANOMALY_READ = "tenant:anomaly:read"
    APPROVAL_DECIDE = "tenant:approval:decide"
    APPROVAL_EXPIRE = "tenant:approval:expire"
    APPROVAL_READ = "tenant:approval:read"
    APPROVAL_WITHDRAW = "tenant:approval:withdraw"
    APPROVAL_PATTERN_READ = "tenant:approval_pattern:read"
    BREAK_GLASS_CLOSE = "tenant:break_glass:close"
    BREAK_GLASS_OPEN = "tenant:break_glass:open"
    BREAK_GLASS_READ = "tenant:break_glass:read"
    BUDGET_READ = "tenant:budget:read"
    BUDGET_SET = "tenant:budget:set"
    CONTRACT_IMPORT = "tenant:contract:import"
    CONTRACT_PREVIEW = "tenant:contract:preview"
    CONTRACT_READ = "tenant:contract:read"
    COST_READ = "tenant:cost:read"
    COST_REBUILD = "tenant:cost:rebuild"
    CREDIT_CLAIM = "tenant:credit:claim"
    CREDIT_ISSUE = "tenant:credit:issue"
    CREDIT_PROPOSE = "tenant:credit:propose"
    CREDIT_READ = "tenant:credit:read"
    CREDIT_REJECT = "tenant:credit:reject"
    CREDIT_VOID = "tenant:credit:void"
    CREDIT_FORECAST_READ = "tenant:credit_forecast:read"
    CROSS_CHECK_READ = "tenant:cross_check:read"
    CROSS_CHECK_SET = "tenant:cross_check:set"
    CROSS_CHECK_TEST = "tenant:cross_check:test"
    DELIVERY_READ = "tenant:delivery:read"
    DELIVERY_REPLAY = "tenant:delivery:replay"
    DENIAL_READ = "tenant:denial:read"
    EXCLUSION_PROPOSE = "tenant:exclusion:propose"
    EXCLUSION_READ = "tenant:exclusion:read"
    EXCLUSION_REVOKE = "tenant:exclusion:revoke"
    EXPORT_DOWNLOAD = "tenant:export:download"
    EXPORT_READ = "tenant:export:read"
    EXPORT_REQUEST = "tenant:export:request"
    INCIDENT_READ = "tenant:incident:read"
    KILL_SWITCH_SET = "tenant:kill_switch:set"
    MAINTENANCE_READ = "tenant:maintenance:read"
    MEASUREMENT_READ = "tenant:measurement:read"
    OBJECTIVE_IMPORT = "tenant:objective:import"
    OBJECTIVE_READ = "tenant:objective:read"
    OWN_CREDIT_ISSUE = "tenant:own_credit:issue"
    OWN_NOTIFICATION_CHOOSE = "tenant:own_notification:choose"
    OWN_NOTIFICATION_READ = "tenant:own_notification:read"
    OWN_PASSKEY_ENROL = "tenant:own_passkey:enrol"
    OWN_PASSKEY_READ = "tenant:own_passkey:read"
    OWN_PASSKEY_REVOKE = "tenant:own_passkey:revoke"
    OWN_SESSION_READ = "tenant:own_session:read"
    OWN_SESSION_REVOKE = "tenant:own_session:revoke"
    PERSON_ADD = "tenant:person:add"
    PERSON_READ = "tenant:person:read"
    PERSON_SUSPEND = "tenant:person:suspend"
    PLAYBOOK_EXECUTE = "tenant:playbook:execute"
    PLAYBOOK_PLAN = "tenant:playbook:plan"
    PLAYBOOK_READ = "tenant:playbook:read"
    PLAYBOOK_REQUEST = "tenant:playbook:request"
    PLAYBOOK_REVERSE = "tenant:playbook:reverse"
    POSTMORTEM_READ = "tenant:postmortem:read"
    PROFILE_READ = "tenant:profile:read"
    RECEIPT_READ = "tenant:receipt:read"
    ROLE_GRANT = "tenant:role:grant"
    ROLE_REVOKE = "tenant:role:revoke"
    SESSION_READ = "tenant:session:read"
    SESSION_REVOKE = "tenant:session:revoke"
    SIGN_IN_LINK_CREATE = "tenant:sign_in_link:create"
    SLA_REPORT_ISSUE = "tenant:sla_report:issue"
    SLA_REPORT_READ = "tenant:sla_report:read"
    SLA_REPORT_RESTATE = "tenant:sla_report:restate"
    SUPPRESSION_CREATE = "tenant:suppression:create"
    SUPPRESSION_END = "tenant:suppression:end"
    SUPPRESSION_READ = "tenant:suppression:read"
    THRESHOLD_READ = "tenant:threshold:read"
    THRESHOLD_SET = "tenant:threshold:set"
    TOKEN_CREATE = "tenant:token:create"  # noqa: S105 - the name of an act, not a secret
    TOKEN_READ = "tenant:token:read"  # noqa: S105 - the name of an act, not a secret
    TOKEN_REVOKE = "tenant:token:revoke"  # noqa: S105 - the name of an act, not a secret
    UNAPPROVED_PLAYBOOK_EXECUTE = "tenant:unapproved_playbook:execute"
    UNAPPROVED_THRESHOLD_SET = "tenant:unapproved_threshold:set"
    WEBHOOK_CHANGE = "tenant:webhook:change"
    WEBHOOK_CREATE = "tenant:webhook:create"
    WEBHOOK_DISABLE = "tenant:webhook:disable"
    WEBHOOK_READ = "tenant:webhook:read"
    WEBHOOK_ROTATE = "tenant:webhook:rotate"
    WEBHOOK_TEST = "tenant:webhook:test"

    @property
    def of_a_tenant(self) -> bool:
        """Whether it touches what one tenant owns, so that a stranger must see "no such thing"."""
        return self.value.startswith("tenant:")


class TokenScope(StrEnum):
    """What an API token may be used for; each action lies in at most one scope.

    The acts in none (people, roles, tokens, sessions) are for persons only: a leaked token must
    not be able to make itself a successor.
    """

    ADMIN = "admin"
    INGEST = "ingest"
    OPERATE = "operate"
    READ = "read"


#: The scopes a customer's token can carry; the other two serve the vendor's own systems.
CUSTOMER_SCOPES = frozenset({TokenScope.OPERATE, TokenScope.READ})
