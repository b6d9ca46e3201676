"""The rules of dual control as text, as intents, and as a matching of people to places."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.access.approvals.decision import slot_to_fill, state_of
from trust_portal.access.approvals.matching import can_be_filled, could_fill, slots_for, still_needed
from trust_portal.access.approvals.model import (
    Approval,
    ApprovalKind,
    ApprovalRequest,
    ApprovalState,
    Approver,
    AskApproval,
    Evidence,
    Intent,
    IntentLine,
    Step,
    StepAct,
)
from trust_portal.access.approvals.repository import read_intent
from trust_portal.access.approvals.rules import parse_rules
from trust_portal.access.policy import APPROVALS, PolicySet, shipped_policies
from trust_portal.errors import Broken, InvalidInput, Refused
from trust_portal.kernel.actor import CUSTOMER_ROLES, ActorKind, Role

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
FINANCE, RELIABILITY, SECURITY = (
    Role.APPROVER_FINANCE,
    Role.APPROVER_RELIABILITY,
    Role.APPROVER_SECURITY,
)
REQUESTER = UUID(int=99)
INTENT = Intent(
    ApprovalKind.CREDIT,
    "acme",
    "Acme Ltd",
    "Credit 120.00 EUR for June 2026",
    (IntentLine("Amount", "120.00 EUR"),),
    "Acme pays 120.00 EUR less in July",
    "None that could not be put right by an invoice",
    (Evidence("SLA report 2026-06", "/t/acme/reports/1", "ab" * 32),),
)
RULE = """\
threshold_change:
  id: money
  approvers: [approver_finance, approver_security]
  decide_within: 24h
  use_within: 30m
