"""What a trust document says of compliance: the latest evaluation, each result as old as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.compliance.catalogue import shipped_catalogue
from trust_portal.trust.compliance.document import controls_of, imports_of
from trust_portal.trust.compliance.imports.repository import assessments_changed_at
from trust_portal.trust.compliance.model import (
    AssessmentReaders,
    Control,
    ControlState,
    Evaluation,
    Imported,
    Party,
    Result,
)
from trust_portal.trust.compliance.repository import newest_evaluation
from trust_portal.trust.gathering.ids import COMPLIANCE
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.sections.freshness import freshness, together
from trust_portal.trust.sections.model import (
    Cell,
    Column,
    Figure,
    Row,
    Section,
    Sentence,
    State,
    Table,
    Unit,
)

_TITLE: Final = "Continuous compliance"
_SOURCE: Final = "Controls judged by the portal from its own records, and assessments from elsewhere"
_HREF: Final = "/compliance"
_WORDS: Final[Mapping[ControlState, str]] = {
    ControlState.SATISFIED: "satisfied",
    ControlState.NOT_SATISFIED: "not satisfied",
    ControlState.NOT_EVALUATED: "not evaluated",
}
_WHOSE: Final[Mapping[Party, str]] = {Party.HOUSE: "the vendor", Party.TENANT: "your tenant"}
#: What an evaluation did not see that was made before it.
ASSESSED_SINCE: Final = "assessments were handed over or withdrawn since it was evaluated"
_EVALUATED_AT: Final = "evaluated-at"
_SUMMARY: Final = Sentence(
    "Of {results} results: satisfied {satisfied}, not satisfied {not-satisfied}, not evaluated {not-evaluated}. "
    "Judged at {evaluated-at}."
)


async def gather(session: ReadSession, ask: Ask) -> Section:
    """The section of a customer: the latest evaluation, whatever the period. ``session`` is in the staff scope."""
    assessed_at = await assessments_changed_at(session)
    return compliance_section(await newest_evaluation(session, ask.tenant.id), ask.now, assessed_at)


def compliance_section(evaluation: Evaluation | None, now: datetime, assessed_at: datetime | None) -> Section:
    """``evaluation`` None: it was never made, and the section says so. It is of when that is which grows too old first,
    and may be as old: what waits in a draft is stale once anything in it is. ``assessed_at``: when an assessment from
    elsewhere was last taken in or withdrawn, which an evaluation of before did not see.
    """
    if evaluation is None:
        max_age = min(each.max_age for each in shipped_catalogue().controls)
        state, why = freshness(None, max_age, now, missing="compliance was not evaluated yet")
        return Section(COMPLIANCE, _TITLE, state, _SOURCE, None, max_age, why)
    body = parse_json(evaluation.document)
    controls, imports = controls_of(body), imports_of(body)
    # The vendor's own evaluation is read by its people alone.
    offered = {
        each.id: f"{_HREF}/imports/{each.id}"
        for each in imports
        if evaluation.tenant_id == VENDOR_ID or each.readers is AssessmentReaders.CUSTOMERS
    }
    # By the moment they were judged at, and not by the words for how long ago that was: those are the same for two
    # moments in one hour and not in the next, and what somebody let stand would be something else by itself.
    aged: dict[tuple[datetime, timedelta], list[str]] = {}
    ages = [*_ages(evaluation, controls, imports)]
    for about, as_of, max_age in ages:
        if freshness(as_of, max_age, now, missing="")[1] is not None:
            aged.setdefault((as_of, max_age), []).append(about)
    _, first_as_of, first_max_age = min(ages, key=lambda each: each[1] + each[2])
    unseen = assessed_at is not None and evaluation.at < assessed_at
    state, why = together(
        (
            *(
                (State.STALE, f"{', '.join(dict.fromkeys(about))}: {freshness(*judged, now, missing='')[1]}")
                for judged, about in aged.items()
            ),
            *([(State.STALE, ASSESSED_SINCE)] if unseen else []),
        )
    )
    return Section(
        id=COMPLIANCE,
        title=_TITLE,
        state=state,
        source=_SOURCE,
        as_of=first_as_of,
        max_age=first_max_age,
        why=why,
        sentences=(_SUMMARY,),
        figures=_figures(evaluation),
        tables=(
            _controls_table(evaluation, controls),
            _gaps_table(evaluation.results, controls),
            _imports_table(_counting(imports), offered, now),
            *_withdrawn_tables(imports, offered),
        ),
    )


def unseen_by(section: Section, assessed_at: datetime | None) -> str | None:
    """``ASSESSED_SINCE``, where that is so of the evaluation that the section tells of, and the section does not say it."""
    at = next((each.cell.value for each in section.figures if each.id == _EVALUATED_AT), None)
    if at is None or assessed_at is None or datetime.fromisoformat(at) >= assessed_at:
        return None
    return None if ASSESSED_SINCE in (section.why or "") else ASSESSED_SINCE


def _ages(
    evaluation: Evaluation, controls: Mapping[str, Control], imports: Sequence[Imported]
) -> Iterator[tuple[str, datetime, timedelta]]:
    """What ages by itself: name, since when, and how old it may be."""
    for each in evaluation.results:
        yield controls[each.control].title, each.at, controls[each.control].max_age
    for imported in _counting(imports):
        yield f"assessment by {imported.source}", imported.as_of, imported.max_age


def _figures(evaluation: Evaluation) -> tuple[Figure, ...]:
    receipt = str(evaluation.receipt_id)

    def count(id_: str, label: str, value: int) -> Figure:
        return Figure(id_, label, Cell(str(value), Unit.COUNT, href=_HREF, receipt=receipt))

    return (
        count("results", "Results", len(evaluation.results)),
        count("satisfied", "Satisfied", evaluation.count(ControlState.SATISFIED)),
        count("not-satisfied", "Not satisfied", evaluation.count(ControlState.NOT_SATISFIED)),
        count("not-evaluated", "Not evaluated", evaluation.count(ControlState.NOT_EVALUATED)),
        count("gaps", "Gaps", sum(each.gap_count for each in evaluation.results)),
        Figure(
            _EVALUATED_AT,
            "Evaluated at",
            Cell(rfc3339(evaluation.at), Unit.INSTANT, href=_HREF, receipt=receipt),
        ),
        Figure(
            "document",
            "Digest of the evaluation",
            Cell(evaluation.sha256, Unit.DIGEST, href=_HREF, receipt=receipt),
        ),
    )


def _controls_table(evaluation: Evaluation, controls: Mapping[str, Control]) -> Table:
    receipt = str(evaluation.receipt_id)
    return Table(
        id="controls",
        title="Controls",
        columns=(
            Column("control", "Control"),
            Column("whose", "Judged for"),
            Column("state", "Result"),
            Column("looked-at", "Looked at", Unit.COUNT),
            Column("gaps", "Gaps", Unit.COUNT),
            Column("at", "As of", Unit.INSTANT),
            Column("references", "Alike in"),
        ),
        rows=tuple(
            Row(
                f"{each.control}.{each.party.value}",
                (
                    Cell(controls[each.control].title, href=f"{_HREF}#{each.control}"),
                    Cell(_WHOSE[each.party]),
                    Cell(_state_words(each), receipt=receipt),
                    Cell(str(each.looked_at), Unit.COUNT, href=f"{_HREF}#{each.control}", receipt=receipt),
                    Cell(str(each.gap_count), Unit.COUNT, href=f"{_HREF}#{each.control}", receipt=receipt),
                    Cell(rfc3339(each.at), Unit.INSTANT),
                    Cell(references(controls[each.control])),
                ),
            )
            for each in evaluation.results
        ),
        empty="No control is judged for this tenant.",
    )


def _gaps_table(results: Sequence[Result], controls: Mapping[str, Control]) -> Table:
    return Table(
        id="gaps",
        title="Gaps",
        columns=(
            Column("control", "Control"),
            Column("what", "What"),
            Column("why", "Why"),
            Column("since", "Since", Unit.INSTANT),
        ),
        rows=tuple(
            Row(
                f"{each.control}.{gap.id}",
                (
                    Cell(controls[each.control].title, href=f"{_HREF}#{each.control}"),
                    Cell(gap.name, receipt=None if gap.receipt is None else str(gap.receipt)),
                    Cell(gap.why),
                    Cell(rfc3339(gap.since), Unit.INSTANT),
                ),
            )
            for each in results
            for gap in each.gaps
        ),
        empty="No gap of this tenant's own is known. Gaps at the vendor are counted above.",
    )


def _imports_table(imports: Sequence[Imported], offered: Mapping[UUID, str], now: datetime) -> Table:
    """``offered``: where what was handed over is fetched, byte for byte, of what the reader may fetch."""
    return Table(
        id="imported",
        title="Assessed elsewhere",
        columns=(
            Column("source", "By"),
            Column("title", "What"),
            Column("state", "Freshness"),
            Column("satisfied", "Satisfied", Unit.COUNT),
            Column("not-satisfied", "Not satisfied", Unit.COUNT),
            Column("as-of", "As of", Unit.INSTANT),
            Column("digest", "Digest of what was handed over", Unit.DIGEST),
        ),
        rows=tuple(
            Row(
                str(each.id),
                (
                    Cell(each.source),
                    Cell(each.title),
                    Cell(freshness(each.as_of, each.max_age, now, missing="")[0].value),
                    Cell(str(each.satisfied), Unit.COUNT, href=_HREF),
                    Cell(str(each.not_satisfied), Unit.COUNT, href=_HREF),
                    Cell(rfc3339(each.as_of), Unit.INSTANT),
                    Cell(each.sha256, Unit.DIGEST, href=offered.get(each.id)),
                ),
            )
            for each in imports
        ),
        empty="No assessment from elsewhere is on record.",
    )


def _withdrawn_tables(imports: Sequence[Imported], offered: Mapping[UUID, str]) -> tuple[Table, ...]:
    """None where nothing was withdrawn."""
    rows = tuple(
        Row(
            str(each.id),
            (
                Cell(each.source),
                Cell(each.title),
                Cell(rfc3339(each.withdrawn.at), Unit.INSTANT),
                Cell(each.sha256, Unit.DIGEST, href=offered.get(each.id)),
            ),
        )
        for each in imports
        if each.withdrawn is not None
    )
    if not rows:
        return ()
    columns = (
        Column("source", "By"),
        Column("title", "What"),
        Column("at", "Withdrawn", Unit.INSTANT),
        Column("digest", "Digest of what was handed over", Unit.DIGEST),
    )
    return (Table("withdrawn", "Assessed elsewhere, and withdrawn since", columns, rows, "None was."),)


def _counting(imports: Sequence[Imported]) -> tuple[Imported, ...]:
    return tuple(each for each in imports if each.withdrawn is None)


def references(control: Control) -> str:
    """``ISO/IEC 27001:2022 A.5.3, A.8.32; SOC 2 CC5.1``."""
    return "; ".join(f"{name} {', '.join(numbers)}" for name, numbers in control.references.items())


def _state_words(result: Result) -> str:
    words = _WORDS[result.state]
    return words if result.why is None else f"{words}: {result.why}"
