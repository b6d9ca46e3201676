"""What was signed and released before something was merged into it does not tell of that, and is not its postmortem."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.learning_world import BEGAN, declared, named, updated
from support.postmortem_desk import WRITTEN, Desk, actor_of, desk_of

from schema.context import Context
from schema.root import schema
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.learning.postmortems.model import Postmortem, Release, Reopen, Written
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.learning.switchboard.model import BoardFilter

pytestmark = pytest.mark.takes(seconds=40)

ASKED = """{ viewer { tenant { incidents(since: "2026-05-31T00:00:00Z", until: "2026-06-30T00:00:00Z") {
  key owesPostmortem postmortem { version sha256 } } } } }"""
Shown = dict[str, tuple[int, str] | None]


async def shown(desk: Desk, reader: Actor) -> Shown:
    """By key, the version and digest of the copy that stands with each of the customer's incidents: at both doors."""
    touched = await desk.house.customer_incidents.of_tenant(
        reader, desk.contoso, BEGAN - timedelta(days=1), BEGAN + timedelta(days=20)
    )
    page = {
        each.name: None if each.copy is None else (each.copy.version, each.copy.sha256)
        for each in touched.incidents
    }
    answer = await schema.execute(ASKED, context_value=Context(desk.house, reader))
    assert answer.errors is None, answer.errors
    assert answer.data is not None
    program = {}
    for each in answer.data["viewer"]["tenant"]["incidents"]:
        assert each["owesPostmortem"]
        copy = each["postmortem"]
        program[each["key"]] = None if copy is None else (copy["version"], copy["sha256"])
    assert page == program
    return page


async def released(desk: Desk, signed: Postmortem) -> tuple[int, str]:
    command = Release(signed.id, signed.version, desk.contoso, "customer", "As we promised.")
    release = await desk.house.postmortem_releases.release(command, desk.owner)
    assert await desk.house.postmortem_copies.issue(release.id)
    return release.version, release.sha256


async def test_a_merged_incident_is_owed_its_postmortem_until_a_copy_tells_of_it(vendor, clock: ManualClock):
    desk = await desk_of(vendor)
    reader = actor_of(await vendor.person("Otto Klein", Role.CUSTOMER_VIEWER, tenant_id=desk.contoso))
    signed = await desk.signed(await desk.postmortem("INC-1"))
    first = await released(desk, signed)
    assert await shown(desk, reader) == {"INC-1": first}

    clock.advance(timedelta(days=2))
    await vendor.tell(
        declared("INC-2", minute=1500, tenants=["contoso"]),
        updated("INC-2", "merged", minute=1510, into="INC-1"),
    )
    register = await vendor.register()
    assert register["INC-2"].covering_id == named("INC-1")
    ledger = (await desk.house.switchboard.board(desk.owner, BoardFilter())).ledger
    assert {each.name: each.cover for each in ledger.lines} == {
        "Trouble INC-1": Cover.SIGNED,
        "Trouble INC-2": Cover.UNSIGNED,
    }
    assert await shown(desk, reader) == {"INC-1": first, "INC-2": None}

    clock.advance(timedelta(minutes=1))
    own = await released(desk, await desk.signed(await desk.postmortem("INC-2")))
    assert await shown(desk, reader) == {"INC-1": first, "INC-2": own}, "not hidden behind the other's"

    reopened = await desk.house.postmortem_signing.reopen(
        Reopen(signed.id, "Another incident turned out to be this one."), desk.owner
    )
    again = await desk.signed(reopened, Written(**(WRITTEN.json() | {"risks": "It may recur."})))
    assert await shown(desk, reader) == {"INC-1": first, "INC-2": own}, "that version is not theirs yet"
    second = await released(desk, again)
    assert second[0] == 2
    assert await shown(desk, reader) == {"INC-1": second, "INC-2": second}
