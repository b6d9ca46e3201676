"""passkeys: people's keys, which of them a tenant's log knows, and what was signed with them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from trust_portal.storage.migration import append_only, begin_revision, distribute, protect

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_APPEND = ("SELECT", "INSERT")
_TERMS_BEFORE = ("digest", "roles", "requester_id", "expires_at", "use_seconds")
_TERMS = (*_TERMS_BEFORE, "passkey")


def upgrade() -> None:
    begin_revision()
    _ceremonies()
    _passkeys()
    _uses()
    _revocations()
    _introductions()
    _signatures()
    for table, app, staff in (
        ("passkey_ceremonies", ("SELECT", "INSERT", "DELETE"), ()),
        ("passkeys", _APPEND, ()),
        ("passkey_uses", (*_APPEND, "UPDATE (sign_count, used_at)"), ()),
        ("passkey_revocations", _APPEND, ()),
        ("passkey_introductions", _APPEND, ("SELECT",)),
        ("passkey_signatures", _APPEND, ("SELECT",)),
    ):
        distribute(table)
        protect(table, app=app, staff=staff)
    for table in ("passkeys", "passkey_revocations", "passkey_introductions", "passkey_signatures"):
        append_only(table)
    _approvals_are_signed()


def downgrade() -> None:
    begin_revision()
    op.drop_constraint(op.f("approval_steps_decisions_are_signed_check"), "approval_steps")
    op.drop_constraint(op.f("approval_steps_approval_is_signed_if_it_must_check"), "approval_steps")
    op.drop_constraint("approval_steps_signature_fkey", "approval_steps")
    op.drop_column("approval_steps", "signature_id")
    _terms(_TERMS_BEFORE)
    for table in ("approval_steps", "approval_requests"):
        op.drop_column(table, "passkey")
    for table in (
        "passkey_signatures",
        "passkey_introductions",
        "passkey_revocations",
        "passkey_uses",
        "passkeys",
        "passkey_ceremonies",
    ):
        op.drop_table(table)


def _id(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=nullable, comment=comment)


def _at(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def _text(name: str, *, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False, comment=comment)


def _bytes(name: str, *, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.LargeBinary(), nullable=False, comment=comment)


def _person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "person_id"],
        ["people.tenant_id", "people.id"],
        name=f"{table}_tenant_id_person_id_fkey",
        ondelete="RESTRICT",
    )


def _receipt(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "receipt_id"],
        ["receipts.tenant_id", "receipts.id"],
        name=f"{table}_tenant_id_receipt_id_fkey",
    )


def _passkey(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "passkey_id"],
        ["passkeys.tenant_id", "passkeys.id"],
        name=f"{table}_tenant_id_passkey_id_fkey",
        ondelete="RESTRICT",
    )


def _ceremonies() -> None:
    op.create_table(
        "passkey_ceremonies",
        _id("tenant_id"),
        _id("id"),
        _id("person_id"),
        _id("session_id", comment="the browser that began it"),
        _text("name"),
        _bytes("challenge"),
        _at("expires_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="passkey_ceremonies_pkey"),
        _person("passkey_ceremonies"),
    )


def _passkeys() -> None:
    op.create_table(
        "passkeys",
        _id("tenant_id"),
        _id("id"),
        _id("person_id"),
        _text("name"),
        _bytes("credential_id"),
        _bytes("public_key", comment="COSE_Key"),
        sa.Column("algorithm", sa.Integer(), nullable=False, comment="of COSE"),
        _text("aaguid"),
        sa.Column("synced", sa.Boolean(), nullable=False),
        _text("rp_id"),
        _text("origin"),
        _at("enrolled_at"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="passkeys_pkey"),
        _person("passkeys"),
        _receipt("passkeys"),
        sa.UniqueConstraint("tenant_id", "credential_id", name="passkeys_credential_key"),
    )
    op.create_index("passkeys_person_idx", "passkeys", ["tenant_id", "person_id"])


def _uses() -> None:
    op.create_table(
        "passkey_uses",
        _id("tenant_id"),
        _id("passkey_id"),
        sa.Column("sign_count", sa.BigInteger(), nullable=False, comment="the highest seen"),
        _at("used_at", nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "passkey_id", name="passkey_uses_pkey"),
        _passkey("passkey_uses"),
    )


def _revocations() -> None:
    op.create_table(
        "passkey_revocations",
        _id("tenant_id"),
        _id("passkey_id"),
        _at("revoked_at"),
        _id("revoked_by", comment="actor id"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "passkey_id", name="passkey_revocations_pkey"),
        _passkey("passkey_revocations"),
        _receipt("passkey_revocations"),
    )


def _introductions() -> None:
    op.create_table(
        "passkey_introductions",
        _id("tenant_id"),
        _id("passkey_id"),
        _id("person_id"),
        _id("home_id", comment="the tenant its owner belongs to"),
        _at("introduced_at"),
        _id("receipt_id"),
        sa.PrimaryKeyConstraint("tenant_id", "passkey_id", name="passkey_introductions_pkey"),
        _receipt("passkey_introductions"),
        sa.UniqueConstraint("tenant_id", "passkey_id", "person_id", name="passkey_introductions_owner_key"),
    )
    op.create_index("passkey_introductions_passkey_idx", "passkey_introductions", ["passkey_id"])


def _signatures() -> None:
    op.create_table(
        "passkey_signatures",
        _id("tenant_id"),
        _id("id"),
        _id("passkey_id"),
        _id("person_id"),
        _id("about", comment="the request that the statement names"),
        _text("act", comment="the decision that the statement names"),
        _bytes("statement", comment="RFC 8785 bytes"),
        _bytes("authenticator_data"),
        _bytes("client_data"),
        _bytes("signature"),
        _at("at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="passkey_signatures_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "passkey_id", "person_id"],
            [f"passkey_introductions.{name}" for name in ("tenant_id", "passkey_id", "person_id")],
            name="passkey_signatures_owner_fkey",
        ),
        sa.UniqueConstraint(
            "tenant_id", "id", "person_id", "about", "act", name="passkey_signatures_act_key"
        ),
        sa.CheckConstraint(
            "about::text = convert_from(statement, 'UTF8')::jsonb ->> 'request'"
            " AND act = convert_from(statement, 'UTF8')::jsonb ->> 'decision'"
            " AND person_id::text = convert_from(statement, 'UTF8')::jsonb #>> '{person,id}'",
            name="statement_says_so",
        ),
        sa.CheckConstraint(
            "convert_from(client_data, 'UTF8')::jsonb ->> 'challenge'"
            " = rtrim(translate(encode(sha256(statement), 'base64'), '+/', '-_'), '=')",
            name="challenge_is_of_the_statement",
        ),
    )


def _approvals_are_signed() -> None:
    """Whether a request's approvals must be signed is one more of its terms; those before it need not."""
    for table, comment in (("approval_requests", "approvals must be signed"), ("approval_steps", None)):
        op.add_column(
            table,
            sa.Column("passkey", sa.Boolean(), nullable=False, server_default=sa.false(), comment=comment),
        )
        op.alter_column(table, "passkey", server_default=None)
    _terms(_TERMS)
    op.add_column(
        "approval_steps",
        _id("signature_id", nullable=True, comment="the signature with a passkey; null: not signed"),
    )
    op.create_foreign_key(
        "approval_steps_signature_fkey",
        "approval_steps",
        "passkey_signatures",
        ["tenant_id", "signature_id", "person_id", "request_id", "act"],
        ["tenant_id", "id", "person_id", "about", "act"],
    )
    op.create_check_constraint(
        "approval_is_signed_if_it_must",
        "approval_steps",
        "act <> 'approve' OR NOT passkey OR signature_id IS NOT NULL",
    )
    op.create_check_constraint(
        "decisions_are_signed", "approval_steps", "signature_id IS NULL OR slot IS NOT NULL"
    )


def _terms(names: tuple[str, ...]) -> None:
    """What every step repeats of its request is ``names`` from now on."""
    op.drop_constraint("approval_steps_terms_fkey", "approval_steps")
    op.drop_constraint("approval_requests_terms_key", "approval_requests")
    op.create_unique_constraint(
        "approval_requests_terms_key", "approval_requests", ["tenant_id", "id", *names]
    )
    op.create_foreign_key(
        "approval_steps_terms_fkey",
        "approval_steps",
        "approval_requests",
        ["tenant_id", "request_id", *names],
        ["tenant_id", "id", *names],
    )
