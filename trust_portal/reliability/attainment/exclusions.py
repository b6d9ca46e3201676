"""Which exclusions count, and the minutes they take: notice, approval, union, clipping, cap."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.attainment.model import Exclusion, ExclusionCode, ExclusionOutcome, Mask
from trust_portal.reliability.contracts.fields import Fields, load_yaml
from trust_portal.reliability.contracts.model import ExclusionTerms, decimal_text
from trust_portal.reliability.findings import Finding, Unusable, refusal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_HOUR_MICROSECONDS = 3_600_000_000

#: Said of a window that began before this portal kept the tenant's record.
STATED = "announcement as the vendor states it; before this portal kept the record"


def parse_exclusions(source: bytes | str) -> tuple[Exclusion, ...]:
    """A YAML or JSON list of ``{window, start, end, announced_at, objectives?, reason, approvals?, receipts?}``.

    Bundles add ``recorded_at`` and ``record_began_at``. Two entries of one window must be equal.
    Raises ``Unusable`` with every reason.
    """
    findings: list[Finding] = []
    data = _load(source.encode() if isinstance(source, str) else source)
    entries = {"exclusions": data} if isinstance(data, list) else {} if data in (None, "") else data
    root = Fields(entries, "$", findings)
    parsed = [
        _exclusion(Fields(entry, f"exclusions[{index}]", findings))
        for index, entry in enumerate(root.items("exclusions"))
    ]
    root.finish()
    exclusions = tuple(exclusion for exclusion in parsed if exclusion is not None)
    findings += _contradictions(exclusions)
    if findings:
        raise Unusable("exclusions", findings)
    return exclusions


def _contradictions(exclusions: Sequence[Exclusion]) -> list[Finding]:
    """A window whose name stands twice with different content: nobody could say which of them was agreed."""
    first: dict[str, Exclusion] = {}
    return [
        refusal(
            "EXCLUSION_CONFLICT",
            f"exclusions[{index}].window: {item.window!r} stands twice with different content",
            f"exclusions[{index}].window",
        )
        for index, item in enumerate(exclusions)
        if first.setdefault(item.window, item) != item
    ]


def _load(source: bytes) -> object:
    """JSON first: bundles carry it, and it may hold characters that YAML has no place for."""
    try:
        loaded: object = json.loads(source, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return load_yaml(source, "exclusions")
    return loaded


def _exclusion(fields: Fields) -> Exclusion | None:
    window = fields.text("window", required=True)
    start, end = fields.moment("start", required=True), fields.moment("end", required=True)
    announced_at = fields.moment("announced_at", required=True)
    objectives = fields.texts("objectives") if fields.has("objectives") else None
    reason = fields.text("reason") or ""
    approvals, receipts = fields.texts("approvals"), fields.texts("receipts")
    recorded_at, record_began_at = fields.moment("recorded_at"), fields.moment("record_began_at")
    fields.finish()
    if not window or not start or not end or not announced_at:
        return None
    if end <= start:
        fields.refuse("end", "EXCLUSION_EMPTY", "ends no later than it starts")
    return Exclusion(
        window,
        start,
        end,
        announced_at,
        reason,
        objectives,
        approvals,
        receipts,
        recorded_at,
        record_began_at,
    )


def excluded_minutes(
    exclusions: Sequence[Exclusion], objective: str, terms: ExclusionTerms, start: datetime, end: datetime
) -> tuple[Mask, tuple[ExclusionOutcome, ...]]:
    """One flag for each minute of [start, end), and what became of each exclusion of the objective.

    Windows are united before minutes are taken, and a minute is excluded only if they cover it whole;
    so neither overlaps nor splitting a window changes the result. Under a cap the earliest count.
    """
    ours = sorted(
        (item for item in exclusions if item.objectives is None or objective in item.objectives),
        key=lambda item: (item.start, item.end, item.window),
    )
    verdicts = [(item, *_verdict(item, terms, start, end)) for item in ours]
    windows = [
        (max(item.start, start), min(item.end, end))
        for item, code, _ in verdicts
        if code is ExclusionCode.COUNTED
    ]
    mask = np.zeros((end - start) // _MINUTE, dtype=np.bool_)
    for window_start, window_end in _capped(_union(windows), terms):
        mask[_minutes(window_start, window_end, start)] = True
    outcomes = []
    for item, code, why in verdicts:
        span = mask[_minutes(max(item.start, start), min(item.end, end), start)]
        taken = int(span.sum()) if code is ExclusionCode.COUNTED else 0
        if code is ExclusionCode.COUNTED and taken < span.size:
            code, why = ExclusionCode.CAPPED, f"counts up to the agreed {_hours(terms)} hours a period"  # noqa: PLW2901
        outcomes.append(ExclusionOutcome(item, code, why, taken))
    return mask, tuple(outcomes)


def _verdict(
    item: Exclusion, terms: ExclusionTerms, start: datetime, end: datetime
) -> tuple[ExclusionCode, str]:
    if item.end <= start or item.start >= end:
        return ExclusionCode.OUTSIDE_PERIOD, "lies outside the period"
    known_at, late = item.known_at, item.known_at != item.announced_at
    said = f"recorded {rfc3339(known_at)}" if late else f"announced {rfc3339(known_at)}"
    stated = f" ({STATED})" if item.witnessed is False else ""
    if known_at > item.start:
        if len(set(item.approvals)) >= 2:
            return ExclusionCode.COUNTED, f"{said}, after its start; approved by two persons{stated}"
        return ExclusionCode.AFTER_THE_FACT, f"{said}, after its start, without two approvals{stated}"
    notice = (item.start - known_at) // timedelta(microseconds=1)
    if notice < terms.notice_hours * _HOUR_MICROSECONDS:
        hours = decimal_text(terms.notice_hours)
        return ExclusionCode.SHORT_NOTICE, f"{said}, less than {hours} hours before its start{stated}"
    return ExclusionCode.COUNTED, f"announced in time{stated}"


def _union(windows: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    united: list[tuple[datetime, datetime]] = []
    for window_start, window_end in sorted(windows):
        if united and window_start <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], window_end))
        else:
            united.append((window_start, window_end))
    return united


def _capped(
    windows: Sequence[tuple[datetime, datetime]], terms: ExclusionTerms
) -> list[tuple[datetime, datetime]]:
    if terms.cap_hours is None:
        return list(windows)
    left = timedelta(microseconds=int(terms.cap_hours * _HOUR_MICROSECONDS))
    capped: list[tuple[datetime, datetime]] = []
    for window_start, window_end in windows:
        taken = min(left, window_end - window_start)
        if taken > timedelta(0):
            capped.append((window_start, window_start + taken))
            left -= taken
    return capped


def _minutes(window_start: datetime, window_end: datetime, start: datetime) -> slice:
    """The minutes of the period that a window covers whole."""
    first = -((start - window_start) // _MINUTE)
    return slice(max(first, 0), max((window_end - start) // _MINUTE, first, 0))


def _hours(terms: ExclusionTerms) -> str:
    return "" if terms.cap_hours is None else str(float(terms.cap_hours)).removesuffix(".0")
