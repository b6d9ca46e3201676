"""Cost anomalies of the period: what was found, what explains it, what playbooks did, and what that saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final
from uuid import UUID

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.anomalies.repository import anomalies_overlapping, figures
from trust_portal.cost.metering.model import Progress
from trust_portal.cost.metering.repository import find_progress
from trust_portal.cost.remediation.model import Run, RunState, StepKind
from trust_portal.cost.remediation.repository import runs_between
from trust_portal.facts.usage_batches import usage_waiting_since
from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.ids import ANOMALIES, COST, PLAYBOOKS, REFUSED
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.gathering.savings import (
    REACHES,
    money,
    rounded,
    savings_table,
    stepped,
    verification_of,
)
from trust_portal.trust.gathering.telling import NOTHING, NOTHING_METERED, cost_sentences
from trust_portal.trust.gathering.totals import DROP, cost_totals, metered_since
from trust_portal.trust.sections.freshness import freshness, together
from trust_portal.trust.sections.model import Cell, Column, Row, Section, State, Table, Unit

TITLE: Final = "Cost"
SOURCE: Final = "closed hours of usage, anomalies and playbooks"
#: Hours are closed within a few of their end; a day means that something stands still.
MAX_AGE: Final = timedelta(days=1)

#: How long what was received may wait to be rolled up, and what is said where it waits longer.
MAX_WAIT: Final = timedelta(hours=1)
NOT_ROLLED_UP: Final = "received, and not rolled up yet"

_PAGE: Final = "/cost"
_ANOMALY_COLUMNS: Final = (
    Column("subsystem", "Subsystem"),
    Column("kind", "What"),
    Column("severity", "Severity"),
    Column("began", "Began", Unit.INSTANT),
    Column("state", "State"),
    Column("expected", "Expected", Unit.MONEY),
    Column("actual", "Actual", Unit.MONEY),
    Column("whole", "Against expected", Unit.MONEY),
    Column("excess", "Of that in the period", Unit.MONEY),
    Column("unexplained", "Not explained", Unit.MONEY),
)
_PLAYBOOK_COLUMNS: Final = (
    Column("playbook", "Playbook"),
    Column("subsystem", "Subsystem"),
    Column("state", "State"),
    Column("acted", "Acted", Unit.INSTANT),
    Column("before", "An hour before", Unit.MONEY),
    Column("after", "An hour after", Unit.MONEY),
    Column("rate", "Saved an hour", Unit.MONEY),
)
_REFUSED_COLUMNS: Final = (
    Column("playbook", "Playbook"),
    Column("subsystem", "Subsystem"),
    Column("state", "State"),
    Column("why", "Why"),
    Column("at", "Since", Unit.INSTANT),
)
_HOUR: Final = timedelta(hours=1)
#: States of a plan that nothing came of, or nothing yet, and why.
NOT_CARRIED_OUT: Final = {
    RunState.PLANNED: "nobody has asked for it",
    RunState.WAITING: "it waits for approval",
    RunState.DENIED: "a policy forbids it",
    RunState.DECLINED: "people said no, or nothing in time",
    RunState.LAPSED: "nobody acted upon it in time, or there was no reason any more",
    RunState.FAILED: "the product refused it, or did not confirm it",
}


#: The smallest step of a moment: what begins before another one began so much before it, at the latest.
_BEFORE: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Excess:
    """What the hours of an anomaly that began before the period came to beyond what was expected, and those up to its end."""

    before: Decimal
    through: Decimal


async def gather(session: ReadSession, ask: Ask) -> Section:
    """Anomalies of which an hour lies in the period, playbooks of which a step does, and what those saved in it."""
    progress = await find_progress(session, ask.tenant.id)
    found = await anomalies_overlapping(session, [ask.tenant.id], ask.period.start, ask.until)
    runs = await runs_between(session, ask.tenant.id, ask.period.start - REACHES, ask.until)
    parted = {each.id: await _excess(session, each, ask) for each in found if is_parted(each, ask)}
    waiting = await usage_waiting_since(session, ask.tenant.id, ask.period.start, ask.until)
    return cost_section(progress, found, runs, ask, parted, waiting)


def is_parted(each: CostAnomaly, ask: Ask) -> bool:
    """Whether hours of it began before the period, or after it."""
    return each.started_at < ask.period.start or each.last_at >= ask.period.end


async def _excess(session: ReadSession, each: CostAnomaly, ask: Ask) -> Excess:
    """What was merged into another anomaly counts there, and here for nothing."""
    if "merged_into" in each.evidence:
        return Excess(Decimal(0), Decimal(0))

    async def until(end: datetime) -> Decimal:
        if each.last_at < end:
            return each.figures.excess
        found = await figures(session, ask.tenant.id, each.series, each.started_at, end - _BEFORE)
        return found.excess

    return Excess(await until(ask.period.start), await until(ask.period.end))


def cost_section(
    progress: Progress | None,
    anomalies: Sequence[CostAnomaly],
    runs: Sequence[Run],
    ask: Ask,
    parted: Mapping[UUID, Excess] = MappingProxyType({}),
    waiting_since: datetime | None = None,
) -> Section:
    """Pure. Amounts are rounded half to even to the currency's smallest unit.

    ``parted`` says of each that ``is_parted`` how its excess divides; ``waiting_since`` is of what was used in the period,
    was received, and is in none of it yet.
    """
    closed = None if progress is None else progress.closed_through
    as_of = None if closed is None else closed + _HOUR
    state, why = freshness(as_of, MAX_AGE, ask.now, missing="no hour of usage is closed yet")
    if waiting_since is not None:
        state, why = together(((state, why), waited(waiting_since, ask.now)))
    unmetered = never_metered(progress, ask)
    if unmetered is not None:
        as_of, state, why = None, State.NOT_APPLICABLE, unmetered
    since = progress.first_hour if progress is not None and progress.first_hour > ask.period.start else None
    of_period = [each for each in runs if stepped(each, ask)]
    tables = (
        Table(
            ANOMALIES,
            "What was found",
            _ANOMALY_COLUMNS,
            tuple(_anomaly(each, parted.get(each.id)) for each in anomalies),
            NOTHING if since is None else NOTHING_METERED,
        ),
        Table(
            PLAYBOOKS,
            "What was done",
            _PLAYBOOK_COLUMNS,
            tuple(_run(each) for each in of_period if each.state not in NOT_CARRIED_OUT),
            "No playbook acted in the period.",
        ),
        Table(
            REFUSED,
            "What was planned, and not done",
            _REFUSED_COLUMNS,
            tuple(_refused(each) for each in of_period if each.state in NOT_CARRIED_OUT),
            "Nothing was planned that was not done.",
        ),
        savings_table(runs, ask),
    )
    totals = (*cost_totals(*tables, ask.period.start), *metered_since(since))
    return Section(
        id=COST,
        title=TITLE,
        state=state,
        why=why,
        source=SOURCE,
        as_of=as_of,
        max_age=MAX_AGE,
        sentences=() if unmetered else cost_sentences(totals),
        figures=() if unmetered else totals,
        tables=() if unmetered else tables,
    )


def waited(since: datetime, now: datetime) -> tuple[State, str | None]:
    """What it makes of a section that what was received ``since`` is not in it."""
    state, why = freshness(since, MAX_WAIT, now, missing="")
    return state, f"{NOT_ROLLED_UP}: {why}"


def never_metered(progress: Progress | None, ask: Ask) -> str | None:
    """Why nothing can be known of what the period cost; None where it was metered, if only in part."""
    if progress is None:
        return "no usage of this customer is metered"
    if progress.first_hour >= ask.until:
        return "usage of this customer is metered only since the period was over"
    return None


def _anomaly(each: CostAnomaly, parted: Excess | None) -> Row:
    href = f"{_PAGE}/anomalies/{each.id}"
    receipt = each.closed_receipt_id or each.explained_receipt_id or each.opened_receipt_id

    def amount(value: Decimal) -> Cell:
        return money(value, each.series.currency, href, receipt)

    return Row(
        str(each.id),
        (
            Cell(each.series.subsystem, href=href),
            Cell(DROP if each.is_drop else each.kind.value),
            Cell(each.severity.value),
            Cell(rfc3339(each.started_at), Unit.INSTANT, href=href),
            Cell(each.state.value if each.verdict is None else f"{each.state.value}, {each.verdict.value}"),
            amount(each.figures.expected),
            amount(each.figures.actual),
            amount(each.figures.excess),
            amount(each.figures.excess if parted is None else _within(parted, each.series.currency)),
            amount(each.unexplained) if each.explained_at is not None else _unknown(each.series.currency),
        ),
    )


def _within(excess: Excess, currency: str) -> Decimal:
    """Each rounded as the whole is, so that what consecutive periods state adds up to that."""
    return rounded(excess.through, currency) - rounded(excess.before, currency)


def _run(each: Run) -> Row:
    href = f"{_PAGE}/playbooks/{each.id}"
    found, currency = verification_of(each), each.plan.currency
    verified = each.step(StepKind.VERIFIED)
    receipt = each.last.receipt_id if verified is None else verified.receipt_id

    def rate(name: str) -> Cell:
        if name not in found:
            return _unknown(currency)
        return money(Decimal(found[name]), currency, href, receipt)

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
            _unknown(currency)
            if each.saved_per_hour is None
            else money(each.saved_per_hour, currency, href, receipt),
        ),
    )


def _refused(each: Run) -> Row:
    href, receipt = f"{_PAGE}/playbooks/{each.id}", each.last.receipt_id
    return Row(
        str(each.id),
        (
            Cell(each.plan.playbook.title, href=href, receipt=None if receipt is None else str(receipt)),
            Cell(each.plan.subsystem),
            Cell(each.state.value),
            Cell(NOT_CARRIED_OUT[each.state]),
            Cell(rfc3339(each.last.at), Unit.INSTANT, href=href),
        ),
    )


def _unknown(currency: str) -> Cell:
    return Cell(None, Unit.MONEY, currency)
