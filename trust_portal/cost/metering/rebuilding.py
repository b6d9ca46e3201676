"""A tenant's roll-ups derived anew from its usage, with a receipt that says whether they came out the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.metering import repository
from trust_portal.cost.metering.calculation import HOUR, hour_of, part_key
from trust_portal.cost.metering.model import SUBSYSTEMS, HourCost, Part, Series
from trust_portal.cost.metering.service import Metering
from trust_portal.errors import InvalidInput
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.names import require_words
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

_AT_A_TIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class RebuildRollUps:
    """Command: the hours of ``start`` <= hour < ``end``; all there are unless said otherwise."""

    tenant_id: UUID
    reason: str
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """``before`` and ``after``: hex SHA-256 of all hours and parts, as they were and as derived anew.

    ``changed`` are the weeks that were not the same; only those were written.
    """

    start: datetime
    end: datetime
    before: str
    after: str
    changed: int
    receipt_id: UUID

    @property
    def identical(self) -> bool:
        return self.before == self.after


class Rebuilding:
    """Week by week, one commit each; stopped at any point and begun again it comes to the same."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, metering: Metering) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._metering = metering

    async def rebuild(
        self, command: RebuildRollUps, actor: Actor, told: Callable[[int, int], None] = lambda *_: None
    ) -> Rebuilt:
        """``told`` hears how many weeks of how many are done. ``InvalidInput`` where there is no usage."""
        tenant_id = command.tenant_id
        decision = await self._gate.require(actor, Action.COST_REBUILD, Resource("cost", tenant_id))
        start, end = await self._span(command)
        weeks: list[tuple[datetime, datetime]] = []
        while not weeks or weeks[-1][1] < end:
            first = weeks[-1][1] if weeks else start
            weeks.append((first, min(first + _AT_A_TIME, end)))
        before, after, changed = sha256(), sha256(), 0
        for number, (first, last) in enumerate(weeks, 1):
            hours = [first + n * HOUR for n in range(int((last - first) / HOUR))]
            touched = {(name, hour) for hour in hours for name in SUBSYSTEMS}
            async with self._storage.write(TenantScope(tenant_id)) as session:
                await repository.lock_progress(session, tenant_id)
                was = _lines(
                    await repository.read_hours(session, tenant_id, first, last),
                    await repository.read_all_parts(session, tenant_id, first, last),
                )
                derived = await self._metering.derive(session, tenant_id, touched)
                now = _lines(*derived)
                before.update(was)
                after.update(now)
                if was != now:
                    changed += 1
                    await repository.advance_progress(session, tenant_id, first)
                    await repository.replace_hours(session, tenant_id, touched, *derived)
                if number == len(weeks):
                    result: dict[str, Json] = {
                        "start": rfc3339(start),
                        "end": rfc3339(end),
                        "before": before.hexdigest(),
                        "after": after.hexdigest(),
                        "weeks": str(len(weeks)),
                        "changed": str(changed),
                        "labels": sorted(self._metering.labels),
                    }
                    receipt = await self._ledger.record(
                        session,
                        Act(
                            kind=ReceiptKind.COST_REBUILT,
                            tenant_id=tenant_id,
                            actor=actor,
                            at=session.clock.now(),
                            subjects=(Subject("roll-ups", digest(result)),),
                            predicate=result,
                            policies=decision.policies,
                            policy_version=decision.version,
                            rationale=command.reason,
                        ),
                    )
            told(number, len(weeks))
        return Rebuilt(start, end, before.hexdigest(), after.hexdigest(), changed, receipt.id)

    async def _span(self, command: RebuildRollUps) -> tuple[datetime, datetime]:
        async with self._storage.read(TenantScope(command.tenant_id)) as session:
            progress = await repository.find_progress(session, command.tenant_id)
        if progress is None:
            raise InvalidInput("no usage of this customer has been metered", field="tenant")
        start = hour_of(command.start or progress.first_hour)
        end = hour_of(command.end or self._storage.clock.now()) + (timedelta(0) if command.end else HOUR)
        if not start < end:
            raise InvalidInput("the span ends before it begins", field="until")
        return start, end


def _lines(hours: Iterable[HourCost], parts: Iterable[Part]) -> bytes:
    """Hours and parts in one order, amounts without superfluous zeros: equal roll-ups are equal bytes."""
    said = [f"{_place(each.hour, each.series)} {_plain(each.cost)} {each.events}" for each in hours]
    said += [
        f"{_place(each.hour, each.series)} {part_key(each).hex()} {_plain(each.quantity)}"
        f" {_plain(each.cost)} {each.events}"
        for each in parts
    ]
    return "".join(f"{line}\n" for line in sorted(said)).encode()


def _place(hour: datetime, series: Series) -> str:
    return f"{rfc3339(hour)} {series.subsystem} {series.currency}"


def _plain(amount: Decimal) -> str:
    """Every digit, and no zero that says nothing."""
    text = f"{amount:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
