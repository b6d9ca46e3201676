"""What is said of where people work."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.model import person_behind
from trust_portal.access.gate import Gate
from trust_portal.access.people.repository import find_active_person
from trust_portal.access.policy import Resource
from trust_portal.errors import InvalidInput, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.workplaces.model import NOUN, SetWorkplace, Workplace
from trust_portal.learning.workplaces.repository import add_workplace, workplace_of
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage


class Workplaces:
    """Everybody of the vendor says where they work; administrators say it for others."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger

    async def get(self, actor: Actor, person_id: UUID) -> Workplace:
        await self._gate.require(actor, Action.WORKPLACE_READ, Resource.of_house(NOUN, person_id))
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            return await workplace_of(session, person_id)

    async def set(self, command: SetWorkplace, actor: Actor) -> Workplace:
        """``NotFound`` for nobody of the vendor's; ``InvalidInput`` (manager) likewise."""
        resource = Resource(NOUN, VENDOR_ID, command.person_id, person_id=command.person_id)
        decision = await self._gate.require(actor, Action.WORKPLACE_SET, resource)
        async with self._storage.write(TenantScope(VENDOR_ID)) as session:
            now = session.clock.now()
            if await find_active_person(session, VENDOR_ID, command.person_id, now) is None:
                raise NotFound("person")
            if command.manager_id is not None:
                manager = await find_active_person(session, VENDOR_ID, command.manager_id, now)
                if manager is None:
                    raise InvalidInput("choose somebody who works here", field="manager")
            before = await workplace_of(session, command.person_id)
            workplace = Workplace(
                command.person_id, command.calendar, command.manager_id, before.revision + 1, now, new_id()
            )
            body = _json(workplace)
            await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.WORKPLACE_SET,
                    tenant_id=VENDOR_ID,
                    actor=actor,
                    at=now,
                    subjects=(Subject(f"workplace/{command.person_id}", digest(body)),),
                    predicate=body,
                    policies=decision.policies,
                    policy_version=decision.version,
                ),
                receipt_id=workplace.receipt_id,
            )
            await add_workplace(session, workplace, person_behind(actor))
        return workplace


def _json(workplace: Workplace) -> dict[str, Json]:
    return {
        "person": str(workplace.person_id),
        "revision": str(workplace.revision),
        "country": workplace.calendar.country,
        "subdivision": workplace.calendar.subdivision,
        "time_zone": workplace.calendar.time_zone,
        "manager": None if workplace.manager_id is None else str(workplace.manager_id),
    }
