"""Requests, and the one chain of what happened to each. Every rule that rows can state is stated here.

A chain's links are numbered, and link n can only stand behind an approval that is link n - 1: so
nothing follows a denial, a use, an expiry or a withdrawal, the use stands behind as many approvals
as there are roles, and of two things that happen at once the key lets one. What a link must agree
with its request on (digest, roles, requester, times) it repeats, bound by a foreign key.
"""

from __future__ import annotations

from sqlalchemy import (
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
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from trust_portal.access.passkeys.tables import passkey_signatures
from trust_portal.access.tables import approval_rules, vendor_roles
from trust_portal.storage.metadata import instant, tenant_table, uuid_column

#: What every step repeats of its request.
_TERMS = ("digest", "roles", "requester_id", "expires_at", "use_seconds")

approval_requests = tenant_table(
    "approval_requests",
    uuid_column("id", primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False, comment="what it is about: noun/id"),
    Column("intent", LargeBinary, nullable=False, comment="RFC 8785 bytes, as shown to approvers"),
    Column("digest", Text, nullable=False, comment="hex SHA-256 of the intent"),
    Column("rule_id", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False, comment="one slot each"),
    uuid_column("requester_id", nullable=False, comment="the person, also behind a token"),
    Column("requester_kind", Text, nullable=False),
    Column("requester_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("nonce", Text, nullable=False, comment="32 random bytes in hex"),
    instant("requested_at", nullable=False),
    instant("expires_at", nullable=False, comment="the last moment for a decision"),
    Column("use_seconds", Integer, nullable=False, comment="how long an approval may be used"),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    UniqueConstraint("tenant_id", "id", *_TERMS, name="approval_requests_terms_key"),
    UniqueConstraint("tenant_id", "receipt_id", name="approval_requests_receipt_key"),
    UniqueConstraint("tenant_id", "id", "requester_id", name="approval_requests_requester_key"),
    # What refers to a request names its kind, and what it is about, with it.
    UniqueConstraint("tenant_id", "id", "kind", name="approval_requests_kind_key"),
    UniqueConstraint("tenant_id", "id", "kind", "subject", name="approval_requests_about_key"),
    CheckConstraint("kind <> 'break_glass_review' OR cardinality(roles) >= 2", name="two_review"),
    # The floor under every rule (approvals.rules refuses rules below it).
    CheckConstraint(
        "kind NOT IN ('credit', 'exclusion', 'key_rotation', 'policy_change', 'severity_downgrade')"
        " OR cardinality(roles) >= 2",
        name="two_approve",
    ),
    Column(
        "lone",
        UUID(as_uuid=True),
        Computed("CASE WHEN cardinality(roles) < 2 THEN id ELSE NULL::uuid END", persisted=True),
    ),
    ForeignKeyConstraint(
        ["tenant_id", "lone"],
        ["lone_requests.tenant_id", "lone_requests.request_id"],
        name="approval_requests_lone_fkey",
    ),
    ForeignKeyConstraint(
        ["kind", "roles"],
        [approval_rules.c.kind, approval_rules.c.roles],
        name="approval_requests_rule_fkey",
    ),
    CheckConstraint("digest = encode(sha256(intent), 'hex')", name="digest_is_of_the_intent"),
    CheckConstraint("cardinality(roles) BETWEEN 1 AND 4", name="somebody_must_approve"),
    CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
    CheckConstraint("length(nonce) = 64", name="nonce_is_32_bytes"),
    CheckConstraint("expires_at > requested_at AND use_seconds > 0", name="time_is_limited"),
    Index("approval_requests_expires_at_idx", "expires_at"),
    Index("approval_requests_newest_idx", "tenant_id", "requested_at", "id"),
    Index("approval_requests_requested_at_idx", "requested_at", "id"),
    Index("approval_requests_subject_idx", "tenant_id", "subject"),
)

#: Which requests asked for one approval before all took two. Nobody may add to it, so no other does.
lone_requests = tenant_table("lone_requests", uuid_column("request_id", primary_key=True))

#: Which approvals were given before every one was signed. Nobody may add to it, so no other is unsigned.
unsigned_approvals = tenant_table(
    "unsigned_approvals",
    uuid_column("request_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
)

approval_steps = tenant_table(
    "approval_steps",
    uuid_column("request_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("act", Text, nullable=False),
    Column("previous", Integer, comment="ordinal of the step before; null: the first"),
    Column("previous_act", Text),
    instant("previous_at"),
    Column("slot", Integer, comment="of decisions: the place in roles"),
    Column("role", Text, comment="of decisions: as which they decided"),
    uuid_column("granted_by", comment="who gave them the role; null: no person"),
    uuid_column("person_id", nullable=False, comment="the person, also behind a token"),
    Column("person_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    instant("at", nullable=False),
    Column("digest", Text, nullable=False, comment="of what they were shown"),
    Column("roles", ARRAY(Text), nullable=False),
    uuid_column("requester_id", nullable=False),
    instant("expires_at", nullable=False),
    Column("use_seconds", Integer, nullable=False),
    uuid_column("signature_id", comment="the signature with a passkey; null: not signed"),
    uuid_column("receipt_id", nullable=False),
    Column(
        "unsigned",
        Integer,
        Computed(
            "CASE WHEN act = 'approve'::text AND signature_id IS NULL THEN ordinal ELSE NULL::integer END",
            persisted=True,
        ),
    ),
    # Of decisions: whoever gave them the role, as ``vendor_roles`` knows it.
    Column(
        "giver",
        UUID(as_uuid=True),
        Computed(
            "CASE WHEN role IS NOT NULL"
            " THEN COALESCE(granted_by, '00000000-0000-0000-0000-000000000000'::uuid) ELSE NULL::uuid END",
            persisted=True,
        ),
    ),
    ForeignKeyConstraint(
        ["person_id", "role", "giver"],
        [vendor_roles.c.person_id, vendor_roles.c.role, vendor_roles.c.granted_by],
        name="approval_steps_role_fkey",
    ),
    # What rests on an approval refers to this: that everybody has approved, or that it was used.
    Column(
        "milestone",
        Text,
        Computed(
            "CASE WHEN act = 'use'::text THEN 'use'::text"
            " WHEN act = 'approve'::text AND ordinal = cardinality(roles) THEN 'approved'::text"
            " ELSE NULL::text END",
            persisted=True,
        ),
    ),
    UniqueConstraint("tenant_id", "request_id", "milestone", name="approval_steps_milestone_key"),
    ForeignKeyConstraint(
        ["tenant_id", "signature_id", "person_id", "request_id", "act"],
        [passkey_signatures.c[name] for name in ("tenant_id", "id", "person_id", "about", "act")],
        name="approval_steps_signature_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "request_id", "unsigned"],
        [f"unsigned_approvals.{name}" for name in ("tenant_id", "request_id", "ordinal")],
        name="approval_steps_unsigned_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "request_id", *_TERMS],
        ["approval_requests.tenant_id", "approval_requests.id", *(f"approval_requests.{t}" for t in _TERMS)],
        name="approval_steps_terms_fkey",
    ),
    UniqueConstraint("tenant_id", "request_id", "ordinal", "act", "at", name="approval_steps_link_key"),
    UniqueConstraint(
        "tenant_id", "request_id", "ordinal", "act", "person_id", name="approval_steps_person_key"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "request_id", "previous", "previous_act", "previous_at"],
        [f"approval_steps.{name}" for name in ("tenant_id", "request_id", "ordinal", "act", "at")],
        name="approval_steps_previous_fkey",
    ),
    ForeignKeyConstraint(["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"]),
    UniqueConstraint("tenant_id", "receipt_id", name="approval_steps_receipt_key"),
    Index(
        "approval_steps_one_decision_a_person_key",
        "tenant_id",
        "request_id",
        "person_id",
        unique=True,
        postgresql_where=text("slot IS NOT NULL"),
    ),
    Index(
        "approval_steps_one_approval_a_slot_key",
        "tenant_id",
        "request_id",
        "slot",
        unique=True,
        postgresql_where=text("act = 'approve'"),
    ),
    CheckConstraint("act IN ('approve', 'deny', 'expire', 'use', 'void', 'withdraw')", name="act_is_known"),
    CheckConstraint(
        "(ordinal = 1 AND num_nulls(previous, previous_act, previous_at) = 3)"
        " OR (ordinal BETWEEN 2 AND cardinality(roles) + 1 AND num_nulls(previous, previous_at) = 0"
        " AND previous = ordinal - 1 AND previous_act IS NOT DISTINCT FROM 'approve')",
        name="follows_an_approval",
    ),
    CheckConstraint(
        "(act IN ('approve', 'deny')) = (slot IS NOT NULL) AND (slot IS NULL) = (role IS NULL)"
        " AND (slot IS NULL OR (slot BETWEEN 1 AND cardinality(roles) AND role = roles[slot]))",
        name="decides_as_a_role_of_the_rule",
    ),
    CheckConstraint(
        "slot IS NULL OR (person_id <> requester_id AND granted_by IS DISTINCT FROM requester_id)",
        name="requester_does_not_decide",
    ),
    # Neither the vendor, the clockwork nor the console is a person.
    CheckConstraint(
        "slot IS NULL OR person_id NOT IN ('00000000-0000-7000-8000-000000000001',"
        " '00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000003')",
        name="people_decide",
    ),
    CheckConstraint(
        "slot IS NULL OR (at <= expires_at AND ordinal <= cardinality(roles))", name="decided_in_time"
    ),
    CheckConstraint(
        "act <> 'use' OR (ordinal = cardinality(roles) + 1"
        " AND at <= previous_at + use_seconds * interval '1 second')",
        name="used_in_time",
    ),
    CheckConstraint(
        "act <> 'expire' OR (ordinal <= cardinality(roles) AND at > expires_at)"
        " OR (ordinal = cardinality(roles) + 1 AND at > previous_at + use_seconds * interval '1 second')",
        name="expired_after_its_time",
    ),
    CheckConstraint("act <> 'withdraw' OR person_id = requester_id", name="requester_withdraws"),
    CheckConstraint("signature_id IS NULL OR slot IS NOT NULL", name="decisions_are_signed"),
    CheckConstraint("act IN ('expire', 'use') OR btrim(reason) <> ''", name="reason_is_given"),
)
