"""What a customer is handed at the end: the Trust Report of everything that happened, verified by nobody's leave."""

from __future__ import annotations

from collections.abc import Mapping
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
from trust_portal.evidence.bundle_contents import envelope_name
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.actor import Role
from trust_portal.learning.incidents.model import incident_id
from trust_portal.trust.gathering.ids import COST, CREDITS, INCIDENTS, ISSUED, POSTMORTEMS, REPORTS, SLA
from trust_portal.trust.report.model import DOCUMENT_FILE, Preview, blocked_as
from trust_portal.trust.sections.display import display
from trust_portal.trust.sections.document import section_of
from trust_portal.trust.sections.model import Cell, Section

_CSM: Final = Role.CSM
#: Why something stale or missing is let stand, where the story knows of nothing better.
_STANDS: Final = "It is known, and named here rather than left out"


class TrustStory:
    """Played when all the other stories are over; ``month`` is the one of the SLA report."""

    def __init__(self, place: Place, month: str, folder: Path) -> None:
        self._at = place
        self._tell = place.tell
        self._month = month
        self._folder = folder
        self._tenant = place.tenants[BRIGHTWATER.key]
        curtain = place.script.curtain
        self._incident_id = incident_id(f"{SOURCE}incidents", runaway_key(place.script))
        self._period = f"{curtain.year}-Q{(curtain.month + 2) // 3}"

    async def play(self, anomaly: CostAnomaly) -> None:
        """With data of an earlier run, what was published then is told, and nothing is published anew."""
        csm = await self._at.person(_CSM)
        preview = await self._at.house.trust_reports.preview(csm, self._tenant.id, self._period)
        if preview.last is None:
            await self._published(preview)
        await self._checked(anomaly)

    async def _published(self, preview: Preview) -> None:
        """What is stale or missing is not left out: somebody lets it stand, and says why."""
        path = f"/t/{BRIGHTWATER.key}/trust"
        form = {"period": self._period}
        for each in preview.blocking:
            form |= {f"seen-{each.id}": blocked_as(each), f"reason-{each.id}": _STANDS}
        async with httpx.AsyncClient(base_url=self._at.url, timeout=60, trust_env=False) as client:
            csm = await proof.Visitor.sign_in(client, _CSM)
            found = await csm.submit(path, **form)
        states = (f"{each.title}: {each.state.value.replace('_', ' ')}" for each in preview.sections)
        self._tell.step(
            "Trust Report",
            f"{persona_with(_CSM).name} publishes {self._period} for {BRIGHTWATER.name}",
            *states,
            url=self._at.url + found,
        )

    async def _checked(self, anomaly: CostAnomaly) -> None:
        """The customer's own copy, verified offline, and what is in it."""
        csm = await self._at.person(_CSM)
        self._tell.waiting("The bundle is being made")

        async def look() -> dict[str, Any]:
            opened = await self._at.house.trust_reports.newest(csm, self._tenant.id)
            export = None if opened is None else opened.export
            return {
                "export": None
                if export is None
                else {
                    "state": export.state.value.upper(),
                    "failure": export.failure,
                    "fileName": export.file_name,
                    "downloadUrl": f"{self._at.url}/t/{BRIGHTWATER.key}/exports/{export.id}/bundle.zip",
                }
            }

        export = (await proof.finished_export(look))["export"]
        fetched = await proof.fetch_bundle(self._at.url, BRIGHTWATER.key, export, self._folder)
        await proof.verified(fetched)
        files = bundle.read(fetched.archive.read_bytes()).files
        sections = {each["id"]: section_of(each) for each in parse_json(files[DOCUMENT_FILE])["sections"]}
        self._tell.step(
            "The customer's copy",
            f"{fetched.archive.name}: verified, offline; it holds",
            *self._held(sections, files, anomaly),
            f"trust-portal verify {fetched.archive} --policy {fetched.policy} --recompute",
            url=export["downloadUrl"],
        )

    def _held(
        self, sections: Mapping[str, Section], files: Mapping[str, bytes], anomaly: CostAnomaly
    ) -> tuple[str, ...]:
        """What the story was about, each as the document says it. Raises ``Unavailable`` where one is not there."""
        spike = _row(sections[COST], "anomalies", str(anomaly.id))
        report = _row(sections[SLA], REPORTS, self._month)
        learned = _row(sections[INCIDENTS], POSTMORTEMS, str(self._incident_id))
        remedies = [
            (each, receipt)
            for each in _rows(sections[COST], "playbooks")
            if (receipt := each["playbook"].receipt) is not None and envelope_name(UUID(receipt)) in files
        ]
        issued = [each for each in _rows(sections[CREDITS], ISSUED) if each["period"].value == self._month]
        if not remedies or not issued:
            raise Unavailable("the Trust Report names no playbook or no credit", code="NOT_HELD")
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


def _rows(section: Section, table: str) -> list[dict[str, Cell]]:
    """The rows of a table, each by the ids of its columns."""
    found = section.table(table)
    names = [each.id for each in found.columns]
    return [dict(zip(names, row.cells, strict=True)) for row in found.rows]


def _row(section: Section, table: str, row: str) -> dict[str, Cell]:
    for each, cells in zip(section.table(table).rows, _rows(section, table), strict=True):
        if each.id == row:
            return cells
    raise Unavailable(f"the Trust Report names no {row} in {section.id}/{table}", code="NOT_HELD")
