"""Whether a customer's rows are its own alone: by the database's catalogue, and by trying. Pure.

Row-level security that nobody enabled on one table protects nothing, and a policy reads well whether or
not it works. So both are looked at: what the catalogue says of every table with a ``tenant_id``, and what
a transaction of this customer really gets when it reaches for somebody else's row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trust_portal.kernel.canonical import Json
from trust_portal.storage.tenancy import POLICY_AS_PRINTED
from trust_portal.trust.posture.model import Check, Finding, Outcome

#: Tables that name a tenant and are not its own, with what they hold: they count and queue for all customers at once.
OUTSIDE: Final[Mapping[str, str]] = {
    "pending_receipts": "the sequencer's inbox: ids and hashes",
    "playbook_actions": "what limits over all customers count: ids, times, playbooks and what a day costs",
    "usage_batches": "what the metering has still to roll up: ids and hours",
}
_VIEWS: Final = frozenset({"v", "m", "f"})


@dataclass(frozen=True, slots=True)
class AppPolicy:
    """A permissive policy that holds for the application's role. ``command`` is PostgreSQL's: ``*`` for all."""

    name: str
    command: str
    using: str | None
    check: str | None

    @property
    def is_the_tenants(self) -> bool:
        texts = {each for each in (self.using, self.check) if each is not None}
        return texts == {POLICY_AS_PRINTED}


@dataclass(frozen=True, slots=True)
class CatalogueTable:
    """A relation with a column ``tenant_id``, as the catalogue has it. ``kind`` is ``pg_class.relkind``.

    ``granted``: the application's role may do something to it, if only to some columns; ``emptied``: it may truncate it.
    ``partition``: it is part of another one, through which it is reached.
    """

    name: str
    kind: str
    partition: bool
    row_security: bool
    forced: bool
    owned_by_app: bool
    granted: bool
    policies: tuple[AppPolicy, ...]
    emptied: bool = False


@dataclass(frozen=True, slots=True)
class DatabaseRole:
    """A role that statements run as, or that they come from. ``above``: it is a member of a role that sees all."""

    name: str
    superuser: bool
    bypasses: bool
    above: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """Something that was tried. ``expected`` and ``found`` are rows, or ``refused``."""

    name: str
    expected: str
    found: str

    @property
    def holds(self) -> bool:
        return self.expected == self.found


def isolation(
    tables: Sequence[CatalogueTable],
    owned: Iterable[str],
    roles: Sequence[DatabaseRole],
    probes: Sequence[Probe],
) -> Finding:
    """``owned`` are the tables that this program keeps a customer's rows in: one that is missing is a fault."""
    looked_at = [each for each in tables if each.name not in OUTSIDE]
    there = {each.name for each in tables}
    faults = [fault for table in looked_at for fault in _faults(table)]
    faults += [f"{name}: there is no such table" for name in sorted(set(owned) - there)]
    faults += [fault for role in roles for fault in _role_faults(role)]
    faults += [
        f"{each.name}: expected {each.expected}, found {each.found}" for each in probes if not each.holds
    ]
    outside = {name: why for name, why in OUTSIDE.items() if name in there}
    evidence: dict[str, Json] = {
        "tables": str(len(looked_at)),
        "outside": {**outside},
        "roles": [each.name for each in roles],
        "probes": [{"name": p.name, "expected": p.expected, "found": p.found} for p in probes],
        "faults": list(faults),
    }
    if faults:
        return Finding(Check.ISOLATION, Outcome.FAIL, f"Not isolated: {faults[0]}.", evidence)
    found = (
        "Every table of customers forces row-level security, and a transaction of this customer"
        " neither read nor wrote what is another's."
    )
    if outside:
        found += f" Outside are tables of the vendor that name customers: {', '.join(outside)}."
    return Finding(Check.ISOLATION, Outcome.PASS, found, evidence)


def _faults(table: CatalogueTable) -> Iterable[str]:
    if table.partition:
        if table.granted:
            yield f"{table.name}: a partition that can be reached past its table's policies"
        return
    if table.kind in _VIEWS:
        if table.granted:
            yield f"{table.name}: a view shows customers' rows with its owner's rights"
        return
    if not table.row_security:
        yield f"{table.name}: row-level security is not enabled"
    elif not table.forced:
        yield f"{table.name}: row-level security is not forced"
    if table.owned_by_app:
        yield f"{table.name}: it belongs to the application's role, which could lift its policies"
    if table.emptied:
        yield f"{table.name}: the application's role may empty it at once, which no policy binds"
    if not table.policies:
        if table.granted:
            yield f"{table.name}: no policy binds the application's role to a tenant"
        return
    for policy in table.policies:
        if not policy.is_the_tenants:
            yield f"{table.name}: the policy {policy.name} admits more than the tenant's own rows"


def _role_faults(role: DatabaseRole) -> Iterable[str]:
    if role.superuser:
        yield f"role {role.name}: a superuser is bound by no policy"
    elif role.bypasses:
        yield f"role {role.name}: it bypasses row-level security"
    if role.above:
        yield f"role {role.name}: it can become a role that sees every customer"
