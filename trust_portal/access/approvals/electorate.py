"""Who may decide on one kind of request, about one tenant, at one moment. Pure.

Who they are is a matter of the vendor's tenant, and so is read before the transaction of the tenant in which
an approval is asked for or used. What was read says what it was read for, so that no act is carried
by people who were asked after for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.approvals.model import ApprovalKind, Approver
from trust_portal.errors import Broken, Unavailable

#: Roles and passkeys are taken away at any moment; what was read longer ago than this says nothing any more.
GOOD_FOR: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Electorate:
    """``people`` with their passkeys, as ``Approvals.who_could`` found them at ``as_of`` by the policies then in force."""

    kind: ApprovalKind
    tenant_id: UUID
    policy_version: str
    as_of: datetime
    people: tuple[Approver, ...]

    def of(
        self, kind: ApprovalKind, tenant_id: UUID, policy_version: str, now: datetime
    ) -> tuple[Approver, ...]:
        """The people, for a request of that kind about that tenant.

        Raises ``Broken`` (``WRONG_ELECTORATE``) where they were read for another, and ``Unavailable``
        (``ELECTORATE_STALE``) where other policies decide since or it is too long ago: try again.
        """
        if (self.kind, self.tenant_id) != (kind, tenant_id):
            raise Broken(
                f"who may decide on {self.kind.value} about {self.tenant_id} was brought for"
                f" {kind.value} about {tenant_id}",
                code="WRONG_ELECTORATE",
            )
        if self.policy_version != policy_version or now - self.as_of > GOOD_FOR:
            raise Unavailable(
                "who may decide on this was looked up too long ago; try again", code="ELECTORATE_STALE"
            )
        return self.people
