"""Major incidents that touched the tenant, each with its signed postmortem and what is done to prevent another.

An incident belongs here by the worst severity it ever had. One without a signed postmortem is a gap that is
named, and blocks the document until somebody acknowledges it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.evidence.export import ExportState
from trust_portal.evidence.export_rows import exports_of
from trust_portal.facts.incident_touches import waiting_since
from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.actions.model import ActionState, PreventionAction
from trust_portal.learning.actions.repository import actions_by_postmortem
from trust_portal.learning.incidents.model import Incident
from trust_portal.learning.incidents.repository import (
    incidents_by_id,
    incidents_under_way,
    major_over_by,
)
from trust_portal.learning.incidents.touched import copy_telling_of
from trust_portal.learning.postmortems.model import COPY_KIND, Postmortem, Version
from trust_portal.learning.postmortems.releases_model import ReleasedCopy
from trust_portal.learning.postmortems.releases_repository import newest_copies
from trust_portal.learning.postmortems.repository import postmortems_of
from trust_portal.learning.postmortems.versions_repository import snapshots_of
from trust_portal.learning.switchboard.coverage import Cover, MajorIncident, ledger
from trust_portal.learning.switchboard.repository import untaken
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.ids import INCIDENTS, MAJOR, POSTMORTEMS, PREVENTION
from trust_portal.trust.gathering.incident_lines import COVER_WORDS, MajorLine, page_of
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.gathering.still_owed import earlier_table
from trust_portal.trust.gathering.telling import NO_INCIDENTS, NONE_KNOWN, incident_sentences
from trust_portal.trust.gathering.totals import NOT_YET, earlier_totals, incident_totals, unclear_total
from trust_portal.trust.sections.freshness import freshness, together
from trust_portal.trust.sections.model import Cell, Column, Row, Section, State, Table, Unit

TITLE: Final = "Major incidents"
SOURCE: Final = "the register of incidents and signed postmortems"
#: How long something that was told may wait to be taken in.
MAX_AGE: Final = timedelta(hours=1)

_INCIDENT_COLUMNS: Final = (
    Column("incident", "Incident"),
    Column("severity", "Worst severity"),
    Column("service", "Service"),
    Column("began", "Began", Unit.INSTANT),
    Column("resolved", "Resolved", Unit.INSTANT),
    Column("minutes", "Lasted", Unit.MINUTES),
)
_POSTMORTEM_COLUMNS: Final = (
    Column("incident", "Incident"),
    Column("state", "Postmortem"),
    Column("version", "Version", Unit.COUNT),
    Column("signed", "Signed", Unit.INSTANT),
    Column("sha256", "SHA-256", Unit.DIGEST),
    Column("copy", "Your copy", Unit.DIGEST),
    Column("copy_sha256", "SHA-256 of your copy", Unit.DIGEST),
    Column("bundle", "Its bundle", Unit.DIGEST),
    Column("bundle_sha256", "SHA-256 of its bundle", Unit.DIGEST),
)
_PREVENTION_COLUMNS: Final = (
    Column("incident", "Incident"),
    Column("planned", "Promised", Unit.COUNT),
    Column("done", "Done", Unit.COUNT),
    Column("open", "Open", Unit.COUNT),
    Column("overdue", "Overdue", Unit.COUNT),
    Column("dropped", "Dropped", Unit.COUNT),
    Column("due", "Next due", Unit.DAY),
)

#: To everybody in the same words: whose alarm it was, and of what, is the vendor's.
_UNCLEAR: Final = "told of and not in the register, each of which may have been major"
#: In place of the bundle of a copy.
NOT_MADE: Final = "not made yet"
NO_COPY: Final = "no copy was given"


async def gather(session: ReadSession, ask: Ask) -> Section:
    """Those under way in the period that touched the tenant, or may have, and what is still owed of those before."""
    waiting = await waiting_since(session)
    major = await major_of_period(session, ask)
    over = await major_over_by(session, ask.tenant, ask.period.start)
    lines = await _lines(session, ask.tenant.id, [*major, *over])
    of_period, earlier = lines[: len(major)], lines[len(major) :]
    unclear = await unclear_of_period(session, ask)
    return incidents_section(of_period, waiting or ask.now, ask.now, earlier, unclear)


async def unclear_of_period(session: ReadSession, ask: Ask) -> int:
    """How many were told of that are no incident of the register, and may have been major before the period's end."""
    return sum(at < ask.until for at in await untaken(session))


