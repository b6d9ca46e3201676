"""What a customer is handed at the end: the Trust Report and the business review, each verified offline."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx

from trust_portal.access.sign_in.personas import persona_with
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.demo import proof
from trust_portal.demo.place import Place
from trust_portal.demo.product.incidents import runaway_key
from trust_portal.demo.scene import BRIGHTWATER, SOURCE
from trust_portal.errors import Unavailable
from trust_portal.evidence import bundle
from trust_portal.evidence.export import Export
from trust_portal.evidence.links import file_of
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.period import parse_period, quarter_label
from trust_portal.learning.incidents.model import incident_id
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.trust.compliance.model import ControlState
from trust_portal.trust.gathering.ids import COST, CREDITS, INCIDENTS, ISSUED, POSTMORTEMS, REPORTS, SLA
from trust_portal.trust.qbr.ids import OUTCOME, PROPOSED, RECOMMENDATIONS
from trust_portal.trust.qbr.model import DOCUMENT_FILE as QBR_FILE
from trust_portal.trust.qbr.reviewing import seen
from trust_portal.trust.report.model import DOCUMENT_FILE as TRUST_REPORT_FILE
from trust_portal.trust.report.model import Preview, blocked_as, blocking
from trust_portal.trust.sections.display import display
from trust_portal.trust.sections.document import section_of
from trust_portal.trust.sections.model import Cell, Section

_CSM: Final = Role.CSM
_SECURITY: Final = Role.APPROVER_SECURITY
#: A quarter is reviewed when it is over: so long after its end, and not before so many days are left to prepare.
_UNTIL_REVIEW: Final = timedelta(days=10)
_LEAD: Final = timedelta(days=7)
#: Where whoever reviews works.
_OFFICE: Final = WorkCalendar("DE", time_zone="Europe/Berlin")
#: Why something stale or missing is let stand.
_OWED: Final = "That postmortem is not written yet: it is owed, and we follow it up until it is signed"
_STANDS: Final = "It is known, and named here rather than left out"
_HOST: Final = "Nordhafen Hosting GmbH, Frankfurt"
_HOSTS: Final = "Runs the servers on which this portal stands. What is stored there does not leave Germany."
_UNTIL_DONE: Final = timedelta(days=60)
_PROMISE: Final = "Show Brightwater that exports resume where they were cut off"
_WORTH_IT: Final = "The figures bear it out, and the customer asked about it"
_SAID: Final = "The quarter was marked by the runaway of the new export engine; what came of it stands below."


class TrustStory:
    """Played when all the other stories are over; ``month`` is the one of the SLA report, ``audit`` what computes
    everything on record again, which a control asks for.
    """

    def __init__(self, place: Place, month: str, folder: Path, audit: Callable[[], Awaitable[None]]) -> None:
        self._at = place
        self._tell = place.tell
        self._month = month
        self._folder = folder
        self._audit = audit
        self._tenant = place.tenants[BRIGHTWATER.key]
        self._incident_id = incident_id(f"{SOURCE}incidents", runaway_key(place.script))
        curtain = place.script.curtain
        self._period = quarter_label(curtain)
        self._over = parse_period(self._period, BRIGHTWATER.time_zone).end.date()

    async def play(self, anomaly: CostAnomaly) -> None:
        """With data of an earlier run, what was published then is told, and nothing is published anew."""
        csm = await self._at.person(_CSM)
        reports = self._at.house.trust_reports
        preview = await reports.preview(csm, self._tenant.id, self._period)
        if preview.last is None:
            await self._audit()
            await self._looked_at(csm)
            await self._published(await reports.preview(csm, self._tenant.id, self._period))
        await self._handed("Its bundle", lambda: self._trust_report_export(csm), TRUST_REPORT_FILE, anomaly)
        if not await self._at.house.qbr_reader.issued(csm, self._tenant.id):
            await self._reviewed(csm)
        await self._handed("QBR bundle", lambda: self._qbr_export(csm), QBR_FILE, anomaly)

    async def _looked_at(self, csm: Actor) -> None:
        """Controls are judged and posture is looked at each day; both once more, before anything is said of them."""
        root = f"/t/{BRIGHTWATER.key}"
        today = self._at.time.now().date()
        # Ten days on, or the next business day from then.
        review = _OFFICE.shift(max(self._over, today) + _UNTIL_REVIEW - timedelta(days=1), 1)
        async with self._signed_in(_SECURITY) as security:
            for tenant in ("/t/vendor", root):
                await security.submit(f"{tenant}/compliance", reason="Before the quarter is reported")
            await security.submit(f"{root}/posture/check")
        async with self._signed_in(_CSM) as visitor:
            await visitor.submit(
                f"{root}/account", csm=str(csm.id), review_on=review.isoformat(), lead_days=str(_LEAD.days)
            )
            await visitor.submit(
                f"{root}/trust/notes", kind="sub_processor", subject=_HOST, text=_HOSTS,
                valid_from=today.isoformat(), everybody="yes",
            )  # fmt: skip
        self._tell.step(
            "Account",
            f"{persona_with(_CSM).name} looks after {BRIGHTWATER.name}, and reviews {self._period} with them on {review}",
            f"and says of whom Meridian has help: {_HOST}",
            f"{persona_with(_SECURITY).name} has the controls judged and the posture looked at now",
            *await self._found(csm),
            url=f"{self._at.url}{root}/compliance",
        )

    async def _found(self, reader: Actor) -> tuple[str, ...]:
        """How the controls and the posture came out, in their own words."""
        house = self._at.house
        evaluation = await house.compliance.newest(reader, self._tenant.id)
        if evaluation is None:
            raise Unavailable("no control was judged", code="NOT_JUDGED")
        titles = {each.id: each.title for each in house.compliance.catalogue.controls}
        checks = (await house.posture.view(reader, self._tenant.id)).latest
        return (
            f"controls: {evaluation.count(ControlState.SATISFIED)} of {len(evaluation.results)} hold",
            *(
                f"{titles[each.control]}: {each.why or '; '.join(f'{gap.name}: {gap.why}' for gap in each.gaps)}"
                for each in evaluation.results
                if each.state is not ControlState.SATISFIED
            ),
            *(
                f"posture, {each.finding.check.value.replace('_', ' ')}: {each.finding.found}"
                for each in checks
            ),
        )

    async def _published(self, preview: Preview) -> None:
        """What is stale or missing is not left out: somebody lets it stand, and says why."""
        form = {"period": self._period, **_let_stand(preview.blocking)}
        async with self._signed_in(_CSM) as csm:
            found = await csm.submit(f"/t/{BRIGHTWATER.key}/trust", **form)
        self._tell.step(
            "Trust Report",
            f"{persona_with(_CSM).name} publishes {self._period} for {BRIGHTWATER.name}",
            *(f"{each.title}: {each.state.value.replace('_', ' ')}" for each in preview.sections),
            url=self._at.url + found,
        )

    async def _reviewed(self, actor: Actor) -> None:
        """The business review gathers itself; what only a person can say is said beside it."""
        path = f"/t/{BRIGHTWATER.key}/qbr"
        due = (self._at.time.now() + _UNTIL_DONE).date().isoformat()
        async with self._signed_in(_CSM) as csm:
            await csm.submit(
                f"{path}/commitments", text=_PROMISE, owner=persona_with(_CSM).name, due=due, of=self._period
            )
            draft = await csm.submit(path, period=self._period)
            qbr_id = UUID(draft.split("/")[-2])
            found = await self._at.house.qbr_reader.draft(actor, self._tenant.id, qbr_id)
            await csm.submit(
                f"{path}/{qbr_id}/say", period=self._period, kind="comment", section=OUTCOME, text=_SAID,
                audience="customer",
            )  # fmt: skip
            advice = next(each for each in found.sections if each.id == RECOMMENDATIONS)
            ((advised, cells), *others) = advice.table(PROPOSED).by_column()
            await csm.submit(
                f"{path}/{qbr_id}/review", period=self._period, recommendation=advised, verdict="accepted",
                seen=seen(advice, advised), why=_WORTH_IT,
            )  # fmt: skip
            found = await self._at.house.qbr_reader.draft(actor, self._tenant.id, qbr_id)
            form = _let_stand(blocking(found.told))
            issued = await csm.submit(f"{path}/{qbr_id}/issue", **form)
        self._tell.step(
            "QBR",
            f"{persona_with(_CSM).name} has the review of {self._period} gather itself:",
            f"{', '.join(each.title for each in found.sections)}",
            f"recommendations it derives: {1 + len(others)}; one goes out: {cells['recommendation'].value}",
            f"she promises “{_PROMISE}”, says what no fact can, and issues it",
            url=self._at.url + issued,
        )

    async def _handed(
        self, title: str, look: Callable[[], Awaitable[Export | None]], document: str, anomaly: CostAnomaly
    ) -> None:
        """The customer downloads it, verifies it offline, and finds in it what the stories were about."""
        self._tell.waiting("The bundle is being made")

        async def found() -> dict[str, Any]:
            export = await look()
            return {"export": None if export is None else self._seen(export)}

        export = (await proof.finished_export(found))["export"]
        fetched = await proof.fetch_bundle(self._at.url, BRIGHTWATER.key, export, self._folder)
        await proof.verified(fetched)
        files = bundle.read(fetched.archive.read_bytes()).files
        sections = {each["id"]: section_of(each) for each in parse_json(files[document])["sections"]}
        self._tell.step(
            title,
            f"{fetched.archive.name}: verified, offline; it holds",
            *await self._held(sections, files, anomaly),
            f"trust-portal verify {fetched.archive} --policy {fetched.policy} --recompute",
            url=export["downloadUrl"],
        )

    def _seen(self, export: Export) -> dict[str, Any]:
        return {
            "state": export.state.value.upper(),
            "failure": export.failure,
            "fileName": export.file_name,
            "downloadUrl": f"{self._at.url}/t/{BRIGHTWATER.key}/exports/{export.id}/bundle.zip",
        }

    async def _trust_report_export(self, actor: Actor) -> Export | None:
        opened = await self._at.house.trust_reports.newest(actor, self._tenant.id)
        return None if opened is None else opened.export

    async def _qbr_export(self, actor: Actor) -> Export | None:
        newest = (await self._at.house.qbr_reader.issued(actor, self._tenant.id))[0]
        return (await self._at.house.qbr_reader.get(actor, self._tenant.id, newest.id)).export

    @asynccontextmanager
    async def _signed_in(self, role: Role) -> AsyncIterator[proof.Visitor]:
        async with httpx.AsyncClient(base_url=self._at.url, timeout=60, trust_env=False) as client:
            yield await proof.Visitor.sign_in(client, role)

    async def _held(
        self, sections: Mapping[str, Section], files: Mapping[str, bytes], anomaly: CostAnomaly
    ) -> tuple[str, ...]:
        """What the story was about, each as the document says it. Raises ``Unavailable`` where one is not there."""
        spike = _row(sections[COST], "anomalies", str(anomaly.id))
        report = _row(sections[SLA], REPORTS, self._month)
        csm = await self._at.person(_CSM)
        incident = (await self._at.house.incidents.get(csm, self._incident_id)).incident
        # A document of an earlier run may name it as documents once did.
        learned = _row(sections[INCIDENTS], POSTMORTEMS, str(incident.shown_id), str(incident.id))
        remedies = [
            (each, receipt)
            for each in _rows(sections[COST], "playbooks")
            if (receipt := each["playbook"].receipt) is not None and file_of(receipt) in files
        ]
        issued = [each for each in _rows(sections[CREDITS], ISSUED) if each["period"].value == self._month]
        if not remedies or not issued:
            raise Unavailable("the document names no playbook or no credit", code="NOT_HELD")
        return (
            f"the spike: {display(spike['subsystem'])}, {display(spike['excess'])} beyond what was expected",
            *(
                f"{display(each['playbook'])}, {display(each['state'])}: receipt {receipt}"
                for each, receipt in remedies
            ),
            f"the SLA report of {self._month}: SHA-256 {report['sha256'].value}",
            *(f"a credit of {display(each['amount'])}, {display(each['reference'])}" for each in issued),
            f"the postmortem, version {display(learned['version'])}: SHA-256 {learned['sha256'].value}",
        )


def _let_stand(blocked: Sequence[Section]) -> dict[str, str]:
    form: dict[str, str] = {}
    for each in blocked:
        why = _OWED if each.id == INCIDENTS else _STANDS
        form |= {f"seen-{each.id}": blocked_as(each), f"reason-{each.id}": why}
    return form


def _rows(section: Section, table: str) -> list[dict[str, Cell]]:
    """The rows of a table, each by the ids of its columns."""
    return [cells for _, cells in section.table(table).by_column()]


def _row(section: Section, table: str, *ids: str) -> dict[str, Cell]:
    for id_, cells in section.table(table).by_column():
        if id_ in ids:
            return cells
    raise Unavailable(f"the document names no {ids[0]} in {section.id}/{table}", code="NOT_HELD")
