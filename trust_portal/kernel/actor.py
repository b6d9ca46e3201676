"""Who acts: a person, an API token or the system itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from trust_portal.kernel.ids import VENDOR_ID


class ActorKind(StrEnum):
    PERSON = "person"
    TOKEN = "token"  # noqa: S105 - the name of a kind, not a secret
    SYSTEM = "system"


class Role(StrEnum):
    """Who a person is to the product. Customer roles live in a tenant, the others at the vendor."""

    CUSTOMER_VIEWER = "customer_viewer"
    CUSTOMER_ADMIN = "customer_admin"
    AUDITOR = "auditor"
    APPROVER_FINANCE = "approver_finance"
    APPROVER_RELIABILITY = "approver_reliability"
    APPROVER_SECURITY = "approver_security"
    INCIDENT_OWNER = "incident_owner"
    FINOPS_OPERATOR = "finops_operator"
    SRE_OPERATOR = "sre_operator"
    CSM = "csm"
    PMO = "pmo"
    VENDOR_ADMIN = "vendor_admin"

    @property
    def holder(self) -> str:
        """Whoever holds it, as a sentence says it: ``an approver for finance``, ``a FinOps operator``."""
        kind, _, rest = self.value.partition("_")
        if kind == "approver":
            return f"an approver for {rest}"
        spelled = {"csm": "CSM", "finops": "FinOps", "pmo": "PMO", "sre": "SRE"}
        words = " ".join(spelled.get(each, each) for each in self.value.split("_"))
        return f"{'an' if words.startswith(('auditor', 'incident', 'SRE')) else 'a'} {words}"


CUSTOMER_ROLES = frozenset({Role.CUSTOMER_VIEWER, Role.CUSTOMER_ADMIN, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class BrokenGlass:
    """Emergency access to one tenant that a person has opened; what is done there carries its id."""

    id: UUID
    tenant_id: UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """``tenant_id`` is the actor's home: a customer's tenant, or ``VENDOR_ID`` for staff.

    ``scopes`` bound what an API token may do; a person's are empty and unbounded by them.
    ``person_id`` is the human behind a token, so that dual control counts persons, not credentials.
    ``glass`` is the emergency access that the person, or the person behind a token, has open now; it
    permits a person of the vendor more, and takes from both what decides.
    """

    kind: ActorKind
    id: UUID
    name: str
    tenant_id: UUID
    roles: frozenset[Role] = frozenset()
    scopes: frozenset[str] = field(default=frozenset())
    person_id: UUID | None = None
    glass: frozenset[BrokenGlass] = field(default=frozenset())

    @property
    def is_staff(self) -> bool:
        return self.tenant_id == VENDOR_ID

    def emergency(self, tenant_id: UUID) -> UUID | None:
        """The id of the emergency access to that tenant, if there is one."""
        return next((each.id for each in self.glass if each.tenant_id == tenant_id), None)


#: Scheduled work acts under this name; policies name it explicitly.
SYSTEM = Actor(
    kind=ActorKind.SYSTEM,
    id=UUID("00000000-0000-7000-8000-000000000002"),
    name="Trust Portal scheduler",
    tenant_id=VENDOR_ID,
)