async def major_of_period(session: ReadSession, ask: Ask) -> list[Incident]:
    """Those that the register has by now, by beginning."""
    found = await incidents_under_way(session, ask.tenant, ask.period.start, ask.until)
    return [each for each in found if each.needs_postmortem]


async def _lines(session: ReadSession, tenant_id: UUID, wanted: Sequence[Incident]) -> list[MajorLine]:
    if not wanted:
        return []
    known = {each.id: each for each in wanted}
    while ahead := {each.merged_into for each in known.values() if each.merged_into} - known.keys():
        more = await incidents_by_id(session, ahead)
        if not more:
            break
        known |= more
    postmortems = await postmortems_of(session, known)
    copies = await newest_copies(session, tenant_id, known)
    signed = await snapshots_of(session, [each.id for each in postmortems.values()])
    snapshots = {of: signed[postmortems[of].id, each.version] for of, each in copies.items()}
    made = await exports_of(session, tenant_id, COPY_KIND, [each.id for each in copies.values()])
    bundles = {each.subject_id: each for each in made if each.state is ExportState.READY}
    covered = {
        line.incident.id: line
        for line in ledger(_major(each, postmortems.get(each.id)) for each in known.values()).lines
        if line.incident is not None
    }
    actions = await actions_by_postmortem(session, [each.id for each in postmortems.values()])
    lines = []
    for each in wanted:
        line = covered[each.id]
        owner = each.id if line.cover is Cover.OUTDATED else line.covered_by
        postmortem = None if owner is None else postmortems[owner]
        promised = () if postmortem is None else actions[postmortem.id]
        copy = None
        if owner is not None:
            copy = copies.get(each.id) if owner == each.id else copy_telling_of(each, copies, snapshots)
        bundle = None if copy is None else bundles.get(copy.id)
        lines.append(MajorLine(each, line.cover, postmortem, copy, promised, bundle))
    return lines


def incidents_section(
    lines: Sequence[MajorLine],
    as_of: datetime,
    now: datetime,
    earlier: Sequence[MajorLine] = (),
    unclear: int = 0,
) -> Section:
    """``as_of``: everything told before it is in the register; ``earlier``: those that were over before the period;
    ``unclear``: how many were told of that are no incident of the register, whoever they touched. Pure.
    """
    state, why = together(
        (
            freshness(as_of, MAX_AGE, now, missing="nothing is known of incidents"),
            *_gaps(lines),
            *((state, f"from before the period: {words}") for state, words in _gaps(earlier)),
            *([(State.STALE, f"{_UNCLEAR}: {unclear}")] if unclear else []),
        )
    )
    none = NONE_KNOWN if unclear else NO_INCIDENTS
    tables = (
        Table(MAJOR, "Incidents", _INCIDENT_COLUMNS, tuple(map(_incident, lines)), none),
        Table(
            POSTMORTEMS, "Postmortems", _POSTMORTEM_COLUMNS, tuple(map(_postmortem, lines)), "None is owed."
        ),
        Table(
            PREVENTION,
            "Prevention",
            _PREVENTION_COLUMNS,
            tuple(_prevention(each, now) for each in lines),
            "Nothing had to be promised.",
        ),
    )
    still = earlier_table(lines, earlier, now)
    figures = (*incident_totals(*tables), *earlier_totals(still), *unclear_total(unclear))
    return Section(
        id=INCIDENTS,
        title=TITLE,
        state=state,
        why=why,
        source=SOURCE,
        as_of=as_of,
        max_age=MAX_AGE,
        sentences=incident_sentences(figures),
        figures=figures,
        tables=(*tables, still),
    )


def _gaps(lines: Sequence[MajorLine]) -> Iterator[tuple[State, str]]:
    outdated = [each.incident for each in lines if each.cover is Cover.OUTDATED]
    unsigned = [each.incident for each in lines if each.cover.is_gap and each.cover is not Cover.OUTDATED]
    for words, some in (
        ("no signed postmortem of", unsigned),
        ("more happened since it was signed of", outdated),
    ):
        if some:
            named = "; ".join(f"{each.worst_severity.value} {each.title}" for each in some)
            yield State.MISSING, f"{words} {named}"


