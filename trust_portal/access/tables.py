"""The tables of access. Five registries belong to the house; everything else to a tenant.

Three (``tenant_keys``, ``person_directory``, ``oidc_identities``) answer "which tenant?" before there
is one. The application role sees only its own tenant's rows of them, the staff and intake roles see
all (migration 0002). Two (``vendor_roles``, ``approval_rules``) hold what every tenant's approvals
rest on: only the vendor's transactions write them, and any tenant's rows refer to them (migration 0051).
"""

from __future__ import annotations

import uuid

from sqlalchemy import (
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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from trust_portal.storage.metadata import house_table, instant, tenant_table, uuid_column

tenants = tenant_table(
    "tenants",
    Column("key", Text, nullable=False, comment="external key, as events and contracts name it"),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False, comment="IANA name"),
    Column("residency", Text, nullable=False, comment="where its data lives, as agreed"),
    instant("created_at", nullable=False),
    instant("onboarded_at", nullable=False),
    instant("offboarded_at"),
)

tenant_keys = house_table(
    "tenant_keys",
    Column("key", Text, primary_key=True),
    uuid_column("tenant_id", nullable=False),
    Column("active", Boolean, nullable=False),
)

people = tenant_table(
    "people",
    uuid_column("id", primary_key=True),
    Column("email", Text, nullable=False, comment="normalised"),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    instant("created_at", nullable=False),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="RESTRICT"),
    Index("people_tenant_id_email_key", "tenant_id", "email", unique=True),
)

person_directory = house_table(
    "person_directory",
    Column("email", Text, primary_key=True, comment="normalised"),
    uuid_column("tenant_id", primary_key=True),
    uuid_column("person_id", nullable=False),
)


def _brought_by() -> Column[list[uuid.UUID]]:
    comment = "actor ids: who made the link this came about by, and the link that one came in by"
    return Column(
        "brought_by", ARRAY(UUID(as_uuid=True)), nullable=False, server_default="{}", comment=comment
    )


oidc_identities = house_table(
    "oidc_identities",
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    uuid_column("tenant_id", primary_key=True),
    uuid_column("person_id", nullable=False),
    instant("linked_at", nullable=False),
    instant("connected_at", comment="by the person, while signed in; null: found by its address"),
    _brought_by(),
)

_PERSON = (["tenant_id", "person_id"], ["people.tenant_id", "people.id"])


role_grants = tenant_table(
    "role_grants",
    uuid_column("id", primary_key=True),
    uuid_column("person_id", nullable=False),
    Column("role", Text, nullable=False),
    instant("granted_at", nullable=False),
    Column("granted_by", UUID(as_uuid=True), nullable=False, comment="actor id"),
    instant("expires_at"),
    instant("revoked_at"),
    Column("revoked_by", UUID(as_uuid=True), comment="actor id"),
    ForeignKeyConstraint(*_PERSON, ondelete="RESTRICT"),
    CheckConstraint("role <> 'auditor' OR expires_at IS NOT NULL", name="auditor_is_time_limited"),
    CheckConstraint(
        "(tenant_id = '00000000-0000-7000-8000-000000000001')"
        " = (role NOT IN ('customer_viewer', 'customer_admin', 'auditor'))",
        name="role_fits_tenant",
    ),
    Index(
        "role_grants_one_in_force_key",
        "tenant_id",
        "person_id",
        "role",
        unique=True,
        postgresql_where=text("revoked_at IS NULL"),
    ),
)

_IS_THE_VENDORS = "tenant_id = '00000000-0000-7000-8000-000000000001'"

#: Which roles the vendor's people were ever given, and by whom. An approval is by one of these, whatever tenant's.
vendor_roles = house_table(
    "vendor_roles",
    uuid_column("person_id", primary_key=True),
    Column("role", Text, primary_key=True),
    uuid_column("granted_by", primary_key=True, comment="the person; all zeros: no person"),
    uuid_column("tenant_id", nullable=False),
    CheckConstraint(_IS_THE_VENDORS, name="is_the_vendors"),
)

#: Which roles a rule in force ever asked of a kind of request. A request asks for one of these, whatever tenant's.
approval_rules = house_table(
    "approval_rules",
    Column("kind", Text, primary_key=True),
    Column("roles", ARRAY(Text), primary_key=True, comment="one slot each"),
    uuid_column("tenant_id", nullable=False),
    CheckConstraint(_IS_THE_VENDORS, name="is_the_vendors"),
)

sessions = tenant_table(
    "sessions",
    uuid_column("id", primary_key=True),
    uuid_column("person_id", nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, comment="SHA-256"),
    Column("previous_hash", LargeBinary, comment="still good for requests already under way"),
    instant("previous_until"),
    Column("rotate_due", Boolean, nullable=False),
    Column("method", Text, nullable=False, comment="link, oidc or persona"),
    Column("user_agent", Text, nullable=False, comment="shortened"),
    Column("address", Text, nullable=False, comment="network, last part dropped"),
    instant("created_at", nullable=False),
    instant("last_seen_at", nullable=False),
    instant("expires_at", nullable=False),
    instant("revoked_at"),
    _brought_by(),
    ForeignKeyConstraint(*_PERSON, ondelete="RESTRICT"),
    Index("sessions_tenant_id_secret_hash_key", "tenant_id", "secret_hash", unique=True),
    Index("sessions_person_idx", "tenant_id", "person_id"),
)

