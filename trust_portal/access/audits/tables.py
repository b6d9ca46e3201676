"""Invitations of auditors, and what was done with each. Both are only ever added to."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

_RECEIPT = (["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"])

audit_invitations = tenant_table(
    "audit_invitations",
    uuid_column("id", primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    instant("until", nullable=False),
    instant("waits_until", nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, comment="SHA-256"),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False, comment="actor id"),
    Column("by_name", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(*_RECEIPT, name="audit_invitations_receipt_fkey"),
    UniqueConstraint("tenant_id", "secret_hash", name="audit_invitations_secret_key"),
    CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
    CheckConstraint(
        "until > at AND until <= at + interval '92 days' AND waits_until > at AND waits_until <= until",
        name="time_is_limited",
    ),
    CheckConstraint("tenant_id <> '00000000-0000-7000-8000-000000000001'", name="is_to_a_customer"),
    Index("audit_invitations_newest_idx", "tenant_id", "at", "id"),
)

audit_invitation_steps = tenant_table(
    "audit_invitation_steps",
    uuid_column("invitation_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("act", Text, nullable=False),
    Column("previous", Integer, comment="ordinal of the step before; null: the first"),
    Column("previous_act", Text),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False, comment="actor id"),
    Column("by_name", Text, nullable=False),
    Column("reason", Text),
    uuid_column("person_id", comment="who came"),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "invitation_id"],
        ["audit_invitations.tenant_id", "audit_invitations.id"],
        name="audit_invitation_steps_invitation_fkey",
    ),
    ForeignKeyConstraint(*_RECEIPT, name="audit_invitation_steps_receipt_fkey"),
    ForeignKeyConstraint(
        ["tenant_id", "person_id"],
        ["people.tenant_id", "people.id"],
        name="audit_invitation_steps_person_fkey",
    ),
    UniqueConstraint("tenant_id", "invitation_id", "ordinal", "act", name="audit_invitation_steps_link_key"),
    ForeignKeyConstraint(
        ["tenant_id", "invitation_id", "previous", "previous_act"],
        [f"audit_invitation_steps.{name}" for name in ("tenant_id", "invitation_id", "ordinal", "act")],
        name="audit_invitation_steps_previous_fkey",
    ),
    CheckConstraint(
        "(ordinal = 1 AND num_nulls(previous, previous_act) = 2 AND act IN ('accepted', 'revoked'))"
        " OR (ordinal = 2 AND num_nulls(previous, previous_act) = 0 AND previous = 1"
        " AND previous_act = 'accepted' AND act = 'revoked')",
        name="follows_its_step",
    ),
    CheckConstraint("(act = 'accepted') = (person_id IS NOT NULL)", name="acceptance_has_a_person"),
    CheckConstraint(
        "(act = 'revoked') = (reason IS NOT NULL AND btrim(reason) <> '')", name="revocation_has_a_reason"
    ),
)
