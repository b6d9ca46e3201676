"""approvals: requests, and the chain of what happened to each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_APPEND = ("SELECT", "INSERT")
#: What every step repeats of its request.
_TERMS = ("digest", "roles", "requester_id", "expires_at", "use_seconds")
_LINK = ("tenant_id", "request_id", "ordinal", "act", "at")


def upgrade() -> None:
    begin_revision()
    _requests()
    _steps()
    for table in ("approval_requests", "approval_steps"):
        distribute(table)
        protect(table, app=_APPEND)
        append_only(table)


def downgrade() -> None:
    begin_revision()
    op.drop_table("approval_steps")
    op.drop_table("approval_requests")


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=nullable, comment=comment)


def _at(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable, comment=comment)


def _text(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable, comment=comment)


def _number(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=nullable, autoincrement=False, comment=comment)


def _receipt(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "receipt_id"],
        ["receipts.tenant_id", "receipts.id"],
        name=f"{table}_tenant_id_receipt_id_fkey",
    )


def _requests() -> None:
    op.create_table(
        "approval_requests",
        _id("tenant_id"),
        _id("id"),
        _text("kind"),
        _text("subject", comment="what it is about: noun/id"),
        sa.Column(
            "intent", sa.LargeBinary(), nullable=False, comment="RFC 8785 bytes, as shown to approvers"
        ),
        _text("digest", comment="hex SHA-256 of the intent"),
        _text("rule_id"),
        _text("policy_version"),
        sa.Column("roles", ARRAY(sa.Text()), nullable=False, comment="one slot each"),
        _id("requester_id", comment="the person, also behind a token"),
        _text("requester_kind"),
        _text("requester_name"),
        _text("reason"),
        _text("nonce", comment="32 random bytes in hex"),
        _at("requested_at"),
        _at("expires_at", comment="the last moment for a decision"),
        _number("use_seconds", comment="how long an approval may be used"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="approval_requests_pkey"),
        _receipt("approval_requests"),
        sa.UniqueConstraint("tenant_id", "id", *_TERMS, name="approval_requests_terms_key"),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="approval_requests_receipt_key"),
        sa.CheckConstraint("digest = encode(sha256(intent), 'hex')", name="digest_is_of_the_intent"),
        sa.CheckConstraint("cardinality(roles) BETWEEN 1 AND 4", name="somebody_must_approve"),
        sa.CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
        sa.CheckConstraint("length(nonce) = 64", name="nonce_is_32_bytes"),
        sa.CheckConstraint("expires_at > requested_at AND use_seconds > 0", name="time_is_limited"),
    )
    op.create_index("approval_requests_newest_idx", "approval_requests", ["tenant_id", "requested_at", "id"])
    op.create_index("approval_requests_requested_at_idx", "approval_requests", ["requested_at", "id"])
    op.create_index("approval_requests_subject_idx", "approval_requests", ["tenant_id", "subject"])


def _steps() -> None:
    op.create_table(
        "approval_steps",
        _id("tenant_id"),
        _id("request_id"),
        _number("ordinal"),
        _text("act"),
        _number("previous", nullable=True, comment="ordinal of the step before; null: the first"),
        _text("previous_act", nullable=True),
        _at("previous_at", nullable=True),
        _number("slot", nullable=True, comment="of decisions: the place in roles"),
        _text("role", nullable=True, comment="of decisions: as which they decided"),
        _id("granted_by", nullable=True, comment="who gave them the role; null: no person"),
        _id("person_id", comment="the person, also behind a token"),
        _text("person_name"),
        _text("reason"),
        _at("at"),
        _text("digest", comment="of what they were shown"),
        sa.Column("roles", ARRAY(sa.Text()), nullable=False),
        _id("requester_id"),
        _at("expires_at"),
        _number("use_seconds"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "request_id", "ordinal", name="approval_steps_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "request_id", *_TERMS],
            ["approval_requests.tenant_id", "approval_requests.id"]
            + [f"approval_requests.{each}" for each in _TERMS],
            name="approval_steps_terms_fkey",
        ),
        sa.UniqueConstraint(*_LINK, name="approval_steps_link_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "request_id", "previous", "previous_act", "previous_at"],
            [f"approval_steps.{each}" for each in _LINK],
            name="approval_steps_previous_fkey",
        ),
        _receipt("approval_steps"),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="approval_steps_receipt_key"),
        *_rules_of_steps(),
    )
    op.create_index(
        "approval_steps_one_decision_a_person_key",
        "approval_steps",
        ["tenant_id", "request_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("slot IS NOT NULL"),
    )
    op.create_index(
        "approval_steps_one_approval_a_slot_key",
        "approval_steps",
        ["tenant_id", "request_id", "slot"],
        unique=True,
        postgresql_where=sa.text("act = 'approve'"),
    )


def _rules_of_steps() -> list[sa.CheckConstraint]:
    """The rules of dual control, as far as one row can state them; the keys state the others."""
    rules = {
        "act_is_known": "act IN ('approve', 'deny', 'expire', 'use', 'void', 'withdraw')",
        "follows_an_approval": (
            "(ordinal = 1 AND num_nulls(previous, previous_act, previous_at) = 3)"
            " OR (ordinal BETWEEN 2 AND cardinality(roles) + 1 AND num_nulls(previous, previous_at) = 0"
            " AND previous = ordinal - 1 AND previous_act IS NOT DISTINCT FROM 'approve')"
        ),
        "decides_as_a_role_of_the_rule": (
            "(act IN ('approve', 'deny')) = (slot IS NOT NULL) AND (slot IS NULL) = (role IS NULL)"
            " AND (slot IS NULL OR (slot BETWEEN 1 AND cardinality(roles) AND role = roles[slot]))"
        ),
        "requester_does_not_decide": (
            "slot IS NULL OR (person_id <> requester_id AND granted_by IS DISTINCT FROM requester_id)"
        ),
        "decided_in_time": "slot IS NULL OR (at <= expires_at AND ordinal <= cardinality(roles))",
        "used_in_time": (
            "act <> 'use' OR (ordinal = cardinality(roles) + 1"
            " AND at <= previous_at + use_seconds * interval '1 second')"
        ),
        "expired_after_its_time": (
            "act <> 'expire' OR (ordinal <= cardinality(roles) AND at > expires_at)"
            " OR (ordinal = cardinality(roles) + 1"
            " AND at > previous_at + use_seconds * interval '1 second')"
        ),
        "requester_withdraws": "act <> 'withdraw' OR person_id = requester_id",
        "reason_is_given": "act IN ('expire', 'use') OR btrim(reason) <> ''",
    }
    return [sa.CheckConstraint(rule, name=name) for name, rule in rules.items()]
