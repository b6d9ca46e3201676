"""Exclusions as rows, none of which ever changes: the proposal, and the chain of its states.

That an approved one had two approvals is held here too: its state names the use of its approval, and
a use that is the third link of its chain stands on two (``access.approvals.tables``).
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from trust_portal.storage.metadata import instant, refers, tenant_table, uuid_column

exclusions = tenant_table(
    "exclusions",
    uuid_column("id", primary_key=True),
    instant("starts_at", nullable=False),
    instant("ends_at", nullable=False),
    Column("objectives", ARRAY(Text), comment="null: all"),
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False, comment="where what happened can be looked up"),
    uuid_column("proposer_id", nullable=False, comment="the person, also behind a token"),
    Column("proposer_name", Text, nullable=False),
    uuid_column("request_id", nullable=False, comment="the approval asked for"),
    Column("document", LargeBinary, nullable=False, comment="the proposal: RFC 8785 bytes"),
    Column("sha256", Text, nullable=False, comment="of document"),
    instant("proposed_at", nullable=False),
    refers("approval_requests", ("request_id",), ("id",), "exclusions_request_fkey"),
    Column("approval_kind", Text, Computed("'exclusion'::text", persisted=True)),
    refers("approval_requests", ("request_id", "approval_kind"), ("id", "kind"), "exclusions_kind_fkey"),
    UniqueConstraint("tenant_id", "request_id", name="exclusions_request_key"),
    UniqueConstraint("tenant_id", "id", "request_id", name="exclusions_asked_key"),
    CheckConstraint("starts_at < ends_at", name="lasts_some_time"),
    CheckConstraint("ends_at <= proposed_at", name="is_over"),
    CheckConstraint("cardinality(objectives) > 0", name="objectives_are_named"),
    CheckConstraint("btrim(reason) <> '' AND btrim(evidence) <> ''", name="reason_is_given"),
    CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
    Index("exclusions_newest_idx", "tenant_id", "proposed_at", "id"),
)

exclusion_states = tenant_table(
    "exclusion_states",
    uuid_column("exclusion_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("previous", Integer, comment="ordinal of the state before; null: the first"),
    Column("previous_state", Text),
    uuid_column("request_id", nullable=False),
    Column("use_ordinal", Integer, comment="of an approved one: the use of its approval"),
    Column("use_act", Text),
    instant("used_at"),
    Column("approvers", ARRAY(UUID(as_uuid=True)), comment="of an approved one: the persons"),
    instant("at", nullable=False),
    uuid_column("by_id", nullable=False),
    Column("by_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    uuid_column("receipt_id", nullable=False),
    refers(
        "exclusions", ("exclusion_id", "request_id"), ("id", "request_id"), "exclusion_states_exclusion_fkey"
    ),
    refers(
        "exclusion_states",
        ("exclusion_id", "previous", "previous_state"),
        ("exclusion_id", "ordinal", "state"),
        "exclusion_states_previous_fkey",
    ),
    refers(
        "approval_steps",
        ("request_id", "use_ordinal", "use_act", "used_at"),
        ("request_id", "ordinal", "act", "at"),
        "exclusion_states_use_fkey",
    ),
    refers("receipts", ("receipt_id",), ("id",), "exclusion_states_receipt_fkey"),
    UniqueConstraint("tenant_id", "exclusion_id", "ordinal", "state", name="exclusion_states_link_key"),
    UniqueConstraint("tenant_id", "receipt_id", name="exclusion_states_receipt_key"),
    CheckConstraint(
        "(ordinal = 1 AND state = 'proposed' AND num_nulls(previous, previous_state) = 2)"
        " OR (ordinal > 1 AND num_nulls(previous, previous_state) = 0 AND previous = ordinal - 1"
        " AND ((previous_state = 'proposed' AND state IN ('approved', 'denied', 'expired', 'withdrawn'))"
        " OR (previous_state = 'approved' AND state = 'revoked')))",
        name="follows_what_it_may",
    ),
    CheckConstraint(
        "(state = 'approved' AND num_nulls(use_ordinal, use_act, used_at, approvers) = 0"
        " AND use_act = 'use' AND use_ordinal > 2 AND cardinality(approvers) = use_ordinal - 1)"
        " OR (state <> 'approved' AND num_nonnulls(use_ordinal, use_act, used_at, approvers) = 0)",
        name="approved_by_two",
    ),
    CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
)
