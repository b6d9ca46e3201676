"""What the families of a tenant's fields share: whose they are, and their arguments."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import strawberry

from schema.ids import Node
from trust_portal.errors import InvalidInput

_LONGEST_SPAN = timedelta(days=366)


@strawberry.type
class OfTenant(Node):
    key: str = strawberry.field(description="Its name in events and contracts.")
    uuid: strawberry.Private[UUID]


def aware(at: datetime | None, field: str) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise InvalidInput("an instant names its offset, such as Z", field=field)
    return at


def span(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    if since.tzinfo is None or until.tzinfo is None:
        raise InvalidInput("an instant names its offset, such as Z", field="since")
    if not timedelta(0) < until - since <= _LONGEST_SPAN:
        raise InvalidInput("until lies after since, by at most 366 days", field="until")
    return since, until
