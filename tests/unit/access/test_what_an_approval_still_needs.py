"""What a page says of a request that waits: how many more, as what, and who of those is not counted."""

from __future__ import annotations

from trust_portal.access.approvals.inbox import Need
from trust_portal.access.approvals.model import Approver
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import new_id
from trust_portal.web.views.approvals.words import still_needed


def approver(name: str, role: Role) -> Approver:
    return Approver(new_id(), name, {role: None})


ALICE, SID = approver("Alice", Role.APPROVER_SECURITY), approver("Sid", Role.APPROVER_SECURITY)
SECURITY = Need(1, Role.APPROVER_SECURITY, (SID,), (ALICE,))
FINANCE = Need(2, Role.APPROVER_FINANCE, (approver("Fay", Role.APPROVER_FINANCE),), ())


def test_who_holds_the_role_and_may_not_is_named():
    assert still_needed([SECURITY]) == "One more: Security, not Alice."
    assert still_needed([FINANCE]) == "One more: Finance."
    assert still_needed([SECURITY, FINANCE]) == (
        "Two more, different people: Security (not Alice) and Finance."
    )
    nobody = Need(1, Role.APPROVER_SECURITY, (), (ALICE, SID))
    assert still_needed([nobody]) == "One more: Security, not Alice or Sid."
