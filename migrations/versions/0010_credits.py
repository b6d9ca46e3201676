"""credits: calculations, proposals, the chain of states of each, issues with their memos, claims."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_APPEND = ("SELECT", "INSERT")
_TABLES = ("credit_calculations", "credit_claims", "credits", "credit_issues", "credit_states")
#: What a credit repeats of its calculation, and an issue of its credit.
_OF_CALCULATION = ("period", "revision", "kind", "amount_minor", "currency")
_OF_CREDIT = ("period", "kind", "amount_minor", "currency", "proposer_id", "request_id")


def upgrade() -> None:
    begin_revision()
    _calculations()
    _claims()
    _credits()
    _issues()
    _states()
    for table in _TABLES:
        distribute(table)
    _ends()
    for table in _TABLES:
        protect(table, app=_APPEND)
        append_only(table)


def downgrade() -> None:
    begin_revision()
    op.drop_constraint("credits_replaced_state_fkey", "credits")
    op.drop_constraint("credits_supplements_fkey", "credits")
    for table in reversed(_TABLES):
        op.drop_table(table)


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=nullable, comment=comment)


def _at(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable, comment=comment)


def _text(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, comment=comment)


def _number(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=nullable, autoincrement=False, comment=comment)


def _minor(name: str, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=False, comment=comment)


def _bytes(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.LargeBinary(), nullable=False, comment=comment)


def _refers(table: str, own: tuple[str, ...], others: tuple[str, ...], name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", *own], [f"{table}.tenant_id", *(f"{table}.{each}" for each in others)], name=name
    )


def _calculations() -> None:
    op.create_table(
        "credit_calculations",
        _id("tenant_id"),
        _id("id"),
        _text("period"),
        _number("revision", comment="of the signed report"),
        _id("report_id"),
        _text("outcome"),
        _text("kind"),
        _minor("amount_minor", "to propose; zero unless due"),
        _minor("total_minor", "of the contract for this revision"),
        _text("currency"),
        _bytes("document", "RFC 8785 bytes, as digested in the receipt"),
        _text("sha256", comment="of document"),
        _id("receipt_id"),
        _at("calculated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="credit_calculations_pkey"),
        _refers(
            "sla_reports", ("period", "revision"), ("period", "revision"), "credit_calculations_report_fkey"
        ),
        _refers("sla_reports", ("report_id",), ("id",), "credit_calculations_report_id_fkey"),
        _refers("receipts", ("receipt_id",), ("id",), "credit_calculations_receipt_fkey"),
        sa.UniqueConstraint("tenant_id", "period", "revision", "sha256", name="credit_calculations_once_key"),
        sa.UniqueConstraint("tenant_id", "id", *_OF_CALCULATION, name="credit_calculations_terms_key"),
        sa.CheckConstraint(
            "outcome IN ('due', 'nothing', 'unchanged', 'kept')",
            name="outcome_is_known",
        ),
        sa.CheckConstraint("kind IN ('credit', 'supplement', 'reversal')", name="kind_is_known"),
        sa.CheckConstraint("(outcome = 'due') = (amount_minor <> 0)", name="due_is_an_amount"),
        sa.CheckConstraint("(kind = 'reversal') = (amount_minor < 0)", name="reversals_take_back"),
        sa.CheckConstraint(
            "sha256 = encode(sha256(document), 'hex')",
            name="digest_is_of_the_document",
        ),
    )


def _claims() -> None:
    op.create_table(
        "credit_claims",
        _id("tenant_id"),
        _id("id"),
        _text("period"),
        _number("revision", comment="of the report that the claim was decided on"),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        _text("code"),
        _text("message"),
        _text("reason", comment="the customer's words"),
        _at("deadline", nullable=True, comment="the first instant that is late; null: no window"),
        _at("claimed_at"),
        _id("claimed_by_id"),
        _text("claimed_by_name"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="credit_claims_pkey"),
        _refers("sla_reports", ("period", "revision"), ("period", "revision"), "credit_claims_report_fkey"),
        _refers("receipts", ("receipt_id",), ("id",), "credit_claims_receipt_fkey"),
    )
    op.create_index("credit_claims_newest_idx", "credit_claims", ["tenant_id", "claimed_at", "id"])


def _credits() -> None:
    op.create_table(
        "credits",
        _id("tenant_id"),
        _id("id"),
        _id("calculation_id"),
        _text("period"),
        _number("revision"),
        _number("attempt", comment="counts proposals for the revision"),
        _id("replaces", nullable=True, comment="the attempt before, which ended without money"),
        _number("replaced_attempt", nullable=True),
        _text("replaced_state", nullable=True),
        _text("kind"),
        _minor("amount_minor"),
        _text("currency"),
        _id("supplements", nullable=True, comment="the issued credit that a supplement or reversal adds to"),
        _text("origin"),
        _id("claim_id", nullable=True),
        _text("reason"),
        _id("proposer_id", comment="the person, also behind a token"),
        _text("proposer_name"),
        _id("request_id", comment="the approval asked for"),
        _at("proposed_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="credits_pkey"),
        _refers(
            "credit_calculations",
            ("calculation_id", *_OF_CALCULATION),
            ("id", *_OF_CALCULATION),
            "credits_calculation_fkey",
        ),
        sa.UniqueConstraint("tenant_id", "period", "revision", "attempt", name="credits_one_live_key"),
        sa.UniqueConstraint("tenant_id", "id", "period", "revision", "attempt", name="credits_attempt_key"),
        sa.UniqueConstraint("tenant_id", "id", *_OF_CREDIT, name="credits_terms_key"),
        sa.UniqueConstraint("tenant_id", "request_id", name="credits_request_key"),
        _refers(
            "credits",
            ("replaces", "period", "revision", "replaced_attempt"),
            ("id", "period", "revision", "attempt"),
            "credits_replaces_fkey",
        ),
        _refers("approval_requests", ("request_id",), ("id",), "credits_request_fkey"),
        _refers("credit_claims", ("claim_id",), ("id",), "credits_claim_fkey"),
        sa.CheckConstraint("amount_minor <> 0", name="amount_is_something"),
        sa.CheckConstraint("origin IN ('contract', 'person', 'claim')", name="origin_is_known"),
        sa.CheckConstraint("(origin = 'claim') = (claim_id IS NOT NULL)", name="claims_are_named"),
        sa.CheckConstraint("(kind = 'credit') = (supplements IS NULL)", name="supplements_an_issued_one"),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
        sa.CheckConstraint(
            "(attempt = 1 AND num_nulls(replaces, replaced_attempt, replaced_state) = 3)"
            " OR (attempt > 1 AND num_nulls(replaces, replaced_attempt, replaced_state) = 0"
            " AND replaced_attempt = attempt - 1 AND replaced_state IN ('rejected', 'expired', 'voided'))",
            name="one_live_at_a_time",
        ),
    )
    op.create_index("credits_newest_idx", "credits", ["tenant_id", "proposed_at", "id"])
    op.create_index("credits_proposed_at_idx", "credits", ["proposed_at", "id"])


def _issues() -> None:
    op.create_table(
        "credit_issues",
        _id("tenant_id"),
        _id("credit_id"),
        _text("period"),
        _text("kind"),
        _minor("amount_minor"),
        _text("currency"),
        _id("proposer_id"),
        _id("request_id"),
        _text("reference", comment="of the billing system"),
        _id("issuer_id", comment="the person"),
        _text("issuer_name"),
        _text(
            "allowed_by",
            nullable=True,
            comment="the policy that let a proposer or approver issue; null: neither was",
        ),
        _number("use_ordinal"),
        _text("use_act"),
        _at("used_at"),
        _bytes("document", "the memo: RFC 8785 bytes"),
        _text("sha256", comment="of document"),
        _at("issued_at"),
        sa.PrimaryKeyConstraint("tenant_id", "credit_id", name="credit_issues_pkey"),
        _refers("credits", ("credit_id", *_OF_CREDIT), ("id", *_OF_CREDIT), "credit_issues_credit_fkey"),
        _refers(
            "approval_steps",
            ("request_id", "use_ordinal", "use_act", "used_at"),
            ("request_id", "ordinal", "act", "at"),
            "credit_issues_use_fkey",
        ),
        sa.UniqueConstraint("tenant_id", "credit_id", "period", name="credit_issues_period_key"),
        sa.UniqueConstraint("tenant_id", "reference", name="credit_issues_reference_key"),
        sa.CheckConstraint("use_act = 'use'", name="approval_is_used"),
        sa.CheckConstraint(
            "issuer_id <> proposer_id OR coalesce(btrim(allowed_by), '') <> ''",
            name="proposer_does_not_issue",
        ),
        sa.CheckConstraint("btrim(reference) <> ''", name="reference_is_given"),
        sa.CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_memo"),
    )
    op.create_index(
        "credit_issues_once_a_period_key",
        "credit_issues",
        ["tenant_id", "period"],
        unique=True,
        postgresql_where=sa.text("kind = 'credit'"),
    )


def _states() -> None:
    op.create_table(
        "credit_states",
        _id("tenant_id"),
        _id("credit_id"),
        _number("ordinal"),
        _text("state"),
        _number("previous", nullable=True, comment="ordinal of the state before; null: the first"),
        _text("previous_state", nullable=True),
        _id("issue_id", nullable=True, comment="of an issued credit, its own id: it has a memo"),
        _at("at"),
        _id("by_id"),
        _text("by_name"),
        _text("reason"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "credit_id", "ordinal", name="credit_states_pkey"),
        sa.UniqueConstraint("tenant_id", "credit_id", "ordinal", "state", name="credit_states_link_key"),
        sa.UniqueConstraint("tenant_id", "credit_id", "state", name="credit_states_state_key"),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="credit_states_receipt_key"),
        _refers("credits", ("credit_id",), ("id",), "credit_states_credit_fkey"),
        _refers(
            "credit_states",
            ("credit_id", "previous", "previous_state"),
            ("credit_id", "ordinal", "state"),
            "credit_states_previous_fkey",
        ),
        _refers("credit_issues", ("issue_id",), ("credit_id",), "credit_states_issue_fkey"),
        _refers("receipts", ("receipt_id",), ("id",), "credit_states_receipt_fkey"),
        sa.CheckConstraint(
            "(ordinal = 1 AND state = 'proposed' AND num_nulls(previous, previous_state) = 2)"
            " OR (ordinal > 1 AND num_nulls(previous, previous_state) = 0 AND previous = ordinal - 1"
            " AND ((previous_state = 'proposed' AND state IN ('approved', 'rejected', 'expired', 'voided'))"
            " OR (previous_state = 'approved' AND state IN ('issued', 'expired', 'voided'))))",
            name="follows_what_it_may",
        ),
        sa.CheckConstraint(
            "(state = 'issued') = (issue_id IS NOT NULL) AND (issue_id IS NULL OR issue_id = credit_id)",
            name="issued_has_a_memo",
        ),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
    )


def _ends() -> None:
    """The keys that close a circle: another credit for a revision stands on the end of the one before."""
    op.create_foreign_key(
        "credits_replaced_state_fkey",
        "credits",
        "credit_states",
        ["tenant_id", "replaces", "replaced_state"],
        ["tenant_id", "credit_id", "state"],
    )
    op.create_foreign_key(
        "credits_supplements_fkey",
        "credits",
        "credit_issues",
        ["tenant_id", "supplements", "period"],
        ["tenant_id", "credit_id", "period"],
    )
