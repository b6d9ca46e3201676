"""The scenario: from nothing to a signed report that a customer verifies, told step by step.

Nothing is written behind the product's back: customers, people, tokens and contracts come in through
the services, facts through ``POST /events``, and the customer's part is plain HTTP.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

import httpx

from trust_portal.access.actors import CONSOLE
from trust_portal.access.sign_in.personas import PERSONAS
from trust_portal.access.tenants.model import Tenant
from trust_portal.demo import cast, proof
from trust_portal.demo.approving import Approvers
from trust_portal.demo.cost_story import CostStory
from trust_portal.demo.credit_story import CreditStory
from trust_portal.demo.figures import figures
from trust_portal.demo.learning_story import LearningStory
from trust_portal.demo.patience import patience
from trust_portal.demo.place import Place
from trust_portal.demo.scene import BRIGHTWATER, CUSTOMERS, VENDOR
from trust_portal.demo.script import clock_file
from trust_portal.demo.stage import Stage
from trust_portal.demo.telling import Telling
from trust_portal.demo.time_lapse import TimeLapse
from trust_portal.demo.trust_story import TrustStory
from trust_portal.errors import Unavailable
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.reliability.runs.model import Outcome, Progress, RunState, StartRun
from trust_portal.runtime.migrate import newest_revision
from trust_portal.runtime.story_clock import StoryClock

_LOOK: Final = 0.3
_RUN_PATIENCE: Final = 180.0


class Scenario:
    """``play`` is the whole of it; the methods below are its steps, in order."""

    def __init__(self, stage: Stage, house: House, telling: Telling) -> None:
        self._stage = stage
        self._house = house
        self._tell = telling
        self._url = stage.base_url
        self._folder = stage.folder
        self._downloads = stage.folder / "downloads"
        self.month = stage.script.month

    async def play(self) -> None:
        """From the servers to the changed copy."""
        self._tell_of_the_house()
        tenants = await self._customers_and_people()
        await self._contracts()
        await self._history()
        progress = await self._monthly_run()
        await self._customer(tenants[BRIGHTWATER.key], progress)
        time = TimeLapse(StoryClock(clock_file(self._folder)), self._house, self._stage.playbill)
        place = Place(self._house, self._url, tenants, self._stage.script, time, self._tell)
        approvers = Approvers(self._url)
        credit = CreditStory(place, approvers, self.month, self._downloads)
        await credit.play()
        cost = CostStory(place, approvers)
        anomaly = await cost.play()
        learning = LearningStory(place, approvers, self._downloads)
        await learning.play()
        await learning.overdue()
        await credit.too_late()
        self._tell.waiting("The days until now pass")
        await time.catch_up()
        await cost.now(anomaly)
        await TrustStory(place, self.month, self._downloads, self._audited).play(anomaly)
        await credit.left_open()
        await self._audited()

    def _tell_of_the_house(self) -> None:
        self._tell.step(
            "Servers",
            f"PostgreSQL and Valkey run, the schema is at {newest_revision()}",
            f"data in {self._folder}",
            f"log at {self._stage.playbill.log}",
            url=f"{self._url}/readyz",
        )
        self._tell.step(
            "Keys",
            "every receipt is signed by this Ed25519 key",
            self._house.keyring.receipts.key_id,
            url=f"{self._url}/verify",
        )

    async def _customers_and_people(self) -> Mapping[str, Tenant]:
        self._tell.waiting("Customers and people")
        tenants = await cast.bring_in_customers(self._house, self.month)
        zones = ", ".join(customer.time_zone.partition("/")[2] for customer in CUSTOMERS)
        self._tell.step(
            "Customers",
            f"{len(tenants)} customers of {VENDOR}, and a person for each of {len(PERSONAS)} roles",
            f"their months end at midnight in {zones}",
            url=f"{self._url}/tenants",
        )
        return tenants

    async def _contracts(self) -> None:
        objectives, contracts = await cast.bring_in_promises(self._house)
        promised = ", ".join(each.tenant_key for each in contracts)
        missing = ", ".join(
            customer.key
            for customer in CUSTOMERS
            if customer.key not in {each.tenant_key for each in contracts}
        )
        self._tell.step(
            "Contracts",
            f"{len(contracts)} contracts on {len(objectives)} objectives, each with a receipt",
            f"{promised}; {missing} has none",
            url=f"{self._url}/t/{BRIGHTWATER.key}/contracts",
        )

    async def _history(self) -> None:
        self._tell.waiting("The product brings its history in")
        await self._stage.start_product(await cast.product_token(self._house))
        report = await self._stage.playbill.product_report()
        while report["percent"] < 100:
            self._tell.waiting(f"{report['percent']} % of the history, {_known(report):,} events")
            report = await self._stage.playbill.product_report()
        rate = int(_known(report) / max(report["seconds"], 0.01))
        again = f", {report['duplicates']:,} known already" if report["duplicates"] else ""
        self._tell.step(
            "History",
            f"{report['accepted']:,} events accepted{again}, {report['rejected']} rejected",
            f"by the simulated product through POST /events, {rate:,} a second: "
            f"{self.month} and what has passed since",
            "it goes on and sends each minute as it passes",
            url=f"{self._url}/schemas/",
        )
        if report["rejected"]:
            raise Unavailable(f"the portal rejected {report['first_rejection']}", code="HISTORY_REJECTED")

    async def _monthly_run(self) -> Progress:
        run = await self._house.runs.start(StartRun(self.month), CONSOLE)
        async with patience(_RUN_PATIENCE, "the monthly run"):
            while run.state is not RunState.COMPLETE:
                await asyncio.sleep(_LOOK)
                progress = await self._house.runs.progress(CONSOLE, self.month)
                self._tell.waiting(f"{progress.done} of {progress.total} customers")
                run = progress.run
                if run.requested_by_id == SYSTEM.id:
                    # The clockwork was planning its own at that moment; now it can be hurried.
                    run = await self._house.runs.start(StartRun(self.month), CONSOLE)
        progress = await self._house.runs.progress(CONSOLE, self.month)
        lines = [f"{progress.counts[Outcome.ISSUED]} of {progress.total} reports of {self.month} are signed"]
        for each in progress.tenants:
            what = each.outcome.value.replace("_", " ")
            lines.append(f"{each.tenant_key:<12} {what:<12} {_shortened(each.reason or '')}".rstrip())
        self._tell.step("Monthly run", *lines, url=f"{self._url}/runs/{self.month}")
        return progress

    async def _customer(self, tenant: Tenant, progress: Progress) -> None:
        report_id = next(each.report_id for each in progress.tenants if each.tenant_id == tenant.id)
        if report_id is None:
            raise Unavailable(f"{tenant.key} has no report of {self.month}", code="NO_REPORT")
        path = proof.report_path(tenant.key, report_id)
        token = await cast.reading_token(self._house, tenant)
        async with httpx.AsyncClient(base_url=self._url, timeout=60, trust_env=False) as client:

            async def look() -> dict[str, Any]:
                asked = {"key": tenant.key, "period": self.month}
                answer = await proof.ask(client, proof.REPORT_QUERY, token=token, **asked)
                report: dict[str, Any] = answer["tenant"]["slaReport"]
                return report

            report = await look()
            self._tell.step("Report", *figures(json.loads(report["document"])), url=self._url + path)
            self._tell.waiting("The bundle is being made")
            report = await proof.finished_export(look)
        export = report["export"]
        self._tell.step(
            "GraphQL",
            "the same report, asked for by a program with an API token",
            " ".join(proof.REPORT_QUERY.split()),
            f"→ revision {report['revision']}, export {export['state']},"
            f" receipt with {report['receipt']['proof'].splitlines()[0]}",
            url=f"{self._url}/t/{tenant.key}/tokens",
        )
        fetched = await proof.fetch_bundle(self._url, tenant.key, export, self._downloads)
        self._tell.step(
            "Download",
            f"{fetched.archive.name}, {fetched.archive.stat().st_size / 1e6:.1f} MB, as a customer's viewer",
            f"sha256 {export['sha256']}",
            url=export["downloadUrl"],
        )
        await self._verified(fetched)

    async def _verified(self, fetched: proof.Fetched) -> None:
        self._tell.waiting("Verifying offline")
        verdict = await proof.verified(fetched)
        self._tell.step(
            "Verify",
            "verified, offline, by a process that knows no server",
            *(f"✓ {each}" for each in verdict.proved),
            *(f"· not proved: {each}" for each in verdict.not_proved),
            f"trust-portal verify {fetched.archive} --policy {fetched.policy} --recompute",
        )
        self._tell.waiting("Verifying a changed copy")
        changed = fetched.archive.with_name(f"changed-{fetched.archive.name}")
        changed.write_bytes(proof.with_one_bit_flipped(fetched.archive.read_bytes(), "report.json"))
        refused = await proof.verify(changed, fetched.policy)
        if not refused.exit_code:
            raise Unavailable("a changed bundle was not refused", code="CHANGED_ACCEPTED")
        self._tell.step(
            "A changed copy", f"one bit of report.json flipped: refused, {', '.join(refused.codes)}"
        )

    async def _audited(self) -> None:
        self._tell.waiting("Everything that was recorded is computed again")
        said = await proof.audit(self._stage.environment)
        self._tell.step(
            "Audit", said, "every receipt, of the playbooks too, hashed, verified and found in its log"
        )

    def who_is_who(self) -> None:
        """Whom to look around as, while it serves on."""
        self._tell.line()
        self._tell.line(f"Look around at {self._url}/sign-in as one of these. They exist in the demo only.")
        self._tell.line()
        homes = {True: BRIGHTWATER.name, False: VENDOR}
        self._tell.table(
            [(each.name, homes[each.is_customer], each.role.value, each.does) for each in PERSONAS]
        )
        self._tell.line()


def _known(report: Mapping[str, Any]) -> int:
    return int(report["accepted"]) + int(report["duplicates"])


def _shortened(text: str, width: int = 100) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
