"""Two counts of one thing beside each other: what the report counts, and what the second source says. Pure.

Fails closed. Only equal counts (within the agreed tolerance) of a counter without a gap and without a
reset agree. What cannot be compared leaves the report incomplete, what differs leaves it disputed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

import numpy as np

from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.attainment.model import Counts, Samples
from trust_portal.reliability.attainment.slices import exact_sum, minute_of
from trust_portal.reliability.contracts.model import CrossCheck, Sla
from trust_portal.reliability.crosscheck.model import Counter, Failure, SourceReading, Span, Window
from trust_portal.reliability.crosscheck.promql import queries_of
from trust_portal.reliability.findings import Finding, Severity

#: The failure of a reading that was never made: our own account has a gap, so there is nothing to compare.
NOT_ASKED: Final = "NOT_ASKED"
_SHOWN: Final = 3


class CheckState(StrEnum):
    """What a cross-check came to; of several the gravest, in this order from the best.

    ``partial`` is said of a report of which some objectives agree and others have no source.
    """

    AGREED = "agreed"
    PARTIAL = "partial"
    NOT_CHECKED = "not_checked"
    NOT_ASKED = "not_asked"
    NOT_COMPARABLE = "not_comparable"
    DISAGREED = "disagreed"


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """One counter, on both sides; ``theirs`` is absent where the source has no usable value."""

    counter: str
    ours: int
    theirs: int | None
    agrees: bool


@dataclass(frozen=True, slots=True)
class ComparedSla:
    """One objective's cross-check; without a ``reading`` no source is set up."""

    objective: str
    state: CheckState
    reading: SourceReading | None
    figures: tuple[ComparedFigure, ...]
    counters: tuple[Counter, ...]
    findings: tuple[Finding, ...]


def compare(
    sla: Sla, samples: Samples | None, span: Span, reading: SourceReading | None, demanded: CrossCheck
) -> ComparedSla:
    """Our counts over ``span`` beside the source's; ``demanded`` is what the contract asks for."""
    if reading is None:
        missing = _unchecked(sla) if demanded is CrossCheck.REQUIRED else ()
        return ComparedSla(sla.objective, CheckState.NOT_CHECKED, None, (), (), missing)
    if reading.failure is not None and reading.failure.code == NOT_ASKED:
        return ComparedSla(sla.objective, CheckState.NOT_ASKED, reading, (), (), ())
    if reading.failure is not None:
        found = _cannot(sla, reading.failure)
        return ComparedSla(sla.objective, CheckState.NOT_COMPARABLE, reading, (), (), (found,))
    counters = reading.definition.counters(sla)
    ours = counted(sla, samples, span)
    theirs = {each.counter: each for each in reading.counters}
    if reading.span != span or theirs.keys() != {each.name for each in counters}:
        failure = Failure("CROSS_CHECK_OTHER_SPAN", "the source was asked for another span or other counters")
        return compare(sla, samples, span, replace(reading, counters=(), failure=failure), demanded)
    figures = tuple(_figure(name, count, theirs[name].difference, reading) for name, count in ours.items())
    findings = [
        *(each for name in ours for each in _gaps(sla, name, theirs[name].uneven, reading)),
        *(each for name in ours if (each := _fell(sla, name, reading)) is not None),
    ]
    state = CheckState.NOT_COMPARABLE if findings else CheckState.AGREED
    if not findings and not all(each.agrees for each in figures):
        state = CheckState.DISAGREED
        findings = [_differs(sla, figures, reading)]
    return ComparedSla(sla.objective, state, reading, figures, counters, tuple(findings))


def overall(compared: Sequence[ComparedSla]) -> CheckState:
    """One word for a whole report."""
    states = {each.state for each in compared}
    for grave in (CheckState.DISAGREED, CheckState.NOT_COMPARABLE, CheckState.NOT_ASKED):
        if grave in states:
            return grave
    if states == {CheckState.AGREED}:
        return CheckState.AGREED
    return CheckState.PARTIAL if CheckState.AGREED in states else CheckState.NOT_CHECKED


def counted(sla: Sla, samples: Samples | None, span: Span) -> dict[str, int]:
    """What the report counts in ``span``, by counter: all requests, and good ones or those within bounds.

    A minute that came twice with equal values counts once.
    """
    bounds = [weight.le for weight in sla.weights] or (
        [] if sla.latency_threshold is None else [sla.latency_threshold]
    )
    if samples is None or not samples.minutes.size:
        return dict.fromkeys(
            ["total", *(f"le_{bound}" for bound in bounds)] if bounds else ["total", "good"], 0
        )
    inside = (samples.minutes >= minute_of(span.start)) & (samples.minutes < minute_of(span.end))
    _, first = np.unique(samples.minutes[inside], return_index=True)

    def total(column: Counts) -> int:
        return exact_sum(column[inside][first])

    if bounds:
        return {"total": total(samples.total)} | {
            f"le_{bound}": total(samples.buckets[bound]) for bound in bounds if bound in samples.buckets
        }
    return {"total": total(samples.total), "good": total(samples.good)}


