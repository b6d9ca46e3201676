"""API tokens: issue and revoke."""

from __future__ import annotations

from datetime import timedelta

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.token import ApiToken, api_token
from trust_portal.access.action import TokenScope
from trust_portal.access.tokens.model import Bounds, CreateToken


@strawberry.input(description="The token to issue, for the caller itself.")
class CreateApiTokenInput:
    tenant_id: strawberry.ID
    label: str
    scopes: list[TokenScope]
    sources: list[str] = strawberry.field(
        default_factory=list, description="For ingest: the CloudEvents sources it may speak for."
    )
    days: int = strawberry.field(default=90, description="Its life, 1 to 366.")


@strawberry.type(description="The token and, this once, its secret.")
class CreateApiTokenPayload(Payload):
    token: ApiToken | None = None
    secret: str | None = None


@strawberry.input(description="The token to revoke.")
class RevokeApiTokenInput:
    token_id: strawberry.ID


@strawberry.type(description="Whether it is revoked now.")
class RevokeApiTokenPayload(Payload):
    revoked: bool = False


@strawberry.type
class TokenMutations:
    @mutation(description="Issue a token. A token cannot issue tokens.")
    async def create_api_token(self, info: Info, input: CreateApiTokenInput) -> CreateApiTokenPayload:
        house, actor = info.context.house, info.context.actor
        command = CreateToken(
            tenant_id=decode(input.tenant_id, "Tenant", field="tenantId").tenant_id,
            label=input.label,
            scopes=frozenset(input.scopes),
            bounds=Bounds(sources=tuple(input.sources)),
            life=timedelta(days=input.days),
        )
        issued = await house.tokens.create(command, actor)
        return CreateApiTokenPayload(token=api_token(issued.token), secret=issued.secret)

    @mutation(description="End a token at once.")
    async def revoke_api_token(self, info: Info, input: RevokeApiTokenInput) -> RevokeApiTokenPayload:
        house, actor = info.context.house, info.context.actor
        found = decode(input.token_id, "ApiToken", field="tokenId")
        await house.tokens.revoke(actor, found.tenant_id, found.id)
        return RevokeApiTokenPayload(revoked=True)
