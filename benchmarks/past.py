"""Customers with a past: promised, measured, metered, hurt; all by the doors that customers' data goes through.

Every customer has a contract, an hourly count of what was asked and answered, usage of late, a posture and an
evaluation of its controls. One in ten was hurt by an incident: an outage of an hour, by which its promise was
missed, a P2 whose postmortem nobody has signed, and a credit that is due. Who reports once an hour has a contract
that takes the minutes between for up: a thousand customers' minutes would be another benchmark's matter. Usage ends
with the present hour, because hours are closed one after the other from the first one on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import delete

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant, Tenant
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.cost.metering.calculation import hour_of
from trust_portal.evidence.log_standing import log_standing
from trust_portal.facts.framing import lines
from trust_portal.house import House
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.runs.model import RunState, StartRun
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.trust.compliance.model import Evaluate
from trust_portal.trust.report.model import Acknowledgement, blocked_as

T = TypeVar("T")
R = TypeVar("R")

#: One customer in so many is hurt, the first of them among these.
HURT_ONE_IN: Final = 10
#: Documents in a file, so that a file of many customers is one transaction of moderate size.
_CONTRACTS_AT_A_TIME: Final = 50
#: What every incident is called, so that a batch can let each stand in the same words.
TROUBLE: Final = "The API did not answer"
#: What one process does at a time.
_LANES: Final = 4
_SENDER: Final = Admission(CONSOLE, Bounds(sources=("*",)))
_HOUR: Final = timedelta(hours=1)
_CONTRACT: Final = """\
tenant: {tenant}
version: "1"
effective_from: {start}
effective_to: {end}
currency: EUR
fee: "4800.00"
slas:
  - objective: api-availability
    target: "99.9"
    missing_data: up
    tiers:
      - {{from: "99.0", to: "99.9", credit_percent: "10"}}
      - {{to: "99.0", credit_percent: "25"}}
"""
_EVENT: Final = (
    '{{"specversion":"1.0","type":"trustportal.{kind}.v1","source":"urn:past","id":"{id}","time":"{time}",'
    '"data":{data}}}'
)


@dataclass(frozen=True, slots=True)
class Past:
    """``promised``: months in a row, under contract and measured; whoever is hurt is hurt in each month ``eventful``.

    ``metered``: for so long before now there is usage.
    """

    promised: tuple[str, ...]
    eventful: tuple[str, ...]
    metered: timedelta

    @property
    def start(self) -> datetime:
        return parse_period(self.promised[0], "UTC").start

    @property
    def end(self) -> datetime:
        return parse_period(self.promised[-1], "UTC").end


async def customers(house: House, count: int, onboarded_at: datetime) -> list[Tenant]:
    """``t0000`` and so on; of each ten the first is one that ``live_through`` hurts."""
    return await _side_by_side(
        [CreateTenant(f"t{n:04d}", f"T {n:04d}", onboarded_at=onboarded_at) for n in range(count)],
        lambda each: house.tenants.create(each, CONSOLE),
    )


async def live_through(house: House, tenants: Sequence[Tenant], past: Past) -> None:
    """Bring ``past`` in for everybody, and conclude from it what the product concludes by itself.

    The SLA reports come of ``report_months``, which needs workers.
    """
    for at in range(0, len(tenants), _CONTRACTS_AT_A_TIME):
        await _promise(house, tenants[at : at + _CONTRACTS_AT_A_TIME], past)
    outcome = await house.intake.deliver(lines(_bodies(tenants, past, house.clock.now())), _SENDER)
    if outcome.rejected_count:
        raise RuntimeError(f"the door refused {outcome.rejected_count} events: {outcome.rejected[:3]}")
    await house.incident_following.follow()
    await house.metering.follow()
    await house.closing.close_due()
    await _side_by_side(tenants, lambda each: house.posture.check(each.id, CONSOLE))
    await _side_by_side(tenants, lambda each: house.compliance.evaluate(Evaluate(each.id, "a past"), CONSOLE))


async def start_months(house: House, past: Past) -> None:
    """Have the SLA reports of every month written: by workers, until ``months_are_reported``."""
    for month in past.promised:
        await house.runs.start(StartRun(month), CONSOLE)


async def months_are_reported(house: House, past: Past) -> bool:
    states = {run.period: run.state for run in await house.runs.newest(CONSOLE)}
    return all(states[month] is RunState.COMPLETE for month in past.promised)


async def forget_bundles(house: House) -> None:
    """Let nobody make the bundles that wait now: SLA reports' PDFs are not what is looked at here."""
    async with house.storage.write(TenantScope(VENDOR_ID)) as session:
        await session.execute(delete(outbox).where(outbox.c.job == Job.BUILD_EXPORT.value))


