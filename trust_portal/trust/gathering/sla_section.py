"""What signed SLA reports come to in a document: objective by objective, month by month. Pure.

Whoever verifies a document derives this section again, so nothing here reads a store.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from trust_portal.documents.formats import instant, period
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.period import place_of
from trust_portal.trust.gathering.ids import OVERTAKEN, REPORTS, SLA
from trust_portal.trust.sections.freshness import freshness, together
from trust_portal.trust.sections.model import (
    Cell,
    Chart,
    ChartKind,
    Column,
    Figure,
    Row,
    Section,
    Sentence,
    State,
    Table,
    Unit,
)

TITLE: Final = "Service levels"
SOURCE: Final = "signed SLA reports"
#: A quarter, and the days in which its last month's report is signed.
MAX_AGE: Final = timedelta(days=100)

_PAGE: Final = "/reports"
#: Figure that is there where a period before the document's was never reported.
_BEFORE: Final = "unreported-before"
#: The figure of how long it was down.
ANY_DOWN: Final = "any-down"
_NOT_AN_ID = re.compile(r"[^a-z0-9_.:-]+")
_MONTH_COLUMNS: Final = (
    Column("period", "Period"),
    Column("attained", "Attained", Unit.PERCENT),
    Column("raw", "Before exclusions", Unit.PERCENT),
    Column("target", "Promised", Unit.PERCENT),
    Column("met", "Kept"),
    Column("down", "Down", Unit.MINUTES),
    Column("down_raw", "Down before exclusions", Unit.MINUTES),
)
_REPORT_COLUMNS: Final = (
    Column("period", "Report"),
    Column("revision", "Revision", Unit.COUNT),
    Column("issued", "Signed", Unit.INSTANT),
    Column("sha256", "SHA-256", Unit.DIGEST),
)
_OVERTAKEN_COLUMN: Final = Column(OVERTAKEN, "Other figures known", Unit.INSTANT)


@dataclass(frozen=True, slots=True)
class SignedReport:
    """A signed report as it is told: its bytes parsed, and what its row and its receipt say of it."""

    body: Mapping[str, Any]
    id: str
    sha256: str
    receipt: str
    issued_at: datetime
    overtaken_at: datetime | None = None

    @property
    def label(self) -> str:
        return str(self.body["period"]["label"])

    @property
    def start(self) -> str:
        return str(self.body["period"]["start"])

    @property
    def href(self) -> str:
        return f"{_PAGE}/{self.id}"


@dataclass(frozen=True, slots=True)
class Owed:
    """A period, of the document's or before it, in which the contract promises something; ``over``: its report is due."""

    label: str
    over: bool
    objectives: tuple[tuple[str, str], ...]


def sla_section(
    promised: Sequence[Owed], signed: Sequence[SignedReport], labels: Sequence[str], now: datetime
) -> Section:
    """``labels`` are the periods the document is about. What is not reported of them leaves the section missing; what is
    not of a period before them is a row of its own, a gap in the line, and is said.
    """
    reports = sorted(signed, key=lambda each: (each.start, each.label))
    known = {each.label for each in reports}
    unreported = [each.label for each in promised if each.over and each.label not in known]
    missing = [each for each in unreported if each in labels]
    before = len(unreported) - len(missing)
    of_period = [each for each in reports if each.label in labels]
    tables = [*_objective_tables(reports, promised), _reports_table(reports)]
    as_of = max((each.issued_at for each in of_period or reports), default=None)
    own = [each for each in promised if each.label in labels]
    state, why = _state(own, missing, reports, as_of, now)
    return Section(
        id=SLA,
        title=TITLE,
        state=state,
        why=why,
        source=SOURCE,
        as_of=as_of,
        max_age=MAX_AGE,
        sentences=_sentences(of_period, missing, before),
        figures=_figures(of_period, missing, before),
        tables=tuple(tables),
        charts=tuple(
            Chart(
                table.id,
                f"{table.title}: attained",
                ChartKind.LINE,
                table.id,
                "period",
                ("attained",),
                target,
            )
            for table in tables[:-1]
            if (target := table.cell(table.rows[-1], "target").value) is not None
        ),
    )


def _state(
    promised: Sequence[Owed],
    missing: Sequence[str],
    reports: Sequence[SignedReport],
    as_of: datetime | None,
    now: datetime,
) -> tuple[State, str | None]:
    if not promised:
        return State.NOT_APPLICABLE, "no contract that was on record by then promises anything in this period"
    if as_of is None and not missing:
        return State.NOT_APPLICABLE, "nothing that was promised is over yet"
    causes: list[tuple[State, str | None]] = []
    if missing:
        causes.append((State.MISSING, f"no report is signed for {', '.join(map(period, missing))}"))
    overtaken = [
        f"{period(each.label)}, known {instant(each.overtaken_at.replace(microsecond=0))}"
        for each in reports
        if each.overtaken_at is not None
    ]
    if overtaken:
        causes.append((State.STALE, f"data received since give other figures for {'; '.join(overtaken)}"))
    if as_of is not None:
        causes.append(freshness(as_of, MAX_AGE, now, missing=""))
    return together(causes)


