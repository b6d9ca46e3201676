"""What became of sets of policies after another came into force: decided again, or retired. At the vendor."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Date,
    ForeignKeyConstraint,
    Integer,
    Text,
    UniqueConstraint,
)

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

_INSTALLED = ["policy_installs.tenant_id", "policy_installs.version"]

#: A superseded set decides again, once a day for as long as programs start that bring it.
policy_returns = tenant_table(
    "policy_returns",
    Column("version", Text, primary_key=True),
    Column("in_force", Text, primary_key=True, comment="the newest version then"),
    Column("day", Date, primary_key=True),
    instant("at", nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(["tenant_id", "version"], _INSTALLED, name="policy_returns_version_fkey"),
    ForeignKeyConstraint(["tenant_id", "in_force"], _INSTALLED, name="policy_returns_in_force_fkey"),
    CheckConstraint("version <> in_force", name="another_is_in_force"),
)

#: Superseded sets that were asked to be retired, each by one approval.
policy_retirement_requests = tenant_table(
    "policy_retirement_requests",
    uuid_column("approval_id", primary_key=True),
    Column("version", Text, nullable=False),
    Column("approval_kind", Text, Computed("'policy_change'::text", persisted=True)),
    UniqueConstraint("tenant_id", "approval_id", "version", name="policy_retirement_requests_version_key"),
    ForeignKeyConstraint(
        ["tenant_id", "version"], _INSTALLED, name="policy_retirement_requests_install_fkey"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "approval_kind"],
        [f"approval_requests.{name}" for name in ("tenant_id", "id", "kind")],
        name="policy_retirement_requests_kind_fkey",
    ),
)

#: Sets that decide no more, whichever program brings them: each by the use of its approval.
policy_retirements = tenant_table(
    "policy_retirements",
    Column("version", Text, primary_key=True),
    uuid_column("approval_id", nullable=False),
    Column("use_ordinal", Integer, nullable=False),
    Column("use_act", Text, nullable=False),
    instant("used_at", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "version"],
        [f"policy_retirement_requests.{name}" for name in ("tenant_id", "approval_id", "version")],
        name="policy_retirements_request_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "approval_id", "use_ordinal", "use_act", "used_at"],
        [f"approval_steps.{name}" for name in ("tenant_id", "request_id", "ordinal", "act", "at")],
        name="policy_retirements_use_fkey",
    ),
    CheckConstraint("use_act = 'use' AND use_ordinal >= 3", name="two_approved_it"),
)
