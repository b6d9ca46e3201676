"""What every page of business reviews needs: why it is read, and what whoever looks may do."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.trust.qbr.model import (
    NOUN,
)
from trust_portal.web.context import actor_of, house_of

PURPOSE = "business review"


def rights_of(request: Request, tenant: Tenant) -> dict[str, Any]:
    actor, gate = actor_of(request), house_of(request).gate

    def may(action: Action, kind: str = NOUN) -> bool:
        return gate.allows(actor, action, Resource(kind, tenant.id))

    return {
        "may_read_drafts": may(Action.QBR_DRAFT_READ),
        "may_write": may(Action.QBR_WRITE),
        "may_review": may(Action.QBR_REVIEW),
        "may_issue": may(Action.QBR_ISSUE),
        "may_request": may(Action.EXPORT_REQUEST),
        "may_download": may(Action.EXPORT_DOWNLOAD, "export"),
        "may_trace": may(Action.RECEIPT_READ, "receipt"),
    }
