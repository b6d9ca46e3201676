"""How ready a review is, and whether its QBR is to be prepared by now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.trust.accounts.model import Account, AccountSettings, Readiness
from trust_portal.trust.qbr.model import FRESH_FOR, Qbr


def account_of(
    tenant: Tenant, settings: AccountSettings, reviews: Mapping[tuple[UUID, str], Qbr], now: datetime
) -> Account:
    """An account with how far the QBR of the quarter that its next review is about has come."""
    quarter = settings.quarter
    if quarter is None:
        return Account(tenant, settings, Readiness.NO_DATE)
    qbr = reviews.get((tenant.id, quarter))
    if qbr is None:
        return Account(tenant, settings, Readiness.NOT_PREPARED)
    if qbr.issue is not None:
        state = Readiness.ISSUED
    elif now - qbr.as_of > FRESH_FOR:
        state = Readiness.AGED
    else:
        state = Readiness.BLOCKED if qbr.blocking else Readiness.DRAFT
    return Account(tenant, settings, state, qbr.blocking, qbr.id)


def is_due(account: Account, today: date) -> bool:
    """Whether its QBR is to be prepared: the review is near, has not passed, and nobody has prepared it."""
    review = account.settings.review_on
    return (
        account.readiness is Readiness.NOT_PREPARED
        and review is not None
        and review - account.settings.lead <= today <= review
    )
