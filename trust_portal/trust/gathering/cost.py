"""Cost anomalies of the period: what was found, what explains it, what playbooks did, and what that saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final
from uuid import UUID

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.anomalies.repository import anomalies_overlapping
from trust_portal.cost.metering.model import Progress
from trust_portal.cost.metering.repository import find_progress
from trust_portal.cost.remediation.model import Run, StepKind
from trust_portal.cost.remediation.repository import runs_between
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.money import exponent
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.ids import COST
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.sections.freshness import freshness
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, State, Table, Unit

TITLE: Final = "Cost"
SOURCE: Final = "closed hours of usage, anomalies and playbooks"
#: Hours are closed within a few of their end; a day means that something stands still.
MAX_AGE: Final = timedelta(days=1)

_PAGE: Final = "/cost"
_ANOMALY_COLUMNS: Final = (
    Column("subsystem", "Subsystem"),
    Column("kind", "What"),
    Column("severity", "Severity"),
    Column("began", "Began", Unit.INSTANT),
    Column("state", "State"),
    Column("expected", "Expected", Unit.MONEY),
    Column("actual", "Actual", Unit.MONEY),
    Column("excess", "Beyond", Unit.MONEY),
    Column("unexplained", "Not explained", Unit.MONEY),
)
_PLAYBOOK_COLUMNS: Final = (
    Column("playbook", "Playbook"),
    Column("subsystem", "Subsystem"),
    Column("state", "State"),
    Column("acted", "Acted", Unit.INSTANT),
    Column("before", "An hour before", Unit.MONEY),
    Column("after", "An hour after", Unit.MONEY),
    Column("saved", "Saved an hour", Unit.MONEY),
)
_HOUR: Final = timedelta(hours=1)


async def gather(session: ReadSession, ask: Ask) -> Section:
    """Anomalies of which an hour lies in the period, and playbooks of which a step does."""
    progress = await find_progress(session, ask.tenant.id)
    found = await anomalies_overlapping(session, ask.tenant.id, ask.period.start, ask.until)
    runs = await runs_between(session, ask.tenant.id, ask.period.start, ask.until)
    return cost_section(progress, found, runs, ask)


def cost_section(
    progress: Progress | None, anomalies: Sequence[CostAnomaly], runs: Sequence[Run], ask: Ask
) -> Section:
    """Pure. Amounts are rounded half to even to the currency's smallest unit."""
    closed = None if progress is None else progress.closed_through
    as_of = None if closed is None else closed + _HOUR
    state, why = freshness(as_of, MAX_AGE, ask.now, missing="no hour of usage is closed yet")
    if progress is None:
        state, why = State.NOT_APPLICABLE, "no usage of this customer is metered"
    excess = _sums((each.series.currency, each.figures.excess) for each in anomalies if not each.is_drop)
    verified = [each for each in runs if each.step(StepKind.VERIFIED) is not None]
    saved = _sums((each.plan.currency, _saved(each)) for each in verified)
    figures = [
        Figure("anomalies", "Anomalies", Cell(str(len(anomalies)), Unit.COUNT, href=_PAGE)),
        Figure("open", "Open", Cell(str(sum(each.is_open for each in anomalies)), Unit.COUNT, href=_PAGE)),
        *(
            _sum(f"excess-{name.lower()}", "Beyond what was expected", name, excess)
            for name in sorted(excess)
        ),
        Figure("playbooks", "Playbooks", Cell(str(len(runs)), Unit.COUNT, href=f"{_PAGE}/playbooks")),
        Figure(
            "verified",
            "Verified in the data",
            Cell(str(len(verified)), Unit.COUNT, href=f"{_PAGE}/playbooks"),
        ),
        *(_sum(f"saved-{name.lower()}", "Saved an hour, verified", name, saved) for name in sorted(saved)),
    ]
    return Section(
        id=COST,
        title=TITLE,
        state=state,
        why=why,
        source=SOURCE,
        as_of=as_of,
        max_age=MAX_AGE,
        sentences=() if progress is None else _sentences(anomalies, sorted(excess), runs, sorted(saved)),
        figures=() if progress is None else tuple(figures),
        tables=()
        if progress is None
        else (
            Table(
                "anomalies",
                "What was found",
                _ANOMALY_COLUMNS,
                tuple(map(_anomaly, anomalies)),
                "Nothing unusual was found in the period.",
            ),
            Table(
                "playbooks",
                "What was done",
                _PLAYBOOK_COLUMNS,
                tuple(map(_run, runs)),
                "No playbook acted in the period.",
            ),
        ),
    )


