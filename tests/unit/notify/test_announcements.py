"""What an announcement may hold, and where a delivery stands by its log."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust_portal.kernel.names import is_readable
from trust_portal.notify.model import Announcement, Attempt, DeliveryState, Verdict, state_of
from trust_portal.notify.topics import RULES, Topic, subscribable

AT = datetime(2026, 7, 10, 9, tzinfo=UTC)


def say(**more) -> Announcement:
    return Announcement(
        **({"topic": Topic.ANOMALY_OPENED, "key": "k/1", "title": "t", "text": "x", "path": "/"} | more)
    )


@given(st.text(max_size=500), st.text(max_size=3000))
def test_whatever_people_typed_no_act_fails_for_it_and_every_character_shows(title: str, text: str) -> None:
    made = say(title=title, text=text, facts={"reason": title})
    assert len(made.title) <= 160
    assert is_readable(made.title)
    assert is_readable(made.facts["reason"])
    assert is_readable(made.text.replace("\n", ""))
    assert len(made.text) <= 2000


def test_what_is_cut_says_so_and_paragraphs_stay() -> None:
    made = say(title="a" * 200, text="one\r\n\r\n\r\n\r\ntwo\u202e\tthree")
    assert made.title == "a" * 159 + "…"
    assert made.text == "one\n\ntwo three"


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": ""}, {"key": "a b"}, {"key": "ä"}, {"key": "x" * 201}, {"thread": "a b"},
        {"path": "https://evil.example"}, {"path": "t/acme"}, {"path": "/a b"}, {"path": "/\\evil.example"},
        {"facts": {"Reason": "x"}}, {"facts": {f"f{n}": "x" for n in range(21)}},
    ],
)  # fmt: skip
def test_a_key_path_or_name_out_of_shape_is_a_fault_of_ours(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        say(**wrong)


def test_every_topic_has_its_rule_and_they_stand_in_order() -> None:
    assert list(RULES) == list(Topic) == sorted(Topic)
    assert all(rule.title and rule.about.endswith(".") for rule in RULES.values())
    assert subscribable(by_customer=True) == (
        Topic.ANOMALY_OPENED,
        Topic.BREAK_GLASS,
        Topic.BUDGET_ALERT,
        Topic.POSTMORTEM_RELEASED,
        Topic.QBR_ISSUED,
        Topic.RESIDENCY_SET,
        Topic.SLA_REPORT_ISSUED,
        Topic.TRUST_REPORT_PUBLISHED,
    )
    assert set(Topic) - set(subscribable(by_customer=False)) == {Topic.WEBHOOK_TEST}


def attempt(verdict: Verdict | None, *, given_up: bool = False, round: int = 0) -> Attempt:
    return Attempt(1, round, "", AT, None, verdict=verdict, given_up=given_up)


@pytest.mark.parametrize(
    ("last", "replays", "state"),
    [
        (None, 0, DeliveryState.WAITING),
        (attempt(None), 0, DeliveryState.WAITING),
        (attempt(Verdict.DELIVERED), 0, DeliveryState.DELIVERED),
        (attempt(Verdict.DELIVERED), 1, DeliveryState.WAITING),
        (attempt(Verdict.DELIVERED, round=1), 1, DeliveryState.DELIVERED),
        (attempt(Verdict.FAILED), 0, DeliveryState.RETRYING),
        (attempt(Verdict.LOST), 0, DeliveryState.RETRYING),
        (attempt(Verdict.FAILED, given_up=True), 0, DeliveryState.GIVEN_UP),
        (attempt(Verdict.LOST, given_up=True), 0, DeliveryState.GIVEN_UP),
        (attempt(Verdict.SKIPPED), 0, DeliveryState.SKIPPED),
    ],
)
def test_where_a_delivery_stands_follows_from_its_last_attempt(
    last, replays: int, state: DeliveryState
) -> None:
    assert state_of(last, replays) is state
