"""Grants of emergency access and what happened to each: added to and never changed.

A grant's steps are a chain: closed, review asked for (again, where none was given in time), reviewed.
A review is of the person who broke the glass: its request names that very person as the one who asked,
so that dual control's own rules keep them from deciding on it, and it is over only with a step of
that request that says how.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

break_glass_grants = tenant_table(
    "break_glass_grants",
    uuid_column("id", primary_key=True),
    Column("number", Integer, nullable=False, comment="of this person's for this tenant"),
    uuid_column("person_id", nullable=False),
    Column("person_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    instant("opened_at", nullable=False),
    instant("until", nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    UniqueConstraint("tenant_id", "id", "person_id", name="break_glass_grants_whose_key"),
    # Of two that one person opens at once, one stands.
    UniqueConstraint("tenant_id", "person_id", "number", name="break_glass_grants_number_key"),
    UniqueConstraint("tenant_id", "receipt_id", name="break_glass_grants_receipt_key"),
    CheckConstraint("length(btrim(reason)) >= 20", name="reason_is_given"),
    CheckConstraint("until > opened_at AND until <= opened_at + interval '4 hours'", name="time_is_limited"),
    CheckConstraint("tenant_id <> '00000000-0000-7000-8000-000000000001'", name="is_to_a_customer"),
    Index("break_glass_grants_person_idx", "person_id", "until"),
    Index("break_glass_grants_newest_idx", "opened_at", "id"),
)

break_glass_steps = tenant_table(
    "break_glass_steps",
    uuid_column("grant_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("act", Text, nullable=False),
    Column("previous", Integer, comment="ordinal of the step before; null: the first"),
    Column("previous_act", Text),
    uuid_column("person_id", nullable=False, comment="who broke the glass"),
    uuid_column("actor_id", nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    instant("at", nullable=False),
    uuid_column("approval_id", comment="the request of the review"),
    Column("outcome", Text),
    Column("decided", Integer, comment="the step of the request by which it is over"),
    Column("decided_act", Text),
    instant("decided_at"),
    uuid_column("receipt_id", nullable=False),
    Column("approval_kind", Text, Computed("'break_glass_review'::text", persisted=True)),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "approval_kind"],
        [f"approval_requests.{name}" for name in ("tenant_id", "id", "kind")],
        name="break_glass_steps_kind_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "grant_id", "person_id"],
        ["break_glass_grants.tenant_id", "break_glass_grants.id", "break_glass_grants.person_id"],
        name="break_glass_steps_grant_fkey",
    ),
    UniqueConstraint("tenant_id", "grant_id", "ordinal", "act", name="break_glass_steps_link_key"),
    ForeignKeyConstraint(
        ["tenant_id", "grant_id", "previous", "previous_act"],
        [f"break_glass_steps.{name}" for name in ("tenant_id", "grant_id", "ordinal", "act")],
        name="break_glass_steps_previous_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "person_id"],
        ["approval_requests.tenant_id", "approval_requests.id", "approval_requests.requester_id"],
        name="break_glass_steps_approval_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "decided", "decided_act", "decided_at"],
        [f"approval_steps.{name}" for name in ("tenant_id", "request_id", "ordinal", "act", "at")],
        name="break_glass_steps_decided_fkey",
    ),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    UniqueConstraint("tenant_id", "approval_id", "act", name="break_glass_steps_approval_key"),
    Index(
        "break_glass_steps_reviewed_once_key",
        "tenant_id",
        "grant_id",
        unique=True,
        postgresql_where=text("act = 'review'"),
    ),
    CheckConstraint(
        "(ordinal = 1 AND num_nulls(previous, previous_act) = 2 AND act = 'close')"
        " OR (ordinal > 1 AND num_nulls(previous, previous_act) = 0 AND previous = ordinal - 1"
        " AND (previous_act, act) IN (('close', 'ask'), ('ask', 'ask'), ('ask', 'review')))",
        name="follows_its_step",
    ),
    CheckConstraint("(act = 'close') = (approval_id IS NULL)", name="review_has_a_request"),
    CheckConstraint(
        "(act = 'review') = (outcome IS NOT NULL)"
        " AND num_nulls(outcome, decided, decided_act, decided_at) IN (0, 4)"
        " AND (outcome IS NULL OR (outcome, decided_act) IN (('accepted', 'use'), ('objected', 'deny')))",
        name="reviewed_by_a_decision",
    ),
    CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
)
