"""What the incident cost each customer of what it was promised: minutes down, and of the period's budget.

For all customers together: contracts, maintenance and exclusions are read once, and measurements of a few customers
at a time. The figures are ``sla_reckoning``'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import tenants_by_id
from trust_portal.facts.measurements_packed import measurements_of
from trust_portal.facts.operations import Announced, read_announced
from trust_portal.kernel.period import month_label, parse_period, quarter_label, zone
from trust_portal.learning.postmortems.gathering.model import (
    Customer,
    Fact,
    IncidentBrief,
    Missing,
)
from trust_portal.learning.postmortems.gathering.sla_reckoning import SLA_SOURCE, Asked, Promise, reckon
from trust_portal.reliability.attainment.model import Exclusion
from trust_portal.reliability.contracts.in_force import in_force
from trust_portal.reliability.contracts.model import Contract, PeriodLength, Sla
from trust_portal.reliability.contracts.repository import contracts_of
from trust_portal.reliability.exclusions.repository import in_force as exclusions_in_force
from trust_portal.reliability.exclusions.repository import tenants_with_exclusions
from trust_portal.reliability.measured import as_samples
from trust_portal.reliability.reports.inputs import windows_of
from trust_portal.storage.unit_of_work import ReadSession

#: Customers whose measurements are held at once: a month of one is a megabyte, a quarter with buckets some twenty.
_AT_A_TIME: Final = 8


async def gather_sla_impact(
    session: ReadSession, incident: IncidentBrief, now: datetime
) -> tuple[tuple[Fact, ...], tuple[Missing, ...]]:
    """A fact for each promise and period; a missing source where a customer has no figure. In the staff scope."""
    ids = {each.id for each in incident.customers}
    contracts, tenants = await contracts_of(session, ids), await tenants_by_id(session, ids)
    asked: list[Asked] = []
    missing: list[Missing] = []
    for customer in incident.customers:
        versions = contracts.get(customer.id)
        if versions is None:
            missing.append(Missing(SLA_SOURCE, "no contract is on record", customer.key))
            continue
        found = list(_asked_of(customer, tenants[customer.id], versions, incident, now))
        if not found:
            missing.append(
                Missing(SLA_SOURCE, "the contract promises nothing of what was affected", customer.key)
            )
        asked += found
    facts: list[Fact] = []
    for fact in await _answers(session, asked, incident, now):
        (facts if isinstance(fact, Fact) else missing).append(fact)  # type: ignore[arg-type]
    return tuple(facts), tuple(missing)


async def promised_to(
    session: ReadSession, tenants: Mapping[UUID, Tenant], incident: IncidentBrief, now: datetime
) -> dict[UUID, frozenset[str]]:
    """The objectives of which the incident touched a promise, by customer; by id, who has no contract is left out."""
    found = {}
    for id_, versions in (await contracts_of(session, tenants.keys())).items():
        tenant = tenants[id_]
        customer = Customer(tenant.id, tenant.key, tenant.name)
        asked = await asyncio.to_thread(list, _asked_of(customer, tenant, versions, incident, now))
        found[id_] = frozenset(each.sla.objective for each in asked)
    return found


def _asked_of(
    customer: Customer,
    tenant: Tenant,
    versions: Sequence[Contract],
    incident: IncidentBrief,
    now: datetime,
) -> Iterator[Asked]:
    until = now.replace(second=0, microsecond=0)
    for length in PeriodLength:
        zones = sorted({sla.time_zone for each in versions for sla in each.slas if sla.period is length})
        for label in sorted({each for name in zones for each in _labels(length, name, incident, now)}):
            contract = in_force(versions, label)
            for sla in () if contract is None else contract.slas:
                if contract is None or sla.period is not length or not _affected(sla, incident):
                    continue
                period = parse_period(label, sla.time_zone)
                end = min(period.end, until)
                if end > max(period.start, incident.began_at):
                    yield Asked(customer, tenant, contract, sla, period, end)


async def _answers(
    session: ReadSession, asked: Sequence[Asked], incident: IncidentBrief, now: datetime
) -> list[Fact | Missing]:
    """In the order in which they were asked. A few are read, reckoned and let go of at a time."""
    if not asked:
        return []
    windows = await _Windows.read(session, asked)
    alike: dict[tuple[str, datetime, datetime], list[int]] = {}
    for index, each in enumerate(asked):
        alike.setdefault((each.sla.objective, each.period.start, each.until), []).append(index)
    found: dict[int, Fact | Missing] = {}
    for (objective, start, until), indices in alike.items():
        for at in range(0, len(indices), _AT_A_TIME):
            few = indices[at : at + _AT_A_TIME]
            tenants = {asked[index].tenant.id for index in few}
            measured = await measurements_of(session, tenants, objective, start, until)
            promises = [
                Promise(each, as_samples(measured[each.tenant.id], each.sla), await windows.of(each))
                for each in (asked[index] for index in few)
            ]
            answers = await asyncio.to_thread(_reckoned, promises, incident, now)
            found.update(zip(few, answers, strict=True))
    return [found[index] for index in range(len(asked))]


def _reckoned(promises: Sequence[Promise], incident: IncidentBrief, now: datetime) -> list[Fact | Missing]:
    return [reckon(each, incident, now) for each in promises]


class _Windows:
    """What may be excluded, read once for all who are asked about."""

    def __init__(self, session: ReadSession, announced: Announced, agreed: Collection[UUID]) -> None:
        self._session = session
        self._announced = announced
        self._agreed = agreed

    @classmethod
    async def read(cls, session: ReadSession, asked: Sequence[Asked]) -> _Windows:
        start, end = min(each.period.start for each in asked), max(each.until for each in asked)
        announced = await read_announced(session, start, end)
        ids = {each.tenant.id for each in asked}
        return cls(session, announced, await tenants_with_exclusions(session, ids, start, end))

    async def of(self, asked: Asked) -> tuple[Exclusion, ...]:
        start, end, tenant = asked.period.start, asked.until, asked.tenant
        announced = self._announced.of(tenant.id, start, end)
        agreed = (
            await exclusions_in_force(self._session, tenant.id, start, end)
            if tenant.id in self._agreed
            else ()
        )
        found = windows_of(tenant, asked.period.label, announced, agreed, {asked.sla.objective})
        return tuple(each.exclusion for each in found)


def _affected(sla: Sla, incident: IncidentBrief) -> bool:
    return incident.objectives is None or sla.objective in incident.objectives


def _labels(length: PeriodLength, time_zone: str, incident: IncidentBrief, now: datetime) -> Iterator[str]:
    """The periods that the incident was under way in."""
    local = zone(time_zone)
    at, end = incident.began_at.astimezone(local), incident.over_at(now).astimezone(local)
    while (at.year, at.month) <= (end.year, end.month):
        yield month_label(at) if length is PeriodLength.MONTH else quarter_label(at)
        at = (at.replace(day=1, hour=12) + timedelta(days=32)).replace(day=1)
