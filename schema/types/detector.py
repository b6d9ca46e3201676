"""Detectors: which is live and which on trial, what each found, how good that was, and what back-tests said."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import strawberry

from schema.ids import encode
from trust_portal.cost.anomalies import flags_model
from trust_portal.cost.anomalies.backtest import Trial, TryThresholds
from trust_portal.cost.anomalies.model import Lane, Verdict
from trust_portal.cost.anomalies.watching import Sighting
from trust_portal.cost.detection.model import Direction, Severity
from trust_portal.cost.metering.model import Subsystem
from trust_portal.cost.trials import comparison, model, quality
from trust_portal.cost.trials.reading import DetectorReport
from trust_portal.cost.trials.service import Standing

strawberry.enum(
    flags_model.Flag, name="CostDetectorFlag", description="LIVE is acted on; SHADOW watches beside it."
)
strawberry.enum(Lane, name="CostDetectorLane", description="Whether finds are acted on.")


@strawberry.type(description="How much too much, in major units of one currency.")
class CostExcess:
    currency: str
    amount: Decimal


@strawberry.type(description="How many anomalies, and what they come to.")
class CostFinds:
    anomalies: int
    excess: list[CostExcess]


@strawberry.type(description="What two detectors found in the same hours.")
class CostDetectorComparison:
    live: CostFinds
    shadow: CostFinds
    both: CostFinds = strawberry.field(description="With the live detector's figures.")
    only_live: CostFinds
    only_shadow: CostFinds


@strawberry.type(
    description="Finds that people judged with one verdict, and which detector finds them again."
)
class CostBackTestVerdict:
    verdict: Verdict
    on_record: int = strawberry.field(description="How many there are.")
    live: int = strawberry.field(description="How many of them the live detector finds again.")
    shadow: int = strawberry.field(description="How many of them the tried detector finds again.")


@strawberry.type(description="A detector tried on the stored history beside the live one. It never changes.")
class CostBackTest:
    id: strawberry.ID
    detector: str
    live: str
    weeks: int
    start: datetime
    end: datetime
    hours: int = strawberry.field(description="Hours of series that were replayed.")
    tenants: int = strawberry.field(description="Of how many tenants history was replayed.")
    found: CostDetectorComparison
    judged: list[CostBackTestVerdict]
    sha256: str = strawberry.field(
        description="SHA-256 of parameters and results; its receipt says the same."
    )
    ran_at: datetime
    ran_by: str
    receipt_id: strawberry.ID


strawberry.enum(model.RunState, name="CostBackTestState", description="A failed one can be asked for again.")


@strawberry.type(description="A back-test that was asked for, and how far it is.")
class CostBackTestRun:
    id: strawberry.ID = strawberry.field(description="Of the back-test that it becomes.")
    detector: str
    live: str
    weeks: int
    state: model.RunState
    done: int = strawberry.field(description="Tenants whose history was replayed.")
    total: int | None = strawberry.field(description="Of how many; null: not looked up yet.")
    failure: str | None = strawberry.field(description="Why there is no result.")
    asked_at: datetime
    asked_by: str
    finished_at: datetime | None


@strawberry.type(description="A decision about a detector, on what it rests, and its receipt.")
class CostDetectorDecision:
    flag: flags_model.Flag
    revision: int
    enabled: bool
    detector: str
    for_everybody: bool
    back_test_id: strawberry.ID | None
    back_test_sha256: str | None
    reason: str
    set_at: datetime
    set_by: str
    receipt_id: strawberry.ID


@strawberry.type(description="Name and version of what watches, and who decided that; null: as installed.")
class CostDetectors:
    live: str
    shadow: str | None
    live_by: CostDetectorDecision | None
    shadow_by: CostDetectorDecision | None
    history: list[CostDetectorDecision] = strawberry.field(
        description="Made for this very place, newest first."
    )


@strawberry.type(description="Finds of a detector counted by what people said of them.")
class CostDetectorQuality:
    lane: Lane
    detector: str
    tenant_id: strawberry.ID | None = strawberry.field(description="Null: summed over tenants.")
    subsystem: Subsystem | None = strawberry.field(description="Null: summed over subsystems.")
    found: int
    real: int
    planned: int
    false: int
    unjudged: int
    precision: Decimal | None = strawberry.field(
        description="Of those judged, the share from 0 to 1 that nobody called false; null: nobody has judged."
    )


@strawberry.type(description="Of anomalies that began from start to end.")
class CostDetectorReport:
    start: datetime
    end: datetime
    comparison: CostDetectorComparison
    quality: list[CostDetectorQuality] = strawberry.field(description="By detector.")
    quality_in_parts: list[CostDetectorQuality] = strawberry.field(
        description="By detector, tenant and subsystem."
    )


@strawberry.type(
    description="What would have been raised. Amounts are the detector's own, in major units of the currency beside them."
)
class CostSighting:
    subsystem: Subsystem
    currency: str
    started_at: datetime
    detected_at: datetime
    last_at: datetime
    direction: Direction
    severity: Severity
    excess: Decimal = strawberry.field(description="Rounded to the cent.")


@strawberry.type(description="A tenant's history with what holds now and with what is tried. Nothing is set.")
class CostThresholdTrial:
    start: datetime
    end: datetime
    hours: int = strawberry.field(description="How many hours of the series were tried.")
    detector: str
    now: list[CostSighting]
    tried: list[CostSighting]


@strawberry.input(description="Thresholds to try; one that is left out stays as it holds now.")
class TriedThresholdsInput:
    subsystem: Subsystem | None = strawberry.field(default=None, description="Null: every one.")
    min_impact: float | None = strawberry.field(
        default=None, description="Least excess, in major units of the series' currency: 0 to 1e12."
    )
    min_day_share: float | None = strawberry.field(
        default=None,
        description="Least excess as a share of what the series comes to in a usual day: 0 to 100; 0.4 is 40 percent.",
    )
    sensitivity: float | None = strawberry.field(
        default=None,
        description="As a factor, 0.1 to 10: at 2 half of the usual deviation is raised.",
    )
    burn_rate: float | None = strawberry.field(
        default=None, description="How many times as fast as the budget spending is too fast: 1 to 1000."
    )
    drop_impact: float | None = strawberry.field(
        default=None, description="How many times as large as a rise a drop has to be: 0.1 to 1000."
    )
    weeks: int = 8


#: Thresholds as inputs name them.
FIGURES = ("min_impact", "min_day_share", "sensitivity", "burn_rate", "drop_impact")


def try_thresholds(tenant_id: UUID, tried: TriedThresholdsInput) -> TryThresholds:
    figures = {name: value for name in FIGURES if (value := getattr(tried, name)) is not None}
    return TryThresholds(tenant_id, tried.subsystem, figures, tried.weeks)


def cost_back_test(row: model.BackTest) -> CostBackTest:
    document = row.document
    found = {name: _finds(each) for name, each in row.found.items()}
    return CostBackTest(
        id=encode("CostBackTest", row.tenant_id, row.id),
        detector=row.detector,
        live=row.live,
        weeks=row.weeks,
        start=row.start,
        end=row.end,
        hours=int(document["hours"]),
        tenants=int(document["tenants"]["replayed"]),
        found=CostDetectorComparison(**found),
        judged=[
            CostBackTestVerdict(
                verdict=Verdict(verdict),
                on_record=int(each["on_record"]),
                live=int(each["live"]),
                shadow=int(each["shadow"]),
            )
            for verdict, each in document["judged"].items()
        ],
        sha256=row.digest,
        ran_at=row.ran_at,
        ran_by=row.ran_by,
        receipt_id=encode("Receipt", row.tenant_id, row.receipt_id),
    )


def cost_back_test_run(row: model.BackTestRun) -> CostBackTestRun:
    return CostBackTestRun(
        id=encode("CostBackTest", row.tenant_id, row.id),
        detector=row.detector,
        live=row.live,
        weeks=row.weeks,
        state=row.state,
        done=row.done,
        total=row.total,
        failure=row.failure,
        asked_at=row.asked_at,
        asked_by=row.asked_by.name,
        finished_at=row.finished_at,
    )


def cost_detectors(row: Standing) -> CostDetectors:
    held = row.detectors
    return CostDetectors(
        live=str(held.live.detector),
        shadow=None if held.shadow is None else str(held.shadow.detector),
        live_by=None if held.live_by is None else cost_detector_decision(held.live_by),
        shadow_by=None if held.shadow_by is None else cost_detector_decision(held.shadow_by),
        history=[cost_detector_decision(each) for each in row.history],
    )


def cost_detector_decision(row: flags_model.FlagRevision) -> CostDetectorDecision:
    return CostDetectorDecision(
        flag=row.flag,
        revision=row.revision,
        enabled=row.enabled,
        detector=row.detector,
        for_everybody=row.is_for_everybody,
        back_test_id=(
            None if row.back_test_id is None else encode("CostBackTest", row.tenant_id, row.back_test_id)
        ),
        back_test_sha256=row.back_test.get("digest"),
        reason=row.reason,
        set_at=row.set_at,
        set_by=row.set_by,
        receipt_id=encode("Receipt", row.tenant_id, row.receipt_id),
    )


def cost_detector_report(row: DetectorReport) -> CostDetectorReport:
    sums = {name: _finds(each) for name, each in row.comparison.sums().items()}
    return CostDetectorReport(
        start=row.start,
        end=row.end,
        comparison=CostDetectorComparison(**sums),
        quality=[_quality(each) for each in quality.by_detector(row.judgements)],
        quality_in_parts=[_quality(each) for each in row.judgements],
    )


def cost_threshold_trial(row: Trial) -> CostThresholdTrial:
    return CostThresholdTrial(
        start=row.start,
        end=row.end,
        hours=row.hours,
        detector=row.detector,
        now=[_sighting(each) for each in row.now],
        tried=[_sighting(each) for each in row.tried],
    )


def _sighting(row: Sighting) -> CostSighting:
    return CostSighting(
        subsystem=Subsystem(row.series.subsystem),
        currency=row.series.currency,
        started_at=row.anomaly.start,
        detected_at=row.anomaly.detected_at,
        last_at=row.last,
        direction=row.anomaly.direction,
        severity=row.anomaly.severity,
        excess=Decimal(f"{row.anomaly.excess:.2f}"),
    )


def _quality(row: quality.Judgement) -> CostDetectorQuality:
    return CostDetectorQuality(
        lane=row.lane,
        detector=row.detector,
        tenant_id=None if row.tenant_id is None else encode("Tenant", row.tenant_id, row.tenant_id),
        subsystem=None if row.subsystem is None else Subsystem(row.subsystem),
        found=row.found,
        real=row.real,
        planned=row.planned,
        false=row.false,
        unjudged=row.unjudged,
        precision=row.precision,
    )


def _finds(row: comparison.Sum) -> CostFinds:
    return CostFinds(
        anomalies=row.anomalies,
        excess=[CostExcess(currency=currency, amount=each) for currency, each in row.excess.items()],
    )
