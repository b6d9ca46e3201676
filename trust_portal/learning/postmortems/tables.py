"""Postmortems as rows, none of which ever changes. What rows can state is stated here, for the day a service errs.

What becomes of one is a chain of steps, each standing on the one before, so that of two at once the key lets
one. A document is frozen when it is submitted; a version is such a document with the owner's signature, and
its reviewer is none of those who wrote it. A release and its copy are for one customer: the release is the
vendor's, with all that it withholds, the copy is the customer's, with what it may know.
"""

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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from trust_portal.storage.metadata import instant, refers, tenant_table, uuid_column

postmortems = tenant_table(
    "postmortems",
    uuid_column("id", primary_key=True),
    uuid_column("incident_id", nullable=False),
    instant("opened_at", nullable=False),
    Column("opened_because", Text, nullable=False, comment="declared, raised or merged"),
    uuid_column("owner_person_id", comment="who is to sign it, as known when it was opened"),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "incident_id"],
        ["incidents.tenant_id", "incidents.id"],
        name="postmortems_incident_fkey",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"], name="postmortems_receipt_fkey"
    ),
    UniqueConstraint("tenant_id", "incident_id", name="postmortems_incident_key"),
    UniqueConstraint("tenant_id", "receipt_id", name="postmortems_receipt_key"),
    CheckConstraint("opened_because IN ('declared', 'raised', 'merged')", name="reason_is_known"),
    Index("postmortems_newest_idx", "tenant_id", "opened_at", "id"),
)


def _digest_of(column: str) -> CheckConstraint:
    return CheckConstraint(f"sha256 = encode(sha256({column}), 'hex')", name="digest_is_of_the_document")


