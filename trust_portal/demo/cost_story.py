"""The cost loop as it is played: a flag goes up, cost runs away, and what the portal makes of it.

Four other stories lie in the history before; what became of them is told first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx

from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.anomalies.model import AnomalyFilter, CostAnomaly
from trust_portal.cost.explanation.evidence import LinkKind
from trust_portal.cost.explanation.service import Explanation
from trust_portal.demo.product.episodes import Spell, episodes
from trust_portal.demo.proof import Visitor
from trust_portal.demo.scene import BRIGHTWATER, HOSHINO, KESTREL, NORDLYS, WATTLE, Customer
from trust_portal.demo.script import Script
from trust_portal.demo.telling import Telling
from trust_portal.demo.time_lapse import CLOSED_AFTER, TimeLapse
from trust_portal.errors import Unavailable
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.page import PageRequest

_HOUR: Final = timedelta(hours=1)
#: Hours that the spike may take to be found, before the demo has failed.
_MOST_HOURS: Final = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is played: the house and its portal, the tenants by key, and the clock in hand."""

    house: House
    url: str
    tenants: Mapping[str, Tenant]
    script: Script
    time: TimeLapse
    tell: Telling


class CostStory:
    """``play`` is the whole of it; the methods below are its steps, in order."""

    def __init__(self, place: Place) -> None:
        self._at = place
        self._tell = place.tell

    async def play(self) -> None:
        await self._what_history_holds()
        await self._planned_work()
        anomaly = await self._runaway()
        await self._why(anomaly)
        self._tell.waiting("The rest of the day passes")
        await self._at.time.catch_up()
        self._tell.step("Now", "the clock is the true one; the product goes on", url=f"{self._at.url}/cost")

    async def _what_history_holds(self) -> None:
        """The stories that were over, or under way, when the curtain rose."""
        self._tell.waiting("The hours of the history are closed")
        await self._at.time.hours_are_closed()
        story = episodes(self._at.script)
        lines = [
            await self._one(
                KESTREL, "storage", "a slow drift", Spell(story.leak_begins, self._at.script.curtain)
            ),
            await self._one(WATTLE, "adapters", "a storm of retries", story.storm),
            await self._one(NORDLYS, "storage", "a neighbour's archive on its bill", story.misbooked),
            await self._opposite(story.misbooked),
            await self._one(HOSHINO, "compute", "a rush of visitors", story.surge),
        ]
        self._tell.step("Cost so far", *lines, url=f"{self._at.url}/cost")

    async def _one(self, customer: Customer, subsystem: str, what: str, spell: Spell) -> str:
        """What was found of a story that the scenario knows and the portal does not."""
        found = [
            each
            for each in await self._anomalies(customer)
            if each.series.subsystem == subsystem
            and each.started_at < spell.end
            and each.last_at >= spell.start
        ]
        if not found:
            raise Unavailable(f"{what} at {customer.key} was not found", code="NOT_FOUND")
        explanation = await self._explained(found[0])
        causes = explanation.attribution.causes
        why = _named(causes[0].where) if causes else "rose everywhere alike: unexplained"
        return f"{customer.key:<12} {what}: {subsystem} {_money(found[0])} above expectation, {why}"

    async def _opposite(self, spell: Spell) -> str:
        """The other half of what nets to nothing: its own series, judged on its own."""
        series = self._at.tenants[BRIGHTWATER.key], "storage", BRIGHTWATER.currency
        points = await self._at.house.anomalies.series(
            SYSTEM, series[0].id, *series[1:], spell.start, spell.end
        )
        saved = sum(
            point.expected - point.cost for point in points if point.cost is not None and point.expected
        )
        return (
            f"{BRIGHTWATER.key:<12} {saved:.2f} {BRIGHTWATER.currency} less in the same hours: together they come"
            " to nothing, and each is judged alone"
        )

    async def _planned_work(self) -> None:
        batch = episodes(self._at.script).batch
        tenant = self._at.tenants[HOSHINO.key]
        reason = "Catalogue of the new season is rendered, agreed with the customer"
        async with self._browser() as client:
            visitor = await Visitor.sign_in(client, Role.FINOPS_OPERATOR)
            await visitor.submit(
                f"/t/{tenant.key}/cost/suppressions",
                subsystem="compute",
                starts_at=f"{batch.start:%Y-%m-%dT%H:%M}",
                ends_at=f"{batch.end + _HOUR:%Y-%m-%dT%H:%M}",
                reason=reason,
            )
        self._tell.step(
            "Planned work",
            f"{HOSHINO.key} compute raises nothing from {batch.start:%H:%M} to {batch.end + _HOUR:%H:%M} UTC",
            f"“{reason}”, by the FinOps operator, with a receipt",
            url=f"{self._at.url}/t/{tenant.key}/cost/suppressions",
        )

    async def _runaway(self) -> CostAnomaly:
        """The ramp, hour by hour, until the portal finds what it does."""
        script, tenant = self._at.script, self._at.tenants[BRIGHTWATER.key]
        told: list[str] = []
        for hour in range(_MOST_HOURS):
            self._tell.waiting(f"{script.at(hour):%H:%M} UTC passes")
            await self._at.time.move_to(script.at(hour + 1) + CLOSED_AFTER)
            told.append(await self._hour(tenant, script.at(hour)))
            found = [
                each
                for each in await self._anomalies(BRIGHTWATER)
                if each.series.subsystem == "egress" and each.detected_at >= script.curtain
            ]
            if found:
                break
        else:
            raise Unavailable("the runaway export was not found", code="NOT_FOUND")
        anomaly = found[0]
        to_detect = anomaly.detected_at + _HOUR - anomaly.started_at
        self._tell.step(
            "A flag goes up",
            f"export-v2 at {BRIGHTWATER.name}, in steps; egress by the hour (UTC):",
            *told,
            url=f"{self._at.url}/t/{tenant.key}/cost",
        )
        self._tell.step(
            "Found",
            f"{_money(anomaly)} above expectation, {anomaly.severity.value}; found {_span(to_detect)} after it began",
            url=self._url_of(anomaly),
        )
        return anomaly

    async def _hour(self, tenant: Tenant, hour: datetime) -> str:
        (point,) = await self._at.house.anomalies.series(
            SYSTEM, tenant.id, "egress", BRIGHTWATER.currency, hour, hour + _HOUR
        )
        return f"{hour:%H:%M}  {point.cost:>9.2f} {BRIGHTWATER.currency}, expected {point.expected:.2f}"

    async def _why(self, anomaly: CostAnomaly) -> None:
        explanation = await self._explained(anomaly)
        causes = [
            f"{_named(each.where)}: {each.contribution:.2f} {anomaly.series.currency}, {each.share:.0%} of the excess"
            for each in explanation.attribution.causes
            if each.share is not None
        ]
        links = [
            f"{each.kind.value} {each.key}: {each.strength.value}; {'; '.join(each.reasons)}"
            for kind in (LinkKind.FLAG, LinkKind.OPERATION)
            for each in explanation.links
            if each.kind is kind
        ]
        self._tell.step(
            "Why",
            causes[0] if causes else "nothing stands out",
            *causes[1:],
            f"unexplained: {explanation.attribution.unexplained:.2f} {anomaly.series.currency}",
            *_first_of_each(links),
            url=self._url_of(anomaly),
        )

    async def _anomalies(self, customer: Customer) -> Sequence[CostAnomaly]:
        wanted = AnomalyFilter(self._at.tenants[customer.key].id)
        return (await self._at.house.anomalies.page(SYSTEM, wanted, PageRequest(50))).items

    async def _explained(self, anomaly: CostAnomaly) -> Explanation:
        return await self._at.house.explanations.explain(SYSTEM, anomaly.tenant_id, anomaly.id)

    def _browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._at.url, timeout=60, trust_env=False)

    def _url_of(self, anomaly: CostAnomaly) -> str:
        key = next(key for key, tenant in self._at.tenants.items() if tenant.id == anomaly.tenant_id)
        return f"{self._at.url}/t/{key}/cost/anomalies/{anomaly.id}"


def _money(anomaly: CostAnomaly) -> str:
    return f"{anomaly.figures.excess:,.2f} {anomaly.series.currency}"


def _named(where: Mapping[str, str]) -> str:
    """A part of the bill by its dimensions; what has no value there is ``none``."""
    return ", ".join(f"{name} {value or 'none'}" for name, value in where.items())


def _span(length: timedelta) -> str:
    hours = length / _HOUR
    return "1 hour" if hours == 1 else f"{hours:.0f} hours"


def _first_of_each(links: Sequence[str]) -> list[str]:
    """One line for each thing that is linked: its best."""
    found: dict[str, str] = {}
    for link in links:
        found.setdefault(link.partition(":")[0], link)
    return list(found.values())
