"""The judgment of each control from its facts. Pure: time is an argument, and exactly as old as allowed is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from trust_portal.access.approvals.acts import CARRIED
from trust_portal.trust.compliance.facts import (
    Approved,
    AuditFacts,
    ControlledAct,
    CoverageLine,
    DualControlFacts,
    Emergency,
    KeyFact,
    PeriodReport,
    RoleFact,
)
from trust_portal.trust.compliance.model import ControlState, Gap, Judgment
from trust_portal.trust.compliance.reviews.model import review_due


def judge_dual_control(facts: DualControlFacts) -> Judgment:
    """Every act against the chain of the approval that it names; an approval is spent by one act."""
    approvals = {each.id: each for each in facts.approvals}
    spent: set[UUID] = set()
    gaps: list[Gap] = []
    excepted = 0
    for act in facts.acts:
        if act.emergency or act.first:
            excepted += 1
            continue
        found = None if act.approval is None else approvals.get(act.approval)
        why = "its approval was used for another act already" if act.approval in spent else _doubt(act, found)
        if act.approval is not None:
            spent.add(act.approval)
        if why is not None:
            gaps.append(Gap(f"receipt/{act.receipt}", act.name, why, act.at, act.receipt))
    return _judged(len(facts.acts), gaps, excepted, [each.receipt for each in facts.acts])


def judge_emergencies(facts: Sequence[Emergency], within: timedelta, now: datetime) -> Judgment:
    """A review that is not due yet is awaited, and no gap."""
    gaps = [
        Gap(
            f"grant/{each.id}",
            f"Emergency access of {each.person} to {each.tenant}",
            "nobody reviewed it in time",
            each.over_at + within,
            each.receipt,
        )
        for each in facts
        if each.reviewed_at is None and now > each.over_at + within
    ]
    waiting = sum(each.reviewed_at is None for each in facts) - len(gaps)
    return _judged(len(facts), gaps, waiting, [each.receipt for each in facts])


def judge_coverage(facts: Sequence[CoverageLine], within: timedelta, now: datetime) -> Judgment:
    """What nobody declared is a gap at once: nobody could have begun to write about it.

    What the register has not taken in yet has the time that a postmortem has: it may be none of these at all.
    """
    open_ = [each for each in facts if each.is_gap]
    gaps = [
        Gap(
            f"incident/{each.incident or each.name}",
            each.name if each.severity is None else f"{each.severity}: {each.name}",
            _UNCOVERED.get(each.cover, each.cover),
            each.since if _is_one_at_once(each) else each.since + within,
        )
        for each in open_
        if _is_one_at_once(each) or now > each.since + within
    ]
    return _judged(len(facts), gaps, len(open_) - len(gaps))


def judge_reports(facts: Sequence[PeriodReport], within: timedelta, now: datetime) -> Judgment:
    """Periods whose report is not due yet do not count."""
    due = [each for each in facts if now > each.end + within]
    if not due:
        return _not_evaluated("no period has ended yet for which a report is due")
    gaps = [
        Gap(f"report/{each.tenant}/{each.period}", f"{each.period} of {each.tenant}", why, each.end + within)
        for each in due
        if (why := _unreported(each)) is not None
    ]
    return _judged(len(due), gaps)


def judge_audit(facts: AuditFacts, within: timedelta, now: datetime) -> Judgment:
    """A log younger than ``within`` need not have been audited; a finding counts until an audit is without.

    What the customer keeps shut by its own act is no gap, and holds nothing either: of that nobody can say.
    """
    evidence = () if facts.receipt is None else (facts.receipt,)
    if facts.audited_at is None:
        if facts.first_receipt_at is None or now <= facts.first_receipt_at + within:
            return _not_evaluated("the log is younger than an audit is due, and none was made")
        why = "no audit of this log is on record"
        return _judged(1, [Gap("log", "The log", why, facts.first_receipt_at + within)])
    gaps = [
        Gap(f"finding/{number}", where, message, facts.audited_at, facts.receipt)
        for number, (where, message) in enumerate(facts.findings, 1)
    ]
    if facts.finding_count > len(gaps):
        left = facts.finding_count - len(gaps)
        gaps.append(
            Gap(
                "finding/more",
                f"{left} more findings",
                "as the audit has them",
                facts.audited_at,
                facts.receipt,
            )
        )
    if now > facts.audited_at + within:
        gaps.append(
            Gap("log", "The log", "its last audit is too long ago", facts.audited_at + within, facts.receipt)
        )
    if facts.withheld is not None and not gaps:
        return Judgment(ControlState.NOT_EVALUATED, facts.receipts, why=facts.withheld, evidence=evidence)
    return _judged(facts.receipts, gaps, evidence=evidence)


def judge_roles(facts: Sequence[RoleFact], within: timedelta, now: datetime) -> Judgment:
    gaps = [
        Gap(
            f"grant/{each.grant}",
            f"{each.role} of person {each.person}",
            "it was never reviewed" if each.confirmed_at is None else "its last review is too long ago",
            due,
            each.receipt,
        )
        for each in facts
        if now > (due := review_due(each.granted_at, each.confirmed_at, within))
    ]
    return _judged(len(facts), gaps, evidence=[each.receipt for each in facts if each.receipt is not None])


def judge_keys(facts: Sequence[KeyFact], within: timedelta, now: datetime) -> Judgment:
    if not facts:
        return _not_evaluated("no key is on record yet")
    gaps = [
        Gap(
            f"key/{each.key}", f"Key {each.key[:16]} for {each.purpose}", "it is too old", each.since + within
        )
        for each in facts
        if now > each.since + within
    ]
    return _judged(len(facts), gaps)


_UNCOVERED = {
    "missing": "it has no postmortem",
    "outdated": "more happened since its postmortem was signed",
    "refused": "deliveries of this pager were turned away",
    "undeclared": "it was told of, and nobody declared it",
    "unmatched": "a pager told of it, and no rule took it",
    "unsigned": "its postmortem is not signed",
    "waiting": "it was told of, and the register has not taken it in",
}


def _is_one_at_once(line: CoverageLine) -> bool:
    return line.incident is None and line.cover != "waiting"


def _doubt(act: ControlledAct, approved: Approved | None) -> str | None:
    """What is wrong with the approval of an act; None if nothing is."""
    if act.approval is None:
        return "its receipt names no approval"
    if approved is None:
        return "the approval that it names is not on record"
    if act.kind not in (*CARRIED[approved.kind].receipts, *CARRIED[approved.kind].sometimes):
        return "its approval is for another kind of act"
    if act.about != approved.subject:
        return "its approval is for another thing"
    if len(approved.used_at) != 1:
        return "its approval was not used"
    persons = set(approved.approvers)
    if approved.requester in persons:
        return "who asked for it also approved it"
    if len(persons) < max(approved.needed, 1):
        return f"{len(persons)} of {approved.needed} persons approved it"
    if set(act.approvers) != persons:
        return "its receipt names other approvers than the record"
    return None


def _unreported(report: PeriodReport) -> str | None:
    if report.signed is None:
        if report.why:
            return f"no report is signed: {report.why}"
        return "no report is signed" if report.run else "no report is signed, and no run covered it"
    if report.overtaken:
        return f"data received since revision {report.signed} give other figures, and it was not restated"
    return None


def _judged(
    looked_at: int, gaps: Sequence[Gap], excepted: int = 0, evidence: Iterable[UUID] = ()
) -> Judgment:
    state = ControlState.NOT_SATISFIED if gaps else ControlState.SATISFIED
    return Judgment(state, looked_at, tuple(gaps), excepted, evidence=tuple(evidence))


def _not_evaluated(why: str) -> Judgment:
    return Judgment(ControlState.NOT_EVALUATED, 0, why=why)
