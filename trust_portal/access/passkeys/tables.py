"""Passkeys where their owner belongs; which of them a tenant's log knows; what was signed with them.

An owner and what is signed may belong to different tenants, and no key reaches across. So a tenant's
own rows repeat whose passkey it is (``passkey_introductions``), and a signature stands on such a row.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from trust_portal.storage.metadata import instant, tenant_table, uuid_column

_PERSON = (["tenant_id", "person_id"], ["people.tenant_id", "people.id"])
_RECEIPT = (["tenant_id", "receipt_id"], ["receipts.tenant_id", "receipts.id"])
_PASSKEY = (["tenant_id", "passkey_id"], ["passkeys.tenant_id", "passkeys.id"])

passkey_ceremonies = tenant_table(
    "passkey_ceremonies",
    uuid_column("id", primary_key=True),
    uuid_column("person_id", nullable=False),
    uuid_column("session_id", nullable=False, comment="the browser that began it"),
    Column("name", Text, nullable=False),
    Column("challenge", LargeBinary, nullable=False),
    instant("expires_at", nullable=False),
    ForeignKeyConstraint(*_PERSON, ondelete="RESTRICT"),
)

passkeys = tenant_table(
    "passkeys",
    uuid_column("id", primary_key=True),
    uuid_column("person_id", nullable=False),
    Column("name", Text, nullable=False),
    Column("credential_id", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False, comment="COSE_Key"),
    Column("algorithm", Integer, nullable=False, comment="of COSE"),
    Column("aaguid", Text, nullable=False),
    Column("synced", Boolean, nullable=False),
    Column("rp_id", Text, nullable=False),
    Column("origin", Text, nullable=False),
    instant("enrolled_at", nullable=False),
    uuid_column("receipt_id", nullable=False),
    Column(
        "brought_by",
        ARRAY(UUID(as_uuid=True)),
        nullable=False,
        server_default="{}",
        comment="actor ids: who made the links by which the session came about in which it was enrolled",
    ),
    ForeignKeyConstraint(*_PERSON, ondelete="RESTRICT"),
    ForeignKeyConstraint(*_RECEIPT),
    UniqueConstraint("tenant_id", "credential_id", name="passkeys_credential_key"),
    Index("passkeys_person_idx", "tenant_id", "person_id"),
)

passkey_uses = tenant_table(
    "passkey_uses",
    uuid_column("passkey_id", primary_key=True),
    Column("sign_count", BigInteger, nullable=False, comment="the highest seen"),
    instant("used_at"),
    ForeignKeyConstraint(*_PASSKEY, ondelete="RESTRICT"),
)

passkey_revocations = tenant_table(
    "passkey_revocations",
    uuid_column("passkey_id", primary_key=True),
    instant("revoked_at", nullable=False),
    uuid_column("revoked_by", nullable=False, comment="actor id"),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(*_PASSKEY, ondelete="RESTRICT"),
    ForeignKeyConstraint(*_RECEIPT),
)

passkey_introductions = tenant_table(
    "passkey_introductions",
    uuid_column("passkey_id", primary_key=True),
    uuid_column("person_id", nullable=False),
    uuid_column("home_id", nullable=False, comment="the tenant its owner belongs to"),
    instant("introduced_at", nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(*_RECEIPT),
    UniqueConstraint("tenant_id", "passkey_id", "person_id", name="passkey_introductions_owner_key"),
    Index("passkey_introductions_passkey_idx", "passkey_id"),
)

passkey_withdrawals = tenant_table(
    "passkey_withdrawals",
    uuid_column("passkey_id", primary_key=True),
    instant("withdrawn_at", nullable=False),
    uuid_column("receipt_id", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "passkey_id"], ["passkey_introductions.tenant_id", "passkey_introductions.passkey_id"]
    ),
    ForeignKeyConstraint(*_RECEIPT),
)

passkey_signatures = tenant_table(
    "passkey_signatures",
    uuid_column("id", primary_key=True),
    uuid_column("passkey_id", nullable=False),
    uuid_column("person_id", nullable=False),
    uuid_column("about", nullable=False, comment="the request that the statement names"),
    Column("act", Text, nullable=False, comment="the decision that the statement names"),
    Column("statement", LargeBinary, nullable=False, comment="RFC 8785 bytes"),
    Column("authenticator_data", LargeBinary, nullable=False),
    Column("client_data", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    instant("at", nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "passkey_id", "person_id"],
        [f"passkey_introductions.{name}" for name in ("tenant_id", "passkey_id", "person_id")],
        name="passkey_signatures_owner_fkey",
    ),
    UniqueConstraint("tenant_id", "id", "person_id", "about", "act", name="passkey_signatures_act_key"),
    CheckConstraint(
        "about::text = convert_from(statement, 'UTF8')::jsonb ->> 'request'"
        " AND act = convert_from(statement, 'UTF8')::jsonb ->> 'decision'"
        " AND person_id::text = convert_from(statement, 'UTF8')::jsonb #>> '{person,id}'",
        name="statement_says_so",
    ),
    CheckConstraint(
        "convert_from(client_data, 'UTF8')::jsonb ->> 'challenge'"
        " = rtrim(translate(encode(sha256(statement), 'base64'), '+/', '-_'), '=')",
        name="challenge_is_of_the_statement",
    ),
)
