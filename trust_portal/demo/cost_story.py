"""The cost loop as it is played: a flag goes up, cost runs away, and what the portal makes of it.

Four other stories lie in the history before; what became of them is told first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import httpx

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.detection.model import Direction
from trust_portal.cost.explanation.evidence import LinkKind
from trust_portal.demo import proof
from trust_portal.demo.approving import Approvers
from trust_portal.demo.place import HOUR, Place, money, named
from trust_portal.demo.product.episodes import Spell, episodes
from trust_portal.demo.remedy import Remedy
from trust_portal.demo.scene import BRIGHTWATER, HOSHINO, KESTREL, NORDLYS, WATTLE, Customer
from trust_portal.demo.time_lapse import CLOSED_AFTER
from trust_portal.errors import Unavailable
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.page import PageRequest

#: Hours that the spike may take to be found, before the demo has failed.
_MOST_HOURS: Final = 8
_SIDE: Final = {Direction.UP: "above", Direction.DOWN: "below"}


class CostStory:
    """``play`` is its one day, and the methods below are its steps, in order; ``now`` is what became of it."""

    def __init__(self, place: Place, approvers: Approvers) -> None:
        self._at = place
        self._approvers = approvers
        self._tell = place.tell

    async def play(self) -> CostAnomaly:
        """Up to the day after; the runaway it was about."""
        await self._what_history_holds()
        await self._planned_work()
        anomaly = await self._runaway()
        await self._why(anomaly)
        remedy = Remedy(self._at, anomaly, self._approvers)
        await remedy.throttle()
        await remedy.held_back()
        await self._work_as_planned()
        return anomaly

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
            await self._one(BRIGHTWATER, "storage", "the other half of it", story.misbooked, Direction.DOWN),
            await self._one(HOSHINO, "compute", "a rush of visitors", story.surge),
        ]
        self._tell.step("Cost so far", *lines, url=f"{self._at.url}/cost")

    async def _one(
        self, customer: Customer, subsystem: str, what: str, spell: Spell, direction: Direction = Direction.UP
    ) -> str:
        """What was found of a story that the scenario knows and the portal does not."""
        found = [
            each
            for each in await self._at.anomalies(customer)
            if each.series.subsystem == subsystem
            and each.direction is direction
            and each.started_at < spell.end
            and each.last_at >= spell.start
        ]
        if not found:
            raise Unavailable(f"{what} at {customer.key} was not found", code="NOT_FOUND")
        explanation = await self._at.explained(found[0])
        causes = explanation.attribution.causes
        why = named(causes[0].where) if causes else "rose everywhere alike: unexplained"
        return (
            f"{customer.key:<12} {what}: {subsystem} {money(found[0])} {_SIDE[direction]} expectation, {why}"
        )

    async def _planned_work(self) -> None:
        batch = episodes(self._at.script).batch
        tenant = self._at.tenants[HOSHINO.key]
        reason = "Catalogue of the new season is rendered, agreed with the customer"
        known = await self._at.house.suppressions.page(SYSTEM, tenant.id, PageRequest(10))
        if not known.items:
            async with self._browser() as client:
                visitor = await proof.Visitor.sign_in(client, Role.FINOPS_OPERATOR)
                await visitor.submit(
                    f"/t/{tenant.key}/cost/suppressions",
                    subsystem="compute",
                    starts_at=f"{batch.start:%Y-%m-%dT%H:%M}",
                    ends_at=f"{batch.end + HOUR:%Y-%m-%dT%H:%M}",
                    reason=reason,
                )
        self._tell.step(
            "Planned work",
            f"{HOSHINO.key} compute raises nothing from {batch.start:%H:%M} to {batch.end + HOUR:%H:%M} UTC",
            f"“{reason}”, by the FinOps operator, with a receipt",
            url=f"{self._at.url}/t/{tenant.key}/cost/suppressions",
        )

    async def _work_as_planned(self) -> None:
        """The batch job has run: seen, and silent."""
        await self._at.time.move_to(episodes(self._at.script).batch.end + CLOSED_AFTER)
        found = [each for each in await self._at.anomalies(HOSHINO) if each.suppression_id is not None]
        if not found:
            raise Unavailable("the planned work was not seen", code="NOT_FOUND")
        self._tell.step(
            "As planned",
            f"{HOSHINO.key} {found[0].series.subsystem}: {money(found[0])} above expectation, suppressed",
            "it is on record and raises nothing: no alarm, no playbook, not in the figures",
            url=self._at.url_of(found[0]),
        )

    async def now(self, anomaly: CostAnomaly) -> None:
        """The story is over: what the loop came to."""
        anomaly = await self._at.house.anomalies.get(SYSTEM, anomaly.tenant_id, anomaly.id)
        figures = await self._at.house.cost_kpis.overall(SYSTEM)
        medians = {
            "to detect": figures.to_detect.median,
            "to recover": figures.to_recover.median,
        }
        self._tell.step(
            "Now",
            "the clock is the true one, and the product goes on",
            f"the anomaly is {anomaly.state.value}",
            *(f"time {name}: {_span(median)} in the median" for name, median in medians.items() if median),
            url=f"{self._at.url}/cost",
        )

    async def _runaway(self) -> CostAnomaly:
        """The ramp, hour by hour, until the portal finds what it does."""
        script, tenant = self._at.script, self._at.tenants[BRIGHTWATER.key]
        told: list[str] = []
        for hour in range(_MOST_HOURS):
            self._tell.waiting(f"{script.at(hour):%H:%M} UTC passes")
            await self._at.time.move_to(script.at(hour + 1) + CLOSED_AFTER)
            told.append(await self._at.hour(BRIGHTWATER, "egress", script.at(hour)))
            found = [
                each
                for each in await self._at.anomalies(BRIGHTWATER)
                if each.series.subsystem == "egress" and each.detected_at >= script.curtain
            ]
            if found:
                break
        else:
            raise Unavailable("the runaway export was not found", code="NOT_FOUND")
        anomaly = found[0]
        to_detect = anomaly.opened_at - anomaly.started_at
        self._tell.step(
            "A flag goes up",
            f"export-v2 at {BRIGHTWATER.name}, in steps; egress by the hour (UTC):",
            *told,
            url=f"{self._at.url}/t/{tenant.key}/cost",
        )
        self._tell.step(
            "Found",
            f"{money(anomaly)} above expectation, {anomaly.severity.value}; found {_span(to_detect)} after it began",
            url=self._at.url_of(anomaly),
        )
        return anomaly

    async def _why(self, anomaly: CostAnomaly) -> None:
        explanation = await self._at.explained(anomaly)
        causes = [
            f"{named(each.where)}: {each.contribution:.2f} {anomaly.series.currency}, {each.share:.0%} of the excess"
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
            url=self._at.url_of(anomaly),
        )

    def _browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._at.url, timeout=60, trust_env=False)


def _span(length: timedelta) -> str:
    hours = round(length / HOUR)
    return "1 hour" if hours == 1 else f"{hours} hours"


def _first_of_each(links: Sequence[str]) -> list[str]:
    """One line for each thing that is linked: its best."""
    found: dict[str, str] = {}
    for link in links:
        found.setdefault(link.partition(":")[0], link)
    return list(found.values())
