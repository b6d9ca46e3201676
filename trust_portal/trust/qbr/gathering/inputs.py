"""What a QBR is laid beside: the last Trust Report of its period or before, and every signed document its figures are read from. Pure.

Each has a line with its date, how old it may be, and its state; what is not there has one that says so. The
section is as old as the Trust Report, which alone grows old: a signed report, memo or copy is about something that
is over. A signed report is stale where its section says that data received since give other figures, and this section with
it. Whether one is owed is a matter of the section that names it: of a period before the review's own it blocks nothing,
for it may never be written any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trust_portal.documents.formats import duration, period
from trust_portal.kernel.clock import rfc3339
from trust_portal.trust.gathering.ids import CREDITS, INCIDENTS, ISSUED, POSTMORTEMS, REPORTS, SLA
from trust_portal.trust.gathering.sla_section import overtaken_at
from trust_portal.trust.gathering.totals import NOT_BEGUN, NOT_SIGNED
from trust_portal.trust.qbr.ids import DOCUMENTS, INPUTS
from trust_portal.trust.qbr.model import PREVIOUS_FILE, TRUST_REPORT_FILE
from trust_portal.trust.report.sources import CREDIT_INPUT, POSTMORTEM_INPUT, SLA_INPUT
from trust_portal.trust.sections.freshness import freshness, together
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, State, Table, Unit

TITLE: Final = "What this review rests on"
SOURCE: Final = "the documents in its bundle"
#: A Trust Report is published after every quarter, and again when something was late: a month covers both.
MAX_AGE: Final = timedelta(days=31)

_PAGE: Final = "/qbr"
_NO_AGE: Final = "does not age"
#: How old a report may be that other figures are known of.
_OVERTAKEN: Final = "until other figures are known"
_FRESH: Final = State.FRESH.value
_STALE: Final = State.STALE.value
_MISSING: Final = State.MISSING.value
_NO_REPORT: Final = "Trust Report is published"
_LATEST: Final = "The latest Trust Report"
_NONE_OF_PERIOD: Final = "Trust Report is published of the period, or of one before it"
_LAST_OF_PERIOD: Final = "The last Trust Report of the period, or of one before it,"
#: In place of a document that is not there.
NO_FILE: Final = "none"
#: The row of the Trust Report that a review is laid beside.
_LAID: Final = "trust-report"
_COLUMNS: Final = (
    Column("document", "Document"),
    Column("of", "Of"),
    Column("revision", "Revision", Unit.COUNT),
    Column("signed", "Signed", Unit.INSTANT),
    Column("as_of", "As of", Unit.INSTANT),
    Column("max_age", "May be old"),
    Column("state", "State"),
    Column("file", "In the bundle"),
)


@dataclass(frozen=True, slots=True)
class Laid:
    """A whole document that a review is laid beside: a Trust Report, or the review before.

    ``of`` is its period, ``signed`` when it went out, ``as_of`` the moment of its facts. ``receipt`` is None for a
    review: with its receipt a bundle would carry those of every review before it.
    """

    of: str
    revision: int
    signed: datetime
    as_of: datetime
    href: str
    receipt: str | None = None


def inputs_section(
    sections: Sequence[Section],
    trust_report: Laid | None,
    previous: Laid | None,
    now: datetime,
    *,
    is_before_third: bool = False,
    is_before_fourth: bool = False,
) -> Section:
    """``sections`` are those of the review that name documents; ``is_before_third``: it is of format 1 or 2, for which
    the latest Trust Report was the one that was published last, of whatever period; ``is_before_fourth``: of 1, 2 or 3, in
    which a stale report made its own section stale, and not this one.
    """
    as_of = None if trust_report is None else trust_report.as_of
    none, last = (_NO_REPORT, _LATEST) if is_before_third else (_NONE_OF_PERIOD, _LAST_OF_PERIOD)
    state, why = freshness(as_of, MAX_AGE, now, missing=f"no {none}")
    known = {each.id: each for each in sections}
    rows = (
        _trust_report(trust_report, state),
        *_sla(known.get(SLA)),
        *_memos(known.get(CREDITS)),
        *_copies(known.get(INCIDENTS)),
        _previous(previous),
    )
    documents = Table(DOCUMENTS, "Document by document", _COLUMNS, rows, "None.")
    told = dict(documents.by_column())
    if not is_before_fourth:
        state, why = together(((state, why), *_stale(told)))
    missing = sum(cells["state"].value == _MISSING for cells in told.values())
    there = sum(cells["file"].value != NO_FILE for cells in told.values())
    figures = [
        Figure("there", "Documents in the bundle", Cell(str(there), Unit.COUNT, href=_PAGE)),
        Figure("missing", "Documents that are missing", Cell(str(missing), Unit.COUNT, href=_PAGE)),
    ]
    said = Sentence(f"No {none}. Documents in the bundle: {{there}}; missing: {{missing}}.")
    if trust_report is not None:
        of, at = told[_LAID]["of"], told[_LAID]["as_of"]
        figures += [
            Figure("trust-report", "Latest Trust Report" if is_before_third else "Trust Report", of),
            Figure("trust-report-as-of", "As of", at),
        ]
        said = Sentence(
            f"{last} is that of {{trust-report}}, as of {{trust-report-as-of}}. Documents in the bundle: {{there}}; "
            "missing: {missing}."
        )
    return Section(
        id=INPUTS,
        title=TITLE,
        state=state,
        why=why,
        source=SOURCE,
        as_of=as_of,
        max_age=MAX_AGE,
        sentences=(said,),
        figures=tuple(figures),
        tables=(documents,),
    )


def names_overtaken(section: Section) -> bool:
    """Whether other figures are known of a report that this section, of today's format, names."""
    return any(_stale(dict(section.table(DOCUMENTS).by_column())))


