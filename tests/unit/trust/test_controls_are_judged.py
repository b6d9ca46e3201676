"""Each control, satisfied, not satisfied with its gap by name, and without anything to judge by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.errors import Broken
from trust_portal.kernel.canonical import canonical
from trust_portal.trust.compliance.catalogue import parse_catalogue, shipped_catalogue
from trust_portal.trust.compliance.document import (
    controls_of,
    evaluation_body,
    evaluation_of,
    inherited,
    result_of,
)
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
from trust_portal.trust.compliance.judging import (
    judge_audit,
    judge_coverage,
    judge_dual_control,
    judge_emergencies,
    judge_keys,
    judge_reports,
    judge_roles,
)
from trust_portal.trust.compliance.model import MOST_GAPS, ControlState, Gap, Judgment, Party
from trust_portal.trust.compliance.section import compliance_section
from trust_portal.trust.sections.display import sentences
from trust_portal.trust.sections.model import State

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ACT, APPROVAL, RECEIPT = UUID(int=1), UUID(int=2), UUID(int=3)
ASKER, FAY, REX, SAM = (UUID(int=each) for each in (10, 11, 12, 13))

CREDIT = ControlledAct(
    ACT, "credit.issued", "credit.issued of memo.json", NOW, APPROVAL, (FAY, REX), "credit/1"
)
APPROVED = Approved(APPROVAL, ApprovalKind.CREDIT, "credit/1", ASKER, 2, (FAY, REX), (NOW,))


def whys(judgment: Judgment) -> list[str]:
    return [each.why for each in judgment.gaps]


def test_an_act_behind_two_others_and_one_use_is_satisfied() -> None:
    judgment = judge_dual_control(DualControlFacts((CREDIT,), (APPROVED,)))
    assert judgment == Judgment(ControlState.SATISFIED, 1, evidence=(ACT,))


@pytest.mark.parametrize(
    ("act", "approved", "why"),
    [
        (replace(CREDIT, approval=None), APPROVED, "its receipt names no approval"),
        (replace(CREDIT, approval=UUID(int=9)), APPROVED, "the approval that it names is not on record"),
        (
            CREDIT,
            replace(APPROVED, kind=ApprovalKind.KEY_ROTATION),
            "its approval is for another kind of act",
        ),
        (CREDIT, replace(APPROVED, subject="credit/2"), "its approval is for another thing"),
        (replace(CREDIT, about=None), APPROVED, "its approval is for another thing"),
        (CREDIT, replace(APPROVED, used_at=()), "its approval was not used"),
        (CREDIT, replace(APPROVED, approvers=(FAY, ASKER)), "who asked for it also approved it"),
        (CREDIT, replace(APPROVED, approvers=(FAY, FAY)), "1 of 2 persons approved it"),
        (
            replace(CREDIT, approvers=(FAY, SAM)),
            APPROVED,
            "its receipt names other approvers than the record",
        ),
    ],
)
def test_an_act_that_two_do_not_stand_behind_is_a_gap_by_its_name(act, approved, why: str) -> None:
    judgment = judge_dual_control(DualControlFacts((act,), (approved,)))
    assert judgment.state is ControlState.NOT_SATISFIED
    assert judgment.gaps == (Gap(f"receipt/{ACT}", "credit.issued of memo.json", why, NOW, ACT),)


def test_one_approval_lets_one_act() -> None:
    again = replace(CREDIT, receipt=UUID(int=4))
    judgment = judge_dual_control(DualControlFacts((CREDIT, again), (APPROVED,)))
    assert [(each.receipt, each.why) for each in judgment.gaps] == [
        (UUID(int=4), "its approval was used for another act already")
    ]


def test_first_policies_and_emergencies_are_excepted_and_counted() -> None:
    first = replace(CREDIT, approval=None, first=True)
    alone = replace(CREDIT, approval=None, emergency=True)
    judgment = judge_dual_control(DualControlFacts((first, alone), ()))
    assert (judgment.state, judgment.looked_at, judgment.excepted) == (ControlState.SATISFIED, 2, 2)


def test_emergency_access_is_a_gap_once_its_review_is_late() -> None:
    grant = Emergency(ACT, "acme", SAM, NOW - 10 * DAY, NOW - 9 * DAY, None, RECEIPT)
    waiting = judge_emergencies((grant,), 9 * DAY, NOW)
    assert (waiting.state, waiting.excepted) == (ControlState.SATISFIED, 1)
    late = judge_emergencies((grant,), 9 * DAY, NOW + timedelta(seconds=1))
    assert late.gaps == (
        Gap(f"grant/{ACT}", f"Emergency access of {SAM} to acme", "nobody reviewed it in time", NOW, RECEIPT),
    )
    reviewed = judge_emergencies((replace(grant, reviewed_at=NOW),), 9 * DAY, NOW + 90 * DAY)
    assert (reviewed.state, reviewed.excepted) == (ControlState.SATISFIED, 0)


def test_a_major_incident_has_its_time_and_then_is_a_gap() -> None:
    line = CoverageLine("Export queue stalled", ACT, "P1", "unsigned", True, NOW - 14 * DAY)
    assert judge_coverage((line,), 14 * DAY, NOW).state is ControlState.SATISFIED
    late = judge_coverage((line,), 14 * DAY, NOW + timedelta(seconds=1))
    assert late.gaps == (
        Gap(f"incident/{ACT}", "P1: Export queue stalled", "its postmortem is not signed", NOW),
    )
    signed = replace(line, cover="signed", is_gap=False)
    assert judge_coverage((signed,), 14 * DAY, NOW + 90 * DAY) == Judgment(ControlState.SATISFIED, 1)


def test_what_nobody_declared_is_a_gap_at_once() -> None:
    line = CoverageLine("urn:pager/PD-9", None, None, "undeclared", True, NOW)
    assert judge_coverage((line,), 14 * DAY, NOW).gaps == (
        Gap("incident/urn:pager/PD-9", "urn:pager/PD-9", "it was told of, and nobody declared it", NOW),
    )


def test_what_is_not_taken_in_yet_has_the_time_of_a_postmortem_and_then_is_a_gap() -> None:
    line = CoverageLine("PD-9", None, None, "waiting", True, NOW - 14 * DAY)
    assert judge_coverage((line,), 14 * DAY, NOW) == Judgment(ControlState.SATISFIED, 1, excepted=1)
    assert judge_coverage((line,), 14 * DAY, NOW + timedelta(seconds=1)).gaps == (
        Gap("incident/PD-9", "PD-9", "it was told of, and the register has not taken it in", NOW),
    )


JUNE = PeriodReport("acme", "2026-06", NOW - 10 * DAY, 1, overtaken=False, run="issued", why=None)


def test_a_signed_report_that_holds_is_satisfied_and_before_its_time_nothing_is_judged() -> None:
    assert judge_reports((JUNE,), 10 * DAY, NOW) == Judgment(
        ControlState.NOT_EVALUATED, 0, why="no period has ended yet for which a report is due"
    )
    assert judge_reports((JUNE,), 10 * DAY, NOW + DAY) == Judgment(ControlState.SATISFIED, 1)


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (replace(JUNE, signed=None, run=None), "no report is signed, and no run covered it"),
        (replace(JUNE, signed=None, run="pending"), "no report is signed"),
        (
            replace(JUNE, signed=None, run="incomplete", why="1,440 minutes are not measured"),
            "no report is signed: 1,440 minutes are not measured",
        ),
        (
            replace(JUNE, overtaken=True),
            "data received since revision 1 give other figures, and it was not restated",
        ),
    ],
)
def test_a_period_without_a_report_that_holds_is_a_gap_with_its_reason(report, why: str) -> None:
    judgment = judge_reports((report,), 10 * DAY, NOW + DAY)
    assert judgment.gaps == (Gap("report/acme/2026-06", "2026-06 of acme", why, NOW),)


AUDIT = AuditFacts(NOW - 90 * DAY, ACT, NOW - 7 * DAY, 41, 0, (), RECEIPT)


def test_an_audit_without_findings_holds_for_its_time() -> None:
    assert judge_audit(AUDIT, 7 * DAY, NOW) == Judgment(ControlState.SATISFIED, 41, evidence=(RECEIPT,))
    late = judge_audit(AUDIT, 7 * DAY, NOW + timedelta(seconds=1))
    assert late.gaps == (Gap("log", "The log", "its last audit is too long ago", NOW, RECEIPT),)


def test_findings_of_an_audit_are_gaps_all_counted() -> None:
    found = replace(AUDIT, finding_count=3, findings=(("receipt 7", "nobody signed it"),))
    judgment = judge_audit(found, 7 * DAY, NOW)
    at = NOW - 7 * DAY
    assert judgment.gaps == (
        Gap("finding/1", "receipt 7", "nobody signed it", at, RECEIPT),
        Gap("finding/more", "2 more findings", "as the audit has them", at, RECEIPT),
    )


def test_what_the_customer_keeps_shut_is_not_evaluated_unless_something_else_is_found_or_it_is_late() -> None:
    shut = replace(AUDIT, withheld="3 bundles sealed under a key the customer withdrew")
    assert judge_audit(shut, 7 * DAY, NOW) == Judgment(
        ControlState.NOT_EVALUATED,
        41,
        why="3 bundles sealed under a key the customer withdrew",
        evidence=(RECEIPT,),
    )
    late = judge_audit(shut, 7 * DAY, NOW + timedelta(seconds=1))
    assert whys(late) == ["its last audit is too long ago"]
    found = replace(shut, finding_count=1, findings=(("receipt 7", "nobody signed it"),))
    assert whys(judge_audit(found, 7 * DAY, NOW)) == ["nobody signed it"]


def test_a_young_log_is_not_evaluated_and_an_old_one_without_audit_is_a_gap() -> None:
    never = AuditFacts(NOW - 7 * DAY, None, None, 0, 0, (), None)
    assert judge_audit(never, 7 * DAY, NOW) == Judgment(
        ControlState.NOT_EVALUATED, 0, why="the log is younger than an audit is due, and none was made"
    )
    late = judge_audit(never, 7 * DAY, NOW + DAY)
    assert late.gaps == (Gap("log", "The log", "no audit of this log is on record", NOW),)


def test_a_role_is_a_gap_where_neither_grant_nor_review_is_recent() -> None:
    role = RoleFact(ACT, SAM, "csm", NOW - 90 * DAY, None, None)
    assert judge_roles((role,), 90 * DAY, NOW) == Judgment(ControlState.SATISFIED, 1)
    late = judge_roles((role,), 90 * DAY, NOW + DAY)
    assert late.gaps == (Gap(f"grant/{ACT}", f"csm of person {SAM}", "it was never reviewed", NOW),)
    confirmed = replace(role, confirmed_at=NOW, receipt=RECEIPT)
    assert judge_roles((confirmed,), 90 * DAY, NOW + 90 * DAY).state is ControlState.SATISFIED
    assert whys(judge_roles((confirmed,), 90 * DAY, NOW + 91 * DAY)) == ["its last review is too long ago"]


def test_a_key_is_a_gap_once_it_is_too_old_and_none_is_not_evaluated() -> None:
    key = KeyFact("ab" * 32, "receipts", NOW - 365 * DAY)
    assert judge_keys((key,), 365 * DAY, NOW) == Judgment(ControlState.SATISFIED, 1)
    assert judge_keys((key,), 365 * DAY, NOW + DAY).gaps == (
        Gap(f"key/{'ab' * 32}", f"Key {'ab' * 8} for receipts", "it is too old", NOW),
    )
    assert judge_keys((), 365 * DAY, NOW).why == "no key is on record yet"


def test_the_shipped_catalogue_says_how_each_control_is_judged() -> None:
    catalogue = shipped_catalogue()
    assert [each.id for each in catalogue.controls] == [
        "access-review",
        "dual-control",
        "emergency-access",
        "key-rotation",
        "postmortem-coverage",
        "receipts-audited",
        "sla-reports",
    ]
    assert [each.id for each in catalogue.of(Party.TENANT)] == [
        each.id for each in catalogue.controls if each.id != "key-rotation"
    ]
    assert not any("{" in each.statement + each.method for each in catalogue.controls)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("every_days: 1", "every_days: 30"), "key-rotation: it may not age before it is due"),
        (("parties: [house]", "parties: [tenant]"), "key-rotation: only the vendor's is inherited"),
        (("title:", "heading:"), "unknown field `heading`"),
        (("within_days: 365", "within_days: soon"), "within_days"),
    ],
)
def test_a_catalogue_that_does_not_hold_together_is_refused_by_name(change, said: str) -> None:
    text = """\
