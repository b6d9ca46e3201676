"""Whether a figure rests on anything: nothing over nothing is 100 %, and must not pass for a measured 100 %."""

from __future__ import annotations

import numpy as np

from trust_portal.kernel.ratio import truncated_percent
from trust_portal.reliability.attainment.model import Mask, Ratio
from trust_portal.reliability.attainment.slices import Grid, exact_sum, per_slice
from trust_portal.reliability.contracts.model import Denominator, MissingData, Sla, ZeroTraffic
from trust_portal.reliability.findings import Finding, Severity


def sampled(grid: Grid, without: Mask) -> Mask:
    """The minutes whose samples ``without`` takes: for a source that measures per slice, whole slices."""
    if grid.every == 1:
        return without
    whole = per_slice((~without).astype(np.int64), grid.every) == 0
    return np.repeat(whole, grid.every)[: without.size]


def substance(sla: Sla, grid: Grid, *, idle: Mask, excluded: Mask, owed: range) -> list[Finding]:
    """What is thin about the figures of a period, or missing altogether.

    Only subscribed minutes outside exclusions bear witness to the service (``left``). Where there are
    none, or none of them was measured, a percentage would be the contract's arithmetic and not a result.
    """
    served = np.zeros(grid.size, np.bool_)
    served[owed.start - grid.first : owed.stop - grid.first] = True
    left = served & ~excluded
    found = _five_minutes(sla, grid)
    if not left.any():
        return [*found, _nothing_left(sla, bool(served.any()))]
    if sla.missing_data is MissingData.UP and grid.missing[left].all():
        return [*found, _incomplete(sla, "NOTHING_MEASURED", "not one sample in the period")]
    idle_minutes = int((idle & left).sum())
    if not idle_minutes:
        return found
    if exact_sum(grid.total[served & ~sampled(grid, excluded)]):
        return [*found, _idle(sla, idle_minutes, int(left.sum()))]
    return [*found, *_no_traffic(sla, bool(grid.missing[left].any()))]


def _nothing_left(sla: Sla, served: bool) -> Finding:
    if not served:
        return _incomplete(sla, "NOTHING_MEASURED", "no whole minute of the period is subscribed")
    if sla.denominator is Denominator.MINUS_EXCLUSIONS:
        return _incomplete(
            sla,
            "EVERYTHING_EXCLUDED",
            "exclusions cover all of the period that is subscribed, nothing is left",
        )
    return Finding(
        "ALL_EXCLUDED",
        "exclusions cover all of the period that is subscribed; the adjusted figure is 100 % because the contract "
        f"counts excluded time as up (denominator {sla.denominator}). The raw figure is what was measured",
        sla.objective,
    )


def _no_traffic(sla: Sla, missing: bool) -> list[Finding]:
    if sla.zero_traffic is ZeroTraffic.UP:
        words = "no request in the whole period; the contract counts that as up"
        return [Finding("NO_TRAFFIC", words, sla.objective)]
    if missing and sla.missing_data is MissingData.DOWN:
        return []  # what the source did not send is down: that is a result
    return [
        _incomplete(
            sla, "NOTHING_MEASURED", "no request in the whole period, and the contract leaves such time out"
        )
    ]


def _idle(sla: Sla, minutes: int, of: int) -> Finding:
    counted = "counts them as up" if sla.zero_traffic is ZeroTraffic.UP else "leaves them out"
    share = truncated_percent(Ratio(minutes, of).value)
    return Finding(
        "IDLE_MINUTES",
        f"{minutes} of {of} minutes ({share} %) were measured and had no request; the contract {counted}",
        sla.objective,
    )


def _five_minutes(sla: Sla, grid: Grid) -> list[Finding]:
    if grid.every == 1:
        return []
    return [
        Finding(
            "FIVE_MINUTE_SAMPLES",
            f"every sample lies on the start of a slice of {grid.every} minutes and is taken for all of it; "
            f"the other {grid.every - 1} minutes of a slice have no sample of their own",
            sla.objective,
        )
    ]


def _incomplete(sla: Sla, code: str, words: str) -> Finding:
    return Finding(code, words, sla.objective, Severity.INCOMPLETE)