def _figure(counter: str, ours: int, theirs: int | None, reading: SourceReading) -> ComparedFigure:
    agrees = theirs is not None and abs(ours - theirs) <= reading.definition.tolerance
    return ComparedFigure(counter, ours, theirs, agrees)


def _unchecked(sla: Sla) -> tuple[Finding, ...]:
    return (
        Finding(
            "CROSS_CHECK_REQUIRED",
            "the contract demands that a second source confirms the counts, and none is set up for it",
            sla.objective,
            Severity.INCOMPLETE,
        ),
    )


def _cannot(sla: Sla, failure: Failure) -> Finding:
    message = f"the second source could not be read: {failure.message}"
    return Finding(failure.code, message, sla.objective, Severity.INCOMPLETE)


def _gaps(sla: Sla, counter: str, uneven: Sequence[Window], reading: SourceReading) -> list[Finding]:
    """Too few samples: something was not counted there. Too many: it is not clear by whom."""
    found = []
    for code, words, wrong in (
        ("CROSS_CHECK_SAMPLES_MISSING", "lacks samples", [w for w in uneven if w.samples < w.expected]),
        (
            "CROSS_CHECK_SAMPLES_EXTRA",
            "has more samples than its interval makes",
            [w for w in uneven if w.samples > w.expected],
        ),
    ):
        if wrong:
            shown = "; ".join(
                f"{each.samples} of {each.expected} up to {rfc3339(each.end)}" for each in wrong[:_SHOWN]
            )
            more = "; …" if len(wrong) > _SHOWN else ""
            found.append(
                Finding(
                    code,
                    f"the second source's {counter} {words} in {len(wrong)} of {_windows(reading.span)} windows, so it "
                    f"cannot be compared: {shown}{more}",
                    sla.objective,
                    Severity.INCOMPLETE,
                )
            )
    return found


def _fell(sla: Sla, counter: str, reading: SourceReading) -> Finding | None:
    (found,) = (each for each in reading.counters if each.counter == counter)
    if not found.resets:
        return None
    times = sum(each.count for each in found.resets)
    first = found.resets[0]
    return Finding(
        "CROSS_CHECK_RESET",
        f"the second source's {counter} began anew {times} time{'' if times == 1 else 's'}, first within the hour up to "
        f"{rfc3339(first.end)}; what it counted before that is lost, so it cannot be compared",
        sla.objective,
        Severity.INCOMPLETE,
    )


def _differs(sla: Sla, figures: Sequence[ComparedFigure], reading: SourceReading) -> Finding:
    told = "; ".join(
        f"{each.counter}: {each.ours} here, {each.theirs} there" for each in figures if not each.agrees
    )
    tolerance = reading.definition.tolerance
    agreed = f" (at most {tolerance} apart was agreed)" if tolerance else ""
    return Finding(
        "CROSS_CHECK_DISAGREES",
        f"the second source counts differently from {rfc3339(reading.span.start)} to {rfc3339(reading.span.end)}: "
        f"{told}{agreed}",
        sla.objective,
        Severity.DISPUTED,
    )


def _windows(span: Span) -> int:
    return -(-(span.end - span.start) // timedelta(hours=1))


def cross_check_json(compared: Sequence[ComparedSla], demanded: CrossCheck) -> Mapping[str, Json]:
    """As the signed report states it: both sides, what was asked, of whom and when."""
    return {
        "demanded": demanded.value,
        "state": overall(compared).value,
        "objectives": [_objective_json(each) for each in compared],
    }


def _objective_json(compared: ComparedSla) -> Json:
    reading = compared.reading
    if reading is None:
        return {
            "objective": compared.objective,
            "state": compared.state.value,
            "source": None,
            "figures": [],
            "queries": [],
        }
    definition = reading.definition
    return {
        "objective": compared.objective,
        "state": compared.state.value,
        "source": {
            "kind": "prometheus",
            "url": definition.url,
            "settings": str(reading.revision),
            "receipt": str(reading.receipt_id),
            "asked_at": rfc3339(reading.asked_at),
            "span": reading.span.as_json(),
            "tolerance": str(definition.tolerance),
        },
        "figures": [
            {
                "counter": each.counter,
                "ours": str(each.ours),
                "theirs": None if each.theirs is None else str(each.theirs),
                "agrees": each.agrees,
            }
            for each in compared.figures
        ],
        "queries": [
            query.as_json()
            for counter in compared.counters
            for query in queries_of(definition, counter, reading.span)
        ],
    }