def _objective_tables(reports: Sequence[SignedReport], promised: Sequence[Owed]) -> Iterator[Table]:
    rows: dict[str, dict[str, Row]] = {}
    for report in reports:
        for entry in report.body["objectives"]:
            rows.setdefault(entry["objective"], {})[report.label] = _month(report, entry)
    known = {each.label for each in reports}
    for each in promised:
        for objective, target in each.objectives:
            if each.over and each.label not in known:
                rows.setdefault(objective, {})[each.label] = _unknown(each.label, target)
    taken: set[str] = set()
    for objective in sorted(rows):
        months = rows[objective]
        yield Table(
            _table_id(objective, taken),
            objective,
            _MONTH_COLUMNS,
            tuple(months[label] for label in sorted(months, key=place_of)),
            "No period was reported yet.",
        )


def _table_id(objective: str, taken: set[str]) -> str:
    """An id of its own, also for objectives that differ in their case only."""
    stem = "objective-" + _NOT_AN_ID.sub("-", objective.lower())
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name)
    return name


def _month(report: SignedReport, entry: Mapping[str, Any]) -> Row:
    adjusted, raw, met = entry["adjusted"], entry["raw"], entry["met"]

    def cell(value: str | None, unit: Unit) -> Cell:
        return Cell(value, unit, href=report.href, receipt=report.receipt)

    return Row(
        report.label,
        (
            Cell(report.label, href=report.href),
            cell(adjusted and adjusted["percent"], Unit.PERCENT),
            cell(raw and raw["percent"], Unit.PERCENT),
            Cell(entry["target"], Unit.PERCENT, href=report.href),
            Cell(None if met is None else ("yes" if met else "no")),
            cell(adjusted and adjusted["down_minutes"], Unit.MINUTES),
            cell(raw and raw["down_minutes"], Unit.MINUTES),
        ),
    )


def _unknown(label: str, target: str) -> Row:
    blank = tuple(Cell(None, column.unit) for column in _MONTH_COLUMNS)
    target_cell = Cell(target, Unit.PERCENT, href="/contracts")
    return Row(label, (Cell(label), *blank[1:3], target_cell, *blank[4:]))


def overtaken_at(row: Mapping[str, Cell]) -> datetime | None:
    """Since when other figures are known, from a row of the reports' table by column."""
    cell = row.get(OVERTAKEN)
    if cell is None or cell.unit is not Unit.INSTANT:
        return None
    return datetime.fromisoformat(str(cell.value))


def _reports_table(reports: Sequence[SignedReport]) -> Table:
    """The last column is there only where it has something to say: most documents never need it."""
    contradicted = any(each.overtaken_at is not None for each in reports)
    return Table(
        REPORTS,
        "The reports behind these figures",
        (*_REPORT_COLUMNS, _OVERTAKEN_COLUMN) if contradicted else _REPORT_COLUMNS,
        tuple(
            Row(
                each.label,
                (
                    Cell(each.label, href=each.href),
                    Cell(str(each.body["revision"]), Unit.COUNT, href=each.href),
                    Cell(rfc3339(each.issued_at), Unit.INSTANT),
                    Cell(each.sha256, Unit.DIGEST, href=each.href, receipt=each.receipt),
                    *((_overtaken(each),) if contradicted else ()),
                ),
            )
            for each in reports
        ),
        "No report is signed yet.",
    )


def _overtaken(report: SignedReport) -> Cell:
    if report.overtaken_at is None:
        return Cell("none")
    return Cell(rfc3339(report.overtaken_at), Unit.INSTANT, href=report.href)


def _figures(of_period: Sequence[SignedReport], missing: Sequence[str], before: int) -> tuple[Figure, ...]:
    verdicts = [entry["met"] for each in of_period for entry in each.body["objectives"]]

    def total(id_: str, label: str, value: int, unit: Unit = Unit.COUNT) -> Figure:
        return Figure(id_, label, Cell(str(value), unit, href=_PAGE))

    return (
        total("kept", "Promises kept", sum(met is True for met in verdicts)),
        total("missed", "Promises missed", sum(met is False for met in verdicts)),
        total("promises", "Promises in the period", len(verdicts)),
        total(
            ANY_DOWN,
            "Down in the period, any promise, before exclusions",
            _any_down(of_period),
            Unit.MINUTES,
        ),
        total("unreported", "Periods without a signed report", len(missing)),
        *([total(_BEFORE, "Earlier periods without a signed report", before)] if before else []),
    )


def _any_down(reports: Sequence[SignedReport]) -> int:
    """Minutes in which one promise or more was down, each once: an outage takes no longer where more was promised."""
    outages = sorted(
        (datetime.fromisoformat(each["start"]), datetime.fromisoformat(each["end"]))
        for report in reports
        for entry in report.body["objectives"]
        for each in entry["incidents"]
    )
    total, until = timedelta(), None
    for start, end in outages:
        since = start if until is None else max(start, until)
        if end > since:
            total, until = total + (end - since), end
    return total // timedelta(minutes=1)


def _sentences(
    of_period: Sequence[SignedReport], missing: Sequence[str], before: int
) -> tuple[Sentence, ...]:
    found = []
    if of_period:
        found.append(
            Sentence(
                "Promises in the period: {promises}; kept: {kept}; missed: {missed}; time in which any of them was down, "
                f"before exclusions: {{{ANY_DOWN}}}."
            )
        )
    if missing:
        found.append(Sentence("Periods without a signed report: {unreported}."))
    if before:
        found.append(
            Sentence(
                f"Earlier periods of the contract without a signed report: {{{_BEFORE}}}; what was attained in them is not "
                "known."
            )
        )
    return tuple(found)
