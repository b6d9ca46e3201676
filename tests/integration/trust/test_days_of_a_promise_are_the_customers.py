"""When a promise is due, late or settled is told by the customer's calendar, wherever its people sit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from qbr_desk import everything, issue, prepare
from report_desk import CORA, Q2
from support.portal_fixtures import Portal

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.errors import InvalidInput
from trust_portal.trust.qbr.model import CommitmentState, Promise, Settle

pytestmark = pytest.mark.takes(seconds=12)

MAKE = "mutation ($input: MakeCommitmentInput!) { makeCommitment(input: $input) { commitment { due } userErrors { code path } } }"


@pytest.mark.parametrize(
    ("time_zone", "hour", "today"),
    [("Asia/Tokyo", 14, date(2026, 7, 10)), ("Pacific/Honolulu", 9, date(2026, 7, 9))],
)
async def test_a_promise_is_due_today_or_later_and_late_from_tomorrow_on_where_the_customer_is(
    portal: Portal, time_zone: str, hour: int, today: date
) -> None:
    """``hour``: of 10 July (UTC), the last of ``today``."""
    now = datetime(2026, 7, 10, hour, tzinfo=UTC)
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    house = portal.house
    portal.clock.advance(now - portal.clock.now())
    came = datetime(2026, 1, 1, tzinfo=UTC)
    far = await house.tenants.create(
        CreateTenant("far", "Far", onboarded_at=came, time_zone=time_zone), CONSOLE
    )
    before = await everything(house, far.id)
    with pytest.raises(InvalidInput) as refused:
        await house.qbrs.promise(Promise(far.id, "Answer", "Sam", yesterday, "2026-Q1"), CORA)
    assert (refused.value.field, refused.value.message) == ("due", "a commitment is due today or later")
    async with portal.browser("csm") as csm:
        promised = {"text": "Answer", "owner": "Sam", "of": "2026-Q1"}
        answer = await csm.post("/t/far/qbr/commitments", data=promised | {"due": yesterday.isoformat()})
        assert (answer.status_code, "a commitment is due today or later" in answer.text) == (422, True)
        asked = {"tenantId": encode("Tenant", far.id, far.id), "text": "Answer", "owner": "Sam"}
        made = await _make(csm, asked | {"due": yesterday.isoformat()})
        assert made == {
            "commitment": None,
            "userErrors": [{"code": "INVALID", "path": ["input", "due"]}],
        }
        assert await everything(house, far.id) == before
        answer = await csm.post("/t/far/qbr/commitments", data=promised | {"due": today.isoformat()})
        assert answer.status_code == 303
        made = await _make(csm, asked | {"due": today.isoformat(), "period": "2026-Q1"})
        assert made == {"commitment": {"due": today.isoformat()}, "userErrors": []}
        assert ">Late<" not in (await csm.get("/t/far/qbr")).text
        portal.clock.advance(timedelta(hours=1))
        assert (await csm.get("/t/far/qbr")).text.count(">Late<") == 2, "by now it is the day after"
    with pytest.raises(InvalidInput):
        await house.qbrs.promise(Promise(far.id, "Answer", "Sam", today, "2026-Q1"), CORA)
    first, second = await house.qbr_reader.commitments(CORA, far.id)
    await house.qbrs.settle(Settle(far.id, first.id, CommitmentState.KEPT, "answered"), CORA)
    issued = await issue(house, await prepare(house, far.id))
    body = (await house.qbr_reader.get(CORA, far.id, issued.id)).document
    assert body["period"]["label"] == Q2
    rows = {
        row["id"]: [row["cells"][at]["value"] for at in (2, 3, 5)]
        for row in body["sections"][0]["tables"][0]["rows"]
    }
    assert rows == {
        str(first.id): [today.isoformat(), "kept, late", tomorrow.isoformat()],
        str(second.id): [today.isoformat(), "open, late", "open"],
    }


async def _make(csm, given: dict[str, str]) -> dict[str, object]:
    answer = await csm.post("/graphql", json={"query": MAKE, "variables": {"input": given}})
    found: dict[str, object] = answer.json()["data"]["makeCommitment"]
    return found
