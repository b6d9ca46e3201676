"""postmortems: drafts, steps, frozen documents, signed versions, releases, and customers' copies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_TABLES = (
    "postmortem_drafts",
    "postmortem_steps",
    "postmortem_submissions",
    "postmortem_versions",
    "postmortem_releases",
    "postmortem_copies",
)


def upgrade() -> None:
    begin_revision()
    _drafts()
    _steps()
    _submissions()
    _versions()
    _releases()
    _copies()
    for table in _TABLES:
        distribute(table)
        protect(table, app=("SELECT", "INSERT"))
        append_only(table)


def downgrade() -> None:
    begin_revision()
    for table in reversed(_TABLES):
        op.drop_table(table)


def _drafts() -> None:
    op.create_table(
        "postmortem_drafts",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("postmortem_id", UUID(as_uuid=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="the version that is being written"),
        sa.Column("written", JSONB(), nullable=False, comment="the parts, in Markdown"),
        sa.Column("judgments", JSONB(), nullable=False, comment="by fact: verdict, reason, and who judged"),
        sa.Column("author_id", UUID(as_uuid=True), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("at", TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("revision >= 1 AND version >= 1", name="counts_from_one"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "postmortem_id"],
            ["postmortems.tenant_id", "postmortems.id"],
            name="postmortem_drafts_postmortem_fkey",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "postmortem_id", "revision", name="postmortem_drafts_pkey"),
    )


def _steps() -> None:
    op.create_table(
        "postmortem_steps",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("postmortem_id", UUID(as_uuid=True), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "before",
            sa.Integer(),
            nullable=True,
            comment="ordinal of the step it stands on; null: the opening",
        ),
        sa.Column("before_kind", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "sha256", sa.Text(), nullable=True, comment="of the document submitted, accepted or signed"
        ),
        sa.Column("actor_id", UUID(as_uuid=True), nullable=False, comment="the person, also behind a token"),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.CheckConstraint(
            "(coalesce(before_kind, 'opened'), kind) IN (('opened', 'submitted'), ('submitted', 'returned'), ('submitted', 'accepted'), ('returned', 'submitted'), ('accepted', 'returned'), ('accepted', 'signed'), ('signed', 'reopened'), ('reopened', 'submitted'))",
            name="order_is_kept",
        ),
        sa.CheckConstraint(
            "(kind IN ('submitted', 'accepted', 'signed')) = (sha256 IS NOT NULL)", name="documents_are_named"
        ),
        sa.CheckConstraint(
            "before = ordinal - 1 AND before_kind IS NOT NULL OR before IS NULL AND before_kind IS NULL",
            name="stands_on_the_one_before",
        ),
        sa.CheckConstraint("ordinal >= 1 AND (ordinal = 1) = (before IS NULL)", name="begins_at_one"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "postmortem_id", "before", "before_kind"],
            [
                "postmortem_steps.tenant_id",
                "postmortem_steps.postmortem_id",
                "postmortem_steps.ordinal",
                "postmortem_steps.kind",
            ],
            name="postmortem_steps_before_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "postmortem_id"],
            ["postmortems.tenant_id", "postmortems.id"],
            name="postmortem_steps_postmortem_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name="postmortem_steps_receipt_fkey",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "postmortem_id", "ordinal", name="postmortem_steps_pkey"),
        sa.UniqueConstraint(
            "tenant_id", "postmortem_id", "ordinal", "kind", "sha256", name="postmortem_steps_document_key"
        ),
        sa.UniqueConstraint(
            "tenant_id", "postmortem_id", "ordinal", "kind", name="postmortem_steps_kind_key"
        ),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="postmortem_steps_receipt_key"),
    )


def _submissions() -> None:
    op.create_table(
        "postmortem_submissions",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("postmortem_id", UUID(as_uuid=True), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False, comment="of the step"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="RFC 8785 bytes"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of document"),
        sa.Column("snapshot_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("author_ids", ARRAY(UUID(as_uuid=True)), nullable=False),
        sa.CheckConstraint("kind = 'submitted'", name="is_of_a_submission"),
        sa.CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
        sa.CheckConstraint("cardinality(author_ids) >= 1", name="somebody_wrote_it"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "postmortem_id", "ordinal", "kind", "sha256"],
            [
                "postmortem_steps.tenant_id",
                "postmortem_steps.postmortem_id",
                "postmortem_steps.ordinal",
                "postmortem_steps.kind",
                "postmortem_steps.sha256",
            ],
            name="postmortem_submissions_step_fkey",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "postmortem_id", "ordinal", name="postmortem_submissions_pkey"),
        sa.UniqueConstraint(
            "tenant_id", "postmortem_id", "ordinal", "sha256", "author_ids", name="postmortem_submissions_key"
        ),
    )


def _versions() -> None:
    op.create_table(
        "postmortem_versions",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("postmortem_id", UUID(as_uuid=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("before", sa.Integer(), nullable=True, comment="the version it supersedes"),
        sa.Column("ordinal", sa.Integer(), nullable=False, comment="of the step of signing"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "sha256",
            sa.Text(),
            nullable=False,
            comment="of the document that was submitted, accepted and signed",
        ),
        sa.Column("submitted", sa.Integer(), nullable=False, comment="ordinal of the submission"),
        sa.Column("author_ids", ARRAY(UUID(as_uuid=True)), nullable=False),
        sa.Column("reviewer_id", UUID(as_uuid=True), nullable=False),
        sa.Column("reviewer_name", sa.Text(), nullable=False),
        sa.Column("signer_id", UUID(as_uuid=True), nullable=False),
        sa.Column("signer_name", sa.Text(), nullable=False),
        sa.Column("signature_id", UUID(as_uuid=True), nullable=False),
        sa.Column("act", sa.Text(), nullable=False, comment="the decision that the signed statement names"),
        sa.Column("rationale", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True, comment="why there is a version after the first"),
        sa.Column("action_count", sa.Integer(), nullable=False),
        sa.Column("signed_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.CheckConstraint("kind = 'signed' AND act = 'sign'", name="is_signed"),
        sa.CheckConstraint("(version > 1) = (reason IS NOT NULL)", name="a_new_version_has_a_reason"),
        sa.CheckConstraint("action_count BETWEEN 1 AND 3", name="one_to_three_actions"),
        sa.CheckConstraint("reviewer_id <> ALL (author_ids)", name="reviewed_by_somebody_else"),
        sa.CheckConstraint(
            "version >= 1 AND (version = 1) = (before IS NULL) AND (before IS NULL OR before = version - 1)",
            name="supersedes_the_one_before",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "postmortem_id", "before"],
            [
                "postmortem_versions.tenant_id",
                "postmortem_versions.postmortem_id",
                "postmortem_versions.version",
            ],
            name="postmortem_versions_before_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "postmortem_id", "ordinal", "kind", "sha256"],
            [
                "postmortem_steps.tenant_id",
                "postmortem_steps.postmortem_id",
                "postmortem_steps.ordinal",
                "postmortem_steps.kind",
                "postmortem_steps.sha256",
            ],
            name="postmortem_versions_step_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "postmortem_id", "submitted", "sha256", "author_ids"],
            [
                "postmortem_submissions.tenant_id",
                "postmortem_submissions.postmortem_id",
                "postmortem_submissions.ordinal",
                "postmortem_submissions.sha256",
                "postmortem_submissions.author_ids",
            ],
            name="postmortem_versions_submission_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name="postmortem_versions_receipt_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "signature_id", "signer_id", "postmortem_id", "act"],
            [
                "passkey_signatures.tenant_id",
                "passkey_signatures.id",
                "passkey_signatures.person_id",
                "passkey_signatures.about",
                "passkey_signatures.act",
            ],
            name="postmortem_versions_signature_fkey",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "postmortem_id", "version", name="postmortem_versions_pkey"),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="postmortem_versions_receipt_key"),
        sa.UniqueConstraint("tenant_id", "signature_id", name="postmortem_versions_signature_key"),
    )


def _releases() -> None:
    op.create_table(
        "postmortem_releases",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("postmortem_id", UUID(as_uuid=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("customer_id", UUID(as_uuid=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False, comment="1, and one more for each disclosure"),
        sa.Column("profile", sa.Text(), nullable=False, comment="id of the redaction profile"),
        sa.Column("profile_text", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="the copy: RFC 8785 bytes"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of document"),
        sa.Column("withheld", JSONB(), nullable=False, comment="places with their disclosures, shown or not"),
        sa.Column(
            "disclosed", ARRAY(sa.Text()), nullable=False, comment="places that the customer was shown"
        ),
        sa.Column("acknowledged", JSONB(), nullable=False, comment="warnings that were let stand, and why"),
        sa.Column("actor_id", UUID(as_uuid=True), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
        sa.CheckConstraint("revision >= 1", name="counts_from_one"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "postmortem_id", "version"],
            [
                "postmortem_versions.tenant_id",
                "postmortem_versions.postmortem_id",
                "postmortem_versions.version",
            ],
            name="postmortem_releases_version_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name="postmortem_releases_receipt_fkey",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="postmortem_releases_pkey"),
        sa.UniqueConstraint(
            "tenant_id",
            "postmortem_id",
            "version",
            "customer_id",
            "revision",
            name="postmortem_releases_once_key",
        ),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="postmortem_releases_receipt_key"),
    )
    op.create_index(
        "postmortem_releases_customer_idx", "postmortem_releases", ["tenant_id", "customer_id", "at"]
    )


def _copies() -> None:
    op.create_table(
        "postmortem_copies",
        sa.Column("tenant_id", UUID(as_uuid=True), nullable=False),
        sa.Column("id", UUID(as_uuid=True), nullable=False, comment="the release's"),
        sa.Column("postmortem_id", UUID(as_uuid=True), nullable=False),
        sa.Column("incident_id", UUID(as_uuid=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("profile_text", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="RFC 8785 bytes"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of document"),
        sa.Column("original_sha256", sa.Text(), nullable=False, comment="of the signed document"),
        sa.Column(
            "disclosures",
            ARRAY(sa.Text()),
            nullable=False,
            comment="of what was disclosed, and of nothing else",
        ),
        sa.Column("at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("receipt_id", UUID(as_uuid=True), nullable=False),
        sa.CheckConstraint("sha256 = encode(sha256(document), 'hex')", name="digest_is_of_the_document"),
        sa.CheckConstraint("version >= 1 AND revision >= 1", name="counts_from_one"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["receipts.tenant_id", "receipts.id"],
            name="postmortem_copies_receipt_fkey",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="postmortem_copies_pkey"),
        sa.UniqueConstraint(
            "tenant_id", "postmortem_id", "version", "revision", name="postmortem_copies_once_key"
        ),
        sa.UniqueConstraint("tenant_id", "receipt_id", name="postmortem_copies_receipt_key"),
    )
    op.create_index("postmortem_copies_incident_idx", "postmortem_copies", ["tenant_id", "incident_id"])