postmortem_drafts = tenant_table(
    "postmortem_drafts",
    uuid_column("postmortem_id", primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("version", Integer, nullable=False, comment="the version that is being written"),
    Column("written", JSONB, nullable=False, comment="the parts, in Markdown"),
    Column("judgments", JSONB, nullable=False, comment="by fact: verdict, reason, and who judged"),
    uuid_column("author_id", nullable=False),
    Column("author_name", Text, nullable=False),
    instant("at", nullable=False),
    refers("postmortems", ("postmortem_id",), ("id",), "postmortem_drafts_postmortem_fkey"),
    CheckConstraint("revision >= 1 AND version >= 1", name="counts_from_one"),
)

postmortem_steps = tenant_table(
    "postmortem_steps",
    uuid_column("postmortem_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("before", Integer, comment="ordinal of the step it stands on; null: the opening"),
    Column("before_kind", Text),
    Column("version", Integer, nullable=False),
    Column("sha256", Text, comment="of the document submitted, accepted or signed"),
    uuid_column("actor_id", nullable=False, comment="the person, also behind a token"),
    Column("actor_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    instant("at", nullable=False),
    uuid_column("receipt_id", nullable=False),
    refers("postmortems", ("postmortem_id",), ("id",), "postmortem_steps_postmortem_fkey"),
    refers(
        "postmortem_steps",
        ("postmortem_id", "before", "before_kind"),
        ("postmortem_id", "ordinal", "kind"),
        "postmortem_steps_before_fkey",
    ),
    refers("receipts", ("receipt_id",), ("id",), "postmortem_steps_receipt_fkey"),
    UniqueConstraint("tenant_id", "postmortem_id", "ordinal", "kind", name="postmortem_steps_kind_key"),
    UniqueConstraint(
        "tenant_id", "postmortem_id", "ordinal", "kind", "sha256", name="postmortem_steps_document_key"
    ),
    UniqueConstraint("tenant_id", "receipt_id", name="postmortem_steps_receipt_key"),
    CheckConstraint("ordinal >= 1 AND (ordinal = 1) = (before IS NULL)", name="begins_at_one"),
    CheckConstraint(
        "before = ordinal - 1 AND before_kind IS NOT NULL OR before IS NULL AND before_kind IS NULL",
        name="stands_on_the_one_before",
    ),
    CheckConstraint(
        "(coalesce(before_kind, 'opened'), kind) IN (('opened', 'submitted'), ('submitted', 'returned'),"
        " ('submitted', 'accepted'), ('returned', 'submitted'), ('accepted', 'returned'),"
        " ('accepted', 'signed'), ('signed', 'reopened'), ('reopened', 'submitted'))",
        name="order_is_kept",
    ),
    CheckConstraint(
        "(kind IN ('submitted', 'accepted', 'signed')) = (sha256 IS NOT NULL)", name="documents_are_named"
    ),
)

postmortem_submissions = tenant_table(
    "postmortem_submissions",
    uuid_column("postmortem_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, comment="of the step"),
    Column("kind", Text, nullable=False),
    Column("document", LargeBinary, nullable=False, comment="RFC 8785 bytes"),
    Column("sha256", Text, nullable=False, comment="of document"),
    instant("snapshot_at", nullable=False),
    Column("author_ids", ARRAY(UUID(as_uuid=True)), nullable=False),
    refers(
        "postmortem_steps",
        ("postmortem_id", "ordinal", "kind", "sha256"),
        ("postmortem_id", "ordinal", "kind", "sha256"),
        "postmortem_submissions_step_fkey",
    ),
    UniqueConstraint(
        "tenant_id", "postmortem_id", "ordinal", "sha256", "author_ids", name="postmortem_submissions_key"
    ),
    CheckConstraint("kind = 'submitted'", name="is_of_a_submission"),
    CheckConstraint("cardinality(author_ids) >= 1", name="somebody_wrote_it"),
    _digest_of("document"),
)

postmortem_versions = tenant_table(
    "postmortem_versions",
    uuid_column("postmortem_id", primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("before", Integer, comment="the version it supersedes"),
    Column("ordinal", Integer, nullable=False, comment="of the step of signing"),
    Column("kind", Text, nullable=False),
    Column("sha256", Text, nullable=False, comment="of the document that was submitted, accepted and signed"),
    Column("submitted", Integer, nullable=False, comment="ordinal of the submission"),
    Column("author_ids", ARRAY(UUID(as_uuid=True)), nullable=False),
    uuid_column("reviewer_id", nullable=False),
    Column("reviewer_name", Text, nullable=False),
    uuid_column("signer_id", nullable=False),
    Column("signer_name", Text, nullable=False),
    uuid_column("signature_id", nullable=False),
    Column("act", Text, nullable=False, comment="the decision that the signed statement names"),
    Column("rationale", Text, nullable=False),
    Column("reason", Text, comment="why there is a version after the first"),
    Column("action_count", Integer, nullable=False),
    instant("signed_at", nullable=False),
    uuid_column("receipt_id", nullable=False),
    refers(
        "postmortem_steps",
        ("postmortem_id", "ordinal", "kind", "sha256"),
        ("postmortem_id", "ordinal", "kind", "sha256"),
        "postmortem_versions_step_fkey",
    ),
    refers(
        "postmortem_submissions",
        ("postmortem_id", "submitted", "sha256", "author_ids"),
        ("postmortem_id", "ordinal", "sha256", "author_ids"),
        "postmortem_versions_submission_fkey",
    ),
    refers(
        "passkey_signatures",
        ("signature_id", "signer_id", "postmortem_id", "act"),
        ("id", "person_id", "about", "act"),
        "postmortem_versions_signature_fkey",
    ),
    refers(
        "postmortem_versions",
        ("postmortem_id", "before"),
        ("postmortem_id", "version"),
        "postmortem_versions_before_fkey",
    ),
    refers("receipts", ("receipt_id",), ("id",), "postmortem_versions_receipt_fkey"),
    UniqueConstraint("tenant_id", "receipt_id", name="postmortem_versions_receipt_key"),
    UniqueConstraint("tenant_id", "signature_id", name="postmortem_versions_signature_key"),
    CheckConstraint("kind = 'signed' AND act = 'sign'", name="is_signed"),
    CheckConstraint("action_count BETWEEN 1 AND 3", name="one_to_three_actions"),
    CheckConstraint("reviewer_id <> ALL (author_ids)", name="reviewed_by_somebody_else"),
    CheckConstraint(
        "version >= 1 AND (version = 1) = (before IS NULL) AND (before IS NULL OR before = version - 1)",
        name="supersedes_the_one_before",
    ),
    CheckConstraint("(version > 1) = (reason IS NOT NULL)", name="a_new_version_has_a_reason"),
)

postmortem_releases = tenant_table(
    "postmortem_releases",
    uuid_column("id", primary_key=True),
    uuid_column("postmortem_id", nullable=False),
    Column("version", Integer, nullable=False),
    uuid_column("customer_id", nullable=False),
    Column("revision", Integer, nullable=False, comment="1, and one more for each disclosure"),
    Column("profile", Text, nullable=False, comment="id of the redaction profile"),
    Column("profile_text", Text, nullable=False),
    Column("document", LargeBinary, nullable=False, comment="the copy: RFC 8785 bytes"),
    Column("sha256", Text, nullable=False, comment="of document"),
    Column("withheld", JSONB, nullable=False, comment="places with their disclosures, shown or not"),
    Column("disclosed", ARRAY(Text), nullable=False, comment="places that the customer was shown"),
    Column("acknowledged", JSONB, nullable=False, comment="warnings that were let stand, and why"),
    uuid_column("actor_id", nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    instant("at", nullable=False),
    uuid_column("receipt_id", nullable=False),
    refers(
        "postmortem_versions",
        ("postmortem_id", "version"),
        ("postmortem_id", "version"),
        "postmortem_releases_version_fkey",
    ),
    refers("receipts", ("receipt_id",), ("id",), "postmortem_releases_receipt_fkey"),
    UniqueConstraint(
        "tenant_id",
        "postmortem_id",
        "version",
        "customer_id",
        "revision",
        name="postmortem_releases_once_key",
    ),
    UniqueConstraint("tenant_id", "receipt_id", name="postmortem_releases_receipt_key"),
    CheckConstraint("revision >= 1", name="counts_from_one"),
    _digest_of("document"),
    Index("postmortem_releases_customer_idx", "tenant_id", "customer_id", "at"),
)

postmortem_copies = tenant_table(
    "postmortem_copies",
    uuid_column("id", primary_key=True, comment="the release's"),
    uuid_column("postmortem_id", nullable=False),
    uuid_column("incident_id", nullable=False),
    Column("version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("profile_text", Text, nullable=False),
    Column("document", LargeBinary, nullable=False, comment="RFC 8785 bytes"),
    Column("sha256", Text, nullable=False, comment="of document"),
    Column("original_sha256", Text, nullable=False, comment="of the signed document"),
    Column("disclosures", ARRAY(Text), nullable=False, comment="of what was disclosed, and of nothing else"),
    instant("at", nullable=False),
    uuid_column("receipt_id", nullable=False),
    refers("receipts", ("receipt_id",), ("id",), "postmortem_copies_receipt_fkey"),
    UniqueConstraint("tenant_id", "postmortem_id", "version", "revision", name="postmortem_copies_once_key"),
    UniqueConstraint("tenant_id", "receipt_id", name="postmortem_copies_receipt_key"),
    CheckConstraint("version >= 1 AND revision >= 1", name="counts_from_one"),
    _digest_of("document"),
    Index("postmortem_copies_incident_idx", "tenant_id", "incident_id"),
)