api_tokens = tenant_table(
    "api_tokens",
    uuid_column("id", primary_key=True),
    uuid_column("person_id", nullable=False, comment="the issuer, whose roles bound the token"),
    Column("label", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, comment="SHA-256"),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("sources", ARRAY(Text), nullable=False, comment="event sources an ingest token may name"),
    Column("tenants", ARRAY(UUID(as_uuid=True)), nullable=False, comment="empty: every tenant"),
    instant("created_at", nullable=False),
    Column("created_by", UUID(as_uuid=True), nullable=False, comment="actor id"),
    instant("expires_at", nullable=False),
    instant("last_used_at"),
    instant("revoked_at"),
    ForeignKeyConstraint(*_PERSON, ondelete="RESTRICT"),
    Index("api_tokens_tenant_id_secret_hash_key", "tenant_id", "secret_hash", unique=True),
)

sign_in_links = tenant_table(
    "sign_in_links",
    uuid_column("id", primary_key=True),
    uuid_column("person_id", nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, comment="SHA-256"),
    instant("created_at", nullable=False),
    Column("created_by", UUID(as_uuid=True), nullable=False, comment="actor id"),
    instant("expires_at", nullable=False),
    instant("used_at"),
    _brought_by(),
    ForeignKeyConstraint(*_PERSON, ondelete="RESTRICT"),
    Index("sign_in_links_tenant_id_secret_hash_key", "tenant_id", "secret_hash", unique=True),
)

#: At the vendor: every set of policies that ever decided here, so that a receipt's version can be read.
policy_sets = tenant_table(
    "policy_sets",
    Column("version", Text, primary_key=True, comment="as receipts name it"),
    Column("texts", JSONB, nullable=False, comment="file name to text"),
    instant("installed_at", nullable=False),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="RESTRICT"),
)

#: At the vendor: sets that were asked for, each by one approval.
policy_requests = tenant_table(
    "policy_requests",
    uuid_column("approval_id", primary_key=True),
    Column("version", Text, nullable=False),
    Column("texts", JSONB, nullable=False, comment="file name to text"),
    UniqueConstraint("tenant_id", "approval_id", "version", name="policy_requests_version_key"),
    Column("approval_kind", Text, Computed("'policy_change'::text", persisted=True)),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "approval_kind"],
        [f"approval_requests.{name}" for name in ("tenant_id", "id", "kind")],
        name="policy_requests_kind_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id"],
        ["approval_requests.tenant_id", "approval_requests.id"],
        name="policy_requests_approval_fkey",
    ),
)

#: At the vendor: which sets came into force, one after the other. All but the first were approved.
policy_installs = tenant_table(
    "policy_installs",
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("version", Text, nullable=False),
    Column("previous", Integer, comment="ordinal of the one before; null: the first"),
    uuid_column("approval_id"),
    Column("use_ordinal", Integer),
    Column("use_act", Text),
    instant("used_at"),
    instant("at", nullable=False),
    UniqueConstraint("tenant_id", "version", name="policy_installs_version_key"),
    ForeignKeyConstraint(
        ["tenant_id", "version"],
        ["policy_sets.tenant_id", "policy_sets.version"],
        name="policy_installs_set_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "previous"],
        ["policy_installs.tenant_id", "policy_installs.ordinal"],
        name="policy_installs_previous_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "version"],
        [f"policy_requests.{name}" for name in ("tenant_id", "approval_id", "version")],
        name="policy_installs_request_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "use_ordinal", "use_act", "used_at"],
        [f"approval_steps.{name}" for name in ("tenant_id", "request_id", "ordinal", "act", "at")],
        name="policy_installs_use_fkey",
    ),
    CheckConstraint(
        "(ordinal = 1 AND num_nulls(previous, approval_id, use_ordinal, use_act, used_at) = 5)"
        " OR (ordinal > 1 AND num_nulls(previous, approval_id, use_ordinal, use_act, used_at) = 0"
        " AND previous = ordinal - 1 AND use_act = 'use' AND use_ordinal >= 3)",
        name="all_but_the_first_are_approved",
    ),
)

policy_decisions = tenant_table(
    "policy_decisions",
    uuid_column("id", primary_key=True),
    instant("minute", nullable=False, comment="when, to the minute: repeats within it are one row"),
    uuid_column("actor_id", nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("resource_kind", Text, nullable=False),
    uuid_column("resource_tenant_id", nullable=False),
    Column("resource_id", Text, nullable=False),
    Column("policies", ARRAY(Text), nullable=False, comment="what decided; none: no rule permits it"),
    Column("policy_version", Text, nullable=False),
    Index(
        "policy_decisions_once_a_minute_key",
        "tenant_id",
        "minute",
        "actor_id",
        "action",
        "resource_kind",
        "resource_tenant_id",
        "resource_id",
        unique=True,
    ),
)

access_log = tenant_table(
    "access_log",
    uuid_column("id", primary_key=True),
    instant("minute", nullable=False, comment="repeats within it are one row"),
    instant("at", nullable=False),
    uuid_column("actor_id", nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("actor_group", Text, nullable=False, comment="staff, auditor, customer or system"),
    Column("verb", Text, nullable=False, comment="read or downloaded"),
    Column("what", Text, nullable=False, comment="kind of thing"),
    Column("subject", Text, nullable=False, comment="its id, or empty for a list"),
    Column("purpose", Text, nullable=False),
    Index(
        "access_log_once_a_minute_key",
        "tenant_id",
        "minute",
        "actor_id",
        "verb",
        "what",
        "subject",
        unique=True,
    ),
    Index("access_log_newest_idx", "tenant_id", "at", "id"),
)
