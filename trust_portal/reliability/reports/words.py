"""The words of an SLA report: sentences, verdicts and rows for ``templates/documents/_sla_report_body.html``.

Pure. Nothing is computed here but places and words: figures are printed as the strings that were
signed, and what the JSON leaves out because it cannot be relied on is shown as absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from markupsafe import Markup

from trust_portal.documents import formats
from trust_portal.documents.charts import Day, DayState, day_strip
from trust_portal.documents.csv import Cell
from trust_portal.kernel.canonical import digest

Report: TypeAlias = Mapping[str, Any]
"""The canonical JSON of a report, parsed."""


@dataclass(frozen=True, slots=True)
class Imprint:
    """What a printed report says about itself that its JSON cannot: who signed it, when, and in what.

    ``fingerprint`` is of the signing key (hex), ``signed_at`` the time of the receipt, ``bundle`` the
    file name of the bundle in which it travels, ``receipt`` the reference that pages link figures to.
    """

    fingerprint: str
    signed_at: datetime
    bundle: str
    receipt: str = ""

    def command(self, tenant: str) -> str:
        """What to type; the portal hands out the policy of the tenant with this key under this name."""
        return f"trust-portal verify {self.bundle} --policy {tenant}.policy --recompute"


def title_of(report: Report) -> str:
    """``SLA report for June 2026, revision 2``: the first revision is not numbered, a refusal says so."""
    period = formats.period(report["period"]["label"])
    if report["state"] != "ok":
        return f"SLA report for {period}, not signed"
    return f"SLA report for {period}" + (
        f", revision {report['revision']}" if report["revision"] != 1 else ""
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """A promise's outcome: a status ``kind`` for its shape, one ``word``, and a ``note`` of one line."""

    kind: str
    word: str
    note: str


def verdict_of(report: Report, sla: Mapping[str, Any]) -> Verdict:
    """What to call one promise's outcome. Nothing is called met or missed in a report that is not signed."""
    if report["state"] == "disputed":
        return Verdict("warn", "Disputed", "two sources disagree")
    if sla["adjusted"] is None:
        return Verdict("warn", "Incomplete", "cannot be calculated from what was measured")
    if report["state"] != "ok":
        return Verdict("mute", "Withheld", "not signed while the report is incomplete")
    down = sla["adjusted"]["down_minutes"]
    note = f"{formats.number(down)} down {'minute' if down == '1' else 'minutes'} counted"
    if sla["credit_percent"] not in (None, "0"):
        note += f", earns a credit of {formats.percent(sla['credit_percent'])}"
    return Verdict("good", "Met", note) if sla["met"] else Verdict("bad", "Missed", note)


def headline(report: Report, credited_as: str | None = None) -> str:
    """The one sentence a reader came for. ``credited_as``: under which reference its credit was issued since."""
    slas: Sequence[Mapping[str, Any]] = report["objectives"]
    period = formats.period(report["period"]["label"])
    if report["state"] == "disputed":
        return f"Two accounts of {period} disagree, so no figure is signed and no credit is decided."
    if report["state"] != "ok":
        return (
            f"{period} cannot be accounted for completely, so no figure is signed and no credit is decided."
        )
    missed = [sla["objective"] for sla in slas if not sla["met"]]
    if len(slas) == 1:
        kept = f"The promise was {'not ' if missed else ''}kept in {period}."
    elif not missed:
        kept = f"All {_word(len(slas))} promises were kept in {period}."
    elif len(missed) == len(slas):
        kept = f"None of the {_word(len(slas))} promises was kept in {period}."
    else:
        count = len(slas) - len(missed)
        kept = (
            f"{_word(count).capitalize()} of {_word(len(slas))} promises {'was' if count == 1 else 'were'} kept in "
            f"{period}; {' and '.join(missed)} {'was' if len(missed) == 1 else 'were'} missed."
        )
    credit = report["credit"]
    if credit is None or credit["percent"] == "0":
        return kept
    amount = formats.money(credit["amount"], credit["currency"])
    if credited_as is not None:
        return f"{kept} Its credit of {amount} was issued as {credited_as}."
    return f"{kept} A credit of {amount} is due by the contract."


