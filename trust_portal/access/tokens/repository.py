"""Rows of API tokens in and out. Secrets are stored as SHA-256 only."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update

from trust_portal.access.action import TokenScope
from trust_portal.access.credentials import Credential
from trust_portal.access.tables import api_tokens
from trust_portal.access.tokens.model import ApiToken, Bounds
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def insert_token(session: WriteSession, credential: Credential, token: ApiToken, actor: Actor) -> None:
    await session.execute(
        insert(api_tokens).values(
            tenant_id=token.tenant_id,
            id=token.id,
            person_id=token.person_id,
            label=token.label,
            secret_hash=credential.hash,
            scopes=sorted(token.scopes),
            sources=list(token.bounds.sources),
            tenants=sorted(token.bounds.tenants),
            created_at=token.created_at,
            created_by=actor.id,
            expires_at=token.expires_at,
        )
    )


async def find_by_secret(session: ReadSession, credential: Credential, now: datetime) -> ApiToken | None:
    """The usable token of this secret."""
    row = (
        await session.execute(
            select(api_tokens).where(
                api_tokens.c.tenant_id == credential.tenant_id, api_tokens.c.secret_hash == credential.hash
            )
        )
    ).first()
    if row is None or not hmac.compare_digest(row.secret_hash, credential.hash):
        return None
    token = _token(row)
    return token if token.usable(now) else None


async def find_token(session: ReadSession, tenant_id: UUID, token_id: UUID) -> ApiToken | None:
    row = (
        await session.execute(
            select(api_tokens).where(api_tokens.c.tenant_id == tenant_id, api_tokens.c.id == token_id)
        )
    ).first()
    return None if row is None else _token(row)


async def tokens_page(session: ReadSession, tenant_id: UUID, request: PageRequest) -> Page[ApiToken]:
    """Newest first, revoked and expired ones too."""
    return await keyset_page(
        session,
        select(api_tokens).where(api_tokens.c.tenant_id == tenant_id),
        request,
        order=(api_tokens.c.id,),
        parse=(UUID,),
        read=_token,
        key=lambda token: (str(token.id),),
        descending=True,
    )


async def mark_used(session: WriteSession, tenant_id: UUID, token_id: UUID) -> None:
    await session.execute(
        update(api_tokens)
        .where(api_tokens.c.tenant_id == tenant_id, api_tokens.c.id == token_id)
        .values(last_used_at=session.clock.now())
    )


async def revoke_token(session: WriteSession, tenant_id: UUID, token_id: UUID) -> bool:
    """False if it was revoked already, or is unknown."""
    changed = await session.execute(
        update(api_tokens)
        .where(
            api_tokens.c.tenant_id == tenant_id,
            api_tokens.c.id == token_id,
            api_tokens.c.revoked_at.is_(None),
        )
        .values(revoked_at=session.clock.now())
        .returning(api_tokens.c.id)
    )
    return changed.first() is not None


async def revoke_tokens_of(session: WriteSession, tenant_id: UUID, person_id: UUID) -> int:
    """End all tokens a person has issued; returns how many."""
    changed = await session.execute(
        update(api_tokens)
        .where(
            api_tokens.c.tenant_id == tenant_id,
            api_tokens.c.person_id == person_id,
            api_tokens.c.revoked_at.is_(None),
        )
        .values(revoked_at=session.clock.now())
        .returning(api_tokens.c.id)
    )
    return len(changed.all())


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(
        id=row.id,
        tenant_id=row.tenant_id,
        person_id=row.person_id,
        label=row.label,
        scopes=frozenset(TokenScope(each) for each in row.scopes),
        bounds=Bounds(tuple(row.sources), frozenset(row.tenants)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
