"""A forecast from what was measured: days behind, days so far, and what the contract would give now. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from trust_portal.kernel.period import Period, month_label, parse_period, zone
from trust_portal.reliability.attainment.calculation import attain
from trust_portal.reliability.attainment.model import Attainment, Exclusion, Samples
from trust_portal.reliability.contracts.in_force import length_of
from trust_portal.reliability.contracts.model import Boundary, Contract, Sla, percent_text
from trust_portal.reliability.credits.calculation import SlaCredit, combined_credit, credit_for
from trust_portal.reliability.findings import Finding, Severity
from trust_portal.reliability.forecast.calculation import MOST_DAYS, lost, outlook
from trust_portal.reliability.forecast.model import Forecast, SlaForecast


@dataclass(frozen=True, slots=True)
class Reach:
    """What of time one promise's forecast looks at. ``until`` is the last local midnight, or the contract's end."""

    period: Period
    until: datetime
    months: tuple[Period, ...]


def reach_of(contract: Contract, sla: Sla, label: str, now: datetime) -> Reach:
    """The running period up to the last local midnight, and the months that hold the days behind.

    Days after the contract's end owe nothing, and are not looked at.
    """
    local = zone(sla.time_zone)
    until = _midnight(now.astimezone(local).date(), local)
    if contract.effective_to is not None:
        until = min(until, contract.effective_to.instant(sla.time_zone))
    day, first = until - timedelta(minutes=1), until - timedelta(days=MOST_DAYS)
    labels: list[str] = []
    while not labels or parse_period(labels[-1], sla.time_zone).start > first:
        at = day.astimezone(local) if not labels else _before(labels[-1], sla.time_zone)
        labels.append(month_label(at))
    months = tuple(parse_period(each, sla.time_zone) for each in reversed(labels))
    return Reach(parse_period(label, sla.time_zone), until, months)


def forecast(
    contract: Contract,
    label: str,
    now: datetime,
    measurements: Mapping[tuple[str, str], Samples],
    exclusions: Sequence[Exclusion],
) -> Forecast:
    """``measurements`` by objective and label: the running period's, and those of ``Reach.months``."""
    slas: list[SlaForecast] = []
    verdicts: list[SlaCredit] = []
    promised = [sla for sla in contract.slas if sla.period is length_of(label)]
    for sla in promised:
        each, verdict = _sla(contract, sla, reach_of(contract, sla, label, now), measurements, exclusions)
        slas.append(each)
        if verdict is not None:
            verdicts.append(verdict)
    whole = len(verdicts) == len(promised)
    credit = combined_credit(contract, verdicts).amount if whole else None
    return Forecast(label, contract.version, tuple(slas), credit)


def _sla(
    contract: Contract,
    sla: Sla,
    reach: Reach,
    measurements: Mapping[tuple[str, str], Samples],
    exclusions: Sequence[Exclusion],
) -> tuple[SlaForecast, SlaCredit | None]:
    ends = Boundary(reach.until)
    attained = attain(
        sla,
        measurements.get((sla.objective, reach.period.label)),
        exclusions,
        reach.period,
        terms=contract.exclusions,
        subscribed_from=contract.effective_from,
        subscribed_to=ends,
    )
    begun = reach.until > reach.period.start
    raw, figure = (attained.raw, attained.adjusted) if begun else (None, None)
    verdict = None if figure is None else credit_for(sla, figure.attained.value)
    days = {} if figure is None else _days(contract, sla, reach, measurements, exclusions)
    found = None
    if figure is not None:
        running = [
            value for day, value in days.items() if _midnight(day, zone(sla.time_zone)) >= reach.period.start
        ]
        left = _days_left(contract, sla, reach)
        found = outlook(sla.target, running, left, list(days.values())[-MOST_DAYS:])
    return (
        SlaForecast(
            objective=sla.objective,
            target=percent_text(sla.target),
            until=reach.until,
            raw=None if raw is None else raw.attained,
            attained=None if figure is None else figure.attained,
            met=None if verdict is None else verdict.met,
            outlook=found,
            findings=() if figure is not None else _why(attained),
        ),
        verdict,
    )


def _why(attained: Attainment) -> tuple[Finding, ...]:
    return tuple(each for each in attained.findings if each.severity is not Severity.NOTE)


def _days(
    contract: Contract,
    sla: Sla,
    reach: Reach,
    measurements: Mapping[tuple[str, str], Samples],
    exclusions: Sequence[Exclusion],
) -> dict[date, Fraction]:
    """Minutes lost by local day up to ``reach.until``; a month that cannot be relied on gives none."""
    local = zone(sla.time_zone)
    begins = contract.effective_from
    served = datetime.min.replace(tzinfo=UTC) if begins is None else begins.instant(sla.time_zone)
    days: dict[date, Fraction] = {}
    for month in reach.months:
        samples = measurements.get((sla.objective, month.label))
        attained = attain(
            sla,
            samples,
            exclusions,
            month,
            terms=contract.exclusions,
            subscribed_from=begins,
            subscribed_to=Boundary(reach.until),
        )
        for each in attained.days:
            day = date.fromisoformat(each.date)
            if served <= _midnight(day, local) < reach.until:
                days[day] = lost(each.figure.attained)
    return days


def _days_left(contract: Contract, sla: Sla, reach: Reach) -> int:
    """Local days from ``until`` to the end of the period, or of the contract, whose last may be a part of one."""
    local = zone(sla.time_zone)
    end = reach.period.end
    if contract.effective_to is not None:
        end = min(end, contract.effective_to.instant(sla.time_zone))
    if end <= reach.until:
        return 0
    last = (end - timedelta(minutes=1)).astimezone(local).date()
    return (last - reach.until.astimezone(local).date()).days + 1


def _before(label: str, time_zone: str) -> datetime:
    return (parse_period(label, time_zone).start - timedelta(minutes=1)).astimezone(zone(time_zone))


def _midnight(day: date, local: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=local).astimezone(UTC)
