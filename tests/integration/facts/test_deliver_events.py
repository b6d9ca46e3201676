"""Events through the door into the record: each once, whatever is sent again, and each answered."""

from __future__ import annotations

import pytest
from intake_door import Door, fact, sli, slis

from trust_portal.facts.outcome import Rejection, RejectionCode


async def test_sound_measurements_are_stored_with_every_field(door: Door) -> None:
    outcome = await door.deliver(
        sli(0), sli(1, buckets={"+Inf": 60, "0.5": 58, "0.25": 50}, colour="blue", correction_of="m-0")
    )
    assert (outcome.accepted, outcome.duplicates, outcome.rejected) == (2, 0, [])
    assert await door.rows(
        "SELECT tenant_id, objective, minute::text, total, good, bounds, counts, source, event_id, "
        "correction_of, extras, received_at::text FROM measurements ORDER BY minute"
    ) == [
        (door.acme, "api", "2026-06-01 00:00:00+00", 60, 59, None, None, "urn:probe:eu", "m-0", None, None,
         "2026-07-10 09:00:00+00"),
        (door.acme, "api", "2026-06-01 00:01:00+00", 60, 59, ["0.25", "0.5", "+Inf"], [50, 58, 60],
         "urn:probe:eu", "m-1", "m-0", {"colour": "blue"}, "2026-07-10 09:00:00.000001+00"),
    ]  # fmt: skip


async def test_the_same_delivery_again_changes_nothing(door: Door) -> None:
    events = [
        *slis(range(5)),
        fact("change.deployed", service="api", version="2", environment="prod", by="ci"),
    ]
    await door.deliver(*events)
    again = await door.deliver(*events)
    assert (again.accepted, again.duplicates, again.rejected) == (0, 6, [])
    assert await door.counts() == (5, 1)


async def test_a_bad_event_is_rejected_and_the_rest_of_its_batch_kept(door: Door) -> None:
    outcome = await door.deliver(sli(0), sli(1, good=61), sli(2, tenant="nobody"), sli(3))
    assert outcome.accepted == 2
    assert outcome.rejected == [
        Rejection(1, "m-1", RejectionCode.INVALID, "good (61) exceeds total (60)", "$.data.good"),
        Rejection(2, "m-2", RejectionCode.UNKNOWN_TENANT, "no tenant nobody", "$.data.tenant"),
    ]
    assert await door.counts() == (2, 0)


@pytest.mark.parametrize(
    "other",
    [sli(0, good=58), sli(0, tenant="globex"), sli(0, note="x"),
     fact("change.deployed", "m-0", service="api", version="2", environment="prod", by="ci") | {"source": "urn:probe:eu"}],
    ids=["another number", "another tenant", "another extra field", "another type"],
)  # fmt: skip
@pytest.mark.parametrize("chunk", [1, 10])
async def test_the_same_key_with_other_content_is_a_conflict(door: Door, other: object, chunk: int) -> None:
    outcome = await door.deliver(sli(0), other, sli(0), chunk=chunk)
    assert (outcome.accepted, outcome.duplicates) == (1, 1)
    assert [(r.index, r.id, r.code, r.path) for r in outcome.rejected] == [
        (1, "m-0", RejectionCode.CONFLICT, "$.id")
    ]
    assert await door.counts() == (1, 0)


async def test_within_one_batch_each_repetition_is_judged_by_what_was_stored_before(door: Door) -> None:
    await door.deliver(sli(0))
    outcome = await door.deliver(sli(0, good=1), sli(0), sli(0, good=1))
    assert (outcome.accepted, outcome.duplicates) == (0, 1)
    assert [(r.index, r.code) for r in outcome.rejected] == [
        (0, RejectionCode.CONFLICT),
        (2, RejectionCode.CONFLICT),
    ]


async def test_the_order_of_fields_and_the_spelling_of_the_time_are_not_content(door: Door) -> None:
    event = sli(0)
    respelled = {**dict(reversed(event.items())), "time": "2026-06-01T02:00:00+02:00", "traceparent": "00-1"}
    respelled["data"] = dict(reversed(event["data"].items()))
    outcome = await door.deliver(event, respelled)
    assert (outcome.accepted, outcome.duplicates, outcome.rejected) == (1, 1, [])


@pytest.mark.parametrize("chunk", [1, 10])
async def test_the_same_key_at_another_time_is_a_duplicate_and_no_second_fact(door: Door, chunk: int) -> None:
    outcome = await door.deliver(sli(0), sli(1, id="m-0"), chunk=chunk)
    assert (outcome.accepted, outcome.duplicates, outcome.rejected) == (1, 1, [])
    assert await door.rows("SELECT minute::text FROM measurements") == [("2026-06-01 00:00:00+00",)]


async def test_two_measurements_of_one_minute_are_both_kept(door: Door) -> None:
    outcome = await door.deliver(sli(0), sli(0, id="other"))
    assert outcome.accepted == 2
    assert await door.counts() == (2, 0)


@pytest.mark.parametrize("start", ["2026-06-05T22:00:00+16:00", "2026-06-05T22:00:00-23:59"])
async def test_an_instant_that_could_not_be_read_back_is_refused_at_the_door(door: Door, start: str) -> None:
    outcome = await door.deliver(
        fact("maintenance.scheduled", window="W", start=start, end="2026-06-09T00:00:00Z",
             announced_at="2026-05-19T00:00:00Z", reason="upgrade"),
    )  # fmt: skip
    assert [(each.code, each.path) for each in outcome.rejected] == [(RejectionCode.INVALID, "$.data.start")]
    assert await door.counts() == (0, 0)