async def everything_is_logged(house: House, tenants: Sequence[Tenant]) -> bool:
    """Whether the log of each has begun, and no receipt waits for the sequencer."""
    async with house.storage.read(StaffScope()) as session:
        for tenant in tenants:
            standing = await log_standing(session, tenant.id)
            if standing is None or standing.pending_since is not None:
                return False
    return True


async def all_let_stand(
    house: House, tenants: Sequence[Tenant], period: str, reason: str
) -> tuple[Acknowledgement, ...]:
    """What blocks a report of ``period`` now: of one who was hurt, and of one who was not."""
    seen = {
        (each.id, blocked_as(each)): None
        for tenant in (tenants[0], tenants[-1])
        for each in (await house.trust_reports.preview(CONSOLE, tenant.id, period)).blocking
    }
    return tuple(Acknowledgement(section, reason, said) for section, said in seen)


def is_hurt(number: int) -> bool:
    return number % HURT_ONE_IN == 0


async def _side_by_side(given: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """So that the database need not wait for us, nor we for it."""
    lanes = asyncio.Semaphore(_LANES)

    async def one(each: T) -> R:
        async with lanes:
            return await work(each)

    return list(await asyncio.gather(*map(one, given)))


async def _promise(house: House, tenants: Sequence[Tenant], past: Past) -> None:
    documents = [
        _CONTRACT.format(tenant=each.key, start=rfc3339(past.start), end=rfc3339(past.end))
        for each in tenants
    ]
    await house.contracts.import_file(ImportContracts("---\n".join(documents).encode()), CONSOLE)


async def _bodies(tenants: Sequence[Tenant], past: Past, now: datetime) -> AsyncIterator[bytes]:
    for number, tenant in enumerate(tenants):
        yield _body(_used(tenant.key, now - past.metered, now - _HOUR))
        for month in past.promised:
            hurt = is_hurt(number) and month in past.eventful
            yield _body(_measured(tenant.key, month, hurt=hurt))
            if hurt:
                yield _body(_told(tenant.key, month))


def _body(events: Iterable[str]) -> bytes:
    return "".join(f"{each}\n" for each in events).encode()


def _measured(tenant: str, month: str, *, hurt: bool) -> Iterator[str]:
    """A count every hour; of the outage one every minute."""
    down, period = _outage(month), parse_period(month, "UTC")
    for hour in _hours(period.start, period.end):
        if hurt and hour == down:
            yield from (_count(tenant, down + timedelta(minutes=minute), 0) for minute in range(60))
        else:
            yield _count(tenant, hour, 1200)


def _count(tenant: str, at: datetime, good: int) -> str:
    time = rfc3339(at)
    data = f'{{"tenant":"{tenant}","objective":"api-availability","total":1200,"good":{good}}}'
    return _EVENT.format(kind="sli.measured", id=f"{tenant} {time}", time=time, data=data)


def _used(tenant: str, start: datetime, end: datetime) -> Iterator[str]:
    """An hour of a machine in every hour, dearer by day."""
    for hour in _hours(hour_of(start), end):
        time, cost = rfc3339(hour), "9.80" if 8 <= hour.hour < 18 else "6.10"
        data = (
            f'{{"tenant":"{tenant}","subsystem":"compute","resource":"vm-1","operation":"run","region":"eu-west",'
            f'"quantity":1,"unit":"hour","cost":"{cost}","currency":"EUR"}}'
        )
        yield _EVENT.format(kind="usage.recorded", id=f"{tenant} vm-1 {time}", time=time, data=data)


def _told(tenant: str, month: str) -> Iterator[str]:
    """A P2 from its declaration to its end."""
    incident, began = f"{tenant}-{month}", _outage(month)
    after = {minutes: rfc3339(began + timedelta(minutes=minutes)) for minutes in (0, 4, 50, 60)}
    declared = (
        f'{{"incident":"{incident}","severity":"P2","title":"{TROUBLE}","service":"api",'
        f'"owner":"ivo@vendor.example","tenants":["{tenant}"],"objectives":["api-availability"],'
        f'"began_at":"{after[0]}","detected_at":"{after[4]}"}}'
    )
    yield _EVENT.format(kind="incident.declared", id=f"{incident} 1", time=after[4], data=declared)
    for kind, minutes, words in (
        ("mitigated", 50, "Traffic was moved"),
        ("resolved", 60, "All answers again"),
    ):
        data = f'{{"incident":"{incident}","at":"{after[minutes]}","text":"{words}"}}'
        yield _EVENT.format(kind=f"incident.{kind}", id=f"{incident} {kind}", time=after[minutes], data=data)


def _outage(month: str) -> datetime:
    return parse_period(month, "UTC").start + timedelta(days=8, hours=9)


def _hours(start: datetime, end: datetime) -> Iterator[datetime]:
    hour = start
    while hour < end:
        yield hour
        hour += _HOUR
