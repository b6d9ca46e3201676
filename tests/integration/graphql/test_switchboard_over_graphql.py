"""The Switchboard, reminders and incidents over GraphQL, to the last point: filters, trend, ledger, who was told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.actions_world import SIGNED, Promises, promises
from support.graphql_desk import ask, do
from support.learning_world import BEGAN, PAGER, Vendor, declared, named, step, updated
from support.portal_fixtures import Portal

from schema.ids import encode
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.model import ActionFilter

pytestmark = pytest.mark.takes(seconds=15)
DAY = 24 * 60
#: The portal's clock stands at Friday 10 July 2026, 09:00.
WEEKS = [datetime(2026, 7, 10, 9, tzinfo=UTC) - timedelta(weeks=week) for week in range(12, -1, -1)]


def points(*latest: int) -> list[dict[str, object]]:
    """The trend that ends with these; before them nothing was owed."""
    all_ = [0] * (len(WEEKS) - len(latest)) + list(latest)
    return [{"at": at.isoformat(), "points": each} for at, each in zip(WEEKS, all_, strict=True)]


def to(portal: Portal, at: datetime) -> None:
    portal.clock.advance(at - portal.clock.now())


@pytest.fixture
async def world(portal: Portal) -> Promises:
    """Of the team ``payments`` a P1 of 1 June with an action due on 9 June; of the service ``ledger`` a P1 of that
    day and a P2 of 1 July, of no team; and something told of an incident that nobody declared.
    """
    vendor, now = Vendor(portal.house, portal.clock), portal.clock.now()
    assert now == WEEKS[-1]
    to(portal, SIGNED)
    found = await promises(vendor)
    await found.begun()
    await vendor.tell(
        declared("INC-A", "P1", service="ledger", team="core"), step("INC-A", "resolved", minute=60)
    )
    await vendor.register()
    to(portal, BEGAN + timedelta(days=30))
    await vendor.tell(declared("INC-B", "P2", service="ledger", minute=30 * DAY))
    await vendor.tell(updated("INC-Z", "note", minute=30 * DAY))
    await vendor.register()
    to(portal, now)
    await portal.house.action_reminders.round()
    return found


BOARD = """query ($service: String, $team: String, $owner: String, $severity: IncidentSeverity) {
  switchboard(service: $service, team: $team, owner: $owner, severity: $severity) {
    points open overdue unsigned missing trend { at points }
    addends { owed title severity team due late weight weeksLate moves points } } }"""


async def test_each_filter_gives_its_own_debt_and_trend_to_the_point(portal: Portal, world: Promises) -> None:
    def owed(
        kind: str, title: str, severity: str, team: str | None, due: str, weight: int, weeks: int
    ) -> dict:
        return {
            "owed": kind, "title": title, "severity": severity, "team": team, "due": due, "late": weeks > 0,
            "weight": weight, "weeksLate": weeks, "moves": 0, "points": weight * (1 + weeks),
        }  # fmt: skip

    a = owed("UNSIGNED", "Trouble INC-A", "P1", "core", "2026-06-15", 8, 4)
    b = owed("UNSIGNED", "Trouble INC-B", "P2", None, "2026-07-15", 4, 0)
    action = owed("ACTION", "Limit the pool", "P1", "payments", "2026-06-09", 8, 5)
    one = owed("UNSIGNED", "Trouble INC-1", "P1", "payments", "2026-06-15", 8, 4)
    # A P1 weighs 8; its postmortem is due on 15 June, and each week begun since counts once more.
    of_a, of_action = (8, 8, 16, 24, 32, 40), (8, 16, 24, 32, 40, 48)
    async with portal.browser("pmo") as pmo, portal.browser("customer_admin") as customer:
        for asked, expected, trend in (
            ({"service": "ledger"}, [a, b], (8, 8, 16, 24, 36, 44)),
            ({"service": "ledger", "team": "core"}, [a], of_a),
            ({"service": "ledger", "team": ""}, [b], (4, 4)),
            ({"service": "ledger", "severity": "P2"}, [b], (4, 4)),
            ({"team": "payments"}, [action, one], tuple(map(sum, zip(of_a, of_action, strict=True)))),
            ({"team": "payments", "owner": str(world.olga.id)}, [action], of_action),
            ({"service": "no such"}, [], ()),
        ):
            board = (await ask(pmo, BOARD, **asked))["switchboard"]
            assert board.pop("addends") == expected, asked
            assert board.pop("trend") == points(*trend), asked
            actions = [each for each in expected if each["owed"] == "ACTION"]
            assert board == {
                "points": sum(each["points"] for each in expected),
                "open": len(actions), "overdue": len(actions), "unsigned": len(expected) - len(actions), "missing": 0,
            }, asked  # fmt: skip
        refused = (await customer.post("/graphql", json={"query": BOARD})).json()
    assert [each["extensions"]["code"] for each in refused["errors"]] == ["DENIED"]
    assert refused["data"] == {"switchboard": None}


async def test_the_ledger_names_every_p1_and_p2_and_what_nobody_declared(
    portal: Portal, world: Promises
) -> None:
    ledger = """query ($gaps: Boolean!) { switchboard { majors covered coverage(gapsOnly: $gaps) {
      name cover incidentId worstSeverity downgraded since owner } } }"""
    told_at = portal.clock.now()
    await world.vendor.tell(declared("INC-W", "P1"))
    async with portal.browser("pmo") as pmo:
        board = (await ask(pmo, ledger, gaps=False))["switchboard"]
        gaps = (await ask(pmo, ledger, gaps=True))["switchboard"]

    def line(key: str, severity: str, since: datetime) -> dict[str, object]:
        return {
            "name": f"Trouble {key}", "cover": "UNSIGNED", "incidentId": encode("VendorIncident", VENDOR_ID, named(key)),
            "worstSeverity": severity, "downgraded": False, "since": since.isoformat(), "owner": "Ivo Owner",
        }  # fmt: skip

    july = BEGAN + timedelta(days=30)
    ours = [each for each in board["coverage"] if "INC-" in each["name"] and each["since"] < "2026-07-02"]
    for expected in (
        line("INC-1", "P1", BEGAN), line("INC-A", "P1", BEGAN), line("INC-B", "P2", july),
        {"name": f"{PAGER}/INC-Z", "cover": "UNDECLARED", "incidentId": None, "worstSeverity": None,
         "downgraded": False, "since": july.isoformat(), "owner": ""},
    ):  # fmt: skip
        assert expected in ours
    assert {
        "name": "INC-W", "cover": "WAITING", "incidentId": None, "worstSeverity": None, "downgraded": False,
        "since": told_at.isoformat(), "owner": "",
    } in board["coverage"]  # fmt: skip
    assert len(board["coverage"]) == board["majors"]
    assert len(gaps["coverage"]) == board["majors"] - board["covered"]
    assert [each for each in board["coverage"] if each["cover"] not in {"SIGNED", "MERGED"}] == gaps[
        "coverage"
    ]
    since = [each["since"] for each in board["coverage"]]
    assert since == sorted(since)


async def test_who_was_reminded_of_what_is_listed_for_staff_alone(portal: Portal, world: Promises) -> None:
    wanted = ActionFilter(owner_id=world.olga.id)
    (action,) = (
        await portal.house.prevention_reader.page(world.petra.as_actor(), wanted, PageRequest())
    ).items
    id_, olga = encode("PreventionAction", VENDOR_ID, action.id), encode("Person", VENDOR_ID, world.olga.id)
    query = """query ($kind: ReminderKind, $owner: ID, $action: ID) { preventionReminders(
      first: 10, kind: $kind, ownerId: $owner, actionId: $action) { nodes {
        actionId title owner reminder { rung due skipped told } ways { channel state count } } } }"""

    async with portal.browser("pmo") as pmo, portal.browser("customer_admin") as customer:

        async def listed(**asked: str) -> list[dict]:
            return (await ask(pmo, query, **asked))["preventionReminders"]["nodes"]

        everything = await listed(owner=olga)
        assert [(each["reminder"]["rung"], each["reminder"]["told"]) for each in everything] == [
("PMO", ["PMO"]), ("MANAGER", ["Max Manager"]), ("AFTER", ["Olga Operator"]), ("DUE", ["Olga Operator"]),
            ("BEFORE", ["Olga Operator"]),
        ]  # fmt: skip
        assert everything[3] == {
            "actionId": id_, "title": "Limit the pool", "owner": "Olga Operator",
            "reminder": {"rung": "DUE", "due": "2026-06-09", "skipped": None, "told": ["Olga Operator"]},
            "ways": [],
        }  # fmt: skip
        assert await listed(action=id_) == everything
        assert [each["reminder"]["rung"] for each in await listed(action=id_, kind="ESCALATED")] == [
            "PMO",
            "MANAGER",
        ]
        assert await listed(action=id_, kind="SKIPPED") == []
        answer = (
            await customer.post(
                "/graphql", json={"query": "{ preventionReminders(first: 1) { nodes { title } } }"}
            )
        ).json()
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["DENIED"]


async def test_an_incident_is_read_with_all_that_its_page_shows(portal: Portal, world: Promises) -> None:
    await world.vendor.tell(
        declared("INC-C", "P2", minute=31 * DAY, service="ledger"),
        updated("INC-C", "merged", minute=31 * DAY + 5, into="INC-B"),
    )
    await world.vendor.register()
    b, c = (encode("VendorIncident", VENDOR_ID, named(key)) for key in ("INC-B", "INC-C"))
    read = """query ($id: ID!) { incident(id: $id) { majorBecause mergedIntoId owner approvalRequestId
      merged { id key worstSeverity } timeline { kind text turningPoint by source eventId claim } } }"""
    async with portal.browser("sre_operator") as sre:
        told = {"incidentId": b, "telling": "TURNING_POINT", "text": "The lock was the cause"}
        assert (await do(sre, "tellOfIncident", "incident { key }", **told))["userErrors"] == []
        before = (await ask(sre, read, id=b))["incident"]
        less = {"incidentId": b, "telling": "SEVERITY", "severity": "P3", "text": "It hurt nobody"}
        asked = await do(sre, "tellOfIncident", "approvalRequestId", **less)
        after = (await ask(sre, read, id=b))["incident"]
        other = (await ask(sre, read, id=c))["incident"]
    assert (before["majorBecause"], before["mergedIntoId"]) == ("DECLARED", None)
    assert before["owner"] == "ivo@vendor.example"
    assert before["merged"] == [{"id": c, "key": "INC-C", "worstSeverity": "P2"}]
    first, last = before["timeline"][0], before["timeline"][-1]
    assert first == {
        "kind": "DECLARED", "text": "Trouble INC-B", "turningPoint": True, "by": None, "source": PAGER,
        "eventId": f"INC-B-declared--{30 * DAY}", "claim": False,
    }  # fmt: skip
    assert (last["kind"], last["text"], last["turningPoint"]) == ("NOTE", "The lock was the cause", True)
    assert last["by"] is not None
    assert (before["approvalRequestId"], after["approvalRequestId"]) == (None, asked["approvalRequestId"])
    assert asked["approvalRequestId"] is not None
    claims = [(each["kind"], each["text"]) for each in after["timeline"] if each["claim"]]
    assert claims == [("SEVERITY", "It hurt nobody")]
    assert (other["mergedIntoId"], other["merged"]) == (b, [])


async def test_a_customer_is_told_whether_it_was_named(portal: Portal, world: Promises) -> None:
    named_, everybody = "INC-81", "INC-82"
    await world.vendor.tell(
        declared(named_, "P2", minute=32 * DAY, tenants=["aurora"]),
        declared(everybody, "P2", minute=32 * DAY),
        declared("INC-O", "P2", minute=32 * DAY, tenants=["brightside"]),
    )
    await world.vendor.register()
    ours = """{ viewer { tenant { incidents(since: "2026-07-03T00:00:00Z", until: "2026-07-04T00:00:00Z") {
      key named } } } }"""
    async with portal.browser("customer_admin") as customer:
        found = (await ask(customer, ours))["viewer"]["tenant"]["incidents"]
    told = {each["key"]: each["named"] for each in found}
    assert (told[named_], told[everybody]) == (True, False)
    assert "INC-O" not in told
