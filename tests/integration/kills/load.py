"""What customers, the vendor's systems and its operators do meanwhile, remembering what they were told.

Everybody here behaves as real clients must: no answer, or an answer that says "not now", means the
same request again. What was acknowledged is remembered to the letter.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from installation import PLAIN, Installation

from schema.ids import encode
from trust_portal.access.action import TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.access.tokens.model import Bounds, CreateToken
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.period import parse_period, previous_label

TENANTS = ("alder", "birch", "cedar", "dogwood")
SOURCE = "//product"
_EVENTS_A_BATCH = 120
_PAUSE = 0.2
_CONTRACT = """\
tenant: {tenant}
version: "{version}"
effective_from: {start}
currency: EUR
fee: "1000.00"
slas:
  - objective: api
    target: "99.9"
    denominator: subscribed
    time_zone: UTC
    tiers:
      - {{from: "99.0", to: "99.9", credit_percent: "10"}}
      - {{to: "99.0", credit_percent: "25"}}
"""
_ISSUE = """
mutation ($tenant: ID!, $period: String!) {
  issueSlaReport(input: {tenantId: $tenant, period: $period, reason: "late data came in"}) {
    report { id state revision } userErrors { code message }
  }
}"""
_RUN = """
mutation ($period: String!) { startSlaRun(input: {period: $period}) { run { state } userErrors { code } } }
"""
_RUN_STATE = "query ($period: String!) { slaRun(period: $period) { state tenants { key outcome reason } } }"


@dataclass
class Acknowledged:
    """What clients were told is done. Events by id, with the digest-relevant part of what was sent."""

    measurements: dict[str, tuple[int, int]] = field(default_factory=dict)
    facts: set[str] = field(default_factory=set)
    accepted: int = 0
    contracts: set[tuple[str, str]] = field(default_factory=set)
    reports: set[str] = field(default_factory=set)
    refusals: int = 0
    """Requests that got no answer, or one that said "not now": proof that the kills were felt."""


@dataclass
class Vendor:
    """The people, tokens and clocks of the vendor whose installation is maltreated."""

    installation: Installation
    told: Acknowledged = field(default_factory=Acknowledged)
    period: str = ""
    token: str = ""
    tenant_ids: dict[str, str] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def move_in(self) -> None:
        """Tenants, an operator and its token; before anything is killed."""
        self.period = previous_label(f"{datetime.now(UTC):%Y-%m}")
        async with self.installation.house() as house:
            for key in TENANTS:
                created = await house.tenants.create(
                    CreateTenant(key, key.title(), onboarded_at=self._last_day() - timedelta(days=90)),
                    CONSOLE,
                )
                self.tenant_ids[key] = encode("Tenant", created.id, created.id)
            person = await house.people.add(AddPerson(VENDOR_ID, "ops@vendor.example", "Ops"), CONSOLE)
            await house.people.grant(GrantRole(VENDOR_ID, person.id, Role.SRE_OPERATOR, None), CONSOLE)
            issued = await house.tokens.create(
                CreateToken(
                    VENDOR_ID,
                    "everything",
                    frozenset(TokenScope) - {TokenScope.ADMIN},
                    Bounds(sources=("*",)),
                    person_id=person.id,
                ),
                CONSOLE,
            )
            self.token = issued.secret

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.installation.base_url,
            headers={"authorization": f"Bearer {self.token}"},
            timeout=20,
            verify=PLAIN,
        )

    async def send_events(self, tenant: str, name: str) -> None:
        """Batch after batch until told to stop, each until it is acknowledged.

        The first ones are the day that the contract is measured by; then load without end. Two
        senders of one tenant send the same events: whoever is second must hear "duplicate".
        """
        async with self.client() as client:
            for number in itertools.count():
                if self.stopping.is_set() and number * _EVENTS_A_BATCH >= 1440:
                    return
                await self._until_stored(client, self._batch(tenant, number), twice=name != "first")
                await asyncio.sleep(0.05)

    async def _until_stored(self, client: httpx.AsyncClient, events: list[dict], *, twice: bool) -> None:
        # One delivery streams lines, its twin posts an array: both framings meet at the same keys.
        body = json.dumps(events) if twice else "\n".join(map(json.dumps, events))
        kind = "application/cloudevents-batch+json" if twice else "application/x-ndjson"
        while True:
            answer = await self.ask(client, "/events", content=body, headers={"content-type": kind})
            self.told.accepted += answer["accepted"]
            waiting = [each for each in answer["rejected"] if each["code"] == "UNAVAILABLE"]
            assert len(waiting) == len(answer["rejected"]), answer["rejected"][:3]
            if not waiting:
                break
            self.told.refusals += 1
        assert answer["accepted"] + answer["duplicates"] == len(events)
        for event in events:
            if event["type"] == "trustportal.sli.measured.v1":
                self.told.measurements[event["id"]] = (event["data"]["good"], event["data"]["total"])
            else:
                self.told.facts.add(event["id"])

    def _batch(self, tenant: str, number: int) -> list[dict]:
        minutes = range(number * _EVENTS_A_BATCH, (number + 1) * _EVENTS_A_BATCH)
        measured = [self._measured(tenant, minute) for minute in minutes]
        deployed = _event(
            "change.deployed",
            f"{tenant} deploy {number}",
            self._last_day(),
            {
                "service": "api",
                "version": str(number),
                "environment": "prod",
                "tenants": [tenant],
                "by": "ci",
            },
        )
        return [*measured, deployed]

    def _measured(self, tenant: str, minute: int) -> dict:
        day, of_day = divmod(minute, 1440)
        return _event(
            "sli.measured",
            f"{tenant} {minute}",
            self._last_day() + timedelta(minutes=of_day),
            {
                "tenant": tenant,
                "objective": f"load-{day}" if day else "api",
                "total": 100,
                "good": 100 - minute % 2,
            },
        )

    def _last_day(self) -> datetime:
        return parse_period(self.period, "UTC").end - timedelta(days=1)

    def _begins(self, version: int) -> datetime:
        """The first is in force for the period; terms that come after it begin after it, and change nothing in it."""
        return self._last_day() if version == 1 else parse_period(self.period, "UTC").end

    async def import_contracts(self, folder: Path, versions: int) -> None:
        """Version after version by the command line, again until it says that it is recorded."""
        for version in range(1, versions + 1):
            documents = [
                _CONTRACT.format(tenant=each, version=version, start=rfc3339(self._begins(version)))
                for each in TENANTS
            ]
            file = folder / f"contracts-{version}.yaml"
            file.write_text("---\n".join(documents))
            while True:
                status, said = await self.installation.command("import", "contracts", str(file))
                assert "Traceback" not in said, said
                if status == 0:
                    break
                assert "UNAVAILABLE" in said, said
                self.told.refusals += 1
                await asyncio.sleep(_PAUSE)
            self.told.contracts |= {(each, str(version)) for each in TENANTS}

    async def run_the_month(self) -> None:
        """Ask for the monthly run; the workers do the rest, in whatever life they have."""
        async with self.client() as client:
            answer = await self.graphql(client, _RUN, period=self.period)
            assert answer["startSlaRun"]["userErrors"] == []

    async def run_state(self) -> dict | None:
        async with self.client() as client:
            return (await self.graphql(client, _RUN_STATE, period=self.period))["slaRun"]

    async def restate_reports(self) -> None:
        """A window announced for one tenant after the other, and its report issued again: exports to interrupt."""
        async with self.client() as client:
            for number in itertools.count():
                if self.stopping.is_set():
                    return
                tenant = TENANTS[number % len(TENANTS)]
                await self._until_stored(client, [self._window(tenant, number)], twice=False)
                answer = await self.graphql(
                    client, _ISSUE, tenant=self.tenant_ids[tenant], period=self.period
                )
                issued = answer["issueSlaReport"]
                assert issued["userErrors"] == [], issued
                self.told.reports.add(issued["report"]["id"])
                await asyncio.sleep(0.5)

    def _window(self, tenant: str, number: int) -> dict:
        start = self._last_day() + timedelta(minutes=number)
        return _event(
            "maintenance.scheduled",
            f"{tenant} window {number}",
            start,
            {
                "window": f"MW-{number}",
                "tenants": [tenant],
                "start": rfc3339(start),
                "end": rfc3339(start + timedelta(minutes=1)),
                "announced_at": rfc3339(start - timedelta(days=7)),
                "reason": "a disk is changed",
            },
        )

    async def graphql(self, client: httpx.AsyncClient, query: str, **variables: str) -> dict:
        """The data, asked for until nobody says UNAVAILABLE."""
        while True:
            answer = await self.ask(client, "/graphql", json={"query": query, "variables": variables})
            codes = {each.get("extensions", {}).get("code") for each in answer.get("errors", ())}
            if not codes:
                return answer["data"]
            assert codes == {"UNAVAILABLE"}, answer
            self.told.refusals += 1
            await asyncio.sleep(_PAUSE)

    async def ask(self, client: httpx.AsyncClient, path: str, **request: object) -> dict:
        """The JSON of a 200. Anything but 200, 503 or a broken connection is a broken promise."""
        while True:
            try:
                answer = await client.post(path, **request)  # type: ignore[arg-type]
            except httpx.TransportError:
                pass
            else:
                if answer.status_code == 200:
                    return answer.json()
                assert answer.status_code == 503, (
                    f"{path}: {answer.status_code} {answer.text}{self._why(answer)}"
                )
            self.told.refusals += 1
            await asyncio.sleep(_PAUSE)

    def _why(self, answer: httpx.Response) -> str:
        """What the log says under the reference that the client was given."""
        reference = answer.json().get("reference") or "-"
        return self.installation.said(around=reference)


def _event(kind: str, id_: str, time: datetime, data: dict) -> dict:
    return {
        "specversion": "1.0",
        "type": f"trustportal.{kind}.v1",
        "source": SOURCE,
        "id": id_,
        "time": rfc3339(time),
        "data": data,
    }
