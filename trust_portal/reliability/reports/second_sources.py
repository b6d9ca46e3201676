"""Asks second sources what a report is about to count, outside of any transaction."""

from __future__ import annotations

from collections.abc import Sequence

from trust_portal.errors import InvalidInput
from trust_portal.kernel.clock import Clock
from trust_portal.reliability.attainment.model import Attainment
from trust_portal.reliability.contracts.model import Contract, Sla
from trust_portal.reliability.crosscheck.comparison import NOT_ASKED
from trust_portal.reliability.crosscheck.model import (
    Counter,
    Failure,
    Question,
    SourceReading,
    SourceRevision,
)
from trust_portal.reliability.crosscheck.prometheus import Prometheus
from trust_portal.reliability.findings import State, state_of
from trust_portal.reliability.reports.assessment import checked_span
from trust_portal.reliability.reports.inputs import ReportInputs


class SecondSources:
    """For as long as one report is made: what was answered once is not asked again."""

    def __init__(self, prometheus: Prometheus, clock: Clock) -> None:
        self._prometheus = prometheus
        self._clock = clock
        self._known: dict[Question, SourceReading] = {}

    async def read(
        self, inputs: ReportInputs, attained: Sequence[tuple[Sla, Attainment]]
    ) -> tuple[SourceReading, ...]:
        """One reading for each objective that has a source.

        A source is not asked where our own account cannot be relied on: there is nothing to compare.
        """
        contract = inputs.version.contract
        readings: list[SourceReading] = []
        asked: list[Question] = []
        for sla, attainment in attained:
            source = inputs.sources.get(sla.objective)
            if source is None:
                continue
            question, failure = _question(contract, sla, attainment, source)
            if failure is not None:
                readings.append(question.answered(self._clock.now(), failure=failure))
            else:
                asked.append(question)
        new = [each for each in asked if each not in self._known]
        self._known |= dict(zip(new, await self._prometheus.read(new), strict=True))
        return (*readings, *(self._known[each] for each in asked))


def _question(
    contract: Contract, sla: Sla, attainment: Attainment, source: SourceRevision
) -> tuple[Question, Failure | None]:
    definition = source.definition
    assert definition is not None, "inputs leave out what was withdrawn"  # noqa: S101 - narrows the type
    failure: Failure | None = None
    counters: tuple[Counter, ...] = ()
    if state_of(attainment.findings) is not State.OK:
        failure = Failure(NOT_ASKED, "what was measured here is not complete by itself")
    else:
        try:
            counters = definition.counters(sla)
        except InvalidInput as refused:
            failure = Failure("CROSS_CHECK_UNNAMED", refused.message)
    span = checked_span(contract, attainment)
    return Question(sla.objective, definition, source.revision, source.receipt_id, span, counters), failure
