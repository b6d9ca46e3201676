"""API tokens. The secret is only ever in the answer to the mutation that made it."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.ids import encode
from trust_portal.access.action import TokenScope
from trust_portal.access.tokens import model

strawberry.enum(TokenScope, name="TokenScope", description="What a token may be used for.")


@strawberry.type(description="A credential of a program: bounded by its scopes and by its issuer's roles.")
class ApiToken:
    id: strawberry.ID
    label: str
    scopes: list[TokenScope]
    sources: list[str] = strawberry.field(description="CloudEvents sources an ingest token speaks for.")
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def api_token(row: model.ApiToken) -> ApiToken:
    return ApiToken(
        id=encode("ApiToken", row.tenant_id, row.id),
        label=row.label,
        scopes=sorted(row.scopes),
        sources=list(row.bounds.sources),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