def _stale(told: Mapping[str, Mapping[str, Cell]]) -> Iterator[tuple[State, str]]:
    """Of what a review is laid beside, the Trust Report aside: its age is that of the section."""
    for id_, cells in told.items():
        if id_ != _LAID and cells["state"].value == _STALE:
            yield State.STALE, f"{cells['document'].value} for {cells['of'].value}: other figures are known"


def _trust_report(each: Laid | None, state: State) -> Row:
    if each is None:
        return _absent(_LAID, "Trust Report", "none is published", max_age=duration(MAX_AGE))
    return _laid(_LAID, "Trust Report", each, duration(MAX_AGE), state.value, TRUST_REPORT_FILE)


def _previous(each: Laid | None) -> Row:
    if each is None:
        return _absent("previous", "Review before", "none is issued", state="does not apply")
    return _laid("previous", "Review before", each, _NO_AGE, _FRESH, PREVIOUS_FILE)


def _laid(id_: str, document: str, each: Laid, max_age: str, state: str, file: str) -> Row:
    def instant(at: datetime) -> Cell:
        return Cell(rfc3339(at), Unit.INSTANT, href=each.href)

    return Row(
        id_,
        (
            Cell(document, href=each.href, receipt=each.receipt),
            Cell(period(each.of), href=each.href),
            Cell(str(each.revision), Unit.COUNT, href=each.href),
            Cell(rfc3339(each.signed), Unit.INSTANT, href=each.href, receipt=each.receipt),
            instant(each.as_of),
            Cell(max_age),
            Cell(state),
            Cell(file),
        ),
    )


def _absent(
    id_: str,
    document: str,
    of: str,
    *,
    state: str = _MISSING,
    max_age: str = _NO_AGE,
    href: str | None = None,
) -> Row:
    dates = (Cell(NO_FILE), Cell(NO_FILE), Cell(NO_FILE))
    return Row(id_, (Cell(document), Cell(of, href=href), *dates, Cell(max_age), Cell(state), Cell(NO_FILE)))


def _signed(
    id_: str,
    document: str,
    of: Cell,
    revision: Cell,
    signed: Cell,
    proof: Cell,
    file: str,
    *,
    overtaken: bool = False,
) -> Row:
    """A document of something that is over: its facts are those of its signature. ``proof`` names its receipt."""
    at = Cell(signed.value, Unit.INSTANT, href=proof.href, receipt=proof.receipt)
    return Row(
        id_,
        (
            Cell(document, href=proof.href, receipt=proof.receipt),
            of,
            revision,
            at,
            at,
            Cell(_OVERTAKEN if overtaken else _NO_AGE),
            Cell(_STALE if overtaken else _FRESH),
            Cell(file),
        ),
    )


def _sla(section: Section | None) -> Iterator[Row]:
    """Those that are signed, and periods that a contract promises something for and nobody signed."""
    if section is None:
        return
    there = set()
    for _, row in _rows(section, REPORTS):
        label, revision = str(row["period"].value), str(row["revision"].value)
        there.add(label)
        yield _signed(
            f"sla-{label}", "SLA report", Cell(period(label), href=row["period"].href), row["revision"],
            row["issued"], row["sha256"],
            SLA_INPUT.format(period=label, revision=revision), overtaken=overtaken_at(row) is not None,
        )  # fmt: skip
    promised = {
        str(row["period"].value) for table in section.tables if table.id != REPORTS
        for _, row in _rows(section, table.id)
    }  # fmt: skip
    for label in sorted(promised - there):
        yield _absent(f"sla-{label}", "SLA report", period(label), href="/reports")


def _memos(section: Section | None) -> Iterator[Row]:
    if section is None:
        return
    for id_, row in _rows(section, ISSUED):
        yield _signed(
            f"credit-{id_}", "Memo of a credit", row["reference"], Cell(NO_FILE), row["issued"], row["memo"],
            CREDIT_INPUT.format(id=id_),
        )  # fmt: skip


def _copies(section: Section | None) -> Iterator[Row]:
    """Copies that were given; a postmortem that is owed, and one that no copy was given of."""
    if section is None:
        return
    for id_, row in _rows(section, POSTMORTEMS):
        copy, name = row["copy"], f"postmortem-{id_}"
        if copy.value is not None:
            yield _signed(
                name, "Copy of a postmortem", row["incident"], row["version"], row["signed"], row["copy_sha256"],
                POSTMORTEM_INPUT.format(id=copy.value),
            )  # fmt: skip
        elif row["state"].value in {NOT_SIGNED, NOT_BEGUN}:
            yield _absent(name, "Postmortem", str(row["incident"].value), href=row["incident"].href)
        else:
            yield _absent(
                name, "Copy of a postmortem", str(row["incident"].value), state="not given",
                href=row["incident"].href,
            )  # fmt: skip


def _rows(section: Section, name: str) -> Iterator[tuple[str, Mapping[str, Cell]]]:
    """Each row's id, and its cells by column; none where the section has no such table."""
    return (row for table in section.tables if table.id == name for row in table.by_column())