"""


# Rules


def test_every_kind_has_a_rule_that_somebody_else_must_fulfil():
    rules = shipped_policies().approval_rules

    assert set(rules) == set(ApprovalKind)
    assert all(rule.approvers and rule.kind is kind for kind, rule in rules.items())
    assert rules[ApprovalKind.RETENTION_CHANGE].approvers == (SECURITY, FINANCE)
    assert rules[ApprovalKind.PLAYBOOK_RUN].approvers == (RELIABILITY, FINANCE)
    assert {len(rule.approvers) for rule in rules.values()} == {2}, "whoever asks, two others sign"


def test_a_rule_says_who_and_how_long():
    (rule,) = parse_rules(RULE).values()

    assert (rule.id, rule.approvers) == ("money", (FINANCE, SECURITY))
    assert (rule.decide_within, rule.use_within) == (timedelta(hours=24), timedelta(minutes=30))


def test_what_rules_once_said_of_passkeys_is_read_and_decides_nothing():
    assert parse_rules(RULE + "  passkey: optional\n") == parse_rules(RULE)


def test_the_rules_are_part_of_the_version_that_receipts_cite():
    texts = {each.name: each.text for each in shipped_policies().texts}
    assert APPROVALS in texts

    changed = PolicySet.parse(texts | {APPROVALS: texts[APPROVALS].replace("7d", "6d")})

    assert changed.version != shipped_policies().version


def test_without_rules_nothing_can_be_asked_for_and_with_an_empty_list_neither():
    texts = {each.name: each.text for each in shipped_policies().texts if each.name != APPROVALS}
    nobody = RULE.replace("[approver_finance, approver_security]", "[]")

    assert PolicySet.parse(texts).approval_rules == {}
    assert (
        PolicySet.parse(texts | {APPROVALS: nobody}).approval_rules[ApprovalKind.THRESHOLD_CHANGE].approvers
        == ()
    )
    assert not can_be_filled({1: ()})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "not a mapping"),
        ("{", "not YAML"),
        ("coffee:\n  id: x", "'coffee' is nothing"),
        ("credit: yes", "no more and no less"),
        (RULE.replace("  use_within: 30m\n", ""), "no more and no less"),
        (RULE + "  also: x\n", "no more and no less"),
        *(
            (
                RULE.replace("threshold_change", kind).replace(", approver_security", ""),
                f"{kind}: takes two approvers or more",
            )
            for kind in ApprovalKind
        ),
        (RULE.replace("money", "Mo ney"), "an id is"),
        (RULE.replace("approver_finance", "customer_admin"), "no role of the vendor"),
        (RULE.replace("approver_finance", "everybody"), "no role of the vendor"),
        (RULE.replace("[approver_finance, approver_security]", "approver_finance"), "a list"),
        (RULE.replace("[approver_finance, approver_security]", str(["csm"] * 5)), "at most 4"),
        (RULE.replace("24h", "24"), "decide_within"),
        (RULE.replace("24h", "0h"), "decide_within"),
        (RULE.replace("30m", "91d"), "at most 90 days"),
        (RULE + RULE, "two rules"),
        (RULE + RULE.replace("threshold_change:", "playbook_run:"), "share an id"),
    ],
)
def test_rules_that_do_not_hold_are_refused_at_the_start(text, says):
    with pytest.raises(Broken, match=says) as refused:
        parse_rules(text)
    assert refused.value.code == "BAD_POLICY"


# Intents


def test_an_intent_is_json_of_strings_only_and_is_read_back_as_it_was():
    def texts(value):
        if isinstance(value, dict):
            return all(isinstance(name, str) and texts(each) for name, each in value.items())
        return all(map(texts, value)) if isinstance(value, list) else isinstance(value, str)

    assert texts(json.loads(INTENT.canonical()))
    assert read_intent(INTENT.canonical()) == INTENT


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"effect": "120.00 \u202eRUE"}, "effect"),
        ({"risk": " none"}, "risk"),
        ({"act": ()}, "act"),
        ({"tenant_name": "x" * 201}, "tenant.name"),
    ],
)
def test_an_intent_that_could_mislead_is_refused(change, field):
    with pytest.raises(InvalidInput) as refused:
        replace(INTENT, **change)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("path", "sha256", "field"),
    [
        ("//evil.example/", "ab" * 32, "evidence.path"),
        ("https://evil.example/", "ab" * 32, "evidence.path"),
        ("/t/acme/x y", "ab" * 32, "evidence.path"),
        ("/t/acme", "AB" * 32, "evidence.sha256"),
        ("/t/acme", "", "evidence.sha256"),
    ],
)
def test_evidence_lies_in_this_portal_and_is_fixed_by_a_digest(path, sha256, field):
    with pytest.raises(InvalidInput) as refused:
        Evidence("The report", path, sha256)
    assert refused.value.field == field


def test_reasons_may_have_lines_and_browsers_line_ends_are_one():
    ask = AskApproval(UUID(int=1), INTENT, "  because\r\nthis  ", "credit/1")

    assert ask.reason == "because\nthis"


# Who fills which place

people = st.lists(
    st.builds(
        Approver,
        st.integers(1, 6).map(lambda number: UUID(int=number)),
        st.just("Somebody"),
        st.dictionaries(
            st.sampled_from([FINANCE, RELIABILITY, SECURITY]), st.sampled_from([None, REQUESTER])
        ),
    ),
    max_size=5,
    unique_by=lambda each: each.person_id,
).map(tuple)
slots = st.lists(st.sampled_from([FINANCE, RELIABILITY, SECURITY]), min_size=1, max_size=4).map(tuple)


def by_trying(candidates) -> bool:
    """Whether different persons can fill every place, by trying every combination."""
    return any(
        len({each.person_id for each in chosen}) == len(candidates)
        for chosen in itertools.product(*candidates.values())
    )


@given(slots, people)
def test_a_request_can_be_filled_exactly_if_some_choice_of_different_people_does(roles, approvers):
    candidates = could_fill(roles, approvers, REQUESTER)

    assert can_be_filled(candidates) == by_trying(candidates)


@given(slots, people)
def test_approvals_one_after_the_other_never_block_a_request_that_could_be_filled(roles, approvers):
    """Whoever comes next, the default place keeps the rest fulfillable, up to the last place."""
    approval = Approval(request(roles))
    if not can_be_filled(could_fill(roles, approvers, REQUESTER)):
        return
    for approver in approvers:
        try:
            slot = slot_to_fill(approval, approvers, approver.person_id, None)
        except Refused:
            continue
        approval = approve(approval, approver.person_id, slot)
        assert can_be_filled(still_needed(approval, approvers))
    assert approval.open_slots == ()


@given(slots, people)
def test_a_place_is_offered_only_where_it_is_open_and_the_role_is_held(roles, approvers):
    approval = Approval(request(roles))
    needed = still_needed(approval, approvers)
    for approver in approvers:
        fits, blocks = slots_for(needed, approver.person_id)
        for slot in fits + blocks:
            assert approver.roles[roles[slot - 1]] is None
        others = [len(needed[slot]) for slot in fits]
        assert others == sorted(others)


def request(roles=(SECURITY, FINANCE)) -> ApprovalRequest:
    return ApprovalRequest(
        id=UUID(int=7),
        tenant_id=UUID(int=8),
        intent=INTENT,
        subject="credit/1",
        rule_id="money",
        policy_version="v",
        roles=tuple(roles),
        requester_id=REQUESTER,
        requester_kind=ActorKind.PERSON,
        requester_name="Rita",
        reason="because",
        nonce="0" * 64,
        requested_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        use_seconds=60,
        receipt_id=UUID(int=9),
    )


def approve(approval: Approval, person_id: UUID, slot: int, at: datetime = NOW) -> Approval:
    step = Step(
        ordinal=len(approval.steps) + 1,
        act=StepAct.APPROVE,
        person_id=person_id,
        person_name="Somebody",
        at=at,
        reason="fine",
        receipt_id=UUID(int=10 + slot),
        slot=slot,
        role=approval.request.roles[slot - 1],
    )
    return replace(approval, steps=(*approval.steps, step))


# States


def test_a_state_follows_from_steps_and_time_alone():
    pending = Approval(request())
    half = approve(pending, UUID(int=1), 2)
    whole = approve(half, UUID(int=2), 1, NOW + timedelta(minutes=59))
    end = NOW + timedelta(hours=1)

    assert [state_of(each, end) for each in (pending, half)] == [ApprovalState.PENDING] * 2
    assert state_of(half, end + timedelta(microseconds=1)) is ApprovalState.EXPIRED
    assert state_of(whole, end) is ApprovalState.APPROVED
    assert state_of(whole, end + timedelta(microseconds=1)) is ApprovalState.EXPIRED
    used = replace(
        whole, steps=(*whole.steps, replace(whole.steps[0], ordinal=3, act=StepAct.USE, slot=None))
    )
    assert state_of(used, end + timedelta(days=1)) is ApprovalState.USED


def test_customers_roles_approve_nothing():
    for rule in shipped_policies().approval_rules.values():
        assert not CUSTOMER_ROLES & set(rule.approvers)