def _sentences(
    anomalies: Sequence[CostAnomaly], excess: Sequence[str], runs: Sequence[Run], saved: Sequence[str]
) -> tuple[Sentence, ...]:
    if not anomalies:
        found = [Sentence("Nothing unusual was found in the period.")]
    else:
        beyond = " and ".join(f"{{excess-{each.lower()}}}" for each in excess)
        cost = f"; beyond what was expected: {beyond}" if beyond else ""
        found = [Sentence(f"Anomalies in the period: {{anomalies}}, of which open: {{open}}{cost}.")]
    if runs:
        hourly = " and ".join(f"{{saved-{each.lower()}}}" for each in saved)
        saving = f", which saves {hourly} an hour" if hourly else ""
        found.append(
            Sentence(f"Playbooks: {{playbooks}}, of which verified in the data: {{verified}}{saving}.")
        )
    return tuple(found)


def _anomaly(each: CostAnomaly) -> Row:
    href = f"{_PAGE}/anomalies/{each.id}"
    receipt = each.closed_receipt_id or each.explained_receipt_id or each.opened_receipt_id

    def amount(value: Decimal) -> Cell:
        return _money(value, each.series.currency, href, receipt)

    return Row(
        str(each.id),
        (
            Cell(each.series.subsystem, href=href),
            Cell("drop" if each.is_drop else each.kind.value),
            Cell(each.severity.value),
            Cell(rfc3339(each.started_at), Unit.INSTANT, href=href),
            Cell(each.state.value if each.verdict is None else f"{each.state.value}, {each.verdict.value}"),
            amount(each.figures.expected),
            amount(each.figures.actual),
            amount(each.figures.excess),
            amount(each.unexplained) if each.explained_at is not None else _unknown(each.series.currency),
        ),
    )


def _run(each: Run) -> Row:
    href = f"{_PAGE}/playbooks/{each.id}"
    found, currency = _verification(each), each.plan.currency
    verified = each.step(StepKind.VERIFIED)
    receipt = each.last.receipt_id if verified is None else verified.receipt_id

    def rate(name: str) -> Cell:
        if name not in found:
            return _unknown(currency)
        return _money(Decimal(found[name]), currency, href, receipt)

    acted = each.acted_at
    return Row(
        str(each.id),
        (
            Cell(each.plan.playbook.title, href=href, receipt=None if receipt is None else str(receipt)),
            Cell(each.plan.subsystem),
            Cell(each.state.value.replace("_", " ")),
            Cell(None if acted is None else rfc3339(acted), Unit.INSTANT, href=href),
            rate("before"),
            rate("after"),
            _unknown(currency) if not found else _money(_saved(each), currency, href, receipt),
        ),
    )


def _verification(run: Run) -> Mapping[str, Any]:
    """What the hours after the act say, where somebody looked."""
    step = run.step(StepKind.VERIFIED)
    found: Mapping[str, Any] = {} if step is None else step.detail.get("verification", {})
    return found


def _saved(run: Run) -> Decimal:
    """What an hour of the part costs less since the act than it did, as it was verified."""
    found = _verification(run)
    return Decimal(found["before"]) - Decimal(found["after"]) if found else Decimal(0)


def _sums(amounts: Any) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for currency, amount in amounts:
        found[currency] = found.get(currency, Decimal(0)) + _rounded(amount, currency)
    return found


def _sum(id_: str, label: str, currency: str, sums: Mapping[str, Decimal]) -> Figure:
    return Figure(id_, f"{label} ({currency})", _money(sums[currency], currency, _PAGE, None))


def _money(value: Decimal, currency: str, href: str, receipt: UUID | None) -> Cell:
    text = f"{_rounded(value, currency):f}"
    return Cell(text, Unit.MONEY, currency, href, None if receipt is None else str(receipt))


def _unknown(currency: str) -> Cell:
    return Cell(None, Unit.MONEY, currency)


def _rounded(value: Decimal, currency: str) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_EVEN)