key-rotation:
  title: Keys
  statement: No key is older than {within} days.
  method: By its age.
  parties: [house]
  inherited: true
  within_days: 365
  every_days: 1
  max_age_days: 3
  references: {}
"""
    with pytest.raises(Broken) as refused:
        parse_catalogue(text.replace(*change))
    assert said in refused.value.message


def _evaluation(at: datetime = NOW):
    catalogue = shipped_catalogue()
    gaps = tuple(Gap(f"key/{n}", f"Key {n}", "it is too old", NOW, RECEIPT) for n in range(MOST_GAPS + 1))
    by_id = {each.id: each for each in catalogue.controls}
    house = [
        result_of(
            by_id["key-rotation"],
            Party.HOUSE,
            Judgment(ControlState.NOT_SATISFIED, 300, gaps, evidence=(RECEIPT,)),
            at,
            "0" * 64,
        ),
        result_of(by_id["sla-reports"], Party.HOUSE, Judgment(ControlState.SATISFIED, 9), at, "1" * 64),
    ]
    own = result_of(
        by_id["sla-reports"],
        Party.TENANT,
        Judgment(ControlState.NOT_EVALUATED, 0, why="no period has ended yet for which a report is due"),
        NOW,
        "2" * 64,
    )
    results = (own, *inherited(catalogue, house))
    body = evaluation_body(
        ACT, {"id": str(SAM), "key": "acme", "name": "Acme"}, NOW, catalogue, results, source=None, imports=()
    )
    return evaluation_of(ACT, SAM, NOW, canonical(body), "f" * 64, RECEIPT), body


def test_a_customer_inherits_the_number_of_the_vendors_gaps_and_not_their_names() -> None:
    evaluation, body = _evaluation()
    assert [(each.control, each.party, each.gap_count, each.gaps) for each in evaluation.results] == [
        ("key-rotation", Party.HOUSE, MOST_GAPS + 1, ()),
        ("sla-reports", Party.TENANT, 0, ()),
    ]
    assert evaluation.results[0].evidence == ()
    assert controls_of(body) == {
        each.id: each for each in shipped_catalogue().controls if each.id in {"key-rotation", "sla-reports"}
    }


def test_the_section_counts_results_and_names_what_was_not_evaluated() -> None:
    section = compliance_section(_evaluation()[0], NOW + 3 * DAY, None)
    assert (section.state, section.why, section.as_of) == (State.FRESH, None, NOW)
    assert sentences(section) == (
        "Of 2 results: satisfied 0, not satisfied 1, not evaluated 1. Judged at 10\u00a0July 2026, 09:00\u00a0UTC.",
    )
    rows = [[cell.value for cell in row.cells] for row in section.table("controls").rows]
    assert rows == [
        [
            "Signing keys are rotated",
            "the vendor",
            "not satisfied",
            "300",
            "201",
            "2026-07-10T09:00:00Z",
            "ISO/IEC 27001:2022 A.8.24; SOC 2 CC6.1",
        ],
        [
            "Every promise is reported on",
            "your tenant",
            "not evaluated: no period has ended yet for which a report is due",
            "0",
            "0",
            "2026-07-10T09:00:00Z",
            "ISO/IEC 27001:2022 A.5.20, A.5.22; SOC 2 CC2.3, A1.1",
        ],
    ]


def test_the_section_is_as_old_as_its_oldest_result_and_names_it() -> None:
    section = compliance_section(_evaluation(NOW - 2 * DAY)[0], NOW + 2 * DAY, None)
    assert (section.state, section.as_of) == (State.STALE, NOW - 2 * DAY)
    assert section.why == "Signing keys are rotated: it is 4\u00a0d old, and may be 3\u00a0d"


def test_a_tenant_that_was_never_evaluated_is_missing_and_says_so() -> None:
    section = compliance_section(None, NOW, None)
    assert (section.state, section.why) == (State.MISSING, "compliance was not evaluated yet")