def _major(incident: Incident, postmortem: Postmortem | None) -> MajorIncident:
    signed = None if postmortem is None else postmortem.signed
    return MajorIncident(
        id=incident.id,
        title=incident.title,
        service=incident.service,
        owner="",
        severity=incident.severity,
        worst_severity=incident.worst_severity,
        declared_at=incident.declared_at,
        changes=incident.changes,
        merged_into=incident.merged_into,
        merged_at=incident.merged_at,
        postmortem_id=None if postmortem is None else postmortem.id,
        signed_at=None if signed is None else signed.signed_at,
        frozen_at=None if signed is None else signed.snapshot_at,
    )


def _promised(actions: Sequence[PreventionAction]) -> list[PreventionAction]:
    return [each for each in actions if each.state is not ActionState.WITHDRAWN]


def _incident(line: MajorLine) -> Row:
    each, href = line.incident, page_of(line.incident)
    over = each.resolved_at
    minutes = None if over is None else str(int((over - each.began_at).total_seconds() // 60))
    return Row(
        str(each.shown_id),
        (
            Cell(each.title, href=href),
            Cell(each.worst_severity.value),
            Cell(each.service),
            Cell(rfc3339(each.began_at), Unit.INSTANT, href=href),
            Cell(None if over is None else rfc3339(over), Unit.INSTANT, href=href),
            Cell(minutes, Unit.MINUTES, href=href),
        ),
    )


def _postmortem(line: MajorLine) -> Row:
    signed = None if line.postmortem is None else line.postmortem.signed
    copy = line.copy
    page, href = page_of(line.incident), None if copy is None else _copy_page(copy)
    return Row(
        str(line.incident.shown_id),
        (
            Cell(line.incident.title, href=page),
            Cell(COVER_WORDS.get(line.cover, line.cover.value)),
            *_version(signed, page, href),
            Cell(None if copy is None else str(copy.id), Unit.DIGEST, href=href),
            Cell(None if copy is None else copy.sha256, Unit.DIGEST, href=href),
            *_bundle(line, href),
        ),
    )


def _version(signed: Version | None, page: str, href: str | None) -> tuple[Cell, Cell, Cell]:
    """Its number, when it was signed and its SHA-256; what nobody has signed says so."""
    if signed is None:
        return Cell(NOT_YET, href=page), Cell(NOT_YET), Cell(NOT_YET)
    return (
        Cell(str(signed.number), Unit.COUNT, href=href or page),
        Cell(rfc3339(signed.signed_at), Unit.INSTANT),
        Cell(signed.sha256, Unit.DIGEST, href=href),
    )


def _bundle(line: MajorLine, href: str | None) -> tuple[Cell, Cell]:
    """Its id and its SHA-256. What has no bundle says so: not known is what nobody looked at."""
    made = line.bundle
    if made is None or made.digest is None:
        words = Cell(NO_COPY if line.copy is None else NOT_MADE)
        return words, words
    return Cell(str(made.id), Unit.DIGEST, href=href), Cell(made.digest, Unit.DIGEST, href=href)


def _prevention(line: MajorLine, now: datetime) -> Row:
    actions = _promised(line.actions)
    unknown = line.postmortem is None
    page = page_of(line.incident)
    href = page if line.copy is None else _copy_page(line.copy)

    def count(number: int) -> Cell:
        return Cell(None if unknown else str(number), Unit.COUNT, href=href)

    still = [each for each in actions if each.is_open]
    due = min((each.due for each in still if each.due is not None), default=None)
    return Row(
        str(line.incident.shown_id),
        (
            Cell(line.incident.title, href=page),
            count(len(actions)),
            count(sum(each.state is ActionState.DONE for each in actions)),
            count(len(still)),
            count(sum(each.is_overdue(now) for each in still)),
            count(sum(each.state is ActionState.DROPPED for each in actions)),
            Cell(None if due is None else due.isoformat(), Unit.DAY, href=href),
        ),
    )


def _copy_page(copy: ReleasedCopy) -> str:
    return f"/postmortems/{copy.id}"
