"""The product and its control calls: each obeyed once, taken back by what it found, told in the usage."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trust_portal.demo.product.chronicle import ramp
from trust_portal.demo.product.controls import Controls, Knob
from trust_portal.demo.product.incidents import runaway_key
from trust_portal.demo.product.obedience import Call, Obedience
from trust_portal.demo.product.vendor import Vendor
from trust_portal.demo.script import Script

SCRIPT = Script("2026-03", datetime(2026, 4, 16, 9, tzinfo=UTC))
AT = SCRIPT.at(3.2)
LIMIT = {"limit_per_hour": "70", "unit": "gigabytes"}


def call(action: str = "throttle_exports", **changes: object) -> Call:
    wanted: dict[str, object] = {
        "tenant": "brightwater",
        "target": {"operation": "export"},
        "parameters": LIMIT,
        "dry_run": False,
        "idempotency_key": "run-1:apply",
        "expires_at": SCRIPT.at(6),
        **changes,
    }
    return Call(action=action, **wanted)  # type: ignore[arg-type]


def reverse(key: str = "run-1:reverse", of: str = "run-1:apply", action: str = "unthrottle_exports") -> Call:
    return call(action, idempotency_key=key, reverses=of, parameters={})


ACTIONS = [
    ("throttle_exports", {"operation": "export"}, LIMIT, {"limit_per_hour": None, "unit": "gigabytes"}, "unthrottle_exports"),
    ("pause_ramp", {"flag": "export-v2"}, {"percentage": "5"}, {"percentage": "100"}, "resume_ramp"),
    ("set_retention_tier", {"resource": "archive"}, {"tier": "cold"}, {"tier": None}, "restore_retention_tier"),
    ("enable_cache", {"adapter": "erp-sync"}, {"ttl_seconds": "300"}, {"ttl_seconds": None}, "disable_cache"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "target", "parameters", "previous", "undo"), ACTIONS)
def test_an_action_answers_with_what_it_found_and_its_reverse_puts_that_back(
    action: str,
    target: dict[str, str],
    parameters: dict[str, str],
    previous: dict[str, str | None],
    undo: str,
) -> None:
    product = Obedience(SCRIPT)
    done = product.obey(call(action, target=target, parameters=parameters), AT)
    assert done.to_json() == {"state": "applied", "effect": parameters, "previous": previous}
    undone = product.obey(call(undo, idempotency_key="k2", target=target, parameters=previous, reverses="run-1:apply"), AT)  # fmt: skip
    assert undone.to_json() == {"state": "applied", "effect": previous, "previous": parameters}


@pytest.mark.parametrize(("action", "target", "parameters", "previous", "undo"), ACTIONS)
def test_a_dry_run_says_the_same_and_changes_nothing(
    action: str,
    target: dict[str, str],
    parameters: dict[str, str],
    previous: dict[str, str | None],
    undo: str,
) -> None:
    product = Obedience(SCRIPT)
    asked = call(action, target=target, parameters=parameters, dry_run=True)
    assert product.obey(asked, AT).to_json() == {
        "state": "applied",
        "effect": parameters,
        "previous": previous,
    }
    assert product.controls == Controls()
    assert not product.is_known(asked)


def test_the_same_key_is_obeyed_once_and_answered_alike_even_after_it_expired() -> None:
    product = Obedience(SCRIPT)
    first = product.obey(call(), AT)
    again = product.obey(call(), AT + timedelta(hours=9))
    assert again == first
    assert len(product.controls.settings) == 1


def test_a_key_with_another_content_is_refused_and_nothing_changes() -> None:
    product = Obedience(SCRIPT)
    product.obey(call(), AT)
    answer = product.obey(call(tenant="kestrel"), AT)
    assert (answer.state, answer.reason) == ("refused", "this key belonged to another call")
    assert [each.tenant for each in product.controls.settings] == ["brightwater"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expires_at": AT}, "it expired"),
        ({"action": "reboot"}, "there is no reboot here"),
        ({"action": "move_to_dedicated_pool"}, "there is no move_to_dedicated_pool here"),
        ({"tenant": "nobody"}, "nobody has no operation 'export'"),
        ({"target": {"operation": "import"}}, "brightwater has no operation 'import'"),
        ({"target": {}}, "brightwater has no operation ''"),
        ({"parameters": {"limit_per_hour": "70", "unit": "rows"}}, "counts in gigabytes or core-seconds"),
        ({"parameters": {"limit_per_hour": "NaN", "unit": "gigabytes"}}, "cannot be 'NaN'"),
        ({"parameters": {"limit_per_hour": "-1", "unit": "gigabytes"}}, "cannot be '-1'"),
        ({"parameters": {"unit": "gigabytes"}}, "cannot be None"),
        (
            {"action": "pause_ramp", "target": {"flag": "export-v2"}, "parameters": {"percentage": "101"}},
            "cannot be '101'",
        ),
        (
            {"action": "set_retention_tier", "target": {"resource": "archive"}, "parameters": {"tier": "x"}},
            "cannot be 'x'",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_for_good_and_nothing_changes(
    changes: dict[str, object], reason: str
) -> None:
    product = Obedience(SCRIPT)
    asked = call(**changes)  # type: ignore[arg-type]
    answer = product.obey(asked, AT)
    assert answer.state == "refused"
    assert reason in str(answer.reason)
    assert product.obey(asked, AT) == answer
    assert product.controls == Controls()


def test_taken_back_before_it_came_a_call_is_never_obeyed() -> None:
    product = Obedience(SCRIPT)
    assert product.obey(reverse(), AT).to_json() == {"state": "applied", "effect": {}, "previous": {}}
    late = product.obey(call(), AT)
    assert (late.state, late.reason) == ("refused", "it was taken back before it came")
    assert product.controls == Controls()


def test_taken_back_twice_it_is_taken_back_once() -> None:
    product = Obedience(SCRIPT)
    product.obey(call(), AT)
    product.obey(reverse("a"), AT + timedelta(minutes=1))
    assert product.obey(reverse("b"), AT + timedelta(minutes=2)).effect == {}
    (setting,) = product.controls.settings
    assert setting.ended == AT + timedelta(minutes=1)


def test_a_reverse_of_something_else_is_refused() -> None:
    product = Obedience(SCRIPT)
    product.obey(call(), AT)
    answer = product.obey(reverse(action="resume_ramp"), AT)
    assert (answer.state, answer.reason) == ("refused", "resume_ramp does not take back throttle_exports")
    assert product.controls.settings[0].ended is None


def test_of_two_limits_the_last_one_counts_until_it_is_taken_back() -> None:
    product = Obedience(SCRIPT)
    product.obey(call(), AT)
    product.obey(call(idempotency_key="run-2:apply", parameters={**LIMIT, "limit_per_hour": "9"}), AT)
    assert product.obey(reverse(), AT).effect == {"limit_per_hour": "9", "unit": "gigabytes"}
    assert product.obey(reverse("x", of="run-2:apply"), AT).effect["limit_per_hour"] is None


def costs(start: datetime, end: datetime, controls: Controls) -> dict[tuple[str, int], Decimal]:
    """What Brightwater costs by subsystem and quarter of an hour after the curtain."""
    found: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for line in Vendor(SCRIPT).events(start, end, controls):
        event = json.loads(line.content)
        if event["type"].endswith("usage.recorded.v1") and event["data"]["tenant"] == "brightwater":
            quarter = int((line.time - SCRIPT.curtain) / timedelta(minutes=15))
            found[event["data"]["subsystem"], quarter] += Decimal(event["data"]["cost"])
    return found


def test_throttled_exports_fall_within_minutes_and_come_back_when_they_are_let_go() -> None:
    product = Obedience(SCRIPT)
    product.obey(call(), AT)
    product.obey(reverse(), SCRIPT.at(5))
    throttled = costs(SCRIPT.at(2), SCRIPT.at(7), product.controls)
    free = costs(SCRIPT.at(2), SCRIPT.at(7), Controls())
    for subsystem in ("egress", "compute"):
        # The run that was under way ends at 12:14 and what comes after obeys; at 14:00 it is let go.
        assert [n for n in range(9, 28) if throttled[subsystem, n] != free[subsystem, n]] == [*range(13, 20)]
    assert (
        sum(throttled["egress", n] for n in range(13, 16))
        < sum(free["egress", n] for n in range(13, 16)) / 20
    )


def test_a_paused_ramp_is_a_step_of_the_flag_and_ends_the_runaway() -> None:
    product = Obedience(SCRIPT)
    held_at = SCRIPT.at(1.5)
    asked = call(
        "pause_ramp",
        target={"flag": "export-v2"},
        parameters={"percentage": "5"},
    )
    assert product.obey(asked, held_at).previous == {"percentage": "50"}
    steps = [json.loads(each.content)["data"] for each in ramp(SCRIPT, product.controls)]
    assert [(step["previous"]["percentage"], step["percentage"], step["by"]) for step in steps] == [
        (0, 5, "Nadia Brandt"),
        (5, 25, "Nadia Brandt"),
        (25, 50, "Nadia Brandt"),
        (50, 5, "control call"),
    ]
    after = costs(SCRIPT.at(1), SCRIPT.at(4), product.controls)
    assert after["egress", 6] < 1 < after["egress", 5]


def test_another_tier_is_cheaper_from_its_minute_on() -> None:
    product = Obedience(SCRIPT)
    target, parameters = {"resource": "archive"}, {"tier": "archive"}
    product.obey(call("set_retention_tier", target=target, parameters=parameters), SCRIPT.at(3.5) - timedelta(seconds=1))  # fmt: skip

    def archive(hours: float) -> Decimal:
        lines = Vendor(SCRIPT).events(SCRIPT.at(hours), SCRIPT.at(hours + 1), product.controls)
        events = [json.loads(each.content)["data"] for each in lines]
        (cost,) = [each["cost"] for each in events if each.get("resource") == "archive"]
        return Decimal(cost)

    assert [archive(hours) for hours in (2, 3, 4)] == [Decimal(36), Decimal("22.32"), Decimal(9)]


def test_cached_calls_cost_a_fifth() -> None:
    product = Obedience(SCRIPT)
    product.obey(call("enable_cache", target={"adapter": "erp-sync"}, parameters={"ttl_seconds": "300"}), AT)

    def adapters(hours: int, controls: Controls) -> Decimal:
        return costs(SCRIPT.at(hours), SCRIPT.at(hours + 1), controls)["adapters", 4 * hours]

    assert adapters(5, product.controls) == adapters(5, Controls()) / 5


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 5 * 60), st.integers(0, 7 * 60), st.booleans())
def test_what_is_set_changes_nothing_of_what_was_before(minute: int, cut: int, pause: bool) -> None:
    """So a product that sends its story anew after a crash sends the same events."""
    at, end = SCRIPT.at(minute / 60), SCRIPT.at(cut / 60)
    product = Obedience(SCRIPT)
    asked = (
        call(
            "pause_ramp",
            target={"flag": "export-v2"},
            parameters={"percentage": "5"},
            expires_at=SCRIPT.at(99),
        )
        if pause
        else call()
    )
    product.obey(asked, at)
    if end <= at:
        start = end - timedelta(hours=2)
        vendor = Vendor(SCRIPT)
        assert vendor.events(start, end, product.controls) == vendor.events(start, end, Controls())


def test_an_hour_is_told_apart_by_what_held_in_its_minutes() -> None:
    product = Obedience(SCRIPT)
    product.obey(call("enable_cache", target={"adapter": "erp-sync"}, parameters={"ttl_seconds": "300"}), SCRIPT.at(3.25))  # fmt: skip
    minutes = product.controls.minutes("brightwater", Knob.CACHE, "erp-sync", SCRIPT.at(3))
    assert minutes == {None: 15, "300": 45}


def told_of_the_runaway(product: Obedience, until: datetime) -> list[tuple[str, str]]:
    """Type and time of every event about the incident, in order."""
    lines = Vendor(SCRIPT).events(SCRIPT.at(0), until, product.controls)
    events = [json.loads(each.content) for each in lines]
    return [
        (each["type"].split(".")[2], each["time"])
        for each in events
        if each["source"].endswith(":incidents") and each["data"]["incident"] == runaway_key(SCRIPT)
    ]


def test_the_runaways_incident_is_mitigated_by_the_limit_and_by_nothing_else() -> None:
    product = Obedience(SCRIPT)
    declared = [
        ("declared", "2026-04-16T12:19:00Z"),
        ("updated", "2026-04-16T12:27:00Z"),
        ("updated", "2026-04-16T12:32:00Z"),
    ]
    pause = {"target": {"flag": "export-v2"}, "parameters": {"percentage": "5"}}
    product.obey(call("pause_ramp", idempotency_key="run-2:apply", **pause), SCRIPT.at(4))
    assert told_of_the_runaway(product, SCRIPT.at(48)) == declared
    product.obey(call(), SCRIPT.at(4.5))
    assert told_of_the_runaway(product, SCRIPT.at(48)) == [
        *declared,
        ("updated", "2026-04-16T13:31:00Z"),
        ("mitigated", "2026-04-16T13:49:00Z"),
        ("resolved", "2026-04-16T17:31:00Z"),
    ]
