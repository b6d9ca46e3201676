"""Second sources: who confirms a tenant's counts."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.types.check_state import CheckState
from schema.types.named import NamedValue, named_values
from trust_portal.reliability.crosscheck.model import SourceDefinition, SourceRevision
from trust_portal.reliability.crosscheck.service import Trial


@strawberry.type(description="How an objective's counters are found in a Prometheus.")
class CrossCheckDefinition:
    url: str
    total: str | None = strawberry.field(description="Counter of all requests.")
    good: str | None = strawberry.field(description="Counter of good requests.")
    buckets: str | None = strawberry.field(description="Buckets of a histogram, for latency.")
    labels: list[NamedValue] = strawberry.field(description="Those that a series must have.")
    interval_seconds: int = strawberry.field(description="Between two samples.")
    tolerance: str = strawberry.field(description="Requests that counts may differ by.")
    credential: str | None = strawberry.field(description="A name; never the secret.")


@strawberry.type(description="Where an objective's counts are cross-checked, as recorded.")
class CrossCheckSource:
    objective: str
    revision: int
    definition: CrossCheckDefinition | None = strawberry.field(description="Null where it was withdrawn.")
    reason: str
    set_at: datetime
    set_by: str


@strawberry.type(description="One counter on both sides.")
class CountedTwice:
    counter: str = strawberry.field(description="total, good, or le_ and a bucket's bound in seconds.")
    ours: str
    theirs: str | None = strawberry.field(description="Null where the source has no usable value.")
    agrees: bool


@strawberry.type(description="What a source answers now. Nothing was recorded by asking.")
class CrossCheckTrial:
    state: CheckState
    start: datetime
    end: datetime
    minutes_measured: int = strawberry.field(description="Here, of those in the span.")
    figures: list[CountedTwice]
    failure: str | None = strawberry.field(description="Why it could not be read.")
    findings: list[str]


def cross_check_source(row: SourceRevision) -> CrossCheckSource:
    return CrossCheckSource(
        objective=row.objective,
        revision=row.revision,
        definition=None if row.definition is None else _definition(row.definition),
        reason=row.reason,
        set_at=row.set_at,
        set_by=row.set_by,
    )


def _definition(definition: SourceDefinition) -> CrossCheckDefinition:
    return CrossCheckDefinition(
        url=definition.url,
        total=definition.total,
        good=definition.good,
        buckets=definition.buckets,
        labels=named_values(definition.labels),
        interval_seconds=definition.interval,
        tolerance=str(definition.tolerance),
        credential=definition.credential,
    )


def cross_check_trial(trial: Trial) -> CrossCheckTrial:
    reading = trial.compared.reading
    return CrossCheckTrial(
        state=trial.compared.state,
        start=trial.span.start,
        end=trial.span.end,
        minutes_measured=trial.minutes,
        figures=[
            CountedTwice(
                counter=each.counter,
                ours=str(each.ours),
                theirs=None if each.theirs is None else str(each.theirs),
                agrees=each.agrees,
            )
            for each in trial.compared.figures
        ],
        failure=None if reading is None or reading.failure is None else reading.failure.message,
        findings=[each.message for each in trial.compared.findings],
    )
