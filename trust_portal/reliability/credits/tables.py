"""Credits as rows, none of which ever changes. What rows can state is stated here, for the day a service errs.

A credit is for a calculation, and a calculation for a signed revision. What becomes of it is a chain
of states, each standing on the one before, so that of two outcomes at once the key lets one. Another
credit for the same revision stands on the end of the one before it. What is issued names the use of
its approval.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)

from trust_portal.storage.metadata import instant, refers, tenant_table, uuid_column

#: What a credit repeats of its calculation, and an issue of its credit.
_OF_CALCULATION = ("period", "revision", "kind", "amount_minor", "currency")
_OF_CREDIT = ("period", "kind", "amount_minor", "currency", "proposer_id", "request_id")


credit_calculations = tenant_table(
    "credit_calculations",
    uuid_column("id", primary_key=True),
    Column("period", Text, nullable=False),
    Column("revision", Integer, nullable=False, comment="of the signed report"),
    uuid_column("report_id", nullable=False),
    Column("outcome", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False, comment="to propose; zero unless due"),
    Column("total_minor", BigInteger, nullable=False, comment="of the contract for this revision"),
    Column("currency", Text, nullable=False),
    Column("document", LargeBinary, nullable=False, comment="RFC 8785 bytes, as digested in the receipt"),
    Column("sha256", Text, nullable=False, comment="of document"),
    uuid_column("receipt_id", nullable=False),
    instant("calculated_at", nullable=False),
    # Only a signed attempt has a revision: no calculation of anything incomplete or disputed.
    refers("sla_reports", ("period", "revision"), ("period", "revision"), "credit_calculations_report_fkey"),
    refers("sla_reports", ("report_id",), ("id",), "credit_calculations_report_id_fkey"),
    refers("receipts", ("receipt_id",), ("id",), "credit_calculations_receipt_fkey"),
    UniqueConstraint("tenant_id", "period", "revision", "sha256", name="credit_calculations_once_key"),
    UniqueConstraint("tenant_id", "id", *_OF_CALCULATION, name="credit_calculations_terms_key"),
    CheckConstraint("outcome IN ('due', 'nothing', 'unchanged', 'kept')", name="outcome_is_known"),
    CheckConstraint("kind IN ('credit', 'supplement', 'reversal')", name="kind_is_known"),
    CheckConstraint("(outcome = 'due') = (amount_minor <> 0)", name="due_is_an_amount"),
    CheckConstraint("(kind = 'reversal') = (amount_minor < 0)", name="reversals_take_back"),
    CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
)

credits_ = tenant_table(
    "credits",
    uuid_column("id", primary_key=True),
    uuid_column("calculation_id", nullable=False),
    Column("period", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("attempt", Integer, nullable=False, comment="counts proposals for the revision"),
    uuid_column("replaces", comment="the attempt before, which ended without money"),
    Column("replaced_attempt", Integer),
    Column("replaced_state", Text),
    Column("kind", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    uuid_column("supplements", comment="the issued credit that a supplement or reversal adds to"),
    Column("origin", Text, nullable=False),
    uuid_column("claim_id"),
    Column("reason", Text, nullable=False),
    uuid_column("proposer_id", nullable=False, comment="the person, also behind a token"),
    Column("proposer_name", Text, nullable=False),
    uuid_column("request_id", nullable=False, comment="the approval asked for"),
    instant("proposed_at", nullable=False),
    refers(
        "credit_calculations",
        ("calculation_id", *_OF_CALCULATION),
        ("id", *_OF_CALCULATION),
        "credits_calculation_fkey",
    ),
    refers(
        "credits",
        ("replaces", "period", "revision", "replaced_attempt"),
        ("id", "period", "revision", "attempt"),
        "credits_replaces_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "replaces", "replaced_state"],
        ["credit_states.tenant_id", "credit_states.credit_id", "credit_states.state"],
        name="credits_replaced_state_fkey",
        use_alter=True,
    ),
    ForeignKeyConstraint(
        ["tenant_id", "supplements", "period"],
        ["credit_issues.tenant_id", "credit_issues.credit_id", "credit_issues.period"],
        name="credits_supplements_fkey",
        use_alter=True,
    ),
    # The request is for this very credit, and by whoever proposed it.
    Column("approval_kind", Text, Computed("'credit'::text", persisted=True)),
    Column("about", Text, Computed("'credit/'::text || id::text", persisted=True)),
    refers("approval_requests", ("request_id",), ("id",), "credits_request_fkey"),
    refers("approval_requests", ("request_id", "approval_kind"), ("id", "kind"), "credits_kind_fkey"),
    refers(
        "approval_requests",
        ("request_id", "approval_kind", "about"),
        ("id", "kind", "subject"),
        "credits_about_fkey",
    ),
    refers(
        "approval_requests", ("request_id", "proposer_id"), ("id", "requester_id"), "credits_requester_fkey"
    ),
    refers("credit_claims", ("claim_id",), ("id",), "credits_claim_fkey"),
    UniqueConstraint("tenant_id", "period", "revision", "attempt", name="credits_one_live_key"),
    UniqueConstraint("tenant_id", "id", "period", "revision", "attempt", name="credits_attempt_key"),
    UniqueConstraint("tenant_id", "id", *_OF_CREDIT, name="credits_terms_key"),
    UniqueConstraint("tenant_id", "request_id", name="credits_request_key"),
    UniqueConstraint("tenant_id", "id", "request_id", name="credits_asked_key"),
    CheckConstraint("amount_minor <> 0", name="amount_is_something"),
    CheckConstraint("origin IN ('contract', 'person', 'claim')", name="origin_is_known"),
    CheckConstraint("(origin = 'claim') = (claim_id IS NOT NULL)", name="claims_are_named"),
    CheckConstraint("(kind = 'credit') = (supplements IS NULL)", name="supplements_an_issued_one"),
    CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
    CheckConstraint(
        "(attempt = 1 AND num_nulls(replaces, replaced_attempt, replaced_state) = 3)"
        " OR (attempt > 1 AND num_nulls(replaces, replaced_attempt, replaced_state) = 0"
        " AND replaced_attempt = attempt - 1 AND replaced_state IN ('rejected', 'expired', 'voided'))",
        name="one_live_at_a_time",
    ),
    Index("credits_newest_idx", "tenant_id", "proposed_at", "id"),
    Index("credits_proposed_at_idx", "proposed_at", "id"),
)

credit_states = tenant_table(
    "credit_states",
    uuid_column("credit_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("previous", Integer, comment="ordinal of the state before; null: the first"),
    Column("previous_state", Text),
    uuid_column("issue_id", comment="of an issued credit, its own id: it has a memo"),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    uuid_column("request_id", comment="of an approved one: the request approved"),
    Column(
        "milestone",
        Text,
        Computed(
            "CASE WHEN state = 'approved'::text THEN 'approved'::text ELSE NULL::text END", persisted=True
        ),
    ),
    refers("credits", ("credit_id",), ("id",), "credit_states_credit_fkey"),
    refers("credits", ("credit_id", "request_id"), ("id", "request_id"), "credit_states_asked_fkey"),
    # Approved is what everybody who must has approved.
    refers(
        "approval_steps",
        ("request_id", "milestone"),
        ("request_id", "milestone"),
        "credit_states_approved_fkey",
    ),
    CheckConstraint("(state = 'approved') = (request_id IS NOT NULL)", name="approved_has_an_approval"),
    refers(
        "credit_states",
        ("credit_id", "previous", "previous_state"),
        ("credit_id", "ordinal", "state"),
        "credit_states_previous_fkey",
    ),
    refers("credit_issues", ("issue_id",), ("credit_id",), "credit_states_issue_fkey"),
    refers("receipts", ("receipt_id",), ("id",), "credit_states_receipt_fkey"),
    UniqueConstraint("tenant_id", "credit_id", "ordinal", "state", name="credit_states_link_key"),
    UniqueConstraint("tenant_id", "credit_id", "state", name="credit_states_state_key"),
    UniqueConstraint("tenant_id", "receipt_id", name="credit_states_receipt_key"),
    CheckConstraint(
        "(ordinal = 1 AND state = 'proposed' AND num_nulls(previous, previous_state) = 2)"
        " OR (ordinal > 1 AND num_nulls(previous, previous_state) = 0 AND previous = ordinal - 1"
        " AND ((previous_state = 'proposed' AND state IN ('approved', 'rejected', 'expired', 'voided'))"
        " OR (previous_state = 'approved' AND state IN ('issued', 'expired', 'voided'))))",
        name="follows_what_it_may",
    ),
    CheckConstraint(
        "(state = 'issued') = (issue_id IS NOT NULL) AND (issue_id IS NULL OR issue_id = credit_id)",
        name="issued_has_a_memo",
    ),
    CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
)

credit_issues = tenant_table(
    "credit_issues",
    uuid_column("credit_id", primary_key=True),
    Column("period", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    uuid_column("proposer_id", nullable=False),
    uuid_column("request_id", nullable=False),
    Column("reference", Text, nullable=False, comment="of the billing system"),
    uuid_column("issuer_id", nullable=False, comment="the person"),
    Column("issuer_name", Text, nullable=False),
    Column("allowed_by", Text, comment="the policy that let a proposer or approver issue; null: neither was"),
    Column("use_ordinal", Integer, nullable=False),
    Column("use_act", Text, nullable=False),
    instant("used_at", nullable=False),
    Column("last_approval", Integer, Computed("use_ordinal - 1", persisted=True)),
    Column("own_allowed", Boolean, Computed("coalesce(btrim(allowed_by), '') <> ''", persisted=True)),
    Column("document", LargeBinary, nullable=False, comment="the memo: RFC 8785 bytes"),
    Column("sha256", Text, nullable=False, comment="of document"),
    instant("issued_at", nullable=False),
    refers("credits", ("credit_id", *_OF_CREDIT), ("id", *_OF_CREDIT), "credit_issues_credit_fkey"),
    refers(
        "approval_steps",
        ("request_id", "use_ordinal", "use_act", "used_at"),
        ("request_id", "ordinal", "act", "at"),
        "credit_issues_use_fkey",
    ),
    # Every approval that the use stands on has its row there, and none of them is the issuer's own.
    refers(
        "credit_issue_approvals",
        ("credit_id", "last_approval", "request_id", "issuer_id", "own_allowed"),
        ("credit_id", "ordinal", "request_id", "issuer_id", "own_allowed"),
        "credit_issues_approvers_fkey",
    ),
    UniqueConstraint("tenant_id", "credit_id", "period", name="credit_issues_period_key"),
    UniqueConstraint("tenant_id", "reference", name="credit_issues_reference_key"),
    # A period is paid once; whatever more is due for it is a supplement to that.
    Index(
        "credit_issues_once_a_period_key",
        "tenant_id",
        "period",
        unique=True,
        postgresql_where=text("kind = 'credit'"),
    ),
    CheckConstraint("use_act = 'use'", name="approval_is_used"),
    CheckConstraint("use_ordinal > 2", name="approved_by_two"),
    CheckConstraint(
        "issuer_id <> proposer_id OR coalesce(btrim(allowed_by), '') <> ''", name="proposer_does_not_issue"
    ),
    CheckConstraint("btrim(reference) <> ''", name="reference_is_given"),
    CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_memo"),
)

#: Each approval of an issued credit beside the issuer: the chain has no gap, and who approved does not issue.
credit_issue_approvals = tenant_table(
    "credit_issue_approvals",
    uuid_column("credit_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False, comment="of the approval's step"),
    Column("previous", Integer, comment="ordinal of the approval before; null: the first"),
    uuid_column("request_id", nullable=False),
    Column("act", Text, nullable=False),
    uuid_column("person_id", nullable=False, comment="who approved"),
    uuid_column("issuer_id", nullable=False),
    Column("own_allowed", Boolean, nullable=False, comment="a policy lets approvers issue"),
    refers("credits", ("credit_id",), ("id",), "credit_issue_approvals_credit_fkey"),
    refers(
        "approval_steps",
        ("request_id", "ordinal", "act", "person_id"),
        ("request_id", "ordinal", "act", "person_id"),
        "credit_issue_approvals_step_fkey",
    ),
    refers(
        "credit_issue_approvals",
        ("credit_id", "previous", "request_id", "issuer_id", "own_allowed"),
        ("credit_id", "ordinal", "request_id", "issuer_id", "own_allowed"),
        "credit_issue_approvals_previous_fkey",
    ),
    UniqueConstraint(
        "tenant_id",
        "credit_id",
        "ordinal",
        "request_id",
        "issuer_id",
        "own_allowed",
        name="credit_issue_approvals_link_key",
    ),
    CheckConstraint("act = 'approve'", name="is_an_approval"),
    CheckConstraint(
        "(ordinal = 1 AND previous IS NULL) OR (ordinal > 1 AND previous IS NOT DISTINCT FROM ordinal - 1)",
        name="leaves_none_out",
    ),
    CheckConstraint("person_id <> issuer_id OR own_allowed", name="approver_does_not_issue"),
)

credit_claims = tenant_table(
    "credit_claims",
    uuid_column("id", primary_key=True),
    Column("period", Text, nullable=False),
    Column("revision", Integer, nullable=False, comment="of the report that the claim was decided on"),
    Column("accepted", Boolean, nullable=False),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("reason", Text, nullable=False, comment="the customer's words"),
    instant("deadline", comment="the first instant that is late; null: no window"),
    instant("claimed_at", nullable=False),
    uuid_column("claimed_by_id", nullable=False),
    Column("claimed_by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    refers("sla_reports", ("period", "revision"), ("period", "revision"), "credit_claims_report_fkey"),
    refers("receipts", ("receipt_id",), ("id",), "credit_claims_receipt_fkey"),
    Index("credit_claims_newest_idx", "tenant_id", "claimed_at", "id"),
)
