"""Who looked at the tenant's things in the period, and who fetched what, from its own access log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from trust_portal.access.access_log.model import AccessEntry, AccessTally, Group, Verb
from trust_portal.access.access_log.repository import downloads_between, tallies_between
from trust_portal.kernel.actor import ActorKind
from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.ids import ACCESS
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, State, Table, Unit

TITLE: Final = "Access"
SOURCE: Final = "the access log"
MAX_AGE: Final = timedelta(days=1)
#: So many downloads are named, the latest; the figures count all.
MOST_DOWNLOADS: Final = 50

_PAGE: Final = "/access"
_FETCHED: Final = f"{_PAGE}?did=downloaded"
_WHO_COLUMNS: Final = (
    Column("who", "Who"),
    Column("group", "Of"),
    Column("read", "Looked", Unit.COUNT),
    Column("downloaded", "Fetched", Unit.COUNT),
    Column("last", "Last", Unit.INSTANT),
)
_DOWNLOAD_COLUMNS: Final = (
    Column("at", "When", Unit.INSTANT),
    Column("who", "Who"),
    Column("group", "Of"),
    Column("what", "What"),
    Column("subject", "Which"),
)
_GROUPS: Final = {
    Group.AUDITOR: "auditors",
    Group.CUSTOMER: "your people",
    Group.STAFF: "the vendor",
    Group.SYSTEM: "the installation",
}
#: Of what came by a token: nobody was there to see it.
_PROGRAMS: Final = {
    Group.AUDITOR: "auditors’ programs, by token",
    Group.CUSTOMER: "your programs, by token",
    Group.STAFF: "the vendor’s programs, by token",
}


async def gather(session: ReadSession, ask: Ask) -> Section:
    """Everything that was written down in the period."""
    start, end = ask.period.start, ask.until
    tallies = await tallies_between(session, ask.tenant.id, start, end)
    downloads = await downloads_between(session, ask.tenant.id, start, end, MOST_DOWNLOADS)
    return access_section(tallies, downloads, ask)


def access_section(tallies: Sequence[AccessTally], downloads: Sequence[AccessEntry], ask: Ask) -> Section:
    """Pure."""

    def counted(verb: Verb, group: Group | None = None) -> str:
        return str(sum(each.count(verb) for each in tallies if group is None or each.group is group))

    programs = sum(each.downloaded for each in tallies if each.actor_kind is ActorKind.TOKEN)
    said = [
        Sentence(
            "The vendor looked {staff} times, auditors {auditors}; fetched in all: {fetched}, of which by programs "
            "with a token: {programs}."
        )
    ]
    named = Figure("named", "Fetches named here", Cell(str(len(downloads)), Unit.COUNT, href=_FETCHED))
    if len(downloads) < sum(each.downloaded for each in tallies):
        said.append(Sentence("Named here are the latest {named} of them; the access log names all."))
    return Section(
        id=ACCESS,
        title=TITLE,
        state=State.FRESH,
        source=SOURCE,
        as_of=ask.now,
        max_age=MAX_AGE,
        sentences=tuple(said),
        figures=(
            Figure(
                "staff", "The vendor looked", Cell(counted(Verb.READ, Group.STAFF), Unit.COUNT, href=_PAGE)
            ),
            Figure(
                "auditors", "Auditors looked", Cell(counted(Verb.READ, Group.AUDITOR), Unit.COUNT, href=_PAGE)
            ),
            Figure("fetched", "Fetched", Cell(counted(Verb.DOWNLOADED), Unit.COUNT, href=_FETCHED)),
            Figure(
                "programs",
                "Fetched by programs, by token",
                Cell(str(programs), Unit.COUNT, href=f"{_PAGE}?by=token&did=downloaded"),
            ),
            named,
        ),
        tables=(
            Table(
                "who", "Who", _WHO_COLUMNS, tuple(map(_who, tallies)), "Nobody but your own people looked."
            ),
            Table(
                "downloads",
                "What was fetched, the latest first",
                _DOWNLOAD_COLUMNS,
                tuple(map(_download, downloads)),
                "Nothing was fetched.",
            ),
        ),
    )


def _who(each: AccessTally) -> Row:
    return Row(
        f"{each.group.value}-{each.actor_id}",
        (
            Cell(each.actor_name),
            Cell(_of(each.group, each.actor_kind)),
            Cell(str(each.read), Unit.COUNT, href=_PAGE),
            Cell(str(each.downloaded), Unit.COUNT, href=_PAGE),
            Cell(rfc3339(each.last.replace(microsecond=0)), Unit.INSTANT, href=_PAGE),
        ),
    )


def _of(group: Group, kind: ActorKind) -> str:
    return _PROGRAMS.get(group, _GROUPS[group]) if kind is ActorKind.TOKEN else _GROUPS[group]


def _download(each: AccessEntry) -> Row:
    return Row(
        str(each.id),
        (
            Cell(rfc3339(each.at.replace(microsecond=0)), Unit.INSTANT, href=_PAGE),
            Cell(each.actor_name),
            Cell(_of(each.group, each.actor_kind)),
            Cell(each.access.what),
            Cell(each.access.subject or "the list"),
        ),
    )