def _word(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[count] if count < len(words) else str(count)


def blocking(report: Report) -> list[Mapping[str, str]]:
    """The findings that keep the report from being signed."""
    return [finding for finding in report["findings"] if finding["severity"] != "note"]


def notes(report: Report) -> list[Mapping[str, str]]:
    """The findings that are only worth knowing."""
    return [finding for finding in report["findings"] if finding["severity"] == "note"]


def stamps_of(report: Report, imprint: Imprint) -> list[dict[str, str]]:
    """The chain from measuring to signing."""
    signed = formats.instant(imprint.signed_at)
    steps = [
        {"word": "Measured", "at": f"until {formats.instant(report['period']['end'])}"},
        {"word": "Calculated", "at": f"by engine {report['engine']['version']}"},
    ]
    if report["state"] == "ok":
        return [*steps, {"word": "Signed", "at": signed, "by": f"revision {report['revision']}"}]
    return [*steps, {"word": "Refused", "at": signed, "by": report["state"], "state": "refused"}]


def day_chart(sla: Mapping[str, Any]) -> Markup:
    """The strip of a promise's days."""
    days = [_day(entry) for entry in sla["days"]]
    down = [entry for entry in sla["days"] if entry["down_minutes"] not in (None, "0")]
    told = "; ".join(f"{entry['date']}: {entry['down_minutes']} minutes" for entry in down)
    return day_strip(
        days,
        title=f"{sla['objective']} day by day",
        description=f"Counted down minutes on {len(down)} of {len(days)} days. {told}".strip(),
    )


def _day(entry: Mapping[str, Any]) -> Day:
    at = date.fromisoformat(entry["date"])
    label = f"{at.day}{formats.NO_BREAK}{formats.MONTHS[at.month - 1][:3]}"
    counted, raw = entry["down_minutes"], entry["down_minutes_raw"]
    if counted is None:
        return Day(label, DayState.UNKNOWN, f"{label}: not measured")
    if counted != "0":
        return Day(label, DayState.DOWN, f"{label}: {counted} minutes counted of {raw} down", counted)
    if raw != "0":
        return Day(label, DayState.EXCLUDED, f"{label}: {raw} minutes down, all excluded")
    return Day(label, DayState.UP, f"{label}: no minute down")


def day_rows(sla: Mapping[str, Any]) -> list[tuple[Cell, ...]]:
    """The table behind ``day_chart``: day, minutes measured, minutes counted."""
    return [(entry["date"], entry["down_minutes_raw"], entry["down_minutes"]) for entry in sla["days"]]


#: Rules that restate the contract's terms; the method says them in sentences already.
_TERMS = frozenset(
    {"period", "aggregate", "denominator", "slice", "min_run", "min_events", "zero_traffic", "missing_data"}
    | {"latency", "weight"}
)


def deciding(sla: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """The rules that decided on these figures, beyond the terms that hold in every period."""
    return [rule for rule in sla["rules"] if rule["id"] not in _TERMS]


def promise_of(sla: Mapping[str, Any]) -> str:
    """What is promised, in one sentence."""
    measure, target = sla["measure"], formats.percent(sla["target"])
    if measure["kind"] == "latency":
        return f"Promised: at least {target} answered within {measure['threshold_seconds']} seconds."
    if measure["kind"] == "weighted":
        return f"Promised: at least {target}, requests weighted by how long they took."
    return f"Promised: at least {target} available."


def delta_rows(report: Report) -> list[tuple[Cell, ...]]:
    """What a restatement changed: figure, before, now."""
    return [
        (entry["field"], entry["before"] or "not stated", entry["after"] or "not stated")
        for entry in report["restatement"]["delta"]
    ]


def rule_name(rule: str) -> str:
    """``exclusion.not_counted`` → ``Exclusion not counted``."""
    text = rule.replace(".", " ").replace("_", " ")
    return text[:1].upper() + text[1:]


#: By the state of an objective's cross-check: a status kind, a word, and what it means.
_CHECKS = {
    "agreed": ("good", "Agreed", "A second source counts the same."),
    "disagreed": ("warn", "Disagrees", "A second source counts differently."),
    "not_comparable": ("warn", "Not comparable", "A second source could not confirm the counts."),
    "not_asked": (
        "mute",
        "Not asked",
        "What was measured here is not complete, so there was nothing to compare.",
    ),
    "not_checked": ("mute", "Not cross-checked", "No second source is set up for these counts."),
}
_COUNTERS = {"total": "All requests", "good": "Good requests"}


def checks_of(report: Report) -> list[Mapping[str, Any]]:
    """The cross-check of each objective; none in a report of a format that knew none."""
    found: list[Mapping[str, Any]] = report.get("cross_check", {}).get("objectives", [])
    return found


def check_verdict(check: Mapping[str, Any]) -> Verdict:
    """What to call an objective's cross-check."""
    return Verdict(*_CHECKS[check["state"]])


def short_percent(value: str) -> str:
    """``38.000000`` → ``38 %``: of a single minute, of which no more digits are known."""
    return formats.percent(value.rstrip("0").removesuffix(".") if "." in value else value)


def counter_name(counter: str) -> str:
    """``le_0.5`` → ``Answered within 0.5 s``."""
    return _COUNTERS.get(counter) or f"Answered within {counter.removeprefix('le_')} s"


GLOBALS: dict[str, Callable[..., Any]] = {
    "sha256_of": digest,
    "title_of": title_of,
    "promise_of": promise_of,
    "deciding": deciding,
    "delta_rows": delta_rows,
    "verdict_of": verdict_of,
    "headline": headline,
    "blocking": blocking,
    "notes": notes,
    "checks_of": checks_of,
    "check_verdict": check_verdict,
    "stamps_of": stamps_of,
    "day_chart": day_chart,
    "day_rows": day_rows,
}

FILTERS: dict[str, Callable[..., Any]] = {
    "counter_name": counter_name,
    "rule_name": rule_name,
    "short_percent": short_percent,
}
