"""Which version of a contract governs a period. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from trust_portal.kernel.period import Period, parse_period
from trust_portal.reliability.contracts.model import Contract, PeriodLength
from trust_portal.reliability.findings import Finding, Severity

_ALWAYS = datetime.min.replace(tzinfo=UTC)


def length_of(label: str) -> PeriodLength:
    """Whether ``label`` (already known to be a period) names a month or a quarter."""
    return PeriodLength.QUARTER if "Q" in label else PeriodLength.MONTH


def in_force(versions: Sequence[Contract], label: str) -> Contract | None:
    """The version that governs the whole period: the latest in force when it starts.

    Where none is, the first that begins within it: the part month of a new customer. A version
    never governs a part of a period beside another one; what a period promised does not change
    while it runs (``change_within`` finds where it would have to). ``versions`` are in order of
    their recording, later ones win a tie.
    """
    found: tuple[datetime, int] | None = None
    beginning: tuple[datetime, int] | None = None
    for index, version in enumerate(versions):
        period = period_of(version, label)
        begins = _begins(version, period)
        if (
            version.effective_to is not None
            and version.effective_to.instant(period.time_zone) <= period.start
        ):
            continue
        if begins <= period.start:
            found = max(found or (begins, index), (begins, index))
        elif begins < period.end and (beginning is None or begins <= beginning[0]):
            beginning = (begins, index)
    chosen = found or beginning
    return None if chosen is None else versions[chosen[1]]


def change_within(versions: Sequence[Contract], governing: Contract, label: str) -> Finding | None:
    """Why ``governing`` cannot speak for the whole period: it ends inside, and another version takes over.

    A version that ends inside the period with none after it is the end of the subscription, and no
    finding. Looked at in the time zone of every SLA of the period.
    """
    length = length_of(label)
    for name in sorted({sla.time_zone for sla in governing.slas if sla.period is length}):
        period = parse_period(label, name)
        ends = governing.effective_to
        if ends is None or ends.instant(name) >= period.end:
            continue
        following = [
            version
            for version in versions
            if version is not governing and _begins(governing, period) < _begins(version, period) < period.end
        ]
        if following:
            after = min(following, key=lambda version: _begins(version, period))
            return Finding(
                "CONTRACT_CHANGES_IN_PERIOD",
                f"version {governing.version} ends {ends} and version {after.version} begins "
                f"{after.effective_from}, both inside {label}: no single version governs the whole period, and "
                "none is applied to a part of it. Record a version that is in force from the period's start to "
                "its end and says what holds in it; a new one otherwise begins where a period does",
                "effective_to",
                Severity.INCOMPLETE,
            )
    return None


def period_of(contract: Contract, label: str) -> Period:
    """The period in the contract's time zone of the first SLA it speaks for."""
    length = length_of(label)
    zones = [sla.time_zone for sla in contract.slas if sla.period is length]
    return parse_period(label, zones[0] if zones else contract.slas[0].time_zone)


def last_end(contract: Contract, label: str) -> datetime:
    """When the period is over in every time zone the contract speaks of."""
    length = length_of(label)
    zones = {sla.time_zone for sla in contract.slas if sla.period is length} or {contract.slas[0].time_zone}
    return max(parse_period(label, zone).end for zone in zones)


def _begins(version: Contract, period: Period) -> datetime:
    if version.effective_from is None:
        return _ALWAYS
    return version.effective_from.instant(period.time_zone)
