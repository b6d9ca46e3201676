"""Where each role begins: the page with its work on it. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from trust_portal.kernel.actor import Role

#: In the order in which a person with several roles is led: what waits for a decision goes first, and
#: administration last.
_STAFF: Final = (
    (Role.APPROVER_FINANCE, "/approvals"),
    (Role.APPROVER_RELIABILITY, "/approvals"),
    (Role.APPROVER_SECURITY, "/approvals"),
    (Role.INCIDENT_OWNER, "/switchboard"),
    (Role.PMO, "/switchboard"),
    (Role.FINOPS_OPERATOR, "/cost"),
    (Role.SRE_OPERATOR, "/runs"),
    (Role.CSM, "/accounts"),
    (Role.VENDOR_ADMIN, "/tenants"),
)
#: Below the tenant, for everybody of a customer.
_CUSTOMER: Final = "/trust"


def staff_home(roles: AbstractSet[Role]) -> str:
    """The address where somebody of the vendor with ``roles`` begins. ``ValueError`` without one of theirs."""
    for role, path in _STAFF:
        if role in roles:
            return path
    raise ValueError("no role at the vendor")


def customer_home(root: str) -> str:
    """The address where somebody of the customer whose pages start at ``root`` begins."""
    return root + _CUSTOMER
