"""What was said of accounts, in and out of its table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select

from trust_portal.access.approvals.model import person_behind
from trust_portal.errors import Conflict
from trust_portal.kernel.actor import Actor
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.accounts.model import AccountSettings
from trust_portal.trust.accounts.tables import account_settings

_COLUMNS = account_settings.c


async def settings_of(session: ReadSession, tenant_id: UUID) -> AccountSettings:
    """As they stand."""
    query = select(account_settings).where(_COLUMNS.tenant_id == tenant_id)
    row = (await session.execute(query.order_by(_COLUMNS.revision.desc()).limit(1))).first()
    return AccountSettings(tenant_id) if row is None else _settings(row)


async def all_settings(session: ReadSession) -> Mapping[UUID, AccountSettings]:
    """Of every tenant that has some, as they stand; in the staff scope."""
    query = select(account_settings).order_by(_COLUMNS.tenant_id, _COLUMNS.revision)
    return {row.tenant_id: _settings(row) for row in await session.execute(query)}


async def add_settings(session: WriteSession, settings: AccountSettings, actor: Actor) -> None:
    """The next revision. Raises ``Conflict`` (ACCOUNT_CHANGED)."""
    meanwhile = Conflict("somebody changed it meanwhile; look again", code="ACCOUNT_CHANGED")
    with duplicates_are(meanwhile, account_settings.name):
        await session.execute(
            insert(account_settings).values(
                tenant_id=settings.tenant_id,
                revision=settings.revision,
                csm_id=settings.csm_id,
                csm_name=settings.csm_name,
                review_on=settings.review_on,
                lead_days=settings.lead.days,
                at=settings.at,
                by_id=person_behind(actor),
                by_name=settings.by_name,
                receipt_id=settings.receipt_id,
            )
        )


def _settings(row: Row[Any]) -> AccountSettings:
    return AccountSettings(
        row.tenant_id,
        row.csm_id,
        row.csm_name,
        row.review_on,
        timedelta(days=row.lead_days),
        row.revision,
        row.at,
        row.by_name,
        row.receipt_id,
    )
